package call

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
		c.agentLost()
	case PromptDone:
		c.whispered()
	case Held:
		c.held()
	case Resumed:
		c.resumed()
	case Transfer:
		if c.phase == opening {
			c.tooEarly(c.agent.leg, ev)
			return
		}
		c.transfer(ev)
	}
}

// agentAnswered begins the handling time. Audio opens when the answer is durable; until then the caller keeps what she
// hears.
func (c *Call) agentAnswered(ev Answered) {
	if c.phase != offering {
		return
	}
	c.emit(Disarm{TimerRing})
	c.cancelRest(CauseElse)
	if c.out != nil && c.caller == "" {
		c.ready(ev)
		return
	}
	c.answer(&ev.Dialog)
}

// answer begins the handling time of the receptionist who is on the line.
func (c *Call) answer(dialog *Dialog) {
	c.phase = opening
	c.agent.present, c.agent.held, c.agent.from = true, false, c.at.Since
	c.log(Entry{Kind: KindAnswered, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind, Dialog: dialog})
	c.emit(Await{StepAnswered})
	c.arm(TimerCommit, commitLimit)
}

// open connects caller and receptionist.
func (c *Call) open() {
	c.phase, c.answered = talking, true
	c.waits, c.waitOver = false, false
	c.emit(Disarm{TimerCommit}, Disarm{TimerWait})
	c.stopAnnouncing()
	c.unpark()
	c.accept()
	c.openAudio()
	c.log(Entry{Kind: KindOpened, Agent: c.agent.id})
	c.armMarks()
	c.arm(TimerHeartbeat, HeartbeatEvery)
	c.stillHeld()
	c.grantEarly()
}

// join lets caller and receptionist hear each other, unless she holds the caller, who then hears music. A whisper is waited
// for.
func (c *Call) join() {
	if c.whispers {
		return
	}
	if c.agent.held || c.agent.onHold {
		c.music()
		return
	}
	c.connect(c.agent.leg)
}

// withdraw takes back an answer before its audio opened, since it could not be made durable or the receptionist's leg
// was gone at once: she is freed, the caller goes to the head of the line, and nothing is charged for it.
func (c *Call) withdraw(how Freed, cause Cause) {
	c.emit(Disarm{TimerCommit})
	c.dropEarly()
	if c.agent.leg != "" {
		c.emit(Hangup{Leg: c.agent.leg, Cause: cause})
	}
	c.log(Entry{Kind: KindWithdrawn, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind, Reason: string(cause)})
	c.agent.present, c.agent.leg = false, ""
	c.free(how)
	c.backToQueue()
}

// agentEnded is the receptionist hanging up.
func (c *Call) agentEnded(cause Cause) {
	switch c.phase {
	case offering:
		c.missed(FreedDeclined, 0, string(cause))
	case opening:
		c.agent.leg = ""
		c.withdraw(FreedDeclined, cause)
	case connecting:
		c.agent.leg, c.agent.lost = "", false // the phone leaves as it should after a REFER
		c.refer = refer{}
	default:
		if c.consulting() && c.consult == "" { // she leaves the two to each other
			c.agent.leg = ""
			c.completeOn("")
			return
		}
		outcome := c.endOutcome(cause)
		c.leave()
		c.agent.leg = ""
		c.finish(outcome, cause)
	}
}

// agentLost is the receptionist's phone falling silent. While a target is being called it has nothing to say.
func (c *Call) agentLost() {
	c.log(Entry{Kind: KindLost, Leg: c.agent.leg, Agent: c.agent.id})
	switch c.phase {
	case talking:
		c.goOnWithout()
	case opening:
		c.withdraw(FreedDeclined, CauseMedia)
	default:
		c.agent.lost = true
	}
}

// goOnWithout has a call do without the receptionist whose phone fell silent, which is no fault of who is on the line: the two others
// of a conference speak on, and a caller goes back to the head of the line. A call of hers ends.
func (c *Call) goOnWithout() {
	switch {
	case c.consulting() && c.side == withBoth && c.target.answered:
		c.completeOn("")
	case c.out != nil:
		c.finish(c.endOutcome(CauseMedia), CauseMedia)
	default:
		c.dropAsked()
		c.dropConsult()
		c.letWait()
	}
}
