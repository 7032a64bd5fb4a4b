package record

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"telefonist/call"
)

// Errors of reading the stream.
var (
	// ErrPruned: the events asked for are no longer kept.
	ErrPruned = errors.New("events were pruned")
	// ErrAhead: the stream has not come so far, as after a backup was restored.
	ErrAhead = errors.New("the stream does not reach so far")
	// ErrCounting: the statistics are being made anew from the stream, which takes a while.
	ErrCounting = errors.New("the statistics are being made anew from the stream of events: ask again in a minute")
)

// EventFilter selects events of the stream.
type EventFilter struct {
	After  uint64 // behind this number; zero: from the oldest that is kept
	Tenant string // of this tenant only; empty: all
	Limit  int    // at most this many; zero or less: as many as a page has
}

// StreamEvent is one thing that happened, as others see it: the entries of every call's story, what receptionists do, messages,
// notes and alarms, in one numbered order. It holds no telephone number, no name and nothing that anybody wrote: whom it
// tells of is named by ids, so that nothing in the stream is ever masked or erased.
type StreamEvent struct {
	// Seq numbers the stream without holes, from 1, in the order of the commits. The store gives it in the transaction that
	// writes the event; a number is never given twice.
	Seq uint64 `json:"seq,omitempty"`
	// At is the wall-clock time of what happened. It mostly ascends along the stream, but a commit that was tried again or a call
	// that a crash cut short brings events of earlier on.
	At time.Time `json:"at"`
	// About says what the event is of, and so which kinds there are.
	About About `json:"about"`
	// Kind is what happened: a call.Kind for AboutCall, one of the constants below for all others.
	Kind string `json:"kind"`
	// Tenant is whose it is, empty for what is the service's own: its receptionists and its alarms.
	Tenant string `json:"tenant,omitempty"`
	// Call is the call that it belongs to, Since how long after the call's arrival it happened (monotonic: durations are
	// computed from it alone).
	Call  call.ID       `json:"call,omitempty"`
	Since time.Duration `json:"since_ns,omitempty"`
	// Way is how a call came about, where that is told: on its first event.
	Way call.Way   `json:"way,omitempty"`
	Leg call.LegID `json:"leg,omitempty"`
	// Agent is a receptionist's id, AgentKind whose she is.
	Agent     string         `json:"agent,omitempty"`
	AgentKind call.AgentKind `json:"agent_kind,omitempty"`
	// To is the colleague or the group that a receptionist turns to.
	To string `json:"to,omitempty"`
	// Reason is a word of a closed set: why a call ended ("answered/caller"), why an agent is paused ("lunch").
	Reason string `json:"reason,omitempty"`
	// Code is the SIP status (RFC 3261 section 21) that something failed with, or what was measured where an alarm was raised.
	Code int `json:"code,omitempty"`
}

// About says what an event is of.
type About string

const (
	AboutCall    About = "call"    // an entry of a call's story; the store makes it of record.Commit.Entries
	AboutAgent   About = "agent"   // a receptionist's state
	AboutMessage About = "message" // an e-mail or SMS; the store makes it of record.Commit.Messages
	AboutNote    About = "note"    // a supervisor's note to the consoles: Reason is its id
	AboutAlarm   About = "alarm"   // a threshold was passed, or is kept again: Reason is "raised" or "cleared"
	AboutService About = "service" // the server itself
)

// Abouts lists all of them.
var Abouts = []About{AboutCall, AboutAgent, AboutMessage, AboutNote, AboutAlarm, AboutService}

// Kinds of AboutAgent. All but logged in, logged out and resumed are states, of which a receptionist is in one at a time: each ends
// the one before. So a pause that is asked for during a call is told when it begins, after the call. Reserved, ringing,
// talking and wrap-up carry the call and the call's tenant. To repeat what is so already changes nothing.
const (
	AgentLoggedIn  = "logged_in"
	AgentLoggedOut = "logged_out" // also who was disabled or is no agent any more
	AgentPaused    = "paused"     // Reason: lunch, meeting, admin, other, missed calls
	AgentResumed   = "resumed"    // the pause is over; the state that follows is told too
	AgentOffline   = "offline"    // none of her phones is registered
	AgentAvailable = "available"
	AgentReserved  = "reserved"
	AgentRinging   = "ringing"
	AgentTalking   = "talking" // in a call: from her answer until she is given back
	AgentWrapUp    = "wrap_up"
)

// Kinds of AboutMessage, AboutNote, AboutService and AboutAlarm.
const (
	Messaged      = "messaged" // queued to be sent: Reason is the channel
	NoteSent      = "sent"
	ServiceUp     = "started" // before anything else: what was under way has ended, and states that still hold are told anew
	ServiceDown   = "stopped"
	AlarmWait     = "longest_wait"  // Code: the wait in seconds
	AlarmLevel    = "service_level" // Code: the service level in percent
	AlarmNoAgent  = "no_agent"
	AlarmRaised   = "raised"
	AlarmCleared  = "cleared"
	maxStreamText = 100
)

// StreamKinds lists the kinds of everything but calls, whose kinds are those of call.Kinds.
var StreamKinds = map[About][]string{
	AboutAgent: {AgentLoggedIn, AgentLoggedOut, AgentPaused, AgentResumed, AgentOffline, AgentAvailable, AgentReserved, AgentRinging,
		AgentTalking, AgentWrapUp},
	AboutMessage: {Messaged},
	AboutNote:    {NoteSent},
	AboutAlarm:   {AlarmWait, AlarmLevel, AlarmNoAgent},
	AboutService: {ServiceUp, ServiceDown},
}

// Validate tells why an event could never stand in the stream, nil where it could. Reasons must be words: see SafeReason.
func (e *StreamEvent) Validate() error {
	switch {
	case e.At.IsZero():
		return errors.New("stream event: at is missing")
	case e.Kind == "" || len(e.Kind) > maxStreamText:
		return fmt.Errorf("stream event: kind %q is missing or too long", e.Kind)
	case e.About == AboutCall && e.Call == "":
		return errors.New("stream event: the call is missing")
	case e.About == AboutAgent && e.Agent == "":
		return errors.New("stream event: the agent is missing")
	case e.Reason != SafeReason(e.Reason):
		return errors.New("stream event: the reason is none of a closed set of words")
	}
	for _, a := range Abouts {
		if a == e.About {
			return nil
		}
	}
	return fmt.Errorf("stream event: about %q is unknown", e.About)
}

// SafeReason gives a reason as it may stand in the stream: words of lower-case letters, '_', '-' and '/', with few digits and
// never digits alone, which could be a telephone number. It is empty for anything else, such as what a far side wrote.
func SafeReason(s string) string {
	if len(s) > maxStreamText {
		return ""
	}
	digits, letters := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
			letters++
		case !strings.ContainsRune("_-/ ", c):
			return ""
		}
	}
	if digits > 4 || letters == 0 {
		return ""
	}
	return s
}

// Streamed gives a story entry as it stands in the stream: without numbers, names and what a far side wrote.
func Streamed(id call.ID, tenant string, way call.Way, e call.Entry) StreamEvent {
	s := StreamEvent{At: e.Wall, About: AboutCall, Kind: string(e.Kind), Tenant: tenant, Call: id, Since: e.Since, Leg: e.Leg,
		Agent: e.Agent, AgentKind: e.AgentKind, To: e.To, Reason: SafeReason(e.Reason), Code: e.Code}
	switch e.Kind {
	case call.KindArrived, call.KindDialled:
		s.Way = way
	case call.KindReached:
		s.Reason = "" // who answered
	}
	return s
}
