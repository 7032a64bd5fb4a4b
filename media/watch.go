package media

import (
	"time"

	"telefonist/call"
)

// watch looks after a leg's far side falling silent. It is part of inbound and protected by its lock.
type watch struct {
	armed  bool
	posted bool
	any    bool  // something has arrived
	since  int64 // the last packet, or when the watch began or began anew
}

// arm begins the watch with the first command that lets the leg hear something.
func (in *inbound) arm(now int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.watch.armed {
		in.watch.armed = true
		in.watch.restart(now)
	}
}

func (w *watch) restart(now int64) { w.since = max(w.since, now) }

func (w *watch) heard(now int64) { w.any, w.since = true, now }

// expired reports once that the leg has been silent for too long.
func (in *inbound) expired(now int64, limits Silence) (time.Duration, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := &in.watch
	limit := limits.First
	if w.any {
		limit = limits.Steady
	}
	silence := time.Duration(now - w.since)
	if !w.armed || w.posted || in.direction != SendRecv || limit <= 0 || silence < limit {
		return 0, false
	}
	w.posted = true
	return silence, true
}

// reportInterval is how often a leg is sent an RTCP report (RFC 3550 section 6.2: at least 5 s apart).
const reportInterval = 5 * time.Second

// watch looks at all legs now and then: for silence, and for reports that are due.
func (e *Engine) watch() {
	ticker := time.NewTicker(e.watchInterval())
	defer ticker.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-ticker.C:
		}
		e.lookAround()
	}
}

func (e *Engine) lookAround() {
	e.mu.Lock()
	legs := make([]*leg, 0, len(e.legs))
	for _, l := range e.legs {
		legs = append(legs, l)
	}
	e.mu.Unlock()
	now := e.now()
	for _, l := range legs {
		if silence, gone := l.in.expired(now, e.cfg.Silence); gone {
			e.sink.Post(l.id, time.Now(), call.MediaLost{Silence: silence})
		}
		l.lapsedKey(now)
		l.sendReport(now)
		e.reoffer(l, l.unheard.Swap(false) || l.deaf(), now)
	}
}

// reoffer has a leg offered anew that is not heard or hears nothing, unless it has just been. It may be asked for in vain while
// another offer is under way.
func (e *Engine) reoffer(l *leg, due bool, now int64) {
	if due && e.cfg.Reoffer != nil && l.in.mayReoffer(now) {
		e.cfg.Reoffer(l.id)
	}
}

// reofferAgain is how long a leg is left alone after an offer, unless it is to hear something else.
const reofferAgain = int64(10 * time.Second)

// mayReoffer reports whether the last offer has had its time.
func (in *inbound) mayReoffer(now int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.offered == 0 || now-in.offered >= reofferAgain
}

// offeredAt notes an offer, 0 that the next one need not wait.
func (in *inbound) offeredAt(now int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.offered = now
}

// watchInterval is a second, or less where the time-outs are short.
func (e *Engine) watchInterval() time.Duration {
	interval := time.Second
	for _, d := range []time.Duration{e.cfg.Silence.First, e.cfg.Silence.Steady} {
		if d > 0 {
			interval = min(interval, d/4)
		}
	}
	return max(interval, 5*time.Millisecond)
}
