package switchboard

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/queue"
)

// Drain refuses new calls from now on and returns a channel that is closed when no call is left, or when Run returns.
func (b *Board) Drain() <-chan struct{} {
	idle := make(chan struct{})
	ok := b.box.put(mail{posted: time.Now(), run: func() {
		b.draining = true
		b.idle = append(b.idle, idle)
		if len(b.calls) == 0 {
			b.tellIdle()
		}
	}}, 0)
	if !ok {
		close(idle)
	}
	return idle
}

// shutdown ends every call that is left.
func (b *Board) shutdown(now time.Time) {
	b.draining = true
	for _, id := range slices.Sorted(maps.Keys(b.calls)) {
		if l := b.calls[id]; l != nil {
			b.handle(l, now, "", call.Shutdown{})
		}
	}
}

// Snapshot is what is going on at an instant.
type Snapshot struct {
	Calls   []CallInfo
	Agents  []queue.Status
	Waiting int
	Stuck   int // calls that could not be made durable
}

// CallInfo is one live call.
type CallInfo struct {
	ID      call.ID
	Tenant  string
	Caller  string
	Agent   string
	Arrived time.Time
	Last    call.Entry // the last line of its story
}

// Snapshot asks the loop what is going on.
func (b *Board) Snapshot(ctx context.Context) (s Snapshot, err error) {
	err = b.ask(ctx, func() { s = b.snapshot(time.Now()) })
	return s, err
}

func (b *Board) snapshot(now time.Time) Snapshot {
	s := Snapshot{Agents: b.queue.Agents(now), Waiting: b.queue.Len(), Stuck: len(b.failing)}
	for id, l := range b.calls {
		s.Calls = append(s.Calls, CallInfo{ID: id, Tenant: l.head.Rules.Tenant, Caller: l.head.Caller.Number,
			Agent: l.call.Agent(), Arrived: l.head.Received, Last: l.story[len(l.story)-1]})
	}
	slices.SortFunc(s.Calls, func(a, b CallInfo) int {
		return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.ID, b.ID))
	})
	return s
}

// Pause takes an agent out of the matching; Resume takes her back. They return false for an agent that does not exist.
func (b *Board) Pause(ctx context.Context, agent, reason string) (ok bool, err error) {
	err = b.ask(ctx, func() { ok = b.queue.Pause(agent, reason, time.Now()) })
	return ok, err
}

// Resume ends a pause.
func (b *Board) Resume(ctx context.Context, agent string) (ok bool, err error) {
	err = b.ask(ctx, func() { ok = b.queue.Resume(agent, time.Now()) })
	return ok, err
}
