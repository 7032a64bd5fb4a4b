package switchboard

import (
	"slices"
	"strings"
	"time"

	"telefonist/call"
)

// Code is something that an agent asks for by dialling.
type Code string

const (
	CodeLogin    Code = "login"
	CodeLogout   Code = "logout"
	CodePause    Code = "pause" // followed by the digit of a reason, or by nothing
	CodeResume   Code = "resume"
	CodePark     Code = "park"      // during a call: the held one
	CodePickUp   Code = "pick_up"   // followed by the slot
	CodeHandBack Code = "hand_back" // during a call
	CodeTakeBack Code = "take_back" // during a direct connection that rings
	CodeAwayOn   Code = "away_on"   // a tenant's own receptionist: the service answers
	CodeAwayOff  Code = "away_off"

	// During a call, in place of a number to connect or announce the caller to:
	CodeColleague  Code = "colleague" // followed by her extension
	CodeGroup      Code = "group"     // followed by its id on the keys of a telephone
	CodeSupervisor Code = "supervisor"
	// CodeCall is followed by a tenant's own number, an asterisk, and whom to call in its name.
	CodeCall Code = "call"
)

// aims tells whether a code stands for somebody to be called.
func (c Code) aims() bool { return c == CodeColleague || c == CodeGroup || c == CodeSupervisor }

// AllCodes lists every code.
var AllCodes = []Code{CodeLogin, CodeLogout, CodePause, CodeResume, CodePark, CodePickUp, CodeHandBack, CodeTakeBack, CodeAwayOn, CodeAwayOff,
	CodeColleague, CodeGroup, CodeSupervisor, CodeCall}

// Codes says what is dialled for each; one that is missing or empty cannot be dialled.
type Codes map[Code]string

// PauseReasons are the reasons of a pause by the digit that follows the code.
var PauseReasons = map[string]string{"": "other", "1": "lunch", "2": "meeting", "3": "admin", "4": "other"}

// parse tells which code was dialled, and what followed it. The longest one that fits is meant.
func (c Codes) parse(dialled string) (code Code, rest string, ok bool) {
	longest := 0
	for _, name := range AllCodes {
		if text := c[name]; text != "" && len(text) > longest && strings.HasPrefix(dialled, text) {
			code, rest, longest, ok = name, dialled[len(text):], len(text), true
		}
	}
	return code, rest, ok
}

// confirmFor bounds how long a leg that only hears a confirmation may stand.
const confirmFor = 15 * time.Second

// confirmation is a leg of an agent who dialled a code: she hears what became of it and is hung up.
type confirmation struct {
	leg   call.LegID
	until time.Time
	then  func(now time.Time) // when the leg has ended; may be nil
}

// outcome is what became of a code.
type outcome struct {
	clips []string // without their language; none: it was not possible
	then  func(now time.Time)
	kept  func(done func(error)) // where set: asks for it to be kept, and the clips are true when that is done
}

// coded carries out a code that an agent dialled, and tells her how it went.
func (b *Board) coded(leg call.LegID, at time.Time, agent string, code Code, rest string) {
	b.confirm(leg, at, b.obey(agent, code, rest, at))
}

// confirm has a leg hear what became of a code, and end.
func (b *Board) confirm(leg call.LegID, at time.Time, o outcome) {
	b.confirming = append(b.confirming, confirmation{leg, at.Add(confirmFor), o.then})
	b.cfg.Signals.Do(call.Accept{Leg: leg})
	if o.kept == nil {
		b.tell(leg, o)
		return
	}
	o.kept(func(err error) {
		b.box.put(mail{posted: time.Now(), run: func() { b.keptCode(leg, o, err) }}, 0)
	})
}

// keptCode tells the leg, where it still stands, whether what it asked for is kept.
func (b *Board) keptCode(leg call.LegID, o outcome, err error) {
	if err != nil {
		b.log.Error("what a code asked for could not be kept", "clips", o.clips, "err", err)
		o.clips = nil
	}
	i := slices.IndexFunc(b.confirming, func(c confirmation) bool { return c.leg == leg })
	if i < 0 {
		return
	}
	c := b.confirming[i]
	c.until = time.Now().Add(confirmFor)
	b.confirming = append(slices.Delete(b.confirming, i, i+1), c)
	b.tell(leg, o)
}

// tell has a leg hear what became of a code.
func (b *Board) tell(leg call.LegID, o outcome) {
	if len(o.clips) == 0 {
		o.clips = []string{clipNotAllowed}
	}
	clips := make([]string, len(o.clips))
	for i, c := range o.clips {
		clips[i] = call.Swedish + "-" + c
	}
	b.cfg.Media.Do(call.Say{Leg: leg, Clips: clips})
}

// confirmed hears of a leg that hears a confirmation.
func (b *Board) confirmed(leg call.LegID, at time.Time, ev call.Event) {
	i := slices.IndexFunc(b.confirming, func(c confirmation) bool { return c.leg == leg })
	if i < 0 {
		return
	}
	switch ev.(type) {
	case call.Ended, call.Failed:
	case call.PromptDone, call.MediaLost:
		b.cfg.Signals.Do(call.Hangup{Leg: leg, Cause: call.CausePolicy})
	default:
		return
	}
	c := b.confirming[i]
	b.confirming = slices.Delete(b.confirming, i, i+1)
	if c.then != nil {
		c.then(at)
	}
}

// confirmedLongEnough ends those that have stood for too long.
func (b *Board) confirmedLongEnough(now time.Time) {
	for len(b.confirming) > 0 && !b.confirming[0].until.After(now) {
		c := b.confirming[0]
		b.confirming = b.confirming[1:]
		b.cfg.Signals.Do(call.Hangup{Leg: c.leg, Cause: call.CausePolicy})
		if c.then != nil {
			c.then(now)
		}
	}
}

// codedByTrunk takes a code that comes by a trunk. A tenant's own receptionist who is reached behind it is known by the number that
// the PBX shows of her, and dials what she could dial by a phone of ours. Anybody behind a trunk that has one tenant alone switches
// the service on or off.
func (b *Board) codedByTrunk(leg call.LegID, at time.Time, ev call.Arrived) bool {
	code, rest, is := b.cfg.Codes.parse(ev.Called)
	if !is || code.aims() || code == CodeCall {
		return false
	}
	if agent := b.behind(ev.Trunk, ev.Caller.Number); agent != "" {
		b.coded(leg, at, agent, code, rest)
		return true
	}
	if code != CodeAwayOn && (code != CodeAwayOff || rest != "") {
		return false
	}
	tenant, alone := b.onlyTenant(ev.Trunk)
	if !alone {
		return false
	}
	b.confirm(leg, at, b.switchAway(tenant, code == CodeAwayOn, rest, "trunk:"+ev.Trunk, at))
	return true
}

// behind is the agent who is reached behind a trunk by the number that a call shows; nobody where it may be one of several.
func (b *Board) behind(trunk, number string) (id string) {
	if number == "" {
		return ""
	}
	for _, a := range b.dir.Agents() {
		if a.ViaTrunk == "" || a.Disabled || b.via(a).Trunk != trunk || b.normal(number) != a.ViaTrunk {
			continue
		}
		if id != "" {
			return ""
		}
		id = a.ID
	}
	return id
}

// onlyTenant is the tenant of a trunk that has one alone.
func (b *Board) onlyTenant(trunk string) (id string, alone bool) {
	for _, t := range b.dir.Tenants() {
		if t.Trunk != trunk || t.Disabled {
			continue
		}
		if id != "" {
			return "", false
		}
		id = t.ID
	}
	return id, id != ""
}
