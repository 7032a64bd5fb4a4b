package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// TestWhatACallLooksLikeInEveryPhase holds views, and what may be asked for, against testdata/views.txt.
func TestWhatACallLooksLikeInEveryPhase(t *testing.T) {
	var text strings.Builder
	for _, p := range phases {
		h := enter(t, p.set, p.lead)
		h.now += 1500 * time.Millisecond
		fmt.Fprintf(&text, "%s\n    %s\n", p.name, look(h.c.View(h.at())))
		for _, who := range []string{"anna", "bo", "cia"} {
			if may := h.c.May(who, false).List(); len(may) > 0 {
				fmt.Fprintf(&text, "    %s may %v\n", who, may)
			}
		}
		fmt.Fprintf(&text, "    a supervisor may %v\n", h.c.May("", true).List())
		end(h)
	}
	golden(t, "views.txt", text.String())
}

// look writes a view as a person would.
func look(v call.View) string {
	text := string(v.Phase) + strings.Repeat(" held", b2i(v.Held))
	if v.On != "" {
		text += " on the " + string(v.On)
	}
	text += fmt.Sprintf(", handled %v", v.Handled) + strings.Repeat(" and on", b2i(v.Handling))
	if w := v.Target; !w.Since.IsZero() {
		text += fmt.Sprintf(", %s %s%s %s", w.How, w.To.Number, w.To.Agent, map[bool]string{false: "rings", true: "talks"}[w.Talking])
	}
	if r := v.Recall; !r.At.IsZero() {
		text += fmt.Sprintf(", back from %s%s: %s %d", r.To.Number, r.To.Agent, r.Reason, r.Code)
	}
	return text
}

func TestTheHandlingClockStopsWhileADirectConnectionRingsAndGoesOnAtTheRecall(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.pass(10 * time.Second); h.does(call.ActConnect, pbx) })
	h.pass(5 * time.Second)
	if v := h.c.View(h.at()); v.Handled != 10*time.Second || v.Handling || !v.Target.Since.Equal(begin.Add(10*time.Second)) {
		t.Errorf("while it rings: %+v", v)
	}
	h.event(targetLeg, call.Failed{Code: 486})
	h.pass(3 * time.Second)
	if v := h.c.View(h.at()); v.Handled != 13*time.Second || !v.Handling || !v.Target.Since.IsZero() {
		t.Errorf("back: %+v", v)
	}
	end(h)
}

// TestNothingCanBeAskedOfACallThatIsOver: it stands until it is on disk, which may take long.
func TestNothingCanBeAskedOfACallThatIsOver(t *testing.T) {
	for _, p := range phases {
		h := enter(t, p.set, p.lead)
		end(h)
		for _, who := range []string{"", "anna", "bo", "cia"} {
			if may := h.c.May(who, who == "").List(); len(may) > 0 {
				t.Errorf("%s, over: %q may %v", p.name, who, may)
			}
		}
	}
}

// TestARecallStandsUntilSomethingIsDoneAboutIt: holding the caller is nothing.
func TestARecallStandsUntilSomethingIsDoneAboutIt(t *testing.T) {
	back := func(h *harness) { talking(h); h.does(call.ActConnect, pbx); h.event(targetLeg, call.Failed{Code: 486}) }
	h := enter(t, nil, back)
	want := call.Recall{At: begin, Reason: "busy", Code: 486, To: pbx}
	h.does(call.ActHold, nobody)
	h.does(call.ActResume, nobody)
	h.pass(10 * time.Second)
	if got := h.c.View(h.at()).Recall; got != want {
		t.Errorf("%+v", got)
	}
	end(h)
	for do, to := range map[call.Action]call.Destination{call.ActConnect: pbx, call.ActAnnounce: bo, call.ActPark: nobody, call.ActHandBack: nobody, call.ActEnd: nobody} {
		h := enter(t, nil, back)
		h.does(do, to)
		if got := h.c.View(h.at()).Recall; !got.At.IsZero() {
			t.Errorf("%s: %+v", do, got)
		}
		if h.finished == nil {
			end(h)
		}
	}
	h = enter(t, nil, connecting) // her phone has left, and does not answer again: the next one is told why
	h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	h.pass(20 * time.Second)
	h.pass(15 * time.Second)
	h.own(call.Offered{Agent: "cia", Kind: call.Service})
	if got := h.c.View(h.at()).Recall; got.Reason != "no_answer" || !got.At.Equal(begin.Add(20*time.Second)) || h.c.Agent() != "cia" {
		t.Errorf("%+v for %s", got, h.c.Agent())
	}
	end(h)
	h = enter(t, nil, parked)
	h.pass(3 * time.Minute)
	if got := h.c.View(h.at()).Recall; got.Reason != "parked" || got.To != nobody {
		t.Errorf("%+v", got)
	}
	end(h)
}

func TestMarksStandWhereGrantedTimePutsThem(t *testing.T) {
	h := enter(t, nil, talking)
	want := call.Marks{Warn: 35 * time.Second, Over: 45 * time.Second, Long: 2 * time.Minute, Cap: 30 * time.Minute}
	if got := h.c.View(h.at()).Marks; got != want {
		t.Errorf("%+v", got)
	}
	h.pass(20 * time.Second)
	h.act(call.Act{Supervisor: true, Do: call.ActGrant, Grant: time.Minute})
	want = call.Marks{Warn: 95 * time.Second, Over: 105 * time.Second, Long: 2 * time.Minute, Cap: 31 * time.Minute}
	if got := h.c.View(h.at()).Marks; got != want {
		t.Errorf("granted: %+v", got)
	}
	says(t, h.until(95*time.Second), "soft tone to k-a1")
	says(t, h.until(105*time.Second+1), "mark tone to k-a1")
	h.pass(time.Minute)
	h.act(call.Act{Supervisor: true, Do: call.ActGrant, Grant: 30 * time.Second})
	if got := h.c.View(h.at()).Marks.Over; got != 195*time.Second+1 { // from now
		t.Errorf("granted late: %v", got)
	}
	end(h)
	for name, h := range map[string]*harness{
		"own": enter(t, nil, func(h *harness) { h.own(call.Offered{Agent: "olle", Kind: call.Own}) }),
		"out": newOutHarness(t, rules(), false),
	} {
		if v := h.c.View(h.at()); v.Marks != (call.Marks{}) {
			t.Errorf("%s: %+v", name, v)
		}
		h.own(call.Shutdown{})
	}
	h = enter(t, func(r *call.Rules) { r.Warn, r.Included, r.Long, r.HardCap = 0, 0, 0, -1 }, talking)
	if v := h.c.View(h.at()); v.Marks != (call.Marks{}) {
		t.Errorf("without marks: %+v", v)
	}
	end(h)
}
