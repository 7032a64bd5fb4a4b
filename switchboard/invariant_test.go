package switchboard

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// stage is a board in its world, in virtual time.
type stage struct {
	*world
	t      *testing.T
	store  *memStore
	turns  int
	freed  map[call.ID]bool // calls whose agent a supervisor took away, whatever they say
	kept   []record.Kept    // by a former board
	recent []record.Record  // of a former board
	absent bool             // no phone is registered at the start
	also   func()           // looks at every turn too, on the loop
}

// play runs f with a board and its world in a bubble of virtual time, on a Monday at 09:00 in Stockholm, and checks the
// invariants after every turn of the loop and at the end.
func play(t *testing.T, d func(t *testing.T) *directory.Directory, f func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 1, 3, 8, 0, 0, 0, time.UTC)))
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		stop := s.start(d(t), s.store)
		f(s)
		stop()
		s.atRest()
		settled()
	})
}

// settled lets the store answer the last commits: nobody waits for what stands beside calls.
func settled() { time.Sleep(time.Second) }

// start runs a board and returns what ends it in peace.
func (s *stage) start(d *directory.Directory, store Store) (stop func()) {
	s.board = New(Config{Signals: signals{s.world}, Media: media{s.world}, Store: store, Directory: d, Limits: testLimits(), Codes: testCodes, Kept: s.kept, Recent: slices.Values(s.recent)})
	s.board.afterTurn = s.invariants
	for _, a := range d.Agents() {
		s.board.Registered(a.ID, !s.absent, time.Now())
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); s.board.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		<-ran
	}
}

// invariants holds after every turn of the loop. It runs on the loop.
func (s *stage) invariants() {
	s.turns++
	b := s.board
	reserved := map[call.ID][]string{}
	for _, a := range b.queue.Agents(time.Now()) {
		if a.Call == "" {
			continue
		}
		reserved[a.Call] = append(reserved[a.Call], a.ID)
	}
	timers, legs, waits := 0, 0, 0
	for id, l := range b.calls {
		timers += len(l.timers)
		legs += len(l.legs)
		if !l.waits.IsZero() {
			waits++
		} else if l.waiting {
			s.t.Errorf("call %s is in line and does not wait", id)
		}
		if l.final != nil && len(l.timers)+len(l.legs) > 0 {
			s.t.Errorf("ended call %s has timers or legs", id)
		}
		has := slices.Sorted(slices.Values(l.agents))
		if l.final != nil {
			continue
		}
		if a := l.call.Agent(); !slices.Equal(has, reserved[id]) || a != "" && !slices.Contains(has, a) && !s.freed[id] {
			s.t.Errorf("call %s says it has agent %q, the board %q, the pool %q", id, a, has, reserved[id])
		}
		delete(reserved, id)
	}
	if len(reserved) > 0 {
		s.t.Errorf("agents reserved for calls that are not there: %v", reserved)
	}
	if waits != b.alarms.waiting {
		s.t.Errorf("%d callers wait, the alarms say %d", waits, b.alarms.waiting)
	}
	if timers != len(b.timers) || legs != len(b.legs) {
		s.t.Errorf("%d timers of calls, %d in all; %d legs of calls, %d in all", timers, len(b.timers), legs, len(b.legs))
	}
	for _, w := range b.queue.Line() {
		if l := b.calls[w.Call]; w.Wish {
			if b.wishes[w.Call] == nil || l != nil {
				s.t.Errorf("wish %s waits and should not", w.Call)
			}
		} else if l == nil || l.final != nil || l.call.Agent() != "" {
			s.t.Errorf("call %s waits and should not", w.Call)
		}
	}
	s.onePhone()
	if s.also != nil {
		s.also()
	}
}

