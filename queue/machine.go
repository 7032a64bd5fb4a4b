package queue

// State is what an agent is doing, as the metric telefonist_agents says it.
type State string

const (
	Offline   State = "offline"   // logged out, or no phone registered
	Available State = "available" // free for the next caller
	Reserved  State = "reserved"  // taken for a call that she has not been told of yet
	Ringing   State = "ringing"   // her phone rings
	Talking   State = "talking"   // answered, or kept while a connection is made
	WrapUp    State = "wrap_up"
	Paused    State = "paused"
)

// States lists every state.
var States = []State{Offline, Available, Reserved, Ringing, Talking, WrapUp, Paused}

// Event is what happens to an agent.
type Event string

const (
	EventLogIn     Event = "log_in"
	EventLogOut    Event = "log_out"
	EventPhoneUp   Event = "phone_up"
	EventPhoneDown Event = "phone_down"
	EventPause     Event = "pause"
	EventResume    Event = "resume"
	EventReserve   Event = "reserve"
	EventAsk       Event = "ask" // reserved for a call that she asks for herself
	EventRing      Event = "ring"
	EventTalk      Event = "talk"
	EventDone      Event = "done"      // given back after a conversation
	EventMissed    Event = "missed"    // given back: she did not answer
	EventDeclined  Event = "declined"  // given back: she declined, was busy, or her phone failed
	EventCancelled Event = "cancelled" // given back by no fault of hers
	EventExpire    Event = "expire"    // her reservation ran out
	EventUnstick   Event = "unstick"   // given back by hand
	EventWrapOver  Event = "wrap_over"
	EventRestore   Event = "restore" // put back to how she was before a restart
	EventAdd       Event = "add"     // came into the directory
	EventRemove    Event = "remove"  // taken out of the directory
)

// Events lists every event.
var Events = []Event{EventLogIn, EventLogOut, EventPhoneUp, EventPhoneDown, EventPause, EventResume, EventReserve, EventAsk, EventRing,
	EventTalk, EventDone, EventMissed, EventDeclined, EventCancelled, EventExpire, EventUnstick, EventWrapOver, EventRestore, EventAdd, EventRemove}

// Working tells whether an agent in the state is reserved for a call.
func (s State) Working() bool { return s == Reserved || s == Ringing || s == Talking }

// duty is what is true of an agent whatever she is doing. It decides where she goes when she has no call.
type duty struct {
	loggedOut bool
	phone     bool
	paused    bool
	wrap      bool // her wrap-up is not over
	gone      bool // taken out of the directory
}

// rest is the state of an agent without a call.
func (d duty) rest() State {
	switch {
	case d.gone || d.loggedOut || !d.phone:
		return Offline
	case d.paused:
		return Paused
	case d.wrap:
		return WrapUp
	default:
		return Available
	}
}

// transition is the machine of an agent: the state in which an event leaves her, where d is her duty with the event taken in. It is
// false where the event means nothing in the state. While she has a call nothing but the call changes her state: what is
// said meanwhile holds when the call gives her back. testdata/agents.txt is the whole table.
func transition(s State, e Event, d duty) (State, bool) {
	switch e {
	case EventReserve:
		return Reserved, s == Available
	case EventAsk:
		return Reserved, s == Available || s == WrapUp || s == Paused
	case EventRing:
		return Ringing, s.Working()
	case EventTalk:
		return Talking, s.Working()
	case EventDone, EventMissed, EventDeclined, EventCancelled, EventExpire:
		return d.rest(), s.Working()
	case EventUnstick:
		return d.rest(), s.Working() || s == WrapUp
	}
	if s.Working() {
		return s, true
	}
	return d.rest(), true
}
