package media

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"telefonist/media/negotiate"
)

func TestPacketLeavesOutWhatIsNoPayload(t *testing.T) {
	head := []byte{0x80, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}
	with := func(first byte, rest ...byte) []byte {
		b := append([]byte(nil), head...)
		b[0] = first
		return append(b, rest...)
	}
	for _, tc := range []struct {
		name string
		raw  []byte
		want []byte // nil: no packet
	}{
		{"plain", with(0x80, 7, 8, 9), []byte{7, 8, 9}},
		{"empty", with(0x80), []byte{}},
		{"contributing sources", with(0x82, 1, 1, 1, 1, 2, 2, 2, 2, 7), []byte{7}},
		{"extension", with(0x90, 0xbe, 0xde, 0, 1, 1, 1, 1, 1, 7), []byte{7}},
		{"padding", with(0xa0, 7, 8, 0, 0, 3), []byte{7, 8}},
		{"all of it", with(0xb1, 1, 1, 1, 1, 0, 0, 0, 0, 7, 1), []byte{7}},
		{"short", head[:11], nil},
		{"version 1", with(0x40, 7), nil},
		{"sources beyond the end", with(0x8f, 1, 1), nil},
		{"extension beyond the end", with(0x90, 0, 0, 0xff, 0xff), nil},
		{"no room for an extension", with(0x90, 0, 0), nil},
		{"padding beyond the end", with(0xa0, 7, 200), nil},
		{"padding of nothing", with(0xa0, 7, 0), nil},
		{"padding into the header", with(0xa0, 7, 3), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, ok := parsePacket(tc.raw)
			if ok != (tc.want != nil) || ok && !bytes.Equal(p.data(), tc.want) {
				t.Errorf("payload %v, ok %v; want %v", p.data(), ok, tc.want)
			}
		})
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte{0xb1, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 1, 1, 1, 0, 0, 0, 1, 9, 9, 9, 9, 7, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := parsePacket(raw)
		if !ok {
			return
		}
		if p.start < headerSize || len(p.data())+p.start > len(raw) {
			t.Fatalf("payload %d:%d of %d", p.start, p.start+len(p.data()), len(raw))
		}
		b := p.raw[p.start-headerSize:]
		putHeader(b, p.marker, p.payload, p.seq, p.time, p.ssrc)
		q, ok := parsePacket(b)
		if !ok || q.seq != p.seq || q.time != p.time || q.ssrc != p.ssrc || q.payload != p.payload || q.marker != p.marker ||
			!bytes.Equal(q.data(), p.data()) {
			t.Fatal("what is written does not parse again")
		}
	})
}

func FuzzRTCP(f *testing.F) {
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6})
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 9, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8,
		0x80, 207, 0, 10, 0, 0, 0, 1, 7, 0, 0, 8, 0, 0, 0, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
		5, 40, 41, 5, 5, 5, 5, 5, 5, 5, 5})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in inbound
		in.report = report{ssrc: 1, received: 1}
		if validRTCP(raw) {
			in.report.sent = 10
			in.readRTCP(raw, 1, 1)
			r := &in.report
			if r.out.loss < 0 || r.out.loss > 1 || r.roundTrip < 0 || r.remoteMOS != 0 && (r.remoteMOS < 1 || r.remoteMOS > 5) {
				t.Errorf("heard %+v", r)
			}
		}
	})
}

// A window must agree with a plain list of what was received, whatever the order.
func TestWindowCountsLossLikeAListWould(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var w window
		seq, lost, sentLost := uint16(rng.Uint32()), 0, 0
		queue := []uint16{}
		for range 2000 {
			seq++
			if rng.IntN(10) == 0 {
				sentLost++
				continue
			}
			queue = append(queue, seq)
			if n := len(queue); n > 1 && rng.IntN(5) == 0 { // overtaken
				queue[n-1], queue[n-2] = queue[n-2], queue[n-1]
			}
		}
		first := queue[0]
		for _, s := range queue {
			a, n := w.add(1, s)
			lost += n
			if late := int16(s-first) < 0; a == arrivedTwice && !late {
				t.Fatalf("seed %d: %d counts as a repeat", seed, s)
			}
			if a, _ := w.add(1, s); a != arrivedTwice && a != arrivedOld {
				t.Fatalf("seed %d: the repeat of %d counts as %v", seed, s, a)
			}
		}
		lost += w.missing()
		// Losses before the first and after the last packet cannot be seen.
		if lost > sentLost || lost < sentLost-20 {
			t.Fatalf("seed %d: %d lost, want about %d", seed, lost, sentLost)
		}
	}
}

