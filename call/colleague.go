package call

// asked is something that waits for a colleague to be reserved, with the leg that asked for it, empty for a console.
type asked struct {
	earlyEvent
	agent string
}

// ask has the pool reserve a colleague. What was asked for goes on when that is answered.
func (c *Call) ask(leg LegID, ev Event, colleague string) {
	c.asked = asked{earlyEvent{leg, ev}, colleague}
	c.emit(Reserve{colleague})
}

// reserved goes on with what waits for a colleague. One that is of no use any more is given back.
func (c *Call) reserved(ev Reserved) {
	if c.asked.agent == ev.Agent && ev.Agent != "" {
		a := c.asked
		c.asked = asked{}
		if ev.OK {
			c.mate = Candidate{Agent: ev.Agent, Kind: ev.Kind, Via: ev.Via}
		}
		switch e := a.ev.(type) {
		case Act:
			c.goOn(e, ev.OK)
		case Transfer:
			c.transferTo(e, ev.OK)
		case Consult:
			c.consultWith(a.leg, e, ev.OK)
		case Fired:
			c.unparked(ev.OK)
		}
		ev.OK = c.mate.Agent != ""
		c.mate = Candidate{}
	}
	if ev.OK {
		c.emit(Free{ev.Agent, FreedCancelled})
	}
}

// dropAsked refuses what still waits for a colleague.
func (c *Call) dropAsked() {
	if a := c.asked; a.agent != "" {
		c.asked = asked{}
		c.refuseEarly(a.earlyEvent)
	}
}

// freeMate gives back a colleague who was called and does not get the call.
func (c *Call) freeMate(how Freed) {
	if id := c.target.mate.Agent; id != "" {
		c.target.mate = Candidate{}
		c.emit(Free{id, how})
	}
}

// freedMate is how a colleague is given back whose phone did not get through.
func freedMate(reason string) Freed {
	switch reason {
	case "no_answer":
		return FreedMissed
	case "taken_back":
		return FreedCancelled
	default:
		return FreedDeclined
	}
}

// takeOver makes the colleague whom the receptionist has left the caller to the agent of the call. Handling goes on with her.
func (c *Call) takeOver(by string, dialog *Dialog) {
	mate, leg := c.target.mate, c.target.leg
	c.target = target{}
	c.emit(Disarm{TimerRecall})
	c.log(Entry{Kind: KindColleague, Leg: leg, Agent: mate.Agent, AgentKind: mate.Kind, Reason: by, Dialog: dialog})
	c.notify(200, "OK")
	if c.agent.leg != "" {
		c.emit(Hangup{Leg: c.agent.leg, Cause: CauseBye})
	}
	c.free(FreedDone)
	c.agent = agent{id: mate.Agent, kind: mate.Kind, via: mate.Via, leg: leg, present: true, from: c.at.Since}
	c.phase = talking
	c.join()
	c.armMarks()
}
