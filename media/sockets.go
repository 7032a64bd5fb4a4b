package media

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// sockets is the part of the engine that knows which sockets carry the flows. Replacing it replaces them all.
type sockets interface {
	// open binds a flow at a local address; its packets go to r until it is closed. The error is ErrNoPorts where no
	// port is free.
	open(bind netip.Addr, r receiver) (flow, error)
	// isOurs reports whether an address is one that a flow is bound to now.
	isOurs(netip.AddrPort) bool
	// isLocal reports whether an address belongs to this machine.
	isLocal(netip.Addr) bool
	// wait returns when every flow is closed and no packet of any is being handled.
	wait()
}

// flow is the way in and out of one leg. Sending may be done from several goroutines.
type flow interface {
	ports() (rtp, rtcp uint16)
	sendRTP(packet []byte, to netip.AddrPort) error
	sendRTCP(packet []byte, to netip.AddrPort) error
	close()
}

// receiver takes what a flow receives. The packet may be changed, and is valid during the call only. RTP of a flow
// comes one packet at a time.
type receiver interface {
	receiveRTP(packet []byte, from netip.AddrPort)
	receiveRTCP(packet []byte, from netip.AddrPort)
}

const (
	// portRest is how long a port pair rests after use, so that what is still under way for the old call does not
	// reach a new one.
	portRest = 5 * time.Second
	// packetSize is the largest packet that is read whole. Longer ones are no audio of ours and are dropped.
	packetSize = 2048
)

// portPairs gives each flow an even port for RTP and the next one for RTCP (RFC 3550 section 11).
type portPairs struct {
	locals   map[netip.Addr]bool // addresses of this machine at start
	external netip.Addr
	readers  sync.WaitGroup

	mu      sync.Mutex
	free    []uint16 // even ports, in the order they will be tried
	resting []rest   // by the end of their rest
	bound   map[uint16]netip.Addr
}

type rest struct {
	port  uint16
	until time.Time
}

func newPortPairs(cfg Config) *portPairs {
	p := &portPairs{locals: map[netip.Addr]bool{}, external: cfg.External, bound: map[uint16]netip.Addr{}}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					p.locals[ip.Unmap()] = true
				}
			}
		}
	}
	for port := (uint32(cfg.MinPort) + 1) &^ 1; port < uint32(cfg.MaxPort); port += 2 {
		p.free = append(p.free, uint16(port))
	}
	// In no order that a stranger could follow.
	rand.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	return p
}

func (p *portPairs) isLocal(a netip.Addr) bool { return a.IsLoopback() || p.locals[a] }

func (p *portPairs) isOurs(a netip.AddrPort) bool {
	p.mu.Lock()
	bind, ok := p.bound[a.Port()&^1]
	p.mu.Unlock()
	ip := a.Addr()
	return ok && (ip == bind || ip == p.external || bind.IsUnspecified() && p.isLocal(ip))
}

func (p *portPairs) wait() { p.readers.Wait() }

// take returns the next free port.
func (p *portPairs) take(bind netip.Addr) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(p.resting) && !now.Before(p.resting[n].until) {
		p.free = append(p.free, p.resting[n].port)
		n++
	}
	p.resting = p.resting[n:]
	if len(p.free) == 0 {
		return 0, false
	}
	port := p.free[0]
	p.free = p.free[1:]
	p.bound[port] = bind
	return port, true
}

// giveBack ends the use of a port, which rests before it is used again.
func (p *portPairs) giveBack(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.bound, port)
	p.resting = append(p.resting, rest{port, time.Now().Add(portRest)})
}

func (p *portPairs) open(bind netip.Addr, r receiver) (flow, error) {
	var last error
	for {
		port, ok := p.take(bind)
		if !ok {
			return nil, errors.Join(ErrNoPorts, last)
		}
		f, err := p.bind(bind, port)
		if err != nil {
			// Another program has it: it rests like a used one, and the next is tried.
			p.giveBack(port)
			last = err
			continue
		}
		p.readers.Go(func() { read(f.rtp, r.receiveRTP) })
		p.readers.Go(func() { read(f.rtcp, r.receiveRTCP) })
		return f, nil
	}
}

func (p *portPairs) bind(addr netip.Addr, port uint16) (*pair, error) {
	network := "udp4"
	if addr.Is6() {
		network = "udp6"
	}
	rtp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
	if err != nil {
		return nil, err
	}
	rtcp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port+1)))
	if err != nil {
		rtp.Close()
		return nil, err
	}
	return &pair{owner: p, port: port, rtp: rtp, rtcp: rtcp}, nil
}

// read hands on what a socket receives until it is closed.
func read(c *net.UDPConn, handle func([]byte, netip.AddrPort)) {
	buf := make([]byte, packetSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(time.Millisecond) // a fault of the socket that may pass; never spin on it
			continue
		}
		handle(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// pair is a flow on a port pair.
type pair struct {
	owner     *portPairs
	port      uint16
	rtp, rtcp *net.UDPConn
	once      sync.Once
}

func (f *pair) ports() (rtp, rtcp uint16) { return f.port, f.port + 1 }

func (f *pair) sendRTP(packet []byte, to netip.AddrPort) error {
	_, err := f.rtp.WriteToUDPAddrPort(packet, to)
	return err
}

func (f *pair) sendRTCP(packet []byte, to netip.AddrPort) error {
	_, err := f.rtcp.WriteToUDPAddrPort(packet, to)
	return err
}

func (f *pair) close() {
	f.once.Do(func() {
		f.rtp.Close()
		f.rtcp.Close()
		f.owner.giveBack(f.port)
	})
}