// onePhone: no call rings at two agents' phones, but where its tenant wants that, and no agent has two calls on her phone.
func (s *stage) onePhone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := map[string]call.LegID{}
	for id, l := range s.board.calls {
		ringing := 0
		for leg := range l.legs {
			f := s.legs[leg]
			if f == nil {
				continue
			}
			if !f.gone.IsZero() && !f.gone.Equal(time.Now()) {
				s.t.Errorf("call %s keeps leg %s, which has ended", id, leg)
			}
			if f.agent == "" || f.over || !f.gone.IsZero() {
				continue
			}
			if other := calls[f.agent]; other != "" && !s.t.Failed() {
				s.t.Errorf("%s has calls %s and %s on her phone (freed by hand: %v)\n%s\n%s", f.agent, other, leg, s.freed[id], text(s.t, l.story), text(s.t, s.board.legs[other].story))
			}
			calls[f.agent] = leg
			if !f.answered {
				ringing++
			}
		}
		if serve := l.head.Rules.Serve; ringing > 1 && (serve == nil || serve.Strategy != call.RingAll) {
			s.t.Errorf("call %s rings at %d agents' phones", id, ringing)
		}
	}
}

// atRest checks that nothing is left when the loop has ended.
func (s *stage) atRest() {
	b := s.board
	b.lapse(time.Now().Add(sentGrace))
	if n := len(b.calls) + len(b.legs) + len(b.timers) + len(b.sent) + len(b.lapsing) + len(b.failing) + len(b.box.mail) + b.queue.Len(); n != 0 {
		s.t.Errorf("left: %d calls, %d legs, %d timers, %d sent, %d lapsing, %d failing, %d mail, %d waiting", len(b.calls), len(b.legs),
			len(b.timers), len(b.sent), len(b.lapsing), len(b.failing), len(b.box.mail), b.queue.Len())
	}
	for _, a := range b.queue.Agents(time.Now()) {
		if a.Call != "" || a.State == queue.Talking || a.State == queue.Ringing {
			s.t.Errorf("agent %s is %s", a.ID, a.State)
		}
	}
	for id, f := range s.legs {
		if !f.over && f.gone.IsZero() {
			s.t.Errorf("leg %s was never ended", id)
		}
	}
	if s.store != nil {
		s.recorded(s.store.all(), s.store.open())
	}
}

// recorded: each call that was taken has one record, each conversation its row, and nothing is left in the journal.
func (s *stage) recorded(records []record.Record, open int) {
	if open != 0 {
		s.t.Errorf("%d calls are left in the journal", open)
	}
	byLeg := map[call.LegID]record.Record{}
	for _, r := range records {
		s.story(r)
		id := call.LegID(r.Parties.SIPCall)
		if id == "" {
			continue // we called
		}
		if _, twice := byLeg[id]; twice {
			s.t.Errorf("two records of %s", id)
		}
		byLeg[id] = r
	}
	for id, f := range s.legs {
		if !f.incoming || len(id) < 2 || id[:2] != "in" {
			continue
		}
		r, kept := byLeg[id]
		if code := s.refused[id]; !kept && code != 503 && code != 404 && code != 486 {
			s.t.Errorf("%s has no record", id)
		}
		if s.spoken[id] && r.Answered.IsZero() {
			s.t.Errorf("%s talked with a receptionist, its record says no", id)
		}
	}
}

// story: what a record says agrees with its own story.
func (s *stage) story(r record.Record) {
	own := !slices.ContainsFunc(r.Story, func(e call.Entry) bool {
		return (e.Kind == call.KindAnswered || e.Kind == call.KindColleague) && e.AgentKind == call.Service
	})
	out := r.Story[0].Kind == call.KindDialled // by ourselves: rated where it calls somebody back
	if (r.Row != nil) == (r.Answered.IsZero() || own) && !withdrawn(r) && !(out && r.Row == nil) {
		s.t.Errorf("call %s: answered %v, row %v", r.Call, r.Answered, r.Row)
	}
	if r.Row != nil && (r.Row.HandledMS != r.HandledMS) {
		s.t.Errorf("call %s: row %d ms, record %d ms", r.Call, r.Row.HandledMS, r.HandledMS)
	}
	last := time.Duration(0)
	for i, e := range r.Story {
		if e.Since < last {
			s.t.Errorf("call %s: entry %d is earlier than the one before: %s", r.Call, i, text(s.t, r.Story))
		}
		last = e.Since
	}
}

func withdrawn(r record.Record) bool {
	return slices.ContainsFunc(r.Story, func(e call.Entry) bool { return e.Kind == call.KindWithdrawn })
}
