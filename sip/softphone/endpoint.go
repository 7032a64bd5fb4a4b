package softphone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// Errors of calls and registrations.
var (
	// ErrEnded: the call is over.
	ErrEnded = errors.New("call has ended")
	// ErrState: the call is not in a state for this.
	ErrState = errors.New("not possible in this state of the call")
	// ErrClosed: the phone is closed.
	ErrClosed = errors.New("phone is closed")
)

// StatusError is a final response that is not a success.
type StatusError struct {
	Method string
	Code   int
	Reason string
}

// Error prints the method and the response: "INVITE: 486 Busy Here".
func (e *StatusError) Error() string { return fmt.Sprintf("%s: %d %s", e.Method, e.Code, e.Reason) }

// Config describes a phone or a PBX. The zero value of a field means the default named there.
type Config struct {
	// Server is where requests outside a dialog go.
	Server netip.AddrPort
	// Network is "udp" (default) or "tcp".
	Network string
	// Listen is the address of the SIP sockets (default 127.0.0.1:0); its IP address carries the audio too.
	Listen netip.AddrPort
	// Conn, where set, carries SIP in place of sockets: a network in memory. Its calls negotiate audio as always, and send and hear none.
	Conn net.PacketConn
	// Domain is the host of our own address. Default: the server's address.
	Domain string
	// User and Name are the user part and the display name of our address; Password answers challenges.
	User, Name, Password string
	// Algorithm is the digest algorithm preferred where several are offered ("MD5", "SHA-256"). Default: the first.
	Algorithm string
	// Expires is the lifetime asked for a registration. Default 60 s.
	Expires time.Duration
	// Codecs are offered and accepted in this order. Default A-law, µ-law.
	Codecs []Codec
	// Voice makes what a call sends. Default: silence.
	Voice func() Source
	// OnCall is run for each incoming call, on a goroutine of its own. Default: Decline(480).
	OnCall Behaviour
	// Keep is how much of what a call hears is kept. Default 2 min.
	Keep time.Duration
	// Logger hears of what goes wrong. Default: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Network == "" {
		c.Network = "udp"
	}
	if c.Conn != nil {
		c.Listen = netip.MustParseAddrPort(c.Conn.LocalAddr().String())
	}
	if !c.Listen.IsValid() {
		c.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	}
	if c.Domain == "" {
		c.Domain = hostOf(c.Server.Addr())
		if !c.Server.IsValid() {
			c.Domain = hostOf(c.Listen.Addr())
		}
	}
	if c.Expires <= 0 {
		c.Expires = time.Minute
	}
	if len(c.Codecs) == 0 {
		c.Codecs = []Codec{PCMA, PCMU}
	}
	if c.Voice == nil {
		c.Voice = func() Source { return Silence() }
	}
	if c.OnCall == nil {
		c.OnCall = Decline(sip.StatusTemporarilyUnavailable)
	}
	if c.Keep <= 0 {
		c.Keep = 2 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func hostOf(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// endpoint is a SIP user agent: its stack and the dialogs it has.
type endpoint struct {
	cfg   Config
	stack *wire.Stack
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	// server is Config.Server, until Connect says otherwise.
	server atomic.Pointer[netip.AddrPort]
	tasks  sync.WaitGroup // behaviours and refreshes; Add under mu unless closed

	mu     sync.Mutex // protects what follows; held for map work only, before or without a call's own
	closed bool
	calls  map[dialogKey]*Call
}

// dialogKey names a dialog by what is ours of it.
type dialogKey struct{ callID, tag string }

func newEndpoint(cfg Config) (*endpoint, error) {
	cfg = cfg.withDefaults()
	e := &endpoint{cfg: cfg, calls: map[dialogKey]*Call{}}
	e.Connect(cfg.Server)
	transport := wire.Config{UserAgent: "telefonist-softphone", Logger: cfg.Logger}
	if cfg.Conn != nil {
		transport.PacketConns = []net.PacketConn{cfg.Conn}
	} else {
		transport.Listen = []wire.Listen{{Network: cfg.Network, Addr: cfg.Listen}}
	}
	stack, err := wire.New(transport)
	if err != nil {
		return nil, fmt.Errorf("open phone: %w", err)
	}
	e.stack = stack
	e.ctx, e.stop = context.WithCancel(context.Background())
	stack.Serve(e)
	return e, nil
}

// Connect changes where requests outside a dialog go, for a server that starts later than the phone.
func (e *endpoint) Connect(server netip.AddrPort) { e.server.Store(&server) }

// Addr returns the address of the SIP socket.
func (e *endpoint) Addr() netip.AddrPort { return e.stack.Addrs()[0].Addr }

// Calls returns the calls that have not ended.
func (e *endpoint) Calls() []*Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*Call, 0, len(e.calls))
	for _, c := range e.calls {
		all = append(all, c)
	}
	return all
}

