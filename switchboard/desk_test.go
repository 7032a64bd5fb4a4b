package switchboard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/tariff"
)

// crew is a directory of one tenant with whoever is written; set may change the tenant.
func crew(set func(*directory.Tenant), agents ...directory.Agent) func(*testing.T) *directory.Directory {
	return func(t *testing.T) *directory.Directory {
		t.Helper()
		tenant := directory.Tenant{ID: "t0", Name: "Tenant 0 AB", Number: numbers[0], Trunk: "pbx", Rules: testRules(), Plan: tariff.DefaultPlan(),
			Common: []directory.CommonNumber{{Name: "Support", Number: "+4684000002"}}}
		tenant.Rules.MaxWait, tenant.Rules.ParkRecall = 0, 3*time.Minute
		if set != nil {
			set(&tenant)
		}
		for i := range agents {
			a := &agents[i]
			if a.Kind == "" {
				a.Kind = call.Service
			}
			if a.Extension == "" && a.ViaTrunk == "" {
				a.Extension = fmt.Sprint(201 + i)
			}
			a.Wrap = 5 * time.Second
		}
		d, err := directory.New([]directory.Tenant{tenant}, agents)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

func named(id string) directory.Agent { return directory.Agent{ID: id} }

// order has an agent, or a supervisor where it is nobody, do something with a call.
func (p *script) order(o Order) (Done, error) {
	p.t.Helper()
	d, err := p.board.Do(p.t.Context(), o)
	p.after(2 * time.Millisecond)
	return d, err
}

func (p *script) does(o Order) Done {
	p.t.Helper()
	d, err := p.order(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *script) fails(err, want error) {
	p.t.Helper()
	if !errors.Is(err, want) {
		p.t.Errorf("%v, want %v", err, want)
	}
}

// agent is an agent's state and why.
func (p *script) agent(id, want string) {
	p.t.Helper()
	for _, a := range p.looks().Agents {
		if a.ID == id {
			got := string(a.State)
			if a.Reason != "" {
				got += " " + a.Reason
			}
			if got != want {
				p.t.Errorf("%s is %s, want %s", id, got, want)
			}
			return
		}
	}
	p.t.Errorf("no agent %s", id)
}

func (p *script) looks() Snapshot {
	p.t.Helper()
	s, err := p.board.Snapshot(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// talks brings a caller to the agent who is offered her, and returns both legs.
func (p *script) talks() (in, agent call.LegID) {
	p.t.Helper()
	in = p.comes(numbers[0])
	agent = p.leg()
	p.send(agent, answers)
	return in, agent
}

// parks brings a caller into a slot.
func (p *script) parks(agent string) (in call.LegID) {
	p.t.Helper()
	in, _ = p.talks()
	p.does(Order{Agent: agent, Do: call.ActPark})
	return in
}

// number is how many legs were dialled.
func (p *script) number() int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return len(p.dialled)
}

// lastDial is what was dialled last.
func (p *script) lastDial() call.Dial {
	p.t.Helper()
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.dialled[len(p.dialled)-1]
}

func TestTwoWhoPickUpTheSameCallGetItOnce(t *testing.T) {
	play(t, crew(nil, named("anna"), named("bo"), named("cia")), func(s *stage) {
		p := scripted(s)
		in := p.parks("anna")
		if _, err := p.board.PickUp(p.t.Context(), "bo", 1, ""); err != nil {
			t.Fatal(err)
		}
		_, err := p.board.PickUp(p.t.Context(), "cia", 1, "")
		p.fails(err, ErrConflict)
		p.agent("cia", "available")
		p.after(2 * time.Millisecond)
		p.send(p.leg(), answers)
		_, err = p.board.PickUp(p.t.Context(), "cia", 1, "")
		p.fails(err, ErrUnknown)
		p.send(in, bye)
	})
}

func TestWhoIsExpectedInASlotIsPickedUpAndNobodyElse(t *testing.T) {
	play(t, crew(nil, named("anna"), named("bo")), func(s *stage) {
		p := scripted(s)
		in := p.parks("anna")
		there := p.looks().Parked[0].Call
		_, err := p.board.PickUp(p.t.Context(), "bo", 1, "somebody-else")
		p.fails(err, ErrConflict)
		p.agent("bo", "available")
		_, err = p.board.PickUp(p.t.Context(), "bo", 2, there)
		p.fails(err, ErrUnknown)
		if id, err := p.board.PickUp(p.t.Context(), "bo", 1, there); id != there || err != nil {
			t.Errorf("picked %q up: %v", id, err)
		}
		p.send(in, bye)
	})
}

// Whether somebody is parked is told to nobody who does not answer for the tenant, whoever employs her.
func TestOnlyWhoAnswersForTheTenantPicksUpAParkedCall(t *testing.T) {
	of := func(tenant string) func(*testing.T) *directory.Directory {
		return func(t *testing.T) *directory.Directory {
			first, _ := crew(nil)(t).Tenant("t0")
			d, err := directory.New([]directory.Tenant{first, {ID: "t1", Number: numbers[1], Trunk: "pbx", Rules: testRules(), Plan: tariff.DefaultPlan()}},
				[]directory.Agent{{ID: "anna", Kind: call.Service, Extension: "201", Tenants: []string{tenant}}, {ID: "far", Kind: call.Service, Extension: "202", Tenants: []string{"t1"}},
					{ID: "own", Kind: call.Own, Extension: "203", Tenants: []string{"t1"}}})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	play(t, of("t0"), func(s *stage) {
		p := scripted(s)
		in := p.parks("anna")
		p.after(10 * time.Second)
		for _, agent := range []string{"far", "own"} {
			_, there := p.board.PickUp(p.t.Context(), agent, 1, "")
			p.fails(there, ErrUnknown)
			if _, none := p.board.PickUp(p.t.Context(), agent, 2, ""); strings.ReplaceAll(none.Error(), "2", "1") != there.Error() {
				t.Errorf("%s is told %v of a caller and %v of none", agent, there, none)
			}
		}
		p.board.SetDirectory(of("t1")(t), testLimits()) // who parked her still has her to pick up
		if _, err := p.board.PickUp(p.t.Context(), "anna", 1, ""); err != nil {
			t.Error(err)
		}
		p.send(in, bye)
	})
}

func TestWhoParksPicksUpAgainInHerWrapUpAndInAPause(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		in := p.parks("anna")
		p.agent("anna", "wrap_up")
		if _, err := p.board.PickUp(p.t.Context(), "anna", 1, ""); err != nil {
			t.Fatal(err)
		}
		p.after(2 * time.Millisecond)
		p.send(p.leg(), answers)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Paused, Reason: queue.PausedAdmin})
		p.does(Order{Agent: "anna", Do: call.ActPark})
		p.agent("anna", "paused admin")
		if _, err := p.board.PickUp(p.t.Context(), "anna", 1, ""); err != nil {
			t.Fatal(err)
		}
		p.after(2 * time.Millisecond)
		p.send(p.leg(), answers)
		p.send(in, bye)
		p.agent("anna", "paused admin")
	})
}

func TestASupervisorFreesAnAgentInEveryStateOfHerCall(t *testing.T) {
	states := map[string]func(p *script){
		"ringing":    func(p *script) { p.comes(numbers[0]) },
		"talking":    func(p *script) { p.talks() },
		"consulting": func(p *script) { p.talks(); p.does(Order{Agent: "anna", Do: call.ActAnnounce, To: "205"}) },
		"connecting": func(p *script) { p.talks(); p.does(Order{Agent: "anna", Do: call.ActConnect, To: "205"}) },
		"calling out": func(p *script) {
			if _, err := p.board.Dial(p.t.Context(), Outgoing{Agent: "anna", Tenant: "t0", To: "0850000042"}); err != nil {
				p.t.Fatal(err)
			}
			p.after(2 * time.Millisecond)
			p.send(p.leg(), answers)
		},
		"wrap-up": func(p *script) { _, agent := p.talks(); p.send(agent, bye) },
	}
	for name, lead := range states {
		t.Run(name, func(t *testing.T) {
			play(t, crew(nil, named("anna")), func(s *stage) {
				p := scripted(s)
				lead(p)
				p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Paused, Reason: queue.PausedLunch}) // who waits is not offered to her again
				if err := p.board.FreeAgent(p.t.Context(), "anna", "test"); err != nil {
					t.Fatal(err)
				}
				p.after(2 * time.Millisecond)
				p.agent("anna", "paused lunch")
				for _, c := range p.looks().Calls {
					if c.Agent != "" || !c.Waiting {
						t.Errorf("%+v", c)
					}
				}
			})
		})
	}
}

