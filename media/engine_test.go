package media

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"telefonist/call"
	"telefonist/media/negotiate"
)

func TestEachHearsTheOther(t *testing.T) {
	for _, tc := range [][2]negotiate.Codec{
		{negotiate.PCMA, negotiate.PCMA}, {negotiate.PCMU, negotiate.PCMU}, {negotiate.PCMA, negotiate.PCMU},
		{negotiate.G722, negotiate.G722}, {negotiate.G722, negotiate.PCMA}, {negotiate.PCMU, negotiate.G722},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a, b := r.phone(tc[0]), r.phone(tc[1])
			r.Do(call.Connect{A: a.leg, B: b.leg})
			a.speak(440)
			b.speak(1000)
			atA, atB := a.hear(40), b.hear(40)
			hasTone(t, atA, 1000, 440)
			hasTone(t, atB, 440, 1000)
			oneStream(t, atA)
			oneStream(t, atB)
			if want := payloadOf(tc[1]); atB[0].payload != want {
				t.Errorf("payload %d, want %d", atB[0].payload, want)
			}
			info, _ := r.Info(a.leg)
			if info.Codec != tc[0].String() || info.Converted != (tc[0] != tc[1]) || info.Received < 40 || info.Sent < 39 || info.Lost != 0 ||
				info.Remote != address(a.conn) || info.Local != a.ours {
				t.Errorf("info = %+v", info)
			}
		})
	}
}

func TestListenerHearsOneStreamFromMusicToAgentAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.Prompts = map[string]string{"music": writeWAV(t, t.TempDir(), "m.wav", 8000, 1, sine(1600, 8000, 4000))}
	})
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
	agent.speak(440)
	r.Do(call.Play{Leg: caller.leg, Source: "music", Loop: true})
	heard := caller.hear(40)
	if !heard[0].marker {
		t.Error("the first packet has no marker")
	}
	hasTone(t, heard, 1600, 440)

	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	heard = append(heard, caller.hearUntil(func(p received) bool { return p.marker })...)
	voice := caller.hear(40)
	hasTone(t, voice, 440, 1600)
	heard = append(heard, voice...)

	r.Do(call.Play{Leg: caller.leg, Source: "music", Loop: true})
	heard = append(heard, caller.hearUntil(func(p received) bool { return p.marker })...)
	music := caller.hear(20)
	hasTone(t, music, 1600, 440)
	oneStream(t, append(heard, music...))
}

func TestToneSoundsInOneEarOverTheVoice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
	caller.speak(440)
	agent.speak(1000)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	before := agent.hear(10)
	r.Do(call.Tone{Leg: agent.leg, Kind: call.ToneSoft})
	during := agent.hear(30)
	loudest := 0.0
	for i := range during[5:] {
		loudest = max(loudest, level(linear(during[i:i+5]), 660))
	}
	if loudest < 2000 {
		t.Errorf("the tone has level %.0f in the agent's ear", loudest)
	}
	hasTone(t, agent.hear(20), 440, 660)
	oneStream(t, append(before, during...))
	hasTone(t, caller.hear(50), 1000, 660)
}

func TestToneIsHeardWhenNobodySpeaks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	r.Do(call.Tone{Leg: agent.leg, Kind: call.ToneMark})
	heard := agent.hear(16)
	if l := level(linear(heard[:6]), 880); l < 3000 {
		t.Errorf("the tone has level %.0f", l)
	}
	caller.say(440)
	voice := agent.hear(1)
	oneStream(t, append(heard, voice...))
	if !voice[0].marker {
		t.Error("the voice after the tone has no marker")
	}
}

func TestEventsKeepTheirTimestampAndTakeTheListenersNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller := r.phone(negotiate.PCMA)
	conn := socket(t, "127.31.4.9")
	agent := r.phoneAt(conn, "agent", negotiate.PCMA)
	offer := strings.ReplaceAll(strings.ReplaceAll(string(sdpOf(address(conn), negotiate.PCMA)), ":96", ":120"), "8 96", "8 120")
	if _, err := r.Answer("agent", []byte(offer)); err != nil {
		t.Fatal(err)
	}
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speakOnce(t, r, agent)
	for i := range 3 { // key 5, growing longer
		caller.send(96, i == 0, 0, []byte{5, 10, 0, byte(160 * i)})
	}
	caller.mu.Lock()
	caller.stamp += 480
	caller.mu.Unlock()
	caller.say(440)
	heard := agent.hear(4)
	for i, p := range heard[:3] {
		if p.payload != 120 || p.time != heard[0].time || p.data()[0] != 5 || p.marker != (i == 0) {
			t.Errorf("event packet %d: payload %d time %d data %v", i, p.payload, p.time, p.data())
		}
	}
	if heard[3].payload != 8 || heard[3].time != heard[0].time+480 {
		t.Errorf("voice after the event: payload %d, %d samples on", heard[3].payload, heard[3].time-heard[0].time)
	}
}

