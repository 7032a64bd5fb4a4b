package switchboard

import (
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/record"
)

func TestServiceLevelCountsAnswersInTimeOverAnswersAndLateAbandons(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a := alarms{Thresholds: Thresholds{Least: 4, Window: time.Minute}, up: map[string]Alarm{}}
	a.served(now, 20*time.Second, true)
	a.served(now, 20*time.Second+1, true)
	a.served(now, 5*time.Second, false) // gave up at once: nobody could have answered
	a.served(now, 5*time.Second+1, false)
	if _, ok := a.level(now); ok {
		t.Error("three calls say nothing")
	}
	a.served(now.Add(time.Second), 0, true)
	if got, ok := a.level(now.Add(time.Second)); !ok || got != 50 {
		t.Errorf("level %d %t, want 50", got, ok)
	}
	a.Least = 1
	if got, ok := a.level(now.Add(time.Minute + 1)); !ok || got != 100 {
		t.Errorf("after the window the level is %d %t, want 100", got, ok)
	}
}

func TestAnAlarmIsRaisedAndClearedOnce(t *testing.T) {
	a := alarms{up: map[string]Alarm{}}
	now := time.Now()
	for i, c := range []struct{ up, told bool }{{false, false}, {true, true}, {true, false}, {false, true}, {false, false}} {
		if got := a.set("longest_wait", c.up, i, now); got != c.told {
			t.Errorf("step %d: told %t", i, got)
		}
		if _, up := a.up["longest_wait"]; up != c.up {
			t.Errorf("step %d: up %t", i, up)
		}
	}
}

// alarmed sets thresholds, and returns what tells of each change of an alarm so far.
func (p *script) alarmed(at Thresholds) func() []string {
	p.t.Helper()
	if err := p.board.ask(p.t.Context(), func() { p.board.alarms.Thresholds = at }); err != nil {
		p.t.Fatal(err)
	}
	return func() (told []string) {
		p.after(2 * lookEvery)
		p.store.mu.Lock()
		defer p.store.mu.Unlock()
		for _, e := range p.store.stream {
			if e.About == record.AboutAlarm {
				told = append(told, e.Kind+" "+e.Reason)
			}
		}
		return told
	}
}

func (p *script) alarms(got []string, want ...string) {
	p.t.Helper()
	if !slices.Equal(got, want) {
		p.t.Errorf("alarms %v, want %v", got, want)
	}
}

func TestACallerWhoIsHandedBackWaitsAnew(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		told := p.alarmed(Thresholds{Wait: time.Minute})
		in, _ := p.talks()
		p.pause("anna", true)
		p.after(5 * time.Minute)
		p.does(Order{Agent: "anna", Do: call.ActHandBack})
		back := time.Now()
		p.alarms(told())
		if q := p.looks().Queues; len(q) != 1 || back.Sub(q[0].Since) > second {
			t.Errorf("she waits since %+v, want %s", q, back)
		}
		p.after(55 * second)
		p.alarms(told())
		p.after(3 * second)
		p.alarms(told(), "longest_wait raised")
		p.send(in, bye)
		p.alarms(told(), "longest_wait raised", "longest_wait cleared")
	})
}

func TestAMissedOfferIsPartOfTheWait(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		told := p.alarmed(Thresholds{Wait: time.Minute})
		p.pause("anna", true)
		in := p.comes(numbers[0])
		p.after(57 * second)
		p.alarms(told())
		p.pause("anna", false)
		p.agent("anna", "ringing")
		p.alarms(told(), "longest_wait raised")
		p.after(15 * second)
		p.agent("anna", "available")
		p.alarms(told(), "longest_wait raised")
		p.after(queueAgain)
		p.agent("anna", "ringing")
		p.send(p.leg(), answers)
		p.alarms(told(), "longest_wait raised", "longest_wait cleared")
		p.send(in, bye)
	})
}

// queueAgain is when who missed a caller is offered her again.
var queueAgain = testLimits().Again

func TestWhoHearsAPromptInsteadWaitsNoMore(t *testing.T) {
	play(t, pool(1, all(func(r *call.Rules) { r.MaxWait = 90 * second })), func(s *stage) {
		p := scripted(s)
		told := p.alarmed(Thresholds{Wait: time.Minute})
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Paused})
		in := p.comes(numbers[0])
		p.after(91 * second)
		p.alarms(told(), "longest_wait raised", "longest_wait cleared")
		p.send(in, bye)
	})
}

func TestTheServiceLevelOfTheLastWindowRaisesAnAlarm(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		told := p.alarmed(Thresholds{Level: 80, Least: 2, Window: 10 * time.Minute})
		in, _ := p.talks()
		late := p.comes(numbers[0])
		p.alarms(told())
		p.after(10 * second)
		p.send(late, bye)
		p.alarms(told(), "service_level raised")
		if up := p.looks().Alarms; len(up) != 1 || up[0].Value != 50 {
			t.Errorf("%+v, want 50 %%", up)
		}
		p.send(in, bye)
		p.after(10 * time.Minute)
		p.alarms(told(), "service_level raised", "service_level cleared")
	})
}

func TestTheLongestCodeThatFitsIsMeant(t *testing.T) {
	c := Codes{CodeLogin: "*1", CodePause: "*13", CodePickUp: "*16", CodeAwayOn: ""}
	for dialled, want := range map[string]struct {
		code Code
		rest string
		ok   bool
	}{"*1": {CodeLogin, "", true}, "*13": {CodePause, "", true}, "*132": {CodePause, "2", true}, "*1612": {CodePickUp, "12", true},
		"*2": {}, "": {}, "205": {}} {
		code, rest, ok := c.parse(dialled)
		if code != want.code || rest != want.rest || ok != want.ok {
			t.Errorf("%q is %q %q %t", dialled, code, rest, ok)
		}
	}
}
