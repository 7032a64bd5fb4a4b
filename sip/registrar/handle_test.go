package registrar

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"telefonist/internal/memnet"
	"telefonist/sip/wire"
)

// handler gives every REGISTER to the registrar.
type handler struct{ r *Registrar }

func (h handler) Request(req *sip.Request, tx *wire.ServerTx, _ wire.Source) {
	h.r.HandleRegister(req, tx)
}

func (handler) StrayResponse(*sip.Response, wire.Source) {}

const wireRegister = "REGISTER sip:192.0.2.1 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bKBRANCH;rport\r\n" +
	"From: <sip:anna@192.0.2.1>;tag=a5d2\r\nTo: <sip:anna@192.0.2.1>\r\n" +
	"Call-ID: 843817637684230@998sdasdh09\r\nCSeq: SEQ REGISTER\r\nMax-Forwards: 70\r\n" +
	"Contact: <sip:anna@192.0.2.50:5060>;expires=60\r\nEXTRAContent-Length: 0\r\n\r\n"

func TestPhoneRegistersOverTheWireAndRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		peer, ours := network.MustListen(phone.String()), netip.MustParseAddrPort("192.0.2.1:5060")
		stack, err := wire.New(wire.Config{PacketConns: []net.PacketConn{network.MustListen(ours.String())}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r, l := newLogged()
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); r.Run(ctx) }()
		stack.Serve(handler{r})

		exchange := func(branch, seq, extra string) (*sip.Response, int, int) {
			text := strings.NewReplacer("BRANCH", branch, "SEQ", seq, "EXTRA", extra).Replace(wireRegister)
			peer.Send([]byte(text), ours)
			synctest.Wait()
			sent := network.Sent()
			msg, err := sip.ParseMessage(sent[len(sent)-1].Data)
			if err != nil {
				t.Fatal(err)
			}
			return msg.(*sip.Response), len(text), len(sent[len(sent)-1].Data)
		}
		res, asked, answered := exchange("0", "1", "")
		if n := len(res.GetHeaders("WWW-Authenticate")); res.StatusCode != 401 || answered > asked*3/2 || n != 1 {
			t.Fatalf("%d with %d bytes for %d, %d challenges", res.StatusCode, answered, asked, n)
		}
		agent := "User-Agent: " + strings.Repeat("x", 80) + "\r\n"
		res, asked, answered = exchange("1", "1", agent)
		if n := len(res.GetHeaders("WWW-Authenticate")); res.StatusCode != 401 || answered > asked || n != 1 {
			t.Fatalf("%d with %d bytes for %d, %d challenges", res.StatusCode, answered, asked, n)
		}
		res, asked, answered = exchange("1b", "1", agent+agent+agent)
		if n := len(res.GetHeaders("WWW-Authenticate")); res.StatusCode != 401 || answered > asked || n != 2 {
			t.Fatalf("%d with %d bytes for %d, %d challenges", res.StatusCode, answered, asked, n)
		}
		chal, err := digest.ParseChallenge(res.GetHeader("WWW-Authenticate").Value())
		if err != nil {
			t.Fatal(err)
		}
		cred, err := digest.Digest(chal, digest.Options{
			Method: "REGISTER", URI: "sip:192.0.2.1", Username: "anna", Password: "secret", Cnonce: "c",
		})
		if err != nil {
			t.Fatal(err)
		}
		res, _, _ = exchange("2", "2", "Authorization: "+cred.String()+"\r\n")
		if res.StatusCode != 200 || contacts(res) != "<sip:anna@192.0.2.50:5060>;expires=60" || res.GetHeader("Date") == nil {
			t.Fatalf("%s", res)
		}
		if got := l.take(); got != "save sip:anna@192.0.2.50:5060; anna true" {
			t.Fatal(got)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := l.take(); got != "" {
			t.Fatal(got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := l.take(); got != "delete sip:anna@192.0.2.50:5060; anna false" {
			t.Fatal(got)
		}
		cancel()
		<-stopped
		if err := stack.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range network.Sent() {
			if strings.HasPrefix(string(p.Data), "SIP/2.0 401") {
				n++
			}
		}
		if n != 3 {
			t.Fatalf("the challenge to 3 requests was sent %d times", n)
		}
	})
}
