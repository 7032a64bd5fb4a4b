package media

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// nowhere is a flow that costs nothing.
type nowhere struct{}

func (nowhere) ports() (uint16, uint16)                       { return 2, 3 }
func (nowhere) sendRTP([]byte, netip.AddrPort, *outbox) error { return nil }
func (nowhere) sendRTCP([]byte, netip.AddrPort) error         { return nil }
func (nowhere) close()                                        {}

func benchEngine(b *testing.B) *Engine {
	b.Helper()
	e, err := New(Config{Address: netip.MustParseAddr("127.31.5.1"), MinPort: 20000, MaxPort: 20999},
		SinkFunc(func(call.LegID, time.Time, call.Event) {}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Shutdown)
	return e
}

func benchLeg(b *testing.B, e *Engine, id call.LegID, far netip.AddrPort, c negotiate.Codec) (*leg, netip.AddrPort) {
	b.Helper()
	return benchPeer(b, e, id, "", far, c)
}

func benchPeer(b *testing.B, e *Engine, id, peer call.LegID, far netip.AddrPort, c negotiate.Codec) (*leg, netip.AddrPort) {
	b.Helper()
	if err := e.Open(id, Options{Peer: peer}); err != nil {
		b.Fatal(err)
	}
	if _, err := e.Answer(id, sdpOf(far, c)); err != nil {
		b.Fatal(err)
	}
	info, _ := e.Info(id)
	return e.leg(id), info.Local
}

// BenchmarkRelayHandling is what a relayed packet costs beside the system calls.
func BenchmarkRelayHandling(b *testing.B) {
	for _, tc := range []struct {
		name string
		out  negotiate.Codec
		pt   uint8
		size int
		tone bool
	}{
		{"copied", negotiate.PCMA, 8, 160, false},
		{"converted", negotiate.PCMU, 8, 160, false},
		{"event", negotiate.PCMA, 96, 4, false},
		{"toned", negotiate.PCMA, 8, 160, true},
	} {
		b.Run(tc.name, func(b *testing.B) {
			e := benchEngine(b)
			far := netip.MustParseAddrPort("127.31.5.9:4000")
			a, _ := benchLeg(b, e, "a", far, negotiate.PCMA)
			z, _ := benchLeg(b, e, "z", far, tc.out)
			a.out.flow.close()
			z.out.flow.close()
			a.out.flow, z.out.flow = nowhere{}, nowhere{}
			e.connect(call.Connect{A: "a", B: "z"})
			endless := &tone{samples: make([]int16, 200)}
			raw := make([]byte, headerSize+tc.size)
			var seq uint16
			var stamp uint32
			b.ReportAllocs()
			for b.Loop() {
				seq++
				stamp += 160
				putHeader(raw, false, tc.pt, seq, stamp, 7)
				if tc.tone {
					endless.pos = 0
					z.out.tone = endless
				}
				a.receiveRTP(raw, far, nil)
			}
		})
	}
}

// BenchmarkConversion is what a packet costs that is decoded and coded again, from its arrival to its sending, beside the
// system calls.
func BenchmarkConversion(b *testing.B) {
	for _, tc := range []struct{ in, out negotiate.Codec }{
		{negotiate.PCMA, negotiate.G722}, {negotiate.G722, negotiate.PCMA},
	} {
		b.Run(tc.in.String()+" to "+tc.out.String(), func(b *testing.B) {
			o := &outbound{flow: nowhere{}, counts: &counts{}}
			o.apply(&negotiate.Media{Codec: tc.out, Payload: payloadOf(tc.out), Ptime: 20 * time.Millisecond,
				Direction: SendRecv})
			o.remote = netip.MustParseAddrPort("127.0.0.1:9")
			a := &leg{}
			o.hear(a)
			var e encoder
			p := tonePacket(1, &e, tc.in)
			now := int64(0)
			o.relay(a, p, negotiate.Format(tc.in), false, now)
			b.ReportAllocs()
			for b.Loop() {
				p.seq++
				p.time += 160
				now += int64(tick)
				o.relay(a, p, negotiate.Format(tc.in), false, now)
				o.tick(now)
			}
			if o.packets == 0 {
				b.Fatal("nothing was sent")
			}
		})
	}
}

// BenchmarkPlay is what a packet of music costs beside the system call.
func BenchmarkPlay(b *testing.B) {
	o := &outbound{flow: nowhere{}, counts: &counts{}}
	o.apply(&negotiate.Media{Codec: negotiate.PCMA, Payload: 8, Ptime: 20 * time.Millisecond, Direction: SendRecv})
	o.remote = netip.MustParseAddrPort("127.0.0.1:9")
	o.start(&playback{clip: newClip("x", make([]int16, 8000*20)), loop: true})
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		o.tick(now)
		now += int64(tick)
	}
}

