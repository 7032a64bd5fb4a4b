package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// slowDisk makes each transaction take d, and remembers when each began.
type slowDisk struct {
	d      time.Duration
	begins []time.Time
}

func (s *slowDisk) commit(tx *bbolt.Tx) error {
	s.begins = append(s.begins, time.Now())
	time.Sleep(s.d)
	return tx.Commit()
}

func TestCommitToAnIdleStoreStartsAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, Options{})
		for n := range 3 {
			start := time.Now()
			mustCommit(t, s, headOf(n))
			if took := time.Since(start); took != 0 {
				t.Errorf("commit %d waited %v", n, took)
			}
		}
	})
}

func TestCommitsDuringATransactionShareTheNext(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{d: 10 * time.Millisecond}
		s := open(t, dir, Options{commitTx: disk.commit})
		start := time.Now()
		done := make(chan error, 100)
		s.Commit(headOf(0), func(err error) { done <- err })
		time.Sleep(time.Millisecond)
		for n := 1; n <= 20; n++ {
			s.Commit(headOf(n), func(err error) { done <- err })
		}
		for range 21 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 20*time.Millisecond || len(disk.begins) != 2 {
			t.Errorf("took %v and %d transactions, want 20ms and 2", took, len(disk.begins))
		}
	})
}

// Behind a transaction that many shared, a lone commit waits for others: 5 ms and no longer.
func TestLoneCommitOfABusyStoreWaitsMaxDelay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{d: 10 * time.Millisecond}
		s := open(t, dir, Options{commitTx: disk.commit})
		done := make(chan error, 100)
		for n := range 21 {
			s.Commit(headOf(n), func(err error) { done <- err })
			synctest.Wait() // the first is alone in its transaction
		}
		for range 21 {
			<-done
		}
		time.Sleep(time.Millisecond)
		start := time.Now()
		mustCommit(t, s, headOf(50))
		if waited := disk.begins[2].Sub(start); waited != 5*time.Millisecond {
			t.Errorf("waited %v, want 5ms", waited)
		}
		time.Sleep(5 * time.Millisecond) // idle again
		start = time.Now()
		mustCommit(t, s, headOf(51))
		if waited := disk.begins[3].Sub(start); waited != 0 {
			t.Errorf("waited %v on an idle store", waited)
		}
	})
}

func TestGroupingNeverAddsMoreThanMaxDelay(t *testing.T) {
	dir, seed := t.TempDir(), rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		disk := &slowDisk{d: 2 * time.Millisecond}
		s := open(t, dir, Options{commitTx: disk.commit})
		start, n := time.Now(), 300
		done := make(chan error, n)
		for i := range n {
			given := time.Now()
			s.Commit(headOf(i), func(err error) {
				// At most the rest of a running transaction, the delay and its own transaction.
				if took := time.Since(given); err == nil && took > 2*disk.d+5*time.Millisecond {
					err = fmt.Errorf("commit %d took %v", i, took)
				}
				done <- err
			})
			time.Sleep(time.Duration(rnd.IntN(1500)) * time.Microsecond)
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		t.Logf("%d commits in %d transactions and %v", n, len(disk.begins), time.Since(start))
		if len(disk.begins) > n/2 {
			t.Errorf("%d transactions for %d commits: they were not shared", len(disk.begins), n)
		}
	})
}

func TestDoneIsCalledInOrder(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var order []int
	done := make(chan error, 500)
	for n := range 500 {
		s.Commit(headOf(n), func(err error) { order = append(order, n); done <- err })
	}
	for range 500 {
		if err := await(t, done); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range order {
		if i != n {
			t.Fatalf("done %d was called as number %d", n, i)
		}
	}
}

func TestBusyStoreRefusesNewCallsFirst(t *testing.T) {
	hold := make(chan struct{})
	s := open(t, t.TempDir(), Options{MaxPending: 4, commitTx: func(tx *bbolt.Tx) error { <-hold; return tx.Commit() }})
	results := make(chan error) // not buffered: a done that is called inline would never return
	done := func(err error) { results <- err }
	for n := range 4 {
		s.Commit(headOf(n), done)
	}
	s.Commit(headOf(4), done)
	for range 3 {
		s.Commit(entries(0, 1, 1), done)
	}
	s.Commit(entries(0, 2, 1), done)
	for range 2 {
		wantErr(t, await(t, results), ErrBusy)
	}
	close(hold)
	for range 7 {
		if err := await(t, results); err != nil {
			t.Error(err)
		}
	}
	if n := testutil.ToFloat64(s.metrics.errors.WithLabelValues(errBusy)); n != 2 {
		t.Errorf("counted %v refusals, want 2", n)
	}
}

func TestSlowCommitRaisesTheAlarm(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		disk := &slowDisk{d: 500 * time.Millisecond}
		s := open(t, dir, Options{commitTx: disk.commit, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		mustCommit(t, s, headOf(1))
		if n := testutil.ToFloat64(s.metrics.slow); n != 0 {
			t.Errorf("500 ms counted as slow")
		}
		disk.d += time.Nanosecond
		mustCommit(t, s, headOf(2))
		synctest.Wait() // the alarm logs on a goroutine of its own
		if n := testutil.ToFloat64(s.metrics.slow); n != 1 || !strings.Contains(log.String(), "commits are slow") {
			t.Errorf("slow counted %v times; log %q", n, log.String())
		}
	})
}

func TestHangingDiskShowsInTheOldestPending(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{d: time.Minute}
		s := open(t, dir, Options{commitTx: disk.commit})
		done := make(chan error, 1)
		s.Commit(headOf(1), func(err error) { done <- err })
		time.Sleep(30 * time.Second)
		if age, n := s.writer.oldestPending(), s.writer.pendingCount(); age != 30 || n != 1 {
			t.Errorf("%v commits pending for %v s, want 1 for 30 s", n, age)
		}
		<-done
		synctest.Wait()
		if age, n := s.writer.oldestPending(), s.writer.pendingCount(); age != 0 || n != 0 {
			t.Errorf("%v commits pending for %v s, want none", n, age)
		}
	})
}

