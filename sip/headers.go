package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	msg "github.com/emiago/sipgo/sip"
)

// compactNames are the short forms that the parser does not know (RFC 3261 section 7.3.3, and the registry of header
// fields: RFC 3515, RFC 3892, RFC 4028).
var compactNames = map[string]string{
	"refer-to":        "r",
	"referred-by":     "b",
	"supported":       "k",
	"session-expires": "x",
	"event":           "o",
	"content-type":    "c",
}

// limits on what is read from one message; the rest is ignored.
const (
	maxListed = 20  // entries of a header that may repeat
	maxUser   = 128 // bytes of a user part
	maxName   = 128 // runes of a display name
)

// message is what requests and responses have in common.
type message interface {
	GetHeaders(name string) []msg.Header
}

// values returns the values of a header field as they stood in the message, compact form included, one for each line.
func values(m message, name string) []string {
	var out []string
	for _, n := range []string{name, compactNames[name]} {
		if n == "" {
			continue
		}
		for _, h := range m.GetHeaders(n) {
			out = append(out, h.Value())
		}
	}
	return out
}

// value returns the first value of a header field, empty where there is none.
func value(m message, name string) string {
	if v := values(m, name); len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}

// list returns the comma-separated elements of a header field over all of its lines (RFC 3261 section 7.3.1).
func list(m message, name string) []string {
	var out []string
	for _, v := range values(m, name) {
		out = append(out, split(v, ',')...)
		if len(out) >= maxListed {
			return out[:maxListed]
		}
	}
	return out
}

// split cuts s at sep outside quotes and angle brackets, and drops what is empty.
func split(s string, sep byte) []string {
	var out []string
	quoted, angle, start := false, false, 0
	add := func(end int) {
		if e := strings.TrimSpace(s[start:end]); e != "" {
			out = append(out, e)
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == sep && !angle:
			add(i)
			start = i + 1
		}
	}
	add(len(s))
	return out
}

// tokens returns the elements of a header field as lower-case words, their parameters dropped.
func tokens(m message, name string) []string {
	out := list(m, name)
	for i, t := range out {
		t, _, _ = strings.Cut(t, ";")
		out[i] = strings.ToLower(strings.TrimSpace(t))
	}
	return out
}

// hasToken reports whether a header field lists the word.
func hasToken(m message, name, word string) bool {
	for _, t := range tokens(m, name) {
		if t == word {
			return true
		}
	}
	return false
}

// address is a name-addr or addr-spec with its header parameters (RFC 3261 section 20.10).
type address struct {
	name   string // decoded and cleaned
	uri    msg.Uri
	params map[string]string // names in lower case, values without quotes
}

var errAddress = errors.New("address cannot be read")

// parseAddress reads one address.
func parseAddress(s string) (address, error) {
	s = strings.TrimSpace(s)
	var a address
	rest := ""
	if i := angle(s); i >= 0 {
		j := strings.IndexByte(s[i:], '>')
		if j < 0 {
			return a, fmt.Errorf("%w: no closing bracket", errAddress)
		}
		a.name = cleanName(unquote(strings.TrimSpace(s[:i])))
		rest = s[i+j+1:]
		s = s[i+1 : i+j]
	} else if i := strings.IndexByte(s, ';'); i >= 0 {
		s, rest = s[:i], s[i:]
	}
	if err := parseURI(s, &a.uri); err != nil {
		return a, err
	}
	a.params = parseParams(rest)
	return a, nil
}

// parseURI reads a URI that holds no white space and no control byte.
func parseURI(s string, u *msg.Uri) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '"' }) {
		return fmt.Errorf("%w: bad character in uri", errAddress)
	}
	if err := msg.ParseUri(s, u); err != nil {
		return fmt.Errorf("%w: %w", errAddress, err)
	}
	return nil
}

// angle finds the '<' that opens the URI, outside a quoted name.
func angle(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '<' && !quoted:
			return i
		}
	}
	return -1
}

// parseParams reads ";name=value;flag" into a map.
func parseParams(s string) map[string]string {
	out := map[string]string{}
	for _, p := range split(s, ';') {
		k, v, _ := strings.Cut(p, "=")
		out[strings.ToLower(strings.TrimSpace(k))] = unquote(strings.TrimSpace(v))
	}
	return out
}

// unquote undoes a quoted-string (RFC 3261 section 25.1); anything else is returned as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return unescape(s[1 : len(s)-1])
}

// unescape undoes the quoted pairs inside a quoted-string.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapeQuoted prepares a text for the inside of a quoted-string: cleaned, with '"' and '\' escaped.
func escapeQuoted(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(cleanName(s))
}

// cleanName makes text of a peer fit to be shown: valid UTF-8, no control or format characters, not long.
func cleanName(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			continue
		}
		if n++; n > maxName {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// userOf returns the user part of a sip or sips URI or the number of a tel URI, unescaped and without parameters
// (RFC 3261 section 19.1.1, RFC 3966). It is empty where there is none or where it is not printable ASCII.
func userOf(u *msg.Uri) string {
	s := u.User
	switch strings.ToLower(u.Scheme) {
	case "sip", "sips", "":
	case "tel":
		s = u.Raw()
	default:
		return ""
	}
	s, _, _ = strings.Cut(s, ";")
	s, err := percentDecode(s)
	if err != nil || len(s) > maxUser {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return ""
		}
	}
	return s
}

var errEscape = errors.New("bad percent escape")

// percentDecode undoes %HH escapes. Unlike a web form's, '+' is itself.
func percentDecode(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", errEscape
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), nil
}

// escapeUser escapes a string for the user part of a SIP URI (RFC 3261 section 25.1: unreserved and the harmless part
// of user-unreserved stay).
func escapeUser(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!~*'()+", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// hasControl reports whether s holds a control byte.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// tagOf returns the tag parameter of a From or To header.
func tagOf(p msg.HeaderParams) string {
	t, _ := p.Get("tag")
	return t
}
