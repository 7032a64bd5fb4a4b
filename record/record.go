package record

import (
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Head is what stands at the beginning of a call's journal: everything that rating needs and the story does not tell.
// It is an immutable snapshot.
type Head struct {
	Call     call.ID    `json:"call"`
	Received time.Time  `json:"received"`
	Rules    call.Rules `json:"rules"`
	// Plan is the tenant's tariff plan as it stood when the call arrived.
	Plan tariff.Plan `json:"plan"`
	// Caller is the caller's number, E.164 where it could be understood; Name as signalled.
	Caller  call.Party  `json:"caller"`
	SIPCall string      `json:"sip_call,omitempty"`
	Leg     call.LegID  `json:"leg"`
	Dialog  call.Dialog `json:"dialog"`
}

// Record is one call as it is kept. Exactly one exists for every INVITE that was accepted.
type Record struct {
	Call         call.ID      `json:"call"`
	Tenant       string       `json:"tenant"`
	Number       string       `json:"number"`
	CommonNumber string       `json:"common_number,omitempty"`
	Received     time.Time    `json:"received"`
	Answered     time.Time    `json:"answered,omitzero"` // zero: no receptionist answered
	Ended        time.Time    `json:"ended"`
	WaitedMS     int64        `json:"waited_ms"`  // from arrival to the first answer, or to the end
	HandledMS    int64        `json:"handled_ms"` // summed handling of the service's receptionists, rounded up once
	Outcome      call.Outcome `json:"outcome"`
	Cause        call.Cause   `json:"cause"`
	Mediated     string       `json:"mediated,omitempty"` // "direct", "announced", or empty
	// Row is the tariff row; nil where no receptionist of the service answered.
	Row *tariff.Row `json:"row,omitempty"`
	// Corrects is the record that this one replaces in the statement, empty for an original.
	Corrects call.ID `json:"corrects,omitempty"`
	// Media tells how the audio of each leg went, in the order in which the legs began. It is no part of what Fold makes.
	Media []Media `json:"media,omitempty"`
	// Parties holds the personal data. It can be masked or erased while the rest stays.
	Parties Parties      `json:"parties"`
	Story   []call.Entry `json:"story,omitempty"`
}

// Parties is who took part: personal data, kept beside the row and not in it.
type Parties struct {
	Caller     string   `json:"caller,omitempty"`
	CallerName string   `json:"caller_name,omitempty"`
	Private    bool     `json:"private,omitempty"` // the caller asked that the number be withheld
	Agent      string   `json:"agent,omitempty"`   // the first receptionist who answered
	Agents     []string `json:"agents,omitempty"`  // all of them, in order
	Target     string   `json:"target,omitempty"`  // whom the caller was connected with
	SIPCall    string   `json:"sip_call,omitempty"`
}

// Open is one call found in the journal: its head, its story so far and its last sign of life.
type Open struct {
	Head      Head
	Story     []call.Entry
	Heartbeat call.Instant // zero where none was written
}

// Commit is what one transaction of calls.db makes durable for one call. The fields that are set are written together.
type Commit struct {
	Call call.ID
	// Head opens the journal of the call.
	Head *Head
	// Entries are appended to its story; the first has sequence number First (counted from 0 per call).
	First   int
	Entries []call.Entry
	// Heartbeat replaces the last sign of life.
	Heartbeat *call.Instant
	// Final removes the journal and writes the record.
	Final *Record
	// Messages are put into the outbox; each must pass Validate. They may come with any event of the call, and alone after its
	// record was written. One whose id is there already changes nothing.
	Messages []Message
	// Stream is numbered into the stream of events behind the entries: what belongs to no call's story. Events with a Call or
	// without one may come with any commit, and a commit may hold nothing else; Call is then empty. Seq is the store's to give.
	Stream []StreamEvent
	// Kept is written beside the call, and of a call that has its record no more.
	Kept []Kept
}
