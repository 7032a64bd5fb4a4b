package switchboard

import (
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/store"
)

// crowd is people and phones that do whatever they like. Whoever acts at an instant of her own has dice of her own, see fork, so that
// a seed gives the same history again.
type crowd struct {
	*stage
	rng  *rand.Rand
	back bool // targets may be forwarded back to us

	called []string // numbers that callers call
	agents []string // who may vanish
}

func newCrowd(s *stage, seed uint64) *crowd {
	c := &crowd{stage: s, rng: rand.New(rand.NewPCG(seed, 7)), back: true, called: numbers, agents: []string{"anna", "bo", "cia", "olle"}}
	s.onSignal = c.fork().react // on the loop
	return c
}

// fork gives dice to somebody who acts beside.
func (c *crowd) fork() *crowd {
	return &crowd{stage: c.stage, rng: rand.New(rand.NewPCG(c.rng.Uint64(), 7)), back: c.back, called: c.called, agents: c.agents}
}

func (c *crowd) n(n int) int { return c.rng.IntN(n) }

func (c *crowd) upTo(d time.Duration) time.Duration { return time.Duration(c.rng.Int64N(int64(d))) + 1 }

// soon does something within d.
func (c *crowd) soon(d time.Duration, f func(c *crowd)) {
	other := c.fork()
	time.AfterFunc(c.upTo(d), func() { f(other) })
}

// caller is one call; the caller loses patience, or ends the conversation, at some time.
func (c *crowd) caller() {
	id := c.arrive(c.called[c.n(len(c.called))])
	c.soon(4*time.Minute, func(c *crowd) {
		cause := call.CauseCancel
		c.world.mu.Lock()
		if f := c.legs[id]; f.accepted {
			cause = call.CauseBye
		}
		c.world.mu.Unlock()
		c.post(id, call.Ended{Cause: cause})
	})
	if c.n(10) == 0 {
		c.soon(2*time.Minute, func(c *crowd) { c.ifUp(id, call.MediaLost{}) })
	}
}

// ifUp posts an event that needs a leg that is up.
func (c *crowd) ifUp(id call.LegID, ev call.Event) bool {
	c.world.mu.Lock()
	f := c.legs[id]
	up := f != nil && (f.accepted || f.answered)
	c.world.mu.Unlock()
	return up && c.post(id, ev)
}

func (c *crowd) react(cmd call.SignalCommand) {
	switch cmd := cmd.(type) {
	case call.Dial:
		if cmd.To.Agent != "" {
			c.phone(cmd)
		} else {
			c.target(cmd)
		}
	case call.Hangup:
		if c.n(8) == 0 { // something of that leg was under way
			c.late(cmd.Leg, []call.Event{call.Answered{}, call.Ended{Cause: call.CauseBye}, call.Failed{Code: 487}, call.Held{},
				call.Referred{Ref: "late", Target: "+46850000042"}}[c.n(5)])
		}
	case call.NotifyRefer:
		if cmd.Code == 100 && c.n(2) == 0 { // many phones leave as soon as their REFER is taken
			c.soon(time.Second, func(c *crowd) { c.ifUp(cmd.Leg, call.Ended{Cause: call.CauseBye}) })
		}
	}
}

func (c *crowd) phone(d call.Dial) {
	switch c.n(8) {
	case 0: // nobody there
	case 1:
		c.soon(10*time.Second, func(c *crowd) { c.post(d.Leg, call.Failed{Code: 486}) })
	case 2:
		c.post(d.Leg, call.Failed{Code: 480}) // at once: nothing is registered
	default:
		c.soon(12*time.Second, func(c *crowd) {
			if c.post(d.Leg, call.Answered{Dialog: call.Dialog{CallID: string(d.Leg)}}) {
				c.talk(d.Leg, d.To.Agent)
			}
		})
	}
}

