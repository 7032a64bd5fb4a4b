package switchboard

import (
	"time"

	"telefonist/call"
	"telefonist/record"
)

// Signals carries out what calls ask of SIP. Do never blocks and never calls back on the caller's goroutine; commands
// for one leg are carried out in order.
type Signals interface {
	Do(call.SignalCommand)
}

// Media carries out what calls ask of audio. Do never blocks.
type Media interface {
	Do(call.MediaCommand)
}

// Store makes things durable. Commit never blocks; done is called exactly once, on another goroutine, with nil when the
// commit is on disk. Several commits may share one transaction. Commits are written in the order they were given.
type Store interface {
	Commit(c record.Commit, done func(error))
}

// Poster is how adapters tell the switchboard what happened, as sip and media declare it too. It never blocks. It
// returns false where the mailbox takes no more; an Arrived that was refused must be answered 503.
type Poster interface {
	Post(leg call.LegID, at time.Time, ev call.Event) bool
}
