package switchboard

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// byAgent begins the name of a receptionist who asks for something.
const byAgent = "agent:"

// do carries out an order on the loop.
func (b *Board) do(o Order, now time.Time) (Done, error) {
	l, err := b.ordered(o)
	if err != nil {
		return Done{}, err
	}
	b.refs++
	act := call.Act{Ref: strconv.FormatUint(b.refs, 10), Agent: o.Agent, Supervisor: o.Agent == "", Do: o.Do, Grant: o.Grant}
	if o.By != byAgent+o.Agent {
		act.By = o.By
	}
	if o.To != "" {
		act.To, act.Refuse, act.Reason = b.actTarget(l, o, now)
	}
	if act.Refuse == nobodyFree {
		return Done{Call: l.head.Call}, fmt.Errorf("%s to %s: %s: %w", o.Do, o.To, strings.ToLower(act.Reason), ErrConflict)
	}
	if o.Do == call.ActPark && b.freeSlot() == 0 {
		return Done{Call: l.head.Call}, fmt.Errorf("all %d places to park are taken: %w", slots, ErrConflict)
	}
	b.asking, b.verdict = act.Ref, nil
	b.handle(l, now, "", act)
	done := Done{Call: l.head.Call, Slot: l.slot, Later: b.verdict == nil && l.final == nil}
	b.asking = ""
	if b.verdict == nil {
		return done, nil
	}
	return done, actError(o.Do, *b.verdict, act)
}

// ordered is the call that an order is for.
func (b *Board) ordered(o Order) (*live, error) {
	id := o.Call
	if o.Agent != "" {
		if _, known := b.dir.Agent(o.Agent); !known && b.queue.Reserved(o.Agent) == "" { // who is taken out keeps her call
			return nil, unknown("agent", o.Agent)
		}
		if id == "" {
			if id = b.queue.Reserved(o.Agent); id == "" {
				return nil, fmt.Errorf("agent %s has no call: %w", o.Agent, ErrConflict)
			}
		}
	}
	if l := b.calls[id]; l != nil && l.final == nil {
		return l, nil
	}
	return nil, unknown("live call", string(id))
}

// actError says in words why an action was not carried out.
func actError(do call.Action, e call.ActError, act call.Act) error {
	switch e {
	case "":
		return nil
	case call.ErrNotYours:
		return fmt.Errorf("%s: the call is another agent's: %w", do, ErrRefused)
	case call.ErrRefused:
		return fmt.Errorf("%s to %s: %s: %w", do, cmp.Or(directory.Mask(act.To.Number), act.To.Agent, act.To.Group), strings.ToLower(act.Reason), ErrRefused)
	case call.ErrUnknown:
		return fmt.Errorf("there is no action %q: %w", do, ErrInvalid)
	case call.ErrNoTarget:
		return fmt.Errorf("%s: nobody was named who can be called so: %w", do, ErrInvalid)
	case call.ErrUnavailable:
		return fmt.Errorf("%s: the colleague is not available: %w", do, ErrConflict)
	case call.ErrConsults:
		return fmt.Errorf("%s: a consultation is under way: %w", do, ErrConflict)
	case call.ErrPhone:
		return fmt.Errorf("%s: the phone holds the call: resume it there: %w", do, ErrConflict)
	}
	return fmt.Errorf("%s is not possible as the call stands: %w", do, ErrConflict)
}

// slots are how many callers may be parked at once, each under a number that is short to say and to dial.
const slots = 99

func (b *Board) freeSlot() int {
	for n := 1; n <= slots; n++ {
		if b.parked[n] == nil {
			return n
		}
	}
	return 0
}

// park gives a parked caller a slot. One is free: do looks before it asks.
func (b *Board) park(l *live, agent string, at time.Time) {
	l.slot = b.freeSlot()
	l.parkedBy, l.parkedAt = agent, at
	if l.slot > 0 {
		b.parked[l.slot] = l
	}
}

func (b *Board) unpark(l *live) {
	if b.parked[l.slot] == l {
		delete(b.parked, l.slot)
	}
	l.slot = 0
}

// parkedFor is the call in a slot where an agent may have it, nil where there is none: whose callers are parked is not told.
func (b *Board) parkedFor(a directory.Agent, slot int) *live {
	l := b.parked[slot]
	if l == nil || l.final != nil || foreign(a, l.tenant) || !a.Serves(l.tenant) && l.parkedBy != a.ID {
		return nil
	}
	return l
}

func (b *Board) pickUp(agent string, slot int, expected call.ID, now time.Time) (call.ID, error) {
	a, known := b.dir.Agent(agent)
	if !known || a.Disabled {
		return "", unknown("agent", agent)
	}
	l := b.parkedFor(a, slot)
	if l == nil {
		return "", fmt.Errorf("nobody is parked at %d: %w", slot, ErrUnknown)
	}
	if expected != "" && l.head.Call != expected {
		return "", fmt.Errorf("another caller is parked at %d: %w", slot, ErrConflict)
	}
	if !b.queue.Ask(agent, l.head.Call, now) {
		return "", fmt.Errorf("agent %s has a call or is not logged in: %w", agent, ErrConflict)
	}
	l.agents = append(l.agents, agent)
	b.handle(l, now, "", call.Offered{Agent: agent, Kind: a.Kind, Via: b.via(a), Pickup: true})
	if !slices.Contains(l.agents, agent) {
		return "", fmt.Errorf("the call at %d rings at another phone already: %w", slot, ErrConflict)
	}
	return l.head.Call, nil
}

