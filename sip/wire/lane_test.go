package wire

import (
	"runtime"
	"slices"
	"sync"
	"testing"
)

// TestLanesBeginInTheOrderOfTheirWork: on one processor Go would run the goroutine first that was started last.
func TestLanesBeginInTheOrderOfTheirWork(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := newLanes(func(v any, _ []byte) { t.Error(v) })
	calls := []string{"a", "b", "c", "d", "e"}
	var mu sync.Mutex // guards began
	var began []string
	for _, call := range calls {
		l.post(call, func() {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, call)
		})
	}
	l.wait()
	if !slices.Equal(began, calls) {
		t.Errorf("they began in the order %v", began)
	}
}
