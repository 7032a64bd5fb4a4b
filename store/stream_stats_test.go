package store

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/record"
)

// answeredCall is a call of a tenant's that anna handles, in one commit.
func answeredCall(n int, at time.Time) record.Commit {
	id := call.ID(fmt.Sprintf("01STATS%08d", n))
	line := func(since time.Duration, k call.Kind, reason string) call.Entry {
		return call.Entry{Wall: at.Add(since), Since: since, Kind: k, Agent: "anna", AgentKind: call.Service, Reason: reason}
	}
	story := []call.Entry{line(0, call.KindArrived, ""), line(0, call.KindQueued, ""), line(0, call.KindConnected, ""), line(4*time.Second, call.KindOffered, ""),
		line(9*time.Second, call.KindAnswered, ""), line(9*time.Second, call.KindOpened, ""), line(44*time.Second, call.KindWarned, ""),
		line(49*time.Second, call.KindTransfer, ""), line(55*time.Second, call.KindMediated, call.ByDirect), line(55*time.Second, call.KindLeft, ""),
		line(90*time.Second, call.KindEnded, "mediated/caller")}
	state := func(since time.Duration, kind string) record.StreamEvent {
		return record.StreamEvent{At: at.Add(since), About: record.AboutAgent, Kind: kind, Agent: "anna", Call: id, Tenant: tenantOf(n)}
	}
	return record.Commit{Call: id, Final: &record.Record{Call: id, Tenant: tenantOf(n), Received: at, Story: story, Outcome: call.OutcomeMediated},
		Stream: []record.StreamEvent{state(9*time.Second, record.AgentTalking), state(55*time.Second, record.AgentWrapUp), state(60*time.Second, record.AgentAvailable)}}
}

func stats(t testing.TB, s *Store, f record.StatsFilter) record.Counts {
	t.Helper()
	hours, err := s.Stats(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	_, total := record.Periods(hours, true, time.UTC)
	return total
}

// TestStatisticsAreThoseOfTheWholeStream asks before, between and after the sums are brought up to date, over restarts.
func TestStatisticsAreThoseOfTheWholeStream(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	mustCommit(t, s, record.Commit{Stream: []record.StreamEvent{{At: received, About: record.AboutAgent, Kind: record.AgentLoggedIn, Agent: "anna"}}})
	for n := range 200 {
		mustCommit(t, s, answeredCall(n, received.Add(time.Duration(n)*10*time.Minute)))
		if n%50 == 20 {
			if err := s.tally(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if n == 100 {
			checkAndClose(t, s)
			s = open(t, dir, Options{})
		}
	}
	want := map[record.StatsFilter]record.Counts{}
	whole, all := record.NewTally(), map[record.Cell]record.Counts{}
	for _, e := range events(t, s) {
		whole.Add(e, func(c record.Cell, n record.Counts) { addTo(all, c, n) })
	}
	whole.Open(whole.Clock, func(c record.Cell, n record.Counts) { addTo(all, c, n) })
	for c, n := range all {
		addTo(want, record.StatsFilter{Tenant: c.Tenant, Agent: c.Agent}, n)
	}
	for f, n := range want {
		if got := stats(t, s, f); got != n {
			t.Errorf("%+v has\n%+v, want\n%+v", f, got, n)
		}
	}
	if n := stats(t, s, record.StatsFilter{}); n.Calls != 200 || n.Answered != 200 || n.Mediated != 200 || n.Handled != 200 || n.Wrap != 200*5*time.Second {
		t.Errorf("got %+v", n)
	}
	// Some hours of them.
	hours, err := s.Stats(context.Background(), record.StatsFilter{Tenant: "tenant1", From: received.Add(time.Hour), To: received.Add(2 * time.Hour)})
	if err != nil || len(hours) != 1 || hours[received.Add(time.Hour).Unix()].Calls != 2 {
		t.Errorf("got %v, %v", hours, err)
	}
}

func TestStatisticsAreMadeAnewWhereTheyWereCountedOtherwise(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for n := range 30 {
		mustCommit(t, s, answeredCall(n, received.Add(time.Duration(n)*24*time.Hour)))
	}
	before := stats(t, s, record.StatsFilter{})
	if err := s.tally(context.Background()); err != nil {
		t.Fatal(err)
	}
	old := record.Tally{Version: record.TallyVersion - 1, Through: 7}
	put(t, s, bucketStatistics, keyTally, mustSeal(t, keyTally, old))
	_, err := s.Stats(context.Background(), record.StatsFilter{})
	wantErr(t, err, record.ErrCounting)
	if err := s.tally(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := stats(t, s, record.StatsFilter{}); after != before {
		t.Errorf("made anew they are\n%+v, were\n%+v", after, before)
	}
}

func TestOldEventsAndStatisticsAreDroppedAndNewOnesKept(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(dir, Options{Logger: quiet(), KeepEvents: 60 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer checkAndClose(t, s)
		begin := time.Now()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { s.Tend(ctx); close(done) }()
		for n := range 120 { // a call a day
			mustCommit(t, s, answeredCall(n, time.Now()))
			time.Sleep(24 * time.Hour)
		}
		stop()
		<-done
		list := events(t, s)
		if first := list[0].At; first.Before(begin.Add(57*24*time.Hour)) || first.After(begin.Add(62*24*time.Hour)) {
			t.Errorf("the oldest event is of day %v", first.Sub(begin).Hours()/24)
		}
		if n := stats(t, s, record.StatsFilter{}); n.Calls < 60 || n.Calls > 92 { // whole months
			t.Errorf("%d calls are counted still", n.Calls)
		}
	})
}

// BenchmarkMonth measures statistics over 30 days of 10,000 calls a day: bringing them up to date, and asking.
func BenchmarkMonth(b *testing.B) {
	days := 30
	if testing.Short() {
		days = 1
	}
	s, err := Open(b.TempDir(), Options{Logger: quiet(), MaxPending: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const perDay = 10_000
	for day := range days {
		done := make(chan error, perDay)
		for n := range perDay {
			c := answeredCall(day*perDay+n, received.AddDate(0, 0, day).Add(time.Duration(n)*8640*time.Millisecond/3))
			s.Commit(c, func(err error) { done <- err })
		}
		for range perDay {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	}
	start := time.Now()
	if err := s.tally(context.Background()); err != nil {
		b.Fatal(err)
	}
	counted := time.Since(start)
	for _, f := range []record.StatsFilter{{}, {Tenant: "tenant1"}, {Agent: "anna"}} {
		b.Run(fmt.Sprintf("ask-%s%s", f.Tenant, f.Agent), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Stats(context.Background(), f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.stream.end())/counted.Seconds(), "events-counted/s")
			b.ReportMetric(counted.Seconds(), "s/month")
		})
	}
}
