package call

import (
	"fmt"
	"slices"
	"time"
)

// HeartbeatEvery is how often an answered call writes a sign of life to the journal.
const HeartbeatEvery = 5 * time.Second

// commitLimit is how long a step may take to become durable: then an arriving call is refused, and a receptionist's
// answer is withdrawn.
const commitLimit = 2 * time.Second

// promptLimit cuts a prompt that does not end by itself.
const promptLimit = time.Minute

// What holds where the rules say nothing: a phone that may not ring at all would be tried for ever.
const (
	defaultRingTimeout = 15 * time.Second
	defaultRecallAfter = 20 * time.Second
	defaultParkRecall  = 3 * time.Minute
	defaultHardCap     = 30 * time.Minute
)

type phase int

const (
	arriving   phase = iota // the journal entry is not durable yet
	waiting                 // in the queue
	offering                // an agent's phone rings
	opening                 // the agent answered; the answer is not durable yet
	talking                 // caller and agent are connected, or the agent consults
	connecting              // a direct connection: the target rings, the agent stays reserved
	connected               // caller and target are connected without an agent
	forwarding              // sent on by rule, the target rings
	leaving                 // a prompt or busy tone plays, then the call ends
	parked                  // in a slot, without an agent
	calling                 // an outgoing call: the receptionist is ready, the party is called
	ended
)

// Call is the state of one call. The zero value is not usable; see New.
type Call struct {
	id     ID
	rules  Rules
	caller LegID
	from   Party
	phase  phase

	accepted bool    // 200 was sent to the caller
	ringing  bool    // 180 was sent to the caller
	offered  bool    // an agent was tried: the call keeps the head of its line
	waits    bool    // the longest wait runs: it counts on while agents are tried
	waitOver bool    // the longest wait passed while an agent's phone rang
	answered bool    // a receptionist answered, durably
	mediated bool    // the wanted party answered
	leaveAs  Outcome // what the record says of a call that ends with a prompt, or while its caller is sent on
	agent    agent
	rest     []agent       // those whose phones ring besides the agent's (ring-all)
	handled  time.Duration // finished stretches of the service's receptionists
	passed   []Timer       // marks of the summed handling time that the story tells of
	target   target
	hears    string // the source that plays to the caller, empty where she talks with somebody

	whispers        bool          // the receptionist hears whose call it is; the caller still waits
	announces       bool          // TimerAnnounce is armed, or was while a phone rang
	placeAt, waitAt time.Duration // when her position and the expected wait are announced next

	consult LegID // the agent's second leg, empty where she consults on her own, or not at all
	side    side  // whom she speaks to while she consults
	refer   refer
	asked   asked     // what waits for a colleague to be reserved
	mate    Candidate // the colleague just reserved

	parkedBy  string        // who parked the caller, empty where she is in no slot
	parkUntil time.Duration // when she is brought back
	group     string        // the only group that the call is offered to
	granted   time.Duration // time that supervisors gave
	limited   bool          // what happens at the limit has happened
	wishing   bool          // the prompt that plays offers a call-back
	out       *Out          // set where the service calls
	early     []earlyEvent  // asked for before the audio was open
	back      *Recall       // why the caller came back, until something is done about it
	legs      int           // outgoing legs made so far, for their names

	at   Instant
	by   string // who asked for what is being done, where that is none of the call's receptionists
	said []Command
}

// agent is the receptionist reserved for the call. id is empty where there is none.
type agent struct {
	id      string
	kind    AgentKind
	leg     LegID // empty when the agent hung up but stays reserved
	present bool  // in the call: handling time runs
	held    bool  // her phone holds the caller
	lost    bool  // nothing was heard of her phone: it is no use to come back to
	onHold  bool  // she holds the caller by her console
	answers bool  // her phone was told to answer by itself
	dialled bool  // her leg came in, and has not been accepted: she called out by her phone
	from    time.Duration
	via     Destination // where she is reached, zero: her registered phones
	recall  string      // why the caller comes back to this agent, empty for a first offer
}

// target is the far side that the caller is to be connected with.
type target struct {
	leg      LegID
	to       Destination
	early    bool // it may be heard though it has not answered
	answered bool
	identity string    // who answered, where the answer said so
	mate     Candidate // a colleague, reserved until she is freed or has the call
	how      How       // HowForward: a rule's number and not the wanted party
	since    time.Time // when it was called; once it has answered, when it did
}

// refer is the REFER under way, to be told how it goes.
type refer struct {
	leg LegID
	ref string
}

// New makes the call that arrived on the leg caller. The first commands come from Begin.
func New(id ID, rules Rules, caller LegID, from Party) *Call {
	if rules.RingTimeout <= 0 {
		rules.RingTimeout = defaultRingTimeout
	}
	if rules.RecallAfter <= 0 {
		rules.RecallAfter = defaultRecallAfter
	}
	if rules.ParkRecall <= 0 {
		rules.ParkRecall = defaultParkRecall
	}
	if rules.HardCap == 0 {
		rules.HardCap = defaultHardCap
	}
	return &Call{id: id, rules: rules, caller: caller, from: from}
}

// ID returns the call's identifier.
func (c *Call) ID() ID { return c.id }

// Rules returns the rules that the call keeps to its end.
func (c *Call) Rules() Rules { return c.rules }

// Done tells whether Finish has been said.
func (c *Call) Done() bool { return c.phase == ended }

// Agent returns the agent reserved for the call, or "".
func (c *Call) Agent() string { return c.agent.id }

