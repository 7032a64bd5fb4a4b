package directory

import (
	"slices"
	"strings"
	"time"

	"telefonist/calendar"
	"telefonist/call"
)

// Mode says when the service answers for a tenant, beside or in place of the tenant's own receptionists.
type Mode string

// The modes. Where a tenant has no receptionists of its own here, the service answers in all of them.
const (
	// ModeAlways: the service answers every call while it is open.
	ModeAlways Mode = "always"
	// ModeWithOwn: the tenant's own receptionists first, the pool besides after a while.
	ModeWithOwn Mode = "with_own"
	// ModeOverflow: the pool takes what the tenant's own receptionists cannot, at once.
	ModeOverflow Mode = "overflow"
	// ModeClosedHours: the tenant's own receptionists during its opening hours, the pool outside them.
	ModeClosedHours Mode = "closed_hours"
	// ModeWhenAway: the pool only while the tenant's own receptionists are away.
	ModeWhenAway Mode = "when_away"
)

// Modes lists the closed set.
var Modes = []Mode{ModeAlways, ModeWithOwn, ModeOverflow, ModeClosedHours, ModeWhenAway}

// OrAlways is the mode, ModeAlways where none is named.
func (m Mode) OrAlways() Mode {
	if m == "" {
		return ModeAlways
	}
	return m
}

// Shut is what happens to a call when nobody answers for the tenant.
type Shut string

// What may happen.
const (
	ShutPrompt  Shut = "prompt"  // a prompt, then hang up
	ShutBusy    Shut = "busy"    // busy
	ShutForward Shut = "forward" // on to another number
	ShutAnswer  Shut = "answer"  // the pool answers anyway
)

// Serving says when a tenant's calls are answered and by whom. The zero value is the service at all hours, each agent who
// answers for the tenant alike.
type Serving struct {
	Mode Mode `json:"mode"` // empty: ModeAlways
	// Hours are the tenant's opening hours. Without any it is always open. In ModeClosedHours they say when the tenant's own
	// receptionists answer, in all other modes when anybody does.
	Hours calendar.Hours `json:"hours,omitzero"`
	// Pool are the hours of the service's receptionists, where the tenant has them for a part of the time only. Without any:
	// at all times at which the mode calls for them.
	Pool calendar.Hours `json:"pool,omitzero"`
	// The pool joins the tenant's own receptionists when a caller has waited for After, or as soon as When callers wait. Zero
	// When: not by number.
	After time.Duration `json:"after,omitempty"`
	When  int           `json:"when,omitempty"`
	// Shut says what happens when nobody answers; Prompt and To are for ShutPrompt and ShutForward.
	Shut   Shut   `json:"shut,omitempty"`
	Prompt string `json:"prompt,omitempty"`
	To     string `json:"to,omitempty"`
	// Serve are the levels, skills, strategy and share of the pool.
	// They hold for the tenant's own receptionists as well, who have all skills that their tenant asks for.
	Serve call.Serve `json:"serve,omitzero"`

	ready *serves // set by New
}

// Callers are a tenant's lists of callers.
type Callers struct {
	VIP     []Caller `json:"vip,omitempty"`
	Blocked []Caller `json:"blocked,omitempty"`
	// Boost is added to the priority of those in VIP.
	Boost int `json:"boost,omitempty"`
}

// Caller is a number (E.164), the beginning of numbers with an asterisk behind it ("+4690*"), or Anonymous.
type Caller string

// Anonymous stands for callers who do not show their number.
const Anonymous Caller = "anonymous"

// Is tells whether a caller's number (E.164, an extension, or empty where it is not shown) is meant.
func (c Caller) Is(number string) bool {
	if c == Anonymous {
		return number == "" || strings.EqualFold(number, string(Anonymous))
	}
	if beginning, found := strings.CutSuffix(string(c), "*"); found {
		return number != "" && strings.HasPrefix(number, beginning)
	}
	return number == string(c)
}

func listed(list []Caller, number string) bool {
	return slices.ContainsFunc(list, func(c Caller) bool { return c.Is(number) })
}

// Turn says whose turn it is to answer.
type Turn string

