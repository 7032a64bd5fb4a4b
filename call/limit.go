package call

import "time"

// grantOver is the end of the time that was granted.
func (c *Call) grantOver() {
	if c.phase == talking && c.agent.present && !c.limited {
		c.atLimit()
	}
}

// atLimit sounds the tone and does what the tenant wants for a call that has been handled for the time that it may, once.
func (c *Call) atLimit() {
	c.limited = true
	c.tone(ToneMark)
	if c.phase != talking {
		return
	}
	switch c.rules.AtLimit {
	case LimitNotify:
		c.log(Entry{Kind: KindLimit, Agent: c.agent.id, Reason: string(LimitNotify)})
	case LimitForward:
		if c.rules.LimitTo != "" {
			c.fallBack()
		}
	case LimitEnd:
		c.cut(string(LimitEnd))
	}
}

// fallBack connects the caller with the tenant's number for calls that take too long. Where it does not answer she comes back
// to the receptionist, as from any direct connection.
func (c *Call) fallBack() {
	to := Destination{Trunk: c.rules.Trunk, Number: c.rules.LimitTo}
	c.log(Entry{Kind: KindLimit, Agent: c.agent.id, Number: to.Number, Reason: string(LimitForward)})
	c.dropConsult()
	c.startDirect(to)
	c.target.how = HowForward
}

// capped is the hard cap of handling time.
func (c *Call) capped() {
	if c.phase == talking && c.agent.present {
		c.cut("cap")
	}
}

// cut ends a call that has been handled for too long: the caller hears why where there is a prompt for it.
func (c *Call) cut(why string) {
	c.log(Entry{Kind: KindLimit, Agent: c.agent.id, Reason: why})
	c.dropConsult()
	outcome := c.endOutcome(CausePolicy)
	c.dismiss()
	if c.rules.LimitPrompt == "" {
		c.finish(outcome, CausePolicy)
		return
	}
	c.playOut(c.rules.LimitPrompt, outcome)
}

// grant gives the call more time: what happens at the limit, the warning before it and the hard cap come later. Where the limit
// has passed, the time counts from now.
func (c *Call) grant(more time.Duration) {
	handled := c.handled
	if c.agent.present && c.counts() {
		handled += max(0, c.at.Since-c.agent.from)
	}
	if limit := c.rules.Included + c.granted; c.rules.Included > 0 && limit < handled {
		c.granted = handled - c.rules.Included
	}
	c.granted += more
	c.limited = false
	c.log(Entry{Kind: KindGranted, Agent: c.agent.id, Reason: more.String()})
	if c.phase == talking && c.agent.present {
		c.armMarks()
	}
}
