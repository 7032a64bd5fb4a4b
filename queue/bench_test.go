package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// crowd is many callers of many tenants, and many agents.
type crowd struct {
	name    string
	tenants int
	agent   func(i int) Agent            // by number
	caller  func(t string) Waiting       // of a tenant
	event   func(c *crowd, b *testing.B) // one event, and the Match after it
	free    bool                         // nobody of the waiting may be served by those who are free

	q      *Queue
	rng    *rand.Rand
	now    time.Time
	nr     int
	busy   []string
	inLine []call.ID
}

const (
	benchWaiting = 50_000
	benchAgents  = 5_000
)

func (c *crowd) fill(b *testing.B) {
	c.q, c.rng, c.now = New(Limits{Misses: 0, Again: time.Minute}), rand.New(rand.NewPCG(1, 2)), t0
	var agents []Agent
	for i := range benchAgents {
		agents = append(agents, c.agent(i))
	}
	c.q.SetAgents(agents, t0)
	for _, a := range agents {
		c.q.Registered(a.ID, true, t0)
	}
	for range benchWaiting {
		c.enqueue()
	}
	for !c.free && c.q.pooled > 0 { // until everybody is taken
		n := c.q.pooled
		c.take(b)
		for range n {
			c.enqueue()
		}
		if c.q.pooled == n {
			break
		}
	}
	c.take(b)
}

func (c *crowd) enqueue() {
	c.nr++
	w := c.caller(fmt.Sprint("t", c.rng.IntN(c.tenants)))
	w.Call, w.Arrived = call.ID(fmt.Sprint("c", c.nr)), c.now
	c.q.Enqueue(w, 0)
	c.inLine = append(c.inLine, w.Call)
}

func (c *crowd) take(b *testing.B) int {
	matches, _ := c.q.Match(c.now)
	for _, m := range matches {
		c.busy = append(c.busy, m.Agent)
	}
	return len(matches)
}

// done ends the conversation of any agent; she meets the next caller.
func done(c *crowd, b *testing.B) {
	i := c.rng.IntN(len(c.busy))
	id := c.busy[i]
	c.busy[i] = c.busy[len(c.busy)-1]
	c.busy = c.busy[:len(c.busy)-1]
	c.q.Free(id, c.q.Reserved(id), call.FreedDone, c.now)
	c.take(b)
}

// come is a caller who comes; leave is one who gives up, wherever she stands.
func come(c *crowd, b *testing.B) {
	c.enqueue()
	c.take(b)
}

func leave(c *crowd, b *testing.B) {
	for len(c.inLine) > 0 {
		i := c.rng.IntN(len(c.inLine))
		id := c.inLine[i]
		c.inLine[i] = c.inLine[len(c.inLine)-1]
		c.inLine = c.inLine[:len(c.inLine)-1]
		if _, in := c.q.calls[id]; in {
			c.q.Ended(id)
			break
		}
	}
	c.take(b)
}

// flap is a phone that goes and comes.
func flap(c *crowd, b *testing.B) {
	id := fmt.Sprint("a", c.rng.IntN(benchAgents))
	up := c.q.phones[id]
	c.q.Registered(id, !up, c.now)
	c.take(b)
	c.q.Registered(id, up, c.now)
	c.take(b)
}

// pass lets a millisecond pass: levels begin.
func pass(c *crowd, b *testing.B) {
	c.enqueue()
	c.take(b)
}

func anyAgent(i int) Agent { return Agent{ID: fmt.Sprint("a", i), Kind: call.Service} }

func plain(t string) Waiting { return Waiting{Tenant: t} }

