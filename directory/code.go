package directory

import (
	"fmt"
	"time"

	"telefonist/calendar"
)

// Ending says when a referral ends that was set without an end.
type Ending string

// The endings, as PBXs have them.
const (
	EndOpen     Ending = "open"             // when it is cancelled
	EndAfter    Ending = "after"            // so many minutes after it begins
	EndNextWork Ending = "next_working_day" // 08:00 on the next working day
	EndGiven    Ending = "given"            // must be written each time
)

// Code is a reason for being away.
type Code struct {
	Code   string `json:"code" minLength:"1" maxLength:"64" doc:"The true reason, as it is chosen: sjuk"`
	Phrase string `json:"phrase" minLength:"1" maxLength:"200" doc:"What may be said and sent: inte på plats"`
	End    Ending `json:"end" enum:"open,after,next_working_day,given" doc:"When it ends where no end is written"`
	// Minutes is how long EndAfter lasts.
	Minutes int `json:"minutes,omitempty" minimum:"0" maximum:"10080"`
	// Connect tells whether calls may be connected where the referral does not say.
	Connect bool `json:"connect,omitempty" doc:"Calls may still be connected, unless the referral says otherwise"`
	MaxDays int  `json:"max_days,omitempty" minimum:"0" maximum:"3660" doc:"Longer ones are flagged as implausible; 0: 400 days"`
}

// defaultMaxDays is how long a referral may last before it is taken for a mistake.
const defaultMaxDays = 400

// DefaultCodes are those of a tenant that has none of its own. The reasons that tell about somebody's health or private
// life are said as "inte på plats".
func DefaultCodes() []Code {
	return []Code{
		{Code: "lunch", Phrase: "på lunch", End: EndAfter, Minutes: 60, MaxDays: 1},
		{Code: "möte", Phrase: "i möte", End: EndAfter, Minutes: 60, MaxDays: 14},
		{Code: "tillfälligt ute", Phrase: "tillfälligt ute", End: EndAfter, Minutes: 60, Connect: true, MaxDays: 14},
		{Code: "tjänsteresa", Phrase: "på tjänsteresa", End: EndNextWork, Connect: true},
		{Code: "gått för dagen", Phrase: "har gått för dagen", End: EndNextWork, MaxDays: 7},
		{Code: "semester", Phrase: "på semester", End: EndNextWork},
		{Code: "ledig", Phrase: "ledig", End: EndNextWork},
		{Code: "kurs", Phrase: "på kurs", End: EndNextWork},
		{Code: "sjuk", Phrase: "inte på plats", End: EndOpen},
		{Code: "åter", Phrase: "inte på plats", End: EndGiven},
	}
}

func (c Code) check() (p Problems) {
	switch c.End {
	case EndOpen, EndNextWork, EndGiven:
	case EndAfter:
		if c.Minutes < 1 || c.Minutes > 10080 {
			p.add("minutes", "is not within 1 to 10080", "write how many minutes it lasts")
		}
	default:
		p.add("end", fmt.Sprintf("%q is no ending", c.End), "write open, after, next_working_day or given")
	}
	if c.MaxDays < 0 || c.MaxDays > 3660 {
		p.add("max_days", "is not within 0 to 3660", "write a number of days")
	}
	return p
}

// backAt is the time of day at which people are back on a working day.
var backAt = calendar.At(8, 0)

// Until gives the end of a referral that begins at from and was set without one. The zero time means open-ended; ok is
// false where the end must be written.
func (c Code) Until(from time.Time, cal calendar.Calendar) (until time.Time, ok bool) {
	switch c.End {
	case EndAfter:
		return from.Add(time.Duration(c.Minutes) * time.Minute), true
	case EndNextWork:
		return cal.NextWorkingDay(calendar.DateOf(from)).On(backAt), true
	case EndGiven:
		return time.Time{}, false
	}
	return time.Time{}, true
}

func (c Code) maxDays() int {
	if c.MaxDays > 0 {
		return c.MaxDays
	}
	return defaultMaxDays
}
