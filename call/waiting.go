package call

import "time"

// stored goes on after a step became durable.
func (c *Call) stored(s Step) {
	switch {
	case s == StepArrived && c.phase == arriving:
		c.phase = waiting
		c.emit(Disarm{TimerCommit}, Enqueue{})
	case s == StepAnswered && c.phase == opening:
		c.open()
	}
}

func (c *Call) storeFailed(s Step) {
	switch {
	case s == StepArrived && c.phase == arriving:
		c.finish(OutcomeFailed, CauseStore)
	case s == StepAnswered && c.phase == opening:
		c.withdraw(FreedCancelled, CauseStore)
	}
}

// queued has a place: the caller is connected into the queue, or hears ringing for a while where the tenant wants that.
func (c *Call) queued() {
	if c.phase != waiting {
		return
	}
	c.log(Entry{Kind: KindQueued})
	if c.rules.MaxWait > 0 && !c.waits {
		c.waits = true
		c.arm(TimerWait, c.rules.MaxWait)
	}
	if c.offered || c.accepted {
		c.music()
		c.armAnnounce()
		return
	}
	if c.rules.RingFirst {
		c.ring()
		c.arm(TimerRingMode, c.rules.RingFirstFor)
		return
	}
	c.acceptIntoQueue()
}

func (c *Call) ring() {
	if !c.ringing && !c.accepted {
		c.ringing = true
		c.emit(Ring{c.caller})
	}
}

// accept sends 200 to the caller, once.
func (c *Call) accept() {
	if c.accepted {
		return
	}
	c.accepted = true
	c.emit(Accept{c.caller}, Disarm{TimerRingMode})
	c.log(Entry{Kind: KindConnected, Leg: c.caller})
}

func (c *Call) acceptIntoQueue() {
	if c.accepted {
		c.music()
		return
	}
	c.accept()
	c.welcome()
	c.expectAnnouncements()
}

func (c *Call) music() {
	if !c.accepted || c.caller == "" {
		return
	}
	c.play(c.musicSource(), true)
}

// play has the caller hear a source, unless that is what she hears already: music goes on while phones ring in turn.
func (c *Call) play(source string, loop bool) {
	if c.hears != source {
		c.hears = source
		c.emit(Play{Leg: c.caller, Source: source, Loop: loop})
	}
}

// connect lets the caller and another leg hear each other.
func (c *Call) connect(leg LegID) {
	c.hears = ""
	c.emit(Connect{c.caller, leg})
}

func (c *Call) musicSource() string {
	if c.rules.Music == "" {
		return SourceMusic
	}
	return c.rules.Music
}

// offer rings the phone of the agent that the queue reserved.
func (c *Call) offer(ev Offered) {
	if c.phase != waiting {
		c.emit(Free{ev.Agent, FreedCancelled})
		return
	}
	c.agent = agent{id: ev.Agent, kind: ev.Kind}
	c.dialAgent()
}

// expiresMargin is how much longer a phone may ring by its Expires than by our timer, so that it is our CANCEL that ends
// the ringing and not, at the same instant, a phone that would seem to have declined.
const expiresMargin = 2 * time.Second

func (c *Call) dialAgent() {
	c.phase, c.offered = offering, true
	c.agent.leg = c.newLeg("a")
	c.emit(Dial{
		Leg: c.agent.leg, Peer: c.caller, To: Destination{Agent: c.agent.id},
		From:    Party{Number: c.from.Number, Name: c.display(), Private: c.from.Private},
		Expires: c.rules.RingTimeout + expiresMargin,
	})
	c.arm(TimerRing, c.rules.RingTimeout)
	c.log(Entry{Kind: KindOffered, Leg: c.agent.leg, Agent: c.agent.id, Reason: c.agent.recall})
}

// display is what the receptionist's phone shows: whose call it is and, for a recall, why it came back.
func (c *Call) display() string {
	name := c.rules.Display
	if name == "" {
		name = c.rules.TenantName
	}
	if c.agent.recall == "" {
		return name
	}
	return "Åter (" + recallText(c.agent.recall) + ") " + name
}

