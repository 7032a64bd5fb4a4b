package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// generous is how long a test waits for what must come.
const generous = 10 * time.Second

// tcpServer is a stack on real loopback sockets.
type tcpServer struct {
	t     *testing.T
	stack *Stack
	addr  netip.AddrPort
	seen  chan string
	dials chan string
}

func serveTCP(t *testing.T, cfg Config) *tcpServer {
	t.Helper()
	w := &tcpServer{t: t, seen: make(chan string, 100), dials: make(chan string, 100)}
	loopback := netip.MustParseAddrPort("127.0.0.1:0")
	cfg.Listen = []Listen{{"udp", loopback}, {"tcp", loopback}}
	cfg.Logger = slog.New(slog.DiscardHandler)
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		w.dials <- addr
		if dial == nil {
			dial = (&net.Dialer{}).DialContext
		}
		return dial(ctx, network, addr)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.stack = s
	for _, a := range s.Addrs() {
		if a.Network == "tcp" {
			w.addr = a.Addr
		}
	}
	s.Serve(w)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), generous)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *tcpServer) Request(req *sip.Request, tx *ServerTx, src Source) {
	w.seen <- string(req.Method)
	if !req.IsAck() {
		_ = tx.Respond(tx.NewResponse(200, "OK", nil))
	}
}

func (w *tcpServer) StrayResponse(*sip.Response, Source) {}

func (w *tcpServer) dial() *tcpPeer {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr.String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(generous))
	return &tcpPeer{w.t, c, bufio.NewReader(c)}
}

func (w *tcpServer) refused(reason string) float64 {
	return value(w.stack.m.refused.WithLabelValues(reason))
}

type tcpPeer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (p *tcpPeer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		p.t.Fatal(err)
	}
}

// status reads one response and returns its code.
func (p *tcpPeer) status() string {
	p.t.Helper()
	first := ""
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		if first == "" {
			first = line
		}
		if line == "\r\n" {
			return strings.Fields(first)[1]
		}
	}
}

func (p *tcpPeer) expectClosed() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.r); len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		p.t.Fatalf("not closed: %q, %v", rest, err)
	}
}

func tcpVia(branch string) string {
	return "Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bK" + branch + ";rport"
}

func TestRequestsOnAStreamAreFramedWhateverTheSegments(t *testing.T) {
	w := serveTCP(t, Config{})
	p := w.dial()
	text := requestBody("OPTIONS", "hello", tcpVia("1")) + "\r\n" + request("MESSAGE", tcpVia("2"), "CSeq: 2 MESSAGE")
	for i := 0; i < len(text); i += 7 {
		p.send(text[i:min(i+7, len(text))])
	}
	if a, b := p.status(), p.status(); a != "200" || b != "200" {
		t.Fatal(a, b)
	}
	if a, b := <-w.seen, <-w.seen; a != "OPTIONS" || b != "MESSAGE" {
		t.Fatal(a, b)
	}
}

func TestSecondRequestBehindAWrongLengthIsNeverExecuted(t *testing.T) {
	hidden := request("BYE", tcpVia("evil"))
	for name, first := range map[string]string{
		"two lengths": requestBody("OPTIONS", hidden, "l: 0"),
		"no length":   requestBody("OPTIONS", hidden, "Content-Length:"),
		"bare LF":     requestBody("OPTIONS", hidden, "Subject: a\nContent-Length: 0"),
		"negative":    requestBody("OPTIONS", hidden, "Content-Length: -1"),
	} {
		t.Run(name, func(t *testing.T) {
			w := serveTCP(t, Config{})
			p := w.dial()
			p.send(first)
			if got := p.status(); got != "400" {
				t.Fatal(got)
			}
			p.expectClosed()
			select {
			case m := <-w.seen:
				t.Fatalf("%s was executed", m)
			default:
			}
		})
	}
}

func TestOversizedMessageGets513(t *testing.T) {
	w := serveTCP(t, Config{MaxMessage: 2000})
	p := w.dial()
	p.send(request("OPTIONS", tcpVia("1"), "Content-Length: 5000"))
	if got := p.status(); got != "513" {
		t.Fatal(got)
	}
	p.expectClosed()
}

func TestDoubleLineBreakIsPonged(t *testing.T) {
	w := serveTCP(t, Config{})
	p := w.dial()
	p.send("\r\n\r\n")
	if line, err := p.r.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	p.send(request("OPTIONS", tcpVia("1")))
	if got := p.status(); got != "200" {
		t.Fatal(got)
	}
}

func TestSlowConnectionsAreClosed(t *testing.T) {
	limits := Config{FirstMessage: 50 * time.Millisecond, Message: 50 * time.Millisecond, Idle: 50 * time.Millisecond}
	whole := request("OPTIONS", tcpVia("1"))
	for name, text := range map[string]string{
		"nothing": "", "half a header": whole[:40], "no body": strings.Replace(whole, "Content-Length: 0", "Content-Length: 99", 1),
		"keep-alives only": "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := serveTCP(t, limits)
			p := w.dial()
			p.send(text)
			if text == "\r\n\r\n" {
				p.r.ReadString('\n')
			}
			p.expectClosed()
			if w.refused(refusedConnTimeout) != 1 {
				t.Fatal("not counted")
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		w := serveTCP(t, limits)
		p := w.dial()
		p.send(whole)
		if got := p.status(); got != "200" {
			t.Fatal(got)
		}
		p.expectClosed()
	})
}

