package peers

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// reconfigure changes the configuration and restarts the server.
func (s *server) reconfigure(old, with string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, with, 1)
	if changed == string(text) {
		s.t.Fatalf("no %q in the configuration", old)
	}
	s.write("telefonist.yaml", changed)
	s.terminate()
	if err := s.awaitExit(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// withTrunkPassword gives the trunk credentials.
func (s *server) withTrunkPassword(realm string) {
	s.t.Helper()
	s.reconfigure("{name: pbx,", "{name: pbx, username: tele, password: trunk-secret-99, realm: "+realm+",")
}

// refer lets the phone connect the caller with a target; it returns the final response.
func (k *talk) refer(to string, extra ...string) msg {
	k.phone.t.Helper()
	text := k.fromPhone("REFER", "", append([]string{"Refer-To: " + to}, extra...)...)
	cseq := msg{raw: text}.header("CSeq")
	k.phone.send(text)
	return k.phone.await("an answer to REFER "+to, func(m msg) bool { return m.code() >= 200 && m.header("CSeq") == cseq })
}

// outcome waits for the NOTIFY that ends a transfer and returns what it tells.
func (k *talk) outcome() string {
	k.phone.t.Helper()
	m := k.phone.await("a final NOTIFY", func(m msg) bool {
		return m.is("NOTIFY") && strings.HasPrefix(m.header("Subscription-State"), "terminated")
	})
	return strings.TrimSpace(m.body())
}

// Row 6.
func TestAttackAPeerThatNeverHasEnoughIsGivenUpSoon(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.withTrunkPassword("pbx")
	k := s.talk("anna", "21")
	target := s.peer("10", 5080)
	var nonce atomic.Int64
	answers := map[string]func(m msg) string{
		"401 with a fresh nonce": func(m msg) string {
			return target.response(m, 401, "Unauthorized", fmt.Sprint(nonce.Add(1)), "", fmt.Sprintf(`WWW-Authenticate: Digest realm="pbx",nonce="n%d",stale=true`, nonce.Add(1)))
		},
		"407 with a fresh nonce": func(m msg) string {
			return target.response(m, 407, "Proxy Authentication Required", fmt.Sprint(nonce.Add(1)), "", fmt.Sprintf(`Proxy-Authenticate: Digest realm="pbx",nonce="n%d",qop="auth",algorithm=SHA-256`, nonce.Add(1)), fmt.Sprintf(`Proxy-Authenticate: Digest realm="pbx",nonce="n%d"`, nonce.Add(1)))
		},
		"422 with a longer interval each time": func(m msg) string {
			return target.response(m, 422, "Session Interval Too Small", fmt.Sprint(nonce.Add(1)), "", fmt.Sprintf("Min-SE: %d", 1000*nonce.Add(1)))
		},
		"302 to itself": func(m msg) string {
			return target.response(m, 302, "Moved", fmt.Sprint(nonce.Add(1)), "", "Contact: <"+target.uri("205")+">")
		},
		"302 elsewhere": func(m msg) string {
			return target.response(m, 302, "Moved", fmt.Sprint(nonce.Add(1)), "", "Contact: <sip:+882999@"+s.net+"66:5060>")
		},
		"305 elsewhere": func(m msg) string {
			return target.response(m, 305, "Use Proxy", fmt.Sprint(nonce.Add(1)), "", "Contact: <sip:"+s.net+"66:5060>")
		},
		"491":                             func(m msg) string { return target.response(m, 491, "Request Pending", "x", "") },
		"503":                             func(m msg) string { return target.response(m, 503, "Unavailable", "x", "", "Retry-After: 0") },
		"699 with bytes that are no text": func(m msg) string { return target.response(m, 699, "\xff\xfe", "x", "") },
	}
	elsewhere := s.peer("66", 5060)
	for name, answer := range answers {
		target.mu.Lock()
		before := len(target.seen)
		target.reply = func(m msg) string {
			switch m.method() {
			case "INVITE":
				return answer(m)
			case "CANCEL", "BYE":
				return target.response(m, 200, "OK", "x", "")
			}
			return ""
		}
		target.mu.Unlock()
		if res := k.refer("<sip:205@" + s.net + "1>"); res.code() != 202 {
			t.Fatalf("%s: REFER got %s", name, res.start())
		}
		outcome := k.outcome()
		target.mu.Lock()
		invites := map[string]bool{}
		for _, m := range target.seen[before:] {
			if m.is("INVITE") {
				invites[branchOf(m)] = true
			}
		}
		target.mu.Unlock()
		t.Logf("%s: %d INVITEs, then %s", name, len(invites), outcome)
		if len(invites) == 0 || len(invites) > 3 {
			t.Errorf("%s: %d INVITEs", name, len(invites))
		}
		if strings.Contains(outcome, " 200 ") {
			t.Errorf("%s: %s", name, outcome)
		}
		k.hears(name, 5)
	}
	if got := elsewhere.messages(func(msg) bool { return true }); len(got) > 0 {
		t.Errorf("a redirection was followed:\n%s", got[0].raw)
	}
	k.hangup()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.unharmed()
}

// Row 7.
func TestAttackAPhonesChallengeGetsNoCredentials(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "queue: {max_misses: 0, retry_after: 0s}"})
	s.withTrunkPassword("pbx")
	k := s.talk("anna", "21")
	challenge := func(p *peer) func(m msg) string {
		return func(m msg) string {
			if m.method() == "" || m.is("ACK") {
				return ""
			}
			code, name := 401, "WWW-Authenticate"
			if len(m.raw)%2 == 0 {
				code, name = 407, "Proxy-Authenticate"
			}
			return p.response(m, code, "Unauthorized", "x", "", name+`: Digest realm="pbx",nonce="evil",qop="auth"`, name+`: Digest realm="telefonist",nonce="evil"`, name+`: Basic realm="pbx"`)
		}
	}
	k.phone.mu.Lock()
	k.phone.reply = challenge(k.phone)
	k.phone.mu.Unlock()
	if res := k.refer("<sip:205@" + s.net + "1>"); res.code() != 202 { // the NOTIFYs are challenged
		t.Errorf("REFER: %s", res.start())
	}
	k.phone.await("a NOTIFY", func(m msg) bool { return m.is("NOTIFY") })
	k.hangup()
	k.phone.await("a BYE", func(m msg) bool { return m.is("BYE") })
	// A new call: the INVITE to the phone is challenged too.
	s.awaitAgents(1, "available")
	i := k.caller.trunkIDs()
	k.caller.mu.Lock()
	k.caller.reply = challenge(k.caller) // the caller's side of the trunk asks for the wrong realm
	k.caller.mu.Unlock()
	res := k.caller.ask("INVITE", k.caller.invite(i, 6000))
	i.toTag = tagIn(res.header("To"))
	target := strings.Trim(res.header("Contact"), "<>")
	k.caller.send(k.caller.request("ACK", target, i, ""))
	k.phone.await("an INVITE", func(m msg) bool { return m.is("INVITE") })
	i.seq++
	k.caller.ask("BYE", k.caller.request("BYE", target, i, ""))
	s.awaitMetric("telefonist_calls_active 0")
	for _, p := range []*peer{k.phone, k.caller} {
		for _, m := range p.messages(func(m msg) bool { return m.method() != "" }) {
			if m.header("Authorization") != "" || m.header("Proxy-Authorization") != "" || strings.Contains(m.raw, "tele\"") {
				if p == k.caller && strings.Contains(m.raw, `realm="pbx"`) {
					continue // the trunk itself, in its own realm
				}
				t.Errorf("credentials went to %s:\n%s", p.host, m.raw)
			}
		}
	}
	s.unharmed()
}

