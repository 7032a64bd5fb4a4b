package directory

import (
	"slices"
	"time"

	"telefonist/calendar"
)

// Opening answers whether an office is open.
type Opening struct {
	Known   bool      `json:"known" doc:"Whether the office has opening hours at all"`
	Open    bool      `json:"open"`
	Closes  time.Time `json:"closes,omitzero" doc:"Of an open office: when it closes; missing where it does not within a year"`
	Opens   time.Time `json:"opens,omitzero" doc:"Of a closed office: when it opens next; missing where it does not within a year"`
	Holiday string    `json:"holiday,omitempty" doc:"The holiday that it is, in Swedish"`
	Note    string    `json:"note,omitempty" doc:"What the office says of a day with hours of its own"`
}

// openingDays is how far ahead the next opening is looked for.
const openingDays = 366

// OpeningAt tells at an instant whether the office is open, and when that changes next.
func (o Office) OpeningAt(at time.Time, cal calendar.Calendar) Opening {
	out := Opening{Known: o.Hours.Known(), Open: o.Hours.OpenAt(at, cal)}
	if !out.Known {
		return out
	}
	today := calendar.DateOf(at)
	if h, is := cal.Holiday(today); is {
		out.Holiday = h.Swedish
	}
	if i := slices.IndexFunc(o.Hours.Days, func(d calendar.SpecialDay) bool { return d.Date == today }); i >= 0 {
		out.Note = o.Hours.Days[i].Note
	}
	for n, d := 0, today; n <= openingDays; n, d = n+1, d.AddDays(1) {
		for _, t := range o.turns(d) {
			if !t.After(at) || o.Hours.OpenAt(t, cal) == out.Open {
				continue
			}
			if out.Open {
				out.Closes = t
			} else {
				out.Opens = t
			}
			return out
		}
	}
	return out
}

// turns are the instants of a date, in order, at which the office may open or close: OpenAt says whether it does.
func (o Office) turns(d calendar.Date) (all []time.Time) {
	windows := [][]calendar.Window{}
	for _, day := range o.Hours.Days {
		if day.Date == d {
			windows = append(windows, day.Windows)
		}
	}
	if w := o.Hours.Week; w != nil {
		windows = append(windows, w.Holidays, [][]calendar.Window{w.Sunday, w.Monday, w.Tuesday, w.Wednesday, w.Thursday, w.Friday, w.Saturday}[d.Weekday()])
	}
	all = append(all, d.On(0)) // what was open to midnight may end there
	for _, some := range windows {
		for _, w := range some {
			all = append(all, d.On(w.From))
			if w.To < calendar.EndOfDay {
				all = append(all, d.On(w.To))
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}
