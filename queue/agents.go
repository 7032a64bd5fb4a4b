package queue

import (
	"cmp"
	"slices"
	"time"

	"telefonist/call"
)

// Why an agent is paused.
const (
	PausedLunch   = "lunch"
	PausedMeeting = "meeting"
	PausedAdmin   = "admin"
	PausedOther   = "other"        // also where no reason was given
	PausedMissed  = "missed calls" // after too many missed offers: nobody chooses it
)

// Chosen lists the reasons that an agent may give for a pause, Reasons all that there may be.
var (
	Chosen  = []string{PausedLunch, PausedMeeting, PausedAdmin, PausedOther}
	Reasons = append(slices.Clone(Chosen), PausedMissed)
)

// LoggedOut is the reason in the Status of an agent who is offline because she logged out.
const LoggedOut = "logged out"

// Agent is what the pool must know of a receptionist.
type Agent struct {
	ID   string
	Kind call.AgentKind
	// Tenants are whom she answers for. Empty means every tenant for an agent of the service, and none for a tenant's own.
	Tenants []string
	Groups  []string // hers; levels of tenants name them
	Skills  []string // what she can and knows
	Wrap    time.Duration
	// Apart is offered nothing from the line, and counts for nobody who waits: a supervisor, whom others ask for and who takes calls
	// by hand.
	Apart bool
}

// shares tells whether she is one of those whom tenants have shares of.
func (a Agent) shares() bool { return a.Kind == call.Service && !a.Apart }

func (a Agent) equal(b Agent) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Wrap == b.Wrap && a.Apart == b.Apart && slices.Equal(a.Tenants, b.Tenants) &&
		slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Skills, b.Skills)
}

// Status is what is told of an agent.
type Status struct {
	Agent
	State  State
	Reason string    // why she is paused, or LoggedOut
	Call   call.ID   // the call she is reserved for
	Since  time.Time // when the state began, as far as it is known
	Misses int       // offers missed in a row

	LoggedIn bool // she has not logged out
	Phone    bool // her phone is registered
}

// Saved is what of an agent outlives a restart.
type Saved struct {
	LoggedOut bool
	Paused    string // the reason, empty when she is not paused
}

// Change is one transition of an agent. See Queue.Observe.
type Change struct {
	Agent    string
	Event    Event
	From, To State
	Reason   string  // why she is paused, or LoggedOut
	Call     call.ID // the call that she is, or was, reserved for
	At       time.Time
}

type agent struct {
	Agent
	seq     int // breaks ties by the order in which agents became known
	profile *profile
	pooled  bool // among those who are free
	onDuty  bool // counted so by her profile
	ready   bool // likewise

	state     State
	since     time.Time
	loggedOut bool
	phone     bool
	paused    string // reason, empty when not paused
	gone      bool   // taken out while in a call: serves nobody any more, and is forgotten when it ends
	wrapUntil time.Time
	misses    int

	// While she works:
	call     call.ID
	tenant   *tenant   // whose call it is, nil where nobody knows
	reserved time.Time // since when
	answered bool
	lease    time.Time // when the reservation runs out, zero for never

	// What orders her among those who are free; nothing of it changes while she is.
	idleSince int64 // as nanos tells it
	calls     int   // answered since she logged in
	turn      int   // of all reservations, the number of her last one
}

func (a *agent) duty(now time.Time) duty {
	return duty{loggedOut: a.loggedOut, phone: a.phone, paused: a.paused != "", wrap: now.Before(a.wrapUntil), gone: a.gone}
}

func (a *agent) reason() string {
	if a.loggedOut {
		return LoggedOut
	}
	return a.paused
}

// Observe sets who hears of every change of an agent's state, as it is made. The queue must not be called from there.
func (q *Queue) Observe(f func(Change)) { q.observe = f }

// happen takes an agent through her machine. It is the only place that changes her state, and keeps what is counted by it.
func (q *Queue) happen(a *agent, e Event, now time.Time) bool {
	to, ok := transition(a.state, e, a.duty(now))
	if !ok {
		return false
	}
	from, held := a.state, a.call
	if from.Working() && !to.Working() {
		q.letGo(a)
	}
	if from != to {
		q.count(a, from, -1)
		a.state, a.since = to, now
		q.count(a, to, 1)
		switch to {
		case WrapUp:
			q.wakes.push(wake{at: a.wrapUntil, kind: wakeWrap, a: a})
		case Available:
			q.idle(a)
		}
	}
	q.onDuty(a)
	if q.observe != nil && (from != to || e != EventRing && e != EventTalk) {
		if a.call != "" {
			held = a.call
		}
		q.observe(Change{Agent: a.ID, Event: e, From: from, To: to, Reason: a.reason(), Call: held, At: now})
	}
	return true
}

