package call

// mayTalk: the receptionist speaks with the caller and with nobody else.
func (c *Call) mayTalk(Act) ActError {
	switch {
	case c.phase != talking:
		return ErrState
	case c.consulting() || c.asked.agent != "":
		return ErrConsults
	default:
		return ""
	}
}

// mayAnswer: her phone rings here, and has not been told yet to answer. One behind a trunk cannot be.
func (c *Call) mayAnswer(ev Act) ActError {
	switch a := c.ringsAt(ev.Agent); {
	case a == nil || a.answers:
		return ErrState
	case a.via != (Destination{}):
		return ErrPhone
	default:
		return ""
	}
}

func (c *Call) mayHold(ev Act) ActError {
	if err := c.mayTalk(ev); err != "" {
		return err
	}
	if c.agent.held || c.agent.onHold {
		return ErrState
	}
	return ""
}

func (c *Call) mayResume(ev Act) ActError {
	if err := c.mayTalk(ev); err != "" {
		return err
	}
	switch {
	case c.agent.held:
		return ErrPhone
	case !c.agent.onHold:
		return ErrState
	default:
		return ""
	}
}

func (c *Call) mayConnect(ev Act) ActError {
	switch {
	case ev.Refuse != 0:
		return ErrRefused
	case ev.To == Destination{} || ev.To.Agent != "" && ev.To.Agent == c.agent.id:
		return ErrNoTarget
	default:
		return c.mayTalk(ev)
	}
}

func (c *Call) mayAnnounce(ev Act) ActError {
	switch err := c.mayConnect(ev); {
	case err != "":
		return err
	case ev.To.Group != "":
		return ErrNoTarget
	case c.agent.held:
		return ErrPhone
	default:
		return ""
	}
}

func (c *Call) maySwap(Act) ActError {
	switch {
	case !c.consulting() || !c.target.answered:
		return ErrState
	case c.agent.held && c.consult == "":
		return ErrPhone
	default:
		return ""
	}
}

func (c *Call) mayJoin(ev Act) ActError {
	if c.side == withBoth {
		return ErrState
	}
	return c.maySwap(ev)
}

func (c *Call) mayComplete(Act) ActError {
	if !c.consulting() {
		return ErrState
	}
	return ""
}

func (c *Call) mayTakeBack(Act) ActError {
	if !c.consulting() && c.phase != connecting {
		return ErrState
	}
	return ""
}

// mayEnd: who has asked for the call to end is of it, or may do so with any call.
func (c *Call) mayEnd(Act) ActError {
	if c.phase == arriving {
		return ErrState // nobody knows of it yet
	}
	return ""
}

func (c *Call) mayGrant(ev Act) ActError {
	if ev.Grant <= 0 {
		return ErrNoTarget
	}
	return ""
}

func (c *Call) mayDivert(ev Act) ActError {
	switch {
	case ev.Refuse != 0:
		return ErrRefused
	case ev.To.Trunk == "" || ev.To.Agent != "":
		return ErrNoTarget
	case c.phase != waiting && c.phase != offering && c.phase != parked || c.out != nil && c.caller == "":
		return ErrState
	default:
		return ""
	}
}
