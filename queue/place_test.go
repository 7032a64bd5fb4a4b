package queue

import (
	"testing"
	"time"

	"telefonist/call"
)

func TestPositionFollowsTheOrderOfService(t *testing.T) {
	q := pool("anna")
	wait(q, "a", 0)
	wait(q, "b", 1)
	q.Enqueue(Waiting{Call: "c", Tenant: "beta", Priority: 1, Arrived: after(2)}, 0)
	for id, want := range map[call.ID]int{"c": 1, "a": 2, "b": 3, "gone": 0} {
		if got := q.Position(id); got != want {
			t.Errorf("%s has place %d, want %d", id, got, want)
		}
	}
	expect(t, q, 3, "c-anna")
	if got := q.Position("b"); got != 2 {
		t.Errorf("b has place %d when one was served, want 2", got)
	}
}

func TestPositionCountsOnlyWhoIsWaitedFor(t *testing.T) {
	q := New(Limits{})
	q.SetAgents([]Agent{{ID: "x", Kind: call.Service, Tenants: []string{"acme", "beta"}}, {ID: "y", Kind: call.Own, Tenants: []string{"gamma"}}}, t0)
	for i, tenant := range []string{"gamma", "beta", "delta", "acme", "gamma"} {
		q.Enqueue(Waiting{Call: call.ID(rune('a' + i)), Tenant: tenant, Arrived: after(float64(i))}, 0)
	}
	for id, want := range map[call.ID]int{"a": 1, "b": 1, "c": 1, "d": 2, "e": 2} {
		if got := q.Position(id); got != want {
			t.Errorf("%s has place %d, want %d", id, got, want)
		}
	}
}

func TestWaitIsPlaceTimesTimeTakenByAgentsOnDuty(t *testing.T) {
	q := pool("anna", "bo")
	handle := func(at, length float64) {
		wait(q, "k", at)
		m, _ := q.Match(after(at))
		if len(m) != 1 {
			t.Fatal("nobody is free")
		}
		q.Talks(m[0].Agent, after(at+1))
		q.Free(m[0].Agent, "k", call.FreedDone, after(at+length))
		q.Ended("k")
	}
	is := func(tenant string, position int, want time.Duration) {
		t.Helper()
		got, ok := q.Wait(tenant, position)
		if got != want || ok != (want > 0) {
			t.Errorf("place %d of %s: %v, %v; want %v", position, tenant, got, ok, want)
		}
	}
	handle(0, 55)
	handle(100, 55)
	is("acme", 1, 0) // too few to say
	handle(200, 55)
	is("acme", 1, 30*time.Second) // 55 s and 5 s of wrap-up, by two agents
	is("acme", 4, 2*time.Minute)
	is("acme", 0, 0)
	handle(300, 135)
	is("acme", 2, 70*time.Second) // the newest weighs an eighth
	q.Pause("bo", "lunch", after(500))
	is("acme", 1, 70*time.Second)
	q.Registered("anna", false, after(501))
	is("acme", 1, 0)

	wait(q, "k", 600)
	q.Registered("anna", true, after(600))
	q.Match(after(600))
	q.Free("anna", "k", call.FreedMissed, after(615)) // no conversation
	is("acme", 1, 70*time.Second)
}
