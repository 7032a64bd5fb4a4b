package flows

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/internal/memnet"
	"telefonist/record"
)

// rank is the order in which the lines of one party stand that tell of one millisecond.
type rank int

const (
	asked rank = iota // by the console, the API
	sent              // a message to the server, or from it
	heard             // what media is told
)

// line is one line of a transcript.
type line struct {
	at    time.Duration
	party string
	rank  rank
	text  string
}

// transcript is who sent what to whom, and who heard what, when.
type transcript struct {
	mu      sync.Mutex // protects what follows
	began   time.Time  // zero: nothing is written down yet
	lines   []line
	callers map[string]string     // number → name
	hosts   map[string]string     // address of a phone → agent
	legs    map[call.LegID]string // party of a leg of the switchboard's
	dialogs map[string]string     // Call-ID → party
	counts  map[string]int        // of legs and of dialogs, by party
}

func newTranscript() *transcript {
	return &transcript{callers: map[string]string{}, hosts: map[string]string{}, legs: map[call.LegID]string{}, dialogs: map[string]string{}, counts: map[string]int{}}
}

func (t *transcript) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began = time.Now()
}

func (t *transcript) add(party string, r rank, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(party, r, text)
}

// note is add with the lock held.
func (t *transcript) note(party string, r rank, text string) {
	if !t.began.IsZero() {
		t.lines = append(t.lines, line{time.Since(t.began), party, r, text})
	}
}

// numbered tells a party's second call from the first: "anna", "anna/2". It is called with the lock held.
func (t *transcript) numbered(what, party string) string {
	t.counts[what+party]++
	if n := t.counts[what+party]; n > 1 {
		return fmt.Sprint(party, "/", n)
	}
	return party
}

// leg learns whose leg it is; name tells.
func (t *transcript) leg(id call.LegID, party string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.legs[id] == "" {
		t.legs[id] = t.numbered("leg ", party)
	}
}

func (t *transcript) name(id call.LegID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.legs[id]
}

// caller is the name of whoever calls from a number.
func (t *transcript) caller(number string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calledBy(number)
}

func (t *transcript) calledBy(number string) string {
	if name := t.callers[number]; name != "" {
		return name
	}
	return number
}

// packet takes down a message. It is called in the order of sending.
func (t *transcript) packet(p memnet.Packet) {
	m, err := msg.ParseMessage(p.Data)
	if err != nil {
		t.add("somebody", sent, "sends what is no message")
		return
	}
	out := p.From.String() == serverAddr
	t.mu.Lock()
	defer t.mu.Unlock()
	party := t.partyOf(m, p, out)
	text := ""
	switch m := m.(type) {
	case *msg.Request:
		text = t.request(m)
	case *msg.Response:
		text = response(m)
	}
	if text == "" || party == "" {
		return
	}
	if out {
		t.note(party, sent, "<- "+text)
	} else {
		t.note(party, sent, "-> "+text)
	}
}

// partyOf is the far side of a message: who calls, or who is called.
func (t *transcript) partyOf(m msg.Message, p memnet.Packet, out bool) string {
	id := m.CallID().Value()
	req, is := m.(*msg.Request)
	if t.dialogs[id] != "" || !is || req.Method != msg.INVITE {
		return t.dialogs[id]
	}
	party, far := req.Recipient.User, p.To
	if !out {
		party, far = req.From().Address.User, p.From
	}
	party = t.calledBy(party)
	if agent := t.hosts[far.String()]; agent != "" {
		party = agent
	}
	t.dialogs[id] = t.numbered("dialog ", party)
	return t.dialogs[id]
}

func (t *transcript) request(m *msg.Request) string {
	inside := false
	if to := m.To(); to != nil {
		_, inside = to.Params.Get("tag")
	}
	switch m.Method {
	case msg.INVITE:
		if inside {
			return "INVITE again, " + direction(m.Body())
		}
		return "INVITE " + m.Recipient.User + t.from(m) + header(m, "Diversion", " diverted by ") + header(m, "Answer-Mode", ", Answer-Mode: ")
	case msg.ACK, msg.OPTIONS, msg.REGISTER:
		return ""
	case msg.REFER:
		return "REFER to " + t.referTo(m)
	case msg.NOTIFY:
		_, status, _ := strings.Cut(string(m.Body()), "SIP/2.0 ")
		return "NOTIFY " + strings.TrimSpace(strings.SplitN(status, "\r\n", 2)[0])
	case msg.INFO:
		key, _, _ := strings.Cut(string(m.Body()), "\r\n")
		return "INFO " + key
	}
	return string(m.Method) + header(m, "Reason", " ")
}

