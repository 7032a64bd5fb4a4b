// Package template writes messages from texts with placeholders: "{caller} har ringt, {number}". The syntax is nothing but
// {name}, with {{ and }} for braces themselves; the names are a closed set. A line of which every placeholder is empty is
// left out, so that "Ärende: {wish}" does not stand there alone.
//
// It promises that no value is read as a placeholder, as HTML or as a header, and that nothing is left unfilled unnoticed.
// It knows nothing of gateways.
package template

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Template is the text of one kind of message.
type Template struct {
	// Subject is that of an e-mail; SMS have none.
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	// Required names the placeholders that must have a value, whether the text holds them or not.
	Required []string `json:"required,omitempty"`
}

// Fields are the values of the placeholders.
type Fields struct {
	Caller       string    // who called, as the receptionist wrote it down
	Company      string    // the caller's
	Number       string    // to call back, E.164
	Time         time.Time // when the call came
	Wish         string    // what it was about
	Person       string    // who was asked for
	Recipient    string    // whom the message goes to, who may be another
	Tenant       string
	CommonNumber string // its name: Försäljning
	Agent        string // the receptionist
	Referral     string // the safe phrase of the person's absence
	Call         string // id of the call
	Location     *time.Location
}

// Names are all placeholders, in the order of the documentation.
var Names = []string{"caller", "company", "number", "time", "date", "clock", "wish", "person", "recipient", "tenant", "common_number", "agent", "referral", "call"}

// Limits in characters.
const (
	maxTemplate = 4000
	maxValue    = 2000
	maxSubject  = 200
	maxParts    = 500
)

// months are as Swedish abbreviates them.
var months = [...]string{"jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec"}

// value gives the text of one placeholder, cleaned of what could mislead.
func (f *Fields) value(name string) string {
	at := f.Time
	if f.Location != nil {
		at = at.In(f.Location)
	}
	date, clock := "", ""
	if !at.IsZero() {
		date, clock = fmt.Sprintf("%d %s", at.Day(), months[at.Month()-1]), at.Format("15:04")
	}
	switch name {
	case "caller":
		return clean(f.Caller)
	case "company":
		return clean(f.Company)
	case "number":
		return clean(f.Number)
	case "time":
		return strings.TrimSpace(date + " " + clock)
	case "date":
		return date
	case "clock":
		return clock
	case "wish":
		return clean(f.Wish)
	case "person":
		return clean(f.Person)
	case "recipient":
		return clean(f.Recipient)
	case "tenant":
		return clean(f.Tenant)
	case "common_number":
		return clean(f.CommonNumber)
	case "agent":
		return clean(f.Agent)
	case "referral":
		return clean(f.Referral)
	case "call":
		return clean(f.Call)
	}
	return ""
}

// clean composes letters, makes line breaks uniform, and drops control characters, those that turn the direction of a text
// (a number could be made to read backwards) and what is not UTF-8.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u2028', r == '\u2029', r == '\v', r == '\f':
			return '\n'
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\ufeff':
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(norm.NFC.String(s))
}

// Error is what is wrong with a template or its values. It holds no value.
type Error struct {
	Field   string // "subject", "text", "required", or the placeholder whose value is wrong
	Line    int    // from 1; zero where there is none
	Column  int    // from 1, in characters
	Problem string
	Fix     string // what to write instead; may be empty
}

func (e *Error) Error() string {
	s := e.Field
	if e.Line > 0 {
		s += fmt.Sprintf(" line %d, column %d", e.Line, e.Column)
	}
	s += ": " + e.Problem
	if e.Fix != "" {
		s += ": " + e.Fix
	}
	return s
}

// part is a piece of a line: a literal, or a placeholder.
type part struct {
	literal string
	name    string
}

type line []part

// Parsed is a template that has been checked. It is immutable.
type Parsed struct {
	source  Template
	subject line
	text    []line
}

// Parse checks a template. The error is an *Error: a placeholder that does not exist is named.
func Parse(t Template) (*Parsed, error) {
	p := &Parsed{source: t}
	if strings.TrimSpace(t.Text) == "" {
		return nil, &Error{Field: "text", Problem: "is empty", Fix: "write what the message says, such as {caller} {number}: {wish}"}
	}
	subject, err := parse("subject", t.Subject, maxSubject)
	if err != nil {
		return nil, err
	}
	if len(subject) > 1 {
		return nil, &Error{Field: "subject", Line: 2, Column: 1, Problem: "has more than one line", Fix: "write it on one line"}
	}
	p.subject = subject[0]
	if p.text, err = parse("text", t.Text, maxTemplate); err != nil {
		return nil, err
	}
	for _, name := range t.Required {
		if !slices.Contains(Names, name) {
			return nil, unknown("required", name, 0, 0)
		}
	}
	return p, nil
}

