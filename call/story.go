package call

import "time"

// Outcome is how a call ended, as its record and the metric telefonist_calls_total say it.
type Outcome string

const (
	OutcomeAnswered    Outcome = "answered"    // a receptionist answered and the call ended with her
	OutcomeMediated    Outcome = "mediated"    // and she got the caller connected with the wanted party
	OutcomeAbandoned   Outcome = "abandoned"   // the caller gave up before a receptionist answered
	OutcomeTimeout     Outcome = "timeout"     // waited longer than the tenant's limit
	OutcomeQueueFull   Outcome = "queue_full"  // the waiting line took no more
	OutcomeForwarded   Outcome = "forwarded"   // sent on by the tenant's rule without a receptionist
	OutcomeFailed      Outcome = "failed"      // a fault before a receptionist answered
	OutcomeInterrupted Outcome = "interrupted" // the service died or stopped during the call
	OutcomeNoAgent     Outcome = "no_agent"    // nobody was logged in
	OutcomeClosed      Outcome = "closed"      // the tenant was closed
	OutcomeWish        Outcome = "wish"        // the caller left a call-back wish
	OutcomeReached     Outcome = "reached"     // an outgoing call whose party answered
	OutcomeUnreached   Outcome = "unreached"   // an outgoing call or a call-back whose party did not
)

// Outcomes lists every outcome, for metrics that must be present at zero.
var Outcomes = []Outcome{OutcomeAnswered, OutcomeMediated, OutcomeAbandoned, OutcomeTimeout, OutcomeQueueFull,
	OutcomeForwarded, OutcomeFailed, OutcomeInterrupted, OutcomeNoAgent, OutcomeClosed, OutcomeWish, OutcomeReached,
	OutcomeUnreached}

// Kind names what a story entry tells.
type Kind string

const (
	KindArrived   Kind = "arrived"
	KindQueued    Kind = "queued"
	KindConnected Kind = "connected" // 200 sent to the caller
	KindOffered   Kind = "offered"   // an agent's phone is called
	KindMissed    Kind = "missed"    // offer not taken: Reason says how
	KindAnswered  Kind = "answered"  // an agent's 200; handling begins
	KindWithdrawn Kind = "withdrawn" // the answer could not be made durable and does not count
	KindOpened    Kind = "opened"    // audio open between caller and agent, after a whisper to her where there is one
	KindWarned    Kind = "warned"    // 35 s
	KindOverran   Kind = "overran"   // 45 s
	KindLong      Kind = "long"      // 2 min
	KindHeld      Kind = "held"
	KindResumed   Kind = "resumed"
	KindLeft      Kind = "left"       // the agent left the call; handling ends
	KindReturned  Kind = "returned"   // the agent is back in the call; handling begins again
	KindTransfer  Kind = "connecting" // a direct connection began: Number is the target
	KindConsult   Kind = "consult"    // the agent calls the target first
	KindReached   Kind = "reached"    // the consulted target answered the agent
	KindUnreached Kind = "unreached"  // the consulted target did not answer: Code says why
	KindRefused   Kind = "refused"    // a target was not allowed
	KindMediated  Kind = "mediated"   // the wanted party is connected: Reason is direct or announced
	KindVoicemail Kind = "voicemail"  // a known voicemail answered: no mediation
	KindRecalled  Kind = "recalled"   // the connection failed and the caller came back: Reason says why
	KindForwarded Kind = "forwarded"  // sent on by rule
	KindPrompt    Kind = "prompt"     // a prompt plays instead of an answer
	KindLost      Kind = "media_lost"
	KindMessaged  Kind = "messaged"    // a message was put into the outbox: Reason is its channel, a slash, its id
	KindClosed    Kind = "closed"      // the tenant is closed
	KindNoAgent   Kind = "no_agent"    // nobody is logged in
	KindKey       Kind = "key"         // the caller pressed a key that does something: Reason says what
	KindWish      Kind = "wish"        // the caller left a call-back wish for her own number
	KindSwapped   Kind = "swapped"     // the agent turned to the other party: Reason is caller or target
	KindJoined    Kind = "joined"      // caller, agent and target hear each other
	KindTakenBack Kind = "taken_back"  // the agent gave up a consultation, or a direct connection that rang
	KindColleague Kind = "colleague"   // the agent named answered and has the call from now on: handling goes on with her
	KindParked    Kind = "parked"      // the agent left the caller in a slot
	KindPickedUp  Kind = "picked_up"   // the agent asked for the call: her phone is called
	KindUnparked  Kind = "unparked"    // parked for too long: she is brought back to the agent, or to the head of the line
	KindHandBack  Kind = "handed_back" // the agent gave the caller back to the queue, or to the group To
	KindRelieved  Kind = "relieved"    // a supervisor took the agent out of the call
	KindGranted   Kind = "granted"     // a supervisor gave more time: Reason is how much
	KindLimit     Kind = "limit"       // what was done at the limit: Reason is notify, forward, end, or cap for the hard cap
	KindDiverted  Kind = "diverted"    // a supervisor sent a waiting caller on to Number
	KindDialled   Kind = "dialled"     // an outgoing call or a call-back began: the agent calls Number
	KindReady     Kind = "ready"       // her phone answered
	KindCalled    Kind = "called"      // the party's phone is called
	KindEnded     Kind = "ended"
)

// Kinds lists every kind.
var Kinds = []Kind{KindArrived, KindQueued, KindConnected, KindOffered, KindMissed, KindAnswered, KindWithdrawn, KindOpened,
	KindWarned, KindOverran, KindLong, KindHeld, KindResumed, KindLeft, KindReturned, KindTransfer, KindConsult, KindReached,
	KindUnreached, KindRefused, KindMediated, KindVoicemail, KindRecalled, KindForwarded, KindPrompt, KindLost, KindClosed,
	KindNoAgent, KindKey, KindWish, KindSwapped, KindJoined, KindTakenBack, KindColleague, KindParked, KindPickedUp,
	KindUnparked, KindHandBack, KindRelieved, KindGranted, KindLimit, KindDiverted, KindDialled, KindReady, KindCalled, KindEnded}

// Ways of mediation, as KindMediated's Reason.
const (
	ByDirect    = "direct"
	ByAnnounced = "announced"
)

// OfferAnswer is the Reason of a KindOffered by which a phone that rings already is called anew, to answer by itself. A caller who
// comes back has the reason of that; one from the line has none.
const OfferAnswer = "answered by console"

// EndReason is the Reason of a KindEnded entry: the outcome, a slash, the cause.
func EndReason(o Outcome, c Cause) string { return string(o) + "/" + string(c) }

// Entry is one line of a call's story. The story is what the record is folded from, live and after a crash.
type Entry struct {
	Wall  time.Time     `json:"t"`
	Since time.Duration `json:"ns"`
	Kind  Kind          `json:"kind"`
	Leg   LegID         `json:"leg,omitempty"`
	Agent string        `json:"agent,omitempty"`
	// AgentKind stands beside Agent: whether the answer is charged.
	AgentKind AgentKind `json:"agent_kind,omitempty"`
	Number    string    `json:"number,omitempty"`
	Code      int       `json:"code,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	// To is the colleague or the group that the agent turns to.
	To string `json:"to,omitempty"`
	// By is who asked for it, where that was none of the call's receptionists: a supervisor, by the name that the API knows her by.
	By string `json:"by,omitempty"`
	// Dialog is set where the entry tells of a leg that must be ended after a crash.
	Dialog *Dialog `json:"dialog,omitempty"`
}
