package template

import (
	"html"
	"strings"
)

// document makes a whole page of a body. Its look is left to the reader's program.
func document(body string) string {
	return "<!DOCTYPE html>\n<html lang=\"sv\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n<p>" + body + "</p>\n</body>\n</html>\n"
}

// html writes a line as HTML: everything is escaped, and a number that can be called is a link (RFC 3966).
func (l line) html(f *Fields) string {
	var b strings.Builder
	for _, p := range l.pieces(f) {
		escaped := strings.ReplaceAll(html.EscapeString(p.text), "\n", "<br>\n")
		if p.number && IsE164(p.text) {
			escaped = `<a href="tel:` + p.text + `">` + escaped + `</a>`
		}
		b.WriteString(escaped)
	}
	return strings.TrimRight(b.String(), " ")
}

// IsE164 tells whether a text is a number as a telephone takes it: a plus and 7 to 15 digits (ITU-T E.164 section 6).
func IsE164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}
