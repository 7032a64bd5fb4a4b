package media

import (
	"fmt"
	"net/netip"
	"testing"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// reinvited is what a far side's re-INVITE for one codec makes of its session.
func reinvited(t *testing.T, s *negotiate.Session, c negotiate.Codec) *negotiate.Media {
	t.Helper()
	if _, changed, err := s.Answer(sdpOf(netip.MustParseAddrPort("198.51.100.9:4000"), c), negotiate.NoCodec); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	m, _ := s.Media()
	return m
}

// A side that changes its codec in the middle of a conversation, by a re-INVITE, neither falls silent nor goes deaf: the other
// hears one stream, of the same voice, in its own codec. A packet may be 100 ms late, while what is to be converted is gathered.
func TestAConversationGoesOnOverAChangeOfCodec(t *testing.T) {
	const pcma, pcmu, g722 = negotiate.PCMA, negotiate.PCMU, negotiate.G722
	type codecs struct{ speaks, hears negotiate.Codec }
	for _, tc := range [][]codecs{
		{{pcma, pcma}, {pcma, g722}, {pcma, pcma}},
		{{pcma, pcma}, {g722, pcma}, {pcma, pcma}},
		{{pcma, pcma}, {g722, g722}, {pcma, pcma}},
		{{g722, g722}, {g722, pcma}, {g722, g722}},
		{{pcma, g722}, {g722, g722}, {pcma, g722}},
		{{pcma, pcmu}, {pcma, g722}, {pcmu, pcmu}},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			o, f := newTape()
			remote := o.remote
			listener := negotiate.New(negotiate.Local{Addr: netip.MustParseAddr("192.0.2.1"), RTP: 10000}, nil)
			a := &leg{}
			o.hear(a)
			var e encoder
			changes := []int{}
			for i := range 100 * len(tc) {
				now, turn := int64(i)*20*ms, tc[i/100]
				if i%100 == 0 {
					if i == 0 || turn.hears != tc[i/100-1].hears {
						o.apply(reinvited(t, listener, turn.hears))
						o.remote = remote
					}
					changes = append(changes, len(f.sent))
				}
				o.relay(a, tonePacket(i, &e, turn.speaks), codecFormat(turn.speaks), false, now)
				o.tick(now + 5*ms)
				if n := len(f.sent); n > changes[len(changes)-1] && f.sent[n-1].payload != payloadOf(turn.hears) {
					t.Fatalf("packet %d has payload %d", n, f.sent[n-1].payload)
				}
			}
			heardThroughout(t, f.sent, changes)
		})
	}
}

// heardThroughout checks that packets are one stream of a tone without a gap of more than 100 ms, or a crack, and that it is at its
// level but for 200 ms after a change.
func heardThroughout(t *testing.T, sent []packet, changes []int) {
	t.Helper()
	for i := 1; i < len(sent); i++ {
		length := uint32(len(sent[i-1].data()))
		if step := sent[i].time - sent[i-1].time; sent[i].seq != sent[i-1].seq+1 || sent[i].ssrc != sent[0].ssrc || step < length || step > length+800 {
			t.Fatalf("packet %d: seq +%d, time +%d, SSRC %d", i, sent[i].seq-sent[i-1].seq, step, sent[i].ssrc)
		}
	}
	heard := asHeard(sent)
	if peak := loudest(heard); peak > 8000*3/2 {
		t.Errorf("a crack of %d", peak)
	}
	for k, from := range changes {
		end := len(sent)
		if k+1 < len(changes) {
			end = changes[k+1]
		}
		for at := 160 * (from + 10); at+800 <= 160*end; at += 800 {
			if l := level(heard[at:at+800], 440); l < 7300 || l > 8500 {
				t.Errorf("level %.0f, %d ms after change %d", l, at/8-20*from, k)
			}
		}
	}
}

// The same over sockets, of both sides at once.
func TestBothSidesHearEachOtherAfterOneHasChangedItsCodec(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speak(440)
	agent.speak(1000)
	heard := caller.hear(20)
	agent.hear(20)
	a, err := r.Answer(caller.leg, sdpOf(address(caller.conn), negotiate.G722))
	if err != nil || !a.Changed {
		t.Fatalf("%+v, %v", a, err)
	}
	caller.mu.Lock()
	caller.codec = negotiate.G722
	caller.mu.Unlock()
	heard = append(heard, caller.hearUntil(func(p received) bool { return p.payload == 9 })...)
	after := caller.hear(40)
	heard = append(heard, after...)
	for i := 1; i < len(heard); i++ {
		if heard[i].seq != heard[i-1].seq+1 || heard[i].ssrc != heard[0].ssrc {
			t.Errorf("packet %d: seq +%d", i, heard[i].seq-heard[i-1].seq)
		}
	}
	for p, at := range map[*phone][]received{caller: after[10:], agent: agent.hear(60)[30:]} {
		theirs, own := 1000.0, 440.0
		if p == agent {
			theirs, own = own, theirs
		}
		if voice, echo := level(linear(at), theirs), level(linear(at), own); voice < 4000 || echo > 400 { // a busy machine makes gaps
			t.Errorf("%s hears the other at %.0f and herself at %.0f", p.leg, voice, echo)
		}
	}
}
