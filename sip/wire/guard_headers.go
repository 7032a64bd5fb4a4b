package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// once are the headers that may stand only once. The first four and Via must
// stand (RFC 3261 8.1.1); Max-Forwards may lack, as in RFC 2543.
var once = []string{
	"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type", "Expires", "Refer-To", "Referred-By",
	"Replaces", "Session-Expires", "Min-SE", "Event", "Subscription-State", "RSeq", "RAck", "Date", "Timestamp",
}

const mandatory = 4

// addressHeaders have the form name-addr or addr-spec with parameters.
var addressHeaders = map[string]bool{
	"From": true, "To": true, "Contact": true, "Route": true, "Record-Route": true, "Refer-To": true,
	"Referred-By": true, "P-Asserted-Identity": true, "P-Preferred-Identity": true, "P-Called-Party-ID": true,
	"Diversion": true, "History-Info": true,
}

// canonical maps lower-case full and compact names to the form we use. The
// parser looks up typed headers by these; RFC 3261 7.3.3, 20; IANA for the rest.
var canonical = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
	"e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
	"l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event", "r": "Refer-To", "s": "Subject",
	"t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}

func init() {
	for _, names := range [][]string{once, {
		"Via", "Content-Length", "Contact", "Route", "Record-Route", "Supported", "Require", "Proxy-Require", "Allow",
		"Accept", "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate", "User-Agent",
		"Server", "Allow-Events", "Subject", "P-Asserted-Identity", "P-Preferred-Identity", "P-Called-Party-ID",
		"Diversion", "History-Info", "Privacy", "Reason", "Warning", "Retry-After", "Min-Expires", "Unsupported",
		"Content-Encoding", "Accept-Contact", "Reject-Contact", "Request-Disposition", "Identity", "Identity-Info",
		"Call-Info", "Alert-Info", "Path", "Service-Route", "SIP-ETag", "SIP-If-Match",
	}} {
		for _, n := range names {
			canonical[strings.ToLower(n)] = n
		}
	}
}

func canonicalName(name string) string {
	if c, ok := canonical[strings.ToLower(name)]; ok {
		return c
	}
	return name
}

// isToken reports whether s is a token of RFC 3261 25.1.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	}
	return strings.IndexByte("-.!%*_+`'~", c) >= 0
}

// check applies the rules that need no more than counting and comparing.
func (m *rawMessage) check() *refusal {
	if !m.has("Via") {
		return malformed("no Via")
	}
	for i, name := range once {
		n := len(m.values(name))
		if n > 1 {
			return malformed("%s repeated", name)
		}
		if n == 0 && i < mandatory {
			return malformed("no %s", name)
		}
	}
	if m.method == "INVITE" && !m.has("Contact") {
		return malformed("INVITE without Contact") // RFC 3261 8.1.1.8
	}
	if id := m.values("Call-ID")[0]; id == "" || strings.ContainsAny(id, " \t") {
		return malformed("Call-ID")
	}
	if v := m.values("Max-Forwards"); len(v) == 1 {
		if n, err := strconv.ParseUint(v[0], 10, 32); err != nil || n > 255 {
			return malformed("Max-Forwards")
		}
	}
	return m.checkCSeq()
}

func (m *rawMessage) checkCSeq() *refusal {
	fields := strings.Fields(m.values("CSeq")[0])
	if len(fields) != 2 || !isToken(fields[1]) {
		return malformed("CSeq")
	}
	if n, err := strconv.ParseUint(fields[0], 10, 32); err != nil || n >= 1<<31 {
		return malformed("CSeq number") // RFC 3261 8.1.1.5
	}
	if m.isRequest() && fields[1] != m.method {
		return malformed("CSeq of another method")
	}
	return nil
}

// normalise rewrites the headers that the parser reads so that it cannot
// misunderstand them: one Via a line, no space round ';' and '=', parameter
// names in lower case, a single space elsewhere.
func (m *rawMessage) normalise() *refusal {
	out := make([]header, 0, len(m.headers)+4)
	for _, h := range m.headers {
		switch {
		case h.name == "Via":
			vias, err := normaliseVias(h.value)
			if err != nil {
				return malformed("Via: %v", err)
			}
			for _, v := range vias {
				out = append(out, header{"Via", v})
			}
			continue
		case h.name == "CSeq":
			h.value = strings.Join(strings.Fields(h.value), " ")
		case addressHeaders[h.name]:
			v, err := normaliseAddresses(h.name, h.value)
			if err != nil {
				return malformed("%s: %v", h.name, err)
			}
			h.value = v
		}
		out = append(out, h)
	}
	m.headers = out
	return nil
}

// splitOutside splits s at sep where it stands neither in quotes nor in angle
// brackets, and fails where those are not balanced or nest.
func splitOutside(s string, sep byte) ([]string, error) {
	var parts []string
	var quoted, escaped, bracket bool
	start := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case quoted:
			quoted = c != '"'
		case c == '"' && !bracket:
			quoted = true
		case c == '<' && !bracket:
			bracket = true
		case c == '>' && bracket:
			bracket = false
		case c == '<', c == '>', c == '"':
			return nil, fmt.Errorf("stray %q", c)
		case c == sep && !bracket:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	if quoted || bracket {
		return nil, fmt.Errorf("open quote or bracket")
	}
	return append(parts, s[start:]), nil
}

