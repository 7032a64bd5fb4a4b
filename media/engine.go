package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
	"telefonist/record"
)

// Direction, RefusedError and the directions are those of package negotiate, so that sip needs only this package.
type (
	Direction    = negotiate.Direction
	RefusedError = negotiate.RefusedError
	Secure       = negotiate.Secure
)

// ParseSecure reads "off", "optional" or "required"; the empty string is off.
func ParseSecure(s string) (Secure, error) { return negotiate.ParseSecure(s) }

// What may be asked for the protection of a leg's audio.
const (
	SecureOff      = negotiate.SecureOff
	SecureOptional = negotiate.SecureOptional
	SecureRequired = negotiate.SecureRequired
)

// The directions, seen from our side.
const (
	Inactive = negotiate.Inactive
	SendOnly = negotiate.SendOnly
	RecvOnly = negotiate.RecvOnly
	SendRecv = negotiate.SendRecv
)

// Engine carries the audio of all legs. Its methods may be called from any goroutine.
type Engine struct {
	cfg     Config
	sink    Sink
	log     *slog.Logger
	start   time.Time // origin of the engine's own monotonic clock
	sockets sockets
	clips   library
	clock   *clock
	metrics *metrics

	// mu protects the sessions and who is connected with whom. Under it the locks of legs may be taken, never the
	// other way round.
	mu     sync.Mutex
	legs   map[call.LegID]*leg
	early  early
	closed bool

	past past

	commands mailbox
	stop     chan struct{}
	done     sync.WaitGroup
}

// New loads the prompts and starts the engine. It must be ended with Shutdown.
func New(cfg Config, sink Sink) (*Engine, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	clips, err := loadLibrary(cfg.PromptFS, cfg.Prompts)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	start := time.Now()
	e := &Engine{
		cfg:      cfg,
		sink:     sink,
		log:      cfg.Logger,
		start:    start,
		sockets:  newSockets(cfg, start),
		clips:    clips,
		legs:     map[call.LegID]*leg{},
		commands: mailbox{wake: make(chan struct{}, 1)},
		stop:     make(chan struct{}),
	}
	e.clock = newClock(e)
	e.metrics = newMetrics(e)
	if cfg.Registerer != nil {
		if err := cfg.Registerer.Register(e.metrics); err != nil {
			e.sockets.end()
			return nil, fmt.Errorf("media: metrics: %w", err)
		}
	}
	e.clock.start()
	e.done.Go(e.obey)
	e.done.Go(e.watch)
	return e, nil
}

// Shutdown closes every session and waits until no goroutine of the engine is left.
func (e *Engine) Shutdown() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		e.done.Wait()
		return
	}
	e.closed = true
	ids := make([]call.LegID, 0, len(e.legs))
	for id := range e.legs {
		ids = append(ids, id)
	}
	e.mu.Unlock()
	for _, id := range ids {
		e.Close(id)
	}
	close(e.stop)
	e.done.Wait()
	e.sockets.end()
	if e.cfg.Registerer != nil {
		e.cfg.Registerer.Unregister(e.metrics)
	}
}

// Threads is how many threads of the system the engine keeps to itself.
func (e *Engine) Threads() int { return e.sockets.threads() + len(e.clock.shards) }

// now is the engine's clock: nanoseconds since its start, monotonic.
func (e *Engine) now() int64 { return int64(time.Since(e.start)) }

// Options of a session.
type Options struct {
	// LocalIP is our address as the leg's signalling sees it. It is bound and advertised where the configuration names
	// none.
	LocalIP netip.Addr
	// SignallingIP is where the leg's signalling comes from: the only host besides the description's own that the
	// far side's audio may come from.
	SignallingIP netip.Addr
	// Peer is the leg that this one will be connected to, if known: the codec negotiated there is preferred here.
	Peer call.LegID
	// Codecs are what the leg may use, best first: names of RFC 4855, "*" for all that can be passed through. Nil means
	// Config.Codecs.
	Codecs []string
	// Secure says whether the audio is protected by SRTP with keys in the description (RFC 4568).
	Secure Secure
	// Shared has the leg share one port pair for each core with others, where the system can. Its audio is then taken
	// from exactly the address that its description names, so it is for far sides that have an address of their own for
	// each call, send from where they receive, and have no NAT before them. A leg that answers an offer gets a port pair of its own where
	// another call has the address.
	Shared bool
}