// talk is what a receptionist does with a call.
func (c *crowd) talk(leg call.LegID, agent string) {
	c.soon(80*time.Second, func(c *crowd) {
		if c.n(2) == 0 {
			c.ifUp(leg, call.Held{})
			c.soon(10*time.Second, func(c *crowd) { c.ifUp(leg, call.Resumed{}) })
		}
		switch c.n(6) {
		case 0:
			c.ifUp(leg, call.Ended{Cause: call.CauseBye})
		case 1, 2:
			c.ifUp(leg, call.Referred{Ref: "r", Target: []string{"+46850000042", "205", "0900123456", "x"}[c.n(4)]})
		case 3, 4:
			c.consult(leg, agent)
		}
		if c.n(12) == 0 {
			c.ifUp(leg, call.MediaLost{})
		}
		c.soon(3*time.Minute, func(c *crowd) { c.ifUp(leg, call.Ended{Cause: call.CauseBye}) })
	})
}

func (c *crowd) consult(first call.LegID, agent string) {
	second := call.LegID("x" + string(first) + string(rune('a'+c.n(26))))
	c.world.mu.Lock()
	known := c.legs[second] != nil
	c.world.mu.Unlock()
	if known {
		return
	}
	c.in(second, call.Dialled{Agent: agent, Target: "+46850000043"})
	c.soon(30*time.Second, func(c *crowd) {
		switch c.n(4) {
		case 0:
			c.post(second, call.Ended{Cause: call.CauseBye})
		case 1:
			c.ifUp(second, call.Referred{Ref: "s", Replaces: first})
		default:
			c.ifUp(first, call.Referred{Ref: "q", Replaces: second})
		}
	})
}

// target is somebody at the tenant's PBX.
func (c *crowd) target(d call.Dial) {
	c.soon(3*time.Second, func(c *crowd) { c.post(d.Leg, call.Ringing{}) })
	switch c.n(8) {
	case 0:
		c.soon(20*time.Second, func(c *crowd) { c.post(d.Leg, call.Failed{Code: []int{486, 404, 302, 487, 500}[c.n(5)]}) })
	case 1: // nobody answers
	case 2, 3:
		if c.back {
			c.soon(25*time.Second, func(c *crowd) { c.forwardBack(d) })
			return
		}
		fallthrough
	case 4:
		c.soon(5*time.Second, func(c *crowd) { c.post(d.Leg, call.EarlyMedia{}) })
		fallthrough
	default:
		c.soon(25*time.Second, func(c *crowd) {
			if c.post(d.Leg, call.Answered{Dialog: call.Dialog{CallID: string(d.Leg)}}) {
				c.soon(2*time.Minute, func(c *crowd) { c.ifUp(d.Leg, call.Ended{Cause: call.CauseBye}) })
			}
		})
	}
}

// forwardBack is the PBX sending our own leg to the service's number again.
func (c *crowd) forwardBack(d call.Dial) {
	c.world.mu.Lock()
	c.arrived++
	id := call.LegID("back" + string(d.Leg))
	over := c.legs[d.Leg].over
	c.world.mu.Unlock()
	ev := call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: d.From, Diverted: []string{d.To.Number}, Token: d.Token, SIPCall: string(id)}
	if !over && c.n(2) == 0 {
		ev.Token = "" // a PBX that drops it
	}
	c.in(id, ev)
	time.AfterFunc(time.Second, func() {
		c.world.mu.Lock()
		defer c.world.mu.Unlock()
		if code := c.refused[id]; code != 486 && code != 503 {
			c.t.Errorf("our own transfer came back and got %d", code)
		}
	})
}

