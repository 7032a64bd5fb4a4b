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

// TestRandomHistoriesKeepTheProtocolAndEnd throws whatever is possible at calls. The harness judges every command.
func TestRandomHistoriesKeepTheProtocolAndEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(newSeed(t), 1))
	for range 3000 {
		h := enter(t, func(r *call.Rules) { *r = randomRules(rng) }, func(h *harness) {})
		for range 60 {
			if h.finished != nil {
				break
			}
			step(rng, h)
		}
		if h.finished == nil && !h.legs[caller].over {
			end(h)
		}
		if h.finished == nil {
			t.Fatalf("call does not end: %s", h.kinds())
		}
		quiet(t, "an ended call", h.own(call.Shutdown{}))
		compare(t, h)
	}
}

func randomRules(rng *rand.Rand) call.Rules {
	r := rules()
	r.RingFirst = rng.IntN(3) == 0
	r.Overflow = []call.Overflow{call.OverflowPrompt, call.OverflowBusy, call.OverflowForward}[rng.IntN(3)]
	r.ForwardTo = "+46850000050"
	if rng.IntN(2) == 0 {
		announced(&r)
	}
	if rng.IntN(3) == 0 {
		whispering(&r)
	}
	r.MaxWait = []time.Duration{0, 20 * time.Second, 2 * time.Minute}[rng.IntN(3)]
	return r
}

// step is one random event or a stretch of time.
func step(rng *rand.Rand, h *harness) {
	switch rng.IntN(4) {
	case 0:
		h.pass(time.Duration(rng.Int64N(int64(12 * time.Second))))
		return
	case 1:
		if h.queued {
			kind := call.Service
			if rng.IntN(4) == 0 {
				kind = call.Own
			}
			h.own(call.Offered{Agent: "anna", Kind: kind})
			return
		}
		h.own([]call.Event{call.Stored{Step: call.StepAnswered}, call.Stored{Step: call.StepAnswered},
			call.StoreFailed{Step: call.StepAnswered}, call.Returned{}}[rng.IntN(4)])
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
	if ev := randomEvent(rng, ids); h.possible(id, ev) && (id != caller || rng.IntN(5) == 0) {
		h.event(id, ev)
	}
}

func randomEvent(rng *rand.Rand, ids []call.LegID) call.Event {
	all := []call.Event{call.Ended{Cause: call.CauseBye}, call.Ended{Cause: call.CauseFault}, call.MediaLost{}, call.Held{}, call.Resumed{}, call.PromptDone{},
		call.Ringing{}, call.EarlyMedia{}, call.Answered{}, call.Answered{}, call.Failed{Code: 486}, call.Failed{Code: 0},
		call.Transfer{Ref: "r", Target: pbx}, call.Transfer{Ref: "r", Target: pbx},
		call.Transfer{Ref: "r", Replaces: ids[rng.IntN(len(ids))]}, call.Transfer{Ref: "r", Replaces: ids[rng.IntN(len(ids))]},
		call.Transfer{Ref: "r", Refuse: 403}, call.Consult{Target: pbx}, call.Consult{Target: pbx}, call.Consult{Refuse: 404}}
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
	if answered := h.count(call.KindAnswered) > h.count(call.KindWithdrawn); answered != !rec.Answered.IsZero() {
		t.Fatalf("answered %v, record %v", answered, rec.Answered)
	}
	if rec.Outcome == call.OutcomeMediated && rec.Mediated == "" {
		t.Fatal("mediated without saying how")
	}
}
