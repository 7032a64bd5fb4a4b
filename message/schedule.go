package message

import (
	"container/heap"
	"time"

	"golang.org/x/time/rate"
)

// item is a message that waits, without its text.
type item struct {
	id, tenant, address string
	seq                 uint64
	due                 time.Time
	failing             time.Time // since when it has been failing; zero: it has not
	lane                string
	again               *item // the same message, queued again by hand before this one was taken back
}

// lane is the messages of a tenant to one address, in order: the first of them holds up the others.
type lane struct {
	key    string
	tenant *turn
	items  []*item
	busy   bool // its first is being sent
}

// turn is one tenant's place in the round.
type turn struct {
	ready   []*lane
	inRing  bool
	limited bool // waits for its rate
	limiter *rate.Limiter
}

// schedule decides which message of one channel is next: tenants take turns, each within its rate, and a tenant's addresses
// in the order in which they became due. It is owned by one goroutine and knows no clock.
type schedule struct {
	limit    rate.Limit
	burst    int
	orderFor time.Duration
	ids      map[string]*item
	lanes    map[string]*lane
	turns    map[string]*turn
	ring     []*turn
	waiting  wakeHeap
}

// newSchedule makes a schedule with a rate for each tenant in messages a minute, zero for none.
func newSchedule(perMinute int, orderFor time.Duration) *schedule {
	s := &schedule{orderFor: orderFor, ids: map[string]*item{}, lanes: map[string]*lane{}, turns: map[string]*turn{}}
	s.limit, s.burst = limitOf(perMinute)
	return s
}

func limitOf(perMinute int) (limit rate.Limit, burst int) {
	if perMinute <= 0 {
		return rate.Inf, 1
	}
	return rate.Limit(float64(perMinute) / 60), max(1, perMinute/4)
}

// setRate changes the rate of every tenant. One that waits for its rate already does so once more.
func (s *schedule) setRate(perMinute int, now time.Time) {
	s.limit, s.burst = limitOf(perMinute)
	for _, t := range s.turns {
		t.limiter.SetLimitAt(now, s.limit)
		t.limiter.SetBurstAt(now, s.burst)
	}
}

// add takes a message, unless it is there already. One that was queued again meanwhile is added once the old one has finished.
func (s *schedule) add(it *item) bool {
	if had := s.ids[it.id]; had != nil {
		if it.seq > had.seq {
			had.again = it
		}
		return false
	}
	s.ids[it.id] = it
	s.enqueue(it, it.tenant+"\x00"+it.address)
	return true
}

func (s *schedule) enqueue(it *item, key string) {
	t := s.turns[it.tenant]
	if t == nil {
		t = &turn{limiter: rate.NewLimiter(s.limit, s.burst)}
		s.turns[it.tenant] = t
	}
	l := s.lanes[key]
	if l == nil {
		l = &lane{key: key, tenant: t}
		s.lanes[key] = l
	}
	it.lane = key
	if l.items = append(l.items, it); len(l.items) == 1 {
		s.wait(l)
	}
}

// wait puts a lane among those that wait for the due time of their first.
func (s *schedule) wait(l *lane) {
	heap.Push(&s.waiting, wake{at: l.items[0].due, seq: l.items[0].seq, lane: l})
}

// next gives the message that is to be sent now, nil where there is none. done must be called for it.
func (s *schedule) next(now time.Time) *item {
	for len(s.waiting) > 0 && !s.waiting[0].at.After(now) {
		w := heap.Pop(&s.waiting).(wake)
		if w.lane != nil {
			w.lane.tenant.ready = append(w.lane.tenant.ready, w.lane)
			s.join(w.lane.tenant)
			continue
		}
		w.turn.limited = false
		s.join(w.turn)
	}
	for len(s.ring) > 0 {
		t := s.ring[0]
		s.ring, t.inRing = s.ring[1:], false
		if r := t.limiter.ReserveN(now, 1); r.DelayFrom(now) > 0 {
			t.limited = true
			heap.Push(&s.waiting, wake{at: now.Add(r.DelayFrom(now)), turn: t})
			r.CancelAt(now)
			continue
		}
		l := t.ready[0]
		t.ready = t.ready[1:]
		s.join(t)
		l.busy = true
		return l.items[0]
	}
	return nil
}

// join puts a tenant at the end of the round if it has something to send.
func (s *schedule) join(t *turn) {
	if len(t.ready) > 0 && !t.inRing && !t.limited {
		t.inRing = true
		s.ring = append(s.ring, t)
	}
}

// finished takes back a message that next gave and that waits no longer.
func (s *schedule) finished(it *item) {
	delete(s.ids, it.id)
	s.advance(s.lanes[it.lane])
	if it.again != nil {
		s.add(it.again)
	}
}

// postponed takes back a message that next gave and that is to be tried again. One that has itself been failing for long
// lets those behind it pass; that its gateway fails does not count.
func (s *schedule) postponed(it *item, now, due time.Time, itself bool) {
	it.due = due
	if itself && it.failing.IsZero() {
		it.failing = now
	}
	l := s.lanes[it.lane]
	if len(l.items) > 1 && itself && now.Sub(it.failing) >= s.orderFor {
		s.advance(l)
		s.enqueue(it, it.tenant+"\x00"+it.address+"\x00"+it.id)
		return
	}
	l.busy = false
	s.wait(l)
}

// advance drops the first of a lane.
func (s *schedule) advance(l *lane) {
	l.busy = false
	l.items[0] = nil
	if l.items = l.items[1:]; len(l.items) == 0 {
		delete(s.lanes, l.key)
		return
	}
	s.wait(l)
}

// wakes tells when next should be asked again; false: nothing waits.
func (s *schedule) wakes(now time.Time) (time.Time, bool) {
	switch {
	case len(s.ring) > 0:
		return now, true
	case len(s.waiting) > 0:
		return s.waiting[0].at, true
	}
	return time.Time{}, false
}

// len is how many messages there are, those that are being sent included.
func (s *schedule) len() int { return len(s.ids) }

// wake is when a lane or, where that is nil, a tenant goes on.
type wake struct {
	at   time.Time
	seq  uint64
	lane *lane
	turn *turn
}

type wakeHeap []wake

func (h wakeHeap) Len() int { return len(h) }

func (h wakeHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h wakeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *wakeHeap) Push(x any) { *h = append(*h, x.(wake)) }

func (h *wakeHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = wake{}
	*h = old[:len(old)-1]
	return w
}
