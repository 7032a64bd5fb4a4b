package media

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// room is three legs of an engine whose time is the test's: what is spoken arrives and what is heard leaves when it says.
type room struct {
	t     *testing.T
	e     *Engine
	now   int64 // of the engine, a multiple of 1 ms
	legs  [3]*leg
	heard [3]*tape
	line  [3]line
}

// line is the way of a leg's audio to the engine.
type line struct {
	codec  negotiate.Codec
	speaks func(n int) []int16 // the n-th 20 ms
	delay  func(n int) int64   // for how long the n-th packet is under way
	voice  encoder
	spoken int
	onWay  []underWay
}

type underWay struct {
	at int64
	p  *packet
}

func newRoom(t *testing.T, codecs ...negotiate.Codec) *room {
	clips, err := loadLibrary(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, e: &Engine{log: slog.New(slog.DiscardHandler), clips: clips, legs: map[call.LegID]*leg{}, start: time.Now()}}
	r.e.clock = newClock(r.e) // which is never started: the room ticks itself
	for i := range r.legs {
		l := newLeg(r.e, call.LegID(fmt.Sprint("leg", i)), Options{})
		r.heard[i] = &tape{}
		l.attach(r.heard[i])
		l.out.apply(&negotiate.Media{Codec: codecs[i], Payload: payloadOf(codecs[i]), Event: negotiate.NoPayload,
			Ptime: 20 * time.Millisecond, Direction: SendRecv})
		l.out.remote = netip.MustParseAddrPort("127.0.0.1:9")
		r.legs[i], r.e.legs[l.id] = l, l
		r.line[i] = line{codec: codecs[i], delay: func(int) int64 { return 0 }}
	}
	return r
}

// pass lets time pass. Each leg speaks, and each is ticked, every 20 ms at an instant of its own.
func (r *room) pass(d time.Duration) {
	for end := r.now + int64(d); r.now < end; r.now += ms {
		for i := range r.line {
			v := &r.line[i]
			if v.speaks != nil && r.now/ms%20 == int64(7*i) {
				v.onWay = append(v.onWay, underWay{r.now + v.delay(v.spoken), v.packet(i)})
				v.spoken++
			}
			for k := 0; k < len(v.onWay); k++ {
				if w := v.onWay[k]; w.at <= r.now {
					v.onWay = slices.Delete(v.onWay, k, k+1)
					k--
					r.arrive(i, w.p)
				}
			}
		}
		for i, l := range r.legs {
			if r.now/ms%20 == int64(5*i+3) {
				l.out.tick(r.now)
			}
		}
	}
}

// arrive does what receiveRTP does with a packet that may come in.
func (r *room) arrive(from int, p *packet) {
	l := r.legs[from]
	for _, hears := range l.in.to {
		if hears != nil {
			hears.out.relay(l, p, codecFormat(r.line[from].codec), false, r.now)
		}
	}
}

// packet is the next 20 ms that is spoken.
func (v *line) packet(ssrc int) *packet {
	raw := make([]byte, headerSize+160)
	putHeader(raw, v.spoken == 0, payloadOf(v.codec), uint16(65500+v.spoken), uint32(160*v.spoken), uint32(ssrc))
	v.voice.encode(raw[headerSize:], v.speaks(v.spoken), v.codec)
	p, _ := parsePacket(raw)
	return &p
}

// take returns what a leg has heard since the last time.
func (r *room) take(i int) []received {
	var out []received
	for _, p := range r.heard[i].sent {
		out = append(out, received{packet: p})
	}
	r.heard[i].sent = nil
	return out
}

// hum speaks a tone.
func hum(frequency float64) func(int) []int16 {
	return func(n int) []int16 {
		pcm := make([]int16, 160)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*frequency*float64(160*n+i)/8000))
		}
		return pcm
	}
}

// hasTones checks that each 100 ms has the wanted tones at the level they were spoken with, and not the other.
func hasTones(t *testing.T, who int, packets []received, not float64, want ...float64) {
	t.Helper()
	signal := linear(packets)
	if len(signal) < 4000 {
		t.Fatalf("leg %d hears %d samples", who, len(signal))
	}
	for i := 1600; i+800 <= len(signal); i += 800 { // a decoder of G.722 that begins here adapts meanwhile
		w := signal[i : i+800]
		for _, f := range want {
			if l := level(w, f); l < 7500 || l > 8500 {
				t.Errorf("leg %d: %g Hz has level %.0f at %d ms, want 8000", who, f, l, i/8)
			}
		}
		if l := level(w, not); l > 250 {
			t.Errorf("leg %d: %g Hz has level %.0f at %d ms, want none", who, not, l, i/8)
		}
	}
}

