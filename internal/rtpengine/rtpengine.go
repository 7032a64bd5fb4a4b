// Package rtpengine runs Debian's rtpengine for tests: a relay of audio that others put before their phones and PBXs, in user
// space on a loopback address of the test's own. It speaks its control protocol, "ng", and has it rewrite session descriptions.
// It is never linked into the server.
package rtpengine

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Proxy is a running rtpengine. One goroutine at a time may speak to it.
type Proxy struct {
	PID  int
	t    testing.TB
	conn net.Conn // bencoded dictionaries, each behind a cookie that its answer repeats
	said int
}

// patience is how long rtpengine may take to start, and to answer.
const patience = 20 * time.Second

// Start runs one on an address until the test ends.
func Start(t testing.TB, addr string) *Proxy {
	t.Helper()
	control := net.JoinHostPort(addr, "2223")
	cmd := exec.Command("rtpengine", "--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=1",
		"--interface="+addr, "--listen-ng="+control, "--port-min=10000", "--port-max=31999", "--num-threads=2")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	conn, err := net.Dial("udp", control)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &Proxy{PID: cmd.Process.Pid, t: t, conn: conn}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		answer, err := p.ask("command", "ping")
		if err == nil && answer["result"] == "pong" {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("rtpengine does not answer: %v, %v", answer, err)
		}
	}
}

// Offer has it stand between a call's two sides from the offer on, and returns the offer that goes on. Options are names and
// values of the protocol: "ICE", "force".
func (p *Proxy) Offer(call, sdp string, options ...string) string {
	p.t.Helper()
	return p.describe("offer", call, sdp, append([]string{"from-tag", "offers"}, options...)...)
}

// Answer is Offer for the answer that came to it.
func (p *Proxy) Answer(call, sdp string, options ...string) string {
	p.t.Helper()
	return p.describe("answer", call, sdp, append([]string{"from-tag", "offers", "to-tag", "answers"}, options...)...)
}

func (p *Proxy) describe(command, call, sdp string, options ...string) string {
	p.t.Helper()
	answer, err := p.ask(append([]string{"command", command, "call-id", call, "sdp", sdp}, options...)...)
	if err != nil || answer["result"] != "ok" {
		p.t.Fatalf("rtpengine %s: %v, %v", command, answer, err)
	}
	return answer["sdp"]
}

// ask sends a dictionary of names and values, and returns the one that comes back.
func (p *Proxy) ask(words ...string) (map[string]string, error) {
	p.said++
	cookie := fmt.Sprint("c", p.said, " ")
	request := cookie + "d"
	for _, w := range words {
		request += strconv.Itoa(len(w)) + ":" + w
	}
	if _, err := p.conn.Write([]byte(request + "e")); err != nil {
		return nil, err
	}
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 8192)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if answer, mine := strings.CutPrefix(string(buf[:n]), cookie); mine {
			return dictionary(answer)
		}
	}
}

// dictionary reads a bencoded dictionary of strings.
func dictionary(text string) (map[string]string, error) {
	rest, begun := strings.CutPrefix(text, "d")
	var words []string
	for rest != "e" {
		length, more, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(length)
		if !begun || err != nil || n < 0 || n > len(more) {
			return nil, fmt.Errorf("not a dictionary of strings: %q", text)
		}
		words, rest = append(words, more[:n]), more[n:]
	}
	all := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		all[words[i]] = words[i+1]
	}
	return all, nil
}
