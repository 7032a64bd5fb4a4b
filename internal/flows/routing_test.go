package flows

import (
	"time"

	"telefonist/directory"
	"telefonist/queue"
	"telefonist/sip/softphone"
)

// served is a call that anybody answers after two seconds and that its caller ends after ten.
func (s *stage) served(caller, agent string) {
	s.t.Helper()
	s.after(2 * second)
	s.answers(agent)
	s.after(10 * second)
	s.hangsUp(caller)
}

// busy has one of the tenant's own in a call with Olga.
func (s *stage) busy(agent string) {
	s.t.Helper()
	s.calls("olga")
	s.answers(agent)
}

// closedAt09 is a tenant that opens an hour after the scenario begins.
const closedAt09 = `hours: {mon-fri: "10:00-17:00"}`

// routing is when the service answers, and what happens when nobody does.
var routing = []scene{
	{"alone", world("", anna), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
	{"alone-entrance-shown", world(`common_numbers: [{name: Support, number: "+46840000009"}]`, anna), func(s *stage) {
		s.places("kalle", softphone.Invite{To: acme, From: callers["kalle"], Diversion: []string{"+46840000009"}})
		s.served("kalle", "anna")
	}},
	{"with-own-answered-by-own", world("service: with_own", anna, olle), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "olle")
	}},
	{"with-own-pool-after-10s", world("service: with_own, pool_after: 10s", anna, olle), func(s *stage) {
		s.busy("olle")
		s.calls("kalle")
		s.after(10 * second)
		s.served("kalle", "anna")
		s.hangsUp("olga")
	}},
	{"with-own-pool-when-2-wait", world("service: with_own, pool_after: 10m, pool_when: 2", anna, olle), func(s *stage) {
		s.busy("olle")
		s.calls("kalle")
		s.after(20 * second)
		s.calls("lisa")
		s.served("kalle", "anna")
		s.after(6 * second) // wrap-up: Lisa waits alone, for the tenant's own
		s.hangsUp("olga")
		s.after(6 * second)
		s.served("lisa", "olle")
	}},
	{"overflow-own-busy", world("service: overflow", anna, olle), func(s *stage) {
		s.busy("olle")
		s.calls("kalle")
		s.served("kalle", "anna")
		s.hangsUp("olga")
	}},
	{"overflow-own-logged-out", world("service: overflow", anna, olle), func(s *stage) {
		s.sets("olle", queue.Offline, "")
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
	{"own-behind-the-trunk", world("service: with_own", anna, `{id: olle, kind: tenant, tenant: acme, trunk_extension: "210"}`), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "210")
	}},
	{"closed-hours-service", world("service: closed_hours, "+closedAt09, anna, olle), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "anna")
		s.after(time.Hour)
		s.calls("lisa")
		s.served("lisa", "olle")
	}},
	{"closed-prompt", world(closedAt09, anna), func(s *stage) {
		s.calls("kalle")
		s.after(5 * second)
	}},
	{"closed-forward", world(closedAt09+`, closed: forward, closed_to: "205"`, anna), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "205")
	}},
	{"closed-busy", world(closedAt09+", closed: busy", anna), func(s *stage) { s.calls("kalle") }},
	{"closed-answer-anyway", world(closedAt09+", closed: answer", anna), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
	{"closed-on-a-dated-exception", world(`hours: {mon-fri: "08:00-17:00", "2000-01-03": closed}`, anna), func(s *stage) {
		s.calls("kalle")
		s.after(5 * second)
	}},
	{"closed-entrance-alone", world(`common_numbers: [{name: Support, number: "+46840000009", hours: {mon-fri: "10:00-17:00"}}]`, anna), func(s *stage) {
		s.places("kalle", softphone.Invite{To: acme, From: callers["kalle"], Diversion: []string{"+46840000009"}})
		s.after(5 * second)
		s.calls("lisa")
		s.served("lisa", "anna")
	}},
	{"pool-hours-without-own", world(`service: with_own, pool_after: 0s, pool_hours: {mon-fri: "09:00-09:01"}`, anna, olle), func(s *stage) {
		s.busy("olle")
		s.calls("kalle")
		s.served("kalle", "anna")
		s.after(60 * second)
		s.calls("lisa") // waits for the tenant's own
		s.after(20 * second)
		s.hangsUp("olga")
		s.after(5 * second)
		s.served("lisa", "olle")
	}},
	{"when-away-by-portal", world("service: when_away", anna, olle), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "olle")
		s.after(10 * second)
		s.asks("portal", "Acme's own are away until 09:01")
		s.switched("acme", directory.Switch{Away: true, Until: monday.Add(time.Minute)})
		s.calls("lisa")
		s.served("lisa", "anna")
		s.after(30 * second)
		s.calls("maja")
		s.served("maja", "olle")
	}},
	{"when-away-by-dialled-code", world("service: when_away", anna, olle), func(s *stage) {
		s.dials("olle", "*21")
		s.after(5 * second)
		s.calls("kalle")
		s.served("kalle", "anna")
		s.dials("olle", "*22")
		s.after(8 * second)
		s.calls("lisa")
		s.served("lisa", "olle")
	}},
	{"when-away-by-code-through-the-trunk", world("service: when_away", anna, `{id: olle, kind: tenant, tenant: acme, trunk_extension: "210"}`), func(s *stage) {
		s.places("nils", softphone.Invite{To: "*21", From: "210"}) // from a phone behind the PBX
		s.after(5 * second)
		s.calls("kalle")
		s.served("kalle", "anna")
		s.places("nils", softphone.Invite{To: "*22", From: "210"})
		s.after(5 * second)
		s.calls("lisa")
		s.served("lisa", "210")
	}},
	{"no-agent-waits", world("", anna), func(s *stage) {
		s.sets("anna", queue.Offline, "")
		s.calls("kalle")
		s.after(20 * second)
		s.sets("anna", queue.Available, "")
		s.served("kalle", "anna")
	}},
	{"no-agent-prompt", world("no_agent: prompt", anna), noAgent},
	{"no-agent-busy", world("no_agent: busy", anna), noAgent},
	{"no-agent-forward", world(`no_agent: forward, forward_to: "205"`, anna), func(s *stage) {
		s.sets("anna", queue.Offline, "")
		s.calls("kalle")
		s.served("kalle", "205")
	}},
	{"no-agent-wish", world("no_agent: wish, keys: {1: wish}", anna), func(s *stage) {
		s.sets("anna", queue.Offline, "")
		s.calls("kalle")
		s.after(second)
		s.presses("kalle", "1")
		s.after(10 * second)
		s.calledBack("anna", "kalle")
	}},
	{"no-agent-leaves-during-the-wait", world("no_agent: prompt", anna), func(s *stage) {
		s.busy("anna")
		s.calls("kalle")
		s.after(10 * second)
		s.hangsUp("olga")
		s.sets("anna", queue.Offline, "")
		s.after(10 * second)
	}},
}

func noAgent(s *stage) {
	s.sets("anna", queue.Offline, "")
	s.calls("kalle")
	s.after(5 * second)
}
