package switchboard

import (
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// wishing has callers leave a wish with the key 1.
func wishing(t *directory.Tenant) {
	t.Rules.Keys = map[string]call.Key{"1": {Do: call.KeyWish}}
	t.Rules.RingTimeout = 15 * second
}

// wishes has somebody call from a number, leave a wish, and hang up.
func (p *script) wishes(leg call.LegID, from call.Party) {
	p.t.Helper()
	p.in(leg, call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: from, SIPCall: string(leg), Dialog: call.Dialog{CallID: string(leg)}})
	p.after(second)
	p.send(leg, call.Digit{Digit: "1"})
	p.after(second)
	if !p.over(leg) {
		p.send(leg, bye)
	}
}

var lisa = call.Party{Number: "+46701112233", Name: "Lisa"}

// pause pauses an agent, or resumes her.
func (p *script) pause(agent string, paused bool) {
	p.t.Helper()
	o := AgentOrder{Agent: agent, To: queue.Available}
	if paused {
		o.To = queue.Paused
	}
	if err := p.board.SetAgent(p.t.Context(), o); err != nil {
		p.t.Fatal(err)
	}
	p.after(2 * time.Millisecond)
}

// forgets takes the wishes that are left from a board whose test is over.
func (p *script) forgets() {
	p.board.ask(p.t.Context(), func() {
		for id := range p.board.wishes {
			p.board.queue.Ended(id)
			delete(p.board.wishes, id)
		}
	})
}

func TestOneCallerHasOneWishForATenant(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.wishes("in1", lisa)
		first := p.looks().Wishes
		p.wishes("in2", lisa)
		if again := p.looks().Wishes; len(first) != 1 || len(again) != 1 || again[0].ID != first[0].ID {
			t.Fatalf("wishes: %+v, then %+v", first, again)
		}
		p.pause("anna", false)
		p.send(p.leg(), answers) // her phone
		p.wishes("in3", lisa)    // while she is called
		if n := len(p.looks().Wishes); n != 0 {
			t.Errorf("%d more wishes", n)
		}
		p.send(p.leg(), answers) // the caller's
		p.send(p.leg(), bye)
		p.after(time.Hour)
		if n := p.number(); n != 2 {
			t.Errorf("%d phones were called, want hers and the caller's", n)
		}
	})
}

func TestAHiddenNumberStaysHiddenInItsWish(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		hidden := lisa
		hidden.Private = true
		p.wishes("in1", hidden)
		p.pause("anna", false)
		if d := p.lastDial(); d.To.Agent != "anna" || !d.From.Private {
			t.Errorf("%+v", d)
		}
		p.send(p.leg(), call.Failed{Code: 486})
		p.forgets()
	})
}

func TestNoWishIsTakenOfANumberThatMayNotBeCalled(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		for i, number := range []string{"+4930123456", "+46900123456", ""} {
			p.wishes(call.LegID("in"+string(rune('1'+i))), call.Party{Number: number})
		}
		if n := len(p.looks().Wishes); n != 0 {
			t.Errorf("%d wishes that nobody may call", n)
		}
	})
}

func TestWishesRestWhileTheServiceDrains(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.wishes("in1", lisa)
		<-s.board.Drain()
		p.pause("anna", false)
		p.after(time.Minute)
		if p.number() != 0 || len(p.looks().Wishes) != 1 {
			t.Errorf("%d phones were called, %d wishes", p.number(), len(p.looks().Wishes))
		}
	})
}

func TestAWishOutlivesAStoreThatCannotWrite(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.wishes("in1", lisa)
		s.store.failing(always)
		p.pause("anna", false)
		p.after(second)
		s.store.failing(never)
		if n := len(p.looks().Wishes); n != 1 || p.number() != 0 {
			t.Fatalf("%d wishes, %d phones called", n, p.number())
		}
		p.after(11 * second)
		if p.number() != 1 {
			t.Error("not tried again")
		}
		p.send(p.leg(), answers)
		p.send(p.leg(), answers)
		p.send(p.leg(), bye)
	})
}

func TestWhoMissesAWishIsNotOfferedItAgainAtOnceAndAnotherIs(t *testing.T) {
	play(t, crew(wishing, named("anna"), named("bo")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.pause("bo", true)
		p.wishes("in1", lisa)
		p.pause("anna", false)
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(29 * second)
		if p.number() != 1 {
			t.Errorf("%d phones were called", p.number())
		}
		p.pause("bo", false)
		if d := p.lastDial(); p.number() != 2 || d.To.Agent != "bo" {
			t.Errorf("%+v", d.To)
		}
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(2 * second)
		if d := p.lastDial(); p.number() != 3 || d.To.Agent != "anna" {
			t.Errorf("%+v", d.To)
		}
		p.send(p.leg(), answers)
		p.send(p.leg(), answers)
		p.send(p.leg(), bye)
	})
}

func TestAWishIsForgottenAfterADayAndHoldsNobodyUp(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.wishes("in1", lisa)
		p.after(wishFor - 10*second)
		if n := len(p.looks().Wishes); n != 1 {
			t.Fatalf("%d wishes", n)
		}
		p.after(11 * second)
		if n := len(p.looks().Wishes); n != 0 {
			t.Errorf("%d wishes after a day", n)
		}
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		for _, k := range s.store.kept {
			if k.Kind == record.KeptWish {
				t.Errorf("kept: %s", k.ID)
			}
		}
	})
}

func TestACallBackIsNoWaitOfTheServiceLevel(t *testing.T) {
	play(t, crew(wishing, named("anna")), func(s *stage) {
		p := scripted(s)
		p.pause("anna", true)
		p.wishes("in1", lisa)
		p.pause("anna", false)
		p.after(10 * second)
		p.send(p.leg(), answers)
		p.after(30 * second)
		p.send(p.leg(), answers)
		s.board.ask(p.t.Context(), func() {
			if n := len(s.board.alarms.waits); n != 0 {
				t.Errorf("%d waits", n)
			}
		})
		p.send(p.leg(), bye)
	})
}

func TestAParkedCallIsPickedUpThoughTheConfirmationNeverEnds(t *testing.T) {
	play(t, crew(nil, named("anna"), named("bo")), func(s *stage) {
		s.board.cfg.Codes = Codes{CodePickUp: "*16"}
		p := scripted(s)
		in := p.parks("anna")
		p.in("code", call.Dialled{Agent: "bo", Target: "*161"})
		p.after(confirmFor + second)
		if d := p.lastDial(); d.To.Agent != "bo" || !p.over("code") {
			t.Errorf("%+v", d.To)
		}
		p.send(in, bye)
	})
}
