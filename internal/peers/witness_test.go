package peers

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"
)

// message is one SIP message as SIPp wrote it down.
type message struct {
	at     time.Time
	sent   bool // by SIPp
	first  string
	callID string
	cseq   string // "1 INVITE"
	from   string // user of From
}

func (m message) response(code, method string) bool {
	return !m.sent && strings.HasPrefix(m.first, "SIP/2.0 "+code) && strings.HasSuffix(m.cseq, method)
}

// readMessages reads what SIPp saw on the wire. The file may end in the middle of a message.
func readMessages(t *testing.T, file string) []message {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []message
	var at time.Time
	var current *message
	flush := func() {
		if current != nil && current.callID != "" {
			all = append(all, *current)
		}
		current = nil
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		switch {
		case strings.HasPrefix(line, "-----"):
			flush()
			stamp := strings.TrimSpace(strings.TrimLeft(line, "-"))
			if parsed, err := time.ParseInLocation("2006-01-02 15:04:05.000000", stamp, time.Local); err == nil {
				at = parsed
			}
		case strings.Contains(line, " message sent ") || strings.Contains(line, " message received "):
			flush()
			current = &message{at: at, sent: strings.Contains(line, "sent")}
		case current == nil:
		case current.first == "":
			current.first = line
		default:
			current.header(line)
		}
	}
	flush()
	return all
}

func (m *message) header(line string) {
	name, value, _ := strings.Cut(line, ":")
	switch strings.ToLower(name) {
	case "call-id":
		m.callID = strings.TrimSpace(value)
	case "cseq":
		m.cseq = strings.TrimSpace(value)
	case "from":
		if _, user, ok := strings.Cut(value, "sip:"); ok {
			m.from, _, _ = strings.Cut(user, "@")
		}
	}
}
