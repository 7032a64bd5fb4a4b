package media

import (
	"sync"
	"time"

	"telefonist/call"
	"telefonist/record"
)

// pastFor is how long the report of a closed leg is kept: its call's record is made within moments.
const pastFor = int64(time.Minute)

// past keeps the reports of closed legs for a while. Its lock is held for a look or an append only.
type past struct {
	mu      sync.Mutex
	reports map[call.LegID]record.Media
	order   []pastEntry
}

type pastEntry struct {
	leg   call.LegID
	until int64
}

func (p *past) keep(m record.Media, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reports == nil {
		p.reports = map[call.LegID]record.Media{}
	}
	n := 0
	for n < len(p.order) && p.order[n].until <= now {
		delete(p.reports, p.order[n].leg)
		n++
	}
	p.order = append(p.order[n:], pastEntry{m.Leg, now + pastFor})
	p.reports[m.Leg] = m
}

func (p *past) find(leg call.LegID) (record.Media, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.reports[leg]
	return m, ok
}
