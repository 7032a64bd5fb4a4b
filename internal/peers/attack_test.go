package peers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// soak says that floods run at their full scale.
var soak = os.Getenv("TELEFONIST_SOAK") != ""

// init keeps apart the networks of several runs at the same time: each takes the first quarter that nobody has.
func init() {
	for quarter := range int32(4) {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.20.%d.254:5999", quarter*62)); err == nil {
			held = l
			net127.Store(quarter * 62)
			return
		}
	}
}

// held is what says that a quarter is taken.
var held net.Listener

// scaled returns full in a soak, else small.
func scaled(small, full int) int {
	if soak {
		return full
	}
	return small
}

// message is one SIP message as it stood on the wire.
type msg struct {
	raw  string
	from *net.UDPAddr
}

func (m msg) start() string { first, _, _ := strings.Cut(m.raw, "\r\n"); return first }

func (m msg) method() string {
	first, _, _ := strings.Cut(m.raw, " ")
	if first == "SIP/2.0" {
		return ""
	}
	return first
}

// code is 0 for a request.
func (m msg) code() int {
	if f := strings.Fields(m.start()); len(f) > 1 && f[0] == "SIP/2.0" {
		n, _ := strconv.Atoi(f[1])
		return n
	}
	return 0
}

func (m msg) head() string { head, _, _ := strings.Cut(m.raw, "\r\n\r\n"); return head }

