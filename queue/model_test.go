package queue

import (
	"flag"
	"fmt"
	"maps"
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
	pure    []call.ID          // who waits, by place
	has     map[string]call.ID // agent -> call
	works   map[string]string  // agent -> tenant, where her call came from the line
	missed  map[string]time.Time
	agents  []Agent
	shares  map[string]int
	moved   map[call.ID]bool
	took    int // callers served in all
	passed  int // of them, before a longer wait
}

// serves are the rules that callers come with.
var serves = []*call.Serve{
	nil,
	{Strategy: call.FewestCalls, Skills: []string{"sv"}},
	{Strategy: call.RoundRobin, Share: 3},
	{Strategy: call.RingAll, Levels: []call.Level{{Groups: []string{"g0"}}, {After: 10 * time.Second}}},
	{Levels: []call.Level{{Own: true}, {Groups: []string{"g1", "g2"}, After: 8 * time.Second, When: 4}, {After: 15 * time.Second}}},
	{Levels: []call.Level{{Groups: []string{"g1"}, After: 5 * time.Second}, {Own: true, Groups: []string{"g0"}}}, Skills: []string{"fi"}},
}

// TestRandomHistoriesKeepThePromises runs the queue against what its package promises.
func TestRandomHistoriesKeepThePromises(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	took, passed := 0, 0
	for i := range 60 {
		rng := rand.New(rand.NewPCG(s, uint64(i)))
		h := &history{t: t, rng: rng, q: New(Limits{Misses: 3, Again: 20 * time.Second}), now: t0, shares: map[string]int{}, moved: map[call.ID]bool{},
			waiting: map[call.ID]Waiting{}, has: map[string]call.ID{}, works: map[string]string{}, missed: map[string]time.Time{}}
		h.setAgents()
		for range 300 {
			for range 1 + rng.IntN(3) {
				h.step()
			}
			h.match()
			if t.Failed() {
				t.Fatalf("history %d", i)
			}
		}
		took, passed = took+h.took, passed+h.passed
		h.drain()
	}
	t.Logf("%d callers met agents, %d of them before a longer wait", took, passed)
}

func tenantOf(n int) string { return fmt.Sprint("t", n%4) }

func (h *history) some(words ...string) (some []string) {
	for _, w := range words {
		if h.rng.IntN(2) == 0 {
			some = append(some, w)
		}
	}
	return some
}

