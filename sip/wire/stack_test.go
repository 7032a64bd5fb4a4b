package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"telefonist/internal/memnet"
)

var (
	ourAddr  = netip.MustParseAddrPort("192.0.2.1:5060")
	peerAddr = netip.MustParseAddrPort("192.0.2.10:5060")
)

// world is a stack and a peer on a network in memory, in virtual time.
type world struct {
	t     *testing.T
	net   *memnet.Network
	stack *Stack
	peer  *memnet.Conn

	mu      sync.Mutex
	seen    []string // what the handler was told, in order
	request func(req *sip.Request, tx *ServerTx)
}

func inWorld(t *testing.T, cfg Config, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New()}
		w.peer = w.net.MustListen(peerAddr.String())
		cfg.PacketConns = append(cfg.PacketConns, w.net.MustListen(ourAddr.String()))
		cfg.Logger = slog.New(slog.DiscardHandler)
		cfg.Registerer = prometheus.NewRegistry()
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.stack = s
		defer func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
			w.peer.Close()
		}()
		s.Serve(w)
		f(w)
	})
}

func (w *world) Request(req *sip.Request, tx *ServerTx, src Source) {
	w.note(string(req.Method))
	if w.request != nil {
		w.request(req, tx)
	}
}

func (w *world) StrayResponse(res *sip.Response, src Source) {
	tag, _ := res.To().Params.Get("tag")
	w.note(fmt.Sprintf("stray %d %s", res.StatusCode, tag))
}

func (w *world) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

// told waits until nothing moves and returns what the handler was told so far.
func (w *world) told() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.seen, ", ")
}

func (w *world) send(msg string) { w.peer.Send([]byte(msg), ourAddr) }

// sent returns the start lines that left the stack so far.
func (w *world) sent() []string {
	synctest.Wait()
	var out []string
	for _, p := range w.net.Sent() {
		if p.From == ourAddr {
			line, _, _ := strings.Cut(string(p.Data), "\r\n")
			out = append(out, line)
		}
	}
	return out
}

func (w *world) expectSent(want ...string) {
	w.t.Helper()
	if got := w.sent(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Fatalf("sent:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// last parses the last message that left the stack.
func (w *world) last() sip.Message {
	w.t.Helper()
	synctest.Wait()
	for sent := w.net.Sent(); len(sent) > 0; sent = sent[:len(sent)-1] {
		if p := sent[len(sent)-1]; p.From == ourAddr {
			msg, err := sip.ParseMessage(p.Data)
			if err != nil {
				w.t.Fatalf("%v in\n%s", err, p.Data)
			}
			return msg
		}
	}
	w.t.Fatal("nothing was sent")
	return nil
}

func (w *world) refused(reason string) float64 {
	synctest.Wait()
	return value(w.stack.m.refused.WithLabelValues(reason))
}

func answer(code int) func(req *sip.Request, tx *ServerTx) {
	return func(req *sip.Request, tx *ServerTx) {
		if !req.IsAck() {
			_ = tx.Respond(tx.NewResponse(code, "Answer", nil))
		}
	}
}

func TestMessagesOfOneCallAreDeliveredInWireOrder(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = answer(200)
		for i := range 200 {
			id := fmt.Sprintf("Call-ID: c%d", i)
			via := func(m string) string {
				return fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%s%d;rport", m, i)
			}
			w.mu.Lock()
			w.seen = nil
			w.mu.Unlock()
			w.send(request("INVITE", id, via("i")))
			w.send(request("ACK", id, via("a"), "To: <sip:bob@192.0.2.1>;tag=x"))
			w.send(request("BYE", id, via("b"), "CSeq: 2 BYE", "To: <sip:bob@192.0.2.1>;tag=x"))
			if got := w.told(); got != "INVITE, ACK, BYE" {
				t.Fatalf("call %d: %s", i, got)
			}
		}
	})
}

func TestCancelBehindItsInviteIsAnsweredAndToldOnce(t *testing.T) {
	for i := range 50 {
		inWorld(t, Config{}, func(w *world) {
			w.request = func(req *sip.Request, tx *ServerTx) {
				_ = tx.Respond(tx.NewResponse(180, "Ringing", nil))
				tx.OnCancel(func(*sip.Request) {
					w.note("cancelled")
					_ = tx.Respond(tx.NewResponse(487, "Request Terminated", nil))
				})
			}
			branch := fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx%d;rport", i)
			w.send(request("INVITE", branch))
			w.send(request("CANCEL", branch, "Contact:"))
			w.send(request("CANCEL", branch, "Contact:"))
			if got := w.told(); got != "INVITE, cancelled" {
				t.Fatal(got)
			}
			got := strings.Join(w.sent(), "; ")
			if strings.Count(got, "487") != 1 || strings.Count(got, "200 OK") != 2 || strings.Contains(got, "481") {
				t.Fatal(got)
			}
			// The ACK ends it: no second 487.
			w.send(request("ACK", branch, "To: <sip:bob@192.0.2.1>;tag=x"))
			time.Sleep(time.Minute)
			if again := strings.Join(w.sent(), "; "); again != got {
				t.Fatal(again)
			}
			if got := w.told(); got != "INVITE, cancelled" {
				t.Fatalf("the ACK of a refusal reached the handler: %s", got)
			}
		})
	}
}

func TestCancelAfterTheFinalResponseChangesNothing(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) {
			tx.OnCancel(func(*sip.Request) { w.note("cancelled") })
			_ = tx.Respond(tx.NewResponse(200, "OK", nil))
		}
		w.send(request("INVITE"))
		w.send(request("CANCEL", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKINVITE1;rport"))
		if got := w.told(); got != "INVITE" {
			t.Fatal(got)
		}
		w.expectSent("SIP/2.0 100 Trying", "SIP/2.0 200 OK", "SIP/2.0 200 OK")
	})
}

