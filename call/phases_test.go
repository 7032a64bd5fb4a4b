package call_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Names of legs, as the call makes them from its own name.
const (
	agentLeg  = call.LegID("k-a1")
	targetLeg = call.LegID("k-t2")
	secondLeg = call.LegID("x") // the receptionist's consultation
)

var pbx = call.Destination{Trunk: "pbx", Number: "+46850000042"}

// phases lead a new call into each of its phases.
var phases = []struct {
	name string
	lead func(h *harness)
	set  func(r *call.Rules)
}{
	{name: "waiting", lead: func(h *harness) {}},
	{name: "ringing before 200", set: func(r *call.Rules) { r.RingFirst = true }, lead: func(h *harness) {}},
	{name: "waiting, to be told of her place", set: announced, lead: func(h *harness) { h.now = 10 * time.Second }},
	{name: "offering", lead: offered},
	{name: "opening", lead: answered},
	{name: "talking", lead: talking},
	{name: "talking, whispered to", set: whispering, lead: talking},
	{name: "talking, held", lead: func(h *harness) { talking(h); h.event(agentLeg, call.Held{}) }},
	{name: "consult rings", lead: consulting},
	{name: "consult answered", lead: consulted},
	{name: "connecting", lead: connecting},
	{name: "connecting, agent's phone left", lead: func(h *harness) {
		connecting(h)
		h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	}},
	{name: "connected", lead: connected},
	{name: "forwarding before 200", set: func(r *call.Rules) {
		r.Overflow, r.ForwardTo, r.RingFirst = call.OverflowForward, "+46850000050", true
	}, lead: func(h *harness) { h.own(call.QueueFull{}) }},
	{name: "leaving", lead: func(h *harness) { h.until(r0.MaxWait) }},
	{name: "waiting, with keys", set: keyed, lead: func(h *harness) {}},
	{name: "offered a wish", set: func(r *call.Rules) { r.Overflow = call.OverflowWish }, lead: func(h *harness) { h.own(call.QueueFull{}) }},
	{name: "two phones ring", lead: func(h *harness) {
		h.own(call.Offered{Agent: "anna", Kind: call.Service, Others: []call.Candidate{{Agent: "cia", Kind: call.Service}}})
	}},
	{name: "talking, held by console", lead: func(h *harness) { talking(h); h.does(call.ActHold, call.Destination{}) }},
	{name: "announcing", lead: announcing},
	{name: "announced", lead: announcedTo},
	{name: "announced, with the caller", lead: func(h *harness) { announcedTo(h); h.does(call.ActSwap, call.Destination{}) }},
	{name: "all three", lead: joined},
	{name: "colleague rings", lead: func(h *harness) { talking(h); h.does(call.ActAnnounce, bo) }},
	{name: "colleague consulted", lead: func(h *harness) {
		talking(h)
		h.does(call.ActAnnounce, bo)
		h.event(targetLeg, call.Answered{})
	}},
	{name: "connecting to a colleague", lead: func(h *harness) { talking(h); h.does(call.ActConnect, bo) }},
	{name: "parked", lead: parked},
	{name: "parked, phone rings", lead: func(h *harness) { parked(h); h.own(call.Offered{Agent: "cia", Kind: call.Service, Pickup: true}) }},
}

var bo = call.Destination{Agent: "bo"}

func keyed(r *call.Rules) {
	r.Keys = map[string]call.Key{"1": {Do: call.KeyWish}, "2": {Do: call.KeyForward, To: "+46850000052"}, "3": {Do: call.KeySay, To: "hours"}}
	r.NoAgent = call.OverflowWish
}
func announcing(h *harness)  { talking(h); h.does(call.ActAnnounce, pbx) }
func announcedTo(h *harness) { announcing(h); h.event(targetLeg, call.Answered{}) }
func joined(h *harness)      { announcedTo(h); h.does(call.ActJoin, call.Destination{}) }
func parked(h *harness)      { talking(h); h.does(call.ActPark, call.Destination{}) }

var r0 = rules()

func offered(h *harness)  { h.own(call.Offered{Agent: "anna", Kind: call.Service}) }
func answered(h *harness) { offered(h); h.event(agentLeg, call.Answered{}) }
func talking(h *harness)  { answered(h); h.own(call.Stored{Step: call.StepAnswered}) }
func consulting(h *harness) {
	talking(h)
	h.event(agentLeg, call.Held{})
	h.event(secondLeg, call.Consult{Target: pbx})
}
func consulted(h *harness) { consulting(h); h.event(targetLeg, call.Answered{}) }
func connecting(h *harness) {
	talking(h)
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
}
func connected(h *harness) { connecting(h); h.event(targetLeg, call.Answered{}) }