// BenchmarkRoundTrip sends a packet through loopback and waits for it, so that both forms pay for the same wake-ups:
// once through a plain loop that copies datagrams, the floor, and once through the engine.
func BenchmarkRoundTrip(b *testing.B) {
	sockets := func(b *testing.B) (from, to *net.UDPConn) {
		var c [2]*net.UDPConn
		for i := range c {
			var err error
			c[i], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 31, 5, 9)})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { c[i].Close() })
		}
		return c[0], c[1]
	}
	run := func(b *testing.B, from, to *net.UDPConn, via netip.AddrPort) {
		raw, buf := make([]byte, headerSize+160), make([]byte, packetSize)
		var seq uint16
		var stamp uint32
		_ = to.SetReadDeadline(time.Now().Add(time.Minute))
		b.ReportAllocs()
		for b.Loop() {
			seq++
			stamp += 160
			putHeader(raw, false, 8, seq, stamp, 7)
			if _, err := from.WriteToUDPAddrPort(raw, via); err != nil {
				b.Fatal(err)
			}
			if _, _, err := to.ReadFromUDPAddrPort(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("floor", func(b *testing.B) {
		from, to := sockets(b)
		relay, _ := sockets(b)
		var done sync.WaitGroup
		done.Go(func() {
			buf := make([]byte, packetSize)
			for {
				n, _, err := relay.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				relay.WriteToUDPAddrPort(buf[:n], address(to))
			}
		})
		run(b, from, to, address(relay))
		relay.Close()
		done.Wait()
	})
	for _, tc := range []struct {
		name string
		out  negotiate.Codec
	}{{"copied", negotiate.PCMA}, {"converted", negotiate.PCMU}} {
		b.Run(tc.name, func(b *testing.B) {
			from, to := sockets(b)
			e := benchEngine(b)
			_, via := benchLeg(b, e, "a", address(from), negotiate.PCMA)
			benchLeg(b, e, "z", address(to), tc.out)
			e.connect(call.Connect{A: "a", B: "z"})
			run(b, from, to, via)
		})
	}
}

// BenchmarkProtection is what SRTP costs a relayed packet beside the system calls: in a plain call, where both legs are
// protected, and where one of them is.
func BenchmarkProtection(b *testing.B) {
	far := netip.MustParseAddrPort("127.31.5.9:4000")
	open := func(b *testing.B, e *Engine, id call.LegID, suite string) (*leg, *srtp.Context) {
		o, offer := Options{}, sdpOf(far, negotiate.PCMA)
		if suite != "" {
			o.Secure, offer = SecureRequired, append(offer, keyLine(suite, theirs(suite))+"\r\n"...)
		}
		if err := e.Open(id, o); err != nil {
			b.Fatal(err)
		}
		if _, err := e.Answer(id, offer); err != nil {
			b.Fatal(err)
		}
		l := e.leg(id)
		l.out.flow.close()
		l.out.flow = nowhere{}
		if suite == "" {
			return l, nil
		}
		return l, contextOf(b, suite, theirs(suite))
	}
	for _, tc := range []struct{ in, out string }{
		{"", ""}, {"", "AES_CM_128_HMAC_SHA1_80"}, {"AES_CM_128_HMAC_SHA1_80", ""},
		{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80"}, {"AEAD_AES_128_GCM", "AEAD_AES_128_GCM"},
	} {
		name := func(s string) string { return map[bool]string{true: "plain", false: s}[s == ""] }
		b.Run(name(tc.in)+" to "+name(tc.out), func(b *testing.B) {
			e := benchEngine(b)
			a, seals := open(b, e, "a", tc.in)
			open(b, e, "z", tc.out)
			e.connect(call.Connect{A: "a", B: "z"})
			const many = 1 << 12
			packets := make([][]byte, many)
			var seq uint16
			var stamp uint32
			n := many
			buf := make([]byte, 0, packetSize)
			b.ReportAllocs()
			for b.Loop() {
				if n == many { // the far side's own work is not measured
					b.StopTimer()
					for i := range packets {
						raw := make([]byte, headerSize+160)
						seq++
						stamp += 160
						putHeader(raw, false, 8, seq, stamp, 7)
						if seals != nil {
							var err error
							if raw, err = seals.EncryptRTP(nil, raw, nil); err != nil {
								b.Fatal(err)
							}
						}
						packets[i] = raw
					}
					n = 0
					b.StartTimer()
				}
				a.receiveRTP(append(buf, packets[n]...), far, nil)
				n++
			}
			if dropped := a.info().Dropped; dropped > 0 {
				b.Fatalf("%d packets were dropped", dropped)
			}
		})
	}
}
