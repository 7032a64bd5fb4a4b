package softphone

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"telefonist/sip/wire"
)

// registrar is the least of a server: it challenges REGISTER, and answers REFER as the test says.
type registrar struct {
	t         *testing.T
	stack     *wire.Stack
	algorithm []string
	expires   string // granted
	registers chan *sip.Request

	mu sync.Mutex // protects wrong
	// wrong counts REGISTERs with a bad answer.
	wrong int
}

const nonce = "abcdef"

func newRegistrar(t *testing.T, expires string, algorithms ...string) *registrar {
	t.Helper()
	r := &registrar{t: t, algorithm: algorithms, expires: expires, registers: make(chan *sip.Request, 100)}
	stack, err := wire.New(wire.Config{Listen: []wire.Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	if err != nil {
		t.Fatal(err)
	}
	r.stack = stack
	stack.Serve(r)
	t.Cleanup(func() {
		if err := stack.Close(deadline(t)); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *registrar) addr() netip.AddrPort { return r.stack.Addrs()[0].Addr }

// Request implements wire.Handler.
func (r *registrar) Request(req *sip.Request, tx *wire.ServerTx, _ wire.Source) {
	if req.Method != sip.REGISTER {
		respond(tx, tx.NewResponse(sip.StatusMethodNotAllowed, "Method Not Allowed", nil))
		return
	}
	if !r.authorized(req) {
		res := tx.NewResponse(sip.StatusUnauthorized, "Unauthorized", nil)
		for _, a := range r.algorithm {
			res.AppendHeader(sip.NewHeader("WWW-Authenticate",
				fmt.Sprintf(`Digest realm="here", nonce="%s", algorithm=%s, qop="auth"`, nonce, a)))
		}
		respond(tx, res)
		return
	}
	res := tx.NewResponse(sip.StatusOK, "OK", nil)
	if req.GetHeader("Expires").Value() != "0" {
		res.AppendHeader(sip.NewHeader("Contact", req.Contact().Value()+";expires="+r.expires))
	}
	respond(tx, res)
	r.registers <- req
}

// StrayResponse implements wire.Handler.
func (r *registrar) StrayResponse(*sip.Response, wire.Source) {}

func (r *registrar) authorized(req *sip.Request) bool {
	h := req.GetHeader("Authorization")
	if h == nil {
		return false
	}
	got, err := digest.ParseCredentials(h.Value())
	if err != nil {
		return false
	}
	want, err := digest.Digest(
		&digest.Challenge{Realm: "here", Nonce: nonce, Algorithm: got.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: "REGISTER", URI: req.Recipient.String(), Username: "101", Password: "secret", Cnonce: got.Cnonce, Count: got.Nc},
	)
	ok := err == nil && got.Response == want.Response
	if !ok {
		r.mu.Lock()
		r.wrong++
		r.mu.Unlock()
	}
	return ok
}

func TestAPhoneRegistersWithTheDigestThatItPrefers(t *testing.T) {
	for _, c := range []struct{ prefer, want string }{{"", "SHA-256"}, {"MD5", "MD5"}, {"SHA-256", "SHA-256"}} {
		r := newRegistrar(t, "60", "SHA-256", "MD5")
		p := open(t, Config{Server: r.addr(), User: "101", Password: "secret", Algorithm: c.prefer})
		if err := p.Register(deadline(t)); err != nil {
			t.Fatalf("prefer %q: %v", c.prefer, err)
		}
		req := wait(t, "REGISTER", r.registers)
		if got := req.GetHeader("Authorization").Value(); !strings.Contains(got, "algorithm="+c.want) {
			t.Errorf("prefer %q: answered %s", c.prefer, got)
		}
		if err := p.Unregister(deadline(t)); err != nil {
			t.Fatal(err)
		}
		if e := wait(t, "REGISTER", r.registers).GetHeader("Expires").Value(); e != "0" {
			t.Errorf("unregistered with Expires: %s", e)
		}
	}
}

func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	r := newRegistrar(t, "60", "SHA-256")
	p := open(t, Config{Server: r.addr(), User: "101", Password: "guess"})
	err := p.Register(deadline(t))
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("Register = %v, want 401", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong != 1 {
		t.Errorf("tried %d times", r.wrong)
	}
}

func TestARegistrationIsRefreshedAtHalfOfItsLifetime(t *testing.T) {
	r := newRegistrar(t, "1", "MD5")
	p := open(t, Config{Server: r.addr(), User: "101", Password: "secret"})
	if err := p.Register(deadline(t)); err != nil {
		t.Fatal(err)
	}
	first := wait(t, "REGISTER", r.registers)
	again := wait(t, "refresh", r.registers)
	if first.CallID().Value() != again.CallID().Value() || again.CSeq().SeqNo <= first.CSeq().SeqNo {
		t.Errorf("refreshed by %v after %v", again.CSeq(), first.CSeq())
	}
}

func TestATransferIsFollowedToItsEnd(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, far := talk(t, p)
	referred := make(chan string, 1)
	far.OnRefer(func(to string) []int {
		referred <- to
		return []int{100, 180, 200}
	})
	r, err := c.Transfer(deadline(t), "205")
	if err != nil {
		t.Fatal(err)
	}
	if to := wait(t, "REFER", referred); !strings.HasPrefix(to, "<sip:205@") {
		t.Errorf("Refer-To: %s", to)
	}
	if code, err := r.Wait(deadline(t)); code != 200 || err != nil {
		t.Errorf("ended with %d, %v", code, err)
	}
	if a, b := wait(t, "progress", r.Progress()), wait(t, "progress", r.Progress()); a != 100 || b != 180 {
		t.Errorf("progress %d, %d", a, b)
	}
}

func TestATransferThatIsNotReportedEndsWithItsCall(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, far := talk(t, p)
	far.OnRefer(func(string) []int { return []int{100} })
	r, err := c.Transfer(deadline(t), "205")
	if err != nil {
		t.Fatal(err)
	}
	far.Hangup()
	if code, err := r.Wait(deadline(t)); code != 0 || err != ErrEnded {
		t.Errorf("ended with %d, %v", code, err)
	}
}

func TestAnAnnouncedTransferNamesTheOtherCall(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	first, far := talk(t, p)
	second, farSecond := talk(t, p)
	referred := make(chan string, 1)
	far.OnRefer(func(to string) []int {
		referred <- to
		return []int{200}
	})
	r, err := first.TransferTo(deadline(t), second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(deadline(t)); err != nil {
		t.Error(err)
	}
	to := wait(t, "REFER", referred)
	// RFC 3891 section 3: the to-tag is that of whoever receives the Replaces, here the far side.
	want := fmt.Sprintf("?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>", second.ID(), farSecond.key.tag, second.key.tag)
	if !strings.HasSuffix(to, want) {
		t.Errorf("Refer-To: %s, want …%s", to, want)
	}
}

func talk(t *testing.T, p pair) (near, far *Call) {
	t.Helper()
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(deadline(t)); err != nil {
		t.Fatal(err)
	}
	far = wait(t, "call at b", p.came)
	until(t, "ACK", func() bool { return !far.Trace().Acked.IsZero() })
	return c, far
}

func TestAPBXTellsWhoWasCalledAndForwardsBack(t *testing.T) {
	// The "server" is a phone that calls the PBX and takes what comes back.
	back := make(chan *Call, 1)
	server := open(t, Config{User: "service", OnCall: func(ctx context.Context, c *Call) {
		back <- c
		_ = c.Reject(486)
	}})
	pbx, err := NewPBX(Config{Server: server.Addr(), OnCall: ByNumber(map[string]Behaviour{
		"208": ForwardTo(Forward{To: "+46850000001", Diversion: true, Foreign: true}),
	}, Decline(404))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pbx.Close(deadline(t)); err != nil {
			t.Error(err)
		}
	})
	server.Connect(pbx.Addr())
	c, err := server.call(Invite{To: "208", From: "+46701740605", Identity: "+46701740605",
		Diversion: []string{"+46850000001"}, Headers: [][2]string{{"X-Token", "t1"}}})
	if err != nil {
		t.Fatal(err)
	}
	got := wait(t, "the call that comes back", back).Invite()
	if got.To != "+46850000001" || got.From != "+46701740605" || got.Identity != "+46701740605" {
		t.Errorf("came back as %+v", got)
	}
	if fmt.Sprint(got.Diversion) != "[208 +46850000001]" || fmt.Sprint(got.History) != "[208 +46850000001]" || fmt.Sprint(got.Headers) != "[[X-Token t1]]" {
		t.Errorf("came back with %+v", got)
	}
	var status *StatusError
	if err := c.Wait(deadline(t)); err == nil || !asStatus(err, &status) || status.Code != 486 {
		t.Errorf("the refusal was relayed as %v", err)
	}
	other, err := server.call(Invite{To: "299", From: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(deadline(t)); !asStatus(err, &status) || status.Code != 404 {
		t.Errorf("unknown extension: %v", err)
	}
}

func asStatus(err error, to **StatusError) bool {
	s, is := err.(*StatusError)
	*to = s
	return is
}

func TestAPhoneStopsRingingByItselfAfterExpires(t *testing.T) {
	p := newPair(t, "udp", Ignore())
	begun := time.Now()
	c, err := p.a.call(Invite{To: "bosse", From: "anna", Headers: [][2]string{{"Expires", "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	var status *StatusError
	if err := c.Wait(deadline(t)); !asStatus(err, &status) || status.Code != 487 {
		t.Errorf("ended with %v", err)
	}
	if d := time.Since(begun); d < time.Second {
		t.Errorf("stopped after %v", d)
	}
}

func TestAPhoneAnswersOptionsInfoAndUnknownMethods(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, _ := talk(t, p)
	for method, want := range map[sip.RequestMethod]int{sip.OPTIONS: 200, sip.INFO: 200, sip.UPDATE: 200, sip.MESSAGE: 405, sip.NOTIFY: 481} {
		answered := make(chan int, 1)
		c.ep.do(exchange{dst: c.d.dest(), build: func() *sip.Request {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.next(method)
		}, done: func(_ *sip.Request, res *sip.Response, err error) {
			if err != nil {
				t.Errorf("%s: %v", method, err)
				answered <- 0
				return
			}
			answered <- res.StatusCode
		}})
		if got := wait(t, string(method), answered); got != want {
			t.Errorf("%s: %d, want %d", method, got, want)
		}
	}
	stranger := make(chan int, 1)
	c.ep.do(exchange{dst: c.d.dest(), build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.build(sip.BYE, 99, "another-tag")
	}, done: func(_ *sip.Request, res *sip.Response, _ error) { stranger <- res.StatusCode }})
	if got := wait(t, "BYE", stranger); got != 481 {
		t.Errorf("BYE with another tag: %d, want 481", got)
	}
}

func TestASessionTimerIsAnsweredAndTheFarSideRefreshes(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, _ := talk(t, p)
	for _, x := range []struct{ asked, granted, require string }{
		{"1800", "1800;refresher=uac", "timer"}, {"1800;refresher=uas", "1800;refresher=uas", ""}, {"10;refresher=uac", "90;refresher=uac", "timer"},
	} {
		answered := make(chan *sip.Response, 1)
		c.ep.do(exchange{dst: c.d.dest(), build: func() *sip.Request {
			c.mu.Lock()
			defer c.mu.Unlock()
			req := c.next(sip.UPDATE)
			req.AppendHeader(sip.NewHeader("Session-Expires", x.asked))
			return req
		}, done: func(_ *sip.Request, res *sip.Response, _ error) { answered <- res }})
		res := wait(t, "UPDATE", answered)
		require := ""
		if h := res.GetHeader("Require"); h != nil {
			require = h.Value()
		}
		if got := res.GetHeader("Session-Expires"); got == nil || got.Value() != x.granted || require != x.require {
			t.Errorf("asked %s: %v, Require: %s", x.asked, got, require)
		}
	}
}

func TestA200IsRepeatedUntilItsACK(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	l := local{addr: netip.MustParseAddr("127.0.0.1"), port: 9, codecs: []Codec{PCMA}}
	invite := sip.NewRequest(sip.INVITE, p.a.serverURI("bosse"))
	id := sip.CallIDHeader(newCallID())
	for _, h := range []sip.Header{
		&sip.FromHeader{Address: p.a.serverURI("anna"), Params: tagged("a")}, &sip.ToHeader{Address: p.a.serverURI("bosse")}, &id,
		&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE}, &sip.ContactHeader{Address: p.a.contact("anna", p.a.serverDest())},
		sip.NewHeader("Content-Type", "application/sdp"),
	} {
		invite.AppendHeader(h)
	}
	invite.SetBody(l.offer())
	res, err := p.a.wait(deadline(t), exchange{dst: p.a.serverDest(), build: func() *sip.Request { return invite }})
	if err != nil {
		t.Fatal(err)
	}
	far := wait(t, "call at b", p.came)
	until(t, "two repetitions", func() bool { return far.Trace().Repeats >= 2 })
	ack := sip.NewRequest(sip.ACK, res.Contact().Address)
	for _, h := range []sip.Header{res.From(), res.To(), &id, &sip.CSeqHeader{SeqNo: 1, MethodName: sip.ACK}} {
		ack.AppendHeader(h)
	}
	if err := p.a.stack.WriteStateless(ack, p.a.serverDest()); err != nil {
		t.Fatal(err)
	}
	until(t, "ACK at b", func() bool { return !far.Trace().Acked.IsZero() })
	far.Hangup()
	wait(t, "end at b", far.Ended())
}