// masked takes out of a response what has to differ from one to the next.
func masked(m msg) string {
	text := m.raw
	for pattern, with := range map[string]string{`nonce="[^"]*"`: "nonce", `branch=[^;\s]+`: "branch", `tag=[^;>\s]+`: "tag", `Call-ID: \S+`: "Call-ID",
		`CSeq: \d+`: "CSeq", `sip:[^@>]+@`: "sip:user@", `rport=\d+`: "rport", `Date: .*`: "Date"} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}

// Row 9.
func TestAttackKnownAndUnknownUsersAreAnsweredAlike(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	known := s.agentPhone("bosse", "22") // a phone's host is answered more than a stranger is
	s.awaitAgents(1, "available")
	for _, from := range []*peer{s.peer("66", 5060), s.peer("22", 5099)} {
		shapes, times := map[string]map[string]int{}, map[string][]time.Duration{}
		for round := range 12 {
			for n, user := range []string{"anna", "101", "ANNA", "nobody", "999", "admin", "anna%00"} {
				whose := " of a known user"
				if n > 2 {
					whose = " of an unknown user"
				}
				first := ""
				for _, method := range []string{"REGISTER", "REGISTER with a wrong password", "INVITE", "INVITE with a wrong password", "OPTIONS", "SUBSCRIBE"} {
					if strings.HasPrefix(from.host, s.net+"66") && round > 0 {
						continue // its bucket is empty
					}
					verb, _, guess := strings.Cut(method, " ")
					aor := fmt.Sprintf("<sip:%s@%s1>", user, s.net)
					to := aor
					uri := "sip:" + user + "@" + s.net + "1"
					if verb == "REGISTER" {
						uri = "sip:" + s.net + "1"
					}
					text := from.request(verb, uri, from.newIDs(aor, to), "", "Subject: "+strings.Repeat("x", 30-len(user)))
					if guess && first != "" && round < 3 {
						text = withDigest(t, text, strings.Replace(first, ",algorithm=MD5", "", 1), map[string]string{"REGISTER": "Authorization", "INVITE": "Proxy-Authorization"}[verb], user, "wrong", 1)
					} else if guess {
						continue
					}
					id := msg{raw: text}.header("Call-ID")
					begun := time.Now()
					from.send(text)
					m, ok := from.find(150*time.Millisecond, func(m msg) bool { return m.answers(verb, id) })
					took := time.Since(begun)
					shape := "silence"
					if ok {
						shape = masked(m)
						times[method+whose] = append(times[method+whose], took)
						if first = m.header("WWW-Authenticate"); first == "" {
							first = m.header("Proxy-Authenticate")
						}
						from.send(from.request("ACK", uri, ids{callID: id, from: aor, to: to, fromTag: tagIn(m.header("From")), toTag: tagIn(m.header("To")), seq: 1, branch: branchOf(m)}, ""))
					}
					if shapes[method] == nil {
						shapes[method] = map[string]int{}
					}
					shapes[method][shape]++
				}
			}
		}
		for method, all := range shapes {
			if len(all) != 1 {
				t.Errorf("%s from %s is answered in %d ways:", method, from.host, len(all))
				for shape, n := range all {
					t.Logf("%d times\n%s", n, shape)
				}
			}
		}
		for method, all := range times {
			slices.Sort(all)
			t.Logf("from %s, %s: median %v of %d", from.host, method, all[len(all)/2], len(all))
		}
	}
	if got := known.messages(func(m msg) bool { return m.is("INVITE") }); len(got) > 0 {
		t.Error("a phone rang")
	}
	s.unharmed()
}

