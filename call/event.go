package call

import "time"

// Event is something that happened to a call or to one of its legs. The set is closed.
type Event interface{ isEvent() }

// Events of legs, posted by sip with the leg's identifier and the instant of the message that caused them.
type (
	// Arrived is an INVITE from a trunk that passed the source check. 100 has been sent, nothing else.
	Arrived struct {
		Trunk string
		// Called is the user part of the Request-URI.
		Called string
		// Entrances are the numbers that the caller may have dialled, best first: the user parts of History-Info
		// (oldest entry first), Diversion (last entry first), P-Called-Party-ID and To.
		Entrances []string
		Caller    Party
		// Token is the token of one of our own outgoing legs where the INVITE brought one back, else empty.
		Token string
		// Diverted are the numbers that forwarded this call on its way (History-Info, Diversion), for telling our own
		// transfers that return.
		Diverted []string
		SIPCall  string // Call-ID of the INVITE, for the record
		Dialog   Dialog
	}

	// Dialled is an INVITE from a registered agent's phone, authenticated as that agent.
	Dialled struct {
		Agent  string
		Target string // user part of the Request-URI
		Dialog Dialog
	}

	// Ringing is a 180, or another provisional without media, on an outgoing leg.
	Ringing struct{}

	// EarlyMedia is a provisional with SDP on an outgoing leg; its media is ready to be heard.
	EarlyMedia struct{}

	// Answered is the 200 on an outgoing leg. ACK has been sent and the media answer applied.
	Answered struct {
		Dialog Dialog
		// Contact is the contact that answered where the leg was offered to several.
		Contact string
		// Identity is the user part of P-Asserted-Identity (or of the Contact) of the 200: who really answered.
		Identity string
	}

	// Failed is the end of an outgoing leg before it was answered.
	Failed struct {
		Code   int // SIP status: 408 for a time-out, 480 where nothing is registered, 503 where nothing can be reached
		Reason string
	}

	// Ended is the end of a leg by the far side or by a fault: CANCEL before an answer, BYE after it, an ACK that never
	// came, a session timer that ran out.
	Ended struct {
		Cause Cause
	}

	// Held tells that the far side of the leg put us on hold (RFC 3264 section 8.4); Resumed that it took us back.
	Held    struct{}
	Resumed struct{}

	// Referred is a REFER on a leg (RFC 3515). The switchboard turns it into Transfer.
	Referred struct {
		Ref    string // names this REFER in AnswerRefer and NotifyRefer
		Target string // user part of Refer-To
		// Replaces is our leg that the Replaces parameter of Refer-To names (RFC 3891), empty where there is none.
		Replaces LegID
		// Unknown is set where Replaces named a dialog that is not ours.
		Unknown bool
	}
)

// Events of media, posted with the leg's identifier.
type (
	// MediaLost tells that no RTP came from the leg's far side for the configured time.
	MediaLost struct{ Silence time.Duration }
	// PromptDone tells that a prompt played to its end.
	PromptDone struct{ Source string }
	// Digit tells that a key was pressed on the leg's phone, once per press and at its end, whether it came as RFC 4733 or
	// in a SIP INFO. Digit is one of 0 to 9, *, #, A to D.
	Digit struct {
		Digit    string
		Duration time.Duration
	}
)

// Events from the switchboard itself.
type (
	// Stored tells that everything logged up to the step is durable.
	Stored struct{ Step Step }
	// StoreFailed tells that it could not be made durable at the first attempt.
	StoreFailed struct{ Step Step }
	// Queued tells that the call has its place; QueueFull that the waiting line takes no more.
	Queued    struct{}
	QueueFull struct{}
	// Offered reserves an agent for this call.
	Offered struct {
		Agent string
		Kind  AgentKind
		// Via is where she is reached where that is not her registered phones: an extension behind the tenant's trunk.
		Via Destination
		// Pickup is set where she asked for the call herself: she picks up a parked one, or was given a waiting one by hand.
		Pickup bool
		// Others are reserved as well, and ring at the same time (ring-all): the first answer wins.
		Others []Candidate
	}
	// Reserved answers Reserve: whether the colleague is available and now belongs to this call, too.
	Reserved struct {
		Agent string
		OK    bool
		Kind  AgentKind
		Via   Destination // see Offered
	}
	// NoAgent tells a waiting call that nobody who may answer it is logged in any more.
	NoAgent struct{}
	// Relieved takes an agent out of the call, whatever she does in it: a supervisor frees her. Who is on the line goes back to the
	// head of the queue, or to her slot. By is who did so.
	Relieved struct{ Agent, By string }
	// Act is what a receptionist or a supervisor does with the call by console or API. It is answered by one Result.
	Act struct {
		Ref string // names it in Result
		// Agent is who does it. It must be the receptionist of the call, but where Supervisor is set; whether she may be one has
		// been looked at. A consulted colleague may only end her part.
		Agent      string
		Supervisor bool
		// By is who asked for it, where that is not the agent herself; what comes of it at once bears it in the story.
		By string
		Do Action
		// To is whom to connect, announce to, or divert to, resolved by the tenant's rules, or refused (Refuse is the SIP status).
		To     Destination
		Refuse int
		Reason string
		// Grant is how much more time a supervisor gives.
		Grant time.Duration
	}
	// Place answers Announce: the caller's place in the order of service, from 1, and how long she may have to wait, zero
	// where nobody can say.
	Place struct {
		Position int
		Wait     time.Duration
	}
	// Transfer is a Referred whose target was resolved by the tenant's rules, or refused (Refuse is the SIP status).
	Transfer struct {
		Ref      string
		Target   Destination
		Replaces LegID
		Refuse   int
		Reason   string
	}
	// Consult is a Dialled by the agent of this call, resolved by the tenant's rules, or refused. Its leg is the agent's
	// second one.
	Consult struct {
		Target Destination
		Refuse int
		Reason string
		Dialog Dialog
	}
	// Returned tells that our own outgoing leg has come back to us on a trunk: the target forwards to the service.
	Returned struct{}
	// Fired is a timer of this call. A timer that was disarmed or armed anew never fires with an old generation.
	Fired struct{ Timer Timer }
	// Shutdown ends the call since the service stops.
	Shutdown struct{}
)

