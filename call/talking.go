package call

import (
	"slices"
	"time"
)

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

// grantEarly does what was asked for too early; dropEarly refuses it, since the answer did not count.
func (c *Call) grantEarly() {
	for _, e := range c.takeEarly() {
		switch ev := e.ev.(type) {
		case Transfer:
			c.transfer(ev)
		case Consult:
			c.startConsult(e.leg, ev)
		}
	}
}

func (c *Call) dropEarly() {
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
	}
}

// agentAnswered begins the handling time. Audio opens when the answer is durable; until then the caller keeps what she
// hears.
func (c *Call) agentAnswered(ev Answered) {
	if c.phase != offering {
		return
	}
	c.phase = opening
	c.agent.present, c.agent.held, c.agent.from = true, false, c.at.Since
	c.log(Entry{Kind: KindAnswered, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind, Dialog: &ev.Dialog})
	c.emit(Disarm{TimerRing}, Await{StepAnswered})
	c.arm(TimerCommit, commitLimit)
}

// open connects caller and receptionist.
func (c *Call) open() {
	c.phase, c.answered = talking, true
	c.waits, c.waitOver = false, false
	c.emit(Disarm{TimerCommit}, Disarm{TimerWait})
	c.stopAnnouncing()
	c.accept()
	c.openAudio()
	c.log(Entry{Kind: KindOpened, Agent: c.agent.id})
	c.armMarks()
	c.arm(TimerHeartbeat, HeartbeatEvery)
	if c.agent.held {
		c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	}
	c.grantEarly()
}

// join lets caller and receptionist hear each other, unless her phone holds the caller, who then hears music. A whisper is
// waited for.
func (c *Call) join() {
	if c.whispers {
		return
	}
	if c.agent.held {
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
		c.finish(c.endOutcome(CauseMedia), CauseMedia)
	case opening:
		c.withdraw(FreedDeclined, CauseMedia)
	default:
		c.agent.lost = true
	}
}

// leave ends the agent's stretch of handling time. A mark whose timer has not fired yet although the sum has passed it
// is told of now, so that story and tariff row always agree.
func (c *Call) leave() {
	if !c.agent.present {
		return
	}
	c.agent.present = false
	c.dropWhisper()
	if c.agent.kind == Service {
		c.handled += max(0, c.at.Since-c.agent.from)
		for _, m := range c.marks() {
			if m.at > 0 && c.handled >= m.at {
				c.pass(m.timer)
			}
		}
	}
	c.emit(Disarm{TimerWarn}, Disarm{TimerIncluded}, Disarm{TimerLong})
	c.log(Entry{Kind: KindLeft, Agent: c.agent.id})
}

// threshold is a mark and the summed handling time at which it is passed; zero where the rules have none.
type threshold struct {
	timer Timer
	at    time.Duration
}

var markKinds = map[Timer]Kind{TimerWarn: KindWarned, TimerIncluded: KindOverran, TimerLong: KindLong}

// marks lists the thresholds. The soft tone comes at its instant; the others are passed by more than they say, so they
// stand one nanosecond later.
func (c *Call) marks() [3]threshold {
	after := func(d time.Duration) time.Duration {
		if d <= 0 {
			return 0
		}
		return d + 1
	}
	return [3]threshold{
		{TimerWarn, c.rules.Warn}, {TimerIncluded, after(c.rules.Included)}, {TimerLong, after(c.rules.Long)},
	}
}

// armMarks sets the timers of the marks that the story does not tell of yet. One that was passed while the answer became
// durable is told of now. A tenant's own receptionists have
// no marks.
func (c *Call) armMarks() {
	if c.agent.kind != Service {
		return
	}
	for _, m := range c.marks() {
		if m.at > 0 && !slices.Contains(c.passed, m.timer) {
			c.emit(Arm{m.timer, max(c.at.Since, c.agent.from+m.at-c.handled)})
		}
	}
}

// mark is one of the thresholds of handling time.
func (c *Call) mark(t Timer) {
	if !c.agent.present || !c.pass(t) {
		return
	}
	switch t {
	case TimerWarn:
		c.tone(ToneSoft)
	case TimerIncluded:
		c.tone(ToneMark)
	}
}

// pass tells of a mark, once.
func (c *Call) pass(t Timer) bool {
	if slices.Contains(c.passed, t) {
		return false
	}
	c.passed = append(c.passed, t)
	c.log(Entry{Kind: markKinds[t], Agent: c.agent.id})
	return true
}

// tone sounds in the receptionist's ear, on the leg that she is listening to.
func (c *Call) tone(k ToneKind) {
	leg := c.agent.leg
	if c.consult != "" && c.target.answered {
		leg = c.consult
	}
	if leg != "" {
		c.emit(Tone{leg, k})
	}
}

// held and resumed follow the hold of the receptionist's phone. It is remembered while a target is called, since phones
// hold before they REFER and the caller may come back.
func (c *Call) held() {
	c.agent.held = true
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindHeld, Leg: c.agent.leg, Agent: c.agent.id})
	c.music()
}

func (c *Call) resumed() {
	c.agent.held = false
	if c.phase != talking {
		return
	}
	c.log(Entry{Kind: KindResumed, Leg: c.agent.leg, Agent: c.agent.id})
	c.join()
}
