package web

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// stalling is a desk whose first look takes so long, and on which something always changes.
type stalling struct {
	Desk
	first time.Duration
	looks chan time.Time
}

func (d *stalling) Snapshot(context.Context) (Live, error) {
	<-time.After(d.first)
	d.first = 0
	d.looks <- time.Now()
	return Live{}, nil
}

func (d *stalling) Changes() <-chan struct{} {
	told := make(chan struct{}, 1)
	told <- struct{}{}
	return told
}

// TestAMachineThatStoodStillOnceLeavesNoConsoleBlind: the look in which it did took as long, and tells nothing of the next.
func TestAMachineThatStoodStillOnceLeavesNoConsoleBlind(t *testing.T) {
	for first, want := range map[time.Duration]time.Duration{0: livePace, time.Second / 10: 2 * time.Second, time.Minute: liveSlowest} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			d := &stalling{first: first, looks: make(chan time.Time, 1)}
			w := &watch{}
			w.moment.Store(&moment{newer: make(chan struct{})})
			go w.run(ctx, d)
			begun := <-d.looks
			if again := <-d.looks; again.Sub(begun) != want {
				t.Errorf("after a look of %v the next came %v later, want %v", first, again.Sub(begun), want)
			}
		})
	}
}