// TestACallThatIsLostGivesItsAgentBack: a fault of ours loses a call; its agent's lease runs out.
func TestACallThatIsLostGivesItsAgentBack(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		_, agent := p.talks()
		s.board.ask(p.t.Context(), func() {
			l := s.board.legs[agent]
			for name := range l.timers { // nothing is heard of it any more
				s.board.disarm(l, name)
			}
		})
		p.after(leaseLeast + 19*second)
		p.agent("anna", "talking")
		s.board.ask(p.t.Context(), func() { s.board.afterTurn = nil }) // the call and the pool disagree from here on, on purpose
		p.after(2 * second)
		p.agent("anna", "available")
		p.send(agent, bye)
		p.agent("anna", "available")
	})
}

func TestACallerWhoWasOfferedBeforeIsToldWhenTheLastAgentLogsOut(t *testing.T) {
	play(t, crew(func(t *directory.Tenant) { t.Rules.NoAgent = call.OverflowBusy }, named("anna")), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(second)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Offline})
		p.after(10 * second)
		if !p.over(in) || p.only().Outcome != call.OutcomeNoAgent {
			t.Error("she waits for nobody")
		}
	})
}

func TestWhoComesAsAnotherLeavesIsToldThatNobodyIsLoggedIn(t *testing.T) {
	play(t, crew(func(t *directory.Tenant) { t.Rules.NoAgent = call.OverflowPrompt }), func(s *stage) {
		p := scripted(s)
		first := p.comes(numbers[0])
		p.after(second) // she hears the prompt
		p.send(first, bye)
		second := p.comes(numbers[0])
		p.after(10 * time.Second)
		p.send(second, call.PromptDone{Source: call.PromptTryLater})
		if !p.over(second) {
			t.Error("she waits for nobody")
		}
	})
}

