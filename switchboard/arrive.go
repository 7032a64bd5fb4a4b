package switchboard

import (
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
)

// arrived makes a call of an INVITE, or refuses it.
func (b *Board) arrived(leg call.LegID, at time.Time, ev call.Arrived) {
	refuse := func(result string, code int, reason string, after time.Duration) {
		b.metrics.calls.WithLabelValues(result).Inc()
		b.cfg.Signals.Do(call.Reject{Leg: leg, Code: code, Reason: reason, RetryAfter: after})
	}
	if b.legs[leg] != nil {
		return // one INVITE makes one call
	}
	if s := b.returned(ev); s != nil {
		refuse(resultReturned, 486, "Own transfer returned", 0)
		if s.ringing {
			b.handle(s.live, at, "", call.Returned{})
		}
		return
	}
	if b.draining || b.dir == nil || len(b.failing) > 0 {
		refuse(resultUnavailable, 503, "Service Unavailable", retryAfter)
		return
	}
	if b.codedByTrunk(leg, at, ev) {
		return
	}
	tenant, common, known := b.dir.Resolve(ev.Called, ev.Entrances)
	if !known || tenant.Disabled || tenant.Trunk != "" && tenant.Trunk != ev.Trunk {
		b.log.Info("call to an unknown number", "called", directory.Mask(ev.Called), "trunk", ev.Trunk)
		refuse(resultUnknown, 404, "Not Found", 0)
		return
	}
	if ev.Caller.Number != "" {
		ev.Caller.Number = b.normal(ev.Caller.Number)
	}
	shown := ev.Caller.Number
	if ev.Caller.Private {
		shown = ""
	}
	rules, decision := directory.RulesAt(tenant, common, at, shown, b.dir.Switch(tenant.ID))
	if decision.Answer == directory.AnswerBlocked {
		b.log.Info("blocked caller refused", "tenant", tenant.ID, "caller", directory.Mask(ev.Caller.Number))
		refuse(resultBlocked, 603, "Decline", 0)
		return
	}
	if rules.MayWish() {
		_, err := b.dir.Target(&tenant, ev.Caller.Number)
		rules.NoWish = err != nil // a promise that could not be kept
	}
	b.begin(leg, at, ev, tenant, rules)
}

// begin makes a call with a snapshot of all that it goes by.
func (b *Board) begin(leg call.LegID, at time.Time, ev call.Arrived, tenant directory.Tenant, rules call.Rules) {
	l := b.newLive(newID(at), at, tenant, record.Head{Rules: rules, Caller: ev.Caller, SIPCall: ev.SIPCall, Leg: leg, Dialog: ev.Dialog})
	l.call = call.New(l.head.Call, rules, leg, ev.Caller)
	b.enlist(l)
	b.adopt(l, leg, "caller")
	b.log.Info("call arrived", "call", l.head.Call, "tenant", tenant.ID, "caller", directory.Mask(ev.Caller.Number))
	b.guard(l, at, func() []call.Command { return l.call.Begin(l.instant(at), ev.Dialog) })
}

// newLive makes what the loop keeps for a call; its machine is the maker's to add.
func (b *Board) newLive(id call.ID, at time.Time, tenant directory.Tenant, head record.Head) *live {
	head.Call, head.Received, head.Plan = id, at.Round(0), tenant.Plan
	l := &live{tenant: tenant.ID, dir: b.dir, arrived: at, place: at, head: head, timers: map[call.Timer]*timer{}, legs: map[call.LegID]bool{}}
	return l
}

// enlist makes a call one of those that live; its machine is made.
func (b *Board) enlist(l *live) {
	b.calls[l.head.Call] = l
	b.metrics.active.Inc()
}

// adopt makes a leg that is there already a call's.
func (b *Board) adopt(l *live, leg call.LegID, role string) {
	if leg == "" {
		return
	}
	b.legs[leg], l.legs[leg] = l, true
	l.parts = append(l.parts, part{leg, role})
}

// keepPlace remembers where a caller stood who gave up waiting, for when she calls again soon.
func (b *Board) keepPlace(l *live, rec *record.Record, at time.Time) {
	keep := l.head.Rules.KeepPlace
	if keep > 0 && stood(l.story) && rec.Outcome == call.OutcomeAbandoned && l.head.Caller.Number != "" && !l.head.Caller.Private {
		b.queue.Remember(l.tenant, l.head.Caller.Number, l.place, at.Add(keep))
	}
}

// stood tells whether a caller was in line.
func stood(story []call.Entry) bool {
	return slices.ContainsFunc(story, func(e call.Entry) bool { return e.Kind == call.KindQueued })
}

// restorePlaces has recent callers come and go again, in the order in which they did: who took an old place with a later call has it no
// more. Who was cut off by the end of the process could not call until now, so her time begins now.
func (b *Board) restorePlaces(now time.Time) {
	var steps []placeStep
	for _, s := range b.stays() {
		steps = append(steps, placeStep{s.came, func() { b.takePlace(s) }})
		switch s.outcome {
		case call.OutcomeAbandoned:
			steps = append(steps, placeStep{s.left, func() { b.queue.Remember(s.tenant, s.caller, s.place, s.left.Add(s.keep)) }})
		case call.OutcomeInterrupted:
			steps = append(steps, placeStep{now, func() { b.queue.Remember(s.tenant, s.caller, s.place, now.Add(s.keep)) }})
		}
	}
	slices.SortStableFunc(steps, func(a, b placeStep) int { return a.at.Compare(b.at) })
	for _, s := range steps {
		s.do()
	}
}

// placeStep is something that a caller of before the start did at an instant.
type placeStep struct {
	at time.Time
	do func()
}

// stay is a former call that stood in line; its outcome is empty where a receptionist answered.
type stay struct {
	tenant, caller string
	came, left     time.Time
	outcome        call.Outcome
	keep           time.Duration
	place          time.Time
}

// stays are the recent calls that places may be kept of, in the order in which they came.
func (b *Board) stays() (all []*stay) {
	if b.cfg.Recent == nil {
		return nil
	}
	for rec := range b.cfg.Recent {
		t, known := b.dir.Tenant(rec.Tenant)
		if !known || t.Rules.KeepPlace <= 0 || rec.Parties.Caller == "" || !stood(rec.Story) {
			continue
		}
		s := &stay{tenant: rec.Tenant, caller: rec.Parties.Caller, came: rec.Received, left: rec.Ended, keep: t.Rules.KeepPlace}
		if rec.Answered.IsZero() && !rec.Parties.Private {
			s.outcome = rec.Outcome
		}
		all = append(all, s)
	}
	return all
}

// takePlace gives a former call the place that it had.
func (b *Board) takePlace(s *stay) {
	s.place = s.came
	if place, old := b.queue.Recall(s.tenant, s.caller, s.came); old {
		s.place = place
		b.queue.Forget(s.tenant, s.caller)
	}
}

// oldPlace gives a caller the place that is kept for her number. It stays kept until she is in line, so that a
// call that is refused does not cost her the place.
func (b *Board) oldPlace(l *live, now time.Time) (kept bool) {
	place, kept := b.queue.Recall(l.tenant, l.head.Caller.Number, now)
	if kept {
		l.place = place
	}
	return kept
}
