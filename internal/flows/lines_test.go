package flows

import (
	"telefonist/queue"
	"time"
)

// late has Anna come when the callers are in line.
func (s *stage) late(waiting ...string) {
	s.t.Helper()
	s.sets("anna", queue.Paused, "lunch")
	for _, who := range waiting {
		s.calls(who)
		s.after(2 * second)
	}
	s.sets("anna", queue.Available, "")
}

// serves has an agent take whoever comes, n times.
func (s *stage) serves(agent string, n int) {
	s.t.Helper()
	for range n {
		s.after(second)
		s.answers(agent)
		s.after(3 * second)
		s.hangsUp(agent)
		s.after(6 * second) // wrap-up
	}
}

// lines is who waits, and what she meets there.
var lines = []scene{
	{"line-order-of-arrival-across-tenants", two("", "priority: 0", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "lunch")
		s.calls("kalle")
		s.calls("lisa", beta)
		s.calls("maja")
		s.sets("anna", queue.Available, "")
		s.serves("anna", 3)
	}},
	{"line-priority", two("", "priority: 5", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "lunch")
		s.calls("kalle")
		s.calls("lisa", beta)
		s.sets("anna", queue.Available, "")
		s.serves("anna", 2)
	}},
	{"line-flood-of-one-tenant", two("", "priority: 0", anna, bo, cia, dan, eva), func(s *stage) {
		for i, who := range []string{"kalle", "lisa", "maja", "nils", "olga"} {
			s.calls(who)
			s.answers([]string{"anna", "bo", "cia", "dan", "eva"}[i])
		}
		s.calls("petra") // of the tenant that has everybody already
		s.after(10 * second)
		s.calls("rut", beta) // of another, ten seconds later
		s.hangsUp("kalle")
		s.after(6 * second)
		s.answers("anna") // Rut, before Petra
		s.hangsUp("lisa")
		s.after(6 * second)
		s.answers("bo")
		for _, who := range []string{"maja", "nils", "olga", "petra", "rut"} {
			s.hangsUp(who)
		}
	}},
	{"line-vip-first", world(`vip: ["+46700000002"]`, anna), func(s *stage) {
		s.late("kalle", "lisa")
		s.serves("anna", 2)
	}},
	{"line-blocked", world(`blocked: ["+4670000000*"]`, anna), func(s *stage) { s.calls("kalle") }},
	{"line-kept-place", world("keep_place: 3m", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "lunch")
		s.calls("kalle")
		s.after(5 * second)
		s.calls("lisa")
		s.after(5 * second)
		s.hangsUp("kalle")
		s.after(30 * second)
		s.calls("kalle")
		s.sets("anna", queue.Available, "")
		s.serves("anna", 2)
	}},
	{"line-full-busy", world("max_queue: 1, overflow: busy", anna), full},
	{"line-full-prompt", world("max_queue: 1, overflow: prompt", anna), full},
	{"line-full-forward", world(`max_queue: 1, overflow: forward, forward_to: "205"`, anna), func(s *stage) {
		s.sets("anna", queue.Paused, "meeting")
		s.calls("kalle")
		s.calls("lisa")
		s.served("lisa", "205")
		s.hangsUp("kalle")
	}},
	{"line-longest-wait-prompt", world("max_wait: 30s", anna), longest},
	{"line-longest-wait-busy", world("max_wait: 30s, overflow: busy", anna), longest},
	{"line-longest-wait-wish", world("max_wait: 30s, overflow: wish, keys: {1: wish}", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "meeting")
		s.calls("kalle")
		s.after(31 * second)
		s.presses("kalle", "1")
		s.after(5 * second)
		s.calledBack("anna", "kalle")
	}},
	{"line-abandoned", world("", anna), func(s *stage) {
		s.calls("kalle")
		s.after(5 * second)
		s.hangsUp("kalle")
	}},
	{"line-ring-first", world("answer: ring", anna), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
	{"line-ring-first-nobody", world("answer: ring, ring_for: 20s", anna), func(s *stage) {
		s.calls("kalle")
		s.after(25 * second)
		s.hangsUp("kalle")
	}},
	{"line-announcements", announced, func(s *stage) {
		s.busy("anna")
		s.calls("kalle")
		s.calls("lisa")
		s.after(45 * second)
		s.hangsUp("olga")
		s.after(5 * second)
		s.serves("anna", 2)
	}},
	{"line-key-says", world(`keys: {3: "say sv-no-recording"}`, anna), func(s *stage) {
		s.sets("anna", queue.Paused, "admin")
		s.calls("kalle")
		s.after(3 * second)
		s.presses("kalle", "3")
		s.after(5 * second)
		s.presses("kalle", "4") // means nothing
		s.sets("anna", queue.Available, "")
		s.served("kalle", "anna")
	}},
	{"line-key-forwards", world(`keys: {2: "forward 205"}`, anna), func(s *stage) {
		s.sets("anna", queue.Paused, "admin")
		s.calls("kalle")
		s.after(3 * second)
		s.presses("kalle", "2")
		s.served("kalle", "205")
	}},
	{"wish-called-back-in-the-callers-place", world("keys: {1: wish}", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "meeting")
		s.calls("lisa")
		s.calls("kalle")
		s.presses("kalle", "1")
		s.after(5 * second)
		s.calls("maja")
		s.sets("anna", queue.Available, "")
		s.serves("anna", 1) // Lisa came earlier
		s.answers("anna")   // Kalle's wish
		s.after(second)
		s.answers("kalle")
		s.after(10 * second)
		s.hangsUp("anna")
		s.after(6 * second)
		s.serves("anna", 1) // Maja came later
	}},
	{"wish-unanswered-is-tried-again", world("keys: {1: wish}", anna), func(s *stage) {
		s.sets("anna", queue.Paused, "meeting")
		s.calls("kalle")
		s.presses("kalle", "1")
		s.after(5 * second)
		s.sets("anna", queue.Available, "")
		s.after(second)
		s.answers("anna")
		s.declines("kalle", 486)
		s.after(10*time.Minute + 10*second)
		s.answers("anna")
		s.after(second)
		s.answers("kalle")
		s.after(5 * second)
		s.hangsUp("anna")
	}},
	{"missed-offers-pause", world("ring_timeout: 5s", anna), func(s *stage) {
		for _, who := range []string{"kalle", "lisa", "maja"} {
			s.calls(who)
			s.after(6 * second)
			s.hangsUp(who)
			s.after(second)
		}
		s.calls("nils")
		s.after(5 * second)
		s.dials("anna", "*14")
		s.answers("anna")
		s.after(10 * second)
		s.hangsUp("nils")
	}},
	{"missed-goes-to-the-next", world("ring_timeout: 5s", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(5 * second)
		s.served("kalle", "bo")
	}},
	{"declined-goes-to-the-next", world("", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(2 * second)
		s.declines("anna", 603)
		s.served("kalle", "bo")
	}},
	{"declined-by-console", world("", anna, bo), func(s *stage) {
		s.calls("kalle")
		s.after(2 * second)
		s.desk("anna", "end")
		s.served("kalle", "bo")
	}},
	{"whispered", world("whisper: acme", anna), func(s *stage) {
		s.calls("kalle")
		s.served("kalle", "anna")
	}},
}

// announced is a tenant that tells callers of their place and wait.
var announced = `tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, welcome: [sv-welcome], announce_after: 10s, announce_position: 30s, announce_wait: 1m}
agents:
 - ` + anna + "\n"

func full(s *stage) {
	s.sets("anna", queue.Paused, "meeting")
	s.calls("kalle")
	s.calls("lisa")
	s.after(8 * second)
	s.hangsUp("kalle")
}

func longest(s *stage) {
	s.sets("anna", queue.Paused, "meeting")
	s.calls("kalle")
	s.after(40 * second)
}

// calledBack has an agent take the wish of a caller, and speak with her.
func (s *stage) calledBack(agent, caller string) {
	s.t.Helper()
	s.sets(agent, queue.Available, "")
	s.after(second)
	s.answers(agent)
	s.after(second)
	s.answers(caller)
	s.after(10 * second)
	s.hangsUp(agent)
}
