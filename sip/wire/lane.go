package wire

import (
	"runtime/debug"
	"sync"
)

// maxBacklog is the most messages of one Call-ID that may wait. A peer that
// sends faster than they are handled loses the rest, as on a full socket.
const maxBacklog = 128

// lanes run functions one at a time, in order, for each key (a Call-ID). A lane
// has a goroutine while it has work and costs nothing otherwise. Lanes begin in the
// order in which they got work.
type lanes struct {
	mu      sync.Mutex // protects what follows; held for map and slice work only
	lanes   map[string]*lane
	starter Starter
	empty   sync.Cond // signalled when the last lane ends
	onPanic func(v any, stack []byte)
}

type lane struct{ queue []func() }

func newLanes(onPanic func(v any, stack []byte)) *lanes {
	l := &lanes{lanes: make(map[string]*lane), onPanic: onPanic}
	l.empty.L = &l.mu
	return l
}

// post queues an internal event, which is never refused.
func (l *lanes) post(key string, f func()) { l.add(key, f, false) }

// offer queues a message from the wire; it is refused when maxBacklog wait.
func (l *lanes) offer(key string, f func()) bool { return l.add(key, f, true) }

func (l *lanes) add(key string, f func(), bounded bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln, ok := l.lanes[key]
	if !ok {
		ln = &lane{}
		l.lanes[key] = ln
		l.starter.Go(func() { l.run(key, ln) })
	}
	if bounded && len(ln.queue) >= maxBacklog {
		return false
	}
	ln.queue = append(ln.queue, f)
	return true
}

func (l *lanes) run(key string, ln *lane) {
	for {
		l.mu.Lock()
		if len(ln.queue) == 0 {
			delete(l.lanes, key)
			if len(l.lanes) == 0 {
				l.empty.Broadcast()
			}
			l.mu.Unlock()
			return
		}
		f := ln.queue[0]
		ln.queue[0] = nil
		ln.queue = ln.queue[1:]
		l.mu.Unlock()
		l.call(f)
	}
}

func (l *lanes) call(f func()) {
	defer func() {
		if v := recover(); v != nil {
			l.onPanic(v, debug.Stack())
		}
	}()
	f()
}

// wait returns when no lane has work left.
func (l *lanes) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.lanes) > 0 {
		l.empty.Wait()
	}
}