// Open makes a session for a leg and takes a port pair for it, or a share in one. Errors: ErrNoPorts,
// ErrNoDescriptors, ErrOpen, ErrNoAddress, ErrShutdown.
func (e *Engine) Open(id call.LegID, o Options) error {
	o.LocalIP, o.SignallingIP = o.LocalIP.Unmap(), o.SignallingIP.Unmap()
	bind, advertise, err := e.addresses(o.LocalIP)
	if err != nil {
		return fmt.Errorf("media: open: %w", err)
	}
	e.mu.Lock()
	err = e.mayOpen(id)
	e.mu.Unlock()
	if err != nil {
		return fmt.Errorf("media: open: %w", err)
	}
	l := newLeg(e, id, o)
	l.bind = bind
	f, err := e.openFlow(l)
	if err != nil {
		return fmt.Errorf("media: open: %w", err)
	}
	rtp, rtcp := f.ports()
	l.session = negotiate.New(l.describe(advertise, rtp, rtcp), l.approve)
	l.local = netip.AddrPortFrom(advertise, rtp)
	l.attach(f)

	e.mu.Lock()
	if err := e.mayOpen(id); err != nil { // meanwhile
		e.mu.Unlock()
		f.close()
		return fmt.Errorf("media: open: %w", err)
	}
	e.legs[id] = l
	waiting := e.early.forget(id)
	e.mu.Unlock()
	if waiting != nil {
		e.Do(waiting)
	}
	return nil
}

// openFlow makes a leg's flow: on a shared port where it may, else on a port pair of its own.
func (e *Engine) openFlow(l *leg) (flow, error) {
	near := e.flowOf(l.options.Peer)
	if l.options.Shared || e.cfg.allShared {
		if f, err := e.sockets.share(l.bind, near, l); err == nil {
			return f, nil
		}
	}
	return e.sockets.open(l.bind, near, l)
}

// mayOpen reports why a leg cannot be opened. Engine.mu is held.
func (e *Engine) mayOpen(id call.LegID) error {
	switch {
	case e.closed:
		return ErrShutdown
	case e.legs[id] != nil:
		return ErrOpen
	}
	return nil
}

// addresses returns what to bind to and what to advertise for a session.
func (e *Engine) addresses(local netip.Addr) (bind, advertise netip.Addr, err error) {
	bind = e.cfg.Address
	switch {
	case !bind.IsUnspecified():
	case e.sockets.isLocal(local):
		bind = local
	case local.Is4() && bind.Is6():
		bind = netip.IPv4Unspecified()
	case local.Is6() && bind.Is4():
		bind = netip.IPv6Unspecified()
	}
	switch external := e.cfg.External.Unmap(); {
	case external.IsValid() && (!local.IsValid() || external.Is4() == local.Is4()):
		advertise = external
	case !e.cfg.Address.IsUnspecified():
		advertise = e.cfg.Address
	case local.IsValid() && !local.IsUnspecified():
		advertise = local
	default:
		err = ErrNoAddress
	}
	return bind, advertise, err
}

// Offer returns our description as an offer: the codec in use first, or the one that the peer leg sends, then the others,
// then telephone-event. Once the leg is connected, what its peer could not hear is left out. An offer that changes nothing repeats the version of o= (RFC 3264 section 8).
func (e *Engine) Offer(id call.LegID) ([]byte, error) {
	l := e.leg(id)
	if l == nil {
		return nil, fmt.Errorf("media: offer: %w", ErrNoSession)
	}
	peer, connected := e.peerOf(l)
	l.negotiation.Lock()
	defer l.negotiation.Unlock()
	l.in.offeredAt(e.now())
	return l.session.Offer(peer, connected), nil
}

// Answer is our answer to an offer.
type Answer struct {
	SDP []byte
	// Direction is ours from now on; its Held method tells whether the far side put us on hold.
	Direction Direction
	// Changed tells whether anything about the stream differs from before: false for a session refresh.
	Changed bool
}

