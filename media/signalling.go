package media

import (
	"net/netip"

	"telefonist/call"
)

// SetSignallingIP says where a leg's signalling comes from, where Open could not know: an INVITE went to several phones
// and one of them has answered. It counts for packets that fix the far side's address from now on, and for descriptions
// that follow; call it before Accept. A leg that has no session is ignored.
func (e *Engine) SetSignallingIP(id call.LegID, ip netip.Addr) {
	l := e.leg(id)
	if l == nil {
		return
	}
	ip = ip.Unmap()
	l.negotiation.Lock()
	defer l.negotiation.Unlock()
	l.options.SignallingIP = ip // read by checkTarget, with negotiation held
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	l.in.pin.signalling, l.in.rtcpPin.signalling = ip, ip
}
