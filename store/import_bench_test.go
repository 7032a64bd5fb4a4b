package store

import (
	"slices"
	"sync"
	"testing"
	"time"

	"telefonist/directory"
)

// BenchmarkImport100000People imports into a directory of its own each time, and reports the longest that an edit waited
// meanwhile beside the longest without an import, and how long commits of calls took: 200 a second, which is what some 300 live
// calls make, before the import and during it.
func BenchmarkImport100000People(b *testing.B) {
	all := many(100_000)
	for b.Loop() {
		b.StopTimer()
		s := open(b, b.TempDir(), Options{})
		one := func() time.Duration {
			start := time.Now()
			mustEdit(b, s, "acme", edit(directory.KindNotice, "n", []byte(`{}`), directory.AnyVersion))
			return time.Since(start)
		}
		var floor, worst time.Duration
		for range 100 {
			floor = max(floor, one())
		}
		calm := commits(b, s, 0, after(2*time.Second))
		stop, done := make(chan struct{}), make(chan struct{})
		var busy []time.Duration
		var committing sync.WaitGroup
		committing.Go(func() { busy = commits(b, s, len(calm), stop) })
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					worst = max(worst, one())
				}
			}
		}()
		b.StartTimer()
		_, err := s.ImportPeople(b.Context(), "acme", directory.PeopleImport{Upserts: all, By: tester, At: received})
		b.StopTimer()
		close(stop)
		<-done
		committing.Wait()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(worst.Milliseconds()), "worst-edit-ms")
		b.ReportMetric(float64(floor.Milliseconds()), "floor-edit-ms")
		for name, all := range map[string][]time.Duration{"calm": calm, "import": busy} {
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-commit-ms-"+name)
			b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "worst-commit-ms-"+name)
		}
		b.StartTimer()
	}
}

func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// commits begins a call every 5 ms from the n-th on, until stop, and gives how long each took to be on disk.
func commits(b *testing.B, s *Store, n int, stop <-chan struct{}) (took []time.Duration) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var mu sync.Mutex
	var all sync.WaitGroup
	for ; ; n++ {
		select {
		case <-stop:
			all.Wait()
			return took
		case <-tick.C:
		}
		start := time.Now()
		all.Add(1)
		s.Commit(headOf(n), func(err error) {
			defer all.Done()
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(start))
		})
	}
}