// count keeps the number of the service's agents who are at work or free, which shares are shares of, and takes an agent
// who is no longer free out of those who are.
func (q *Queue) count(a *agent, s State, by int) {
	if a.shares() && (s == Available || s.Working()) {
		q.atWork += by
	}
	if s == Available && by < 0 {
		q.busy(a)
	}
}

// hold reserves an agent for a call, where her state lets it be.
func (q *Queue) hold(a *agent, e Event, c call.ID, t *tenant, now time.Time) bool {
	if a == nil || c == "" {
		return false
	}
	if _, ok := transition(a.state, e, a.duty(now)); !ok {
		return false
	}
	q.turn++
	q.busy(a) // before what orders her changes
	a.call, a.tenant, a.reserved, a.answered, a.turn = c, t, now, false, q.turn
	q.holds[c] = append(q.holds[c], a)
	if t != nil {
		q.load(t, a, 1)
	}
	q.happen(a, e, now)
	if q.limits.Lease > 0 {
		q.lease(a, now.Add(q.limits.Lease))
	}
	return true
}

// letGo forgets the call of an agent.
func (q *Queue) letGo(a *agent) {
	if left := slices.DeleteFunc(q.holds[a.call], func(b *agent) bool { return a == b }); len(left) > 0 {
		q.holds[a.call] = left
	} else {
		delete(q.holds, a.call)
	}
	if a.tenant != nil {
		q.load(a.tenant, a, -1)
	}
	a.call, a.tenant, a.lease = "", nil, time.Time{}
}

// SetAgents replaces the agents that exist. Those that stay keep what they are doing; one that was taken out keeps its
// call, and is forgotten when it ends. Phones, log-out and pause are remembered apart from agents, so that an agent who
// comes (back) with a registered phone is available at once. It costs something only for agents that have changed.
func (q *Queue) SetAgents(agents []Agent, now time.Time) {
	q.tick(now)
	keep := make(map[string]bool, len(agents))
	for _, a := range agents {
		keep[a.ID] = true
		known := q.agents[a.ID]
		switch {
		case known == nil:
			q.addAgent(a, now)
		case known.gone:
			known.gone = false
			q.happen(known, EventAdd, now)
			fallthrough
		default:
			q.changeAgent(known, a)
		}
	}
	for id, a := range q.agents {
		if !keep[id] && !a.gone {
			q.removeAgent(a, now)
		}
	}
}

func (q *Queue) addAgent(known Agent, now time.Time) {
	q.seq++
	a := &agent{Agent: known, seq: q.seq, state: Offline, since: now, phone: q.phones[known.ID], idleSince: nanos(now)}
	s := q.saved[known.ID]
	delete(q.saved, known.ID)
	a.loggedOut, a.paused = s.LoggedOut, s.Paused
	q.agents[a.ID] = a
	q.join(a)
	q.happen(a, EventAdd, now)
}

// changeAgent gives an agent other particulars, whatever she is doing.
func (q *Queue) changeAgent(a *agent, known Agent) {
	if a.Agent.equal(known) {
		return
	}
	q.count(a, a.state, -1)
	if t := a.tenant; t != nil && a.shares() != known.shares() {
		was := t.account()
		if t.busy--; known.shares() {
			t.busy += 2
		}
		q.moveLanes(t, was)
	}
	q.leave(a)
	a.Agent = known
	q.join(a)
	q.count(a, a.state, 1)
	if a.state == Available {
		q.idle(a)
	}
	q.onDuty(a)
}

func (q *Queue) removeAgent(a *agent, now time.Time) {
	a.gone = true
	working := a.state.Working()
	q.happen(a, EventRemove, now)
	if !working {
		q.forgetAgent(a)
	}
}

func (q *Queue) forgetAgent(a *agent) {
	q.leave(a)
	delete(q.agents, a.ID)
	if s := (Saved{a.loggedOut, a.paused}); s != (Saved{}) {
		q.saved[a.ID] = s
	}
}

