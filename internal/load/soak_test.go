//go:build linux && (amd64 || arm64)

package load

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// base is what the server holds when it carries no call.
type base struct {
	goroutines, descriptors, sessions int
	heap                              float64 // MiB
}

func (b *bench) base() base {
	return base{
		goroutines:  int(b.metric("go_goroutines")),
		descriptors: b.descriptors(),
		sessions:    int(b.metric("telefonist_media_sessions")),
		heap:        b.metric("go_memstats_heap_inuse_bytes") / (1 << 20),
	}
}

// back reports whether everything is where it began. Goroutines and descriptors of the HTTP connection that asks come
// and go; the heap holds what the collector has not yet looked at.
func (now base) back(then base) bool {
	return now.sessions == 0 && now.goroutines <= then.goroutines+5 && now.descriptors <= then.descriptors+2 &&
		now.heap <= 2*then.heap+32
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
	b.await("the first calls to be gone", func() bool { return b.metric("telefonist_media_sessions") == 0 })
	then := b.base()

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
	b.await("everything to be back", func() bool { now = b.base(); return now.back(then) })
	t.Logf("%d packets, %d lost; before %+v, after %+v", sent, lost, then, now)
}
