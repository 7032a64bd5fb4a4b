package call_test

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

func whispering(r *call.Rules) { r.Whisper = "name" }

func joins(t *testing.T, said string, want bool) {
	t.Helper()
	if strings.Contains(said, "connect c "+string(agentLeg)) != want {
		t.Errorf("connects: %v, want %v: %s", !want, want, said)
	}
}

func TestReceptionistHearsWhoseCallItIsBeforeTheCallerHearsHer(t *testing.T) {
	h := enter(t, whispering, answered)
	said := h.own(call.Stored{Step: call.StepAnswered})
	says(t, said, "play name to "+string(agentLeg))
	joins(t, said, false)
	h.pass(800 * time.Millisecond)
	joins(t, h.event(agentLeg, call.PromptDone{Source: "name"}), true)
	quiet(t, "a second end", h.event(agentLeg, call.PromptDone{Source: "name"}))
	if strings.Contains(h.pass(10*time.Second), "connect") {
		t.Error("connected twice")
	}
	h.until(20 * time.Second)
	end(h)
	if h.c.Handled() != 20*time.Second { // the whisper is part of it
		t.Errorf("handled for %v", h.c.Handled())
	}
}

func TestLongWhisperIsCut(t *testing.T) {
	h := enter(t, whispering, talking)
	joins(t, h.pass(3*time.Second-1), false)
	joins(t, h.pass(1), true)
	end(h)
}

func TestReceptionistMayActDuringTheWhisper(t *testing.T) {
	t.Run("hold and resume", func(t *testing.T) {
		h := enter(t, whispering, talking)
		h.event(agentLeg, call.Held{})
		joins(t, h.event(agentLeg, call.Resumed{}), false)
		joins(t, h.pass(3*time.Second), true)
		end(h)
	})
	t.Run("hold over its end", func(t *testing.T) {
		h := enter(t, whispering, talking)
		h.event(agentLeg, call.Held{})
		joins(t, h.pass(3*time.Second), false)
		joins(t, h.event(agentLeg, call.Resumed{}), true)
		end(h)
	})
	t.Run("consult", func(t *testing.T) {
		h := enter(t, whispering, talking)
		h.event(secondLeg, call.Consult{Target: pbx})
		quiet(t, "the end of the whisper", h.event(agentLeg, call.PromptDone{}))
		joins(t, h.event(targetLeg, call.Failed{Code: 486}), true)
		end(h)
	})
	t.Run("transfer", func(t *testing.T) {
		h := enter(t, whispering, connecting)
		quiet(t, "the end of the whisper", h.event(agentLeg, call.PromptDone{}))
		if said := h.pass(5 * time.Second); said != "" && strings.Contains(said, "connect") {
			t.Errorf("connected: %s", said)
		}
		joins(t, h.event(targetLeg, call.Failed{Code: 486}), true) // not whispered again
		end(h)
	})
	t.Run("hang up", func(t *testing.T) {
		h := enter(t, whispering, talking)
		h.event(agentLeg, call.Ended{Cause: call.CauseBye})
		ended(t, h, call.OutcomeAnswered, call.CauseBye)
	})
}

func TestNobodyIsWhisperedToWhoNeedsNot(t *testing.T) {
	h := enter(t, whispering, func(h *harness) {
		h.own(call.Offered{Agent: "olle", Kind: call.Own})
		h.event(agentLeg, call.Answered{})
	})
	joins(t, h.own(call.Stored{Step: call.StepAnswered}), true)
	end(h)
}
