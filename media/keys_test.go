package media

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// pressKey sends a key as phones do: packets of 20 ms, the last three times.
func (p *phone) pressKey(code byte, packets int) {
	for i := 1; i <= packets; i++ {
		p.send(96, i == 1, 0, []byte{code, 10, byte(160 * i >> 8), byte(160 * i)})
	}
	for range 3 {
		p.send(96, false, 0, []byte{code, 0x80 | 10, byte(160 * packets >> 8), byte(160 * packets)})
	}
	p.mu.Lock()
	p.stamp += uint32(160*packets + 800)
	p.mu.Unlock()
}

// wantKey waits for a key of a leg.
func (r *rig) wantKey(leg call.LegID, want call.Digit) {
	r.t.Helper()
	select {
	case p := <-r.events:
		if p.leg != leg || p.ev != want {
			r.t.Fatalf("event %v, want %v of %s", p, want, leg)
		}
	case <-time.After(patience):
		r.t.Fatalf("no key %v of %s", want, leg)
	}
}

func TestKeysOfACallerWhoHearsMusicAreToldOncePerPress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller := r.phone(negotiate.PCMA)
	r.Do(call.Play{Leg: caller.leg, Source: call.SourceMusic, Loop: true})
	for _, code := range []byte{9, 9, 11, 16, 12} { // 16 is no key
		caller.pressKey(code, 5)
	}
	for _, want := range []string{"9", "9", "#", "A"} {
		r.wantKey(caller.leg, call.Digit{Digit: want, Duration: 100 * time.Millisecond})
	}
	if len(r.events) > 0 {
		t.Error("more events", <-r.events)
	}
}

func TestKeyReader(t *testing.T) {
	type in struct {
		time uint32
		e    event
		at   int64 // ms
	}
	long := uint16(longestEvent)
	for name, c := range map[string]struct {
		in   []in
		want string
	}{
		"told at its end":           {[]in{{0, event{code: 1, duration: 160}, 0}, {0, event{code: 1, end: true, duration: 320}, 20}}, "1/320"},
		"repeats mean nothing":      {[]in{{0, event{code: 1, end: true, duration: 320}, 0}, {0, event{code: 1, end: true, duration: 320}, 1}}, "1/320"},
		"the end alone":             {[]in{{5, event{code: 15, end: true, duration: 800}, 0}}, "D/800"},
		"the end lost, then others": {[]in{{0, event{code: 1, duration: 160}, 0}, {900, event{code: 2, end: true, duration: 160}, 100}}, "1/160 2/160"},
		"overtaken":                 {[]in{{900, event{code: 2, end: true, duration: 160}, 0}, {0, event{code: 1, end: true, duration: 160}, 1}}, "2/160"},
		"in segments": {[]in{{0, event{code: 3, duration: long}, 0}, {uint32(long), event{code: 3, duration: 10}, 1},
			{uint32(long), event{code: 3, end: true, duration: 20}, 2}}, "3/65555"},
		"no key": {[]in{{0, event{code: 16, end: true, duration: 160}, 0}}, ""},
	} {
		var k keys
		got := []string{}
		for _, p := range c.in {
			for _, f := range k.read(1, p.time, p.e, p.at*ms) {
				got = append(got, fmt.Sprintf("%s/%d", f.name(), f.units))
			}
		}
		want := strings.Fields(c.want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestKeyWhoseEndIsLostIsToldWhenNothingFollows(t *testing.T) {
	var k keys
	k.read(1, 0, event{code: 7, duration: 480}, 0)
	if _, ok := k.lapsed(keyLapse - 1); ok {
		t.Error("told while it may go on")
	}
	if got, ok := k.lapsed(keyLapse); !ok || got != (key{7, 480}) {
		t.Error("not told", got)
	}
	if _, ok := k.lapsed(2 * keyLapse); ok {
		t.Error("told twice")
	}
	if len(k.read(1, 0, event{code: 7, end: true, duration: 480}, 3*keyLapse)) > 0 {
		t.Error("told again by its late end")
	}
}

func TestKeysThatNoFingerPressesAreNotTold(t *testing.T) {
	var k keys
	told := 0
	for i := range 10000 {
		told += len(k.read(1, uint32(i*10), event{code: uint8(i % 16), end: true, duration: 5}, int64(i)*ms/10))
	}
	if most := keyBurst + int(time.Second/time.Duration(keyEvery)) + 2; told > most || told < keyBurst {
		t.Errorf("%d keys in a second, want at most %d", told, most)
	}
}

func TestKeyOfSignallingGoesOnAsEventsBetweenAudio(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speakOnce(t, r, agent)
	caller.speak(440)
	agent.forget()
	r.Press(caller.leg, "5", 100*time.Millisecond)
	r.Press(caller.leg, "#", 0)
	r.wantKey(caller.leg, call.Digit{Digit: "5", Duration: 100 * time.Millisecond})
	r.wantKey(caller.leg, call.Digit{Digit: "#", Duration: keyLeast})
	ends := 0
	heard := agent.hearUntil(func(p received) bool {
		if p.payload == 96 && p.data()[1]&0x80 != 0 {
			ends++
		}
		return ends == 2*pressEnds
	})
	heard = append(heard, agent.hear(3)...)
	var codes []byte
	for i, p := range heard {
		if i > 0 && (p.ssrc != heard[0].ssrc || p.seq != heard[i-1].seq+1) {
			t.Fatalf("packet %d: seq %d follows %d", i, p.seq, heard[i-1].seq)
		}
		if p.payload != 96 {
			continue
		}
		if begins := i == 0 || heard[i-1].payload != 96 || heard[i-1].time != p.time; begins != p.marker {
			t.Errorf("packet %d: marker %v", i, p.marker)
		}
		if p.marker {
			codes = append(codes, p.data()[0])
		} else if p.time != heard[i-1].time {
			t.Errorf("packet %d: an event has one timestamp", i)
		}
	}
	if !slices.Equal(codes, []byte{5, 11}) {
		t.Errorf("events %v", codes)
	}
	if last := heard[len(heard)-1]; last.payload != 0 {
		t.Errorf("no voice after the keys but payload %d", last.payload)
	}
}

// A key that a caller pressed to the queue is not heard by whom it has her connected with: an automaton would take it for its own.
func TestAKeyThatBeganBeforeTheConnectionIsNotRelayed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Press = func(call.LegID, string, time.Duration) { t.Error("told by INFO") } })
	caller, target := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Play{Leg: caller.leg, Source: call.SourceMusic, Loop: true})
	packet := func(code, flags byte, units int) {
		caller.send(96, units == 160, 0, []byte{code, flags, byte(units >> 8), byte(units)})
	}
	packet(9, 10, 160)
	packet(9, 0x8a, 160)
	r.wantKey(caller.leg, call.Digit{Digit: "9", Duration: 20 * time.Millisecond})
	r.Do(call.Connect{A: caller.leg, B: target.leg})
	r.meet(caller, target)
	packet(9, 0x8a, 160) // the end once more
	caller.mu.Lock()
	caller.stamp += 1600
	caller.mu.Unlock()
	caller.pressKey(5, 3)
	heard := target.hear(6)
	for i, p := range heard {
		if e, ok := parseEvent(p.data()); !ok || p.payload != 96 || e.code != 5 || p.marker != (i == 0) || p.seq != heard[0].seq+uint16(i) {
			t.Errorf("packet %d of payload %d is key %d, marker %v, seq +%d", i, p.payload, e.code, p.marker, p.seq-heard[0].seq)
		}
	}
	r.wantKey(caller.leg, call.Digit{Digit: "5", Duration: 60 * time.Millisecond})

	packet(7, 10, 160) // and one that is held down meanwhile
	target.hear(1)
	third := r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: caller.leg, B: third.leg})
	r.meet(caller, third)
	packet(7, 0x8a, 320)
	r.wantKey(caller.leg, call.Digit{Digit: "7", Duration: 40 * time.Millisecond})
	caller.say(440)
	if p := third.hear(1)[0]; p.payload != 8 {
		t.Errorf("payload %d is heard first", p.payload)
	}
}

