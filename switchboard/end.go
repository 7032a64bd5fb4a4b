package switchboard

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/record"
)

// finish makes the record of a call that has ended and lets go of everything else that it had.
func (b *Board) finish(l *live, at time.Time) {
	rec := b.fold(l)
	rec.Media = b.audio(l)
	l.final = &rec
	b.keepPlace(l, &rec, at)
	b.wishEnded(l, &rec, at)
	b.unpark(l)
	delete(b.unserved, l.head.Call)
	b.queue.Release(l.head.Call, call.FreedCancelled, at) // who was reserved for it and it had not heard of yet
	b.queue.Ended(l.head.Call)
	l.agents, l.waiting = nil, false
	b.waitOver(l)
	for leg := range l.legs {
		b.forgetLeg(l, leg, at)
	}
	for name := range l.timers {
		b.disarm(l, name)
	}
	b.metrics.ended(&rec)
	if rec.Outcome == call.OutcomeAbandoned && l.head.Rules.Kind == call.Incoming {
		b.alarms.served(at, l.instant(at).Since, false)
	}
	b.log.Info("call ended", "call", l.head.Call, "tenant", rec.Tenant, "outcome", rec.Outcome, "cause", rec.Cause,
		"waited_ms", rec.WaitedMS, "handled_ms", rec.HandledMS)
	b.observe(l, l.story[len(l.story)-1], &rec)
}

// audio asks how the audio of each of a call's legs has gone. A leg that was never answered has none.
func (b *Board) audio(l *live) []record.Media {
	if b.cfg.Report == nil {
		return nil
	}
	var all []record.Media
	for _, p := range l.parts {
		if m, ok := b.cfg.Report(p.leg); ok && m.Received+m.Sent > 0 {
			m.Role = p.role
			all = append(all, m)
		}
	}
	return all
}

// fold makes the record of a call. Should that ever panic, the call keeps a record of its bare facts and its story, from
// which it can be made again by hand.
func (b *Board) fold(l *live) (rec record.Record) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked("record could not be folded", p, "call", l.head.Call)
			last := l.story[len(l.story)-1]
			rec = record.Record{Call: l.head.Call, Tenant: l.head.Rules.Tenant, Number: l.head.Rules.Number,
				CommonNumber: l.head.Rules.CommonNumber, Received: l.head.Received, Ended: last.Wall,
				Outcome: call.OutcomeInterrupted, Cause: call.CausePanic, Story: l.story}
		}
	}()
	return record.Fold(l.head, l.story)
}

// kill ends a call whose own state cannot be trusted any more: the record is made of what its story says, its agent is
// given back and its legs are ended.
func (b *Board) kill(l *live, at time.Time) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked("ending a call panicked", p, "call", l.head.Call)
		}
	}()
	legs := slices.Sorted(maps.Keys(l.legs))
	if l.final == nil {
		b.queue.Release(l.head.Call, call.FreedDone, at)
		now := l.instant(at)
		b.story(l, call.Entry{Wall: now.Wall, Since: now.Since, Kind: call.KindEnded,
			Reason: call.EndReason(call.OutcomeInterrupted, call.CausePanic)})
		b.finish(l, at)
	}
	b.save(l, at, "", false)
	for _, leg := range legs {
		b.cfg.Signals.Do(call.Hangup{Leg: leg, Code: 500, Cause: call.CausePanic})
	}
}

// rescue keeps the loop alive where mail makes it panic outside of a call's transition: hostile input that a parser
// cannot stand, say. It is deferred.
func (b *Board) rescue(m *mail) {
	p := recover()
	if p == nil {
		return
	}
	b.panicked("event panicked", p, "leg", m.leg, "event", fmt.Sprintf("%T", m.event))
	if l := b.legs[m.leg]; l != nil {
		b.kill(l, m.at)
		return
	}
	switch m.event.(type) {
	case call.Arrived, call.Dialled:
		b.cfg.Signals.Do(call.Reject{Leg: m.leg, Code: 500, Reason: "Server Internal Error"})
	}
}

// panicked counts and logs a fault of ours with its stack.
func (b *Board) panicked(what string, p any, where ...any) {
	b.metrics.panics.Inc()
	b.log.Error(what, append(where, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))...)
}
