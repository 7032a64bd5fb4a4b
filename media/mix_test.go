package media

import (
	"math"
	"testing"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// hasTones checks that windows of 200 ms have the wanted tones at the level they were spoken with, and not the other.
func hasTones(t *testing.T, who string, packets []received, not float64, want ...float64) {
	t.Helper()
	signal := linear(packets)
	for i := 1600; i+1600 <= len(signal); i += 1600 { // a decoder of G.722 that begins here adapts in the first window
		w := signal[i : i+1600]
		for _, f := range want {
			if l := level(w, f); l < 7000 || l > 8600 {
				t.Errorf("%s: %g Hz has level %.0f at %d ms, want 8000", who, f, l, i/8)
			}
		}
		if l := level(w, not); l > 250 {
			t.Errorf("%s: %g Hz has level %.0f at %d ms, want none", who, not, l, i/8)
		}
	}
}

// heardBoth waits until a phone hears two tones well, and returns all packets up to there.
func (p *phone) heardBoth(a, b float64) []received {
	var all []received
	for range 60 {
		next := p.hear(10)
		all = append(all, next...)
		s := linear(next)
		if level(s, a) > 7000 && level(s, b) > 7000 {
			return all
		}
	}
	p.t.Fatalf("%s never hears both", p.leg)
	return nil
}

func TestThreeHearEachOtherAndNotThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent, target := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU), r.phone(negotiate.G722)
	tones := map[*phone]float64{caller: 400, agent: 700, target: 1100}
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	r.Do(call.Play{Leg: target.leg, Source: call.SourceMusic, Loop: true})
	for p, f := range tones {
		p.speak(f)
	}
	stream := map[*phone][]received{}
	for p := range tones {
		stream[p] = p.hear(10)
	}
	r.Do(call.Mix{Legs: []call.LegID{caller.leg, agent.leg, target.leg}})
	others := func(p *phone) (o []float64) {
		for q, f := range tones {
			if q != p {
				o = append(o, f)
			}
		}
		return o
	}
	for p := range tones {
		o := others(p)
		stream[p] = append(stream[p], p.heardBoth(o[0], o[1])...)
	}
	for p, own := range tones {
		heard := p.hear(40)
		stream[p] = append(stream[p], heard...)
		hasTones(t, string(p.leg), heard, own, others(p)...)
	}
	r.Do(call.Disconnect{Leg: agent.leg})
	for p, f := range map[*phone]float64{caller: 1100, target: 400} {
		rest := p.hearUntil(func(q received) bool { return true })
		for level(linear(rest[max(0, len(rest)-10):]), 700) > 100 || len(rest) < 10 {
			rest = append(rest, p.hear(5)...)
		}
		last := p.hear(30)
		hasTones(t, string(p.leg), last, 700, f)
		stream[p] = append(append(stream[p], rest...), last...)
	}
	for p, heard := range stream {
		oneStream(t, heard)
		_ = p
	}
}

func TestSumOfLoudVoicesDoesNotClip(t *testing.T) {
	last := int16(math.MinInt16)
	for v := int32(-65536); v <= 65534; v++ {
		s := soften(v)
		if s < last || s == 32767 || s < -32767 {
			t.Fatalf("%d becomes %d after %d", v, s, last)
		}
		if v >= -softFrom && v <= softFrom && int32(s) != v {
			t.Fatalf("%d becomes %d", v, s)
		}
		if step := int32(s) - int32(last); v > -65536 && step > 1 {
			t.Fatalf("a step of %d at %d", step, v)
		}
		last = s
	}
}

// tapeMix is a leg's way out that hears a conference of two others.
func tapeMix() (o *outbound, f *tape, a, b *leg) {
	o, f = newTape()
	a, b = &leg{}, &leg{}
	o.confer(a, b, 0)
	return o, f, a, b
}

