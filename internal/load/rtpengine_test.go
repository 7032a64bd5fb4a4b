//go:build linux && (amd64 || arm64)

package load

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// rtpengine relays in user space for the same generator: the measure of a relay that others run.
type rtpengine struct {
	t    testing.TB
	cmd  *exec.Cmd
	conn net.Conn // its control protocol, "ng": bencoded dictionaries behind a cookie
	said int
}

// newRTPengine starts one, or skips where the machine has none (Debian: rtpengine-daemon).
func newRTPengine(t testing.TB, network string) *rtpengine {
	t.Helper()
	bin, err := exec.LookPath("rtpengine")
	if err != nil {
		t.Skip("no rtpengine to compare with: apt-get install rtpengine-daemon")
	}
	control := network + "1:2223"
	r := &rtpengine{t: t, cmd: exec.Command(bin, "--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=1",
		"--interface="+network+"1", "--listen-ng="+control, "--port-min=10000", "--port-max=31999", "--num-threads=2")}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	})
	if r.conn, err = net.Dial("udp", control); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	deadline := time.Now().Add(patience)
	for answer, _ := r.ask("7:command4:ping"); !strings.Contains(answer, "pong"); answer, _ = r.ask("7:command4:ping") {
		if time.Now().After(deadline) {
			t.Fatal("rtpengine does not answer")
		}
	}
	return r
}

// ask gives a command and returns what is answered to it, within a second.
func (r *rtpengine) ask(command string) (string, error) {
	r.said++
	cookie := fmt.Sprint("c", r.said, " ")
	if _, err := r.conn.Write([]byte(cookie + "d" + command + "e")); err != nil {
		time.Sleep(10 * time.Millisecond) // nobody listens there yet
		return "", err
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(time.Second))
	buf := make([]byte, 8192)
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			return "", err
		}
		if answer, mine := strings.CutPrefix(string(buf[:n]), cookie); mine {
			return answer, nil
		}
	}
}

// relay has it relay between two addresses, and returns where each is to send.
func (r *rtpengine) relay(id string, caller, callee netip.AddrPort) (toCaller, toCallee netip.AddrPort) {
	r.t.Helper()
	describe := func(command, tags string, a netip.AddrPort) netip.AddrPort {
		sdp := fmt.Sprintf("v=0\r\no=load 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
			a.Addr(), a.Port())
		answer, err := r.ask(fmt.Sprintf("7:call-id%d:%s7:command%d:%s%s3:sdp%d:%s", len(id), id, len(command), command, tags, len(sdp), sdp))
		if err != nil || !strings.Contains(answer, "6:result2:ok") {
			r.t.Fatalf("rtpengine %s: %s, %v", command, answer, err)
		}
		return sipMessage{body: answer}.audio()
	}
	toCallee = describe("offer", "8:from-tag1:a", caller)
	toCaller = describe("answer", "8:from-tag1:a6:to-tag1:b", callee)
	return toCaller, toCallee
}

// call sets up n calls between the generator's own far sides.
func (r *rtpengine) call(n int, gen *Generator) (streams []Stream) {
	r.t.Helper()
	for i := range n {
		a, b := gen.Far(2*i), gen.Far(2*i+1)
		forA, forB := r.relay(fmt.Sprint("load-", i), a, b)
		// What is offered to the callee is where the callee sends, and the other way round.
		streams = append(streams, Stream{From: a, To: forA}, Stream{From: b, To: forB})
	}
	return streams
}

// BenchmarkCallsByRTPengine is the peer of BenchmarkCalls: the same audio for as many calls through rtpengine in user space,
// which does no signalling. Its CPU time alone is counted.
func BenchmarkCallsByRTPengine(b *testing.B) {
	for _, calls := range setting("TELEFONIST_BENCH_CALLS", 500, 1000, 2000) {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			r := newRTPengine(b, "127.32.6.")
			gen, err := Start(generatorSockets)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := gen.Close(); err != nil {
					b.Error(err)
				}
			}()
			idle := resident(r.cmd.Process.Pid)
			measure(b, gen, r.call(calls, gen), r.cmd.Process.Pid).report(b)
			b.ReportMetric(float64(resident(r.cmd.Process.Pid)-idle)/1024/float64(calls), "KB/call")
		})
	}
}
