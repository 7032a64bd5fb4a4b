//go:build linux && (amd64 || arm64)

package media

import (
	"sync"
	"sync/atomic"
)

const (
	pageSize  = 256
	pagesMost = 1024 // of all pages 262,144 sockets, four times what ports allow
)

// table finds a loop's sockets by number without a lock. Numbers are used again, each time with another generation, so
// that an event from before means nothing.
type table struct {
	pages [pagesMost]atomic.Pointer[page]

	mu         sync.Mutex
	free       []uint32
	used       uint32
	generation uint32
}

type page [pageSize]atomic.Pointer[sock]

// at returns the socket with a number, nil where there is none.
func (t *table) at(index uint32) *sock {
	if index >= pageSize*pagesMost {
		return nil
	}
	p := t.pages[index/pageSize].Load()
	if p == nil {
		return nil
	}
	return p[index%pageSize].Load()
}

// put gives a socket a number and a generation.
func (t *table) put(s *sock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		s.index, t.free = t.free[n-1], t.free[:n-1]
	} else {
		s.index = t.used
		t.used++
	}
	t.generation++
	s.generation = t.generation
	p := t.pages[s.index/pageSize].Load()
	if p == nil {
		p = new(page)
		t.pages[s.index/pageSize].Store(p)
	}
	p[s.index%pageSize].Store(s)
}

// drop takes a socket out.
func (t *table) drop(s *sock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pages[s.index/pageSize].Load()[s.index%pageSize].Store(nil)
	t.free = append(t.free, s.index)
}
