package demo

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

// row is one call in the table.
type row struct {
	no      int
	entered string // tenant and common number
	caller  string
	agent   string
	state   string
	tone    colour
	arrived time.Time
	last    time.Time // of the last story line
	waited  time.Duration
	waiting bool
	handled time.Duration // finished stretches
	since   time.Duration // since arrival, where a receptionist is in the call
	present bool
	tariff  string
	amount  string
	over    bool
}

// newRow begins the row of a call.
func newRow(no int, h *record.Head) *row {
	name := h.Rules.Display
	if name == "" {
		name = h.Rules.TenantName
	}
	return &row{no: no, entered: name, caller: h.Caller.Number, arrived: h.Received, waiting: true}
}

// take brings the row up to one line of the call's story. It returns false for lines that change nothing to be seen.
func (r *row) take(e call.Entry, ended *record.Record) bool {
	r.last = e.Wall
	show := func(c colour, format string, args ...any) bool {
		r.tone, r.state = c, fmt.Sprintf(format, args...)
		return true
	}
	switch e.Kind {
	case call.KindArrived:
		return show(plain, "arrived")
	case call.KindQueued:
		return show(yellow, "queued")
	case call.KindOffered:
		r.agent = e.Agent
		if e.Reason != "" {
			return show(yellow, "recall rings")
		}
		return show(cyan, "offered")
	case call.KindMissed:
		r.agent = ""
		return show(red, "missed by %s", e.Agent)
	case call.KindAnswered:
		if r.waiting {
			r.waiting, r.waited = false, e.Since
		}
		r.enter(e.Since)
		return show(green, "answered")
	case call.KindReturned:
		r.enter(e.Since)
		return show(green, "taken back")
	case call.KindWithdrawn:
		r.present = false
		return show(red, "withdrawn")
	case call.KindLeft:
		r.leave(e.Since)
		return false
	}
	return r.more(e, ended, show)
}

// more is take for what happens in a conversation and at the end of a call.
func (r *row) more(e call.Entry, ended *record.Record, show func(colour, string, ...any) bool) bool {
	switch e.Kind {
	case call.KindWarned:
		return show(yellow, "nearly over")
	case call.KindOverran:
		r.over = true
		return show(red, "overran")
	case call.KindLong:
		return show(red, "long")
	case call.KindHeld:
		return show(yellow, "held")
	case call.KindResumed:
		return show(green, "resumed")
	case call.KindConsult:
		return show(cyan, "consulting %s", e.Number)
	case call.KindTransfer:
		return show(cyan, "connecting %s", e.Number)
	case call.KindMediated:
		return show(green, "mediated (%s)", e.Reason)
	case call.KindRecalled:
		return show(red, "recalled (%s)", e.Reason)
	case call.KindUnreached:
		return show(red, "not reached (%d)", e.Code)
	case call.KindRefused:
		return show(red, "refused %s", e.Number)
	case call.KindForwarded:
		return show(cyan, "forwarded")
	case call.KindPrompt:
		return show(yellow, "prompt")
	case call.KindLost:
		return show(red, "audio lost")
	case call.KindEnded:
		r.end(e, ended)
		return true
	}
	return false
}

func (r *row) enter(at time.Duration) {
	if !r.present {
		r.present, r.since = true, at
	}
}

func (r *row) leave(at time.Duration) {
	if r.present {
		r.present = false
		r.handled += at - r.since
	}
}

// end takes the record, which says it all.
func (r *row) end(e call.Entry, ended *record.Record) {
	r.leave(e.Since)
	r.state, r.tone = "ended", bold
	if ended == nil {
		return
	}
	r.state = "ended: " + string(ended.Outcome)
	r.waiting, r.waited = false, time.Duration(ended.WaitedMS)*time.Millisecond
	r.handled = time.Duration(ended.HandledMS) * time.Millisecond
	r.agent = strings.Join(ended.Parties.Agents, ", ")
	if ended.Row != nil {
		r.tariff, r.amount, r.over = ended.Row.Tariff.String(), tariff.Kronor(ended.Row.AmountOre), ended.Row.Over45
	}
}

// waitedAt and handledAt are what has passed at an instant.
func (r *row) waitedAt(now time.Time) time.Duration {
	if r.waiting {
		return now.Sub(r.arrived)
	}
	return r.waited
}

func (r *row) handledAt(now time.Time) time.Duration {
	if r.present {
		return r.handled + max(0, now.Sub(r.arrived)-r.since)
	}
	return r.handled
}

// columns are the headings with their widths; those of numbers stand to the right.
var columns = []struct {
	name  string
	width int
	right bool
}{
	{"time", 12, false}, {"call", 4, true}, {"answered for", 32, false}, {"caller", 13, false}, {"state", 22, false},
	{"agent", 14, false}, {"waited", 7, true}, {"handled", 7, true}, {"tariff", 6, true}, {"amount", 10, true},
}

// line lays the row out as it stands at an instant.
func (r *row) line(now time.Time, c palette) string {
	handled := ""
	if h := r.handledAt(now); h > 0 || r.present {
		handled = seconds(h)
		if r.over {
			handled += "!"
		}
	}
	cells := []string{now.Format("15:04:05.000"), fmt.Sprint(r.no), r.entered, r.caller, r.state, r.agent,
		seconds(r.waitedAt(now)), handled, r.tariff, r.amount}
	colours := map[int]colour{4: r.tone}
	if r.over {
		colours[7] = red
	}
	if r.tariff != "" {
		colours[8], colours[9] = bold, bold
	}
	return layOut(cells, colours, c)
}

func heading(c palette) string {
	cells, colours := make([]string, len(columns)), map[int]colour{}
	for i, col := range columns {
		cells[i], colours[i] = col.name, dim
	}
	return layOut(cells, colours, c)
}

func layOut(cells []string, colours map[int]colour, c palette) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		cell = clip(cell, columns[i].width)
		gap := strings.Repeat(" ", columns[i].width-utf8.RuneCountInString(cell))
		if columns[i].right {
			b.WriteString(gap)
		}
		b.WriteString(c.paint(colours[i], cell))
		if !columns[i].right {
			b.WriteString(gap)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

// colour is one of a terminal's.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	dim    colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	cyan   colour = "36"
)

// palette paints, or does not.
type palette bool

func (p palette) paint(c colour, s string) string {
	if !bool(p) || c == plain || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
