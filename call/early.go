package call

// earlyEvent is something that the receptionist asked for before her answer was durable.
type earlyEvent struct {
	leg LegID
	ev  Event
}

// maxEarly is how many of them are kept; a person makes one or two in the milliseconds that a commit takes.
const maxEarly = 4

// tooEarly keeps a wish for when the audio is open.
func (c *Call) tooEarly(leg LegID, ev Event) {
	if len(c.early) < maxEarly {
		c.early = append(c.early, earlyEvent{leg, ev})
		return
	}
	c.refuseEarly(earlyEvent{leg, ev})
}

// grantEarly does what was asked for too early, one after the other: what is left is refused where one of them ends the call.
// dropEarly refuses it all, since the answer did not count.
func (c *Call) grantEarly() {
	for len(c.early) > 0 {
		e := c.early[0]
		c.early, c.by = c.early[1:], ""
		switch ev := e.ev.(type) {
		case Transfer:
			if e.leg == c.agent.leg { // not where the phone has left
				c.transfer(ev)
			}
		case Consult:
			c.startConsult(e.leg, ev)
		case Act:
			c.act(ev)
		}
	}
}

func (c *Call) dropEarly() {
	c.dropAsked()
	for _, e := range c.takeEarly() {
		c.refuseEarly(e)
	}
}

func (c *Call) takeEarly() []earlyEvent {
	taken := c.early
	c.early = nil
	return taken
}

func (c *Call) refuseEarly(e earlyEvent) {
	switch ev := e.ev.(type) {
	case Transfer:
		if e.leg == c.agent.leg { // not where the phone has left
			c.emit(AnswerRefer{Leg: e.leg, Ref: ev.Ref, Code: 403, Reason: "No call to transfer"})
		}
	case Consult:
		c.emit(Reject{Leg: e.leg, Code: 403, Reason: "No call to consult for"})
	case Act:
		c.emit(Result{ev.Ref, ErrState})
	}
}
