package queue

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"telefonist/call"
)

var seed = flag.Uint64("seed", 0, "seed of random histories; 0 takes a new one")

// history drives a queue with random events and remembers, as simply as can be, who should be where.
type history struct {
	t       *testing.T
	rng     *rand.Rand
	q       *Queue
	now     time.Time
	calls   int
	waiting map[call.ID]Waiting
	has     map[string]call.ID // agent -> call
	missed  map[string]time.Time
	agents  []Agent
}

// TestRandomHistoriesKeepThePromises runs the queue against what its package promises.
func TestRandomHistoriesKeepThePromises(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	for i := range 150 {
		rng := rand.New(rand.NewPCG(s, uint64(i)))
		h := &history{t: t, rng: rng, q: New(Limits{Misses: 3, Again: 20 * time.Second}), now: t0,
			waiting: map[call.ID]Waiting{}, has: map[string]call.ID{}, missed: map[string]time.Time{}}
		h.setAgents()
		for range 300 {
			h.step()
			h.match()
			if t.Failed() {
				t.Fatalf("history %d", i)
			}
		}
	}
}

func tenantOf(n int) string { return fmt.Sprint("t", n%3) }

func (h *history) setAgents() {
	h.agents = nil
	for i := range 6 {
		if h.rng.IntN(4) == 0 {
			continue
		}
		a := Agent{ID: fmt.Sprint("a", i), Kind: call.Service, Wrap: time.Duration(h.rng.IntN(6)) * time.Second}
		switch h.rng.IntN(4) {
		case 0:
			a.Kind, a.Tenants = call.Own, []string{tenantOf(i)}
		case 1:
			a.Tenants = []string{tenantOf(i), tenantOf(i + 1)}
		}
		h.agents = append(h.agents, a)
	}
	h.q.SetAgents(h.agents, h.now)
}

func (h *history) step() {
	h.now = h.now.Add(time.Duration(h.rng.Int64N(int64(4 * time.Second))))
	agent := fmt.Sprint("a", h.rng.IntN(6))
	switch h.rng.IntN(14) {
	case 0, 1, 2:
		h.calls++
		w := Waiting{Call: call.ID(fmt.Sprint("c", h.calls)), Tenant: tenantOf(h.rng.IntN(3)), Priority: h.rng.IntN(2), Arrived: h.now}
		limit := h.rng.IntN(20)
		full := limit > 0 && h.of(w.Tenant) >= limit
		if h.q.Enqueue(w, limit) == full {
			h.t.Errorf("limit %d with %d waiting", limit, h.of(w.Tenant))
		}
		if !full {
			h.waiting[w.Call] = w
		}
	case 3:
		for id := range h.waiting {
			h.q.Ended(id)
			delete(h.waiting, id)
			break
		}
	case 4, 5, 6:
		h.q.Registered(agent, h.rng.IntN(6) > 0, h.now)
	case 7:
		h.q.Pause(agent, "x", h.now)
	case 8, 9:
		h.q.Resume(agent, h.now)
	case 10:
		if h.rng.IntN(6) == 0 {
			h.setAgents()
		}
	default:
		h.free(agent)
	}
}

func (h *history) of(tenant string) (n int) {
	for _, w := range h.waiting {
		if w.Tenant == tenant {
			n++
		}
	}
	return n
}

func (h *history) free(agent string) {
	c, in := h.has[agent]
	if !in {
		if h.q.Free(agent, "c1", call.FreedDone, h.now) {
			h.t.Errorf("%s was freed of a call that she has not", agent)
		}
		return
	}
	how := []call.Freed{call.FreedDone, call.FreedMissed, call.FreedDeclined, call.FreedCancelled}[h.rng.IntN(4)]
	if !h.q.Free(agent, c, how, h.now) {
		h.t.Errorf("%s cannot be freed of %s", agent, c)
	}
	delete(h.has, agent)
	if how == call.FreedMissed || how == call.FreedDeclined {
		h.missed[agent+" "+string(c)] = h.now.Add(20 * time.Second)
	}
	if how == call.FreedDone || h.rng.IntN(3) == 0 {
		h.q.Ended(c)
		return
	}
	w := Waiting{Call: c, Tenant: "t0", Front: true, Arrived: h.now}
	h.q.Enqueue(w, 1)
	h.waiting[c] = w
}

