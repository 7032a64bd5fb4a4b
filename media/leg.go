package media

import (
	crand "crypto/rand"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// leg is the session of one leg. Its parts have a lock each. Of in and out only one is held at a time; negotiation
// and aim may be held around them, in that order.
type leg struct {
	in     inbound
	counts counts
	out    outbound

	engine  *Engine
	id      call.LegID
	options Options
	bind    netip.Addr                      // where its ports are
	local   netip.AddrPort                  // what we advertise; protected by out.mu
	media   atomic.Pointer[negotiate.Media] // what was negotiated, for the peer; never nil, and never changed
	unheard atomic.Bool                     // what it sends cannot be heard by whom it is connected with

	// negotiation protects session, and orders descriptions and their effect.
	negotiation sync.Mutex
	session     *negotiate.Session

	// aim orders changes of where is sent to: what the pin says last is what counts.
	aim sync.Mutex

	// peer is whom it is connected with, mates are the two others of its conference: one of both, or neither. Protected by
	// Engine.mu.
	peer  *leg
	mates [2]*leg
}

func newLeg(e *Engine, id call.LegID, o Options) *leg {
	l := &leg{engine: e, id: id, options: o}
	l.media.Store(new(negotiate.Media))
	l.in.pin.signalling = o.SignallingIP
	l.in.rtcpPin.signalling = o.SignallingIP
	l.out.ssrc, l.out.name = rand.Uint32(), crand.Text()
	l.out.seq = uint16(rand.Uint32()) >> 1 // the lower half, so that no receiver of SRTP misses a wrap (RFC 3711 section 3.3.1)
	l.out.stamp = rand.Uint32()
	l.out.counts = &l.counts
	return l
}

// describe is our side of the leg's session. Its keys are fresh.
func (l *leg) describe(addr netip.Addr, rtp, rtcp uint16) negotiate.Local {
	local := negotiate.Local{Addr: addr, RTP: rtp, RTCP: rtcp, ID: uint64(rand.Uint32()),
		Codecs: l.options.Codecs, Secure: l.options.Secure}
	if local.Codecs == nil {
		local.Codecs = l.engine.cfg.Codecs
	}
	if local.Secure != negotiate.SecureOff {
		for i := range local.Keys {
			crand.Read(local.Keys[i][:]) // never fails
		}
	}
	return local
}

// attach gives the leg its way out. Packets may arrive before.
func (l *leg) attach(f flow) {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.flow = f
}

// apply makes a negotiated description effective.
func (l *leg) apply(m *negotiate.Media) {
	l.media.Store(m)
	l.unheard.Store(false)
	now := l.engine.now()
	l.in.apply(m, now)
	l.out.apply(m)
	l.takeAim()
	l.readAhead(now)
}

// takeAim sends to where the pin says.
func (l *leg) takeAim() {
	l.aim.Lock()
	defer l.aim.Unlock()
	to := l.in.target()
	l.out.mu.Lock()
	l.out.remote = to
	l.out.mu.Unlock()
}

// approve lets the far side have its addresses, or refuses them. l.negotiation is held.
func (l *leg) approve(rtp, rtcp netip.AddrPort) error {
	for _, a := range []netip.AddrPort{rtp, rtcp} {
		if err := l.checkTarget(a); err != nil {
			return err
		}
	}
	if c, ok := l.flow().(claimer); ok {
		return c.claim(rtp, rtcp)
	}
	return nil
}

// checkTarget refuses addresses that we never send to, whoever names them: our own sockets (two such legs would feed
// each other for ever), and loopback or link-local ones named by a far side that is not there itself.
func (l *leg) checkTarget(a netip.AddrPort) error {
	refused := func(reason string) error { return &RefusedError{Warning: negotiate.WarnAddress, Reason: reason} }
	ip, from := a.Addr(), l.options.SignallingIP
	switch {
	case l.engine.sockets.isOurs(a):
		return refused("media address is our own")
	case from.IsValid() && ip.IsLoopback() && !from.IsLoopback() && !l.engine.sockets.isLocal(from):
		return refused("loopback media address from another host")
	case from.IsValid() && ip.IsLinkLocalUnicast() && !from.IsLinkLocalUnicast():
		return refused("link-local media address from another network")
	}
	return nil
}

// flow is the leg's way in and out, nil where it has none.
func (l *leg) flow() flow {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return l.out.flow
}

// moveOut gives a leg on a shared port a port pair of its own, which descriptions tell from now on. l.negotiation is held.
func (l *leg) moveOut() error {
	f, err := l.engine.sockets.open(l.bind, l.flow(), l)
	if err != nil {
		return err
	}
	rtp, rtcp := f.ports()
	l.out.mu.Lock()
	old := l.out.flow
	if old != nil {
		l.out.flow, l.local = f, netip.AddrPortFrom(l.local.Addr(), rtp)
	}
	l.out.mu.Unlock()
	if old == nil { // closed meanwhile
		f.close()
		return ErrNoSession
	}
	old.close()
	l.session.Move(rtp, rtcp)
	return nil
}

// silence ends whatever the leg hears and whoever hears it. Engine.mu is held.
func (l *leg) silence() {
	if p := l.peer; p != nil {
		p.peer, l.peer = nil, nil
		p.in.route()
		p.out.hear(nil)
	}
	l.leaveConference()
	l.in.offeredAt(0)
	l.in.route()
	l.out.hear(nil)
}

// shut closes the leg's sockets. Nothing is sent after it returns.
func (l *leg) shut() {
	l.out.mu.Lock()
	f := l.out.flow
	l.out.flow = nil
	l.out.mu.Unlock()
	if f != nil {
		f.close()
	}
}

func (l *leg) info() Info {
	i := Info{
		Codec:    l.codec(),
		Received: l.counts.received.Load(),
		Sent:     l.counts.sent.Load(),
		Lost:     l.counts.lost.Load(),
	}
	for r := range l.counts.dropped {
		i.Dropped += l.counts.dropped[r].Load()
	}
	l.in.mu.Lock()
	i.Direction = l.in.direction
	if l.in.cipher != nil {
		i.Protection = l.in.cipher.key.String()
	}
	l.in.mu.Unlock()
	l.out.mu.Lock()
	i.Local, i.Remote, i.Converted = l.local, l.out.remote, l.out.converted
	l.out.mu.Unlock()
	return i
}
