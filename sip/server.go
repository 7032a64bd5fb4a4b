package sip

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	msg "github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"

	"telefonist/call"
	"telefonist/sip/wire"
)

// Server is the SIP room: trunks, phones and legs on one stack.
type Server struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	// complaints limits what is logged of wrong messages.
	complaints *rate.Limiter
	stack      *wire.Stack
	tasks      *tasks
	ctx        context.Context // ends with Close
	stop       context.CancelFunc

	trunks atomic.Pointer[trunks]
	// targets are the addresses that trunk targets were found at: netip.Addr to nothing. There are as many as DNS gave
	// for configured names.
	targets sync.Map
	// open is set while new calls are taken: after Start, until SetDraining.
	open, draining atomic.Bool

	mu      sync.Mutex // protects what follows; held for map work only
	legs    map[call.LegID]*leg
	dialogs map[dialogKey]dialogEntry
	merges  map[mergeKey]*leg
	closing bool
	empty   chan struct{} // closed when closing and no leg is left
}

// dialogEntry is where a dialog's messages go. The remote tag is that of an answered leg, for Replaces.
type dialogEntry struct {
	leg       *leg
	remoteTag string
}

// mergeKey is the same for all copies of one request that came by several ways (RFC 3261 section 8.2.2.2).
type mergeKey struct {
	callID, fromTag string
	seq             uint32
}

// New binds the sockets and begins to read. New INVITEs are answered 503 until Start.
func New(cfg Config) (*Server, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, tasks: newTasks(), complaints: rate.NewLimiter(5, 20),
		legs: map[call.LegID]*leg{}, dialogs: map[dialogKey]dialogEntry{}, merges: map[mergeKey]*leg{},
		empty: make(chan struct{}),
	}
	if err := s.SetTrunks(cfg.Trunks); err != nil {
		return nil, err
	}
	var err error
	if s.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("sip: register metrics: %w", err)
	}
	w := cfg.Wire
	w.Known, w.Admit, w.Logger, w.Registerer = s.known, s.admit, cfg.Logger, cfg.Registerer
	if s.stack, err = wire.New(w); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.stack.Serve(s)
	return s, nil
}

// Start ends what a crash left behind, see EndLeft, and takes new calls from then on.
func (s *Server) Start(left []call.Dialog) {
	s.EndLeft(left)
	s.open.Store(true)
}

// SetDraining refuses new calls with 503 and Retry-After, or takes them again. Calls that stand go on.
func (s *Server) SetDraining(on bool) { s.draining.Store(on) }

// SetTrunks replaces the trunks. Legs that stand go on; those of a trunk that is gone are heard from the address that they
// have been with. On an error nothing has changed.
func (s *Server) SetTrunks(cfg []Trunk) error {
	t, err := newTrunks(cfg)
	if err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	s.trunks.Store(t)
	s.targets.Clear()
	return nil
}

// Addr is an address that is bound.
type Addr struct {
	Network string // "udp" or "tcp"
	netip.AddrPort
}

// String prints the address as the configuration has it: "udp://192.0.2.1:5060".
func (a Addr) String() string { return a.Network + "://" + a.AddrPort.String() }

// Addrs returns the addresses that are bound.
func (s *Server) Addrs() []Addr {
	var out []Addr
	for _, l := range s.stack.Addrs() {
		out = append(out, Addr{l.Network, l.Addr})
	}
	return out
}

// closeGrace is how long Close waits for the far sides to answer the end of their legs.
const closeGrace = 2 * time.Second

// Close ends every leg that is left, with BYE, CANCEL or 503, waits for the answers at most 2 s or until ctx ends, and
// closes the sockets. No goroutine is left when it returns nil.
func (s *Server) Close(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	left := make([]*leg, 0, len(s.legs))
	for _, l := range s.legs {
		left = append(left, l)
	}
	if len(left) == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	for _, l := range left {
		l.box.post(func() {
			l.hangup(call.Hangup{Code: msg.StatusServiceUnavailable})
			if l.phase == accepted {
				l.patience.set(closeGrace/2, l.byeNow) // without its ACK, which can come no more
			}
		})
	}
	select {
	case <-s.empty:
	case <-ctx.Done():
	case <-time.After(closeGrace):
	}
	for _, l := range left {
		l.box.post(l.gone)
	}
	s.stop()
	err := s.stack.Close(ctx)
	s.tasks.close()
	return err
}

// Reoffer has a leg's far side offered our description anew, where the leg stands and nothing of the kind is under way.
// It never blocks.
func (s *Server) Reoffer(id call.LegID) { s.command(id, (*leg).reoffer) }

