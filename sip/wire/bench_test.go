package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// BenchmarkGuard is the price of the guard beside the parser's own, for an
// INVITE with SDP.
func BenchmarkGuard(b *testing.B) {
	msg := []byte(requestBody("INVITE", "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"))
	b.Run("inspect", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ref := inspect(msg, false); ref != nil {
				b.Fatal(ref)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sip.ParseMessage(msg); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type echo struct{}

func (echo) Request(req *sip.Request, tx *ServerTx, _ Source) {
	if !req.IsAck() {
		_ = tx.Respond(tx.NewResponse(200, "OK", nil))
	}
}

func (echo) StrayResponse(*sip.Response, Source) {}

// BenchmarkRequestToResponse is OPTIONS to 200 on loopback UDP, one at a time.
func BenchmarkRequestToResponse(b *testing.B) {
	s, err := New(Config{
		Listen: []Listen{{"udp", netip.MustParseAddrPort("127.0.0.1:0")}}, MaxTransactions: 1 << 30, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.Background())
	s.Serve(echo{})
	c, err := net.Dial("udp", s.Addrs()[0].Addr.String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	parts := strings.Split(request("OPTIONS"), "z9hG4bKOPTIONS1")
	buf := make([]byte, 2000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := fmt.Fprintf(c, "%sz9hG4bK%d%s", parts[0], i, parts[1]); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}
