package call

import "time"

// Out is a call that a receptionist makes in the tenant's name: she calls out, or calls back somebody who left a wish.
type Out struct {
	Agent string
	Kind  AgentKind
	Via   Destination // see Offered
	// Leg is her own leg where she dialled by her phone; empty: her phone is called first.
	Leg LegID
	// To is the party, resolved by the tenant's rules; Party is what is known of it.
	To    Destination
	Party Party
}

// partyRings is how long the party of an outgoing call may ring.
const partyRings = time.Minute

// NewOut makes a call that a receptionist, who is reserved for it, makes in the tenant's name; rules.Kind tells whether it is a
// call-back. Her phone is called first, but where she dialled by it, then the party by the tenant's trunk with the tenant's
// number shown. From the party's answer on it is a call like any other, with the party in the caller's place.
func NewOut(id ID, rules Rules, o Out) *Call {
	if rules.Kind == Incoming {
		rules.Kind = Outgoing
	}
	c := New(id, rules, "", o.Party)
	c.out = &o
	c.agent = agent{id: o.Agent, kind: o.Kind, via: o.Via, leg: o.Leg, dialled: o.Leg != ""}
	return c
}

// logDialled begins the story. The dialog is her own leg's, where she dialled.
func (c *Call) logDialled(dialog Dialog) {
	e := Entry{Kind: KindDialled, Leg: c.out.Leg, Agent: c.agent.id, AgentKind: c.agent.kind, Number: c.out.To.Number}
	if c.agent.dialled {
		e.Dialog = &dialog
	}
	c.log(e)
}

// callOut calls the receptionist's phone, or the party at once where she is on the line.
func (c *Call) callOut() {
	if c.agent.dialled {
		c.callParty()
		return
	}
	c.dialAgent()
}

// ready is the receptionist's phone that answered.
func (c *Call) ready(ev Answered) {
	c.log(Entry{Kind: KindReady, Leg: c.agent.leg, Agent: c.agent.id, AgentKind: c.agent.kind, Dialog: &ev.Dialog})
	c.emit(Play{Leg: c.agent.leg, Source: SourceRingback, Loop: true})
	c.callParty()
}

func (c *Call) callParty() {
	c.phase = calling
	c.caller = c.newLeg("c")
	c.emit(Dial{
		Leg: c.caller, Peer: c.agent.leg, To: c.out.To, From: Party{Number: c.shown(), Name: c.rules.TenantName},
		Token: string(c.caller), Expires: partyRings + expiresMargin,
	})
	c.arm(TimerRecall, partyRings)
	c.log(Entry{Kind: KindCalled, Leg: c.caller, Agent: c.agent.id, Number: c.out.To.Number})
}

// shown is the tenant's number that the party sees: one that people know, where the rules say which.
func (c *Call) shown() string {
	if c.rules.CommonNumber != "" {
		return c.rules.CommonNumber
	}
	return c.rules.Number
}

// partyLeg handles the party's leg until it is answered.
func (c *Call) partyLeg(ev Event) {
	switch ev := ev.(type) {
	case Ringing:
		if c.agent.dialled {
			c.emit(Ring{c.agent.leg})
		}
	case EarlyMedia:
		if c.agent.dialled {
			c.emit(Ring{c.agent.leg})
		} else {
			c.connect(c.agent.leg)
		}
	case Answered:
		c.partyAnswered(ev)
	case Failed:
		c.caller = ""
		c.unreachable(failure(ev.Code), errorCode(ev.Code))
	case Ended:
		c.caller = ""
		c.unreachable("failed", 500)
	}
}

// partyAnswered connects the two. A call-back is from now on a call that the receptionist has answered, and is heard when that
// is durable, as any other.
func (c *Call) partyAnswered(ev Answered) {
	c.accepted = true
	c.emit(Disarm{TimerRecall})
	c.log(Entry{Kind: KindReached, Leg: c.caller, Agent: c.agent.id, Number: c.out.To.Number, Reason: ev.Identity, Dialog: &ev.Dialog})
	if c.agent.dialled {
		c.agent.dialled = false
		c.emit(Accept{c.agent.leg})
	}
	if c.rules.Kind == Callback {
		held := c.agent.held
		c.answer(nil)
		c.agent.held = held
		return
	}
	c.agent.present, c.agent.from = true, c.at.Since
	c.open()
}

// unreachable ends a call whose party did not answer.
func (c *Call) unreachable(reason string, code int) {
	c.log(Entry{Kind: KindUnreached, Leg: c.caller, Agent: c.agent.id, Number: c.out.To.Number, Code: code, Reason: reason})
	if c.agent.dialled {
		c.agent.dialled = false
		c.emit(Reject{Leg: c.agent.leg, Code: code, Reason: reason})
		c.agent.leg = ""
	}
	c.finish(OutcomeUnreached, CauseRefused)
}
