//go:build linux && (amd64 || arm64)

package load

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"

	"telefonist/internal/rtpengine"
)

// relayed has rtpengine relay between two addresses, and returns where each is to send.
func relayed(r *rtpengine.Proxy, id string, caller, callee netip.AddrPort) (toCaller, toCallee netip.AddrPort) {
	describe := func(a netip.AddrPort) string {
		return fmt.Sprintf("v=0\r\no=load 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
			a.Addr(), a.Port())
	}
	toCallee = sipMessage{body: r.Offer(id, describe(caller))}.audio()
	toCaller = sipMessage{body: r.Answer(id, describe(callee))}.audio()
	return toCaller, toCallee
}

// callsThrough sets up n calls between the generator's own far sides.
func callsThrough(r *rtpengine.Proxy, n int, gen *Generator) (streams []Stream) {
	for i := range n {
		a, b := gen.Far(2*i), gen.Far(2*i+1)
		forA, forB := relayed(r, fmt.Sprint("load-", i), a, b)
		// What is offered to the callee is where the callee sends, and the other way round.
		streams = append(streams, Stream{From: a, To: forA}, Stream{From: b, To: forB})
	}
	return streams
}

// BenchmarkCallsByRTPengine is the peer of BenchmarkCalls: the same audio for as many calls through rtpengine in user space,
// which does no signalling: the measure of a relay that others run. Its CPU time alone is counted.
func BenchmarkCallsByRTPengine(b *testing.B) {
	if _, err := exec.LookPath("rtpengine"); err != nil {
		b.Skip("no rtpengine to compare with: run make deps")
	}
	for _, calls := range setting("TELEFONIST_BENCH_CALLS", 500, 1000, 2000) {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			r := rtpengine.Start(b, "127.32.6.1")
			gen, err := Start(generatorSockets)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := gen.Close(); err != nil {
					b.Error(err)
				}
			}()
			idle := resident(r.PID)
			measure(b, gen, callsThrough(r, calls, gen), r.PID).report(b)
			b.ReportMetric(float64(resident(r.PID)-idle)/1024/float64(calls), "KB/call")
		})
	}
}
