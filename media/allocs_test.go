package media

import (
	"net/netip"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// The whole way of a packet, from the far side's socket to the listener's: no part of it may allocate.
func TestAPacketRelayedThroughSocketsCostsNoAllocation(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MinPort, c.MaxPort = 27000, 27099 })
	from, to := socket(t, "127.31.4.9"), socket(t, "127.31.4.9")
	for id, far := range map[call.LegID]netip.AddrPort{"a": address(from), "z": address(to)} {
		if err := r.Open(id, Options{SignallingIP: far.Addr()}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Answer(id, sdpOf(far, negotiate.PCMA)); err != nil {
			t.Fatal(err)
		}
	}
	r.connect(call.Connect{A: "a", B: "z"})
	info, _ := r.Info("a")
	raw, buf := make12(160), make([]byte, packetSize)
	var seq uint16
	_ = to.SetReadDeadline(time.Now().Add(patience))
	pass := func() {
		seq++
		putHeader(raw, false, 8, seq, uint32(seq)*160, 7)
		if _, err := from.WriteToUDPAddrPort(raw, info.Local); err != nil {
			t.Fatal(err)
		}
		if _, _, err := to.ReadFromUDPAddrPort(buf); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(500, pass); n != 0 {
		t.Errorf("%g allocations a packet", n)
	}
}

func TestAPacketOfMusicCostsNoAllocation(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MinPort, c.MaxPort = 27100, 27199 })
	far := socket(t, "127.31.4.9")
	if err := r.Open("a", Options{SignallingIP: address(far).Addr()}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Answer("a", sdpOf(address(far), negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	o := &r.leg("a").out
	o.start(&playback{clip: r.clips["music"], loop: true})
	now := int64(0)
	if n := testing.AllocsPerRun(500, func() { now += int64(tick); o.tick(now) }); n != 0 {
		t.Errorf("%g allocations a packet", n)
	}
	if sent := r.leg("a").counts.sent.Load(); sent < 500 {
		t.Errorf("%d packets were sent", sent)
	}
}

func TestAConvertedPacketCostsNoAllocation(t *testing.T) {
	for name, way := range map[string][2]negotiate.Codec{
		"A-law to G.722": {negotiate.PCMA, negotiate.G722}, "G.722 to u-law": {negotiate.G722, negotiate.PCMU},
		"A-law to u-law": {negotiate.PCMA, negotiate.PCMU},
	} {
		o, _ := newTape()
		o.flow, o.codec, o.payload = nowhere{}, way[1], payloadOf(way[1])
		from := &leg{}
		o.hear(from)
		var e encoder
		p, i := tonePacket(0, &e, way[0]), 0
		pass := func() {
			i++
			now := int64(i) * int64(tick)
			p.seq, p.time = uint16(i), uint32(160*i)
			o.relay(from, p, codecFormat(way[0]), false, now)
			o.tick(now)
		}
		pass() // makes the bridge
		if n := testing.AllocsPerRun(500, pass); n != 0 {
			t.Errorf("%s: %g allocations a packet", name, n)
		}
	}
}

func TestACutPacketCostsNoAllocation(t *testing.T) {
	for _, length := range []time.Duration{10, 30, 60} {
		o, _ := framedTape(length * time.Millisecond)
		o.flow = nowhere{}
		from := &leg{}
		o.hear(from)
		p, i := counting(0, 0, 160), 0
		pass := func() {
			i++
			p.seq, p.time = uint16(i), uint32(160*i)
			o.relay(from, p, negotiate.FormatPCMA, false, int64(i)*int64(tick))
		}
		pass() // makes room for what waits
		if n := testing.AllocsPerRun(500, pass); n != 0 {
			t.Errorf("%d ms: %g allocations a packet", length, n)
		}
	}
}

func TestAProtectedPacketCostsNoAllocation(t *testing.T) {
	for _, suite := range []negotiate.Suite{negotiate.AESCM80, negotiate.AESCM32, negotiate.AESGCM} {
		var none *cipher
		ours, theirs := none.rekeyed(negotiate.Crypto{Suite: suite}), none.rekeyed(negotiate.Crypto{Suite: suite})
		raw, seq := make12(160), uint16(0)
		pass := func() {
			seq++
			putHeader(raw, false, 8, seq, uint32(seq)*160, 7)
			sealed, ok := ours.seal(raw)
			if !ok {
				t.Fatal("not sealed")
			}
			if plain, ok := theirs.open(sealed); !ok || len(plain) != len(raw) {
				t.Fatal("not opened")
			}
		}
		pass() // the first of a source
		if n := testing.AllocsPerRun(500, pass); n != 0 && !raced {
			t.Errorf("%v: %g allocations a packet", suite, n)
		}
	}
}

// A key costs something when it is pressed, its packets nothing: sent by ourselves, or relayed and read.
func TestAPacketOfAKeyCostsNoAllocation(t *testing.T) {
	o, _ := newTape()
	o.flow, o.event = nowhere{}, 96
	k, _ := keyOf("5", keyMost)
	o.press(k)
	now := int64(0)
	if n := testing.AllocsPerRun(200, func() { now += int64(tick); o.tick(now) }); n != 0 || o.presses == nil {
		t.Errorf("%g allocations a packet, presses %v", n, o.presses)
	}

	relayed, _ := newTape()
	relayed.flow, relayed.event = nowhere{}, 96
	from := &leg{}
	relayed.hear(from)
	raw, i := make12(eventSize), 0
	from.in.direction = SendRecv
	if n := testing.AllocsPerRun(200, func() {
		i++
		putHeader(raw, i == 1, 96, uint16(i), 1600, 7)
		event{code: 5, duration: uint16(160 * i)}.put(raw[headerSize:])
		p, _ := parsePacket(raw)
		from.hearKey(&p, int64(i)*int64(tick))
		relayed.relay(from, &p, negotiate.FormatEvent, false, int64(i)*int64(tick))
	}); n != 0 {
		t.Errorf("%g allocations a packet", n)
	}
}

// Thousands of listeners share the slots of a tick, and each hears its packets at an even pace.
func TestListenersAreSpreadOverTheTick(t *testing.T) {
	s := &shard{wake: make(chan struct{}, 1)}
	for range 100 {
		s.add(&leg{}, 5*slotTime+1)
	}
	for slot, n := range s.legs {
		if n != 10 {
			t.Errorf("slot %d has %d of 100 legs", slot, n)
		}
	}
	alone := &shard{wake: make(chan struct{}, 1)}
	alone.add(&leg{}, 5*slotTime+1)
	if alone.legs[6] != 1 {
		t.Errorf("the first leg is not in the next slot: %v", alone.legs)
	}
}

func TestEveryPlaybackMovesByTheSameStepHoweverLateTheClockIs(t *testing.T) {
	o, f := newTape()
	o.start(&playback{clip: newClip("x", sine(440, 8000, 8000)), loop: true, began: 1})
	s := &shard{engine: &Engine{}, wake: make(chan struct{}, 1)}
	l := &leg{}
	l.out.flow, l.out.counts, l.out.remote = o.flow, o.counts, o.remote
	l.out.direction, l.out.codec, l.out.payload, l.out.frame, l.out.play = o.direction, o.codec, o.payload, o.frame, o.play
	s.add(l, 0)
	for i := range int64(50) {
		if busy := s.tickAll(1, slotTime+i*int64(tick)); !busy {
			t.Fatal("the leg was forgotten")
		}
		if len(f.sent) != int(i)+1 {
			t.Fatalf("%d packets after %d ticks", len(f.sent), i+1)
		}
	}
	l.out.play = nil
	if busy := s.tickAll(1, int64(60*tick)); busy || s.total != 0 {
		t.Error("a leg that hears nothing is kept")
	}
}
