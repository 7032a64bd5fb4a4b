package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
)

const (
	// livePace is the least time between two looks at the switchboard. In a house so full that looking takes long, a look is at most one
	// part in liveShare of its loop's time, and what is written for consoles one in renderShare of a processor's.
	livePace    = 100 * time.Millisecond
	liveShare   = 20
	renderShare = 4
	// liveSlowest is the longest time between two looks where something changes: one may have taken long because the machine stood still.
	liveSlowest = 3 * time.Second
	// recallEvery is how often it is looked up anew whether who was called for a caller who came back may be reached now: that is told by
	// others than the switchboard.
	recallEvery = time.Second
)

// lookout looks at the switchboard for all consoles: once after a change, however many there are, and never where nothing changes.
type lookout struct {
	mu   sync.Mutex // protects what follows
	now  *watch     // nil: nobody looks
	last *watch     // the one before, which may still be ending
}

// watch is one looker, from the first console to the last.
type watch struct {
	readers int // protected by the lookout's mu
	stop    context.CancelFunc
	done    chan struct{}
	moment  atomic.Pointer[moment]
	spent   atomic.Int64 // nanoseconds of writing since the last look
}

// moment is what was going on at an instant, or why nobody can tell.
type moment struct {
	at    time.Time // zero: before the first look
	live  Live
	err   error
	newer chan struct{} // closed when there is one
}

// join begins to look where nobody does. Each join is followed by one leave.
func (l *lookout) join(d Desk) *watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		ctx, stop := context.WithCancel(context.Background())
		w, before := &watch{stop: stop, done: make(chan struct{})}, l.last
		w.moment.Store(&moment{newer: make(chan struct{})})
		l.now, l.last = w, w
		go func() {
			defer close(w.done)
			if before != nil {
				<-before.done // there is one token for one reader
			}
			w.run(ctx, d)
		}()
	}
	l.now.readers++
	return l.now
}

// leave waits for the end of the looker where nobody looks any more.
func (l *lookout) leave(w *watch) {
	l.mu.Lock()
	w.readers--
	last := w.readers == 0
	if last && l.now == w {
		l.now = nil
	}
	l.mu.Unlock()
	if last {
		w.stop()
		<-w.done
	}
}

func (w *watch) run(ctx context.Context, d Desk) {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		m := &moment{at: time.Now(), newer: make(chan struct{})}
		m.live, m.err = d.Snapshot(ctx)
		close(w.moment.Swap(m).newer)
		if m.err != nil {
			return
		}
		pause.Reset(min(max(livePace, liveShare*time.Since(m.at), renderShare*time.Duration(w.spent.Swap(0))), liveSlowest))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		select {
		case <-d.Changes():
		case <-ctx.Done():
			return
		}
	}
}

// liveStreamRoute declares the stream of what is going on.
func (s *v1) liveStreamRoute() {
	register(s, http.MethodGet, "/live/stream", "follow-live", "What GET /live answers as server-sent events: at once, and then whenever it has changed", working,
		func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) { return s.followLive(ctx) },
		serviceWide, failing(http.StatusServiceUnavailable), func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "Events live: data is the answer of GET /live",
				Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
		})
}

// followLive opens a stream. What is wrong with the request is told before it begins.
func (s *v1) followLive(ctx context.Context) (*huma.StreamResponse, error) {
	d, err := s.desk()
	if err != nil {
		return nil, err
	}
	who := identity(ctx)
	ending, err := s.consoles.begin(who.Token)
	if err != nil {
		return nil, err
	}
	w := s.lookout.join(d)
	over := func() {
		s.lookout.leave(w)
		s.consoles.end(who.Token)
	}
	first := w.moment.Load()
	if first.at.IsZero() {
		select {
		case <-first.newer:
			first = w.moment.Load()
		case <-ctx.Done():
			first = &moment{err: ctx.Err()}
		}
	}
	if first.err != nil {
		over()
		return nil, deskError(first.err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer over()
		(&console{pipe: s.pipe(hc), watch: w, who: who, ending: ending}).run(first)
	}}, nil
}

// console is one open stream. It is behind by no more than what it is writing: moments that pass meanwhile it leaves out.
type console struct {
	*pipe
	*watch
	who    account.Identity
	ending <-chan struct{}
	told   []byte // what the last event said, without its instant
	recall bool   // it tells of somebody who was called
}

func (c *console) run(m *moment) {
	defer c.end()
	beat := time.NewTicker(c.every)
	defer beat.Stop()
	for m.err == nil && c.tell(m) == nil {
		var again <-chan time.Time
		if c.recall {
			again = time.After(recallEvery)
		}
		select {
		case <-m.newer:
			m = c.moment.Load()
		case <-again:
		case <-beat.C:
			if c.ended() || c.send([]byte(":\n\n")) != nil {
				return
			}
		case <-c.ending:
			return
		case <-c.hc.Context().Done():
			return
		}
	}
}

// tell sends what is going on, unless that is what was sent last.
func (c *console) tell(m *moment) error {
	event := c.render(m)
	if event == nil {
		return nil
	}
	return c.send(event)
}

// render writes a moment as an event; nil where it says nothing new.
func (c *console) render(m *moment) []byte {
	begun := time.Now()
	defer func() { c.spent.Add(int64(time.Since(begun))) }()
	live := c.s.shownTo(c.who, m.live)
	running := make([]int64, len(live.Calls))
	at := live.At
	live.At, c.recall = time.Time{}, false
	for i := range live.Calls {
		one := &live.Calls[i]
		c.recall = c.recall || one.Recall != nil && one.Recall.Target != nil
		if one.Handling { // what changes it stands in the story, too
			running[i], one.HandlingMS = one.HandlingMS, 0
		}
	}
	text, err := json.Marshal(live)
	if err != nil || bytes.Equal(text, c.told) {
		return nil
	}
	c.told = text
	passed := begun.Sub(m.at) // the moment may be old: nothing has changed since
	live.At = at.Add(passed)
	for i := range live.Calls {
		if one := &live.Calls[i]; one.Handling {
			one.HandlingMS = running[i] + passed.Milliseconds()
		}
	}
	if text, err = json.Marshal(live); err != nil {
		return nil
	}
	return append(append([]byte("event: live\ndata: "), text...), "\n\n"...)
}