// happenings are all that can befall a call; those on a leg that the phase does not have are left out.
var happenings = []struct {
	leg call.LegID
	ev  call.Event
}{
	{caller, call.Ended{Cause: call.CauseCancel}},
	{caller, call.Ended{Cause: call.CauseNoAck}},
	{caller, call.Ended{Cause: call.CauseBye}},
	{caller, call.MediaLost{}},
	{caller, call.Held{}},
	{caller, call.PromptDone{}},
	{caller, call.Transfer{Ref: "q"}},
	{agentLeg, call.Ringing{}},
	{agentLeg, call.Answered{}},
	{agentLeg, call.Failed{Code: 486}},
	{agentLeg, call.Ended{Cause: call.CauseBye}},
	{agentLeg, call.MediaLost{}},
	{agentLeg, call.PromptDone{}},
	{agentLeg, call.Held{}},
	{agentLeg, call.Resumed{}},
	{agentLeg, call.Transfer{Ref: "q", Target: pbx}},
	{agentLeg, call.Transfer{Ref: "q", Refuse: 403}},
	{agentLeg, call.Transfer{Ref: "q", Replaces: secondLeg}},
	{secondLeg, call.Consult{Target: pbx}},
	{secondLeg, call.Consult{Refuse: 404}},
	{secondLeg, call.Ended{Cause: call.CauseBye}},
	{secondLeg, call.MediaLost{}},
	{secondLeg, call.Held{}},
	{secondLeg, call.Resumed{}},
	{secondLeg, call.Transfer{Ref: "q", Replaces: agentLeg}},
	{targetLeg, call.Ringing{}},
	{targetLeg, call.EarlyMedia{}},
	{targetLeg, call.Answered{}},
	{targetLeg, call.Answered{Identity: "+46850000099"}},
	{targetLeg, call.Failed{Code: 486}},
	{targetLeg, call.Failed{Code: 302}},
	{targetLeg, call.Ended{Cause: call.CauseBye}},
	{targetLeg, call.MediaLost{}},
	{targetLeg, call.Transfer{Ref: "q"}},
	{"", call.Stored{Step: call.StepArrived}},
	{"", call.Stored{Step: call.StepAnswered}},
	{"", call.StoreFailed{Step: call.StepAnswered}},
	{"", call.Queued{}},
	{"", call.QueueFull{}},
	{"", call.Returned{}},
	{"", call.Shutdown{}},
	{"", call.Fired{Timer: call.TimerWait}},
	{"", call.Fired{Timer: call.TimerRingMode}},
	{"", call.Fired{Timer: call.TimerRing}},
	{"", call.Fired{Timer: call.TimerCommit}},
	{"", call.Fired{Timer: call.TimerWarn}},
	{"", call.Fired{Timer: call.TimerIncluded}},
	{"", call.Fired{Timer: call.TimerLong}},
	{"", call.Fired{Timer: call.TimerRecall}},
	{"", call.Fired{Timer: call.TimerHeartbeat}},
	{"", call.Fired{Timer: call.TimerPrompt}},
	{"", call.Fired{Timer: call.TimerWhisper}},
	{"", call.Fired{Timer: call.TimerAnnounce}},
	{"", call.Place{Position: 2, Wait: time.Minute}},
	{caller, call.Digit{Digit: "1"}},
	{caller, call.Digit{Digit: "2"}},
	{caller, call.Digit{Digit: "3"}},
	{"k-a2", call.Answered{}},
	{"k-a2", call.Failed{Code: 486}},
	{"", call.NoAgent{}},
	{"", call.Relieved{Agent: "anna"}},
	{"", call.Relieved{Agent: "bo"}},
	{"", call.Fired{Timer: call.TimerLimit}},
	{"", call.Fired{Timer: call.TimerCap}},
	{"", call.Fired{Timer: call.TimerPark}},
	{"", call.Offered{Agent: "dan", Kind: call.Service, Pickup: true}},
	{"", call.Reserved{Agent: "dan", OK: true, Kind: call.Service}},
	{"", deedOf(call.ActAnswer, call.Destination{})},
	{"", deedOf(call.ActHold, call.Destination{})},
	{"", deedOf(call.ActResume, call.Destination{})},
	{"", deedOf(call.ActConnect, pbx)},
	{"", deedOf(call.ActConnect, call.Destination{Agent: "eva"})},
	{"", deedOf(call.ActConnect, call.Destination{Group: "sales"})},
	{"", deedOf(call.ActAnnounce, pbx)},
	{"", deedOf(call.ActAnnounce, call.Destination{Agent: "eva"})},
	{"", deedOf(call.ActSwap, call.Destination{})},
	{"", deedOf(call.ActJoin, call.Destination{})},
	{"", deedOf(call.ActComplete, call.Destination{})},
	{"", deedOf(call.ActTakeBack, call.Destination{})},
	{"", deedOf(call.ActPark, call.Destination{})},
	{"", deedOf(call.ActHandBack, call.Destination{})},
	{"", deedOf(call.ActEnd, call.Destination{})},
	{"", call.Act{Ref: "q", Agent: "eva", Supervisor: true, Do: call.ActGrant, Grant: time.Minute}},
	{"", call.Act{Ref: "q", Agent: "eva", Supervisor: true, Do: call.ActDivert, To: pbx}},
}

