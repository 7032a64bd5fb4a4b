package switchboard

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// returning is a line in which Lisa stood first until she gave up; two came behind her.
func returning(s *stage) *script {
	p := scripted(s)
	p.pause("anna", true)
	p.send(p.lisa("first"), call.Ended{Cause: call.CauseCancel})
	p.comes(numbers[0])
	p.comes(numbers[0])
	return p
}

// lisa calls, a second after what was before.
func (p *script) lisa(leg call.LegID) call.LegID {
	p.in("in"+leg, call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: lisa, SIPCall: string("in" + leg), Dialog: call.Dialog{CallID: string(leg)}})
	p.after(second)
	return "in" + leg
}

// stands holds Lisa's place in a line of n; zero: she is in none.
func (p *script) stands(place, n int) {
	p.t.Helper()
	got, at := 0, p.looks()
	for _, c := range at.Calls {
		if c.Caller == lisa.Number {
			got = c.Place
		}
	}
	if got != place || at.Waiting != n {
		p.t.Errorf("her place is %d of %d, want %d of %d", got, at.Waiting, place, n)
	}
}

func TestACallThatIsRefusedLeavesTheCallerHerPlace(t *testing.T) {
	login := func(p *script, to queue.State) {
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: to})
		p.after(second)
	}
	for name, refused := range map[string]func(p *script){
		"the store fails": func(p *script) {
			p.store.failing(func(int) bool { return true })
			p.gets(p.lisa("second"), 503)
			p.store.failing(func(int) bool { return false })
		},
		"she hangs up before she is in line": func(p *script) {
			p.store.slow(3 * second)
			p.send(p.lisa("second"), call.Ended{Cause: call.CauseCancel})
			p.store.slow(time.Millisecond)
			p.after(3 * second)
		},
		"nobody is logged in": func(p *script) {
			login(p, queue.Offline)
			p.gets(p.lisa("second"), 486)
			login(p, queue.Available)
			login(p, queue.Paused)
			p.comes(numbers[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			place := func(t *directory.Tenant) { t.Rules.KeepPlace = 3 * time.Minute }
			if name == "nobody is logged in" {
				place = func(t *directory.Tenant) { t.Rules.KeepPlace, t.Rules.NoAgent = 3*time.Minute, call.OverflowBusy }
			}
			play(t, crew(place, named("anna")), func(s *stage) {
				p := returning(s)
				refused(p)
				n := p.looks().Waiting
				p.lisa("third")
				p.stands(1, n+1)
			})
		})
	}
}

func TestWhoHasAnOldPlaceComesIntoAFullLine(t *testing.T) {
	play(t, crew(func(t *directory.Tenant) {
		t.Rules.KeepPlace, t.Rules.MaxQueue, t.Rules.Overflow = 3*time.Minute, 2, call.OverflowBusy
	}, named("anna")), func(s *stage) {
		p := returning(s)
		p.gets(p.comes(numbers[0]), 486)
		again := p.lisa("again")
		p.stands(1, 3)
		p.gets(p.lisa("twice"), 486) // her place was used up
		p.post(again, bye)
		p.after(4 * time.Minute)
		p.gets(p.lisa("late"), 486)
	})
}

func TestWhoGivesUpLaterTakesNoPlaceFromAnotherWithTheSameNumber(t *testing.T) {
	play(t, crew(func(t *directory.Tenant) { t.Rules.KeepPlace = 3 * time.Minute }, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		first := p.lisa("first")
		p.comes(numbers[0])
		second := p.lisa("second")
		p.comes(numbers[0])
		p.send(first, bye)
		p.send(second, bye)
		p.lisa("again")
		p.stands(1, 3)
	})
}

// TestPlacesInLineOutliveARestart has the board end while somebody else waits; she and Lisa call again afterwards, Lisa last.
func TestPlacesInLineOutliveARestart(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(p *script)
		later  time.Duration
		place  int
	}{
		"she gave up":     {func(p *script) { p.send(p.lisa("first"), call.Ended{Cause: call.CauseCancel}) }, second, 1},
		"she was cut off": {func(p *script) { p.lisa("first") }, second, 1},
		"too long ago":    {func(p *script) { p.lisa("first") }, 4 * time.Minute, 2},
		"she was answered when she called again": {func(p *script) {
			p.send(p.lisa("first"), call.Ended{Cause: call.CauseCancel})
			again := p.lisa("again")
			p.pause("anna", false)
			p.after(10 * second)
			p.send(p.leg(), answers)
			p.send(again, bye)
			p.pause("anna", true)
		}, second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
				dir := crew(func(t *directory.Tenant) { t.Rules.KeepPlace = 3 * time.Minute }, named("anna"))(t)
				stop := s.start(dir, s.store)
				p := scripted(s)
				p.pause("anna", true)
				tc.before(p)
				p.other("before")
				stop()
				settled()
				s.kept = slices.Collect(maps.Values(s.store.kept))
				s.recent = slices.SortedFunc(maps.Values(s.store.records), func(a, b record.Record) int { return a.Received.Compare(b.Received) })
				stop = s.start(dir, s.store)
				p.after(tc.later)
				p.other("after")
				p.lisa("after")
				p.stands(tc.place, 2)
				stop()
				settled()
			})
		})
	}
}

// other calls, a second after what was before.
func (p *script) other(leg call.LegID) {
	p.in("other"+leg, call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: call.Party{Number: "+46701119999"}, SIPCall: string("other" + leg), Dialog: call.Dialog{CallID: string("other" + leg)}})
	p.after(second)
}
