package wire

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxStrangers bounds the table of strangers; a full table is emptied of those
// whose bucket is full again, and failing that of anyone.
const maxStrangers = 16384

// strangers limits the messages of sources that are not known, one by one and
// all together, before anything is parsed or remembered for them.
type strangers struct {
	known func(netip.AddrPort) bool
	rate  rate.Limit
	burst int

	mu    sync.Mutex // protects what follows
	all   *rate.Limiter
	table map[netip.Addr]*rate.Limiter
}

func newStrangers(cfg Config) *strangers {
	return &strangers{
		known: cfg.Known, rate: rate.Limit(cfg.StrangerRate), burst: cfg.StrangerBurst,
		all:   rate.NewLimiter(rate.Limit(cfg.StrangerTotal), int(cfg.StrangerTotal)+1),
		table: make(map[netip.Addr]*rate.Limiter),
	}
}

func (s *strangers) allow(src netip.AddrPort) bool {
	if s.known == nil || s.known(src) {
		return true
	}
	now := time.Now()
	key := sourceKey(src.Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.table[key]
	if !ok {
		if len(s.table) >= maxStrangers {
			s.evict(now)
		}
		l = rate.NewLimiter(s.rate, s.burst)
		s.table[key] = l
	}
	return l.AllowN(now, 1) && s.all.AllowN(now, 1)
}

// evict makes room: a quarter of the table is looked at, and dropped.
func (s *strangers) evict(now time.Time) {
	for key, l := range s.table {
		if l.TokensAt(now) >= float64(s.burst) || len(s.table) > maxStrangers*3/4 {
			delete(s.table, key)
		}
		if len(s.table) <= maxStrangers*3/4 {
			return
		}
	}
}

// sourceKey is what limits are counted by: an IPv4 address, or the /64 that one
// IPv6 customer has.
func sourceKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