// speakOnce sends voice until the other phone hears it, so that a command given before has been carried out.
func (p *phone) speakOnce(t *testing.T, r *rig, other *phone) {
	t.Helper()
	for range 1000 {
		p.say(440)
		select {
		case <-other.hears:
			r.settle(other)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("never heard")
}

// settle waits until what was sent to a phone before has been heard by it, and forgets it.
func (r *rig) settle(p *phone) {
	r.t.Helper()
	for {
		select {
		case <-p.hears:
		case <-time.After(60 * time.Millisecond):
			return
		}
	}
}

func TestLossIsPreservedAndRepeatsAreDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speakOnce(t, r, b)
	a.say(440)
	first := b.hear(1)[0]
	skip := func(n int) {
		a.mu.Lock()
		a.seq += uint16(n)
		a.stamp += uint32(int32(n) * 160)
		a.mu.Unlock()
	}
	skip(3) // lost
	a.say(440)
	skip(-1)
	a.say(440) // the same again
	skip(-3)
	a.say(440) // one that was overtaken
	skip(2)
	a.say(440)
	var got []int
	for _, p := range b.hear(3) {
		got = append(got, int(int16(p.seq-first.seq)))
		if p.time-first.time != uint32(int32(int16(p.seq-first.seq))*160) {
			t.Errorf("seq +%d has timestamp +%d", p.seq-first.seq, p.time-first.time)
		}
	}
	if fmt.Sprint(got) != "[4 2 5]" {
		t.Errorf("sequence goes on with %v, want [4 2 5]", got)
	}
	if info, _ := r.Info(a.leg); info.Dropped != 1 {
		t.Errorf("dropped %d, want the repeat", info.Dropped)
	}
}

// A media server that is changed in the middle of a call may go on with lower numbers and the same SSRC.
func TestASenderThatBeginsAnewWithLowerNumbersIsHeard(t *testing.T) {
	t.Parallel()
	for _, codec := range []negotiate.Codec{negotiate.PCMA, negotiate.G722} {
		r := newRig(t)
		a, b := r.phone(negotiate.PCMA), r.phone(codec)
		r.Do(call.Connect{A: a.leg, B: b.leg})
		a.speakOnce(t, r, b)
		a.say(440)
		heard := b.hear(1)
		a.mu.Lock()
		a.seq -= 500
		a.mu.Unlock()
		a.speak(440)
		heard = append(heard, b.hear(20)...)
		oneStream(t, heard)
	}
}

func TestUnknownPayloadsAreNotRelayedAndLeaveNoGap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speakOnce(t, r, b)
	a.say(440)
	a.send(13, false, 160, []byte{40}) // comfort noise was not negotiated
	a.say(440)
	heard := b.hear(2)
	if heard[1].seq != heard[0].seq+1 || heard[1].time != heard[0].time+320 {
		t.Errorf("seq +%d, timestamp +%d", heard[1].seq-heard[0].seq, heard[1].time-heard[0].time)
	}
}

func TestCommandsEndWhatWasBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent, target := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	caller.speak(440)
	agent.speak(1000)
	target.speak(2000)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	hasTone(t, agent.hear(10), 440)

	r.Do(call.Connect{A: agent.leg, B: target.leg}) // the caller is left alone
	agent.hearUntil(func(p received) bool { return p.marker })
	r.settle(caller)
	hasTone(t, agent.hear(10), 2000, 440)
	if n := len(caller.hears); n != 0 {
		t.Errorf("the caller heard %d packets", n)
	}

	r.Do(call.Play{Leg: target.leg, Source: call.SourceBusy, Loop: true}) // the agent is left alone
	target.hearUntil(func(p received) bool { return p.marker })
	r.settle(agent)
	r.Do(call.Disconnect{Leg: target.leg})
	r.settle(target)
	for _, p := range []*phone{caller, agent, target} {
		if n := len(p.hears); n != 0 {
			t.Errorf("%s still hears %d packets", p.leg, n)
		}
	}
}