// Candidate is one of several agents that a call is offered to at once.
type Candidate struct {
	Agent string
	Kind  AgentKind
	Via   Destination
}

// Cause tells why a leg or a call ended.
type Cause string

const (
	CauseBye      Cause = "bye"       // the far side hung up
	CauseCancel   Cause = "cancel"    // the caller gave up before the answer
	CauseNoAck    Cause = "no_ack"    // our 200 was never acknowledged (RFC 3261 section 13.3.1.4)
	CauseSession  Cause = "session"   // the session timer ran out (RFC 4028)
	CauseFault    Cause = "fault"     // transport or protocol failure
	CauseMedia    Cause = "media"     // no RTP
	CausePolicy   Cause = "policy"    // ended by a rule (queue limit, prompt played)
	CauseShutdown Cause = "shutdown"  // the service stopped
	CauseCrash    Cause = "crash"     // found in the journal after a crash
	CausePanic    Cause = "panic"     // a fault of ours ended this one call
	CauseStore    Cause = "store"     // the store could not write
	CauseRefused  Cause = "refused"   // rejected before it was connected
	CauseElse     Cause = "elsewhere" // answered on another phone
)

// Step names a point that must be durable before the call goes on.
type Step string

const (
	StepArrived  Step = "arrived"
	StepAnswered Step = "answered"
)

// Timer names a timer of a call. A call has at most one of each.
type Timer string

const (
	TimerWait      Timer = "wait"      // longest wait in the queue
	TimerRingMode  Timer = "ring_mode" // 180 at most this long, then 200 into the queue
	TimerRing      Timer = "ring"      // an agent's phone rings at most this long
	TimerCommit    Timer = "commit"    // "answered" must be durable within this
	TimerWarn      Timer = "warn"      // soft tone at 35 s
	TimerIncluded  Timer = "included"  // tone at 45 s
	TimerLong      Timer = "long"      // second mark at 2 min
	TimerRecall    Timer = "recall"    // a direct connection's target must answer within this
	TimerHeartbeat Timer = "heartbeat" // sign of life to the journal
	TimerPrompt    Timer = "prompt"    // a prompt that never ends is cut
	TimerWhisper   Timer = "whisper"   // a whisper to the receptionist is cut
	TimerAnnounce  Timer = "announce"  // the caller is told of her place
	TimerLimit     Timer = "limit"     // granted time is over
	TimerCap       Timer = "cap"       // the hard cap of handling time
	TimerPark      Timer = "park"      // a parked caller is brought back
)

func (Arrived) isEvent()     {}
func (Dialled) isEvent()     {}
func (Ringing) isEvent()     {}
func (EarlyMedia) isEvent()  {}
func (Answered) isEvent()    {}
func (Failed) isEvent()      {}
func (Ended) isEvent()       {}
func (Held) isEvent()        {}
func (Resumed) isEvent()     {}
func (Referred) isEvent()    {}
func (MediaLost) isEvent()   {}
func (PromptDone) isEvent()  {}
func (Digit) isEvent()       {}
func (Stored) isEvent()      {}
func (StoreFailed) isEvent() {}
func (Queued) isEvent()      {}
func (QueueFull) isEvent()   {}
func (Offered) isEvent()     {}
func (Reserved) isEvent()    {}
func (NoAgent) isEvent()     {}
func (Relieved) isEvent()    {}
func (Act) isEvent()         {}
func (Place) isEvent()       {}
func (Transfer) isEvent()    {}
func (Consult) isEvent()     {}
func (Returned) isEvent()    {}
func (Fired) isEvent()       {}
func (Shutdown) isEvent()    {}
