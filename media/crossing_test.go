package media

import (
	"math"
	"testing"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// loudest is the peak of a signal.
func loudest(pcm []int16) (peak int) {
	for _, v := range pcm {
		peak = max(peak, int(v), -int(v))
	}
	return peak
}

// asHeard is what a decoder makes of all that was sent.
func asHeard(sent []packet) []int16 {
	var all []received
	for _, p := range sent {
		all = append(all, received{packet: p})
	}
	return linear(all)
}

// A listener of G.722 hears prompts follow one another as one of A-law does: no louder, and each at its level.
func TestSoundsFollowOneAnotherInG722WithoutACrack(t *testing.T) {
	lib, err := loadBuiltins()
	if err != nil {
		t.Fatal(err)
	}
	said := []*clip{lib["sv-position"], lib["sv-3"], lib["sv-in-queue"]}
	heard := map[negotiate.Codec][]int16{}
	for _, c := range []negotiate.Codec{negotiate.PCMA, negotiate.G722} {
		o, f := newTape()
		o.codec, o.payload = c, payloadOf(c)
		o.start(&playback{clip: lib["music"], loop: true})
		for i := range 400 {
			switch i {
			case 50, 250:
				o.say(said, lib["music"])
			case 200:
				o.start(&playback{clip: lib["busy"], loop: true})
			case 220:
				o.start(&playback{clip: lib["music"], loop: true})
			}
			o.tick(int64(i) * 20 * ms)
		}
		heard[c] = asHeard(f.sent)
	}
	narrow, wide := heard[negotiate.PCMA], heard[negotiate.G722]
	for i := 160; i+320 <= len(wide); i += 80 {
		got, want := loudest(wide[i:i+80]), loudest(narrow[i-160:i+320])
		if got > want*3/2+500 { // 3 dB more is what the coder itself takes to follow
			t.Errorf("at %d ms the peak is %d, as A-law it is %d", i/8, got, want)
		}
	}
	if w, n := energyOf(wide), energyOf(narrow); w < 0.8*n || w > 1.2*n {
		t.Errorf("the energy is %.2f of that as A-law", w/n)
	}
}

func energyOf(pcm []int16) (sum float64) {
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum
}

// The same for a voice that begins in the middle of its stream, a tone over it, and a voice that is converted.
func TestAVoiceAndATonePassIntoG722WithoutACrack(t *testing.T) {
	for name, spoken := range map[string]negotiate.Codec{"relayed": negotiate.G722, "converted": negotiate.PCMU} {
		t.Run(name, func(t *testing.T) {
			lib, err := loadBuiltins()
			if err != nil {
				t.Fatal(err)
			}
			o, f := newTape()
			o.codec, o.payload = negotiate.G722, 9
			o.start(&playback{clip: lib["music"], loop: true})
			a := &leg{}
			var e encoder
			joined, toned := 0, 0
			for i := range 200 {
				p := tonePacket(i, &e, spoken)
				switch i {
				case 100:
					o.hear(a)
					joined = len(asHeard(f.sent))
				case 150:
					o.sound(call.ToneSoft)
					toned = len(asHeard(f.sent))
				}
				o.relay(a, p, codecFormat(spoken), false, int64(i)*20*ms)
				o.tick(int64(i) * 20 * ms)
			}
			heard := asHeard(f.sent)
			const soft = 8000*3/4 + 0.1*32767
			for i := joined; i+80 <= len(heard); i += 80 {
				limit := 8000 * 1.5
				if i >= toned-80 && i < toned+2400 {
					limit = math.Max(limit, soft*1.3)
				}
				if peak := loudest(heard[i : i+80]); float64(peak) > limit {
					t.Errorf("%d ms after the join the peak is %d", (i-joined)/8, peak)
				}
			}
			for from, to := range map[int]int{joined + 1600: joined + 2400, toned + 4000: toned + 4800} {
				if l := level(heard[from:to], 440); l < 7500 || l > 8500 {
					t.Errorf("%d ms after the join the voice has level %.0f, want 8000", (from-joined)/8, l)
				}
			}
			if l := level(heard[toned+320:toned+1280], 660); l < 2800 || l > 3800 {
				t.Errorf("the tone has level %.0f", l)
			}
		})
	}
}

// Once the sounds have met the codes go on as they came.
func TestAfterACrossingG722IsRelayedAsItIs(t *testing.T) {
	o, f := newTape()
	o.codec, o.payload = negotiate.G722, 9
	o.start(&playback{clip: newClip("x", sine(1000, 8000, 8000)), loop: true})
	for i := range 20 {
		o.tick(int64(i) * 20 * ms)
	}
	a := &leg{}
	o.hear(a)
	var e encoder
	for i := range 40 {
		p := tonePacket(i, &e, negotiate.G722)
		code := string(p.data())
		o.relay(a, p, negotiate.FormatG722, false, int64(20+i)*20*ms)
		if same := string(f.sent[len(f.sent)-1].data()) == code; same != (i >= crossFor/160) {
			t.Errorf("packet %d goes on as it is: %v", i, same)
		}
	}
}
