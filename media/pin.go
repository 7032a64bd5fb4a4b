package media

import (
	"net/netip"
	"time"
)

// pinGrace is how long after a new description packets from the old address cannot fix the pin: those were under way
// before the far side moved. Later they may, as behind some NATs nothing but the description has changed.
const pinGrace = int64(time.Second)

// pin is the one address that a leg's packets are taken from. Until the first valid packet it is open to the
// description's host (any port, for NAT) and the signalling's host; that packet closes it. Only a description that names
// another address opens it again, so nobody who guesses ports can take a stream over or listen to it.
type pin struct {
	locked     netip.AddrPort // not valid until the first packet
	said       netip.AddrPort // what the description names
	signalling netip.Addr
	left       netip.AddrPort // where it was before the last new description
	leftAt     int64          // when that was
}

// negotiated takes the address of a new description, and reports whether the pin was opened. A description without an
// address (hold) changes nothing.
func (p *pin) negotiated(said netip.AddrPort, now int64) bool {
	if !said.IsValid() || said == p.said {
		return false
	}
	p.left, p.leftAt = p.locked, now
	p.said, p.locked = said, netip.AddrPort{}
	return true
}

// admits reports whether a packet from an address may be looked at.
func (p *pin) admits(from netip.AddrPort, now int64) bool {
	switch {
	case p.locked.IsValid():
		return from == p.locked
	case from == p.left && from != p.said && now-p.leftAt < pinGrace:
		return false
	}
	return p.said.IsValid() && (from.Addr() == p.said.Addr() || from.Addr() == p.signalling)
}

// target is where to send to; not valid where nothing was negotiated.
func (p *pin) target() netip.AddrPort {
	if p.locked.IsValid() {
		return p.locked
	}
	return p.said
}