func TestWindowBeginsAnewWithANewSource(t *testing.T) {
	var w window
	w.add(1, 100)
	for _, tc := range []struct {
		ssrc uint32
		seq  uint16
		want arrival
		lost int
	}{
		{1, 200, arrivedNew, 36}, // 99 missing, 63 of them still awaited
		{2, 150, arrivedAnew, 63}, {2, 10000, arrivedAnew, 0}, {2, 9999, arrivedTwice, 0}, {2, 9000, arrivedOld, 0},
		{2, 100, arrivedAnew, 0},
	} {
		if a, lost := w.add(tc.ssrc, tc.seq); a != tc.want || lost != tc.lost {
			t.Errorf("%d of %d: %v with %d lost, want %v with %d", tc.seq, tc.ssrc, a, lost, tc.want, tc.lost)
		}
	}
}

func TestTwoOldPacketsInSequenceAreASenderThatBeganAnew(t *testing.T) {
	var w window
	w.hear(1, 1000)
	for i, tc := range []struct {
		seq  uint16
		want arrival
	}{
		{900, arrivedOld}, {902, arrivedOld}, {901, arrivedOld}, {1001, arrivedNew}, {902, arrivedOld}, // stragglers
		{500, arrivedOld}, {501, arrivedAnew}, {502, arrivedNew}, {500, arrivedTwice}, {501, arrivedTwice},
	} {
		if a, _ := w.hear(1, tc.seq); a != tc.want {
			t.Errorf("%d: %d: %v, want %v", i, tc.seq, a, tc.want)
		}
	}
}

// tape is a flow that keeps what is sent.
type tape struct{ sent []packet }

func (f *tape) ports() (uint16, uint16)               { return 2, 3 }
func (f *tape) sendRTCP([]byte, netip.AddrPort) error { return nil }
func (f *tape) close()                                {}
func (f *tape) sendRTP(b []byte, _ netip.AddrPort, _ *outbox) error {
	p, _ := parsePacket(append([]byte(nil), b...))
	f.sent = append(f.sent, p)
	return nil
}

const ms = int64(time.Millisecond)

func newTape() (*outbound, *tape) {
	f := &tape{}
	o := &outbound{flow: f, counts: &counts{}, ssrc: 9, seq: 65535, stamp: 1<<32 - 100}
	o.apply(&negotiate.Media{Codec: negotiate.PCMA, Payload: 8, Event: negotiate.NoPayload, Ptime: 20 * time.Millisecond,
		Direction: SendRecv})
	o.remote = netip.MustParseAddrPort("127.0.0.1:9")
	return o, f
}

func TestPlaybackCatchesUpWithoutABurst(t *testing.T) {
	o, f := newTape()
	o.start(&playback{clip: newClip("x", sine(440, 8000, 8000)), loop: true})
	at := func(now int64, packets int) {
		t.Helper()
		before := len(f.sent)
		o.tick(now * ms)
		if n := len(f.sent) - before; n != packets {
			t.Fatalf("at %d ms %d packets, want %d", now, n, packets)
		}
	}
	at(0, 1)
	at(20, 1)
	at(39, 0) // early: the clock is not trusted either
	at(41, 1)
	at(100, 2) // two ticks were missed: never more than two at once
	at(120, 2)
	at(140, 1)
	at(1140, 1) // a second is skipped, not sent
	at(1160, 1)
	for i := 1; i < len(f.sent); i++ {
		if f.sent[i].seq != f.sent[i-1].seq+1 || f.sent[i].ssrc != 9 {
			t.Errorf("packet %d has seq %d", i, f.sent[i].seq)
		}
	}
	n := len(f.sent)
	if step := f.sent[n-2].time - f.sent[n-3].time; step < 7900 || step > 8200 {
		t.Errorf("the skip moves the timestamp by %d", step)
	}
}

