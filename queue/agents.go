package queue

import (
	"cmp"
	"slices"
	"time"

	"telefonist/call"
)

// State is what an agent is doing, as the metric telefonist_agents says it.
type State string

const (
	Offline   State = "offline"   // no phone registered
	Available State = "available" // free for the next caller
	Ringing   State = "ringing"   // reserved, the phone rings
	Talking   State = "talking"   // answered, or reserved while a connection is made
	WrapUp    State = "wrap_up"
	Paused    State = "paused"
)

// States lists every state.
var States = []State{Offline, Available, Ringing, Talking, WrapUp, Paused}

// PausedMissed is the reason of a pause after too many missed offers.
const PausedMissed = "missed calls"

// Agent is what the pool must know of a receptionist.
type Agent struct {
	ID      string
	Kind    call.AgentKind
	Tenants []string // whom she answers for; empty means every tenant
	Wrap    time.Duration
}

// Status is what is told of an agent.
type Status struct {
	Agent
	State  State
	Reason string    // why she is paused
	Call   call.ID   // the call she is reserved for
	Since  time.Time // when the state began, as far as it is known
	Misses int       // offers missed in a row
}

type agent struct {
	Agent
	registered bool
	paused     string // reason, empty when not paused
	call       call.ID
	talking    bool
	reserved   time.Time // when she was reserved for the call
	wrapUntil  time.Time
	idleSince  time.Time // orders free agents; the earliest is next
	since      time.Time
	misses     int
	seq        int  // breaks ties by the order in which agents became known
	gone       bool // taken out while in a call: serves nobody any more, and is forgotten when it ends
}

// free tells whether the agent may be offered a call.
func (a *agent) free(now time.Time) bool { return !a.gone && a.state(now) == Available }

func (a *agent) state(now time.Time) State {
	switch {
	case a.call != "" && a.talking:
		return Talking
	case a.call != "":
		return Ringing
	case !a.registered:
		return Offline
	case a.paused != "":
		return Paused
	case now.Before(a.wrapUntil):
		return WrapUp
	default:
		return Available
	}
}

func (a *agent) serves(tenant string) bool {
	return len(a.Tenants) == 0 && a.Kind == call.Service || slices.Contains(a.Tenants, tenant)
}

// SetAgents replaces the agents that exist. Those that stay keep what they are doing; one that was taken out keeps its
// call, and is forgotten when it ends. Phones are remembered apart from agents, so that an agent who comes (back) with a
// registered phone is available at once.
func (q *Queue) SetAgents(agents []Agent, now time.Time) {
	q.changed = true
	keep := make(map[string]bool, len(agents))
	for _, a := range agents {
		keep[a.ID] = true
		if known, ok := q.agents[a.ID]; ok {
			known.Agent, known.gone = a, false
			continue
		}
		q.seq++
		q.agents[a.ID] = &agent{Agent: a, registered: q.phones[a.ID], idleSince: now, since: now, seq: q.seq}
	}
	for id, a := range q.agents {
		switch {
		case keep[id]:
		case a.call == "":
			delete(q.agents, id)
		default:
			a.gone = true
		}
	}
}

// Registered tells that an agent's phone came or went. A phone that comes back ends a pause for missed calls.
func (q *Queue) Registered(id string, up bool, now time.Time) {
	if up {
		q.phones[id] = true
	} else {
		delete(q.phones, id)
	}
	a := q.agents[id]
	if a == nil || a.registered == up {
		return
	}
	q.changed = true
	a.registered = up
	if a.call == "" {
		a.since = now
	}
	if up {
		a.idleSince, a.misses = now, 0
		if a.paused == PausedMissed {
			a.paused = ""
		}
	}
}

// Pause takes an agent out of the matching from now on; a call that she has goes on. It returns false for an agent that
// does not exist.
func (q *Queue) Pause(id, reason string, now time.Time) bool {
	a := q.agents[id]
	if a == nil {
		return false
	}
	if reason == "" {
		reason = "other"
	}
	a.paused = reason
	if a.call == "" {
		a.since = now
	}
	return true
}

// Resume ends a pause; the agent is then the one who has been idle for the shortest time. It returns false for an agent
// that does not exist.
func (q *Queue) Resume(id string, now time.Time) bool {
	a := q.agents[id]
	if a == nil {
		return false
	}
	if a.paused != "" {
		q.changed = true
		a.paused, a.misses, a.idleSince = "", 0, now
		if a.call == "" {
			a.since = now
		}
	}
	return true
}

// Reserved returns the call that the agent is reserved for, "" for none.
func (q *Queue) Reserved(id string) call.ID {
	if a := q.agents[id]; a != nil {
		return a.call
	}
	return ""
}

// Talks tells that the agent reserved for the call has answered.
func (q *Queue) Talks(id string, now time.Time) {
	if a := q.agents[id]; a != nil && a.call != "" {
		a.talking, a.since, a.misses = true, now, 0
	}
}

// Rings tells that the agent's phone rings again for the call she is reserved for.
func (q *Queue) Rings(id string, now time.Time) {
	if a := q.agents[id]; a != nil && a.call != "" {
		a.talking, a.since = false, now
	}
}

// Free gives an agent back. An offer that was missed or declined keeps this agent from being offered the same call for
// a while and pauses her after too many in a row. It returns false where the agent was not reserved for the call.
func (q *Queue) Free(id string, c call.ID, how call.Freed, now time.Time) bool {
	a := q.agents[id]
	if a == nil || c == "" || a.call != c {
		return false
	}
	q.changed = true
	a.call, a.talking, a.since = "", false, now
	switch how {
	case call.FreedDone:
		a.misses, a.wrapUntil, a.idleSince = 0, now.Add(a.Wrap), now.Add(a.Wrap)
		q.handledOne(now.Sub(a.reserved) + a.Wrap)
	case call.FreedMissed, call.FreedDeclined:
		a.misses++
		a.idleSince = now
		q.exclude(c, id, now.Add(q.limits.Again))
		if q.limits.Misses > 0 && a.misses >= q.limits.Misses {
			a.paused = PausedMissed
		}
	}
	if a.gone {
		delete(q.agents, id)
	}
	return true
}

// free lists the agents that may be offered a call, longest idle first.
func (q *Queue) free(now time.Time) []*agent {
	free := q.scratch[:0]
	for _, a := range q.agents {
		if a.free(now) {
			free = append(free, a)
		}
	}
	slices.SortFunc(free, func(a, b *agent) int {
		return cmp.Or(a.idleSince.Compare(b.idleSince), cmp.Compare(a.seq, b.seq))
	})
	q.scratch = free
	return free
}

// Agents tells what every agent is doing, ordered by id.
func (q *Queue) Agents(now time.Time) []Status {
	all := make([]Status, 0, len(q.agents))
	for _, a := range q.agents {
		s := Status{Agent: a.Agent, State: a.state(now), Reason: a.paused, Call: a.call, Since: a.since, Misses: a.misses}
		if s.State == Available && a.wrapUntil.After(s.Since) {
			s.Since = a.wrapUntil
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
