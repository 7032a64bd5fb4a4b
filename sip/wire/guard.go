package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// refusal says why a message is not let through. Code 0 means that nothing is
// answered.
type refusal struct {
	code   int
	phrase string // reason phrase of the answer
	label  string // reason of telefonist_sip_refused_total
	detail string // for the log
	fatal  bool   // the framing of a stream cannot be trusted any more
}

// Error makes a refusal travel as an error.
func (r *refusal) Error() string {
	return fmt.Sprintf("refused %d %s: %s", r.code, r.phrase, r.detail)
}

func malformed(format string, args ...any) *refusal {
	return &refusal{code: 400, phrase: "Bad Request", label: refusedMalformed, detail: fmt.Sprintf(format, args...)}
}

func badControl(detail string) *refusal {
	return &refusal{code: 400, phrase: "Bad Request", label: refusedControl, detail: detail, fatal: true}
}

func badLength(format string, args ...any) *refusal {
	return &refusal{
		code: 400, phrase: "Bad Content-Length", label: refusedLength, detail: fmt.Sprintf(format, args...), fatal: true,
	}
}

var (
	errGarbage  = &refusal{label: refusedGarbage, detail: "not a SIP message", fatal: true}
	errTooLarge = &refusal{code: 513, phrase: "Message Too Large", label: refusedSize, detail: "over the limit", fatal: true}
)

// header is one header field, unfolded, its name in full canonical form.
type header struct{ name, value string }

// rawMessage is a message as the guard reads it: enough structure to judge and
// rewrite it, none of its meaning.
type rawMessage struct {
	start   string
	method  string // empty for a response
	headers []header
	body    []byte
}

func (m *rawMessage) isRequest() bool { return m.method != "" }

// values returns the values of all headers with that canonical name.
func (m *rawMessage) values(name string) []string {
	var out []string
	for _, h := range m.headers {
		if h.name == name {
			out = append(out, h.value)
		}
	}
	return out
}

func (m *rawMessage) has(name string) bool {
	for _, h := range m.headers {
		if h.name == name {
			return true
		}
	}
	return false
}

// inspect judges one message, a datagram's content or one frame of a stream,
// and returns it rewritten so that the parser cannot misread it. The message is
// also returned beside a refusal, as far as it could be read, to be answered.
func inspect(data []byte, stream bool) (*rawMessage, *refusal) {
	data = bytes.TrimLeft(data, "\r\n")
	end := bytes.Index(data, []byte("\r\n\r\n"))
	head, body := data, []byte(nil)
	if end >= 0 {
		head, body = data[:end+2], data[end+4:]
	}
	m, ref := readHead(head)
	if ref == nil && end < 0 {
		ref = malformed("no empty line after the headers")
	}
	if ref == nil {
		ref = m.setBody(body, stream)
	}
	if ref == nil {
		ref = m.check()
	}
	if ref == nil {
		ref = m.normalise()
	}
	if ref != nil && !m.isRequest() && ref.code != 0 {
		silent := *ref // a response is never answered
		silent.code = 0
		ref = &silent
	}
	return m, ref
}

// frame returns the length of the first message in a stream's buffer, 0 if it
// is not whole yet. There must be exactly one Content-Length (RFC 3261 18.3,
// 20.14): a stream whose ends are in doubt is closed.
func frame(buf []byte, limit int) (int, *refusal) {
	end := bytes.Index(buf, []byte("\r\n\r\n"))
	if end < 0 {
		if ref := checkControl(bytes.TrimSuffix(buf, []byte("\r"))); ref != nil {
			return 0, ref
		}
		if len(buf) > limit {
			return 0, errTooLarge
		}
		return 0, nil
	}
	m, ref := readHead(buf[:end+2])
	if ref != nil && (ref.fatal || ref.label == refusedMalformed) {
		fatal := *ref
		fatal.fatal = true
		return 0, &fatal
	}
	n, ref := m.contentLength()
	switch {
	case ref != nil:
		return 0, ref
	case n < 0:
		return 0, badLength("missing on a stream")
	case end+4+n > limit:
		return 0, errTooLarge
	case end+4+n > len(buf):
		return 0, nil
	}
	return end + 4 + n, nil
}

// readHead splits the start line and the headers and unfolds them (RFC 3261
// 7.3.1). It reads on behind the first fault, so that the request can be answered.
func readHead(head []byte) (*rawMessage, *refusal) {
	m := &rawMessage{}
	first, rest, _ := strings.Cut(string(head), "\r\n")
	m.start = first
	ref := m.readStartLine()
	if ref == errGarbage {
		return m, ref
	}
	if c := checkControl(head); c != nil {
		ref = c // whatever else is wrong, the framing is
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\r\n"), "\r\n") {
		if line == "" {
			continue
		}
		if (line[0] == ' ' || line[0] == '\t') && len(m.headers) > 0 {
			last := &m.headers[len(m.headers)-1]
			last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(line))
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t")
		if !ok || !isToken(name) {
			if ref == nil {
				ref = malformed("not a header line")
			}
			continue
		}
		m.headers = append(m.headers, header{canonicalName(name), strings.TrimSpace(value)})
	}
	if len(m.headers) > maxHeaders && ref == nil {
		ref = malformed("%d headers", len(m.headers))
	}
	return m, ref
}

