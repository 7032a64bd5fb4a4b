package call

import (
	"slices"
	"time"
)

// transfer is the receptionist's REFER: a direct connection, or the completion of an announced one.
func (c *Call) transfer(ev Transfer) {
	refuse := func(code int, reason string) {
		c.emit(AnswerRefer{Leg: c.agent.leg, Ref: ev.Ref, Code: code, Reason: reason})
		c.log(Entry{Kind: KindRefused, Agent: c.agent.id, Number: ev.Target.Number, Code: code, Reason: reason})
	}
	switch {
	case c.phase != talking:
		refuse(403, "No call to transfer")
	case ev.Replaces != "":
		if ev.Replaces != c.consult || c.consult == "" {
			refuse(403, "Not a consultation of this call")
			return
		}
		c.acceptRefer(c.agent.leg, ev.Ref)
		c.completeOn(c.agent.leg)
	case ev.Refuse != 0:
		refuse(ev.Refuse, ev.Reason)
	case c.consulting() || c.asked.agent != "":
		refuse(403, "End the consultation first")
	case ev.Target.Agent != "":
		c.ask(c.agent.leg, ev, ev.Target.Agent)
	case ev.Target.Group != "":
		c.acceptRefer(c.agent.leg, ev.Ref)
		c.notify(200, "OK")
		c.handBack(ev.Target.Group)
	default:
		c.acceptRefer(c.agent.leg, ev.Ref)
		c.startDirect(ev.Target)
	}
}

// transferTo goes on with a REFER to a colleague.
func (c *Call) transferTo(ev Transfer, had bool) {
	if c.phase != talking || c.consulting() || !had {
		if c.agent.leg != "" {
			c.emit(AnswerRefer{Leg: c.agent.leg, Ref: ev.Ref, Code: 480, Reason: "Colleague not available"})
		}
		c.log(Entry{Kind: KindRefused, Agent: c.agent.id, Code: 480, To: ev.Target.Agent, Reason: string(ErrUnavailable)})
		return
	}
	c.acceptRefer(c.agent.leg, ev.Ref)
	c.startDirect(ev.Target)
}

// startDirect begins a safe direct connection: the receptionist leaves the conversation but stays reserved until the
// target answers or the caller comes back.
func (c *Call) startDirect(to Destination) {
	c.log(Entry{Kind: KindTransfer, Agent: c.agent.id, Number: to.Number, To: to.Agent})
	c.back = nil
	c.leaveToTarget()
	c.dialTarget(to, HowConnect, c.rules.RecallAfter)
	c.arm(TimerRecall, c.rules.RecallAfter)
}

func (c *Call) acceptRefer(leg LegID, ref string) {
	c.refer = refer{leg, ref}
	c.emit(AnswerRefer{Leg: leg, Ref: ref, Code: 202, Reason: "Accepted"}) // sip follows it with NOTIFY 100
}

// leaveToTarget takes the receptionist out of the conversation; the caller hears ringing, or the target itself where
// it may be heard already.
func (c *Call) leaveToTarget() {
	c.leave()
	c.phase = connecting
	if c.agent.leg != "" {
		c.emit(Disconnect{c.agent.leg})
	}
	if c.target.early {
		c.connect(c.target.leg)
		return
	}
	c.play(SourceRingback, true)
}

// dialTarget calls the wanted party, or the colleague who has just been reserved.
func (c *Call) dialTarget(to Destination, how How, rings time.Duration) {
	c.target = target{leg: c.newLeg("t"), to: to, how: how, since: c.at.Wall}
	dial := Dial{
		Leg: c.target.leg, Peer: c.caller, To: to, From: c.from, Token: string(c.target.leg),
		DivertedBy: c.rules.Number, Expires: rings + expiresMargin,
	}
	if to.Agent != "" {
		c.target.mate, c.mate = c.mate, Candidate{}
		dial.To, dial.DivertedBy = reachedAt(to.Agent, c.target.mate.Via), ""
		dial.Token = token(c.target.leg, c.target.mate.Via)
		dial.From.Name = c.display()
	}
	c.emit(dial)
}

func (c *Call) notify(code int, reason string) {
	if c.refer.ref == "" {
		return
	}
	c.emit(NotifyRefer{Leg: c.refer.leg, Ref: c.refer.ref, Code: code, Reason: reason})
	c.refer = refer{}
}

// targetLeg handles the leg to the wanted party.
func (c *Call) targetLeg(ev Event) {
	if c.consulting() {
		c.consultTarget(ev)
		return
	}
	switch ev := ev.(type) {
	case Ringing:
		if c.phase == connecting && c.refer.ref != "" {
			c.emit(NotifyRefer{Leg: c.refer.leg, Ref: c.refer.ref, Code: 180, Reason: "Ringing"})
		}
	case EarlyMedia:
		if !c.target.answered && c.accepted {
			c.target.early = true
			c.connect(c.target.leg)
		}
	case Answered:
		c.targetAnswered(ev)
	case Failed:
		c.target.leg = ""
		c.targetOver(failure(ev.Code), errorCode(ev.Code))
	case Ended:
		c.targetEnded(ev.Cause)
	case MediaLost:
		if c.phase == connected {
			c.log(Entry{Kind: KindLost, Leg: c.target.leg})
			c.finish(c.endOutcome(CauseMedia), CauseMedia)
		}
	case Transfer:
		c.emit(AnswerRefer{Leg: c.target.leg, Ref: ev.Ref, Code: 403, Reason: "Forbidden"})
	}
}

