package switchboard

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
)

// script plays one call by hand: what is dialled waits in dialled until the script goes on.
type script struct {
	*stage
	dialled []call.Dial
}

func scripted(s *stage) *script {
	p := &script{stage: s}
	s.onSignal = func(cmd call.SignalCommand) {
		if d, is := cmd.(call.Dial); is {
			p.world.mu.Lock()
			defer p.world.mu.Unlock()
			p.dialled = append(p.dialled, d)
		}
	}
	return p
}

// after lets time pass and everything settle.
func (p *script) after(d time.Duration) { time.Sleep(d); synctest.Wait() }

// leg is the leg dialled last.
func (p *script) leg() call.LegID {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	if len(p.dialled) == 0 {
		p.t.Error("nothing was dialled")
		return ""
	}
	return p.dialled[len(p.dialled)-1].Leg
}

// over tells whether the board has let go of a leg; spoke whether a caller was connected with a receptionist.
func (p *script) over(leg call.LegID) bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.legs[leg].over
}

func (p *script) spoke(caller call.LegID) bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.spoken[caller]
}

// send posts an event and lets it take effect; the fake store needs a millisecond for a commit.
func (p *script) send(leg call.LegID, ev call.Event) {
	p.t.Helper()
	if !p.post(leg, ev) {
		p.t.Fatalf("leg %s is gone, cannot send %s", leg, what(ev))
	}
	p.after(2 * time.Millisecond)
}

func (p *script) comes(called string) call.LegID {
	id := p.arrive(called)
	p.after(2 * time.Millisecond)
	return id
}

const second = time.Second

var (
	bye     = call.Ended{Cause: call.CauseBye}
	answers = call.Answered{Dialog: call.Dialog{CallID: "out"}}
)

func pool(n int, set func(int, *call.Rules)) func(*testing.T) *directory.Directory {
	return func(t *testing.T) *directory.Directory { return testDirectory(t, n, set) }
}

func all(f func(*call.Rules)) func(int, *call.Rules) { return func(_ int, r *call.Rules) { f(r) } }