// maxHeaders is the most header lines of a message.
const maxHeaders = 256

// checkControl refuses control bytes in a head: NUL, bare CR or LF, and all
// others but HTAB.
func checkControl(head []byte) *refusal {
	for i, c := range head {
		switch {
		case c >= ' ' && c != 0x7f, c == '\t':
		case c == '\r' && i+1 < len(head) && head[i+1] == '\n':
		case c == '\n' && i > 0 && head[i-1] == '\r':
		default:
			return badControl(fmt.Sprintf("byte 0x%02x in the headers", c))
		}
	}
	return nil
}

// readStartLine reads the request line or the status line (RFC 3261 7.1, 7.2).
func (m *rawMessage) readStartLine() *refusal {
	if strings.HasPrefix(m.start, "SIP/") {
		return m.readStatusLine()
	}
	method, rest, ok := strings.Cut(m.start, " ")
	sp := strings.LastIndexByte(rest, ' ')
	version := ""
	if i := strings.LastIndex(rest, " SIP/"); i >= 0 {
		version = strings.TrimRight(rest[i+1:], " \t")
	}
	if !ok || sp < 0 || version == "" || !isToken(method) {
		return errGarbage
	}
	m.method = method
	uri := rest[:sp]
	switch {
	case !strings.EqualFold(version, "SIP/2.0"):
		return &refusal{code: 505, phrase: "Version Not Supported", label: refusedVersion, detail: "not SIP/2.0"}
	case rest[sp+1:] != version || strings.ContainsAny(uri, " \t<>\"") || uri == "":
		return malformed("request line with stray space or brackets")
	case method != strings.ToUpper(method) && methodLabel(strings.ToUpper(method)) != otherMethod:
		return &refusal{code: 501, phrase: "Not Implemented", label: refusedMethod, detail: "method in lower case"}
	}
	return checkRequestURI(uri)
}

func checkRequestURI(uri string) *refusal {
	scheme, rest, ok := strings.Cut(uri, ":")
	switch scheme = strings.ToLower(scheme); {
	case !ok || !isToken(scheme):
		return malformed("request URI without scheme")
	case scheme != "sip" && scheme != "sips" && scheme != "tel":
		return &refusal{code: 416, phrase: "Unsupported URI Scheme", label: refusedScheme, detail: "scheme of the request URI"}
	case scheme != "tel" && strings.Contains(rest[strings.LastIndexByte(rest, '@')+1:], "?"):
		return malformed("headers in the request URI") // RFC 3261 19.1.1
	}
	return nil
}

func (m *rawMessage) readStatusLine() *refusal {
	version, rest, _ := strings.Cut(m.start, " ")
	code, _, ok := strings.Cut(rest, " ")
	n, err := strconv.Atoi(code)
	switch {
	case !strings.EqualFold(version, "SIP/2.0"):
		return &refusal{label: refusedVersion, detail: "response not SIP/2.0"}
	case !ok || err != nil || len(code) != 3 || n < 100 || n > 699:
		return &refusal{label: refusedMalformed, detail: "status line"}
	}
	return nil
}

// contentLength returns -1 where there is none.
func (m *rawMessage) contentLength() (int, *refusal) {
	v := m.values("Content-Length")
	switch {
	case len(v) == 0:
		return -1, nil
	case len(v) > 1:
		return 0, badLength("repeated %d times", len(v))
	case v[0] == "" || len(v[0]) > 9 || strings.Trim(v[0], "0123456789") != "":
		return 0, badLength("not a number")
	}
	n, _ := strconv.Atoi(v[0])
	return n, nil
}

// setBody takes the body that Content-Length announces: on UDP what follows is
// ignored and what lacks is an error (RFC 3261 18.3).
func (m *rawMessage) setBody(body []byte, stream bool) *refusal {
	n, ref := m.contentLength()
	switch {
	case ref != nil:
		return ref
	case n < 0 && stream:
		return badLength("missing on a stream")
	case n < 0:
		n = len(body)
		m.headers = append(m.headers, header{"Content-Length", strconv.Itoa(n)})
	case n > len(body):
		return badLength("%d announced, %d there", n, len(body))
	}
	m.body = body[:n]
	return nil
}

// bytes renders the message.
func (m *rawMessage) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.start)
	b.WriteString("\r\n")
	for _, h := range m.headers {
		b.WriteString(h.name)
		b.WriteString(": ")
		b.WriteString(h.value)
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	b.Write(m.body)
	return b.Bytes()
}
