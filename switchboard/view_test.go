package switchboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/queue"
)

// TestASnapshotTellsWhatACallDoesAndWhatCanBeAskedOfIt follows one call through a connection that comes back, in virtual time.
func TestASnapshotTellsWhatACallDoesAndWhatCanBeAskedOfIt(t *testing.T) {
	play(t, crew(nil, named("anna"), named("bo")), func(s *stage) {
		p := scripted(s)
		in := p.comes(numbers[0])
		look := func(want string) CallInfo {
			t.Helper()
			c := p.looks().Calls[0]
			got := fmt.Sprintf("%s %d %v", c.Phase, c.HandlingMS/1000, c.Handling)
			if c.Target != nil {
				got += fmt.Sprintf(", %s %s%s %s", c.Target.How, c.Target.Number, c.Target.Agent, c.Target.State)
			}
			if c.Recall != nil {
				got += fmt.Sprintf(", back from %s: %s %d", c.Recall.Number, c.Recall.Reason, c.Recall.Code)
			}
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			return c
		}
		may := func(c CallInfo, agent string, supervises bool, want ...call.Action) {
			t.Helper()
			if got := c.MayBy(agent, supervises); !slices.Equal(got, want) {
				t.Errorf("%s may %v, want %v", agent, got, want)
			}
		}
		may(look("offering 0 false"), "anna", false, call.ActAnswer, call.ActEnd)
		p.send(p.leg(), answers)
		p.after(10 * time.Second)
		c := look("talking 10 true")
		if m := *c.Marks; m != (MarksInfo{35_000, 45_000, 120_000, 1_800_000}) {
			t.Errorf("marks %+v", m)
		}
		may(c, "anna", false, call.ActHold, call.ActConnect, call.ActAnnounce, call.ActPark, call.ActHandBack, call.ActEnd)
		may(c, "bo", false)
		may(c, "", false)
		may(c, "bo", true, call.ActHold, call.ActConnect, call.ActAnnounce, call.ActPark, call.ActHandBack, call.ActEnd, call.ActGrant)
		p.does(Order{Agent: "anna", Do: call.ActConnect, To: "+46850000042"})
		began := time.Now()
		p.after(5 * time.Second)
		c = look("connecting 10 false, connect +46850000042 ringing")
		if d := began.Sub(c.Target.Since); d < 0 || d > 10*time.Millisecond {
			t.Errorf("rings since %v", c.Target.Since)
		}
		may(c, "anna", false, call.ActTakeBack, call.ActEnd)
		p.send(p.leg(), call.Failed{Code: 486})
		c = look("talking 10 true, back from +46850000042: busy 486")
		if !c.Recall.At.Equal(c.Last.Wall) {
			t.Errorf("back since %v, %v", c.Recall.At, c.Last.Wall)
		}
		p.does(Order{Agent: "anna", Do: call.ActConnect, To: "agent:bo"})
		c = look("connecting 10 false, connect bo ringing")
		may(c, "bo", false, call.ActEnd)
		p.send(p.leg(), answers)
		c = look("talking 10 true")
		may(c, "anna", false)
		may(c, "bo", false, call.ActHold, call.ActConnect, call.ActAnnounce, call.ActPark, call.ActHandBack, call.ActEnd)
		p.send(in, bye)
	})
}

func TestASnapshotOfAnEmptyHouseHasListsAndNoNulls(t *testing.T) {
	play(t, crew(nil), func(s *stage) {
		text, err := json.Marshal(scripted(s).looks())
		if err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s, %v", text, err)
		}
	})
}

// TestChangesAreToldAndLooksAreNot, so that who looks after each change looks no more where nothing happens.
func TestChangesAreToldAndLooksAreNot(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		told := func(want bool, after string) {
			t.Helper()
			got := false
			select {
			case <-p.board.Changes():
				got = true
			default:
			}
			if got != want {
				t.Errorf("after %s: told %v", after, got)
			}
		}
		in := p.comes(numbers[0])
		p.after(5 * time.Millisecond) // until it is written
		told(true, "a call")
		for range 3 {
			p.looks()
			if _, err := p.board.Live(p.t.Context(), p.looks().Calls[0].ID, ""); err != nil {
				t.Fatal(err)
			}
			p.after(0)
		}
		told(false, "looks")
		p.after(time.Second)
		told(false, "time alone")
		before := p.looks().Calls[0].Last.Kind
		p.after(testRules().RingTimeout)
		if last := p.looks().Calls[0].Last.Kind; last == before {
			t.Fatalf("%s, and still %s", before, last)
		}
		told(true, "a timer")
		if err := p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Paused}); err != nil {
			t.Fatal(err)
		}
		p.after(0)
		told(true, "a pause")
		p.send(in, bye)
		told(true, "an end")
		p.after(time.Hour)
		select {
		case <-p.board.Changes(): // what followed
		default:
		}
		p.after(30 * time.Minute)
		told(false, "rest")
	})
}
