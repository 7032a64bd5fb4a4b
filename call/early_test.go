package call_test

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// A receptionist may hold, consult and refer before her answer is on disk: it is done when the audio opens.

func TestAReferBeforeTheAnswerIsDurableIsDoneWhenItIs(t *testing.T) {
	h := enter(t, nil, answered)
	quiet(t, "REFER", h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx}))
	h.pass(300 * time.Millisecond)
	done := h.own(call.Stored{Step: call.StepAnswered})
	for _, want := range []string{"log opened", "answer refer k-a1 202", "dial k-t2"} {
		says(t, done, want)
	}
	end(h)
	ended(t, h, call.OutcomeAnswered, call.CauseBye)
}

func TestAHoldAndAConsultationBeforeTheAnswerIsDurableAreDoneWhenItIs(t *testing.T) {
	h := enter(t, nil, answered)
	h.event(agentLeg, call.Held{})
	quiet(t, "INVITE", h.event(secondLeg, call.Consult{Target: pbx}))
	done := h.own(call.Stored{Step: call.StepAnswered})
	for _, want := range []string{"log opened", "log held", "log consult", "dial k-t2"} {
		says(t, done, want)
	}
	end(h)
	ended(t, h, call.OutcomeAnswered, call.CauseBye)
}

func TestWhatWasAskedTooEarlyIsRefusedWhenTheAnswerIsWithdrawn(t *testing.T) {
	h := enter(t, nil, answered)
	h.event(agentLeg, call.Transfer{Ref: "r", Target: pbx})
	h.event(secondLeg, call.Consult{Target: pbx})
	done := h.own(call.StoreFailed{Step: call.StepAnswered})
	for _, want := range []string{"answer refer k-a1 403", "reject " + string(secondLeg) + " 403", "log withdrawn"} {
		says(t, done, want)
	}
	end(h)
}

func TestAConsultationGivenUpTooEarlyIsForgotten(t *testing.T) {
	h := enter(t, nil, answered)
	h.event(secondLeg, call.Consult{Target: pbx})
	h.event(secondLeg, call.Ended{Cause: call.CauseCancel})
	if text := h.own(call.Stored{Step: call.StepAnswered}); strings.Contains(text, "dial") {
		t.Errorf("the target is called though nobody asks for it any more: %s", text)
	}
	end(h)
}
