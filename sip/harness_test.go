package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	msg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/internal/memnet"
	"telefonist/media"
	"telefonist/media/negotiate"
	"telefonist/sip/wire"
)

const (
	ourAddr   = "192.0.2.1:5060"
	pbxAddr   = "192.0.2.10:5060"
	phoneAddr = "198.51.100.5:40000"
	otherAddr = "198.51.100.6:40000"
	evilAddr  = "203.0.113.66:5060"
)

// world is a server and scripted far sides on a network in memory, in virtual time.
type world struct {
	t      *testing.T
	net    *memnet.Network
	srv    *Server
	media  *smallMedia
	phones *smallPhones

	pbx, phone, other, evil *far

	mu     sync.Mutex
	events []posted
	seen   int
	full   bool // the mailbox takes no more
	ended  map[call.LegID]bool
	faults []string
}

type posted struct {
	leg call.LegID
	at  time.Time
	ev  call.Event
}

// inWorld runs f and then checks what must hold after every test: every leg is gone, every media session closed, no goroutine
// left, at most one end for a leg and nothing after it.
func inWorld(t *testing.T, f func(w *world)) { inWorldWith(t, Config{}, f) }

func inWorldWith(t *testing.T, cfg Config, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New(), ended: map[call.LegID]bool{}}
		w.media = &smallMedia{sessions: map[call.LegID]*negotiate.Session{}, signalling: map[call.LegID]netip.Addr{}}
		w.phones = &smallPhones{contacts: map[string][]Contact{}, agents: map[string]string{}}
		w.pbx, w.phone, w.other, w.evil = w.far(pbxAddr), w.far(phoneAddr), w.far(otherAddr), w.far(evilAddr)
		cfg.Wire.PacketConns = append(cfg.Wire.PacketConns, w.net.MustListen(ourAddr))
		if cfg.Trunks == nil {
			cfg.Trunks = []Trunk{pbxTrunk()}
		}
		cfg.Poster, cfg.Media, cfg.Phones = w, w.media, w.phones
		if cfg.Logger == nil {
			cfg.Logger = slog.New(slog.DiscardHandler)
		}
		cfg.Registerer = prometheus.NewRegistry()
		srv, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.srv = srv
		srv.Start(nil)
		defer w.close()
		f(w)
	})
}

func pbxTrunk() Trunk {
	a, _ := ParseAllow("192.0.2.10")
	return Trunk{Name: "pbx", Allow: []Allow{a}, Target: "sip:192.0.2.10:5060"}
}

func (w *world) close() {
	if err := w.srv.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	synctest.Wait()
	for _, f := range []*far{w.pbx, w.phone, w.other, w.evil} {
		f.conn.Close()
	}
	w.srv.mu.Lock()
	defer w.srv.mu.Unlock()
	if n := len(w.srv.legs) + len(w.srv.dialogs) + len(w.srv.merges); n != 0 {
		w.t.Errorf("%d entries of legs are left", n)
	}
	w.media.mu.Lock()
	defer w.media.mu.Unlock()
	if len(w.media.sessions) != 0 {
		w.t.Errorf("%d media sessions are left", len(w.media.sessions))
	}
	for _, f := range w.faults {
		w.t.Error(f)
	}
}

// Post is the switchboard's mailbox.
func (w *world) Post(leg call.LegID, at time.Time, ev call.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return false
	}
	if w.ended[leg] {
		w.faults = append(w.faults, fmt.Sprintf("%T posted after the end of the leg", ev))
	}
	switch ev.(type) {
	case call.Ended, call.Failed:
		w.ended[leg] = true
	}
	w.events = append(w.events, posted{leg, at, ev})
	return true
}

// event waits until nothing moves and takes the next event, which must be a T.
func event[T call.Event](w *world) (call.LegID, T) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var want T
	if w.seen >= len(w.events) {
		w.dump()
		w.t.Fatalf("no event, want %T", want)
	}
	p := w.events[w.seen]
	w.seen++
	ev, ok := p.ev.(T)
	if !ok {
		w.dump()
		w.t.Fatalf("event %T %+v, want %T", p.ev, p.ev, want)
	}
	return p.leg, ev
}