func TestAnInactiveLegIsNeitherHeardNorHears(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speakOnce(t, r, b)
	b.speakOnce(t, r, a)
	if _, err := r.Answer(a.leg, sdpOf(address(a.conn), negotiate.PCMA, "a=inactive")); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		a.say(440)
		b.say(1000)
	}
	r.settle(a)
	r.settle(b)
	if info, _ := r.Info(a.leg); info.Direction != Inactive || info.Dropped != 10 {
		t.Errorf("%+v", info)
	}
	if _, err := r.Answer(a.leg, sdpOf(address(a.conn), negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	a.say(440)
	b.say(1000)
	b.hear(1)
	a.hear(1)
}

// Hold in each of its forms (RFC 3264 section 8.4, and that of RFC 2543): nothing is sent meanwhile, and what comes after it goes on
// as the same stream.
func TestHoldStopsTheAudioAndResumeBringsItBack(t *testing.T) {
	for name, hold := range map[string]func(string) string{
		"sendonly": func(s string) string { return s + "a=sendonly\r\n" },
		"inactive": func(s string) string { return s + "a=inactive\r\n" },
		"0.0.0.0":  func(s string) string { return strings.Replace(s, "c=IN IP4 127.31.4.9", "c=IN IP4 0.0.0.0", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
			r.Do(call.Connect{A: a.leg, B: b.leg})
			a.speakOnce(t, r, b)
			b.say(1000)
			heard := a.hear(1)
			talk := string(sdpOf(address(a.conn), negotiate.PCMA))
			held, err := r.Answer(a.leg, []byte(hold(talk)))
			if err != nil || !held.Direction.Held() {
				t.Fatalf("%v, %v", held.Direction, err)
			}
			for range 5 {
				b.say(1000)
			}
			for range 200 { // until the engine has them
				if info, _ := r.Info(b.leg); info.Received == 6 {
					break
				}
				r.settle(b)
			}
			if resumed, err := r.Answer(a.leg, []byte(talk)); err != nil || resumed.Direction.Held() {
				t.Fatalf("%v, %v", resumed.Direction, err)
			}
			b.say(1000)
			heard = append(heard, a.hear(1)...)
			oneStream(t, heard)
			if !heard[1].marker {
				t.Error("the first packet after the hold has no marker")
			}
			info, _ := r.Info(a.leg)
			for range 200 { // a packet is counted a moment after it has left
				if info.Sent >= 2 {
					break
				}
				r.settle(b)
				info, _ = r.Info(a.leg)
			}
			if info.Sent != 2 {
				t.Errorf("%d packets were sent", info.Sent)
			}
		})
	}
}

func TestPromptPostsItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.Prompts = map[string]string{"short": writeWAV(t, t.TempDir(), "s.wav", 8000, 1, sine(440, 8000, 1000))}
	})
	p := r.phone(negotiate.PCMU)
	r.Do(call.Play{Leg: p.leg, Source: "short"})
	r.want(p.leg, call.PromptDone{})
	if n := len(p.hear(7)); n != 7 || len(p.hears) != 0 {
		t.Errorf("a prompt of 125 ms came in %d packets", n+len(p.hears))
	}
	r.Do(call.Play{Leg: p.leg, Source: "no such prompt"})
	r.want(p.leg, call.PromptDone{})
}

func TestCommandWaitsForASessionAboutToOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: "late"})
	a.speak(440)
	late := r.phoneAt(socket(t, "127.31.4.9"), "late", negotiate.PCMA)
	hasTone(t, late.hear(10), 440)
}

func TestPacketTimeOfTheListenerIsUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.phone(negotiate.PCMA)
	if _, err := r.Answer(p.leg, sdpOf(address(p.conn), negotiate.PCMA, "a=ptime:30")); err != nil {
		t.Fatal(err)
	}
	r.Do(call.Play{Leg: p.leg, Source: call.SourceRingback, Loop: true})
	for i, h := range p.hear(5) {
		if len(h.data()) != 240 {
			t.Errorf("packet %d has %d samples, want 240", i, len(h.data()))
		}
	}
}

