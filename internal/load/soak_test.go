//go:build linux && (amd64 || arm64)

package load

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

// base is what the server holds when it carries no call.
type base struct {
	goroutines, descriptors, sessions int
	transactions                      int     // of SIP, which go on for up to 32 s after their call
	ports, bound                      int     // pairs of ports: all that the server knows of, and those in use
	live                              float64 // MiB of the heap
}

func (b *bench) base() base {
	live, text := b.live(), b.text("/metrics")
	read := func(name string) int { return int(metricIn(text, name)) }
	bound := read(`telefonist_media_ports{state="bound"}`)
	return base{
		goroutines:   read("go_goroutines"),
		descriptors:  b.descriptors(),
		sessions:     read("telefonist_media_sessions"),
		transactions: read(`telefonist_sip_transactions{side="client"}`) + read(`telefonist_sip_transactions{side="server"}`),
		ports:        read(`telefonist_media_ports{state="free"}`) + read(`telefonist_media_ports{state="resting"}`) + bound,
		bound:        bound,
		live:         live,
	}
}

// live is what lives on the heap, in MiB: the lowest of what four collections find, since one counts what is made while it runs,
// and what is kept to be used again outlives one.
func (b *bench) live() float64 {
	const collections = "go_gc_duration_seconds_count"
	low := math.Inf(1)
	for range 4 {
		for now := b.metric(collections); b.metric(collections) == now; { // each look leaves something to collect
		}
		low = min(low, b.metric("go_gc_heap_live_bytes")/(1<<20))
	}
	return low
}

// mostLeft is how much more of the heap may be in use after a soak than before, in MiB. The long run has some 7,000 calls: 1 KB
// kept of each would be 7 MiB.
const mostLeft = 4

// back reports whether everything is where it began. Goroutines and descriptors of the HTTP connection that asks come
// and go.
func (now base) back(then base) bool {
	return now.goroutines <= then.goroutines+5 && now.descriptors <= then.descriptors+2 &&
		now.ports == then.ports && now.bound == then.bound && now.live <= then.live+mostLeft
}

// TestASoakLeavesNothingBehind has calls come and go under full audio: none may lose a packet, and afterwards goroutines,
// heap, ports and descriptors are back where they began. TELEFONIST_SOAK_FOR=30m and TELEFONIST_SOAK_CALLS=300 make the
// long run of it, which tells the loss in place of refusing it: over half an hour it is the machine's.
func TestASoakLeavesNothingBehind(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("TELEFONIST_SOAK_FOR"))
	calls, round := 6, 300*time.Millisecond
	if soak := err == nil && long > 0; soak {
		calls, round = setting("TELEFONIST_SOAK_CALLS", 300)[0], 20*time.Second
	}
	b := newBench(t, "127.32.3.", calls, ownPorts)
	_, calls0 := b.call(calls) // so that pools and tables have their size
	b.end(calls0)
	quiet := func(now base) bool { return now.sessions == 0 && (long == 0 || now.transactions == 0) }
	var then base
	b.await("the first calls to be gone", func() bool { then = b.base(); return quiet(then) })

	b.call(calls)
	began := time.Now()
	sent, lost, disordered := 0, 0, 0
	for rounds := 0; rounds < 3 || time.Since(began) < long; rounds++ {
		r, err := b.gen.Run(Spec{Streams: b.streams(), Reports: true, Warm: round / 3, Measure: round}, func() {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		// What a tone is laid over at 35 s and 45 s can no longer be told as a stream's, but arrives.
		sent, lost, disordered = sent+r.Sent, lost+max(0, r.Sent-max(r.Received, r.Packets)), disordered+r.Disordered
		if long > 0 {
			fmt.Printf("%v: %d packets, %d lost, p99 %v, %+v\n", time.Since(began).Round(time.Second), sent, lost, r.P99, b.base())
		}
		b.end(b.oldest(calls / 3))
		b.call(calls / 3)
	}
	b.end(b.oldest(calls))
	if disordered != 0 || long == 0 && lost != 0 || lost > sent/1000 {
		t.Errorf("%d of %d packets lost, %d disordered", lost, sent, disordered)
	}
	var now base
	defer func() { t.Logf("%d packets, %d lost; before %+v, after %+v", sent, lost, then, now) }()
	b.await("everything to be back", func() bool { now = b.base(); return quiet(now) && now.back(then) })
}
