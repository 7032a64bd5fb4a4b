package queue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"telefonist/call"
)

// plan is what a call.Serve means. Equal ones share a plan.
type plan struct {
	levels   []level
	begins   []time.Duration // when levels begin by time, in order
	atOnce   int             // how many of them begin at once
	byNumber bool            // some begin by the number of callers
	strategy call.Strategy
	skills   []string // in order, none twice
	share    int
}

// level is a level of a plan.
type level struct {
	call.Level
	anybody bool // who answers for the tenant: a plan that has no levels
	rank    int  // among the levels, by when they begin
}

// fits tells whether an agent who answers for the tenant belongs to the level and has what is needed.
func (l *level) fits(p *profile, skills []string) bool {
	if !subset(skills, p.skills) {
		return false
	}
	switch {
	case l.anybody:
		return true
	case len(l.Groups) == 0 && !l.Own:
		return p.kind == call.Service
	}
	return l.Own && p.kind == call.Own || meet(l.Groups, p.groups)
}

// pool tells whether agents who answer for every tenant can belong to the level.
func (l *level) pool() bool { return l.anybody || len(l.Groups) > 0 || !l.Own }

// maxPlans is how many plans are kept at hand. When there are more, those that have been met are forgotten: equal ones that
// are met later do not share theirs any more.
const maxPlans = 1 << 15

// planOf finds what is to be done with a caller of a tenant.
func (q *Queue) planOf(t *tenant, s *call.Serve, group string) *plan {
	if t.plan != nil && t.served == s && t.group == group {
		return t.plan // as with the caller before
	}
	var serve call.Serve
	if s != nil {
		serve = *s
	}
	key := planKey(&serve, group)
	p := q.plans[key]
	if p == nil {
		if len(q.plans) >= maxPlans {
			clear(q.plans)
		}
		p = newPlan(serve, group)
		q.plans[key] = p
	}
	t.plan, t.served, t.group = p, s, group
	return p
}

func planKey(s *call.Serve, group string) string {
	b := make([]byte, 0, 128)
	word := func(w string) {
		b = strconv.AppendInt(b, int64(len(w)), 10)
		b = append(append(b, ':'), w...)
	}
	number := func(n int64) { b = append(strconv.AppendInt(b, n, 10), ' ') }
	word(group)
	word(string(s.Strategy))
	number(int64(s.Share))
	for _, skill := range s.Skills {
		word(skill)
	}
	for _, l := range s.Levels {
		b = fmt.Appendf(b, "/%v %d %d ", l.Own, l.After, l.When)
		for _, g := range l.Groups {
			word(g)
		}
	}
	return string(b)
}

func newPlan(s call.Serve, group string) *plan {
	p := &plan{strategy: s.Strategy, share: max(1, s.Share)}
	switch {
	case group != "":
		p.levels = []level{{Level: call.Level{Groups: []string{group}}}}
	case len(s.Levels) == 0:
		p.levels, p.skills = []level{{anybody: true}}, set(s.Skills)
	default:
		p.skills = set(s.Skills)
		for _, l := range s.Levels {
			l.Groups = set(l.Groups)
			p.levels = append(p.levels, level{Level: l})
			p.byNumber = p.byNumber || l.When > 0
		}
	}
	byTime := make([]int, len(p.levels))
	for i := range byTime {
		byTime[i] = i
	}
	slices.SortStableFunc(byTime, func(a, b int) int { return int(max(-1, min(1, p.levels[a].After-p.levels[b].After))) })
	for rank, i := range byTime {
		p.levels[i].rank = rank
		p.begins = append(p.begins, p.levels[i].After)
		if p.levels[i].After <= 0 {
			p.atOnce++
		}
	}
	return p
}

// subset and meet are for lists in order.
func subset(some, all []string) bool {
	for _, s := range some {
		if _, in := slices.BinarySearch(all, s); !in {
			return false
		}
	}
	return true
}

func meet(a, b []string) bool {
	for _, s := range a {
		if _, in := slices.BinarySearch(b, s); in {
			return true
		}
	}
	return false
}

// joined is a list of words as one, for use as a key.
func joined(words []string) string { return strings.Join(words, "\x00") }