func (m msg) all(name string) []string {
	var out []string
	for _, line := range strings.Split(m.head(), "\r\n")[1:] {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

func (m msg) header(name string) string {
	if all := m.all(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (m msg) body() string { _, body, _ := strings.Cut(m.raw, "\r\n\r\n"); return body }

var tagPattern = regexp.MustCompile(`;tag=([^;>\s]+)`)

func tagIn(value string) string {
	if m := tagPattern.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	return ""
}

func (m msg) is(method string) bool { return m.method() == method }

// answers tells whether m is a final response to a request with that method and Call-ID.
func (m msg) answers(method, callID string) bool {
	return m.code() >= 200 && strings.HasSuffix(m.header("CSeq"), " "+method) && m.header("Call-ID") == callID
}

// rebuilt renders a message: each of extra replaces the default header of its name, or adds one; "-Name" takes one away.
func rebuilt(start string, headers []string, body string, extra ...string) string {
	headers = append(slices.Clone(headers), "Content-Length: "+strconv.Itoa(len(body)))
	replaced := map[string]bool{}
	for _, e := range extra {
		name, _, _ := strings.Cut(strings.TrimPrefix(e, "-"), ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if !replaced[name] {
			replaced[name] = true
			headers = slices.DeleteFunc(headers, func(h string) bool {
				n, _, _ := strings.Cut(h, ":")
				return strings.ToLower(n) == name
			})
		}
		if !strings.HasPrefix(e, "-") {
			headers = append(headers, e)
		}
	}
	return start + "\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// peer is a raw speaker of SIP on a UDP socket of its own.
type peer struct {
	t    *testing.T
	s    *server
	host string
	port int
	udp  *net.UDPConn
	// reply makes an answer to a message as it comes; "" for none. Set before anything is sent.
	reply func(m msg) string

	mu       sync.Mutex // protects what follows
	seen     []msg
	taken    []bool
	arrived  chan struct{} // closed and replaced with each message
	bytesIn  int
	bytesOut int
}

func (s *server) peer(last string, port int) *peer {
	s.t.Helper()
	p := &peer{t: s.t, s: s, host: s.net + last, port: port, arrived: make(chan struct{})}
	p.udp = s.udp(last, port)
	p.port = p.udp.LocalAddr().(*net.UDPAddr).Port
	done := make(chan struct{})
	go func() { defer close(done); p.read() }()
	s.t.Cleanup(func() { p.udp.Close(); <-done })
	return p
}

func (s *server) udp(last string, port int) *net.UDPConn {
	s.t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(s.net + last), Port: port})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = c.SetReadBuffer(8 << 20)
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *server) addr() *net.UDPAddr {
	return &net.UDPAddr{IP: net.ParseIP(s.net + "1"), Port: 5060}
}

func (p *peer) read() {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.udp.ReadFromUDP(buf)
		if err != nil {
			return
		}
		m := msg{string(buf[:n]), from}
		p.mu.Lock()
		p.bytesIn += n
		p.seen, p.taken = append(p.seen, m), append(p.taken, false)
		reply := p.reply
		close(p.arrived)
		p.arrived = make(chan struct{})
		p.mu.Unlock()
		if reply != nil {
			if text := reply(m); text != "" {
				p.send(text)
			}
		}
	}
}

func (p *peer) send(text string) {
	p.mu.Lock()
	p.bytesOut += len(text)
	p.mu.Unlock()
	_, _ = p.udp.WriteToUDP([]byte(text), p.s.addr())
}

func (p *peer) sent() (in, out int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytesIn, p.bytesOut
}

// find waits for a message that nobody has taken before; false when it does not come in time.
func (p *peer) find(limit time.Duration, is func(msg) bool) (msg, bool) {
	deadline := time.After(limit)
	for {
		p.mu.Lock()
		for i, m := range p.seen {
			if !p.taken[i] && is(m) {
				p.taken[i] = true
				p.mu.Unlock()
				return m, true
			}
		}
		more := p.arrived
		p.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			return msg{}, false
		}
	}
}

func (p *peer) await(what string, is func(msg) bool) msg {
	p.t.Helper()
	m, ok := p.find(20*time.Second, is)
	if !ok {
		p.t.Fatalf("%s:%d waits in vain for %s; it got:\n%s", p.host, p.port, what, p.story())
	}
	return m
}

// messages returns all that came and fits.
func (p *peer) messages(is func(msg) bool) []msg {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []msg
	for _, m := range p.seen {
		if is(m) {
			out = append(out, m)
		}
	}
	return out
}

func (p *peer) story() string {
	var b strings.Builder
	all := p.messages(func(msg) bool { return true })
	if len(all) > 12 {
		all = all[len(all)-12:]
	}
	for _, m := range all {
		b.WriteString(m.raw + "\n----\n")
	}
	return b.String()
}

var serial atomic.Int64

// ids are what a request says of its dialog.
type ids struct {
	callID           string
	from, to         string // name-addr without tag
	fromTag, toTag   string
	seq              int
	branch           string
	network, contact string // network "UDP" by default
}

func (p *peer) newIDs(from, to string) ids {
	n := serial.Add(1)
	return ids{callID: fmt.Sprintf("attack-%d-%d@%s", os.Getpid(), n, p.host), from: from, to: to, fromTag: fmt.Sprintf("f%d", n), seq: 1}
}

func (p *peer) uri(user string) string { return fmt.Sprintf("sip:%s@%s:%d", user, p.host, p.port) }

func (p *peer) request(method, uri string, i ids, body string, extra ...string) string {
	if i.branch == "" {
		i.branch = fmt.Sprintf("z9hG4bK%d", serial.Add(1))
	}
	to, network := i.to, i.network
	if i.toTag != "" {
		to += ";tag=" + i.toTag
	}
	if network == "" {
		network = "UDP"
	}
	headers := []string{
		fmt.Sprintf("Via: SIP/2.0/%s %s:%d;branch=%s;rport", network, p.host, p.port, i.branch),
		"From: " + i.from + ";tag=" + i.fromTag, "To: " + to, "Call-ID: " + i.callID, fmt.Sprintf("CSeq: %d %s", i.seq, method),
		fmt.Sprintf("Contact: <sip:peer@%s:%d>", p.host, p.port), "Max-Forwards: 70",
	}
	if strings.HasPrefix(body, "v=0") {
		headers = append(headers, "Content-Type: application/sdp")
	}
	return rebuilt(method+" "+uri+" SIP/2.0", headers, body, extra...)
}

// response answers a request with our tag.
func (p *peer) response(m msg, code int, phrase, tag, body string, extra ...string) string {
	var headers []string
	for _, v := range m.all("Via") {
		headers = append(headers, "Via: "+v)
	}
	for _, v := range m.all("Record-Route") {
		headers = append(headers, "Record-Route: "+v)
	}
	to := m.header("To")
	if tagIn(to) == "" && code > 100 {
		to += ";tag=" + tag
	}
	headers = append(headers, "From: "+m.header("From"), "To: "+to, "Call-ID: "+m.header("Call-ID"), "CSeq: "+m.header("CSeq"),
		fmt.Sprintf("Contact: <sip:peer@%s:%d>", p.host, p.port))
	if strings.HasPrefix(body, "v=0") {
		headers = append(headers, "Content-Type: application/sdp")
	}
	return rebuilt(fmt.Sprintf("SIP/2.0 %d %s", code, phrase), headers, body, extra...)
}

// courteous answers what a peer in a call has to answer whatever the test is about.
func (p *peer) courteous(m msg) string {
	switch m.method() {
	case "BYE", "NOTIFY", "OPTIONS", "CANCEL":
		return p.response(m, 200, "OK", "x", "")
	}
	return ""
}

// sdp is a description for audio on a host and port.
func sdp(host string, port int, more ...string) string {
	return strings.Join(append([]string{"v=0", "o=- 1 1 IN IP4 " + host, "s=-", "c=IN IP4 " + host, "t=0 0",
		fmt.Sprintf("m=audio %d RTP/AVP 8 0 101", port), "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000"}, more...), "\r\n") + "\r\n"
}

const number = "+46850000001"

func (s *server) uri(user string) string { return "sip:" + user + "@" + s.net + "1:5060" }

// trunkIDs are those of a new call from the trunk.
func (p *peer) trunkIDs() ids {
	return p.newIDs(fmt.Sprintf("<sip:0701740605@%s>", p.host), fmt.Sprintf("<%s>", p.s.uri(number)))
}

// invite is a new call from the trunk, with audio on port.
func (p *peer) invite(i ids, port int, extra ...string) string {
	return p.request("INVITE", p.s.uri(number), i, sdp(p.host, port), extra...)
}

// ask sends a request and waits for the final response.
func (p *peer) ask(method, text string) msg {
	p.t.Helper()
	id := msg{raw: text}.header("Call-ID")
	p.send(text)
	return p.await("an answer to "+method, func(m msg) bool { return m.answers(method, id) })
}

// options asks from the trunk whether the server is there.
func (p *peer) options() string {
	return p.request("OPTIONS", p.s.uri("ping"), p.newIDs("<sip:ping@"+p.host+">", "<"+p.s.uri("ping")+">"), "")
}

// alive fails the test unless the server answers OPTIONS of the trunk within a second.
func (p *peer) alive(after string) {
	p.t.Helper()
	text := p.options()
	id := msg{raw: text}.header("Call-ID")
	begun := time.Now()
	p.send(text)
	if _, ok := p.find(5*time.Second, func(m msg) bool { return m.answers("OPTIONS", id) && m.code() == 200 }); !ok {
		p.t.Fatalf("no answer to OPTIONS after %s", after)
	}
	if took := time.Since(begun); took > time.Second {
		p.t.Errorf("OPTIONS after %s took %v", after, took)
	}
}

var panicsLine = regexp.MustCompile(`(?m)^(telefonist_\w*panics_total) (\S+)$`)

// unharmed checks what must hold after every attack.
func (s *server) unharmed() {
	s.t.Helper()
	found := panicsLine.FindAllStringSubmatch(s.metrics(), -1)
	if len(found) < 3 {
		s.t.Errorf("metrics of panics: %v", found)
	}
	for _, f := range found {
		if f[2] != "0" {
			s.t.Errorf("%s is %s", f[1], f[2])
		}
	}
	select {
	case err := <-s.exited:
		s.exited <- err
		s.t.Fatalf("server ended: %v", err)
	default:
	}
}

// metric reads one line of /metrics.
func (s *server) metric(series string) float64 {
	s.t.Helper()
	for line := range strings.SplitSeq(s.metrics(), "\n") {
		if v, ok := strings.CutPrefix(line, series+" "); ok {
			f, _ := strconv.ParseFloat(v, 64)
			return f
		}
	}
	s.t.Fatalf("no metric %s", series)
	return 0
}

// memory reads a field of /proc/PID/status in MiB: VmRSS or VmHWM.
func (s *server) memory(field string) float64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// authorize adds the digest that a challenge asks for to a request that was refused with it.
func authorize(t *testing.T, text string, challenge msg, user, password string) string {
	t.Helper()
	value, name := challenge.header("WWW-Authenticate"), "Authorization"
	if value == "" {
		value, name = challenge.header("Proxy-Authenticate"), "Proxy-Authorization"
	}
	return withDigest(t, text, value, name, user, password, 1)
}

func withDigest(t *testing.T, text, challenge, name, user, password string, count int) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatalf("challenge %q: %v", challenge, err)
	}
	f := strings.Fields(text)
	cred, err := digest.Digest(c, digest.Options{Method: f[0], URI: f[1], Username: user, Password: password, Count: count, Cnonce: "abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	return renumbered(strings.Replace(text, "\r\nContent-Length:", "\r\n"+name+": "+cred.String()+"\r\nContent-Length:", 1))
}

var (
	branchPattern = regexp.MustCompile(`branch=z9hG4bK[^;\s]+`)
	cseqPattern   = regexp.MustCompile(`CSeq: (\d+)`)
)

// renumbered gives a request a new branch and the next sequence number.
func renumbered(text string) string {
	text = branchPattern.ReplaceAllString(text, fmt.Sprintf("branch=z9hG4bK%d", serial.Add(1)))
	return cseqPattern.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.Atoi(strings.TrimPrefix(s, "CSeq: "))
		return fmt.Sprintf("CSeq: %d", n+1)
	})
}

