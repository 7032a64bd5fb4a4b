package media

import (
	"errors"
	"net/netip"
	"time"

	"telefonist/media/negotiate"
)

// sockets is the part of the engine that knows which sockets carry the flows. Replacing it replaces them all.
type sockets interface {
	// open binds a flow at a local address; its packets go to r until it is closed. Most of them will go on to near, where
	// that is not nil, and the other way round. The error is ErrNoPorts where no
	// port is free, ErrNoDescriptors where the process has as many files open as it may.
	open(bind netip.Addr, near flow, r receiver) (flow, error)
	// share makes a flow at a local address that has its port in common with others, and receives nothing but what comes
	// from the addresses that it claims. errors.ErrUnsupported where no ports are shared; other errors as of open.
	share(bind netip.Addr, near flow, r receiver) (flow, error)
	// strangers counts the packets that came to shared ports from addresses that no flow has.
	strangers() uint64
	// isOurs reports whether an address is one that a flow is bound to now.
	isOurs(netip.AddrPort) bool
	// isLocal reports whether an address belongs to this machine.
	isLocal(netip.Addr) bool
	// count tells how many port pairs are free, resting and bound.
	count() portCounts
	// threads is how many threads are kept for receiving alone.
	threads() int
	// end is called when every flow is closed, and returns when no packet of any is being handled.
	end()
}

// flow is the way in and out of one leg. Sending may be done from several goroutines. What the system does not take at
// once is an error, and lost; only the sockets of package net wait for room. After close nothing is sent.
type flow interface {
	ports() (rtp, rtcp uint16)
	// sendRTP may leave the packet to an outbox where there is one. That it did not leave is then told to the receiver.
	sendRTP(packet []byte, to netip.AddrPort, via *outbox) error
	sendRTCP(packet []byte, to netip.AddrPort) error
	close()
}

// claimer is a flow on a shared port.
type claimer interface {
	// claim takes the addresses of the far side in place of those it had. errTaken where another flow has one of them;
	// then nothing has changed.
	claim(rtp, rtcp netip.AddrPort) error
}

// errTaken refuses a far side whose address is another's on the same shared port.
var errTaken = &RefusedError{Warning: negotiate.WarnAddress, Reason: "media address is another call's"}

// receiver takes what a flow receives. The packet may be changed, and is valid during the call only. RTP of a flow
// comes one packet at a time. A datagram longer than packetSize comes cut to that size.
type receiver interface {
	// receiveRTP is given the outbox of the thread that calls, nil where it has none.
	receiveRTP(packet []byte, from netip.AddrPort, via *outbox)
	receiveRTCP(packet []byte, from netip.AddrPort)
	// warm hints that a packet is soon to come: first of what it touches first, and in each stage of what the one before led to.
	warm(stage int)
	// sendFailed tells that a packet that an outbox took did not leave.
	sendFailed()
}

// packetSize is the largest packet that is read whole. Longer ones are no audio of ours and are dropped.
const packetSize = 2048

// newSockets chooses how flows are carried: by epoll loops where the system has them, else by the sockets of package
// net with a goroutine each. began is where the engine's clock counts from.
func newSockets(cfg Config, began time.Time) sockets {
	p := newPorts(cfg)
	if !cfg.portable {
		l, err := newLoops(p, cfg.loops, began, cfg.Logger)
		if err == nil {
			return l
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			cfg.Logger.Warn("media goes by a goroutine for each port, which costs more", "cause", err)
		}
	}
	return newConns(p)
}
