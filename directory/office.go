package directory

import (
	"errors"
	"time"

	"telefonist/calendar"
)

// Office is a site of a tenant. Its door codes are items of their own, which no list and no export holds.
type Office struct {
	Name        string         `json:"name" minLength:"1" maxLength:"200"`
	Address     string         `json:"address,omitempty" maxLength:"1000"`
	Hours       calendar.Hours `json:"hours,omitzero"`
	Particulars string         `json:"particulars,omitempty" maxLength:"8000" doc:"What a receptionist should know: parking, deliveries, who has the keys"`
}

// Normalize brings the office into its one form and returns what is wrong with it.
func (o *Office) Normalize(string) Problems {
	var p Problems
	p.text("name", &o.Name, 200, true, false)
	p.text("address", &o.Address, 1000, false, true)
	p.text("particulars", &o.Particulars, 8000, false, true)
	p.under("hours", o.Hours.Validate())
	return p
}

// DoorCode is what is kept of one code. The code itself is in Sealed alone.
type DoorCode struct {
	Label   string    `json:"label"`
	Expires time.Time `json:"expires,omitzero"`
	Sealed  Sealed    `json:"sealed"`
}

// Sealed is an encrypted text and the key that opens it.
type Sealed struct {
	Key  string `json:"key"`
	Text []byte `json:"text"` // nonce and ciphertext
}

// ExpiredAt tells whether the code no longer works at an instant.
func (d DoorCode) ExpiredAt(at time.Time) bool { return !d.Expires.IsZero() && !at.Before(d.Expires) }

// CheckDoorCode returns what is wrong with a code that is to be kept, and its form.
func CheckDoorCode(label, code *string) Problems {
	var p Problems
	p.text("label", label, 200, true, false)
	p.text("code", code, 200, true, false)
	return p
}

// DoorCodeInfo is what lists show of a door code: everything but the code.
type DoorCodeInfo struct {
	Office, ID string
	Label      string
	Expires    time.Time
	Version    uint64
}

// Errors of secrets.
var (
	// ErrNoKeys: no key file is configured, so no secret can be kept or shown.
	ErrNoKeys = errors.New("no key file is configured: set store.key_file to a file outside the store's folder")
	// ErrLostKey: a secret was sealed with a key that the key file does not have.
	ErrLostKey = errors.New("the key that opens it is not in the key file: restore the key file from its backup")
	// ErrKeysMissing: there is no key file though secrets are kept that its keys sealed. A new one would stand in the way of its backup.
	ErrKeysMissing = errors.New("the key file is missing, and door codes are kept that its keys sealed: restore the key file from its backup")
	// ErrUnopened: keys are not rotated while a secret cannot be opened, since the rotation could not take it along.
	ErrUnopened = errors.New("no key was made, since no key of the key file opens these door codes: restore the key file from its backup, or delete the codes and write them anew")
	// ErrCodeExpired: the door code no longer opens the door, so it is not shown.
	ErrCodeExpired = errors.New("the door code has expired")
)
