package queue

import (
	"slices"
	"testing"
	"time"

	"telefonist/call"
)

func TestSupervisorMovesCallersAndGivesThemAway(t *testing.T) {
	q := pool()
	for i, id := range []string{"1", "2", "3", "4"} {
		wait(q, id, float64(i))
	}
	line := func(want ...call.ID) {
		t.Helper()
		var got []call.ID
		for _, w := range q.Line() {
			got = append(got, w.Call)
		}
		if !slices.Equal(got, want) {
			t.Errorf("line is %v, want %v", got, want)
		}
	}
	q.Move("3", 1)
	line("3", "1", "2", "4")
	q.Move("4", 1)
	line("4", "3", "1", "2")
	q.Move("1", 2)
	line("4", "1", "3", "2")
	q.Move("4", 99)
	line("1", "3", "2", "4")
	if q.Move("5", 1) {
		t.Error("moved who is not in line")
	}
	q.SetAgents([]Agent{{ID: "own", Kind: call.Own, Tenants: []string{"beta"}}}, t0)
	if _, ok := q.Take("2", "own", t0); ok {
		t.Error("given to an agent without a phone")
	}
	q.Registered("own", true, t0)
	if m, ok := q.Take("2", "own", t0); !ok || m != (Match{"2", "own", call.Own}) {
		t.Error("not given away", m)
	}
	if _, ok := q.Take("1", "own", t0); ok {
		t.Error("two calls for one agent")
	}
	line("1", "3", "4")
}

func TestRingAllReservesEverybodyOfTheFirstLevelWhoIsFree(t *testing.T) {
	serve := &call.Serve{Strategy: call.RingAll, Levels: []call.Level{{Groups: []string{"home"}}, {}}}
	q := pool("bo", "cia", "anna")
	q.SetAgents([]Agent{{ID: "anna", Kind: call.Service, Groups: []string{"home"}}, {ID: "bo", Kind: call.Service},
		{ID: "cia", Kind: call.Service, Groups: []string{"home"}}}, t0)
	enqueue := func(id call.ID, wish bool) {
		q.Enqueue(Waiting{Call: id, Tenant: "acme", Serve: serve, Arrived: t0, Wish: wish}, 0)
	}
	enqueue("1", false)
	enqueue("2", false)
	expect(t, q, 0, "1-cia", "1-anna", "2-bo")
	q.Talks("anna", after(3))
	if !q.Free("cia", "1", call.FreedCancelled, after(3)) || q.Reserved("anna") != "1" {
		t.Error("the others are given back one by one")
	}
	if q.Release("1", call.FreedCancelled, after(4)) != "anna" {
		t.Error("release")
	}
	enqueue("wish", true)
	expect(t, q, 5, "wish-cia") // a wish is dialled by one agent
}

func TestWishKeepsItsPlaceAndCountsForNoLimit(t *testing.T) {
	q := pool("anna")
	wait(q, "early", 1)
	for range 2 { // never twice
		q.Enqueue(Waiting{Call: "wish", Tenant: "acme", Wish: true, Arrived: after(2)}, 1)
	}
	wait(q, "late", 3)
	if q.LenOf("acme") != 2 || q.Len() != 3 {
		t.Errorf("%d callers, %d in line", q.LenOf("acme"), q.Len())
	}
	for i, want := range []string{"early-anna", "wish-anna", "late-anna"} {
		expect(t, q, float64(10+i), want)
		q.Free("anna", q.Reserved("anna"), call.FreedCancelled, after(float64(10+i)))
	}
}

func TestOnDutyCountsWhoMayTakeTheCallAtAnyLevel(t *testing.T) {
	serve := &call.Serve{Levels: []call.Level{{Own: true}, {After: 1e9}}, Skills: []string{"sv"}}
	q := New(Limits{})
	q.SetAgents([]Agent{{ID: "own", Kind: call.Own, Tenants: []string{"acme"}, Skills: []string{"sv"}},
		{ID: "a", Kind: call.Service, Skills: []string{"fi", "sv"}}, {ID: "b", Kind: call.Service}}, t0)
	q.Enqueue(Waiting{Call: "1", Tenant: "acme", Serve: serve, Arrived: t0}, 0)
	is := func(loggedIn, ready int) {
		t.Helper()
		if l, r := q.OnDuty("1"); l != loggedIn || r != ready {
			t.Errorf("%d logged in, %d ready; want %d, %d", l, r, loggedIn, ready)
		}
	}
	is(0, 0)
	for _, id := range []string{"own", "a", "b"} {
		q.Pause(id, PausedLunch, t0)
		q.Registered(id, true, t0)
	}
	is(2, 0)
	q.Resume("a", t0)
	is(2, 1)
	q.Logout("a", t0)
	is(1, 0)
}

