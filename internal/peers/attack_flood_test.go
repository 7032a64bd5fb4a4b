package peers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// quickCall is a new call from the trunk that must be answered within a second, and is ended at once.
func (p *peer) quickCall(during string) time.Duration {
	p.t.Helper()
	i := p.trunkIDs()
	begun := time.Now()
	res := p.ask("INVITE", p.invite(i, 6000))
	took := time.Since(begun)
	if res.code() != 200 {
		p.t.Errorf("call during %s: %s", during, res.start())
		return took
	}
	i.toTag = tagIn(res.header("To"))
	target := strings.Trim(res.header("Contact"), "<>")
	p.send(p.request("ACK", target, i, ""))
	i.seq++
	if res := p.ask("BYE", p.request("BYE", target, i, "")); res.code() != 200 {
		p.t.Errorf("BYE during %s: %s", during, res.start())
	}
	if took > time.Second {
		p.t.Errorf("a call during %s was answered after %v", during, took)
	}
	return took
}

// pace calls send n times at a rate per second, in steps of 10 ms.
func pace(n, rate int, send func(i int)) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	step := max(rate/100, 1)
	for i := range n {
		send(i)
		if i%step == step-1 {
			<-tick.C
		}
	}
}

// Row 4.
func TestAttackFloodsCostNoCall(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	k := s.talk("anna", "21")
	pbx := s.peer("10", 5062)
	pbx.reply = pbx.courteous
	pbx.quickCall("nothing")
	base := s.memory("VmRSS")
	n, rate := scaled(5000, 100000), 5000
	var strangers []*peer
	for i := range 100 {
		strangers = append(strangers, s.peer(fmt.Sprint(100+i), 0))
	}
	floods := map[string]func(p *peer) string{
		"REGISTER": func(p *peer) string { return p.registration("anna") },
		"REGISTER with a digest": func(p *peer) string {
			return strings.Replace(p.registration("anna"), "\r\nContent-Length", "\r\nAuthorization: Digest username=\"anna\",realm=\"telefonist\",nonce=\"AAAAAAAAAAAAAAAAAAAAAAAA\",uri=\"sip:"+s.net+"1\",response=\"0123456789abcdef0123456789abcdef\",qop=auth,nc=00000001,cnonce=\"x\"\r\nContent-Length", 1)
		},
		"INVITE": func(p *peer) string {
			return p.request("INVITE", s.uri(number), p.newIDs("<sip:a@h>", "<sip:b@h>"), sdp(p.host, 6000))
		},
		"OPTIONS": func(p *peer) string { return p.request("OPTIONS", s.uri("x"), p.newIDs("<sip:a@h>", "<sip:b@h>"), "") },
	}
	for name, text := range floods {
		var done sync.WaitGroup
		done.Go(func() { pace(n, rate, func(i int) { p := strangers[i%len(strangers)]; p.send(text(p)) }) })
		worst := time.Duration(0)
		for range 4 {
			worst = max(worst, pbx.quickCall("a flood of "+name))
		}
		k.hears("a flood of "+name, 10)
		done.Wait()
		pbx.alive(name)
		t.Logf("%d %s over UDP at %d/s: calls answered within %v, RSS %.1f MiB", n, name, rate, worst.Round(time.Millisecond), s.memory("VmRSS"))
	}
	for name, text := range floods {
		var done sync.WaitGroup
		for c := range 50 { // from ten addresses, some of which are over their limit of connections
			done.Go(func() {
				conn, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("%s%d", s.net, 100+c%10))}, &net.TCPAddr{IP: s.addr().IP, Port: 5060})
				if err != nil {
					return
				}
				defer conn.Close()
				go func() { // the answers are read, so that the server is not slowed by us
					buf := make([]byte, 65536)
					for {
						if _, err := conn.Read(buf); err != nil {
							return
						}
					}
				}()
				pace(n/50, rate/50, func(int) {
					_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
					_, _ = conn.Write([]byte(strings.Replace(text(strangers[c%10]), "SIP/2.0/UDP", "SIP/2.0/TCP", 1)))
				})
			})
		}
		worst := time.Duration(0)
		for range 4 {
			worst = max(worst, pbx.quickCall("a flood of "+name+" over TCP"))
		}
		k.hears("a flood of "+name+" over TCP", 10)
		done.Wait()
		t.Logf("%d %s over TCP at %d/s: calls answered within %v, RSS %.1f MiB", n, name, rate, worst.Round(time.Millisecond), s.memory("VmRSS"))
	}
	// The trunk itself goes mad, and every call of it hears music: none that stands suffers.
	pace(2000, 2000, func(int) { i := pbx.trunkIDs(); pbx.send(pbx.invite(i, 6000)) })
	k.hears("a flood of calls from the trunk", 10)
	pbx.alive("a flood of calls from the trunk")
	codes := map[int]int{}
	for _, m := range pbx.messages(func(m msg) bool { return m.code() >= 200 && strings.HasSuffix(m.header("CSeq"), "INVITE") }) {
		codes[m.code()]++
	}
	t.Logf("RSS %.1f MiB before, peak %.1f; the trunk's flood was answered %v", base, s.memory("VmHWM"), codes)
	if peak := s.memory("VmHWM"); peak > 512 {
		t.Errorf("peak RSS %.1f MiB", peak)
	}
	s.unharmed()
}

