package queue

import (
	"fmt"
	"testing"
	"time"

	"telefonist/call"
)

// busyPool is agents who are all at work for callers of flood, of whom 500 more wait.
func busyPool(agents int) *Queue {
	q := New(Limits{})
	var all []Agent
	for i := range agents {
		all = append(all, Agent{ID: fmt.Sprint("a", i), Kind: call.Service})
	}
	q.SetAgents(all, t0)
	for i := range 500 + agents {
		q.Enqueue(Waiting{Call: call.ID(fmt.Sprint("f", i)), Tenant: "flood", Arrived: after(float64(i) / 1000)}, 0)
	}
	for _, a := range all {
		q.Registered(a.ID, true, t0)
	}
	q.Match(after(1))
	return q
}

// next ends the call of an agent and tells whose she gets.
func next(t *testing.T, q *Queue, agent string, at float64) call.ID {
	t.Helper()
	c := q.Reserved(agent)
	q.Free(agent, c, call.FreedDone, after(at))
	q.Ended(c)
	m, _ := q.Match(after(at))
	if len(m) != 1 {
		t.Fatalf("%d matches", len(m))
	}
	return m[0].Call
}

func TestFloodOfOneTenantDoesNotHoldUpAnother(t *testing.T) {
	q := busyPool(10)
	q.Enqueue(Waiting{Call: "b", Tenant: "beta", Arrived: after(100)}, 0)
	if got := next(t, q, "a3", 101); got != "b" {
		t.Errorf("%s was next, want b", got)
	}
	if got := next(t, q, "a4", 102); got != "f10" { // and nobody is kept waiting for nothing
		t.Errorf("%s was next, want f10", got)
	}
}

func TestShareIsOfTheAgentsAtWork(t *testing.T) {
	// Flood goes behind with more than 10 × share ÷ (share + 1) + 1 agents, so it keeps 7, 8 and 10.
	for share, want := range map[int]int{1: 3, 2: 2, 4: 0} {
		q := busyPool(10)
		serve := &call.Serve{Share: share}
		q.Enqueue(Waiting{Call: "f", Tenant: "flood", Serve: serve, Arrived: after(99)}, 0)
		beta := 0
		for i := range 9 {
			id := call.ID(fmt.Sprint("b", i))
			q.Enqueue(Waiting{Call: id, Tenant: "beta", Arrived: after(100 + float64(i))}, 0)
			if next(t, q, fmt.Sprint("a", i), 101+float64(i)) != id {
				break
			}
			beta++
		}
		if beta != want {
			t.Errorf("share %d: beta got %d agents, want %d", share, beta, want)
		}
	}
}

// Callers of other tenants come without end, one for each agent that becomes free. Flood's wait the longest and are served all the
// same: every eighth time.
func TestNobodyStarvesBehindAShare(t *testing.T) {
	q := busyPool(4)
	served := 0
	for i := range 80 {
		at := 100 + float64(i)
		q.Enqueue(Waiting{Call: call.ID(fmt.Sprint("b", i)), Tenant: fmt.Sprint("t", i), Arrived: after(at)}, 0)
		if i%4 == 0 { // flood's three others talk for ever
			q.Enqueue(Waiting{Call: call.ID(fmt.Sprint("x", i)), Tenant: fmt.Sprint("u", i), Arrived: after(at)}, 0)
		}
		if got := next(t, q, "a0", at); got == call.ID(fmt.Sprint("f", 4+served)) {
			served++
		}
	}
	if served != 10 {
		t.Errorf("%d of flood's callers were served, want 10 of 80", served)
	}
}

func TestKeptPlaceIsThereUntilItIsTakenAndInTime(t *testing.T) {
	q := New(Limits{})
	recall := func(tenant, caller string, at time.Time, want bool) {
		t.Helper()
		if got, ok := q.Recall(tenant, caller, at); ok != want || ok && !got.Equal(t0) {
			t.Errorf("%s of %s: %v, %v", caller, tenant, got, ok)
		}
	}
	q.Remember("acme", "+461", t0, after(60))
	q.Remember("acme", "+462", t0, after(60))
	q.Remember("acme", "", t0, after(60))
	recall("beta", "+461", after(1), false)
	recall("acme", "", after(1), false)
	recall("acme", "+461", after(60).Add(-1), true)
	recall("acme", "+461", after(60).Add(-1), true)
	q.Forget("acme", "+461")
	recall("acme", "+461", after(60).Add(-1), false)
	recall("acme", "+462", after(60), false)
	for i := range maxKept + 1 {
		q.Remember("acme", fmt.Sprint(i), t0, after(100+float64(i)))
	}
	recall("acme", "0", after(2), false)
	recall("acme", "1", after(2), true)
	if len(q.kept.places) != q.kept.lapse.n || q.kept.lapse.n > maxKept {
		t.Errorf("%d places, %d lapses", len(q.kept.places), q.kept.lapse.n)
	}
}