func recallText(reason string) string {
	switch reason {
	case "busy":
		return "upptaget"
	case "no_answer":
		return "inget svar"
	case "returned":
		return "vidarekopplad"
	default:
		return "gick ej fram"
	}
}

// missed takes the offer back: the caller returns to the head of the line.
func (c *Call) missed(how Freed, code int, reason string) {
	c.log(Entry{Kind: KindMissed, Leg: c.agent.leg, Agent: c.agent.id, Code: code, Reason: reason})
	c.agent.leg = ""
	c.emit(Disarm{TimerRing})
	c.free(how)
	c.backToQueue()
}

// backToQueue puts the caller at the head of the line, or applies the overflow rule that was due meanwhile.
func (c *Call) backToQueue() {
	c.phase = waiting
	if c.waitOver {
		c.overflow(OutcomeTimeout)
		return
	}
	c.music()
	c.emit(Enqueue{Front: true})
}

func (c *Call) ringEnded() {
	if c.phase == offering {
		c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
		c.missed(FreedMissed, 408, "no_answer")
	}
}

// waitEnded applies the longest wait. An offer under way is allowed to finish.
func (c *Call) waitEnded() {
	switch c.phase {
	case waiting:
		c.emit(Dequeue{})
		c.overflow(OutcomeTimeout)
	case offering, opening:
		c.waitOver = true
	}
}

// overflow does what the tenant wants for a call that the queue cannot keep.
func (c *Call) overflow(o Outcome) {
	c.phase = leaving // no longer in the line
	c.emit(Disarm{TimerWait}, Disarm{TimerRingMode})
	c.stopAnnouncing()
	switch {
	case c.rules.Overflow == OverflowForward && c.rules.ForwardTo != "":
		c.forward()
	case c.rules.Overflow == OverflowBusy && !c.accepted:
		c.finish(c.overflowed(o), CausePolicy)
	case c.rules.Overflow == OverflowBusy:
		c.playOut(SourceBusy, o)
	default:
		c.playOut(PromptTryLater, o)
	}
}

// PromptTryLater is the prompt that a caller hears whom the queue cannot keep.
const PromptTryLater = "try-later"

// busyToneFor is how long a busy tone plays before the call is ended.
const busyToneFor = 5 * time.Second

func (c *Call) playOut(source string, o Outcome) {
	c.accept()
	c.phase, c.leaveAs = leaving, o
	c.play(source, source == SourceBusy)
	limit := promptLimit
	if source == SourceBusy {
		limit = busyToneFor
	}
	c.arm(TimerPrompt, limit)
	c.log(Entry{Kind: KindPrompt, Reason: source})
}

// overflowed is the outcome of a call that a receptionist may have answered before it came back to the queue.
func (c *Call) overflowed(o Outcome) Outcome {
	if c.answered {
		return OutcomeAnswered
	}
	return o
}

func (c *Call) leavingOutcome() Outcome { return c.overflowed(c.leaveAs) }

// forward sends the caller on by rule.
func (c *Call) forward() {
	c.phase = forwarding
	if c.accepted {
		c.play(SourceRingback, true)
	} else {
		c.ring()
	}
	c.dialTarget(Destination{Trunk: c.rules.Trunk, Number: c.rules.ForwardTo}, c.rules.RecallAfter)
	c.arm(TimerRecall, c.rules.RecallAfter)
	c.log(Entry{Kind: KindForwarded, Leg: c.target.leg, Number: c.rules.ForwardTo})
}

func (c *Call) forwardFailed(reason string, code int) {
	if c.target.leg != "" {
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
	}
	c.log(Entry{Kind: KindUnreached, Leg: c.target.leg, Number: c.target.to.Number, Code: code, Reason: reason})
	c.target = target{}
	c.emit(Disarm{TimerRecall})
	if c.accepted {
		c.playOut(SourceBusy, OutcomeFailed)
		return
	}
	c.finish(c.overflowed(OutcomeFailed), CausePolicy)
}
