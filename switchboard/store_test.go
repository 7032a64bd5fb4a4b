package switchboard

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/record"
)

func (p *script) stuck() int {
	p.t.Helper()
	s, err := p.board.Snapshot(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return s.Stuck
}

// gets waits for the status that a leg was refused with, zero for none.
func (p *script) gets(id call.LegID, want int) {
	p.t.Helper()
	synctest.Wait()
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	if got := p.refused[id]; got != want {
		p.t.Errorf("%s got %d, want %d", id, got, want)
	}
}

func (p *script) only() record.Record {
	p.t.Helper()
	records := p.store.all()
	if len(records) != 1 {
		p.t.Fatalf("%d records, want 1", len(records))
	}
	return records[0]
}

func always(int) bool { return true }
func never(int) bool  { return false }

func TestStoreThatCannotWriteRefusesCallsAndGoesOnWithThoseThatTalk(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.after(10 * second)
		s.store.failing(always)
		p.gets(p.comes(numbers[1]), 503)
		p.after(30 * second) // heartbeats fail
		if p.stuck() != 1 {
			t.Errorf("%d stuck", p.stuck())
		}
		p.gets(p.comes(numbers[1]), 503)
		s.store.failing(never)
		p.gets(p.comes(numbers[1]), 503) // while anything is not written
		p.after(second)
		between := p.comes(numbers[1])
		p.gets(between, 0)
		p.send(between, bye)
		p.after(second)
		if p.only().Outcome != call.OutcomeAbandoned || p.stuck() != 0 {
			t.Error("the store did not recover")
		}
		s.store.failing(always)
		p.send(in, bye)
		p.after(30 * second)
		if p.stuck() != 1 || len(s.store.all()) != 1 {
			t.Error("the call's record is not waiting")
		}
		s.store.failing(never)
		p.after(2 * second)
		for _, r := range s.store.all() {
			if r.Outcome == call.OutcomeAnswered && (p.stuck() != 0 || r.HandledMS < 42000 || r.HandledMS > 42100) {
				t.Errorf("%d stuck, handled %d ms", p.stuck(), r.HandledMS)
			}
		}
		again := p.comes(numbers[1])
		p.gets(again, 0)
		p.send(again, bye)
	})
}

func TestCallRefusedForWantOfAStoreLeavesNothingBehind(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		s.store.failing(always)
		p.gets(p.comes(numbers[0]), 503)
		p.after(5 * second)
		if len(s.store.all()) != 0 || p.stuck() != 0 {
			t.Error("something was kept")
		}
	})
}

func TestStoreThatHangsAtArrivalRefusesAfter2Seconds(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		s.store.slow(10 * second)
		in := p.comes(numbers[0])
		p.after(1990 * time.Millisecond)
		p.gets(in, 0)
		p.after(10 * time.Millisecond)
		p.gets(in, 503)
		s.store.slow(time.Millisecond)
		p.after(20 * second) // the arrival did get to disk in the end, so the call has its record
		if r := p.only(); r.Outcome != call.OutcomeFailed || r.Cause != call.CauseStore {
			t.Errorf("%s (%s)", r.Outcome, r.Cause)
		}
	})
}

func TestAnswerThatIsNotDurableIn2SecondsIsWithdrawn(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		first := p.comes(numbers[0])
		p.comes(numbers[0])
		p.after(second)
		s.store.slow(5 * second)
		p.post(p.leg(), answers)
		p.after(1999 * time.Millisecond)
		if p.spoke(first) || p.over(p.leg()) {
			t.Error("too soon")
		}
		p.after(2 * time.Millisecond)
		p.world.mu.Lock()
		if len(p.dialled) != 2 || p.dialled[1].Peer != first {
			t.Errorf("the caller is not back at the head: %+v", p.dialled)
		}
		p.world.mu.Unlock()
		p.after(2 * second)
		s.store.slow(time.Millisecond)
		p.send(p.leg(), answers)
		p.after(20 * second)
		if !p.spoke(first) {
			t.Error("second answer was not connected")
		}
		p.send(p.leg(), bye)
		p.after(6 * second)
		p.send("in2", bye)
		p.after(second)
		for _, r := range s.store.all() {
			if r.Parties.SIPCall == string(first) && (r.HandledMS < 18000 || r.HandledMS > 21000 || r.Outcome != call.OutcomeAnswered) {
				t.Errorf("handled %d ms, %s", r.HandledMS, r.Outcome)
			}
		}
	})
}