// takeCall gives a waiting call to an agent by hand.
func (b *Board) takeCall(id call.ID, agent, by string, now time.Time) error {
	a, known := b.dir.Agent(agent)
	if !known {
		return unknown("agent", agent)
	}
	tenant, known := b.waitsFor(id)
	if !known {
		return unknown("waiting call", string(id))
	}
	if foreign(a, tenant) {
		return fmt.Errorf("the call is another tenant's: %w", ErrRefused)
	}
	m, ok := b.queue.Take(id, agent, now)
	if !ok {
		return fmt.Errorf("the call does not wait, or agent %s is not free: %w", agent, ErrConflict)
	}
	b.log.Info("call taken by hand", "call", id, "agent", agent, "by", by)
	b.offer([]queue.Match{m}, now)
	return nil
}

// waitsFor is the tenant of a call, or of a wish.
func (b *Board) waitsFor(id call.ID) (tenant string, known bool) {
	if l := b.calls[id]; l != nil {
		return l.tenant, true
	}
	if w := b.wishes[id]; w != nil {
		return w.Head.Rules.Tenant, true
	}
	return "", false
}

func (b *Board) moveCall(id call.ID, position int, by string) error {
	if position < 1 {
		return fmt.Errorf("position %d: %w", position, ErrInvalid)
	}
	if !b.queue.Move(id, position) {
		return unknown("waiting call", string(id))
	}
	b.log.Info("call moved in line by hand", "call", id, "position", position, "by", by)
	return nil
}

// freeAgent takes an agent out of her call: who is on the line goes back to the head of the queue, and where the call does not let go
// of her she is given back whatever it says.
func (b *Board) freeAgent(agent, by string, now time.Time) error {
	if _, known := b.dir.Agent(agent); !known && b.queue.Reserved(agent) == "" {
		return unknown("agent", agent)
	}
	id := b.queue.Reserved(agent)
	if l := b.calls[id]; l != nil && l.final == nil {
		b.handle(l, now, "", call.Relieved{Agent: agent, By: by})
		if l.final == nil {
			b.queue.Spare(agent, id, now) // it would ring at her phone again
		}
	}
	if b.queue.Unstick(agent, now) != "" { // the call never will
		if l := b.calls[id]; l != nil {
			l.agents = slices.DeleteFunc(l.agents, func(a string) bool { return a == agent })
		}
	}
	b.log.Warn("agent freed by hand", "agent", agent, "call", id, "by", by)
	return nil
}

// dialOut makes a call in a tenant's name: the receptionist's phone rings first, but where she dialled by it.
func (b *Board) dialOut(o Outgoing, leg call.LegID, dialog call.Dialog, now time.Time) (call.ID, error) {
	a, known := b.dir.Agent(o.Agent)
	if !known || a.Disabled {
		return "", unknown("agent", o.Agent)
	}
	tenant, known := b.dir.Tenant(o.Tenant)
	if !known || tenant.Disabled {
		return "", unknown("tenant", o.Tenant)
	}
	if !a.Serves(tenant.ID) {
		return "", fmt.Errorf("agent %s does not answer for %s: %w", a.ID, tenant.ID, ErrRefused)
	}
	if b.draining || len(b.failing) > 0 {
		return "", fmt.Errorf("no new call is taken just now: %w", ErrConflict)
	}
	to, err := b.dir.Target(&tenant, o.To)
	switch {
	case errors.Is(err, directory.ErrNotANumber), errors.Is(err, directory.ErrIncomplete):
		return "", fmt.Errorf("%w: %w", err, ErrInvalid)
	case err != nil:
		return "", fmt.Errorf("%w: %w", err, ErrRefused)
	}
	id := newID(now)
	if !b.queue.Ask(a.ID, id, now) {
		return "", fmt.Errorf("agent %s has a call or is not logged in: %w", a.ID, ErrConflict)
	}
	rules := directory.RulesFor(tenant, directory.CommonNumber{})
	rules.Kind = call.Outgoing
	l := b.newLive(id, now, tenant, record.Head{Rules: rules, Caller: call.Party{Number: to.Number}})
	b.startOut(l, call.Out{Agent: a.ID, Kind: a.Kind, Via: b.via(a), Leg: leg, To: to, Party: call.Party{Number: to.Number}}, dialog, now)
	return id, nil
}

// startOut begins a call that the service makes. Its agent is reserved; the dialog is that of her leg, where she dialled.
func (b *Board) startOut(l *live, out call.Out, dialog call.Dialog, now time.Time) {
	l.agents = append(l.agents, out.Agent)
	l.call = call.NewOut(l.head.Call, l.head.Rules, out)
	b.enlist(l)
	b.adopt(l, out.Leg, "agent")
	b.log.Info("calling out", "call", l.head.Call, "tenant", l.tenant, "agent", out.Agent, "to", directory.Mask(out.To.Number), "kind", l.head.Rules.Kind)
	b.guard(l, now, func() []call.Command { return l.call.Begin(l.instant(now), dialog) })
}
