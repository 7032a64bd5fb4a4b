package directory

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"telefonist/calendar"
)

// Problem is one thing wrong with what was handed in, worded for the person who wrote it: its field, what is wrong, and
// what to write instead.
type Problem = calendar.Problem

// Problems are all that is wrong with one document. The empty list is correct.
type Problems []Problem

// Error joins them.
func (p Problems) Error() string {
	all := make([]string, len(p))
	for i, one := range p {
		all[i] = one.Error()
	}
	return strings.Join(all, "; ")
}

// Err gives p as an error, nil where it is empty.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(field, wrong, write string) {
	*p = append(*p, Problem{Field: field, Wrong: wrong, Write: write})
}

// under puts problems of a part below its field.
func (p *Problems) under(field string, part []Problem) {
	for _, one := range part {
		one.Field = field + "." + one.Field
		*p = append(*p, one)
	}
}

// text trims what was written and checks it: valid UTF-8 without control characters (but line breaks where lines is set),
// at most max characters, and not empty where it must be there.
func (p *Problems) text(field string, s *string, max int, must, lines bool) {
	*s = strings.TrimSpace(strings.ReplaceAll(*s, "\r\n", "\n"))
	switch {
	case !utf8.ValidString(*s):
		p.add(field, "is no valid text", "write it in UTF-8")
	case must && *s == "":
		p.add(field, "is empty", "write it")
	case utf8.RuneCountInString(*s) > max:
		p.add(field, fmt.Sprintf("is longer than %d characters", max), "shorten it")
	case strings.ContainsFunc(*s, func(r rune) bool { return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\t')) }):
		p.add(field, "holds control characters", "take them out")
	}
}

// list trims the words of a list, drops empty ones and repetitions, and checks each. A word holds none of ",;|" and no
// line break, since these part the words of a list in files.
func (p *Problems) list(field string, words *[]string, most, max int) {
	var out []string
	seen := map[string]bool{}
	for _, w := range *words {
		p.text(field, &w, max, false, false)
		if strings.ContainsAny(w, ",;|") {
			p.add(field, fmt.Sprintf("%q holds a comma, a semicolon or a bar", w), "write it as several words of the list")
		}
		if key := strings.ToLower(w); w != "" && !seen[key] {
			seen[key] = true
			out = append(out, w)
		}
	}
	if len(out) > most {
		p.add(field, fmt.Sprintf("has more than %d entries", most), "take some out")
	}
	*words = out
}

// phone turns what was written into E.164, or into an extension where that may stand there.
func (p *Problems) phone(field string, s *string, region string, extension bool) {
	if *s == "" {
		return
	}
	d, err := parseDialled(*s, region)
	var why *NumberError
	switch {
	case errors.As(err, &why):
		p.add(field, fmt.Sprintf("%q is %v", why.Input, problem(why.Err)), why.Fix)
	case err != nil:
		p.add(field, err.Error(), "write it as 08-500 000 01 or +46850000001")
	case d.Extension != "" && !extension:
		p.add(field, fmt.Sprintf("%q is an extension", *s), "write a whole number, as 08-500 000 01")
	case d.Extension != "":
		*s = d.Extension
	default:
		*s = d.Number
	}
}

// mail checks an e-mail address as far as its form goes.
func (p *Problems) mail(field string, s *string) {
	p.text(field, s, 254, false, false)
	if *s == "" {
		return
	}
	local, domain, found := strings.Cut(*s, "@")
	if !found || local == "" || strings.ContainsAny(*s, " \t,;<>()[]\"\\") || strings.Contains(domain, "@") ||
		!strings.Contains(strings.Trim(domain, "."), ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
		p.add(field, fmt.Sprintf("%q is no e-mail address", *s), "write it as anna.ek@example.com")
	}
}
