package sip

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

// deadline is generous: it is only reached where something is broken.
const deadline = 10 * time.Second

// socket is a far side on a real TCP connection.
type socket struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func newSocket(t *testing.T, c net.Conn) *socket {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return &socket{t, c, bufio.NewReader(c)}
}

func (s *socket) send(text, body string) {
	s.t.Helper()
	text = strings.TrimSpace(text) + fmt.Sprintf("\nContent-Length: %d\n\n", len(body))
	if _, err := io.WriteString(s.conn, strings.ReplaceAll(text, "\n", "\r\n")+body); err != nil {
		s.t.Fatal(err)
	}
}

// read takes the next message whose start line begins with prefix, skipping 100 and keep-alives.
func (s *socket) read(prefix string) msg.Message {
	s.t.Helper()
	for {
		start, err := s.r.ReadString('\n')
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", prefix, err)
		}
		if strings.TrimSpace(start) == "" {
			continue
		}
		head, err := textproto.NewReader(s.r).ReadMIMEHeader()
		if err != nil {
			s.t.Fatal(err)
		}
		n, _ := strconv.Atoi(head.Get("Content-Length"))
		body := make([]byte, n)
		if _, err := io.ReadFull(s.r, body); err != nil {
			s.t.Fatal(err)
		}
		text := start
		for k, vs := range head {
			for _, v := range vs {
				text += k + ": " + v + "\r\n"
			}
		}
		m, err := msg.ParseMessage([]byte(text + "\r\n" + string(body)))
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.HasPrefix(start, prefix) {
			return m
		}
		if !strings.HasPrefix(start, "SIP/2.0 100") {
			s.t.Fatalf("got %s, want %s", start, prefix)
		}
	}
}

// mailbox of a test on real sockets.
type posts chan posted

func (p posts) Post(leg call.LegID, at time.Time, ev call.Event) bool {
	p <- posted{leg, at, ev}
	return true
}

func (p posts) next(t *testing.T) posted {
	t.Helper()
	select {
	case e := <-p:
		return e
	case <-time.After(deadline):
		t.Fatal("no event")
		return posted{}
	}
}

func TestCallsOverTCPOnRealSocketsWithRealMedia(t *testing.T) {
	defer goleak.VerifyNone(t)
	local := netip.MustParseAddr("127.61.0.1")
	pbx, err := net.Listen("tcp", "127.61.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pbx.Close()
	engine, err := media.New(media.Config{Address: local, MinPort: 20000, MaxPort: 20099}, media.SinkFunc(func(call.LegID, time.Time, call.Event) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Shutdown()
	events := make(posts, 16)
	allow, _ := ParseAllow("127.61.0.2")
	srv, err := New(Config{
		Wire:   wire.Config{Listen: []wire.Listen{{Network: "udp", Addr: netip.AddrPortFrom(local, 0)}, {Network: "tcp", Addr: netip.AddrPortFrom(local, 0)}}},
		Trunks: []Trunk{{Name: "pbx", Allow: []Allow{allow}, Target: "sip:" + pbx.Addr().String() + ";transport=tcp"}},
		Poster: events, Media: engine, Phones: &smallPhones{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	srv.Start(nil)
	incomingTCP(t, srv, events)
	outgoingTCP(t, srv, events, pbx)
}

func incomingTCP(t *testing.T, srv *Server, events posts) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 61, 0, 2)}}
	c, err := d.Dial("tcp", srv.Addrs()[1].AddrPort.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := newSocket(t, c)
	head := "%s sip:+46850000001@127.61.0.1 SIP/2.0\nVia: SIP/2.0/TCP 127.61.0.2:5060;branch=z9hG4bK%s\nFrom: <sip:1@x>;tag=f\nTo: <sip:2@x>%s\n" +
		"Call-ID: tcp\nCSeq: 1 %s\nMax-Forwards: 70\nContact: <sip:pbx@%s;transport=tcp>\nContent-Type: application/sdp\n"
	s.send(fmt.Sprintf(head, "INVITE", "1", "", "INVITE", c.LocalAddr()), strings.ReplaceAll(sdp("127.61.0.2"), "\n", "\r\n"))
	leg := events.next(t).leg
	srv.Do(call.Accept{Leg: leg})
	ok := s.read("SIP/2.0 200").(*msg.Response)
	if got := value(ok, "contact"); got != fmt.Sprintf("<sip:telefonist@%s;transport=tcp>", srv.Addrs()[1].AddrPort) {
		t.Errorf("Contact: %s", got)
	}
	if !strings.Contains(string(ok.Body()), "c=IN IP4 127.61.0.1") {
		t.Errorf("%s", ok.Body())
	}
	s.send(fmt.Sprintf(head, "ACK", "2", ";tag="+tagOf(ok.To().Params), "ACK", c.LocalAddr()), "")
	srv.Do(call.Hangup{Leg: leg})
	bye := s.read("BYE").(*msg.Request)
	s.send(fmt.Sprintf("SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: %s\nCall-ID: tcp\nCSeq: %s\n", bye.Via().Value(), bye.From().Value(),
		bye.To().Value(), bye.CSeq().Value()), "")
}

func outgoingTCP(t *testing.T, srv *Server, events posts, pbx net.Listener) {
	t.Helper()
	srv.Do(call.Dial{Leg: "out", To: call.Destination{Trunk: "pbx", Number: "205"}, From: call.Party{Number: "1"}, Expires: time.Minute})
	c, err := pbx.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := newSocket(t, c)
	req := s.read("INVITE").(*msg.Request)
	if got := value(req, "contact"); got != fmt.Sprintf("<sip:telefonist@%s;transport=tcp>", srv.Addrs()[1].AddrPort) {
		t.Errorf("Contact: %s", got)
	}
	reply := func(req *msg.Request, tag, body string) {
		s.send(fmt.Sprintf("SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: %s%s\nCall-ID: %s\nCSeq: %s\nContact: <sip:205@%s;transport=tcp>\nContent-Type: application/sdp\n",
			req.Via().Value(), req.From().Value(), req.To().Value(), tag, req.CallID().Value(), req.CSeq().Value(), pbx.Addr()), body)
	}
	reply(req, ";tag=p", strings.ReplaceAll(sdp("127.61.0.2"), "\n", "\r\n"))
	s.read("ACK")
	if _, ok := events.next(t).ev.(call.Answered); !ok {
		t.Fatal("not answered")
	}
	srv.Do(call.Hangup{Leg: "out"})
	reply(s.read("BYE").(*msg.Request), "", "")
}
