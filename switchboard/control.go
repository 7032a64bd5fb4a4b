package switchboard

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/record"
)

// Drain refuses new calls from now on and returns a channel that is closed when no call is left, or when Run returns.
func (b *Board) Drain() <-chan struct{} {
	idle := make(chan struct{})
	ok := b.box.put(mail{posted: time.Now(), run: func() {
		b.draining = true
		b.restWishes()
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
	b.restWishes()
	for _, id := range slices.Sorted(maps.Keys(b.calls)) {
		if l := b.calls[id]; l != nil {
			b.handle(l, now, "", call.Shutdown{})
		}
	}
}

// Snapshot is what is going on at an instant.
type Snapshot struct {
	At     time.Time    `json:"at"`
	Calls  []CallInfo   `json:"calls" doc:"Live calls, oldest first"`
	Queues []QueueInfo  `json:"queues" doc:"Tenants for whom somebody waits"`
	Agents []AgentInfo  `json:"agents"`
	Parked []ParkedInfo `json:"parked"`
	Wishes []WishInfo   `json:"wishes" doc:"Call-back wishes that nobody has taken yet"`
	Notes  []Note       `json:"notes"`
	Alarms []Alarm      `json:"alarms"`
	// Waiting are all callers in line, without wishes; Stuck are calls that could not be made durable.
	Waiting int `json:"waiting"`
	Stuck   int `json:"stuck"`
}

// QueueInfo is what a tenant's waiting line is like.
type QueueInfo struct {
	Tenant  string    `json:"tenant"`
	Waiting int       `json:"waiting"`
	Since   time.Time `json:"since" doc:"Since when the caller waits who has waited longest; one who was answered before waits anew"`
}

// AgentInfo is what an agent is doing.
type AgentInfo struct {
	ID       string         `json:"id"`
	Kind     call.AgentKind `json:"kind"`
	Groups   []string       `json:"groups,omitempty"`
	State    queue.State    `json:"state"`
	Reason   string         `json:"reason,omitempty" doc:"Why she is paused or offline"`
	Call     call.ID        `json:"call,omitempty"`
	Since    time.Time      `json:"since"`
	Misses   int            `json:"misses,omitempty" doc:"Offers missed in a row"`
	LoggedIn bool           `json:"logged_in"`
	Phone    bool           `json:"phone" doc:"Her phone is registered"`
	// Name and Extension are filled in for who is shown them, beside the loop.
	Name      string `json:"name,omitempty"`
	Extension string `json:"extension,omitempty"`
}

// ParkedInfo is a caller who is parked.
type ParkedInfo struct {
	Slot   int       `json:"slot"`
	Call   call.ID   `json:"call"`
	Tenant string    `json:"tenant"`
	Caller string    `json:"caller,omitempty"`
	Agent  string    `json:"agent" doc:"Who parked her"`
	Since  time.Time `json:"since"`
}

// WishInfo is a call-back wish.
type WishInfo struct {
	ID     call.ID   `json:"id"`
	Tenant string    `json:"tenant"`
	Number string    `json:"number"`
	Left   time.Time `json:"left"`
	Tries  int       `json:"tries,omitempty"`
	After  time.Time `json:"after,omitzero" doc:"Not before, since nobody answered"`
}

// Story tells of a live call what its record would say by now, without what it is charged; ErrNoCall where no such call is live.
func (b *Board) Story(ctx context.Context, id call.ID) (rec record.Record, err error) {
	found := false
	err = b.look(ctx, func() {
		l := b.calls[id]
		if found = l != nil && l.final == nil; found {
			rec = record.Fold(l.head, slices.Clone(l.story))
			rec.Row, rec.HandledMS = nil, 0
		}
	})
	if err == nil && !found {
		err = ErrNoCall
	}
	return rec, err
}

// Live tells of one live call: the one named, or the one that an agent has where none is. The error is ErrUnknown where there is no
// such call, ErrConflict where she has none.
func (b *Board) Live(ctx context.Context, id call.ID, agent string) (c CallInfo, err error) {
	askErr := b.look(ctx, func() {
		var l *live
		if l, err = b.ordered(Order{Call: id, Agent: agent}); err == nil {
			c = b.info(l, time.Now())
		}
	})
	if askErr != nil {
		return CallInfo{}, askErr
	}
	return c, err
}

// Snapshot asks the loop what is going on.
func (b *Board) Snapshot(ctx context.Context) (s Snapshot, err error) {
	err = b.look(ctx, func() { s = b.snapshot(time.Now()) })
	return s, err
}

func (b *Board) snapshot(now time.Time) Snapshot {
	s := Snapshot{At: now.Round(0), Calls: []CallInfo{}, Queues: []QueueInfo{}, Agents: []AgentInfo{}, Parked: []ParkedInfo{}, Wishes: []WishInfo{},
		Notes: b.current(now), Alarms: []Alarm{}, Waiting: b.queue.Callers(), Stuck: len(b.failing)}
	for _, a := range b.queue.Agents(now) {
		s.Agents = append(s.Agents, AgentInfo{ID: a.ID, Kind: a.Kind, Groups: a.Groups, State: a.State, Reason: a.Reason, Call: a.Call,
			Since: a.Since.Round(0), Misses: a.Misses, LoggedIn: a.LoggedIn, Phone: a.Phone})
	}
	queues := map[string]QueueInfo{}
	calls := slices.SortedFunc(maps.Values(b.calls), func(a, b *live) int {
		return cmp.Or(a.head.Received.Compare(b.head.Received), cmp.Compare(a.head.Call, b.head.Call))
	})
	s.Calls = slices.Grow(s.Calls, len(calls))
	for _, l := range calls {
		s.Calls = append(s.Calls, b.info(l, now))
		if l.waiting {
			q := queues[l.tenant]
			if q.Waiting++; q.Since.IsZero() || l.waits.Before(q.Since) {
				q.Tenant, q.Since = l.tenant, l.waits.Round(0)
			}
			queues[l.tenant] = q
		}
	}
	for _, tenant := range slices.Sorted(maps.Keys(queues)) {
		s.Queues = append(s.Queues, queues[tenant])
	}
	for _, slot := range slices.Sorted(maps.Keys(b.parked)) {
		l := b.parked[slot]
		s.Parked = append(s.Parked, ParkedInfo{slot, l.head.Call, l.tenant, l.head.Caller.Number, l.parkedBy, l.parkedAt.Round(0)})
	}
	for _, w := range slices.Concat(slices.Collect(maps.Values(b.wishes)), b.resting) {
		s.Wishes = append(s.Wishes, WishInfo{w.Head.Call, w.Head.Rules.Tenant, w.Head.Caller.Number, w.Left, w.Tries, w.After})
	}
	slices.SortFunc(s.Wishes, func(a, b WishInfo) int { return cmp.Or(a.Left.Compare(b.Left), cmp.Compare(a.ID, b.ID)) })
	for _, kind := range slices.Sorted(maps.Keys(b.alarms.up)) {
		s.Alarms = append(s.Alarms, b.alarms.up[kind])
	}
	return s
}
