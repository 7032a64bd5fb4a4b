package switchboard

import (
	"encoding/json"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

const (
	// wishFor is how long a wish stands; nobody expects to be called back after a day.
	wishFor = 24 * time.Hour
	// wishTries is how often a caller who does not answer is called, and wishAgain how long is waited between.
	wishTries = 3
	wishAgain = 10 * time.Minute
	// wishRetry is how long is waited where the store could not write.
	wishRetry = 10 * time.Second
	// mostWishes bounds those that are in line.
	mostWishes = 10_000
)

// leaveWish keeps a caller's wish to be called back. It is written in the transaction of the call in which it was left, and stands in
// line from when it is durable.
func (b *Board) leaveWish(l *live, number string, at time.Time) {
	if len(b.wishes) >= mostWishes {
		b.log.Error("too many wishes are in line: one is not kept", "call", l.head.Call, "tenant", l.tenant)
		return
	}
	if b.wished(l.tenant, number) {
		b.log.Info("the caller has left a wish before: it stands", "call", l.head.Call, "tenant", l.tenant)
		return
	}
	w := &record.Wish{From: string(l.head.Call), Left: at.UTC().Round(0)}
	w.Head = record.Head{Call: newID(at), Received: l.place.Round(0), Rules: l.head.Rules, Plan: l.head.Plan,
		Caller: call.Party{Number: number, Name: l.head.Caller.Name, Private: l.head.Caller.Private}}
	w.Head.Rules.Kind = call.Callback
	l.wishes = append(l.wishes, w)
	l.kept = append(l.kept, keptWish(w))
}

// wished tells whether somebody with this number is to be called back for the tenant already: in line, later, or just now.
func (b *Board) wished(tenant, number string) bool {
	same := func(w *record.Wish) bool {
		return w != nil && w.Head.Rules.Tenant == tenant && w.Head.Caller.Number == number
	}
	for _, w := range b.wishes {
		if same(w) {
			return true
		}
	}
	for _, l := range b.calls {
		if same(l.wish) && l.final == nil || slices.ContainsFunc(l.wishes, same) {
			return true
		}
	}
	return slices.ContainsFunc(b.resting, same)
}

func keptWish(w *record.Wish) record.Kept {
	doc, _ := json.Marshal(w) // plain data
	return record.Kept{Kind: record.KeptWish, ID: string(w.Head.Call), Doc: doc}
}

func forgottenWish(w *record.Wish) record.Kept {
	return record.Kept{Kind: record.KeptWish, ID: string(w.Head.Call)}
}

// queueWishes puts the wishes of a call in line, now that they are durable.
func (b *Board) queueWishes(l *live) {
	for _, w := range l.wishes {
		b.queueWish(w)
	}
	l.wishes = nil
}

// queueWish puts a wish in line, in the place of the caller who left it. While no new calls are taken it only waits.
func (b *Board) queueWish(w *record.Wish) {
	r := w.Head.Rules
	b.wishes[w.Head.Call] = w
	b.wishSooner(w.Left.Add(wishFor))
	if b.draining {
		return
	}
	b.queue.Enqueue(queue.Waiting{Call: w.Head.Call, Tenant: r.Tenant, Priority: r.Priority, Arrived: w.Head.Received, Serve: r.Serve, Wish: true}, 0)
}

// wakeWishes puts wishes in line that may be tried again, and forgets those that have stood for too long.
func (b *Board) wakeWishes(now time.Time) {
	if b.wishAt.IsZero() || now.Before(b.wishAt) {
		return
	}
	b.wishAt = time.Time{}
	var later []*record.Wish
	for _, w := range b.resting {
		if now.Before(w.After) {
			later = append(later, w)
			b.wishSooner(w.After)
			continue
		}
		b.queueWish(w)
	}
	b.resting = later
	for id, w := range b.wishes {
		if end := w.Left.Add(wishFor); now.Before(end) {
			b.wishSooner(end)
			continue
		}
		b.queue.Ended(id)
		b.forgetWish(w, "nobody has called back for a day")
	}
}

// forgetWish is for a wish that is not in line any more.
func (b *Board) forgetWish(w *record.Wish, why string) {
	b.log.Info("wish forgotten: "+why, "call", w.Head.Call, "tenant", w.Head.Rules.Tenant, "number", directory.Mask(w.Head.Caller.Number))
	delete(b.wishes, w.Head.Call)
	b.keep(record.KeptWish, string(w.Head.Call), nil)
}

// restWishes takes wishes out of line: no new calls are made. They are kept, and stand in line again after the next start.
func (b *Board) restWishes() {
	for id := range b.wishes {
		b.queue.Remove(id)
	}
}

func (b *Board) wishSooner(at time.Time) {
	if b.wishAt.IsZero() || at.Before(b.wishAt) {
		b.wishAt = at
	}
}

// callBack has a receptionist call back somebody who left a wish. The wish is out of line and is kept until that call has ended.
func (b *Board) callBack(w *record.Wish, to queue.Match, now time.Time) {
	id := w.Head.Call
	forget := func(why string) {
		b.queue.Free(to.Agent, id, call.FreedCancelled, now)
		b.queue.Ended(id)
		b.forgetWish(w, why)
	}
	tenant, known := b.dir.Tenant(w.Head.Rules.Tenant)
	if !known || tenant.Disabled {
		forget("its tenant is gone")
		return
	}
	dest, err := b.dir.Target(&tenant, w.Head.Caller.Number)
	if err != nil {
		forget(err.Error())
		return
	}
	delete(b.wishes, id)
	a, _ := b.dir.Agent(to.Agent)
	l := b.newLive(id, now, tenant, record.Head{Rules: w.Head.Rules, Caller: w.Head.Caller})
	l.wish = w
	b.startOut(l, call.Out{Agent: to.Agent, Kind: to.Kind, Via: b.via(a), To: dest, Party: w.Head.Caller}, call.Dialog{}, now)
}

// wishUnstored is for a wish whose call ended before anything of it was durable: nobody was called. It is tried again later.
func (b *Board) wishUnstored(w *record.Wish, now time.Time) {
	again := *w
	again.After = now.Add(wishRetry)
	b.resting = append(b.resting, &again)
	b.wishSooner(again.After)
}

// wishEnded says what becomes of a wish when the call that was made for it has ended: it is done where its caller answered, stands in
// line again at once where no receptionist took it, and is tried again later where nobody answered. It is written with the
// call's record.
func (b *Board) wishEnded(l *live, rec *record.Record, at time.Time) {
	w := l.wish
	if w == nil {
		return
	}
	l.kept = append(l.kept, forgottenWish(w))
	next := *w
	next.Head.Call = newID(at)
	b.queue.Inherit(next.Head.Call, w.Head.Call)
	switch {
	case !rec.Answered.IsZero(), rec.Outcome == call.OutcomeReached:
		return
	case calledParty(rec.Story):
		if next.Tries++; next.Tries >= wishTries {
			b.log.Info("wish given up: nobody answers", "call", l.head.Call, "tries", next.Tries)
			return
		}
		next.After = at.Add(wishAgain)
	}
	l.kept = append(l.kept, keptWish(&next))
	if next.After.After(at) {
		b.resting = append(b.resting, &next)
		b.wishSooner(next.After)
		return
	}
	l.wishes = append(l.wishes, &next)
}

// calledParty tells whether the caller's phone was called at all.
func calledParty(story []call.Entry) bool {
	for _, e := range story {
		if e.Kind == call.KindCalled {
			return true
		}
	}
	return false
}

// restoreWish puts a wish back that a former process kept. One whose call was under way when that process died has a record by
// its id: where the caller had answered it is done, and where not it is tried anew.
func (b *Board) restoreWish(k record.Kept, now time.Time) {
	var w record.Wish
	if err := json.Unmarshal(k.Doc, &w); err != nil || string(w.Head.Call) != k.ID {
		b.log.Error("wish left out: it cannot be read", "id", k.ID, "err", err)
		return
	}
	if b.cfg.Recorded != nil {
		if rec, recorded := b.cfg.Recorded(w.Head.Call); recorded {
			b.keep(record.KeptWish, k.ID, nil)
			if !rec.Answered.IsZero() {
				return
			}
			w.Head.Call = newID(now)
			b.keep(record.KeptWish, string(w.Head.Call), &w)
		}
	}
	if w.After.After(now) {
		b.resting = append(b.resting, &w)
		b.wishSooner(w.After)
		return
	}
	b.queueWish(&w)
}