// crash looks at what a power cut at this very instant would leave on disk: every call that was connected, and every
// conversation as answered.
func (c *crowd) crash() {
	if c.store == nil {
		return
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	kept := map[call.LegID]record.Record{}
	for _, r := range c.store.records {
		kept[call.LegID(r.Parties.SIPCall)] = r
	}
	for _, o := range c.store.journal {
		kept[call.LegID(o.Head.SIPCall)] = record.Interrupted(*o)
	}
	for id, f := range c.legs {
		r, ok := kept[id]
		if id[:2] != "in" {
			continue
		}
		if f.accepted && !ok {
			c.t.Errorf("%s was connected and is nowhere on disk", id)
		}
		if c.spoken[id] && r.Answered.IsZero() {
			c.t.Errorf("%s talks with a receptionist, the disk says no", id)
		}
	}
}

// live runs n callers, and phones that come and go, then waits until all calls have ended.
func (c *crowd) live(n int, d *directory.Directory) {
	for range n {
		time.Sleep(c.upTo(4 * time.Second))
		c.caller()
		if c.n(5) == 0 {
			c.crash()
		}
		if c.n(20) == 0 {
			agent := c.agents[c.n(len(c.agents))]
			c.board.Registered(agent, false, time.Now())
			c.soon(time.Minute, func(c *crowd) { c.board.Registered(agent, true, time.Now()) })
		}
		switch c.n(40) {
		case 0:
			c.board.SetDirectory(d, testLimits())
		case 1:
			c.board.SetAgent(c.t.Context(), AgentOrder{Agent: "bo", To: queue.Paused, Reason: "lunch"})
			c.soon(time.Minute, func(c *crowd) { c.board.SetAgent(c.t.Context(), AgentOrder{Agent: "bo", To: queue.Available}) })
		}
	}
	time.Sleep(20 * time.Minute)
	synctest.Wait()
}

func mixed(i int, r *call.Rules) {
	r.RingFirst = i == 1
	r.MaxQueue = 4 * i
	r.Overflow = []call.Overflow{call.OverflowBusy, call.OverflowForward, call.OverflowPrompt}[i]
	r.ForwardTo = "+46850000077"
}

func mixedDirectory(t *testing.T) *directory.Directory { return testDirectory(t, 4, mixed) }

// TestRandomHistories lives through thousands of calls. See invariants for what is checked at every turn.
func TestRandomHistories(t *testing.T) {
	calls := 3000
	if testing.Short() {
		calls = 300
	}
	play(t, mixedDirectory, func(s *stage) {
		c := newCrowd(s, newSeed(t))
		c.live(calls, mixedDirectory(t))
		if n := len(s.board.calls); n != 0 {
			t.Errorf("%d calls have not ended by themselves", n)
		}
		t.Logf("%d calls, %d turns, %d records, %d spoke", s.arrived, s.turns, len(s.store.records), len(s.spoken))
	})
}

// TestRandomHistoriesWithAFailingStore has every so many commits fail, in bursts too.
func TestRandomHistoriesWithAFailingStore(t *testing.T) {
	for _, every := range []int{2, 3, 7, 50} {
		play(t, mixedDirectory, func(s *stage) {
			c := newCrowd(s, newSeed(t))
			s.store.failing(func(n int) bool { return n%every == 0 || n/100%5 == 4 })
			c.live(400, mixedDirectory(t))
			t.Logf("every %d fails: %d calls, %d commits, %d records", every, s.arrived, s.store.n, len(s.store.records))
		})
	}
}

// TestEveryWriteFailsInTurn lets the n-th commit of the same history fail, for each n.
func TestEveryWriteFailsInTurn(t *testing.T) {
	for n := 1; n <= 60; n++ {
		play(t, mixedDirectory, func(s *stage) {
			c := newCrowd(s, 42)
			s.store.failing(func(i int) bool { return i == n })
			c.live(12, mixedDirectory(t))
		})
		if t.Failed() {
			t.Fatalf("commit %d", n)
		}
	}
}

// TestRandomHistoriesWithASlowStore has commits take longer than an answer may.
func TestRandomHistoriesWithASlowStore(t *testing.T) {
	play(t, mixedDirectory, func(s *stage) {
		c := newCrowd(s, newSeed(t))
		s.store.delay = func(n int) time.Duration {
			if n%40 < 3 {
				return 1500 * time.Millisecond
			}
			return time.Millisecond
		}
		c.live(500, mixedDirectory(t))
	})
}

// TestRandomHistoriesOnDisk has the real store below.
func TestRandomHistoriesOnDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk, err := store.Open(dir, store.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{world: newWorld(t), t: t}
		stop := s.start(mixedDirectory(t), disk)
		newCrowd(s, newSeed(t)).live(300, mixedDirectory(t))
		stop()
		s.atRest()
		left, err := disk.Recover()
		if err != nil {
			t.Error(err)
		}
		s.recorded(readAll(t, disk), len(left))
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
}
