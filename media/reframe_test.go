package media

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// framedTape is a listener who asked for packets of a length.
func framedTape(length time.Duration) (*outbound, *tape) {
	o, f := newTape()
	m := *o.media
	m.Ptime, m.Framed = length, true
	remote := o.remote
	o.apply(&m)
	o.remote = remote
	return o, f
}

// counting is a packet whose bytes count on from those of the stream before it.
func counting(seq uint16, at uint32, size int) *packet {
	raw := make([]byte, headerSize+size)
	putHeader(raw, seq == 0, 8, seq, at, 7)
	for i := range size {
		raw[headerSize+i] = byte((int(at) + i) % 251)
	}
	p, _ := parsePacket(raw)
	return &p
}

func TestRelayedAudioComesInPacketsOfTheLengthThatItsListenerAskedFor(t *testing.T) {
	lengths := []int{10, 20, 30, 40, 60}
	for _, in := range lengths {
		for _, out := range lengths {
			t.Run(fmt.Sprintf("%d to %d ms", in, out), func(t *testing.T) {
				o, f := framedTape(time.Duration(out) * time.Millisecond)
				a := &leg{}
				o.hear(a)
				for i := range 3600 / in {
					o.relay(a, counting(uint16(i), uint32(8*in*i), 8*in), negotiate.FormatPCMA, false, int64(in*i)*ms)
				}
				if len(f.sent) != 3600/out {
					t.Fatalf("%d packets, want %d", len(f.sent), 3600/out)
				}
				for i, p := range f.sent {
					first := f.sent[0]
					if p.seq != first.seq+uint16(i) || p.time != first.time+uint32(8*out*i) || p.marker != (i == 0) || p.ssrc != 9 {
						t.Fatalf("packet %d: seq +%d, time +%d, marker %v", i, p.seq-first.seq, p.time-first.time, p.marker)
					}
					if len(p.data()) != 8*out || p.data()[0] != byte(8*out*i%251) || p.data()[8*out-1] != byte((8*out*(i+1)-1)%251) {
						t.Fatalf("packet %d holds %d bytes from %d on", i, len(p.data()), p.data()[0])
					}
				}
			})
		}
	}
}

func TestWhoDidNotAskForALengthGetsPacketsAsTheyCome(t *testing.T) {
	o, f := newTape()
	a := &leg{}
	o.hear(a)
	for i, size := range []int{240, 240, 80} {
		o.relay(a, counting(uint16(i), uint32(240*i), size), negotiate.FormatPCMA, false, int64(30*i)*ms)
		if got := len(f.sent[i].data()); got != size {
			t.Errorf("packet %d became %d bytes, want %d", i, got, size)
		}
	}
}

