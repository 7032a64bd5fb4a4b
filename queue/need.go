package queue

import (
	"slices"

	"telefonist/call"
)

// need is what callers of any tenants need of the agents who answer for all: to belong to a level, to have skills, and how
// the next of them is chosen. It knows who can meet it, and which lanes have it.
type need struct {
	id      needID
	level   *level
	skills  []string
	members []*profile

	// Where there are many members the free agents of them all stand in one line; else each member is asked.
	wide bool
	idle sorted[*agent]

	shelves []*shelf
	lanes   int
}

type needID struct {
	groups, skills string
	who            int // 0: members of groups, 1: agents of the service, 2: anybody
	by             int // strategy
}

// shelf is lanes whose tenants have the same account, in the order of their first callers.
type shelf struct {
	account account
	lanes   sorted[*lane]
}

// fewNeeds is from how many needs on those are forgotten that no lane has. wideNeed is from how many members on a need keeps
// its own line of free agents.
const (
	fewNeeds = 1 << 14
	wideNeed = 12
)

// need finds or makes a need.
func (q *Queue) need(v *level, skills []string, by int) *need {
	id := needID{joined(v.Groups), joined(skills), 0, by}
	switch {
	case v.anybody:
		id.who = 2
	case len(v.Groups) == 0:
		id.who = 1
	}
	if n := q.needs[id]; n != nil {
		return n
	}
	if len(q.needs) >= q.needsMax {
		q.forgetNeeds()
	}
	n := &need{id: id, level: v, skills: skills, idle: sorted[*agent]{order: idleOrders[by]}}
	q.needs[id] = n
	for _, p := range q.mayMeet(skills) {
		q.enlist(n, p)
	}
	return n
}

// mayMeet lists profiles that can have the skills: those with the rarest of them.
func (q *Queue) mayMeet(skills []string) []*profile {
	some := q.broad
	for _, s := range skills {
		if with := q.skilled[s]; len(with) < len(some) {
			some = with
		}
	}
	return some
}

// enlist makes a profile a member where it can be one.
func (q *Queue) enlist(n *need, p *profile) {
	if !n.level.fits(p, n.skills) {
		return
	}
	n.members = append(n.members, p)
	p.needs = append(p.needs, n)
	switch {
	case n.wide:
		n.gather(p)
	case len(n.members) > wideNeed:
		n.wide = true
		for _, m := range n.members {
			n.gather(m)
		}
	}
}

func (n *need) gather(p *profile) {
	for a := range p.idle[n.id.by].all() {
		n.idle.insert(a)
	}
}

// forgetNeeds forgets the needs that no lane has.
func (q *Queue) forgetNeeds() {
	unused := func(n *need) bool { return n.lanes == 0 }
	for id, n := range q.needs {
		if unused(n) {
			delete(q.needs, id)
		}
	}
	for _, p := range q.broad {
		p.needs = slices.DeleteFunc(p.needs, unused)
	}
	q.needsMax = max(fewNeeds, 2*len(q.needs))
}

func (n *need) add(l *lane) {
	n.lanes++
	for _, s := range n.shelves {
		if s.account == l.account {
			s.lanes.insert(l)
			return
		}
	}
	s := &shelf{l.account, sorted[*lane]{order: func(a, b *lane) int { return byPlace(a.head, b.head) }}}
	s.lanes.insert(l)
	n.shelves = append(n.shelves, s)
}

func (n *need) remove(l *lane) {
	n.lanes--
	for i, s := range n.shelves {
		if s.account == l.account {
			s.lanes.remove(l)
			if s.lanes.n == 0 && s.account != (account{}) {
				n.shelves = slices.Delete(n.shelves, i, i+1)
			}
			return
		}
	}
}

// best is who meets the need next and is not among those left out.
func (n *need) best(without without) *agent {
	if n.wide {
		return without.first(&n.idle)
	}
	var best *agent
	for _, p := range n.members {
		best = sooner(best, without.first(&p.idle[n.id.by]), n.id.by)
	}
	return best
}

// strategies is how many orders of free agents there are.
const strategies = 3

// strategy is the index of a strategy among the orders of free agents. With ring-all, it only matters who is told first.
func strategy(s call.Strategy) int {
	switch s {
	case call.FewestCalls:
		return 1
	case call.RoundRobin:
		return 2
	}
	return 0
}

// idleOrders say who of the free agents is next: who has been idle longest; who has answered the fewest calls since she
// logged in; whose last offer was the longest ago.
var idleOrders = [strategies]func(a, b *agent) int{
	byIdle,
	func(a, b *agent) int {
		if a.calls != b.calls {
			return a.calls - b.calls
		}
		return byIdle(a, b)
	},
	func(a, b *agent) int {
		if a.turn != b.turn {
			return a.turn - b.turn
		}
		return a.seq - b.seq
	},
}

func byIdle(a, b *agent) int {
	switch {
	case a.idleSince < b.idleSince:
		return -1
	case a.idleSince > b.idleSince:
		return 1
	}
	return a.seq - b.seq
}

// sooner is the one of two agents who is next, either of whom may be nobody.
func sooner(a, b *agent, by int) *agent {
	if a == nil || b != nil && idleOrders[by](b, a) < 0 {
		return b
	}
	return a
}
