package queue

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"telefonist/call"
)

var t0 = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func after(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }

// pool makes a queue with service agents whose phones are registered, each a second after the one before.
func pool(ids ...string) *Queue {
	q := New(Limits{Misses: 2, Again: 30 * time.Second})
	var agents []Agent
	for _, id := range ids {
		agents = append(agents, Agent{ID: id, Kind: call.Service, Wrap: 5 * time.Second})
	}
	q.SetAgents(agents, t0)
	for i, id := range ids {
		q.Registered(id, true, after(float64(i)-100))
	}
	return q
}

func wait(q *Queue, id string, at float64) {
	q.Enqueue(Waiting{Call: call.ID(id), Tenant: "acme", Arrived: after(at)}, 0)
}

// expect matches at an instant and compares with "call-agent" pairs.
func expect(t *testing.T, q *Queue, at float64, want ...string) time.Time {
	t.Helper()
	matches, next := q.Match(after(at))
	var got []string
	for _, m := range matches {
		got = append(got, fmt.Sprintf("%s-%s", m.Call, m.Agent))
	}
	if !slices.Equal(got, want) {
		t.Errorf("at %gs matched %v, want %v", at, got, want)
	}
	return next
}

func state(t *testing.T, q *Queue, id string, at float64, want State) {
	t.Helper()
	for _, s := range q.Agents(after(at)) {
		if s.ID == id {
			if s.State != want {
				t.Errorf("%s at %gs is %s, want %s", id, at, s.State, want)
			}
			return
		}
	}
	if want != "" {
		t.Errorf("%s is not known", id)
	}
}

func TestLongestWaitingCallerMeetsLongestIdleAgent(t *testing.T) {
	q := pool("anna", "bo", "cia")
	wait(q, "2", 2)
	wait(q, "1", 1)
	expect(t, q, 3, "1-anna", "2-bo")
}

func TestHigherPriorityGoesBeforeLongerWait(t *testing.T) {
	q := pool("anna")
	wait(q, "old", 1)
	q.Enqueue(Waiting{Call: "vip", Tenant: "acme", Priority: 1, Arrived: after(2)}, 0)
	expect(t, q, 3, "vip-anna")
}

func TestCallerWhoComesBackGoesToTheHeadOfHerPriority(t *testing.T) {
	q := pool()
	wait(q, "1", 1)
	wait(q, "2", 2)
	q.Enqueue(Waiting{Call: "back", Tenant: "acme", Front: true, Arrived: after(3)}, 0)
	q.Enqueue(Waiting{Call: "earlier", Tenant: "acme", Front: true, Arrived: after(0)}, 0)
	q.Enqueue(Waiting{Call: "vip", Tenant: "acme", Priority: 1, Arrived: after(4)}, 0)
	var got []call.ID
	for _, w := range q.Line() {
		got = append(got, w.Call)
	}
	if want := []call.ID{"vip", "earlier", "back", "1", "2"}; !slices.Equal(got, want) {
		t.Errorf("line is %v, want %v", got, want)
	}
}

func TestLimitHoldsForTheTenantAndNotForThoseWhoComeBack(t *testing.T) {
	q := pool()
	in := func(id, tenant string, front bool) bool {
		return q.Enqueue(Waiting{Call: call.ID(id), Tenant: tenant, Front: front, Arrived: t0}, 2)
	}
	if !in("1", "acme", false) || !in("2", "acme", false) || in("3", "acme", false) || !in("4", "beta", false) || !in("5", "acme", true) {
		t.Error("limit")
	}
	if !in("1", "acme", false) || q.LenOf("acme") != 3 || q.Len() != 4 {
		t.Errorf("%d of acme, %d in all", q.LenOf("acme"), q.Len())
	}
	q.Remove("1")
	q.Remove("1")
	q.Ended("2")
	if q.LenOf("acme") != 1 || !in("6", "acme", false) {
		t.Error("room was not given back")
	}
}

func TestAgentsAreOfferedOnlyTheirTenants(t *testing.T) {
	q := New(Limits{})
	q.SetAgents([]Agent{{ID: "own", Kind: call.Own, Tenants: []string{"acme"}}, {ID: "some", Kind: call.Service, Tenants: []string{"beta"}},
		{ID: "nobody", Kind: call.Own}}, t0)
	for _, id := range []string{"own", "some", "nobody"} {
		q.Registered(id, true, t0)
	}
	for _, tenant := range []string{"gamma", "beta", "acme"} {
		q.Enqueue(Waiting{Call: call.ID(tenant), Tenant: tenant, Arrived: t0}, 0)
	}
	expect(t, q, 1, "beta-some", "acme-own")
}

