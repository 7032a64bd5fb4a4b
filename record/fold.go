package record

import (
	"slices"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Fold makes the record of an ended call from its head and its story, which must end in KindEnded. It is pure: the
// same story always gives the same record.
func Fold(h Head, story []call.Entry) Record {
	f := fold{head: h, rec: Record{
		Call: h.Call, Tenant: h.Rules.Tenant, Number: h.Rules.Number, CommonNumber: h.Rules.CommonNumber,
		Received: h.Received, Story: story,
		Parties: Parties{Caller: h.Caller.Number, CallerName: h.Caller.Name, Private: h.Caller.Private, SIPCall: h.SIPCall},
	}, present: map[string]presence{}}
	for _, e := range story {
		f.entry(e)
	}
	return f.record()
}

// Interrupted closes the story of a call found in the journal after a crash: it ends at the last instant that is known
// of it, its heartbeat or the last entry, whichever is later.
func Interrupted(o Open) Record {
	last := o.Heartbeat
	for _, e := range o.Story {
		if e.Since > last.Since || last.Wall.IsZero() {
			last = call.Instant{Wall: e.Wall, Since: e.Since}
		}
	}
	if last.Wall.IsZero() {
		last.Wall = o.Head.Received
	}
	if n := len(o.Story); n > 0 && o.Story[n-1].Kind == call.KindEnded {
		return Fold(o.Head, o.Story) // it had ended; only its record was not written
	}
	end := call.Entry{Wall: last.Wall, Since: last.Since, Kind: call.KindEnded,
		Reason: call.EndReason(call.OutcomeInterrupted, call.CauseCrash)}
	return Fold(o.Head, append(slices.Clone(o.Story), end))
}

// presence is one agent's open stretch in the call.
type presence struct {
	from time.Duration
	kind call.AgentKind
}

type fold struct {
	head    Head
	rec     Record
	present map[string]presence
	handled []tariff.Interval // stretches of the service's receptionists
	service bool              // a receptionist of the service answered
	waited  time.Duration
	ended   time.Duration
	answers []answer
}

// answer is one receptionist's 200; a withdrawn one is taken back.
type answer struct {
	agent string
	kind  call.AgentKind
	at    call.Instant
}

func (f *fold) entry(e call.Entry) {
	switch e.Kind {
	case call.KindAnswered, call.KindColleague: // a colleague's handling begins where her predecessor's ended
		f.enter(e)
		f.answers = append(f.answers, answer{e.Agent, e.AgentKind, call.Instant{Wall: e.Wall, Since: e.Since}})
	case call.KindReturned:
		f.enter(e)
	case call.KindWithdrawn:
		delete(f.present, e.Agent)
		f.withdraw(e.Agent)
	case call.KindLeft:
		f.leave(e.Agent, e.Since)
	case call.KindMediated:
		f.rec.Mediated, f.rec.Parties.Target = e.Reason, e.Number
	case call.KindRecalled:
		f.rec.Mediated, f.rec.Parties.Target = "", ""
	case call.KindEnded:
		for agent := range f.present {
			f.leave(agent, e.Since)
		}
		f.ended, f.rec.Ended = e.Since, e.Wall
		f.rec.Outcome, f.rec.Cause = splitEnd(e.Reason)
	}
}

func (f *fold) enter(e call.Entry) {
	if _, in := f.present[e.Agent]; !in {
		f.present[e.Agent] = presence{e.Since, e.AgentKind}
	}
}

func (f *fold) leave(agent string, at time.Duration) {
	p, in := f.present[agent]
	if !in {
		return
	}
	delete(f.present, agent)
	if p.kind == call.Service && f.rated() {
		f.handled = append(f.handled, tariff.Interval{From: p.from, To: max(at, p.from)})
	}
}

// rated tells whether what receptionists of the service do in the call is handling that is charged. Calling out is not.
func (f *fold) rated() bool { return f.head.Rules.Kind != call.Outgoing }

func (f *fold) withdraw(agent string) {
	for i := len(f.answers) - 1; i >= 0; i-- {
		if f.answers[i].agent == agent {
			f.answers = slices.Delete(f.answers, i, i+1)
			return
		}
	}
}

func (f *fold) record() Record {
	r := f.rec
	f.waited = f.ended
	var first call.Instant
	for i, a := range f.answers {
		if i == 0 {
			f.waited, r.Answered, r.Parties.Agent = a.at.Since, a.at.Wall, a.agent
		}
		if a.kind == call.Service && !f.service && f.rated() {
			f.service, first = true, a.at
		}
		if !slices.Contains(r.Parties.Agents, a.agent) {
			r.Parties.Agents = append(r.Parties.Agents, a.agent)
		}
	}
	r.WaitedMS = f.waited.Milliseconds()
	handled := tariff.Handled(f.handled)
	r.HandledMS = tariff.CeilMS(handled)
	mediated := tariff.NotMediated
	switch r.Mediated {
	case call.ByDirect:
		mediated = tariff.Direct
	case call.ByAnnounced:
		mediated = tariff.Announced
	}
	if row, ok := f.head.Plan.Rate(tariff.Facts{AnsweredAt: first.Wall, Handled: handled, Mediated: mediated,
		CustomerService: f.head.Rules.CustomerService, ServiceAnswered: f.service}); ok {
		r.Row = &row
	}
	return r
}

// splitEnd reads what call.EndReason writes.
func splitEnd(s string) (call.Outcome, call.Cause) {
	outcome, cause, _ := strings.Cut(s, "/")
	return call.Outcome(outcome), call.Cause(cause)
}
