package wire

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// readBuffer is the receive buffer asked of the system for each UDP socket, in
// bytes: a burst of requests is then late rather than lost.
const readBuffer = 4 << 20

// udpSocket is one bound UDP socket and its reader.
type udpSocket struct {
	s     *Stack
	pc    net.PacketConn
	local netip.AddrPort
}

func (u *udpSocket) flow(remote netip.AddrPort) *flow {
	return &flow{s: u.s, sock: u, remote: remote}
}

// serve reads until the socket is closed. An error of another kind (an ICMP
// error handed to us, a descriptor problem) never ends the service.
func (u *udpSocket) serve() {
	buf := make([]byte, maxMessage+1)
	pause := time.Duration(0)
	for {
		n, addr, err := u.pc.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || u.s.isClosed() {
				return
			}
			u.s.warn("read from UDP socket", "local", u.local, "error", err)
			pause = backOff(pause)
			if !u.s.sleep(pause) {
				return
			}
			continue
		}
		pause = 0
		src := addrPort(addr)
		if !src.IsValid() || isKeepAlive(buf[:n]) {
			continue
		}
		u.s.received(buf[:n], u.flow(src))
	}
}

// isKeepAlive reports whether a datagram carries nothing but line breaks or NUL
// bytes, as phones send to keep a NAT binding open.
func isKeepAlive(data []byte) bool {
	for _, c := range data {
		if c != '\r' && c != '\n' && c != 0 {
			return false
		}
	}
	return true
}

// addrPort converts a net.Addr; IPv4 in IPv6 is unmapped. The zero AddrPort
// means that it has no IP address and port.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case nil:
		return ap
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// backOff doubles a pause from 5 ms to 1 s.
func backOff(d time.Duration) time.Duration {
	if d == 0 {
		return 5 * time.Millisecond
	}
	return min(2*d, time.Second)
}