// Do carries out a command. It never blocks; commands for one leg are carried out in order, and those for a leg that has
// ended are ignored.
func (s *Server) Do(cmd call.SignalCommand) {
	switch c := cmd.(type) {
	case call.Dial:
		s.dialOut(c)
	case call.Ring:
		s.command(c.Leg, (*leg).ring)
	case call.Accept:
		s.command(c.Leg, (*leg).answer)
	case call.Reject:
		s.command(c.Leg, func(l *leg) { l.reject(c) })
	case call.Hangup:
		s.command(c.Leg, func(l *leg) { l.hangup(c) }, func(l *leg) { l.quiet.Store(true) })
	case call.AnswerRefer:
		s.command(c.Leg, func(l *leg) { l.answerRefer(c) })
	case call.NotifyRefer:
		s.command(c.Leg, func(l *leg) { l.notifyRefer(c) })
	default:
		s.log.Error("signalling command of an unknown kind", "command", fmt.Sprintf("%T", cmd))
	}
}

// command queues a command for a leg; at once is done before it waits its turn.
func (s *Server) command(id call.LegID, f func(*leg), atOnce ...func(*leg)) {
	s.mu.Lock()
	l := s.legs[id]
	s.mu.Unlock()
	if l == nil {
		return
	}
	for _, g := range atOnce {
		g(l)
	}
	l.box.post(func() {
		if l.phase != gone {
			f(l)
		}
	})
}

// enroll enters a leg into the tables; false where its identifier is taken or the server closes.
func (s *Server) enroll(l *leg) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs[l.id] != nil || s.closing {
		return false
	}
	s.legs[l.id] = l
	s.metrics.legs.WithLabelValues(string(l.dir)).Inc()
	return true
}

// enrollKey makes a dialog of the leg findable.
func (s *Server) enrollKey(l *leg, k dialogKey, remoteTag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs[l.id] != l {
		return
	}
	s.dialogs[k] = dialogEntry{l, remoteTag}
	l.keys = append(l.keys, k)
}

func (s *Server) find(k dialogKey) *leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[k].leg
}

// forget takes a leg out of the tables.
func (s *Server) forget(l *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs[l.id] != l {
		return
	}
	delete(s.legs, l.id)
	for _, k := range l.keys {
		if s.dialogs[k].leg == l {
			delete(s.dialogs, k)
		}
	}
	if l.in != nil {
		delete(s.merges, mergeKeyOf(l.in.req))
	}
	s.metrics.legs.WithLabelValues(string(l.dir)).Dec()
	if s.closing && len(s.legs) == 0 {
		close(s.empty)
	}
}

func mergeKeyOf(req *msg.Request) mergeKey {
	return mergeKey{req.CallID().Value(), tagOf(req.From().Params), req.CSeq().SeqNo}
}

// send starts a client transaction; nil callbacks are allowed.
func (s *Server) send(req *msg.Request, dst wire.Dest, onResponse func(*msg.Response), onDone func(error)) (*wire.ClientTx, error) {
	return s.stack.Send(s.ctx, req, dst, onResponse, onDone)
}

// contactFor returns our host and our Contact as a far side at dst reaches them.
func (s *Server) contactFor(dst wire.Dest, token string) (host, contact string, err error) {
	host, port, err := s.stack.Advertised(dst)
	if err != nil {
		return "", "", err
	}
	contact = fmt.Sprintf("sip:telefonist@%s:%d", host, port)
	if dst.Network == "tcp" {
		contact += ";transport=tcp"
	}
	if token != "" {
		contact += ";" + tokenParam + "=" + escapeUser(token)
	}
	return host, contact, nil
}

// localIP is our address as a far side at dst sees it, as far as it is known.
func (s *Server) localIP(dst wire.Dest) netip.Addr {
	if dst.Local.IsValid() {
		return dst.Local.Addr()
	}
	if host, _, err := s.stack.Advertised(dst); err == nil {
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && s.isLocal(a) {
			return a
		}
	}
	var near []netip.Addr
	for _, l := range s.stack.Addrs() {
		if a := l.Addr.Addr(); a.Is4() == dst.Addr.Addr().Is4() && a.IsLoopback() == dst.Addr.Addr().IsLoopback() {
			near = append(near, a)
		}
	}
	switch len(near) {
	case 0:
		return netip.Addr{}
	case 1:
		return near[0]
	}
	if a := routedSource(dst.Addr); slices.Contains(near, a) {
		return a
	}
	return near[0]
}

// routedSource asks the routing table which address of ours a packet to dst would carry. Connecting a UDP socket sends
// nothing.
func routedSource(dst netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(dst))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

func (s *Server) isLocal(a netip.Addr) bool {
	for _, l := range s.stack.Addrs() {
		if l.Addr.Addr() == a {
			return true
		}
	}
	return false
}
