package switchboard

import (
	"container/heap"
	"time"

	"telefonist/call"
)

// timer is one armed timer of a call.
type timer struct {
	due  time.Time
	live *live
	name call.Timer
	at   int // position in the heap
}

type timers []*timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].at, t[j].at = i, j
}
func (t *timers) Push(x any) {
	x.(*timer).at = len(*t)
	*t = append(*t, x.(*timer))
}
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return last
}

func (b *Board) arm(l *live, name call.Timer, at time.Duration) {
	b.disarm(l, name)
	t := &timer{due: l.arrived.Add(at), live: l, name: name}
	l.timers[name] = t
	heap.Push(&b.timers, t)
}

func (b *Board) disarm(l *live, name call.Timer) {
	if t := l.timers[name]; t != nil {
		heap.Remove(&b.timers, t.at)
		delete(l.timers, name)
	}
}

// fire handles every timer that is due, each at its own instant and not at the later one in which the loop looks.
func (b *Board) fire(now time.Time) {
	for len(b.timers) > 0 && !b.timers[0].due.After(now) {
		t := heap.Pop(&b.timers).(*timer)
		delete(t.live.timers, t.name)
		b.handle(t.live, t.due, "", call.Fired{Timer: t.name})
	}
}

// due tells whether the loop looks again by itself at an instant.
func (b *Board) due(now time.Time) bool {
	wake := b.nextWake()
	return !wake.IsZero() && !wake.After(now)
}

// nextWake is when the loop must look again though nobody posts anything; zero means never.
func (b *Board) nextWake() (wake time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	sooner(b.matchAt)
	sooner(b.retryAt)
	sooner(b.wishAt)
	sooner(b.alarms.next)
	if len(b.timers) > 0 {
		sooner(b.timers[0].due)
	}
	if len(b.confirming) > 0 {
		sooner(b.confirming[0].until)
	}
	return wake
}
