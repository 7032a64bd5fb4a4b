package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Resolver is the part of net.Resolver that Resolve needs.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	resolveTimeout = 4 * time.Second  // for one Resolve, all its queries together
	resolveTTL     = 60 * time.Second // a Go resolver does not tell the records' own
	maxResolved    = 1024             // cache entries
)

// resolveCache keeps what was found, and what to use when DNS fails later on.
type resolveCache struct {
	mu      sync.Mutex // protects entries; never held during a lookup
	entries map[string]resolved
}

type resolved struct {
	dests []Dest
	at    time.Time
}

// Resolve finds the destinations of a sip URI in the order to try them (RFC 3263
// 4): a literal address is itself; with a port, the name's A and AAAA records;
// else its SRV records for the transport (UDP, then TCP, where the URI names
// none), else its addresses with port 5060. Answers are cached for 60 s, and used
// for longer when DNS fails. It takes at most 4 s and must not be called on a path that
// may not wait. Only configured targets should be resolved, never a host that
// a message named.
func (s *Stack) Resolve(ctx context.Context, uri sip.Uri) ([]Dest, error) {
	if uri.Scheme != "sip" && uri.Scheme != "" {
		return nil, fmt.Errorf("resolve %s: only the sip scheme is supported", uri.Scheme)
	}
	transport, _ := uri.UriParams.Get("transport")
	transport = strings.ToLower(transport)
	if transport != "" && transport != "udp" && transport != "tcp" {
		return nil, fmt.Errorf("resolve: transport %q is not supported", transport)
	}
	if uri.Port < 0 || uri.Port > 65535 {
		return nil, fmt.Errorf("resolve: port %d", uri.Port)
	}
	host := strings.Trim(uri.Host, "[]")
	if a, err := netip.ParseAddr(host); err == nil {
		return []Dest{dest(transport, a, uri.Port)}, nil
	}
	key := fmt.Sprintf("%s:%d;%s", strings.ToLower(host), uri.Port, transport)
	old, fresh := s.resolving.get(key, time.Now())
	if fresh {
		return slices.Clone(old), nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := lookup(ctx, s.cfg.Resolver, host, uri.Port, transport)
	if err != nil {
		if len(old) > 0 {
			s.warn("name lookup failed, the last answer is used", "host", host, "error", err)
			return slices.Clone(old), nil
		}
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	s.resolving.put(key, found, time.Now())
	return slices.Clone(found), nil
}

func (c *resolveCache) get(key string, now time.Time) (dests []Dest, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e.dests, ok && now.Sub(e.at) < resolveTTL
}

func (c *resolveCache) put(key string, dests []Dest, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxResolved {
		c.entries = make(map[string]resolved)
	}
	c.entries[key] = resolved{dests: dests, at: now}
}

func lookup(ctx context.Context, r Resolver, host string, port int, transport string) ([]Dest, error) {
	if port == 0 {
		if found := lookupSRV(ctx, r, host, transport); len(found) > 0 {
			return found, nil
		}
	}
	return lookupAddrs(ctx, r, host, port, transport)
}

// lookupSRV keeps the order of net.Resolver: by priority, shuffled by weight.
func lookupSRV(ctx context.Context, r Resolver, host, transport string) []Dest {
	protos := []string{"udp", "tcp"}
	if transport != "" {
		protos = []string{transport}
	}
	var found []Dest
	for _, proto := range protos {
		_, records, err := r.LookupSRV(ctx, "sip", proto, host)
		if err != nil {
			continue
		}
		for _, rec := range records {
			if rec.Target == "." { // RFC 2782: the service is not there
				continue
			}
			d, err := lookupAddrs(ctx, r, strings.TrimSuffix(rec.Target, "."), int(rec.Port), proto)
			if err == nil {
				found = append(found, d...)
			}
		}
	}
	return found
}

func lookupAddrs(ctx context.Context, r Resolver, host string, port int, transport string) ([]Dest, error) {
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, errors.New("name has no address")
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { // IPv4 first, as most trunks have no IPv6
		return a.Unmap().BitLen() - b.Unmap().BitLen()
	})
	found := make([]Dest, len(addrs))
	for i, a := range addrs {
		found[i] = dest(transport, a, port)
	}
	return found, nil
}

func dest(transport string, a netip.Addr, port int) Dest {
	if port == 0 {
		port = sip.DefaultUdpPort
	}
	if transport == "" {
		transport = "udp"
	}
	return Dest{Network: transport, Addr: netip.AddrPortFrom(a.Unmap(), uint16(port))}
}