func TestThreeHearEachOtherAndNotThemselves(t *testing.T) {
	r := newRoom(t, negotiate.PCMA, negotiate.PCMU, negotiate.G722)
	tones := []float64{400, 700, 1100}
	for i, f := range tones {
		r.line[i].speaks = hum(f)
	}
	caller, agent, target := r.legs[0].id, r.legs[1].id, r.legs[2].id
	r.e.carryOut(call.Connect{A: caller, B: agent})
	r.e.carryOut(call.Play{Leg: target, Source: call.SourceMusic, Loop: true})
	r.pass(400 * time.Millisecond)
	r.e.carryOut(call.Mix{Legs: []call.LegID{caller, agent, target}})
	var all [3][]received
	for i := range all {
		all[i] = r.take(i)
	}
	r.pass(3 * time.Second)
	for i := range all {
		heard := r.take(i)
		all[i] = append(all[i], heard...)
		if len(heard) < 148 {
			t.Errorf("leg %d hears %d packets in 3 s", i, len(heard))
		}
		hasTones(t, i, heard, tones[i], tones[(i+1)%3], tones[(i+2)%3])
	}
	r.e.carryOut(call.Disconnect{Leg: agent})
	r.pass(time.Second)
	for i, f := range map[int]float64{0: tones[2], 2: tones[0]} {
		heard := r.take(i)
		all[i] = append(all[i], heard...)
		hasTones(t, i, heard, tones[1], f)
	}
	if n := len(r.take(1)); n != 0 {
		t.Errorf("%d packets to the one who has left", n)
	}
	for i := range all {
		for k := 1; k < len(all[i]); k++ {
			a, b := all[i][k-1], all[i][k]
			if step := b.time - a.time; b.seq != a.seq+1 || b.ssrc != a.ssrc || step < 160 || step > 640 {
				t.Errorf("leg %d, packet %d: seq +%d, time +%d", i, k, b.seq-a.seq, step)
			}
		}
	}
}

// What comes late, but before what is held has been played, is heard, whole and in its place; each leg has a buffer of its
// own, which grows to what its line needs and stays there.
func TestConferenceLosesNothingThatComesWithinTheJitterBuffer(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, delay := range map[string]func(int) int64{
		"even":      func(int) int64 { return 0 },
		"slow":      func(int) int64 { return 70 * ms },
		"in bursts": func(n int) int64 { return int64(3-n%4) * 20 * ms },
		"uneven":    func(int) int64 { return rng.Int64N(19) * ms },
		"overtaken": func(n int) int64 { return int64(n%5/4) * 45 * ms },
		"far late":  func(n int) int64 { return int64(n%9/8) * 75 * ms },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t, negotiate.PCMU, negotiate.PCMU, negotiate.PCMU)
			r.line[0].speaks, r.line[0].delay = hum(400), delay
			r.line[1].speaks = hum(700)
			r.e.carryOut(call.Mix{Legs: []call.LegID{r.legs[0].id, r.legs[1].id, r.legs[2].id}})
			r.pass(2 * time.Second) // for the buffer to grow
			r.take(2)
			lost := r.legs[2].counts.dropped[dropLate].Load()
			r.pass(20 * time.Second)
			heard := r.take(2)
			if len(heard) != 1000 {
				t.Errorf("%d packets in 20 s", len(heard))
			}
			if n := r.legs[2].counts.dropped[dropLate].Load() - lost; n != 0 {
				t.Errorf("%d packets came too late", n)
			}
			hasTones(t, 2, heard, 1100, 400, 700)
		})
	}
}

// The same over sockets, where the machine decides how even time is: only what no machine may change is asked for.
func TestConferenceOverSockets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	phones := []*phone{r.phone(negotiate.PCMA), r.phone(negotiate.PCMU), r.phone(negotiate.G722)}
	tones := []float64{400, 700, 1100}
	r.Do(call.Mix{Legs: []call.LegID{phones[0].leg, phones[1].leg, phones[2].leg}})
	for i, p := range phones {
		p.speak(tones[i])
	}
	for i, p := range phones {
		p.hearsAll(tones[i], tones[(i+1)%3], tones[(i+2)%3])
	}
	r.Do(call.Disconnect{Leg: phones[1].leg})
	phones[0].hearsAll(700, 1100)
	phones[2].hearsAll(700, 400)
}

// hearsAll waits until a phone hears some tones well, and nothing of another, for 100 ms. Numbers must follow one another.
func (p *phone) hearsAll(not float64, want ...float64) {
	p.t.Helper()
	heard := p.hear(10)
	for deadline := time.Now().Add(patience); ; {
		last := linear(heard)[len(heard)*160-800:]
		fits := level(last, not) < 250
		for _, f := range want {
			fits = fits && level(last, f) > 7000
		}
		if fits {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s never hears %v without %g Hz", p.leg, want, not)
		}
		heard = append(heard[max(0, len(heard)-40):], p.hear(1)...)
	}
	for i := 1; i < len(heard); i++ {
		if a, b := heard[i-1], heard[i]; b.seq != a.seq+1 || b.ssrc != a.ssrc || int32(b.time-a.time) < 160 {
			p.t.Fatalf("%s: seq %d follows %d, time +%d", p.leg, b.seq, a.seq, b.time-a.time)
		}
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
