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

// save hands everything new of a call to the store. A call has one commit under way at a time, and one that failed is
// given again together with all that came after it, so that a story on disk has no holes. The call hears of the commit
// where it awaits a step.
func (b *Board) save(l *live, at time.Time, step call.Step, heartbeat bool) {
	if step != "" {
		l.step = step
		l.awaits++
	}
	if heartbeat {
		now := l.instant(at)
		l.beat = &now
	}
	switch {
	case l.pending: // goes along when its answer has come
	case l.failed && step == "" && !l.unstored(): // goes along with the next attempt
	default:
		b.commit(l)
	}
}

// unstored tells whether a call ended for want of a store, before anything of it was written: the store has nothing of
// it, and nothing was promised to anyone.
func (l *live) unstored() bool {
	return l.final != nil && l.saved == 0 && l.final.Cause == call.CauseStore && l.final.Outcome == call.OutcomeFailed
}

// commit gives the store all of a call that it has not got.
func (b *Board) commit(l *live) {
	if l.unstored() {
		if w := l.wish; w != nil {
			l.wish = nil
			b.wishUnstored(w, time.Now())
		}
		b.gone(l)
		return
	}
	c := record.Commit{Call: l.head.Call, First: l.saved, Entries: l.story[l.saved:len(l.story):len(l.story)], Heartbeat: l.beat, Final: l.final,
		Messages: l.mail.unwritten(), Kept: l.kept}
	if l.saved == 0 {
		c.Head = &l.head
	}
	if len(c.Entries) == 0 && c.Heartbeat == nil && c.Final == nil && len(c.Messages) == 0 {
		return
	}
	l.pending, l.kept = true, nil
	step, awaited := l.step, l.awaits
	l.step = ""
	b.cfg.Store.Commit(c, func(err error) {
		b.box.put(mail{posted: time.Now(), run: func() { b.committed(l, c, step, awaited, err) }}, 0)
	})
}

// committed goes on after the store has answered. The answer means nothing to a call that waits for something else by now.
func (b *Board) committed(l *live, c record.Commit, step call.Step, awaited int, err error) {
	now := time.Now()
	l.pending = false
	if awaited != l.awaits {
		step = ""
	}
	if err != nil {
		l.kept = append(c.Kept, l.kept...)
		b.commitFailed(l, err)
		if step != "" {
			b.handle(l, now, "", call.StoreFailed{Step: step})
		}
		if !l.pending && (l.step != "" || l.unstored()) {
			b.commit(l) // somebody waits, or nobody any more
		}
		return
	}
	l.saved += len(c.Entries)
	l.failed = false
	delete(b.failing, l.head.Call)
	if len(l.kept) == 0 {
		b.queueWishes(l)
	}
	if l.beat == c.Heartbeat {
		l.beat = nil
	}
	l.mail.wrote(len(c.Messages))
	if c.Final != nil && len(l.mail.unwritten()) == 0 {
		b.gone(l)
		return
	}
	if step != "" {
		b.handle(l, now, "", call.Stored{Step: step})
	}
	if !l.pending {
		b.commit(l) // what came meanwhile
	}
}

// commitFailed has the commit tried again. The call goes on; no new one is taken meanwhile.
func (b *Board) commitFailed(l *live, err error) {
	b.log.Error("commit failed, kept in memory and tried again", "call", l.head.Call, "err", err)
	l.failed = true
	l.mail.failed()
	b.failing[l.head.Call] = l
	if b.retryAt.IsZero() {
		b.retryAt = time.Now().Add(retryEvery)
	}
}

// retry writes again what has failed.
func (b *Board) retry() {
	b.retryAt, b.besideFailed = time.Time{}, false
	for _, l := range b.failing {
		if !l.pending {
			b.commit(l)
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
