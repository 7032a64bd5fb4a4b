package call_test

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// around runs a test a nanosecond before an instant, at it, and a nanosecond after it.
func around(t *testing.T, f func(t *testing.T, off time.Duration)) {
	for _, off := range []time.Duration{-1, 0, 1} {
		t.Run(off.String(), func(t *testing.T) { f(t, off) })
	}
}

func holds(t *testing.T, what string, got, want bool) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestSoftToneComesAt35SecondsOfHandling(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, func(h *harness) { h.pass(7 * time.Second); talking(h) })
		said := h.pass(35*time.Second + off)
		holds(t, "soft tone", strings.Contains(said, "soft tone to k-a1"), off >= 0)
		holds(t, "in the story", h.count(call.KindWarned) == 1, off >= 0)
		end(h)
	})
}

func TestTonesAreHeardByNobodyButTheReceptionist(t *testing.T) {
	h := enter(t, nil, talking)
	if said := h.pass(3 * time.Minute); strings.Count(said, " tone to ") != 2 || strings.Contains(said, "tone to c") {
		t.Errorf("tones: %s", said)
	}
	end(h)
}

// TestOverrunIsMoreThan45Seconds and its like hold the mark against what the tariff row would say.
func TestOverrunIsMoreThan45Seconds(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		h.pass(45*time.Second + off)
		holds(t, "overran", h.count(call.KindOverran) == 1, off > 0)
		end(h)
	})
}

func TestLongIsMoreThanTwoMinutes(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		h.pass(2*time.Minute + off)
		holds(t, "long", h.count(call.KindLong) == 1, off > 0)
		end(h)
	})
}

func TestMarksThatALateTimerMissedAreToldWhenTheReceptionistLeaves(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		h.now += 45*time.Second + off // no timer fires
		end(h)
		holds(t, "overran", h.count(call.KindOverran) == 1, off > 0)
		holds(t, "warned", h.count(call.KindWarned) == 1, true)
		holds(t, "long", h.count(call.KindLong) == 1, false)
	})
}

func TestMarksCountTheSumOfSeveralStretches(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		h.pass(30 * time.Second)
		h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
		h.pass(20 * time.Second) // recall
		if h.count(call.KindReturned) != 1 {
			t.Fatalf("no recall: %s", h.kinds())
		}
		h.pass(15*time.Second + off)
		holds(t, "overran", h.count(call.KindOverran) == 1, off > 0)
		end(h)
		if got := h.c.Handled(); got != 45*time.Second+off {
			t.Errorf("handled %v", got)
		}
	})
}

func TestMarksAreToldOnceThoughTheCallComesBack(t *testing.T) {
	h := enter(t, nil, talking)
	for range 3 {
		h.pass(50 * time.Second)
		h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
		h.pass(20 * time.Second)
	}
	for _, k := range []call.Kind{call.KindWarned, call.KindOverran, call.KindLong} {
		if h.count(k) != 1 {
			t.Errorf("%s %d times", k, h.count(k))
		}
	}
	end(h)
}

func TestMarkThatIsPassedWhileTheAnswerBecomesDurableIsToldWhenTheAudioOpens(t *testing.T) {
	h := enter(t, nil, talking)
	h.pass(44 * time.Second)
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
	h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	h.event(targetLeg, call.Failed{Code: 486})
	h.event(h.newest(agentLeg), call.Answered{})
	h.pass(1500 * time.Millisecond)
	if h.count(call.KindOverran) != 0 {
		t.Error("told of an answer that may be withdrawn")
	}
	h.own(call.Stored{Step: call.StepAnswered})
	h.pass(0)
	if h.count(call.KindOverran) != 1 {
		t.Error("not told")
	}
	end(h)
}

func TestTenantsOwnReceptionistsHaveNoMarks(t *testing.T) {
	h := enter(t, nil, func(h *harness) {
		h.own(call.Offered{Agent: "olle", Kind: call.Own})
		h.event(agentLeg, call.Answered{})
		h.own(call.Stored{Step: call.StepAnswered})
	})
	if said := h.pass(5 * time.Minute); strings.Contains(said, "tone") || h.count(call.KindOverran) != 0 {
		t.Errorf("marks: %s", said)
	}
	end(h)
	if h.c.Handled() != 0 || h.finished.Outcome != call.OutcomeAnswered {
		t.Errorf("handled %v, %s", h.c.Handled(), h.finished.Outcome)
	}
}

func TestPhoneRings15SecondsThenTheCallerGoesToTheHead(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, offered)
		said := h.pass(15*time.Second + off)
		holds(t, "missed", strings.Contains(said, "free anna (missed), enqueue at the head"), off >= 0)
		end(h)
	})
}

