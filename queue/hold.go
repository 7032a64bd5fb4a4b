package queue

import (
	"time"

	"telefonist/call"
)

// Expired is a reservation that ran out. See Queue.Expired.
type Expired struct {
	Agent string
	Call  call.ID
}

// Reserve takes a named agent for a call that asks for her: a colleague who is consulted. It is false unless she is available.
func (q *Queue) Reserve(agent string, c call.ID, now time.Time) bool {
	return q.reserve(agent, EventReserve, c, now)
}

// Ask takes an agent for a call that she asks for herself: one that she picks up, or makes. She may do so in wrap-up and in a
// pause too, which goes on after it.
func (q *Queue) Ask(agent string, c call.ID, now time.Time) bool {
	return q.reserve(agent, EventAsk, c, now)
}

func (q *Queue) reserve(agent string, e Event, c call.ID, now time.Time) bool {
	q.tick(now)
	var t *tenant
	if held := q.holds[c]; len(held) > 0 {
		t = held[0].tenant
	}
	return q.hold(q.agents[agent], e, c, t, now)
}

// Take gives a caller in line to an agent by hand, whoever may take the call otherwise. It is false unless the call is in
// line and the agent available.
func (q *Queue) Take(c call.ID, agent string, now time.Time) (Match, bool) {
	q.tick(now)
	w, a := q.calls[c], q.agents[agent]
	if w == nil || a == nil || a.state != Available {
		return Match{}, false
	}
	q.hold(a, EventReserve, c, w.tenant, now)
	q.drop(w)
	return Match{c, a.ID, a.Kind}, true
}

// FreeSince tells since when an agent is available; false where she is not.
func (q *Queue) FreeSince(agent string, now time.Time) (time.Time, bool) {
	q.tick(now)
	if a := q.agents[agent]; a != nil && a.state == Available {
		return a.since, true
	}
	return time.Time{}, false
}

// Present tells whether an agent is logged in and her phone is registered, whatever she is doing.
func (q *Queue) Present(agent string) bool {
	a := q.agents[agent]
	return a != nil && a.phone && !a.loggedOut && !a.gone
}

// Lease makes the reservation of an agent end by itself at until, unless she answers or is given back before; zero until:
// never. It is false where she has none.
func (q *Queue) Lease(agent string, until time.Time) bool {
	a := q.agents[agent]
	if a == nil || !a.state.Working() {
		return false
	}
	q.lease(a, until)
	return true
}

func (q *Queue) lease(a *agent, until time.Time) {
	a.lease = until
	if !until.IsZero() {
		q.leases.push(wake{at: until, kind: wakeLease, a: a})
	}
}

// Expired gives back the agents whose lease has run out, by no fault of theirs, and tells who they were and for which call.
// Each is told once. It is to be asked before Match, which says when the next lease runs out.
func (q *Queue) Expired(now time.Time) (all []Expired) {
	q.tick(now)
	for {
		k, ok := q.leases.due(now)
		if !ok {
			return all
		}
		if !q.means(k) {
			continue
		}
		all = append(all, Expired{k.a.ID, k.a.call})
		q.giveBack(k.a, EventExpire, now)
	}
}

// Unstick gives an agent back by hand, whatever she is doing for a call or after one, and tells which call she was reserved
// for, "" for none.
func (q *Queue) Unstick(agent string, now time.Time) call.ID {
	q.tick(now)
	a := q.agents[agent]
	if a == nil {
		return ""
	}
	c := a.call
	a.wrapUntil = time.Time{}
	q.giveBack(a, EventUnstick, now)
	return c
}

// Talks tells that the agent reserved for the call has answered. Her lease is for as long as the call then.
func (q *Queue) Talks(id string, now time.Time) {
	a := q.agents[id]
	if a == nil || !a.state.Working() {
		return
	}
	if !a.answered {
		a.answered = true
		a.calls++
	}
	a.misses, a.lease = 0, time.Time{}
	q.happen(a, EventTalk, now)
}

// Rings tells that the agent's phone rings for the call she is reserved for, or again.
func (q *Queue) Rings(id string, now time.Time) {
	if a := q.agents[id]; a != nil {
		q.happen(a, EventRing, now)
	}
}

// Free gives an agent back. An offer that was missed or declined keeps this agent from being offered the same call for
// a while and pauses her after too many in a row. It returns false where the agent was not reserved for the call.
func (q *Queue) Free(id string, c call.ID, how call.Freed, now time.Time) bool {
	a := q.agents[id]
	if a == nil || c == "" || a.call != c {
		return false
	}
	q.tick(now)
	e := EventCancelled
	switch how {
	case call.FreedDone:
		e = EventDone
		a.misses, a.wrapUntil = 0, now.Add(a.Wrap)
		a.idleSince = nanos(a.wrapUntil)
		q.handledOne(now.Sub(a.reserved) + a.Wrap)
	case call.FreedMissed, call.FreedDeclined:
		if e = EventMissed; how == call.FreedDeclined {
			e = EventDeclined
		}
		a.misses++
		a.idleSince = nanos(now)
		q.exclude(c, id, now.Add(q.limits.Again))
		if q.limits.Misses > 0 && a.misses >= q.limits.Misses && a.paused == "" && a.phone {
			a.paused = PausedMissed
		}
	}
	q.giveBack(a, e, now)
	return true
}

func (q *Queue) giveBack(a *agent, e Event, now time.Time) {
	if q.happen(a, e, now) && a.gone {
		q.forgetAgent(a)
	}
}

// Release gives back every agent that is reserved for a call, and returns the first of them, "" for nobody. It is for a call
// that can no longer say so itself.
func (q *Queue) Release(c call.ID, how call.Freed, now time.Time) (first string) {
	for len(q.holds[c]) > 0 {
		id := q.holds[c][0].ID
		q.Free(id, c, how, now)
		if first == "" {
			first = id
		}
	}
	return first
}

// Inherit has a call that is not in line yet take over who may not be offered another one again for a while: it stands for the
// same caller.
func (q *Queue) Inherit(c, from call.ID) {
	if some := q.missed[from]; len(some) > 0 && q.calls[from] == nil {
		delete(q.missed, from)
		q.missed[c] = some
	}
}

// Spare keeps an agent from being offered a call again for a while that she was taken out of by hand.
func (q *Queue) Spare(agent string, c call.ID, now time.Time) {
	q.tick(now)
	q.exclude(c, agent, now.Add(q.limits.Again))
}

// exclude keeps an agent from being offered a call until an instant.
func (q *Queue) exclude(c call.ID, agent string, until time.Time) {
	if q.missed[c] == nil {
		q.missed[c] = map[string]time.Time{}
	}
	q.missed[c][agent] = until
	if w := q.calls[c]; w != nil {
		q.wakes.push(wake{at: until, kind: wakeAgain, w: w, agent: agent})
		q.place(w)
	}
}
