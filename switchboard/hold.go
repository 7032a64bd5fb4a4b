package switchboard

import (
	"maps"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
)

// leaseLeast is how long an agent stays reserved for a call of which nothing is heard. An answered call has a heartbeat every
// 5 s and every other state a timer, so that a lease runs out only where a call was lost by a fault of ours.
const leaseLeast = time.Minute

// lease renews the reservations of a call's agents, since something was heard of it.
func (b *Board) lease(l *live, at time.Time) {
	if len(l.agents) == 0 {
		return
	}
	r := l.head.Rules
	until := at.Add(leaseLeast + max(r.RingTimeout, r.RecallAfter))
	for _, id := range l.agents {
		b.queue.Lease(id, until)
	}
}

// expire gives back agents whose calls were lost.
func (b *Board) expire(now time.Time) {
	for _, e := range b.queue.Expired(now) {
		b.metrics.stranded.Inc()
		b.log.Error("an agent's reservation ran out: her call was not heard of", "agent", e.Agent, "call", e.Call)
		if l := b.calls[e.Call]; l != nil {
			l.agents = slices.DeleteFunc(l.agents, func(id string) bool { return id == e.Agent })
		}
	}
}

func (b *Board) free(l *live, agent string, how call.Freed, at time.Time) {
	b.queue.Free(agent, l.head.Call, how, at)
	l.agents = slices.DeleteFunc(l.agents, func(id string) bool { return id == agent })
}

// reserve takes a named colleague for a call, if she is free.
func (b *Board) reserve(l *live, agent string, at time.Time) call.Event {
	a, known := b.dir.Agent(agent)
	answer := call.Reserved{Agent: agent, Kind: a.Kind, Via: b.via(a)}
	if known && !a.Disabled && b.queue.Reserve(agent, l.head.Call, at) {
		answer.OK = true
		l.agents = append(l.agents, agent)
	}
	return answer
}

// via is where an agent is reached who has no phone that registers: behind her tenant's trunk.
func (b *Board) via(a directory.Agent) call.Destination {
	if a.ViaTrunk == "" || len(a.Tenants) == 0 {
		return call.Destination{}
	}
	t, _ := b.dir.Tenant(a.Tenants[0])
	return call.Destination{Trunk: t.Trunk, Number: a.ViaTrunk}
}

func (b *Board) agentKind(id string) call.AgentKind {
	if b.dir == nil {
		return ""
	}
	a, _ := b.dir.Agent(id)
	return a.Kind
}

// match offers waiting callers to free agents.
func (b *Board) match(now time.Time) {
	for {
		matches, next := b.queue.Match(now)
		if b.matchAt = next; len(matches) == 0 {
			return
		}
		for len(matches) > 0 {
			n := 1
			for n < len(matches) && matches[n].Call == matches[0].Call {
				n++
			}
			b.offer(matches[:n], now)
			matches = matches[n:]
		}
	} // who was of no use for a call is free for the next
}

// offer tells a call of the agents that were reserved for it: one, or, where all are to ring, several.
func (b *Board) offer(to []queue.Match, now time.Time) {
	id := to[0].Call
	l := b.calls[id]
	if w := b.wishes[id]; w != nil && l == nil {
		b.callBack(w, to[0], now)
		return
	}
	if l == nil || l.final != nil { // ended by a panic of an earlier match of this round
		for _, m := range to {
			b.queue.Free(m.Agent, id, call.FreedCancelled, now)
		}
		return
	}
	delete(b.unserved, id)
	l.waiting = false
	var all []call.Candidate
	for _, m := range to {
		a, _ := b.dir.Agent(m.Agent)
		all = append(all, call.Candidate{Agent: m.Agent, Kind: m.Kind, Via: b.via(a)})
		l.agents = append(l.agents, m.Agent)
	}
	b.handle(l, now, "", call.Offered{Agent: all[0].Agent, Kind: all[0].Kind, Via: all[0].Via, Others: all[1:]})
}

// missAgents tells callers for whom nobody is logged in, where that makes a difference to them.
func (b *Board) missAgents(now time.Time) {
	if b.agentsChanged {
		b.agentsChanged = false
		b.newUnserved = slices.AppendSeq(b.newUnserved[:0], maps.Keys(b.unserved))
	}
	for len(b.newUnserved) > 0 {
		id := b.newUnserved[0]
		b.newUnserved = b.newUnserved[1:]
		l := b.calls[id]
		if !b.unserved[id] || l == nil || !l.waiting {
			continue
		}
		if loggedIn, _ := b.queue.OnDuty(id); loggedIn == 0 {
			delete(b.unserved, id)
			b.handle(l, now, "", call.NoAgent{})
		}
	}
}
