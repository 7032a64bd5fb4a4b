package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// filled returns a store with records 0 to n-1, one received each second, of three tenants in turn.
func filled(t testing.TB, n int, o Options) *Store {
	t.Helper()
	s := open(t, t.TempDir(), o)
	done := make(chan error, n)
	for i := range n {
		s.Commit(finalOf(i), func(err error) { done <- err })
	}
	for range n {
		if err := await(t, done); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func ids(numbers ...int) []call.ID {
	var all []call.ID
	for _, n := range numbers {
		all = append(all, id(n))
	}
	return all
}

func TestCallsAreFiltered(t *testing.T) {
	s := filled(t, 12, Options{pageBatch: 2})
	at := func(n int) time.Time { return received.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		f    Filter
		want []call.ID
	}{
		"all":            {Filter{}, ids(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)},
		"tenant":         {Filter{Tenant: "tenant1"}, ids(1, 4, 7, 10)},
		"last tenant":    {Filter{Tenant: "tenant2"}, ids(2, 5, 8, 11)},
		"no such tenant": {Filter{Tenant: "tenant"}, nil},
		"from":           {Filter{From: at(9)}, ids(9, 10, 11)},
		"to":             {Filter{To: at(3)}, ids(0, 1, 2)},
		"just before":    {Filter{To: at(3).Add(time.Nanosecond)}, ids(0, 1, 2, 3)},
		"tenant's span":  {Filter{Tenant: "tenant0", From: at(3), To: at(9)}, ids(3, 6)},
		"limit":          {Filter{Limit: 3}, ids(0, 1, 2)},
		"limit of page":  {Filter{Limit: 2}, ids(0, 1)},
		"newest":         {Filter{Newest: true, Limit: 3}, ids(11, 10, 9)},
		"tenant newest":  {Filter{Newest: true, Tenant: "tenant0"}, ids(9, 6, 3, 0)},
		"newest span":    {Filter{Newest: true, From: at(2), To: at(5)}, ids(4, 3, 2)},
		"after":          {Filter{After: CursorAt(*finalOf(8).Final)}, ids(9, 10, 11)},
		"tenant after":   {Filter{Tenant: "tenant1", After: CursorAt(*finalOf(4).Final)}, ids(7, 10)},
		"newest after":   {Filter{Newest: true, After: CursorAt(*finalOf(3).Final)}, ids(2, 1, 0)},
		"after and from": {Filter{From: at(10), After: CursorAt(*finalOf(3).Final)}, ids(10, 11)},
		"newest of last": {Filter{Newest: true, Tenant: "tenant2", Limit: 1}, ids(11)},
		"empty span":     {Filter{From: at(5), To: at(5)}, nil},
	} {
		if got := all(t, s, c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		c.f.Limit = 0
		if n, err := s.Count(t.Context(), c.f); err != nil || n != len(all(t, s, c.f)) {
			t.Errorf("%s: Count = %d, %v", name, n, err)
		}
	}
}

func TestCallsOfOneInstantAreAllHandedOut(t *testing.T) {
	s := open(t, t.TempDir(), Options{pageBatch: 1})
	for n := range 5 {
		c := finalOf(n)
		c.Final.Tenant, c.Final.Received = "acme", time.Date(1969, 12, 31, 23, 59, 59, 5, time.UTC)
		mustCommit(t, s, c)
	}
	mustCommit(t, s, finalOf(9))
	if got, want := all(t, s, Filter{}), ids(0, 1, 2, 3, 4, 9); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := all(t, s, Filter{Tenant: "acme", Newest: true}), ids(4, 3, 2, 1, 0); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCorrectionIsARecordOfItsOwn(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	fix := finalOf(2)
	fix.Final.Corrects = id(1)
	mustCommit(t, s, headOf(1), finalOf(1), fix)
	first, err := s.Call(id(1))
	if err != nil || !equalJSON(t, first, *finalOf(1).Final) {
		t.Errorf("the corrected record changed: %+v, %v", first, err)
	}
	if r, err := s.Call(id(2)); err != nil || r.Corrects != id(1) {
		t.Errorf("the correction: %+v, %v", r, err)
	}
}

func TestBadCursorIsAnError(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, c := range []Cursor{"!", "AAAA"} {
		err := s.Calls(t.Context(), Filter{After: c}, func(record.Record) error { return nil })
		if err == nil {
			t.Errorf("cursor %q was taken", c)
		}
	}
}

func TestCallsEndsWithTheErrorOfItsCaller(t *testing.T) {
	s := filled(t, 5, Options{})
	enough := errors.New("enough")
	wantErr(t, s.Calls(t.Context(), Filter{}, func(record.Record) error { return enough }), enough)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := s.Calls(ctx, Filter{}, func(record.Record) error { n++; cancel(); return nil })
	wantErr(t, err, context.Canceled)
	if n != 1 {
		t.Errorf("%d records after the cancellation", n-1)
	}
}

// A reader that takes its time over a record has no transaction open: commits go on, and no page is read twice.
func TestSlowReaderHoldsNoTransaction(t *testing.T) {
	pages := 0
	s := filled(t, 20, Options{pageBatch: 5, openedTx: func(_ *bbolt.DB, op string) {
		if op == "calls" {
			pages++
		}
	}})
	pages = 0
	var got []call.ID
	err := s.Calls(t.Context(), Filter{}, func(r record.Record) error {
		if open := s.calls.Stats().OpenTxN; open != 0 {
			t.Errorf("%d read transactions are open", open)
		}
		if len(got) < 10 {
			mustCommit(t, s, finalOf(100+len(got)))
		}
		got = append(got, r.Call)
		return nil
	})
	if err != nil || len(got) != 30 || pages < 6 || pages > 7 {
		t.Errorf("%d records in %d pages, %v", len(got), pages, err)
	}
}

func TestBrokenRecordIsNamed(t *testing.T) {
	s := filled(t, 3, Options{})
	key := recordKey(tenantOf(1), finalOf(1).Final.Received, id(1))
	put(t, s, bucketRecords, key, []byte("\x01\x00\x00\x00\x00{}"))
	_, err := s.Call(id(1))
	var broken *DamagedError
	if !errors.As(err, &broken) || broken.Bucket != "records" || string(broken.Key) != string(key) {
		t.Errorf("got %v", err)
	}
	wantErr(t, s.Calls(t.Context(), Filter{}, func(record.Record) error { return nil }), ErrDamaged)
	wantErr(t, s.Check(t.Context()), ErrDamaged)
	put(t, s, bucketRecords, key, seal(key, mustJSON(t, finalOf(1).Final)))
}
