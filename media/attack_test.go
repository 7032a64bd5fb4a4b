package media

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// attacker sprays 2 kHz at an address from its own host, and counts what it gets.
type attacker struct {
	conn *net.UDPConn
	stop chan struct{}
	done sync.WaitGroup
	got  int
}

func newAttacker(t *testing.T, targets ...netip.AddrPort) *attacker {
	a := &attacker{conn: socket(t, "127.31.4.66"), stop: make(chan struct{})}
	a.done.Go(func() {
		buf := make([]byte, 2048)
		for {
			if _, _, err := a.conn.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
			a.got++
		}
	})
	a.done.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-a.stop:
				return
			case <-tick.C:
			}
			for _, to := range targets {
				for _, ssrc := range []uint32{0x1001, 0x1002, uint32(n)} { // the right one, and any
					b := make([]byte, headerSize)
					putHeader(b, n%7 == 0, 8, uint16(65530+n), uint32(n*160), ssrc)
					a.conn.WriteToUDPAddrPort(append(b, voice(2000, n*160, negotiate.PCMA)...), to)
				}
				bye, _ := (&rtcp.Goodbye{Sources: []uint32{0x1001}}).Marshal()
				a.conn.WriteToUDPAddrPort(bye, to)
				a.conn.WriteToUDPAddrPort(bye, netip.AddrPortFrom(to.Addr(), to.Port()+1))
			}
		}
	})
	return a
}

// end stops the attack and returns how many packets it got.
func (a *attacker) end() int {
	close(a.stop)
	a.conn.Close()
	a.done.Wait()
	return a.got
}

func TestAttackerHearsNothingAndIsNotHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	evil := newAttacker(t, caller.ours, agent.ours) // before the first packet of anybody
	r.Do(call.Play{Leg: caller.leg, Source: "music", Loop: true})
	caller.hear(20)
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speak(440)
	agent.speak(1000)
	agent.hear(1)
	caller.hearUntil(func(p received) bool { return p.marker })
	hasTone(t, agent.hear(40), 440, 2000)
	hasTone(t, caller.hear(40), 1000, 2000)

	// Hold and resume open nothing.
	for _, line := range []string{"a=sendonly", "a=sendrecv"} {
		if _, err := r.Answer(agent.leg, sdpOf(address(agent.conn), negotiate.PCMA, line)); err != nil {
			t.Fatal(err)
		}
	}
	r.settleOn(agent)
	hasTone(t, agent.hear(20), 440, 2000)

	// A re-offer with another address opens the pin for that address alone.
	moved := socket(t, "127.31.4.9")
	if _, err := r.Answer(agent.leg, sdpOf(address(moved), negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	caller.forget()
	heard := caller.hearNone(200 * time.Millisecond)
	if l := level(linear(heard), 2000); l > 100 {
		t.Errorf("the attacker is heard with level %.0f", l)
	}
	if got := evil.end(); got != 0 {
		t.Errorf("the attacker got %d packets", got)
	}
	if r.fromElsewhere(caller) == 0 {
		t.Error("nothing of the attack was counted")
	}
}

// fromElsewhere counts the packets to a phone's port that came from where nothing of its leg may come from. Who sends to a
// shared port without an address that belongs to a leg has sent to none.
func (r *rig) fromElsewhere(p *phone) uint64 {
	return r.leg(p.leg).counts.dropped[dropSource].Load() + r.sockets.strangers()
}

// settleOn waits for voice to flow again after a re-offer.
func (r *rig) settleOn(p *phone) {
	r.t.Helper()
	p.forget()
	p.hear(2)
}

// hearNone collects for a while what is still heard.
func (p *phone) hearNone(d time.Duration) (out []received) {
	timeout := time.After(d)
	for {
		select {
		case h := <-p.hears:
			out = append(out, h)
		case <-timeout:
			return out
		}
	}
}

func TestFarSideBehindNATIsLatchedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	said := netip.MustParseAddrPort("127.31.9.9:4000") // a private address that nobody can reach
	if err := r.Open("a", Options{SignallingIP: netip.MustParseAddr("127.31.4.9")}); err != nil {
		t.Fatal(err)
	}
	answer, err := r.Answer("a", sdpOf(said, negotiate.PCMA))
	if err != nil {
		t.Fatal(err)
	}
	to := portOf(t, answer.SDP)
	where := func() netip.AddrPort { info, _ := r.Info("a"); return info.Remote }
	l := r.leg("a")
	say := func(from netip.AddrPort, seq uint16) {
		b := make([]byte, headerSize)
		putHeader(b, false, 8, seq, uint32(seq)*160, 1)
		l.receiveRTP(append(b, voice(440, 0, negotiate.PCMA)...), from, nil)
	}
	_ = to
	outside := netip.MustParseAddrPort("127.31.4.9:7000")
	say(netip.MustParseAddrPort("127.31.4.66:7000"), 1)
	if where() != said {
		t.Fatalf("a stranger moved the stream to %v", where())
	}
	l.receiveRTP([]byte("\x80\x63 no payload that was negotiated"), outside, nil)
	if where() != said {
		t.Fatalf("an invalid packet moved the stream to %v", where())
	}
	say(outside, 2)
	if where() != outside {
		t.Fatalf("sending to %v, want where the first packet came from", where())
	}
	say(netip.MustParseAddrPort("127.31.4.9:7002"), 3)
	say(said, 4)
	if where() != outside {
		t.Fatalf("the stream moved again, to %v", where())
	}
	if _, err := r.Answer("a", sdpOf(said, negotiate.PCMA, "a=sendonly")); err != nil {
		t.Fatal(err)
	}
	if where() != outside {
		t.Errorf("hold with the same address moved the stream to %v", where())
	}
	next := netip.MustParseAddrPort("127.31.9.9:4002")
	if _, err := r.Answer("a", sdpOf(next, negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	if where() != next {
		t.Errorf("after a new description sending to %v, want %v", where(), next)
	}
	if info, _ := r.Info("a"); info.Received != 1 {
		t.Errorf("%d packets taken, want 1", info.Received)
	}
}

func TestForbiddenTargetsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Open("first", Options{}); err != nil {
		t.Fatal(err)
	}
	first, _ := r.Info("first")
	for _, tc := range []struct {
		name, from, to string
	}{
		{"our own socket", "127.31.4.9", first.Local.String()},
		{"our own RTCP socket", "127.31.4.9", netip.AddrPortFrom(first.Local.Addr(), first.Local.Port()+1).String()},
		{"loopback from outside", "198.51.100.7", "127.0.0.1:4000"},
		{"link-local from outside", "198.51.100.7", "169.254.169.254:80"},
		{"multicast", "198.51.100.7", "224.0.0.1:4000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leg := call.LegID(tc.name)
			if err := r.Open(leg, Options{SignallingIP: netip.MustParseAddr(tc.from)}); err != nil {
				t.Fatal(err)
			}
			_, err := r.Answer(leg, sdpOf(netip.MustParseAddrPort(tc.to), negotiate.PCMA))
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Warning != negotiate.WarnAddress {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestRTCPOfAStrangerChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speakOnce(t, r, b)
	l := r.leg(a.leg)
	bye, _ := (&rtcp.Goodbye{Sources: []uint32{a.ssrc}}).Marshal()
	report, _ := (&rtcp.SenderReport{SSRC: a.ssrc, NTPTime: 1 << 40}).Marshal()
	stranger := netip.MustParseAddrPort("127.31.4.66:5")
	l.receiveRTCP(bye, stranger)
	l.receiveRTCP(report, stranger)
	l.receiveRTP(report, stranger, nil)
	l.receiveRTCP([]byte{0x80, 200, 0xff, 0xff, 0, 0, 0, 0}, address(a.conn))
	if l.in.report.senderReport != 0 || l.in.rtcpPin.locked.IsValid() {
		t.Error("a stranger's report was taken")
	}
	l.receiveRTCP(report, netip.AddrPortFrom(address(a.conn).Addr(), address(a.conn).Port()+1))
	if l.in.report.senderReport == 0 {
		t.Error("the far side's report was not taken")
	}
	l.in.report.senderReport = 0
	l.receiveRTP(report, address(a.conn), nil) // as far sides do that take an offer of rtcp-mux without saying so
	if l.in.report.senderReport == 0 {
		t.Error("the far side's report on the port of its audio was not taken")
	}
	a.say(440)
	b.hear(1)
}

func TestPacketsUnderWayFromTheOldAddressDoNotFixTheNewOne(t *testing.T) {
	old, said := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.1:5000")
	var p pin
	p.negotiated(old, 0)
	p.locked = old
	p.negotiated(said, 10)
	if p.admits(old, 10+pinGrace-1) {
		t.Error("a late packet from the old address is taken")
	}
	if !p.admits(said, 11) || !p.admits(old, 10+pinGrace) {
		t.Error("the far side is shut out")
	}
}

func TestOurOwnPacketsFixNoAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Open("loop", Options{}); err != nil {
		t.Fatal(err)
	}
	// The description names our host and a port that is not ours, in the hope that another leg sends here.
	if _, err := r.Answer("loop", sdpOf(netip.MustParseAddrPort("127.31.4.1:9"), negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	if err := r.Open("other", Options{}); err != nil {
		t.Fatal(err)
	}
	other, _ := r.Info("other")
	r.leg("loop").receiveRTP(make12(160), other.Local, nil)
	if info, _ := r.Info("loop"); info.Received != 0 || info.Dropped != 1 {
		t.Errorf("%+v", info)
	}
}

// Two calls at once: what one phone sends to the other call's ports is never heard there, nor is it answered to, whether
// the other call is plain or protected.
func TestOneCallNeverReachesAnother(t *testing.T) {
	needsOwnPorts(t) // where all send to the same port there is no other call's
	t.Parallel()
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.G722)
	c, d := r.safePhone("AES_CM_128_HMAC_SHA1_80"), r.safePhone("AEAD_AES_128_GCM")
	r.Do(call.Connect{A: a.leg, B: b.leg})
	r.Do(call.Connect{A: c.leg, B: d.leg})
	tones := map[*phone]float64{a: 440, b: 1000, c: 1500, d: 2200}
	for p, f := range tones {
		p.speak(f)
	}
	for _, p := range []*phone{a, b, c, d} {
		p.hear(5)
	}
	stray := func(p *phone, to netip.AddrPort) { // under its own name, with what it has: keys of its own call, if any
		raw := make([]byte, headerSize)
		p.mu.Lock()
		putHeader(raw, false, 8, p.seq+100, p.stamp, p.ssrc+1) // an SSRC of its own, so that its call does not suffer
		p.mu.Unlock()
		raw = append(raw, voice(3000, 0, negotiate.PCMA)...)
		p.conn.WriteToUDPAddrPort(raw, to)
		if p.seals != nil {
			p.mu.Lock()
			sealed, err := p.seals.EncryptRTP(nil, raw, nil)
			p.mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			p.conn.WriteToUDPAddrPort(sealed, to)
		}
	}
	for _, p := range []*phone{a, b, c, d} {
		p.forget()
	}
	for range 30 {
		stray(a, c.ours)
		stray(b, d.ours)
		stray(c, a.ours)
		stray(d, b.ours)
		a.hear(1)
	}
	for p, want := range map[*phone]float64{a: 1000, b: 440, c: 2200, d: 1500} {
		heard := p.hear(30)
		signal := linear(heard)
		if l := level(signal, want); l < 7000 {
			t.Errorf("%s hears its own call with level %.0f", p.leg, l)
		}
		for _, f := range []float64{440, 1000, 1500, 2200, 3000} {
			if l := level(signal, f); f != want && l > 150 {
				t.Errorf("%s hears %g Hz with level %.0f", p.leg, f, l)
			}
		}
	}
	for _, p := range []*phone{a, b, c, d} {
		if n := r.leg(p.leg).counts.dropped[dropSource].Load(); n < 30 {
			t.Errorf("%s: %d packets from elsewhere were dropped", p.leg, n)
		}
	}
}

// Neither a stranger nor a party of another call gets into a conference, nor hears it.
func TestAConferenceIsClosedToOtherCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := []*phone{r.phone(negotiate.PCMA), r.phone(negotiate.PCMU), r.safePhone("AES_CM_128_HMAC_SHA1_80")}
	other, friend := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	tones := []float64{400, 700, 1100}
	r.Do(call.Mix{Legs: []call.LegID{in[0].leg, in[1].leg, in[2].leg}})
	r.Do(call.Connect{A: other.leg, B: friend.leg})
	for i, p := range in {
		p.speak(tones[i])
	}
	other.speak(3000)
	friend.speak(2500)
	for i, p := range in {
		p.hearsAll(3000, tones[(i+1)%3], tones[(i+2)%3])
	}
	evil := newAttacker(t, in[0].ours, in[1].ours, in[2].ours)
	for range 30 { // from its own call's socket, under the name of each
		for i, p := range in {
			raw := make([]byte, headerSize)
			putHeader(raw, false, 8, uint16(9000+i), 0, p.ssrc)
			other.conn.WriteToUDPAddrPort(append(raw, voice(3000, 0, negotiate.PCMA)...), p.ours)
		}
		in[0].hear(1)
	}
	for i, p := range in {
		heard := linear(p.hear(30))
		for _, f := range []float64{2000, 2500, 3000} {
			if l := level(heard, f); l > 400 {
				t.Errorf("%s hears %g Hz of others with level %.0f", p.leg, f, l)
			}
		}
		p.hearsAll(3000, tones[(i+1)%3], tones[(i+2)%3])
		if n := r.fromElsewhere(p); n < 30 {
			t.Errorf("%s: %d packets from elsewhere were dropped", p.leg, n)
		}
	}
	heard := linear(friend.hear(30))
	for _, f := range tones {
		if l := level(heard, f); l > 400 {
			t.Errorf("another call hears %g Hz of the conference with level %.0f", f, l)
		}
	}
	if got := evil.end(); got != 0 {
		t.Errorf("the attacker got %d packets", got)
	}
}
