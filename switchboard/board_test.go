package switchboard

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// connecting brings a call to where its target rings, and returns caller, agent and target.
func (p *script) connecting() (in, agent, target call.LegID) {
	p.t.Helper()
	in = p.comes(numbers[0])
	agent = p.leg()
	p.send(agent, answers)
	p.send(agent, call.Referred{Ref: "r", Target: "+46850000042"})
	return in, agent, p.leg()
}

func TestOwnTransferThatComesBackIsNoNewCall(t *testing.T) {
	caller := call.Party{Number: "070-000 00 01"}
	for _, c := range []struct {
		name string
		ev   func(token string) call.Arrived
		code int
	}{
		{"by its token", func(token string) call.Arrived { return call.Arrived{Token: token} }, 486},
		{"by caller and diverting target", func(string) call.Arrived {
			return call.Arrived{Caller: caller, Diverted: []string{"08-999", "0850000042"}}
		}, 486},
		{"another caller is a new call", func(string) call.Arrived {
			return call.Arrived{Caller: call.Party{Number: "0700000002"}, Diverted: []string{"0850000042"}}
		}, 0},
		{"another target is a new call", func(string) call.Arrived {
			return call.Arrived{Caller: caller, Diverted: []string{"0850000043"}}
		}, 0},
		{"a foreign token is a new call", func(string) call.Arrived { return call.Arrived{Token: "x"} }, 0},
		{"no number is nobody's", func(string) call.Arrived { return call.Arrived{Diverted: []string{"0850000042"}} }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, pool(1, nil), func(s *stage) {
				p := scripted(s)
				in, _, target := p.connecting()
				p.after(5 * second)
				p.forwarded("back", c.ev(string(target)))
				p.gets("back", c.code)
				if p.over(target) != (c.code == 486) {
					t.Error("recall")
				}
				p.send(in, bye)
				if c.code == 0 {
					p.send("back", bye)
				}
			})
		})
	}
}

func TestTokenIsKnownForAWhileAfterItsLegAnsweredOrEnded(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in, agent, target := p.connecting()
		p.after(20 * second) // recall
		p.forwarded("crossing", call.Arrived{Token: string(target)})
		p.gets("crossing", 486)
		if p.over(agent) {
			t.Error("the late return disturbed the call")
		}
		p.forwarded("anew", call.Arrived{Caller: call.Party{Number: "0700000001"}, Diverted: []string{"0850000042"}})
		p.gets("anew", 0) // without a token only a target that rings is told apart
		p.send("anew", bye)
		p.send(agent, call.Referred{Ref: "r", Target: "205"})
		p.send(p.leg(), answers)
		p.forwarded("answered", call.Arrived{Token: string(p.leg())})
		p.gets("answered", 486)
		if p.over(p.leg()) {
			t.Error("the return ended an answered connection")
		}
		p.send(in, bye)
		p.after(sentGrace)
		p.forwarded("old", call.Arrived{Token: string(target)})
		p.gets("old", 0)
		p.send("old", bye)
	})
}

func TestUnknownNumberForeignTrunkAndDisabledTenantGet404(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		p.gets(p.comes("+46850009999"), 404)
		p.gets(p.comes("anything'; drop"), 404)
		p.in("foreign", call.Arrived{Trunk: "other", Called: numbers[0]})
		p.gets("foreign", 404)
	})
}

func TestDrainRefusesNewCallsAndWaitsForTheOthers(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		idle := s.board.Drain()
		p.gets(p.comes(numbers[0]), 503)
		select {
		case <-idle:
			t.Error("idle with a call")
		default:
		}
		p.send(in, bye)
		p.after(second)
		<-idle
		<-s.board.Drain()
	})
}

func TestShutdownEndsCallsAndKeepsTheirRecords(t *testing.T) {
	var s *stage
	play(t, pool(1, nil), func(st *stage) {
		s = st
		p := scripted(s)
		p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.comes(numbers[0])
		p.after(10 * second)
	})
	for _, r := range s.store.all() {
		if r.Outcome != call.OutcomeInterrupted || r.Cause != call.CauseShutdown {
			t.Errorf("%s (%s)", r.Outcome, r.Cause)
		}
	}
	if len(s.store.all()) != 2 {
		t.Errorf("%d records", len(s.store.all()))
	}
	if s.board.Post("late", time.Now(), call.Arrived{}) {
		t.Error("a stopped board takes calls")
	}
	<-s.board.Drain()
	if _, err := s.board.Snapshot(context.Background()); err != ErrStopped {
		t.Error(err)
	}
}

