package media

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// conns carries each flow on two sockets of package net with a goroutine for each: what every system can do.
type conns struct {
	*ports
	readers sync.WaitGroup
}

func newConns(p *ports) *conns { return &conns{ports: p} }

func (*conns) threads() int { return 0 }

func (c *conns) end() { c.readers.Wait() }

// share is for loops.
func (*conns) share(netip.Addr, flow, receiver) (flow, error) { return nil, errors.ErrUnsupported }

func (*conns) strangers() uint64 { return 0 }

func (c *conns) open(bind netip.Addr, _ flow, r receiver) (flow, error) {
	var f *connPair
	err := c.bindFree(bind, func(port uint16) (err error) {
		f, err = c.bind(bind, port)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.readers.Go(func() { read(f.rtp, func(b []byte, from netip.AddrPort) { r.receiveRTP(b, from, nil) }) })
	c.readers.Go(func() { read(f.rtcp, r.receiveRTCP) })
	return f, nil
}

func (c *conns) bind(addr netip.Addr, port uint16) (*connPair, error) {
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
	return &connPair{owner: c, port: port, rtp: rtp, rtcp: rtcp}, nil
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

// connPair is a flow on a port pair.
type connPair struct {
	owner     *conns
	port      uint16
	rtp, rtcp *net.UDPConn
	once      sync.Once
}

func (f *connPair) ports() (rtp, rtcp uint16) { return f.port, f.port + 1 }

func (f *connPair) sendRTP(packet []byte, to netip.AddrPort, _ *outbox) error {
	_, err := f.rtp.WriteToUDPAddrPort(packet, to)
	return err
}

func (f *connPair) sendRTCP(packet []byte, to netip.AddrPort) error {
	_, err := f.rtcp.WriteToUDPAddrPort(packet, to)
	return err
}

func (f *connPair) close() {
	f.once.Do(func() {
		f.rtp.Close()
		f.rtcp.Close()
		f.owner.giveBack(f.port)
	})
}