// Agents returns everybody who is reserved for the call: its agent, those whose phones ring as well, and the colleague whom
// she asks.
func (c *Call) Agents() []string {
	var all []string
	for _, a := range append([]agent{c.agent}, c.rest...) {
		if a.id != "" {
			all = append(all, a.id)
		}
	}
	if id := c.target.mate.Agent; id != "" {
		all = append(all, id)
	}
	return all
}

// Begin logs the arrival. The call goes on when it is durable; where that takes longer than 2 s it is refused.
func (c *Call) Begin(at Instant, dialog Dialog) []Command {
	c.begin(at)
	if c.out != nil {
		c.logDialled(dialog)
	} else {
		c.log(Entry{Kind: KindArrived, Leg: c.caller, Number: c.from.Number, Dialog: &dialog})
	}
	c.emit(Await{StepArrived})
	c.arm(TimerCommit, commitLimit)
	return c.said
}

// Handle takes one event in and returns what is to be done, in order. leg is empty for events that concern no leg. An
// event that means nothing in the present state, or names a leg that the call no longer has, changes nothing.
func (c *Call) Handle(at Instant, leg LegID, ev Event) []Command {
	c.begin(at)
	if c.phase == ended {
		return nil // whoever was reserved for it and it has not heard of is given back with it
	}
	switch leg {
	case "":
		c.own(ev)
	case c.caller:
		c.callerLeg(ev)
	case c.agent.leg:
		c.agentLeg(ev)
	case c.target.leg:
		c.targetLeg(ev)
	case c.consult:
		c.consultLeg(ev)
	default:
		c.otherLeg(leg, ev)
	}
	return c.said
}

// otherLeg handles a leg that is none of those in the conversation.
func (c *Call) otherLeg(leg LegID, ev Event) {
	if i := slices.IndexFunc(c.rest, func(a agent) bool { return a.leg == leg }); i >= 0 {
		c.restLeg(i, ev)
		return
	}
	switch ev := ev.(type) {
	case Consult:
		c.startConsult(leg, ev)
	case Ended:
		c.early = slices.DeleteFunc(c.early, func(e earlyEvent) bool { return e.leg == leg })
		if c.asked.leg == leg {
			c.asked = asked{}
		}
	}
}

func (c *Call) begin(at Instant) {
	c.at, c.by, c.said = at, "", nil
}

func (c *Call) emit(cmds ...Command) { c.said = append(c.said, cmds...) }

// log adds to the story with the instant of the event being handled.
func (c *Call) log(e Entry) {
	e.Wall, e.Since, e.By = c.at.Wall, c.at.Since, c.by
	c.emit(Log{e})
}

func (c *Call) arm(t Timer, after time.Duration) { c.emit(Arm{t, c.at.Since + after}) }

func (c *Call) newLeg(role string) LegID {
	c.legs++
	return LegID(fmt.Sprintf("%s-%s%d", c.id, role, c.legs))
}

// own handles events from the switchboard: durability, queue, timers.
func (c *Call) own(ev Event) {
	switch ev := ev.(type) {
	case Stored:
		c.stored(ev.Step)
	case StoreFailed:
		c.storeFailed(ev.Step)
	case Queued:
		c.queued()
	case QueueFull:
		if c.phase == waiting {
			c.overflow(OutcomeQueueFull)
		}
	case Offered:
		c.offer(ev)
	case Reserved:
		c.reserved(ev)
	case NoAgent:
		c.noAgent()
	case Relieved:
		c.by = ev.By
		c.relieve(ev.Agent)
	case Act:
		c.act(ev)
	case Place:
		c.announce(ev)
	case Returned:
		c.returned()
	case Fired:
		c.fired(ev.Timer)
	case Shutdown:
		c.finish(OutcomeInterrupted, CauseShutdown)
	}
}

func (c *Call) fired(t Timer) {
	switch t {
	case TimerWait:
		c.waitEnded()
	case TimerRingMode:
		if c.phase == waiting || c.phase == offering || c.phase == opening {
			c.acceptIntoQueue()
		}
	case TimerRing:
		c.ringEnded()
	case TimerCommit:
		c.storeFailed(StepArrived)
		c.storeFailed(StepAnswered)
	case TimerWarn, TimerIncluded, TimerLong:
		c.mark(t)
	case TimerLimit:
		c.grantOver()
	case TimerCap:
		c.capped()
	case TimerPark:
		c.parkOver()
	case TimerRecall:
		c.targetOver("no_answer", 408)
	case TimerHeartbeat:
		c.emit(Heartbeat{})
		c.arm(TimerHeartbeat, HeartbeatEvery)
	case TimerWhisper:
		c.whispered()
	case TimerAnnounce:
		c.announceDue()
	case TimerPrompt:
		if c.phase == leaving {
			c.finish(c.leavingOutcome(), CausePolicy)
		}
	}
}

// callerLeg handles what the caller does, and what becomes of her media.
func (c *Call) callerLeg(ev Event) {
	if c.phase == calling {
		c.partyLeg(ev)
		return
	}
	switch ev := ev.(type) {
	case Ended:
		c.caller = "" // gone: finish must not hang it up
		c.finish(c.endOutcome(ev.Cause), ev.Cause)
	case MediaLost:
		c.log(Entry{Kind: KindLost, Leg: c.caller})
		c.finish(c.endOutcome(CauseMedia), CauseMedia)
	case PromptDone:
		c.prompted(ev.Source)
	case Digit:
		c.key(ev.Digit)
	case Held:
		c.log(Entry{Kind: KindHeld, Leg: c.caller})
	case Resumed:
		c.log(Entry{Kind: KindResumed, Leg: c.caller})
	case Transfer:
		c.emit(AnswerRefer{Leg: c.caller, Ref: ev.Ref, Code: 403, Reason: "Forbidden"})
	}
}
