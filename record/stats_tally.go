package record

import (
	"strings"
	"time"

	"telefonist/call"
)

// TallyVersion is the version of what a Tally counts: where it changes, statistics are made anew from the stream.
const TallyVersion = 2

// Tally is the fold from the stream of events to statistics. Every event is given to Add once, in the order of the numbers; what it
// changes is told cell by cell. What a Tally holds is what is under way, calls and states of agents, so it stays small; as JSON
// it may be kept, and goes on where it was left: the sum of what it tells is the same however often that is done.
type Tally struct {
	Version int `json:"version"`
	// Through is the number of the last event that was added, Clock the latest instant of any.
	Through uint64                 `json:"through"`
	Clock   time.Time              `json:"clock"`
	Calls   map[call.ID]*tallyCall `json:"calls,omitempty"`
	Agents  map[string]*tallyAgent `json:"agents,omitempty"`
}

// NewTally counts from the beginning of a stream.
func NewTally() *Tally { return &Tally{Version: TallyVersion} }

// Tell hears what changed in a cell. A call changes those of the service, its tenant, the agent, and the agent's calls for the
// tenant.
type Tell func(Cell, Counts)

// tallyCall is a call that has not ended.
type tallyCall struct {
	Tenant   string    `json:"tenant"`
	Arrived  time.Time `json:"arrived"`
	Way      call.Way  `json:"way,omitempty"`
	Offered  bool      `json:"offered,omitempty"`
	Answered bool      `json:"answered,omitempty"` // counted
	// Back are those whose phones ring since the caller has come back to them.
	Back map[string]bool `json:"back,omitempty"`
	// Answers are those of which it is not known yet whether they count.
	Answers []tallyAnswer `json:"answers,omitempty"`
	// Desks are the receptionists that have, or had, the call.
	Desks map[string]*tallyDesk `json:"desks,omitempty"`
}

type tallyAnswer struct {
	Agent string         `json:"agent"`
	Kind  call.AgentKind `json:"kind,omitempty"`
	Since time.Duration  `json:"since"`
}

// tallyDesk is what one receptionist does with a call.
type tallyDesk struct {
	Kind    call.AgentKind `json:"kind,omitempty"`
	Hour    int64          `json:"hour"` // of her first answer
	Counted bool           `json:"counted,omitempty"`
	Here    bool           `json:"here,omitempty"` // since From
	From    time.Duration  `json:"from,omitempty"`
	Holds   bool           `json:"holds,omitempty"` // since HeldFrom
	HeldAt  time.Duration  `json:"held_at,omitempty"`
	Held    time.Duration  `json:"held,omitempty"` // of this stretch, before HeldAt
}

// tallyAgent is the state of an agent.
type tallyAgent struct {
	Kind   call.AgentKind `json:"kind,omitempty"`
	In     bool           `json:"in,omitempty"` // logged in
	State  string         `json:"state,omitempty"`
	Since  time.Time      `json:"since"`
	Call   call.ID        `json:"call,omitempty"`
	Tenant string         `json:"tenant,omitempty"` // whose call it is
	// Last is the call that she had last, Hour the hour in which she answered it: there its wrap-up is counted.
	Last call.ID `json:"last,omitempty"`
	Hour int64   `json:"hour,omitempty"`
}

// Add counts an event. One that was added already, by its number, changes nothing.
func (t *Tally) Add(e StreamEvent, tell Tell) {
	if e.Seq != 0 && e.Seq <= t.Through {
		return
	}
	t.Through = e.Seq
	switch e.About {
	case AboutCall:
		t.call(e, tell)
	case AboutAgent:
		t.agent(e, tell)
	case AboutService:
		t.service(e, tell)
	}
	if e.At.After(t.Clock) {
		t.Clock = e.At
	}
}

// Open tells what is under way at an instant and will be told in the end: time that agents have spent in the states that
// they are in. It changes nothing.
func (t *Tally) Open(at time.Time, tell Tell) {
	for id, a := range t.Agents {
		one := *a
		one.until(id, at, tell)
	}
}

// service: a server that starts has lost what the one before knew of its agents, who are told anew. What they did after the last
// event that it left is not known.
func (t *Tally) service(e StreamEvent, tell Tell) {
	at := t.Clock
	if e.Kind == ServiceDown {
		at = e.At
	}
	for id, a := range t.Agents {
		a.until(id, at, tell)
	}
	t.Agents = nil
	for id, c := range t.Calls {
		if e.At.Sub(c.Arrived) > lostCall {
			delete(t.Calls, id)
		}
	}
}

// lostCall is how long after its arrival a call is given up whose end the stream never tells.
const lostCall = 24 * time.Hour