// deedOf is anna acting; where the call is another's, or nobody's, she is told so.
func deedOf(do call.Action, to call.Destination) call.Act {
	return call.Act{Ref: "q", Agent: "anna", Do: do, To: to}
}

// TestEveryEventInEveryPhase holds the whole transition table against testdata/transitions.txt. An event that is not
// listed under a phase changes nothing in it; an act that is not is answered state, or not_yours.
func TestEveryEventInEveryPhase(t *testing.T) {
	var text strings.Builder
	for _, p := range phases {
		fmt.Fprintf(&text, "%s\n", p.name)
		for _, e := range happenings {
			h := enter(t, p.set, p.lead)
			id := h.newest(e.leg)
			if !h.possible(id, e.ev) {
				continue
			}
			if said := h.event(id, e.ev); said != "" && said != "result state" && said != "result not_yours" {
				fmt.Fprintf(&text, "    %s\n        %s\n", describe(e.leg, e.ev), said)
			}
			end(h)
		}
	}
	golden(t, "transitions.txt", text.String())
}

func enter(t testing.TB, set func(*call.Rules), lead func(*harness)) *harness {
	r := rules()
	if set != nil {
		set(&r)
	}
	h := newHarness(t, r)
	lead(h)
	return h
}

// end lets the caller hang up where the call goes on, so that the harness sees whether anything is left.
func end(h *harness) {
	h.t.Helper()
	if h.finished == nil {
		h.event(caller, call.Ended{Cause: call.CauseBye})
	}
	if h.finished == nil {
		h.t.Fatal("call does not end when its caller does")
	}
}

func describe(id call.LegID, ev call.Event) string {
	names := map[call.LegID]string{caller: "caller", agentLeg: "agent", targetLeg: "target", secondLeg: "agent's second leg",
		"k-a2": "second phone"}
	text := strings.TrimPrefix(fmt.Sprintf("%T", ev), "call.")
	switch e := ev.(type) {
	case call.Fired:
		text = "timer " + string(e.Timer)
	case call.Ended:
		text += " " + string(e.Cause)
	case call.Failed:
		text += fmt.Sprintf(" %d", e.Code)
	case call.Answered:
		if e.Identity != "" {
			text += " by voicemail"
		}
	case call.Stored:
		text += " " + string(e.Step)
	case call.StoreFailed:
		text += " " + string(e.Step)
	case call.Digit:
		text += " " + e.Digit
	case call.Relieved:
		text += " " + e.Agent
	case call.Act:
		text = strings.TrimRight("act "+string(e.Do)+" "+e.To.Number+e.To.Agent+e.To.Group, " ")
	case call.Transfer:
		text += strings.TrimRight(" "+e.Target.Number+string(e.Replaces)+strings.Repeat("refused", e.Refuse/403), " ")
	case call.Consult:
		text += strings.Repeat(" refused", e.Refuse/404)
	}
	return strings.TrimSpace(names[id] + " " + text)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d differs (-update rewrites it)\n got %s\nwant %s", path, i+1, g[i], strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
	t.Fatalf("%s is longer than what was said", path)
}
