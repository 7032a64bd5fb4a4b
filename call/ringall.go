package call

import "slices"

// dialOthers rings the phones of those whom the call is offered to besides its agent. The first answer wins.
func (c *Call) dialOthers(others []Candidate) {
	for _, o := range others {
		a := agent{id: o.Agent, kind: o.Kind, via: o.Via}
		c.dialPhone(&a)
		c.rest = append(c.rest, a)
		c.log(Entry{Kind: KindOffered, Leg: a.leg, Agent: a.id})
	}
}

// restLeg handles one of the other phones that ring.
func (c *Call) restLeg(i int, ev Event) {
	switch ev := ev.(type) {
	case Answered:
		c.agent, c.rest[i] = c.rest[i], c.agent
		c.agentAnswered(ev)
	case Failed:
		c.missedOther(i, ev.Code, "declined")
	case Ended:
		c.missedOther(i, 0, string(ev.Cause))
	}
}

// missedOther is one of them who does not take the call.
func (c *Call) missedOther(i, code int, reason string) {
	a := c.rest[i]
	c.log(Entry{Kind: KindMissed, Leg: a.leg, Agent: a.id, Code: code, Reason: reason})
	c.emit(Free{a.id, FreedDeclined})
	c.rest = slices.Delete(c.rest, i, i+1)
}

// cancelRest ends the ringing of the others.
func (c *Call) cancelRest(cause Cause) {
	for _, a := range c.rest {
		c.emit(Hangup{Leg: a.leg, Cause: cause}, Free{a.id, FreedCancelled})
	}
	c.rest = nil
}

// cancelOffers takes back an offer for no fault of those whose phones ring.
func (c *Call) cancelOffers() {
	c.emit(Disarm{TimerRing})
	c.cancelRest(CausePolicy)
	c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
	c.agent.leg = ""
	c.free(FreedCancelled)
}

// decline is an agent who does not take the call that her phone rings for, by her console.
func (c *Call) decline(agent string) {
	if i := c.rings(agent); i >= 0 {
		c.emit(Hangup{Leg: c.rest[i].leg, Cause: CausePolicy})
		c.missedOther(i, 603, "declined")
		return
	}
	c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
	c.missed(FreedDeclined, 603, "declined")
}

// ringsAt is what is known of an agent whose phone rings for the call; nil where it does not. Nobody's name is the call's agent.
func (c *Call) ringsAt(id string) *agent {
	switch i := c.rings(id); {
	case c.phase != offering:
		return nil
	case i >= 0:
		return &c.rest[i]
	case id == "" || id == c.agent.id:
		return &c.agent
	}
	return nil
}

// answerBy has a phone that rings answer by itself: it is called anew, marked so that it does, and told that the call was answered
// elsewhere, so that it lists none as missed.
func (c *Call) answerBy(ev Act) {
	a := c.ringsAt(ev.Agent)
	c.emit(Hangup{Leg: a.leg, Cause: CauseElse})
	a.answers = true
	c.dialPhone(a)
	c.log(Entry{Kind: KindOffered, Leg: a.leg, Agent: a.id, Reason: OfferAnswer})
}

// rings finds an agent among the others whose phones ring.
func (c *Call) rings(id string) int {
	return slices.IndexFunc(c.rest, func(a agent) bool { return a.id == id })
}