func TestRecallComesAfter20Seconds(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, connecting)
		h.pass(20*time.Second + off)
		holds(t, "recalled", h.count(call.KindRecalled) == 1, off >= 0)
		end(h)
	})
}

func TestAnswerIsWithdrawnAfter2SecondsWithoutTheStore(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, answered)
		h.pass(2*time.Second + off)
		holds(t, "withdrawn", h.count(call.KindWithdrawn) == 1, off >= 0)
		end(h)
	})
}

func TestArrivalIsRefusedAfter2SecondsWithoutTheStore(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := &harness{t: t, legs: map[call.LegID]*leg{caller: {incoming: true}}, timers: map[call.Timer]time.Duration{}}
		h.c = call.New("k", rules(), caller, call.Party{})
		h.take(h.c.Begin(h.at(), call.Dialog{}))
		said := h.pass(2*time.Second + off)
		holds(t, "refused", strings.Contains(said, "reject c 503"), off >= 0)
		if off < 0 {
			end(h)
		}
	})
}

func TestHeartbeatsBeatEvery5Seconds(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		said := h.pass(25*time.Second + off)
		want := 5
		if off < 0 {
			want = 4
		}
		if n := strings.Count(said, "heartbeat, "); n != want {
			t.Errorf("%d heartbeats, want %d", n, want)
		}
		end(h)
	})
}

func TestLongestWaitIsOneWaitHoweverManyPhonesRing(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, func(h *harness) {})
		for h.now < 105*time.Second {
			h.own(call.Offered{Agent: "anna", Kind: call.Service})
			h.pass(15 * time.Second)
		}
		h.until(2*time.Minute + off)
		holds(t, "over", h.count(call.KindPrompt) == 1, off >= 0)
		end(h)
	})
}

func TestLongestWaitLetsARingingPhoneFinish(t *testing.T) {
	h := enter(t, nil, func(h *harness) {})
	h.pass(115 * time.Second)
	offered(h)
	h.pass(10 * time.Second)
	if h.count(call.KindPrompt) != 0 {
		t.Fatal("the offer was cut short")
	}
	h.event(agentLeg, call.Answered{})
	h.own(call.Stored{Step: call.StepAnswered})
	h.pass(time.Minute)
	end(h)
	if h.finished.Outcome != call.OutcomeAnswered || h.count(call.KindPrompt) != 0 {
		t.Errorf("%s: %s", h.finished.Outcome, h.kinds())
	}
}

func TestLongestWaitThatPassedWhileAPhoneRangHoldsWhenItIsMissed(t *testing.T) {
	h := enter(t, nil, func(h *harness) {})
	h.pass(115 * time.Second)
	offered(h)
	if said := h.pass(15 * time.Second); !strings.Contains(said, "play try-later to c") {
		t.Errorf("said %s", said)
	}
	end(h)
}

func TestWaitBeginsAnewForACallerWhoComesBackFromAReceptionist(t *testing.T) {
	h := enter(t, nil, func(h *harness) { h.pass(100 * time.Second); connecting(h) })
	h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	h.event(targetLeg, call.Failed{Code: 486})
	h.event(h.newest(agentLeg), call.Failed{Code: 480}) // gone: to the head of the line
	back := h.now
	h.until(back + 2*time.Minute - 1)
	if h.count(call.KindPrompt) != 0 {
		t.Fatal("the first wait was counted again")
	}
	h.pass(1)
	if h.count(call.KindPrompt) != 1 {
		t.Fatal("no longest wait")
	}
	end(h)
}

func TestZeroLimitsMeanNone(t *testing.T) {
	h := enter(t, func(r *call.Rules) { r.MaxWait, r.Warn, r.Included, r.Long = 0, 0, 0, 0 }, func(h *harness) {})
	h.pass(time.Hour)
	talking(h)
	h.pass(time.Hour)
	if strings.Contains(h.kinds(), "warned") || strings.Contains(h.kinds(), "overran") || strings.Contains(h.kinds(), "prompt") {
		t.Error(h.kinds())
	}
	end(h)
}

func TestPhonesRingForSomeTimeThoughTheRulesSayNothing(t *testing.T) {
	h := enter(t, func(r *call.Rules) { r.RingTimeout, r.RecallAfter = 0, 0 }, connecting)
	h.pass(20*time.Second - 1)
	if h.count(call.KindMissed)+h.count(call.KindRecalled) != 0 {
		t.Error(h.kinds())
	}
	end(h)
}
