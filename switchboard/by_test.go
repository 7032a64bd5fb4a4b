package switchboard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
)

// asked lists what of a story was asked for by whom.
func asked(story []call.Entry) (all []string) {
	for _, e := range story {
		if e.By != "" {
			all = append(all, string(e.Kind)+" by "+e.By)
		}
	}
	return all
}

func TestTheRecordTellsWhichSupervisorDidWhat(t *testing.T) {
	play(t, crew(nil, named("anna"), directory.Agent{ID: "eva", Supervisor: true}), func(s *stage) {
		p := scripted(s)
		in, _ := p.talks()
		id := p.looks().Calls[0].ID
		p.does(Order{Agent: "anna", Do: call.ActHold, By: "agent:anna"})
		p.does(Order{Agent: "anna", Do: call.ActResume, By: "token:Tavla"}) // as anna
		p.does(Order{Call: id, Do: call.ActGrant, Grant: time.Minute, By: "agent:eva"})
		p.does(Order{Call: id, Do: call.ActAnnounce, To: "agent:eva", By: "token:Tavla"})
		p.does(Order{Agent: "anna", Do: call.ActTakeBack})
		p.board.SetAgent(s.t.Context(), AgentOrder{Agent: "anna", To: "paused"})
		if err := p.board.FreeAgent(s.t.Context(), "anna", "cli"); err != nil {
			t.Fatal(err)
		}
		p.after(time.Second)
		p.does(Order{Call: id, Do: call.ActDivert, To: "0850000042", By: "token:Tavla"})
		p.send(in, bye)
		got := asked(p.only().Story)
		for _, want := range []string{"resumed by token:Tavla", "granted by agent:eva", "consult by token:Tavla", "relieved by cli", "diverted by token:Tavla"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s is missing in %q", want, got)
			}
		}
		if slices.ContainsFunc(got, func(s string) bool {
			return strings.HasPrefix(s, "held") || strings.HasPrefix(s, "taken") || strings.HasPrefix(s, "ended")
		}) {
			t.Errorf("what nobody else asked for: %q", got)
		}
		for _, e := range p.only().Story {
			if ev := record.Streamed("x", "t0", "", e); strings.Contains(text(t, ev), "Tavla") {
				t.Errorf("the stream names who asked: %+v", ev)
			}
		}
	})
}

func TestTheRecordTellsWhoEndedACall(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		p.talks()
		p.does(Order{Call: p.looks().Calls[0].ID, Do: call.ActEnd, By: "token:Tavla"})
		p.after(time.Second)
		if got := asked(p.only().Story); !slices.Contains(got, "ended by token:Tavla") {
			t.Errorf("%q", got)
		}
	})
}
