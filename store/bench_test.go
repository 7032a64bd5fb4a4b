package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// BenchmarkCommit measures commits of two entries with so many callers that each wait for their last one, beside the
// floor: writing and syncing 4 KiB. A transaction of bbolt's syncs twice.
func BenchmarkCommit(b *testing.B) {
	b.Run("floor-write-fdatasync-4KiB", benchFloor)
	for _, waiters := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("waiters-%d", waiters), func(b *testing.B) { benchCommit(b, waiters) })
	}
}

func benchFloor(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(16 << 20); err != nil {
		b.Fatal(err)
	}
	page := make([]byte, 4096)
	n := 0
	for b.Loop() {
		page[0]++
		if _, err := f.WriteAt(page, int64(n%4096)*4096); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func benchCommit(b *testing.B, waiters int) {
	s, err := Open(b.TempDir(), Options{Logger: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	defer checkAndClose(b, s)
	for n := range waiters {
		mustCommit(b, s, headOf(n))
	}
	begun, spent := histogram(b, s.metrics.fsync)
	var slowest atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	given, answered := 0, make(chan int, waiters)
	seqs := make([]int, waiters)
	give := func(n int) {
		at := time.Now()
		seqs[n] += 2
		given++
		s.Commit(entries(n, seqs[n]%200, 2), func(err error) {
			if err != nil {
				b.Error(err)
			}
			slowest.Store(max(slowest.Load(), int64(time.Since(at))))
			answered <- n
		})
	}
	for n := range min(waiters, b.N) {
		give(n)
	}
	for range b.N {
		if n := <-answered; given < b.N {
			give(n)
		}
	}
	took := time.Since(start)
	b.StopTimer()
	count, sum := histogram(b, s.metrics.fsync)
	txs := float64(count - begun)
	b.ReportMetric(2*txs/float64(b.N), "fsyncs/op")
	b.ReportMetric((sum-spent)/txs*1e6, "µs/tx")
	b.ReportMetric(float64(b.N)/took.Seconds(), "commits/s")
	b.ReportMetric(float64(slowest.Load())/1e6, "slowest-ms")
}

func histogram(b *testing.B, h prometheus.Histogram) (count uint64, sum float64) {
	b.Helper()
	var m dto.Metric
	if err := h.Write(&m); err != nil {
		b.Fatal(err)
	}
	return m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()
}

// BenchmarkOpen measures opening a store of 50,000 records, which verifies all of its pages.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{Logger: quiet(), MaxPending: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	for n := range 50_000 {
		s.Commit(finalOf(n), func(err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	checkAndClose(b, s)
	info, err := os.Stat(filepath.Join(dir, callsFile))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(dir, Options{Logger: quiet()})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}
