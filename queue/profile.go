package queue

import (
	"slices"
	"strings"
	"time"

	"telefonist/call"
)

// profile is agents who are alike: what one of them may take, all may.
type profile struct {
	key     string
	kind    call.AgentKind
	all     bool      // answers for every tenant
	tenants []*tenant // where not: for these
	groups  []string  // in order
	skills  []string
	agents  int
	idle    [strategies]sorted[*agent] // those who are free, in the order of each strategy
	needs   []*need                    // that they meet, where they answer for every tenant

	loggedIn, ready int // agents with a phone who are logged in, and of them those not paused

	passed int  // how often a longer wait was put behind another tenant's since it last was not; see patience
	fresh  bool // may find something though it did not at the last Match
	stamp  int
}

// join gives an agent the profile of those who are like her.
func (q *Queue) join(a *agent) {
	groups, skills, names := set(a.Groups), set(a.Skills), set(a.Tenants)
	key := strings.Join([]string{string(a.Kind), joined(names), joined(groups), joined(skills)}, "\x01")
	p := q.profiles[key]
	if p == nil {
		p = &profile{key: key, kind: a.Kind, all: a.Kind == call.Service && len(names) == 0, groups: groups, skills: skills}
		for i := range p.idle {
			p.idle[i].order = idleOrders[i]
		}
		q.profiles[key] = p
		q.introduce(p, names)
	}
	a.profile = p
	p.agents++
}

func (q *Queue) introduce(p *profile, names []string) {
	if !p.all {
		for _, name := range names {
			t := q.tenant(name)
			p.tenants = append(p.tenants, t)
			t.profiles = append(t.profiles, p)
		}
		return
	}
	q.broad = append(q.broad, p)
	for _, s := range p.skills {
		q.skilled[s] = append(q.skilled[s], p)
	}
	for _, n := range q.needs {
		q.enlist(n, p)
	}
}

// leave takes an agent out of her profile, and forgets it where she was the last. She is not among those who are free.
func (q *Queue) leave(a *agent) {
	p := a.profile
	a.profile = nil
	p.duty(a, false, false)
	if p.agents--; p.agents > 0 {
		return
	}
	is := func(o *profile) bool { return o == p }
	delete(q.profiles, p.key)
	for _, t := range p.tenants {
		t.profiles = slices.DeleteFunc(t.profiles, is)
		q.tidy(t)
	}
	if !p.all {
		return
	}
	q.broad = slices.DeleteFunc(q.broad, is)
	for _, n := range p.needs {
		n.members = slices.DeleteFunc(n.members, is)
	}
	for _, s := range p.skills {
		if q.skilled[s] = slices.DeleteFunc(q.skilled[s], is); len(q.skilled[s]) == 0 {
			delete(q.skilled, s)
		}
	}
}

// idle puts an agent among those who are free, and has the next Match look for her.
func (q *Queue) idle(a *agent) {
	if a.pooled || a.Apart {
		return
	}
	a.pooled = true
	q.pooled++
	p := a.profile
	for i := range p.idle {
		p.idle[i].insert(a)
	}
	for _, n := range p.needs {
		if n.wide {
			n.idle.insert(a)
		}
	}
	if !p.fresh {
		p.fresh = true
		q.freshProfiles = append(q.freshProfiles, p)
	}
	for _, l := range q.only[a.ID] {
		q.freshen(l)
	}
}

// busy takes an agent from those who are free, where she is one.
func (q *Queue) busy(a *agent) {
	if !a.pooled {
		return
	}
	a.pooled = false
	q.pooled--
	p := a.profile
	for i := range p.idle {
		p.idle[i].remove(a)
	}
	for _, n := range p.needs {
		if n.wide {
			n.idle.remove(a)
		}
	}
}

// onDuty keeps count of who is logged in and ready.
func (q *Queue) onDuty(a *agent) {
	loggedIn := a.phone && !a.loggedOut && !a.gone && !a.Apart
	a.profile.duty(a, loggedIn, loggedIn && a.paused == "")
}

func (p *profile) duty(a *agent, loggedIn, ready bool) {
	count := func(n *int, was *bool, is bool) {
		switch {
		case is && !*was:
			*n++
		case *was && !is:
			*n--
		}
		*was = is
	}
	count(&p.loggedIn, &a.onDuty, loggedIn)
	count(&p.ready, &a.ready, ready)
}

// without are agents who may not be offered a call, and until when.
type without map[string]time.Time

// first is the first agent of a line who is not left out.
func (w without) first(line *sorted[*agent]) *agent {
	if len(w) == 0 {
		return line.first()
	}
	for a := range line.all() {
		if _, out := w[a.ID]; !out {
			return a
		}
	}
	return nil
}

// set is words in order, none twice.
func set(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}
