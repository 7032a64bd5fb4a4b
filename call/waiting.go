package call

import "time"

// stored goes on after a step became durable.
func (c *Call) stored(s Step) {
	switch {
	case s == StepArrived && c.phase == arriving:
		c.emit(Disarm{TimerCommit})
		c.enter()
	case s == StepAnswered && c.phase == opening:
		c.open()
	}
}

// enter begins a call that is durable: it waits in the queue, but where the service calls or the tenant is closed.
func (c *Call) enter() {
	switch {
	case c.out != nil:
		c.callOut()
	case c.rules.Closed != "":
		c.closed()
	default:
		c.phase = waiting
		c.emit(Enqueue{})
	}
}

func (c *Call) storeFailed(s Step) {
	switch {
	case s == StepArrived && c.phase == arriving:
		c.finish(OutcomeFailed, CauseStore)
	case s == StepAnswered && c.phase == opening:
		c.withdraw(FreedCancelled, CauseStore)
	}
}

// queued has a place: the caller is connected into the queue, or hears ringing for a while where the tenant wants that.
func (c *Call) queued() {
	if c.phase != waiting {
		return
	}
	c.log(Entry{Kind: KindQueued})
	if c.rules.MaxWait > 0 && !c.waits {
		c.waits = true
		c.arm(TimerWait, c.rules.MaxWait)
	}
	if c.offered || c.accepted {
		c.music()
		c.armAnnounce()
		return
	}
	if c.rules.RingFirst {
		c.ring()
		c.arm(TimerRingMode, c.rules.RingFirstFor)
		return
	}
	c.acceptIntoQueue()
}

func (c *Call) ring() {
	if !c.ringing && !c.accepted {
		c.ringing = true
		c.emit(Ring{c.caller})
	}
}

// accept sends 200 to the caller, once.
func (c *Call) accept() {
	if c.accepted {
		return
	}
	c.accepted = true
	c.emit(Accept{c.caller}, Disarm{TimerRingMode})
	c.log(Entry{Kind: KindConnected, Leg: c.caller})
}

func (c *Call) acceptIntoQueue() {
	if c.accepted {
		c.music()
		return
	}
	c.accept()
	c.welcome()
	c.expectAnnouncements()
}

func (c *Call) music() {
	if !c.accepted || c.caller == "" {
		return
	}
	c.play(c.musicSource(), true)
}

// play has the caller hear a source, unless that is what she hears already: music goes on while phones ring in turn.
func (c *Call) play(source string, loop bool) {
	if c.hears != source {
		c.hears = source
		c.emit(Play{Leg: c.caller, Source: source, Loop: loop})
	}
}

// connect lets the caller and another leg hear each other.
func (c *Call) connect(leg LegID) {
	c.hears = ""
	c.emit(Connect{c.caller, leg})
}

func (c *Call) musicSource() string {
	if c.rules.Music == "" {
		return SourceMusic
	}
	return c.rules.Music
}

// offer rings the phones of the agents that the queue reserved, mostly of one. A parked caller is for who asks for her.
func (c *Call) offer(ev Offered) {
	switch {
	case c.phase == waiting && ev.Pickup:
		c.emit(Dequeue{})
	case c.phase == waiting, c.phase == parked && ev.Pickup:
	default:
		c.emit(Free{ev.Agent, FreedCancelled})
		for _, o := range ev.Others {
			c.emit(Free{o.Agent, FreedCancelled})
		}
		return
	}
	if ev.Pickup {
		c.log(Entry{Kind: KindPickedUp, Agent: ev.Agent})
	}
	c.agent = agent{id: ev.Agent, kind: ev.Kind, via: ev.Via}
	c.dialAgent()
	c.dialOthers(ev.Others)
}

// expiresMargin is how much longer a phone may ring by its Expires than by our timer, so that it is our CANCEL that ends
// the ringing and not, at the same instant, a phone that would seem to have declined.
const expiresMargin = 2 * time.Second

func (c *Call) dialAgent() {
	c.phase, c.offered, c.agent.answers = offering, true, false
	c.dialPhone(&c.agent)
	c.arm(TimerRing, c.rules.RingTimeout)
	c.log(Entry{Kind: KindOffered, Leg: c.agent.leg, Agent: c.agent.id, Reason: c.agent.recall})
}

func (c *Call) dialPhone(a *agent) {
	a.leg = c.newLeg("a")
	c.emit(Dial{
		Leg: a.leg, Peer: c.caller, To: reachedAt(a.id, a.via), Token: token(a.leg, a.via),
		From:    Party{Number: c.from.Number, Name: c.display(), Private: c.from.Private},
		Expires: c.rules.RingTimeout + expiresMargin, Answer: a.answers,
	})
}

// reachedAt is where an agent's leg goes.
func reachedAt(id string, via Destination) Destination {
	if via != (Destination{}) {
		return via
	}
	return Destination{Agent: id}
}

// token marks a leg by a trunk, which may come back to us.
func token(leg LegID, via Destination) string {
	if via.Trunk == "" {
		return ""
	}
	return string(leg)
}

// display is what the receptionist's phone shows: whose call it is and, for a recall, why it came back.
func (c *Call) display() string {
	name := c.rules.Display
	if name == "" {
		name = c.rules.TenantName
	}
	if c.agent.recall == "" {
		return name
	}
	return "Åter (" + recallText(c.agent.recall) + ") " + name
}

func recallText(reason string) string {
	switch reason {
	case "busy":
		return "upptaget"
	case "no_answer":
		return "inget svar"
	case "returned":
		return "vidarekopplad"
	case "taken_back":
		return "återtagen"
	case "parked":
		return "parkerad"
	default:
		return "gick ej fram"
	}
}

// missed takes the offer back: the caller returns to the head of the line, or to her slot. Where other phones ring for her
// as well nothing changes for her.
func (c *Call) missed(how Freed, code int, reason string) {
	c.log(Entry{Kind: KindMissed, Leg: c.agent.leg, Agent: c.agent.id, Code: code, Reason: reason})
	c.agent.leg = ""
	c.offerOver(how, CauseRefused)
}

// offerOver gives an agent back whose phone does not ring for the call any more.
func (c *Call) offerOver(how Freed, cause Cause) {
	if len(c.rest) > 0 {
		c.free(how)
		c.agent, c.rest = c.rest[0], c.rest[1:]
		return
	}
	c.emit(Disarm{TimerRing})
	c.free(how)
	if c.out != nil && c.caller == "" {
		c.finish(OutcomeFailed, cause) // nobody was called yet
		return
	}
	c.backToQueue()
}

// backToQueue puts the caller at the head of the line, or applies the overflow rule that was due meanwhile.
func (c *Call) backToQueue() {
	if c.parkedBy != "" {
		c.backToSlot()
		return
	}
	c.phase = waiting
	if c.waitOver {
		c.overflow(OutcomeTimeout)
		return
	}
	c.music()
	c.emit(Enqueue{Front: true, Group: c.group})
}

func (c *Call) ringEnded() {
	for c.phase == offering {
		c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
		c.missed(FreedMissed, 408, "no_answer")
	}
}

// waitEnded applies the longest wait. An offer under way is allowed to finish.
func (c *Call) waitEnded() {
	switch c.phase {
	case waiting:
		c.emit(Dequeue{})
		c.overflow(OutcomeTimeout)
	case offering, opening:
		c.waitOver = true
	}
}