func (w *world) noEvent() {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen < len(w.events) {
		w.dump()
		w.t.Fatalf("unexpected event %T %+v", w.events[w.seen].ev, w.events[w.seen].ev)
	}
}

// dump logs what was said on the wire.
func (w *world) dump() {
	for _, p := range w.net.Sent() {
		w.t.Logf("%s > %s\n%s", p.From, p.To, p.Data)
	}
}

// far is a scripted far side that speaks raw SIP.
type far struct {
	w    *world
	addr netip.AddrPort
	conn *memnet.Conn
	seen int // of all packets
}

func (w *world) far(addr string) *far {
	return &far{w: w, addr: netip.MustParseAddrPort(addr), conn: w.net.MustListen(addr)}
}

func (f *far) send(text string) {
	f.conn.Send([]byte(strings.ReplaceAll(text, "\n", "\r\n")), netip.MustParseAddrPort(ourAddr))
}

// next returns the next message to this far side, nil where there is none.
func (f *far) next() msg.Message {
	f.w.t.Helper()
	synctest.Wait()
	sent := f.w.net.Sent()
	for f.seen < len(sent) {
		p := sent[f.seen]
		f.seen++
		if p.To == f.addr {
			m, err := msg.ParseMessage(p.Data)
			if err != nil {
				f.w.t.Fatalf("%v in\n%s", err, p.Data)
			}
			return m
		}
	}
	return nil
}

// response takes the next message, which must be a response with that code.
func (f *far) response(code int) *msg.Response {
	f.w.t.Helper()
	m := f.next()
	if res, ok := m.(*msg.Response); ok && res.StatusCode == code {
		return res
	}
	f.w.dump()
	f.w.t.Fatalf("%s got %s, want %d", f.addr, startLine(m), code)
	return nil
}

// final is response, behind any provisional ones.
func (f *far) final(code int) *msg.Response {
	f.w.t.Helper()
	for {
		m := f.next()
		res, ok := m.(*msg.Response)
		switch {
		case ok && res.StatusCode == code:
			return res
		case !ok || res.StatusCode >= 200:
			f.w.dump()
			f.w.t.Fatalf("%s got %s, want %d", f.addr, startLine(m), code)
		}
	}
}

// request takes the next message, which must be a request with that method.
func (f *far) request(method msg.RequestMethod) *msg.Request {
	f.w.t.Helper()
	m := f.next()
	if req, ok := m.(*msg.Request); ok && req.Method == method {
		return req
	}
	f.w.dump()
	f.w.t.Fatalf("%s got %s, want %s", f.addr, startLine(m), method)
	return nil
}

// await takes the next request, which must come within the time.
func (f *far) await(within time.Duration) *msg.Request {
	f.w.t.Helper()
	for end := time.Now().Add(within); !time.Now().After(end); time.Sleep(10 * time.Millisecond) {
		if req, ok := f.next().(*msg.Request); ok {
			return req
		}
	}
	f.w.t.Fatalf("%s got no request within %s", f.addr, within)
	return nil
}

func (f *far) silent() {
	f.w.t.Helper()
	if m := f.next(); m != nil {
		f.w.dump()
		f.w.t.Fatalf("%s got %s, want nothing", f.addr, startLine(m))
	}
}

// forget skips whatever has been sent so far.
func (f *far) forget() {
	for f.next() != nil {
	}
}

func startLine(m msg.Message) string {
	if m == nil {
		return "nothing"
	}
	line, _, _ := strings.Cut(m.String(), "\r\n")
	return line
}

