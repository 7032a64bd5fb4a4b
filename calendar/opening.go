package calendar

import "time"

// On returns the instant at which clocks in Stockholm show t on d. A time that the clock skips in spring is the instant
// as many minutes after the change; of the hour that comes twice in autumn it is the first.
func (d Date) On(t TimeOfDay) time.Time {
	h, m := int(time.Duration(t)/time.Hour), int(time.Duration(t)/time.Minute)%60
	s := int(time.Duration(t)/time.Second) % 60
	at := time.Date(d.Year, d.Month, d.Day, h, m, s, 0, Stockholm())
	if first := at.Add(-time.Hour); timeOfDay(first.In(Stockholm())) == timeOfDay(at) {
		return first
	}
	return at
}

// Hours say when an office is open: its week, and days that differ from it. The zero value says nothing.
type Hours struct {
	Week *Periods     `json:"week,omitempty" doc:"Windows for each weekday, and for holidays in place of theirs"`
	Days []SpecialDay `json:"days,omitempty" maxItems:"366" doc:"Dates that differ from the week"`
}

// SpecialDay is one date with hours of its own.
type SpecialDay struct {
	Date    Date     `json:"date"`
	Windows []Window `json:"windows" doc:"Empty: closed all day"`
	Note    string   `json:"note,omitempty" maxLength:"200"`
}

// Known tells whether there is anything to go by.
func (h Hours) Known() bool { return h.Week != nil || len(h.Days) > 0 }

// OpenAt tells whether it is open at instant t: a window's first instant is, the one at which it ends is not.
func (h Hours) OpenAt(t time.Time, c Calendar) bool {
	d := DateOf(t)
	for _, day := range h.Days {
		if day.Date == d {
			return contains(day.Windows, TimeOfDayOf(t))
		}
	}
	return h.Week != nil && h.Week.PeriodAt(t, c) == Day
}

func contains(windows []Window, clock TimeOfDay) bool {
	for _, w := range windows {
		if w.Contains(clock) {
			return true
		}
	}
	return false
}

// Validate returns what is wrong with h, nothing where it is usable.
func (h Hours) Validate() []Problem {
	var problems []Problem
	if h.Week != nil {
		for _, p := range h.Week.Validate() {
			p.Field = "week." + p.Field
			problems = append(problems, p)
		}
	}
	seen := map[Date]bool{}
	for _, d := range h.Days {
		if seen[d.Date] {
			problems = append(problems, Problem{"days", d.Date.String() + " is listed twice", "write one entry for each date"})
		}
		seen[d.Date] = true
	}
	return problems
}
