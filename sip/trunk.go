package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/icholy/digest"

	msg "github.com/emiago/sipgo/sip"
)

// Trunk is a PBX that calls come from and go to.
type Trunk struct {
	Name string
	// Allow are the addresses that its requests come from.
	Allow []Allow
	// Target is where calls to it go: "sip:pbx.example:5060", with ";transport=tcp" where wanted. Empty: calls only come.
	Target string
	// Credentials answer its digest challenges. The zero value: they are not answered.
	Credentials Credentials
}

// Credentials are what we show to a trunk that challenges our requests (RFC 3261 section 22.2).
type Credentials struct {
	User, Password string
	// Realm limits them to challenges of that realm; empty means any realm of the trunk.
	Realm string
}

// Allow is an address or network that a trunk's requests come from, with one source port where Port is not zero.
type Allow struct {
	Prefix netip.Prefix
	Port   uint16
}

// ParseAllow reads "192.0.2.0/24", "192.0.2.7" or "192.0.2.7:5070".
func ParseAllow(s string) (Allow, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return Allow{Prefix: p.Masked()}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return Allow{Prefix: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return Allow{}, fmt.Errorf("%q is neither an address, a network nor an address with port", s)
	}
	a := ap.Addr().Unmap()
	return Allow{Prefix: netip.PrefixFrom(a, a.BitLen()), Port: ap.Port()}, nil
}

// trunk is a Trunk made ready for use. It never changes.
type trunk struct {
	name        string
	allow       []Allow
	target      msg.Uri
	credentials Credentials
}

// trunks is a set of trunks that never changes; a new configuration is a new set.
type trunks struct {
	byName map[string]*trunk
	all    []*trunk
}

var errTrunk = errors.New("trunk cannot be used")

func newTrunks(cfg []Trunk) (*trunks, error) {
	out := &trunks{byName: map[string]*trunk{}}
	for _, c := range cfg {
		t := &trunk{name: c.Name, allow: c.Allow, credentials: c.Credentials}
		if c.Name == "" || out.byName[c.Name] != nil {
			return nil, fmt.Errorf("%w: name %q is empty or taken", errTrunk, c.Name)
		}
		if c.Target != "" {
			if err := parseURI(c.Target, &t.target); err != nil || t.target.Scheme != "sip" || t.target.Host == "" {
				return nil, fmt.Errorf("%w: target %q of %q is no sip uri", errTrunk, c.Target, c.Name)
			}
		}
		out.byName[c.Name] = t
		out.all = append(out.all, t)
	}
	return out, nil
}

// from finds the trunk that a request from src belongs to: the one whose entry fits most closely, a port before a network,
// a small network before a large one.
func (ts *trunks) from(src netip.AddrPort) *trunk {
	var best *trunk
	bits := -1
	for _, t := range ts.all {
		for _, a := range t.allow {
			fit := a.Prefix.Bits()
			if a.Port != 0 {
				fit += 256
			}
			if fit > bits && a.Prefix.Contains(src.Addr()) && (a.Port == 0 || a.Port == src.Port()) {
				best, bits = t, fit
			}
		}
	}
	return best
}

// allowsHost reports whether an address is one of the trunk's: it may send requests from there, or is the target.
func (t *trunk) allowsHost(addr netip.Addr) bool {
	for _, a := range t.allow {
		if a.Prefix.Contains(addr) {
			return true
		}
	}
	target, err := netip.ParseAddr(strings.Trim(t.target.Host, "[]"))
	return err == nil && target == addr
}

// answer returns the credentials that a challenge asks for, nil where we have none for it: another realm, an algorithm
// that is not supported, or a repeated refusal that is not for a stale nonce.
func (t *trunk) answer(req *msg.Request, res *msg.Response) msg.Header {
	ask, reply := "www-authenticate", "Authorization"
	switch res.StatusCode {
	case msg.StatusUnauthorized:
	case msg.StatusProxyAuthRequired:
		ask, reply = "proxy-authenticate", "Proxy-Authorization"
	default:
		return nil
	}
	if t.credentials.User == "" {
		return nil
	}
	for _, v := range values(res, ask) {
		c, err := digest.ParseChallenge(v)
		if err != nil || !digest.CanDigest(c) || t.credentials.Realm != "" && c.Realm != t.credentials.Realm {
			continue
		}
		if req.GetHeader(reply) != nil && !c.Stale {
			return nil // they were refused
		}
		cred, err := digest.Digest(c, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Count: 1,
			Username: t.credentials.User, Password: t.credentials.Password,
		})
		if err == nil {
			return msg.NewHeader(reply, cred.String())
		}
	}
	return nil
}
