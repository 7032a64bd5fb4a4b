package wire

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// Listen is one address to serve.
type Listen struct {
	Network string         // "udp" or "tcp"
	Addr    netip.AddrPort // a wildcard is expanded by ExpandWildcard; port 0 lets the system choose
}

// Config configures a Stack. Zero values mean the default named at each field.
type Config struct {
	// Listen are the addresses to bind. Wildcards are expanded to one socket
	// for each address of the machine, so that answers and requests leave
	// from the address that the peer knows.
	Listen []Listen
	// PacketConns and Listeners are served as they are, beside Listen. The
	// stack closes them. Tests give connections of an in-memory network here.
	PacketConns []net.PacketConn
	Listeners   []net.Listener
	// Dial opens TCP connections for requests. Default: net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver looks names up in Resolve. Default: net.DefaultResolver.
	Resolver Resolver

	// External is the host put into Via and told by Advertised, where it
	// differs from the socket's address (behind a static NAT). It is not used
	// towards loopback addresses.
	External string
	// UserAgent is the User-Agent of requests and the Server of responses.
	// Empty means none.
	UserAgent string

	// MaxConns caps TCP connections in all (default 2000, and never more than
	// half of the descriptors that the process may have: the rest is for the
	// sockets of calls). Strangers fill three quarters of it at most.
	// MaxConnsPerSource caps those of one IP address (default 20; known sources
	// have ten times that).
	MaxConns          int
	MaxConnsPerSource int
	// FirstMessage is the time a new TCP connection has for its first whole
	// message (default 10 s), Message the time from a message's first byte to
	// its last (default 10 s), Idle the time between messages (default 3 min).
	FirstMessage time.Duration
	Message      time.Duration
	Idle         time.Duration
	// MaxMessage is the largest message in bytes, start line to body
	// (default and most: 65535). Longer ones get 513.
	MaxMessage int
	// MaxTransactions caps open server transactions (default 20000). Above
	// it new requests get 503 with Retry-After, without a transaction.
	MaxTransactions int

	// Known says whether a source address is one that we do business with: a
	// trunk, a registered phone. It is called for every message on the
	// reading goroutine and must be quick and safe for concurrent use. All
	// others are strangers, whose messages pass a token bucket for each
	// source (StrangerRate per second, default 10; StrangerBurst, default
	// 40) and one for all of them (StrangerTotal per second, default 1000).
	// Nil means that no source is a stranger.
	Known         func(src netip.AddrPort) bool
	StrangerRate  float64
	StrangerBurst int
	StrangerTotal float64

	// Admit decides on every request that is not a retransmission, before a
	// transaction exists: it is called on the reading goroutine, must not
	// block, and must be safe for concurrent use. For an ACK anything but
	// acceptance means dropped. Nil admits everything.
	Admit func(src Source, req *sip.Request) Verdict

	Logger     *slog.Logger          // default: slog.Default
	Registerer prometheus.Registerer // default: a registry of the stack's own
}

// Verdict is what Admit decides. The zero Verdict accepts.
type Verdict struct {
	drop    bool
	code    int
	reason  string
	headers []sip.Header
}

// Accept lets the request through.
func Accept() Verdict { return Verdict{} }

// Drop ignores the request; nothing is sent.
func Drop() Verdict { return Verdict{drop: true} }

// Answer refuses the request with a final response that is sent once and not
// remembered. On UDP the response is not sent if it is larger than the request.
func Answer(code int, reason string, headers ...sip.Header) Verdict {
	return Verdict{code: code, reason: reason, headers: headers}
}

// Handler is told what arrives. All calls that concern one Call-ID are made one
// after the other, in wire order, on a goroutine of that Call-ID; a handler
// must not block it for long.
type Handler interface {
	// Request is called once for each request that starts a server
	// transaction, and for each ACK that belongs to none: of a 2xx, of a
	// response sent with Refuse, or of nothing at all. For an ACK tx.Respond
	// returns ErrNoTransaction. A CANCEL that matches is told by tx.OnCancel;
	// one that does not is answered 481 and not passed on.
	Request(req *sip.Request, tx *ServerTx, src Source)
	// StrayResponse is called for each 2xx response to an INVITE after the
	// first: a retransmission, which wants its ACK again, or another branch
	// of a fork, which wants an ACK and a BYE. Whether such an INVITE was
	// ever sent is for the handler to find out.
	StrayResponse(res *sip.Response, src Source)
}

// Source is where a message came from.
type Source struct {
	Network string         // "udp" or "tcp"
	Addr    netip.AddrPort // the peer's address as the packet or connection had it
	Local   netip.AddrPort // the socket of ours that received it
}

// Dest returns the destination that leads back on the same flow: from the same
// socket, or over the same connection and no other.
func (s Source) Dest() Dest {
	return Dest{Network: s.Network, Addr: s.Addr, Local: s.Local, NoDial: s.Network == "tcp"}
}

// Dest is where to send a message.
type Dest struct {
	Network string         // "udp" (default) or "tcp"
	Addr    netip.AddrPort // the peer
	// Local is the UDP socket of ours to send from. Zero lets the routing
	// table choose among those of the right family.
	Local netip.AddrPort
	// NoDial forbids opening a TCP connection: only an open one to Addr is
	// used. Set it for peers that connected to us.
	NoDial bool
	// TCP says that a peer addressed over UDP is known to listen on TCP at
	// the same address, which requests over 1300 bytes then prefer
	// (RFC 3261 18.1.1).
	TCP bool
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxConns, 2000)
	c.MaxConns = min(c.MaxConns, Descriptors()/2)
	setDefault(&c.MaxConnsPerSource, 20)
	setDefault(&c.FirstMessage, 10*time.Second)
	setDefault(&c.Message, 10*time.Second)
	setDefault(&c.Idle, 3*time.Minute)
	setDefault(&c.MaxMessage, maxMessage)
	c.MaxMessage = min(c.MaxMessage, maxMessage)
	setDefault(&c.MaxTransactions, 20000)
	setDefault(&c.StrangerRate, 10)
	setDefault(&c.StrangerBurst, 40)
	setDefault(&c.StrangerTotal, 1000)
	if c.Dial == nil {
		d := &net.Dialer{Timeout: 4 * time.Second}
		c.Dial = d.DialContext
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

func setDefault[T int | float64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// maxMessage is the largest message the stack reads, in bytes.
const maxMessage = 65535
