package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// valueError is what is wrong with one value and what to write instead.
type valueError struct{ problem, fix string }

func (e *valueError) Error() string { return e.problem + ": " + e.fix }

func wrong(problem, fix string) error { return &valueError{problem, fix} }

// Listen is an address that SIP is taken on: "udp://0.0.0.0:5060", "tcp://[::1]:5060".
type Listen struct {
	Network string // "udp" or "tcp"
	Addr    netip.AddrPort
}

// String prints it as it is written.
func (l Listen) String() string { return l.Network + "://" + l.Addr.String() }

// MarshalText writes it as String does.
func (l Listen) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads udp://ADDRESS:PORT or tcp://ADDRESS:PORT. The address is an IP address; port 0 takes any free one.
func (l *Listen) UnmarshalText(text []byte) error {
	s := string(text)
	network, addr, found := strings.Cut(s, "://")
	if !found {
		network, addr = "udp", s
	}
	ap, err := addrPort(addr)
	if network != "udp" && network != "tcp" {
		return wrong(fmt.Sprintf("%q is no transport of this server", network), "write udp://"+addr+" or tcp://"+addr)
	}
	if err != nil {
		return wrong(fmt.Sprintf("%q is not an address and port", s), "write "+network+"://"+guess(addr, 5060))
	}
	if !found {
		return wrong(fmt.Sprintf("%q has no transport", s), "write udp://"+ap.String()+" or tcp://"+ap.String())
	}
	l.Network, l.Addr = network, ap
	return nil
}

func addrPort(s string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return ap, err
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// guess gives what was probably meant by a broken address and port.
func guess(s string, port int) string {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, uint16(port)).String()
	}
	host, p, found := strings.Cut(s, ":")
	if n, err := strconv.Atoi(p); found && err == nil && n >= 0 && n <= 65535 {
		port = n
	}
	if host == "localhost" {
		return fmt.Sprintf("127.0.0.1:%d", port)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Sprintf("%s:%d", host, port)
	}
	return fmt.Sprintf("0.0.0.0:%d, or the IP address of this machine", port)
}

// HostPort is an address that HTTP is taken on: "127.0.0.1:8080".
type HostPort struct{ netip.AddrPort }

// UnmarshalText reads ADDRESS:PORT with an IP address; port 0 takes any free one.
func (h *HostPort) UnmarshalText(text []byte) error {
	ap, err := addrPort(string(text))
	if err != nil {
		return wrong(fmt.Sprintf("%q is not an address and port", text), "write "+guess(string(text), 8080))
	}
	h.AddrPort = ap
	return nil
}

// Addr is an IP address, or nothing.
type Addr struct{ netip.Addr }

// String prints the address, or nothing where there is none.
func (a Addr) String() string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr.String()
}

// MarshalText writes it as String does.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an IP address without a port, or an empty text for none.
func (a *Addr) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*a = Addr{}
		return nil
	}
	got, err := netip.ParseAddr(s)
	if err != nil || got.Zone() != "" {
		fix := "write an IP address, such as 192.0.2.10"
		if ap, err := netip.ParseAddrPort(s); err == nil {
			fix = "write " + ap.Addr().String() + " without the port"
		}
		return wrong(fmt.Sprintf("%q is not an IP address", s), fix)
	}
	a.Addr = got.Unmap()
	return nil
}

// Ports is a range of UDP ports, both ends included: "10000-31999".
type Ports struct{ Min, Max uint16 }

// minPorts is the smallest range: two calls of two legs with a pair of ports each.
const minPorts = 8

// String prints it as it is written.
func (p Ports) String() string { return fmt.Sprintf("%d-%d", p.Min, p.Max) }

// MarshalText writes it as String does.
func (p Ports) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads FIRST-LAST. A call takes four ports: two legs with a pair each.
func (p *Ports) UnmarshalText(text []byte) error {
	first, last, found := strings.Cut(string(text), "-")
	lo, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	hi, err2 := strconv.ParseUint(strings.TrimSpace(last), 10, 64)
	const example = "write first-last within 1024-65535, such as 10000-31999"
	switch {
	case !found, err1 != nil, err2 != nil:
		return wrong(fmt.Sprintf("%q is not a range of ports", text), example)
	case lo < 1024, hi > 65535:
		return wrong(fmt.Sprintf("%q is outside of the ports that can be used", text), example)
	case lo > hi:
		return wrong(fmt.Sprintf("%q ends before it begins", text), fmt.Sprintf("write %d-%d", hi, lo))
	case hi-lo+1 < minPorts:
		return wrong(fmt.Sprintf("%d ports are too few: each call takes 4", hi-lo+1),
			"write four times as many ports as calls at once, such as 10000-31999 for 5,500")
	case lo%2 == 1:
		return wrong("the first port is odd, but RTP takes even ones", fmt.Sprintf("write %d-%d", lo+1, hi))
	}
	p.Min, p.Max = uint16(lo), uint16(hi)
	return nil
}

// Source is where a trunk's requests may come from: a network with any port, or an address with one port.
type Source struct {
	Prefix netip.Prefix
	Port   uint16 // zero: any
}

// String prints it as it is written.
func (s Source) String() string {
	if s.Port != 0 {
		return netip.AddrPortFrom(s.Prefix.Addr(), s.Port).String()
	}
	if s.Prefix.IsSingleIP() {
		return s.Prefix.Addr().String()
	}
	return s.Prefix.String()
}