// normaliseParams rewrites a;Name = value into a;name=value. The first part is
// returned as it is, trimmed.
func normaliseParams(s string) (first string, params []string, err error) {
	parts, err := splitOutside(s, ';')
	if err != nil {
		return "", nil, err
	}
	for _, p := range parts[1:] {
		name, value, has := strings.Cut(p, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "" && !has {
			continue
		}
		if !isToken(name) {
			return "", nil, fmt.Errorf("parameter name")
		}
		if has {
			if strings.ContainsAny(value, " \t") && !strings.HasPrefix(value, `"`) {
				return "", nil, fmt.Errorf("space in a parameter")
			}
			name += "=" + value
		}
		params = append(params, name)
	}
	return strings.TrimSpace(parts[0]), params, nil
}

func normaliseAddresses(name, value string) (string, error) {
	list, err := splitOutside(value, ',')
	if err != nil {
		return "", err
	}
	if len(list) > 1 && (name == "From" || name == "To" || name == "Refer-To" || name == "Referred-By") {
		return "", fmt.Errorf("more than one address")
	}
	for i, one := range list {
		one = strings.TrimSpace(one)
		if name == "Contact" && one == "*" {
			list[i] = one
			continue
		}
		if list[i], err = normaliseAddress(one); err != nil {
			return "", err
		}
	}
	return strings.Join(list, ", "), nil
}

// normaliseAddress judges one name-addr or addr-spec (RFC 3261 20.10, 25.1).
func normaliseAddress(s string) (string, error) {
	first, params, err := normaliseParams(s)
	if err != nil {
		return "", err
	}
	open := bracketIndex(first)
	if open < 0 {
		if strings.ContainsAny(first, " \t\",?") {
			return "", fmt.Errorf("address without brackets has a space, comma, quote or headers")
		}
		if !strings.Contains(first, ":") {
			return "", fmt.Errorf("address without scheme")
		}
		return join(first, params), nil
	}
	display, uri := strings.TrimSpace(first[:open]), first[open+1:len(first)-1]
	if first[len(first)-1] != '>' || uri == "" || strings.ContainsAny(uri, " \t<>\"") {
		return "", fmt.Errorf("address in brackets")
	}
	if display, err = normaliseDisplayName(display); err != nil {
		return "", err
	}
	if display != "" {
		display += " "
	}
	return join(display+"<"+uri+">", params), nil
}

func normaliseDisplayName(s string) (string, error) {
	switch {
	case strings.HasPrefix(s, `"`):
		if closing := quoteEnd(s); closing != len(s)-1 {
			return "", fmt.Errorf("display name")
		}
		return s, nil
	case strings.ContainsAny(s, `",()\<>@;:`):
		return "", fmt.Errorf("display name that wants quotes")
	}
	return strings.Join(strings.Fields(s), " "), nil
}

// bracketIndex finds the '<' that stands outside quotes, -1 if none.
func bracketIndex(s string) int {
	i := 0
	if strings.HasPrefix(s, `"`) {
		if i = quoteEnd(s); i < 0 {
			return -1
		}
	}
	if j := strings.IndexByte(s[i:], '<'); j >= 0 {
		return i + j
	}
	return -1
}

// quoteEnd returns the index of the quote that closes the one at s[0], or -1.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func join(first string, params []string) string {
	if len(params) == 0 {
		return first
	}
	return first + ";" + strings.Join(params, ";")
}

// normaliseVias splits and rewrites a Via value (RFC 3261 20.42), in which space
// may stand nearly anywhere.
func normaliseVias(value string) ([]string, error) {
	list, err := splitOutside(value, ',')
	if err != nil {
		return nil, err
	}
	for i, one := range list {
		first, params, err := normaliseParams(one)
		if err != nil {
			return nil, err
		}
		parts := strings.SplitN(first, "/", 3)
		if len(parts) != 3 || !strings.EqualFold(strings.TrimSpace(parts[0]), "SIP") || strings.TrimSpace(parts[1]) != "2.0" {
			return nil, fmt.Errorf("protocol")
		}
		transport, sentBy, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(parts[2]), "\t", " "), " ")
		sentBy = strings.ReplaceAll(sentBy, " ", "")
		if !isToken(transport) || !isSentBy(sentBy) {
			return nil, fmt.Errorf("transport or sent-by")
		}
		list[i] = join("SIP/2.0/"+strings.ToUpper(transport)+" "+sentBy, params)
	}
	return list, nil
}

// isSentBy reports whether s is host or host:port.
func isSentBy(s string) bool {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		if a, err := netip.ParseAddr(s[1:end]); err != nil || !a.Is6() {
			return false
		}
		return s[end+1:] == "" || s[end+1] == ':' && isPort(s[end+2:])
	}
	host, port, has := strings.Cut(s, ":")
	if has && !isPort(port) {
		return false
	}
	return host != "" && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '+'
}