// What is lost stays lost, in numbers and in time; what was waiting goes first, shorter than it should be.
func TestCutAudioKeepsLossPausesAndEvents(t *testing.T) {
	o, f := framedTape(20 * time.Millisecond)
	o.event = 96
	a := &leg{}
	o.hear(a)
	type want struct {
		seq, size int
		time      uint32
		payload   uint8
		marker    bool
	}
	at := int64(0)
	step := func(name string, p *packet, format negotiate.Format, wants ...want) {
		t.Helper()
		n := len(f.sent)
		at += 30
		o.relay(a, p, format, false, at*ms)
		got := f.sent[n:]
		if len(got) != len(wants) {
			t.Fatalf("%s: %d packets, want %d", name, len(got), len(wants))
		}
		for i, w := range wants {
			g := want{int(int16(got[i].seq - f.sent[0].seq)), len(got[i].data()), got[i].time - f.sent[0].time, got[i].payload, got[i].marker}
			if g != w {
				t.Errorf("%s: packet %d is %+v, want %+v", name, i, g, w)
			}
		}
	}
	event := func(seq uint16, at uint32) *packet {
		raw := make([]byte, headerSize+eventSize)
		putHeader(raw, true, 101, seq, at, 7)
		p, _ := parsePacket(raw)
		return &p
	}
	step("the first", counting(0, 0, 240), negotiate.FormatPCMA, want{0, 160, 0, 8, true})
	step("the second", counting(1, 240, 240), negotiate.FormatPCMA, want{1, 160, 160, 8, false}, want{2, 160, 320, 8, false})
	step("before a loss", counting(2, 480, 240), negotiate.FormatPCMA, want{3, 160, 480, 8, false})
	step("after one lost", counting(4, 960, 240), negotiate.FormatPCMA, want{4, 80, 640, 8, false}, want{6, 160, 960, 8, false})
	step("an event", event(5, 1200), negotiate.FormatEvent, want{7, 80, 1120, 8, false}, want{8, 4, 1200, 96, true})
	step("after the event", counting(6, 1440, 240), negotiate.FormatPCMA, want{9, 160, 1440, 8, false})
	at += 1000
	step("after a pause", counting(7, 1680+8000, 240), negotiate.FormatPCMA, want{10, 160, 1680 + 8000, 8, false})
	step("of the right length", counting(8, 1920+8000, 160), negotiate.FormatPCMA, want{11, 80, 1840 + 8000, 8, false}, want{12, 160, 1920 + 8000, 8, false})
	drops := o.counts.dropped[dropLate].Load()
	o.relay(a, counting(7, 0, 240), negotiate.FormatPCMA, true, at*ms)
	if got := o.counts.dropped[dropLate].Load() - drops; got != 1 {
		t.Errorf("%d packets out of order were dropped, want 1", got)
	}
}

func TestPromptsComeInPacketsOfTheLengthThatTheListenerAskedFor(t *testing.T) {
	for _, length := range []int{10, 20, 30, 40, 50, 60} {
		t.Run(fmt.Sprintf("%d ms", length), func(t *testing.T) {
			o, f := framedTape(time.Duration(length) * time.Millisecond)
			o.start(&playback{clip: newClip("x", sine(440, 8000, 8000)), loop: true})
			for i := range 150 {
				o.tick(int64(i) * 20 * ms)
			}
			if n, due := len(f.sent), 3000/length; n < due-1 || n > due+1 {
				t.Errorf("%d packets in 3 s", n)
			}
			for i, p := range f.sent {
				if len(p.data()) != 8*length || p.seq != f.sent[0].seq+uint16(i) || p.time != f.sent[0].time+uint32(8*length*i) {
					t.Fatalf("packet %d: %d bytes, seq +%d, time +%d", i, len(p.data()), p.seq-f.sent[0].seq, p.time-f.sent[0].time)
				}
			}
			var heard []received
			for _, p := range f.sent {
				heard = append(heard, received{packet: p})
			}
			if l := level(linear(heard)[:16000], 440); l < 7800 || l > 8200 {
				t.Errorf("level %.0f, want 8000", l)
			}
		})
	}
}

// The whole of it over sockets: a side of 60 ms and one of 10 ms.
func TestSidesOfOtherPacketTimesHearEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
	for p, line := range map[*phone]string{a: "a=ptime:60", b: "a=ptime:10"} {
		if _, err := r.Answer(p.leg, sdpOf(address(p.conn), p.codec, line)); err != nil {
			t.Fatal(err)
		}
	}
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speak(440)
	b.speak(1000)
	for p, want := range map[*phone]struct {
		size  int
		hertz float64
	}{a: {480, 1000}, b: {80, 440}} {
		p.hear(1)
		heard := p.hear(4000 / want.size)
		for i, h := range heard {
			if len(h.data()) != want.size {
				t.Fatalf("%s: packet %d has %d samples, want %d", p.leg, i, len(h.data()), want.size)
			}
			if i > 0 && (h.seq != heard[i-1].seq+1 || h.time != heard[i-1].time+uint32(want.size)) {
				t.Fatalf("%s: packet %d: seq +%d, time +%d", p.leg, i, h.seq-heard[i-1].seq, h.time-heard[i-1].time)
			}
		}
		if l := level(linear(heard), want.hertz); l < 7500 || l > 8500 {
			t.Errorf("%s hears %g Hz at %.0f, want 8000", p.leg, want.hertz, l)
		}
	}
}