func TestAnAgentAsksForACallInWrapUpAndInAPauseWhichGoesOnAfterIt(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Talks("anna", after(1))
	q.Free("anna", "1", call.FreedDone, after(2))
	if q.Reserve("anna", "2", after(3)) || !q.Ask("anna", "2", after(3)) {
		t.Error("wrap-up")
	}
	q.Free("anna", "2", call.FreedCancelled, after(4)) // what is left of the wrap-up goes on
	wait(q, "3", 4)
	expect(t, q, 6.5)
	expect(t, q, 7, "3-anna")
	q.Free("anna", "3", call.FreedCancelled, after(8))
	q.Ended("3")
	q.Pause("anna", PausedLunch, after(9))
	if q.Reserve("anna", "4", after(9)) || !q.Ask("anna", "4", after(9)) {
		t.Error("paused")
	}
	q.Free("anna", "4", call.FreedDone, after(10))
	if got := told(q, "anna"); got != "paused (lunch)" {
		t.Error(got)
	}
	q.Logout("anna", after(11))
	if q.Ask("anna", "5", after(12)) {
		t.Error("logged out")
	}
}

func TestASupervisorIsOfferedNothingButMayBeAskedFor(t *testing.T) {
	q := pool("eva")
	q.SetAgents([]Agent{{ID: "eva", Kind: call.Service, Apart: true}}, t0)
	wait(q, "1", 0)
	expect(t, q, 1)
	if loggedIn, ready := q.OnDuty("1"); loggedIn+ready != 0 || q.Forsaken() != 1 {
		t.Error("counts as on duty", loggedIn, ready, q.Forsaken())
	}
	if !q.Reserve("eva", "2", after(2)) {
		t.Error("cannot be asked for")
	}
	q.Free("eva", "2", call.FreedCancelled, after(3))
	if _, ok := q.Take("1", "eva", after(3)); !ok {
		t.Error("cannot take a call by hand")
	}
	q.Free("eva", "1", call.FreedDone, after(4))
	wait(q, "1", 5)
	q.SetAgents([]Agent{{ID: "eva", Kind: call.Service}}, after(6)) // no supervisor any more
	expect(t, q, 6, "1-eva")
}

func TestWhoMissedACallIsNotOfferedTheOneThatStandsForIt(t *testing.T) {
	q := pool("anna")
	wait(q, "1", 0)
	expect(t, q, 0, "1-anna")
	q.Free("anna", "1", call.FreedMissed, after(5))
	q.Inherit("2", "1")
	q.Ended("1")
	wait(q, "2", 0)
	expect(t, q, 6)
	expect(t, q, 35, "2-anna")
}

func TestAnAgentWhoIsSparedACallIsNotOfferedItForAWhile(t *testing.T) {
	q := New(Limits{Misses: 1, Again: 10 * time.Second})
	q.SetAgents([]Agent{{ID: "anna", Kind: call.Service}, {ID: "bo", Kind: call.Service}}, t0)
	q.Registered("anna", true, t0)
	wait(q, "1", 0)
	q.Spare("anna", "1", after(0))
	if m, next := q.Match(after(9)); len(m) != 0 || !next.Equal(after(10)) {
		t.Errorf("matched %v, looks again at %v", m, next)
	}
	wait(q, "2", 9)
	if m, _ := q.Match(after(9)); len(m) != 1 || m[0].Call != "2" { // no fault of hers: she is not paused
		t.Errorf("matched %v, want the other call with anna", m)
	}
	q.Free("anna", "2", call.FreedCancelled, after(9))
	q.Ended("2")
	if m, _ := q.Match(after(10)); len(m) != 1 || m[0].Call != "1" || m[0].Agent != "anna" {
		t.Errorf("matched %v, want the call with anna again", m)
	}
}
