package call

import (
	"slices"
	"time"
)

// leave ends the agent's stretch of handling time. A mark whose timer has not fired yet although the sum has passed it
// is told of now, so that story and tariff row always agree.
func (c *Call) leave() {
	if !c.agent.present {
		return
	}
	c.agent.present, c.agent.onHold = false, false
	c.dropWhisper()
	if c.counts() {
		c.handled += max(0, c.at.Since-c.agent.from)
		for _, m := range c.marks() {
			if m.at > 0 && c.handled >= m.at {
				c.pass(m.timer)
			}
		}
	}
	c.emit(Disarm{TimerWarn}, Disarm{TimerIncluded}, Disarm{TimerLong}, Disarm{TimerLimit}, Disarm{TimerCap})
	c.log(Entry{Kind: KindLeft, Agent: c.agent.id})
}

// counts tells whether the agent's time is handling time: she is of the service, and did not call out herself.
func (c *Call) counts() bool { return c.agent.kind == Service && c.rules.Kind != Outgoing }

// threshold is a mark and the summed handling time at which it is passed; zero where the rules have none.
type threshold struct {
	timer Timer
	at    time.Duration
}

var markKinds = map[Timer]Kind{TimerWarn: KindWarned, TimerIncluded: KindOverran, TimerLong: KindLong}

// marks lists the thresholds. The soft tone comes at its instant; the others are passed by more than they say, so they
// stand one nanosecond later. Time that a supervisor gave moves the warning; what the tariff knows of stays where it is.
func (c *Call) marks() [3]threshold {
	after := func(d time.Duration) time.Duration {
		if d <= 0 {
			return 0
		}
		return d + 1
	}
	warn := c.rules.Warn
	if warn > 0 {
		warn += c.granted
	}
	return [3]threshold{
		{TimerWarn, warn}, {TimerIncluded, after(c.rules.Included)}, {TimerLong, after(c.rules.Long)},
	}
}

// armMarks sets the timers of the marks that the story does not tell of yet, and of the limits. One that was passed while the
// answer became durable is told of now. A tenant's own receptionists have no marks.
func (c *Call) armMarks() {
	if !c.counts() {
		return
	}
	arm := func(t Timer, handled time.Duration) {
		c.emit(Arm{t, max(c.at.Since, c.agent.from+handled-c.handled)})
	}
	for _, m := range c.marks() {
		if m.at > 0 && !slices.Contains(c.passed, m.timer) {
			arm(m.timer, m.at)
		}
	}
	if c.rules.Included > 0 && !c.limited && (c.granted > 0 || slices.Contains(c.passed, TimerIncluded)) {
		arm(TimerLimit, c.rules.Included+c.granted+1)
	}
	if c.rules.HardCap > 0 {
		arm(TimerCap, c.rules.HardCap+c.granted)
	}
}

// mark is one of the thresholds of handling time.
func (c *Call) mark(t Timer) {
	if !c.agent.present || !c.pass(t) {
		return
	}
	switch {
	case t == TimerWarn:
		c.tone(ToneSoft)
	case t == TimerIncluded && c.granted == 0:
		c.atLimit()
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
	if leg := c.ear(); leg != "" {
		c.emit(Tone{leg, k})
	}
}
