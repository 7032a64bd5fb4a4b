package peers

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Row 16.
func TestAttackATransferLeadsNowhereThatTheTenantMayNotCall(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	k := s.talk("anna", "21")
	// A second call, of a colleague.
	other := &talk{caller: s.peer("10", 5062), phone: s.agentPhone("bosse", "22")}
	other.caller.reply = other.caller.courteous
	s.awaitAgents(1, "available")
	other.place(s)
	s.awaitAgents(2, "talking")
	trunk, evil := s.peer("10", 5080), s.peer("66", 5060)
	trunk.reply = func(m msg) string {
		if m.is("INVITE") {
			return trunk.response(m, 486, "Busy Here", "t", "")
		}
		return ""
	}
	host := s.net + "1"
	replaces := func(i ids) string {
		return fmt.Sprintf("?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", strings.ReplaceAll(i.callID, "@", "%40"), i.toTag, i.fromTag)
	}
	for name, to := range map[string]string{
		"premium":                          "<sip:0900123456@" + host + ">",
		"premium by E.164":                 "<sip:+46900123456@" + host + ">",
		"premium as tel":                   "<tel:+46-900-123456>",
		"premium hidden by escapes":        "<sip:%30900123456@" + host + ">",
		"premium behind 00":                "<sip:0046900123456@" + host + ">",
		"satellite":                        "<sip:+881612345678@" + host + ">",
		"international network":            "<sip:+882161234567@" + host + ">",
		"abroad":                           "<sip:00441212345678@" + host + ">",
		"a number of the service":          "<sip:" + number + "@" + host + ">",
		"the service's own, without plus":  "<sip:0850000001@" + host + ">",
		"no user":                          "<sip:" + s.net + "66:5060>",
		"a name":                           "<sip:evil@" + s.net + "66>",
		"method BYE":                       "<sip:205@" + host + ";method=BYE>",
		"method REGISTER":                  "<sip:205@" + host + ";method=REGISTER>",
		"another scheme":                   "<http://" + s.net + "66/205>",
		"a line break":                     "<sip:205%0d%0aX-Evil:1@" + host + ">",
		"headers with a line break":        "<sip:205@" + host + "?Subject=a%0d%0aX-Evil:%201>",
		"a dial string":                    "<sip:205,0900123456@" + host + ">",
		"a long number":                    "<sip:" + strings.Repeat("9", 300) + "@" + host + ">",
		"a colleague's call":               "<sip:205@" + host + replaces(other.leg) + ">",
		"a colleague's call, tags swapped": "<sip:205@" + host + replaces(ids{callID: other.leg.callID, toTag: other.leg.fromTag, fromTag: other.leg.toTag}) + ">",
		"the caller's own leg":             "<sip:205@" + host + replaces(k.call) + ">",
		"the colleague's caller":           "<sip:205@" + host + replaces(other.call) + ">",
		"a call that is not there":         "<sip:205@" + host + "?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>",
	} {
		if res := k.refer(to); res.code() < 400 {
			t.Errorf("REFER to %s: %s", name, res.start())
		}
		if got := trunk.messages(func(m msg) bool { return m.is("INVITE") }); len(got) > 0 {
			t.Fatalf("REFER to %s dialled:\n%s", name, got[0].raw)
		}
	}
	for name, refer := range map[string]func() msg{
		"two targets":       func() msg { return k.refer("<sip:205@" + host + ">, <sip:206@" + host + ">") },
		"two headers":       func() msg { return k.refer("<sip:205@"+host+">", "Refer-To: <sip:0900123456@h>") },
		"outside a dialog":  func() msg { return outside(k.phone, "<sip:205@"+host+">") },
		"from the trunk":    func() msg { return outside(k.caller, "<sip:205@"+host+">") },
		"as the caller":     func() msg { return asCaller(k, "<sip:0900123456@"+host+">") },
		"as caller to evil": func() msg { return asCaller(k, "<sip:evil@"+s.net+"66>") },
	} {
		if res := refer(); res.code() < 400 {
			t.Errorf("REFER %s: %s", name, res.start())
		}
	}
	if got := trunk.messages(func(m msg) bool { return m.is("INVITE") }); len(got) > 0 {
		t.Fatalf("dialled:\n%s", got[0].raw)
	}
	// What a receptionist may do leads to the trunk whatever host she names, and no other header comes with it.
	if res := k.refer("<sip:205@" + s.net + "66:5060;transport=tcp;maddr=" + s.net + "66?Subject=x&X-Evil=1&Route=%3Csip:" + s.net + "66%3E>"); res.code() == 202 {
		t.Logf("an extension at a foreign host: %s", k.outcome())
	}
	for _, m := range trunk.messages(func(m msg) bool { return m.is("INVITE") }) {
		clean(t, m, "to the trunk")
		if strings.Contains(m.raw, s.net+"66") {
			t.Errorf("the foreign host leaves:\n%s", m.raw)
		}
	}
	if got := evil.messages(func(msg) bool { return true }); len(got) > 0 {
		t.Errorf("a foreign host was dialled:\n%s", got[0].raw)
	}
	k.hears("REFERs", 10)
	other.hears("REFERs", 10)
	other.hangup1()
	k.hangup()
	for _, c := range s.awaitCalls(2) {
		if c.Outcome != "answered" || c.Mediated {
			t.Errorf("record %+v", c)
		}
	}
	s.unharmed()
}

