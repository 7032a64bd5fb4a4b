package peers

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// tcp opens a connection to the server from an address of the test's network.
func (s *server) tcp(last string) *net.TCPConn {
	s.t.Helper()
	c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(s.net + last)}, &net.TCPAddr{IP: s.addr().IP, Port: 5060})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// drain reads a connection until it is silent for a while or closed.
func drain(c *net.TCPConn, silence time.Duration) (text string, closed bool) {
	buf := make([]byte, 65536)
	for {
		_ = c.SetReadDeadline(time.Now().Add(silence))
		n, err := c.Read(buf)
		text += string(buf[:n])
		if err != nil {
			return text, !os.IsTimeout(err)
		}
	}
}

// rfc5118 are the messages of RFC 5118 section 4 that a server gets: IPv6 references that are right, ambiguous or wrong.
func rfc5118(host string) map[string]string {
	base := func(uri, via, contact, body string) string {
		text := fmt.Sprintf("REGISTER %s SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: sip:user@example.com;tag=81x2\r\n"+
			"Via: SIP/2.0/UDP %s;branch=z9hG4bKas3-111\r\nCall-ID: SSG9559905523997077@hlau_4100\r\nContact: %s\r\n"+
			"CSeq: 98176 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: %d\r\n\r\n%s", uri, via, contact, len(body), body)
		if body != "" {
			text = strings.ReplaceAll(strings.Replace(text, "\r\nMax", "\r\nContent-Type: application/sdp\r\nMax", 1), "REGISTER", "INVITE")
		}
		return text
	}
	good, own := `"Caller" <sip:caller@[2001:db8::1]>`, host+":5060"
	return map[string]string{
		"4.1 ipv6-good":           base("sip:[2001:db8::10]", "[2001:db8::9:1]", good, ""),
		"4.2 ipv6-bad":            base("sip:2001:db8::10", "[2001:db8::9:1]", good, ""),
		"4.3 port-ambiguous":      base("sip:[2001:db8::10:5070]", "[2001:db8::9:1]", good, ""),
		"4.4 port-unambiguous":    base("sip:[2001:db8::10]:5070", "[2001:db8::9:1]", good, ""),
		"4.5 received delimiters": base("sip:[2001:db8::10]", "[2001:db8::9:1];received=[2001:db8::9:255]", good, ""),
		"4.5 received plain":      base("sip:[2001:db8::10]", "[2001:db8::9:1];received=2001:db8::9:255", good, ""),
		"4.6 v6 in SDP":           base("sip:user@[2001:db8::10]", own, good, "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live\r\nc=IN IP6 2001:db8::1\r\nt=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 8\r\n"),
		"4.7 multiple addresses":  base("sip:user@[2001:db8::10]", own, good, "v=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns=\r\nt=0 0\r\nm=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n"),
		"4.8 v4-mapped":           base("sip:user@example.com", own, `<sip:user@[::ffff:192.0.2.10]>`, "v=0\r\no=bob 1 1 IN IP6 ::ffff:192.0.2.2\r\ns=-\r\nc=IN IP6 ::ffff:192.0.2.2\r\nt=0 0\r\nm=audio 3456 RTP/AVP 0\r\n"),
		"4.9 scope":               base("sip:[fe80::1%25eth0]", "[fe80::1%eth0]", good, ""),
		"4.10 three colons":       base("sip:user@[2001:db8:::192.0.2.1]", "[2001:db8:::1]", `<sip:u@[2001:db8:::1]>`, ""),
	}
}

// mutated changes a few bytes of a message, always the same for a seed.
func mutated(r *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + r.IntN(6) {
		at := r.IntN(len(b))
		switch r.IntN(5) {
		case 0:
			b[at] = byte(r.IntN(256))
		case 1:
			b = append(b[:at], b[min(len(b), at+1+r.IntN(8)):]...)
		case 2:
			end := min(len(b), at+r.IntN(60))
			b = slices.Insert(b, at, b[at:end]...)
		case 3:
			b = slices.Insert(b, at, []byte(strings.Repeat(string("\x00;<>\",:@%\r\n="[r.IntN(12)]), 1+r.IntN(40)))...)
		case 4:
			b = b[:max(at, 40)]
		}
	}
	return string(b)
}