func TestMissedCallGoesToAnotherAgentAndComesBackAfterAWhile(t *testing.T) {
	q := pool("anna", "bo")
	wait(q, "1", 0)
	expect(t, q, 1, "1-anna")
	q.Free("anna", "1", call.FreedMissed, after(16))
	wait(q, "1", 0)
	expect(t, q, 16, "1-bo")
	q.Free("bo", "1", call.FreedDeclined, after(20))
	wait(q, "1", 0)
	if next := expect(t, q, 20); !next.Equal(after(46)) {
		t.Errorf("looks again at %v", next)
	}
	expect(t, q, 45.999999999)
	expect(t, q, 46, "1-anna")
}

func TestExclusionIsForThatCallOnly(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Free("anna", "1", call.FreedMissed, after(15))
	wait(q, "1", 0)
	wait(q, "2", 1)
	expect(t, q, 15, "2-anna")
}

func TestMissesInARowPause(t *testing.T) {
	q := pool("anna")
	for i, id := range []string{"1", "2"} {
		wait(q, id, 0)
		expect(t, q, float64(i), id+"-anna")
		q.Free("anna", call.ID(id), call.FreedMissed, after(float64(i)))
		q.Ended(call.ID(id))
	}
	state(t, q, "anna", 2, Paused)
	if q.Agents(after(2))[0].Reason != PausedMissed {
		t.Error("no reason")
	}
	wait(q, "3", 3)
	expect(t, q, 3)
	q.Registered("anna", false, after(4))
	q.Registered("anna", true, after(5))
	expect(t, q, 5, "3-anna")
}

func TestAnswerForgivesMisses(t *testing.T) {
	q := pool("anna")
	for i := range 4 {
		id := call.ID(fmt.Sprint(i))
		wait(q, string(id), float64(i))
		expect(t, q, float64(10*i), string(id)+"-anna")
		if i%2 == 0 {
			q.Free("anna", id, call.FreedMissed, after(float64(10*i)))
		} else {
			q.Talks("anna", after(float64(10*i)))
			q.Free("anna", id, call.FreedDone, after(float64(10*i)))
		}
		q.Ended(id)
	}
	state(t, q, "anna", 50, Available)
}

func TestPhoneThatComesBackDoesNotEndAChosenPause(t *testing.T) {
	q := pool("anna")
	q.Pause("anna", "lunch", t0)
	q.Registered("anna", false, after(1))
	state(t, q, "anna", 1, Offline)
	q.Registered("anna", true, after(2))
	state(t, q, "anna", 2, Paused)
	if !q.Resume("anna", after(3)) || q.Resume("nobody", t0) || q.Pause("nobody", "", t0) {
		t.Error("resume")
	}
	state(t, q, "anna", 3, Available)
}

func TestPauseDuringACallHoldsAfterIt(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Pause("anna", "", after(1))
	state(t, q, "anna", 1, Reserved)
	q.Free("anna", "1", call.FreedDone, after(2))
	state(t, q, "anna", 2, Paused)
}

func TestWrapUpIsTimeWithoutOffers(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Talks("anna", after(1))
	state(t, q, "anna", 1, Talking)
	q.Free("anna", "1", call.FreedDone, after(10))
	q.Ended("1")
	wait(q, "2", 11)
	if next := expect(t, q, 11); !next.Equal(after(15)) {
		t.Errorf("looks again at %v", next)
	}
	state(t, q, "anna", 14.999999999, WrapUp)
	expect(t, q, 14.999999999)
	expect(t, q, 15, "2-anna")
}

func TestCancelledOfferLeavesTheAgentHerPlace(t *testing.T) {
	q := pool("anna", "bo")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Free("anna", "1", call.FreedCancelled, after(9))
	q.Ended("1")
	wait(q, "2", 9)
	expect(t, q, 9, "2-anna")
}

func TestFreeIsForTheCallThatTheAgentHas(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	if q.Free("anna", "2", call.FreedDone, t0) || q.Free("bo", "1", call.FreedDone, t0) || q.Free("anna", "", call.FreedDone, t0) {
		t.Error("freed for another call")
	}
	if q.Reserved("anna") != "1" || q.Reserved("bo") != "" {
		t.Error("reserved")
	}
	if q.Release("1", call.FreedDone, t0) != "anna" || q.Release("1", call.FreedDone, t0) != "" || q.Reserved("anna") != "" {
		t.Error("release")
	}
	if q.Free("anna", "1", call.FreedDone, t0) {
		t.Error("freed twice")
	}
}

