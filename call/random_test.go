package call_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

var seed = flag.Uint64("seed", 0, "seed of random histories; 0 takes a new one")

func newSeed(t testing.TB) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return s
}

// TestRandomHistoriesKeepTheProtocolAndEnd throws whatever is possible at calls. The harness judges every command, and looks
// after every step at who is reserved, which timers are armed and whose phones ring. Agents vanish, events come twice and
// after they have lost their meaning. What a call was told is told to another one in the end, which must say the same.
func TestRandomHistoriesKeepTheProtocolAndEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(newSeed(t), 1))
	told := map[call.Kind]bool{}
	all := func() bool {
		return !slices.ContainsFunc(call.Kinds, func(k call.Kind) bool { return !told[k] && k != call.KindLong })
	}
	for i := 0; i < 4000 || !all() && i < 40000; i++ {
		h := randomCall(t, rng)
		for range 80 {
			if h.finished != nil {
				break
			}
			step(rng, h)
		}
		if h.finished == nil {
			giveUp(rng, h)
		}
		if h.finished == nil {
			t.Fatalf("call does not end: %s", h.kinds())
		}
		quiet(t, "an ended call", h.own(call.Shutdown{}))
		compare(t, h)
		h.replay()
		for _, e := range h.story {
			told[e.Kind] = true
		}
	}
	for _, k := range call.Kinds {
		if !told[k] && k != call.KindLong { // two minutes are a long time here; limits have tests of their own
			t.Errorf("no story tells of %s", k)
		}
	}
}

// giveUp ends a call that goes on: mostly by its caller.
func giveUp(rng *rand.Rand, h *harness) {
	if l := h.legs[caller]; l != nil && !l.over && rng.IntN(8) > 0 {
		end(h)
		return
	}
	h.own(call.Shutdown{})
}

func randomCall(t *testing.T, rng *rand.Rand) *harness {
	r := rules()
	randomRules(rng, &r)
	var h *harness
	switch rng.IntN(6) {
	case 0:
		r.Kind = []call.Way{call.Outgoing, call.Callback}[rng.IntN(2)]
		h = newOutHarness(t, r, rng.IntN(2) == 0)
	default:
		h = newHarness(t, r)
	}
	h.slow = rng.IntN(3) == 0
	return h
}

func randomRules(rng *rand.Rand, r *call.Rules) {
	remedies := append([]call.Overflow{""}, call.Overflows...)
	r.RingFirst = rng.IntN(3) == 0
	r.Overflow = call.Overflows[rng.IntN(len(call.Overflows))]
	r.NoAgent = remedies[rng.IntN(len(remedies))]
	r.ForwardTo = "+46850000050"
	if rng.IntN(12) == 0 {
		r.Closed, r.ClosedTo = call.Overflows[rng.IntN(len(call.Overflows))], "+46850000051"
	}
	if rng.IntN(2) == 0 {
		announced(r)
	}
	if rng.IntN(3) == 0 {
		whispering(r)
	}
	if rng.IntN(2) == 0 {
		r.Keys = map[string]call.Key{"1": {Do: call.KeyWish}, "2": {Do: call.KeyForward, To: "+46850000052"}, "3": {Do: call.KeySay, To: "hours"}}
	}
	r.NoWish = rng.IntN(6) == 0
	if rng.IntN(2) == 0 {
		r.AtLimit = call.AtLimits[rng.IntN(len(call.AtLimits))]
	}
	r.LimitTo = "+46850000053"
	if rng.IntN(2) == 0 {
		r.LimitPrompt = "sv-limit"
	}
	r.HardCap = []time.Duration{0, -1, time.Minute, 0, 0}[rng.IntN(5)]
	r.MaxWait = []time.Duration{0, 20 * time.Second, 2 * time.Minute}[rng.IntN(3)]
	r.ParkRecall = 20 * time.Second
}

// step is one random event or a stretch of time.
func step(rng *rand.Rand, h *harness) {
	switch rng.IntN(6) {
	case 0:
		most := 12 * time.Second
		if rng.IntN(12) == 0 {
			most = 3 * time.Minute
		}
		h.pass(time.Duration(rng.Int64N(int64(most))))
		return
	case 1:
		boardStep(rng, h)
		return
	case 2, 3:
		h.act(randomAct(rng, h))
		return
	}
	ids := make([]call.LegID, 0, len(h.legs))
	for id := range h.legs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := ids[rng.IntN(len(ids))]
	if rng.IntN(6) == 0 {
		id = call.LegID([]string{"x", "y", "z"}[rng.IntN(3)])
	}
	ev := randomEvent(rng, ids)
	if _, ends := ev.(call.Ended); (ends || id == caller) && rng.IntN(5) > 0 { // calls should grow old
		return
	}
	if h.possible(id, ev) {
		h.event(id, ev)
		if rng.IntN(6) == 0 {
			h.repeat(rng)
		}
	}
}

// repeat tells the call something once more that it was told before: at once, or long after, when the leg has done other things
// or is gone.
func (h *harness) repeat(rng *rand.Rand) {
	was := h.heard[max(1, len(h.heard)-1-rng.IntN(4))]
	switch was.ev.(type) {
	case call.Consult, call.Act, call.Reserved, call.Offered, call.Stored, call.StoreFailed, call.Queued, call.QueueFull, call.Place, call.Fired:
		return // the board's own, which come in order
	}
	if h.finished == nil {
		h.event(was.leg, was.ev)
	}
}

var crew = []string{"anna", "bo", "cia", "olle"}