// registration is a REGISTER without credentials.
func (p *peer) registration(user string) string {
	aor := fmt.Sprintf("<sip:%s@%s1>", user, p.s.net)
	return p.request("REGISTER", "sip:"+p.s.net+"1", p.newIDs(aor, aor), "", fmt.Sprintf("Contact: <sip:%s@%s:%d>", user, p.host, p.port), "Expires: 600")
}

// enlist registers the phone of an agent and returns the final code.
func (p *peer) enlist(user, password string) int {
	p.t.Helper()
	text := p.registration(user)
	res := p.ask("REGISTER", text)
	if res.code() == 401 {
		text = authorize(p.t, text, res, user, password)
		p.send(text)
		seq := msg{raw: text}.header("CSeq")
		res = p.await("an answer to the second REGISTER", func(m msg) bool {
			return m.code() >= 200 && m.header("CSeq") == seq && m.header("Call-ID") == res.header("Call-ID")
		})
	}
	return res.code()
}

// agentPhone is a registered phone.
func (s *server) agentPhone(agent, last string) *peer {
	s.t.Helper()
	p := s.peer(last, 5070)
	p.reply = p.courteous
	if code := p.enlist(agent, agent+"-secret"); code != 200 {
		s.t.Fatalf("REGISTER of %s: %d", agent, code)
	}
	return p
}

