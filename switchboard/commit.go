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
	if l.final != nil && l.pending == 0 && refusedUnstored(l.final) {
		b.gone(l) // the store has said that it has nothing of the call, and nothing was promised to anyone
		return
	}
	c := l.unwritten()
	if heartbeat {
		now := l.instant(at)
		c.Heartbeat = &now
	}
	if c.Head != nil || len(c.Entries) > 0 || c.Heartbeat != nil || c.Final != nil {
		b.commit(l, c, step)
	}
}

// unwritten is all of a call that the store has not got, or has failed to write. What failed goes along with what is new,
// so that a story on disk has no holes.
func (l *live) unwritten() record.Commit {
	c := record.Commit{Call: l.head.Call, First: l.saved, Final: l.final}
	if l.unsaved >= 0 {
		c.First, c.Heartbeat = l.unsaved, l.beat
	}
	c.Entries = l.story[c.First:len(l.story):len(l.story)]
	if c.First == 0 {
		c.Head = &l.head
	}
	return c
}

// refusedUnstored tells whether a call ended before its arrival was durable, for want of a store.
func refusedUnstored(r *record.Record) bool {
	return r.Cause == call.CauseStore && r.Outcome == call.OutcomeFailed
}

func (b *Board) commit(l *live, c record.Commit, step call.Step) {
	l.pending++
	l.saved = len(l.story)
	l.given = c.Final != nil
	if step != "" {
		l.awaits++
	}
	awaited := l.awaits
	b.cfg.Store.Commit(c, func(err error) {
		b.box.put(mail{posted: time.Now(), run: func() {
			if awaited != l.awaits {
				step = "" // the call waits for something else by now
			}
			b.committed(l, c, step, err)
		}}, 0)
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
		l.unsaved, l.beat = -1, nil
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
	if c.Heartbeat != nil {
		l.beat = c.Heartbeat
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
		if l.pending == 0 { // else an answer comes first
			b.commit(l, l.unwritten(), "")
		}
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
