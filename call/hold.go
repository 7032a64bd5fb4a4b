package call

// hold is the receptionist's console holding the caller: her phone does not know, and hears nothing.
func (c *Call) hold() {
	c.agent.onHold = true
	c.dropWhisper()
	c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	c.music()
	c.emit(Disconnect{c.agent.leg})
}

// held and resumed follow the hold of the receptionist's phone. It is remembered while a target is called, since phones
// hold before they REFER and the caller may come back.
func (c *Call) held() {
	c.agent.held = true
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	if c.consulting() && c.consult == "" {
		c.route()
		return
	}
	c.music()
}

// stillHeld tells of a hold of the receptionist's phone that began before she was in the call, or before she left it.
func (c *Call) stillHeld() {
	if c.agent.held {
		c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	}
}

// resumed takes the caller back, for the console too: a phone resumes what it held last.
func (c *Call) resumed() {
	c.agent.held, c.agent.onHold = false, false
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindResumed, Leg: c.agent.leg, Agent: c.agent.id})
	if c.consulting() && c.consult == "" {
		c.route()
		return
	}
	c.join()
}