func (c *Call) targetAnswered(ev Answered) {
	switch c.phase {
	case connecting:
		c.mediate(ev.Identity, ByDirect, &ev.Dialog)
	case forwarding:
		c.phase = connected
		c.reached()
		c.emit(Disarm{TimerRecall})
		c.accept()
		c.connect(c.target.leg)
		c.log(Entry{Kind: KindReached, Leg: c.target.leg, Number: c.target.to.Number, Dialog: &ev.Dialog})
	}
}

// mediate connects the caller with the wanted party and gives the receptionist back.
func (c *Call) mediate(identity, by string, dialog *Dialog) {
	if c.target.mate.Agent != "" {
		c.takeOver(by, dialog)
		return
	}
	c.phase = connected
	c.reached()
	c.emit(Disarm{TimerRecall})
	c.connect(c.target.leg)
	kind := KindMediated
	switch {
	case c.target.how == HowForward:
		kind = KindReached
	case c.isVoicemail(identity):
		kind = KindVoicemail
	}
	c.mediated = kind == KindMediated
	c.log(Entry{Kind: kind, Leg: c.target.leg, Agent: c.agent.id, Number: c.target.to.Number, Reason: by, Dialog: dialog})
	c.notify(200, "OK")
	if c.agent.leg != "" {
		c.emit(Hangup{Leg: c.agent.leg, Cause: CauseBye})
		c.agent.leg = ""
	}
	c.free(FreedDone)
}

// reached notes that the target has answered, where it had not.
func (c *Call) reached() {
	if !c.target.answered {
		c.target.answered, c.target.since = true, c.at.Wall
	}
}

func (c *Call) isVoicemail(identity string) bool {
	return slices.Contains(c.rules.Voicemail, c.target.to.Number) ||
		identity != "" && slices.Contains(c.rules.Voicemail, identity)
}

// returned is the PBX sending our own leg back to us: the target forwards to the service.
func (c *Call) returned() {
	switch {
	case c.consulting() && !c.target.answered:
		c.consultFailed(486, "returned")
	case c.phase == offering && c.agent.via != (Destination{}):
		c.emit(Hangup{Leg: c.agent.leg, Cause: CausePolicy})
		c.missed(FreedDeclined, 486, "returned")
	default:
		c.targetOver("returned", 486)
	}
}

// targetOver gives up a target that has not answered.
func (c *Call) targetOver(reason string, code int) {
	switch c.phase {
	case connecting:
		c.recall(reason, code)
	case forwarding:
		c.forwardFailed(reason, code)
	case calling:
		c.unreachable(reason, code)
	}
}

// failure is the reason of a recall by the target's status.
func failure(code int) string {
	switch code {
	case 486, 600:
		return "busy"
	case 408, 480, 487:
		return "no_answer"
	default:
		return "failed"
	}
}

// errorCode is the status that the receptionist's phone is told of a target's: one that would make it do more than tell
// her (redirect, authenticate) becomes 480.
func errorCode(code int) int {
	if code < 400 || code > 699 || code == 401 || code == 407 {
		return 480
	}
	return code
}

func (c *Call) targetEnded(cause Cause) {
	c.target.leg = ""
	if c.phase == connected {
		c.finish(c.endOutcome(cause), cause)
		return
	}
	c.targetOver("failed", 500)
}

// recall brings the caller back from a direct connection that came to nothing.
func (c *Call) recall(reason string, code int) {
	if c.target.leg != "" {
		c.emit(Hangup{Leg: c.target.leg, Cause: CausePolicy})
	}
	c.log(Entry{Kind: KindRecalled, Agent: c.agent.id, Number: c.target.to.Number, To: c.target.to.Agent, Code: code, Reason: reason})
	c.back = &Recall{c.at.Wall, reason, code, c.target.to}
	c.comeBack(reason, code)
}

// takeBack is the receptionist giving up a consultation, or a direct connection that still rings.
func (c *Call) takeBack() {
	c.log(Entry{Kind: KindTakenBack, Agent: c.agent.id, Number: c.target.to.Number, To: c.target.to.Agent})
	if c.consulting() {
		c.endConsult()
		return
	}
	c.emit(Hangup{Leg: c.target.leg, Cause: CauseBye})
	c.comeBack("taken_back", 487)
}

// comeBack gives the caller to the same receptionist again, at once where her phone is still in the call, by ringing it where
// it left.
func (c *Call) comeBack(reason string, code int) {
	c.freeMate(freedMate(reason))
	c.target = target{}
	c.emit(Disarm{TimerRecall})
	c.notify(code, reason)
	c.agent.recall = reason
	if c.agent.lost {
		if c.agent.leg != "" {
			c.emit(Hangup{Leg: c.agent.leg, Cause: CauseMedia})
		}
		c.agent.leg, c.agent.lost = "", false
	}
	if c.agent.leg == "" {
		c.music()
		c.dialAgent()
		return
	}
	c.phase = talking
	c.agent.present, c.agent.from = true, c.at.Since
	c.log(Entry{Kind: KindReturned, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind})
	c.stillHeld()
	c.join()
	c.armMarks()
}
