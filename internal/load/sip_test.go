//go:build linux && (amd64 || arm64)

package load

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// message is what we need of a SIP message.
type sipMessage struct {
	line   string
	via    []string
	header map[string]string // by lower-case name; the last of each
	body   string
}

func parseSIP(b []byte) (m sipMessage) {
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m = sipMessage{line: lines[0], header: map[string]string{}, body: body}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "via" {
			m.via = append(m.via, value)
		}
		m.header[name] = value
	}
	return m
}

// audio is where a session description says that audio goes.
func (m sipMessage) audio() netip.AddrPort {
	var ip string
	var port uint16
	for l := range strings.Lines(m.body) {
		fmt.Sscanf(l, "c=IN IP4 %s", &ip)
		fmt.Sscanf(l, "m=audio %d ", &port)
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, port)
}

// side is the far side of SIP: a trunk or the phones of all agents, on one socket. It is as lean as it can be, and knows
// no retransmission: on loopback nothing is lost while the server keeps up.
type side struct {
	t      testing.TB
	conn   *net.UDPConn
	here   netip.AddrPort
	server netip.AddrPort
	far    func() netip.AddrPort // the next far side of the generator
	done   sync.WaitGroup

	mu      sync.Mutex
	calls   map[string]*talk // by Call-ID
	made    int
	answers map[string]chan sipMessage // by Call-ID, of REGISTER
	up      chan *talk                 // calls that stand
	down    chan *talk                 // calls that are over
	changed chan *talk                 // calls whose re-INVITE was answered
}

// talk is one call of a side.
type talk struct {
	id, from, to, target string // target only where we called
	stream               Stream
	cseq                 int    // of our last request, where we called
	direction            string // of our last description; empty for sendrecv
	answered             bool
	response             string
}

func newSide(t testing.TB, at, server netip.AddrPort, far func() netip.AddrPort) *side {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	s := &side{t: t, conn: conn, here: at, server: server, far: far, calls: map[string]*talk{},
		answers: map[string]chan sipMessage{}, up: make(chan *talk, 10000), down: make(chan *talk, 10000), changed: make(chan *talk, 10000)}
	s.done.Go(s.read)
	return s
}

func (s *side) close() {
	s.conn.Close()
	s.done.Wait()
}

func (s *side) read() {
	buf := make([]byte, 65536)
	for {
		n, _, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n > 4 {
			s.take(parseSIP(buf[:n]))
		}
	}
}

func (s *side) send(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")
	_, _ = s.conn.WriteToUDPAddrPort([]byte(text), s.server)
}

func (s *side) take(m sipMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[m.header["call-id"]]
	method, _, _ := strings.Cut(m.line, " ")
	switch {
	case strings.HasPrefix(m.line, "SIP/2.0 "):
		s.takeResponse(m, c)
	case method == "INVITE" && c == nil:
		c = &talk{id: m.header["call-id"], stream: s.stream(m.audio())}
		s.calls[c.id] = c
		c.response = s.reply(m, "200 OK", ";tag=p"+c.id[:min(8, len(c.id))], s.describe(c))
		s.send("%s", c.response)
	case method == "INVITE":
		s.send("%s", c.response) // again
	case method == "ACK" && c != nil && !c.answered:
		c.answered = true
		s.up <- c
	case method == "ACK":
	default:
		s.send("%s", s.reply(m, "200 OK", "", ""))
		if method == "BYE" && c != nil {
			delete(s.calls, c.id)
			s.down <- c
		}
	}
}

func (s *side) takeResponse(m sipMessage, c *talk) {
	if ch := s.answers[m.header["call-id"]]; ch != nil {
		ch <- m
		return
	}
	cseq := m.header["cseq"]
	switch {
	case c == nil || strings.HasPrefix(m.line, "SIP/2.0 1"):
	case strings.HasSuffix(cseq, "BYE"):
		delete(s.calls, c.id)
		s.down <- c
	case !strings.HasPrefix(m.line, "SIP/2.0 200"):
		s.t.Errorf("call refused: %s", m.line)
	default:
		c.to = m.header["to"]
		c.target = strings.Trim(m.header["contact"], "<>")
		s.send("ACK %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa%s%d\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d ACK\nMax-Forwards: 70\nContent-Length: 0\n\n",
			c.target, s.here, c.id, c.cseq, c.from, c.to, c.id, c.cseq)
		c.stream.To = m.audio()
		if !c.answered {
			c.answered = true
			s.up <- c
		} else if cseq == fmt.Sprintf("%d INVITE", c.cseq) {
			s.changed <- c
		}
	}
}

// stream is the next stream of this side. s.mu is held.
func (s *side) stream(to netip.AddrPort) Stream {
	s.made++
	return Stream{From: s.far(), To: to}
}

