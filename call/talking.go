package call

import "time"

// agentLeg handles the leg to the reserved receptionist's phone.
func (c *Call) agentLeg(ev Event) {
	switch ev := ev.(type) {
	case Answered:
		c.agentAnswered(ev)
	case Failed:
		if c.phase == offering {
			c.missed(FreedDeclined, ev.Code, "declined")
		}
	case Ended:
		c.agentEnded(ev.Cause)
	case MediaLost:
		c.log(Entry{Kind: KindLost, Leg: c.agent.leg, Agent: c.agent.id})
		if c.phase == talking || c.phase == opening {
			c.finish(c.endOutcome(CauseMedia), CauseMedia)
		}
	case Held:
		c.held()
	case Resumed:
		c.resumed()
	case Transfer:
		c.transfer(ev)
	}
}

// agentAnswered begins the handling time. Audio opens when the answer is durable; until then the caller keeps what she
// hears.
func (c *Call) agentAnswered(ev Answered) {
	if c.phase != offering {
		return
	}
	c.phase = opening
	c.agent.present, c.agent.from = true, c.at.Since
	c.log(Entry{Kind: KindAnswered, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind, Dialog: &ev.Dialog})
	c.emit(Disarm{TimerRing}, Await{StepAnswered})
	c.arm(TimerCommit, commitLimit)
}

// open connects caller and receptionist.
func (c *Call) open() {
	c.phase, c.answered = talking, true
	c.waitOver = false
	c.emit(Disarm{TimerCommit}, Disarm{TimerWait})
	c.accept()
	c.emit(Connect{c.caller, c.agent.leg})
	c.log(Entry{Kind: KindOpened, Agent: c.agent.id})
	c.armMarks()
	c.arm(TimerHeartbeat, HeartbeatEvery)
}

// withdraw takes back an answer that could not be made durable: the receptionist is freed, the caller goes to the head
// of the line, and nothing is charged for it.
func (c *Call) withdraw() {
	c.emit(Disarm{TimerCommit}, Hangup{Leg: c.agent.leg, Cause: CauseStore})
	c.log(Entry{Kind: KindWithdrawn, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind})
	c.agent.present, c.agent.leg = false, ""
	c.free(FreedCancelled)
	c.backToQueue()
}

// agentEnded is the receptionist hanging up.
func (c *Call) agentEnded(cause Cause) {
	switch c.phase {
	case offering:
		c.missed(FreedDeclined, 0, string(cause))
	case connecting, connected:
		c.agent.leg = "" // the phone leaves as it should after a REFER
		c.refer = refer{}
	default:
		outcome := c.endOutcome(cause)
		c.leave()
		c.agent.leg = ""
		c.finish(outcome, cause)
	}
}

// leave ends the agent's stretch of handling time.
func (c *Call) leave() {
	if !c.agent.present {
		return
	}
	c.agent.present = false
	if c.agent.kind == Service {
		c.handled += max(0, c.at.Since-c.agent.from)
	}
	c.emit(Disarm{TimerWarn}, Disarm{TimerIncluded}, Disarm{TimerLong})
	c.log(Entry{Kind: KindLeft, Agent: c.agent.id})
}

// armMarks sets the timers of the marks that the summed handling time has not passed. A mark at 45 s is passed by more
// than 45 s, so its timer stands one nanosecond after it; the soft tone comes at its instant. A tenant's own
// receptionists have no marks.
func (c *Call) armMarks() {
	if c.agent.kind != Service {
		return
	}
	base := c.agent.from - c.handled
	for _, m := range []struct {
		timer Timer
		at    time.Duration
	}{{TimerWarn, c.rules.Warn}, {TimerIncluded, c.rules.Included + 1}, {TimerLong, c.rules.Long + 1}} {
		if at := base + m.at; m.at > 1 && at >= c.agent.from {
			c.emit(Arm{m.timer, at})
		}
	}
}

// mark is one of the thresholds of handling time.
func (c *Call) mark(t Timer) {
	if !c.agent.present {
		return
	}
	switch t {
	case TimerWarn:
		c.tone(ToneSoft)
		c.log(Entry{Kind: KindWarned, Agent: c.agent.id})
	case TimerIncluded:
		c.tone(ToneMark)
		c.log(Entry{Kind: KindOverran, Agent: c.agent.id})
	case TimerLong:
		c.log(Entry{Kind: KindLong, Agent: c.agent.id})
	}
}

// tone sounds in the receptionist's ear, on the leg that she is listening to.
func (c *Call) tone(k ToneKind) {
	leg := c.agent.leg
	if c.consult != "" {
		leg = c.consult
	}
	if leg != "" {
		c.emit(Tone{leg, k})
	}
}

func (c *Call) held() {
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	c.music()
}

func (c *Call) resumed() {
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindResumed, Leg: c.agent.leg, Agent: c.agent.id})
	c.emit(Connect{c.caller, c.agent.leg})
}
