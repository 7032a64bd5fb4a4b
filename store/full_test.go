package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

var errDisk = errors.New("disk fault")

// Each transaction in turn fails, before anything is written or with all of it written but the last sync. Whoever tries
// again ends with the same store.
func TestNthTransactionFailsInTurn(t *testing.T) {
	t.Parallel()
	history := []record.Commit{headOf(1), entries(1, 1, 2), headOf(2), heartbeat(1, 5e9), finalOf(1), entries(2, 1, 1), finalOf(2), headOf(3)}
	var want []byte
	for _, applied := range []bool{false, true} {
		for nth := range len(history) + 1 { // the last round fails nowhere
			count := 0
			s := open(t, t.TempDir(), Options{commitTx: func(tx *bbolt.Tx) error {
				count++
				if count != nth+1 {
					return tx.Commit()
				}
				if applied {
					if err := tx.Commit(); err != nil {
						return err
					}
				}
				return errDisk
			}})
			failures := 0
			for _, c := range history {
				before := dump(t, s)
				err := commit(t, s, c)
				if err != nil {
					failures++
					wantErr(t, err, errDisk)
					if !applied && string(before) != string(dump(t, s)) {
						t.Fatalf("transaction %d failed and wrote", nth)
					}
					err = commit(t, s, c)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if expect := min(1, len(history)-nth); failures != expect {
				t.Errorf("transaction %d: %d commits failed, want %d", nth, failures, expect)
			}
			if want == nil {
				want = dump(t, s)
			} else if string(want) != string(dump(t, s)) {
				t.Errorf("transaction %d, applied %v: the store differs", nth, applied)
			}
		}
	}
}

// A panic within bbolt may have left its memory wrong: nothing is written from then on, and nobody is left waiting.
func TestPanicInTransactionEndsAllWriting(t *testing.T) {
	count := 0
	s := open(t, t.TempDir(), Options{commitTx: func(tx *bbolt.Tx) error {
		if count++; count == 2 {
			panic("invalid page type")
		}
		return tx.Commit()
	}})
	mustCommit(t, s, headOf(1))
	wantErr(t, commit(t, s, headOf(2)), ErrDamaged)
	wantErr(t, commit(t, s, headOf(3)), ErrDamaged)
	if n, err := s.Live(); n != 1 || err != nil {
		t.Errorf("Live() = %d, %v, want 1", n, err)
	}
}

// A file that may grow no further refuses commits, keeps what it has, and goes on once there is room.
func TestFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=full", childDir+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// runFullChild runs in a process of its own, since a limit on file sizes holds for all of it.
func runFullChild() {
	signal.Ignore(syscall.SIGXFSZ) // so that the write fails with EFBIG instead
	if err := fillDisk(os.Getenv(childDir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// unlimited is a limit that no file of the test reaches.
const unlimited = 1 << 40

// fillDisk writes with no room for the file to grow, and then under a limit within the grown file that is lifted page by
// page, so that each page in turn is the first of its transaction that cannot be written.
func fillDisk(dir string) error {
	s, err := Open(dir, Options{Logger: quiet()})
	if err != nil {
		return err
	}
	written, refused, err := fillUpTo(s, 8*4096, 0)
	if err != nil {
		return err
	}
	if refused == 0 {
		return errors.New("the file grew beyond its limit")
	}
	if err := limitFiles(unlimited); err != nil {
		return err
	}
	for ; written < 20; written++ { // bbolt grows the file by 16 MiB at once
		if failed, err := commitBatch(s, written, 1); err != nil || failed > 0 {
			return fmt.Errorf("with room again: %d failed: %w", failed, err)
		}
	}
	for range 12 {
		var used int64
		if err := s.calls.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
			return err
		}
		n, failed, err := fillUpTo(s, uint64(used), written)
		if err == nil && failed == 0 {
			err = errors.New("nothing failed")
		}
		if err != nil {
			return fmt.Errorf("with %d bytes: %w", used, err)
		}
		written, refused = n, refused+failed
		if written, failed, err = fillUpTo(s, uint64(used)+4096, written); err != nil {
			return fmt.Errorf("with a page more than %d bytes: %w", used, err)
		}
		refused += failed
	}
	n, err := s.Count(context.Background(), Filter{})
	fmt.Printf("%d records, %d refusals", n, refused)
	if err == nil && n != written {
		err = fmt.Errorf("%d records, want %d", n, written)
	}
	return errors.Join(err, limitFiles(unlimited), s.Check(context.Background()), s.Close())
}

// fillUpTo commits until three batches were refused, each of which is given again until it is written or the three are
// full, and checks the store. It returns the number of the next call.
func fillUpTo(s *Store, limit uint64, next int) (int, int, error) {
	if err := limitFiles(limit); err != nil {
		return next, 0, err
	}
	refused := 0
	for tries := 0; tries < 3; {
		failed, err := commitBatch(s, next, 1+next%4)
		if err != nil {
			return next, refused, err
		}
		if failed > 0 {
			tries++
			refused += failed
			continue
		}
		next += 1 + next%4
	}
	// Those of the last batch that were written count too; give the others again once there is room.
	if err := limitFiles(unlimited); err != nil {
		return next, refused, err
	}
	if err := s.Check(context.Background()); err != nil {
		return next, refused, err
	}
	failed, err := commitBatch(s, next, 1+next%4)
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d commits failed with room again", failed))
	}
	return next + 1 + next%4, refused, err
}

// commitBatch gives the records of calls first to first+n-1 at once; those that are on disk already change nothing.
func commitBatch(s *Store, first, n int) (failed int, err error) {
	done := make(chan error, n)
	for i := range n {
		s.Commit(finalOf(first+i), func(err error) { done <- err })
	}
	for range n {
		if e := <-done; e != nil {
			failed++
			// bbolt does not wrap the cause where growing the file failed.
			if !errors.Is(e, syscall.EFBIG) && !strings.Contains(e.Error(), "file resize error") {
				err = e
			}
		}
	}
	return failed, err
}

func limitFiles(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