// Close hangs up every call, waits until they are over or ctx ends, and closes the sockets.
func (e *endpoint) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	calls := e.Calls()
	for _, c := range calls {
		c.Hangup()
	}
	var late error
	for _, c := range calls {
		select {
		case <-c.over:
		case <-ctx.Done():
			late = fmt.Errorf("close phone: %w", ctx.Err())
			c.finish(ErrClosed)
		}
	}
	e.stop()
	err := e.stack.Close(ctx)
	e.tasks.Wait()
	return errors.Join(late, err)
}

// spawn runs f on a goroutine that Close waits for.
func (e *endpoint) spawn(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.tasks.Add(1)
	go func() {
		defer e.tasks.Done()
		f()
	}()
	return true
}

func (e *endpoint) enroll(c *Call) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.calls[c.key] = c
	return true
}

func (e *endpoint) forget(c *Call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls[c.key] == c {
		delete(e.calls, c.key)
	}
}

func (e *endpoint) find(callID, tag string) *Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[dialogKey{callID, tag}]
}

// allowed lists the methods that we understand.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY"

// Request implements wire.Handler.
func (e *endpoint) Request(req *sip.Request, tx *wire.ServerTx, src wire.Source) {
	if !tx.InDialog() {
		e.outside(req, tx, src)
		return
	}
	if c := e.find(req.CallID().Value(), tx.ToTag()); c != nil {
		c.inside(req, tx, src)
		return
	}
	if !req.IsAck() {
		respond(tx, tx.NewResponse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist", nil))
	}
}

func (e *endpoint) outside(req *sip.Request, tx *wire.ServerTx, src wire.Source) {
	switch req.Method {
	case sip.INVITE:
		e.invited(req, tx, src)
	case sip.ACK:
	case sip.OPTIONS:
		res := tx.NewResponse(sip.StatusOK, "OK", nil)
		res.AppendHeader(sip.NewHeader("Allow", allowed))
		respond(tx, res)
	default:
		res := tx.NewResponse(sip.StatusMethodNotAllowed, "Method Not Allowed", nil)
		res.AppendHeader(sip.NewHeader("Allow", allowed))
		respond(tx, res)
	}
}

// StrayResponse implements wire.Handler: a 2xx that came again, or from another branch of a fork.
func (e *endpoint) StrayResponse(res *sip.Response, src wire.Source) {
	tag, _ := res.From().Params.Get("tag")
	if c := e.find(res.CallID().Value(), tag); c != nil {
		c.stray(res, src)
	}
}

// respond sends what cannot fail in a way that we could mend: a response that is lost is repeated by the peer's request.
func respond(tx *wire.ServerTx, res *sip.Response) { _ = tx.Respond(res) }

// serverDest is where requests outside a dialog go.
func (e *endpoint) serverDest() wire.Dest {
	return wire.Dest{Network: e.cfg.Network, Addr: *e.server.Load()}
}

// contact is our Contact towards a destination.
func (e *endpoint) contact(user string, dst wire.Dest) sip.Uri {
	host, port, err := e.stack.Advertised(dst)
	if err != nil {
		a := e.Addr()
		host, port = hostOf(a.Addr()), int(a.Port())
	}
	u := sip.Uri{Scheme: "sip", User: user, Host: host, Port: port}
	if e.cfg.Network == "tcp" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: "tcp"}}
	}
	return u
}

func (e *endpoint) serverURI(user string) sip.Uri {
	server := *e.server.Load()
	u := sip.Uri{Scheme: "sip", User: user, Host: hostOf(server.Addr()), Port: int(server.Port())}
	if e.cfg.Network == "tcp" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: "tcp"}}
	}
	return u
}
