package directory

import "time"

// Stage is where a number is in its life.
type Stage string

// The stages of a number's life.
const (
	Ordered   Stage = "ordered"   // provisioned, no call yet
	Delivered Stage = "delivered" // a call has come in by it
	Closed    Stage = "closed"    // taken out of provisioning
)

// Life is what is kept of a unique number, for ever.
type Life struct {
	Number    string    `json:"number"`
	Tenant    string    `json:"tenant"`
	Ordered   time.Time `json:"ordered"`
	Delivered time.Time `json:"delivered,omitzero" doc:"Instant of the first call; never changed afterwards"`
	Closed    time.Time `json:"closed,omitzero"`
}

// Stage tells where the number is.
func (l Life) Stage() Stage {
	switch {
	case !l.Closed.IsZero():
		return Closed
	case !l.Delivered.IsZero():
		return Delivered
	}
	return Ordered
}

// Deliver notes a call at an instant. Only the first one counts.
func (l *Life) Deliver(at time.Time) (changed bool) {
	if !l.Delivered.IsZero() {
		return false
	}
	l.Delivered = at
	return true
}
