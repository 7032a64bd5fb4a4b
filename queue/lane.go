package queue

import (
	"slices"

	"telefonist/call"
)

// lane is callers of a tenant that the same agents may take, so that all but the first can be left alone. A caller whom some
// agent may not be offered, or who may go to some by name only, or was moved by hand, has a lane of her own.
type lane struct {
	id     laneID
	tenant *tenant
	plan   *plan
	skills []string
	line   sorted[*waiting]
	needs  []*need // per level of the plan, nil where only agents who name the tenant can belong to it
	open   []bool  // the levels that have begun
	alone  *waiting
	at     int // among its tenant's

	// As filed with its needs:
	head    *waiting
	account account

	fresh bool // may be servable though it was not at the last Match
}

type laneID struct {
	plan   *plan
	skills string
	begun  int
	alone  call.ID
}

// place puts a caller into the lane where it belongs now, and has it looked at.
func (q *Queue) place(w *waiting) {
	q.leaveLane(w)
	id := laneID{plan: w.plan, skills: joined(w.skills), begun: w.begun}
	alone := w.moved || len(w.Only) > 0 || len(q.missed[w.Call]) > 0
	if alone {
		id.alone = w.Call
	}
	l := w.tenant.lanes[id]
	if l == nil {
		l = &lane{id: id, tenant: w.tenant, plan: w.plan, skills: w.skills, line: sorted[*waiting]{order: byPlace}}
		if alone {
			l.alone = w
		}
		w.tenant.lanes[id] = l
		l.at = len(w.tenant.inLanes)
		w.tenant.inLanes = append(w.tenant.inLanes, l)
		q.layOut(l)
	}
	w.lane = l
	l.line.insert(w)
	q.file(l)
}

// layOut finds what a new lane needs.
func (q *Queue) layOut(l *lane) {
	q.freshen(l)
	if l.alone != nil && len(l.alone.Only) > 0 {
		for _, id := range l.alone.Only {
			q.only[id] = append(q.only[id], l)
		}
		return
	}
	l.open, l.needs = make([]bool, len(l.plan.levels)), make([]*need, len(l.plan.levels))
	for i := range l.plan.levels {
		l.open[i] = l.opens(i)
		if l.plan.levels[i].pool() {
			l.needs[i] = q.need(&l.plan.levels[i], l.skills, strategy(l.plan.strategy))
		}
	}
}

// opens tells whether a level has begun.
func (l *lane) opens(i int) bool {
	v := &l.plan.levels[i]
	return l.id.begun > v.rank || v.When > 0 && l.tenant.callers >= v.When
}

func (q *Queue) leaveLane(w *waiting) {
	l := w.lane
	if l == nil {
		return
	}
	w.lane = nil
	l.line.remove(w)
	q.file(l)
	if l.line.n > 0 {
		return
	}
	l.tenant.close(l)
	if l.alone != nil {
		for _, id := range w.Only {
			if q.only[id] = slices.DeleteFunc(q.only[id], func(o *lane) bool { return o == l }); len(q.only[id]) == 0 {
				delete(q.only, id)
			}
		}
	}
}

// close forgets a lane that is empty.
func (t *tenant) close(l *lane) {
	delete(t.lanes, l.id)
	last := len(t.inLanes) - 1
	t.inLanes[l.at] = t.inLanes[last]
	t.inLanes[l.at].at = l.at
	t.inLanes[last] = nil
	t.inLanes = t.inLanes[:last]
}

// file keeps a lane where its needs look for it: by its first caller, and by its tenant's account.
func (q *Queue) file(l *lane) {
	head := l.line.first()
	account := account{}
	if head != nil && !head.moved {
		account = l.tenant.account()
	}
	if head == l.head && account == l.account {
		return
	}
	q.unfile(l)
	l.head, l.account = head, account
	if head != nil {
		q.refile(l)
	}
}

func (q *Queue) unfile(l *lane) {
	if l.head == nil {
		return
	}
	for i, n := range l.needs {
		if n != nil && l.open[i] && l.firstOf(i) {
			n.remove(l)
		}
	}
}

func (q *Queue) refile(l *lane) {
	for i, n := range l.needs {
		if n != nil && l.open[i] && l.firstOf(i) {
			n.add(l)
		}
	}
}

// firstOf tells whether no open level before this one has the same need.
func (l *lane) firstOf(i int) bool {
	for j, n := range l.needs[:i] {
		if n == l.needs[i] && l.open[j] {
			return false
		}
	}
	return true
}

// byNumber opens and closes the levels that go by how many callers of the tenant wait.
func (q *Queue) byNumber(t *tenant) {
	for _, l := range t.inLanes {
		if !l.plan.byNumber || l.open == nil {
			continue
		}
		for i := range l.open {
			if l.opens(i) != l.open[i] {
				q.reopen(l)
				break
			}
		}
	}
}

func (q *Queue) reopen(l *lane) {
	q.unfile(l)
	for i := range l.open {
		open := l.opens(i)
		if open && !l.open[i] {
			q.freshen(l)
		}
		l.open[i] = open
	}
	if l.head != nil {
		q.refile(l)
	}
}

// moveLanes files the lanes of a tenant whose account was another.
func (q *Queue) moveLanes(t *tenant, was account) {
	if t.account() == was {
		return
	}
	for _, l := range t.inLanes {
		q.file(l)
	}
}

// freshen has the next Match look at a lane.
func (q *Queue) freshen(l *lane) {
	if !l.fresh {
		l.fresh = true
		q.freshLanes = append(q.freshLanes, l)
	}
}
