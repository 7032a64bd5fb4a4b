package store

import (
	"testing"
	"time"

	"telefonist/directory"
)

// BenchmarkImport100000People imports into a directory of its own each time, and reports the longest that an edit waited
// meanwhile beside the longest without an import.
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
		stop, done := make(chan struct{}), make(chan struct{})
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
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(worst.Milliseconds()), "worst-edit-ms")
		b.ReportMetric(float64(floor.Milliseconds()), "floor-edit-ms")
		b.StartTimer()
	}
}