// Row 10.
func TestAttackGuessingLocksOutTheGuesserAndNotThePhone(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	guess := func(p *peer, password string) int {
		text := p.registration("anna")
		id := msg{raw: text}.header("Call-ID")
		p.send(text)
		m, ok := p.find(100*time.Millisecond, func(m msg) bool { return m.answers("REGISTER", id) })
		if !ok {
			return 0
		}
		text = authorize(t, text, m, "anna", password)
		seq := msg{raw: text}.header("CSeq")
		p.send(text)
		if m, ok = p.find(100*time.Millisecond, func(m msg) bool { return m.answers("REGISTER", id) && m.header("CSeq") == seq }); !ok {
			return 0
		}
		return m.code()
	}
	for a := range 30 {
		p := s.peer(fmt.Sprint(100+a), 0)
		for n := range 15 {
			if code := guess(p, fmt.Sprintf("guess-%d", n)); code == 200 {
				t.Fatal("a guess was right")
			}
		}
	}
	for _, from := range []string{"100", "66"} { // one that guessed, one that has not: the name is locked for both
		if code := guess(s.peer(from, 0), "anna-secret"); code == 200 {
			t.Errorf("the right password was taken from %s in the middle of an attack", from)
		}
	}
	if code := phone.enlist("anna", "anna-secret"); code != 200 {
		t.Errorf("the phone's own REGISTER got %d", code)
	}
	s.awaitAgents(1, "available")
	failed, locked := s.metric(`telefonist_registrar_auth_total{result="failed"}`), s.metric(`telefonist_registrar_auth_total{result="locked"}`)
	t.Logf("of 450 guesses %v were looked at, %v found the name or address locked", failed, locked)
	if failed > 30 || locked < 100 {
		t.Errorf("%v guesses were looked at, %v were locked out", failed, locked)
	}
	s.unharmed()
}

