//go:build linux && (amd64 || arm64)

package media

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// takenAtOnce is how many packets a turn of a loop takes from a shared port.
	takenAtOnce = 64
	// sharedRoom is how many bytes of packets wait at a shared port at most, as the system counts them: a burst of all
	// far sides of some thousand calls.
	sharedRoom = 8 << 20
)

// sharedPort is a port pair of a loop that many flows share. They are told by the far side's address. It is bound when
// it is first used, and closed with the loops.
type sharedPort struct {
	owner     *loops
	loop      *loop
	number    int // among all of them
	address   netip.AddrPort
	rtp, rtcp sock
	out       sock          // what RTP leaves by
	foreign   atomic.Uint64 // packets that were no flow's

	// mu orders changes of which flow has which address.
	mu                  sync.Mutex
	rtpPeers, rtcpPeers *peers
}

// share puts a flow on the shared port of the loop of the one near it, otherwise of the loop with the fewest.
func (ls *loops) share(bind netip.Addr, near flow, r receiver) (flow, error) {
	p, err := ls.sharedPort(ls.loopFor(near), bind)
	if err != nil {
		return nil, err
	}
	p.loop.flows.Add(1)
	return &sharedFlow{port: p, r: r}, nil
}

// sharedPort returns a loop's shared port at a local address.
func (ls *loops) sharedPort(l *loop, bind netip.Addr) (*sharedPort, error) {
	ls.sharing.Lock()
	defer ls.sharing.Unlock()
	for _, p := range ls.shared {
		if p.loop == l && p.address.Addr() == bind {
			return p, nil
		}
	}
	var p *sharedPort
	err := ls.bindFree(bind, func(port uint16) error {
		p = &sharedPort{owner: ls, loop: l, number: len(ls.shared), address: netip.AddrPortFrom(bind, port),
			rtpPeers: newPeers(), rtcpPeers: newPeers()}
		p.rtp.shared, p.rtcp.shared = p, p
		return p.open()
	})
	if err != nil {
		return nil, err
	}
	p.makeRoom()
	ls.shared = append(ls.shared, p)
	return p, nil
}

// open binds the port's sockets.
func (p *sharedPort) open() error {
	err := p.loop.bindPair(&p.rtp, &p.rtcp, p.address)
	if err != nil {
		return err
	}
	p.out.six = p.rtp.six
	if p.out.fd, err = p.wayOut(); err != nil {
		p.loop.remove(&p.rtp)
		p.loop.remove(&p.rtcp)
	}
	return err
}

// wayOut is a descriptor that RTP leaves by: a second socket, for each packet that leaves by a socket that epoll watches has the system look
// through the watchers. Where there can be none, whether the system forbids it or the port has no single address, it is the first socket's.
func (p *sharedPort) wayOut() (int, error) {
	var cause error
	if !p.address.Addr().IsUnspecified() { // what is connected has one address
		var fd int
		if fd, cause = sendingUDP(p.rtp.fd, p.address); cause == nil {
			return fd, nil
		}
	}
	fd, err := unix.FcntlInt(uintptr(p.rtp.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil && cause != nil {
		p.owner.log.Warn("RTP leaves a shared media port by the socket that it comes to, which costs more", "port", p.address.Port(), "cause", cause)
	}
	return fd, err
}

// makeRoom has the system keep a burst for the port. More than net.core.rmem_max is for those who may (CAP_NET_ADMIN).
func (p *sharedPort) makeRoom() {
	fd := p.rtp.fd
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, sharedRoom) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, sharedRoom)
	}
	if unix.SetsockoptInt(p.out.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sharedRoom) != nil {
		_ = unix.SetsockoptInt(p.out.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sharedRoom)
	}
	// The system keeps twice what it is told, for what it needs itself.
	if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil && got < 2*sharedRoom {
		p.owner.log.Warn("a shared media port has little room, so that a burst of many calls loses packets: raise net.core.rmem_max",
			"port", p.address.Port(), "bytes", got/2, "wanted", sharedRoom)
	}
}

// strangers counts the packets at shared ports that were no flow's.
func (ls *loops) strangers() (n uint64) {
	ls.sharing.Lock()
	defer ls.sharing.Unlock()
	for _, p := range ls.shared {
		n += p.foreign.Load()
	}
	return n
}

// unshare closes the shared ports.
func (ls *loops) unshare() {
	ls.sharing.Lock()
	defer ls.sharing.Unlock()
	for _, p := range ls.shared {
		p.loop.remove(&p.rtp)
		p.loop.remove(&p.rtcp)
		p.out.end()
		ls.giveBack(p.address.Port())
	}
	ls.shared = nil
}

// deliver hands each packet to the flow that has the address it comes from. Some are found before the first is handed on: what
// the memory keeps them waiting for is then fetched at the same time.
func (p *sharedPort) deliver(b *batch, n int, control bool, via *outbox) {
	index := p.rtpPeers
	if control {
		index = p.rtcpPeers
	}
	for first := 0; first < n; first += warmAtOnce {
		last := min(first+warmAtOnce, n)
		index.findAll(b.peers[first:last], b.names[first:last])
		for stage := range warmStages {
			for _, at := range b.peers[first:last] {
				at.warm(stage)
			}
		}
		for i := first; i < last; i++ {
			p.hand(b.peers[i], b.packet(i), control, via)
		}
	}
	clear(b.peers[:n])
}

// hand gives a packet to the flow that has the address it came from, if any.
func (p *sharedPort) hand(at *peer, packet []byte, control bool, via *outbox) {
	switch {
	case at == nil, !control && !at.takes(packet, via.now), at.gone.Load():
		p.foreign.Add(1)
	case control:
		at.r.receiveRTCP(packet, at.addr)
	default:
		at.r.receiveRTP(packet, at.addr, via)
	}
}

// sharedFlow is a flow on a shared port. What it receives is what comes from the addresses that it has claimed.
type sharedFlow struct {
	port *sharedPort
	r    receiver

	// Of the port's lock.
	rtp, rtcp *peer // nil before the first claim
	closed    bool
}

func (f *sharedFlow) onLoop() *loop { return f.port.loop }

func (f *sharedFlow) ports() (rtp, rtcp uint16) {
	return f.port.address.Port(), f.port.address.Port() + 1
}

// claim takes the far side's addresses in place of those it had, or none: errTaken where another flow has one of them.
func (f *sharedFlow) claim(rtp, rtcp netip.AddrPort) error {
	p := f.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.closed {
		return nil
	}
	now := p.loop.now()
	p.rtpPeers.sweep(now)
	p.rtcpPeers.sweep(now)
	if p.rtpPeers.taken(rtp, f) || p.rtcpPeers.taken(rtcp, f) {
		return errTaken
	}
	f.rtp = p.rtpPeers.move(f.rtp, rtp, f, now)
	f.rtcp = p.rtcpPeers.move(f.rtcp, rtcp, f, now)
	return nil
}

func (f *sharedFlow) sendRTP(packet []byte, to netip.AddrPort, via *outbox) error {
	if via == nil || len(packet) > laneRoom {
		return f.port.out.send(packet, to)
	}
	via.put(f, packet, to)
	return nil
}

func (f *sharedFlow) sendRTCP(packet []byte, to netip.AddrPort) error {
	return f.port.rtcp.send(packet, to)
}

func (f *sharedFlow) close() {
	p := f.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	now := p.loop.now()
	p.rtpPeers.leave(f.rtp, now)
	p.rtcpPeers.leave(f.rtcp, now)
	p.loop.flows.Add(-1)
}
