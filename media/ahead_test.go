package media

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// answering is a leg that was offered to somebody who speaks before her answer is read, from an address; what she said counts as said
// just now, however busy the machine is.
func (r *rig) answering(id call.LegID, said, from netip.AddrPort) *leg {
	r.t.Helper()
	if err := r.Open(id, Options{}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.Offer(id); err != nil {
		r.t.Fatal(err)
	}
	l := r.leg(id)
	raw := make12(0)
	l.receiveRTP(append(raw, voice(440, 0, negotiate.PCMA)...), from, nil)
	l.in.mu.Lock()
	l.in.ahead.at = r.now() + int64(time.Hour)
	l.in.mu.Unlock()
	if _, err := r.Accept(id, sdpOf(said, negotiate.PCMA)); err != nil {
		r.t.Fatal(err)
	}
	return l
}

func TestTheFirstWordOfWhoAnswersIsHeardOnceAudioOpensIfItIsFresh(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]int64{"fresh": 0, "stale": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			caller := r.phone(negotiate.PCMU)
			said := netip.MustParseAddrPort("127.31.4.9:7000")
			agent := r.answering("agent", said, said)
			if i, _ := r.Info("agent"); i.Received != 1 || i.Sent != 0 {
				t.Fatalf("%+v", i)
			}
			l := r.leg(caller.leg)
			r.mu.Lock()
			join(agent, l)
			r.mu.Unlock()
			at := agent.in.ahead.at
			agent.sendAhead(at + aheadFor + late)
			agent.sendAhead(at) // never twice
			i, _ := r.Info(caller.leg)
			if want := uint64(1 - late); i.Sent != want {
				t.Fatalf("%d packets were sent, want %d", i.Sent, want)
			}
			if late != 0 {
				return
			}
			if p := caller.hear(1)[0]; !p.marker || p.payload != payloadOf(negotiate.PCMU) || len(p.data()) != 160 {
				t.Errorf("heard %+v", p.packet)
			}
		})
	}
}

func TestAStrangersWordAheadIsNotHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	agent := r.answering("agent", netip.MustParseAddrPort("127.31.4.9:7000"), netip.MustParseAddrPort("127.31.4.66:7000"))
	if i, _ := r.Info("agent"); i.Received != 0 || i.Dropped != 1 || i.Remote.Port() != 7000 || agent.in.ahead != nil {
		t.Errorf("%+v", i)
	}
}

// TestAWordAheadOfAnotherAnswerIsNotHeard: where several phones answer, the one that has the call is another than the one that spoke.
func TestAWordAheadOfAnotherAnswerIsNotHeard(t *testing.T) {
	t.Parallel()
	first, other := netip.MustParseAddrPort("127.31.4.9:7000"), netip.MustParseAddrPort("127.31.4.10:7000")
	for name, c := range map[string]struct {
		answer []byte
		kept   bool
	}{
		"the same again": {sdpOf(first, negotiate.PCMA), true},
		"another phone":  {sdpOf(other, negotiate.PCMA), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			agent := r.answering("agent", first, first)
			if _, err := r.Accept("agent", c.answer); err != nil {
				t.Fatal(err)
			}
			agent.in.mu.Lock()
			defer agent.in.mu.Unlock()
			if kept := agent.in.ahead != nil; kept != c.kept {
				t.Errorf("kept: %v", kept)
			}
		})
	}
}

func TestOfACallerWhoHearsMusicNothingIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.phone(negotiate.PCMA)
	r.carryOut(call.Play{Leg: p.leg, Source: call.SourceMusic, Loop: true})
	l := r.leg(p.leg)
	l.receiveRTP(append(make12(0), voice(440, 0, negotiate.PCMA)...), address(p.conn), nil)
	if l.in.ahead != nil {
		t.Error("kept")
	}
}

// TestAProtectedFirstWordIsOpenedOnceAndHeard, though its key comes only with the answer.
func TestAProtectedFirstWordIsOpenedOnceAndHeard(t *testing.T) {
	t.Parallel()
	for suite := range secured {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			caller := r.phone(negotiate.PCMA)
			said := netip.MustParseAddrPort("127.31.4.9:7000")
			if err := r.Open("agent", Options{Secure: SecureRequired}); err != nil {
				t.Fatal(err)
			}
			offer, err := r.Offer("agent")
			if err != nil {
				t.Fatal(err)
			}
			before, _, _ := strings.Cut(string(offer), " "+suite+" ")
			tag := before[len(before)-1:] // the answer repeats it
			word := voice(440, 0, negotiate.PCMA)
			plain := append(make12(0), word...)
			plain[1] = payloadOf(negotiate.PCMA)
			sealed, err := contextOf(t, suite, theirs(suite)).EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			agent := r.leg("agent")
			agent.receiveRTP(sealed, said, nil)
			clear(sealed) // the socket's buffer is used again
			agent.in.mu.Lock()
			agent.in.ahead.at = r.now() + int64(time.Hour)
			agent.in.mu.Unlock()
			answer := strings.Replace(string(sdpOf(said, negotiate.PCMA)), "RTP/AVP", "RTP/SAVP", 1) +
				strings.Replace(keyLine(suite, theirs(suite)), "crypto:1", "crypto:"+tag, 1) + "\r\n"
			if _, err := r.Accept("agent", []byte(answer)); err != nil {
				t.Fatal(err)
			}
			if i, _ := r.Info("agent"); i.Received != 1 || i.Dropped != 0 {
				t.Fatalf("%+v", i)
			}
			agent.in.mu.Lock()
			at := agent.in.ahead.at
			agent.in.mu.Unlock()
			hears := r.leg(caller.leg)
			r.mu.Lock()
			join(agent, hears)
			r.mu.Unlock()
			agent.sendAhead(at)
			if p := caller.hear(1)[0]; !bytes.Equal(p.data(), word) {
				t.Errorf("heard %d bytes of something else", len(p.data()))
			}
		})
	}
}
