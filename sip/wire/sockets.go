package wire

import (
	"fmt"
	"net"
	"net/netip"
)

// ExpandWildcard replaces each wildcard address by one entry for each address
// of the machine of that family: a socket bound to a wildcard answers from
// whatever address the routing table likes, not from the one that was asked.
// Link-local addresses are left out, and so is a port 0 wildcard's promise that
// all entries share one port.
func ExpandWildcard(listen []Listen) ([]Listen, error) {
	var out []Listen
	for _, l := range listen {
		if !l.Addr.Addr().IsUnspecified() {
			out = append(out, l)
			continue
		}
		addrs, err := machineAddrs(l.Addr.Addr().Is4())
		if err != nil {
			return nil, fmt.Errorf("expand %s: %w", l.Addr, err)
		}
		for _, a := range addrs {
			out = append(out, Listen{Network: l.Network, Addr: netip.AddrPortFrom(a, l.Addr.Port())})
		}
	}
	return out, nil
}

func machineAddrs(v4 bool) ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	seen := make(map[netip.Addr]bool)
	for _, a := range list {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if ip = ip.Unmap(); !ok || ip.Is4() != v4 || ip.IsLinkLocalUnicast() || seen[ip] {
			continue
		}
		seen[ip] = true
		out = append(out, ip)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the machine has no such address")
	}
	return out, nil
}

// udpFlow finds the socket to send to dst from: the one asked for, else the one
// whose address the routing table would choose, else the first of the family.
func (s *Stack) udpFlow(dst Dest) (*flow, error) {
	var same []*udpSocket
	for _, u := range s.socks {
		if dst.Local.IsValid() && u.local == dst.Local {
			return u.flow(dst.Addr), nil
		}
		if u.local.Addr().Is4() == dst.Addr.Addr().Is4() {
			same = append(same, u)
		}
	}
	switch len(same) {
	case 0:
		return nil, fmt.Errorf("%s: %w", dst.Addr, ErrNoSocket)
	case 1:
		return same[0].flow(dst.Addr), nil
	}
	if from := routedSource(dst.Addr); from.IsValid() {
		for _, u := range same {
			if u.local.Addr() == from {
				return u.flow(dst.Addr), nil
			}
		}
	}
	return same[0].flow(dst.Addr), nil
}

// routedSource asks the routing table which address of ours a packet to dst
// would carry. Connecting a UDP socket sends nothing.
func routedSource(dst netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(dst))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return addrPort(c.LocalAddr()).Addr()
}
