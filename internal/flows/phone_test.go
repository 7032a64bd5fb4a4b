package flows

import "telefonist/sip/softphone"

// talks brings Kalle's call to Anna.
func (s *stage) talks() {
	s.t.Helper()
	s.calls("kalle")
	s.answers("anna")
	if s.edited != "" {
		s.configure(s.edited)
		s.board.SetDirectory(s.dir(), s.limits())
		if new, _ := s.dir().Tenant("acme"); new.Rules.RecallAfter != second || new.Name != "Ny AB" {
			s.t.Errorf("nothing was edited: %+v", new.Rules)
		}
	}
	s.after(5 * second)
}

// phone is what a receptionist does by the keys of her phone.
var phone = []scene{
	{"phone-hold", world("", anna), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.after(10 * second)
		s.resumes("anna")
		s.after(5 * second)
		s.hangsUp("anna")
	}},
	{"phone-connect-answered", world("", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "205")
		s.served("kalle", "205")
	}},
	{"phone-connect-no-answer", world("recall_after: 10s", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "205")
		s.after(12 * second)
		s.hangsUp("anna")
	}},
	{"phone-connect-left-at-once-and-not-answered", world("recall_after: 10s", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "205")
		s.hangsUp("anna")
		s.after(11 * second)
		s.answers("anna") // her phone rings again
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"phone-connect-not-allowed", world("", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "0900123456")
		s.after(5 * second)
		s.hangsUp("anna")
	}},
	{"phone-announce", world("", anna), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "205")
		s.after(3 * second)
		s.answers("205")
		s.after(8 * second)
		s.completes("anna")
		s.after(20 * second)
		s.hangsUp("kalle")
	}},
	{"phone-announce-without-hold", world("", anna), func(s *stage) {
		s.talks()
		s.dials("anna", "205") // her phone has not put the caller on hold
		s.after(3 * second)
		s.answers("205")
		s.after(3 * second)
		s.hangsUp("anna")
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"phone-announce-a-third-call", world("", anna), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "205")
		s.answers("205")
		s.dials("anna", "206") // two at once, not three
		s.after(2 * second)
		s.completes("anna")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"phone-announce-not-wanted", world("", anna), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "205")
		s.answers("205")
		s.after(5 * second)
		s.hangsUp("anna") // the second call
		s.resumes("anna")
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"phone-announce-busy", world("", anna), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "205")
		s.declines("205", 486)
		s.after(2 * second)
		s.resumes("anna")
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"phone-own-transfer-comes-back", world("", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "205")
		s.after(3 * second)
		in := s.leg("205").Invite()
		s.places("kalle", softphone.Invite{To: acme, From: in.From, Diversion: []string{"205"}, History: []string{"205", acme}, Headers: in.Headers})
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"phone-park-and-pick-up-by-codes", world("", anna, bo), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "*15")
		s.after(10 * second)
		s.dials("bo", "*161")
		s.after(5 * second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"phone-hand-back-by-code", world("", anna, bo), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "*17")
		s.after(3 * second)
		s.served("kalle", "bo")
	}},
	{"phone-take-back-by-code", world("", anna), func(s *stage) {
		s.talks()
		s.refers("anna", "205")
		s.after(3 * second)
		s.dials("anna", "*10")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"phone-connect-to-a-colleague", world("", anna, bo), func(s *stage) {
		s.talks()
		s.refers("anna", "*19102")
		s.after(2 * second)
		s.answers("bo")
		s.after(10 * second)
		s.hangsUp("kalle")
	}},
	{"phone-connect-to-a-group", group, func(s *stage) {
		s.talks()
		s.refers("anna", "*205687") // jour
		s.after(2 * second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"phone-consults-a-colleague", world("", anna, bo), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "*19102")
		s.after(2 * second)
		s.answers("bo")
		s.after(5 * second)
		s.completes("anna")
		s.after(10 * second)
		s.hangsUp("kalle")
	}},
	{"phone-consults-the-supervisor", world("", anna, agent("eva", "supervisor: true")), func(s *stage) {
		s.talks()
		s.holds("anna")
		s.dials("anna", "*24")
		s.after(2 * second)
		s.answers("eva")
		s.after(5 * second)
		s.hangsUp("eva")
		s.resumes("anna")
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"phone-calls-out-in-a-tenants-name", world("", anna), func(s *stage) {
		s.dials("anna", "*180850000001*0700000002")
		s.after(2 * second)
		s.answers("lisa")
		s.after(10 * second)
		s.hangsUp("anna")
	}},
	{"phone-calls-out-not-allowed", world("", anna), func(s *stage) {
		s.dials("anna", "*180850000001*0900123456")
		s.after(5 * second)
	}},
	{"phone-consults-without-a-call", world("", anna), func(s *stage) { s.dials("anna", "205") }},
}