// parse takes a text apart into lines of parts.
func parse(field, s string, limit int) ([]line, error) {
	if !utf8.ValidString(s) {
		return nil, &Error{Field: field, Problem: "is not UTF-8"}
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return nil, &Error{Field: field, Problem: fmt.Sprintf("has %d characters", n), Fix: fmt.Sprintf("write at most %d", limit)}
	}
	var lines []line
	parts := 0
	for i, text := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		l, err := parseLine(field, text, i+1)
		if err != nil {
			return nil, err
		}
		if parts += len(l); parts > maxParts {
			return nil, &Error{Field: field, Line: i + 1, Column: 1, Problem: "has too many lines and placeholders"}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func parseLine(field, text string, number int) (l line, err error) {
	runes := []rune(text)
	var literal []rune
	fail := func(at int, problem, fix string) error {
		return &Error{Field: field, Line: number, Column: at + 1, Problem: problem, Fix: fix}
	}
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case (r == '{' || r == '}') && i+1 < len(runes) && runes[i+1] == r:
			literal = append(literal, r)
			i++
		case r == '}':
			return nil, fail(i, "a } that closes nothing", "write }} for a brace")
		case r == '{':
			end := slices.Index(runes[i:], '}')
			if end < 0 {
				return nil, fail(i, "a { that is not closed", "write {name}, or {{ for a brace")
			}
			name := string(runes[i+1 : i+end])
			if !slices.Contains(Names, name) {
				return nil, unknown(field, name, number, i+1)
			}
			l = append(l, part{literal: string(literal)}, part{name: name})
			literal, i = nil, i+end
		case unicode.IsControl(r) && r != '\t':
			return nil, fail(i, "a control character", "take it out")
		default:
			literal = append(literal, r)
		}
	}
	return append(l, part{literal: string(literal)}), nil
}

func unknown(field, name string, line, column int) error {
	if r := []rune(name); len(r) > 40 {
		name = string(r[:40]) + "…"
	}
	return &Error{Field: field, Line: line, Column: column, Problem: fmt.Sprintf("there is no placeholder {%s}", name),
		Fix: "write one of {" + strings.Join(Names, "} {") + "}"}
}

// Placeholders lists the placeholders that the template holds, each once, in the order that they first stand there.
func (p *Parsed) Placeholders() []string {
	var all []string
	for _, l := range append([]line{p.subject}, p.text...) {
		for _, part := range l {
			if part.name != "" && !slices.Contains(all, part.name) {
				all = append(all, part.name)
			}
		}
	}
	return all
}

// Source is the template as it was written.
func (p *Parsed) Source() Template { return p.source }

// Missing lists the required placeholders that have no value.
func (p *Parsed) Missing(f *Fields) []string {
	var all []string
	for _, name := range p.source.Required {
		if f.value(name) == "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// check finds values that are missing or too long; the error is an *Error that names the placeholder.
func (p *Parsed) check(f *Fields) error {
	if missing := p.Missing(f); len(missing) > 0 {
		return &Error{Field: missing[0], Problem: "is required", Fix: "fill it in"}
	}
	for _, name := range p.Placeholders() {
		if n := utf8.RuneCountInString(f.value(name)); n > maxValue {
			return &Error{Field: name, Problem: fmt.Sprintf("has %d characters", n), Fix: fmt.Sprintf("write at most %d", maxValue)}
		}
	}
	return nil
}

// Rendered is a template filled in.
type Rendered struct {
	Subject string // one line, at most 200 characters
	Text    string
	HTML    string // the text as a whole document, with a callback number that a telephone can tap
}

// Render fills a template in. The error is an *Error: a required field has no value, a value is too long, or nothing is left.
func (p *Parsed) Render(f *Fields) (Rendered, error) {
	if err := p.check(f); err != nil {
		return Rendered{}, err
	}
	subject := strings.Join(strings.Fields(p.subject.plain(f)), " ")
	if r := []rune(subject); len(r) > maxSubject {
		subject = string(r[:maxSubject-1]) + "…"
	}
	out := Rendered{Subject: subject}
	var text, html []string
	gap := false // behind a line that was left out
	for _, l := range p.text {
		if l.emptied(f) {
			gap = true
			continue
		}
		plain := strings.TrimRight(l.plain(f), " ")
		if gap && plain == "" && (len(text) == 0 || text[len(text)-1] == "") {
			continue // its empty line goes with it
		}
		gap = false
		text = append(text, plain)
		html = append(html, l.html(f))
	}
	if out.Text = strings.Trim(strings.Join(text, "\n"), "\n"); strings.TrimSpace(out.Text) == "" {
		return Rendered{}, &Error{Field: "text", Problem: "nothing is left to say, since every placeholder is empty", Fix: "fill one in"}
	}
	out.HTML = document(strings.Join(html, "<br>\n"))
	return out, nil
}

// emptied tells whether a line has placeholders and all of them are empty.
func (l line) emptied(f *Fields) bool {
	some := false
	for _, p := range l {
		if p.name != "" {
			some = true
			if f.value(p.name) != "" {
				return false
			}
		}
	}
	return some
}

// piece is a part with its value.
type piece struct {
	text   string
	number bool // the number to call back
}

// pieces fills a line in. A placeholder that is empty takes one of the blanks beside it along.
func (l line) pieces(f *Fields) (all []piece) {
	blank, dropped := true, false // what is written so far ends in a blank; a placeholder behind it was empty
	for _, p := range l {
		text := p.literal
		if p.name != "" {
			if text = f.value(p.name); text == "" {
				dropped = true
				continue
			}
		} else if dropped && blank {
			text = strings.TrimPrefix(text, " ")
		}
		if text != "" {
			blank, dropped = strings.HasSuffix(text, " "), false
			all = append(all, piece{text, p.name == "number"})
		}
	}
	return all
}

func (l line) plain(f *Fields) string {
	var b strings.Builder
	for _, p := range l.pieces(f) {
		b.WriteString(p.text)
	}
	return b.String()
}