func crowds(tenants int) []*crowd {
	named := func(i int) Agent {
		a := Agent{ID: fmt.Sprint("a", i), Kind: call.Service}
		for j := range 20 {
			a.Tenants = append(a.Tenants, fmt.Sprint("t", (i*37+j*101)%tenants))
		}
		return a
	}
	strangers := func(i int) Agent { return Agent{ID: fmt.Sprint("a", i), Kind: call.Service, Tenants: []string{"else"}} }
	skilled := func(i int) Agent {
		a := anyAgent(i)
		a.Groups = []string{fmt.Sprint("g", i%50)}
		a.Skills = []string{"sv"}
		for j := range 10 {
			a.Skills = append(a.Skills, fmt.Sprint("knows:t", (i*41+j*97)%tenants))
		}
		return a
	}
	levels := map[string]*call.Serve{}
	home := func(t string) Waiting {
		if levels[t] == nil {
			levels[t] = &call.Serve{Levels: []call.Level{{Groups: []string{"g" + t[len(t)-1:]}}, {After: 30 * time.Second, When: 40}}, Skills: []string{"sv"}}
		}
		return Waiting{Tenant: t, Serve: levels[t]}
	}
	knows := func(t string) Waiting { return Waiting{Tenant: t, Skills: []string{"knows:" + t}} }
	soon := &call.Serve{Levels: []call.Level{{Own: true}, {After: 2 * time.Second}}}
	return []*crowd{
		{name: "pool/done", agent: anyAgent, caller: plain, event: done},
		{name: "pool/come", agent: anyAgent, caller: plain, event: come},
		{name: "pool/leave", agent: anyAgent, caller: plain, event: leave},
		{name: "pool/flap", agent: anyAgent, caller: plain, event: flap},
		{name: "named/done", agent: named, caller: plain, event: done},
		{name: "free-but-strangers/come", agent: strangers, caller: plain, event: come, free: true},
		{name: "free-but-strangers/flap", agent: strangers, caller: plain, event: flap, free: true},
		{name: "levels/done", agent: skilled, caller: home, event: done},
		{name: "levels/leave", agent: skilled, caller: home, event: leave},
		{name: "knows/done", agent: skilled, caller: knows, event: done},
		{name: "opening/pass", agent: anyAgent, caller: func(t string) Waiting { return Waiting{Tenant: t, Serve: soon} }, event: pass},
	}
}

// BenchmarkEvent is the cost of one event and the Match after it, with 50,000 callers waiting and 5,000 agents; p50 and p99 of
// single events. The floor of the same run is taking two readings of the clock around an insertion into a map of 50,000.
func BenchmarkEvent(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		m := map[call.ID]int{}
		n := 0
		for ; n < benchWaiting; n++ {
			m[call.ID(fmt.Sprint("c", n))] = n
		}
		measure(b, func() {
			n++
			m[call.ID(fmt.Sprint("c", n))] = n
			delete(m, call.ID(fmt.Sprint("c", n-benchWaiting)))
		}, nil)
	})
	for _, tenants := range []int{1_000, 10_000} {
		for _, c := range crowds(tenants) {
			c.tenants = tenants
			b.Run(fmt.Sprint("tenants=", tenants, "/", c.name), func(b *testing.B) {
				c.inLine, c.busy, c.nr = nil, nil, 0
				c.fill(b)
				step := time.Millisecond
				if strings.HasPrefix(c.name, "opening") {
					step = 40 * time.Microsecond // 50,000 in line wait for 2 s
				}
				measure(b, func() { c.event(c, b) }, func() {
					c.now = c.now.Add(step)
					for c.q.Len() < benchWaiting {
						c.enqueue()
					}
					if c.q.Len() > benchWaiting+100 && len(c.inLine) > 0 {
						leave(c, b)
					}
					c.take(b)
				})
			})
		}
	}
}

// measure reports how long single events take; between them what is not measured is done.
func measure(b *testing.B, event, between func()) {
	const enough = 100_000
	took := make([]time.Duration, 0, enough)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		event()
		if d := time.Since(start); len(took) < enough {
			took = append(took, d)
		}
		if between != nil {
			between()
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// BenchmarkMatchNothing is the cost of a turn in which nothing has changed.
func BenchmarkMatchNothing(b *testing.B) {
	c := &crowd{tenants: 1000, agent: anyAgent, caller: plain}
	c.fill(b)
	b.ReportAllocs()
	for b.Loop() {
		c.q.Match(c.now)
	}
}
