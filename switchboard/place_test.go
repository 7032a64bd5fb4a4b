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
		"her number was withheld": {func(p *script) {
			p.comesAs(call.Party{Number: lisa.Number, Private: true}, "first")
			p.send(p.comesAs(call.Party{Number: lisa.Number, Private: true}, "again"), bye)
		}, second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			restarted(t, tc.before, func(p *script) {
				p.after(tc.later)
				p.other("after")
				p.lisa("after")
				p.stands(tc.place, 2)
			})
		})
	}
}

// restarted has the board end while somebody else waits who came after what was before.
func restarted(t *testing.T, before, after func(p *script)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		dir := crew(func(t *directory.Tenant) { t.Rules.KeepPlace = 3 * time.Minute }, named("anna"))(t)
		stop := s.start(dir, s.store)
		p := scripted(s)
		p.pause("anna", true)
		before(p)
		p.other("before")
		stop()
		settled()
		s.kept = slices.Collect(maps.Values(s.store.kept))
		s.recent = slices.SortedFunc(maps.Values(s.store.records), func(a, b record.Record) int { return a.Received.Compare(b.Received) })
		stop = s.start(dir, s.store)
		after(p)
		stop()
		settled()
	})
}

// TestAfterARestartEachOfSeveralWithOneNumberHasHerPlace, as behind a PBX: what one of them did while another stood in line took nothing from
// that one.
func TestAfterARestartEachOfSeveralWithOneNumberHasHerPlace(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(p *script)
		places []int
	}{
		"both were cut off": {func(p *script) { p.lisa("first"); p.lisa("second") }, []int{1, 2}},
		"one gave up, then one was cut off": {func(p *script) {
			p.lisa("first")
			p.send(p.lisa("second"), bye)
			p.after(2 * time.Minute) // what is left of hers is too little
		}, []int{1, 3}},
		"one was answered, one gave up, one was cut off": {func(p *script) {
			p.lisa("first")
			p.lisa("second")
			p.pause("anna", false)
			p.send(p.leg(), answers)
			p.send(p.lisa("third"), bye)
			p.pause("anna", true)
		}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			restarted(t, tc.before, func(p *script) {
				p.after(90 * second)
				p.other("after")
				p.lisa("after")
				p.lisa("after again")
				var got []int
				for _, c := range p.looks().Calls {
					if c.Caller == lisa.Number {
						got = append(got, c.Place)
					}
				}
				if !slices.Equal(got, tc.places) {
					t.Errorf("places %v, want %v", got, tc.places)
				}
			})
		})
	}
}

// comesAs calls, a second after what was before.
func (p *script) comesAs(who call.Party, leg call.LegID) call.LegID {
	p.in("as"+leg, call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: who, SIPCall: string("as" + leg), Dialog: call.Dialog{CallID: string("as" + leg)}})
	p.after(second)
	return "as" + leg
}

// other calls, a second after what was before.
func (p *script) other(leg call.LegID) {
	p.in("other"+leg, call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: call.Party{Number: "+46701119999"}, SIPCall: string("other" + leg), Dialog: call.Dialog{CallID: string("other" + leg)}})
	p.after(second)
}
