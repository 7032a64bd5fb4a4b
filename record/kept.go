package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Kept is something that the switchboard keeps beside calls, so that a restart finds it again: an agent's log-in and pause,
// a call-back wish. Whatever was kept under the same kind and id is replaced; a nil Doc forgets it.
type Kept struct {
	Kind KeptKind
	ID   string
	Doc  json.RawMessage
}

// KeptKind is what is kept.
type KeptKind string

const (
	KeptAgent KeptKind = "agent" // AgentState, by the agent's id
	KeptWish  KeptKind = "wish"  // Wish, by the id of the call that it will become
)

// KeptKinds lists all of them.
var KeptKinds = []KeptKind{KeptAgent, KeptWish}

// Validate tells what is wrong with it.
func (k Kept) Validate() error {
	switch {
	case k.Kind != KeptAgent && k.Kind != KeptWish:
		return fmt.Errorf("kept: kind %q is unknown", k.Kind)
	case k.ID == "" || len(k.ID) > 256:
		return errors.New("kept: the id is missing or longer than 256 bytes")
	case k.Doc != nil && !json.Valid(k.Doc):
		return errors.New("kept: the document is not JSON")
	}
	return nil
}

// AgentState is what of an agent outlives the process: nobody is logged in or taken out of a pause by a restart.
type AgentState struct {
	LoggedOut bool      `json:"logged_out,omitempty"`
	Paused    string    `json:"paused,omitempty"` // the reason, empty where she is not paused
	Since     time.Time `json:"since"`
}

// Wish is a caller's wish to be called back. It stands in line in the caller's place until a receptionist takes it, and is
// forgotten in the transaction that makes her call to the caller durable.
type Wish struct {
	// Head is that of the call that will be made: its rules are the snapshot that the caller's call began with, Received is when
	// the caller arrived.
	Head Head `json:"head"`
	// From is the call in which the wish was left, and Left when.
	From string    `json:"from"`
	Left time.Time `json:"left"`
	// Tries counts how often the caller was called in vain.
	Tries int `json:"tries,omitempty"`
	// After is when it may be tried again.
	After time.Time `json:"after,omitzero"`
}