// Whatever comes, what goes out is one stream of which no number is used twice, in packets that are not too long.
func FuzzRelay(f *testing.F) {
	f.Add([]byte{4, 1, 160, 5, 1, 240, 1, 1, 4, 6, 2, 80}, uint8(20))
	f.Add([]byte{4, 1, 30, 9, 1, 30, 8, 2, 200, 2, 1, 7, 7, 254, 160, 1, 3, 80}, uint8(60))
	f.Fuzz(func(t *testing.T, script []byte, length uint8) {
		o, tape := framedTape(time.Duration(min(max(int(length)/10*10, 10), 60)) * time.Millisecond)
		o.event = 96
		a := &leg{}
		a.media.Store(new(negotiate.Media))
		o.hear(a)
		var w window
		seq, at, now := uint16(0), uint32(0), int64(0)
		for ; len(script) >= 3; script = script[3:] {
			kind, size, ssrc := script[0]&0x1f, int(script[2]), uint32(script[0]>>5&1)
			if script[0]&0x80 != 0 {
				size *= 8
			}
			seq += uint16(int8(script[1]))
			now += int64(kind) * 10 * ms
			raw := make([]byte, headerSize+size)
			putHeader(raw, script[0]&0x40 != 0, 8, seq, at, ssrc)
			at += uint32(size)
			format := negotiate.FormatPCMA
			switch kind {
			case 1:
				format = negotiate.FormatEvent
			case 2:
				format = negotiate.FormatNone
			case 3:
				o.sound(call.ToneSoft)
			}
			p, _ := parsePacket(raw)
			n := len(tape.sent)
			if arrived, _ := w.add(ssrc, seq); arrived != arrivedTwice && arrived != arrivedOld {
				o.relay(a, &p, format, arrived == arrivedLate, now)
			}
			o.tick(now)
			checkRelayed(t, tape.sent, n, max(o.frame, size))
		}
	})
}

// checkRelayed looks at packets from the n-th on.
func checkRelayed(t *testing.T, sent []packet, n, most int) {
	for i := n; i < len(sent); i++ {
		if p := sent[i]; p.ssrc != 9 || len(p.data()) > most {
			t.Fatalf("packet %d: %d bytes of source %d", i, len(p.data()), p.ssrc)
		}
		for k := max(0, i-2*windowSize); k < i; k++ {
			if sent[k].seq == sent[i].seq {
				t.Fatalf("packets %d and %d have one number", k, i)
			}
		}
	}
}

// A packet that was overtaken by one that nobody understands would take the number of the packet before it.
func TestAPacketThatIsLateTakesNoNumberThatWasUsed(t *testing.T) {
	o, f := newTape()
	a := &leg{}
	o.hear(a)
	for _, p := range []struct {
		seq    uint16
		format negotiate.Format
		late   bool
	}{{1, negotiate.FormatPCMA, false}, {3, negotiate.FormatNone, false}, {4, negotiate.FormatPCMA, false},
		{2, negotiate.FormatPCMA, true}, {5, negotiate.FormatPCMA, false}} {
		o.relay(a, counting(p.seq, 160*uint32(p.seq), 160), p.format, p.late, int64(p.seq)*20*ms)
	}
	var numbers []int
	for _, p := range f.sent {
		numbers = append(numbers, int(int16(p.seq-f.sent[0].seq)))
	}
	if want := []int{0, 2, 3}; !slices.Equal(numbers, want) {
		t.Errorf("numbers %v, want %v", numbers, want)
	}
}
