//go:build linux && (amd64 || arm64)

package media

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// sharedRig is an engine whose legs share ports, with a port range of its own.
func sharedRig(t *testing.T, min uint16, tweaks ...tweak) *rig {
	t.Helper()
	return newRig(t, append([]tweak{func(c *Config) {
		c.portable, c.allShared, c.loops = false, true, 2
		c.MinPort, c.MaxPort = min, min+99
	}}, tweaks...)...)
}

// taken is what a leg has received.
func (r *rig) taken(leg call.LegID) uint64 {
	info, _ := r.Info(leg)
	return info.Received
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("gave up waiting")
		}
	}
}

func TestLegsThatShareHaveOnePortOfEachLoop(t *testing.T) {
	t.Parallel()
	r := sharedRig(t, 27200)
	ports := map[netip.AddrPort]int{}
	for range 5 {
		a := r.phone(negotiate.PCMA)
		b := r.openPhone(socket(t, "127.31.4.9"), "peer of "+a.leg, negotiate.PCMA, Options{Peer: a.leg},
			func(p *phone, offer []byte) []byte {
				answer, err := r.Answer(p.leg, offer)
				if err != nil {
					t.Fatal(err)
				}
				return answer.SDP
			})
		if a.ours != b.ours {
			t.Errorf("the legs of a call are on %v and %v", a.ours, b.ours)
		}
		ports[a.ours]++
		r.Do(call.Connect{A: a.leg, B: b.leg})
		a.speak(440)
		b.speak(1000)
		hasTone(t, a.hear(20), 1000, 440)
		atB := b.hear(20)
		hasTone(t, atB, 440, 1000)
		oneStream(t, atB)
	}
	if len(ports) != 2 {
		t.Errorf("5 calls on %v, want two ports for two loops", ports)
	}
}

// Each call's far sides have one IP address in common, and a stranger has it too.
func TestCallsOnOneSharedPortNeverReachEachOther(t *testing.T) {
	t.Parallel()
	r := sharedRig(t, 27300, func(c *Config) { c.loops = 1 })
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMU)
	c, d := r.safePhone("AES_CM_128_HMAC_SHA1_80"), r.safePhone("AEAD_AES_128_GCM")
	r.Do(call.Connect{A: a.leg, B: b.leg})
	r.Do(call.Connect{A: c.leg, B: d.leg})
	tones := map[*phone]float64{a: 440, b: 1000, c: 1500, d: 2200}
	for p, f := range tones {
		p.speak(f)
	}
	for _, p := range []*phone{a, b, c, d} {
		if p.hear(5); p.ours != a.ours {
			t.Fatalf("%v and %v", p.ours, a.ours)
		}
	}
	evil := newAttacker(t, a.ours)                                     // another host
	near := socket(t, "127.31.4.9")                                    // the same host, another port
	ssrcs := []uint32{a.ssrc, b.ssrc, c.ssrc, d.ssrc, 0x31337, a.ssrc} // under everybody's name
	for i := range 30 {
		raw := make([]byte, headerSize)
		putHeader(raw, false, 8, uint16(9000+i), uint32(i*160), ssrcs[i%len(ssrcs)])
		near.WriteToUDPAddrPort(append(raw, voice(3000, i*160, negotiate.PCMA)...), a.ours)
		a.hear(1)
	}
	for p, want := range map[*phone]float64{a: 1000, b: 440, c: 2200, d: 1500} {
		p.forget()
		signal := linear(p.hear(30))
		if l := level(signal, want); l < 7000 {
			t.Errorf("%s hears its own call with level %.0f", p.leg, l)
		}
		for _, f := range []float64{440, 1000, 1500, 2000, 2200, 3000} {
			if l := level(signal, f); f != want && l > 150 {
				t.Errorf("%s hears %g Hz with level %.0f", p.leg, f, l)
			}
		}
	}
	if n := r.sockets.strangers(); n < 60 {
		t.Errorf("%d packets were counted as a stranger's", n)
	}
	if got := evil.end(); got != 0 {
		t.Errorf("the attacker got %d packets", got)
	}
	_ = near.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, from, err := near.ReadFromUDPAddrPort(make([]byte, packetSize)); err == nil {
		t.Errorf("the stranger got %d bytes from %v", n, from)
	}
}

