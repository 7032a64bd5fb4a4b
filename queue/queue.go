package queue

import (
	"cmp"
	"slices"
	"time"

	"telefonist/call"
)

// Limits are the settings of the pool.
type Limits struct {
	// Misses is how many offers in a row an agent may miss before she is paused; zero means never.
	Misses int
	// Again is how long an agent who missed a call is not offered the same one.
	Again time.Duration
}

// Waiting is a caller in line.
type Waiting struct {
	Call     call.ID
	Tenant   string
	Priority int       // higher first
	Front    bool      // at the head of its priority: it has been offered, or answered, before
	Arrived  time.Time // orders callers of equal priority
}

// Match is one caller and one agent, both reserved.
type Match struct {
	Call  call.ID
	Agent string
	Kind  call.AgentKind
}

// Queue is the waiting lines of all tenants and the one pool of agents. See New.
type Queue struct {
	limits  Limits
	line    []*waiting // in the order in which they are served
	calls   map[call.ID]*waiting
	tenants map[string]int                   // callers in line per tenant
	missed  map[call.ID]map[string]time.Time // agents who are not offered a call again yet
	agents  map[string]*agent
	phones  map[string]bool // agents whose phone is registered, also such as are not known (yet)
	seq     int
	scratch []*agent
	taken   time.Duration // moving average of how long a call takes an agent; see Wait
	handled int           // calls in it

	changed bool      // since the last Match, so that another could find something
	next    time.Time // when another could find something though nothing changes
}

type waiting struct {
	Waiting
	seq int
}

// New makes an empty queue.
func New(l Limits) *Queue {
	return &Queue{limits: l, calls: map[call.ID]*waiting{}, tenants: map[string]int{},
		missed: map[call.ID]map[string]time.Time{}, agents: map[string]*agent{}, phones: map[string]bool{}}
}

// SetLimits changes the settings from now on.
func (q *Queue) SetLimits(l Limits) { q.limits = l }

func order(a, b *waiting) int {
	front := func(w *waiting) int {
		if w.Front {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(front(a), front(b)),
		a.Arrived.Compare(b.Arrived), cmp.Compare(a.seq, b.seq))
}

// Enqueue puts a caller in line. It returns false where the tenant already has limit callers waiting (zero: no limit)
// and the caller has no claim to the head.
func (q *Queue) Enqueue(w Waiting, limit int) bool {
	if _, in := q.calls[w.Call]; in {
		return true
	}
	if limit > 0 && !w.Front && q.tenants[w.Tenant] >= limit {
		return false
	}
	q.seq++
	item := &waiting{w, q.seq}
	at, _ := slices.BinarySearchFunc(q.line, item, order)
	q.line = slices.Insert(q.line, at, item)
	q.calls[w.Call] = item
	q.tenants[w.Tenant]++
	q.changed = true
	return true
}

// Remove takes a caller out of line, where it stands in one.
func (q *Queue) Remove(c call.ID) {
	item, in := q.calls[c]
	if !in {
		return
	}
	at, _ := slices.BinarySearchFunc(q.line, item, order)
	q.line = slices.Delete(q.line, at, at+1)
	q.forget(item)
}

func (q *Queue) forget(item *waiting) {
	delete(q.calls, item.Call)
	if q.tenants[item.Tenant]--; q.tenants[item.Tenant] == 0 {
		delete(q.tenants, item.Tenant)
	}
}

// Ended forgets everything about a call. Its agent must have been given back; see Release.
func (q *Queue) Ended(c call.ID) {
	q.Remove(c)
	delete(q.missed, c)
}

// Release gives back whichever agent is reserved for a call, and returns who that was, "" for nobody. It is for a call
// that can no longer say so itself: it looks at every agent.
func (q *Queue) Release(c call.ID, how call.Freed, now time.Time) string {
	for id := range q.agents {
		if q.Free(id, c, how, now) {
			return id
		}
	}
	return ""
}

func (q *Queue) exclude(c call.ID, agent string, until time.Time) {
	if q.missed[c] == nil {
		q.missed[c] = map[string]time.Time{}
	}
	q.missed[c][agent] = until
}

// Match reserves as many callers and agents for each other as it can. A caller leaves the line and an agent the pool in
// the same step. next is when something may change by the passing of time alone, zero where nothing would. It costs
// next to nothing where nothing has changed and next has not come, so that it can be called at every turn.
func (q *Queue) Match(now time.Time) (matches []Match, next time.Time) {
	if !q.changed && (q.next.IsZero() || now.Before(q.next)) {
		return nil, q.next
	}
	q.changed, q.next = false, time.Time{}
	if len(q.line) == 0 {
		return nil, time.Time{}
	}
	if free := q.free(now); len(free) > 0 {
		matches = q.reserve(free, now)
	}
	if len(q.line) > 0 {
		q.next = q.soonest(now)
	}
	return matches, q.next
}

// reserve goes down the line and gives each caller the longest idle of the agents left.
func (q *Queue) reserve(free []*agent, now time.Time) (matches []Match) {
	var unserved map[string]bool // tenants that no free agent serves
	kept := q.line[:0]
	for i, w := range q.line {
		if len(free) == 0 {
			kept = append(kept, q.line[i:]...)
			break
		}
		at := -1
		if !unserved[w.Tenant] {
			var served bool
			if at, served = q.pick(free, w, now); !served {
				if unserved == nil {
					unserved = map[string]bool{}
				}
				unserved[w.Tenant] = true
			}
		}
		if at < 0 {
			kept = append(kept, w)
			continue
		}
		a := free[at]
		free = slices.Delete(free, at, at+1)
		a.call, a.talking, a.since, a.reserved = w.Call, false, now, now
		q.forget(w)
		matches = append(matches, Match{w.Call, a.ID, a.Kind})
	}
	clear(q.line[len(kept):])
	q.line = kept
	return matches
}

// pick finds the longest idle agent for a caller. served tells whether any of them answers for the tenant at all.
func (q *Queue) pick(free []*agent, w *waiting, now time.Time) (at int, served bool) {
	missed := q.missed[w.Call]
	for i, a := range free {
		if !a.serves(w.Tenant) {
			continue
		}
		served = true
		if now.Before(missed[a.ID]) {
			continue
		}
		return i, true
	}
	return -1, served
}

// soonest is the earliest end of a wrap-up or of an exclusion.
func (q *Queue) soonest(now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, a := range q.agents {
		if a.state(now) == WrapUp {
			sooner(a.wrapUntil)
		}
	}
	for c, agents := range q.missed {
		if _, in := q.calls[c]; !in {
			continue
		}
		for _, until := range agents {
			sooner(until)
		}
	}
	return next
}

// Len is the number of callers in line.
func (q *Queue) Len() int { return len(q.line) }

// LenOf is the number of callers that wait for one tenant.
func (q *Queue) LenOf(tenant string) int { return q.tenants[tenant] }

// Line lists the callers in the order in which they are served.
func (q *Queue) Line() []Waiting {
	all := make([]Waiting, len(q.line))
	for i, w := range q.line {
		all[i] = w.Waiting
	}
	return all
}
