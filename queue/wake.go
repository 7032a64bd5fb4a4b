package queue

import "time"

// wake is something that comes about by the passing of time alone. It is checked when its time has come: what it was set for
// may be gone by then.
type wake struct {
	at    time.Time
	nanos int64
	kind  wakeKind
	agent string
	a     *agent   // wakeWrap, wakeLease
	w     *waiting // wakeLevel, wakeAgain
	level int      // wakeLevel: how many levels had begun
}

type wakeKind int

const (
	wakeWrap  wakeKind = iota // a wrap-up is over
	wakeLevel                 // another level of a caller's begins
	wakeAgain                 // an agent may be offered a call again that she did not take
	wakeLease                 // a reservation runs out
)

// wakes is a heap, the earliest first.
type wakes []wake

func (h *wakes) push(w wake) {
	w.nanos = nanos(w.at)
	*h = append(*h, w)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].nanos <= s[i].nanos {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

// pop takes the earliest.
func (h *wakes) pop() wake {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s[last] = wake{}
	s = s[:last]
	*h = s
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s) && s[down].nanos < s[least].nanos {
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

// due takes the earliest where its time has come.
func (h *wakes) due(now time.Time) (wake, bool) {
	if len(*h) == 0 || now.Before((*h)[0].at) {
		return wake{}, false
	}
	return h.pop(), true
}

// next is the instant of the earliest that still means something, zero where there is none.
func (h *wakes) next(q *Queue) time.Time {
	for len(*h) > 0 {
		if top := (*h)[0]; q.means(top) {
			return top.at
		}
		h.pop()
	}
	return time.Time{}
}

// means tells whether what a wake was set for is still there.
func (q *Queue) means(k wake) bool {
	switch k.kind {
	case wakeWrap:
		return k.a.state == WrapUp && k.a.wrapUntil.Equal(k.at)
	case wakeLease:
		return k.a.state.Working() && k.a.lease.Equal(k.at)
	case wakeLevel:
		return q.calls[k.w.Call] == k.w && k.w.begun == k.level
	default:
		until, ok := q.missed[k.w.Call][k.agent]
		return ok && q.calls[k.w.Call] == k.w && until.Equal(k.at)
	}
}

// tick lets time pass: wrap-ups end, levels begin, agents may be offered again what they did not take.
func (q *Queue) tick(now time.Time) {
	for {
		k, ok := q.wakes.due(now)
		if !ok {
			return
		}
		if !q.means(k) {
			continue
		}
		switch k.kind {
		case wakeWrap:
			q.happen(k.a, EventWrapOver, k.at)
		case wakeLevel:
			q.begin(k.w)
		case wakeAgain:
			delete(q.missed[k.w.Call], k.agent)
			if len(q.missed[k.w.Call]) == 0 {
				delete(q.missed, k.w.Call)
			}
			q.place(k.w)
		}
	}
}

// nanos is an instant as a number that orders as wall clocks do, whether or not it has a monotonic reading.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return -1 << 63
	}
	return t.UnixNano()
}
