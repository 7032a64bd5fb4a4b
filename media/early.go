package media

import (
	"slices"
	"time"

	"telefonist/call"
)

const (
	// earlyFor is how long a command waits for its leg's session.
	earlyFor = 5 * time.Second
	// earlyMost is how many wait; further ones are dropped.
	earlyMost = 1024
)

// early keeps commands that came before the sessions they are for. It is protected by Engine.mu.
type early struct {
	waiting []earlyCommand
}

type earlyCommand struct {
	cmd   call.MediaCommand
	legs  [3]call.LegID
	until time.Time
}

// keep has a command wait for its legs, and drops what has waited for too long.
func (e *early) keep(cmd call.MediaCommand, legs ...call.LegID) {
	now := time.Now()
	for len(e.waiting) > 0 && now.After(e.waiting[0].until) {
		e.waiting = e.waiting[1:]
	}
	if len(e.waiting) == earlyMost {
		return
	}
	c := earlyCommand{cmd: cmd, until: now.Add(earlyFor)}
	copy(c.legs[:], legs)
	e.waiting = append(e.waiting, c)
}

// forget takes out and returns the command that waits for a leg, nil where there is none or it has waited for too long.
func (e *early) forget(leg call.LegID) call.MediaCommand {
	for i, c := range e.waiting {
		if slices.Contains(c.legs[:], leg) {
			e.waiting = append(e.waiting[:i:i], e.waiting[i+1:]...)
			if time.Now().After(c.until) {
				return nil
			}
			return c.cmd
		}
	}
	return nil
}