func TestAnAddressThatAnotherCallHasIsRefusedInAnAnswerAndMeansOwnPortsInAnOffer(t *testing.T) {
	t.Parallel()
	r := sharedRig(t, 27400, func(c *Config) { c.loops = 1 })
	first := r.phone(negotiate.PCMA)
	claimed := address(first.conn)

	// In an answer to our offer.
	if err := r.Open("out", Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Offer("out"); err != nil {
		t.Fatal(err)
	}
	own := address(socket(t, "127.31.4.9"))
	for _, answer := range [][]byte{
		sdpOf(claimed, negotiate.PCMA),
		sdpOf(own, negotiate.PCMA, "a=rtcp:"+strconv.Itoa(int(claimed.Port())+1)),
	} {
		var refused *RefusedError
		if _, err := r.Accept("out", answer); !errors.As(err, &refused) || refused.Warning != negotiate.WarnAddress {
			t.Errorf("err = %v", err)
		}
	}
	if _, err := r.Accept("out", sdpOf(own, negotiate.PCMA)); err != nil {
		t.Errorf("an address that nobody has: %v", err)
	}
	if info, _ := r.Info("out"); info.Local != first.ours || info.Remote != own {
		t.Errorf("%+v", info)
	}

	// In an offer.
	second := r.phoneAt(first.conn, "second", negotiate.PCMA)
	if second.ours == first.ours {
		t.Fatal("two calls of one address share a port")
	}
	if info, _ := r.Info("second"); info.Local != second.ours {
		t.Errorf("%v is said to be at %v", second.ours, info.Local)
	}
	second.say(440)
	first.say(440)
	first.say(440)
	await(t, func() bool { return r.taken("second") == 1 && r.taken(first.leg) == 2 })

	// The address is free again when its call has ended.
	r.Close(first.leg)
	if third := r.phoneAt(first.conn, "third", negotiate.PCMA); third.ours != first.ours {
		t.Errorf("an address that is free again is refused")
	}
}

func TestAReOfferMovesASharedFlow(t *testing.T) {
	t.Parallel()
	r := sharedRig(t, 27500)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speak(440)
	b.speak(1000)
	hasTone(t, a.hear(20), 1000)

	// The old form of hold names no address, which changes nothing about who it is.
	hold := strings.ReplaceAll(string(sdpOf(address(b.conn), negotiate.PCMA)), "127.31.4.9", "0.0.0.0")
	if _, err := r.Answer(b.leg, []byte(hold)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Answer(b.leg, sdpOf(address(b.conn), negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	r.settleOn(b)
	hasTone(t, a.hear(20), 1000)

	// From another port: the old one is a stranger's from then on.
	moved := r.openAgain(b)
	answer, err := r.Answer(b.leg, sdpOf(address(moved.conn), negotiate.PCMA))
	if err != nil {
		t.Fatal(err)
	}
	if got := portOf(t, answer.SDP); got != b.ours {
		t.Errorf("our port moved to %v", got)
	}
	moved.speak(1800)
	hasTone(t, moved.hear(20), 440)
	a.hearUntil(func(p received) bool { return level(linear([]received{p}), 1800) > 5000 })
	hasTone(t, a.hear(20), 1800, 1000)
	if r.sockets.strangers() == 0 {
		t.Error("the old address is not a stranger's")
	}
}

// openAgain is another socket of a phone's leg.
func (r *rig) openAgain(p *phone) *phone {
	r.t.Helper()
	again := &phone{t: r.t, leg: p.leg, conn: socket(r.t, "127.31.4.9"), codec: p.codec, ours: p.ours,
		hears: make(chan received, 10000), stop: make(chan struct{}), ssrc: p.ssrc + 0x100}
	go again.listen() // ends with its socket
	return again
}

func TestALatePacketOfACallThatHasEndedReachesNoneThatHasItsAddressNow(t *testing.T) {
	t.Parallel()
	r := sharedRig(t, 27600, func(c *Config) { c.loops = 1 })
	old, listener := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	old.say(440)
	await(t, func() bool { return r.taken(old.leg) == 1 })
	r.Close(old.leg)
	old.say(440)
	await(t, func() bool { return r.sockets.strangers() == 1 })

	next := r.phoneAt(old.conn, "next", negotiate.PCMA)
	if next.ours != old.ours {
		t.Fatalf("on %v, not %v", next.ours, old.ours)
	}
	next.ssrc = old.ssrc + 0x1000
	r.connect(call.Connect{A: "next", B: listener.leg})
	old.say(440)
	await(t, func() bool { return r.sockets.strangers() == 2 })
	for range 10 {
		next.say(1000)
	}
	hasTone(t, listener.hear(10), 1000, 440)
	if n := r.taken("next"); n != 10 {
		t.Errorf("%d packets were taken, want 10", n)
	}
}

func TestWhatASharedPortCannotSendIsCountedAndNothingElseIsLost(t *testing.T) {
	r := sharedRig(t, 27700, func(c *Config) { c.loops = 1 })
	near, far := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	_ = far.conn.SetReadBuffer(1 << 20) // for all of them at once
	flowOf := func(p *phone) *sharedFlow { return r.leg(p.leg).flow().(*sharedFlow) }
	var box outbox
	nobody := netip.MustParseAddrPort("127.31.4.9:0") // the system refuses port 0
	send := func(p *phone, to netip.AddrPort, seq uint16) {
		raw := make12(160)
		putHeader(raw, false, 8, seq, 0, 7)
		r.leg(p.leg).counts.sent.Add(1)
		if err := flowOf(p).sendRTP(raw, to, &box); err != nil {
			t.Fatal(err)
		}
	}
	const many = 3*sentAtOnce + 5
	for i := range uint16(many) {
		send(far, address(far.conn), i)
		if i%10 == 0 {
			send(near, nobody, i)
		}
	}
	box.flush()
	for i, h := range far.hear(many) {
		if int(h.seq) != i || !bytes.Equal(h.data(), make([]byte, 160)) {
			t.Fatalf("packet %d is %d", i, h.seq)
		}
	}
	sent, failed := &r.leg(near.leg).counts, &r.leg(far.leg).counts
	if n := sent.dropped[dropSend].Load(); n != (many+9)/10 || sent.sent.Load() != 0 {
		t.Errorf("%d packets failed of %d, and %d were sent", n, (many+9)/10, sent.sent.Load())
	}
	if n := failed.dropped[dropSend].Load(); n != 0 || failed.sent.Load() != many {
		t.Errorf("%d packets failed, and %d were sent of %d", n, failed.sent.Load(), many)
	}

	// What is longer than all of a batch goes alone, and what waits when the ports are closed is counted.
	long := make([]byte, packetSize)
	for range 2 * laneRoom / packetSize {
		if err := flowOf(far).sendRTP(long, address(far.conn), &box); err != nil {
			t.Fatal(err)
		}
	}
	box.flush()
	send(near, address(near.conn), 1)
	r.sockets.(*loops).unshare()
	before := sent.dropped[dropSend].Load()
	box.flush()
	if n := sent.dropped[dropSend].Load() - before; n != 1 {
		t.Errorf("%d packets of a closed port were counted", n)
	}
}

func TestASystemWithoutRoomTakesNoMoreOfABatch(t *testing.T) {
	r := sharedRig(t, 27800, func(c *Config) { c.loops = 1 })
	p := r.phone(negotiate.PCMA)
	f := r.leg(p.leg).flow().(*sharedFlow)
	// A socket of the other kind that nobody reads stands for one of a busy network: it fills up.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	if err := unix.Dup2(pair[0], f.port.out.fd); err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[0])
	if err := unix.SetsockoptInt(f.port.out.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil { // the least there is
		t.Fatal(err)
	}
	var box outbox
	lane := box.lane(f.port)
	const many = 60
	for range many {
		r.leg(p.leg).counts.sent.Add(1)
		_ = f.sendRTP(make([]byte, 200), address(p.conn), &box)
		lane.messages[lane.n-1].header.Name, lane.messages[lane.n-1].header.Namelen = nil, 0 // it is connected
	}
	box.flush()
	sent, failed := r.leg(p.leg).counts.sent.Load(), r.leg(p.leg).counts.dropped[dropSend].Load()
	if sent == 0 || failed == 0 || sent+failed != many {
		t.Errorf("%d sent and %d failed of %d", sent, failed, many)
	}
}

func TestAPacketThroughSharedPortsCostsNoAllocation(t *testing.T) {
	r := sharedRig(t, 27900)
	from, to := socket(t, "127.31.4.9"), socket(t, "127.31.4.9")
	for id, far := range map[call.LegID]*net.UDPConn{"a": from, "z": to} {
		if err := r.Open(id, Options{Peer: "a"}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Answer(id, sdpOf(address(far), negotiate.PCMA)); err != nil {
			t.Fatal(err)
		}
	}
	r.connect(call.Connect{A: "a", B: "z"})
	info, _ := r.Info("a")
	raw, buf := make12(160), make([]byte, packetSize)
	var seq uint16
	_ = to.SetReadDeadline(time.Now().Add(patience))
	if n := testing.AllocsPerRun(500, func() {
		seq++
		putHeader(raw, false, 8, seq, uint32(seq)*160, 7)
		if _, err := from.WriteToUDPAddrPort(raw, info.Local); err != nil {
			t.Fatal(err)
		}
		if _, _, err := to.ReadFromUDPAddrPort(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%g allocations a relayed packet", n)
	}

	r.connect(call.Connect{})
	var box outbox
	o := &r.leg("z").out
	o.start(&playback{clip: r.clips["music"], loop: true})
	o.box = &box
	now := int64(0)
	if n := testing.AllocsPerRun(500, func() { now += int64(tick); o.tick(now); box.flush() }); n != 0 {
		t.Errorf("%g allocations a packet of music", n)
	}
}

func TestSharedPortsCarryIPv6(t *testing.T) {
	t.Parallel()
	far, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here")
	}
	defer far.Close()
	ls := newTestLoops(t, 1)
	defer ls.end()
	c := collector{make(chan []byte, 1)}
	f, err := ls.share(netip.IPv6Loopback(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	here := address(far)
	if err := f.(claimer).claim(here, netip.AddrPortFrom(here.Addr(), here.Port()+1)); err != nil {
		t.Fatal(err)
	}
	var box outbox
	_ = f.sendRTP([]byte("out"), here, &box)
	box.flush()
	buf := make([]byte, 10)
	_ = far.SetReadDeadline(time.Now().Add(patience))
	n, from, err := far.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != "out" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	far.WriteToUDPAddrPort([]byte("in"), from)
	if b := c.next(t); string(b) != "in" {
		t.Errorf("%q", b)
	}
}

// sharedAt is a flow on a shared port at a local address. Without IPv6 its tests are left out.
func sharedAt(t *testing.T, local string, c collector) *sharedFlow {
	t.Helper()
	ls := newTestLoops(t, 1)
	t.Cleanup(ls.end)
	flow, err := ls.share(netip.MustParseAddr(local), nil, c)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Skip("no IPv6 here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return flow.(*sharedFlow)
}

// What sends is a second socket at the same address: nothing is received by it, and nobody else may have the address.
func TestASharedPortsSocketToSendByTakesNothingAndLetsNobodyIn(t *testing.T) {
	for _, local := range []string{"127.31.4.3", "::1"} {
		t.Run(local, func(t *testing.T) { sendsAndReceivesAlone(t, local) })
	}
}

func sendsAndReceivesAlone(t *testing.T, local string) {
	c := collector{make(chan []byte, 10)}
	flow := sharedAt(t, local, c)
	p, far := flow.port, socket(t, local)
	if err := flow.claim(address(far), netip.AddrPortFrom(address(far).Addr(), address(far).Port()+1)); err != nil {
		t.Fatal(err)
	}
	hearsFrom(t, far, flow, p.address)
	for range 5 {
		if _, err := far.WriteToUDPAddrPort([]byte("in"), p.address); err != nil {
			t.Fatal(err)
		}
		if b := c.next(t); string(b) != "in" {
			t.Errorf("%q", b)
		}
	}
	fd, err := openUDP(p.address.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, option := range []int{unix.SO_REUSEPORT, unix.SO_REUSEADDR} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Bind(fd, socketAddress(p.address)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("another socket at the port's address: %v", err)
	}
}

// Anybody may send an ICMP message about the socket that sends, since where it is connected to is known: it costs no packet.
func TestAnICMPErrorCostsNoPacketOfASharedPort(t *testing.T) {
	for _, local := range []string{"127.31.4.3", "::1"} {
		t.Run(local, func(t *testing.T) { sendsInSpiteOfICMP(t, local) })
	}
}

func sendsInSpiteOfICMP(t *testing.T, local string) {
	f, far := sharedAt(t, local, collector{make(chan []byte, 10)}), socket(t, local)
	f.port.loop.remove(&f.port.rtcp) // so that the system itself says that nobody is there
	for _, box := range []*outbox{nil, {}} {
		fault(t, f.port)
		hearsFrom(t, far, boxed{f, box}, f.port.address)
	}
}

// fault has the system keep an ICMP error for a port's way out.
func fault(t *testing.T, p *sharedPort) {
	t.Helper()
	to := netip.AddrPortFrom(p.address.Addr(), p.address.Port()+1)
	for range 100 { // until the socket there is closed by who uses it last
		if err := sendTo(p.out.fd, []byte("x"), to, p.out.six); err != nil {
			t.Fatal(err)
		}
		told := []unix.PollFd{{Fd: int32(p.out.fd)}}
		if n, err := unix.Poll(told, 100); err == nil && n == 1 && told[0].Revents&unix.POLLERR != 0 {
			return
		}
	}
	t.Fatal("no ICMP error came")
}

// boxed is a flow whose packets leave by an outbox, where there is one, and at once.
type boxed struct {
	flow
	box *outbox
}

func (b boxed) sendRTP(packet []byte, to netip.AddrPort, _ *outbox) error {
	err := b.flow.sendRTP(packet, to, b.box)
	if b.box != nil {
		b.box.flush()
	}
	return err
}

// hearsFrom has a flow send something, and a far side hear it from an address.
func hearsFrom(t *testing.T, far *net.UDPConn, f flow, want netip.AddrPort) {
	t.Helper()
	if err := f.sendRTP([]byte("out"), address(far), nil); err != nil {
		t.Fatal(err)
	}
	heard := make([]byte, 10)
	_ = far.SetReadDeadline(time.Now().Add(patience))
	n, from, err := far.ReadFromUDPAddrPort(heard)
	if err != nil || string(heard[:n]) != "out" || from.Port() != want.Port() || !want.Addr().IsUnspecified() && from != want {
		t.Errorf("%q from %s, which is not %s: %v", heard[:n], from, want, err)
	}
}

// What has any address cannot be connected: it sends by the socket that it receives by.
func TestASharedPortOfAnyAddressSends(t *testing.T) {
	flow := sharedAt(t, "0.0.0.0", collector{make(chan []byte, 10)})
	hearsFrom(t, socket(t, "127.31.4.3"), flow, flow.port.address)
}

// A system may forbid the second socket: the port sends by the first, and is not taken for one that another program has.
func TestASharedPortThatGetsNoSecondSocketSends(t *testing.T) {
	ls := newTestLoops(t, 1)
	defer ls.end()
	p := &sharedPort{owner: ls, address: netip.MustParseAddrPort("127.31.4.3:19998")} // below the ports of the loops
	p.rtp.fd = bindWithOthers(t, p.address)
	defer unix.Close(bindWithOthers(t, p.address)) // lets nobody in who has not asked as it has
	defer p.rtp.end()
	fd, err := p.wayOut()
	if err != nil {
		t.Fatal(err)
	}
	p.out.fd = fd
	defer p.out.end()
	hearsFrom(t, socket(t, "127.31.4.3"), &sharedFlow{port: p}, p.address)
}

// bindWithOthers binds a socket at an address that others may have at the same time.
func bindWithOthers(t *testing.T, a netip.AddrPort) int {
	t.Helper()
	fd, err := openUDP(a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, socketAddress(a)); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestSharedPortsLeaveNoDescriptorOpen(t *testing.T) {
	before := descriptors(t)
	ls := newTestLoops(t, 2)
	c := collector{make(chan []byte, 10)}
	for i := range uint16(50) {
		f, err := ls.share(netip.MustParseAddr("127.31.4.3"), nil, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.(claimer).claim(at(4000+4*i), at(4001+4*i)); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			f.close()
			f.close()
			if err := f.(claimer).claim(at(60000), at(60001)); err != nil || f.(*sharedFlow).port.rtpPeers.find(at(60000)) != nil {
				t.Fatalf("a closed flow has an address: %v", err)
			}
		}
	}
	if n := descriptors(t) - before; n != 2*2+2*3 { // two loops, two ports
		t.Errorf("%d descriptors for two loops and two shared ports", n)
	}
	ls.end()
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
}
