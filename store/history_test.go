package store

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// model is what a store should hold, as simply as it can be said.
type model struct {
	live    map[call.ID]*record.Open
	seqs    map[call.ID]map[int]bool
	records map[call.ID]record.Record
}

func (m *model) apply(c record.Commit) {
	if _, ended := m.records[c.Call]; ended {
		return
	}
	if c.Final != nil {
		m.records[c.Call] = *c.Final
		delete(m.live, c.Call)
		return
	}
	o := m.live[c.Call]
	if o == nil {
		if c.Head == nil {
			return
		}
		o = &record.Open{Head: *c.Head}
		m.live[c.Call], m.seqs[c.Call] = o, map[int]bool{}
	}
	for i := range c.Entries {
		m.seqs[c.Call][c.First+i] = true
	}
	if c.Heartbeat != nil {
		o.Heartbeat = *c.Heartbeat
	}
}

// Random histories of many calls at once, with repeated and late commits, transactions that fail before or after they
// were written, and restarts, end as the model says.
func TestRandomHistoriesMatchTheModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := range 8 {
		history(t, rand.New(rand.NewPCG(seed, uint64(run))))
		if t.Failed() {
			t.Fatalf("in run %d of seed %d", run, seed)
		}
	}
}

func history(t *testing.T, rnd *rand.Rand) {
	faults := rand.New(rand.NewPCG(rnd.Uint64(), 0)) // the writer's goroutine has its own
	o := Options{pageBatch: 7, commitTx: func(tx *bbolt.Tx) error {
		switch faults.IntN(20) {
		case 0:
			return errDisk
		case 1:
			if err := tx.Commit(); err != nil {
				return err
			}
			return errDisk
		}
		return tx.Commit()
	}}
	dir := t.TempDir()
	s := open(t, dir, o)
	m := &model{map[call.ID]*record.Open{}, map[call.ID]map[int]bool{}, map[call.ID]record.Record{}}
	for range 40 {
		batch := make([]record.Commit, 1+rnd.IntN(12))
		for i := range batch {
			batch[i] = randomCommit(rnd, m)
			m.apply(batch[i])
		}
		giveUntilWritten(t, s, batch)
		if rnd.IntN(10) == 0 {
			checkAndClose(t, s)
			s = open(t, dir, o)
		}
	}
	compare(t, s, m)
	checkAndClose(t, s)
}

// randomCommit never gives entries of a call that has no head: what becomes of them is told elsewhere, and would depend on
// which transactions fail.
func randomCommit(rnd *rand.Rand, m *model) record.Commit {
	n := rnd.IntN(40)
	if _, ended := m.records[id(n)]; !ended && m.live[id(n)] == nil {
		return headOf(n)
	}
	switch rnd.IntN(6) {
	case 0, 1:
		return headOf(n)
	case 2, 3:
		return entries(n, 1+rnd.IntN(5), 1+rnd.IntN(3))
	case 4:
		return heartbeat(n, time.Duration(rnd.IntN(1000))*time.Second)
	}
	return finalOf(n)
}

// giveUntilWritten gives the commits all at once, and each that failed on its own again, in order. Since what follows a
// failed commit of the same call fails with it, the order within each call is kept.
func giveUntilWritten(t *testing.T, s *Store, batch []record.Commit) {
	t.Helper()
	for round := 0; len(batch) > 0; round++ {
		if round > 50 {
			t.Fatal("commits fail for ever")
		}
		errs := make([]error, len(batch))
		done := make(chan error, len(batch))
		blocked := map[call.ID]bool{}
		var next []record.Commit
		if round == 0 {
			for i, c := range batch {
				s.Commit(c, func(err error) { errs[i] = err; done <- nil })
			}
			for range batch {
				await(t, done)
			}
		}
		for i, c := range batch {
			if round > 0 && !blocked[c.Call] {
				errs[i] = commit(t, s, c)
			}
			if failed := isFault(t, errs[i]); failed || blocked[c.Call] {
				blocked[c.Call] = true
				next = append(next, c)
			}
		}
		batch = next
	}
}

func isFault(t *testing.T, err error) bool {
	t.Helper()
	if err == nil || errors.Is(err, ErrNoJournal) {
		return false
	}
	wantErr(t, err, errDisk)
	return true
}

func compare(t *testing.T, s *Store, m *model) {
	t.Helper()
	live, err := s.Recover()
	if err != nil || len(live) != len(m.live) {
		t.Errorf("%d live calls, %v, want %d", len(live), err, len(m.live))
	}
	for _, o := range live {
		want := m.live[o.Head.Call]
		if want == nil || !equalJSON(t, o.Head, want.Head) || !equalJSON(t, o.Heartbeat, want.Heartbeat) {
			t.Errorf("call %s: %+v, want %+v", o.Head.Call, o, want)
			continue
		}
		var story []call.Entry
		for seq := range 10 {
			if seq == 0 || m.seqs[o.Head.Call][seq] {
				story = append(story, entry(seq))
			}
		}
		if !equalJSON(t, o.Story, story) {
			t.Errorf("call %s: story %+v, want %+v", o.Head.Call, o.Story, story)
		}
	}
	n := 0
	err = s.Calls(t.Context(), Filter{}, func(r record.Record) error {
		n++
		if want, ok := m.records[r.Call]; !ok || !equalJSON(t, r, want) {
			t.Errorf("record %+v, want %+v", r, want)
		}
		return nil
	})
	if err != nil || n != len(m.records) {
		t.Errorf("%d records, %v, want %d", n, err, len(m.records))
	}
}