func TestWhatIsPostedAsTheLoopEndsIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		ctx, cancel := context.WithCancel(t.Context())
		s.board = New(Config{Signals: signals{s.world}, Media: media{s.world}, Store: s.store, Directory: testDirectory(t, 1, nil)})
		cancel()
		s.board.afterTurn = func() { // after the last look at the mailbox
			if s.arrived == 0 {
				s.arrive(numbers[0])
			}
		}
		s.board.Run(ctx)
		if s.refused["in1"] != 503 {
			t.Errorf("got %d", s.refused["in1"])
		}
		settled()
	})
}

func TestNewDirectoryChangesNothingForCallsThatHaveBegun(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		p.comes(numbers[0])
		agent := p.leg()
		p.send(agent, answers)
		s.board.SetDirectory(testDirectory(t, 0, all(func(r *call.Rules) { r.RecallAfter = second; r.Warn = second })), queue.Limits{})
		p.after(10 * second) // no tone after a second
		p.send(agent, call.Referred{Ref: "r", Target: "205"})
		target := p.leg()
		p.after(19 * second)
		if p.over(target) {
			t.Error("the call follows the new rules")
		}
		p.after(second)
		if !p.over(target) {
			t.Error("no recall")
		}
		p.send(agent, bye)
		p.after(second)
		for _, e := range p.only().Story {
			if e.Kind == call.KindWarned {
				t.Error("warned by the new rules")
			}
		}
		for _, a := range s.board.snapshot(time.Now()).Agents {
			t.Errorf("agent %s was taken out and is still there", a.ID)
		}
	})
}

func TestPanicEndsOneCall(t *testing.T) {
	for name, fault := range map[string]func(p *script, leg call.LegID){
		"in a transition": func(p *script, leg call.LegID) {
			p.board.ask(p.t.Context(), func() {
				l := p.board.legs[leg]
				l.call = nil
				p.board.handle(l, time.Now(), leg, call.Held{})
			})
		},
		"outside of one": func(p *script, leg call.LegID) {
			p.board.box.put(mail{leg: leg, at: time.Now(), run: func() { panic("hostile") }}, 0)
		},
		"in an adapter": func(p *script, leg call.LegID) {
			p.onSignal = func(cmd call.SignalCommand) {
				if _, is := cmd.(call.AnswerRefer); is {
					panic("adapter")
				}
			}
			p.send(leg, call.Referred{Ref: "r", Target: "205"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, pool(1, nil), func(s *stage) {
				p := scripted(s)
				bad, other := p.comes(numbers[0]), p.comes(numbers[1])
				agent := p.leg()
				p.send(agent, answers)
				p.after(10 * second)
				fault(p, agent)
				p.after(10 * time.Millisecond)
				if !p.over(bad) || !p.over(agent) || p.over(other) {
					t.Error("wrong calls ended")
				}
				if r := p.only(); r.Cause != call.CausePanic || r.Row == nil || r.HandledMS < 10000 {
					t.Errorf("%s, row %v, %d ms", r.Cause, r.Row, r.HandledMS)
				}
				p.send(other, bye)
			})
		})
	}
}

func TestPanicOfAnObserverHarmsNoCall(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		s.board.ask(s.t.Context(), func() {
			s.board.cfg.Observe = func(*record.Head, call.Entry, *record.Record) { panic("observer") }
		})
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.send(in, bye)
		p.after(second)
		if r := p.only(); r.Outcome != call.OutcomeAnswered {
			t.Error(r.Outcome)
		}
	})
}

