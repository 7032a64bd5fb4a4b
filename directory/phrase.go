package directory

import (
	"fmt"
	"strings"
	"time"

	"telefonist/calendar"
)

// PhraseValues fill the placeholders of an answer phrase.
type PhraseValues struct {
	Company string // the tenant's name
	Common  string // name of the common number that was dialled; may be empty
	Agent   string // the receptionist's name
	At      time.Time
}

// placeholders of an answer phrase, in both languages.
var placeholders = map[string]func(PhraseValues) string{
	"company": func(v PhraseValues) string { return v.Company }, "företag": func(v PhraseValues) string { return v.Company },
	"common": func(v PhraseValues) string { return v.Common }, "avdelning": func(v PhraseValues) string { return v.Common },
	"agent": func(v PhraseValues) string { return v.Agent }, "telefonist": func(v PhraseValues) string { return v.Agent },
	"greeting": greeting, "hälsning": greeting,
}

// greeting is what one says in Sweden at that hour.
func greeting(v PhraseValues) string {
	switch clock := calendar.TimeOfDayOf(v.At); {
	case clock < calendar.At(4, 0), clock >= calendar.At(18, 0):
		return "God kväll"
	case clock < calendar.At(10, 0):
		return "God morgon"
	}
	return "Hej"
}

// Phrase fills the placeholders: "{hälsning}, {företag}, {telefonist} här". One that is not known stays as it is written.
func Phrase(phrase string, v PhraseValues) string {
	out, _ := fill(phrase, func(name string) (string, bool) {
		f, known := placeholders[name]
		if !known {
			return "", false
		}
		return f(v), true
	})
	return out
}

// CheckPhrase returns what is wrong with a phrase: braces that do not match, placeholders that do not exist.
func CheckPhrase(field, phrase string) (problems Problems) {
	_, bad := fill(phrase, func(name string) (string, bool) { _, known := placeholders[name]; return "", known })
	for _, name := range bad {
		problems.add(field, fmt.Sprintf("there is no placeholder %s", name),
			"write {company}, {common}, {agent} or {greeting}, in Swedish {företag}, {avdelning}, {telefonist} or {hälsning}")
	}
	return problems
}

// fill replaces {name}; bad lists what could not be replaced.
func fill(s string, value func(name string) (string, bool)) (out string, bad []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		b.WriteString(before)
		if !found {
			if strings.Contains(before, "}") {
				bad = append(bad, "}")
			}
			return b.String(), bad
		}
		if strings.Contains(before, "}") {
			bad = append(bad, "}")
		}
		name, after, closed := strings.Cut(rest, "}")
		text, known := "", false
		if closed {
			text, known = value(strings.ToLower(strings.TrimSpace(name)))
		}
		switch {
		case known:
			b.WriteString(text)
			s = after
		case closed && !strings.Contains(name, "{"):
			bad = append(bad, "{"+name+"}")
			b.WriteString("{" + name + "}")
			s = after
		default:
			bad = append(bad, "{")
			b.WriteString("{")
			s = rest
		}
	}
}
