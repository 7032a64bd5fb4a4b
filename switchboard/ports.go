package switchboard

import (
	"time"

	"telefonist/call"
	"telefonist/record"
)

// Signals carries out what calls ask of SIP. Do runs on the loop, so it must not wait, neither for a socket nor for a lock
// that is held over anything slow: all calls would wait with it, and telefonist_switchboard_lag_seconds would show it. It
// takes the command down and returns. It may Post, which never waits. Commands for one leg are carried out in order. A
// command for a leg that has ended is ignored: its event may be on its way.
type Signals interface {
	Do(call.SignalCommand)
}

// Media carries out what calls ask of audio. Do must not wait, as Signals.Do must not.
type Media interface {
	Do(call.MediaCommand)
}

// Store makes things durable. Commit never waits; done is called exactly once, from any goroutine, with nil when the commit
// is on disk. Several commits may share one transaction. Commits are written in the order they were given, of one call one
// at a time. A commit that failed has written nothing; it is given again, grown by what came after it. A commit that was
// written may be given again too (its answer was lost in a shutdown, say), and changes nothing then.
type Store interface {
	Commit(c record.Commit, done func(error))
}

// Poster is how adapters tell the switchboard what happened, as sip and media declare it too. It never blocks. It
// returns false where the mailbox takes no more; an Arrived that was refused must be answered 503.
type Poster interface {
	Post(leg call.LegID, at time.Time, ev call.Event) bool
}
