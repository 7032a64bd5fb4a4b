package deploy_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A loopback net of this test's own.
const (
	kamailioIP   = "127.83.0.1"
	telefonistIP = "127.83.0.10"
	pbxIP        = "127.83.0.20"
	carrierIP    = "127.83.0.30"
	strangerIP   = "127.83.0.66"
)

func TestKamailioTakesTheConfiguration(t *testing.T) {
	run(t, "kamailio", tool(t, "kamailio"), "-c", "-f", "kamailio.cfg")
}

// peer is one of the parties round the trunk.
type peer struct {
	t    *testing.T
	conn net.PacketConn
}

func newPeer(t *testing.T, ip string) peer {
	t.Helper()
	conn, err := net.ListenPacket("udp4", net.JoinHostPort(ip, "5060"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return peer{t, conn}
}

func (p peer) send(port int, text string) {
	p.t.Helper()
	to := &net.UDPAddr{IP: net.ParseIP(kamailioIP), Port: port}
	if _, err := p.conn.WriteTo([]byte(strings.ReplaceAll(text, "\n", "\r\n")), to); err != nil {
		p.t.Fatal(err)
	}
}

// next waits for the first message that begins so; others are passed over.
func (p peer) next(start string) string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 65535)
	for {
		n, _, err := p.conn.ReadFrom(buf)
		if err != nil {
			p.t.Fatalf("wait for %q: %v", start, err)
		}
		if text := string(buf[:n]); strings.HasPrefix(text, start) {
			return text
		}
	}
}

func request(method, from, number, extra string) string {
	return fmt.Sprintf(`%s sip:%s@%s SIP/2.0
Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK-%s-%d
From: <sip:+46701740605@%s>;tag=1
To: <sip:%s@%s>
Call-ID: %s-%s-%d
CSeq: 1 %s
Contact: <sip:x@%s:5060>
%sMax-Forwards: 70
Content-Length: 0

`, method, number, kamailioIP, from, number, time.Now().UnixNano(), from, number, kamailioIP, method, number,
		time.Now().UnixNano(), method, from, extra)
}

// reply answers a request with the headers that it must have (RFC 3261 section 8.2.6.2).
func reply(req string, status string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\n")
	for _, line := range strings.Split(req, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "via", "from", "call-id", "cseq", "record-route":
			b.WriteString(line + "\n")
		case "to":
			b.WriteString(line + ";tag=2\n")
		}
	}
	b.WriteString("Content-Length: 0\n\n")
	return b.String()
}

func TestKamailioCarriesCallsBothWays(t *testing.T) {
	binary := tool(t, "kamailio")
	carrier, server, pbx := newPeer(t, carrierIP), newPeer(t, telefonistIP), newPeer(t, pbxIP)
	stranger := newPeer(t, strangerIP)
	port := freePort(t)
	startKamailio(t, binary, port, carrier)

	carrier.send(port, request("INVITE", carrierIP, "+4684000002", "X-Telefonist-Leg: forged\n"))
	call := server.next("INVITE ")
	if !strings.HasPrefix(call, "INVITE sip:+46850000001@") {
		t.Errorf("a common number does not become the tenant's own:\n%s", call)
	}
	if !strings.Contains(call, "Diversion: <sip:+4684000002@") {
		t.Errorf("the common number is lost:\n%s", call)
	}
	if strings.Contains(call, "X-Telefonist-Leg") {
		t.Errorf("a token from outside is let in:\n%s", call)
	}
	server.send(port, reply(call, "503 Service Unavailable"))
	if call = pbx.next("INVITE "); !strings.HasPrefix(call, "INVITE sip:+4684000002@") {
		t.Errorf("the PBX does not take the call at 503:\n%s", call)
	}
	pbx.send(port, reply(call, "486 Busy Here"))
	carrier.next("SIP/2.0 486")

	server.send(port, request("INVITE", telefonistIP, "205", "X-Telefonist-Leg: abc-t1\n"))
	if call = pbx.next("INVITE sip:205@"); !strings.Contains(call, "X-Telefonist-Leg: abc-t1") {
		t.Errorf("the token is lost on the way to the PBX:\n%s", call)
	}
	server.send(port, request("INVITE", telefonistIP, "+4684000077", ""))
	carrier.next("INVITE sip:+4684000077@")

	stranger.send(port, request("INVITE", strangerIP, "+4684000002", ""))
	carrier.send(port, request("OPTIONS", carrierIP, "ping", ""))
	carrier.next("SIP/2.0 200")
	_ = stranger.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, _, err := stranger.conn.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("a stranger is answered with %d bytes", n)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenPacket("udp4", kamailioIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// startKamailio runs it in the foreground until the test ends, and waits until it answers.
func startKamailio(t *testing.T, binary string, port int, ask peer) {
	t.Helper()
	dir := t.TempDir()
	sip := func(ip string) string { return fmt.Sprintf("%q", "sip:"+ip+":5060") }
	args := []string{"-DD", "-E", "-f", filepath.Join("kamailio", "kamailio.cfg"), "-Y", dir, "-P", filepath.Join(dir, "pid"),
		"-A", "LISTEN_IP=" + kamailioIP, "-A", fmt.Sprintf("LISTEN_PORT=%d", port),
		"-A", "TELEFONIST=" + sip(telefonistIP), "-A", fmt.Sprintf("TELEFONIST_IP=%q", telefonistIP),
		"-A", "PBX=" + sip(pbxIP), "-A", fmt.Sprintf("PBX_IP=%q", pbxIP),
		"-A", "CARRIER=" + sip(carrierIP), "-A", fmt.Sprintf("CARRIER_IP=%q", carrierIP)}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("kamailio said:\n%s", log.String())
		}
	})
	buf := make([]byte, 65535)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		ask.send(port, request("OPTIONS", carrierIP, "ping", ""))
		_ = ask.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, _, err := ask.conn.ReadFrom(buf); err == nil && strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
			return
		}
	}
	t.Fatal("kamailio does not answer")
}
