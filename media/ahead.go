package media

import (
	"net/netip"

	"telefonist/media/negotiate"
)

// aheadFor is how old what came ahead may be to be heard: where it is older the next packet is as near, and two would leave at once.
const aheadFor = 10 * 1e6

// ahead is the newest packet of a far side that nobody hears yet, because its answer is still being read (RFC 3264 section 5.1 has us ready for audio
// as soon as we have offered) or made durable. With it, the first word of who answers is heard at once.
type ahead struct {
	packet packet
	format negotiate.Format
	from   netip.AddrPort
	at     int64 // when it came
}

// keepAhead keeps a packet in place of the one before, in its memory.
func (in *inbound) keepAhead(p *packet, f negotiate.Format, from netip.AddrPort, now int64) {
	if in.ahead == nil {
		in.ahead = new(ahead)
	}
	raw := append(in.ahead.packet.raw[:0], p.raw...)
	*in.ahead = ahead{*p, f, from, now}
	in.ahead.packet.raw, in.ahead.packet.via = raw, nil
}

// takeAhead hands out what was kept, where it is fresh, and else nil.
func (in *inbound) takeAhead(now int64) *ahead {
	kept := in.ahead
	in.ahead = nil
	if kept != nil && now-kept.at > aheadFor {
		return nil
	}
	return kept
}

// readAhead takes what arrived before the description that says what it is.
func (l *leg) readAhead(now int64) {
	l.in.mu.Lock()
	if l.in.ahead != nil && l.in.ahead.format != negotiate.FormatNone { // read, and waits to be heard
		l.in.mu.Unlock()
		return
	}
	kept := l.in.takeAhead(now)
	l.in.mu.Unlock()
	if kept != nil {
		l.receiveRTP(kept.packet.raw, kept.from, nil)
	}
}

// sendAhead has whom the leg was connected with hear what arrived before.
func (l *leg) sendAhead(now int64) {
	l.in.mu.Lock()
	kept := l.in.takeAhead(now)
	to := l.in.to[0]
	l.in.mu.Unlock()
	if kept != nil && to != nil && to.out.relay(l, &kept.packet, kept.format, false, now) {
		l.engine.clock.add(to)
	}
}
