package media

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// tonePacket is 20 ms of 440 Hz in PCMA, the n-th of a stream.
func tonePacket(n int, e *encoder, c negotiate.Codec) *packet {
	raw := make([]byte, headerSize+160)
	putHeader(raw, n == 0, payloadOf(c), uint16(n), uint32(160*n), 1)
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(160*n+i)/8000))
	}
	e.encode(raw[headerSize:], pcm, c)
	p, _ := parsePacket(raw)
	return &p
}

func TestConversionIsOneEvenStreamWhateverTheOrderOfArrival(t *testing.T) {
	for name, order := range map[string]func(*rand.Rand, []int) []int{
		"in order": func(_ *rand.Rand, n []int) []int { return n },
		"swapped": func(_ *rand.Rand, n []int) []int {
			for i := 8; i+1 < len(n); i += 10 {
				n[i], n[i+1] = n[i+1], n[i]
			}
			return n
		},
		"lost now and then": func(_ *rand.Rand, n []int) []int {
			var kept []int
			for _, v := range n {
				if v%25 != 20 {
					kept = append(kept, v)
				}
			}
			return kept
		},
		"repeated": func(_ *rand.Rand, n []int) []int {
			var all []int
			for _, v := range n {
				all = append(all, v, v)
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, f := newTape()
			o.codec, o.payload = negotiate.G722, 9
			a := &leg{}
			o.hear(a)
			var e encoder
			var numbers []int
			for i := range 100 {
				numbers = append(numbers, i)
			}
			packets := map[int]*packet{}
			for i := range numbers {
				packets[i] = tonePacket(i, &e, negotiate.PCMA)
			}
			queue := order(rand.New(rand.NewPCG(1, 2)), numbers)
			for i := range 110 { // each packet comes when it was spoken, or with the next
				for len(queue) > 0 && queue[0] <= i {
					o.relay(a, packets[queue[0]], negotiate.FormatPCMA, false, int64(i)*20*ms)
					queue = queue[1:]
				}
				o.tick(int64(i)*20*ms + 5*ms)
			}
			checkEven(t, f.sent, 95)
		})
	}
}

// checkEven checks that packets are one stream of 20 ms of a tone each.
func checkEven(t *testing.T, sent []packet, least int) {
	t.Helper()
	if len(sent) < least {
		t.Fatalf("%d packets, want %d", len(sent), least)
	}
	var heard []received
	for i, p := range sent {
		if i > 0 && (p.seq != sent[i-1].seq+1 || p.time != sent[i-1].time+160) {
			t.Fatalf("packet %d: seq +%d, time +%d", i, p.seq-sent[i-1].seq, p.time-sent[i-1].time)
		}
		if p.marker != (i == 0) || p.ssrc != 9 || p.payload != 9 {
			t.Fatalf("packet %d: marker %v, SSRC %d, payload %d", i, p.marker, p.ssrc, p.payload)
		}
		heard = append(heard, received{packet: p})
	}
	signal := linear(heard[:least-5])
	for i := 1600; i+800 <= len(signal); i += 800 {
		if l := level(signal[i:i+800], 440); l < 7300 || l > 8500 {
			t.Errorf("level %.0f at %d ms", l, i/8)
		}
	}
}

func TestConversionPausesWithItsSourceAndGoesOnInTime(t *testing.T) {
	o, f := newTape()
	o.codec, o.payload = negotiate.G722, 9
	a := &leg{}
	o.hear(a)
	var e encoder
	spoken := 0
	for i := range 150 { // a second of voice, one of silence, one of voice
		if i < 50 || i >= 100 {
			p := tonePacket(spoken, &e, negotiate.PCMA)
			spoken++
			o.relay(a, p, negotiate.FormatPCMA, false, int64(i)*20*ms)
		}
		o.tick(int64(i)*20*ms + 5*ms)
	}
	pauses := 0
	for i := 1; i < len(f.sent); i++ {
		if f.sent[i].seq != f.sent[i-1].seq+1 {
			t.Fatalf("packet %d: seq +%d", i, f.sent[i].seq-f.sent[i-1].seq)
		}
		if step := f.sent[i].time - f.sent[i-1].time; step != 160 {
			pauses++
			if !f.sent[i].marker || step < 6400 || step > 8000 {
				t.Errorf("packet %d: time +%d, marker %v", i, step, f.sent[i].marker)
			}
		}
	}
	if pauses != 1 {
		t.Errorf("%d pauses", pauses)
	}
}

