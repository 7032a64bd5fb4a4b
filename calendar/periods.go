package calendar

import (
	"fmt"
	"time"
)

// Period is one of the two periods that tariffs distinguish.
type Period uint8

const (
	// EveningWeekend is every instant outside the day windows: evenings, nights,
	// weekends and holidays.
	EveningWeekend Period = iota
	// Day is every instant inside a day window.
	Day
)

// AllPeriods returns both periods, for callers that need the closed set.
func AllPeriods() []Period { return []Period{Day, EveningWeekend} }

// String returns "day" or "evening_weekend", as rows and exports print it.
func (p Period) String() string {
	switch p {
	case Day:
		return "day"
	case EveningWeekend:
		return "evening_weekend"
	}
	return fmt.Sprintf("period(%d)", uint8(p))
}

// MarshalText writes p as String does.
func (p Period) MarshalText() ([]byte, error) {
	if p > Day {
		return nil, fmt.Errorf("write period: %d is not a period", uint8(p))
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads "day" or "evening_weekend".
func (p *Period) UnmarshalText(text []byte) error {
	switch string(text) {
	case "day":
		*p = Day
	case "evening_weekend":
		*p = EveningWeekend
	default:
		return fmt.Errorf("%q is not a period: write day or evening_weekend", text)
	}
	return nil
}

// Periods says when it is day: for each weekday its windows on the wall clock in
// Stockholm, and for holidays theirs, which stand instead of the weekday's. A day
// without a window has no day period. DefaultPeriods is what a plan starts from.
type Periods struct {
	Monday    []Window `json:"monday" yaml:"monday"`
	Tuesday   []Window `json:"tuesday" yaml:"tuesday"`
	Wednesday []Window `json:"wednesday" yaml:"wednesday"`
	Thursday  []Window `json:"thursday" yaml:"thursday"`
	Friday    []Window `json:"friday" yaml:"friday"`
	Saturday  []Window `json:"saturday" yaml:"saturday"`
	Sunday    []Window `json:"sunday" yaml:"sunday"`
	// Holidays applies to every holiday, whatever its weekday. Default none.
	Holidays []Window `json:"holidays" yaml:"holidays"`
}

// DefaultPeriods returns Monday to Friday 07:00-18:00, holidays none.
func DefaultPeriods() Periods {
	office := func() []Window { return []Window{{At(7, 0), At(18, 0)}} }
	return Periods{
		Monday: office(), Tuesday: office(), Wednesday: office(), Thursday: office(), Friday: office(),
		Saturday: []Window{}, Sunday: []Window{}, Holidays: []Window{},
	}
}

// PeriodAt returns the period at instant t, to the nanosecond: a window's first
// instant is day, the instant it ends is not. Where clocks go back, both passes
// of the repeated hour are told by what the clock shows.
func (p Periods) PeriodAt(t time.Time, c Calendar) Period {
	local := t.In(Stockholm())
	y, m, d := local.Date()
	windows := p.on(local.Weekday())
	if _, holiday := c.Holiday(Date{y, m, d}); holiday {
		windows = p.Holidays
	}
	clock := timeOfDay(local)
	for _, w := range windows {
		if w.Contains(clock) {
			return Day
		}
	}
	return EveningWeekend
}

// on returns the windows of a weekday that is no holiday.
func (p Periods) on(wd time.Weekday) []Window {
	switch wd {
	case time.Monday:
		return p.Monday
	case time.Tuesday:
		return p.Tuesday
	case time.Wednesday:
		return p.Wednesday
	case time.Thursday:
		return p.Thursday
	case time.Friday:
		return p.Friday
	case time.Saturday:
		return p.Saturday
	}
	return p.Sunday
}

// Validate returns what is wrong with p, nothing where it is usable. Fields are
// named as in the configuration: monday[0], holidays[1].
func (p Periods) Validate() []Problem {
	var problems []Problem
	for _, day := range []struct {
		name    string
		windows []Window
	}{
		{"monday", p.Monday}, {"tuesday", p.Tuesday}, {"wednesday", p.Wednesday}, {"thursday", p.Thursday},
		{"friday", p.Friday}, {"saturday", p.Saturday}, {"sunday", p.Sunday}, {"holidays", p.Holidays},
	} {
		for i, w := range day.windows {
			field := fmt.Sprintf("%s[%d]", day.name, i)
			if !w.Valid() {
				problems = append(problems, Problem{field, w.String() + " is not a part of one day",
					"write it as 07:00-18:00, the earlier time first, in whole seconds"})
				continue
			}
			for _, earlier := range day.windows[:i] {
				if w.From < earlier.To && earlier.From < w.To {
					problems = append(problems, Problem{field, w.String() + " overlaps " + earlier.String(),
						"write one window that covers both"})
				}
			}
		}
	}
	return problems
}

// Problem is one thing wrong with a setting, worded for the person who wrote it.
// It is an error.
type Problem struct {
	Field string // path of the field as configured, such as monday[0]
	Wrong string // what is wrong, with the value found
	Write string // what to write instead
}

// Error returns "field: what is wrong: what to write instead".
func (p Problem) Error() string { return p.Field + ": " + p.Wrong + ": " + p.Write }