func TestKeysAreToldToWhomHasNoEvents(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	r := newRig(t, func(c *Config) {
		c.Press = func(leg call.LegID, digit string, d time.Duration) { told <- fmt.Sprint(leg, digit, d) }
	})
	caller := r.phone(negotiate.PCMA)
	conn := socket(t, "127.31.4.9")
	agent := r.phoneAt(conn, "agent", negotiate.PCMA)
	plain := strings.Replace(string(sdpOf(address(conn), negotiate.PCMA)), " 8 96\r\na=rtpmap:96 telephone-event/8000", " 8", 1)
	if _, err := r.Answer("agent", []byte(plain)); err != nil {
		t.Fatal(err)
	}
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speakOnce(t, r, agent)
	r.Press(caller.leg, "4", 80*time.Millisecond)
	caller.pressKey(3, 10)
	r.wantKey(caller.leg, call.Digit{Digit: "4", Duration: 80 * time.Millisecond})
	r.wantKey(caller.leg, call.Digit{Digit: "3", Duration: 200 * time.Millisecond})
	for _, want := range []string{"agent480ms", "agent3200ms"} {
		if got := <-told; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	r.Press(caller.leg, "3", 80*time.Millisecond) // it sends events, so that this is the same key
	r.Press("nobody", "3", 0)
	r.Press(caller.leg, "34", 0)
	caller.pressKey(2, 10)
	r.wantKey(caller.leg, call.Digit{Digit: "2", Duration: 200 * time.Millisecond})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{5, 0x8a, 1, 0x40, 5, 0x8a, 1, 0x40})
	f.Fuzz(func(t *testing.T, b []byte) {
		var k keys
		for at := int64(0); len(b) >= 6; at, b = at+20*ms, b[1:] {
			p := packet{raw: slices.Clone(b)}
			if ok := p.tidyEvent(); !ok {
				continue
			}
			e, ok := parseEvent(p.raw)
			if !ok || len(p.raw) != eventSize || p.raw[1]&0x40 != 0 {
				t.Fatalf("tidied: %v", p.raw)
			}
			for _, pressed := range k.read(uint32(b[4]&1), uint32(b[5]), e, at) {
				if pressed.name() == "" || pressed.duration() < 0 {
					t.Fatal(pressed)
				}
			}
		}
	})
}
