package switchboard

import (
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

// setAgent changes what an agent does between calls.
func (b *Board) setAgent(o AgentOrder, now time.Time) error {
	if a, known := b.dir.Agent(o.Agent); !known || a.Disabled {
		return unknown("agent", o.Agent)
	}
	if o.Reason == "" {
		o.Reason = queue.PausedOther
	}
	ok := false
	switch o.To {
	case queue.Available:
		ok = b.queue.Login(o.Agent, now)
		b.queue.Resume(o.Agent, now)
	case queue.Paused:
		if !slices.Contains(queue.Chosen, o.Reason) {
			return fmt.Errorf("%q is no reason for a pause: write one of %s: %w", o.Reason, strings.Join(queue.Chosen, ", "), ErrInvalid)
		}
		ok = b.queue.Pause(o.Agent, o.Reason, now)
	case queue.Offline:
		ok = b.queue.Logout(o.Agent, now)
	default:
		return fmt.Errorf("nobody can be put into the state %q: %w", o.To, ErrInvalid)
	}
	if !ok {
		return unknown("agent", o.Agent)
	}
	b.log.Info("agent's state set", "agent", o.Agent, "to", o.To, "reason", o.Reason, "by", o.By)
	return nil
}

// Clips that tell an agent what became of a code, without their language. NumberClips of package call speak the slot.
const (
	clipLoggedIn   = "logged-in"
	clipLoggedOut  = "logged-out"
	clipPaused     = "paused"
	clipResumed    = "resumed"
	clipParked     = "parked"
	clipHandedBack = "handed-back"
	clipPickUp     = "picking-up"
	clipAwayOn     = "away-on"
	clipAwayOff    = "away-off"
	clipNotAllowed = "not-allowed"
)

// CodeClips lists the clips that tell an agent what became of a code, in a language.
func CodeClips(language string) []string {
	names := []string{clipLoggedIn, clipLoggedOut, clipPaused, clipResumed, clipParked, clipHandedBack, clipPickUp, clipAwayOn, clipAwayOff, clipNotAllowed}
	for i := range names {
		names[i] = language + "-" + names[i]
	}
	return names
}

// obey carries out a code that an agent dialled.
func (b *Board) obey(agent string, code Code, rest string, now time.Time) (o outcome) {
	done := func(err error, clips ...string) outcome {
		if err != nil {
			b.log.Info("code not carried out", "agent", agent, "code", code, "err", err)
			return outcome{}
		}
		return outcome{clips: clips}
	}
	set := func(to queue.State, reason string) error {
		return b.setAgent(AgentOrder{Agent: agent, To: to, Reason: reason, By: byAgent + agent}, now)
	}
	if takes := code == CodePause || code == CodePickUp || code == CodeAwayOn; rest != "" && !takes {
		return o
	}
	switch code {
	case CodeLogin:
		return done(set(queue.Available, ""), clipLoggedIn)
	case CodeLogout:
		return done(set(queue.Offline, ""), clipLoggedOut)
	case CodeResume:
		return done(set(queue.Available, ""), clipResumed)
	case CodePause:
		if reason, known := PauseReasons[rest]; known {
			return done(set(queue.Paused, reason), clipPaused)
		}
	case CodePark:
		d, err := b.do(Order{Agent: agent, Do: call.ActPark}, now)
		return done(err, append([]string{clipParked}, number(d.Slot)...)...)
	case CodeHandBack:
		_, err := b.do(Order{Agent: agent, Do: call.ActHandBack}, now)
		return done(err, clipHandedBack)
	case CodeTakeBack:
		_, err := b.do(Order{Agent: agent, Do: call.ActTakeBack}, now)
		return done(err, clipPickUp)
	case CodePickUp:
		who, known := b.dir.Agent(agent)
		if slot, err := strconv.Atoi(rest); err == nil && known && b.parkedFor(who, slot) != nil {
			return outcome{clips: []string{clipPickUp}, then: func(now time.Time) {
				if _, err := b.pickUp(agent, slot, "", now); err != nil {
					b.log.Info("code not carried out", "agent", agent, "code", code, "err", err)
				}
			}}
		}
	case CodeAwayOn, CodeAwayOff:
		if a, known := b.dir.Agent(agent); known && a.Kind == call.Own && len(a.Tenants) == 1 {
			return b.switchAway(a.Tenants[0], code == CodeAwayOn, rest, byAgent+agent, now)
		}
	}
	return o
}

// number is how a slot is spoken, without the language.
func number(n int) []string {
	var names []string
	for _, c := range call.NumberClips(call.Swedish, n) {
		names = append(names, strings.TrimPrefix(c, call.Swedish+"-"))
	}
	return names
}

// switchAway tells that a tenant's own receptionists are away, or back; until is the time of day that was dialled behind the code.
// Whoever keeps that comes back with a new directory, and only then is it confirmed.
func (b *Board) switchAway(tenant string, away bool, until, by string, now time.Time) outcome {
	end, err := directory.DialledUntil(until, now)
	if b.cfg.Away == nil || err != nil {
		return outcome{}
	}
	clip := clipAwayOff
	if away {
		clip = clipAwayOn
	}
	return outcome{clips: []string{clip}, kept: func(done func(error)) {
		b.cfg.Away(tenant, directory.Switch{Away: away, Until: end}, by, done)
	}}
}

// restored puts back what a former process kept: agents' log-ins and pauses, wishes in line, and the places of who gave up or was cut off.
func (b *Board) restored(now time.Time) {
	for _, k := range b.cfg.Kept {
		switch k.Kind {
		case record.KeptAgent:
			b.restoreAgent(k, now)
		case record.KeptWish:
			b.restoreWish(k, now)
		}
	}
	b.restorePlaces(now)
}