// hangup1 is hangup where other calls stand.
func (k *talk) hangup1() {
	k.caller.t.Helper()
	if res := k.caller.ask("BYE", k.inDialog("BYE", "")); res.code() != 200 {
		k.caller.t.Errorf("BYE: %s", res.start())
	}
}

func outside(p *peer, to string) msg {
	return p.ask("REFER", p.request("REFER", p.s.uri("x"), p.newIDs("<sip:anna@"+p.s.net+"1>", "<sip:x@h>"), "", "Refer-To: "+to))
}

func asCaller(k *talk, to string) msg {
	text := k.inDialog("REFER", "", "Refer-To: "+to)
	cseq := msg{raw: text}.header("CSeq")
	k.caller.send(text)
	return k.caller.await("an answer to REFER", func(m msg) bool { return m.code() >= 200 && m.header("CSeq") == cseq })
}

// Row 16, what comes in by a phone and by the trunk.
func TestAttackForwardedAndLoopingCallsLeadNowhere(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "queue: {max_misses: 0, retry_after: 0s}"})
	phone, trunk, evil := s.agentPhone("anna", "21"), s.peer("10", 5080), s.peer("66", 5060)
	s.awaitAgents(1, "available")
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	targets := []string{"sip:0900123456@" + s.net + "1", "sip:evil@" + s.net + "66:5060", "sip:anna@" + s.net + "21:5070", "sip:" + number + "@" + s.net + "1", "tel:+46900123456"}
	i := pbx.trunkIDs()
	res := pbx.ask("INVITE", pbx.invite(i, 6000))
	i.toTag = tagIn(res.header("To"))
	target := strings.Trim(res.header("Contact"), "<>")
	pbx.send(pbx.request("ACK", target, i, ""))
	for _, to := range targets {
		invite := phone.await("an INVITE", func(m msg) bool { return m.is("INVITE") })
		phone.send(phone.response(invite, 302, "Moved Temporarily", "p", "", "Contact: <"+to+">"))
		id := invite.header("Call-ID")
		phone.await("ACK", func(m msg) bool { return m.is("ACK") && m.header("Call-ID") == id })
	}
	i.seq++
	pbx.ask("BYE", pbx.request("BYE", target, i, ""))
	s.awaitMetric("telefonist_calls_active 0")
	for _, p := range []*peer{trunk, evil} {
		if got := p.messages(func(msg) bool { return true }); len(got) > 0 {
			t.Errorf("a redirection was followed:\n%s", got[0].raw)
		}
	}
	records := len(s.awaitCalls(1))
	final := func(extra ...string) msg {
		i := pbx.trunkIDs()
		res := pbx.ask("INVITE", pbx.invite(i, 6000, extra...))
		if res.code() == 200 {
			i.toTag = tagIn(res.header("To"))
			target := strings.Trim(res.header("Contact"), "<>")
			pbx.send(pbx.request("ACK", target, i, ""))
			i.seq++
			pbx.ask("BYE", pbx.request("BYE", target, i, ""))
			records++
		}
		return res
	}
	if res := final("Max-Forwards: 0"); res.code() != 483 {
		t.Errorf("no hops left: %s", res.start())
	}
	if res := final("Max-Forwards: 1"); res.code() != 200 {
		t.Errorf("one hop left: %s", res.start())
	}
	var loop []string
	for n := range 100 {
		loop = append(loop, fmt.Sprintf("Diversion: <sip:+4684000001@%s10>;reason=unconditional;counter=%d", s.net, n), fmt.Sprintf("History-Info: <sip:%s@%s1>;index=1.%d", number, s.net, n))
	}
	t.Logf("100 Diversion and History-Info: %s", final(loop...).start())
	t.Logf("counter of 2^31: %s", final("Diversion: <sip:+4684000001@h>;counter=99999999999999").start())
	// The same request by two ways is one call.
	same := pbx.trunkIDs()
	pbx.send(pbx.invite(same, 6000))
	pbx.send(pbx.invite(same, 6000))
	if res := pbx.await("482", func(m msg) bool { return m.code() == 482 }); res.header("Call-ID") != same.callID {
		t.Error(res.start())
	}
	ok := pbx.await("200", func(m msg) bool { return m.answers("INVITE", same.callID) && m.code() == 200 })
	same.toTag = tagIn(ok.header("To"))
	pbx.send(pbx.request("ACK", strings.Trim(ok.header("Contact"), "<>"), same, ""))
	same.seq++
	pbx.ask("BYE", pbx.request("BYE", strings.Trim(ok.header("Contact"), "<>"), same, ""))
	records++
	// An agent's own INVITE without a call of hers leads nowhere, right password or not.
	for _, user := range []string{"0900123456", "205", "00441212345678", "anna"} {
		i := phone.newIDs("<sip:anna@"+s.net+"1>", "<"+s.uri(user)+">")
		text := phone.request("INVITE", s.uri(user), i, sdp(phone.host, 6000))
		challenge := phone.ask("INVITE", text)
		signed := authorize(t, text, challenge, "anna", "anna-secret")
		cseq := msg{raw: signed}.header("CSeq")
		phone.send(signed)
		if res := phone.await("an answer", func(m msg) bool {
			return m.code() >= 200 && m.header("CSeq") == cseq && m.header("Call-ID") == i.callID
		}); res.code() < 400 {
			t.Errorf("a receptionist's INVITE to %s: %s", user, res.start())
		}
	}
	s.awaitMetric("telefonist_calls_active 0")
	s.awaitCalls(records)
	for _, p := range []*peer{trunk, evil} {
		if got := p.messages(func(msg) bool { return true }); len(got) > 0 {
			t.Errorf("%s was dialled:\n%s", p.host, got[0].raw)
		}
	}
	s.unharmed()
}