func TestCancelFromAnotherAddressIsRefused(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		thief := w.net.MustListen("192.0.2.66:5060")
		defer thief.Close()
		w.request = func(req *sip.Request, tx *ServerTx) {
			tx.OnCancel(func(*sip.Request) { w.note("cancelled") })
		}
		w.send(request("INVITE"))
		w.told()
		thief.Send([]byte(request("CANCEL", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKINVITE1;rport")), ourAddr)
		if got := w.told(); got != "INVITE" {
			t.Fatal(got)
		}
		w.expectSent("SIP/2.0 100 Trying", "SIP/2.0 481 No Such Transaction")
	})
}

func TestAllResponsesOfAnInviteCarryOneToTag(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var tag string
		w.request = func(req *sip.Request, tx *ServerTx) {
			tag = tx.ToTag()
			_ = tx.Respond(sip.NewResponseFromRequest(req, 180, "Ringing", nil))
			_ = tx.Respond(sip.NewResponseFromRequest(req, 183, "Progress", nil))
			_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
			if req.To().Params.Has("tag") {
				t.Error("the request's own To was changed")
			}
		}
		w.send(request("INVITE"))
		synctest.Wait()
		n := 0
		for _, p := range w.net.Sent() {
			if p.From == ourAddr && strings.Contains(string(p.Data), ";tag="+tag+"\r\n") {
				n++
			}
		}
		if n != 3 {
			t.Fatalf("%d of 3", n)
		}
	})
}

func TestRetransmissionsRepeatTheAnswerAndNotTheHandler(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = answer(486)
		w.send(request("OPTIONS"))
		w.send(request("OPTIONS"))
		w.send(request("OPTIONS"))
		if got := w.told(); got != "OPTIONS" {
			t.Fatal(got)
		}
		w.expectSent("SIP/2.0 486 Answer", "SIP/2.0 486 Answer", "SIP/2.0 486 Answer")
	})
}

func TestRefusedInviteIsRetransmittedUntilItTimesOut(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) {
			tx.OnDone(func(err error) { w.note(fmt.Sprint(err)) })
			_ = tx.Respond(tx.NewResponse(486, "Busy Here", nil))
		}
		w.send(request("INVITE"))
		time.Sleep(32*time.Second - 1)
		if got := w.told(); got != "INVITE" {
			t.Fatal(got)
		}
		time.Sleep(1)
		if got := w.told(); got != "INVITE, "+ErrTimeout.Error() {
			t.Fatal(got)
		}
		if n := len(w.stack.servers); n != 0 {
			t.Fatalf("%d transactions left", n)
		}
	})
}

func TestChallengeIsSentOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) { _ = tx.Refuse(tx.NewResponse(401, "Unauthorized", nil)) }
		w.send(request("INVITE"))
		time.Sleep(time.Minute)
		w.expectSent("SIP/2.0 100 Trying", "SIP/2.0 401 Unauthorized") // no Known: nobody is a stranger
		if n := len(w.stack.servers); n != 0 {
			t.Fatalf("%d transactions left", n)
		}
	})
}

func TestStrangersInviteGetsNo100BeforeItsChallenge(t *testing.T) {
	stranger := func(netip.AddrPort) bool { return false }
	inWorld(t, Config{Known: stranger}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) {
			_ = tx.Refuse(tx.NewResponse(407, "Proxy Authentication Required", nil))
		}
		w.send(request("INVITE"))
		w.expectSent("SIP/2.0 407 Proxy Authentication Required")
		w.request = nil
		w.send(request("INVITE", "CSeq: 2 INVITE", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK2;rport"))
		w.expectSent("SIP/2.0 407 Proxy Authentication Required", "SIP/2.0 100 Trying")
	})
}

func TestLargeDatagramArrivesWhole(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		body := strings.Repeat("x", 60000)
		w.request = func(req *sip.Request, tx *ServerTx) { w.note(fmt.Sprint(string(req.Body()) == body)) }
		w.send(requestBody("MESSAGE", body))
		if got := w.told(); got != "MESSAGE, true" {
			t.Fatal(got)
		}
	})
}

func TestBacklogOfOneCallIsBounded(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		hold := make(chan struct{})
		w.request = func(req *sip.Request, tx *ServerTx) { <-hold; answer(200)(req, tx) }
		for i := range 3 * maxBacklog {
			w.send(request("OPTIONS", fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d;rport", i)))
		}
		if n := w.refused(refusedBacklog); n < maxBacklog {
			t.Fatalf("%v refused", n)
		}
		close(hold)
		if n := strings.Count(w.told(), "OPTIONS"); n < maxBacklog || n > maxBacklog+1 {
			t.Fatalf("%d handled", n)
		}
	})
}

func TestMetricsAreThereAtZero(t *testing.T) {
	reg := prometheus.NewRegistry()
	newMetrics(reg)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := make(map[string]int)
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	for name, want := range map[string]int{
		"telefonist_sip_requests_total": 30, "telefonist_sip_responses_total": 12,
		"telefonist_sip_refused_total": len(refusedReasons), "telefonist_sip_panics_total": 1,
	} {
		if series[name] != want {
			t.Errorf("%s: %d series, want %d", name, series[name], want)
		}
	}
}

func TestFinalResponseIsSentOnlyOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) {
			_ = tx.Respond(tx.NewResponse(487, "Request Terminated", nil))
			if err := tx.Respond(tx.NewResponse(200, "OK", nil)); err != ErrFinalSent {
				t.Error(err)
			}
			if err := tx.Respond(tx.NewResponse(180, "Ringing", nil)); err != ErrFinalSent {
				t.Error(err)
			}
		}
		w.send(request("INVITE"))
		w.told()
		w.expectSent("SIP/2.0 100 Trying", "SIP/2.0 487 Request Terminated")
	})
}

func TestUnansweredRequestIsForgotten(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.send(request("OPTIONS"))
		time.Sleep(33 * time.Second)
		if w.refused(refusedUnanswered) != 1 || len(w.stack.servers) != 0 {
			t.Fatal("still there")
		}
	})
}

func TestPanicCostsOneRequestA500(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) { panic("oops") }
		w.send(request("OPTIONS"))
		w.expectSent("SIP/2.0 500 Server Internal Error")
		w.request = answer(200)
		w.send(request("MESSAGE", "CSeq: 2 MESSAGE"))
		w.expectSent("SIP/2.0 500 Server Internal Error", "SIP/2.0 200 Answer")
		if n := value(w.stack.m.panics); n != 1 {
			t.Fatalf("%v panics counted", n)
		}
	})
}

