package flows

import (
	"net/netip"
	"time"

	"telefonist/internal/memnet"
)

// way is how long packets take: each far side has its own time, a few milliseconds, and what is sent first arrives first. So
// that two things hardly ever happen at one instant, and a scenario comes out the same every time.
type way struct {
	last map[[2]netip.AddrPort]time.Time
}

func newWay() *way { return &way{map[[2]netip.AddrPort]time.Time{}} }

func (w *way) fate(p memnet.Packet) memnet.Fate {
	far := p.From.Addr()
	if far == netip.MustParseAddrPort(serverAddr).Addr() {
		far = p.To.Addr()
	}
	takes := 3*time.Millisecond + time.Duration(far.As4()[3])*time.Millisecond
	pair := [2]netip.AddrPort{p.From, p.To}
	at := p.At.Add(takes)
	if last := w.last[pair]; !at.After(last) {
		at = last.Add(time.Microsecond)
	}
	w.last[pair] = at
	return memnet.Fate{at.Sub(p.At)}
}
