package queue

import (
	"time"

	"telefonist/call"
)

// patience is how often agents who are alike put the longest wait that they could end behind a tenant that is within its
// share. After that they go by priority and wait alone, once. So nobody starves, whoever floods the line.
const patience = 7

// candidate is a caller who may be served next: the first of a lane that was not servable before, or whom free agents who are
// alike would choose.
type candidate struct {
	lane   *lane
	head   *waiting
	over   bool
	passes bool // a longer wait is put behind because of its tenant's share
	turn   bool // the choice is by wait alone
	by     *profile
	round  int // how many had been served when it was looked at
}

func (c *candidate) before(d *candidate) bool {
	if n := order(c.head, d.head, c.over, d.over); n != 0 {
		return n < 0
	}
	return c.by != nil && d.by == nil
}

// Match reserves as many callers and agents for each other as it can. A caller leaves the line and an agent the pool in
// the same step. With ring-all there is a Match for each of the agents, one after the other. next is when something may change
// by the passing of time alone, zero where nothing would; leases count, see Expired. It costs next to nothing where nothing
// has changed and next has not come, so that it can be called at every turn.
func (q *Queue) Match(now time.Time) (matches []Match, next time.Time) {
	q.tick(now)
	if len(q.freshLanes)+len(q.freshProfiles) > 0 {
		matches = q.match(now)
	}
	next = q.wakes.next(q)
	if lease := q.leases.next(q); lease.After(now) && (next.IsZero() || lease.Before(next)) {
		next = lease
	}
	return matches, next
}

// match looks at what has changed: any caller and any agent who were not for each other before are not now. Candidates wait in a
// heap. One may have become worse while it did, since others were served; it is looked at again when its turn comes. None
// becomes better, since a tenant's account only grows while callers are served.
func (q *Queue) match(now time.Time) (matches []Match) {
	for _, p := range q.freshProfiles {
		p.fresh = false
		q.consider(q.choice(p))
	}
	for _, l := range q.freshLanes {
		l.fresh = false
		if q.pooled > 0 {
			q.consider(q.firstOf(l))
		}
	}
	q.freshProfiles, q.freshLanes = q.freshProfiles[:0], q.freshLanes[:0]
	for q.pooled > 0 && len(q.candidates) > 0 {
		c := q.popCandidate()
		again := c
		if c.round != q.round {
			again = q.look(c)
		}
		if again.head == nil {
			continue
		}
		if again.head == c.head && again.over == c.over {
			served := q.serve(again, now, matches)
			if len(served) == len(matches) {
				continue
			}
			matches, again = served, q.look(c)
		}
		q.consider(again)
	}
	clear(q.candidates)
	q.candidates = q.candidates[:0]
	return matches
}

// look finds the candidate again that is now where another one was.
func (q *Queue) look(c candidate) candidate {
	if c.by != nil {
		return q.choice(c.by)
	}
	return q.firstOf(c.lane)
}

// firstOf is the first caller of a lane where somebody is free for her.
func (q *Queue) firstOf(l *lane) candidate {
	if l.head == nil || q.agentFor(l) == nil {
		return candidate{}
	}
	return candidate{lane: l, head: l.head, over: q.over(l.account)}
}

// serve reserves whoever is best for the first caller of a lane.
func (q *Queue) serve(c candidate, now time.Time, matches []Match) []Match {
	q.round++
	w := c.head
	agents := q.agentsFor(c.lane)
	if len(agents) == 0 {
		return matches
	}
	for _, a := range agents {
		q.hold(a, EventReserve, w.Call, w.tenant, now)
		matches = append(matches, Match{w.Call, a.ID, a.Kind})
	}
	q.drop(w)
	if p := c.by; p != nil {
		switch {
		case c.turn:
			p.passed = 0
		case c.passes:
			p.passed++
		}
	}
	return matches
}

