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
)

// Outcomes lists every outcome, for metrics that must be present at zero.
var Outcomes = []Outcome{OutcomeAnswered, OutcomeMediated, OutcomeAbandoned, OutcomeTimeout, OutcomeQueueFull,
	OutcomeForwarded, OutcomeFailed, OutcomeInterrupted}

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
	KindEnded     Kind = "ended"
)

// Ways of mediation, as KindMediated's Reason.
const (
	ByDirect    = "direct"
	ByAnnounced = "announced"
)

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
	// Dialog is set where the entry tells of a leg that must be ended after a crash.
	Dialog *Dialog `json:"dialog,omitempty"`
}
