package switchboard

import (
	"errors"
	"slices"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/directory"
)

// resolve turns a REFER into a transfer by the rules of the call's tenant.
func (b *Board) resolve(l *live, at time.Time, ev call.Referred) call.Transfer {
	t := call.Transfer{Ref: ev.Ref, Replaces: ev.Replaces}
	switch {
	case ev.Unknown:
		t.Refuse, t.Reason = 403, "Replaces names no call of ours"
	case ev.Replaces == "":
		t.Target, t.Refuse, t.Reason = b.dialledTarget(l, ev.Target, false, at)
	}
	return t
}

// target is where a receptionist's dialled string leads in the call's tenant: an extension is that tenant's.
func target(l *live, dialled string) (call.Destination, int, string) {
	t, _ := l.dir.Tenant(l.tenant)
	to, err := l.dir.Target(&t, dialled)
	switch {
	case err == nil:
		return to, 0, ""
	case errors.Is(err, directory.ErrNotANumber):
		return call.Destination{Number: dialled}, 404, "Not a number"
	case errors.Is(err, directory.ErrIncomplete):
		return call.Destination{Number: dialled}, 484, "Incomplete number"
	default:
		return call.Destination{Number: dialled}, 403, "Not allowed"
	}
}

// dialled is a receptionist's own INVITE: a code, a consultation for the call that she has, or a call in a tenant's name.
func (b *Board) dialled(leg call.LegID, at time.Time, ev call.Dialled) {
	if b.legs[leg] != nil {
		return
	}
	code, rest, is := b.cfg.Codes.parse(ev.Target)
	l := b.calls[b.queue.Reserved(ev.Agent)]
	switch has := l != nil && l.final == nil; {
	case is && !code.aims() && code != CodeCall:
		b.coded(leg, at, ev.Agent, code, rest)
	case has && code != CodeCall:
		c := call.Consult{Dialog: ev.Dialog}
		c.Target, c.Refuse, c.Reason = b.dialledTarget(l, ev.Target, true, at)
		b.adopt(l, leg, "agent")
		b.handle(l, at, leg, c)
	case has, is && code != CodeCall:
		b.cfg.Signals.Do(call.Reject{Leg: leg, Code: 403, Reason: "No call to consult for"})
	default:
		b.callsOut(leg, at, ev, rest, is)
	}
}

// callsOut makes a call of what a receptionist without one dials by her phone: in the name of the tenant whose own number stands
// behind the code, or of the one that she answers for, where that is one alone.
func (b *Board) callsOut(leg call.LegID, at time.Time, ev call.Dialled, rest string, coded bool) {
	o := Outgoing{Agent: ev.Agent, To: ev.Target}
	a, _ := b.dir.Agent(ev.Agent)
	if coded {
		number, to, _ := strings.Cut(rest, "*")
		t, _ := b.dir.TenantByNumber(number)
		o.Tenant, o.To = t.ID, to
	} else if len(a.Tenants) == 1 {
		o.Tenant = a.Tenants[0]
	}
	if o.Tenant == "" {
		b.cfg.Signals.Do(call.Reject{Leg: leg, Code: 403, Reason: "No call to consult for, and no tenant to call for"})
		return
	}
	if _, err := b.dialOut(o, leg, ev.Dialog, at); err != nil {
		b.log.Info("call out refused", "agent", ev.Agent, "tenant", o.Tenant, "err", err)
		refused := call.Reject{Leg: leg, Code: 403, Reason: "Not allowed"}
		switch {
		case errors.Is(err, ErrInvalid):
			refused.Code, refused.Reason = 404, "Not a number"
		case errors.Is(err, ErrConflict):
			refused.Code, refused.Reason = 480, "Not possible now"
		}
		b.cfg.Signals.Do(refused)
	}
}

// sentGrace is how long the token of an outgoing leg is known after the leg has ended: a PBX that forwards late, or
// whose INVITE crosses our CANCEL, must not make a new call of it. It is the longest life of an INVITE transaction that
// has been answered (RFC 3261 section 17.1.1.2, timer D).
const sentGrace = 32 * time.Second

// sent is what is remembered of a leg that went out by a trunk.
type sent struct {
	live    *live // nil when the leg has ended
	caller  string
	target  string
	ringing bool
}

type lapse struct {
	leg   call.LegID
	until time.Time
}

// lapse forgets legs that have ended long enough ago.
func (b *Board) lapse(now time.Time) {
	for len(b.lapsing) > 0 && !b.lapsing[0].until.After(now) {
		delete(b.sent, b.lapsing[0].leg)
		b.lapsing = b.lapsing[1:]
	}
}

// returned finds the outgoing leg that an arriving call is: one that carries its token, also where that leg has been
// answered or has ended a moment ago; or, without a token, one that was forwarded by the very target that the same
// caller is being connected with just now.
func (b *Board) returned(ev call.Arrived) *sent {
	if ev.Token != "" {
		if s, ok := b.sent[call.LegID(ev.Token)]; ok {
			return s
		}
	}
	if len(ev.Diverted) == 0 || ev.Caller.Number == "" || len(b.sent) == 0 {
		return nil
	}
	caller := b.normal(ev.Caller.Number)
	for _, s := range b.sent {
		if s.ringing && s.caller == caller && slices.ContainsFunc(ev.Diverted, func(d string) bool { return b.normal(d) == s.target }) {
			return s
		}
	}
	return nil
}

// normal is the E.164 form of a number where it has one, and the number as it stands where not.
func (b *Board) normal(number string) string {
	if e164, err := directory.ParseNumber(number, directory.Region); err == nil {
		return e164
	}
	return number
}