// Row 11.
func TestAttackForgedAndReplayedDigestsAreNotAccepted(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	fresh := func() (string, msg) { text := phone.registration("anna"); return text, phone.ask("REGISTER", text) }
	try := func(p *peer, text string) msg {
		t.Helper()
		f := msg{raw: text}
		p.send(text)
		m, _ := p.find(2*time.Second, func(m msg) bool {
			return m.answers("REGISTER", f.header("Call-ID")) && m.header("CSeq") == f.header("CSeq")
		})
		return m
	}
	text, ch := fresh()
	good := authorize(t, text, ch, "anna", "anna-secret")
	if res := try(phone, good); res.code() != 200 {
		t.Fatalf("good digest: %s", res.start())
	}
	again := renumbered(good)
	if res := try(phone, again); res.code() != 401 || !strings.Contains(res.header("WWW-Authenticate"), "stale=true") {
		t.Errorf("the same nonce and count twice: %s, %s", res.start(), res.header("WWW-Authenticate"))
	}
	// The same from another address, with that address in Via: what somebody who listens would send.
	other := s.peer("66", 5070)
	text, ch = fresh()
	stolen := strings.ReplaceAll(authorize(t, text, ch, "anna", "anna-secret"), "Via: SIP/2.0/UDP "+phone.host, "Via: SIP/2.0/UDP "+other.host)
	if res := try(other, stolen); res.code() == 200 {
		t.Error("a nonce of another address was taken")
	}
	value := func() string { _, ch := fresh(); return ch.header("WWW-Authenticate") }
	variants := map[string]func(string) string{
		"no qop": func(a string) string {
			return regexp.MustCompile(`,\s*(qop|nc|cnonce)=("[^"]*"|[^,\s]+)`).ReplaceAllString(a, "")
		},
		"auth-int":     func(a string) string { return strings.Replace(a, "qop=auth", "qop=auth-int", 1) },
		"MD5-sess":     func(a string) string { return a + ", algorithm=MD5-sess" },
		"nonce forged": func(a string) string { return regexp.MustCompile(`nonce="...`).ReplaceAllString(a, `nonce="AAA`) },
		"nonce empty":  func(a string) string { return regexp.MustCompile(`nonce="[^"]*"`).ReplaceAllString(a, `nonce=""`) },
		"response empty": func(a string) string {
			return regexp.MustCompile(`response="[^"]*"`).ReplaceAllString(a, `response=""`)
		},
		"username twice":      func(a string) string { return a + `, username="root"` },
		"uri of another user": func(a string) string { return strings.Replace(a, `uri="sip:`, `uri="sip:bosse@`, 1) },
		"8 KB":                func(a string) string { return a + `, x="` + strings.Repeat("A", 8192) + `"` },
		"quote left open":     func(a string) string { return a + `, opaque="` },
		"Basic":               func(string) string { return "Basic YW5uYTphbm5hLXNlY3JldA==" },
		"nothing":             func(string) string { return "Digest" },
		"10,000 commas":       func(string) string { return "Digest " + strings.Repeat(",", 10000) },
		"count of nine digits": func(a string) string {
			return regexp.MustCompile(`nc=[0-9a-f]+`).ReplaceAllString(a, "nc=1ffffffff")
		},
		"count zero": func(a string) string { return regexp.MustCompile(`nc=[0-9a-f]+`).ReplaceAllString(a, "nc=00000000") },
	}
	for name, change := range variants {
		text := withDigest(t, phone.registration("anna"), value(), "Authorization", "anna", "anna-secret", 1)
		m := msg{raw: text}
		text = strings.Replace(text, m.header("Authorization"), change(m.header("Authorization")), 1)
		res := try(phone, text)
		if res.code() != 401 && res.code() != 400 && res.code() != 403 {
			t.Errorf("%s: %q", name, res.start())
		}
	}
	if code := phone.enlist("anna", "anna-secret"); code != 200 {
		t.Logf("after %d wrong digests from its own address even the phone has to wait: %d", len(variants), code)
	}
	s.awaitAgents(1, "available")
	s.unharmed()
}

