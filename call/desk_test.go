package call_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

var nobody call.Destination

// What receptionists and supervisors do by console. The transition table has the rest.

func TestConsoleHoldIsMusicForTheCallerAndSilenceForTheReceptionist(t *testing.T) {
	h := enter(t, nil, talking)
	says(t, h.does(call.ActHold, nobody), "log held, play music to c, silence k-a1")
	says(t, h.does(call.ActHold, nobody), "result state")
	h.pass(10 * time.Second)
	says(t, h.does(call.ActResume, nobody), "log resumed, connect c k-a1")
	end(h)
	if h.c.Handled() != 10*time.Second { // hold is handling
		t.Error("handled", h.c.Handled())
	}
}

func TestWhatAPhoneHoldsIsNotResumedByTheConsole(t *testing.T) {
	h := enter(t, nil, talking)
	h.event(agentLeg, call.Held{})
	says(t, h.does(call.ActResume, nobody), "result phone")
	says(t, h.does(call.ActAnnounce, pbx), "result phone")
	end(h)
}

func TestAnnouncedOnHerOwnLeg(t *testing.T) {
	h := enter(t, nil, announcing)
	says(t, show(h.cmds), "log consult, play music to c, dial k-t2 to +46850000042, play ringback to k-a1")
	says(t, h.event(targetLeg, call.Answered{}), "connect k-a1 k-t2, log reached")
	says(t, h.does(call.ActSwap, nobody), "log swapped caller, play music to k-t2, connect c k-a1")
	says(t, h.does(call.ActSwap, nobody), "log swapped target, play music to c, connect k-a1 k-t2")
	says(t, h.does(call.ActJoin, nobody), "log joined, mix [c k-a1 k-t2]")
	says(t, h.does(call.ActComplete, nobody), "connect c k-t2, log mediated announced, hangup k-a1 (bye), free anna (done)")
	end(h)
	ended(t, h, call.OutcomeMediated, call.CauseBye)
}

func TestReceptionistWhoHangsUpWhileSheConsultsOnHerOwnLegLeavesTheTwoToEachOther(t *testing.T) {
	h := enter(t, nil, announcedTo)
	says(t, h.event(agentLeg, call.Ended{Cause: call.CauseBye}), "log mediated announced")
	end(h)
	h = enter(t, nil, announcing)
	says(t, h.event(agentLeg, call.Ended{Cause: call.CauseBye}), "play ringback to c, arm recall")
	says(t, h.pass(20*time.Second), "log recalled no_answer")
	end(h)
}

func TestTakenBackFromADirectConnectionThatRings(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.does(call.ActConnect, pbx) })
	says(t, h.does(call.ActTakeBack, nobody), "log taken_back, hangup k-t2 (bye), disarm recall, log returned, connect c k-a1")
	end(h)
	h = enter(t, nil, connecting) // by REFER, and her phone has left
	h.event(agentLeg, call.Ended{Cause: call.CauseBye})
	says(t, h.does(call.ActTakeBack, nobody), "dial k-a3 to anna")
	end(h)
}

func TestParkedTimeIsNotHandlingAndAnotherPicksUp(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.pass(10 * time.Second); h.does(call.ActPark, nobody) })
	says(t, show(h.cmds), "log parked")
	h.pass(time.Minute)
	says(t, h.own(call.Offered{Agent: "cia", Kind: call.Service, Pickup: true}), "log picked_up, dial k-a2 to cia")
	h.event("k-a2", call.Answered{})
	says(t, h.own(call.Stored{Step: call.StepAnswered}), "unparked, disarm park, connect c k-a2")
	h.pass(5 * time.Second)
	end(h)
	if h.c.Handled() != 15*time.Second {
		t.Error("handled", h.c.Handled())
	}
}

func TestParkedCallerComesBackAfterThreeMinutes(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, parked)
		said := h.pass(3*time.Minute + off)
		holds(t, "brought back", strings.Contains(said, "log unparked, unparked, disarm park, dial k-a2 to anna"), off >= 0)
		end(h)
	})
	h := enter(t, nil, parked)
	h.away = map[string]bool{"anna": true}
	says(t, h.pass(3*time.Minute), "enqueue at the head")
	end(h)
}

