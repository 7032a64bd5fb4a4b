package switchboard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/store"
)

// note is a message of a call of the first tenant.
func note(id string, of call.ID) record.Message {
	return record.Message{ID: id, Tenant: "t0", Call: of, Agent: "anna", Channel: record.SMS, To: record.Recipient{Kind: record.ToPerson, Address: "+46701234567"},
		Text: "ring Kim", Created: time.Now()}
}

// passes sends a message and wants an error, nil for none.
func (p *script) passes(m record.Message, want error) record.Message {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*second)
	defer cancel()
	held, err := p.board.Message(ctx, m)
	if !errors.Is(err, want) {
		p.t.Errorf("message %s: %v, want %v", m.ID, err, want)
	}
	return held
}

// live is the id of the only live call.
func (p *script) live() call.ID {
	p.t.Helper()
	s, err := p.board.Snapshot(p.t.Context())
	if err != nil || len(s.Calls) != 1 {
		p.t.Fatalf("%d calls, %v", len(s.Calls), err)
	}
	return s.Calls[0].ID
}

// written counts the messages in the store.
func (s *memStore) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outbox)
}

func messaged(r record.Record) (all []string) {
	for _, e := range r.Story {
		if e.Kind == call.KindMessaged {
			all = append(all, e.Agent+" "+e.Reason)
		}
	}
	return all
}

func TestACallThatHasJustEndedIsStillHersWhoHadIt(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		in, _ := p.talks()
		id := p.looks().Calls[0].ID
		s.store.slow(time.Second)
		p.send(in, bye)
		if f, err := p.board.Facts(s.t.Context(), id); err != nil || f.Agent != "anna" {
			t.Errorf("before its record is durable it is %q's: %v", f.Agent, err)
		}
		p.after(3 * time.Second)
		if _, err := p.board.Facts(s.t.Context(), id); !errors.Is(err, ErrNoCall) {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestAMessageIsWrittenWithTheStoryOfItsCall(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.after(5 * second)
		id := p.live()
		f, err := p.board.Facts(s.t.Context(), id)
		if err != nil || f.Tenant != "t0" || f.Agent != "anna" || f.Caller.Number != "+46700000001" || f.Received.IsZero() {
			t.Errorf("facts %+v, %v", f, err)
		}
		p.passes(note("m1", id), nil)
		if s.store.written() != 1 {
			t.Error("told durable before it was written")
		}
		again := note("m1", id)
		again.Text = "something else"
		if held := p.passes(again, nil); held.Text != "ring Kim" {
			t.Errorf("held %q", held.Text)
		}
		foreign := note("m2", id)
		foreign.Tenant = "t1"
		p.passes(foreign, ErrNoCall)
		p.passes(note("m3", "no-such-call"), ErrNoCall)
		p.send(in, bye)
		p.after(second)
		p.passes(note("m4", id), ErrNoCall)
		if got := messaged(p.only()); len(got) != 1 || got[0] != "anna sms/m1" {
			t.Errorf("story %v", got)
		}
		if s.store.written() != 1 {
			t.Errorf("%d messages", s.store.written())
		}
	})
}

func TestAMessageOutlivesAStoreThatFailsAndIsWrittenOnce(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.after(second)
		id := p.live()
		s.store.failing(always)
		p.passes(note("m1", id), ErrNotDurable)
		p.passes(note("m2", id), ErrNotDurable)
		s.store.failing(never)
		p.passes(note("m1", id), nil) // asked again under the same key
		p.send(in, bye)
		p.after(second)
		if got := messaged(p.only()); s.store.written() != 2 || len(got) != 2 {
			t.Errorf("%d written, story %v", s.store.written(), got)
		}
	})
}

func TestAMessageThatComesWhileTheRecordIsBeingWrittenIsWrittenAfterIt(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.after(second)
		id := p.live()
		s.store.slow(second)
		p.post(in, bye)
		p.after(2 * time.Millisecond)
		p.passes(note("m1", id), nil)
		if got := messaged(p.only()); s.store.written() != 1 || len(got) != 0 {
			t.Errorf("%d written, story %v", s.store.written(), got)
		}
	})
}

func TestACallTakesABoundedNumberOfMessages(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		id := p.live()
		for i := range maxMessages {
			p.passes(note(fmt.Sprint("m", i), id), nil)
		}
		p.passes(note("more", id), ErrTooManyMessages)
		p.passes(note("m0", id), nil)
		p.send(in, bye)
		p.after(second)
	})
}

// TestNoHistoryOfFailingWritesLosesOrDoublesAMessage: whichever writes fail, each message that was taken is in the outbox once, and
// the story of its call tells of it once where it was taken during the call.
func TestNoHistoryOfFailingWritesLosesOrDoublesAMessage(t *testing.T) {
	rng := rand.New(rand.NewPCG(newSeed(t), 3))
	for range 30 {
		play(t, pool(1, nil), func(s *stage) {
			p := scripted(s)
			in := p.comes(numbers[0])
			p.send(p.leg(), answers)
			id := p.live()
			every := 2 + rng.IntN(3)
			s.store.failing(func(n int) bool { return n%every == 0 })
			taken := map[string]bool{}
			for i := range 12 {
				m := note(fmt.Sprint("m", rng.IntN(8)), id)
				if i == 9 {
					p.post(in, bye)
				}
				ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(1+rng.IntN(1500))*time.Millisecond)
				_, err := p.board.Message(ctx, m)
				cancel()
				switch {
				case err == nil, errors.Is(err, ErrNotDurable):
					taken[m.ID] = true
				case !errors.Is(err, ErrNoCall) || i < 9:
					t.Errorf("message %d: %v", i, err)
				}
			}
			s.store.failing(never)
			p.after(3 * second)
			if s.store.written() != len(taken) {
				t.Errorf("%d written, %d taken", s.store.written(), len(taken))
			}
			story := messaged(p.only())
			slices.Sort(story)
			if len(slices.Compact(story)) != len(story) || len(story) > len(taken) {
				t.Errorf("story %v", story)
			}
		})
	}
}

// TestMessagesOfACallAreInTheStoreAfterACrash: the real store, closed without the call's end.
func TestMessagesOfACallAreInTheStoreAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "store")
		st, err := store.Open(dir, store.Options{MaxDelay: -1})
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		gate := &gated{Store: st}
		stop := s.start(testDirectory(t, 1, nil), gate)
		p := scripted(s)
		p.comes(numbers[0])
		p.send(p.leg(), answers)
		id := p.live()
		p.passes(note("m1", id), nil)
		gate.shut = true // what follows never reaches the disk
		stop()
		open, err := st.Recover()
		if err != nil || len(open) != 1 {
			t.Fatalf("%d open, %v", len(open), err)
		}
		rec := record.Interrupted(open[0])
		done := make(chan error, 1)
		st.Commit(record.Commit{Call: id, Final: &rec}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := messaged(rec); len(got) != 1 {
			t.Errorf("story %v", got)
		}
		n := 0
		if err := st.Messages(t.Context(), store.MessageFilter{Call: id}, func(record.Outgoing) error { n++; return nil }); err != nil || n != 1 {
			t.Errorf("%d messages, %v", n, err)
		}
		if err := errors.Join(st.Check(t.Context()), st.Close()); err != nil {
			t.Error(err)
		}
	})
}

// gated is a store that forgets to answer once it is shut, as one that a crash takes away.
type gated struct {
	Store
	shut bool
}

func (g *gated) Commit(c record.Commit, done func(error)) {
	if g.shut {
		return
	}
	g.Store.Commit(c, done)
}
