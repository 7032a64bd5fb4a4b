package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// events reads the whole stream and makes sure that its numbers have no holes.
func events(t testing.TB, s *Store) []record.StreamEvent {
	t.Helper()
	var list []record.StreamEvent
	for after, last := uint64(0), s.stream.end(); after < last; {
		page, next, err := s.Events(record.EventFilter{After: after, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		list, after = append(list, page...), next
	}
	for i := range list {
		if want := list[0].Seq + uint64(i); list[i].Seq != want {
			t.Fatalf("event %d has number %d, want %d", i, list[i].Seq, want)
		}
	}
	return list
}

func told(list []record.StreamEvent) (text string) {
	for _, e := range list {
		text += fmt.Sprintf("%d %s %s %s %s %d\n", e.Seq, e.About, e.Kind, e.Call, e.Tenant, e.Code)
	}
	return text
}

func agentEvent(n int) record.StreamEvent {
	return record.StreamEvent{At: received.Add(time.Duration(n) * time.Second), About: record.AboutAgent, Kind: record.AgentAvailable, Agent: "anna"}
}

func TestEventsAreNumberedInTheOrderOfTheCommitsWithoutHoles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	end := finalOf(1)
	end.Final.Story = append(end.Final.Story, entry(3), entry(4)) // 0 to 2 are in the journal
	mustCommit(t, s, headOf(1), entries(1, 1, 2), record.Commit{Stream: []record.StreamEvent{agentEvent(1)}}, headOf(2), end,
		record.Commit{Call: id(1), Messages: []record.Message{messageOf(7)}})
	want := `1 call queued 01CALL00000001 tenant1 0
2 call queued 01CALL00000001 tenant1 1
3 call queued 01CALL00000001 tenant1 2
4 agent available   0
5 call queued 01CALL00000002 tenant2 0
6 call queued 01CALL00000001 tenant1 3
7 call queued 01CALL00000001 tenant1 4
`
	got := told(events(t, s))
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "8 message messaged") {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// Given again, nothing is numbered.
	mustCommit(t, s, headOf(1), entries(1, 1, 2), end, headOf(2), record.Commit{Call: id(1), Messages: []record.Message{messageOf(7)}})
	if again := told(events(t, s)); again != got {
		t.Errorf("after the same commits the stream is\n%s", again)
	}
	checkAndClose(t, s)
	s = open(t, dir, Options{})
	mustCommit(t, s, entries(2, 1, 1)) // whose it is stands in the journal only
	list := events(t, s)
	if e := list[len(list)-1]; e.Seq != 9 || e.Tenant != "tenant2" {
		t.Errorf("after a restart came %+v", e)
	}
}

func TestACrashedCallsEndIsNumberedWithItsRecord(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustCommit(t, s, headOf(1), entries(1, 1, 2))
	open, err := s.Recover()
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	rec := record.Interrupted(open[0])
	mustCommit(t, s, record.Commit{Call: rec.Call, Final: &rec})
	list := events(t, s)
	if e := list[len(list)-1]; len(list) != 4 || e.Kind != string(call.KindEnded) || e.Reason != "interrupted/crash" {
		t.Errorf("got\n%s", told(list))
	}
}

// TestEventsAreNumberedOnceThoughCommitsFail lets transactions fail, of which some are on disk all the same, and gives every
// commit again until it is written.
func TestEventsAreNumberedOnceThoughCommitsFail(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	boom := errors.New("boom")
	var shown atomic.Uint64 // the highest number seen while a transaction fails
	var s *Store
	s = open(t, t.TempDir(), Options{MaxDelay: -1, commitTx: func(tx *bbolt.Tx) error {
		switch r.IntN(3) {
		case 0:
			return boom // written nothing
		case 1:
			before, _ := s.StreamEnd()
			if err := tx.Commit(); err != nil {
				return err
			}
			if end, _ := s.StreamEnd(); end != before {
				shown.Store(end)
			}
			return boom // on disk, but who knows
		}
		return tx.Commit()
	}})
	want := 0
	for n := range 60 {
		c := headOf(n)
		c.Stream = []record.StreamEvent{agentEvent(n)}
		if n%3 == 0 {
			c = record.Commit{Stream: []record.StreamEvent{agentEvent(n)}}
			want--
		}
		want += 2
		for commit(t, s, c) != nil {
		}
	}
	mustOnce := map[string]int{}
	list := events(t, s)
	for _, e := range list {
		e.Seq = 0
		doc, _ := json.Marshal(e)
		if mustOnce[string(doc)]++; mustOnce[string(doc)] > 1 {
			t.Errorf("numbered twice: %s", doc)
		}
	}
	if len(list) != want || shown.Load() != 0 {
		t.Errorf("%d events, want %d; %d was shown before it was durable", len(list), want, shown.Load())
	}
}

func TestAnEventIsShownOnlyOnceItIsDurable(t *testing.T) {
	fail := atomic.Bool{}
	s := open(t, t.TempDir(), Options{commitTx: func(tx *bbolt.Tx) error {
		err := tx.Commit()
		if fail.Load() {
			return errors.New("fdatasync: no")
		}
		return err
	}})
	mustCommit(t, s, headOf(1))
	fail.Store(true)
	if commit(t, s, entries(1, 1, 2)) == nil {
		t.Fatal("the commit did not fail")
	}
	if list := events(t, s); len(list) != 1 {
		t.Errorf("shown though not durable:\n%s", told(list))
	}
	fail.Store(false)
	_, more := s.StreamEnd()
	mustCommit(t, s, entries(1, 1, 3))
	select {
	case <-more:
	default:
		t.Error("who waits for more was not told before the commit was done")
	}
	if list := events(t, s); len(list) != 4 {
		t.Errorf("got\n%s", told(list))
	}
}

func TestEventsOfATenantAreReadAlone(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for n := range 30 {
		mustCommit(t, s, headOf(n))
	}
	page, next, err := s.Events(record.EventFilter{Tenant: "tenant1", Limit: 4})
	if err != nil || len(page) != 4 || next != page[3].Seq {
		t.Fatal(page, next, err)
	}
	page, next, err = s.Events(record.EventFilter{Tenant: "tenant1", After: next})
	if err != nil || len(page) != 6 || next != 30 {
		t.Fatal(page, next, err)
	}
	for _, e := range page {
		if e.Tenant != "tenant1" {
			t.Errorf("got %+v", e)
		}
	}
	// One whose id is another's with more behind it sees nothing of it.
	if page, next, err = s.Events(record.EventFilter{Tenant: "tenant"}); err != nil || len(page) != 0 || next != 30 {
		t.Error(page, next, err)
	}
}

func TestPrunedEventsAreToldOf(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for n := range 1200 {
		s.Commit(record.Commit{Stream: []record.StreamEvent{agentEvent(n)}}, nil)
	}
	mustCommit(t, s, record.Commit{Stream: []record.StreamEvent{agentEvent(1200)}})
	if n, err := s.PruneEvents(context.Background(), received.Add(1100*time.Second)); n != 1100 || err != nil {
		t.Fatal(n, err)
	}
	list := events(t, s)
	if len(list) != 101 || list[0].Seq != 1101 {
		t.Errorf("%d are left from %d on", len(list), list[0].Seq)
	}
	_, next, err := s.Events(record.EventFilter{After: 1099})
	if wantErr(t, err, record.ErrPruned); next != 1100 {
		t.Errorf("is told to go on after %d", next)
	}
	_, _, err = s.Events(record.EventFilter{After: 1202})
	wantErr(t, err, record.ErrAhead)
	if page, next, err := s.Events(record.EventFilter{After: 1201}); len(page) != 0 || next != 1201 || err != nil {
		t.Error(page, next, err)
	}
	if n, err := s.PruneEvents(context.Background(), time.Now()); n != 101 || err != nil {
		t.Fatal(n, err)
	}
	_, next, err = s.Events(record.EventFilter{After: 5})
	if wantErr(t, err, record.ErrPruned); next != 1201 {
		t.Errorf("is told to go on after %d", next)
	}
	mustCommit(t, s, headOf(1))
	if list := events(t, s); len(list) != 1 || list[0].Seq != 1202 {
		t.Errorf("got\n%s", told(list))
	}
}

func TestTheStreamHoldsNoNumbersAndNoNames(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	c := headOf(1)
	c.Head.Caller = call.Party{Number: "+46701234567", Name: "Karin Svensson"}
	c.Entries = []call.Entry{
		{Wall: received, Kind: call.KindTransfer, Agent: "anna", Number: "+46709876543", Reason: "0709876543"},
		{Wall: received, Kind: call.KindReached, Agent: "anna", Number: "205", Reason: "karin"},
		{Wall: received, Kind: call.KindMissed, Agent: "anna", Reason: "Karin says no", Dialog: &call.Dialog{CallID: "0709876543@pbx"}},
	}
	mustCommit(t, s, c, record.Commit{Call: id(1), Messages: []record.Message{messageOf(1)}})
	bucket := dumpBucket(t, s, bucketEvents)
	for _, secret := range []string{"467", "0709", "205", "arin", "Svensson", "@"} {
		if bytes.Contains(bucket, []byte(secret)) {
			t.Errorf("%q stands in the stream:\n%q", secret, bucket)
		}
	}
	for _, e := range []record.StreamEvent{
		{At: received, About: record.AboutNote, Kind: record.NoteSent, Reason: "Ring Karin"},
		{At: received, About: record.AboutAgent, Kind: record.AgentPaused, Agent: "anna", Reason: "0709876543"},
		{About: record.AboutAlarm, Kind: record.AlarmNoAgent}, {At: received, About: "what", Kind: "x"},
	} {
		wantErr(t, commit(t, s, record.Commit{Stream: []record.StreamEvent{e}}), ErrInvalid)
	}
}

func dumpBucket(t testing.TB, s *Store, name []byte) (all []byte) {
	t.Helper()
	err := s.view(s.calls, "dump", func(tx *bbolt.Tx) error {
		return tx.Bucket(name).ForEach(func(_, v []byte) error { all = append(all, v[sealSize:]...); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAStoreOfBeforeTheStreamIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, callsFile)
	s := open(t, dir, Options{callsList: callsSchema[:2]})
	put(t, s, bucketJournal, headKey(id(2)), mustSeal(t, headKey(id(2)), headOf(2).Head))
	put(t, s, bucketJournal, entryKey(id(2), 0), mustSeal(t, entryKey(id(2), 0), entry(0)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	mustCommit(t, s, entries(2, 1, 1))
	if got := told(events(t, s)); got != "1 call queued 01CALL00000002 tenant2 1\n" {
		t.Errorf("%s: got %s", path, got)
	}
}

func mustSeal(t testing.TB, key []byte, v any) []byte {
	t.Helper()
	p, err := encode(key, v)
	if err != nil {
		t.Fatal(err)
	}
	return p.value
}

func TestDamageToTheStreamIsFound(t *testing.T) {
	for name, harm := range map[string]func(b *bbolt.Bucket) error{
		"hole":      func(b *bbolt.Bucket) error { return b.Delete(seqKey(2)) },
		"numbers":   func(b *bbolt.Bucket) error { return b.SetSequence(2) },
		"value":     func(b *bbolt.Bucket) error { return b.Put(seqKey(3), []byte("broken")) },
		"last lost": func(b *bbolt.Bucket) error { return b.Delete(seqKey(5)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			mustCommit(t, s, headOf(1), entries(1, 1, 4))
			if err := s.calls.Update(func(tx *bbolt.Tx) error { return harm(tx.Bucket(bucketEvents)) }); err != nil {
				t.Fatal(err)
			}
			found := s.Check(context.Background())
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(dir, Options{Logger: quiet()})
			if err == nil {
				again.Close()
			}
			if !errors.Is(errors.Join(found, err), ErrDamaged) {
				t.Error("nobody noticed")
			}
		})
	}
}
