package queue

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

var update = flag.Bool("update", false, "rewrite testdata/agents.txt")

// setups bring anna, who is available, to where a transition begins.
var setups = []struct {
	name string
	do   func(q *Queue)
}{
	{"available", func(*Queue) {}},
	{"offline (no phone)", func(q *Queue) { q.Registered("anna", false, t0) }},
	{"offline (logged out)", func(q *Queue) { q.Logout("anna", t0) }},
	{"offline (no phone, lunch)", func(q *Queue) { q.Pause("anna", PausedLunch, t0); q.Registered("anna", false, t0) }},
	{"paused (lunch)", func(q *Queue) { q.Pause("anna", PausedLunch, t0) }},
	{"paused (missed calls)", func(q *Queue) { q.Pause("anna", PausedMissed, t0) }},
	{"reserved", func(q *Queue) { q.Reserve("anna", "1", t0) }},
	{"ringing", func(q *Queue) { q.Reserve("anna", "1", t0); q.Rings("anna", t0) }},
	{"ringing (one missed)", func(q *Queue) {
		q.Reserve("anna", "0", t0)
		q.Free("anna", "0", call.FreedMissed, t0)
		q.Reserve("anna", "1", t0)
		q.Rings("anna", t0)
	}},
	{"talking", func(q *Queue) { q.Reserve("anna", "1", t0); q.Talks("anna", t0) }},
	{"talking (lunch)", func(q *Queue) { q.Reserve("anna", "1", t0); q.Talks("anna", t0); q.Pause("anna", PausedLunch, t0) }},
	{"talking (logged out)", func(q *Queue) { q.Reserve("anna", "1", t0); q.Talks("anna", t0); q.Logout("anna", t0) }},
	{"talking (no phone)", func(q *Queue) { q.Reserve("anna", "1", t0); q.Talks("anna", t0); q.Registered("anna", false, t0) }},
	{"wrap_up", func(q *Queue) {
		q.Reserve("anna", "1", t0)
		q.Talks("anna", t0)
		q.Free("anna", "1", call.FreedDone, t0)
	}},
}

// happenings are the events of the machine, by what makes them.
var happenings = map[Event]func(q *Queue){
	EventLogIn:     func(q *Queue) { q.Login("anna", after(1)) },
	EventLogOut:    func(q *Queue) { q.Logout("anna", after(1)) },
	EventPhoneUp:   func(q *Queue) { q.Registered("anna", true, after(1)) },
	EventPhoneDown: func(q *Queue) { q.Registered("anna", false, after(1)) },
	EventPause:     func(q *Queue) { q.Pause("anna", PausedMeeting, after(1)) },
	EventResume:    func(q *Queue) { q.Resume("anna", after(1)) },
	EventReserve:   func(q *Queue) { q.Reserve("anna", "2", after(1)) },
	EventAsk:       func(q *Queue) { q.Ask("anna", "2", after(1)) },
	EventRing:      func(q *Queue) { q.Rings("anna", after(1)) },
	EventTalk:      func(q *Queue) { q.Talks("anna", after(1)) },
	EventDone:      func(q *Queue) { q.Free("anna", "1", call.FreedDone, after(1)) },
	EventMissed:    func(q *Queue) { q.Free("anna", "1", call.FreedMissed, after(1)) },
	EventDeclined:  func(q *Queue) { q.Free("anna", "1", call.FreedDeclined, after(1)) },
	EventCancelled: func(q *Queue) { q.Free("anna", "1", call.FreedCancelled, after(1)) },
	EventExpire:    func(q *Queue) { q.Lease("anna", after(1)); q.Expired(after(1)) },
	EventUnstick:   func(q *Queue) { q.Unstick("anna", after(1)) },
	EventWrapOver:  func(q *Queue) { q.Match(after(5)) },
	EventRestore:   func(q *Queue) { q.Restore("anna", Saved{Paused: PausedAdmin}, after(1)) },
	EventAdd:       func(q *Queue) { q.SetAgents([]Agent{{ID: "anna", Kind: call.Service, Wrap: time.Second}}, after(1)) },
	EventRemove:    func(q *Queue) { q.SetAgents(nil, after(1)) },
}

