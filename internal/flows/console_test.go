package flows

import "telefonist/call"

// console is what a receptionist does by her console, the API or the command line.
var console = []scene{
	{"answer-by-console", world("", anna), func(s *stage) {
		s.calls("kalle")
		s.after(2 * second)
		s.desk("anna", call.ActAnswer)
		s.answers("anna") // her phone, which is asked to answer by itself
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"hold", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActHold)
		s.after(10 * second)
		s.desk("anna", call.ActResume)
		s.after(5 * second)
		s.desk("anna", call.ActEnd)
	}},
	{"connect-answered", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "205")
		s.after(4 * second)
		s.answers("205")
		s.after(20 * second)
		s.hangsUp("205")
	}},
	{"connect-mobile", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "070-000 00 02")
		s.served("kalle", "lisa")
	}},
	{"connect-common-number", world(`common_numbers: [{name: Support, number: "+46840000009"}]`, anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "08-400 000 09")
		s.served("kalle", "+46840000009")
	}},
	{"connect-no-answer", world("recall_after: 10s", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "205")
		s.after(12 * second)
		s.hangsUp("kalle")
	}},
	{"connect-busy", world("", anna), func(s *stage) { s.fails(486) }},
	{"connect-failure", world("", anna), func(s *stage) { s.fails(500) }},
	{"connect-caller-gives-up", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "205")
		s.after(3 * second)
		s.hangsUp("kalle")
	}},
	{"connect-take-back", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "205")
		s.after(4 * second)
		s.desk("anna", call.ActTakeBack)
		s.after(5 * second)
		s.hangsUp("anna")
	}},
	{"connect-voicemail", world(`voicemail: ["205"]`, anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "205")
		s.served("kalle", "205")
	}},
	{"connect-not-allowed", world("", anna), func(s *stage) {
		s.talks()
		for _, to := range []string{"0900-123456", "+49 30 123456", "nobody", ""} {
			s.desk("anna", call.ActConnect, to)
		}
		s.hangsUp("anna")
	}},
	{"announce-complete", world("", anna), func(s *stage) {
		s.announces()
		s.desk("anna", call.ActComplete)
		s.after(20 * second)
		s.hangsUp("kalle")
	}},
	{"announce-swap-join-complete", world("", anna), func(s *stage) {
		s.announces()
		s.desk("anna", call.ActSwap)
		s.after(3 * second)
		s.desk("anna", call.ActSwap)
		s.after(3 * second)
		s.desk("anna", call.ActJoin)
		s.after(5 * second)
		s.desk("anna", call.ActComplete)
		s.after(20 * second)
		s.hangsUp("205")
	}},
	{"announce-take-back", world("", anna), func(s *stage) {
		s.announces()
		s.desk("anna", call.ActTakeBack)
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"announce-busy", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "205")
		s.after(second)
		s.declines("205", 486)
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"announce-target-leaves", world("", anna), func(s *stage) {
		s.announces()
		s.hangsUp("205")
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"announce-caller-leaves", world("", anna), func(s *stage) {
		s.announces()
		s.hangsUp("kalle")
	}},
	{"end", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActEnd)
	}},
	{"end-by-caller-over-2-minutes", world("", anna), func(s *stage) {
		s.talks()
		s.after(125 * second)
		s.hangsUp("kalle")
	}},
	{"not-hers", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("bo", call.ActHold)
		s.desk("anna", call.ActSwap)
		s.desk("anna", call.ActGrant)
		s.hangsUp("anna")
	}},
}

// fails is a direct connection that ends with a status; the caller is with the receptionist again, who is told why.
func (s *stage) fails(code int) {
	s.t.Helper()
	s.talks()
	s.desk("anna", call.ActConnect, "205")
	s.after(2 * second)
	s.declines("205", code)
	s.after(5 * second)
	s.hangsUp("anna")
}

// announces brings a call to where Anna speaks with extension 205.
func (s *stage) announces() {
	s.t.Helper()
	s.talks()
	s.desk("anna", call.ActAnnounce, "205")
	s.after(2 * second)
	s.answers("205")
	s.after(5 * second)
}
