package sip

import (
	"runtime"
	"slices"
	"sync"
	"testing"
)

// TestMailboxesBeginInTheOrderOfTheirWork: on one processor Go would run the goroutine first that was started last.
func TestMailboxesBeginInTheOrderOfTheirWork(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	all := newTasks()
	legs := []string{"a", "b", "c", "d", "e"}
	var mu sync.Mutex // guards began
	var began []string
	for _, leg := range legs {
		m := &mailbox{tasks: all, guard: func(v any) { t.Error(v) }}
		m.post(func() {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, leg)
		})
	}
	all.close()
	if !slices.Equal(began, legs) {
		t.Errorf("they began in the order %v", began)
	}
}