func TestConferenceFillsGapsAndPausesWithItsSpeakers(t *testing.T) {
	o, f, a, b := tapeMix()
	var ea, eb encoder
	for i := range 100 {
		if i%25 != 20 { // lost now and then
			o.relay(a, tonePacket(i, &ea, negotiate.PCMU), negotiate.FormatPCMU, false, int64(i)*20*ms)
		}
		if i < 50 {
			o.relay(b, tonePacket(i, &eb, negotiate.PCMA), negotiate.FormatPCMA, false, int64(i)*20*ms)
		}
		o.tick(int64(i)*20*ms + 5*ms)
	}
	var heard []received
	for i, p := range f.sent {
		if i > 0 && (p.seq != f.sent[i-1].seq+1 || p.time != f.sent[i-1].time+160) || p.marker != (i == 0) {
			t.Fatalf("packet %d: seq %d time %d marker %v", i, p.seq, p.time, p.marker)
		}
		heard = append(heard, received{packet: p})
	}
	if len(heard) < 95 {
		t.Fatalf("%d packets", len(heard))
	}
	signal := linear(heard)
	for i := 1600; i+800 <= len(signal); i += 800 {
		want := 16000.0 // the same tone twice
		if i > 8000 {
			want = 8000
		}
		if i > 7000 && i < 9600 {
			continue // while the second one ends
		}
		if l := level(signal[i:i+800], 440); l < 0.9*want || l > 1.06*want {
			t.Errorf("level %.0f at %d ms, want %.0f", l, i/8, want)
		}
	}
	sent := len(f.sent)
	for i := 120; i < 140; i++ {
		o.tick(int64(i) * 20 * ms)
	}
	if n := len(f.sent) - sent; n > 8 {
		t.Errorf("%d packets where nobody speaks", n)
	}
}

func TestStrangersAndOwnVoiceAreNotMixed(t *testing.T) {
	o, f, _, _ := tapeMix()
	var e encoder
	for i := range 20 {
		o.relay(&leg{}, tonePacket(i, &e, negotiate.PCMA), negotiate.FormatPCMA, false, int64(i)*20*ms)
		o.tick(int64(i)*20*ms + 5*ms)
	}
	if len(f.sent) != 0 {
		t.Errorf("%d packets of a stranger", len(f.sent))
	}
}

func TestKeysInAConference(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent, target := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU), r.phone(negotiate.PCMA)
	r.Do(call.Mix{Legs: []call.LegID{caller.leg, agent.leg, target.leg}})
	for _, p := range []*phone{caller, agent, target} {
		p.speak(440)
	}
	agent.hear(5)
	target.hear(5)
	caller.pressKey(6, 5)
	isKey := func(p received) bool { return p.payload == 96 && p.data()[0] == 6 && p.data()[1]&0x80 != 0 }
	for _, p := range []*phone{agent, target} {
		oneStreamOfKeys(t, p.hearUntil(isKey))
	}
	r.Press(target.leg, "8", 0)
	for _, p := range []*phone{agent, caller} {
		p.hearUntil(func(p received) bool { return p.payload == 96 && p.data()[0] == 8 && p.data()[1]&0x80 != 0 })
	}
}

func oneStreamOfKeys(t *testing.T, packets []received) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		if packets[i].seq != packets[i-1].seq+1 || packets[i].ssrc != packets[0].ssrc {
			t.Fatalf("packet %d: seq %d follows %d", i, packets[i].seq, packets[i-1].seq)
		}
	}
}

func BenchmarkConference(b *testing.B) {
	for name, codec := range map[string]negotiate.Codec{"PCMA": negotiate.PCMA, "G722": negotiate.G722} {
		b.Run(name, func(b *testing.B) {
			o, _ := newTape()
			o.flow = nowhere{}
			o.codec, o.payload = codec, payloadOf(codec)
			x, y := &leg{}, &leg{}
			o.confer(x, y, 0)
			o.tick(0)
			var e encoder
			one, two := tonePacket(0, &e, codec), tonePacket(0, &e, codec)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				now := int64(i) * 20 * ms
				one.seq, two.seq = uint16(i), uint16(i)
				o.relay(x, one, codecFormat(codec), false, now)
				o.relay(y, two, codecFormat(codec), false, now)
				o.tick(now)
			}
		})
	}
}

func codecFormat(c negotiate.Codec) negotiate.Format { return negotiate.Format(c) }

func TestConferenceCostsNoAllocation(t *testing.T) {
	o, _ := newTape()
	o.flow = nowhere{}
	x, y := &leg{}, &leg{}
	o.confer(x, y, 0)
	o.tick(0)
	var e encoder
	one, two := tonePacket(0, &e, negotiate.PCMA), tonePacket(0, &e, negotiate.PCMU)
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		now := int64(i) * 20 * ms
		one.seq, two.seq = uint16(i), uint16(i)
		o.relay(x, one, negotiate.FormatPCMA, false, now)
		o.relay(y, two, negotiate.FormatPCMU, false, now)
		o.tick(now)
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
