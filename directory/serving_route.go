package directory

import (
	"maps"
	"slices"
	"time"

	"telefonist/calendar"
	"telefonist/call"
)

// Answer says what becomes of a call that has arrived.
type Answer string

// The answers.
const (
	AnswerQueue   Answer = "answer"  // into the waiting line
	AnswerClosed  Answer = "closed"  // nobody answers now: what Rules.Closed says
	AnswerBlocked Answer = "blocked" // the caller is on the tenant's list of blocked callers: refused
)

// Decision is what the settings say of one call, and why.
type Decision struct {
	Answer Answer
	Turn   Turn
	// VIP tells that the caller is on the tenant's list.
	VIP bool
}

// RulesAt returns the rules of one call that arrives at an instant by the common number (zero value: not known), and whether
// it is answered at all. Caller is the caller's number, empty where it is not shown; sw is what the tenant's own receptionists
// have set. The rules share nothing with the directory but what they never write to, Serve. It depends on nothing but its arguments.
func RulesAt(t Tenant, common CommonNumber, at time.Time, caller string, sw Switch) (call.Rules, Decision) {
	r := t.Rules
	r.CommonNumber, r.CommonName, r.CustomerService = common.Number, common.Name, common.CustomerService
	r.Display = Display(t, common)
	r.Voicemail, r.Welcome = slices.Clone(t.Rules.Voicemail), slices.Clone(t.Rules.Welcome)
	r.Keys = maps.Clone(t.Rules.Keys)

	s := t.ServingOf(common)
	d := Decision{Answer: AnswerQueue, Turn: s.turn(at, t.Plan.Calendar(), t.HasOwn, sw.AwayAt(at))}
	caller = t.Callers.normal(caller, t.Number)
	if listed(t.Callers.Blocked, caller) {
		d.Answer = AnswerBlocked
		return r, d
	}
	if d.VIP = listed(t.Callers.VIP, caller); d.VIP {
		r.Priority += t.Callers.Boost
	}
	if d.Turn == TurnNobody {
		d.Answer = AnswerClosed
		r.Closed, r.ClosedPrompt, r.ClosedTo = s.shut(), s.Prompt, s.To
		return r, d
	}
	r.Serve = s.serve(d.Turn)
	return r, d
}

// normal brings a caller's number into the form that the lists have, where it may be in one and is not in that form already.
func (c Callers) normal(caller, home string) string {
	if len(c.VIP)+len(c.Blocked) == 0 || caller == "" || caller[0] == '+' {
		return caller
	}
	if number, err := ParseNumber(caller, regionOf(home)); err == nil {
		return number
	}
	return caller
}

// RulesFor is RulesAt for a call whose caller and instant make no difference: what the tenant's settings say of all calls by
// the common number.
func RulesFor(t Tenant, common CommonNumber) call.Rules {
	t.Callers, t.ByNumber = Callers{}, nil
	t.Serving.Mode, t.Serving.Hours, t.Serving.Pool = ModeAlways, calendar.Hours{}, calendar.Hours{}
	r, _ := RulesAt(t, common, time.Time{}, "", Switch{})
	return r
}

// ServingOf says when calls by a common number are answered, and by whom.
func (t Tenant) ServingOf(common CommonNumber) Serving {
	if s, differs := t.ByNumber[common.Number]; differs && common.Number != "" {
		return s
	}
	return t.Serving
}