// Row 8.
func TestAttackNobodySpeaksForAnother(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	anna, bosse := s.agentPhone("anna", "21"), s.agentPhone("bosse", "22")
	s.awaitAgents(2, "available")
	trunkTarget := s.peer("10", 5080)
	stranger := s.peer("66", 5060)
	methods := []string{"INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "INFO", "UPDATE", "PRACK", "BYE", "FOO", "ACK", "CANCEL", "REGISTER"}
	for _, from := range []*peer{stranger, bosse} {
		for _, method := range methods {
			uri := s.uri("anna")
			if method == "REGISTER" {
				uri = "sip:" + s.net + "1"
			}
			i := from.newIDs("<sip:anna@"+s.net+"1>", "<sip:anna@"+s.net+"1>")
			extra := []string{"Event: presence", "Refer-To: <sip:0900123456@" + s.net + "10>", "Subscription-State: active", "RAck: 1 1 INVITE"}
			plain := from.request(method, uri, i, sdp(from.host, 6000), extra...)
			from.send(plain)
			m, ok := from.find(200*time.Millisecond, func(m msg) bool { return m.header("Call-ID") == i.callID && m.code() >= 200 })
			if ok && (m.code() < 400 || m.code() >= 600) && !(method == "OPTIONS" && from == bosse) {
				t.Errorf("%s from %s without credentials: %s", method, from.host, m.start())
			}
			if !ok || m.code() != 401 && m.code() != 407 {
				continue
			}
			// With the credentials of somebody else: bosse's password, anna's name in From and To.
			signed := authorize(t, plain, m, "bosse", "bosse-secret")
			seq := msg{raw: signed}.header("CSeq")
			from.send(signed)
			if m, ok := from.find(2*time.Second, func(m msg) bool { return m.header("Call-ID") == i.callID && m.code() >= 200 && m.header("CSeq") == seq }); !ok || m.code() != 403 {
				t.Errorf("%s from %s as bosse in anna's name: %q", method, from.host, m.start())
			}
		}
	}
	for _, p := range []*peer{anna, trunkTarget} {
		if got := p.messages(func(m msg) bool { return m.method() != "" }); len(got) > 0 {
			t.Errorf("something was passed on to %s:\n%s", p.host, got[0].raw)
		}
	}
	if c := s.metric("telefonist_calls_active"); c != 0 {
		t.Errorf("%v calls", c)
	}
	log, err := os.ReadFile(s.log.Name())
	if err != nil || !strings.Contains(string(log), "SIP authentication refused") || !strings.Contains(string(log), "result=forbidden") {
		t.Errorf("the log says nothing of it (%v)", err)
	}
	s.awaitAgents(2, "available")
	s.unharmed()
}
