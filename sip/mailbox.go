package sip

import (
	"sync"
	"time"

	"telefonist/sip/wire"
)

// maxBacklog is how many messages from the wire may wait for one leg. Commands and timers are not counted: their number
// is bounded by what causes them.
const maxBacklog = 64

// mailbox runs functions one at a time, in the order they were given. It has a goroutine while it has work. Mailboxes begin in
// the order in which they got work.
type mailbox struct {
	tasks *tasks
	guard func(recovered any)

	mu      sync.Mutex // protects what follows; held for slice work only
	queue   []func()
	offered int
	running bool
}

// post queues a command or a timer.
func (m *mailbox) post(f func()) { m.add(f, false) }

// offer queues a message from the wire; false means that too many wait.
func (m *mailbox) offer(f func()) bool { return m.add(f, true) }

func (m *mailbox) add(f func(), bounded bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bounded {
		if m.offered >= maxBacklog {
			return false
		}
		m.offered++
		task := f
		f = func() {
			m.mu.Lock()
			m.offered--
			m.mu.Unlock()
			task()
		}
	}
	if !m.running {
		if !m.tasks.enter() {
			return false
		}
		m.running = true
		m.tasks.starter.Go(m.run)
	}
	m.queue = append(m.queue, f)
	return true
}

func (m *mailbox) run() {
	defer m.tasks.leave()
	for {
		m.mu.Lock()
		batch := m.queue
		m.queue = nil
		if len(batch) == 0 {
			m.running = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		for _, f := range batch {
			m.call(f)
		}
	}
}

func (m *mailbox) call(f func()) {
	defer func() {
		if v := recover(); v != nil {
			m.guard(v)
		}
	}()
	f()
}

// tasks counts goroutines, so that Close can wait for them.
type tasks struct {
	starter wire.Starter

	mu     sync.Mutex // protects what follows
	closed bool
	n      int
	idle   chan struct{} // closed when closed and n is 0
}

func newTasks() *tasks { return &tasks{idle: make(chan struct{})} }

// enter counts a goroutine about to start; false means that it must not.
func (t *tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.n++
	return true
}

func (t *tasks) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.closed {
		close(t.idle)
	}
}

// close lets no more goroutines start and returns when the last has ended.
func (t *tasks) close() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		if t.n == 0 {
			close(t.idle)
		}
	}
	t.mu.Unlock()
	<-t.idle
}

// timer runs a function in a mailbox after a time. It is used on that mailbox's goroutine only. A timer that was stopped
// or set anew never fires for what it was set for before.
type timer struct {
	box   *mailbox
	t     *time.Timer
	stale func()
}

// set arms the timer, in place of an earlier setting.
func (t *timer) set(d time.Duration, f func()) {
	t.stop()
	live := true
	t.stale = func() { live = false }
	t.t = time.AfterFunc(d, func() {
		t.box.post(func() {
			if live {
				live = false
				f()
			}
		})
	})
}

// stop disarms the timer.
func (t *timer) stop() {
	if t.t != nil {
		t.t.Stop()
		t.stale()
		t.t = nil
	}
}