func (h *history) setAgents() {
	h.agents = nil
	for i := range 8 {
		if h.rng.IntN(5) == 0 {
			continue
		}
		a := Agent{ID: fmt.Sprint("a", i), Kind: call.Service, Wrap: time.Duration(h.rng.IntN(6)) * time.Second,
			Groups: h.some("g2", "g0", "g1"), Skills: h.some("sv", "fi"), Apart: h.rng.IntN(10) == 0}
		switch h.rng.IntN(5) {
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
	h.now = h.now.Add(time.Duration(h.rng.Int64N(int64(3 * time.Second))))
	agent := fmt.Sprint("a", h.rng.IntN(8))
	switch h.rng.IntN(24) {
	case 0, 1, 2, 3, 4, 5:
		h.enqueue()
	case 6:
		if id := h.any(); id != "" {
			h.q.Ended(id)
			delete(h.waiting, id)
		}
	case 7, 8, 9:
		h.q.Registered(agent, h.rng.IntN(8) > 0, h.now)
	case 10:
		h.q.Pause(agent, "x", h.now)
	case 11, 12:
		h.q.Resume(agent, h.now)
	case 13:
		if h.rng.IntN(4) == 0 {
			h.q.Logout(agent, h.now)
		} else {
			h.q.Login(agent, h.now)
		}
	case 14:
		if h.rng.IntN(8) == 0 {
			h.setAgents()
		}
	case 15:
		h.byHand(agent)
	case 16:
		if c := h.has[agent]; c != "" && h.q.Unstick(agent, h.now) == c {
			h.gone(agent)
		}
	case 17:
		h.q.Rings(agent, h.now)
		h.q.Talks(agent, h.now)
	default:
		h.free(agent)
	}
	h.pure = h.pure[:0]
	for w := range h.q.line.all() {
		h.pure = append(h.pure, w.Call)
	}
}

func (h *history) enqueue() {
	h.calls++
	tenant := h.rng.IntN(4)
	if h.rng.IntN(2) == 0 {
		tenant = 0
	}
	w := Waiting{Call: call.ID(fmt.Sprint("c", h.calls)), Tenant: tenantOf(tenant), Priority: h.rng.IntN(2), Arrived: h.now,
		Serve: serves[h.rng.IntN(len(serves))], Wish: h.rng.IntN(10) == 0}
	switch h.rng.IntN(12) {
	case 0:
		w.Only = []string{"a1", "a2", "a9"}
	case 1:
		w.Group = "g1"
	case 2:
		w.Skills = []string{"sv"}
	case 3:
		w.Arrived = h.now.Add(-time.Minute)
	}
	limit := h.rng.IntN(20)
	full := limit > 0 && h.of(w.Tenant) >= limit && !w.Wish
	if h.q.Enqueue(w, limit) == full {
		h.t.Errorf("limit %d with %d waiting", limit, h.of(w.Tenant))
	}
	if !full {
		h.queued(w)
	}
}

func (h *history) queued(w Waiting) {
	h.waiting[w.Call] = w
	h.shares[w.Tenant] = 1
	if w.Serve != nil && w.Serve.Share > 0 {
		h.shares[w.Tenant] = w.Serve.Share
	}
}

// any is one of those who wait.
func (h *history) any() call.ID {
	if len(h.waiting) == 0 {
		return ""
	}
	return slices.Sorted(maps.Keys(h.waiting))[h.rng.IntN(len(h.waiting))]
}

func (h *history) byHand(agent string) {
	if id := h.any(); id != "" {
		w := h.waiting[id]
		if h.rng.IntN(2) == 0 {
			h.moved[id] = true
			if !h.q.Move(id, 1+h.rng.IntN(4)) {
				h.t.Errorf("%s cannot be moved", id)
			}
		} else if m, ok := h.q.Take(id, agent, h.now); ok {
			h.has[m.Agent], h.works[m.Agent] = id, w.Tenant
			delete(h.waiting, id)
		}
		return
	}
	h.calls++
	id, may := call.ID(fmt.Sprint("c", h.calls)), []State{Available}
	reserve := h.q.Reserve
	if h.rng.IntN(2) == 0 {
		reserve, may = h.q.Ask, []State{Available, WrapUp, Paused}
	}
	had := slices.ContainsFunc(h.q.Agents(h.now), func(s Status) bool { return s.ID == agent && slices.Contains(may, s.State) })
	if got := reserve(agent, id, h.now); got != had {
		h.t.Errorf("%s is reserved: %t, want %t", agent, got, had)
	} else if got {
		h.has[agent] = id
	}
}

func (h *history) of(tenant string) (n int) {
	for _, w := range h.waiting {
		if w.Tenant == tenant && !w.Wish {
			n++
		}
	}
	return n
}

func (h *history) gone(agent string) {
	delete(h.has, agent)
	delete(h.works, agent)
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
	h.gone(agent)
	if how == call.FreedMissed || how == call.FreedDeclined {
		h.missed[agent+" "+string(c)] = h.now.Add(20 * time.Second)
	}
	if h.held(c) { // it rings for others still
		return
	}
	if how == call.FreedDone || h.rng.IntN(3) == 0 {
		h.q.Ended(c)
		return
	}
	w := Waiting{Call: c, Tenant: "t0", Front: true, Arrived: h.now, Serve: serves[h.rng.IntN(len(serves))]}
	h.q.Enqueue(w, 1)
	h.queued(w)
}

func (h *history) held(c call.ID) bool {
	for _, other := range h.has {
		if other == c {
			return true
		}
	}
	return false
}

// match checks who is reserved, one after the other, and who is left.
func (h *history) match() {
	before := map[string]agent{}
	for _, s := range h.q.Agents(h.now) {
		if s.State == Available {
			before[s.ID] = *h.q.agents[s.ID]
		}
	}
	h.lineInOrder()
	matches, next := h.q.Match(h.now)
	for i := 0; i < len(matches); {
		n := 1
		for i+n < len(matches) && matches[i+n].Call == matches[i].Call {
			n++
		}
		h.meet(matches[i:i+n], before)
		i += n
	}
	if h.q.Len() != len(h.waiting) {
		h.t.Errorf("%d in line, want %d", h.q.Len(), len(h.waiting))
	}
	if n := h.callers(); h.q.Callers() != n {
		h.t.Errorf("%d callers in line, want %d", h.q.Callers(), n)
	}
	h.forsaken()
	for _, s := range h.q.Agents(h.now) {
		if s.Call != h.has[s.ID] || s.State.Working() != (s.Call != "") {
			h.t.Errorf("%s is %s for %q, want %q", s.ID, s.State, s.Call, h.has[s.ID])
		}
		for _, w := range h.waiting {
			if s.State == Available && h.level(s.Agent, w) >= 0 {
				h.t.Errorf("%s waits though %s is free", w.Call, s.ID)
			}
		}
	}
	if !next.IsZero() && !next.After(h.now) {
		h.t.Errorf("looks again in the past")
	}
}

func (h *history) callers() (n int) {
	for _, w := range h.waiting {
		if !w.Wish {
			n++
		}
	}
	return n
}

// forsaken: those whom nobody on duty may take, whatever levels have begun and whoever missed them.
func (h *history) forsaken() {
	n := 0
	for _, w := range h.waiting {
		late := w
		late.Arrived = h.now.Add(-time.Hour)
		has := slices.ContainsFunc(h.q.Agents(h.now), func(s Status) bool {
			if !s.LoggedIn || !s.Phone || h.q.agents[s.ID].paused != "" {
				return false
			}
			was := h.missed
			h.missed = nil
			defer func() { h.missed = was }()
			return h.level(s.Agent, late) >= 0
		})
		if !has && !w.Wish {
			n++
		}
	}
	if got := h.q.Forsaken(); got != n {
		h.t.Errorf("%d are forsaken, want %d", got, n)
	}
}

// meet takes in a caller and the agents that she was matched with.
func (h *history) meet(matches []Match, before map[string]agent) {
	w, waited := h.waiting[matches[0].Call]
	if !waited {
		h.t.Errorf("%s was matched and did not wait", matches[0].Call)
	}
	ring := w.Serve != nil && w.Serve.Strategy == call.RingAll && !w.Wish
	if len(matches) > 1 && !ring {
		h.t.Errorf("%s has %d agents", w.Call, len(matches))
	}
	level := 99
	for _, a := range before { // the level she is offered at
		if l := h.level(a.Agent, w); l >= 0 {
			level = min(level, l)
		}
	}
	order := idleOrders[0]
	if w.Serve != nil {
		order = idleOrders[strategy(w.Serve.Strategy)]
	}
	for _, m := range matches {
		a, free := before[m.Agent]
		if !free || h.has[m.Agent] != "" || h.q.Reserved(m.Agent) != m.Call || h.level(a.Agent, w) != level {
			h.t.Errorf("%s reserved for %s", m.Agent, m.Call)
		}
		h.inOrder(w, a.Agent)
	}
	for _, m := range matches {
		a := before[m.Agent]
		delete(before, m.Agent)
		h.has[m.Agent], h.works[m.Agent] = m.Call, w.Tenant
		for _, b := range before {
			if h.level(b.Agent, w) == level && !slices.ContainsFunc(matches, func(m Match) bool { return m.Agent == b.ID }) &&
				(ring || order(&b, &a) < 0) {
				h.t.Errorf("%s was next for %s, not %s", b.ID, w.Call, a.ID)
			}
		}
	}
	delete(h.waiting, w.Call)
	h.took++
}

// inOrder: nobody whom the agent may take stands before the caller both by share and by wait, and nobody at all of the same
// tenant.
func (h *history) inOrder(w Waiting, a Agent) {
	mine := slices.Index(h.pure, w.Call)
	for at, id := range h.pure {
		other, waits := h.waiting[id]
		if !waits || id == w.Call || h.level(a, other) < 0 {
			continue
		}
		byWait := at < mine
		byShare := byWait
		if other.Priority == w.Priority && other.Front == w.Front && h.over(other.Tenant) != h.over(w.Tenant) {
			byShare = h.over(w.Tenant)
		}
		if byWait && (byShare || other.Tenant == w.Tenant) && !h.moved[id] && !h.moved[w.Call] {
			h.t.Errorf("%s of %s was passed over for %s of %s by %s", id, other.Tenant, w.Call, w.Tenant, a.ID)
		}
		if byWait && !byShare {
			h.passed++
		}
	}
}

// over is what share means, from what can be seen.
func (h *history) over(tenant string) bool {
	busy, at, all, weights := 0, 0, map[string]bool{}, 0
	for _, a := range h.q.agents {
		if a.shares() && (a.state == Available || a.state.Working()) {
			at++
		}
		if works, ok := h.works[a.ID]; ok {
			all[works] = true
			if works == tenant && a.shares() {
				busy++
			}
		}
	}
	for _, w := range h.waiting {
		all[w.Tenant] = true
	}
	for t := range all {
		weights += h.shares[t]
	}
	return float64(busy) > 1+float64(at)*float64(h.shares[tenant])/float64(weights)+1e-9
}

// level is the first level that has begun for a caller at which an agent may take her, -1 for none.
func (h *history) level(a Agent, w Waiting) int {
	known := slices.ContainsFunc(h.agents, func(b Agent) bool { return b.ID == a.ID })
	if !known || a.Apart || h.now.Before(h.missed[a.ID+" "+string(w.Call)]) {
		return -1
	}
	if w.Only != nil {
		return min(0, slices.Index(w.Only, a.ID))
	}
	has := func(skills []string) bool {
		return !slices.ContainsFunc(skills, func(s string) bool { return !slices.Contains(a.Skills, s) })
	}
	if !(slices.Contains(a.Tenants, w.Tenant) || len(a.Tenants) == 0 && a.Kind == call.Service) || !has(w.Skills) {
		return -1
	}
	serve := call.Serve{}
	if w.Serve != nil {
		serve = *w.Serve
	}
	switch {
	case w.Group != "":
		return min(0, slices.Index(a.Groups, w.Group))
	case !has(serve.Skills):
		return -1
	case len(serve.Levels) == 0:
		return 0
	}
	for i, l := range serve.Levels {
		begun := h.now.Sub(w.Arrived) >= l.After || l.When > 0 && h.of(w.Tenant) >= l.When
		in := l.Own && a.Kind == call.Own || slices.ContainsFunc(l.Groups, func(g string) bool { return slices.Contains(a.Groups, g) }) ||
			!l.Own && len(l.Groups) == 0 && a.Kind == call.Service
		if begun && in {
			return i
		}
	}
	return -1
}

// lineInOrder: the line is told in the one order.
func (h *history) lineInOrder() {
	line := h.q.Line()
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		if h.moved[a.Call] || h.moved[b.Call] {
			continue
		}
		switch overA, overB := h.over(a.Tenant), h.over(b.Tenant); {
		case a.Priority != b.Priority:
			if a.Priority < b.Priority {
				h.t.Errorf("%s stands before %s of a higher priority", a.Call, b.Call)
			}
		case a.Front != b.Front:
			if b.Front {
				h.t.Errorf("%s stands before %s, which has been offered before", a.Call, b.Call)
			}
		case overA != overB:
			if overA {
				h.t.Errorf("%s stands before %s, whose tenant is within its share", a.Call, b.Call)
			}
		case a.Arrived.After(b.Arrived):
			h.t.Errorf("%s stands before %s, which came earlier", a.Call, b.Call)
		}
	}
}

// drain ends everything, and finds nothing left behind.
func (h *history) drain() {
	for id := range h.waiting {
		h.q.Ended(id)
	}
	for id, c := range h.has {
		h.q.Free(id, c, call.FreedCancelled, h.now)
		h.q.Ended(c)
	}
	h.q.SetAgents(nil, h.now)
	h.q.Match(h.now)
	q := h.q
	for id := range q.missed { // of calls that ended while they were not in line
		q.Ended(id)
	}
	if n := len(q.calls) + q.line.n + len(q.tenants) + len(q.holds) + len(q.profiles) + len(q.broad) + len(q.only) + len(q.agents) + len(q.skilled); n != 0 {
		h.t.Errorf("left behind: %d calls, %d in line, %d tenants, %d held, %d profiles, %d broad, %d named, %d agents, %d skills", len(q.calls),
			q.line.n, len(q.tenants), len(q.holds), len(q.profiles), len(q.broad), len(q.only), len(q.agents), len(q.skilled))
	}
	if q.pooled != 0 || q.atWork != 0 || q.weights != 0 {
		h.t.Errorf("left: %d free, %d at work, %d of shares", q.pooled, q.atWork, q.weights)
	}
	for _, n := range q.needs {
		if n.lanes != 0 || len(n.members) != 0 || n.idle.n != 0 {
			h.t.Errorf("need %v has %d lanes, %d members, %d free", n.id, n.lanes, len(n.members), n.idle.n)
		}
	}
}
