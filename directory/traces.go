package directory

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// Masked stands where somebody was erased from a text.
const Masked = "[raderad]"

// Traces are what a person is recognised by in what others wrote: whole names, addresses, numbers. A given name alone or an
// extension within a text could be anybody's, and is no trace.
type Traces struct {
	names, mails, numbers []string
	text                  *regexp.Regexp // nil: nothing to look for
}

// Add takes in one version of a person.
func (t *Traces) Add(p Person) {
	if p.GivenName != "" && p.FamilyName != "" {
		t.names = appendOnce(t.names, p.Name())
	}
	if p.Email != "" {
		t.mails = appendOnce(t.mails, strings.ToLower(p.Email))
	}
	for _, n := range append([]Phone{{Number: p.SMS}}, p.Numbers...) {
		if n.Number != "" {
			t.numbers = appendOnce(t.numbers, n.Number)
		}
	}
}

func appendOnce(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// Drop forgets what others have too. It is called once, when every version was added.
func (t *Traces) Drop(shared func(Key) bool) {
	drop := func(all []string, key func(string) Key) []string {
		return slices.DeleteFunc(all, func(s string) bool { return shared(key(s)) })
	}
	t.names, t.mails, t.numbers = drop(t.names, NameKey), drop(t.mails, MailKey), drop(t.numbers, NumberKey)
	t.compile()
}

// blank is a space of any kind or a line's end; between is what may stand among the digits of a number.
const (
	blank   = `[\s\p{Zs}]`
	between = `[\s\p{Zs}().\-/]*`
)

func (t *Traces) compile() {
	var forms []string
	slices.SortFunc(t.names, func(a, b string) int { return len(b) - len(a) }) // the longest first: Ek-Lind before Ek
	for _, name := range t.names {
		for _, form := range []string{name, html.EscapeString(name), turned(name)} {
			words := strings.Fields(form)
			for i := range words {
				words[i] = regexp.QuoteMeta(words[i])
			}
			forms = append(forms, strings.Join(words, blank+`+`))
		}
	}
	for _, m := range t.mails {
		forms = append(forms, regexp.QuoteMeta(m))
	}
	for _, n := range t.numbers {
		if !IsExtension(n) {
			forms = append(forms, written(n))
		}
	}
	if t.text = nil; len(forms) > 0 {
		t.text = regexp.MustCompile(`(?i)(?:` + strings.Join(forms, `)|(?:`) + `)`)
	}
}

// Numbers are the person's own, extensions among them.
func (t *Traces) Numbers() []string { return slices.Clone(t.numbers) }

// turned puts the family name first, as lists have it: "Ek, Anna".
func turned(name string) string {
	i := strings.LastIndexByte(name, ' ')
	return name[i+1:] + ", " + name[:i]
}

// written matches an E.164 number as people write it, in international and national form with any separators.
func written(number string) string {
	digits := func(s string) string { return strings.Join(strings.Split(s, ""), between) }
	out := `(?:\+|00)?` + digits(strings.TrimPrefix(number, "+"))
	if n, err := phonenumbers.Parse(number, "ZZ"); err == nil {
		out += `|0` + between + digits(phonenumbers.GetNationalSignificantNumber(n))
	}
	return out
}

// Mask gives a text without the traces.
func (t *Traces) Mask(s string) (out string, found bool) {
	if t.text == nil || s == "" {
		return s, false
	}
	var b strings.Builder
	last := 0
	for _, at := range t.text.FindAllStringIndex(s, -1) {
		if at[0] < last || !alone(s, at[0], at[1]) {
			continue
		}
		b.WriteString(s[last:at[0]])
		b.WriteString(Masked)
		last = at[1]
	}
	if last == 0 {
		return s, false
	}
	b.WriteString(s[last:])
	return b.String(), true
}

// alone tells whether what stands from i to j is not a part of a longer word or number. The s of a Swedish genitive may follow.
func alone(s string, i, j int) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, size := utf8.DecodeRuneInString(s[j:])
	if after == 's' {
		after, _ = utf8.DecodeRuneInString(s[j+size:])
	}
	return !part(before) && !part(after)
}

// Is tells whether a whole field is one of the person's addresses or numbers, extensions too.
func (t *Traces) Is(field string) bool {
	return field != "" && (slices.Contains(t.numbers, field) || slices.Contains(t.mails, strings.ToLower(field)))
}

// Maybe is a quick look at a document in which numbers stand as the directory has them: where it says no, there is no trace.
func (t *Traces) Maybe(doc []byte) bool {
	if bytes.IndexByte(doc, '\\') >= 0 { // an escape may hide one
		return true
	}
	for _, n := range t.numbers {
		if bytes.Contains(doc, []byte(strings.TrimPrefix(n, "+"))) {
			return true
		}
	}
	if len(t.names)+len(t.mails) == 0 {
		return false
	}
	low := bytes.ToLower(doc)
	for _, name := range t.names {
		if words := strings.Fields(strings.ToLower(name)); bytes.Contains(low, []byte(words[0])) {
			return true
		}
	}
	return slices.ContainsFunc(t.mails, func(m string) bool { return bytes.Contains(low, []byte(m)) })
}

// MaskJSON masks the strings of a document, but those under keys that keep names: one that is a trace as a whole becomes
// empty where whole is set. A document without any comes back as it was.
func (t *Traces) MaskJSON(doc []byte, whole bool, keep ...string) (out []byte, found bool) {
	if !whole && (t.text == nil || !t.text.Match(doc) && bytes.IndexByte(doc, '\\') < 0) {
		return doc, false // nothing in any string, unless an escape hides it
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil && err != io.EOF {
		return doc, false
	}
	v, found = t.mask(v, whole, keep)
	if !found {
		return doc, false
	}
	out, err := json.Marshal(v)
	return out, err == nil
}

func (t *Traces) mask(v any, whole bool, keep []string) (out any, found bool) {
	switch v := v.(type) {
	case string:
		if whole && t.Is(v) {
			return "", true
		}
		return t.Mask(v)
	case []any:
		for i := range v {
			masked, hit := t.mask(v[i], whole, keep)
			v[i], found = masked, found || hit
		}
	case map[string]any:
		for k := range v {
			if !slices.Contains(keep, k) {
				masked, hit := t.mask(v[k], whole, keep)
				v[k], found = masked, found || hit
			}
		}
	}
	return v, found
}
