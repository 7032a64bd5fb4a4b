package calendar

import (
	"slices"
	"time"
)

// horizon is how many days NextChange looks ahead: a year and a day, so that hours of one holiday a year are found.
const horizon = 367

// NextChange returns the first instant after t at which it opens, or closes; ok is false where it does neither within a
// year. A break of no length, as from 24:00 to 00:00 of the next day, is none.
func (h Hours) NextChange(t time.Time, c Calendar) (at time.Time, ok bool) {
	if !h.Known() {
		return time.Time{}, false
	}
	now := h.OpenAt(t, c)
	for d, n := DateOf(t), 0; n < horizon; d, n = d.AddDays(1), n+1 {
		for _, at := range h.edges(d, c) {
			if at.After(t) && h.OpenAt(at, c) != now {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// edges lists the instants of a date at which the answer of OpenAt may change, in order: midnight, where a window begins and
// ends, both times where the clock shows that twice, and where the clock is moved.
func (h Hours) edges(d Date, c Calendar) []time.Time {
	midnight := d.On(0)
	edges := []time.Time{midnight}
	for _, w := range h.windows(d, c) {
		edges = append(edges, d.On(w.From), d.On(w.To))
	}
	if change, moved := clockChange(d); moved {
		for _, at := range slices.Clone(edges) {
			edges = append(edges, at.Add(time.Hour))
		}
		edges = append(edges, change)
	}
	edges = slices.DeleteFunc(edges, func(at time.Time) bool { return DateOf(at) != d })
	slices.SortFunc(edges, time.Time.Compare)
	return edges
}

// windows are those that hold on a date.
func (h Hours) windows(d Date, c Calendar) []Window {
	for _, day := range h.Days {
		if day.Date == d {
			return day.Windows
		}
	}
	if h.Week == nil {
		return nil
	}
	if _, holiday := c.Holiday(d); holiday {
		return h.Week.Holidays
	}
	return h.Week.on(d.Weekday())
}

// clockChange returns the instant at which the clock is moved on a date, by an hour either way.
func clockChange(d Date) (time.Time, bool) {
	_, before := d.On(0).Zone()
	_, after := d.AddDays(1).On(0).Zone()
	if before == after {
		return time.Time{}, false
	}
	for at := d.On(0); ; at = at.Add(time.Hour) { // on the hour, and within the day
		if _, offset := at.Zone(); offset != before {
			return at, true
		}
	}
}