// TestFlows holds whole calls against testdata: at which virtual second who said what.
func TestFlows(t *testing.T) {
	for _, c := range []struct {
		name string
		dir  func(*testing.T) *directory.Directory
		play func(p *script)
	}{
		{"abandoned", pool(0, nil), func(p *script) {
			in := p.comes(numbers[0])
			p.after(12 * second)
			p.send(in, bye)
		}},
		{"answered", pool(1, nil), func(p *script) {
			in := p.comes(numbers[0])
			p.after(4 * second)
			p.send(p.leg(), answers)
			p.after(125 * second)
			p.send(in, bye)
		}},
		{"missed", pool(2, nil), func(p *script) {
			p.comes(numbers[0])
			p.after(15 * second)
			p.send(p.leg(), answers)
			p.after(20 * second)
			p.send(p.leg(), bye)
		}},
		{"connected", pool(1, nil), func(p *script) {
			in := p.comes(numbers[0])
			p.send(p.leg(), answers)
			p.after(20 * second)
			p.send(p.leg(), call.Referred{Ref: "r", Target: "205"})
			p.send(p.leg(), call.Ringing{})
			p.after(6 * second)
			p.send(p.leg(), answers)
			p.after(300 * second)
			p.send(in, bye)
		}},
		{"busy", pool(1, nil), func(p *script) {
			p.comes(numbers[0])
			p.send(p.leg(), answers)
			agent := p.leg()
			p.after(30 * second)
			p.send(agent, call.Referred{Ref: "r", Target: "+46850000042"})
			p.after(second)
			p.send(p.leg(), call.Failed{Code: 486})
			p.after(16 * second)
			p.send(agent, bye)
		}},
		{"announced", pool(1, nil), func(p *script) {
			p.comes(numbers[0])
			p.send(p.leg(), answers)
			agent := p.leg()
			p.after(10 * second)
			p.send(agent, call.Held{})
			p.in("second", call.Dialled{Agent: "anna", Target: "205"})
			p.after(3 * second)
			p.send(p.leg(), call.Ringing{})
			p.after(3 * second)
			p.send(p.leg(), answers)
			p.after(8 * second)
			p.send(agent, call.Referred{Ref: "r", Replaces: "second"})
			p.after(60 * second)
			p.send(p.leg(), bye)
		}},
		{"queue-full", pool(0, all(func(r *call.Rules) { r.MaxQueue, r.Overflow, r.RingFirst = 1, call.OverflowBusy, true })), func(p *script) {
			in := p.comes(numbers[0])
			p.comes(numbers[0])
			p.after(40 * second)
			p.send(in, bye)
		}},
		{"longest-wait", pool(0, nil), func(p *script) {
			in := p.comes(numbers[0])
			p.after(123 * second)
			p.send(in, call.PromptDone{Source: call.PromptTryLater})
		}},
		{"announcements", pool(1, func(_ int, r *call.Rules) {
			r.Welcome, r.MaxWait = []string{"sv-welcome"}, 0
			r.AnnounceAfter, r.AnnouncePosition, r.AnnounceWait = 10*second, 30*second, time.Minute
		}), func(p *script) {
			handle := func(d time.Duration) {
				p.send(p.leg(), answers)
				p.after(d)
				p.send(p.leg(), bye)
				p.after(5 * second)
			}
			for range 3 {
				p.comes(numbers[0])
				handle(40 * second)
			}
			p.comes(numbers[0])
			p.comes(numbers[1])
			p.comes(numbers[0])
			handle(15 * second)
			handle(95 * second)
			handle(10 * second)
		}},
		{"whisper", pool(1, func(_ int, r *call.Rules) { r.Whisper = "acme" }), func(p *script) {
			in := p.comes(numbers[0])
			p.after(5 * second)
			p.send(p.leg(), answers)
			p.after(900 * time.Millisecond)
			p.send(p.leg(), call.PromptDone{Source: "acme"})
			p.after(20 * second)
			p.send(in, bye)
		}},
		{"returned", pool(1, nil), func(p *script) {
			in := p.comes(numbers[0])
			p.send(p.leg(), answers)
			agent := p.leg()
			p.send(agent, call.Referred{Ref: "r", Target: "205"})
			p.send(agent, bye)
			p.after(5 * second)
			p.forwarded("back", call.Arrived{Token: string(p.leg())})
			p.after(3 * second)
			p.send(p.leg(), answers)
			p.after(10 * second)
			p.send(in, bye)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, c.dir, func(s *stage) {
				p := scripted(s)
				c.play(p)
				p.after(10 * second)
				text := strings.Join(s.said, "\n") + "\n"
				records := s.store.all()
				slices.SortFunc(records, func(a, b record.Record) int { return a.Received.Compare(b.Received) })
				for _, r := range records {
					text += recordLine(r)
				}
				golden(t, c.name, text)
			})
		})
	}
}

// forwarded is the PBX sending a call back to the service's number.
func (p *script) forwarded(id call.LegID, ev call.Arrived) {
	ev.Trunk, ev.Called, ev.SIPCall = "pbx", numbers[0], string(id)
	p.in(id, ev)
	p.after(2 * time.Millisecond)
}

func recordLine(r record.Record) string {
	row := "no row"
	if r.Row != nil {
		row = fmt.Sprintf("tariff %s, %s, %d öre", r.Row.Tariff, r.Row.Period, r.Row.AmountOre)
	}
	return fmt.Sprintf("record: %s (%s), waited %d ms, handled %d ms, agents %v, %s\n", r.Outcome, r.Cause, r.WaitedMS, r.HandledMS, r.Parties.Agents, row)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update rewrites it)\n--- got\n%s--- want\n%s", path, got, want)
	}
}