func TestWithdrawnAnswerIsUnrated(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.after(second)
		s.store.failing(always)
		p.post(p.leg(), answers)
		p.after(10 * time.Millisecond)
		p.send(in, bye)
		s.store.failing(never)
		p.after(3 * second)
		if r := p.only(); r.Row != nil || r.Outcome != call.OutcomeAbandoned {
			t.Errorf("row %v, %s", r.Row, r.Outcome)
		}
	})
}

// TestLateAnswerOfTheStoreDoesNotOpenALaterAnswer: the first answer's commit comes back while the second waits for its own.
func TestLateAnswerOfTheStoreDoesNotOpenALaterAnswer(t *testing.T) {
	play(t, pool(2, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.after(second)
		s.store.slow(2500 * time.Millisecond)
		p.post(p.leg(), answers) // durable at 2.5 s, withdrawn at 2 s
		p.after(2200 * time.Millisecond)
		p.post(p.leg(), answers) // in the next commit, durable at 5 s, withdrawn at 4.2 s
		p.after(1800 * time.Millisecond)
		if p.spoke(in) {
			t.Error("connected though the second answer is not durable")
		}
		s.store.slow(time.Millisecond)
		p.after(3 * second)
		p.send(in, bye)
		p.after(second)
	})
}

func TestShutdownWithAStoreThatFailsGivesUpAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		stop := s.start(testDirectory(t, 1, nil), s.store)
		p := scripted(s)
		p.comes(numbers[0])
		s.store.failing(always)
		before := time.Now()
		stop()
		if took := time.Since(before); took != 5*second {
			t.Errorf("took %v", took)
		}
		if s.store.open() != 1 {
			t.Error("the journal must keep what the record could not")
		}
		settled()
	})
}

// tardy is a store whose writing of what stands beside calls takes a second, or fails as often as it says.
type tardy struct {
	*memStore
	fail int
}

func (s *tardy) Commit(c record.Commit, done func(error)) {
	if c.Call != "" {
		s.memStore.Commit(c, done)
		return
	}
	time.AfterFunc(time.Second, func() {
		s.mu.Lock()
		s.fail--
		failed := s.fail >= 0
		s.mu.Unlock()
		if failed {
			done(errDisk)
			return
		}
		s.memStore.Commit(c, done)
	})
}

func TestShutdownWaitsUntilAgentsStatesAreDurable(t *testing.T) {
	for name, fail := range map[string]int{"slow": 0, "failing at first": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
				stop := s.start(testDirectory(t, 2, nil), &tardy{s.store, fail})
				for _, o := range []AgentOrder{{Agent: "bo", To: queue.Offline}, {Agent: "anna", To: queue.Paused, Reason: "lunch"}} {
					if err := s.board.SetAgent(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
				stop()
				settled()
				s.store.mu.Lock()
				defer s.store.mu.Unlock()
				if len(s.store.kept) != 2 {
					t.Errorf("kept: %v", s.store.kept)
				}
				if n := len(s.store.stream); n == 0 || s.store.stream[n-1].Kind != record.ServiceDown {
					t.Errorf("the stream does not end with the service's end: %v", s.store.stream)
				}
			})
		})
	}
}

// pieces is a store that notes how much it is given at once beside calls.
type pieces struct {
	*tardy
	largest int
}

func (s *pieces) Commit(c record.Commit, done func(error)) {
	s.largest = max(s.largest, len(c.Stream))
	s.tardy.Commit(c, done)
}

// TestWhatHasWaitedBesideCallsHoldsUpNoCall: it is written in pieces, in order, each once.
func TestWhatHasWaitedBesideCallsHoldsUpNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		store := &pieces{tardy: &tardy{s.store, 3}}
		stop := s.start(testDirectory(t, 2, nil), store)
		const all = 2*besideAtOnce + 10
		s.board.ask(t.Context(), func() {
			for n := range all {
				s.board.streamed(record.StreamEvent{At: time.Now(), About: record.AboutNote, Kind: record.NoteSent, Code: n})
			}
		})
		time.Sleep(20 * time.Second)
		stop()
		settled()
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		var notes []int
		for _, e := range s.store.stream {
			if e.About == record.AboutNote {
				notes = append(notes, e.Code)
			}
		}
		if len(notes) != all || !slices.IsSorted(notes) || notes[all-1] != all-1 || store.largest != besideAtOnce {
			t.Errorf("%d events were written, at most %d at once", len(notes), store.largest)
		}
		if n := len(s.store.stream); s.store.stream[n-1].Kind != record.ServiceDown {
			t.Errorf("the stream ends with %+v", s.store.stream[n-1])
		}
	})
}