// The turns. Nobody's means that the call is not put into a queue.
const (
	TurnPool   Turn = "service"          // the service's receptionists; in ModeAlways without levels the tenant's own alike
	TurnOwn    Turn = "own"              // the tenant's own receptionists
	TurnBoth   Turn = "own_then_service" // own first, then the pool
	TurnNobody Turn = "closed"
)

// turn decides whose turn it is at an instant.
func (s Serving) turn(at time.Time, c calendar.Calendar, hasOwn, away bool) Turn {
	return s.turnWhen(!s.Hours.Known() || s.Hours.OpenAt(at, c), !s.Pool.Known() || s.Pool.OpenAt(at, c), hasOwn, away)
}

// turnWhen decides it by all that it depends on: whether the tenant is open, and whether the service is there for it.
func (s Serving) turnWhen(open, here, hasOwn, away bool) Turn {
	own := open && !away && s.Mode != ModeAlways && s.Mode != ""
	var pool bool
	switch s.Mode {
	case ModeClosedHours:
		pool = !open || away
	case ModeWhenAway:
		pool = open && away
	default:
		pool = open
	}
	if own && !hasOwn { // nobody of their own could take it: the caller is not left waiting for nobody
		own, pool = false, true
	}
	pool = pool && here
	if !own && !pool && s.Shut == ShutAnswer {
		pool = true
	}
	switch {
	case own && pool:
		return TurnBoth
	case own:
		return TurnOwn
	case pool:
		return TurnPool
	}
	return TurnNobody
}

// skills are all that the tenant asks for, by whatever number.
func (t Tenant) skills() []string {
	all := slices.Clone(t.Serving.Serve.Skills)
	for _, s := range t.ByNumber {
		all = append(all, s.Serve.Skills...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// shut says what the call is told while nobody answers.
func (s Serving) shut() call.Overflow {
	switch s.Shut {
	case ShutBusy:
		return call.OverflowBusy
	case ShutForward:
		return call.OverflowForward
	}
	return call.OverflowPrompt
}

// serves holds who is offered calls, for each turn. The calls of one directory share it.
type serves struct{ pool, own, both *call.Serve }

// prepare makes what the calls of one directory share.
func (s *Serving) prepare() {
	s.ready = &serves{s.newServe(TurnPool), s.newServe(TurnOwn), s.newServe(TurnBoth)}
}

// serve says who is offered calls in a turn; nil where that is everybody who answers for the tenant.
func (s Serving) serve(turn Turn) *call.Serve {
	switch {
	case s.ready == nil: // of a tenant that is in no directory
		return s.newServe(turn)
	case turn == TurnOwn:
		return s.ready.own
	case turn == TurnBoth:
		return s.ready.both
	}
	return s.ready.pool
}

// OwnAlike tells whether the tenant's own receptionists are offered calls just as the service's are, when it is the service's turn.
func (s Serving) OwnAlike() bool { return s.levels(TurnPool) == nil }

func (s Serving) newServe(turn Turn) *call.Serve {
	out := call.Serve{Levels: s.levels(turn), Strategy: s.Serve.Strategy, Skills: slices.Clone(s.Serve.Skills), Share: s.Serve.Share}
	if out.Levels == nil && out.Strategy == "" && out.Skills == nil && out.Share == 0 {
		return nil
	}
	return &out
}

// levels gives those of a turn.
func (s Serving) levels(turn Turn) []call.Level {
	var pool []call.Level
	for _, l := range s.Serve.Levels {
		l.Groups = slices.Clone(l.Groups)
		pool = append(pool, l)
	}
	if pool == nil && s.Mode != ModeAlways && s.Mode != "" {
		pool = []call.Level{{}} // the service's agents alone
	}
	own := []call.Level{{Own: true}}
	switch turn {
	case TurnOwn:
		return own
	case TurnBoth:
		for i := range pool {
			pool[i].After += s.After
		}
		if len(pool) > 0 && s.When > 0 && (pool[0].When == 0 || pool[0].When > s.When) {
			pool[0].When = s.When
		}
		return append(own, pool...)
	}
	return pool
}
