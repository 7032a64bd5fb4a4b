package flows

import (
	"time"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/switchboard"
)

// over has Anna speak with Kalle for longer than is included.
func (s *stage) over() {
	s.t.Helper()
	s.talks()
	s.after(45 * second)
}

// limits is the 35, 45 and 120 seconds and what is done at them.
var limits = []scene{
	{"limit-record", world("", anna), func(s *stage) {
		s.over()
		s.hangsUp("kalle")
	}},
	{"limit-notify", world("at_limit: notify", anna), func(s *stage) {
		s.over()
		s.hangsUp("kalle")
	}},
	{"limit-forward", world(`at_limit: forward, limit_to: "205"`, anna), func(s *stage) {
		s.over()
		s.served("kalle", "205")
	}},
	{"limit-end-with-prompt", world("at_limit: end", anna), func(s *stage) { s.over() }},
	{"limit-granted", world("at_limit: end", anna), func(s *stage) {
		s.talks()
		s.after(30 * second)
		s.supervises("kalle", switchboard.Order{Do: call.ActGrant, Grant: time.Minute})
		s.after(80 * second)
	}},
	{"limit-held-counts", world("", anna), func(s *stage) {
		s.talks()
		s.desk("anna", call.ActHold)
		s.after(45 * second)
		s.desk("anna", call.ActResume)
		s.hangsUp("kalle")
	}},
	{"hard-cap", world("hard_cap: 1m", anna), func(s *stage) {
		s.talks()
		s.after(60 * second)
	}},
}

// outgoing is calls that the service makes in a tenant's name.
var outgoing = []scene{
	{"out-answered", world("", anna), func(s *stage) {
		s.callsOut("anna", "acme", "08-50 00 00 42")
		s.after(second)
		s.answers("anna")
		s.after(2 * second)
		s.answers("+46850000042")
		s.after(20 * second)
		s.hangsUp("anna")
	}},
	{"out-busy", world("", anna), func(s *stage) {
		s.callsOut("anna", "acme", "205")
		s.answers("anna")
		s.declines("205", 486)
		s.after(3 * second)
	}},
	{"out-she-does-not-answer", world("ring_timeout: 5s", anna), func(s *stage) {
		s.callsOut("anna", "acme", "205")
		s.after(6 * second)
	}},
	{"out-not-allowed", world("", anna), func(s *stage) {
		for _, to := range []string{"0900-123456", "+4930123456", "1"} {
			s.callsOut("anna", "acme", to)
		}
		s.callsOut("anna", "nobody", "205")
	}},
	{"out-foreign-where-allowed", world(`prefixes: ["+46", "+49"]`, anna), func(s *stage) {
		s.callsOut("anna", "acme", "+49 30 123456")
		s.answers("anna")
		s.answers("+4930123456")
		s.after(5 * second)
		s.hangsUp("anna")
	}},
}

// supervision is what a supervisor does.
var supervision = []scene{
	{"supervisor-takes-a-caller-for-an-agent", world("", anna), func(s *stage) {
		s.late("kalle", "lisa")
		s.after(second)
		s.answers("anna")
		s.hangsUp("kalle")
		s.takes("lisa", "anna") // wraps up: not free
		s.after(5 * second)
		s.answers("anna")
		s.hangsUp("lisa")
	}},
	{"supervisor-takes-past-others", world("levels: [{groups: [norr]}, {groups: [jour], after: 10m}]", agent("anna", "groups: [jour]"), agent("bo", "groups: [norr]")), func(s *stage) {
		s.sets("bo", queue.Paused, "lunch")
		s.calls("kalle")
		s.calls("lisa")
		s.after(5 * second) // Anna's level has not begun
		s.takes("lisa", "anna")
		s.after(second)
		s.answers("anna")
		s.after(3 * second)
		s.hangsUp("lisa")
		s.hangsUp("kalle")
	}},
	{"supervisor-moves-a-caller", world("", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "lunch")
		s.calls("kalle")
		s.calls("lisa")
		s.moves("lisa", 1)
		s.sets("anna", queue.Available, "")
		s.serves("anna", 2)
	}},
	{"supervisor-diverts-a-caller", world("", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "lunch")
		s.calls("kalle")
		s.after(5 * second)
		s.supervises("kalle", switchboard.Order{Do: call.ActDivert, To: "205"})
		s.served("kalle", "205")
	}},
	{"supervisor-frees-an-agent", world("", anna, bo), func(s *stage) {
		s.talks()
		s.frees("anna")
		s.after(second)
		s.answers("bo")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"supervisor-frees-an-agent-whose-phone-rings", world("", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(3 * second)
		s.frees("anna")
		s.served("kalle", "bo")
	}},
	{"supervisor-pauses-an-agent-in-a-call", world("", anna, bo), func(s *stage) {
		s.talks()
		s.sets("anna", queue.Paused, "meeting")
		s.hangsUp("kalle")
		s.after(10 * second)
		s.calls("lisa")
		s.served("lisa", "bo")
	}},
	{"supervisor-ends-a-call", world("", anna), func(s *stage) {
		s.talks()
		s.supervises("kalle", switchboard.Order{Do: call.ActEnd})
	}},
	{"rules-changed-during-a-call", world("recall_after: 10s", anna), func(s *stage) {
		s.talks()
		s.asks("operator", "recall_after: 1s, at_limit: end, closed, Anna is disabled")
		s.configure(world(`recall_after: 1s, at_limit: end, hours: {sun: "10:00-11:00"}`, bo))
		s.board.SetDirectory(s.dir(), s.limits())
		s.desk("anna", call.ActConnect, "205") // rings for ten seconds
		s.after(12 * second)
		s.after(40 * second) // the limit only records
		s.hangsUp("kalle")
		s.calls("lisa") // goes by the new rules
		s.after(5 * second)
	}},
}