func TestPickUpThatIsMissedLeavesTheCallerInHerSlotForAsLongAsBefore(t *testing.T) {
	h := enter(t, nil, func(h *harness) {
		parked(h)
		h.pass(170 * time.Second)
		h.own(call.Offered{Agent: "cia", Kind: call.Service, Pickup: true})
	})
	says(t, h.pass(15*time.Second), "free cia (missed), arm park 3m5s")
	if h.count(call.KindUnparked) != 1 {
		t.Error(h.kinds())
	}
	end(h)
}

func TestColleagueBecomesTheAgentOfTheCall(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.pass(10 * time.Second) })
	says(t, h.does(call.ActAnnounce, bo), "reserve bo")
	h.pass(5 * time.Second)
	h.event(targetLeg, call.Answered{})
	h.pass(5 * time.Second)
	says(t, h.does(call.ActComplete, nobody), "log colleague announced, hangup k-a1 (bye), free anna (done), connect c k-t2, arm warn 35s")
	if h.c.Agent() != "bo" {
		t.Error("agent", h.c.Agent())
	}
	says(t, h.pass(15*time.Second), "soft tone to k-t2") // the sum goes on
	end(h)
	compare(t, h)
	ended(t, h, call.OutcomeAnswered, call.CauseBye)
	if h.c.Handled() != 35*time.Second {
		t.Error("handled", h.c.Handled())
	}
}

func TestColleagueWhoIsNotAvailable(t *testing.T) {
	h := enter(t, nil, talking)
	h.away = map[string]bool{"bo": true}
	h.does(call.ActConnect, bo)
	says(t, show(h.cmds), "log refused unavailable, result unavailable")
	says(t, h.does(call.ActConnect, pbx), "log connecting") // nothing is left of it
	end(h)
}

func TestColleagueWhoDoesNotAnswerHasMissedAndTheCallerComesBack(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.does(call.ActConnect, bo) })
	says(t, h.pass(20*time.Second), "log recalled no_answer, free bo (missed), disarm recall, log returned")
	end(h)
}

func TestFirstAnswerOfSeveralPhonesWins(t *testing.T) {
	others := []call.Candidate{{Agent: "bo", Kind: call.Service}, {Agent: "cia", Kind: call.Own}}
	h := enter(t, nil, func(h *harness) { h.own(call.Offered{Agent: "anna", Kind: call.Service, Others: others}) })
	says(t, show(h.cmds), "dial k-a1 to anna, arm ring 15s, log offered, dial k-a2 to bo, log offered, dial k-a3 to cia, log offered")
	h.event("k-a1", call.Failed{Code: 486})
	said := h.event("k-a3", call.Answered{})
	says(t, said, "hangup k-a2 (elsewhere), free bo (cancelled), log answered")
	if h.c.Agent() != "cia" {
		t.Error("agent", h.c.Agent())
	}
	end(h)
	h = enter(t, nil, func(h *harness) { h.own(call.Offered{Agent: "anna", Kind: call.Service, Others: others}) })
	said = h.pass(15 * time.Second)
	if strings.Count(said, "(missed)") != 3 || strings.Count(said, "enqueue at the head") != 1 {
		t.Error(said)
	}
	end(h)
}

func limited(a call.AtLimit) func(*call.Rules) {
	return func(r *call.Rules) { r.AtLimit, r.LimitTo, r.LimitPrompt = a, "+46850000053", "sv-limit" }
}

func TestAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		at   call.AtLimit
		want string
	}{
		{call.LimitNotify, "log limit notify"},
		{call.LimitForward, "log limit forward, log connecting"},
		{call.LimitEnd, "log limit end"},
	} {
		around(t, func(t *testing.T, off time.Duration) {
			h := enter(t, limited(c.at), talking)
			holds(t, c.want, strings.Contains(h.pass(45*time.Second+off), c.want), off > 0)
			end(h)
		})
	}
}

func TestFallbackNumberIsNotTheWantedPersonAndComesBackWhereItDoesNotAnswer(t *testing.T) {
	h := enter(t, limited(call.LimitForward), func(h *harness) { talking(h); h.pass(46 * time.Second) })
	h.event(targetLeg, call.Answered{})
	end(h)
	ended(t, h, call.OutcomeAnswered, call.CauseBye)
	h = enter(t, limited(call.LimitForward), func(h *harness) { talking(h); h.pass(46 * time.Second) })
	says(t, h.pass(20*time.Second), "log recalled no_answer, disarm recall, log returned")
	if said := h.pass(5 * time.Minute); strings.Contains(said, "log limit") {
		t.Error("forwarded again:", said)
	}
	end(h)
}

