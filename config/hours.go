package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"telefonist/calendar"
)

// Hours are opening hours, written as a mapping of days to windows:
//
//	hours: {mon-fri: "08:00-12:00 13:00-17:00", sat: "10:00-14:00", holidays: closed, "2026-12-23": "08:00-12:00"}
//
// Days that are not named are closed; holidays too, whatever their weekday. "always" says that there are none: open at all times.
type Hours struct{ calendar.Hours }

// maxSpecialDays is how many dates may differ from the week.
const maxSpecialDays = 366

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// dayWindows gives where the windows of the n-th weekday from Monday are kept.
func dayWindows(p *calendar.Periods, n int) *[]calendar.Window {
	return []*[]calendar.Window{&p.Monday, &p.Tuesday, &p.Wednesday, &p.Thursday, &p.Friday, &p.Saturday, &p.Sunday}[n]
}

const hoursExample = `write days and their hours, as mon-fri: "08:00-12:00 13:00-17:00", sat: "10:00-14:00", holidays: closed or "2026-12-23": "08:00-12:00"`

// readYAML reads hours from a node.
func (h *Hours) readYAML(d decoder, n ast.Node, path string) {
	if text, plain := scalar(n); plain && text == "always" {
		return
	}
	entries, ok := pairs(n)
	if !ok || len(entries) == 0 {
		d.s.fail(path, "is no opening hours", hoursExample+"; or always")
		return
	}
	r := hoursReader{d: d, path: path, week: &calendar.Periods{}, given: map[string]bool{}}
	for _, entry := range entries {
		if name, at, ok := d.key(entry, path); ok {
			r.entry(name, at, entry.Value)
		}
	}
	slices.SortFunc(r.days, func(a, b calendar.SpecialDay) int { return a.Date.Compare(b.Date) })
	h.Hours = calendar.Hours{Week: r.week, Days: r.days}
}

type hoursReader struct {
	d     decoder
	path  string
	week  *calendar.Periods
	days  []calendar.SpecialDay
	given map[string]bool // days that were named
}

func (r *hoursReader) entry(name string, at position, n ast.Node) {
	key := join(r.path, name)
	windows, ok := r.windows(n, key)
	if !ok {
		return
	}
	if first, last, isDate, err := dates(name); isDate {
		if err != nil {
			problem, fix := split(err)
			r.d.s.failAt(at, r.path, problem, fix)
			return
		}
		r.special(at, first, last, windows)
		return
	}
	days, err := weekdaysOf(name)
	if err != nil {
		problem, fix := split(err)
		r.d.s.failAt(at, r.path, problem, fix)
		return
	}
	for _, day := range days {
		if !r.once(at, day) {
			return
		}
		if day == "holidays" {
			r.week.Holidays = windows
			continue
		}
		*dayWindows(r.week, slices.Index(weekdays, day)) = windows
	}
}

func (r *hoursReader) once(at position, day string) bool {
	if r.given[day] {
		r.d.s.failAt(at, r.path, day+" is given twice", "write each day once; breaks are several times on one day, as \"08:00-12:00 13:00-17:00\"")
		return false
	}
	r.given[day] = true
	return true
}

func (r *hoursReader) special(at position, first, last calendar.Date, windows []calendar.Window) {
	for d := first; d.Compare(last) <= 0; d = d.AddDays(1) {
		if !r.once(at, d.String()) {
			return
		}
		if len(r.days) == maxSpecialDays {
			r.d.s.failAt(at, r.path, fmt.Sprintf("more than %d dates differ from the week", maxSpecialDays), "take out those that are over")
			return
		}
		r.days = append(r.days, calendar.SpecialDay{Date: d, Windows: windows})
	}
}

var dash = regexp.MustCompile(`\s*[-–]\s*`)

// windows reads the hours of one day: "closed", or windows with spaces or commas between them, or a list of windows.
func (r *hoursReader) windows(n ast.Node, path string) ([]calendar.Window, bool) {
	r.d.s.at[path] = place(n)
	if _, null := n.(*ast.NullNode); null {
		return r.none(path)
	}
	var texts []string
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, entry := range list.Values {
			text, ok := r.d.plain(entry, path, "hours")
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
	} else {
		text, ok := r.d.plain(n, path, "hours")
		if !ok {
			return nil, false
		}
		if strings.TrimSpace(text) == "closed" {
			return []calendar.Window{}, true
		}
		text = dash.ReplaceAllString(text, "-")
		texts = strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	}
	windows := []calendar.Window{}
	for _, text := range texts {
		w, err := calendar.ParseWindow(dash.ReplaceAllString(text, "-"))
		if err == nil && len(windows) > 0 && w.From < windows[len(windows)-1].To {
			err = wrong(fmt.Sprintf("%s begins before %s ends", w, windows[len(windows)-1]), "write the hours of a day in order, as \"08:00-12:00 13:00-17:00\"")
		}
		if err != nil {
			problem, fix := split(err)
			r.d.s.fail(path, problem, fix)
			return nil, false
		}
		windows = append(windows, w)
	}
	if len(windows) == 0 {
		return r.none(path)
	}
	return windows, true
}

func (r *hoursReader) none(path string) ([]calendar.Window, bool) {
	r.d.s.fail(path, "has no hours", `write "08:00-17:00", or closed`)
	return nil, false
}

var dated = regexp.MustCompile(`^\d`)

// dates reads "2026-12-23" or "2026-12-23 to 2027-01-06"; isDate is false for what does not begin like one.
func dates(name string) (first, last calendar.Date, isDate bool, err error) {
	if !dated.MatchString(name) {
		return first, last, false, nil
	}
	from, to, span := strings.Cut(name, " to ")
	if first, err = calendar.ParseDate(strings.TrimSpace(from)); err != nil || !span {
		return first, first, true, err
	}
	if last, err = calendar.ParseDate(strings.TrimSpace(to)); err == nil && last.Compare(first) < 0 {
		err = wrong(fmt.Sprintf("%q ends before it begins", name), fmt.Sprintf("write \"%s to %s\"", last, first))
	}
	return first, last, true, err
}

// weekdaysOf reads "mon", "mon-fri", "sat, sun", "holidays".
func weekdaysOf(name string) (days []string, err error) {
	bad := wrong(fmt.Sprintf("%q is no day", printable(name)), "write mon, tue, wed, thu, fri, sat or sun, several as mon-fri, holidays, or a date such as \"2026-12-23\"")
	for _, part := range strings.Split(name, ",") {
		part = strings.TrimSpace(strings.ToLower(part))
		if part == "holidays" {
			days = append(days, part)
			continue
		}
		from, to, span := strings.Cut(part, "-")
		first, ok := weekday(strings.TrimSpace(from))
		last := first
		if span && ok {
			last, ok = weekday(strings.TrimSpace(to))
		}
		if !ok {
			return nil, bad
		}
		for i := first; ; i = (i + 1) % 7 { // fri-mon goes over the weekend
			days = append(days, weekdays[i])
			if i == last {
				break
			}
		}
	}
	return days, nil
}

// weekday reads a weekday by its name or first three letters.
func weekday(s string) (int, bool) {
	i := slices.IndexFunc(weekdays, func(name string) bool { return s == name || s == name[:3] })
	return i, i >= 0
}
