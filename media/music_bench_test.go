//go:build linux && (amd64 || arm64)

package media

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
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
// those packets leave. The floors are the system call alone: as many packets, one after the other from as many sockets, or
// together from one socket for each thread.
func BenchmarkMusic(b *testing.B) {
	type form struct {
		name    string
		measure func(b *testing.B, listeners int) figure
		figures []figure
	}
	for _, listeners := range setting("TELEFONIST_BENCH_LISTENERS", 5000) {
		forms := []form{
			{"floor", measureSending(sendAlone), nil},
			{"engine", measureMusic(Config{}), nil},
			{"goroutines-engine", measureMusic(Config{portable: true}), nil},
			{"shared-floor", measureSending(sendTogether), nil},
			{"shared-engine", measureMusic(Config{allShared: true}), nil},
		}
		forms = slices.DeleteFunc(forms, func(f form) bool { return !chosen(f.name) })
		for range setting("TELEFONIST_BENCH_ROUNDS", 3)[0] {
			for i, f := range forms {
				forms[i].figures = append(f.figures, f.measure(b, listeners))
			}
		}
		for _, f := range forms {
			b.Run(fmt.Sprintf("%s/listeners=%d", f.name, listeners), func(b *testing.B) { printPace(b, f.figures) })
		}
	}
}

func printPace(b *testing.B, figures []figure) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(figures, func(f figure) time.Duration { return f.perPacket }))/1e3, "µs/packet")
	b.ReportMetric(float64(median(figures, func(f figure) time.Duration { return f.SpacingP99 }))/1e6, "p99-deviation-ms")
	b.ReportMetric(float64(median(figures, func(f figure) time.Duration { return f.SpacingMax }))/1e6, "max-deviation-ms")
	missed := 0
	for _, f := range figures {
		missed += f.Sent - f.Packets
	}
	b.ReportMetric(float64(missed), "missed")
}

// listenerSockets is how many sockets the listeners share: enough that senders do not wait for each other there.
const listenerSockets = 64

// measureListening has something send to listeners and measures what that costs.
func measureListening(b *testing.B, listeners int, begin func(b *testing.B, far []netip.AddrPort)) (f figure) {
	b.Helper()
	ok := b.Run("round", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		g, err := load.Start(listenerSockets)
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		var far []netip.AddrPort
		for i := range listeners {
			far = append(far, g.Far(i))
		}
		begin(b, far)
		defer withThreads(2 * runtime.GOMAXPROCS(0))()
		f = measure(b, g, load.Spec{})
		f.Sent = listeners * 50 * setting("TELEFONIST_BENCH_SECONDS", 3)[0]
		f.perPacket /= time.Duration(max(f.Packets, 1))
	})
	if !ok {
		b.Fatal("no measurement")
	}
	return f
}

func measureMusic(cfg Config) func(*testing.B, int) figure {
	return func(b *testing.B, listeners int) figure {
		return measureListening(b, listeners, func(b *testing.B, far []netip.AddrPort) {
			cfg := cfg
			cfg.Address, cfg.MinPort, cfg.MaxPort = benchLocal, 10000, 31999
			cfg.Silence = Silence{First: -1, Steady: -1}
			e, err := New(cfg, SinkFunc(func(call.LegID, time.Time, call.Event) {}))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(e.Shutdown)
			for i, a := range far {
				id := call.LegID(strconv.Itoa(i))
				benchLeg(b, e, id, a, negotiate.PCMA)
				e.Do(call.Play{Leg: id, Source: "music", Loop: true})
			}
		})
	}
}

// sender sends a packet to each of many far sides.
type sender interface {
	send(far []netip.AddrPort)
	close()
}

// measureSending sends as many packets by threads that do nothing else.
func measureSending(sender func(*testing.B, []netip.AddrPort) sender) func(*testing.B, int) figure {
	return func(b *testing.B, listeners int) figure {
		return measureListening(b, listeners, func(b *testing.B, far []netip.AddrPort) {
			var stop atomic.Bool
			var done sync.WaitGroup
			for part := range slices.Chunk(far, (len(far)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0)) {
				s := sender(b, part)
				done.Go(func() {
					defer s.close()
					runtime.LockOSThread()
					for next := time.Now(); !stop.Load(); {
						for first := 0; first < len(part); first += (len(part) + slots - 1) / slots {
							s.send(part[first:min(first+(len(part)+slots-1)/slots, len(part))])
							next = next.Add(tick / slots)
							sleep(max(time.Until(next), 0))
						}
					}
				})
			}
			b.Cleanup(func() { stop.Store(true); done.Wait() })
		})
	}
}

// nextBenchPort is where floors look for free ports.
var nextBenchPort atomic.Uint32

// benchSocket binds the next even port that is free: the odd ones are where RTCP goes.
func benchSocket() int {
	for {
		if fd, err := bindUDP(netip.AddrPortFrom(benchLocal, uint16(10000+nextBenchPort.Add(2)%22000))); err == nil {
			return fd
		}
	}
}

// alone sends from a socket of its own to each.
type alone struct {
	fds map[netip.AddrPort]int
	raw []byte
}

func sendAlone(_ *testing.B, far []netip.AddrPort) sender {
	a := &alone{map[netip.AddrPort]int{}, make12(160)}
	for _, to := range far {
		a.fds[to] = benchSocket()
	}
	return a
}

// nameListener writes as the SSRC which of the far sides it is, by which the generator tells them.
func nameListener(raw []byte, to netip.AddrPort) {
	ip := to.Addr().As4()
	copy(raw[8:], ip[:])
}

func (a *alone) send(far []netip.AddrPort) {
	for _, to := range far {
		nameListener(a.raw, to)
		_ = sendTo(a.fds[to], a.raw, to, false)
	}
}

func (a *alone) close() {
	for _, fd := range a.fds {
		unix.Close(fd)
	}
}

// together sends from one socket to all.
type together struct {
	fd       int
	messages [sentAtOnce]message
	vectors  [sentAtOnce]unix.Iovec
	names    [sentAtOnce]rawName
	raw      [sentAtOnce][headerSize + 160]byte
}

func sendTogether(*testing.B, []netip.AddrPort) sender {
	t := &together{fd: benchSocket()}
	for i := range t.messages {
		t.raw[i][0], t.raw[i][1] = 2<<6, 8
		pointAt(&t.messages[i], &t.vectors[i], &t.names[i], t.raw[i][:])
	}
	return t
}

func (t *together) send(far []netip.AddrPort) {
	for part := range slices.Chunk(far, sentAtOnce) {
		for i, to := range part {
			nameListener(t.raw[i][:], to)
			t.messages[i].header.Namelen = uint32(putName(&t.names[i], to, false))
		}
		for first := 0; first < len(part); {
			sent, errno := sendAll(t.fd, t.messages[first:len(part)])
			first += sent
			if errno != 0 {
				break
			}
		}
	}
}

func (t *together) close() { unix.Close(t.fd) }
