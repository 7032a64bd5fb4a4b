package wire

import "sync"

// Starter starts goroutines that begin in the order in which they were started: Go's scheduler runs first what was started last, so that of
// two messages at once the later one would be handled first. The zero value is ready to use.
type Starter struct {
	mu    sync.Mutex
	ready []func() // what has not begun, the oldest first; as many goroutines are on their way
}

// Go has f run on a goroutine of its own, which begins after those of earlier calls.
func (s *Starter) Go(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = append(s.ready, f)
	go s.begin()
}

// begin runs what has waited longest, whichever goroutine this is.
func (s *Starter) begin() {
	s.mu.Lock()
	f := s.ready[0]
	s.ready[0] = nil
	s.ready = s.ready[1:]
	s.mu.Unlock()
	f()
}