func TestSupervisorGrantsMoreTime(t *testing.T) {
	grant := call.Act{Agent: "eva", Supervisor: true, Do: call.ActGrant, Grant: 30 * time.Second}
	h := enter(t, limited(call.LimitEnd), talking)
	h.pass(10 * time.Second)
	says(t, h.act(call.Act{Agent: "anna", Do: call.ActGrant, Grant: time.Minute}), "result not_yours")
	says(t, h.act(grant), "log granted 30s")
	said := h.until(74 * time.Second)
	if strings.Contains(said, "limit end") || h.count(call.KindOverran) != 1 { // the tariff's fact is told all the same
		t.Error(said)
	}
	says(t, h.until(76*time.Second), "log limit end")
	end(h)
	compare(t, h)
}

func TestHardCapEndsTheCallAfterHalfAnHourOfHandling(t *testing.T) {
	around(t, func(t *testing.T, off time.Duration) {
		h := enter(t, nil, talking)
		h.pass(30*time.Minute + off)
		holds(t, "ended", h.finished != nil, off >= 0)
		if off < 0 {
			end(h)
			return
		}
		ended(t, h, call.OutcomeAnswered, call.CausePolicy)
	})
	h := enter(t, limited(""), func(h *harness) { talking(h); h.pass(30 * time.Minute) })
	says(t, h.event(caller, call.PromptDone{}), "finish answered (policy)")
}

func TestClosed(t *testing.T) {
	closed := func(how call.Overflow) *harness {
		r := rules()
		r.Closed, r.ClosedTo, r.RingFirst = how, "+46850000051", true
		return newHarness(t, r)
	}
	h := closed(call.OverflowPrompt)
	says(t, show(h.cmds), "play sv-closed to c")
	h.event(caller, call.PromptDone{})
	ended(t, h, call.OutcomeClosed, call.CausePolicy)
	h = closed(call.OverflowBusy)
	ended(t, h, call.OutcomeClosed, call.CausePolicy)
	h = closed(call.OverflowForward)
	h.event("k-t1", call.Answered{})
	end(h)
	ended(t, h, call.OutcomeForwarded, call.CauseBye)
}

func TestWishesAreLeftByKeyAndByOffer(t *testing.T) {
	h := enter(t, keyed, func(h *harness) {})
	h.event(caller, call.Digit{Digit: "1"})
	h.event(caller, call.Digit{Digit: "1"}) // once
	h.event(caller, call.PromptDone{})
	ended(t, h, call.OutcomeWish, call.CausePolicy)
	if h.wishes != 1 {
		t.Error(h.wishes, "wishes")
	}
	h = enter(t, keyed, func(h *harness) {})
	says(t, h.own(call.NoAgent{}), "play sv-callback-offer to c")
	h.event(caller, call.PromptDone{})
	says(t, h.pass(6*time.Second-1), "")
	h.event(caller, call.Digit{Digit: "1"})
	says(t, show(h.cmds), "play sv-callback-left to c")
	end(h)
	h = enter(t, keyed, func(h *harness) { h.own(call.NoAgent{}) })
	h.event(caller, call.PromptDone{})
	h.pass(6 * time.Second)
	ended(t, h, call.OutcomeNoAgent, call.CausePolicy)
}

// The key comes as the offer ends, so that the offer's end is told of after the next prompt has begun.
func TestEndOfAPromptIsNotTakenForThatOfTheNext(t *testing.T) {
	h := enter(t, keyed, func(h *harness) { h.own(call.NoAgent{}) })
	says(t, h.event(caller, call.Digit{Digit: "1"}), "play sv-callback-left to c")
	quiet(t, "the end of the offer", h.event(caller, call.PromptDone{Source: "sv-callback-offer"}))
	h.event(caller, call.PromptDone{Source: "sv-callback-left"})
	ended(t, h, call.OutcomeWish, call.CausePolicy)
}