// told is an agent's state and why, as the table has it.
func told(q *Queue, id string) string {
	for _, s := range q.Agents(after(1)) {
		if s.ID == id {
			if s.Reason != "" {
				return fmt.Sprintf("%s (%s)", s.State, s.Reason)
			}
			return string(s.State)
		}
	}
	return "forgotten"
}

// TestAgentMachine holds every transition to testdata/agents.txt; -update rewrites it. What leaves an agent as she is has no line.
func TestAgentMachine(t *testing.T) {
	const file = "testdata/agents.txt"
	want := map[string]string{}
	if b, err := os.ReadFile(file); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, to, ok := strings.Cut(strings.TrimSpace(line), " -> "); ok {
				want[name] = to
			}
		}
	} else if !*update {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("# Made by go test ./queue -run TestAgentMachine -update. What changes neither state nor reason has no line.\n")
	for _, s := range setups {
		for _, e := range Events {
			q := pool("anna")
			s.do(q)
			from := told(q, "anna")
			happenings[e](q)
			to, name := told(q, "anna"), s.name+" + "+string(e)
			if to != from {
				fmt.Fprintf(&table, "%s -> %s\n", name, to)
			}
			if *update {
				continue
			}
			t.Run(name, func(t *testing.T) {
				if expected, changes := want[name]; changes && to != expected || !changes && to != from {
					t.Errorf("%s, want %q", to, expected)
				}
			})
			delete(want, name)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range want {
		t.Errorf("%s is not a transition", name)
	}
}

func TestChangesAreToldAsTheyHappen(t *testing.T) {
	q := pool("anna")
	var got []string
	q.Observe(func(c Change) {
		got = append(got, fmt.Sprintf("%s %s->%s %s%s %gs", c.Event, c.From, c.To, c.Call, c.Reason, c.At.Sub(t0).Seconds()))
	})
	wait(q, "1", 0)
	expect(t, q, 1, "1-anna")
	q.Rings("anna", after(2))
	q.Talks("anna", after(3))
	q.Pause("anna", PausedLunch, after(4))
	q.Resume("anna", after(5))
	q.Free("anna", "1", call.FreedDone, after(6))
	q.Match(after(20))
	want := "reserve available->reserved 1 1s|ring reserved->ringing 1 2s|talk ringing->talking 1 3s|pause talking->talking 1lunch 4s|" +
		"resume talking->talking 1 5s|done talking->wrap_up 1 6s|wrap_over wrap_up->available  11s"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("told\n%s, want\n%s", strings.ReplaceAll(s, "|", "\n"), strings.ReplaceAll(want, "|", "\n"))
	}
}

// TestWhoIsReadyNeedNotWaitForTheEndOfHerWrapUp: to resume ends it, by way of a pause too, and the wake-up that was set for its end means nothing
// any more.
func TestWhoIsReadyNeedNotWaitForTheEndOfHerWrapUp(t *testing.T) {
	for _, pause := range []bool{false, true} {
		q := pool("anna")
		wait(q, "1", 0)
		expect(t, q, 1, "1-anna")
		q.Talks("anna", after(2))
		q.Resume("anna", after(3)) // says nothing of a wrap-up to come
		q.Free("anna", "1", call.FreedDone, after(4))
		if pause {
			q.Pause("anna", PausedLunch, after(5))
		}
		wait(q, "2", 5)
		expect(t, q, 6)
		q.Resume("anna", after(7))
		expect(t, q, 7, "2-anna")
		q.Free("anna", "2", call.FreedDone, after(8))
		wait(q, "3", 8)
		expect(t, q, 12) // 5 s after the second call, not the first
		expect(t, q, 13, "3-anna")
	}
}
