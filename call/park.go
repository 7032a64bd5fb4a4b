package call

// park leaves the caller in a slot. The receptionist has left the call: parked time is no handling time.
func (c *Call) park() {
	by := c.agent.id
	c.log(Entry{Kind: KindParked, Agent: by})
	c.dismiss()
	c.back = nil
	c.parkedBy, c.parkUntil = by, c.at.Since+c.rules.ParkRecall
	c.emit(Parked{by})
	c.backToSlot()
}

// backToSlot has the caller wait in her slot, for as long as she may from when she was put there.
func (c *Call) backToSlot() {
	c.phase = parked
	c.music()
	c.emit(Arm{TimerPark, max(c.at.Since, c.parkUntil)})
}

// unpark gives up the slot.
func (c *Call) unpark() {
	if c.parkedBy != "" {
		c.parkedBy = ""
		c.emit(Unparked{}, Disarm{TimerPark})
	}
}

// parkOver brings back a caller who has been parked for too long: to who parked her where she is available, else to the head
// of the line. A phone that rings for the caller is waited for.
func (c *Call) parkOver() {
	if c.phase == parked && c.asked.agent == "" {
		c.ask("", Fired{TimerPark}, c.parkedBy)
	}
}

// unparked goes on when it is known whether who parked the caller is available. Where somebody picks her up meanwhile, or has
// done so, there is nothing to bring back.
func (c *Call) unparked(had bool) {
	if c.phase != parked {
		return
	}
	c.log(Entry{Kind: KindUnparked, Agent: c.parkedBy})
	c.unpark()
	c.back = &Recall{At: c.at.Wall, Reason: "parked"}
	if !had {
		c.backToQueue()
		return
	}
	c.agent = agent{id: c.mate.Agent, kind: c.mate.Kind, via: c.mate.Via, recall: "parked"}
	c.mate = Candidate{}
	c.dialAgent()
}

// handBack gives the caller back to the head of the queue, or has her wait for a group.
func (c *Call) handBack(group string) {
	c.log(Entry{Kind: KindHandBack, Agent: c.agent.id, To: group})
	c.group, c.back = group, nil
	c.letWait()
}

// divert sends a caller who waits on to a number, as a supervisor wants.
func (c *Call) divert(to Destination) {
	c.log(Entry{Kind: KindDiverted, Number: to.Number})
	c.back = nil
	c.leaveLine()
	c.forward(to, OutcomeForwarded)
}