// Row 3, with no more than 128 descriptors.
func TestAttackConnectionsThatSayNothingCostNoCall(t *testing.T) {
	script := filepath.Join(t.TempDir(), "telefonist")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nif [ \"$1\" = serve ]; then ulimit -n 128; fi\nexec "+binary(t)+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TELEFONIST_BIN", script)
	s := newServer(t, setup{agents: []string{"anna"}})
	k := s.talk("anna", "21")
	pbx := s.peer("10", 5062)
	pbx.reply = pbx.courteous
	legit := s.tcp("10") // a connection that stood before
	half := []string{"", "\r\n", "INVITE", "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x", "INVITE sip:x SIP/2.0\r\nContent-Length: 60000\r\n\r\nv=0"}
	var open []*net.TCPConn
	for i := range 400 {
		c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("%s%d", s.net, 100+i%100))}, &net.TCPAddr{IP: s.addr().IP, Port: 5060})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte(half[i%len(half)]))
		open = append(open, c)
	}
	for range 200 { // and on the HTTP port
		c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(s.net + "66")}, &net.TCPAddr{IP: s.addr().IP, Port: 8080})
		if err != nil {
			break
		}
		defer c.Close()
		_, _ = c.Write([]byte("GET /metrics HTTP/1.1\r\nX: "))
	}
	for n := range 5 {
		pbx.quickCall(fmt.Sprintf("400 silent connections (UDP call %d)", n))
	}
	ask := func(c *net.TCPConn, what string) {
		t.Helper()
		i := pbx.newIDs("<sip:a@h>", "<sip:b@h>")
		i.network = "TCP"
		_, _ = c.Write([]byte(pbx.request("OPTIONS", s.uri("x"), i, "")))
		if text, _ := drain(c, 300*time.Millisecond); !strings.Contains(text, "SIP/2.0 200") {
			t.Errorf("%s: %q", what, text)
		}
	}
	ask(legit, "a connection of the trunk that stood before")
	ask(s.tcp("10"), "a new connection of the trunk")
	k.hears("400 silent connections", 25)
	// Drops of bytes keep none of them open beyond its time.
	begun := time.Now()
	s.await("the silent connections to be closed", func() bool {
		for _, c := range open {
			_, _ = c.Write([]byte("x"))
		}
		return s.metric("telefonist_sip_connections") < 5
	})
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("slow connections lived for %v", took)
	}
	ask(s.tcp("10"), "a new connection after all")
	t.Logf("RSS %.1f MiB", s.memory("VmRSS"))
	k.hears("all connections were closed", 10)
	k.hangup()
	s.unharmed()
}

// Row 5.
func TestAttackCallsThatAreNeverAcknowledgedEnd(t *testing.T) {
	t.Parallel() // it takes the 32 s of Timer H
	s := newServer(t, setup{agents: []string{"anna"}})
	s.reconfigure("media: {", "media: {timeout: {first: 1m}, ") // else their silence ends them first, after 30 s
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	const n = 50
	begun := time.Now()
	for range n {
		pbx.send(pbx.invite(pbx.trunkIDs(), 6000))
	}
	s.awaitMetric(fmt.Sprintf("telefonist_sip_no_ack_total %d", n))
	if took := time.Since(begun); took < 31*time.Second || took > 40*time.Second {
		t.Errorf("given up after %v", took)
	}
	for range n {
		pbx.await("BYE", func(m msg) bool { return m.is("BYE") })
	}
	s.awaitMetric("telefonist_calls_active 0")
	s.awaitMetric(`telefonist_sip_legs{direction="in"} 0`)
	s.awaitMetric("telefonist_media_sessions 0")
	s.awaitMetric(`telefonist_sip_transactions{side="server"} 0`)
	for _, c := range s.awaitCalls(n) {
		if c.Outcome == "answered" || c.Tariff != "" {
			t.Errorf("record %+v", c)
		}
		if story := s.cli("calls", "show", c.CallID, "--store", filepath.Join(s.dir, "data")); !strings.Contains(story, "no_ack") {
			t.Errorf("the story says nothing of the missing ACK:\n%s", story)
		}
	}
	s.unharmed()
}