func TestEventsBesideConvertedAudio(t *testing.T) {
	o, f := newTape()
	o.codec, o.payload, o.event = negotiate.G722, 9, 101
	a := &leg{}
	o.hear(a)
	var e encoder
	n := 0
	for i := range 40 {
		now := int64(i) * 20 * ms
		if i < 20 || i >= 25 {
			o.relay(a, tonePacket(i, &e, negotiate.PCMA), negotiate.FormatPCMA, false, now)
		} else {
			raw := make([]byte, headerSize+4)
			putHeader(raw, i == 20, 96, uint16(i), 160*20, 1)
			p, _ := parsePacket(raw)
			o.relay(a, &p, negotiate.FormatEvent, false, now)
		}
		o.tick(now + 5*ms)
	}
	var first *packet
	for i := range f.sent {
		p := &f.sent[i]
		if i > 0 && p.seq != f.sent[i-1].seq+1 {
			t.Fatalf("packet %d: seq +%d", i, p.seq-f.sent[i-1].seq)
		}
		if p.payload != 101 {
			if n > 0 && n < 5 {
				t.Errorf("audio between the packets of an event")
			}
			continue
		}
		if n++; first == nil {
			first = p
		}
		if p.time != first.time || p.marker != (p == first) {
			t.Errorf("event packet %d: time %d, marker %v", n, p.time-first.time, p.marker)
		}
	}
	if n != 5 {
		t.Errorf("%d event packets", n)
	}
}

func TestLossIsConcealed(t *testing.T) {
	var c concealer
	signal := sine(200, 8000, 8000)
	c.keep(append([]int16(nil), signal[:1600]...))
	gap := make([]int16, 160)
	c.fill(gap)
	if l := level(gap, 200); l < 5500 || l > 8500 {
		t.Errorf("the first 20 ms of a gap have level %.0f", l)
	}
	if d := math.Abs(float64(gap[0]) - float64(signal[1600])); d > 1500 {
		t.Errorf("a step of %.0f where the gap begins", d)
	}
	c.fill(gap)
	long := level(gap, 200)
	if long < 1000 || long > 5500 {
		t.Errorf("the next 20 ms have level %.0f", long)
	}
	c.fill(gap)
	c.fill(gap)
	for _, v := range gap {
		if v != 0 {
			t.Fatal("a long gap does not end in silence")
		}
	}
	back := append([]int16(nil), signal[1600:1760]...)
	c.keep(back)
	if math.Abs(float64(back[0])) > 400 || back[100] != signal[1700] {
		t.Errorf("the voice comes back with a step of %d", back[0])
	}
}

func TestNothingIsConcealedBeforeAnythingIsKnown(t *testing.T) {
	var c concealer
	gap := []int16{1, 2, 3}
	c.fill(gap)
	if gap[0] != 0 || gap[2] != 0 {
		t.Errorf("gap = %v", gap)
	}
}

