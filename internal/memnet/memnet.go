package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// queueLen is how many packets wait at an endpoint; more are lost, as in a full
// socket buffer.
const queueLen = 4096

// Packet is one datagram as it was sent.
type Packet struct {
	At       time.Time // when it was sent
	From, To netip.AddrPort
	Data     []byte
	Lost     bool // no copy was delivered
}

// Fate is what happens to a packet: one delivery for each latency. No latency
// means loss, two mean a duplicate, and a longer one than that of the packet
// behind means that they are reordered.
type Fate []time.Duration

// Deliver is the fate of a packet that arrives once, at once.
func Deliver() Fate { return Fate{0} }

// Lose is the fate of a packet that never arrives.
func Lose() Fate { return nil }

// Network connects endpoints. The zero value is not usable, see New.
type Network struct {
	mu    sync.Mutex // protects what follows
	conns map[netip.AddrPort]*Conn
	hook  func(Packet) Fate
	tap   func(Packet)
	sent  []Packet
	next  map[netip.Addr]uint16
}

// New returns an empty network that delivers every packet at once.
func New() *Network {
	return &Network{conns: make(map[netip.AddrPort]*Conn), next: make(map[netip.Addr]uint16)}
}

// Hook sets what decides each packet's fate. It is called in the order of
// sending, one call at a time, and must not use the network.
func (n *Network) Hook(f func(Packet) Fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = f
}

// Tap sets what is told of each packet when it is sent, lost or not, under the
// same rules as a hook.
func (n *Network) Tap(f func(Packet)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tap = f
}

// Sent returns a copy of the record of all packets, in the order of sending.
func (n *Network) Sent() []Packet {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Packet(nil), n.sent...)
}

// Listen creates an endpoint. Port 0 takes the next free one from 49152.
func (n *Network) Listen(addr netip.AddrPort) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port() == 0 {
		for n.next[addr.Addr()]++; ; n.next[addr.Addr()]++ {
			free := netip.AddrPortFrom(addr.Addr(), 49151+n.next[addr.Addr()])
			if n.conns[free] == nil {
				addr = free
				break
			}
		}
	}
	if n.conns[addr] != nil {
		return nil, fmt.Errorf("listen %s: address in use", addr)
	}
	c := &Conn{net: n, local: addr, in: make(chan Packet, queueLen), closed: make(chan struct{}), moved: make(chan struct{})}
	n.conns[addr] = c
	return c, nil
}

// MustListen is Listen for an address written out; it panics where that fails.
func (n *Network) MustListen(addr string) *Conn {
	c, err := n.Listen(netip.MustParseAddrPort(addr))
	if err != nil {
		panic(err)
	}
	return c
}

func (n *Network) send(p Packet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fate := Deliver()
	if n.hook != nil {
		fate = n.hook(p)
	}
	p.Lost = len(fate) == 0
	n.sent = append(n.sent, p)
	if n.tap != nil {
		n.tap(p)
	}
	for _, latency := range fate {
		if latency <= 0 {
			n.deliver(p)
			continue
		}
		time.AfterFunc(latency, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.deliver(p)
		})
	}
}

func (n *Network) deliver(p Packet) {
	c := n.conns[p.To]
	if c == nil {
		return
	}
	select {
	case c.in <- p:
	default: // full: lost
	}
}

// Conn is an endpoint: a net.PacketConn with deadlines.
type Conn struct {
	net   *Network
	local netip.AddrPort
	in    chan Packet

	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex // protects what follows
	deadline time.Time
	moved    chan struct{} // closed and replaced when deadline changes
}

var _ net.PacketConn = (*Conn)(nil)

// ReadFrom waits for a packet, the read deadline or Close. A packet longer than
// b is cut, as on a socket.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		c.mu.Lock()
		deadline, moved := c.deadline, c.moved
		c.mu.Unlock()
		var expired <-chan time.Time
		var timer *time.Timer
		if !deadline.IsZero() {
			timer = time.NewTimer(time.Until(deadline))
			expired = timer.C
		}
		p, err := c.wait(expired, moved)
		if timer != nil {
			timer.Stop()
		}
		if err == errMoved {
			continue
		}
		if err != nil {
			return 0, nil, &net.OpError{Op: "read", Net: "udp", Source: c.LocalAddr(), Err: err}
		}
		return copy(b, p.Data), net.UDPAddrFromAddrPort(p.From), nil
	}
}

var errMoved = fmt.Errorf("deadline moved")

func (c *Conn) wait(expired <-chan time.Time, moved <-chan struct{}) (Packet, error) {
	select {
	case <-c.closed:
		return Packet{}, net.ErrClosed
	default:
	}
	select {
	case p := <-c.in:
		return p, nil
	case <-c.closed:
		return Packet{}, net.ErrClosed
	case <-expired:
		return Packet{}, os.ErrDeadlineExceeded
	case <-moved:
		return Packet{}, errMoved
	}
}

// WriteTo sends a packet; like UDP it does not know whether anybody is there.
func (c *Conn) WriteTo(b []byte, addr net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, &net.OpError{Op: "write", Net: "udp", Source: c.LocalAddr(), Addr: addr, Err: net.ErrClosed}
	default:
	}
	to, err := addrPort(addr)
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: "udp", Source: c.LocalAddr(), Addr: addr, Err: err}
	}
	c.net.send(Packet{At: time.Now(), From: c.local, To: to, Data: append([]byte(nil), b...)})
	return len(b), nil
}

func addrPort(addr net.Addr) (netip.AddrPort, error) {
	if u, ok := addr.(*net.UDPAddr); ok {
		ap := u.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	return netip.ParseAddrPort(addr.String())
}

// Send is WriteTo with a plain address.
func (c *Conn) Send(data []byte, to netip.AddrPort) {
	_, _ = c.WriteTo(data, net.UDPAddrFromAddrPort(to))
}

// Close removes the endpoint and wakes its readers.
func (c *Conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.net.mu.Lock()
		defer c.net.mu.Unlock()
		delete(c.net.conns, c.local)
	})
	return nil
}

// LocalAddr returns the endpoint's address.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

// AddrPort is LocalAddr with a plain type.
func (c *Conn) AddrPort() netip.AddrPort { return c.local }

// SetDeadline is SetReadDeadline: writes never wait.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline also moves the deadline of a read that is waiting.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}

// SetWriteDeadline does nothing: writes never wait.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