// match checks what is reserved and what is left.
func (h *history) match() {
	free := map[string]Status{}
	for _, s := range h.q.Agents(h.now) {
		if s.State == Available {
			free[s.ID] = s
		}
	}
	line := h.q.Line()
	matches, next := h.q.Match(h.now)
	for i, m := range matches {
		w, waited := h.waiting[m.Call]
		if !waited || h.has[m.Agent] != "" || free[m.Agent].ID == "" || h.q.Reserved(m.Agent) != m.Call {
			h.t.Errorf("%s reserved for %s", m.Agent, m.Call)
		}
		if !h.may(free[m.Agent].Agent, w) {
			h.t.Errorf("%s may not take %s", m.Agent, m.Call)
		}
		h.longestIdle(m, matches[i:], w)
		h.has[m.Agent] = m.Call
		delete(h.waiting, m.Call)
	}
	if h.q.Len() != len(h.waiting) {
		h.t.Errorf("%d in line, want %d", h.q.Len(), len(h.waiting))
	}
	h.inOrder(line, matches)
	for _, s := range h.q.Agents(h.now) {
		if s.State != Available {
			continue
		}
		for _, w := range h.waiting {
			if h.may(s.Agent, w) {
				h.t.Errorf("%s waits though %s is free", w.Call, s.ID)
			}
		}
	}
	if !next.IsZero() && !next.After(h.now) {
		h.t.Errorf("looks again in the past")
	}
}

func (h *history) may(a Agent, w Waiting) bool {
	known := slices.ContainsFunc(h.agents, func(b Agent) bool { return b.ID == a.ID })
	serves := slices.Contains(a.Tenants, w.Tenant) || len(a.Tenants) == 0 && a.Kind == call.Service
	return known && serves && !h.now.Before(h.missed[a.ID+" "+string(w.Call)])
}

// longestIdle: nobody who was free, and is not reserved for an earlier caller, has been idle for longer.
func (h *history) longestIdle(m Match, rest []Match, w Waiting) {
	mine := h.q.agents[m.Agent]
	for id, a := range h.q.agents {
		later := slices.ContainsFunc(rest, func(r Match) bool { return r.Agent == id })
		if (a.free(h.now) || later) && a.idleSince.Before(mine.idleSince) && h.may(a.Agent, w) {
			h.t.Errorf("%s was idle longer than %s", id, m.Agent)
		}
	}
}

// inOrder: nobody is served before another of equal priority and the same tenant who may be served by the same agent.
func (h *history) inOrder(line []Waiting, matches []Match) {
	for _, m := range matches {
		at := slices.IndexFunc(line, func(w Waiting) bool { return w.Call == m.Call })
		a := h.q.agents[m.Agent].Agent
		for _, earlier := range line[:at] {
			if _, waits := h.waiting[earlier.Call]; waits && h.may(a, earlier) {
				h.t.Errorf("%s was passed over for %s", earlier.Call, m.Call)
			}
		}
	}
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		if a.Priority < b.Priority || a.Priority == b.Priority && a.Front == b.Front && a.Arrived.After(b.Arrived) {
			h.t.Errorf("%s stands before %s", a.Call, b.Call)
		}
	}
}

// BenchmarkMatch frees one of 500 agents while 10,000 callers of 1,000 tenants wait, and matches.
func BenchmarkMatch(b *testing.B) {
	q, agents := crowd()
	now := t0
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		now = now.Add(time.Millisecond)
		a := agents[n%len(agents)]
		c := q.Reserved(a)
		q.Free(a, c, call.FreedCancelled, now)
		q.Enqueue(Waiting{Call: c, Tenant: fmt.Sprint("t", n%1000), Arrived: now}, 0)
		if m, _ := q.Match(now); len(m) != 1 {
			b.Fatalf("%d matches", len(m))
		}
		n++
	}
}

// BenchmarkMatchNothing is the cost of a turn in which nothing has changed.
func BenchmarkMatchNothing(b *testing.B) {
	q, _ := crowd()
	b.ReportAllocs()
	for b.Loop() {
		q.Match(t0)
	}
}

func crowd() (*Queue, []string) {
	q := New(Limits{Misses: 3, Again: time.Minute})
	var agents []Agent
	var ids []string
	for i := range 500 {
		agents = append(agents, Agent{ID: fmt.Sprint("a", i), Kind: call.Service})
		ids = append(ids, agents[i].ID)
	}
	q.SetAgents(agents, t0)
	for _, id := range ids {
		q.Registered(id, true, t0)
	}
	for i := range 10500 {
		q.Enqueue(Waiting{Call: call.ID(fmt.Sprint("c", i)), Tenant: fmt.Sprint("t", i%1000), Arrived: t0.Add(time.Duration(i))}, 0)
	}
	q.Match(t0)
	return q, ids
}