func TestPortsAreTakenAndRestAfterClose(t *testing.T) {
	needsOwnPorts(t)
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MinPort, c.MaxPort = 21001, 21005 }) // one whole pair, 21002 and 21003; and 21004/5
	for i, want := range []error{nil, nil, ErrNoPorts} {
		if err := r.Open(call.LegID(fmt.Sprint(i)), Options{}); !errors.Is(err, want) {
			t.Fatalf("open %d: %v", i, err)
		}
	}
	if err := r.Open("0", Options{}); !errors.Is(err, ErrOpen) {
		t.Errorf("second open: %v", err)
	}
	r.Close("0")
	r.Close("0")
	if err := r.Open("3", Options{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("a port was used again without a rest: %v", err)
	}
	pairs := portsOf(r.sockets)
	pairs.mu.Lock()
	if rest := time.Until(pairs.resting[0].until); rest < portRest-time.Second || rest > portRest {
		t.Errorf("rest of %v", rest)
	}
	pairs.resting[0].until = time.Now()
	pairs.mu.Unlock()
	if err := r.Open("3", Options{}); err != nil {
		t.Errorf("after the rest: %v", err)
	}
	if _, err := r.Offer("0"); !errors.Is(err, ErrNoSession) {
		t.Errorf("offer of a closed leg: %v", err)
	}
}

func TestOfferPrefersThePeersCodec(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.phone(negotiate.PCMU)
	if err := r.Open("out", Options{Peer: p.leg}); err != nil {
		t.Fatal(err)
	}
	offer, err := r.Offer("out")
	if err != nil || !strings.Contains(string(offer), "RTP/AVP 0 8 9 101\r\n") {
		t.Errorf("offer %s, %v", offer, err)
	}
	if _, err := r.Accept("out", sdpOf(address(socket(t, "127.31.4.9")), negotiate.PCMU)); err != nil {
		t.Fatal(err)
	}
	if info, _ := r.Info("out"); info.Codec != "PCMU" {
		t.Errorf("codec %s", info.Codec)
	}
}

func TestAddressesAdvertisedAndBound(t *testing.T) {
	t.Parallel()
	local := netip.MustParseAddr("127.0.0.1")
	r := newRig(t, func(c *Config) { c.Address = netip.IPv4Unspecified() })
	if err := r.Open("none", Options{}); !errors.Is(err, ErrNoAddress) {
		t.Errorf("open without an address: %v", err)
	}
	if err := r.Open("x", Options{LocalIP: local}); err != nil {
		t.Fatal(err)
	}
	if info, _ := r.Info("x"); info.Local.Addr() != local {
		t.Errorf("advertised %v", info.Local)
	}
	external := netip.MustParseAddr("198.51.100.1")
	nat := newRig(t, func(c *Config) { c.External = external; c.MinPort, c.MaxPort = 22000, 22099 })
	if err := nat.Open("x", Options{LocalIP: local}); err != nil {
		t.Fatal(err)
	}
	if info, _ := nat.Info("x"); info.Local.Addr() != external {
		t.Errorf("advertised %v", info.Local)
	}
	nat.Engine.cfg.Address = netip.IPv4Unspecified() // an address behind the NAT means nothing to who comes by IPv6
	six := netip.MustParseAddr("2001:db8::1")
	for local, want := range map[netip.Addr]netip.Addr{netip.IPv6Loopback(): netip.IPv6Loopback(), six: netip.IPv6Unspecified()} {
		if bind, advertise, err := nat.addresses(local); bind != want || advertise != local || err != nil {
			t.Errorf("%v is bound to %v and advertised as %v, %v", local, bind, advertise, err)
		}
	}
}

func TestMetricsAreThereAtZeroAndOutliveTheirLegs(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	r := newRig(t, func(c *Config) { c.Registerer = reg })
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 2+1+int(drops)+1+3+3*2+1 {
		t.Errorf("%d series, %v", n, err)
	}
	p := r.phone(negotiate.PCMA)
	p.say(440)
	r.Do(call.Play{Leg: p.leg, Source: "music", Loop: true})
	p.hear(3)
	r.Close(p.leg)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP telefonist_media_sessions Legs with a media session.
# TYPE telefonist_media_sessions gauge
telefonist_media_sessions 0
`), "telefonist_media_sessions"); err != nil {
		t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.metrics.closed.received != 1 || r.metrics.closed.sent < 3 {
		t.Errorf("totals %+v", r.metrics.closed)
	}
}