func TestSourceJoinsInSequenceAndTime(t *testing.T) {
	o, f := newTape()
	a := &leg{}
	o.start(&playback{clip: newClip("x", make([]int16, 160)), loop: true})
	o.tick(0)
	o.hear(a)
	relay := func(now int64, seq uint16, stamp, ssrc uint32) packet {
		t.Helper()
		n := len(f.sent)
		p, ok := parsePacket(append([]byte{0x80, 8, byte(seq >> 8), byte(seq), byte(stamp >> 24), byte(stamp >> 16),
			byte(stamp >> 8), byte(stamp), byte(ssrc >> 24), byte(ssrc >> 16), byte(ssrc >> 8), byte(ssrc)},
			make([]byte, 160)...))
		if !ok {
			t.Fatal("bad packet")
		}
		o.relay(a, &p, negotiate.FormatPCMA, false, now*ms)
		if len(f.sent) != n+1 {
			t.Fatalf("seq %d was not sent", seq)
		}
		return f.sent[n]
	}
	base := f.sent[0]
	for i, tc := range []struct {
		now         int64
		seq         uint16
		stamp, ssrc uint32
		wantSeq     uint16
		wantTime    uint32
		marker      bool
	}{
		{5, 500, 1e6, 7, 1, 160, true},                   // sooner than the music's last packet ends
		{25, 501, 1e6 + 160, 7, 2, 320, false},           //
		{65, 503, 1e6 + 480, 7, 4, 640, false},           // one lost
		{1065, 504, 1e6 + 480 + 8000, 7, 5, 8640, false}, // silence suppressed
		{1085, 505, 77, 7, 6, 8800, true},                // its timestamp jumps
		{1105, 40000, 237, 7, 7, 8960, true},             // its sequence jumps
		{1125, 9, 0xfffffff0, 8, 8, 9120, true},          // another SSRC
		{1145, 10, 0x90, 8, 9, 9280, false},
		{1645, 900, 5, 9, 10, 13280, true}, // another one, half a second later
	} {
		got := relay(tc.now, tc.seq, tc.stamp, tc.ssrc)
		if got.ssrc != 9 || got.seq-base.seq != tc.wantSeq || got.time-base.time != tc.wantTime || got.marker != tc.marker {
			t.Errorf("%d: seq +%d time +%d marker %v, want +%d +%d %v", i, got.seq-base.seq, got.time-base.time, got.marker,
				tc.wantSeq, tc.wantTime, tc.marker)
		}
	}
}

// Between the decision of the speaker's side and the sending the connection may have ended.
func TestNobodyIsRelayedWhoIsNotHeard(t *testing.T) {
	o, f := newTape()
	a, b := &leg{}, &leg{}
	o.hear(a)
	p, _ := parsePacket(make12(160))
	o.relay(b, &p, negotiate.FormatPCMA, false, 0)
	o.hear(nil)
	o.relay(a, &p, negotiate.FormatPCMA, false, 0)
	if len(f.sent) != 0 {
		t.Errorf("%d packets were sent", len(f.sent))
	}
}

func TestSilenceCutsBothLegsOnBothSides(t *testing.T) {
	a, b := &leg{}, &leg{}
	a.peer, b.peer = b, a
	a.in.route(b)
	b.in.route(a)
	a.out.hear(b)
	b.out.hear(a)
	a.silence()
	for _, l := range []*leg{a, b} {
		if l.peer != nil || l.in.to != (listeners{}) || l.out.from != nil {
			t.Error("a leg is still connected")
		}
	}
}

func make12(n int) []byte {
	b := make([]byte, headerSize+n)
	putHeader(b, false, 8, 1, 1, 1)
	return b
}

func TestNothingIsMissedAfterAHold(t *testing.T) {
	o, f := newTape()
	a := &leg{}
	o.hear(a)
	send := func(seq uint16) {
		p, _ := parsePacket(append([]byte{0x80, 8, 0, byte(seq), 0, 0, byte(seq >> 1), 0, 0, 0, 0, 1}, make([]byte, 160)...))
		o.relay(a, &p, negotiate.FormatPCMA, false, int64(seq)*20*ms)
	}
	send(1)
	o.direction = RecvOnly
	for seq := range uint16(50) {
		send(2 + seq)
	}
	o.direction = SendRecv
	send(60)
	if len(f.sent) != 2 || f.sent[1].seq != f.sent[0].seq+1 || !f.sent[1].marker {
		t.Errorf("sent %d packets, seq %d after %d", len(f.sent), f.sent[1].seq, f.sent[0].seq)
	}
}

func TestVoiceIsLoweredToThreeQuartersUnderTheToneAndThenWholeAgain(t *testing.T) {
	for _, c := range []negotiate.Codec{negotiate.PCMA, negotiate.PCMU} {
		o, f := newTape()
		o.codec = c
		a := &leg{}
		o.hear(a)
		o.sound("soft")
		for i := range 20 {
			raw := make12(160)
			putHeader(raw, false, 8, uint16(i), uint32(i*160), 1)
			copy(raw[headerSize:], voice(440, i*160, negotiate.PCMA))
			p, _ := parsePacket(raw)
			o.relay(a, &p, negotiate.FormatPCMA, false, int64(i)*20*ms)
		}
		var signal []int16
		for _, p := range f.sent {
			for _, s := range p.data() {
				signal = append(signal, decode(s, c))
			}
		}
		for _, w := range []struct {
			from, to int
			f, want  float64
		}{{0, 1600, 440, 6000}, {0, 1600, 660, 3100}, {1600, 3200, 440, 8000}, {1600, 3200, 660, 0}} {
			if l := level(signal[w.from:w.to], w.f); l < w.want*0.95-100 || l > w.want*1.05+100 {
				t.Errorf("%v: %g Hz has level %.0f from sample %d, want %.0f", c, w.f, l, w.from, w.want)
			}
		}
	}
}

