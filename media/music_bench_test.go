//go:build linux && (amd64 || arm64)

package media

import (
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"telefonist/call"
	"telefonist/internal/load"
	"telefonist/media/negotiate"
)

// BenchmarkMusic is the CPU time of this process for a packet to a caller who hears music, and how far from 20 ms apart
// those packets leave. The floor is the system call alone: as many packets from as many sockets, one after the other.
func BenchmarkMusic(b *testing.B) {
	for _, listeners := range setting("TELEFONIST_BENCH_LISTENERS", 5000) {
		var floor, loops, portable []figure
		for range setting("TELEFONIST_BENCH_ROUNDS", 3)[0] {
			floor = append(floor, measureSending(b, listeners))
			loops = append(loops, measureMusic(b, listeners, false))
			portable = append(portable, measureMusic(b, listeners, true))
		}
		for _, r := range []struct {
			name    string
			figures []figure
		}{{"floor", floor}, {"engine", loops}, {"goroutines-engine", portable}} {
			b.Run(fmt.Sprintf("%s/listeners=%d", r.name, listeners), func(b *testing.B) {
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(median(r.figures, func(f figure) time.Duration { return f.perPacket }))/1e3, "µs/packet")
				b.ReportMetric(float64(median(r.figures, func(f figure) time.Duration { return f.SpacingP99 }))/1e6, "p99-deviation-ms")
				b.ReportMetric(float64(median(r.figures, func(f figure) time.Duration { return f.SpacingMax }))/1e6, "max-deviation-ms")
				missed := 0
				for _, f := range r.figures {
					missed += f.Sent - f.Packets
				}
				b.ReportMetric(float64(missed), "missed")
			})
		}
	}
}

// listenerSockets is how many sockets the listeners share: enough that senders do not wait for each other there.
const listenerSockets = 64

func measureMusic(b *testing.B, listeners int, portable bool) (f figure) {
	b.Helper()
	ok := b.Run("round", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		g, err := load.Start(netip.MustParseAddr("127.31.6.9"), listenerSockets)
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		e, err := New(Config{Address: benchLocal, MinPort: 10000, MaxPort: 31999, portable: portable,
			Silence: Silence{First: -1, Steady: -1}}, SinkFunc(func(call.LegID, time.Time, call.Event) {}))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(e.Shutdown)
		for i := range listeners {
			id := call.LegID(strconv.Itoa(i))
			benchLeg(b, e, id, g.Sockets()[i%listenerSockets], negotiate.PCMA)
			e.Do(call.Play{Leg: id, Source: "music", Loop: true})
		}
		f = measure(b, g, load.Spec{})
		f.Sent = listeners * 50 * setting("TELEFONIST_BENCH_SECONDS", 3)[0]
		f.perPacket /= time.Duration(max(f.Packets, 1))
	})
	if !ok {
		b.Fatal("no measurement")
	}
	return f
}

// measureSending sends as many packets from as many sockets, by threads that do nothing else.
func measureSending(b *testing.B, listeners int) (f figure) {
	b.Helper()
	ok := b.Run("round", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		g, err := load.Start(netip.MustParseAddr("127.31.6.9"), listenerSockets)
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		var fds []int
		for port := uint16(10000); len(fds) < listeners; port++ {
			if fd, err := bindUDP(netip.AddrPortFrom(benchLocal, port)); err == nil {
				fds = append(fds, fd)
				defer unix.Close(fd)
			}
		}
		var stop atomic.Bool
		var done sync.WaitGroup
		raw := make12(160)
		threads := runtime.GOMAXPROCS(0)
		for thread := range threads {
			done.Go(func() {
				runtime.LockOSThread()
				for next := time.Now(); !stop.Load(); {
					for slot := range slots {
						for i := thread + slot*threads; i < len(fds); i += slots * threads {
							_ = sendTo(fds[i], raw, g.Sockets()[i%listenerSockets], false)
						}
						next = next.Add(tick / slots)
						sleep(max(time.Until(next), 0))
					}
				}
			})
		}
		f = measure(b, g, load.Spec{})
		stop.Store(true)
		done.Wait()
		f.Sent = listeners * 50 * setting("TELEFONIST_BENCH_SECONDS", 3)[0]
		f.perPacket /= time.Duration(max(f.Packets, 1))
	})
	if !ok {
		b.Fatal("no measurement")
	}
	return f
}
