package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"telefonist/call"
	"telefonist/record"
)

// childEnv names what the test binary does where a test runs it again as a process of its own.
const childEnv = "TELEFONIST_STORE_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "kill":
		runKillChild()
		return
	case "full":
		runFullChild()
		return
	}
	goleak.VerifyTestMain(m)
}

// deadline is how long a test waits for what must come.
const deadline = 30 * time.Second

var received = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens a store that is checked and closed at the end of the test.
func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checkAndClose(t, s) })
	return s
}

func checkAndClose(t testing.TB, s *Store) {
	t.Helper()
	if s.calls.Path() != "" {
		if err := s.Check(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// commit gives a commit and waits for it.
func commit(t testing.TB, s *Store, c record.Commit) error {
	t.Helper()
	done := make(chan error, 1)
	s.Commit(c, func(err error) { done <- err })
	return await(t, done)
}

func mustCommit(t testing.TB, s *Store, commits ...record.Commit) {
	t.Helper()
	for _, c := range commits {
		if err := commit(t, s, c); err != nil {
			t.Fatal(err)
		}
	}
}

func await(t testing.TB, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(deadline):
		t.Fatal("done was not called")
		return nil
	}
}

func id(n int) call.ID { return call.ID(fmt.Sprintf("01CALL%08d", n)) }

func headOf(n int) record.Commit {
	at := received.Add(time.Duration(n) * time.Second)
	return record.Commit{Call: id(n), Head: &record.Head{Call: id(n), Received: at,
		Rules: call.Rules{Tenant: tenantOf(n), Number: "+46850000001"}, Caller: call.Party{Number: "+46701234567"}},
		Entries: []call.Entry{entry(0)}}
}

func tenantOf(n int) string { return fmt.Sprintf("tenant%d", n%3) }

func entry(seq int) call.Entry {
	return call.Entry{Wall: received.Add(time.Duration(seq) * time.Second), Since: time.Duration(seq) * time.Second,
		Kind: call.KindQueued, Agent: "anna", Code: seq}
}

func entries(n, first, count int) record.Commit {
	c := record.Commit{Call: id(n), First: first}
	for i := range count {
		c.Entries = append(c.Entries, entry(first+i))
	}
	return c
}

func heartbeat(n int, since time.Duration) record.Commit {
	return record.Commit{Call: id(n), Heartbeat: &call.Instant{Wall: received.Add(since), Since: since}}
}

func finalOf(n int) record.Commit {
	at := received.Add(time.Duration(n) * time.Second)
	return record.Commit{Call: id(n), Final: &record.Record{Call: id(n), Tenant: tenantOf(n), Number: "+46850000001",
		Received: at, Ended: at.Add(time.Minute), Outcome: call.OutcomeAbandoned, Cause: call.CauseCancel,
		Story: []call.Entry{entry(0), entry(1), entry(2)}}}
}

// all returns the ids of the records that match, in the order handed out.
func all(t testing.TB, s *Store, f Filter) []call.ID {
	t.Helper()
	var ids []call.ID
	err := s.Calls(context.Background(), f, func(r record.Record) error { ids = append(ids, r.Call); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	p, err := encode([]byte("k"), v)
	if err != nil {
		t.Fatal(err)
	}
	return p.value[sealSize:]
}