// Registered tells that an agent's phone came or went. A phone that goes ends a pause for missed calls: one that comes back works. That
// it is heard of for the first time, as after a restart, ends none.
func (q *Queue) Registered(id string, up bool, now time.Time) {
	q.tick(now)
	if up {
		q.phones[id] = true
	} else {
		delete(q.phones, id)
		if s, unknown := q.saved[id]; unknown {
			s.Paused = forgiven(s.Paused)
			q.saved[id] = s
		}
	}
	a := q.agents[id]
	if a == nil || a.phone == up && (up || a.paused != PausedMissed) {
		return
	}
	a.phone = up
	if !up {
		a.paused = forgiven(a.paused)
		q.happen(a, EventPhoneDown, now)
		return
	}
	q.refresh(a, now)
	q.happen(a, EventPhoneUp, now)
}

// refresh makes an agent the one who has been idle for the shortest time, without a miss. She is not free: she is about to be.
func (q *Queue) refresh(a *agent, now time.Time) { a.idleSince, a.misses = nanos(now), 0 }

// forgiven is what is left of a pause when one for missed calls ends.
func forgiven(paused string) string {
	if paused == PausedMissed {
		return ""
	}
	return paused
}

// Login tells that an agent has come to work. It ends a pause for missed calls. It returns false for an agent that does
// not exist.
func (q *Queue) Login(id string, now time.Time) bool {
	q.tick(now)
	a := q.agents[id]
	if a == nil {
		return false
	}
	if a.loggedOut {
		a.loggedOut, a.calls = false, 0
		a.paused = forgiven(a.paused)
		q.refresh(a, now)
		q.happen(a, EventLogIn, now)
	}
	return true
}

// Logout tells that an agent has gone. A call that she has goes on, and she is offline when it ends. It returns false for an
// agent that does not exist.
func (q *Queue) Logout(id string, now time.Time) bool {
	q.tick(now)
	a := q.agents[id]
	if a == nil {
		return false
	}
	if !a.loggedOut {
		a.loggedOut = true
		q.happen(a, EventLogOut, now)
	}
	return true
}

// Pause takes an agent out of the matching from now on; a call that she has goes on. It returns false for an agent that
// does not exist.
func (q *Queue) Pause(id, reason string, now time.Time) bool {
	q.tick(now)
	a := q.agents[id]
	if a == nil {
		return false
	}
	a.paused = cmp.Or(reason, PausedOther)
	q.happen(a, EventPause, now)
	return true
}

// Resume ends a pause, and a wrap-up that has begun; the agent is then the one who has been idle for the shortest time. It returns false for
// an agent that does not exist.
func (q *Queue) Resume(id string, now time.Time) bool {
	q.tick(now)
	a := q.agents[id]
	if a == nil {
		return false
	}
	wraps := !a.state.Working() && now.Before(a.wrapUntil)
	if wraps {
		a.wrapUntil = now
	}
	if wraps || a.paused != "" {
		a.paused = ""
		q.refresh(a, now)
		q.happen(a, EventResume, now)
	}
	return true
}

// Restore puts an agent back to how she was before a restart. It may come before the agent is known.
func (q *Queue) Restore(id string, s Saved, now time.Time) {
	q.tick(now)
	a := q.agents[id]
	if a == nil {
		q.saved[id] = s
		return
	}
	a.loggedOut, a.paused = s.LoggedOut, s.Paused
	q.happen(a, EventRestore, now)
}

// Saved is what of an agent is to outlive a restart; false for an agent that does not exist.
func (q *Queue) Saved(id string) (Saved, bool) {
	a := q.agents[id]
	if a == nil {
		return Saved{}, false
	}
	return Saved{a.loggedOut, a.paused}, true
}

// Reserved returns the call that the agent is reserved for, "" for none.
func (q *Queue) Reserved(id string) call.ID {
	if a := q.agents[id]; a != nil {
		return a.call
	}
	return ""
}

// Agents tells what every agent is doing, ordered by id.
func (q *Queue) Agents(now time.Time) []Status {
	q.tick(now)
	all := make([]Status, 0, len(q.agents))
	for _, a := range q.agents {
		all = append(all, Status{Agent: a.Agent, State: a.state, Reason: a.reason(), Call: a.call, Since: a.since, Misses: a.misses,
			LoggedIn: !a.loggedOut, Phone: a.phone})
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