func TestAGroupMustHaveSomebodyAndIsLeftWhenItHasNobody(t *testing.T) {
	sales := func(id string) directory.Agent { return directory.Agent{ID: id, Groups: []string{"sales"}} }
	play(t, crew(nil, named("anna"), sales("bo")), func(s *stage) {
		p := scripted(s)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Offline})
		in, _ := p.talks()
		_, err := p.order(Order{Agent: "anna", Do: call.ActConnect, To: "group:sales"})
		p.fails(err, ErrConflict)
		_, err = p.order(Order{Agent: "anna", Do: call.ActConnect, To: "group:support"})
		p.fails(err, ErrRefused)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Available})
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Paused})
		p.does(Order{Agent: "anna", Do: call.ActConnect, To: "group:sales"})
		p.after(10 * second)
		if n := p.number(); n != 1 {
			t.Errorf("%d phones were called: she waits for the group", n)
		}
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Offline})
		p.after(second)
		if d := p.lastDial(); d.To.Agent != "anna" || p.number() != 2 {
			t.Errorf("%s is called, want anna", d.To.Agent)
		}
		p.send(in, bye)
	})
}

func TestAReceptionistConsultsASupervisorOrWhoeverOfAGroupIsFree(t *testing.T) {
	play(t, crew(nil, named("anna"), directory.Agent{ID: "eva", Supervisor: true}, directory.Agent{ID: "bo", Groups: []string{"sales"}}), func(s *stage) {
		p := scripted(s)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Paused})
		in, agent := p.talks()
		for _, c := range []struct{ to, who string }{{"supervisor", "eva"}, {"group:sales", "bo"}} {
			p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Available})
			p.does(Order{Agent: "anna", Do: call.ActAnnounce, To: c.to})
			if d := p.lastDial(); d.To.Agent != c.who {
				t.Fatalf("%s: %s is called", c.to, d.To.Agent)
			}
			p.agent(c.who, "ringing")
			p.send(p.leg(), answers)
			p.agent(c.who, "talking")
			p.does(Order{Agent: "anna", Do: call.ActTakeBack})
			p.agent(c.who, "available")
		}
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "eva", To: queue.Paused})
		_, err := p.order(Order{Agent: "anna", Do: call.ActAnnounce, To: "supervisor"})
		p.fails(err, ErrConflict)
		p.does(Order{Agent: "anna", Do: call.ActConnect, To: "common:support"})
		if d := p.lastDial(); d.To != (call.Destination{Trunk: "pbx", Number: "+4684000002"}) {
			t.Errorf("common number: %+v", d.To)
		}
		p.send(agent, bye)
		p.send(in, bye)
		p.after(second)
		waits := p.comes(numbers[0])
		p.after(second)
		if d := p.lastDial(); d.To.Agent != "bo" && d.To.Agent != "anna" {
			t.Errorf("a caller from the line is offered to %s", d.To.Agent)
		}
		p.send(waits, bye)
	})
}

