package directory

import (
	"errors"
	"time"

	"telefonist/calendar"
)

// Switch is what a tenant's own receptionists have set: that they are away, so that the service answers.
type Switch struct {
	Away bool `json:"away"`
	// Until is when it ends by itself; zero: when it is switched back.
	Until time.Time `json:"until,omitzero"`
	// At and By tell who set it, and when.
	At time.Time `json:"at,omitzero"`
	By Actor     `json:"by,omitzero"`
}

// maxAway is the longest time that a switch may be set for. Who is away for longer leaves the end open.
const maxAway = 366 * 24 * time.Hour

// AwayAt tells whether they are away at an instant: at the one at which the switch ends they are back.
func (s Switch) AwayAt(at time.Time) bool {
	return s.Away && (s.Until.IsZero() || at.Before(s.Until))
}

// SwitchMatters tells whether it makes a difference to any of the tenant's calls that its own receptionists are away.
func (t Tenant) SwitchMatters() bool {
	if !t.HasOwn {
		return false
	}
	differs := t.Serving.Mode.OrAlways() != ModeAlways
	for _, s := range t.ByNumber {
		differs = differs || s.Mode.OrAlways() != ModeAlways
	}
	return differs
}

// Check returns what is wrong with a switch that is set now.
func (s Switch) Check(now time.Time) Problems {
	var p Problems
	switch {
	case s.Until.IsZero():
	case !s.Away:
		p.add("until", "has no meaning where they are back", "leave it out")
	case !s.Until.After(now):
		p.add("until", "is not in the future", "write a later instant, or leave it out")
	case s.Until.Sub(now) > maxAway:
		p.add("until", "is more than a year ahead", "write an earlier instant, or leave it out")
	}
	return p
}

// ErrNoTime: digits that are no time of day.
var ErrNoTime = errors.New("four digits of a time are missing, such as 1730")

// DialledUntil reads the time that may follow the code by which a tenant's own receptionist says that they are away: "1730" is the
// next time that the clock in Stockholm shows 17:30. Nothing is the zero time.
func DialledUntil(digits string, now time.Time) (time.Time, error) {
	if digits == "" {
		return time.Time{}, nil
	}
	if len(digits) != 4 {
		return time.Time{}, ErrNoTime
	}
	clock, err := calendar.ParseTimeOfDay(digits[:2] + ":" + digits[2:])
	if err != nil {
		return time.Time{}, ErrNoTime
	}
	return calendar.Next(clock, now), nil
}

// Switch is what a tenant's own receptionists have set; the zero value where nothing.
func (d *Directory) Switch(tenant string) Switch { return d.switches[tenant] }

// Switches are all of them, by tenant. Read only.
func (d *Directory) Switches() map[string]Switch { return d.switches }

// WithSwitches returns the directory with what the tenants' own receptionists have set, by tenant. Nobody may change the map
// afterwards.
func (d *Directory) WithSwitches(switches map[string]Switch) *Directory {
	next := *d
	next.switches = switches
	return &next
}

// WithSwitch returns the directory with one switch set anew.
func (d *Directory) WithSwitch(tenant string, s Switch) *Directory {
	all := make(map[string]Switch, len(d.switches)+1)
	for id, other := range d.switches {
		all[id] = other
	}
	all[tenant] = s
	return d.WithSwitches(all)
}