func TestConnectionsAreCapped(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		why  string
		kept int
	}{
		"of one source": {Config{MaxConnsPerSource: 2}, refusedConnSource, 2},
		"in all":        {Config{MaxConns: 3}, refusedConnLimit, 3},
		"of strangers":  {Config{MaxConns: 8, Known: func(netip.AddrPort) bool { return false }}, refusedConnLimit, 6},
	} {
		t.Run(name, func(t *testing.T) {
			w := serveTCP(t, tt.cfg)
			for i := range tt.kept {
				p := w.dial()
				p.send(request("OPTIONS", tcpVia(fmt.Sprint(i))))
				if got := p.status(); got != "200" {
					t.Fatal(got)
				}
			}
			w.dial().expectClosed()
			if w.refused(tt.why) != 1 {
				t.Fatal("not counted")
			}
		})
	}
}

func TestConnectionsLeaveHalfOfTheDescriptorsToCalls(t *testing.T) {
	c := Config{MaxConns: 1 << 30}.withDefaults()
	if c.MaxConns > Descriptors()/2 {
		t.Errorf("%d connections of %d descriptors", c.MaxConns, Descriptors())
	}
	if c := (Config{}).withDefaults(); c.MaxConns != min(2000, Descriptors()/2) {
		t.Errorf("%d connections by default", c.MaxConns)
	}
}

func TestResponseNeverOpensAConnection(t *testing.T) {
	victim, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	release := make(chan struct{})
	w := serveTCP(t, Config{Admit: func(Source, *sip.Request) Verdict { <-release; return Accept() }})
	p := w.dial()
	p.send(request("OPTIONS", "Via: SIP/2.0/TCP "+victim.Addr().String()+";branch=z9hG4bK1"))
	p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
	close(release)
	<-w.seen
	for deadline := time.Now().Add(generous); w.refused(refusedNoFlow) == 0; {
		if time.Now().After(deadline) {
			t.Skip("the write was taken by the system before the reset arrived")
		}
		if err := w.stack.WriteStateless(sip.NewResponseFromRequest(outgoing(sip.OPTIONS), 200, "OK", nil), Dest{
			Network: "tcp", Addr: addrPort(victim.Addr()),
		}); !errors.Is(err, ErrNoFlow) {
			t.Fatal(err)
		}
	}
	select {
	case a := <-w.dials:
		t.Fatal("dialled", a)
	default:
	}
}

func TestPeerOnTCPIsReachedOnItsOwnConnectionOnly(t *testing.T) {
	w := serveTCP(t, Config{})
	p := w.dial()
	p.send(request("OPTIONS", tcpVia("1")))
	p.status()
	src := Source{Network: "tcp", Addr: addrPort(p.LocalAddr()), Local: w.addr}
	done := make(chan error, 1)
	if _, err := w.stack.Send(t.Context(), outgoing(sip.OPTIONS), src.Dest(), nil, func(err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	line, _ := p.r.ReadString('\n')
	via, _ := p.r.ReadString('\n')
	if !strings.HasPrefix(line, "OPTIONS ") || !strings.Contains(via, w.addr.String()) {
		t.Fatal(line, via)
	}
	p.Close()
	if err := <-done; !errors.Is(err, ErrTransport) {
		t.Fatal(err)
	}
	if _, err := w.stack.Send(t.Context(), outgoing(sip.BYE), src.Dest(), nil, nil); !errors.Is(err, ErrNoFlow) {
		t.Fatal(err)
	}
}

func TestLargeRequestPrefersTCPAndFallsBack(t *testing.T) {
	for _, listening := range []bool{true, false} {
		t.Run(fmt.Sprint("listening ", listening), func(t *testing.T) {
			udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer udp.Close()
			w := serveTCP(t, Config{})
			got := make(chan string, 2)
			var wg sync.WaitGroup
			defer wg.Wait()
			if listening {
				tcp, err := net.Listen("tcp", udp.LocalAddr().String())
				if err != nil {
					t.Skip("the port is taken on TCP")
				}
				defer tcp.Close()
				wg.Go(func() {
					c, err := tcp.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					line, _ := bufio.NewReader(c).ReadString('\n')
					got <- "tcp " + strings.Fields(line)[0]
				})
			} else {
				udp.SetReadDeadline(time.Now().Add(generous))
				wg.Go(func() {
					buf := make([]byte, 65535)
					n, _, _ := udp.ReadFrom(buf)
					got <- "udp " + strings.Fields(string(buf[:n]) + " ")[0]
				})
			}
			req := outgoing(sip.MESSAGE)
			req.SetBody([]byte(strings.Repeat("x", 2000)))
			if _, err := w.stack.Send(t.Context(), req, Dest{Addr: addrPort(udp.LocalAddr()), TCP: true}, nil, nil); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "tcp MESSAGE", false: "udp MESSAGE"}[listening]
			select {
			case g := <-got:
				if g != want {
					t.Fatal(g)
				}
			case <-time.After(generous):
				t.Fatal("nothing came")
			}
		})
	}
}

// brokenListener fails as one without descriptors does, then goes on.
type brokenListener struct {
	net.Listener
	mu    sync.Mutex
	fails int
}

func (b *brokenListener) Accept() (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails > 0 {
		b.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return b.Listener.Accept()
}

func TestListenerSurvivesRunningOutOfDescriptors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := serveTCP(t, Config{Listeners: []net.Listener{&brokenListener{Listener: l, fails: 3}}, Registerer: prometheus.NewRegistry()})
	w.addr = addrPort(l.Addr())
	p := w.dial()
	p.send(request("OPTIONS", tcpVia("1")))
	if got := p.status(); got != "200" {
		t.Fatal(got)
	}
	if n := value(w.stack.m.acceptErrors); n != 3 {
		t.Fatalf("%v errors counted", n)
	}
}
