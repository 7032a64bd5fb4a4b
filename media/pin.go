package media

import "net/netip"

// pin is the one address that a leg's packets are taken from. Until the first valid packet it is open to the
// description's host (any port, for NAT) and the signalling's host; that packet closes it. Only a description that names
// another address opens it again, so nobody who guesses ports can take a stream over or listen to it.
type pin struct {
	said       netip.AddrPort // what the description names
	signalling netip.Addr
	locked     netip.AddrPort // not valid until the first packet
}

// negotiated takes the address of a new description, and reports whether the pin was opened. A description without an
// address (hold) changes nothing.
func (p *pin) negotiated(said netip.AddrPort) bool {
	if !said.IsValid() || said == p.said {
		return false
	}
	p.said, p.locked = said, netip.AddrPort{}
	return true
}

// admits reports whether a packet from an address may be looked at.
func (p *pin) admits(from netip.AddrPort) bool {
	if p.locked.IsValid() {
		return from == p.locked
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
