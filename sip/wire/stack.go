package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// Stack is a SIP transport and transaction layer on a set of sockets.
type Stack struct {
	cfg       Config
	m         *metrics
	handler   Handler // set by Serve, before any reader starts
	parser    *sip.Parser
	lanes     *lanes
	strangers *strangers
	logLimit  *rate.Limiter
	fsmLog    *slog.Logger
	resolving resolveCache

	socks     []*udpSocket
	listeners []*tcpListener
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	readers   sync.WaitGroup // readers, accept loops, dials; Add under mu unless closed

	mu      sync.Mutex // protects what follows; held for map work only, last of all locks but the lanes'
	closed  bool
	servers map[string]*ServerTx
	clients map[string]*ClientTx
	conns   map[netip.AddrPort]*streamConn
	connsOf map[netip.Addr]int
	nconns  int
}

// New binds the sockets. Nothing is read before Serve.
func New(cfg Config) (*Stack, error) {
	cfg = cfg.withDefaults()
	s := &Stack{
		cfg:       cfg,
		m:         newMetrics(cfg.Registerer),
		parser:    sip.NewParser(),
		strangers: newStrangers(cfg),
		logLimit:  rate.NewLimiter(5, 20),
		fsmLog:    slog.New(slog.DiscardHandler),
		servers:   make(map[string]*ServerTx),
		clients:   make(map[string]*ClientTx),
		conns:     make(map[netip.AddrPort]*streamConn),
		connsOf:   make(map[netip.Addr]int),
	}
	s.lanes = newLanes(s.panicked)
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.bind(); err != nil {
		s.closeSockets()
		return nil, err
	}
	return s, nil
}

func (s *Stack) bind() error {
	listen, err := ExpandWildcard(s.cfg.Listen)
	if err != nil {
		return err
	}
	for _, l := range listen {
		if err := s.listen(l); err != nil {
			return err
		}
	}
	for _, pc := range s.cfg.PacketConns {
		s.socks = append(s.socks, &udpSocket{s: s, pc: pc, local: addrPort(pc.LocalAddr())})
	}
	for _, l := range s.cfg.Listeners {
		s.listeners = append(s.listeners, &tcpListener{s: s, l: l, local: addrPort(l.Addr())})
	}
	return nil
}

func (s *Stack) listen(l Listen) error {
	switch l.Network {
	case "udp":
		pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Addr))
		if err != nil {
			return fmt.Errorf("listen for SIP on udp %s: %w", l.Addr, err)
		}
		if err := pc.SetReadBuffer(readBuffer); err != nil {
			s.cfg.Logger.Info("receive buffer of the SIP socket stays small", "local", l.Addr, "error", err)
		}
		s.socks = append(s.socks, &udpSocket{s: s, pc: pc, local: addrPort(pc.LocalAddr())})
	case "tcp":
		ln, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(l.Addr))
		if err != nil {
			return fmt.Errorf("listen for SIP on tcp %s: %w", l.Addr, err)
		}
		s.listeners = append(s.listeners, &tcpListener{s: s, l: ln, local: addrPort(ln.Addr())})
	default:
		return fmt.Errorf("listen for SIP on %q: network must be udp or tcp", l.Network)
	}
	return nil
}

// Serve starts reading; h is called from then on. It returns at once and is
// called once.
func (s *Stack) Serve(h Handler) {
	s.handler = h
	for _, u := range s.socks {
		s.goTracked(u.serve)
	}
	for _, t := range s.listeners {
		s.goTracked(t.serve)
	}
}

// Addrs returns the addresses that are bound, in the order of Config.
func (s *Stack) Addrs() []Listen {
	var out []Listen
	for _, u := range s.socks {
		out = append(out, Listen{Network: "udp", Addr: u.local})
	}
	for _, t := range s.listeners {
		out = append(out, Listen{Network: "tcp", Addr: t.local})
	}
	return out
}

