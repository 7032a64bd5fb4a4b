package switchboard

import (
	"encoding/json"
	"slices"
	"time"

	"telefonist/queue"
	"telefonist/record"
)

// What is written beside calls (agents' changes, alarms, notes) goes to the store in the order in which it happened, one commit at a
// time. One that fails is tried again every second, grown by what came meanwhile: the stream has it late, never twice.

// mostBeside bounds what waits to be written beside calls. Beyond it, with a store that has not written for long, the older half of the
// events is given up, but what still holds of each agent and alarm; what is kept is not, since the newest of each kind and id is enough.
const mostBeside = 100_000

// streamed takes an event into the stream that belongs to no call's story.
func (b *Board) streamed(e record.StreamEvent) {
	e.At = e.At.Round(0)
	b.beside.Stream = append(b.beside.Stream, e)
	b.thin()
}

// thin keeps what waits within its bound.
func (b *Board) thin() {
	all := b.beside.Stream
	if len(all) <= mostBeside {
		return
	}
	old := all[:len(all)-mostBeside/2]
	told := map[string]bool{}
	var left []record.StreamEvent // of the old ones, the newest first
	for _, e := range slices.Backward(old) {
		if of := holds(&e); of != "" && !told[of] {
			told[of] = true
			left = append(left, e)
		}
	}
	slices.Reverse(left)
	b.metrics.givenUp.Add(float64(len(old) - len(left)))
	b.log.Error("events beside calls given up: the store has not written for long", "events", len(old)-len(left), "from", old[0].At, "to", old[len(old)-1].At)
	b.beside.Stream = append(left, all[len(old):]...)
}

// holds says what an event tells that is so until an event tells it anew, "" where it tells of something that has passed.
func holds(e *record.StreamEvent) string {
	switch {
	case e.About == record.AboutService || e.About == record.AboutAlarm:
		return e.Kind
	case e.About != record.AboutAgent || e.Kind == record.AgentResumed:
		return ""
	case e.Kind == record.AgentLoggedIn || e.Kind == record.AgentLoggedOut:
		return "duty/" + e.Agent
	}
	return "state/" + e.Agent
}

// keep has something kept beside calls; nil forgets it.
func (b *Board) keep(kind record.KeptKind, id string, doc any) {
	k := record.Kept{Kind: kind, ID: id}
	if doc != nil {
		text, err := json.Marshal(doc)
		if err != nil {
			b.log.Error("switchboard: cannot be kept", "kind", kind, "id", id, "err", err)
			return
		}
		k.Doc = text
	}
	for i, had := range b.beside.Kept {
		if had.Kind == kind && had.ID == id {
			b.beside.Kept[i] = k
			return
		}
	}
	b.beside.Kept = append(b.beside.Kept, k)
}

// besideAtOnce bounds the events in one commit, which calls' commits wait for.
const besideAtOnce = 1000

// saveBeside gives the store what has come since the last time, at the end of a turn.
func (b *Board) saveBeside() {
	if b.besidePending || len(b.beside.Stream)+len(b.beside.Kept) == 0 || b.cfg.Store == nil {
		return
	}
	if b.besideFailed && !b.retryAt.IsZero() {
		return // goes along with the next attempt
	}
	c, n := b.beside, min(len(b.beside.Stream), besideAtOnce)
	c.Stream = b.beside.Stream[:n:n]
	b.beside, b.besidePending = record.Commit{Stream: b.beside.Stream[n:]}, true
	b.cfg.Store.Commit(c, func(err error) {
		b.box.put(mail{posted: time.Now(), run: func() { b.savedBeside(c, err) }}, 0)
	})
}

// allSaved tells whether the store has all that came.
func (b *Board) allSaved() bool {
	return b.cfg.Store == nil || !b.besidePending && len(b.beside.Stream)+len(b.beside.Kept) == 0
}

func (b *Board) savedBeside(c record.Commit, err error) {
	b.besidePending, b.besideFailed = false, err != nil
	if err == nil {
		return
	}
	b.log.Error("what stands beside calls could not be written, tried again", "err", err)
	newer := b.beside
	b.beside = c
	b.beside.Stream = append(b.beside.Stream, newer.Stream...)
	b.thin()
	for _, k := range newer.Kept {
		var doc any
		if k.Doc != nil {
			doc = k.Doc
		}
		b.keep(k.Kind, k.ID, doc)
	}
	if b.retryAt.IsZero() {
		b.retryAt = time.Now().Add(retryEvery)
	}
}

// agentKinds say each state of an agent in the words of the stream.
var agentKinds = map[queue.State]string{
	queue.Offline: record.AgentOffline, queue.Available: record.AgentAvailable, queue.Reserved: record.AgentReserved,
	queue.Ringing: record.AgentRinging, queue.Talking: record.AgentTalking, queue.WrapUp: record.AgentWrapUp, queue.Paused: record.AgentPaused,
}

// agentChanged hears of every change of an agent. It is called by the queue and must not call back.
func (b *Board) agentChanged(c queue.Change) {
	e := record.StreamEvent{At: c.At, About: record.AboutAgent, Agent: c.Agent, AgentKind: b.agentKind(c.Agent), Call: c.Call}
	if l := b.calls[c.Call]; l != nil {
		e.Tenant, e.Since = l.head.Rules.Tenant, max(0, c.At.Sub(l.arrived))
	}
	tell := func(kind, reason string) {
		e.Kind, e.Reason = kind, record.SafeReason(reason)
		b.streamed(e)
	}
	anew := false // her state is told though she was in it before
	switch c.Event {
	case queue.EventLogIn:
		tell(record.AgentLoggedIn, "")
	case queue.EventLogOut, queue.EventRemove:
		tell(record.AgentLoggedOut, "")
	case queue.EventPause:
		anew = c.To == queue.Paused // for another reason
	case queue.EventRestore, queue.EventAdd: // she has become known
		anew = true
		if c.Reason == queue.LoggedOut {
			tell(record.AgentLoggedOut, "")
		} else {
			tell(record.AgentLoggedIn, "")
		}
	case queue.EventResume:
		tell(record.AgentResumed, "")
	}
	if c.From != c.To || anew {
		tell(agentKinds[c.To], c.Reason)
	}
	b.unkept[c.Agent] = true
	switch c.Event {
	case queue.EventLogIn, queue.EventLogOut, queue.EventPhoneUp, queue.EventPhoneDown, queue.EventAdd, queue.EventRemove, queue.EventRestore:
		b.agentsChanged = true
	}
}

// keepAgents keeps the log-in and the pause of agents that changed.
func (b *Board) keepAgents(now time.Time) {
	for id := range b.unkept {
		delete(b.unkept, id)
		saved, known := b.queue.Saved(id)
		if !known || saved == b.keptAgents[id] {
			continue
		}
		b.keptAgents[id] = saved
		if saved == (queue.Saved{}) {
			b.keep(record.KeptAgent, id, nil)
			continue
		}
		b.keep(record.KeptAgent, id, record.AgentState{LoggedOut: saved.LoggedOut, Paused: saved.Paused, Since: now.UTC().Round(0)})
	}
}

// restoreAgent puts an agent back to how she was when the process before this one ended.
func (b *Board) restoreAgent(k record.Kept, now time.Time) {
	var s record.AgentState
	if err := json.Unmarshal(k.Doc, &s); err != nil {
		b.log.Error("agent's state left out: it cannot be read", "agent", k.ID, "err", err)
		return
	}
	saved := queue.Saved{LoggedOut: s.LoggedOut, Paused: s.Paused}
	b.queue.Restore(k.ID, saved, now)
	b.keptAgents[k.ID] = saved
}