// Row 1.
func TestAttackMessagesThatCrashParsersLeaveTheServerAsItWas(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	k := s.talk("anna", "21")
	pbx, stranger := s.peer("10", 5062), s.peer("66", 5060)
	corpus := rfc5118(s.net + "10")
	files, err := filepath.Glob("../../testdata/sip/rfc4475/*.dat")
	if err != nil || len(files) < 49 {
		t.Fatalf("%d files of RFC 4475, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		corpus[filepath.Base(file)] = string(text)
	}
	play := func() {
		for name, text := range corpus {
			pbx.send(text)
			stranger.send(text)
			c := s.tcp("10")
			_, _ = c.Write([]byte(text))
			_ = c.CloseWrite()
			pbx.alive(name)
			c.Close()
		}
	}
	play()
	base := s.memory("VmRSS")
	for range scaled(2, 20) {
		play()
	}
	seed := uint64(4475)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range scaled(3000, 100000) {
		pbx.send(mutated(r, pbx.invite(pbx.trunkIDs(), 6000)))
		if i%100 == 0 {
			pbx.alive(fmt.Sprintf("mutation %d of seed %d", i, seed))
		}
	}
	pbx.alive("all mutations")
	k.hears("RFC 4475, RFC 5118 and mutations", 25)
	s.unharmed()
	// Some mutations are calls like any other; they wait in the queue until their 200 is acknowledged or given up.
	t.Logf("RSS %.1f MiB after the first round, %.1f after all, peak %.1f", base, s.memory("VmRSS"), s.memory("VmHWM"))
	if peak := s.memory("VmHWM"); peak > base+200 {
		t.Errorf("RSS grew from %.1f to %.1f MiB", base, peak)
	}
}

// headersThatWeSend are all headers of an INVITE to a phone or to a trunk.
var headersThatWeSend = []string{"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Allow", "Supported", "Session-Expires",
	"Min-SE", "P-Asserted-Identity", "Privacy", "Diversion", "History-Info", "X-Telefonist-Leg", "Expires", "Content-Type", "Content-Length",
	"User-Agent", "Accept", "Alert-Info", "Call-Info", "Subject"}

// clean checks a message of ours byte by byte.
func clean(t *testing.T, m msg, what string) {
	t.Helper()
	head := m.head()
	for i := range len(head) {
		switch c := head[i]; {
		case c == '\r' && i+1 < len(head) && head[i+1] == '\n', c == '\n' && i > 0 && head[i-1] == '\r':
		case c < ' ' || c == 0x7f:
			t.Errorf("%s: byte 0x%02x leaves in\n%q", what, c, head)
			return
		}
	}
	for _, line := range strings.Split(head, "\r\n")[1:] {
		name, _, ok := strings.Cut(line, ":")
		if !ok || !slices.ContainsFunc(headersThatWeSend, func(h string) bool { return h == name }) {
			t.Errorf("%s: foreign header %q leaves", what, line)
		}
	}
	if strings.Contains(strings.ToLower(m.raw), "x-evil:") {
		t.Errorf("%s: injected header leaves:\n%s", what, m.raw)
	}
}

// Row 12, what comes in.
func TestAttackControlBytesInAnyHeaderAreRefusedAndNeverLeave(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "queue: {max_misses: 0, retry_after: 0s}"})
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	phone.reply = func(m msg) string {
		switch m.method() {
		case "INVITE":
			return phone.response(m, 486, "Busy Here", "p", "")
		case "CANCEL", "BYE":
			return phone.response(m, 200, "OK", "p", "")
		}
		return ""
	}
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	headers := map[string]string{
		"From": `"Evil%sX-Evil: 1" <sip:0701740605@h>;tag=1`, "To": "<sip:+46850000001@h>;x=%sX-Evil: 1", "Call-ID": "a%sX-Evil: 1",
		"Contact": "<sip:a@h%sX-Evil: 1>", "Subject": "a%sX-Evil: 1", "P-Asserted-Identity": `"a%sX-Evil: 1" <sip:1@h>`,
		"Diversion": `<sip:1@h>;reason="a%sX-Evil: 1"`, "History-Info": "<sip:1@h>;index=1%sX-Evil: 1", "X-Telefonist-Leg": "a%sX-Evil: 1",
		"User-Agent": "a%sX-Evil: 1", "Via": "SIP/2.0/UDP h;branch=z9hG4bKx%sX-Evil: 1", "Session-Expires": "90%sX-Evil: 1",
		"Supported": "timer%sX-Evil: 1", "Max-Forwards": "70%sX-Evil: 1", "Privacy": "id%sX-Evil: 1",
	}
	for name, value := range headers {
		for _, bad := range []string{"\r", "\n", "\x00", "\n\r", "\x0b", "\x1b[2J", "\x7f", "\r\r\n"} {
			i := pbx.trunkIDs()
			pbx.send(pbx.invite(i, 6000, name+": "+fmt.Sprintf(value, bad)))
		}
	}
	pbx.alive("control bytes")
	if n := s.metric(`telefonist_sip_refused_total{reason="control_byte"}`); int(n) != len(headers)*8 {
		t.Errorf("%v refused, want %d", n, len(headers)*8)
	}
	if got := phone.messages(func(m msg) bool { return m.is("INVITE") }); len(got) != 0 {
		t.Errorf("a call with a control byte rang:\n%s", got[0].raw)
	}
	// What is legal in a quoted string or escaped in a URI is taken, and must not come out as what it hides.
	names := []string{`"a\` + "\"" + `><sip:evil@h>, X-Evil: 1"`, `"%0d%0aX-Evil: 1"`, `"=cmd|' /C calc'!A0"`, "\"\u202egnp.exe\u2028\"", "\"\xff\xfe\xc0\x80\"", `"\\\\\""`, `"` + strings.Repeat("å", 4000) + `"`}
	for _, display := range names {
		i := pbx.trunkIDs()
		pbx.send(pbx.invite(i, 6000, "From: "+display+" <sip:07017%0D%0AX-Evil:1@h>;tag=1", "P-Asserted-Identity: "+display+" <sip:0701%3c%3E%22%00@h>",
			"Subject : x", "X-Telefonist-Leg  :  a%0d%0aX-Evil: 1"))
		if res, ok := pbx.find(5*time.Second, func(m msg) bool { return m.answers("INVITE", i.callID) }); !ok {
			t.Errorf("no answer to %q", display)
		} else if res.code() == 200 {
			i.toTag = tagIn(res.header("To"))
			target := strings.Trim(res.header("Contact"), "<>")
			pbx.send(pbx.request("ACK", target, i, ""))
			phone.find(2*time.Second, func(m msg) bool { return m.is("INVITE") })
			i.seq++
			pbx.ask("BYE", pbx.request("BYE", target, i, ""))
		}
	}
	rang := phone.messages(func(m msg) bool { return m.is("INVITE") || m.is("CANCEL") })
	t.Logf("%d messages to the phone, the first:\n%s", len(rang), append(rang, msg{})[0].raw)
	if len(rang) < 4 {
		t.Errorf("the phone saw %d messages only", len(rang))
	}
	for _, m := range rang {
		clean(t, m, "to the phone")
	}
	for _, m := range pbx.messages(func(m msg) bool { return true }) {
		if strings.Contains(m.head(), "\r\nX-Evil") {
			t.Errorf("an answer carries an injected header:\n%s", m.raw)
		}
	}
	s.unharmed()
}

