package call

import "time"

// Command is something that a call wants done. The set is closed: SignalCommand is for sip, MediaCommand for media, the
// rest for the switchboard.
type Command interface{ isCommand() }

// SignalCommand is carried out by sip, in the order given for each leg. A command for a leg that has ended is ignored.
type SignalCommand interface {
	Command
	isSignal()
}

// MediaCommand is carried out by media. A command for a leg that has no session is ignored.
type MediaCommand interface {
	Command
	isMedia()
}

// Commands to sip.
type (
	// Ring sends 180 on an incoming leg.
	Ring struct{ Leg LegID }
	// Accept sends 200 with a media answer on an incoming leg, repeated until ACK.
	Accept struct{ Leg LegID }
	// Reject sends a final error on an incoming leg that has not been accepted.
	Reject struct {
		Leg        LegID
		Code       int
		Reason     string
		RetryAfter time.Duration // zero: no Retry-After
	}
	// Dial creates an outgoing leg. Where an agent has several contacts all are tried at once; the first 200 wins, the
	// others are cancelled. It ends in exactly one of Answered and Failed unless Hangup comes first.
	Dial struct {
		Leg LegID
		// Peer is the leg that it will be connected to: media prefers the codec negotiated there.
		Peer LegID
		To   Destination
		// From is shown to the far side: the caller's number and a readable name in From and P-Asserted-Identity.
		From Party
		// Token marks the leg as ours where the PBX sends it back.
		Token string
		// DivertedBy is the number that the call is sent on for (Diversion, History-Info), empty for none.
		DivertedBy string
		// Answer asks an agent's phone to answer by itself (RFC 5373): she has said by her console that she takes the call.
		Answer bool
		// Expires is how long the far side may ring, sent as Expires so that a phone stops by itself after a crash.
		Expires time.Duration
	}
	// Hangup ends a leg in whatever state it is: a final error (Code, or 487) before we accepted it, CANCEL while it
	// rings, BYE once it is confirmed, ACK and BYE where a 200 crosses. No event follows for that leg.
	Hangup struct {
		Leg   LegID
		Code  int // for an incoming leg not yet accepted; zero means 487
		Cause Cause
	}
	// AnswerRefer answers a REFER: 202, which is followed by the NOTIFY of 100 that RFC 3515 section 2.4.4 asks for at
	// once, or an error.
	AnswerRefer struct {
		Leg    LegID
		Ref    string
		Code   int
		Reason string
	}
	// NotifyRefer reports the progress of a REFER as message/sipfrag (RFC 3515 section 2.4.5); a final status ends the
	// subscription.
	NotifyRefer struct {
		Leg    LegID
		Ref    string
		Code   int
		Reason string
	}
)

// Sources that Play knows besides the names of prompts.
const (
	SourceMusic    = "music"
	SourceRingback = "ringback"
	SourceBusy     = "busy"
)

// ToneKind is a short sound mixed into one leg's ear.
type ToneKind string

const (
	ToneSoft ToneKind = "soft" // at 35 s
	ToneMark ToneKind = "mark" // at 45 s
)

// Commands to media.
type (
	// Play sends a source to a leg in place of whatever it hears. A source that does not loop ends in PromptDone.
	Play struct {
		Leg    LegID
		Source string
		Loop   bool
	}
	// Say plays prompts one after the other to a leg and then the looping source Then, which goes on where it was if the leg
	// hears it already. What is still to be said is said first. A prompt that is not known is left out. Nothing is posted
	// when it ends; whatever is commanded next cuts it.
	Say struct {
		Leg   LegID
		Clips []string
		Then  string
	}
	// Connect relays both ways between two legs, in place of whatever they hear.
	Connect struct{ A, B LegID }
	// Mix lets two or three different legs hear each other, each all of the others and not itself, in place of whatever they
	// hear. When one of three leaves by another command, or ends, the other two stay connected.
	Mix struct{ Legs []LegID }
	// Disconnect leaves a leg in silence.
	Disconnect struct{ Leg LegID }
	// Tone mixes a short tone into what the leg hears, and nobody else.
	Tone struct {
		Leg  LegID
		Kind ToneKind
	}
)