func TestCallingOut(t *testing.T) {
	r := rules()
	r.CommonNumber = "+4684000001"
	t.Run("her phone is called first", func(t *testing.T) {
		h := newOutHarness(t, r, false)
		says(t, show(h.cmds), "dial k-a1 to anna")
		says(t, h.event("k-a1", call.Answered{}), "log ready, play ringback to k-a1, dial k-c2 to "+pbx.Number)
		if d := h.cmds[len(h.cmds)-3].(call.Dial); d.From.Number != r.CommonNumber {
			t.Errorf("shows %+v", d.From)
		}
		says(t, h.event("k-c2", call.Answered{}), "connect k-c2 k-a1")
		h.pass(time.Hour)
		h.event("k-c2", call.Ended{Cause: call.CauseBye})
		ended(t, h, call.OutcomeReached, call.CauseBye)
		compare(t, h)
		if h.c.Handled() != 0 {
			t.Error("handled", h.c.Handled())
		}
	})
	t.Run("she dialled herself and hears what became of it", func(t *testing.T) {
		h := newOutHarness(t, r, true)
		says(t, h.event("k-c1", call.Ringing{}), "ring o")
		says(t, h.event("k-c1", call.Failed{Code: 486}), "reject o 486")
		ended(t, h, call.OutcomeUnreached, call.CauseRefused)
	})
	t.Run("her phone does not answer", func(t *testing.T) {
		h := newOutHarness(t, r, false)
		says(t, h.pass(15*time.Second), "free anna (missed)")
		ended(t, h, call.OutcomeFailed, call.CauseRefused)
	})
	t.Run("she gives up", func(t *testing.T) {
		h := newOutHarness(t, r, true)
		says(t, h.event(ownLeg, call.Ended{Cause: call.CauseCancel}), "hangup k-c1 (cancel), free anna (cancelled)")
	})
	t.Run("a call-back is answered when the party answers", func(t *testing.T) {
		back := r
		back.Kind = call.Callback
		h := newOutHarness(t, back, false)
		h.pass(5 * time.Second)
		h.event("k-a1", call.Answered{})
		h.pass(10 * time.Second)
		says(t, h.event("k-c2", call.Answered{}), "log reached, log answered, await")
		says(t, h.own(call.Stored{Step: call.StepAnswered}), "connect k-c2 k-a1")
		h.pass(20 * time.Second)
		h.event("k-a1", call.Ended{Cause: call.CauseBye})
		ended(t, h, call.OutcomeAnswered, call.CauseBye)
		compare(t, h)
		if h.c.Handled() != 20*time.Second {
			t.Error("handled", h.c.Handled())
		}
	})
}

func TestSupervisorDivertsACallerWhoWaits(t *testing.T) {
	divert := call.Act{Agent: "eva", Supervisor: true, Do: call.ActDivert, To: pbx}
	for _, lead := range []func(*harness){func(*harness) {}, offered, parked} {
		h := enter(t, nil, lead)
		says(t, h.act(divert), "log forwarded")
		end(h)
	}
}

func TestHandedBackToTheHeadOrToAGroup(t *testing.T) {
	h := enter(t, nil, talking)
	says(t, h.does(call.ActHandBack, nobody), "free anna (done), play music to c, enqueue at the head")
	end(h)
	h = enter(t, nil, talking)
	says(t, h.does(call.ActConnect, call.Destination{Group: "sales"}), "enqueue for sales")
	end(h)
}

func TestPromptsThatCallsPlayAreListed(t *testing.T) {
	for _, want := range []string{"sv-closed", "sv-callback-offer", "sv-callback-left", "sv-limit"} {
		if !strings.Contains(strings.Join(call.PromptClips(call.Swedish), " "), want) {
			t.Error("no", want)
		}
	}
}

