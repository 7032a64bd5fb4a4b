package switchboard

import (
	"time"

	"telefonist/call"
	"telefonist/record"
)

const (
	// retryEvery is how often a commit that failed is tried again.
	retryEvery = time.Second
	// retryAfter is what a caller's PBX is told when no call can be taken.
	retryAfter = 10 * time.Second
)

// save hands everything new of a call to the store in one commit. The call hears of it where it awaits a step.
func (b *Board) save(l *live, at time.Time, step call.Step, heartbeat bool) {
	c := record.Commit{Call: l.head.Call, First: l.saved, Entries: l.story[l.saved:len(l.story):len(l.story)], Final: l.final}
	if !l.begun {
		c.Head, l.begun = &l.head, true
	}
	if heartbeat {
		now := l.instant(at)
		c.Heartbeat = &now
	}
	if c.Head == nil && len(c.Entries) == 0 && c.Heartbeat == nil && c.Final == nil {
		return
	}
	if l.final != nil && refusedUnstored(l.final) {
		b.gone(l) // it was refused since it could not be stored: nothing was promised to anyone
		return
	}
	l.saved = len(l.story)
	b.commit(l, c, step)
}

// refusedUnstored tells whether a call ended before its arrival was durable, for want of a store.
func refusedUnstored(r *record.Record) bool {
	return r.Cause == call.CauseStore && r.Outcome == call.OutcomeFailed
}

func (b *Board) commit(l *live, c record.Commit, step call.Step) {
	l.pending++
	b.cfg.Store.Commit(c, func(err error) {
		b.box.put(mail{posted: time.Now(), run: func() { b.committed(l, c, step, err) }}, 0)
	})
}

// committed goes on after the store has answered.
func (b *Board) committed(l *live, c record.Commit, step call.Step, err error) {
	l.pending--
	now := time.Now()
	if err != nil {
		b.commitFailed(l, c, err)
		if step != "" {
			b.handle(l, now, "", call.StoreFailed{Step: step})
		}
		return
	}
	if l.unsaved >= 0 && c.First <= l.unsaved && c.First+len(c.Entries) >= l.saved {
		l.unsaved = -1
		delete(b.failing, l.head.Call)
	}
	if step != "" {
		b.handle(l, now, "", call.Stored{Step: step})
	}
	if c.Final != nil {
		b.gone(l)
	}
}

// commitFailed keeps what could not be written, to be tried again. The call goes on; no new one is taken meanwhile.
func (b *Board) commitFailed(l *live, c record.Commit, err error) {
	b.log.Error("commit failed, kept in memory and tried again", "call", l.head.Call, "err", err)
	if b.calls[l.head.Call] == nil {
		return
	}
	if l.unsaved < 0 || c.First < l.unsaved {
		l.unsaved = c.First
	}
	b.failing[l.head.Call] = l
	if b.retryAt.IsZero() {
		b.retryAt = time.Now().Add(retryEvery)
	}
}

// retry writes again what has failed: everything of the call from the first entry that is not durable.
func (b *Board) retry() {
	b.retryAt = time.Time{}
	for _, l := range b.failing {
		if l.pending > 0 {
			continue // its answer comes
		}
		c := record.Commit{Call: l.head.Call, First: l.unsaved, Entries: l.story[l.unsaved:len(l.story):len(l.story)], Final: l.final}
		if l.unsaved == 0 {
			c.Head = &l.head
		}
		l.saved = len(l.story)
		b.commit(l, c, "")
	}
	if len(b.failing) > 0 {
		b.retryAt = time.Now().Add(retryEvery)
	}
}

// gone forgets a call that has ended and is durable.
func (b *Board) gone(l *live) {
	if b.calls[l.head.Call] == nil {
		return
	}
	delete(b.calls, l.head.Call)
	delete(b.failing, l.head.Call)
	b.metrics.active.Dec()
	if len(b.calls) == 0 {
		b.tellIdle()
	}
}

func (b *Board) tellIdle() {
	for _, ch := range b.idle {
		close(ch)
	}
	b.idle = nil
}