// boardStep is something that the switchboard says.
func boardStep(rng *rand.Rand, h *harness) {
	if len(h.pending) > 0 {
		agent := h.pending[0]
		h.pending = h.pending[1:]
		h.own(h.answerReserve(agent))
		return
	}
	if h.queued && rng.IntN(6) > 0 || h.slot && rng.IntN(2) == 0 || rng.IntN(20) == 0 {
		if ev, some := randomOffer(rng, h); some {
			h.own(ev)
			return
		}
	}
	own := []call.Event{call.Stored{Step: call.StepAnswered}, call.Stored{Step: call.StepAnswered}, call.Stored{Step: call.StepAnswered},
		call.StoreFailed{Step: call.StepAnswered}, call.Returned{}, call.NoAgent{}, call.Relieved{Agent: crew[rng.IntN(len(crew))]}}
	h.own(own[rng.IntN(len(own))])
}

// randomOffer reserves one or more of those who are free.
func randomOffer(rng *rand.Rand, h *harness) (ev call.Offered, some bool) {
	var free []call.Candidate
	for _, id := range crew {
		if r := h.answerReserve(id); r.OK {
			free = append(free, call.Candidate{Agent: id, Kind: r.Kind})
		}
	}
	if len(free) == 0 {
		return ev, false
	}
	rng.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	ev.Agent, ev.Kind, ev.Pickup = free[0].Agent, free[0].Kind, !h.queued || rng.IntN(10) == 0
	if rng.IntN(6) == 0 {
		ev.Via = call.Destination{Trunk: "pbx", Number: "401"}
	}
	if !ev.Pickup && rng.IntN(3) == 0 {
		ev.Others = free[1:]
	}
	return ev, true
}

func randomAct(rng *rand.Rand, h *harness) call.Act {
	h.away = map[string]bool{crew[rng.IntN(len(crew))]: true}
	targets := []call.Destination{pbx, pbx, {Agent: "bo"}, {Agent: "cia"}, {Agent: "olle"}, {Group: "sales"}, {}}
	ev := call.Act{Do: call.Actions[rng.IntN(len(call.Actions))], To: targets[rng.IntN(len(targets))]}
	switch who := rng.IntN(12); who {
	case 0:
		ev.Agent = crew[rng.IntN(len(crew))]
	case 1, 2:
		ev.Agent, ev.Supervisor = "eva", true
	default:
		ev.Agent = h.c.Agent()
	}
	if n := len(h.story); h.story[n-1].Kind == call.KindReached && rng.IntN(2) == 0 {
		ev.Do = []call.Action{call.ActSwap, call.ActJoin}[rng.IntN(2)]
	}
	if ev.Do == call.ActEnd && rng.IntN(5) > 0 {
		ev.Do = call.ActResume
	}
	if rng.IntN(15) == 0 {
		ev.Refuse, ev.Reason = 403, "Not allowed"
	}
	ev.Grant = time.Duration(rng.Int64N(int64(time.Minute)))
	return ev
}

func randomEvent(rng *rand.Rand, ids []call.LegID) call.Event {
	mate := call.Destination{Agent: crew[rng.IntN(len(crew))]}
	all := []call.Event{call.Ended{Cause: call.CauseBye}, call.Ended{Cause: call.CauseFault}, call.MediaLost{}, call.Held{}, call.Resumed{}, call.PromptDone{},
		call.PromptDone{Source: "sv-callback-offer"},
		call.Ringing{}, call.EarlyMedia{}, call.Answered{}, call.Answered{}, call.Answered{Identity: "+46850000099"}, call.Failed{Code: 486}, call.Failed{Code: 0},
		call.Transfer{Ref: "r", Target: pbx}, call.Transfer{Ref: "r", Target: pbx}, call.Transfer{Ref: "r", Target: mate},
		call.Transfer{Ref: "r", Target: call.Destination{Group: "sales"}},
		call.Transfer{Ref: "r", Replaces: ids[rng.IntN(len(ids))]}, call.Transfer{Ref: "r", Replaces: ids[rng.IntN(len(ids))]},
		call.Transfer{Ref: "r", Refuse: 403}, call.Consult{Target: pbx}, call.Consult{Target: pbx}, call.Consult{Target: mate}, call.Consult{Refuse: 404},
		call.Digit{Digit: []string{"1", "2", "3", "9"}[rng.IntN(4)]}}
	return all[rng.IntN(len(all))]
}

// compare holds the record folded from the story against what the call itself counted.
func compare(t *testing.T, h *harness) {
	t.Helper()
	head := record.Head{Call: "k", Rules: h.c.Rules(), Plan: tariff.DefaultPlan(), Received: begin}
	rec := record.Fold(head, h.story)
	if want := tariff.CeilMS(h.c.Handled()); rec.HandledMS != want {
		t.Fatalf("record says %d ms, the call %d ms: %s", rec.HandledMS, want, h.kinds())
	}
	if rec.Row != nil && rec.Row.Over45 != (h.count(call.KindOverran) == 1) {
		t.Fatalf("over_45s %v, story %s", rec.Row.Over45, h.kinds())
	}
	if rec.Row != nil && rec.Row.OverLong != (h.count(call.KindLong) == 1) {
		t.Fatalf("over_long %v, story %s", rec.Row.OverLong, h.kinds())
	}
	if rec.Row != nil && rec.Row.HandledMS != rec.HandledMS || rec.Row != nil && head.Rules.Kind == call.Outgoing {
		t.Fatalf("row %+v of a record with %d ms, %q", rec.Row, rec.HandledMS, head.Rules.Kind)
	}
	if answered := h.count(call.KindAnswered)+h.count(call.KindColleague) > h.count(call.KindWithdrawn); answered != !rec.Answered.IsZero() {
		t.Fatalf("answered %v, record %v", answered, rec.Answered)
	}
	if rec.Outcome == call.OutcomeMediated && rec.Mediated == "" {
		t.Fatal("mediated without saying how")
	}
}
