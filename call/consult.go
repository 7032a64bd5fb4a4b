package call

import "time"

// consultRings is how long a consulted party may ring at most; the receptionist hears it and mostly gives up before.
const consultRings = time.Minute

// startConsult is the receptionist calling the wanted party on a second leg while the caller waits.
func (c *Call) startConsult(leg LegID, ev Consult) {
	refuse := func(code int, reason string) {
		c.emit(Reject{Leg: leg, Code: code, Reason: reason})
		c.log(Entry{Kind: KindRefused, Agent: c.agent.id, Number: ev.Target.Number, Code: code, Reason: reason})
	}
	switch {
	case c.phase == opening:
		c.tooEarly(leg, ev)
	case c.phase != talking:
		refuse(403, "No call to consult for")
	case c.consult != "":
		refuse(486, "A consultation is under way")
	case ev.Refuse != 0:
		refuse(ev.Refuse, ev.Reason)
	default:
		c.consult = leg
		c.dropWhisper()
		c.log(Entry{Kind: KindConsult, Leg: leg, Agent: c.agent.id, Number: ev.Target.Number, Dialog: &ev.Dialog})
		c.music()
		c.dialTarget(ev.Target, consultRings) // without recall: the receptionist is on the line and gives up herself
	}
}

// consultTarget handles the wanted party's leg while the receptionist consults.
func (c *Call) consultTarget(ev Event) {
	switch ev := ev.(type) {
	case Ringing:
		c.ringConsult()
	case EarlyMedia:
		c.target.early = true
		c.ringConsult()
	case Answered:
		c.target.answered, c.target.identity = true, ev.Identity
		c.emit(Accept{c.consult}, Connect{c.consult, c.target.leg})
		c.log(Entry{Kind: KindReached, Leg: c.target.leg, Agent: c.agent.id, Number: c.target.to.Number, Reason: ev.Identity,
			Dialog: &ev.Dialog})
	case Failed:
		c.target.leg = ""
		c.consultFailed(errorCode(ev.Code), ev.Reason)
	case Ended:
		c.target.leg = ""
		if !c.target.answered {
			c.consultFailed(500, "failed")
			return
		}
		c.endConsult()
	case MediaLost:
		c.endConsult()
	case Transfer:
		c.emit(AnswerRefer{Leg: c.target.leg, Ref: ev.Ref, Code: 403, Reason: "Forbidden"})
	}
}

func (c *Call) ringConsult() {
	if !c.target.answered {
		c.emit(Ring{c.consult})
	}
}

// consultLeg handles the receptionist's second leg.
func (c *Call) consultLeg(ev Event) {
	switch ev := ev.(type) {
	case Ended:
		c.consult = ""
		c.endConsult()
	case MediaLost:
		c.endConsult()
	case Held:
		if c.target.answered {
			c.emit(Play{Leg: c.target.leg, Source: c.musicSource(), Loop: true})
		}
	case Resumed:
		if c.target.answered {
			c.emit(Connect{c.consult, c.target.leg})
		}
	case Transfer:
		// Some phones send the REFER on the second call, naming the first.
		if ev.Replaces == c.agent.leg && ev.Replaces != "" && c.target.answered {
			c.completeOn(c.consult, ev.Ref)
			return
		}
		c.emit(AnswerRefer{Leg: c.consult, Ref: ev.Ref, Code: 403, Reason: "Refer the first call"})
	}
}

func (c *Call) consultFailed(code int, reason string) {
	if c.target.leg != "" {
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
	}
	c.log(Entry{Kind: KindUnreached, Agent: c.agent.id, Number: c.target.to.Number, Code: code, Reason: reason})
	c.emit(Reject{Leg: c.consult, Code: code, Reason: reason})
	c.consult, c.target = "", target{}
	c.join()
}

// endConsult ends both legs of the consultation; the caller waits on until the receptionist takes her back, which is
// at once where her phone never held the call.
func (c *Call) endConsult() {
	for _, leg := range []LegID{c.consult, c.target.leg} {
		if leg != "" {
			c.emit(Hangup{Leg: leg, Cause: CauseBye})
		}
	}
	c.consult, c.target = "", target{}
	c.join()
}

// complete connects the caller with the consulted party: announced where that party has answered, and a direct
// connection that the receptionist leaves to itself where it still rings.
func (c *Call) complete(ref string) { c.completeOn(c.agent.leg, ref) }

func (c *Call) completeOn(leg LegID, ref string) {
	c.acceptRefer(leg, ref)
	second := c.consult
	if leg == second {
		second = c.agent.leg
		c.agent.leg = leg // the leg that reported the REFER is the one that is told how it went
	}
	c.consult = ""
	c.emit(Hangup{Leg: second, Cause: CauseBye})
	if c.target.answered {
		c.leave()
		c.mediate(c.target.identity, ByAnnounced, nil)
		return
	}
	c.log(Entry{Kind: KindTransfer, Agent: c.agent.id, Number: c.target.to.Number})
	c.leaveToTarget()
	c.arm(TimerRecall, c.rules.RecallAfter)
}
