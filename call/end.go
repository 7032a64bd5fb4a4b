package call

import "time"

// endOutcome is the outcome of a call that one of its parties ended.
func (c *Call) endOutcome(cause Cause) Outcome {
	switch {
	case c.mediated:
		return OutcomeMediated
	case c.out != nil && !c.accepted:
		return OutcomeUnreached
	case c.rules.Kind == Outgoing:
		return OutcomeReached
	case c.answered || c.phase == opening:
		return OutcomeAnswered // the answer counts from the 200 on
	case c.phase == leaving:
		return c.leavingOutcome()
	case c.phase == connected:
		return OutcomeForwarded
	case cause == CauseNoAck || cause == CauseFault || cause == CauseSession:
		return OutcomeFailed
	case c.phase == forwarding:
		return c.leaveAs // she has left the line for a reason of the tenant's
	default:
		return OutcomeAbandoned
	}
}

// finish ends every leg that is left, gives the agent back and closes the story.
func (c *Call) finish(o Outcome, cause Cause) {
	if c.phase == waiting {
		c.emit(Dequeue{})
	}
	c.unpark()
	c.notify(487, "Request Terminated")
	c.dropEarly()
	if c.caller != "" {
		if c.accepted || c.out != nil {
			c.emit(Hangup{Leg: c.caller, Cause: cause})
		} else {
			c.emit(Reject{Leg: c.caller, Code: rejectCode(cause), Reason: "", RetryAfter: retryAfter(cause)})
		}
	}
	for _, leg := range []LegID{c.agent.leg, c.consult, c.target.leg} {
		if leg != "" {
			c.emit(Hangup{Leg: leg, Code: c.codeAtEnd(leg, cause), Cause: cause})
		}
	}
	c.cancelRest(cause)
	c.leave()
	c.freeMate(FreedCancelled)
	c.free(c.freedAtEnd())
	c.log(Entry{Kind: KindEnded, Reason: EndReason(o, cause)})
	c.emit(Finish{o, cause})
	c.phase = ended
}

func (c *Call) freedAtEnd() Freed {
	switch c.phase {
	case arriving, offering, calling: // nobody was spoken to
		return FreedCancelled
	default:
		return FreedDone
	}
}

// codeAtEnd is the final error for the leg of a receptionist who dialled herself; any other has its own.
func (c *Call) codeAtEnd(leg LegID, cause Cause) int {
	if leg == c.agent.leg && c.agent.dialled {
		return rejectCode(cause)
	}
	return 0
}

// dismiss takes the receptionist out of the call and gives her back.
func (c *Call) dismiss() {
	c.leave()
	if c.agent.leg != "" {
		c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
		c.agent.leg = ""
	}
	c.free(FreedDone)
}

func rejectCode(cause Cause) int {
	switch cause {
	case CauseStore, CauseShutdown:
		return 503
	case CausePolicy:
		return 486
	case CausePanic:
		return 500
	default:
		return 480
	}
}

func retryAfter(cause Cause) time.Duration {
	if cause == CauseStore || cause == CauseShutdown {
		return 10 * time.Second
	}
	return 0
}

// free gives the agent back to the pool, once.
func (c *Call) free(how Freed) {
	if c.agent.id == "" {
		return
	}
	c.emit(Free{c.agent.id, how})
	c.agent = agent{}
}