func TestAPhoneReachesColleaguesGroupsAndSupervisorsByCodes(t *testing.T) {
	codes := Codes{CodeColleague: "*19", CodeGroup: "*20", CodeSupervisor: "*24", CodeTakeBack: "*10", CodeCall: "*18"}
	play(t, crew(nil, named("anna"), directory.Agent{ID: "bo", Groups: []string{"norr-2"}}, directory.Agent{ID: "eva", Supervisor: true}), func(s *stage) {
		s.board.cfg.Codes = codes
		p := scripted(s)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Paused})
		in, agent := p.talks()
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "bo", To: queue.Available})
		for i, c := range []struct{ dialled, who string }{{"*19202", "bo"}, {"*2066772", "bo"}, {"*24", "eva"}} {
			second := call.LegID(fmt.Sprint("second", i))
			p.in(second, call.Dialled{Agent: "anna", Target: c.dialled})
			p.after(2 * time.Millisecond)
			if d := p.lastDial(); d.To.Agent != c.who {
				t.Fatalf("INVITE %s: %s is called", c.dialled, d.To.Agent)
			}
			p.send(second, call.Ended{Cause: call.CauseCancel})
		}
		p.send(agent, call.Referred{Ref: "r", Target: "*19202"})
		if d := p.lastDial(); d.To.Agent != "bo" {
			t.Fatalf("REFER: %s is called", d.To.Agent)
		}
		p.in("back", call.Dialled{Agent: "anna", Target: "*10"})
		p.after(2 * time.Millisecond)
		p.agent("bo", "available")
		p.agent("anna", "talking")
		p.send("back", bye)
		p.in("nobody", call.Dialled{Agent: "anna", Target: "*19999"})
		p.gets("nobody", 404)
		p.in("free", call.Dialled{Agent: "bo", Target: "*19201"})
		p.gets("free", 403) // bo has no call
		p.send(agent, call.Referred{Ref: "q", Target: "*2066772"})
		p.after(second)
		if d := p.lastDial(); d.To.Agent != "bo" || !p.over(agent) {
			t.Errorf("REFER to the group: %s is called", d.To.Agent)
		}
		p.send(in, bye)
	})
}

func TestAReceptionistCallsOutByHerPhone(t *testing.T) {
	play(t, crew(nil, named("anna"), directory.Agent{ID: "bo", Kind: call.Own, Tenants: []string{"t0"}}), func(s *stage) {
		s.board.cfg.Codes = Codes{CodeCall: "*18"}
		p := scripted(s)
		for i, c := range []struct{ agent, dialled string }{{"anna", "*180850000001*0850000042"}, {"bo", "0850000042"}} {
			own := call.LegID(fmt.Sprint("own", i))
			p.in(own, call.Dialled{Agent: c.agent, Target: c.dialled})
			p.after(2 * time.Millisecond)
			d := p.lastDial()
			if d.To != (call.Destination{Trunk: "pbx", Number: "+46850000042"}) || d.From.Number != numbers[0] {
				t.Fatalf("%s: %+v", c.agent, d)
			}
			p.agent(c.agent, "talking")
			p.send(d.Leg, answers)
			p.send(own, bye)
			if r := s.store.all()[i]; r.Outcome != call.OutcomeReached || r.Row != nil {
				t.Errorf("%s: %s, row %v", c.agent, r.Outcome, r.Row)
			}
		}
		for dialled, want := range map[string]int{"0850000042": 403, "*180850000001*0900123456": 403, "*180850000001*+4930123456": 403, "*18085*112": 403,
			"*180850000001*112": 403, "*180850000001": 404} {
			leg := call.LegID("x" + dialled)
			p.in(leg, call.Dialled{Agent: "anna", Target: dialled})
			p.gets(leg, want)
		}
	})
}