func TestPhoneThatRingsIsToldToAnswerOnceByTheConsole(t *testing.T) {
	h := enter(t, nil, func(h *harness) { offered(h); h.pass(5 * time.Second) })
	says(t, h.does(call.ActAnswer, nobody), "result, hangup k-a1 (elsewhere), dial k-a2 to anna to answer, log offered")
	says(t, h.does(call.ActAnswer, nobody), "result state")
	h.event("k-a2", call.Answered{})
	says(t, h.own(call.Stored{Step: call.StepAnswered}), "connect c k-a2")
	end(h)
	h = enter(t, nil, func(h *harness) { offered(h); h.does(call.ActAnswer, nobody) })
	says(t, h.pass(15*time.Second), "log missed no_answer, disarm ring, free anna (missed), enqueue at the head") // it rings no longer for that
	end(h)
	h = enter(t, nil, func(h *harness) {
		h.own(call.Offered{Agent: "anna", Kind: call.Service, Others: []call.Candidate{{Agent: "bo", Kind: call.Service}}})
	})
	says(t, h.act(call.Act{Agent: "bo", Do: call.ActAnswer}), "hangup k-a2 (elsewhere), dial k-a3 to bo to answer")
	says(t, h.act(call.Act{Agent: "cia", Do: call.ActAnswer}), "result not_yours")
	says(t, h.event("k-a3", call.Answered{}), "hangup k-a1 (elsewhere), free anna (cancelled), log answered")
	end(h)
	h = enter(t, nil, func(h *harness) {
		h.own(call.Offered{Agent: "olle", Kind: call.Own, Via: call.Destination{Trunk: "pbx", Number: "401"}})
	})
	says(t, h.does(call.ActAnswer, nobody), "result phone")
	end(h)
	h = enter(t, nil, func(h *harness) { offered(h); h.does(call.ActAnswer, nobody); h.event("k-a2", call.Answered{}) })
	h.own(call.Stored{Step: call.StepAnswered})
	h.event("k-a2", call.Transfer{Ref: "r", Target: pbx})
	h.event("k-a2", call.Ended{Cause: call.CauseBye})
	if said := h.event("k-t3", call.Failed{Code: 486}); strings.Contains(said, "to answer") { // a recall rings
		t.Error(said)
	}
	end(h)
}

func TestSupervisorTakesAnAgentOutOfTheCallWhateverSheDoes(t *testing.T) {
	relieved := func(agent string, lead func(*harness), want string) {
		t.Helper()
		h := enter(t, nil, lead)
		says(t, h.own(call.Relieved{Agent: agent}), "log relieved, "+want)
		if slices.Contains(h.c.Agents(), agent) || h.finished != nil {
			t.Errorf("%s is still of the call, or it has ended", agent)
		}
		end(h)
		compare(t, h)
	}
	relieved("anna", offered, "hangup k-a1 (policy), disarm ring, free anna (cancelled), enqueue at the head")
	relieved("anna", answered, "disarm commit, hangup k-a1 (policy), log withdrawn policy, free anna (cancelled), enqueue at the head")
	relieved("anna", talking, "")
	relieved("anna", consulted, "hangup x (bye), hangup k-t2 (bye)")
	relieved("anna", connecting, "hangup k-t2 (policy), disarm recall, notify k-a1 487, hangup k-a1 (policy), free anna (done)")
	relieved("bo", func(h *harness) { talking(h); h.does(call.ActAnnounce, bo); h.event(targetLeg, call.Answered{}) },
		"hangup k-t2 (bye), free bo (cancelled), connect c k-a1")
	relieved("bo", func(h *harness) { talking(h); h.does(call.ActConnect, bo) },
		"free bo (cancelled), hangup k-t2 (policy), log recalled failed")
	relieved("cia", func(h *harness) { parked(h); h.own(call.Offered{Agent: "cia", Kind: call.Service, Pickup: true}) },
		"hangup k-a2 (policy), disarm ring, free cia (cancelled), arm park")
	h := enter(t, nil, talking)
	quiet(t, "who is not of the call", h.own(call.Relieved{Agent: "bo"}))
	end(h)
	h = newOutHarness(t, rules(), true)
	says(t, h.own(call.Relieved{Agent: "anna"}), "log relieved, hangup k-c1 (policy)")
	ended(t, h, call.OutcomeUnreached, call.CausePolicy)
}

func TestCallerWhoWaitsForAGroupThatHasGoneWaitsForEverybody(t *testing.T) {
	h := enter(t, nil, func(h *harness) { talking(h); h.does(call.ActConnect, call.Destination{Group: "sales"}) })
	says(t, h.own(call.NoAgent{}), "log no_agent, dequeue, enqueue at the head")
	quiet(t, "she waits as any other", h.own(call.NoAgent{}))
	end(h)
}

func TestNoWishIsTakenThatCannotBeKept(t *testing.T) {
	h := enter(t, func(r *call.Rules) { keyed(r); r.NoWish = true }, func(h *harness) {})
	says(t, h.event(caller, call.Digit{Digit: "1"}), "log refused no number to call back")
	says(t, h.own(call.NoAgent{}), "play try-later to c")
	end(h)
	if h.wishes != 0 {
		t.Error("a wish was left")
	}
}
