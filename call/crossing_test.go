package call_test

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// ended checks how a call ended.
func ended(t *testing.T, h *harness, o call.Outcome, c call.Cause) {
	t.Helper()
	if h.finished == nil {
		t.Fatalf("call goes on: %s", h.kinds())
	}
	if *h.finished != (call.Finish{Outcome: o, Cause: c}) {
		t.Errorf("ended %s (%s), want %s (%s)", h.finished.Outcome, h.finished.Cause, o, c)
	}
}

func quiet(t *testing.T, what, said string) {
	t.Helper()
	if said != "" {
		t.Errorf("%s says %s", what, said)
	}
}

func says(t *testing.T, said, want string) {
	t.Helper()
	if !strings.Contains(said, want) {
		t.Errorf("says %s\nwithout %s", said, want)
	}
}

func TestCancelAndAnswerCross(t *testing.T) {
	first := func(r *call.Rules) { r.RingFirst = true }
	t.Run("CANCEL first: the phone is hung up and its answer means nothing", func(t *testing.T) {
		h := enter(t, first, offered)
		says(t, h.event(caller, call.Ended{Cause: call.CauseCancel}), "hangup k-a1 (cancel), free anna (cancelled)")
		quiet(t, "late answer", h.event(agentLeg, call.Answered{}))
		ended(t, h, call.OutcomeAbandoned, call.CauseCancel)
	})
	t.Run("answer first: the call was answered", func(t *testing.T) {
		h := enter(t, first, answered)
		h.event(caller, call.Ended{Cause: call.CauseCancel})
		ended(t, h, call.OutcomeAnswered, call.CauseCancel)
		quiet(t, "late store", h.own(call.Stored{Step: call.StepAnswered}))
	})
}

func TestCallerWhoHangsUpInTheQueueAsTheAgentAnswers(t *testing.T) {
	h := enter(t, nil, offered)
	h.event(caller, call.Ended{Cause: call.CauseBye})
	quiet(t, "late answer", h.event(agentLeg, call.Answered{}))
	ended(t, h, call.OutcomeAbandoned, call.CauseBye)
}

func TestDeclineAndRingTimeoutCross(t *testing.T) {
	h := enter(t, nil, offered)
	says(t, h.event(agentLeg, call.Failed{Code: 603}), "free anna (declined)")
	quiet(t, "ring time-out", h.own(call.Fired{Timer: call.TimerRing}))

	h = enter(t, nil, offered)
	says(t, h.own(call.Fired{Timer: call.TimerRing}), "free anna (missed)")
	quiet(t, "decline", h.event(agentLeg, call.Failed{Code: 603}))
}

func TestTargetsAnswerAndRecallCross(t *testing.T) {
	h := enter(t, nil, connected)
	quiet(t, "recall", h.own(call.Fired{Timer: call.TimerRecall}))
	quiet(t, "return", h.own(call.Returned{}))
	end(h)
	ended(t, h, call.OutcomeMediated, call.CauseBye)

	h = enter(t, nil, connecting)
	h.own(call.Fired{Timer: call.TimerRecall})
	quiet(t, "answer", h.event(targetLeg, call.Answered{}))
	end(h)
	ended(t, h, call.OutcomeAnswered, call.CauseBye)
}

func TestReturnAndTargetsAnswerCross(t *testing.T) {
	h := enter(t, nil, connecting)
	h.own(call.Returned{})
	quiet(t, "answer", h.event(targetLeg, call.Answered{}))
	if h.count(call.KindMediated) != 0 || h.count(call.KindReturned) != 1 {
		t.Error(h.kinds())
	}
	end(h)
}

func TestAgentHangsUpAndRefersAtOnce(t *testing.T) {
	t.Run("REFER, then BYE: the connection goes on without the phone", func(t *testing.T) {
		h := enter(t, nil, connecting)
		quiet(t, "BYE", h.event(agentLeg, call.Ended{Cause: call.CauseBye}))
		said := h.event(targetLeg, call.Answered{})
		says(t, said, "connect c k-t2, log mediated direct, free anna (done)")
		if strings.Contains(said, "notify") {
			t.Error("NOTIFY to a phone that left")
		}
		end(h)
	})
	t.Run("BYE, then REFER: the call is over", func(t *testing.T) {
		h := enter(t, nil, talking)
		h.event(agentLeg, call.Ended{Cause: call.CauseBye})
		quiet(t, "REFER", h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx}))
		ended(t, h, call.OutcomeAnswered, call.CauseBye)
	})
}