// talk is a caller on the trunk in conversation with an agent, with audio both ways.
type talk struct {
	caller, phone         *peer
	call                  ids // as the caller sends them
	target                string
	rtp                   *net.UDPAddr // of ours, towards the caller
	leg                   ids          // as the phone sends them
	legTarget             string
	callerRTP, phoneRTP   *net.UDPConn
	callerGets, phoneGets atomic.Int64
	// Further headers of the caller's INVITE and of the phone's 200.
	inviteHas, answerHas []string
}

// talk places a call from the trunk that the phone answers.
func (s *server) talk(agent, last string) *talk {
	s.t.Helper()
	k := &talk{caller: s.peer("10", 5060), phone: s.agentPhone(agent, last)}
	s.awaitAgents(1, "available")
	k.caller.reply = k.caller.courteous
	k.place(s)
	s.awaitAgents(1, "talking")
	k.hears("the answer", 3) // which is durable then
	return k
}

// place sends the INVITE, answers it at the phone, and starts the audio.
func (k *talk) place(s *server) {
	s.t.Helper()
	k.callerRTP, k.phoneRTP = s.udp("10", 0), s.udp(strings.TrimPrefix(k.phone.host, s.net), 0)
	port := k.callerRTP.LocalAddr().(*net.UDPAddr).Port
	k.call = k.caller.trunkIDs()
	ok := k.caller.ask("INVITE", k.caller.invite(k.call, port, k.inviteHas...))
	if ok.code() != 200 {
		s.t.Fatalf("call not taken:\n%s", ok.raw)
	}
	k.call.toTag = tagIn(ok.header("To"))
	k.target, k.rtp = strings.Trim(ok.header("Contact"), "<>"), rtpOf(ok.body())
	k.caller.send(k.caller.request("ACK", k.target, k.call, ""))
	invite := k.phone.await("an INVITE", func(m msg) bool { return m.is("INVITE") })
	k.answer(invite, sdp(k.phone.host, k.phoneRTP.LocalAddr().(*net.UDPAddr).Port))
	k.pump(s, k.callerRTP, rtpOf(ok.body()), &k.callerGets)
	k.pump(s, k.phoneRTP, rtpOf(invite.body()), &k.phoneGets)
}

