package flows

import "telefonist/queue"

// levels of Acme: the home group first, the other after ten seconds.
const homeFirst = "levels: [{groups: [norr]}, {groups: [jour], after: 10s}]"

// short is one call that somebody answers at once and that lasts three seconds.
func (s *stage) short(caller, agent string) {
	s.t.Helper()
	s.calls(caller)
	s.answers(agent)
	s.after(3 * second)
	s.hangsUp(caller)
	s.after(8 * second)
}

// strategies is who is offered a call.
var strategies = []scene{
	{"agents-home-group-first", world(homeFirst, agent("anna", "groups: [norr]"), agent("bo", "groups: [jour]")), func(s *stage) {
		s.calls("olga")
		s.answers("anna") // the home group is busy
		s.calls("kalle")
		s.after(10 * second)
		s.served("kalle", "bo")
		s.hangsUp("olga")
		s.after(6 * second)
		s.calls("lisa")
		s.served("lisa", "anna")
	}},
	{"agents-others-when-2-wait", world("levels: [{groups: [norr]}, {groups: [jour], after: 10m, when: 2}]", agent("anna", "groups: [norr]"),
		agent("bo", "groups: [jour]")), func(s *stage) {
		s.calls("olga")
		s.answers("anna")
		s.calls("kalle")
		s.after(30 * second)
		s.calls("lisa")
		s.served("kalle", "bo")
		s.hangsUp("lisa")
		s.hangsUp("olga")
	}},
	{"agents-skills", world("skills: [en]", anna, agent("bo", "skills: [en]")), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "bo")
	}},
	{"agents-longest-idle", world("", anna, bo, cia), func(s *stage) {
		s.short("kalle", "anna")
		s.short("lisa", "bo")
		s.short("maja", "cia")
		s.short("nils", "anna")
	}},
	{"agents-fewest-calls", world("strategy: fewest_calls", anna, bo), func(s *stage) {
		s.sets("bo", queue.Paused, "lunch")
		s.short("kalle", "anna")
		s.short("lisa", "anna")
		s.sets("bo", queue.Available, "")
		s.short("maja", "bo")
		s.short("nils", "bo") // two each: the longest idle is next
		s.short("kalle", "anna")
	}},
	{"agents-round-robin", world("strategy: round_robin", anna, bo, cia), func(s *stage) {
		s.short("kalle", "anna")
		s.sets("bo", queue.Paused, "lunch")
		s.sets("bo", queue.Available, "") // has been idle for the shortest time, and is next all the same
		s.short("lisa", "bo")
		s.short("maja", "cia")
		s.short("nils", "anna")
	}},
	{"agents-ring-all", world("strategy: ring_all", anna, bo, cia), func(s *stage) {
		s.calls("kalle")
		s.after(3 * second)
		s.answers("bo") // the others are told that it was answered elsewhere
		s.after(10 * second)
		s.hangsUp("kalle")
	}},
	{"agents-ring-all-caller-gives-up", world("strategy: ring_all", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(3 * second)
		s.hangsUp("kalle")
	}},
	{"agents-ring-all-one-declines", world("strategy: ring_all", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(second)
		s.declines("anna", 486)
		s.served("kalle", "bo")
	}},
	{"agents-codes-log-in-and-out", world("", anna), func(s *stage) {
		for _, code := range []string{"*12", "*11", "*131", "*14", "*139"} {
			s.dials("anna", code)
			s.after(4 * second)
		}
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
	{"agents-phone-gone", world("", anna), func(s *stage) {
		s.did("anna", s.phones["anna"].Unregister(s.ctx))
		s.calls("kalle")
		s.after(10 * second)
		s.did("anna", s.phones["anna"].Register(s.ctx))
		s.served("kalle", "anna")
	}},
}