// TestCallersWithOneNumberHaveAPlaceEach: who gives up later takes nothing from who came first.
func TestCallersWithOneNumberHaveAPlaceEach(t *testing.T) {
	q := New(Limits{})
	is := func(at float64, want ...float64) {
		t.Helper()
		got, ok := q.Recall("acme", "+461", after(at))
		if ok != (len(want) > 0) || ok && !got.Equal(after(want[0])) {
			t.Errorf("after %v s the place is %v, %t, want %v", at, got, ok, want)
		}
	}
	q.Remember("acme", "+461", after(1), after(100))
	q.Remember("acme", "+461", after(3), after(105))
	q.Remember("acme", "+461", after(2), after(110))
	q.Remember("acme", "+461", after(2), after(110)) // nothing new
	is(90, 1)
	q.Forget("acme", "+461")
	is(91, 2)
	q.Forget("acme", "+461")
	is(92, 3)
	is(105)
	q.Remember("acme", "+461", after(106), after(200)) // later than all, and for longer
	q.Remember("acme", "+461", after(107), after(150))
	is(149, 106)
	is(150, 106)
	is(200)
	if len(q.kept.places) != 0 || q.kept.lapse.n != 0 {
		t.Errorf("%d numbers and %d places are left", len(q.kept.places), q.kept.lapse.n)
	}
}

func TestLeaseEndsAReservationThatNobodyAnswers(t *testing.T) {
	q := pool("anna", "bo")
	q.SetLimits(Limits{Lease: 30 * time.Second})
	wait(q, "1", 0)
	wait(q, "2", 1)
	if next := expect(t, q, 2, "1-anna", "2-bo"); !next.Equal(after(32)) {
		t.Errorf("looks again at %v", next)
	}
	q.Talks("bo", after(10))
	if got := q.Expired(after(32).Add(-1)); len(got) != 0 {
		t.Errorf("%v too early", got)
	}
	if got := q.Expired(after(32)); len(got) != 1 || got[0] != (Expired{"anna", "1"}) {
		t.Errorf("expired %v", got)
	}
	state(t, q, "anna", 32, Available)
	state(t, q, "bo", 32, Talking)
	if q.Unstick("bo", after(40)) != "2" || len(q.Expired(after(99))) != 0 {
		t.Error("bo is stuck, or told twice")
	}
}

func TestLevelsOpenByTimeAndByNumber(t *testing.T) {
	serve := &call.Serve{Levels: []call.Level{{Own: true}, {After: 10 * time.Second, When: 3}}}
	q := pool("anna", "bo")
	enqueue := func(id string, at float64) {
		q.Enqueue(Waiting{Call: call.ID(id), Tenant: "acme", Serve: serve, Arrived: after(at)}, 0)
	}
	enqueue("1", 0)
	if next := expect(t, q, 0); !next.Equal(after(10)) {
		t.Errorf("looks again at %v", next)
	}
	expect(t, q, 9.999999999)
	expect(t, q, 10, "1-anna")
	enqueue("2", 11)
	enqueue("3", 11)
	expect(t, q, 12)
	enqueue("4", 12)
	expect(t, q, 12, "2-bo") // three waited; now two do
}

func TestRestoredAgentIsAsSheWas(t *testing.T) {
	q := New(Limits{})
	q.Restore("anna", Saved{LoggedOut: true}, t0)
	q.Restore("bo", Saved{Paused: PausedLunch}, t0)
	q.SetAgents([]Agent{{ID: "anna", Kind: call.Service}, {ID: "bo", Kind: call.Service}}, t0)
	q.Registered("anna", true, t0)
	q.Registered("bo", true, t0)
	state(t, q, "anna", 1, Offline)
	state(t, q, "bo", 1, Paused)
	if s := q.Agents(t0); s[0].Reason != LoggedOut || s[0].LoggedIn || !s[0].Phone || s[1].Reason != PausedLunch || !s[1].LoggedIn {
		t.Errorf("%+v", s)
	}
	if s, ok := q.Saved("bo"); !ok || s.Paused != PausedLunch {
		t.Errorf("saved %+v", s)
	}
	q.Login("anna", after(2))
	state(t, q, "anna", 2, Available)
}