// Filter response: what may be heard stays, what would be folded back goes.
func TestResamplingKeepsTheBandAndNothingElse(t *testing.T) {
	for _, tc := range []struct{ from, to int }{{48000, 8000}, {44100, 8000}, {44100, 16000}, {22050, 8000}, {11025, 16000},
		{16000, 8000}, {8000, 16000}, {12000, 8000}} {
		r := newResampler(tc.from, tc.to)
		low := float64(min(tc.from, tc.to))
		for _, f := range []float64{100, 1000, 0.3 * low, 0.42 * low} {
			out := r.run(sine(f, tc.from, tc.from))
			n := len(out)
			if l := levelAt(out[n/10:n-n/10], f, tc.to); l < 7850 || l > 8150 {
				t.Errorf("%d to %d: %g Hz has level %.0f", tc.from, tc.to, f, l)
			}
			if tc.to > tc.from {
				if l := levelAt(out[n/10:n-n/10], float64(tc.from)-f, tc.to); f > 0.3*low && float64(tc.from)-f < float64(tc.to)/2 && l > 8 {
					t.Errorf("%d to %d: an image of %g Hz has level %.0f", tc.from, tc.to, f, l)
				}
			}
		}
		for f := 0.51 * low; f < float64(tc.from)/2; f += 0.13 * low {
			out := r.run(sine(f, tc.from, tc.from))
			peak := int16(0)
			for _, v := range out[len(out)/10 : len(out)*9/10] {
				peak = max(peak, v)
			}
			if peak > 8 { // 60 dB down
				t.Errorf("%d to %d: %g Hz leaves %d", tc.from, tc.to, f, peak)
			}
		}
	}
}

func levelAt(signal []int16, frequency float64, rate int) float64 {
	return level(signal, frequency*8000/float64(rate))
}

// passing lets everything through.
func passing(c *Config) { c.Codecs = []string{"PCMA", "PCMU", "G722", "*"} }

