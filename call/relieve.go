package call

import "slices"

// relieve takes an agent out of the call, whatever she does in it, for no fault of hers.
func (c *Call) relieve(id string) {
	other := c.rings(id)
	if id == "" || other < 0 && id != c.agent.id && id != c.target.mate.Agent {
		return
	}
	c.log(Entry{Kind: KindRelieved, Agent: id})
	switch {
	case other >= 0: // the others' phones go on ringing
		c.emit(Hangup{Leg: c.rest[other].leg, Cause: CausePolicy}, Free{id, FreedCancelled})
		c.rest = slices.Delete(c.rest, other, other+1)
	case id == c.agent.id:
		c.relieveAgent()
	case c.consulting():
		c.endConsult()
	default: // a direct connection to her
		c.freeMate(FreedCancelled)
		c.recall("failed", 480)
	}
}

func (c *Call) relieveAgent() {
	switch c.phase {
	case offering:
		c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
		c.agent.leg = ""
		c.offerOver(FreedCancelled, CausePolicy)
	case opening:
		c.withdraw(FreedCancelled, CausePolicy)
	case talking:
		c.dropAsked()
		c.dropConsult()
		c.letWait()
	case connecting:
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy}, Disarm{TimerRecall})
		c.freeMate(FreedCancelled)
		c.target = target{}
		c.notify(487, "Request Terminated")
		c.letWait()
	default: // an outgoing call that has not begun, or whose party rings
		c.finish(c.endOutcome(CausePolicy), CausePolicy)
	}
}

// letWait takes the receptionist out of the call, and has the caller wait at the head of the line.
func (c *Call) letWait() {
	c.dismiss()
	c.offered = true
	c.backToQueue()
}
