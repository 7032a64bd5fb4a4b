package store

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

func TestJournalSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	mustCommit(t, s, headOf(1), headOf(2), entries(1, 1, 3), heartbeat(1, 7*time.Second), heartbeat(1, 12*time.Second))
	checkAndClose(t, s)

	s = open(t, dir, Options{})
	got, err := s.Recover()
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Open{
		{Head: *headOf(1).Head, Story: []call.Entry{entry(0), entry(1), entry(2), entry(3)}, Heartbeat: *heartbeat(1, 12*time.Second).Heartbeat},
		{Head: *headOf(2).Head, Story: []call.Entry{entry(0)}},
	}
	if !equalJSON(t, got, want) {
		t.Errorf("recovered %+v\nwant %+v", got, want)
	}
	if n, err := s.Live(); n != 2 || err != nil {
		t.Errorf("Live() = %d, %v, want 2", n, err)
	}
}

func TestFinalTakesTheJournalAway(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustCommit(t, s, headOf(1), headOf(2), entries(1, 1, 5), heartbeat(1, time.Second), finalOf(1))
	if live, err := s.Recover(); err != nil || len(live) != 1 || live[0].Head.Call != id(2) {
		t.Errorf("journal holds %v, %v, want call 2 alone", live, err)
	}
	r, err := s.Call(id(1))
	if err != nil || !equalJSON(t, r, *finalOf(1).Final) {
		t.Errorf("Call(1) = %+v, %v", r, err)
	}
	_, err = s.Call(id(2))
	wantErr(t, err, ErrNotFound)
}

func TestRepeatedCommitChangesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, c := range []record.Commit{headOf(1), entries(1, 1, 2), heartbeat(1, time.Second), finalOf(1)} {
		mustCommit(t, s, c)
		before := dump(t, s)
		mustCommit(t, s, c)
		if after := dump(t, s); !bytes.Equal(before, after) {
			t.Fatalf("repeating %+v changed the file", c)
		}
	}
	for _, kind := range []string{ignoredFinal, ignoredConflict, ignoredLate} {
		if n := testutil.ToFloat64(s.metrics.ignored.WithLabelValues(kind)); n != 0 {
			t.Errorf("%s counted %v times", kind, n)
		}
	}
}

func TestWhatIsOnDiskStands(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustCommit(t, s, headOf(1), entries(1, 1, 1))
	otherHead, otherEntry, otherFinal := headOf(1), entries(1, 1, 1), finalOf(1)
	otherHead.Head.Rules.Tenant = "else"
	otherEntry.Entries[0].Reason = "else"
	otherFinal.Final.Tenant = "else"
	before := dump(t, s)
	mustCommit(t, s, otherHead, otherEntry)
	if !bytes.Equal(before, dump(t, s)) {
		t.Error("a different head or entry replaced the first")
	}
	mustCommit(t, s, finalOf(1))
	before = dump(t, s)
	mustCommit(t, s, otherFinal, entries(1, 2, 1), heartbeat(1, time.Hour), headOf(1))
	if !bytes.Equal(before, dump(t, s)) {
		t.Error("a commit after the record changed the file")
	}
	for kind, want := range map[string]float64{ignoredConflict: 2, ignoredFinal: 1, ignoredLate: 3} {
		if n := testutil.ToFloat64(s.metrics.ignored.WithLabelValues(kind)); n != want {
			t.Errorf("%s counted %v times, want %v", kind, n, want)
		}
	}
}

func TestCommitsThatCanNeverBeWrittenAreRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	badYear := finalOf(1)
	badYear.Final.Ended = time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)
	noTenant := finalOf(1)
	noTenant.Final.Tenant = ""
	otherCall := headOf(1)
	otherCall.Call = id(2)
	for name, c := range map[string]record.Commit{
		"no call": {}, "NUL": {Call: "a\x00b", Heartbeat: &call.Instant{}}, "year": badYear, "tenant": noTenant,
		"other call": otherCall, "sequence": {Call: id(1), First: -1, Entries: []call.Entry{entry(0)}},
	} {
		if err := commit(t, s, c); err == nil {
			t.Errorf("%s: was written", name)
		} else {
			wantErr(t, err, ErrInvalid)
		}
	}
	wantErr(t, commit(t, s, entries(1, 1, 1)), ErrNoJournal)
	wantErr(t, commit(t, s, heartbeat(1, 0)), ErrNoJournal)
	if n, err := s.Live(); n != 0 || err != nil {
		t.Errorf("Live() = %d, %v, want 0", n, err)
	}
}

func TestRecoverLeavesOutWhatIsBroken(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustCommit(t, s, headOf(1), headOf(2), headOf(3), entries(2, 1, 1))
	put(t, s, bucketJournal, entryKey(id(2), 1), []byte("\x01\x00\x00\x00\x00{}"))
	live, err := s.Recover()
	wantErr(t, err, ErrDamaged)
	if len(live) != 2 || live[0].Head.Call != id(1) || live[1].Head.Call != id(3) {
		t.Errorf("recovered %v, want calls 1 and 3", live)
	}
	wantErr(t, s.Check(t.Context()), ErrDamaged)
	mustCommit(t, s, finalOf(2)) // and its record can still be written
}

// put writes a raw value behind the store's back.
func put(t testing.TB, s *Store, bucket, key, value []byte) {
	t.Helper()
	if err := s.calls.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, value) }); err != nil {
		t.Fatal(err)
	}
}

// dump returns every key and value of calls.db.
func dump(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	err := s.calls.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			return bucket.ForEach(func(k, v []byte) error {
				b.Write(name)
				b.Write(k)
				b.Write(v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func equalJSON(t testing.TB, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}