func TestRecallRingsAPhoneThatLeftAndSaysWhy(t *testing.T) {
	h := enter(t, nil, connecting)
	h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	h.event(targetLeg, call.Failed{Code: 486})
	var dial call.Dial
	for _, c := range h.cmds {
		if d, is := c.(call.Dial); is {
			dial = d
		}
	}
	if dial.To.Agent != "anna" || !strings.Contains(dial.From.Name, "upptaget") || !strings.Contains(dial.From.Name, "Acme · Support") {
		t.Errorf("dials %+v", dial)
	}
	h.event(h.newest(agentLeg), call.Answered{})
	says(t, h.own(call.Stored{Step: call.StepAnswered}), "connect c k-a3, log opened")
	end(h)
}

func TestACallerWhosePhoneOfHersFellSilentWaitsAtTheHead(t *testing.T) {
	h := enter(t, nil, talking)
	if said := h.event(agentLeg, call.MediaLost{}); !strings.HasSuffix(said, "log left, hangup k-a1 (policy), free anna (done), play music to c, enqueue at the head") {
		t.Errorf("says %s", said)
	}
	h.own(call.Queued{})
	end(h)
}

func TestAConferenceGoesOnWithoutThePhoneThatFellSilent(t *testing.T) {
	h := enter(t, nil, consulted)
	h.own(call.Act{Agent: "anna", Do: call.ActJoin})
	if said := h.event(agentLeg, call.MediaLost{}); !strings.HasSuffix(said, "connect c k-t2, log mediated announced, hangup k-a1 (bye), free anna (done)") {
		t.Errorf("says %s", said)
	}
	end(h)
}

func TestRecallToAPhoneThatFellSilentRingsItAnew(t *testing.T) {
	h := enter(t, nil, connecting)
	h.event(agentLeg, call.MediaLost{})
	says(t, h.event(targetLeg, call.Failed{Code: 486}), "hangup k-a1 (media), play music to c, dial k-a3 to anna")
	end(h)
}

func TestCallerWhoComesBackToAPhoneOnHoldHearsMusicUntilItResumes(t *testing.T) {
	h := enter(t, nil, talking)
	h.event(agentLeg, call.Held{})
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
	says(t, h.event(targetLeg, call.Failed{Code: 486}), "log returned, log held, play music to c")
	says(t, h.event(agentLeg, call.Resumed{}), "connect c k-a1")
	end(h)

	h = enter(t, nil, talking)
	h.event(agentLeg, call.Held{})
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
	quiet(t, "resume while the target rings", h.event(agentLeg, call.Resumed{}))
	says(t, h.event(targetLeg, call.Failed{Code: 486}), "log returned, connect c k-a1")
	end(h)
}

func TestAgentWhoHangsUpBeforeTheAudioOpensLosesNoCaller(t *testing.T) {
	h := enter(t, nil, answered)
	says(t, h.event(agentLeg, call.Ended{Cause: call.CauseBye}), "log withdrawn bye, free anna (declined), enqueue at the head")
	if h.c.Handled() != 0 {
		t.Error("handled", h.c.Handled())
	}
	end(h)
	ended(t, h, call.OutcomeAbandoned, call.CauseBye)
}

func TestMusicGoesOnWhilePhonesRingInTurn(t *testing.T) {
	h := enter(t, nil, func(h *harness) {})
	for range 4 {
		offered(h)
		if said := h.pass(15 * time.Second); strings.Contains(said, "play") {
			t.Errorf("says %s", said)
		}
	}
	end(h)
}

func TestRingModeThatEndsWhileAnAnswerIsWithdrawnConnectsTheCaller(t *testing.T) {
	h := enter(t, func(r *call.Rules) { r.RingFirst = true }, func(h *harness) { h.pass(29 * time.Second); answered(h) })
	says(t, h.pass(2*time.Second), "accept c")
	if h.count(call.KindWithdrawn) != 1 || !h.legs[caller].accepted {
		t.Error(h.kinds())
	}
	end(h)
}