// reply answers a request; extra are header lines.
func (f *far) reply(req *msg.Request, code int, tag, body string, extra ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\n", code, phrase(code))
	for _, h := range req.GetHeaders("via") {
		b.WriteString("Via: " + h.Value() + "\n")
	}
	to := req.To().Value()
	if tagOf(req.To().Params) == "" && tag != "" {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\nTo: %s\nCall-ID: %s\nCSeq: %s\n", req.From().Value(), to, req.CallID().Value(), req.CSeq().Value())
	f.finish(&b, body, extra)
}

func (f *far) finish(b *strings.Builder, body string, extra []string) {
	contact := true
	for _, h := range extra {
		if strings.HasPrefix(h, "Contact:") {
			contact = false
		}
		if h != "Contact:" {
			b.WriteString(h + "\n")
		}
	}
	if contact {
		fmt.Fprintf(b, "Contact: <sip:far@%s>\n", f.addr)
	}
	body = strings.ReplaceAll(body, "\n", "\r\n")
	if body != "" && !strings.Contains(strings.Join(extra, "\n"), "Content-Type") {
		b.WriteString("Content-Type: application/sdp\n")
	}
	fmt.Fprintf(b, "Content-Length: %d\n\n", len(body))
	f.conn.Send([]byte(strings.ReplaceAll(b.String(), "\n", "\r\n")+body), netip.MustParseAddrPort(ourAddr))
}

// talk is one dialog as the far side sees it.
type talk struct {
	f          *far
	callID     string
	from, to   string // with tags
	target     string // Request-URI
	seq        int
	invited    int // number of the last INVITE
	branches   int
	lastBranch string
}

// calls begins a dialog in which the far side is the caller.
func (f *far) calls(id string) *talk {
	return &talk{f: f, callID: id, from: `"Kalle" <sip:+46701234567@pbx.example>;tag=far-` + id,
		to: "<sip:+46850000001@telefonist.example>", target: "sip:+46850000001@192.0.2.1"}
}

// called makes the far side's view of a dialog that our INVITE began.
func (f *far) called(req *msg.Request, tag string) *talk {
	return &talk{f: f, callID: req.CallID().Value(), from: req.To().Value() + ";tag=" + tag, to: req.From().Value(),
		target: req.Contact().Address.String(), seq: 100}
}

func (k *talk) invite(body string, extra ...string) {
	k.seq++
	k.invited = k.seq
	k.requestSeq("INVITE", k.seq, body, extra...)
}

func (k *talk) send(method, body string, extra ...string) {
	k.seq++
	k.requestSeq(method, k.seq, body, extra...)
}

func (k *talk) requestSeq(method string, seq int, body string, extra ...string) {
	if method != "CANCEL" {
		k.branches++
		k.lastBranch = fmt.Sprintf("z9hG4bK-%s-%d", k.callID, k.branches)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=%s;rport\n", method, k.target, k.f.addr, k.lastBranch)
	fmt.Fprintf(&b, "From: %s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\n", k.from, k.to, k.callID, seq, method)
	if !strings.Contains(strings.Join(extra, "\n"), "Max-Forwards") {
		b.WriteString("Max-Forwards: 70\n")
	}
	k.f.finish(&b, body, extra)
}

// answered takes a 2xx (or a provisional) into the dialog.
func (k *talk) answered(res *msg.Response) {
	k.to = res.To().Value()
	if c := res.Contact(); c != nil {
		k.target = c.Address.String()
	}
}

func (k *talk) ack(body string) { k.requestSeq("ACK", k.invited, body) }

func (k *talk) cancel() { k.requestSeq("CANCEL", k.invited, "", "Contact:") }

func (k *talk) bye() { k.send("BYE", "", "Contact:") }

// established brings a call from the PBX to where it has been accepted and acknowledged.
func (w *world) established(id string) (call.LegID, *talk) {
	w.t.Helper()
	k := w.pbx.calls(id)
	k.invite(sdp("192.0.2.10"))
	w.pbx.response(100)
	leg, _ := event[call.Arrived](w)
	w.srv.Do(call.Accept{Leg: leg})
	k.answered(w.pbx.response(200))
	k.ack("")
	w.noEvent()
	return leg, k
}

// answeredBy brings an outgoing leg to an agent to where the phone has answered.
func (w *world) answeredBy(f *far, extra ...string) (call.LegID, *talk) {
	w.t.Helper()
	w.register("anna", f)
	leg := call.LegID("leg-" + strconv.Itoa(len(w.net.Sent())))
	w.srv.Do(call.Dial{Leg: leg, To: call.Destination{Agent: "anna"}, From: call.Party{Number: "+46701234567", Name: "Acme · Försäljning"}})
	req := f.request(msg.INVITE)
	f.reply(req, 200, "phone", sdp(f.addr.Addr().String()), extra...)
	f.request(msg.ACK)
	event[call.Answered](w)
	return leg, f.called(req, "phone")
}

func (w *world) register(agent string, fs ...*far) {
	w.phones.mu.Lock()
	defer w.phones.mu.Unlock()
	w.phones.contacts[agent] = nil
	for _, f := range fs {
		var u msg.Uri
		if err := msg.ParseUri(fmt.Sprintf("sip:%s@10.0.0.5:5062;line=x", agent), &u); err != nil {
			w.t.Fatal(err)
		}
		w.phones.contacts[agent] = append(w.phones.contacts[agent], Contact{URI: u, Flow: wire.Dest{Network: "udp", Addr: f.addr,
			Local: netip.MustParseAddrPort(ourAddr)}})
	}
}

// sdp is a description with audio at ip; lines are added to the media section.
func sdp(ip string, lines ...string) string {
	return fmt.Sprintf("v=0\no=far 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio 4000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n%s",
		ip, ip, strings.Join(append(lines, ""), "\n"))
}

// smallMedia is the real negotiation without sockets.
type smallMedia struct {
	mu       sync.Mutex
	sessions map[call.LegID]*negotiate.Session
	// signalling is the host besides the description's that audio of a leg may come from.
	signalling map[call.LegID]netip.Addr
	opened     int
	pressed    []string
	fail       error
}

func (m *smallMedia) Open(leg call.LegID, o media.Options) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.sessions[leg] != nil {
		return media.ErrOpen
	}
	m.opened++
	m.signalling[leg] = o.SignallingIP
	m.sessions[leg] = negotiate.New(negotiate.Local{Addr: o.LocalIP, RTP: uint16(10000 + 2*m.opened), RTCP: uint16(10001 + 2*m.opened), ID: 7}, nil)
	return nil
}

func (m *smallMedia) SetSignallingIP(leg call.LegID, ip netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.signalling[leg] = ip
}

func (m *smallMedia) Press(leg call.LegID, digit string, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pressed = append(m.pressed, fmt.Sprint(leg, " ", digit, " ", d))
}

func (m *smallMedia) Close(leg call.LegID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, leg)
}