func TestMailboxIsBoundedButTakesWhatEndsCalls(t *testing.T) {
	b := New(Config{}) // nobody takes the mail
	for i := range roomForCalls {
		if !b.Post("x", time.Now(), call.Arrived{}) {
			t.Fatalf("refused arrival %d", i)
		}
	}
	if b.Post("x", time.Now(), call.Arrived{}) || b.Post("x", time.Now(), call.Dialled{}) {
		t.Error("takes more calls than there is room for")
	}
	for len(b.box.mail) < roomForNoise {
		if !b.Post("x", time.Now(), call.Ringing{}) {
			t.Fatal("refused what there is room for")
		}
	}
	for _, ev := range []call.Event{call.Ringing{}, call.EarlyMedia{}, call.Held{}, call.Resumed{}, call.Referred{}} {
		if b.Post("x", time.Now(), ev) {
			t.Errorf("takes %T", ev)
		}
	}
	for _, ev := range []call.Event{call.Ended{}, call.Failed{}, call.Answered{}, call.MediaLost{}, call.PromptDone{}} {
		if !b.Post("x", time.Now(), ev) {
			t.Errorf("refuses %T", ev)
		}
	}
	b.Registered("anna", true, time.Now())
	if err := b.ask(context.Background(), func() {}); err != ErrStopped {
		t.Errorf("ask: %v", err)
	}
}

func TestTimersTellTheirOwnInstantThoughTheLoopIsLate(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		p.send(p.leg(), answers)
		p.after(30 * second)
		s.board.ask(s.t.Context(), func() { time.Sleep(8 * second) })
		p.send(in, bye)
		p.after(second)
		var answered time.Duration
		for _, e := range p.only().Story {
			switch e.Kind {
			case call.KindAnswered:
				answered = e.Since
			case call.KindWarned:
				if e.Since-answered != 35*second {
					t.Errorf("warned after %v", e.Since-answered)
				}
				return
			}
		}
		t.Error("not warned")
	})
}

func TestDuplicateInviteMakesOneCall(t *testing.T) {
	play(t, pool(0, nil), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		s.board.Post(in, time.Now(), call.Arrived{Trunk: "pbx", Called: numbers[0]})
		p.after(second)
		if n := len(s.board.snapshot(time.Now()).Calls); n != 1 {
			t.Errorf("%d calls", n)
		}
		p.send(in, bye)
	})
}

func TestConsultationWithoutACallIsRefused(t *testing.T) {
	play(t, pool(1, nil), func(s *stage) {
		p := scripted(s)
		p.in("x", call.Dialled{Agent: "anna", Target: "205"})
		p.gets("x", 403)
		p.in("y", call.Dialled{Agent: "nobody", Target: "205"})
		p.gets("y", 403)
	})
}

func TestCallsWithoutADirectoryAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t}
		s.board = New(Config{Signals: signals{s.world}, Media: media{s.world}, Store: newMemStore(t)})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { defer close(ran); s.board.Run(ctx) }()
		p := scripted(s)
		p.gets(p.comes(numbers[0]), 503)
		cancel()
		<-ran
		settled()
	})
}

// TestMetricsArePresentFromTheStart and show what is going on.
func TestMetricsArePresentFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		s := &stage{world: newWorld(t), t: t}
		s.board = New(Config{Signals: signals{s.world}, Media: media{s.world}, Store: newMemStore(t), Directory: testDirectory(t, 1, nil), Registerer: reg})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { defer close(ran); s.board.Run(ctx) }()
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range all {
			names = append(names, fmt.Sprintf("%s %d", f.GetName(), len(f.GetMetric())))
		}
		got := strings.Join(names, "\n")
		for _, want := range []string{"telefonist_calls_total 17", "telefonist_calls_active 1", "telefonist_queue_waiting 1", "telefonist_queue_wait_seconds 1",
			"telefonist_handling_seconds 1", "telefonist_agents 7", "telefonist_threshold_crossings_total 3", "telefonist_rows_total 8", "telefonist_calls_stuck 1"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
		cancel()
		<-ran
		settled()
	})
}

func TestACallIsConnectedByTheDirectoryThatItArrivedUnder(t *testing.T) {
	for _, to := range []string{"common:Support", "205"} {
		play(t, crew(nil, named("anna")), func(s *stage) {
			p := scripted(s)
			in, _ := p.talks()
			p.board.SetDirectory(crew(func(t *directory.Tenant) { t.Trunk, t.Common = "new", nil }, named("anna"))(t), testLimits())
			p.does(Order{Agent: "anna", Do: call.ActConnect, To: to})
			if d := p.lastDial(); d.To.Trunk != "pbx" {
				t.Errorf("%s is called at %+v", to, d.To)
			}
			p.send(in, bye)
		})
	}
}