func (t *Tally) call(e StreamEvent, tell Tell) {
	if k := call.Kind(e.Kind); k == call.KindArrived || k == call.KindDialled {
		t.arrived(e, tell)
		return
	}
	c := t.Calls[e.Call]
	if c == nil {
		return // it arrived before the stream began
	}
	switch call.Kind(e.Kind) {
	case call.KindQueued:
		c.offered(tell)
	case call.KindOffered:
		c.rung(e, tell)
	case call.KindMissed:
		if _, back := c.Back[e.Agent]; !back {
			tellAgent(tell, c.Tenant, e.Agent, hourOf(e.At), Counts{Missed: 1})
		}
	case call.KindAnswered:
		c.Answers = append(c.Answers, tallyAnswer{e.Agent, e.AgentKind, e.Since})
		t.enter(c, e)
	case call.KindReturned, call.KindColleague:
		t.enter(c, e)
	case call.KindWithdrawn:
		c.withdraw(e.Agent)
	case call.KindHeld, call.KindResumed:
		c.hold(e.Agent, call.Kind(e.Kind) == call.KindHeld, e.Since)
	case call.KindOpened:
		c.answered(tell)
	case call.KindLeft:
		c.answered(tell)
		c.leave(e.Agent, e.Since, tell)
	case call.KindOverran:
		c.tell(tell, Counts{Overran: 1})
	case call.KindEnded:
		c.answered(tell)
		for agent := range c.Desks {
			c.leave(agent, e.Since, tell)
		}
		c.ended(e, tell)
		delete(t.Calls, e.Call)
	}
}

func (t *Tally) arrived(e StreamEvent, tell Tell) {
	if t.Calls == nil {
		t.Calls = map[call.ID]*tallyCall{}
	}
	if t.Calls[e.Call] != nil {
		return
	}
	c := &tallyCall{Tenant: e.Tenant, Arrived: e.At, Way: e.Way}
	t.Calls[e.Call] = c
	switch e.Way {
	case call.Incoming:
		c.tell(tell, Counts{Calls: 1})
	case call.Outgoing:
		c.tell(tell, Counts{Out: 1})
	case call.Callback:
		c.tell(tell, Counts{Callbacks: 1})
	}
}

// tell counts a call, in the hour of its arrival.
func (c *tallyCall) tell(tell Tell, n Counts) { tellCall(tell, c.Tenant, hourOf(c.Arrived), n) }

func tellCall(tell Tell, tenant string, hour int64, n Counts) {
	tell(Cell{Hour: hour}, n)
	if tenant != "" {
		tell(Cell{Tenant: tenant, Hour: hour}, n)
	}
}

// tellAgent counts what an agent did for a tenant, for herself.
func tellAgent(tell Tell, tenant, agent string, hour int64, n Counts) {
	if agent == "" {
		return
	}
	tell(Cell{Agent: agent, Hour: hour}, n)
	if tenant != "" {
		tell(Cell{Tenant: tenant, Agent: agent, Hour: hour}, n)
	}
}

func (c *tallyCall) offered(tell Tell) {
	if !c.Offered && c.Way == call.Incoming {
		c.Offered = true
		c.tell(tell, Counts{Offered: 1})
	}
}

// rung counts an offer of a caller from the line: not one who comes back, nor that the same phone was told to answer.
func (c *tallyCall) rung(e StreamEvent, tell Tell) {
	switch {
	case e.Agent == "" || e.Reason == call.OfferAnswer:
	case e.Reason != "":
		if c.Back == nil {
			c.Back = map[string]bool{}
		}
		c.Back[e.Agent] = true
	default:
		delete(c.Back, e.Agent)
		tellAgent(tell, c.Tenant, e.Agent, hourOf(e.At), Counts{Rung: 1})
	}
}

// enter begins a stretch of an agent's in the call.
func (t *Tally) enter(c *tallyCall, e StreamEvent) {
	if c.Desks == nil {
		c.Desks = map[string]*tallyDesk{}
	}
	d := c.Desks[e.Agent]
	if d == nil {
		d = &tallyDesk{Kind: e.AgentKind, Hour: hourOf(e.At)}
		c.Desks[e.Agent] = d
	}
	if !d.Here {
		d.Here, d.From, d.Holds, d.Held = true, e.Since, false, 0
	}
	if a := t.Agents[e.Agent]; a != nil {
		a.Last, a.Hour = e.Call, d.Hour
	}
}

// withdraw takes back an answer that does not count.
func (c *tallyCall) withdraw(agent string) {
	for i := len(c.Answers) - 1; i >= 0; i-- {
		if c.Answers[i].Agent == agent {
			c.Answers = append(c.Answers[:i], c.Answers[i+1:]...)
			break
		}
	}
	if d := c.Desks[agent]; d != nil {
		if d.Here = false; !d.Counted {
			delete(c.Desks, agent)
		}
	}
}

func (c *tallyCall) hold(agent string, on bool, at time.Duration) {
	d := c.Desks[agent]
	if d == nil || !d.Here || d.Holds == on {
		return
	}
	if !on {
		d.Held += max(0, at-d.HeldAt)
	}
	d.Holds, d.HeldAt = on, at
}

