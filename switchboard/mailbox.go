package switchboard

import (
	"sync"
	"time"

	"telefonist/call"
)

// Mailbox sizes. Events that end calls or carry durability are never refused: each leg and commit posts a bounded
// number of them, so the live calls bound them.
const (
	roomForCalls = 8192  // beyond it, new calls are refused
	roomForNoise = 65536 // beyond it, events that a call can do without are dropped
)

// mail is one message to the loop: an event of a leg, or a request to be run on the loop.
type mail struct {
	posted time.Time // when it was posted, for the lag
	at     time.Time // when it happened
	leg    call.LegID
	event  call.Event
	run    func()
	looks  bool // run changes nothing
}

// mailbox is a queue whose senders never wait.
type mailbox struct {
	mu     sync.Mutex // guards the fields below; held for a few instructions only
	mail   []mail
	closed bool

	wake chan struct{} // holds one token while there may be mail
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put adds m unless limit messages are waiting already (zero: no limit).
func (b *mailbox) put(m mail, limit int) bool {
	b.mu.Lock()
	if b.closed || limit > 0 && len(b.mail) >= limit {
		b.mu.Unlock()
		return false
	}
	b.mail = append(b.mail, m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take returns everything that waits and keeps spare for the next messages.
func (b *mailbox) take(spare []mail) []mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.mail
	b.mail = spare[:0]
	return taken
}

func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// limitFor is how full the mailbox may be for an event to be taken.
func limitFor(ev call.Event) int {
	switch ev.(type) {
	case call.Arrived, call.Dialled:
		return roomForCalls
	case call.Ringing, call.EarlyMedia, call.Held, call.Resumed, call.Referred:
		return roomForNoise
	default:
		return 0
	}
}