// Row 13.
func TestAttackASecondRequestHiddenOnAStreamIsNeverExecuted(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	pbx := s.peer("10", 5060)
	hidden := pbx.newIDs("<sip:a@h>", "<sip:b@h>")
	hidden.network = "TCP"
	inner := pbx.request("OPTIONS", s.uri("hidden"), hidden, "")
	outer := func(lengths ...string) string {
		i := pbx.newIDs("<sip:a@h>", "<sip:b@h>")
		i.network = "TCP"
		text := pbx.request("OPTIONS", s.uri("outer"), i, "", "-Content-Length")
		for _, l := range lengths {
			text = strings.Replace(text, "\r\n\r\n", "\r\n"+l+"\r\n\r\n", 1)
		}
		return text
	}
	size := fmt.Sprint(len(inner))
	for _, lengths := range [][]string{
		nil, {"Content-Length: 0", "Content-Length: " + size}, {"Content-Length: " + size, "l: 0"}, {"Content-Length: -1"}, {"Content-Length: +0"},
		{"Content-Length: 0x0"}, {"Content-Length: 0, " + size}, {"Content-Length:"}, {"Content-Length: 99999999999999999999"},
		{"Content-Length: 18446744073709551616"}, {"Content-Length: 0 " + size}, {"Content-Length: 0\x00"}, {"Content-Length\x00: 0"},
		{"Content-Length: " + size + "\nContent-Length: 0"}, {"Content-Length: " + size}, {"Content-Length: " + size + " "}, {"l : " + size},
		{"X: a\r\n\tContent-Length: 0", "Content-Length: " + size},
	} {
		c := s.tcp("10")
		_, _ = c.Write([]byte(outer(lengths...) + inner))
		text, closed := drain(c, 150*time.Millisecond)
		if strings.Contains(text, hidden.callID) {
			t.Errorf("%q: the hidden request was executed:\n%s", lengths, text)
		}
		legal := len(lengths) > 0 && strings.TrimSpace(strings.TrimLeft(lengths[len(lengths)-1], "Content-Length :l")) == size && !strings.Contains(strings.Join(lengths, ""), "l: 0") && !strings.Contains(strings.Join(lengths, ""), "\n\nC")
		if !closed && !strings.Contains(text, "SIP/2.0 200") && !strings.Contains(text, "SIP/2.0 4") {
			t.Errorf("%q (legal %v): neither answered nor closed", lengths, legal)
		}
		if strings.Contains(text, "SIP/2.0 400") && !closed {
			t.Errorf("%q: 400 and the connection stays", lengths)
		}
	}
	// The same two requests told truly are both executed: the test can fail.
	c := s.tcp("10")
	_, _ = c.Write([]byte(outer("Content-Length: 0") + inner))
	if text, _ := drain(c, 300*time.Millisecond); strings.Count(text, "SIP/2.0 200") != 2 {
		t.Errorf("two true requests got %q", text)
	}
	pbx.alive("smuggling")
	s.unharmed()
}

