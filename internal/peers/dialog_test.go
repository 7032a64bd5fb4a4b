package peers

import (
	"os"
	"strings"
	"testing"
	"time"
)

// oneAgent is a server with anna's phone registered at 21.
func oneAgent(t *testing.T, s setup) *server {
	t.Parallel()
	s.agents = []string{"anna"}
	srv := newServer(t, s)
	srv.register("anna", "21")
	srv.awaitAgents(1, "available")
	return srv
}

func TestThePBXMayHoldACallerWhoWaits(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	s.dial("trunk-hold", play{pause: 300 * time.Millisecond}).wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "abandoned" {
		t.Errorf("record %+v", c)
	}
}

func TestThePBXMayHoldACallerWhoTalks(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-hold", play{pause: time.Second}).wait()
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.HandledMS < 2000 { // hold is handling
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "held", "resumed")
}

// wantStory fails where a call's story does not have these lines in this order.
func (s *server) wantStory(id string, kinds ...string) {
	s.t.Helper()
	text := s.cli("calls", "show", id, "--store", s.dir+"/data")
	rest := text
	for _, k := range kinds {
		at := strings.Index(rest, k)
		if at < 0 {
			s.t.Errorf("no %q in its place in the story:\n%s", k, text)
			return
		}
		rest = rest[at+len(k):]
	}
}

func TestAnEmptyReINVITEIsAnsweredWithAFreshOffer(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-refresh", play{pause: time.Second}).wait() // and OPTIONS inside the dialog
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
}

func TestAnINVITEWithoutAnOfferGetsOne(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-late", play{pause: time.Second}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
}

func TestACodecThatNobodySharesGets488AndNoCall(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	s.dial("trunk-codec", play{}).wait()
	s.awaitMetric(`telefonist_calls_active 0`)
	s.awaitCalls(0)
}

func TestARepeatedINVITEIsOneCall(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-twice", play{pause: time.Second}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
	s.awaitMetric(`telefonist_calls_total{result="answered"} 1`)
}

func TestACANCELThatCrossesOur200ChangesNothing(t *testing.T) {
	s := oneAgent(t, setup{tenants: "    answer: ring"})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-cancel-late", play{}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Tariff == "" {
		t.Errorf("record %+v", c)
	}
	s.awaitAgents(1, "available")
}

func TestAPhonesAnswerThatCrossesOurCANCELIsEnded(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-crossed", "21", play{})
	s.dial("trunk-call", play{pause: time.Second}).wait()
	phone.wait() // ACK, then BYE
	if c := s.awaitCalls(1)[0]; c.Outcome != "abandoned" || c.Tariff != "" {
		t.Errorf("record %+v", c)
	}
	s.awaitAgents(1, "available")
}

func TestABYEInPlaceOfAReINVITEsACKEndsTheCall(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-bye-crossed", play{pause: time.Second}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
	s.awaitMetric(`telefonist_calls_active 0`)
}

func TestAReINVITEThatCrossesOurBYEIsRefused(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-hangup", "21", play{pause: 500 * time.Millisecond})
	s.dial("trunk-reinvite-late", play{}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
}

func TestA200ThatIsNeverAcknowledgedIsRepeatedAndThenEnded(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	call := s.dial("trunk-noack", play{timeout: 58 * time.Second})
	call.wait() // BYE, 32 s later
	c := s.awaitCalls(1)[0]
	if c.Outcome == "answered" || c.Tariff != "" {
		t.Errorf("record %+v", c)
	}
	sent := 0
	var first, over time.Time
	for _, m := range readMessages(t, call.messages()) {
		switch {
		case m.response("200", "INVITE"):
			if sent++; sent == 1 {
				first = m.at
			}
		case strings.HasPrefix(m.first, "BYE "):
			over = m.at
		}
	}
	if wait := over.Sub(first); sent < 8 || wait < 31*time.Second || wait > 34*time.Second {
		t.Errorf("200 seen %d times, BYE after %v", sent, wait)
	}
	s.awaitMetric(`telefonist_sip_no_ack_total 1`)
}

// TestAPBXThatVanishesLeavesNoCallStanding waits out a real session timer, so it is a soak; package sip proves the same in virtual
// time.
func TestAPBXThatVanishesLeavesNoCallStanding(t *testing.T) {
	if os.Getenv("TELEFONIST_SOAK") == "" {
		t.Skip("takes 90 s: make soak")
	}
	for _, refresher := range []string{"uac", "uas"} {
		t.Run("refresher "+refresher, func(t *testing.T) {
			s := oneAgent(t, setup{media: ", timeout: {first: 0s, steady: 0s}"})
			phone := s.phone("phone-answer", "21", play{timeout: 120 * time.Second})
			call := s.dial("trunk-vanish", play{keys: map[string]string{"refresher": refresher}, timeout: 120 * time.Second})
			s.awaitAgents(1, "talking")
			if refresher == "uas" {
				call.stop() // vanished for good: nobody answers the refresh
			}
			select {
			case err := <-phone.exited:
				phone.exited <- err
			case <-time.After(110 * time.Second):
				t.Fatal("the call still stands")
			}
			phone.wait()
			if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.HandledMS < 40000 || c.HandledMS > 95000 {
				t.Errorf("record %+v", c)
			}
			s.awaitMetric(`telefonist_sip_sessions_expired_total 1`)
		})
	}
}
