package app

import (
	"log/slog"
	"testing"
	"time"

	"telefonist/directory"
	"telefonist/record"
	"telefonist/store"

	"telefonist/call"
)

func TestTheFirstCallOnANumberIsNotedForEver(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	first := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	for run := range 2 { // the second one is a restart
		s, err := store.Open(dir, store.Options{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		heard := 0
		a := &App{store: s, opts: Options{Observe: func(*record.Head, call.Entry, *record.Record) { heard++ }}}
		d, err := directory.New([]directory.Tenant{{ID: "acme", Number: "+46850000001"}, {ID: "quiet", Number: "+46850000002"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.setTenants(d); err != nil {
			t.Fatal(err)
		}
		a.lives = startLives(s, log)
		for n := range 3 {
			a.observe(&record.Head{Received: first.AddDate(0, 0, run).Add(time.Duration(n) * time.Minute), Rules: call.Rules{Number: "+46850000001"}}, call.Entry{}, nil)
		}
		a.lives.stop()
		all, err := s.Lives("")
		if err != nil || len(all) != 2 || !all[0].Delivered.Equal(first) || all[1].Stage() != directory.Ordered || heard != 3 {
			t.Errorf("run %d: %+v, %v, heard %d", run, all, err, heard)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFirstCallThatACrashKeptFromBeingNotedIsFoundAtStart(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.TempDir(), store.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ordered := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	const number, other = "+46850000001", "+46850000002"
	if err := s.SyncNumbers(map[string]string{number: "acme", other: "quiet"}, ordered); err != nil {
		t.Fatal(err)
	}
	for id, call := range map[call.ID]struct {
		tenant, number string
		at             time.Time
	}{"before": {"acme", number, ordered.Add(-1)}, "elsewhere": {"acme", "+46850000003", ordered}, "first": {"acme", number, ordered.Add(time.Hour)}, "second": {"acme", number, ordered.Add(2 * time.Hour)}} {
		done := make(chan error, 1)
		s.Commit(record.Commit{Call: id, Head: &record.Head{Call: id, Received: call.at}}, nil)
		s.Commit(record.Commit{Call: id, Final: &record.Record{Call: id, Tenant: call.tenant, Number: call.number, Received: call.at}}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	a := &App{store: s}
	for range 2 {
		if err := a.missedLives(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Lives("")
	if err != nil || !all[0].Delivered.Equal(ordered.Add(time.Hour)) || all[1].Stage() != directory.Ordered {
		t.Errorf("%+v, %v", all, err)
	}
}