// How an agent was freed.
type Freed string

const (
	FreedDone      Freed = "done"      // after a conversation: wrap-up follows
	FreedMissed    Freed = "missed"    // did not answer in time
	FreedDeclined  Freed = "declined"  // declined, busy or failed
	FreedCancelled Freed = "cancelled" // the caller gave up, or the offer was withdrawn: no fault of the agent
)

// Commands to the switchboard.
type (
	// Enqueue puts the call into its waiting line, at the head where it has been offered before. Answered by Queued or
	// QueueFull; the head never is full. Group, where set, names the only group that it is offered to.
	Enqueue struct {
		Front bool
		Group string
	}
	// Dequeue takes it out.
	Dequeue struct{}
	// Announce asks for the call's place in its waiting line. Answered by Place.
	Announce struct{}
	// Free gives an agent back to the pool.
	Free struct {
		Agent string
		How   Freed
	}
	// Reserve asks for a named colleague, besides the agent that the call has. Answered by Reserved; a colleague that is had
	// is given back by Free like any agent.
	Reserve struct{ Agent string }
	// Parked tells that the caller waits in a slot, whose number the switchboard chooses, until Unparked or Finish. Agent put her
	// there.
	Parked   struct{ Agent string }
	Unparked struct{}
	// Wish leaves a call-back wish for the caller in her place of the queue. It is said before Finish.
	Wish struct{ Number string }
	// Result answers an Act, once.
	Result struct {
		Ref string
		Err ActError
	}
	// Log adds an entry to the call's story. All entries of one event become durable together.
	Log struct{ Entry Entry }
	// Await asks for Stored or StoreFailed once everything logged so far is on disk.
	Await struct{ Step Step }
	// Heartbeat writes a sign of life to the journal.
	Heartbeat struct{}
	// Arm sets a timer to an instant on the call's monotonic clock, in place of an earlier setting; Disarm removes it.
	Arm struct {
		Timer Timer
		At    time.Duration
	}
	Disarm struct{ Timer Timer }
	// Finish ends the call: no further command follows. The outcome is what the record says.
	Finish struct {
		Outcome Outcome
		Cause   Cause
	}
)

func (Ring) isCommand()        {}
func (Accept) isCommand()      {}
func (Reject) isCommand()      {}
func (Dial) isCommand()        {}
func (Hangup) isCommand()      {}
func (AnswerRefer) isCommand() {}
func (NotifyRefer) isCommand() {}
func (Play) isCommand()        {}
func (Say) isCommand()         {}
func (Announce) isCommand()    {}
func (Connect) isCommand()     {}
func (Mix) isCommand()         {}
func (Disconnect) isCommand()  {}
func (Tone) isCommand()        {}
func (Enqueue) isCommand()     {}
func (Dequeue) isCommand()     {}
func (Free) isCommand()        {}
func (Reserve) isCommand()     {}
func (Parked) isCommand()      {}
func (Unparked) isCommand()    {}
func (Wish) isCommand()        {}
func (Result) isCommand()      {}
func (Log) isCommand()         {}
func (Await) isCommand()       {}
func (Heartbeat) isCommand()   {}
func (Arm) isCommand()         {}
func (Disarm) isCommand()      {}
func (Finish) isCommand()      {}

func (Ring) isSignal()        {}
func (Accept) isSignal()      {}
func (Reject) isSignal()      {}
func (Dial) isSignal()        {}
func (Hangup) isSignal()      {}
func (AnswerRefer) isSignal() {}
func (NotifyRefer) isSignal() {}

func (Play) isMedia()       {}
func (Say) isMedia()        {}
func (Connect) isMedia()    {}
func (Mix) isMedia()        {}
func (Disconnect) isMedia() {}
func (Tone) isMedia()       {}
