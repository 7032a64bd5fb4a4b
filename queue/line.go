package queue

import (
	"cmp"
	"slices"
	"time"

	"telefonist/call"
)

// Waiting is a caller in line.
type Waiting struct {
	Call     call.ID
	Tenant   string
	Priority int       // higher first
	Front    bool      // at the head of its priority: it has been offered, or answered, before
	Arrived  time.Time // orders callers of equal priority; may be in the past

	// Serve says who is offered the call; nil is everybody who answers for the tenant. It must not change any more.
	Serve  *call.Serve
	Skills []string // needed beside those of Serve
	// Only names the agents who alone may take the call, whatever they answer for otherwise. Group narrows it to the members
	// of one group who answer for the tenant and have Skills, at once and whatever Serve says of levels and skills.
	Only  []string
	Group string
	// Wish is a call-back wish: nobody is on the line. It keeps its place, counts for no limit, and is never offered to more
	// than one agent.
	Wish bool
}

type waiting struct {
	Waiting
	place  place
	moved  bool // by hand: shares say nothing about it
	tenant *tenant
	plan   *plan
	skills []string // all that are needed, in order
	begun  int      // how many levels of the plan its wait has begun
	lane   *lane
}

// place is where a caller stands.
type place struct {
	priority int
	front    bool
	at       int64 // arrival, as nanos tells it
	seq      int   // among those who came in the same instant
	sub      int64 // among those who were put there by hand
	nr       int   // the caller's own number: no two stand in the same place
}

// order is the one order of service. It goes by priority; within one, who was offered or answered before comes first; then come
// the callers of tenants that are within their share, or not (see over); and then the longer wait.
func order(a, b *waiting, overA, overB bool) int {
	switch {
	case a.place.priority != b.place.priority:
		return cmp.Compare(b.place.priority, a.place.priority)
	case a.place.front != b.place.front:
		return first(a.place.front)
	case overA != overB:
		return first(overB)
	case a.place.at != b.place.at:
		return cmp.Compare(a.place.at, b.place.at)
	case a.place.seq != b.place.seq:
		return cmp.Compare(a.place.seq, b.place.seq)
	}
	return cmp.Or(cmp.Compare(a.place.sub, b.place.sub), cmp.Compare(a.place.nr, b.place.nr))
}

func first(a bool) int {
	if a {
		return -1
	}
	return 1
}

// byPlace is the order without regard to shares. Within a tenant it is the order of service.
func byPlace(a, b *waiting) int { return order(a, b, false, false) }

// Enqueue puts a caller in line. It returns false where the tenant already has limit callers waiting (zero: no limit)
// and the caller has no claim to the head.
func (q *Queue) Enqueue(w Waiting, limit int) bool {
	if _, in := q.calls[w.Call]; in {
		return true
	}
	t := q.tenant(w.Tenant)
	if limit > 0 && !w.Front && !w.Wish && t.callers >= limit {
		q.tidy(t)
		return false
	}
	q.seq++
	item := &waiting{Waiting: w, place: place{w.Priority, w.Front, nanos(w.Arrived), q.seq, 0, q.seq}, tenant: t}
	item.plan = q.planOf(t, w.Serve, w.Group)
	item.skills = together(item.plan.skills, w.Skills)
	item.begun = item.plan.atOnce
	q.setShare(t, item.plan.share)
	q.calls[w.Call] = item
	q.stand(item)
	q.wakeLevel(item)
	for agent, until := range q.missed[w.Call] {
		q.wakes.push(wake{at: until, kind: wakeAgain, w: item, agent: agent})
	}
	return true
}

// stand puts a caller at its place.
func (q *Queue) stand(w *waiting) {
	t := w.tenant
	q.line.insert(w)
	t.line.insert(w)
	if !w.Wish {
		t.callers++
		q.callers++
	}
	q.weigh(t)
	q.byNumber(t)
	q.place(w)
}

// quit takes a caller from its place.
func (q *Queue) quit(w *waiting) {
	t := w.tenant
	q.leaveLane(w)
	q.line.remove(w)
	t.line.remove(w)
	if !w.Wish {
		t.callers--
		q.callers--
	}
	q.byNumber(t)
}

// drop takes a caller out of line.
func (q *Queue) drop(w *waiting) {
	q.quit(w)
	delete(q.calls, w.Call)
	q.weigh(w.tenant)
	q.tidy(w.tenant)
}

// Remove takes a caller out of line, where it stands in one.
func (q *Queue) Remove(c call.ID) {
	if w := q.calls[c]; w != nil {
		q.drop(w)
	}
}

// Ended forgets everything about a call. Its agent must have been given back; see Release.
func (q *Queue) Ended(c call.ID) {
	q.Remove(c)
	delete(q.missed, c)
}

// wakeLevel sets when the next level of a caller's begins by time.
func (q *Queue) wakeLevel(w *waiting) {
	if at := w.plan.begins; w.begun < len(at) {
		q.wakes.push(wake{at: w.Arrived.Add(at[w.begun]), kind: wakeLevel, w: w, level: w.begun})
	}
}

// begin lets the next level of a caller begin.
func (q *Queue) begin(w *waiting) {
	w.begun++
	q.place(w)
	q.wakeLevel(w)
}

// Move puts a caller at a place in line by hand: 1 is before everybody whom Position counts. It keeps the place whatever the
// tenant's share, but a caller who is put before that one by hand later. It is false where the call is not in line.
func (q *Queue) Move(c call.ID, position int) bool {
	w := q.calls[c]
	if w == nil {
		return false
	}
	q.quit(w)
	nr := w.place.nr
	var before, after *waiting // the neighbours to be
	n := 0
	counts := q.competitors(w.tenant)
	for other := range q.line.all() {
		if counts(other.tenant) {
			if n++; n >= position {
				after = other
				break
			}
		}
		before = other
	}
	switch {
	case after == nil && before != nil:
		w.place = before.place
		w.place.sub += 1 << 40
	case after != nil:
		w.place = after.place
		w.place.sub -= 1 << 40
		if before != nil && byPlace(before, w) >= 0 { // they were put there by hand as well
			w.place.sub = before.place.sub + (after.place.sub-before.place.sub)/2
		}
	}
	w.moved, w.place.nr = true, nr
	q.stand(w)
	q.weigh(w.tenant)
	return true
}

// Len is the number of callers in line, wishes included.
func (q *Queue) Len() int { return q.line.n }

// Callers is the number of callers in line, without wishes.
func (q *Queue) Callers() int { return q.callers }

// LenOf is the number of callers that wait for one tenant, without wishes.
func (q *Queue) LenOf(tenant string) int {
	if t := q.tenants[tenant]; t != nil {
		return t.callers
	}
	return 0
}

// Line lists the callers in the order in which they would be served if nothing changed meanwhile.
func (q *Queue) Line() []Waiting {
	items := make([]*waiting, 0, q.line.n)
	for w := range q.line.all() {
		items = append(items, w)
	}
	slices.SortFunc(items, func(a, b *waiting) int { return order(a, b, q.overdrawn(a), q.overdrawn(b)) })
	all := make([]Waiting, len(items))
	for i, w := range items {
		all[i] = w.Waiting
	}
	return all
}

// together is a set of words of two lists, the first of which is one already.
func together(a, b []string) []string {
	if len(b) == 0 {
		return a
	}
	return set(slices.Concat(a, b))
}