var errNoSession = errors.New("no session")

func (m *smallMedia) Offer(leg call.LegID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[leg]
	if s == nil {
		return nil, errNoSession
	}
	return s.Offer(nil, false), nil
}

func (m *smallMedia) Accept(leg call.LegID, answer []byte) (media.Direction, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[leg]
	if s == nil {
		return 0, errNoSession
	}
	return s.Accept(answer)
}

func (m *smallMedia) Answer(leg call.LegID, offer []byte) (media.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[leg]
	if s == nil {
		return media.Answer{}, errNoSession
	}
	text, changed, err := s.Answer(offer, negotiate.NoCodec)
	if err != nil {
		return media.Answer{}, err
	}
	got, _ := s.Media()
	return media.Answer{SDP: text, Direction: got.Direction, Changed: changed}, nil
}

// smallPhones is a registrar that knows what the test tells it.
type smallPhones struct {
	mu       sync.Mutex
	contacts map[string][]Contact
	agents   map[string]string // credentials to agent
}

func (p *smallPhones) Register(_ *msg.Request, tx *wire.ServerTx, _ wire.Source) {
	_ = tx.Respond(tx.NewResponse(401, "Unauthorized", nil))
}

func (p *smallPhones) Contacts(agent string) []Contact {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.contacts[agent])
}

func (p *smallPhones) Known(src netip.AddrPort) (flow, host bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cs := range p.contacts {
		for _, c := range cs {
			flow = flow || c.Flow.Addr == src
			host = host || c.Flow.Addr.Addr() == src.Addr()
		}
	}
	return flow, host
}

func (p *smallPhones) Authenticate(req *msg.Request, tx *wire.ServerTx, _ wire.Source) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	agent := p.agents[value(req, "proxy-authorization")]
	if agent == "" {
		_ = tx.Refuse(tx.NewResponse(407, "Proxy Authentication Required", nil))
		return "", false
	}
	return agent, true
}