func TestSharedFormatsPassWithTheirNumbersAndClocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, passing)
	opus := func(pt string, more ...string) func(*phone, []byte) []byte {
		return func(p *phone, _ []byte) []byte {
			lines := append([]string{"v=0", "o=- 1 1 IN IP4 127.31.4.9", "s=-", "c=IN IP4 127.31.4.9", "t=0 0",
				"m=audio " + address(p.conn).String()[len("127.31.4.9:"):] + " RTP/AVP " + pt + " 8",
				"a=rtpmap:" + pt + " opus/48000/2", "a=fmtp:" + pt + " useinbandfec=1"}, more...)
			a, err := r.Answer(p.leg, []byte(strings.Join(lines, "\r\n")+"\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			return a.SDP
		}
	}
	o := Options{SignallingIP: netip.MustParseAddr("127.31.4.9")}
	caller := r.openPhone(socket(t, "127.31.4.9"), "caller", negotiate.PCMA, o, opus("111"))
	agent := r.openPhone(socket(t, "127.31.4.9"), "agent", negotiate.PCMA, o, opus("96"))
	r.Do(call.Play{Leg: agent.leg, Source: "music", Loop: true})
	heard := agent.hear(3) // a caller whose first codec is passed through hears prompts all the same
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	r.meet(caller, agent)
	agent.forget()
	before := time.Now()
	for i := range 5 {
		caller.send(111, false, 960, []byte{1, 2, byte(i)})
	}
	passed := agent.hearUntil(func(p received) bool { return p.payload == 96 }) // music may have been under way
	if n := len(passed) - 1; n > 0 {
		heard[2] = passed[n-1]
	}
	passed = append(passed[len(passed)-1:], agent.hear(4)...)
	for i, p := range passed {
		if p.payload != 96 || p.ssrc != heard[0].ssrc || p.data()[2] != byte(i) {
			t.Errorf("packet %d: payload %d, data %v", i, p.payload, p.data())
		}
		if i == 0 {
			gone := p.at.Sub(heard[2].at) + time.Second
			if step := p.time - heard[2].time; time.Duration(step)*time.Second/48000 > gone+time.Since(before) || step < 960 {
				t.Errorf("the timestamp moves by %d in %v", step, gone)
			}
		} else if step := p.time - heard[2].time; step != 960 {
			t.Errorf("packet %d: timestamp moves by %d", i, step)
		}
		heard[2] = p
	}
	caller.say(440) // it may change its mind
	if p := agent.hear(1)[0]; p.payload != 8 || !p.marker || p.seq != heard[2].seq+1 {
		t.Errorf("PCMA after opus: payload %d, marker %v, seq +%d", p.payload, p.marker, p.seq-heard[2].seq)
	}
}

// meet waits until two phones are connected: commands are carried out in order, so that the end of a prompt that is
// played afterwards to a third tells.
func (r *rig) meet(a, b *phone) {
	r.t.Helper()
	third := r.phone(negotiate.PCMA)
	r.Do(call.Play{Leg: third.leg, Source: "no such prompt"})
	r.want(third.leg, call.PromptDone{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Engine.legs[a.leg].peer != r.Engine.legs[b.leg] {
		r.t.Fatal("not connected")
	}
}

func TestLegThatCannotBeHeardIsOfferedAnew(t *testing.T) {
	t.Parallel()
	asked := make(chan call.LegID, 10)
	r := newRig(t, passing, func(c *Config) {
		c.Silence.Steady = time.Hour
		c.Reoffer = func(leg call.LegID) { asked <- leg }
	})
	o := Options{SignallingIP: netip.MustParseAddr("127.31.4.9")}
	caller := r.openPhone(socket(t, "127.31.4.9"), "caller", negotiate.PCMA, o, func(p *phone, offer []byte) []byte {
		a, err := r.Answer(p.leg, []byte(strings.Replace(string(offer), "RTP/AVP 8", "RTP/AVP 18 8", 1)))
		if err != nil {
			t.Fatal(err)
		}
		return a.SDP
	})
	agent := r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	r.meet(caller, agent)
	caller.send(18, false, 160, make([]byte, 20))
	select {
	case leg := <-asked:
		if leg != caller.leg {
			t.Errorf("%s is to be offered anew", leg)
		}
	case <-time.After(patience):
		t.Fatal("nothing is offered anew")
	}
	offer, err := r.Offer(caller.leg)
	if err != nil || !strings.Contains(string(offer), "RTP/AVP 8 0 9 ") {
		t.Errorf("offer %s, %v", offer, err)
	}
}

// Who cannot be heard by whom she is to be connected with is offered anew at once: no packet need be lost first.
func TestLegThatWillNotBeHeardIsOfferedAnewWhenItIsConnected(t *testing.T) {
	t.Parallel()
	asked := make(chan call.LegID, 10)
	r := newRig(t, passing, func(c *Config) { c.Reoffer = func(leg call.LegID) { asked <- leg } })
	o := Options{SignallingIP: netip.MustParseAddr("127.31.4.9")}
	g729 := func(formats string) func(*phone, []byte) []byte {
		return func(p *phone, offer []byte) []byte {
			a, err := r.Answer(p.leg, []byte(strings.Replace(string(offer), "RTP/AVP 8", "RTP/AVP "+formats, 1)))
			if err != nil {
				t.Fatal(err)
			}
			return a.SDP
		}
	}
	caller := r.openPhone(socket(t, "127.31.4.9"), "caller", negotiate.PCMA, o, g729("18 8"))
	shares := r.openPhone(socket(t, "127.31.4.9"), "shares", negotiate.PCMA, o, g729("18 8"))
	r.Do(call.Connect{A: caller.leg, B: shares.leg})
	r.meet(caller, shares)
	agent := r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: agent.leg, B: caller.leg})
	r.meet(caller, agent)
	select {
	case leg := <-asked:
		if leg != caller.leg {
			t.Errorf("%s is offered anew, want the caller", leg)
		}
	case <-time.After(patience):
		t.Fatal("nothing is offered anew")
	}
}

// Whom a connection left with formats alone that are passed through is offered ours again for whatever she hears from us next.
func TestWhoSpeaksNothingOfOursIsOfferedItAgainForWhatSheHearsNext(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(*rig, *phone){
		"music":        func(r *rig, p *phone) { r.Do(call.Play{Leg: p.leg, Source: "music", Loop: true}) },
		"announcement": func(r *rig, p *phone) { r.Do(call.Say{Leg: p.leg, Clips: []string{"sv-position"}, Then: "music"}) },
		"conference": func(r *rig, p *phone) {
			a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
			a.speak(440)
			r.Do(call.Mix{Legs: []call.LegID{p.leg, a.leg, b.leg}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan call.LegID, 100)
			r := newRig(t, passing, func(c *Config) { c.Reoffer = func(leg call.LegID) { asked <- leg } })
			// answered has a leg answer our next offer, which must have the formats in this order.
			answered := func(p *phone, offered, formats string) {
				t.Helper()
				offer, err := r.Offer(p.leg)
				if err != nil || !strings.Contains(string(offer), "RTP/AVP "+offered) {
					t.Errorf("%s is offered %s, %v", p.leg, offer, err)
				}
				answer := strings.Replace(string(sdpOf(address(p.conn), p.codec)), "RTP/AVP 8", "RTP/AVP "+formats, 1)
				if _, err := r.Accept(p.leg, []byte(answer)); err != nil {
					t.Fatal(err)
				}
			}
			reoffered := func(p *phone) {
				t.Helper()
				for timeout := time.After(patience); ; {
					select {
					case leg := <-asked:
						if leg == p.leg {
							return
						}
					case <-timeout:
						t.Fatalf("%s is not offered anew", p.leg)
					}
				}
			}
			caller := r.openPhone(socket(t, "127.31.4.9"), "caller", negotiate.PCMA, Options{}, func(p *phone, offer []byte) []byte {
				a, err := r.Answer(p.leg, []byte(strings.Replace(string(offer), "RTP/AVP 8", "RTP/AVP 8 18", 1)))
				if err != nil {
					t.Fatal(err)
				}
				return a.SDP
			})
			agent := r.openPhone(socket(t, "127.31.4.9"), "agent", negotiate.PCMA, Options{Peer: "caller"}, func(p *phone, _ []byte) []byte {
				answered(p, "8 18", "18")
				offer, _ := r.Offer(p.leg)
				return offer
			})
			for range 2 { // she is held, comes back, is held again
				r.Do(call.Connect{A: caller.leg, B: agent.leg})
				reoffered(caller)
				answered(caller, "18 96\r", "18")
				hear(r, caller)
				reoffered(caller)
				answered(caller, "8 ", "8 18")
				caller.forget()
				for _, p := range caller.hear(5) {
					if p.payload != 8 {
						t.Errorf("hears payload %d", p.payload)
					}
				}
			}
		})
	}
}

// A tone cannot be laid over what is passed through: it takes its place, and the voice comes back after it.
func TestToneTakesThePlaceOfWhatIsPassedThrough(t *testing.T) {
	o, f := newTape()
	pass := negotiate.Pass{Name: "G729", Rate: 8000, Channels: 1}
	m := *o.media
	m.Pass[0] = pass
	m.Pass[0].Payload = 18
	o.apply(&m)
	o.remote = netip.MustParseAddrPort("127.0.0.1:9")
	a := &leg{}
	theirs := negotiate.Media{Pass: [negotiate.MaxPass]negotiate.Pass{pass}}
	a.media.Store(&theirs)
	o.hear(a)
	for i := range 60 {
		raw := make([]byte, headerSize+20)
		putHeader(raw, false, 18, uint16(i), uint32(160*i), 1)
		p, _ := parsePacket(raw)
		if i == 20 {
			o.sound(call.ToneSoft)
		}
		o.relay(a, &p, negotiate.FormatPass, false, int64(i)*20*ms)
		o.tick(int64(i)*20*ms + 5*ms)
	}
	kinds := ""
	for i, p := range f.sent {
		if i > 0 && p.seq != f.sent[i-1].seq+1 {
			t.Fatalf("packet %d: seq +%d", i, p.seq-f.sent[i-1].seq)
		}
		if k := map[uint8]string{18: "v", 8: "t"}[p.payload]; !strings.HasSuffix(kinds, k) {
			kinds += k
			if i > 0 && !p.marker {
				t.Errorf("packet %d has no marker", i)
			}
		}
	}
	if kinds != "vtv" {
		t.Errorf("heard %q, want voice, tone, voice", kinds)
	}
}