// listener counts connections and bytes that come to an address that we only name in messages.
type listener struct {
	mu  sync.Mutex
	got []string
}

func (s *server) trap(last string, ports ...int) *listener {
	s.t.Helper()
	l := &listener{}
	note := func(what string) { l.mu.Lock(); l.got = append(l.got, what); l.mu.Unlock() }
	for _, port := range ports {
		tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(s.net + last), Port: port})
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { tcp.Close() })
		go func() {
			for {
				c, err := tcp.Accept()
				if err != nil {
					return
				}
				note(fmt.Sprintf("TCP connection to port %d", port))
				c.Close()
			}
		}()
		udp := s.udp(last, port)
		go func() {
			buf := make([]byte, 65536)
			for {
				n, _, err := udp.ReadFromUDP(buf)
				if err != nil {
					return
				}
				note(fmt.Sprintf("UDP to port %d: %.200q", port, buf[:n]))
			}
		}()
	}
	return l
}

func (l *listener) all() []string { l.mu.Lock(); defer l.mu.Unlock(); return l.got }

// Row 19.
func TestAttackNobodyIsMadeToSendToAVictim(t *testing.T) {
	for _, policy := range []string{"drop", "answer"} {
		t.Run(policy, func(t *testing.T) {
			s := newServer(t, setup{agents: []string{"anna"}})
			s.reconfigure("sip: {", "sip: {unknown_source: "+policy+", ")
			victim := s.trap("77", 5060, 5061, 6000, 80)
			at := s.net + "77"
			pbx := s.peer("10", 5060)
			hostile := []string{
				"Contact: <sip:x@" + at + ":5061>", "Record-Route: <sip:" + at + ":5061;lr>", "Route: <sip:" + at + ";lr>", "P-Asserted-Identity: <sip:1@" + at + ">",
				"Call-Info: <http://" + at + "/>", "Alert-Info: <http://" + at + "/>", "Error-Info: <http://" + at + "/>", "Identity-Info: <http://" + at + "/>",
				"Reply-To: <sip:x@" + at + ">", "Event: presence", "Refer-To: <sip:205@" + at + ">",
			}
			vias := []string{
				"Via: SIP/2.0/UDP " + at + ":5060;branch=z9hG4bK%d", "Via: SIP/2.0/TCP " + at + ":5060;branch=z9hG4bK%d", "Via: SIP/2.0/UDP " + at + ";branch=z9hG4bK%d;rport",
				"Via: SIP/2.0/UDP " + s.net + "66:5060;branch=z9hG4bK%d;maddr=" + at, "Via: SIP/2.0/UDP " + s.net + "66:5060;branch=z9hG4bK%d;received=" + at,
				"Via: SIP/2.0/TCP " + at + ":80;branch=z9hG4bK%d;rport=5060;received=" + at,
			}
			methods := []string{"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "BYE", "REFER", "NOTIFY", "FOO"}
			in, out := 0, 0
			for n, from := range []string{"66", "67", "68"} {
				p := s.peer(from, 5060)
				for _, method := range methods {
					for _, via := range vias[n*2 : n*2+2] {
						aor := "<sip:anna@" + s.net + "1>"
						text := p.request(method, s.uri("anna"), p.newIDs(aor, aor), sdp(at, 6000), append([]string{fmt.Sprintf(via, serial.Add(1))}, hostile...)...)
						p.send(text)
						if c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(s.net + from)}, &net.TCPAddr{IP: s.addr().IP, Port: 5060}); err == nil {
							_, _ = c.Write([]byte(text))
							_ = c.SetLinger(0) // the answer finds no connection
							c.Close()
						}
					}
				}
				pbx.alive("messages that name a victim")
				a, b := p.sent()
				in, out = in+b, out+a
			}
			// The shortest messages, and their repetitions: what is answered is no larger than what came.
			var short []*peer
			for n, text := range []func(p *peer) string{
				func(p *peer) string { return p.registration("anna") },
				func(p *peer) string {
					return fmt.Sprintf("REGISTER sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK%d;rport\r\nf:<sip:a@a>;tag=1\r\nt:<sip:a@a>\r\ni:%d\r\nCSeq:1 REGISTER\r\n\r\n", serial.Add(1), serial.Add(1))
				},
				func(p *peer) string {
					return fmt.Sprintf("OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK%d;rport\r\nf:<sip:a@a>;tag=1\r\nt:<sip:a@a>\r\ni:%d\r\nCSeq:1 OPTIONS\r\n\r\n", serial.Add(1), serial.Add(1))
				},
				func(p *peer) string {
					return fmt.Sprintf("INVITE sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK%d;rport\r\nf:<sip:a@a>;tag=1\r\nt:<sip:a@a>\r\ni:%d\r\nm:<sip:a@a>\r\nCSeq:1 INVITE\r\n\r\n", serial.Add(1), serial.Add(1))
				},
				func(p *peer) string {
					return "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1;rport\r\n\r\n"
				},
				func(p *peer) string {
					return "X sip:a SIP/3.0\r\nv:SIP/2.0/UDP a;rport;branch=z9hG4bK1\r\nf:a\r\nt:a\r\ni:a\r\nCSeq:1 X\r\n\r\n"
				},
				func(p *peer) string { return "\r\n\r\n" }, func(p *peer) string { return "OPTIONS sip:a SIP/2.0\r\n\r\n" },
			} {
				p := s.peer(fmt.Sprint(90+n), 5060)
				short = append(short, p)
				for range 10 {
					p.send(text(p))
				}
			}
			// Answers that are not acknowledged are not repeated to a stranger.
			waiting := s.peer("98", 5060)
			waiting.send(waiting.request("INVITE", s.uri(number), waiting.newIDs("<sip:a@h>", "<sip:b@h>"), sdp(at, 6000)))
			time.AfterFunc(1200*time.Millisecond, func() { waiting.send(waiting.options()) })
			waiting.find(1500*time.Millisecond, func(msg) bool { return false })
			if got := waiting.messages(func(m msg) bool { return strings.HasSuffix(m.header("CSeq"), "INVITE") }); len(got) > 1 {
				t.Errorf("a stranger was answered %d times", len(got))
			}
			worst := 0.0
			for _, p := range short {
				got, sent := p.sent()
				in, out = in+sent, out+got
				worst = max(worst, float64(got)/float64(sent))
				if float64(got) > 1.25*float64(sent) { // a challenge is a little longer than the shortest REGISTER
					t.Errorf("%d bytes made %d:\n%s", sent, got, p.story())
				}
			}
			if got := victim.all(); len(got) > 0 {
				t.Errorf("the victim got %d things, first %s", len(got), got[0])
			}
			t.Logf("%d bytes of strangers made %d bytes; the largest factor of one kind was %.2f", in, out, worst)
			if out > in {
				t.Errorf("%d bytes in, %d out", in, out)
			}
			s.unharmed()
		})
	}
}

