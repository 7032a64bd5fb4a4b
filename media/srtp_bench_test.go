//go:build linux && (amd64 || arm64)

package media

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// BenchmarkProtectedRelay is what SRTP costs over real sockets: calls that go through two engines of this process, the way
// between them plain or protected. Each packet is relayed twice, sealed once and opened once; the figure is for one relaying.
func BenchmarkProtectedRelay(b *testing.B) {
	forms := []relayer{{"plain", openChain(SecureOff)}, {"protected", openChain(SecureRequired)}}
	for _, calls := range setting("TELEFONIST_BENCH_PROTECTED", 250) {
		figures := make([][]figure, len(forms))
		for range setting("TELEFONIST_BENCH_ROUNDS", 3)[0] {
			for i, r := range forms {
				f := measureRelay(b, r, calls)
				f.perPacket /= 2
				figures[i] = append(figures[i], f)
			}
		}
		for i, r := range forms {
			b.Run(fmt.Sprintf("%s/calls=%d", r.name, calls), func(b *testing.B) { printFigures(b, figures[i], figures[0]) })
		}
	}
}

// openChain has each call go through two engines, with both of its far sides plain.
func openChain(secure Secure) func(*testing.B, []netip.AddrPort) []netip.AddrPort {
	return func(b *testing.B, far []netip.AddrPort) (at []netip.AddrPort) {
		var engines [2]*Engine
		for i, ip := range []string{"127.31.6.1", "127.31.6.2"} {
			e, err := New(Config{Address: netip.MustParseAddr(ip), MinPort: 10000, MaxPort: 31999},
				SinkFunc(func(call.LegID, time.Time, call.Event) {}))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(e.Shutdown)
			engines[i] = e
		}
		for i := 0; i < len(far); i += 2 {
			outer, inner := call.LegID(strconv.Itoa(i)), call.LegID(strconv.Itoa(i+1))
			for j, e := range engines {
				_, local := benchLeg(b, e, outer, far[i+j], negotiate.PCMA)
				at = append(at, local)
				if err := e.Open(inner, Options{Peer: outer, Secure: secure}); err != nil {
					b.Fatal(err)
				}
			}
			agree(b, engines, inner)
			for _, e := range engines {
				e.Do(call.Connect{A: outer, B: inner})
			}
		}
		return at
	}
}

// agree has two engines exchange their descriptions of a leg.
func agree(b *testing.B, engines [2]*Engine, leg call.LegID) {
	b.Helper()
	offer, err := engines[0].Offer(leg)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := engines[1].Answer(leg, offer)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := engines[0].Accept(leg, answer.SDP); err != nil {
		b.Fatal(err)
	}
}
