package media

import (
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// fuzzed is what a leg hears of two others who send anything: one of them, or both in a conference.
type fuzzed struct {
	*outbound
	tape     *tape
	speakers [2]fuzzedSpeaker
	now      int64
}

type fuzzedSpeaker struct {
	leg    *leg
	window window
	seq    uint16
	time   uint32
}

func newFuzzed(setup uint8) *fuzzed {
	z := &fuzzed{}
	z.outbound, z.tape = framedTape(time.Duration(1+setup>>3%6) * 10 * time.Millisecond)
	z.codec, z.event = negotiate.PCMA+negotiate.Codec(setup%3), 96
	z.payload = payloadOf(z.codec)
	for i := range z.speakers {
		z.speakers[i].leg = &leg{}
		z.speakers[i].leg.media.Store(new(negotiate.Media))
	}
	if z.hear(z.speakers[0].leg); setup&4 != 0 {
		z.confer(z.speakers[0].leg, z.speakers[1].leg, 0)
	}
	return z
}

// do takes a step of a script: a packet comes, or something is done to the leg.
func (z *fuzzed) do(what, step, jump, size byte) {
	z.now += int64(what>>4&7) * 10 * ms
	switch format := negotiate.Format(what & 7); format {
	case 6:
		k, _ := keyOf("5", time.Duration(size)*time.Millisecond)
		z.press(k)
		z.sound(call.ToneSoft)
	case 7:
		z.direction = [...]Direction{SendRecv, RecvOnly}[size&1]
	default:
		s := &z.speakers[what>>3&1]
		s.seq += uint16(int8(step))
		s.time += uint32(int32(int8(jump)) * 80)
		raw := make([]byte, headerSize+2*int(size))
		putHeader(raw, false, 8, s.seq, s.time, uint32(what>>7))
		p, _ := parsePacket(raw)
		if a, _ := s.window.add(p.ssrc, p.seq); a == arrivedNew || a == arrivedLate {
			z.relay(s.leg, &p, format, a == arrivedLate, z.now)
		}
	}
	z.tick(z.now)
}

// check looks at what was sent from the n-th packet on, and at what is held.
func (z *fuzzed) check(t *testing.T, n int) {
	checkRelayed(t, z.tape.sent, n, max(z.frame, 2*255))
	if z.bridge == nil {
		return
	}
	z.bridge.jitter.check(t)
	if !z.conferring() {
		return
	}
	for i := range z.bridge.mix.inputs {
		z.bridge.mix.inputs[i].jitter.check(t)
	}
	for i := max(n, 1); i < len(z.tape.sent); i++ {
		if a, b := z.tape.sent[i-1], z.tape.sent[i]; b.seq != a.seq+1 || b.payload == z.payload && len(b.data()) != z.frame {
			t.Fatalf("packet %d of a conference: seq +%d, %d samples", i, b.seq-a.seq, len(b.data()))
		}
	}
}

// check looks whether a jitter buffer holds what it says it does, and no more than it may.
func (j *jitter) check(t *testing.T) {
	waiting := 0
	for _, s := range j.slots {
		if s.used {
			waiting += s.size
		}
	}
	if waiting != j.waiting || j.buffered < 0 || j.buffered > len(j.pcm) || j.target > jitterMost {
		t.Fatalf("%d samples wait, not %d; %d are decoded, %d are gathered", waiting, j.waiting, j.buffered, j.target)
	}
}

// Whatever comes, what is converted or mixed goes out as one stream of which no number is used twice, and a conference as one
// of even packets.
func FuzzConverted(f *testing.F) {
	f.Add([]byte{0x21, 1, 2, 80, 0x21, 1, 2, 80, 0x21, 2, 2, 80, 0x24, 1, 0, 2, 0x20, 1, 2, 1, 0x71, 4, 20, 80, 0x26, 0, 0, 90, 0x21, 1, 2, 80}, uint8(2|8))
	f.Add([]byte{0x13, 1, 1, 40, 0x1a, 1, 3, 120, 0x13, 255, 255, 40, 0x73, 9, 9, 240, 0x74, 1, 0, 2, 0x27, 0, 0, 1, 0x1a, 40, 99, 255}, uint8(4|40))
	f.Fuzz(func(t *testing.T, script []byte, setup uint8) {
		z := newFuzzed(setup)
		for ; len(script) >= 4; script = script[4:] {
			n := len(z.tape.sent)
			z.do(script[0], script[1], script[2], script[3])
			z.check(t, n)
		}
	})
}