// Row 19, what a peer that we know may name.
func TestAttackATrunkCannotAimUsAtAThirdHost(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	victim := s.trap("77", 5060, 5061)
	at := s.net + "77"
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	// The phone says that it is reached at the victim; it is reached where its REGISTER came from.
	text := phone.registration("anna")
	signed := authorize(t, text, phone.ask("REGISTER", text), "anna", "anna-secret")
	for _, c := range [][]string{{"Contact: *", "Expires: 0"}, {"Contact: <sip:x@" + at + ":5061>"}} {
		signed = rebuiltWith(withoutDigest(signed), c...)
		if len(c) == 1 {
			signed = rebuiltWith(signed, "Expires: 600")
		}
		signed = authorize(t, signed, phone.ask("REGISTER", signed), "anna", "anna-secret")
		cseq := msg{raw: signed}.header("CSeq")
		phone.send(signed)
		if res := phone.await("an answer", func(m msg) bool { return m.code() >= 200 && m.header("CSeq") == cseq }); res.code() != 200 {
			t.Fatalf("%s: %s", c, res.start())
		}
	}
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	for _, extra := range [][]string{
		{"Contact: <sip:x@" + at + ":5061>"}, {"Record-Route: <sip:" + at + ":5061;lr>"}, {"Contact: <sip:x@" + s.net + "10:5060;maddr=" + at + ">"},
		{"Contact: <sip:x@" + at + ":5061;transport=tcp>"}, {"Record-Route: <sip:" + at + ";transport=tcp;lr>", "Contact: <sip:x@" + at + ">"},
	} {
		k := &talk{caller: pbx, phone: phone, inviteHas: extra, answerHas: []string{"Contact: <sip:x@" + at + ":5061>", "Record-Route: <sip:" + at + ";lr>"}}
		k.place(s)
		k.hears(extra[0], 3)
		if res := phone.ask("BYE", k.fromPhone("BYE", "")); res.code() != 200 { // our BYE to the caller follows
			t.Errorf("BYE of the phone: %s", res.start())
		}
		if _, ok := pbx.find(3*time.Second, func(m msg) bool { return m.is("BYE") && m.header("Call-ID") == k.call.callID }); !ok {
			t.Errorf("%s: no BYE to the trunk itself; it got\n%s", extra, pbx.story())
		}
		s.awaitAgents(1, "available")
	}
	if got := victim.all(); len(got) > 0 {
		t.Errorf("the victim got %d things, first %s", len(got), got[0])
	}
	s.unharmed()
}

// withoutDigest takes the credentials out of a request and numbers it anew.
func withoutDigest(text string) string {
	return renumbered(regexp.MustCompile(`(?m)^(Proxy-)?Authorization: .*\r\n`).ReplaceAllString(text, ""))
}

// rebuiltWith replaces headers of a request.
func rebuiltWith(text string, extra ...string) string {
	m := msg{raw: text}
	lines := strings.Split(m.head(), "\r\n")
	return rebuilt(lines[0], lines[1:], m.body(), append(extra, "Content-Length: "+strconv.Itoa(len(m.body())))...)
}