func (s *side) describe(c *talk) string {
	a := c.stream.From
	return fmt.Sprintf("v=0\no=load 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio %d RTP/AVP 8 101\n"+
		"a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=ptime:20\n%s", a.Addr(), a.Addr(), a.Port(), c.direction)
}

func (s *side) reply(m sipMessage, status, tag, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\n", status)
	for _, v := range m.via {
		fmt.Fprintf(&b, "Via: %s\n", v)
	}
	fmt.Fprintf(&b, "From: %s\nTo: %s%s\nCall-ID: %s\nCSeq: %s\nContact: <sip:phone@%s>\n", m.header["from"], m.header["to"], tag,
		m.header["call-id"], m.header["cseq"], s.here)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\n\n%s", len(body)+strings.Count(body, "\n"), body)
	return b.String()
}

// place calls the tenant's number.
func (s *side) place(n int, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &talk{id: fmt.Sprintf("load-%d-%d", s.made, n), cseq: 1, from: fmt.Sprintf("<sip:07000%05d@%s>;tag=t%d", n, s.here.Addr(), n),
		stream: s.stream(netip.AddrPort{})}
	s.calls[c.id] = c
	body := s.describe(c)
	s.send("INVITE sip:%[1]s@%[2]s SIP/2.0\nVia: SIP/2.0/UDP %[3]s;branch=z9hG4bKi%[4]s\nFrom: %[5]s\nTo: <sip:%[1]s@%[2]s>\n"+
		"Call-ID: %[4]s\nCSeq: 1 INVITE\nContact: <sip:pbx@%[3]s>\nMax-Forwards: 70\n"+
		"History-Info: <sip:+4684000001@%[6]s>;index=1\nContent-Type: application/sdp\nContent-Length: %[7]d\n\n%[8]s",
		number, s.server, s.here, c.id, c.from, s.here.Addr(), len(body)+strings.Count(body, "\n"), body)
}

// hangUp ends a call that was placed.
func (s *side) hangUp(c *talk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.cseq++
	s.send("BYE %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKb%s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d BYE\nMax-Forwards: 70\nContent-Length: 0\n\n",
		c.target, s.here, c.id, c.from, c.to, c.id, c.cseq)
}

// reinvite offers a call anew that was placed, from an address and with a direction, and waits for the answer.
func (s *side) reinvite(c *talk, from netip.AddrPort, direction string) {
	s.t.Helper()
	s.mu.Lock()
	c.cseq++
	c.stream.From, c.direction = from, "a="+direction+"\n"
	body := s.describe(c)
	s.send("INVITE %[1]s SIP/2.0\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKi%[3]s%[7]d\nFrom: %[4]s\nTo: %[5]s\nCall-ID: %[3]s\nCSeq: %[7]d INVITE\n"+
		"Contact: <sip:pbx@%[2]s>\nMax-Forwards: 70\nContent-Type: application/sdp\nContent-Length: %[8]d\n\n%[6]s",
		c.target, s.here, c.id, c.from, c.to, body, c.cseq, len(body)+strings.Count(body, "\n"))
	s.mu.Unlock()
	select {
	case <-s.changed:
	case <-time.After(patience):
		s.t.Fatal("a re-INVITE was not answered")
	}
}

// register registers an agent's phone at this side's address.
func (s *side) register(user, password string) error {
	id := "reg-" + user
	ch := make(chan sipMessage, 4)
	s.mu.Lock()
	s.answers[id] = ch
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.answers, id)
		s.mu.Unlock()
	}()
	uri := fmt.Sprintf("sip:%s", s.server.Addr())
	authorization := ""
	for seq := 1; seq <= 2; seq++ {
		s.send("REGISTER %[1]s SIP/2.0\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKr%[3]s%[4]d\nFrom: <sip:%[3]s@%[5]s>;tag=r\nTo: <sip:%[3]s@%[5]s>\n"+
			"Call-ID: %[6]s\nCSeq: %[4]d REGISTER\nContact: <sip:%[3]s@%[2]s>\nExpires: 3600\nMax-Forwards: 70\n%[7]sContent-Length: 0\n\n",
			uri, s.here, user, seq, s.server.Addr(), id, authorization)
		m := <-ch
		if strings.HasPrefix(m.line, "SIP/2.0 200") {
			return nil
		}
		chal, err := digest.ParseChallenge(m.header["www-authenticate"])
		if err != nil || seq == 2 {
			return fmt.Errorf("register %s: %s, %w", user, m.line, err)
		}
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: uri, Username: user, Password: password, Count: 1})
		if err != nil {
			return err
		}
		authorization = "Authorization: " + cred.String() + "\n"
	}
	return nil
}
