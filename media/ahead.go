package media

import (
	"net/netip"

	"telefonist/media/negotiate"
)

// aheadFor is how old what came ahead may be to be heard: where it is older the next packet is as near, and two would leave at once.
const aheadFor = 10 * 1e6

// ahead is the newest packet of a far side that nobody hears yet, because its answer is still being read (RFC 3264 section 5.1 has us ready for audio
// as soon as we have offered) or made durable. With it, the first word of who answers is heard at once. It is part of inbound and
// protected by its lock.
type ahead struct {
	packet packet
	format negotiate.Format
	from   netip.AddrPort
	at     int64 // when it came; 0: there is none
}

func (a *ahead) keep(p *packet, f negotiate.Format, from netip.AddrPort, now int64) {
	raw := append(a.packet.raw[:0], p.raw...)
	*a = ahead{*p, f, from, now}
	a.packet.raw, a.packet.via = raw, nil
}

// take hands out what was kept, where it is fresh.
func (a *ahead) take(now int64) (kept ahead, fresh bool) {
	kept, *a = *a, ahead{}
	return kept, kept.at != 0 && now-kept.at <= aheadFor
}

// readAhead takes what arrived before the description that says what it is.
func (l *leg) readAhead(now int64) {
	l.in.mu.Lock()
	if l.in.ahead.format != negotiate.FormatNone { // read, and waits to be heard
		l.in.mu.Unlock()
		return
	}
	kept, fresh := l.in.ahead.take(now)
	l.in.mu.Unlock()
	if fresh {
		l.receiveRTP(kept.packet.raw, kept.from, nil)
	}
}

// sendAhead has whom the leg was connected with hear what arrived before.
func (l *leg) sendAhead(now int64) {
	l.in.mu.Lock()
	kept, fresh := l.in.ahead.take(now)
	to := l.in.to[0]
	l.in.mu.Unlock()
	if fresh && to != nil && to.out.relay(l, &kept.packet, kept.format, false, now) {
		l.engine.clock.add(to)
	}
}