// answer lets the phone answer with a description.
func (k *talk) answer(invite msg, body string) {
	k.phone.send(k.phone.response(invite, 180, "Ringing", "p1", ""))
	k.phone.send(k.phone.response(invite, 200, "OK", "p1", body, k.answerHas...))
	k.phone.await("an ACK", func(m msg) bool { return m.is("ACK") })
	k.leg = ids{callID: invite.header("Call-ID"), from: strings.Replace(invite.header("To"), ";tag=p1", "", 1), fromTag: "p1",
		to: strings.Split(invite.header("From"), ";tag=")[0], toTag: tagIn(invite.header("From")), seq: 100}
	k.legTarget = strings.Trim(invite.header("Contact"), "<>")
}

// rtpOf returns where a description wants its audio.
func rtpOf(body string) *net.UDPAddr {
	a := &net.UDPAddr{}
	for line := range strings.SplitSeq(body, "\r\n") {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "c=IN" {
			a.IP = net.ParseIP(f[2])
		} else if len(f) > 1 && f[0] == "m=audio" {
			a.Port, _ = strconv.Atoi(f[1])
		}
	}
	return a
}

// pump sends a packet each 20 ms and counts what comes.
func (k *talk) pump(s *server, c *net.UDPConn, to *net.UDPAddr, gets *atomic.Int64) {
	ctx := s.t.Context()
	go func() {
		packet := append([]byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, byte(to.Port)}, bytes.Repeat([]byte{0xd5}, 160)...)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			packet[2], packet[3] = byte(n>>8), byte(n)
			ts := n * 160
			packet[4], packet[5], packet[6], packet[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
			if _, err := c.WriteToUDP(packet, to); err != nil {
				return
			}
			<-tick.C
		}
	}()
	go func() {
		buf := make([]byte, 2048)
		for {
			if _, _, err := c.ReadFromUDP(buf); err != nil {
				return
			}
			gets.Add(1)
		}
	}()
}

// hears fails the test unless audio arrives on both sides: at least n packets more on each, which take n*20 ms.
func (k *talk) hears(after string, n int64) {
	k.caller.t.Helper()
	a, b := k.callerGets.Load(), k.phoneGets.Load()
	begun := time.Now()
	k.caller.s.await("audio both ways after "+after, func() bool { return k.callerGets.Load() >= a+n && k.phoneGets.Load() >= b+n })
	if took := time.Since(begun); took > time.Duration(n)*20*time.Millisecond+2*time.Second {
		k.caller.t.Errorf("%d packets took %v after %s", n, took, after)
	}
}

// inDialog is a request of the caller in its dialog.
func (k *talk) inDialog(method, body string, extra ...string) string {
	k.call.seq++
	return k.caller.request(method, k.target, k.call, body, extra...)
}

// fromPhone is a request of the phone in its dialog.
func (k *talk) fromPhone(method, body string, extra ...string) string {
	k.leg.seq++
	return k.phone.request(method, k.legTarget, k.leg, body, extra...)
}

// hangup ends the call by the caller and waits until it is over.
func (k *talk) hangup() {
	k.caller.t.Helper()
	if res := k.caller.ask("BYE", k.inDialog("BYE", "")); res.code() != 200 {
		k.caller.t.Errorf("BYE: %s", res.start())
	}
	k.caller.s.awaitMetric("telefonist_calls_active 0")
}

// port is the port of a socket.
func port(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
