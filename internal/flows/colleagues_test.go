package flows

import (
	"telefonist/call"
	"telefonist/queue"
)

var group = world("", agent("anna", "groups: [norr]"), agent("bo", "groups: [jour]"), agent("cia", "groups: [norr]"))

// colleagues is what a receptionist does with others of the service, and with groups.
var colleagues = []scene{
	{"colleague-consulted", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "agent:bo")
		s.after(second)
		s.answers("bo")
		s.after(5 * second)
		s.desk("anna", call.ActTakeBack)
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"colleague-takes-over", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "agent:bo")
		s.after(second)
		s.answers("bo")
		s.after(5 * second)
		s.desk("anna", call.ActComplete)
		s.after(10 * second)
		s.hangsUp("bo")
	}},
	{"colleague-in-a-conference", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "agent:bo")
		s.answers("bo")
		s.after(2 * second)
		s.desk("anna", call.ActJoin)
		s.after(5 * second)
		s.desk("bo", call.ActEnd) // her part alone
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"colleague-connected-directly", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "agent:bo")
		s.after(2 * second)
		s.answers("bo")
		s.after(10 * second)
		s.hangsUp("kalle")
	}},
	{"colleague-does-not-answer", world("recall_after: 8s", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "agent:bo")
		s.after(10 * second)
		s.hangsUp("anna")
	}},
	{"colleague-not-available", world("", anna, bo), func(s *stage) {
		s.talks()
		s.sets("bo", queue.Paused, "lunch")
		s.desk("anna", call.ActConnect, "agent:bo")
		s.desk("anna", call.ActAnnounce, "agent:bo")
		s.desk("anna", call.ActConnect, "agent:nobody")
		s.hangsUp("anna")
	}},
	{"supervisor-consulted", world("", anna, agent("eva", "supervisor: true")), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "supervisor")
		s.after(second)
		s.answers("eva")
		s.after(5 * second)
		s.desk("anna", call.ActTakeBack)
		s.after(3 * second)
		s.hangsUp("anna")
	}},
	{"group-announced", group, func(s *stage) {
		s.talks()
		s.desk("anna", call.ActAnnounce, "group:norr")
		s.after(second)
		s.answers("cia")
		s.after(3 * second)
		s.desk("anna", call.ActComplete)
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"group-connected", group, func(s *stage) {
		s.talks()
		s.desk("anna", call.ActConnect, "group:jour")
		s.after(2 * second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"hand-back-to-the-head", world("", anna, bo), func(s *stage) {
		s.sets("bo", queue.Paused, "meeting")
		s.talks()
		s.calls("lisa") // waits already
		s.after(2 * second)
		s.desk("anna", call.ActHandBack)
		s.sets("bo", queue.Available, "")
		s.after(second)
		s.answers("bo") // Kalle, not Lisa
		s.after(5 * second)
		s.hangsUp("kalle")
		s.serves("anna", 1)
	}},
	{"hand-back-to-a-group", group, func(s *stage) {
		s.talks()
		s.desk("anna", call.ActHandBack, "group:jour")
		s.after(second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
}

// parking is callers who wait in a slot.
var parking = []scene{
	{"park-and-pick-up", world("", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActPark)
		s.after(20 * second)
		s.picksUp("bo", 2) // nobody is there
		s.picksUp("bo", 1)
		s.after(second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"park-recall", world("park_recall: 30s", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActPark)
		s.after(31 * second)
		s.answers("anna")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"park-recall-when-she-is-gone", world("park_recall: 30s", anna, bo), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActPark)
		s.sets("anna", queue.Offline, "")
		s.after(31 * second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"park-caller-leaves", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActPark)
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
}