func TestRingModeSays180For30SecondsAtMost(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, func(r *call.Rules) { r.RingFirst = true }, func(h *harness) {})
		says(t, show(h.cmds), "ring c")
		h.until(30*time.Second + off)
		holds(t, "200", h.legs[caller].accepted, off >= 0)
		end(h)
	})
}

func TestRingModeAnswersTheCallerWithTheAgent(t *testing.T) {
	h := enter(t, func(r *call.Rules) { r.RingFirst = true }, answered)
	if h.legs[caller].accepted {
		t.Fatal("200 before the answer is durable")
	}
	says(t, h.own(call.Stored{Step: call.StepAnswered}), "accept c, disarm ring_mode, log connected, connect c k-a1")
	end(h)
}

func TestOverflow(t *testing.T) {
	busy := func(r *call.Rules) { r.Overflow = call.OverflowBusy }
	forward := func(r *call.Rules) { r.Overflow, r.ForwardTo = call.OverflowForward, "+46850000050" }
	full := func(h *harness) { h.own(call.QueueFull{}) }
	before := func(f func(*call.Rules)) func(*call.Rules) {
		return func(r *call.Rules) { f(r); r.RingFirst = true }
	}
	t.Run("busy before 200 is 486", func(t *testing.T) {
		h := enter(t, before(busy), func(h *harness) {})
		says(t, h.own(call.QueueFull{}), "reject c 486")
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
	t.Run("busy after 200 is a tone for a while", func(t *testing.T) {
		h := enter(t, busy, func(h *harness) { h.until(2 * time.Minute) })
		says(t, h.pass(5*time.Second), "hangup c (policy)")
		ended(t, h, call.OutcomeTimeout, call.CausePolicy)
	})
	t.Run("a prompt is played to its end", func(t *testing.T) {
		h := enter(t, nil, full)
		says(t, h.event(caller, call.PromptDone{Source: call.PromptTryLater}), "hangup c (policy)")
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
	t.Run("a prompt that never ends is cut", func(t *testing.T) {
		h := enter(t, nil, full)
		h.pass(time.Minute)
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
	t.Run("forward before 200 is answered with its target", func(t *testing.T) {
		h := enter(t, before(forward), full)
		says(t, h.event("k-t1", call.Answered{}), "accept c")
		end(h)
		ended(t, h, call.OutcomeForwarded, call.CauseBye)
	})
	t.Run("forward that fails before 200 is refused", func(t *testing.T) {
		h := enter(t, before(forward), full)
		says(t, h.event("k-t1", call.Failed{Code: 486}), "reject c 486")
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
	t.Run("forward after 200 plays ringing, and busy where it fails", func(t *testing.T) {
		h := enter(t, forward, full)
		says(t, h.pass(20*time.Second), "hangup k-t1 (policy), log unreached no_answer, disarm recall, play busy to c")
		h.pass(5 * time.Second)
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
	t.Run("forward without a number plays the prompt", func(t *testing.T) {
		h := enter(t, func(r *call.Rules) { r.Overflow = call.OverflowForward }, func(h *harness) {})
		says(t, h.own(call.QueueFull{}), "play try-later to c")
		end(h)
	})
	t.Run("at arrival the line is full", func(t *testing.T) {
		r := rules()
		r.Overflow, r.RingFirst = call.OverflowBusy, true
		h := &harness{t: t, legs: map[call.LegID]*leg{caller: {incoming: true}}, timers: map[call.Timer]time.Duration{}, auto: true, full: true}
		h.c = call.New("k", r, caller, call.Party{})
		h.take(h.c.Begin(h.at(), call.Dialog{}))
		ended(t, h, call.OutcomeQueueFull, call.CausePolicy)
	})
}

func TestVoicemailIsNotTheWantedPerson(t *testing.T) {
	t.Run("by who answered", func(t *testing.T) {
		h := enter(t, nil, connecting)
		h.event(targetLeg, call.Answered{Identity: "+46850000099"})
		end(h)
		ended(t, h, call.OutcomeAnswered, call.CauseBye)
	})
	t.Run("by the number called, announced", func(t *testing.T) {
		h := enter(t, func(r *call.Rules) { r.Voicemail = []string{pbx.Number} }, consulted)
		h.event(agentLeg, call.Transfer{Ref: "r", Replaces: secondLeg})
		if h.count(call.KindVoicemail) != 1 || h.count(call.KindMediated) != 0 {
			t.Error(h.kinds())
		}
		end(h)
	})
}

func TestConsultationThatEndsGivesTheCallerBack(t *testing.T) {
	for name, over := range map[string]func(h *harness) string{
		"the target hangs up":   func(h *harness) string { return h.event(targetLeg, call.Ended{Cause: call.CauseBye}) },
		"the agent hangs up":    func(h *harness) string { return h.event(secondLeg, call.Ended{Cause: call.CauseBye}) },
		"the target is silent":  func(h *harness) string { return h.event(targetLeg, call.MediaLost{}) },
		"the second leg silent": func(h *harness) string { return h.event(secondLeg, call.MediaLost{}) },
	} {
		t.Run(name, func(t *testing.T) {
			h := enter(t, nil, consulted)
			if said := over(h); strings.Contains(said, "connect") { // held: she takes the caller back herself
				t.Errorf("says %s", said)
			}
			says(t, h.event(agentLeg, call.Resumed{}), "connect c k-a1")
			end(h)
			h = enter(t, nil, func(h *harness) {
				talking(h)
				h.event(secondLeg, call.Consult{Target: pbx})
				h.event(targetLeg, call.Answered{})
			})
			says(t, over(h), "connect c k-a1") // never held
			end(h)
		})
	}
}

func TestSecondConsultationAfterAFailedOne(t *testing.T) {
	h := enter(t, nil, consulting)
	h.event(targetLeg, call.Failed{Code: 486})
	h.event("y", call.Consult{Target: pbx})
	h.event("k-t3", call.Answered{})
	says(t, h.event(agentLeg, call.Transfer{Ref: "r", Replaces: "y"}), "log mediated announced")
	end(h)
	ended(t, h, call.OutcomeMediated, call.CauseBye)
}

func TestConsultedPartyRingsForAMinuteAndATargetUntilTheRecall(t *testing.T) {
	for _, c := range []struct {
		lead func(*harness)
		want time.Duration
	}{{consulting, time.Minute}, {connecting, 20 * time.Second}} {
		h := enter(t, nil, c.lead)
		var rings time.Duration
		for _, cmd := range h.cmds {
			if d, is := cmd.(call.Dial); is {
				rings = d.Expires
			}
		}
		if rings != c.want+2*time.Second { // a phone stops by itself only after our own timer
			t.Errorf("may ring %v, want 2 s more than %v", rings, c.want)
		}
		h.pass(40 * time.Second)
		end(h)
	}
}

func TestSecondConsultationAtATimeIsRefused(t *testing.T) {
	h := enter(t, nil, consulting)
	says(t, h.event("y", call.Consult{Target: pbx}), "reject y 486")
	end(h)
}

func TestConsultationHandedOverWhileItRingsIsADirectConnection(t *testing.T) {
	h := enter(t, nil, consulting)
	h.event(targetLeg, call.EarlyMedia{})
	says(t, h.event(agentLeg, call.Transfer{Ref: "r", Replaces: secondLeg}), "connect c k-t2, arm recall")
	says(t, h.event(targetLeg, call.Answered{}), "log mediated direct")
	end(h)
}

func TestHandlingEndsWhenTheReceptionistLeavesNotWhenTheCallEnds(t *testing.T) {
	h := enter(t, nil, talking)
	h.pass(10 * time.Second)
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
	h.pass(5 * time.Second)
	h.event(targetLeg, call.Answered{})
	h.pass(time.Hour)
	end(h)
	if h.c.Handled() != 10*time.Second {
		t.Error("handled", h.c.Handled())
	}
}

func TestCallGoesOnWhileTheStoreFailsLater(t *testing.T) {
	h := enter(t, nil, talking)
	quiet(t, "failure of the answer's commit", h.own(call.StoreFailed{Step: call.StepAnswered}))
	end(h)
}