func TestCloseWritesWhatWasGiven(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	told := 0
	for n := range 100 {
		s.Commit(finalOf(n), func(err error) {
			if err == nil {
				told++
			}
		})
	}
	if err := s.Close(); err != nil || told != 100 {
		t.Fatalf("closed with %d of 100 told: %v", told, err)
	}
	wantErr(t, commit(t, s, headOf(1)), ErrClosed)
	if n := len(all(t, open(t, dir, Options{}), Filter{})); n != 100 {
		t.Errorf("%d records on disk, want 100", n)
	}
}

func TestReadOnlyStoreTakesNoCommit(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, Options{})
	mustCommit(t, w, finalOf(1))
	_, err := OpenReadOnly(dir, Options{LockTimeout: 60 * time.Millisecond})
	wantErr(t, err, ErrLocked)
	checkAndClose(t, w)
	s, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, s)
	wantErr(t, commit(t, s, record.Commit{}), ErrReadOnly)
	wantErr(t, s.PutProvisioned(Provisioned{Key: "a"}), ErrReadOnly)
	if _, err := s.Call(id(1)); err != nil {
		t.Error(err)
	}
	_, err = Open(dir, Options{LockTimeout: 60 * time.Millisecond, Logger: quiet()})
	wantErr(t, err, ErrLocked)
}

// One commit that cannot be written fails alone, and with it what follows of the same call.
func TestNeighboursOfAFailingCommitAreWritten(t *testing.T) {
	hold, given := make(chan struct{}), false
	boom := errors.New("boom")
	s := open(t, t.TempDir(), Options{commitTx: func(tx *bbolt.Tx) error {
		if !given {
			<-hold
			given = true
		}
		if tx.Bucket(bucketJournal).Get(entryKey(id(2), 1)) != nil {
			return boom
		}
		return tx.Commit()
	}})
	var errs [6]error
	done := make(chan error, 6)
	for i, c := range []record.Commit{headOf(9), headOf(1), headOf(2), entries(2, 1, 1), entries(2, 2, 1), entries(1, 1, 1)} {
		s.Commit(c, func(err error) { errs[i] = err; done <- nil })
	}
	close(hold)
	for range errs {
		await(t, done)
	}
	for i, want := range [6]error{nil, nil, nil, boom, boom, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("commit %d: got %v, want %v", i, errs[i], want)
		}
	}
	live, err := s.Recover()
	if err != nil || len(live) != 3 || len(live[0].Story) != 2 || len(live[1].Story) != 1 {
		t.Errorf("journal: %+v, %v", live, err)
	}
	if n := testutil.ToFloat64(s.metrics.errors.WithLabelValues(errWrite)); n != 2 {
		t.Errorf("counted %v failures, want 2", n)
	}
}

// Nobody waits for a sign of life: many share a transaction, and what somebody waits for takes them along at once.
func TestSignsOfLifeWaitForEachOtherAndHoldUpNobody(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &slowDisk{d: 2 * time.Millisecond}
		s := open(t, dir, Options{commitTx: disk.commit})
		for n := range 3 {
			mustCommit(t, s, headOf(n))
		}
		time.Sleep(10 * time.Millisecond) // idle
		done := make(chan error, 3)
		beat := func(n int) {
			c := headOf(n)
			at := call.Instant{Wall: c.Head.Received.Add(time.Minute), Since: time.Minute}
			s.Commit(record.Commit{Call: c.Call, Heartbeat: &at}, func(err error) { done <- err })
		}
		heard := func(n int) {
			for range n {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}
		before, start := len(disk.begins), time.Now()
		beat(0)
		time.Sleep(20 * time.Millisecond)
		beat(1)
		heard(2)
		if took := time.Since(start); took != signOfLifeWaits+disk.d || len(disk.begins) != before+1 {
			t.Errorf("took %v and %d transactions", took, len(disk.begins)-before)
		}
		time.Sleep(10 * time.Millisecond)
		start = time.Now()
		beat(2)
		mustCommit(t, s, headOf(3))
		if took := time.Since(start); took != disk.d {
			t.Errorf("a new call waited %v", took)
		}
		heard(1)
	})
}
