package call

import "time"

// overflow does what the tenant wants for a call that the queue cannot keep.
func (c *Call) overflow(o Outcome) {
	c.turnAway(c.rules.Overflow, c.rules.ForwardTo, c.overflowClip(), o)
}

func (c *Call) overflowClip() string {
	if c.rules.OverflowClip == "" {
		return PromptTryLater
	}
	return c.rules.OverflowClip
}

// noAgent is for a caller for whom nobody is logged in. One who waits for a group alone waits for everybody then, as before.
func (c *Call) noAgent() {
	if c.phase != waiting || c.group == "" && c.rules.NoAgent == "" {
		return
	}
	if c.group != "" {
		c.log(Entry{Kind: KindNoAgent, To: c.group})
		c.group = ""
		c.emit(Dequeue{}, Enqueue{Front: true})
		return
	}
	c.log(Entry{Kind: KindNoAgent})
	c.emit(Dequeue{})
	c.turnAway(c.rules.NoAgent, c.rules.ForwardTo, c.overflowClip(), OutcomeNoAgent)
}

// closed is for a caller who comes outside the tenant's hours.
func (c *Call) closed() {
	c.log(Entry{Kind: KindClosed})
	clip := c.rules.ClosedPrompt
	if clip == "" {
		clip = c.language() + promptClosed
	}
	c.turnAway(c.rules.Closed, c.rules.ClosedTo, clip, OutcomeClosed)
}

// turnAway has a caller, who no longer stands in the line, not wait: she is sent on to a number, hears busy, may leave a
// wish, or hears a prompt.
func (c *Call) turnAway(how Overflow, to, clip string, o Outcome) {
	c.phase = leaving
	c.stopWaiting()
	switch {
	case how == OverflowForward && to != "":
		c.forward(Destination{Trunk: c.rules.Trunk, Number: to}, o)
	case how == OverflowBusy && !c.accepted:
		c.finish(c.overflowed(o), CausePolicy)
	case how == OverflowBusy:
		c.playOut(SourceBusy, o)
	case how == OverflowWish && c.mayWish():
		c.wishing = true
		c.playOut(c.language()+promptWishOffer, o)
	default:
		c.playOut(clip, o)
	}
}

// stopWaiting disarms what runs for a caller who waits.
func (c *Call) stopWaiting() {
	c.waits, c.waitOver = false, false
	c.emit(Disarm{TimerWait}, Disarm{TimerRingMode})
	c.stopAnnouncing()
}

// leaveLine takes a caller out of the line, or out of a slot, or from phones that ring for her.
func (c *Call) leaveLine() {
	switch c.phase {
	case waiting:
		c.emit(Dequeue{})
	case offering:
		c.cancelOffers()
	}
	c.unpark()
	c.stopWaiting()
}

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
	switch {
	case c.answered && c.rules.Kind == Outgoing:
		return OutcomeReached
	case c.answered:
		return OutcomeAnswered
	}
	return o
}

func (c *Call) leavingOutcome() Outcome { return c.overflowed(c.leaveAs) }

// prompted goes on after a prompt to the caller: the call ends, but where she may still press a key. One that has been
// replaced by another may be told of late.
func (c *Call) prompted(source string) {
	if c.phase != leaving || source != c.hears {
		return
	}
	if c.wishing {
		c.arm(TimerPrompt, wishPatience)
		return
	}
	c.finish(c.leavingOutcome(), CausePolicy)
}

// forward sends the caller on by rule. o is the outcome where she does not wait for who is called.
func (c *Call) forward(to Destination, o Outcome) {
	c.phase, c.leaveAs = forwarding, o
	if c.accepted {
		c.play(SourceRingback, true)
	} else {
		c.ring()
	}
	c.dialTarget(to, HowForward, c.rules.RecallAfter)
	c.arm(TimerRecall, c.rules.RecallAfter)
	c.log(Entry{Kind: KindForwarded, Leg: c.target.leg, Number: to.Number})
}

func (c *Call) forwardFailed(reason string, code int) {
	if c.target.leg != "" {
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
	}
	c.log(Entry{Kind: KindUnreached, Leg: c.target.leg, Number: c.target.to.Number, Code: code, Reason: reason})
	c.target = target{}
	c.emit(Disarm{TimerRecall})
	o := c.leaveAs
	if o == OutcomeForwarded { // she asked for it, and was not
		o = OutcomeFailed
	}
	if c.accepted {
		c.playOut(SourceBusy, o)
		return
	}
	c.finish(c.overflowed(o), CausePolicy)
}
