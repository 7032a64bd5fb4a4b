package sip

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
	"telefonist/sip/wire"
)

// accepter is a switchboard that accepts every call at once.
type accepter struct{ srv *Server }

func (a *accepter) Post(leg call.LegID, _ time.Time, ev call.Event) bool {
	if _, ok := ev.(call.Arrived); ok {
		a.srv.Do(call.Accept{Leg: leg})
	}
	return true
}

// BenchmarkCall is one incoming call over UDP on loopback, INVITE to the 200 of its BYE, media negotiated but without
// sockets. The floor is the same packets answered by an echo.
func BenchmarkCall(b *testing.B) {
	local := netip.MustParseAddr("127.62.0.1")
	peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 62, 0, 2)})
	if err != nil {
		b.Fatal(err)
	}
	defer peer.Close()
	allow, _ := ParseAllow("127.62.0.2")
	board := &accepter{}
	srv, err := New(Config{
		Wire:   wire.Config{Listen: []wire.Listen{{Network: "udp", Addr: netip.AddrPortFrom(local, 0)}}, MaxTransactions: 1 << 20},
		Trunks: []Trunk{{Name: "pbx", Allow: []Allow{allow}}},
		Poster: board, Media: &smallMedia{sessions: map[call.LegID]*negotiate.Session{}}, Phones: &smallPhones{},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close(context.Background())
	board.srv = srv
	srv.Start(nil)
	to := net.UDPAddrFromAddrPort(srv.Addrs()[0].AddrPort)
	b.Run("call", func(b *testing.B) { benchCall(b, peer, to) })
	echo, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 62, 0, 3)})
	if err != nil {
		b.Fatal(err)
	}
	defer echo.Close()
	go echoPackets(echo)
	b.Run("floor", func(b *testing.B) { benchEcho(b, peer, echo.LocalAddr()) })
}

func benchCall(b *testing.B, peer *net.UDPConn, to *net.UDPAddr) {
	b.ReportAllocs()
	body := strings.ReplaceAll(sdp("127.62.0.2"), "\n", "\r\n")
	buf := make([]byte, 4096)
	n := 0
	say := func(method, tag string, seq int, body string) {
		text := fmt.Sprintf("%s sip:1@127.62.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d%s;rport\r\nFrom: <sip:2@x>;tag=f\r\n"+
			"To: <sip:1@x>%s\r\nCall-ID: bench-%d\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContact: <sip:2@%s>\r\n"+
			"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			method, peer.LocalAddr(), n, method, tag, n, seq, method, peer.LocalAddr(), len(body), body)
		if _, err := peer.WriteTo([]byte(text), to); err != nil {
			b.Fatal(err)
		}
	}
	hear := func() string {
		for {
			k, err := peer.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			if text := string(buf[:k]); strings.HasPrefix(text, "SIP/2.0 200") && strings.Contains(text, fmt.Sprintf("Call-ID: bench-%d\r", n)) {
				return text
			}
		}
	}
	for b.Loop() {
		n++
		say("INVITE", "", 1, body)
		ok := hear()
		_, tag, _ := strings.Cut(ok, "\r\nTo: <sip:1@x>")
		tag, _, _ = strings.Cut(tag, "\r\n")
		say("ACK", tag, 1, "")
		say("BYE", tag, 2, "")
		hear()
	}
}

// benchEcho sends and receives as many packets as a call has.
func benchEcho(b *testing.B, peer *net.UDPConn, to net.Addr) {
	packet := make([]byte, 700)
	buf := make([]byte, 4096)
	for b.Loop() {
		for range 3 {
			if _, err := peer.WriteTo(packet, to); err != nil {
				b.Fatal(err)
			}
			if _, err := peer.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func echoPackets(c *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if _, err := c.WriteTo(buf[:n], from); err != nil {
			return
		}
	}
}
