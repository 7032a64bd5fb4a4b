package switchboard

import (
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
)

// CallInfo is one live call.
type CallInfo struct {
	ID      call.ID    `json:"id"`
	Tenant  string     `json:"tenant"`
	Common  string     `json:"common_number,omitempty" doc:"The common number that was dialled, by its name"`
	Kind    call.Way   `json:"kind,omitempty" enum:",out,callback"`
	Caller  string     `json:"caller,omitempty"`
	Agent   string     `json:"agent,omitempty"`
	Arrived time.Time  `json:"arrived"`
	Waiting bool       `json:"waiting,omitempty" doc:"In line"`
	Place   int        `json:"place,omitempty" doc:"Her place in the order of service, from 1: by priority and wait, whatever her tenant's share"`
	Slot    int        `json:"slot,omitempty" doc:"Where it is parked"`
	Last    call.Entry `json:"last" doc:"The last line of its story"`

	Phase      call.Phase    `json:"phase" enum:"arriving,waiting,offering,opening,talking,consulting,conference,connecting,connected,forwarding,leaving,parked,calling,ended" doc:"What the call is doing"`
	Held       bool          `json:"held,omitempty" doc:"The receptionist holds the caller, by console or phone"`
	On         call.Side     `json:"on,omitempty" enum:"caller,target" doc:"Whom the receptionist speaks to who consults"`
	HandlingMS int64         `json:"handling_ms" doc:"Handling time as of the answer's at"`
	Handling   bool          `json:"handling,omitempty" doc:"It runs"`
	Marks      *MarksInfo    `json:"marks,omitempty" doc:"Handling time at which something happens, granted time included; missing: none is counted"`
	May        []call.Action `json:"may,omitempty" doc:"What whoever looks could ask for now, with a target who may be called: as the receptionist of the call, or as a supervisor"`
	Target     *TargetInfo   `json:"target,omitempty" doc:"Who is being called, or is connected"`
	Recall     *RecallInfo   `json:"recall,omitempty" doc:"Why the caller came back, until the next thing is done about it"`

	// Allowed is who could ask for what; whoever shows it writes May.
	Allowed []Allowed `json:"-"`
}

// Allowed is what somebody could ask for: one of the call's receptionists or, where Agent is empty, a supervisor.
type Allowed struct {
	Agent string
	May   call.ActionSet
}

// MayBy lists what an agent, or a supervisor, could ask for when the call was looked at.
func (c *CallInfo) MayBy(agent string, supervises bool) []call.Action {
	var s call.ActionSet
	for _, a := range c.Allowed {
		if a.Agent == "" && supervises || a.Agent != "" && a.Agent == agent {
			s |= a.May
		}
	}
	return s.List()
}

// MarksInfo are marks of handling time in milliseconds.
type MarksInfo struct {
	Warn int64 `json:"warn_ms,omitempty" doc:"The soft tone"`
	Over int64 `json:"over_ms,omitempty" doc:"The tone, and what the tenant wants at the limit"`
	Long int64 `json:"long_ms,omitempty" doc:"From here on it is charged as a long call"`
	Cap  int64 `json:"cap_ms,omitempty" doc:"The call ends"`
}

// TargetInfo is who is being called for a caller, or is connected with her.
type TargetInfo struct {
	Number string    `json:"number,omitempty"`
	Agent  string    `json:"agent,omitempty" doc:"A colleague"`
	How    call.How  `json:"how" enum:"connect,announce,forward" doc:"forward: by a rule, or by a supervisor"`
	State  string    `json:"state" enum:"ringing,talking"`
	Since  time.Time `json:"since"`
}

// RecallInfo tells why a caller came back.
type RecallInfo struct {
	At     time.Time     `json:"at"`
	Reason string        `json:"reason" doc:"busy, no_answer, failed, returned (the target's phone forwards to the service), parked (for too long)"`
	Code   int           `json:"code,omitempty" doc:"The SIP status of who was called"`
	Number string        `json:"number,omitempty" doc:"Who was called"`
	Agent  string        `json:"agent,omitempty" doc:"The colleague who was called"`
	Target *RecallTarget `json:"target,omitempty" doc:"What may be said just now of who was called, for the receptionist of the call"`
}

// RecallTarget is what may be said of who was called. The switchboard leaves it out: it knows no people.
type RecallTarget struct {
	Person   string              `json:"person,omitempty" doc:"Her id in the directory"`
	Name     string              `json:"name,omitempty"`
	Presence *directory.Presence `json:"presence,omitempty"`
	State    queue.State         `json:"agent_state,omitempty" doc:"Of a colleague"`
}

// info is what is told of a call.
func (b *Board) info(l *live, now time.Time) CallInfo {
	info := CallInfo{ID: l.head.Call, Tenant: l.head.Rules.Tenant, Common: l.head.Rules.CommonName, Kind: l.head.Rules.Kind,
		Caller: l.head.Caller.Number, Agent: l.call.Agent(), Arrived: l.head.Received, Waiting: l.waiting, Slot: l.slot, Last: l.story[len(l.story)-1]}
	info.Last.Dialog = nil // for ending legs after a crash
	if l.waiting {
		info.Place = b.queue.Position(l.head.Call)
	}
	v := l.call.View(l.instant(now))
	info.Phase, info.Held, info.On, info.Handling, info.HandlingMS = v.Phase, v.Held, v.On, v.Handling, v.Handled.Milliseconds()
	if m := v.Marks; m != (call.Marks{}) {
		info.Marks = &MarksInfo{m.Warn.Milliseconds(), m.Over.Milliseconds(), m.Long.Milliseconds(), m.Cap.Milliseconds()}
	}
	if w := v.Target; !w.Since.IsZero() {
		info.Target = &TargetInfo{w.To.Number, w.To.Agent, w.How, "ringing", w.Since}
		if w.Talking {
			info.Target.State = "talking"
		}
	}
	if r := v.Recall; !r.At.IsZero() {
		info.Recall = &RecallInfo{At: r.At, Reason: r.Reason, Code: r.Code, Number: r.To.Number, Agent: r.To.Agent}
	}
	info.Allowed = append(make([]Allowed, 0, 2), Allowed{"", l.call.May("", true)})
	for _, agent := range l.agents {
		info.Allowed = append(info.Allowed, Allowed{agent, l.call.May(agent, false)})
	}
	return info
}