func TestAnOwnReceptionistBehindTheTrunkAnswersUncharged(t *testing.T) {
	dora := directory.Agent{ID: "dora", Kind: call.Own, Tenants: []string{"t0"}, ViaTrunk: "210"}
	with := func(agents ...directory.Agent) func(*testing.T) *directory.Directory {
		return crew(func(t *directory.Tenant) { t.Serving.Mode, t.Serving.After = directory.ModeWithOwn, 20*second }, agents...)
	}
	play(t, with(dora, named("anna")), func(s *stage) {
		s.board.cfg.Codes = Codes{CodePause: "*13", CodeResume: "*14"}
		p := scripted(s)
		in := p.comes(numbers[0])
		if d := p.lastDial(); d.To != (call.Destination{Trunk: "pbx", Number: "210"}) || d.Token == "" {
			t.Fatalf("%+v", d)
		}
		p.send(p.leg(), answers)
		p.after(50 * second)
		p.send(in, bye)
		p.after(10 * second)
		if r := p.only(); r.Row != nil || r.HandledMS != 0 || r.Parties.Agent != "dora" || r.Outcome != call.OutcomeAnswered {
			t.Errorf("%+v", r)
		}
		// She pauses by her own phone, which shows 210; another extension may not.
		p.in("stranger", call.Arrived{Trunk: "pbx", Called: "*131", Caller: call.Party{Number: "211"}})
		p.gets("stranger", 404)
		p.in("code", call.Arrived{Trunk: "pbx", Called: "*131", Caller: call.Party{Number: "210"}})
		p.after(2 * time.Millisecond)
		p.send("code", bye)
		p.agent("dora", "paused lunch")
		again := p.comes(numbers[0])
		p.after(19 * second)
		before := p.number()
		p.after(2 * second) // the pool joins after 20 s
		if d := p.lastDial(); p.number() != before+1 || d.To.Agent != "anna" {
			t.Errorf("%+v", d.To)
		}
		p.send(again, bye)
		// One who gets a phone of her own is not there before it registers.
		desk := dora
		desk.ViaTrunk = ""
		p.board.SetDirectory(with(desk, named("anna"))(t), testLimits())
		p.after(second)
		p.agent("dora", "offline lunch")
	})
}

func TestThePoolJoinsOwnReceptionistsByTimeOrByNumber(t *testing.T) {
	own := directory.Agent{ID: "olle", Kind: call.Own, Tenants: []string{"t0"}}
	play(t, crew(func(t *directory.Tenant) {
		t.Serving.Mode, t.Serving.After, t.Serving.When = directory.ModeWithOwn, 20*second, 2
	}, own, named("anna")), func(s *stage) {
		p := scripted(s)
		p.comes(numbers[0])
		if d := p.lastDial(); d.To.Agent != "olle" {
			t.Fatalf("%s is called first", d.To.Agent)
		}
		p.send(p.leg(), answers)
		p.comes(numbers[0])
		p.after(20*second - 10*time.Millisecond)
		if p.number() != 1 {
			t.Error("the pool joins too soon")
		}
		p.after(20 * time.Millisecond)
		if d := p.lastDial(); d.To.Agent != "anna" {
			t.Errorf("after 20 s %s is called", d.To.Agent)
		}
		p.send(p.leg(), answers)
		p.comes(numbers[0]) // one waits
		p.after(second)
		p.does(Order{Agent: "anna", Do: call.ActEnd})
		p.after(6 * second)
		if p.number() != 2 {
			t.Error("the pool joins for one who waits")
		}
		p.comes(numbers[0]) // two wait
		if d := p.lastDial(); p.number() != 3 || d.To.Agent != "anna" {
			t.Errorf("when two wait %s is called", d.To.Agent)
		}
	})
}

