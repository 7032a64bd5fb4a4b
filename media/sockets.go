package media

import (
	"errors"
	"net/netip"
)

// sockets is the part of the engine that knows which sockets carry the flows. Replacing it replaces them all.
type sockets interface {
	// open binds a flow at a local address; its packets go to r until it is closed. Most of them will go on to near, where
	// that is not nil, and the other way round. The error is ErrNoPorts where no
	// port is free, ErrNoDescriptors where the process has as many files open as it may.
	open(bind netip.Addr, near flow, r receiver) (flow, error)
	// isOurs reports whether an address is one that a flow is bound to now.
	isOurs(netip.AddrPort) bool
	// isLocal reports whether an address belongs to this machine.
	isLocal(netip.Addr) bool
	// end is called when every flow is closed, and returns when no packet of any is being handled.
	end()
}

// flow is the way in and out of one leg. Sending may be done from several goroutines. What the system does not take at
// once is an error, and lost; only the sockets of package net wait for room. After close nothing is sent.
type flow interface {
	ports() (rtp, rtcp uint16)
	sendRTP(packet []byte, to netip.AddrPort) error
	sendRTCP(packet []byte, to netip.AddrPort) error
	close()
}

// receiver takes what a flow receives. The packet may be changed, and is valid during the call only. RTP of a flow
// comes one packet at a time. A datagram longer than packetSize comes cut to that size.
type receiver interface {
	receiveRTP(packet []byte, from netip.AddrPort)
	receiveRTCP(packet []byte, from netip.AddrPort)
}

// packetSize is the largest packet that is read whole. Longer ones are no audio of ours and are dropped.
const packetSize = 2048

// newSockets chooses how flows are carried: by epoll loops where the system has them, else by the sockets of package
// net with a goroutine each.
func newSockets(cfg Config) sockets {
	p := newPorts(cfg)
	if !cfg.portable {
		l, err := newLoops(p, cfg.loops)
		if err == nil {
			return l
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			cfg.Logger.Warn("media goes by a goroutine for each port, which costs more", "cause", err)
		}
	}
	return newConns(p)
}