// answered counts the first answer, once it is known that it stands.
func (c *tallyCall) answered(tell Tell) {
	if c.Answered || len(c.Answers) == 0 || c.Way != call.Incoming {
		return
	}
	c.offered(tell)
	c.Answered = true
	first := c.Answers[0]
	n := Counts{Answered: 1, Wait: first.Since, LongestWait: first.Since}
	if first.Since <= AnsweredWithin {
		n.Within = 1
	}
	if !ofService(first.Kind) {
		n.Own = 1
	}
	c.tell(tell, n)
	tellAgent(tell, c.Tenant, first.Agent, hourOf(c.Arrived), n)
}

// leave ends a stretch of an agent's in the call.
func (c *tallyCall) leave(agent string, at time.Duration, tell Tell) {
	d := c.Desks[agent]
	if d == nil || !d.Here {
		return
	}
	c.hold(agent, false, at)
	n := Counts{Hold: d.Held, Talk: max(0, at-d.From-d.Held)}
	d.Here = false
	if c.Way == call.Outgoing {
		return // nobody waited for her
	}
	if !d.Counted {
		d.Counted, n.Handled = true, 1
	}
	if ofService(d.Kind) {
		tellCall(tell, c.Tenant, d.Hour, n)
	}
	tellAgent(tell, c.Tenant, agent, d.Hour, n)
}

// ended counts what became of a call that came in.
func (c *tallyCall) ended(e StreamEvent, tell Tell) {
	if c.Way != call.Incoming {
		return
	}
	outcome, _, _ := strings.Cut(e.Reason, "/")
	switch o := call.Outcome(outcome); {
	case c.Answered && o == call.OutcomeMediated:
		c.tell(tell, Counts{Mediated: 1})
	case c.Answered:
	case o == call.OutcomeAbandoned && e.Since > ShortAbandon:
		c.tell(tell, Counts{Abandoned: 1, LongestWait: e.Since})
	case o == call.OutcomeAbandoned:
		c.tell(tell, Counts{Short: 1})
	case o == call.OutcomeFailed || o == call.OutcomeInterrupted:
		c.tell(tell, Counts{Failed: 1})
	default:
		c.tell(tell, Counts{Overflowed: 1})
	}
}

func (t *Tally) agent(e StreamEvent, tell Tell) {
	if t.Agents == nil {
		t.Agents = map[string]*tallyAgent{}
	}
	a := t.Agents[e.Agent]
	if a == nil {
		a = &tallyAgent{Since: e.At}
		t.Agents[e.Agent] = a
	}
	a.until(e.Agent, e.At, tell)
	if e.AgentKind != "" {
		a.Kind = e.AgentKind
	}
	switch e.Kind {
	case AgentLoggedIn:
		a.In = true
		return
	case AgentLoggedOut:
		a.In = false
		return
	case AgentResumed:
		if a.State == AgentPaused {
			a.State = AgentAvailable
		}
		return
	}
	a.State, a.Call, a.Tenant = e.Kind, e.Call, e.Tenant
	if e.Call != "" && e.Call != a.Last {
		if c := t.Calls[e.Call]; c != nil && c.Desks[e.Agent] != nil {
			a.Last, a.Hour = e.Call, c.Desks[e.Agent].Hour
		}
	}
}

// until tells the time that an agent has spent in her state up to an instant, hour by hour.
func (a *tallyAgent) until(id string, at time.Time, tell Tell) {
	from := a.Since
	if !at.After(from) {
		return
	}
	a.Since = at
	busy := a.State == AgentTalking || a.State == AgentWrapUp
	if !a.In && !busy {
		return
	}
	if a.State == AgentWrapUp && a.Call != "" {
		hour := hourOf(from)
		if a.Call == a.Last {
			hour = a.Hour
		}
		n := Counts{Wrap: at.Sub(from)}
		if ofService(a.Kind) {
			tellCall(tell, a.Tenant, hour, n)
		}
		tellAgent(tell, a.Tenant, id, hour, n)
	}
	for from.Before(at) {
		hour := hourOf(from)
		end := time.Unix(hour+3600, 0)
		if at.Before(end) {
			end = at
		}
		n := a.spent(end.Sub(from))
		if ofService(a.Kind) {
			tell(Cell{Hour: hour}, n)
		}
		tell(Cell{Agent: id, Hour: hour}, n)
		from = end
	}
}

// spent says how time in her state counts.
func (a *tallyAgent) spent(d time.Duration) Counts {
	n := Counts{LoggedIn: d}
	switch a.State {
	case AgentTalking, AgentWrapUp:
		n.Occupied = d
	case AgentPaused:
		n.Paused = d
	case AgentOffline:
		n.Offline = d
	}
	return n
}