// MarshalText writes it as String does.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Contains tells whether a packet from addr comes from the source.
func (s Source) Contains(addr netip.AddrPort) bool {
	return s.Prefix.Contains(addr.Addr().Unmap()) && (s.Port == 0 || s.Port == addr.Port())
}

// UnmarshalText reads "192.0.2.0/24", "192.0.2.7" or "192.0.2.7:5070". A network must have its host bits zero and may
// not be the whole internet.
func (s *Source) UnmarshalText(text []byte) error {
	t := string(text)
	if p, err := netip.ParsePrefix(t); err == nil {
		switch {
		case p.Bits() == 0:
			return wrong(fmt.Sprintf("%q lets the whole internet place calls", t), "write the addresses of the PBX")
		case p.Masked() != p:
			return wrong(fmt.Sprintf("%q is an address within a network", t),
				fmt.Sprintf("write %s for the network or %s for the address", p.Masked(), p.Addr()))
		}
		s.Prefix, s.Port = p, 0
		return nil
	}
	if a, err := netip.ParseAddr(t); err == nil && !a.IsUnspecified() && a.Zone() == "" {
		a = a.Unmap()
		s.Prefix, s.Port = netip.PrefixFrom(a, a.BitLen()), 0
		return nil
	}
	if ap, err := addrPort(t); err == nil && ap.Port() != 0 && ap.Addr().Zone() == "" && !ap.Addr().IsUnspecified() {
		s.Prefix, s.Port = netip.PrefixFrom(ap.Addr(), ap.Addr().BitLen()), ap.Port()
		return nil
	}
	return wrong(fmt.Sprintf("%q is neither a network nor an address", t),
		"write 192.0.2.0/24, 192.0.2.7 or \"192.0.2.7:5070\" (IP addresses, not names)")
}

// Network is a set of IP addresses: "10.0.0.0/8" or "10.0.0.7".
type Network struct{ netip.Prefix }

// UnmarshalText reads a network or a single address.
func (n *Network) UnmarshalText(text []byte) error {
	var s Source
	if err := s.UnmarshalText(text); err != nil || s.Port != 0 {
		return wrong(fmt.Sprintf("%q is not a network", text), "write 10.0.0.0/8 or 10.0.0.7")
	}
	n.Prefix = s.Prefix
	return nil
}

// Target is where calls to a trunk are sent: "sip:pbx.example:5060;transport=tcp".
type Target struct {
	Host      string // name or IP address (IPv6 without brackets)
	Port      uint16 // zero: by DNS, else 5060 (RFC 3263)
	Transport string // "udp" (default) or "tcp"
}

// String prints the SIP URI.
func (t Target) String() string {
	if t.Host == "" {
		return ""
	}
	s := "sip:" + t.Host
	if strings.Contains(t.Host, ":") {
		s = "sip:[" + t.Host + "]"
	}
	if t.Port != 0 {
		s += ":" + strconv.Itoa(int(t.Port))
	}
	if t.Transport == "tcp" {
		s += ";transport=tcp"
	}
	return s
}

// MarshalText writes it as String does.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads sip:HOST[:PORT][;transport=udp|tcp].
func (t *Target) UnmarshalText(text []byte) error {
	const example = "write sip:pbx.example:5060 or sip:192.0.2.7;transport=tcp"
	s := string(text)
	rest, found := strings.CutPrefix(s, "sip:")
	switch {
	case strings.HasPrefix(s, "sips:"):
		return wrong("TLS towards trunks is not supported", "write sip:"+s[5:])
	case !found && !strings.ContainsAny(s, "/@ ") && s != "":
		return wrong(fmt.Sprintf("%q is not a SIP URI", s), "write \"sip:"+s+"\"")
	case !found:
		return wrong(fmt.Sprintf("%q is not a SIP URI", s), example)
	case strings.Contains(rest, "@"):
		return wrong("the target of a trunk has no user part", "write sip:"+rest[strings.LastIndex(rest, "@")+1:])
	}
	got := Target{Transport: "udp"}
	addr, params, hasParams := strings.Cut(rest, ";")
	if hasParams {
		name, value, _ := strings.Cut(params, "=")
		value = strings.ToLower(value)
		if !strings.EqualFold(name, "transport") || value != "udp" && value != "tcp" {
			return wrong(fmt.Sprintf("%q is no parameter of a target", params), "write ;transport=udp or ;transport=tcp")
		}
		got.Transport = value
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	} else {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return wrong(fmt.Sprintf("%q is not a port", port), "write 1 to 65535, such as sip:"+host+":5060")
		}
		got.Port = uint16(n)
	}
	if got.Host = host; !validHost(host) {
		return wrong(fmt.Sprintf("%q is neither a host name nor an IP address", host), example)
	}
	*t = got
	return nil
}

// validHost tells whether s can be looked up: an IP address, or letters, digits, hyphens and dots (RFC 1123 section 2.1).
func validHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return !a.IsUnspecified()
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// URL is an absolute http or https address of this server, or nothing.
type URL string

// UnmarshalText reads https://HOST[/PATH], or an empty text for none.
func (u *URL) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*u = ""
		return nil
	}
	got, err := url.Parse(s)
	if err != nil || got.Scheme != "http" && got.Scheme != "https" || got.Hostname() == "" || got.User != nil ||
		got.RawQuery != "" || got.Fragment != "" {
		return wrong("this is not the address of a site", "write https://telefonist.example")
	}
	*u = URL(strings.TrimRight(s, "/"))
	return nil
}
