package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Kind names what an item is. Keys of different kinds never meet.
type Kind string

// The kinds of items that a tenant has.
const (
	KindInstructions Kind = "instructions" // id: ScopeTenant or a common number
	KindMessages     Kind = "messages"     // how messages are written; id as that of instructions
	KindNotice       Kind = "notice"
	KindQuestion     Kind = "question"
	KindOffice       Kind = "office"
	KindDoorCode     Kind = "doorcode" // id: office, a slash, the code's own id
	KindPerson       Kind = "person"
	KindReferral     Kind = "referral" // id: person, a slash, the referral's own id
	KindSettings     Kind = "settings" // id: SettingsID
	// KindSwitch is what the tenant's own receptionists have set for the moment, with the id SwitchAway. It is no part of exports.
	KindSwitch Kind = "switch"
)

// SwitchAway is the id of the switch that says that a tenant's own receptionists are away.
const SwitchAway = "away"

// Kinds lists what exports hold, in their order.
func Kinds() []Kind {
	return []Kind{KindSettings, KindInstructions, KindMessages, KindNotice, KindQuestion, KindOffice, KindDoorCode, KindPerson, KindReferral}
}

// SettingsID is the id of a tenant's one settings item.
const SettingsID = "tenant"

// Item is one thing of a tenant as it is kept.
type Item struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
	// Version is the number of the change that wrote the item, which no other change of the tenant has.
	Version uint64          `json:"version"`
	At      time.Time       `json:"at"`
	By      Actor           `json:"by"`
	Doc     json.RawMessage `json:"doc"`
}

// Actor says who changed something, and by which way.
type Actor struct {
	// Name is "agent:anna", "token:ERP" or "cli".
	Name string `json:"name"`
	// Way is how it came: "api", "import", "webhook", "phone", "cli".
	Way string `json:"way,omitempty"`
	// Call is the call during which it was done, where there was one.
	Call string `json:"call,omitempty"`
}

// Action says what a change did.
type Action string

// The actions of a change.
const (
	ActionCreate  Action = "create"
	ActionUpdate  Action = "update"
	ActionDelete  Action = "delete"
	ActionRestore Action = "restore"
	ActionImport  Action = "import" // many people at once: ask for the tenant's people anew
	ActionErase   Action = "erase"
	ActionLook    Action = "look" // a door code was shown
)

// Change is one line of a tenant's history. Old and New are the item's documents; they are missing where there was or is
// none, where they are secret, and where the person was erased.
type Change struct {
	Seq    uint64          `json:"seq"`
	At     time.Time       `json:"at"`
	By     Actor           `json:"by"`
	Action Action          `json:"action"`
	Kind   Kind            `json:"kind,omitempty"`
	ID     string          `json:"id,omitempty"`
	Old    json.RawMessage `json:"old,omitempty"`
	New    json.RawMessage `json:"new,omitempty"`
	Erased bool            `json:"erased,omitempty"`
	// Import tells what an import did, where Action is import.
	Import *ImportCounts `json:"import,omitempty"`
}

// Edit is one change that is asked for.
type Edit struct {
	Kind Kind
	ID   string
	Doc  json.RawMessage // nil: delete
	// Match is the version that the item must have, AnyVersion where it does not matter, NoVersion where there must be none.
	Match  uint64
	Action Action // restore; else left empty
}

// What Edit.Match may be beside a version. Versions begin at 1.
const (
	NoVersion  uint64 = 0
	AnyVersion uint64 = 1<<64 - 1
)

// ImportCounts are the fates of an import's rows.
type ImportCounts struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Deleted   int `json:"deleted"`
	// Overtaken are people who were changed by hand while the import was staged: what was done by hand stands.
	Overtaken int `json:"overtaken"`
}

// Errors of items.
var (
	// ErrNotFound: no such item.
	ErrNotFound = errors.New("not found")
	// ErrVersion: the item has another version than the one asked for.
	ErrVersion = errors.New("was changed by someone else meanwhile")
	// ErrTaken: another person has the external id already.
	ErrTaken = errors.New("external id belongs to another person")
	// ErrNoSubstitute: a substitute is none of the tenant's people, as when they are deleted while others are given them.
	ErrNoSubstitute = errors.New("a substitute is not there any more")
	// ErrImporting: an import of the tenant is running already.
	ErrImporting = errors.New("an import is running already")
	// ErrImported: another import has changed the tenant's people since this one was planned.
	ErrImported = errors.New("another import has changed the people meanwhile")
)

// PeopleImport is what an import writes.
type PeopleImport struct {
	Upserts map[string]json.RawMessage // people by id
	Removed []string
	// Since is the number of the last change that whoever planned the import had seen: people who were changed after it are
	// left as they are then; where another import came after it, nothing is written. Nil: all changes before the import begins
	// were seen.
	Since *uint64
	// Unchanged is only counted.
	Unchanged int
	By        Actor
	At        time.Time
	// Progress, where set, hears after each chunk how many people of how many are staged.
	Progress func(done, total int)
}

// EditError tells which of several edits failed.
type EditError struct {
	Index int
	Err   error
}

func (e *EditError) Error() string { return fmt.Sprintf("edit %d: %v", e.Index, e.Err) }

// Unwrap gives the reason.
func (e *EditError) Unwrap() error { return e.Err }