func TestTheNoAgentAlarmIsOfCallersAndOfThoseWhoMayTakeThem(t *testing.T) {
	play(t, crew(nil, directory.Agent{ID: "bo", Skills: []string{"fi"}}), func(s *stage) {
		p := scripted(s)
		s.board.ask(p.t.Context(), func() { s.board.alarms.Thresholds = Thresholds{NoAgent: true} })
		up := func(want int) {
			t.Helper()
			p.after(2 * second)
			if got := p.looks().Alarms; len(got) != want {
				t.Errorf("alarms: %+v, want %d", got, want)
			}
		}
		p.board.SetDirectory(crew(func(t *directory.Tenant) { t.Serving.Serve.Skills = []string{"sv"} }, directory.Agent{ID: "bo", Skills: []string{"fi"}})(t), testLimits())
		in := p.comes(numbers[0])
		up(1) // bo is logged in and cannot take her
		if w := p.looks().Waiting; w != 1 {
			t.Errorf("%d wait", w)
		}
		p.send(in, bye)
		up(0)
		s.board.ask(p.t.Context(), func() {
			s.board.queueWish(&record.Wish{Left: time.Now(), Head: record.Head{Call: "w", Received: time.Now(), Rules: call.Rules{Tenant: "t0", Kind: call.Callback,
				Serve: &call.Serve{Skills: []string{"sv"}}}}})
		})
		up(0) // nobody is on the line
		if w := p.looks().Waiting; w != 0 {
			t.Errorf("%d wait, but for a wish", w)
		}
		s.board.ask(p.t.Context(), func() { s.board.queue.Ended("w"); delete(s.board.wishes, "w") })
	})
}

func TestTheConsoleHasAPhoneAnswerByItself(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		rang := p.leg()
		p.does(Order{Agent: "anna", Do: call.ActAnswer})
		if d := p.lastDial(); d.To.Agent != "anna" || !d.Answer || !p.over(rang) {
			t.Errorf("%+v", d)
		}
		p.agent("anna", "ringing")
		p.send(p.leg(), answers)
		if !p.spoke(in) {
			t.Error("not connected")
		}
		_, err := p.order(Order{Agent: "anna", Do: call.ActAnswer})
		p.fails(err, ErrConflict)
		p.send(in, bye)
	})
}

func TestOneLiveCallIsFoundByItsNameOrItsAgent(t *testing.T) {
	play(t, crew(nil, named("anna"), named("bo")), func(s *stage) {
		p := scripted(s)
		in, _ := p.talks()
		want := p.looks().Calls[0]
		for _, c := range []struct {
			id    call.ID
			agent string
			err   error
		}{{want.ID, "", nil}, {"", "anna", nil}, {want.ID, "anna", nil}, {"", "bo", ErrConflict}, {"none", "", ErrUnknown}, {"", "", ErrUnknown}, {"", "none", ErrUnknown}} {
			got, err := p.board.Live(s.t.Context(), c.id, c.agent)
			if !errors.Is(err, c.err) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%q of %q: %+v, %v", c.id, c.agent, got, err)
			}
		}
		p.send(in, bye)
		_, err := p.board.Live(s.t.Context(), want.ID, "")
		p.fails(err, ErrUnknown)
	})
}

// Whoever has given up was told that nothing was done, and is still reading what they have of the answer.
func TestWhatNobodyWaitsForAnyMoreIsNotDone(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		busy := make(chan struct{})
		p.board.box.put(mail{run: func() { <-busy }}, 0)
		ctx, giveUp := context.WithCancel(s.t.Context())
		giveUp()
		ran := false
		err := p.board.ask(ctx, func() { ran = true })
		close(busy)
		p.looks() // the loop has come past it
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("%v, done: %t", err, ran)
		}
	})
}

func TestTheLiveViewTellsPlacesInLine(t *testing.T) {
	play(t, crew(nil), func(s *stage) {
		p := scripted(s)
		for range 3 {
			p.comes(numbers[0])
			p.after(second)
		}
		calls := p.looks().Calls
		if err := p.board.Move(p.t.Context(), calls[2].ID, 1, "test"); err != nil {
			t.Fatal(err)
		}
		var places []int
		for _, c := range p.looks().Calls {
			places = append(places, c.Place)
		}
		if !slices.Equal(places, []int{2, 3, 1}) {
			t.Errorf("places %v", places)
		}
	})
}