// choice is whom the free agents of a profile take next.
func (q *Queue) choice(p *profile) candidate {
	var byShare, byWait candidate
	look := func(l *lane) {
		c := candidate{lane: l, head: l.head, over: q.over(l.account), by: p}
		if byShare.head == nil || order(c.head, byShare.head, c.over, byShare.over) < 0 {
			byShare = c
		}
		if byWait.head == nil || byPlace(c.head, byWait.head) < 0 {
			byWait = c
		}
	}
	switch {
	case p.idle[0].n == 0:
		return candidate{}
	case p.all:
		for _, n := range p.needs {
			if n.lanes == 0 {
				continue
			}
			for _, s := range n.shelves {
				for l := range s.lanes.all() {
					if p.canTake(q, l) {
						look(l)
						break
					}
				}
			}
		}
	default:
		for _, t := range p.tenants {
			if t.line.n == 0 {
				continue
			}
			for _, l := range t.inLanes {
				if p.belongs(l) && p.canTake(q, l) {
					look(l)
				}
			}
		}
	}
	if byShare.head == byWait.head {
		return byShare
	}
	if p.passed >= patience {
		byWait.turn, byWait.over = true, false
		return byWait
	}
	byShare.passes = true
	return byShare
}

// belongs tells whether agents who name the lane's tenant belong to a level of it that has begun.
func (p *profile) belongs(l *lane) bool {
	for i := range l.open {
		if l.open[i] && l.plan.levels[i].fits(p, l.skills) {
			return true
		}
	}
	return false
}

// canTake tells whether any free agent of a profile may be offered the first call of a lane.
func (p *profile) canTake(q *Queue, l *lane) bool {
	return q.leftOut(l).first(&p.idle[0]) != nil
}

// leftOut are the agents who are not offered the call of a lane yet.
func (q *Queue) leftOut(l *lane) without {
	if l.alone == nil {
		return nil
	}
	return without(q.missed[l.alone.Call])
}

// agentFor is who is next for the first call of a lane: of the first level where anybody is free, by the plan's strategy.
func (q *Queue) agentFor(l *lane) *agent {
	by, out := strategy(l.plan.strategy), q.leftOut(l)
	if l.open == nil {
		return q.byName(l, by, out)
	}
	for i := range l.open {
		if !l.open[i] {
			continue
		}
		var best *agent
		if n := l.needs[i]; n != nil && (n.wide || len(n.members) > 0) {
			best = n.best(out)
		}
		for _, p := range l.tenant.profiles {
			if p.idle[by].n > 0 && l.plan.levels[i].fits(p, l.skills) {
				best = sooner(best, out.first(&p.idle[by]), by)
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// byName is who is next of those whom a call names.
func (q *Queue) byName(l *lane, by int, out without) (best *agent) {
	for _, id := range l.alone.Only {
		if _, left := out[id]; !left {
			if a := q.agents[id]; a != nil && a.pooled {
				best = sooner(best, a, by)
			}
		}
	}
	return best
}

// agentsFor are those whom the first call of a lane is offered to: one, or with ring-all everybody who is free at the level.
// A call-back wish is for one alone.
func (q *Queue) agentsFor(l *lane) (all []*agent) {
	best := q.agentFor(l)
	if best == nil {
		return nil
	}
	if l.plan.strategy != call.RingAll || l.head.Wish {
		return []*agent{best}
	}
	out := q.leftOut(l)
	take := func(a *agent) {
		if _, left := out[a.ID]; !left && a.pooled {
			all = append(all, a)
		}
	}
	if l.open == nil {
		for _, id := range set(l.alone.Only) {
			if a := q.agents[id]; a != nil {
				take(a)
			}
		}
		return all
	}
	for i := range l.open {
		if !l.open[i] {
			continue
		}
		q.everybody(l, i, take)
		if len(all) > 0 {
			break
		}
	}
	return all
}

// everybody goes through the free agents of a level, whoever is left out.
func (q *Queue) everybody(l *lane, i int, take func(*agent)) {
	var members []*profile
	if n := l.needs[i]; n != nil {
		members = n.members
	}
	for _, p := range members {
		for a := range p.idle[0].all() {
			take(a)
		}
	}
	for _, p := range l.tenant.profiles {
		if l.plan.levels[i].fits(p, l.skills) {
			for a := range p.idle[0].all() {
				take(a)
			}
		}
	}
}

// consider puts a candidate into the heap, where it is one.
func (q *Queue) consider(c candidate) {
	if c.head == nil {
		return
	}
	c.round = q.round
	s := append(q.candidates, c)
	q.candidates = s
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(&s[up]) {
			return
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

// popCandidate takes the first candidate in the order of service.
func (q *Queue) popCandidate() candidate {
	s := q.candidates
	top, last := s[0], len(s)-1
	s[0], s[last] = s[last], candidate{}
	s = s[:last]
	q.candidates = s
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s) && s[down].before(&s[least]) {
				least = down
			}
		}
		if least == i {
			return top
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