func TestSetAgentsLeavesCallsAlone(t *testing.T) {
	q := pool("anna", "bo")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.SetAgents([]Agent{{ID: "bo", Kind: call.Service}}, after(1))
	state(t, q, "anna", 1, Reserved)
	q.Talks("anna", after(2))
	state(t, q, "anna", 2, Talking)
	q.Registered("anna", false, after(3)) // her phone flaps meanwhile
	q.Registered("anna", true, after(3))
	q.Free("anna", "1", call.FreedDone, after(4))
	state(t, q, "anna", 4, "")
}

func TestAgentWhoIsTakenOutAndComesBackKeepsHerPhone(t *testing.T) {
	q := pool("anna", "bo")
	anna := Agent{ID: "anna", Kind: call.Service}
	q.SetAgents([]Agent{{ID: "bo", Kind: call.Service}}, after(1))
	q.SetAgents([]Agent{anna, {ID: "bo", Kind: call.Service}}, after(2))
	state(t, q, "anna", 2, Available)

	wait(q, "1", 3)
	expect(t, q, 3, "1-bo")
	wait(q, "2", 3)
	expect(t, q, 3, "2-anna")
	q.SetAgents(nil, after(4))
	q.SetAgents([]Agent{anna}, after(5)) // back while she is still in the call
	q.Free("anna", "2", call.FreedCancelled, after(6))
	state(t, q, "anna", 6, Available)
}

func TestPhoneThatRegistersBeforeItsAgentIsKnown(t *testing.T) {
	q := New(Limits{})
	q.Registered("anna", true, t0)
	q.Registered("bo", true, t0)
	q.Registered("bo", false, t0)
	q.SetAgents([]Agent{{ID: "anna", Kind: call.Service}, {ID: "bo", Kind: call.Service}}, t0)
	state(t, q, "anna", 0, Available)
	state(t, q, "bo", 0, Offline)
}

func TestSinceTellsWhenTheStateBegan(t *testing.T) {
	q := pool("anna")
	since := func(at, want float64) {
		t.Helper()
		if s := q.Agents(after(at))[0]; !s.Since.Equal(after(want)) {
			t.Errorf("%s since %v, want %v", s.State, s.Since, after(want))
		}
	}
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Talks("anna", after(3))
	q.Pause("anna", "lunch", after(4))
	since(5, 3)
	q.Resume("anna", after(6))
	q.Free("anna", "1", call.FreedDone, after(7))
	since(8, 7)
	since(20, 12)
}

// TestAPauseForMissedCallsOutlivesARestart: a phone that is heard of for the first time has not come back.
func TestAPauseForMissedCallsOutlivesARestart(t *testing.T) {
	q := New(Limits{})
	q.Restore("bo", Saved{Paused: PausedMissed}, t0)
	q.SetAgents([]Agent{{ID: "bo", Kind: call.Service}}, t0)
	q.Registered("bo", true, t0)
	state(t, q, "bo", 0, Paused)
	q.SetAgents(nil, after(1)) // she is disabled, so her phone is forgotten, and is enabled again
	q.Registered("bo", false, after(1))
	q.SetAgents([]Agent{{ID: "bo", Kind: call.Service}}, after(2))
	state(t, q, "bo", 2, Offline)
	q.Registered("bo", true, after(3))
	state(t, q, "bo", 3, Available)
}

// TestAPhoneThatGoesEndsAPauseForMissedCalls: also where it comes back to another process, or went before that one knew of it.
func TestAPhoneThatGoesEndsAPauseForMissedCalls(t *testing.T) {
	for _, how := range []string{"gone before", "ran out meanwhile", "while it rang"} {
		q := New(Limits{Misses: 1})
		saved := Saved{Paused: PausedMissed}
		if how != "ran out meanwhile" {
			before := pool("bo")
			before.SetLimits(Limits{Misses: 1})
			wait(before, "1", 0)
			expect(t, before, 0, "1-bo")
			before.Rings("bo", t0)
			free := func() { before.Free("bo", "1", call.FreedMissed, after(2)) }
			if how == "gone before" {
				free()
			}
			before.Registered("bo", false, after(2))
			if how == "while it rang" {
				free()
			}
			saved, _ = before.Saved("bo")
		}
		q.Restore("bo", saved, after(4))
		q.SetAgents([]Agent{{ID: "bo", Kind: call.Service}}, after(4))
		if how == "ran out meanwhile" {
			q.Registered("bo", false, after(4))
		}
		q.Registered("bo", true, after(5))
		t.Run(how, func(t *testing.T) { state(t, q, "bo", 5, Available) })
	}
}
