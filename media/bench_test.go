package media

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// nowhere is a flow that costs nothing.
type nowhere struct{}

func (nowhere) ports() (uint16, uint16)               { return 2, 3 }
func (nowhere) sendRTP([]byte, netip.AddrPort) error  { return nil }
func (nowhere) sendRTCP([]byte, netip.AddrPort) error { return nil }
func (nowhere) close()                                {}

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
				a.receiveRTP(raw, far)
			}
		})
	}
}

// BenchmarkPlay is what a packet of music costs beside the system call.
func BenchmarkPlay(b *testing.B) {
	o := &outbound{flow: nowhere{}, counts: &counts{}}
	o.apply(negotiate.Media{Codec: negotiate.PCMA, Payload: 8, Ptime: 20 * time.Millisecond, Direction: SendRecv})
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