func TestAdmissionDecidesBeforeATransactionExists(t *testing.T) {
	admit := func(src Source, req *sip.Request) Verdict {
		switch req.Method {
		case sip.INVITE:
			return Drop()
		case sip.OPTIONS:
			return Answer(403, "Forbidden")
		}
		return Accept()
	}
	inWorld(t, Config{Admit: admit}, func(w *world) {
		w.request = answer(200)
		w.send(request("INVITE"))
		w.send(request("OPTIONS"))
		w.send(request("OPTIONS"))
		w.send(request("MESSAGE"))
		if got := w.told(); got != "MESSAGE" {
			t.Fatal(got)
		}
		w.expectSent("SIP/2.0 403 Forbidden", "SIP/2.0 403 Forbidden", "SIP/2.0 200 Answer")
		if len(w.stack.servers) != 1 || w.refused(refusedDrop) != 1 || w.refused(refusedAnswer) != 2 {
			t.Fatal("miscounted")
		}
	})
}

func TestAnswersBeforeATransactionAreNotLargerThanTheRequest(t *testing.T) {
	big := sip.NewHeader("Warning", strings.Repeat("x", 400))
	inWorld(t, Config{Admit: func(Source, *sip.Request) Verdict { return Answer(403, "Forbidden", big) }}, func(w *world) {
		w.send(request("OPTIONS"))
		w.expectSent()
		if w.refused(refusedAmplify) != 1 {
			t.Fatal("not counted")
		}
	})
}

func TestMalformedRequestsAreAnsweredWithoutState(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.send(request("OPTIONS", "CSeq: 1 BYE"))
		w.send(strings.Replace(request("OPTIONS"), "SIP/2.0", "SIP/9.0", 1))
		w.send(strings.Replace(request("OPTIONS"), "sip:bob", "fax:bob", 1))
		w.send(request("ACK", "CSeq: 1 BYE"))
		w.send("\r\n\r\n")
		w.send(strings.Repeat("\x00", 40))
		w.expectSent("SIP/2.0 400 Bad Request", "SIP/2.0 505 Version Not Supported", "SIP/2.0 416 Unsupported URI Scheme")
		if got := w.told(); got != "" || len(w.stack.servers) != 0 {
			t.Fatal(got)
		}
	})
}

func TestStrangersHaveALimitAndKnownSourcesNone(t *testing.T) {
	cfg := Config{StrangerRate: 10, StrangerBurst: 5, Known: func(a netip.AddrPort) bool { return a == peerAddr }}
	inWorld(t, cfg, func(w *world) {
		stranger := w.net.MustListen("198.51.100.7:5060")
		defer stranger.Close()
		w.request = answer(200)
		for i := range 20 {
			via := fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d;rport", i)
			stranger.Send([]byte(request("OPTIONS", via)), ourAddr)
			w.send(request("OPTIONS", via))
		}
		if got := strings.Count(w.told(), "OPTIONS"); got != 25 || w.refused(refusedRate) != 15 {
			t.Fatalf("%d told, %v refused", got, w.refused(refusedRate))
		}
		time.Sleep(time.Second)
		stranger.Send([]byte(request("MESSAGE")), ourAddr)
		if !strings.HasSuffix(w.told(), "MESSAGE") {
			t.Fatal("the bucket does not fill again")
		}
	})
}

func TestOpenTransactionsAreCapped(t *testing.T) {
	inWorld(t, Config{MaxTransactions: 3}, func(w *world) {
		for i := range 5 {
			w.send(request("INVITE", fmt.Sprintf("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d;rport", i), fmt.Sprintf("Call-ID: %d", i)))
		}
		got := strings.Join(w.sent(), "; ")
		if strings.Count(got, "503") != 2 || strings.Count(got, "100 Trying") != 3 || w.refused(refusedOverload) != 2 {
			t.Fatal(got)
		}
	})
}

func TestResponseGoesToTheViaPortWithoutRport(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		other := w.net.MustListen("192.0.2.10:6000")
		defer other.Close()
		w.request = answer(200)
		w.send(request("OPTIONS", "Via: SIP/2.0/UDP 10.0.0.1:6000;branch=z9hG4bKq"))
		res := w.last().(*sip.Response)
		if got := w.net.Sent()[1].To.String(); got != "192.0.2.10:6000" {
			t.Fatal(got)
		}
		if r, _ := res.Via().Params.Get("received"); r != "192.0.2.10" {
			t.Fatalf("received=%q", r)
		}
	})
}

func value(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		panic(err)
	}
	return m.GetCounter().GetValue()
}