// Answer applies an initial offer or a re-offer and returns our answer. An offer that cannot be accepted gives a
// *RefusedError (488 with its Warning) and leaves the session as it was.
func (e *Engine) Answer(id call.LegID, offer []byte) (Answer, error) {
	l := e.leg(id)
	if l == nil {
		return Answer{}, fmt.Errorf("media: answer: %w", ErrNoSession)
	}
	prefer := negotiate.NoCodec
	if peer, _ := e.peerOf(l); peer != nil {
		prefer = peer.Codec
	}
	l.negotiation.Lock()
	defer l.negotiation.Unlock()
	text, changed, err := l.session.Answer(offer, prefer)
	if errors.Is(err, errTaken) && l.moveOut() == nil {
		text, changed, err = l.session.Answer(offer, prefer)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("media: answer: %w", err)
	}
	m, _ := l.session.Media()
	l.apply(m)
	return Answer{SDP: text, Direction: m.Direction, Changed: changed}, nil
}

// Accept applies the far side's answer to our last offer and returns our direction. It may be called again for the
// same offer: a final answer replaces an early one. An answer that does not fit gives a *RefusedError and leaves the
// session as it was.
func (e *Engine) Accept(id call.LegID, answer []byte) (Direction, error) {
	l := e.leg(id)
	if l == nil {
		return 0, fmt.Errorf("media: accept: %w", ErrNoSession)
	}
	l.negotiation.Lock()
	defer l.negotiation.Unlock()
	direction, err := l.session.Accept(answer)
	if err != nil {
		return 0, fmt.Errorf("media: accept: %w", err)
	}
	m, _ := l.session.Media()
	l.apply(m)
	return direction, nil
}

// Close ends a leg's session: nothing is sent or taken any more, a leg connected with it falls silent, and its ports
// rest for a while before they are used again. A leg that has no session is ignored.
func (e *Engine) Close(id call.LegID) {
	l := e.leg(id)
	if l == nil {
		return
	}
	e.past.keep(l.report(), e.now()) // before it leaves the table, so that Report finds it at any moment
	e.mu.Lock()
	if e.legs[id] != l {
		e.mu.Unlock()
		return
	}
	delete(e.legs, id)
	l.silence()
	e.metrics.fold(l)
	e.mu.Unlock()
	l.goodbye(e.now())
	l.shut()
	last := l.report()
	e.metrics.observe(l.quality(), last)
	e.past.keep(last, e.now())
}

// Report tells how the audio of a leg went, for its call's record: of a leg that is open, and for a while of one that has
// been closed. It waits for nothing but short locks.
func (e *Engine) Report(id call.LegID) (m record.Media, ok bool) {
	if l := e.leg(id); l != nil {
		return l.report(), true
	}
	return e.past.find(id)
}

// Info is a look at a session, for logs, records and tests.
type Info struct {
	Codec     string // as in record.Media; "none" before the negotiation
	Direction Direction
	// Converted tells that the leg has heard somebody who speaks another codec.
	Converted bool
	// Protection is the crypto suite of SRTP, empty for plain RTP.
	Protection string
	// Local is what we advertise, Remote where we send to; not valid where there is nowhere to send.
	Local, Remote netip.AddrPort
	// Received and Sent count the RTP packets taken and sent. Lost counts gaps in what was received.
	Received, Sent, Lost uint64
	// Dropped counts what was thrown away, for whatever reason.
	Dropped uint64
}

// Info returns a look at a leg's session; ok is false where there is none.
func (e *Engine) Info(id call.LegID) (info Info, ok bool) {
	l := e.leg(id)
	if l == nil {
		return Info{}, false
	}
	return l.info(), true
}

func (e *Engine) leg(id call.LegID) *leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.legs[id]
}

// flowOf is the flow of a leg, nil where there is none.
func (e *Engine) flowOf(id call.LegID) flow {
	l := e.leg(id)
	if l == nil {
		return nil
	}
	return l.flow()
}

// peerOf is what was negotiated with the leg that another one is connected with, or will be; nil where nothing was.
func (e *Engine) peerOf(l *leg) (m *negotiate.Media, connected bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.mates[0] != nil {
		return &confers, true
	}
	p := l.peer
	if connected = p != nil; !connected {
		p = e.legs[l.options.Peer]
	}
	if p == nil {
		return nil, false
	}
	if m = p.media.Load(); m.First == negotiate.FormatNone {
		return nil, false
	}
	return m, connected
}