// Row 20, the log.
func TestAttackGarbageFillsNoLog(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "log: {level: debug}"})
	k := s.talk("anna", "21")
	pbx, stranger := s.peer("10", 5062), s.peer("66", 5060)
	size := func() int64 {
		info, err := os.Stat(s.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before, begun := size(), time.Now()
	r := rand.New(rand.NewPCG(20, 20))
	sent := 0
	for i := range scaled(20000, 400000) {
		var b []byte
		switch i % 4 {
		case 0:
			b = make([]byte, 200+r.IntN(1000))
			for j := range b {
				b[j] = byte(r.IntN(256))
			}
		case 1:
			b = []byte("INVITE sip:\x1b[31m" + strings.Repeat("A", 800) + " SIP/2.0\r\nFrom: \x1b]0;owned\x07\r\n\r\n")
		case 2:
			b = []byte("REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP " + strings.Repeat("x", 500) + "\r\n\r\n")
		default:
			b = []byte(pbx.request("BYE", s.uri("nobody"), pbx.newIDs("<sip:a@h>", "<sip:b@h>"), "", "CSeq: 1 INVITE"))
		}
		from := stranger
		if i%2 == 0 {
			from = pbx
		}
		from.send(string(b))
		sent += len(b)
		if i%500 == 499 {
			pbx.alive("garbage")
		}
	}
	k.hears("garbage", 25)
	grown, took := size()-before, time.Since(begun)
	t.Logf("%.1f MB of garbage in %v left %d bytes of log", float64(sent)/1e6, took.Round(time.Millisecond), grown)
	if limit := int64(5000 + 3000*took.Seconds()); grown > limit {
		t.Errorf("%d bytes of log, want less than %d", grown, limit)
	}
	log, err := os.ReadFile(s.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(log, func(c byte) bool { return c < ' ' && c != '\n' || c == 0x7f }); i >= 0 {
		t.Errorf("control byte 0x%02x in the log", log[i])
	}
	s.unharmed()
}

// Row 20, the record.
func TestAttackWhatACallerWritesIsQuotedInTheExport(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "log: {level: debug}"})
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	users := []string{"=cmd|'/C calc'!A0", `a"b,c`, "+46701740605", "-1+1", "@SUM(A1)", "%0d%0a%1b[31m", "%22%2c%0a=1", "\tx", "1;2", "%c2%85%e2%80%a8x"}
	for n, user := range users {
		i := pbx.trunkIDs()
		res := pbx.ask("INVITE", pbx.invite(i, 6000, fmt.Sprintf(`From: "=HYPERLINK(\"x\"), %d" <sip:%s@h>;tag=%s`, n, strings.ReplaceAll(user, `"`, "%22"), i.fromTag)))
		if res.code() == 200 {
			i.toTag = tagIn(res.header("To"))
			target := strings.Trim(res.header("Contact"), "<>")
			pbx.send(pbx.request("ACK", target, i, "", fmt.Sprintf("From: <sip:x@h>;tag=%s", i.fromTag)))
			i.seq++
			pbx.ask("BYE", pbx.request("BYE", target, i, ""))
		}
	}
	s.awaitMetric("telefonist_calls_active 0")
	lines := s.calls()
	text := s.cli("calls", "export", "--format", "csv", "--store", filepath.Join(s.dir, "data"))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatalf("the CSV cannot be read back: %v\n%q", err, text)
	}
	if len(rows) != len(lines)+1 || len(lines) == 0 {
		t.Fatalf("%d rows, %d calls", len(rows), len(lines))
	}
	t.Logf("%d of %d callers became records", len(lines), len(users))
	caller := slices.Index(rows[0], "caller")
	for n, row := range rows[1:] {
		for c, field := range row {
			if field != "" && strings.ContainsRune("=@\t\r-", rune(field[0])) || regexp.MustCompile(`[\x00-\x1f\x7f]`).MatchString(field) {
				t.Errorf("row %d, %s: %q is a formula or has a control byte", n, rows[0][c], field)
			}
			if strings.HasPrefix(field, "+") && !regexp.MustCompile(`^\+\d+$`).MatchString(field) {
				t.Errorf("row %d, %s: %q is a formula", n, rows[0][c], field)
			}
		}
		if got, want := strings.TrimPrefix(row[caller], "'"), lines[n].Caller; got != strings.TrimPrefix(want, "'") {
			t.Errorf("row %d: caller %q in CSV, %q in JSON", n, got, want)
		}
	}
	log, err := os.ReadFile(s.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(log, func(c byte) bool { return c < ' ' && c != '\n' || c == 0x7f }); i >= 0 {
		t.Errorf("control byte 0x%02x in the log", log[i])
	}
	if strings.Contains(string(log), "0701740605") || strings.Contains(string(log), "46701740605") {
		t.Error("a telephone number stands in the log unmasked")
	}
	s.unharmed()
}
