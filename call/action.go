package call

import "cmp"

// Action is something that a receptionist, or a supervisor, does with a call. Each exists once: an Act of a console or of the
// API and the signalling of a softphone (hold by re-INVITE, REFER, her own INVITE) lead to the same transition.
type Action string

const (
	ActAnswer   Action = "answer"    // her phone, which rings, answers by itself
	ActHold     Action = "hold"      // the caller hears music, the receptionist silence
	ActResume   Action = "resume"    // and back
	ActConnect  Action = "connect"   // direct: to a number, a colleague or a group
	ActAnnounce Action = "announce"  // she speaks to a number or a colleague first, on her own leg, while the caller waits
	ActSwap     Action = "swap"      // to the other one of caller and announced party
	ActJoin     Action = "join"      // all three hear each other
	ActComplete Action = "complete"  // caller and announced party are connected, she leaves
	ActTakeBack Action = "take_back" // from a consultation, or from a direct connection that still rings
	ActPark     Action = "park"      // the caller waits in a slot, she leaves
	ActHandBack Action = "hand_back" // to the head of the queue, or of a group's
	ActEnd      Action = "end"       // she ends the call, or declines it while her phone rings
	ActGrant    Action = "grant"     // a supervisor gives the call more time
	ActDivert   Action = "divert"    // a supervisor sends a caller who waits on to a number
)

// Actions lists every action.
var Actions = []Action{ActAnswer, ActHold, ActResume, ActConnect, ActAnnounce, ActSwap, ActJoin, ActComplete, ActTakeBack, ActPark,
	ActHandBack, ActEnd, ActGrant, ActDivert}

// ActError says why an Act changed nothing. Empty: it was done, or has begun.
type ActError string

const (
	ErrNotYours    ActError = "not_yours"   // the call is not this agent's
	ErrState       ActError = "state"       // not possible as the call stands
	ErrConsults    ActError = "consults"    // a consultation is under way
	ErrNoTarget    ActError = "no_target"   // nobody was named, or nobody of this kind can be called so
	ErrRefused     ActError = "refused"     // the tenant's rules do not allow the target
	ErrUnavailable ActError = "unavailable" // the colleague is not available
	ErrPhone       ActError = "phone"       // her phone holds the call, so her phone must take it back
	ErrUnknown     ActError = "unknown"     // no such action
)

// ActErrors lists every reason.
var ActErrors = []ActError{ErrNotYours, ErrState, ErrConsults, ErrNoTarget, ErrRefused, ErrUnavailable, ErrPhone, ErrUnknown}

// deed is what an action takes: whether it can be done as the call stands, and doing it.
type deed struct {
	may func(*Call, Act) ActError
	do  func(*Call, Act)
}

// act does what a console or the API asks for, or says why not. What a receptionist asks for before her answer is durable
// waits for that.
func (c *Call) act(ev Act) {
	c.by = ev.By
	if c.phase == opening && c.its(ev) && ev.Do != ActGrant && ev.Do != ActAnswer {
		c.tooEarly("", ev)
		return
	}
	err := c.may(ev)
	switch {
	case err == "" && (ev.Do == ActConnect || ev.Do == ActAnnounce) && ev.To.Agent != "":
		c.ask("", ev, ev.To.Agent)
	case err == "":
		c.emit(Result{Ref: ev.Ref})
		deedOf(ev.Do).do(c, ev)
	default:
		c.refuseAct(ev, err)
	}
}

// goOn does what has waited for a colleague.
func (c *Call) goOn(ev Act, had bool) {
	c.by = ev.By
	err := c.may(ev)
	if err == "" && !had {
		err = ErrUnavailable
	}
	if err != "" {
		c.refuseAct(ev, err)
		return
	}
	c.emit(Result{Ref: ev.Ref})
	deedOf(ev.Do).do(c, ev)
}

func (c *Call) refuseAct(ev Act, err ActError) {
	if err == ErrRefused || err == ErrUnavailable {
		c.log(Entry{Kind: KindRefused, Agent: ev.Agent, Number: ev.To.Number, To: ev.To.Agent, Code: ev.Refuse, Reason: cmp.Or(ev.Reason, string(err))})
	}
	c.emit(Result{ev.Ref, err})
}

// its tells whether who acts is the receptionist of the call.
func (c *Call) its(ev Act) bool { return ev.Agent != "" && ev.Agent == c.agent.id }

func (c *Call) may(ev Act) ActError {
	d := deedOf(ev.Do)
	mine := c.its(ev)
	switch ev.Do {
	case ActGrant, ActDivert:
		mine = false // for supervisors alone
	case ActAnswer:
		mine = mine || c.rings(ev.Agent) >= 0
	case ActEnd:
		mine = mine || ev.Agent != "" && (c.rings(ev.Agent) >= 0 || ev.Agent == c.target.mate.Agent)
	}
	switch {
	case d.do == nil:
		return ErrUnknown
	case !mine && !ev.Supervisor:
		return ErrNotYours
	default:
		return d.may(c, ev)
	}
}

func deedOf(a Action) deed {
	switch a {
	case ActAnswer:
		return deed{(*Call).mayAnswer, (*Call).answerBy}
	case ActHold:
		return deed{(*Call).mayHold, func(c *Call, _ Act) { c.hold() }}
	case ActResume:
		return deed{(*Call).mayResume, func(c *Call, _ Act) { c.resumed() }}
	case ActConnect:
		return deed{(*Call).mayConnect, (*Call).connectTo}
	case ActAnnounce:
		return deed{(*Call).mayAnnounce, func(c *Call, ev Act) { c.callTarget("", ev.To, nil) }}
	case ActSwap:
		return deed{(*Call).maySwap, func(c *Call, _ Act) { c.turn(c.other()) }}
	case ActJoin:
		return deed{(*Call).mayJoin, func(c *Call, _ Act) { c.turn(withBoth) }}
	case ActComplete:
		return deed{(*Call).mayComplete, func(c *Call, _ Act) { c.completeOn("") }}
	case ActTakeBack:
		return deed{(*Call).mayTakeBack, func(c *Call, _ Act) { c.takeBack() }}
	case ActPark:
		return deed{(*Call).mayTalk, func(c *Call, _ Act) { c.park() }}
	case ActHandBack:
		return deed{(*Call).mayTalk, func(c *Call, ev Act) { c.handBack(ev.To.Group) }}
	case ActEnd:
		return deed{(*Call).mayEnd, (*Call).endBy}
	case ActGrant:
		return deed{(*Call).mayGrant, func(c *Call, ev Act) { c.grant(ev.Grant) }}
	case ActDivert:
		return deed{(*Call).mayDivert, func(c *Call, ev Act) { c.divert(ev.To) }}
	}
	return deed{}
}

// connectTo begins a direct connection, or has the caller wait for a group.
func (c *Call) connectTo(ev Act) {
	if ev.To.Group != "" {
		c.handBack(ev.To.Group)
		return
	}
	c.startDirect(ev.To)
}

// endBy ends the call, or only what the agent who acts has of it: the ringing of her phone, or a consultation that she was
// asked for.
func (c *Call) endBy(ev Act) {
	switch {
	case ev.Supervisor && !c.its(ev):
		c.finish(c.endOutcome(CausePolicy), CausePolicy)
	case ev.Agent == c.target.mate.Agent:
		if c.consulting() && c.target.answered {
			c.endConsult()
			return
		}
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
		c.targetLeg(Failed{Code: 486})
	case c.phase == offering:
		c.decline(ev.Agent)
	default:
		outcome := c.endOutcome(CauseBye)
		c.dropConsult()
		c.finish(outcome, CauseBye)
	}
}