func TestToneNeverClips(t *testing.T) {
	for _, c := range []negotiate.Codec{negotiate.PCMA, negotiate.PCMU} {
		for kind, samples := range tones {
			loud := make([]byte, len(samples))
			for i := range loud {
				v := int16(32767)
				if samples[i] < 0 {
					v = -32768
				}
				loud[i] = encode(v, c)
			}
			if (&tone{samples: samples}).mix(loud, c) != nil {
				t.Error("the tone does not end")
			}
			for i, s := range loud {
				if v := decode(s, c); (v < 0) != (samples[i] < 0) {
					t.Fatalf("%s wraps at sample %d", kind, i)
				}
			}
		}
	}
}

func TestWAVIsConvertedOrRefusedWithAReason(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 48000} {
		for channels := 1; channels <= 2; channels++ {
			n := (rate + 1) / 2
			s := sine(440, rate, n)
			alias := sine(float64(rate)/2-500, rate, n)
			var in []int16
			for i := range s {
				v := s[i]
				if rate > 8000 {
					v += alias[i] / 2
				}
				for range channels {
					in = append(in, v)
				}
			}
			loaded, err := readWAV(wav(1, rate, channels, 16, in))
			out := loaded.narrow
			if err != nil || len(out) != 4000 || len(loaded.wide) != 8000 {
				t.Fatalf("%d Hz, %d channels: %d samples, %v", rate, channels, len(out), err)
			}
			if l := level(out[400:3600], 440); l < 7800 || l > 8200 {
				t.Errorf("%d Hz, %d channels: level %.0f", rate, channels, l)
			}
			if l := level(out[400:3600], 500); rate > 8000 && l > 150 {
				t.Errorf("%d Hz: an alias of level %.0f", rate, l)
			}
		}
	}
	for want, b := range map[string][]byte{
		"not a WAV":      []byte("ID3 an mp3"),
		"make it mono":   wav(1, 8000, 6, 16, make([]int16, 60)),
		"make it PCM":    wav(7, 8000, 1, 8, make([]int16, 60)),
		"6000 Hz; make":  wav(1, 6000, 1, 16, make([]int16, 60)),
		"96000 Hz; make": wav(1, 96000, 1, 16, make([]int16, 60)),
		"is empty":       wav(1, 8000, 1, 16, nil),
		"no data":        []byte("RIFF\x00\x00\x00\x00WAVE"),
	} {
		if _, err := readWAV(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

func FuzzWAV(f *testing.F) {
	f.Add(wav(1, 16000, 2, 16, sine(440, 16000, 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if samples, err := readWAV(b); err == nil && (len(samples.narrow) == 0 || len(samples.wide) != 2*len(samples.narrow)) {
			t.Error("an empty clip")
		}
	})
}

func TestPromptsCanBeReplacedAndMustBeGood(t *testing.T) {
	files := fstest.MapFS{
		"a.wav": {Data: wav(1, 8000, 1, 16, make([]int16, 77))},
		"b.wav": {Data: []byte("broken")},
	}
	lib, err := loadLibrary(files, map[string]string{"music": "a.wav", "welcome": "a.wav"})
	if err != nil || lib["music"].len() != 77 || lib["welcome"].len() != 77 {
		t.Fatalf("%v", err)
	}
	for _, name := range []string{"ringback", "busy", "all-busy", "queue-full", "try-later", "timeout", "closed", "goodbye"} {
		if lib[name] == nil {
			t.Errorf("no prompt %s", name)
		}
	}
	for _, file := range []string{"b.wav", "c.wav"} {
		if _, err := loadLibrary(files, map[string]string{"music": file}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: err = %v", file, err)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	good := Config{Address: netip.MustParseAddr("127.0.0.1"), MinPort: 10000, MaxPort: 10001}
	if err := good.setDefaults(); err != nil || good.Silence != DefaultSilence {
		t.Errorf("%v, %v", err, good.Silence)
	}
	for name, change := range map[string]func(*Config){
		"no address": func(c *Config) { c.Address = netip.Addr{} },
		"external":   func(c *Config) { c.External = netip.IPv4Unspecified() },
		"one port":   func(c *Config) { c.MaxPort = c.MinPort },
		"odd pair":   func(c *Config) { c.MinPort, c.MaxPort = 10001, 10002 },
		"no ports":   func(c *Config) { c.MinPort = 0 },
	} {
		c := good
		change(&c)
		if c.setDefaults() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