// from is what the called party is shown.
func (t *transcript) from(m *msg.Request) string {
	f := m.From()
	text := " from " + f.Address.User
	if f.DisplayName != "" {
		text += " “" + f.DisplayName + "”"
	}
	return text
}

// referTo names the other dialog by its party: its Call-ID is a new one in every run.
func (t *transcript) referTo(m *msg.Request) string {
	value := ""
	if h := m.GetHeader("Refer-To"); h != nil {
		value = strings.TrimPrefix(h.Value(), "<sip:")
	}
	user, rest, _ := strings.Cut(value, "@")
	if _, replaces, found := strings.Cut(rest, "Replaces="); found {
		id, _, _ := strings.Cut(replaces, "%3B")
		return user + " in place of " + t.dialogs[id]
	}
	return user
}

func header(m *msg.Request, name, before string) string {
	h := m.GetHeader(name)
	if h == nil {
		return ""
	}
	value := h.Value()
	if _, rest, found := strings.Cut(value, "sip:"); found {
		value, _, _ = strings.Cut(rest, "@")
	}
	return before + value
}

// direction is what an offer or an answer says of audio.
func direction(body []byte) string {
	for _, d := range []string{"sendonly", "recvonly", "inactive"} {
		if strings.Contains(string(body), "a="+d) {
			return d
		}
	}
	if len(body) == 0 {
		return "no offer"
	}
	return "sendrecv"
}

func response(m *msg.Response) string {
	method := m.CSeq().MethodName
	switch {
	case m.StatusCode == 100, method == msg.REGISTER, method == msg.OPTIONS:
		return ""
	case method == msg.INVITE:
		return fmt.Sprint(m.StatusCode)
	case m.StatusCode >= 300 || method == msg.REFER:
		return fmt.Sprint(m.StatusCode, " to ", method)
	}
	return ""
}

// print gives the transcript: by time, what happens in one millisecond by party.
func (t *transcript) print() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Clone(t.lines)
	slices.SortStableFunc(lines, func(a, b line) int {
		switch {
		case a.at.Milliseconds() != b.at.Milliseconds():
			return int(a.at.Milliseconds() - b.at.Milliseconds())
		case (a.rank == asked) != (b.rank == asked): // what is asked for comes before what is done
			if a.rank == asked {
				return -1
			}
			return 1
		case a.party != b.party:
			return strings.Compare(a.party, b.party)
		default:
			return int(a.rank - b.rank)
		}
	})
	var b strings.Builder
	for _, l := range lines {
		ms := l.at.Milliseconds()
		fmt.Fprintf(&b, "%5d.%03d  %-10s %s\n", ms/1000, ms%1000, l.party, l.text)
	}
	return b.String()
}

// records prints what was kept of each call: its record, and its story with the seconds since it came.
func (s *stage) records() string {
	all := s.all()
	slices.SortFunc(all, func(a, b record.Record) int { return a.Received.Compare(b.Received) })
	var b strings.Builder
	for _, r := range all {
		row := "no tariff"
		if r.Row != nil {
			row = fmt.Sprintf("tariff %s", r.Row.Tariff)
		}
		fmt.Fprintf(&b, "\n%s %s (%s), waited %.1f s, handled %.1f s, agents %v, %s\n", s.said.caller(r.Parties.Caller), r.Outcome, r.Cause,
			float64(r.WaitedMS)/1000, float64(r.HandledMS)/1000, r.Parties.Agents, row)
		for _, e := range r.Story {
			fmt.Fprintf(&b, "%7.1f %s", e.Since.Seconds(), e.Kind)
			for _, word := range []string{e.Agent, e.Number, e.To, e.Reason} {
				if word != "" {
					b.WriteString(" " + word)
				}
			}
			if e.Code != 0 {
				fmt.Fprint(&b, " ", e.Code)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// golden holds a transcript against testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update rewrites it)\n--- got\n%s--- want\n%s", path, got, want)
	}
}
