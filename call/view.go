package call

import "time"

// Phase is what a call is doing, in a word for who looks at it.
type Phase string

// The closed set of phases.
const (
	PhaseArriving   Phase = "arriving"   // not on disk yet
	PhaseWaiting    Phase = "waiting"    // in line
	PhaseOffering   Phase = "offering"   // receptionists' phones ring for it; also hers who calls out
	PhaseOpening    Phase = "opening"    // she answered; some milliseconds until that is on disk
	PhaseTalking    Phase = "talking"    // caller and receptionist
	PhaseConsulting Phase = "consulting" // she has called somebody, and speaks to one of the two
	PhaseConference Phase = "conference" // caller, receptionist and target hear each other
	PhaseConnecting Phase = "connecting" // a direct connection: the target rings, she stays reserved
	PhaseConnected  Phase = "connected"  // caller and target, without a receptionist
	PhaseForwarding Phase = "forwarding" // sent on by a rule or a supervisor: the target rings
	PhaseLeaving    Phase = "leaving"    // the caller hears a prompt or busy, then the call ends
	PhaseParked     Phase = "parked"     // in a slot
	PhaseCalling    Phase = "calling"    // the party of an outgoing call rings
	PhaseEnded      Phase = "ended"      // over, and not on disk yet
)

var phases = [...]Phase{arriving: PhaseArriving, waiting: PhaseWaiting, offering: PhaseOffering, opening: PhaseOpening, talking: PhaseTalking,
	connecting: PhaseConnecting, connected: PhaseConnected, forwarding: PhaseForwarding, leaving: PhaseLeaving, parked: PhaseParked,
	calling: PhaseCalling, ended: PhaseEnded}

// Side is whom a receptionist who consults speaks to.
type Side string

const (
	OnCaller Side = "caller"
	OnTarget Side = "target"
)

// How is how somebody is called whom a caller may be connected with.
type How string

const (
	HowConnect  How = "connect"  // directly
	HowAnnounce How = "announce" // the receptionist speaks to her first
	HowForward  How = "forward"  // sent on by a rule or a supervisor
)

// View is what a call looks like at an instant.
type View struct {
	Phase Phase
	// Held is set while the receptionist holds the caller, by console or phone. While she consults, On says whom she speaks to.
	Held bool
	On   Side
	// Handled is the handling time until the instant; Handling: it runs.
	Handled  time.Duration
	Handling bool
	Marks    Marks
	Target   Wanted
	Recall   Recall
}

// Marks are the instants of handling time at which something happens, granted time included; zero: nothing does.
type Marks struct {
	Warn time.Duration // the soft tone
	Over time.Duration // the tone, and what the tenant wants at the limit
	Long time.Duration // from here on it is charged as a long call
	Cap  time.Duration // the call ends
}

// Wanted is the far side that is being called, or spoken to; there is none where Since is zero.
type Wanted struct {
	To      Destination
	How     How
	Talking bool
	Since   time.Time // when it began to be called; talking: when it answered
}

// Recall tells why a caller came back; she did not where At is zero. It stands until the next thing is done about it.
type Recall struct {
	At     time.Time
	Reason string // as of KindRecalled, or parked
	Code   int
	To     Destination // who was not reached
}

// View tells what the call looks like at an instant, which is none before that of the last event.
func (c *Call) View(at Instant) View {
	v := View{Phase: phases[c.phase], Held: c.phase == talking && (c.agent.held || c.agent.onHold), Handled: c.handled, Marks: c.standing()}
	if c.consulting() {
		v.Phase, v.On = PhaseConsulting, c.speaksTo()
		if v.On == "" {
			v.Phase = PhaseConference
		}
	}
	if v.Handling = c.agent.present && c.counts(); v.Handling {
		v.Handled += max(0, at.Since-c.agent.from)
	}
	if c.phase == ended {
		return v
	}
	if c.back != nil {
		v.Recall = *c.back
	}
	if c.target.to != (Destination{}) {
		v.Target = Wanted{c.target.to, c.target.how, c.target.answered, c.target.since}
	}
	return v
}

// speaksTo is whom the receptionist who consults hears, nobody's side where both. On two legs it is her phone that switches.
func (c *Call) speaksTo() Side {
	switch {
	case c.side == withBoth:
		return ""
	case c.consult == "" && c.side == withCaller, c.consult != "" && c.hears == "":
		return OnCaller
	default:
		return OnTarget
	}
}

// standing are the marks as they stand, none where no handling time is counted.
func (c *Call) standing() (m Marks) {
	if c.rules.Kind == Outgoing || c.agent.kind == Own {
		return m
	}
	more := func(d time.Duration) time.Duration {
		if d <= 0 {
			return 0
		}
		return d + c.granted
	}
	return Marks{Warn: more(c.rules.Warn), Over: more(c.rules.Included), Long: max(0, c.rules.Long), Cap: more(c.rules.HardCap)}
}

// ActionSet is a set of actions.
type ActionSet uint32

// List gives them in the order of Actions.
func (s ActionSet) List() []Action {
	out := []Action{}
	for i, a := range Actions {
		if s&(1<<i) != 0 {
			out = append(out, a)
		}
	}
	return out
}

// somebody stands in for whoever may be called.
var somebody = Destination{Trunk: "trunk", Number: "somebody"}

// May tells what an agent, or a supervisor, could do now if she named a target who may be called. What a receptionist asks for while her
// answer becomes durable is done after that.
func (c *Call) May(agent string, supervisor bool) (s ActionSet) {
	as := c
	if c.phase == ended {
		return 0
	}
	if c.phase == opening && agent != "" && agent == c.agent.id {
		if len(c.early) >= maxEarly {
			return 0
		}
		soon := *c
		soon.phase = talking
		as = &soon
	}
	for i, a := range Actions {
		if as.may(Act{Agent: agent, Supervisor: supervisor, Do: a, To: somebody, Grant: time.Second}) == "" {
			s |= 1 << i
		}
	}
	return s
}
