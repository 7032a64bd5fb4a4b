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
	case c.consulting() || c.asked.agent != "":
		refuse(486, "A consultation is under way")
	case ev.Refuse != 0:
		refuse(ev.Refuse, ev.Reason)
	case ev.Target.Agent != "":
		c.ask(leg, ev, ev.Target.Agent)
	default:
		c.callTarget(leg, ev.Target, &ev.Dialog)
	}
}

// consultWith goes on with a consultation of a colleague, on a second leg.
func (c *Call) consultWith(leg LegID, ev Consult, had bool) {
	if c.phase != talking || c.consulting() || !had {
		c.emit(Reject{Leg: leg, Code: 480, Reason: "Colleague not available"})
		c.log(Entry{Kind: KindRefused, Agent: c.agent.id, Code: 480, To: ev.Target.Agent, Reason: string(ErrUnavailable)})
		return
	}
	c.callTarget(leg, ev.Target, &ev.Dialog)
}

// callTarget calls whom the receptionist wants to speak to while the caller waits: on the second leg that she dialled, or on
// her own where there is none.
func (c *Call) callTarget(leg LegID, to Destination, dialog *Dialog) {
	if c.agent.onHold && !c.agent.held {
		c.log(Entry{Kind: KindResumed, Leg: c.agent.leg, Agent: c.agent.id}) // the caller is hers again when the consultation ends
	}
	c.agent.onHold = false
	c.consult, c.side = leg, withTarget
	c.back = nil
	c.dropWhisper()
	c.log(Entry{Kind: KindConsult, Leg: leg, Agent: c.agent.id, Number: to.Number, To: to.Agent, Dialog: dialog})
	c.music()
	c.dialTarget(to, HowAnnounce, consultRings) // without recall: the receptionist is on the line and gives up herself
	if leg == "" {
		c.route()
	}
}

// consultTarget handles the wanted party's leg while the receptionist consults.
func (c *Call) consultTarget(ev Event) {
	switch ev := ev.(type) {
	case Ringing:
		c.ringConsult()
	case EarlyMedia:
		if c.target.answered {
			return
		}
		c.target.early = true
		if c.consult == "" {
			c.route()
			return
		}
		c.ringConsult()
	case Answered:
		c.consulted(ev)
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

// consulted is the wanted party's answer to the receptionist.
func (c *Call) consulted(ev Answered) {
	if c.target.answered {
		return
	}
	c.reached()
	c.target.identity = ev.Identity
	if c.consult != "" {
		c.emit(Accept{c.consult}, Connect{c.consult, c.target.leg})
	} else {
		c.route()
	}
	c.log(Entry{Kind: KindReached, Leg: c.target.leg, Agent: c.agent.id, Number: c.target.to.Number, To: c.target.to.Agent,
		Reason: ev.Identity, Dialog: &ev.Dialog})
}

func (c *Call) ringConsult() {
	if !c.target.answered && c.consult != "" {
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
			c.acceptRefer(c.consult, ev.Ref)
			c.completeOn(c.consult)
			return
		}
		c.emit(AnswerRefer{Leg: c.consult, Ref: ev.Ref, Code: 403, Reason: "Refer the first call"})
	}
}

func (c *Call) consultFailed(code int, reason string) {
	if c.target.leg != "" {
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
	}
	c.log(Entry{Kind: KindUnreached, Agent: c.agent.id, Number: c.target.to.Number, To: c.target.to.Agent, Code: code, Reason: reason})
	if c.consult != "" {
		c.emit(Reject{Leg: c.consult, Code: code, Reason: reason})
	}
	c.freeMate(freedMate(failure(code)))
	c.consult, c.target = "", target{}
	c.join()
}

// endConsult ends both legs of the consultation; the caller waits on until the receptionist takes her back, which is
// at once where her phone never held the call.
func (c *Call) endConsult() {
	c.dropConsult()
	c.join()
}

// dropConsult ends a consultation, where there is one, and leaves the caller as she is.
func (c *Call) dropConsult() {
	if !c.consulting() {
		return
	}
	for _, leg := range []LegID{c.consult, c.target.leg} {
		if leg != "" {
			c.emit(Hangup{Leg: leg, Cause: CauseBye})
		}
	}
	c.freeMate(FreedCancelled)
	c.consult, c.target = "", target{}
}

// completeOn connects the caller with the consulted party: announced where that party has answered, and a direct
// connection that the receptionist leaves to itself where it still rings. leg is the one that asked for it, empty where
// none did, and the other is ended.
func (c *Call) completeOn(leg LegID) {
	second := c.consult
	if leg != "" && leg == second {
		second = c.agent.leg
		c.agent.leg = leg // the leg that reported the REFER is the one that is told how it went
	}
	c.consult = ""
	if second != "" {
		c.emit(Hangup{Leg: second, Cause: CauseBye})
	}
	if c.target.answered {
		c.leave()
		c.mediate(c.target.identity, ByAnnounced, nil)
		return
	}
	c.log(Entry{Kind: KindTransfer, Agent: c.agent.id, Number: c.target.to.Number, To: c.target.to.Agent})
	c.target.how = HowConnect
	c.leaveToTarget()
	c.arm(TimerRecall, c.rules.RecallAfter)
}
