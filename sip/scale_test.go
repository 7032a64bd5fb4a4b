package sip

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
)

// TestLegsThatStandHoldNoGoroutines: a leg at rest is memory and timers.
func TestLegsThatStandHoldNoGoroutines(t *testing.T) {
	const legs = 1000
	inWorld(t, func(w *world) {
		before := runtime.NumGoroutine()
		var m0, m1 runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m0)
		ids := map[call.LegID]bool{}
		for i := range legs {
			w.pbx.calls(fmt.Sprint("c", i)).invite(sdp("192.0.2.10"))
		}
		for range legs {
			id, _ := event[call.Arrived](w)
			ids[id] = true
			w.srv.Do(call.Accept{Leg: id})
		}
		synctest.Wait()
		during := runtime.NumGoroutine() - before
		talks := map[string]string{}
		for _, p := range w.net.Sent() {
			if text := string(p.Data); p.To == w.pbx.addr && strings.HasPrefix(text, "SIP/2.0 200") {
				_, rest, _ := strings.Cut(text, "Call-ID: ")
				id, _, _ := strings.Cut(rest, "\r\n")
				_, rest, _ = strings.Cut(text, "To: ")
				talks[id], _, _ = strings.Cut(rest, "\r\n")
			}
		}
		for id, to := range talks {
			k := w.pbx.calls(id)
			k.to, k.invited, k.branches = to, 1, 10
			k.ack("")
		}
		synctest.Wait()
		time.Sleep(40 * time.Second)
		runtime.GC()
		runtime.ReadMemStats(&m1)
		after := runtime.NumGoroutine() - before
		t.Logf("%d legs: %d goroutines while answered, %d at rest; heap %d bytes a leg (with the test's own copies)", legs, during, after, (m1.HeapAlloc-m0.HeapAlloc)/legs)
		if during > 10 || after > 10 {
			t.Errorf("goroutines: %d while answered, %d at rest", during, after)
		}
		for id := range ids {
			w.srv.Do(call.Hangup{Leg: id})
		}
		synctest.Wait()
	})
}
