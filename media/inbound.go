package media

import (
	"net/netip"
	"sync"

	"telefonist/media/negotiate"
)

// inbound is what a leg's far side sends: who it may be, what may arrive, and who hears it.
type inbound struct {
	mu        sync.Mutex
	receive   [128]negotiate.Format
	direction Direction
	pin       pin
	rtcpPin   pin
	mux       bool
	nowhere   bool // the description names no address to send to (hold)
	window    window
	watch     watch
	report    report
	to        *leg    // who hears it
	cipher    *cipher // nil for plain RTP
	media     *negotiate.Media
	reoffered int64 // when it was last offered anew because nobody could hear it; 0 for never
}

// apply takes a new description.
func (in *inbound) apply(m negotiate.Media, now int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if held := m.Direction != SendRecv; held != (in.direction != SendRecv) {
		in.watch.restart(now)
	}
	in.receive, in.direction, in.mux = m.Receive, m.Direction, m.Mux
	in.pin.negotiated(m.Remote, now)
	in.rtcpPin.negotiated(m.RemoteRTCP, now)
	in.nowhere = !m.Remote.IsValid()
	in.cipher, in.media = in.cipher.rekeyed(m.ReceiveKey), &m
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

// route sets who hears the leg.
func (in *inbound) route(to *leg) {
	in.mu.Lock()
	in.to = to
	in.mu.Unlock()
}

// receiveRTP takes a packet of the leg's RTP port.
func (l *leg) receiveRTP(raw []byte, from netip.AddrPort) {
	if isRTCP(raw) {
		l.receiveMuxed(raw, from)
		return
	}
	now := l.engine.now()
	if len(raw) >= packetSize {
		l.counts.drop(dropMalformed)
		return
	}
	p, to, format, late, latched := l.take(raw, from, now)
	if latched {
		l.takeAim()
	}
	if to != nil && to.out.relay(l, &p, format, late, now) {
		l.engine.clock.add(to)
	}
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

// take decides about a packet: to is nil where nobody shall hear it. latched tells that it was the one that fixed the
// far side's address, at another one than the description named.
func (l *leg) take(raw []byte, from netip.AddrPort, now int64) (p packet, to *leg, f negotiate.Format, late, latched bool) {
	in := &l.in
	in.mu.Lock()
	defer in.mu.Unlock()
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
			return
		}
		in.pin.locked = from
		latched = from != in.pin.said
	}
	in.watch.heard(now)
	l.counts.received.Add(1)
	a, lost := in.window.add(p.ssrc, p.seq)
	if lost > 0 {
		l.counts.lost.Add(uint64(lost))
	}
	in.noteForReport(&p, f, now)
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
	}
	return p, to, f, a == arrivedLate, latched
}
