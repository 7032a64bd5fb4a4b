package media

import (
	"net/netip"
	"sync"

	"telefonist/media/negotiate"
)

// inbound is what a leg's far side sends: who it may be, what may arrive, and who hears it.
type inbound struct {
	// What each packet touches comes first: warm.
	mu        sync.Mutex
	window    window
	watch     watch
	to        listeners // who hears it
	cipher    *cipher   // nil for plain RTP
	media     *negotiate.Media
	direction Direction
	mux       bool
	nowhere   bool             // the description names no address to send to (hold)
	spoken    negotiate.Format // what the last audio was in, by the description that holds
	pin       pin
	report    report
	receive   [128]negotiate.Format

	rtcpPin pin
	ahead   *ahead // nil: there is none
	keys    keys
	offered int64 // when our last offer for what the leg hears now was made; 0 for none
}

// apply takes a new description.
func (in *inbound) apply(m *negotiate.Media, now int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if held := m.Direction != SendRecv; held != (in.direction != SendRecv) {
		in.watch.restart(now)
	}
	if in.media == nil {
		in.report.sentAt = now - int64(reportInterval)/2 // the first is due sooner (RFC 3550 section 6.2)
	}
	in.receive, in.direction, in.mux = m.Receive, m.Direction, m.Mux
	if moved := in.pin.negotiated(m.Remote, now); moved && in.media != nil {
		in.ahead = nil // somebody else's
	}
	in.rtcpPin.negotiated(m.RemoteRTCP, now)
	in.nowhere = !m.Remote.IsValid()
	in.cipher, in.media, in.spoken = in.cipher.rekeyed(m.ReceiveKey), m, negotiate.FormatNone
}

// target is where to send to; not valid where there is nowhere.
func (in *inbound) target() netip.AddrPort {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.nowhere {
		return netip.AddrPort{}
	}
	return in.pin.target()
}

// route sets who hears the leg. A key that is being pressed was meant for whom she heard before.
func (in *inbound) route(to ...*leg) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.keys.owned = in.keys.known
	in.to = listeners{}
	copy(in.to[:], to)
}

// listeners are the legs that hear another one: nobody, its peer, or the two others of a conference.
type listeners [2]*leg

// receiveRTP takes a packet of the leg's RTP port.
func (l *leg) receiveRTP(raw []byte, from netip.AddrPort, via *outbox) {
	if isRTCP(raw) {
		l.receiveMuxed(raw, from)
		return
	}
	if len(raw) >= packetSize {
		l.counts.drop(dropMalformed)
		return
	}
	now := l.arrived(via)
	p, to, format, late, latched := l.take(raw, from, now)
	p.via = via
	if latched {
		l.takeAim()
	}
	if format == negotiate.FormatEvent && !l.hearKey(&p, now) {
		format = negotiate.FormatNone
	}
	for _, hears := range to {
		if hears == nil {
			return
		}
		if hears.out.relay(l, &p, format, late, now) {
			l.engine.clock.add(hears)
		}
	}
}

// arrived is when what a thread hands on was received.
func (l *leg) arrived(via *outbox) int64 {
	if via == nil {
		return l.engine.now()
	}
	return via.now
}

// unwrap reads a packet, and takes its protection off where it has one. in.mu is held.
func (l *leg) unwrap(raw []byte, from netip.AddrPort, now int64) (p packet, ok bool) {
	in := &l.in
	if in.cipher == nil {
		if p, ok = parsePacket(raw); !ok {
			l.counts.drop(dropMalformed)
			return p, false
		}
		if !in.pin.admits(from, now) {
			l.counts.drop(dropSource)
			return p, false
		}
		return p, true
	}
	if !in.pin.admits(from, now) { // before anything is spent on it
		l.counts.drop(dropSource)
		return p, false
	}
	plain, ok := in.cipher.open(raw)
	if !ok {
		l.counts.drop(dropSecure)
		return p, false
	}
	if p, ok = parsePacket(plain); !ok {
		l.counts.drop(dropMalformed)
	}
	return p, ok
}

// take decides about a packet: to is empty where nobody shall hear it. latched tells that it was the one that fixed the
// far side's address, at another one than the description named.
func (l *leg) take(raw []byte, from netip.AddrPort, now int64) (p packet, to listeners, f negotiate.Format, late, latched bool) {
	in := &l.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.media == nil {
		if in.ahead != nil {
			l.counts.drop(dropSource)
		}
		in.keepAhead(&packet{raw: raw}, negotiate.FormatNone, from, now)
		return
	}
	p, ok := l.unwrap(raw, from, now)
	if !ok {
		return
	}
	f = in.receive[p.payload]
	if !in.pin.locked.IsValid() {
		if f == negotiate.FormatNone {
			l.counts.drop(dropPayload)
			return
		}
		if l.engine.sockets.isOurs(from) {
			l.counts.drop(dropSource)
			return p, to, negotiate.FormatNone, false, false
		}
		in.pin.locked = from
		latched = from != in.pin.said
	}
	in.watch.heard(now)
	l.counts.received.Add(1)
	a, lost := in.window.hear(p.ssrc, p.seq)
	if lost > 0 {
		l.counts.lost.Add(uint64(lost))
	}
	in.noteForReport(&p, a, f, now)
	if f != negotiate.FormatNone && f != negotiate.FormatEvent {
		in.spoken = f
	}
	switch {
	case a == arrivedTwice || a == arrivedOld:
		l.counts.drop(dropLate)
	case f == negotiate.FormatNone:
		l.counts.drop(dropPayload)
		to = in.to // only to close the gap in the sequence
	case !in.direction.Receives():
		l.counts.drop(dropHeld)
	default:
		to = in.to
		if !in.watch.armed && f != negotiate.FormatEvent {
			in.keepAhead(&p, f, from, now)
		}
	}
	return p, to, f, a == arrivedLate, latched
}
