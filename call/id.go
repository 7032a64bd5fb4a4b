package call

import "time"

// ID names one call for ever: a ULID, so that calls sort by the time they arrived.
type ID string

// LegID names one SIP dialog of a call among all live legs of the service. It is opaque: whoever creates the leg
// chooses it (sip for legs that come in, the call for legs that go out) and everyone else only repeats it.
type LegID string

// Instant is when something happened to a call.
type Instant struct {
	// Wall is the wall-clock time, for people and for the tariff's period.
	Wall time.Time
	// Since is the time since the call's Arrived on the monotonic clock. Durations are computed from it alone, so
	// that a stepped wall clock changes none of them.
	Since time.Duration
}

// Party is one end of a call as signalled: a number (as it stood in the message, not yet normalised) and a name.
type Party struct {
	Number string `json:"number,omitempty"`
	Name   string `json:"name,omitempty"`
	// Private is set where the caller asked that the number be withheld (RFC 3323, RFC 3325).
	Private bool `json:"private,omitempty"`
}

// AgentKind tells whose receptionist an agent is.
type AgentKind string

const (
	// Service agents belong to the receptionist service; the calls that they answer are charged.
	Service AgentKind = "service"
	// Own agents are the tenant's own receptionists (kind "tenant"); the calls that they answer are not rated.
	Own AgentKind = "tenant"
)

// Destination is where an outgoing leg goes: to the phones of an agent, or to a number through a trunk. A receptionist may
// also connect a call to a group.
type Destination struct {
	// Agent is set for a leg to an agent's registered contacts.
	Agent string `json:"agent,omitempty"`
	// Trunk and Number are set for a leg through a trunk. Number is E.164 ("+468…") or a tenant's extension ("205").
	Trunk  string `json:"trunk,omitempty"`
	Number string `json:"number,omitempty"`
	// Group is set where the call waits for an agent of one group instead.
	Group string `json:"group,omitempty"`
}

// Dialog is what is needed to end a leg after a restart (RFC 3261 section 12): its identifiers, route set and target.
type Dialog struct {
	CallID       string   `json:"call_id"`
	LocalURI     string   `json:"local_uri"`
	LocalTag     string   `json:"local_tag"`
	RemoteURI    string   `json:"remote_uri"`
	RemoteTag    string   `json:"remote_tag,omitempty"`
	RemoteTarget string   `json:"remote_target,omitempty"`
	RouteSet     []string `json:"route_set,omitempty"`
	// CSeq is the last local sequence number used when this was written down; a request after a restart adds a margin.
	CSeq uint32 `json:"cseq,omitempty"`
	// Transport ("udp", "tcp") and Remote ("192.0.2.7:5060") are the flow last used.
	Transport string `json:"transport,omitempty"`
	Remote    string `json:"remote,omitempty"`
	// Invite is set for a leg that came in: it may have been left without an answer.
	Invite *Invite `json:"invite,omitempty"`
}

// Invite is what a final response to an INVITE needs besides its dialog (RFC 3261 section 8.2.6.2).
type Invite struct {
	// Via are the values of its Via header fields, the topmost first, as the response repeats them.
	Via []string `json:"via"`
	// CSeq is its sequence number.
	CSeq uint32 `json:"cseq"`
}