// Advertised returns the host and port that a peer at dst reaches us by, for
// Contact: those that Via carries.
func (s *Stack) Advertised(dst Dest) (host string, port int, err error) {
	f, dial, err := s.route(dst, 0)
	if err != nil {
		return "", 0, err
	}
	if !dial {
		host, port = s.advertised(f)
		return host, port, nil
	}
	t := s.listenerFor(dst.Addr.Addr())
	if t == nil {
		return "", 0, fmt.Errorf("%s: %w", dst.Addr, ErrNoSocket)
	}
	return s.externalHost(t.local.Addr(), dst.Addr.Addr()), int(t.local.Port()), nil
}

// advertised is Advertised for a flow. Over TCP it is a listening address of
// ours, since nobody can reach the port that a connection was dialled from.
func (s *Stack) advertised(f *flow) (host string, port int) {
	local := f.local()
	if f.conn != nil && !f.conn.accepted {
		if t := s.listenerFor(f.remote.Addr()); t != nil {
			local = netip.AddrPortFrom(local.Addr(), t.local.Port())
		}
	}
	return s.externalHost(local.Addr(), f.remote.Addr()), int(local.Port())
}

func (s *Stack) externalHost(local, peer netip.Addr) string {
	if s.cfg.External != "" && !peer.IsLoopback() {
		return s.cfg.External
	}
	if local.Is6() {
		return "[" + local.WithZone("").String() + "]"
	}
	return local.String()
}

func (s *Stack) listenerFor(peer netip.Addr) *tcpListener {
	for _, t := range s.listeners {
		if t.local.Addr().Is4() == peer.Is4() {
			return t
		}
	}
	return nil
}

// Close stops reading, forgets all transactions and waits until the handler's
// calls are over or ctx ends. It does not tell peers anything.
func (s *Stack) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	conns := make([]*streamConn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	servers := make([]*ServerTx, 0, len(s.servers))
	for _, t := range s.servers {
		servers = append(servers, t)
	}
	clients := make([]*ClientTx, 0, len(s.clients))
	for _, c := range s.clients {
		clients = append(clients, c)
	}
	s.mu.Unlock()

	s.stop()
	s.closeSockets()
	for _, c := range conns {
		c.Conn.Close()
	}
	for _, c := range clients {
		s.lanes.post(c.callID, func() {
			c.end(ErrClosed)
			c.fsm.Terminate()
		})
	}
	for _, t := range servers {
		t.Terminate()
	}
	finished := make(chan struct{})
	go func() {
		s.readers.Wait()
		s.lanes.wait()
		close(finished)
	}()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close SIP stack: %w", ctx.Err())
	}
}

func (s *Stack) closeSockets() {
	for _, u := range s.socks {
		u.pc.Close()
	}
	for _, t := range s.listeners {
		t.l.Close()
	}
}

// goTracked runs f on a goroutine that Close waits for; false when closed.
func (s *Stack) goTracked(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.readers.Add(1)
	go func() {
		defer s.readers.Done()
		f()
	}()
	return true
}

func (s *Stack) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// sleep waits and reports whether the stack is still open.
func (s *Stack) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// offer queues a message behind the others of its Call-ID.
func (s *Stack) offer(callID string, f func()) bool {
	if s.lanes.offer(callID, f) {
		return true
	}
	s.m.refuse(refusedBacklog)
	s.warn("messages of one Call-ID come faster than they are handled")
	return false
}

// panicked counts and logs a panic of a handler.
func (s *Stack) panicked(v any, stack []byte) {
	s.m.panics.Inc()
	if s.logLimit.Allow() {
		s.cfg.Logger.Error("panic in SIP handler", "panic", fmt.Sprint(v), "stack", string(stack))
	}
}

// warn and debug share one limit, so that garbage at line rate fills no disk.
func (s *Stack) warn(msg string, args ...any) { s.logAt(slog.LevelWarn, msg, args...) }

func (s *Stack) debug(msg string, args ...any) { s.logAt(slog.LevelDebug, msg, args...) }

func (s *Stack) logAt(level slog.Level, msg string, args ...any) {
	if s.cfg.Logger.Enabled(s.ctx, level) && s.logLimit.Allow() {
		s.cfg.Logger.Log(s.ctx, level, msg, args...)
	}
}
