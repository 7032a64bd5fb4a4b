//go:build linux && (amd64 || arm64)

package media

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"telefonist/call"
	"telefonist/internal/load"
	"telefonist/media/negotiate"
)

// relayer is something that relays between the two legs of each call.
type relayer struct {
	name string
	// open makes 2n legs with far sides given and returns where each receives. Legs 2i and 2i+1 are one call.
	open func(b *testing.B, far []netip.AddrPort) []netip.AddrPort
}

// BenchmarkRelay is the CPU time of this process for a relayed packet; the generator is another process. Every form has
// the same sockets and the same packets, and they take turns, so that what else the machine does falls on all of them.
func BenchmarkRelay(b *testing.B) {
	relayers := []relayer{
		{"floor", openFloor(shape{})},
		{"engine", openEngine(Config{})},
		{"loops-alone", openStrategy(false)},
		{"goroutines-floor", openStrategy(true)},
		{"goroutines-engine", openEngine(Config{portable: true})},
		{"floor-recvmmsg", openFloor(shape{recvmmsg: true})},
		{"floor-connected", openFloor(shape{connected: true})},
		{"floor-gathering", openFloor(shape{gather: 500 * time.Microsecond})},
		{"shared-floor", openSharedFloor},
		{"shared-engine", openEngine(Config{allShared: true})},
	}
	relayers = slices.DeleteFunc(relayers, func(r relayer) bool { return !chosen(r.name) })
	for _, calls := range setting("TELEFONIST_BENCH_CALLS", 500, 1000) {
		figures := make([][]figure, len(relayers))
		for range setting("TELEFONIST_BENCH_ROUNDS", 3)[0] {
			for i, r := range relayers {
				figures[i] = append(figures[i], measureRelay(b, r, calls))
			}
		}
		for i, r := range relayers {
			floor := figures[0]
			for j, other := range relayers { // of the same shape
				if strings.HasPrefix(r.name, "shared") && other.name == "shared-floor" {
					floor = figures[j]
				}
			}
			b.Run(fmt.Sprintf("%s/calls=%d", r.name, calls), func(b *testing.B) { printFigures(b, figures[i], floor) })
		}
	}
}

// chosen reports whether a form is to be measured: all are, unless TELEFONIST_BENCH_FORMS names some.
func chosen(form string) bool {
	only := os.Getenv("TELEFONIST_BENCH_FORMS")
	return only == "" || slices.Contains(strings.Fields(only), form)
}

// figure is one measurement.
type figure struct {
	perPacket time.Duration // CPU
	load.Result
}

// printFigures prints the medians, and how many times the floor's CPU time that is.
func printFigures(b *testing.B, figures, floor []figure) {
	middle := func(of func(figure) time.Duration, figures []figure) float64 { return float64(median(figures, of)) }
	cpu := func(f figure) time.Duration { return f.perPacket }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(cpu, figures)/1e3, "µs/packet")
	b.ReportMetric(middle(cpu, figures)/middle(cpu, floor), "x-floor")
	b.ReportMetric(middle(func(f figure) time.Duration { return f.P50 }, figures)/1e6, "p50-ms")
	b.ReportMetric(middle(func(f figure) time.Duration { return f.P99 }, figures)/1e6, "p99-ms")
	lost := 0
	for _, f := range figures {
		lost += f.Lost()
	}
	b.ReportMetric(float64(lost), "lost")
}

func median(figures []figure, of func(figure) time.Duration) time.Duration {
	sorted := slices.SortedFunc(slices.Values(figures), func(a, b figure) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}

// setting reads numbers from the environment, such as "500 1000".
func setting(name string, otherwise ...int) []int {
	var out []int
	for _, f := range strings.Fields(os.Getenv(name)) {
		if n, err := strconv.Atoi(f); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return otherwise
	}
	return out
}

// generatorSockets is how many sockets the far sides of all legs share: few, so that a system call of the generator
// sends or takes many packets, and the cores are left to what is measured.
const generatorSockets = 4

func measureRelay(b *testing.B, r relayer, calls int) (f figure) {
	b.Helper()
	ok := b.Run("round", func(b *testing.B) { // of its own, so that its cleanups run
		b.ReportMetric(0, "ns/op")
		g, err := load.Start(generatorSockets)
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		var far []netip.AddrPort
		for i := range 2 * calls {
			far = append(far, g.Far(i))
		}
		streams := make([]load.Stream, 2*calls)
		relays := r.open(b, far)
		defer withThreads(2 * runtime.GOMAXPROCS(0))()
		for i, to := range relays {
			streams[i] = load.Stream{From: far[i], To: to}
		}
		f = measure(b, g, load.Spec{Streams: streams, Reports: true})
		f.perPacket /= time.Duration(max(f.Sent, 1))
	})
	if !ok {
		b.Fatal("no measurement")
	}
	return f
}

// measure runs a generator and takes this process's CPU time in its measured time.
func measure(b *testing.B, g *load.Generator, s load.Spec) (f figure) {
	b.Helper()
	s.Warm, s.Measure = time.Second, time.Duration(setting("TELEFONIST_BENCH_SECONDS", 3)[0])*time.Second
	runtime.GC()
	var before, after time.Duration
	r, err := g.Run(s, func() { before = cpuTime() }, func() { after = cpuTime() })
	if err != nil {
		b.Fatal(err)
	}
	return figure{after - before, r}
}

// withThreads gives the scheduler a place for each of n locked threads, as the server does, until the returned function is
// called.
func withThreads(n int) (undo func()) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(before + n)
	return func() { runtime.GOMAXPROCS(before) }
}

// cpuTime is what this process has used, in user and system mode.
func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var benchLocal = netip.MustParseAddr("127.31.6.1")

// openEngine is the real path: pins, counters, watch, RTCP, rewriting.
func openEngine(cfg Config) func(*testing.B, []netip.AddrPort) []netip.AddrPort {
	return func(b *testing.B, far []netip.AddrPort) (at []netip.AddrPort) {
		cfg.Address, cfg.MinPort, cfg.MaxPort = benchLocal, 10000, 31999
		e, err := New(cfg, SinkFunc(func(call.LegID, time.Time, call.Event) {}))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(e.Shutdown)
		for i, a := range far {
			peer := call.LegID("")
			if i%2 == 1 {
				peer = call.LegID(strconv.Itoa(i - 1))
			}
			_, local := benchPeer(b, e, call.LegID(strconv.Itoa(i)), peer, a, negotiate.PCMA)
			at = append(at, local)
		}
		for i := 0; i < len(far); i += 2 {
			e.Do(call.Connect{A: call.LegID(strconv.Itoa(i)), B: call.LegID(strconv.Itoa(i + 1))})
		}
		return at
	}
}

// forwarder is a receiver without any logic.
type forwarder struct {
	to   netip.AddrPort
	peer flow
	up   *atomic.Bool
}

func (f *forwarder) receiveRTP(b []byte, _ netip.AddrPort, via *outbox) {
	if f.up.Load() {
		_ = f.peer.sendRTP(b, f.to, via)
	}
}

func (f *forwarder) receiveRTCP([]byte, netip.AddrPort) {}
func (f *forwarder) sendFailed()                        {}
func (f *forwarder) warm(int)                           {}

// openStrategy is a way of carrying flows alone.
func openStrategy(portable bool) func(*testing.B, []netip.AddrPort) []netip.AddrPort {
	return func(b *testing.B, far []netip.AddrPort) (at []netip.AddrPort) {
		cfg := Config{Address: benchLocal, MinPort: 10000, MaxPort: 31999, portable: portable}
		if err := cfg.setDefaults(); err != nil {
			b.Fatal(err)
		}
		s := newSockets(cfg, time.Now())
		var up atomic.Bool
		var flows []flow
		var forwarders []*forwarder
		for i := range far {
			fw := &forwarder{to: far[i^1], up: &up}
			var near flow
			if i%2 == 1 {
				near = flows[i-1]
			}
			f, err := s.open(benchLocal, near, fw)
			if err != nil {
				b.Fatal(err)
			}
			port, _ := f.ports()
			at = append(at, netip.AddrPortFrom(benchLocal, port))
			flows, forwarders = append(flows, f), append(forwarders, fw)
		}
		for i, fw := range forwarders {
			fw.peer = flows[i^1]
		}
		up.Store(true)
		b.Cleanup(func() {
			for _, f := range flows {
				f.close()
			}
			s.end()
		})
		return at
	}
}

// shape is how a floor differs from the plain one.
type shape struct {
	recvmmsg  bool          // takes up to a batch from each socket
	connected bool          // sends without an address, from a socket that is connected
	gather    time.Duration // waits before it looks, so that a turn has more to do
}

// openFloor is the least that this shape of sockets can cost in Go: one epoll loop a core on locked threads, recvfrom,
// sendto, and nothing in between. Its RTP port is not paired with one for RTCP.
func openFloor(sh shape) func(*testing.B, []netip.AddrPort) []netip.AddrPort {
	return func(b *testing.B, far []netip.AddrPort) (at []netip.AddrPort) {
		threads := runtime.GOMAXPROCS(0)
		epolls := make([]int, threads)
		for i := range epolls {
			var err error
			if epolls[i], err = unix.EpollCreate1(0); err != nil {
				b.Fatal(err)
			}
		}
		ends := make([]floorEnd, len(far))
		port := uint16(10000)
		for i := range ends {
			for fd := 0; fd == 0; {
				port++
				fd, _ = bindUDP(netip.AddrPortFrom(benchLocal, port))
				fd = max(fd, 0)
				ends[i].in = fd
			}
			at = append(at, netip.AddrPortFrom(benchLocal, port))
			ends[i^1].out = ends[i].in
			putName(&ends[i].name, far[i^1], false)
			ends[i].size = unix.SizeofSockaddrInet4
			if sh.connected {
				if err := unix.Connect(ends[i].in, &unix.SockaddrInet4{Port: int(far[i].Port()), Addr: far[i].Addr().As4()}); err != nil {
					b.Fatal(err)
				}
				ends[i].size = 0
			}
			ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
			if err := unix.EpollCtl(epolls[i/2%threads], unix.EPOLL_CTL_ADD, ends[i].in, &ev); err != nil {
				b.Fatal(err)
			}
		}
		var stop atomic.Bool
		var done sync.WaitGroup
		for _, epoll := range epolls {
			done.Go(func() {
				runtime.LockOSThread()
				for in := new(batch); !stop.Load(); {
					floorTurn(epoll, ends, in, sh)
				}
			})
		}
		b.Cleanup(func() {
			stop.Store(true)
			done.Wait()
			for _, e := range ends {
				unix.Close(e.in)
			}
			for _, fd := range epolls {
				unix.Close(fd)
			}
		})
		return at
	}
}

// floorEnd is one leg of a floor: what comes in goes out by its peer's socket.
type floorEnd struct {
	in, out int
	name    rawName
	size    uintptr
}

func (e *floorEnd) send(b *byte, size uintptr) {
	if e.size == 0 {
		unix.RawSyscall6(unix.SYS_SENDTO, uintptr(e.out), uintptr(unsafe.Pointer(b)), size, unix.MSG_DONTWAIT, 0, 0)
		return
	}
	unix.RawSyscall6(unix.SYS_SENDTO, uintptr(e.out), uintptr(unsafe.Pointer(b)), size, unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&e.name)), e.size)
}

func floorTurn(epoll int, ends []floorEnd, in *batch, sh shape) {
	var events [eventsAtOnce]unix.EpollEvent
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 50, 0, 0)
	if errno != 0 {
		return
	}
	for i := range events[:n] {
		e := &ends[events[i].Fd]
		if sh.recvmmsg {
			if in.vectors[0].Len == 0 {
				in.init()
			}
			got, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(e.in), uintptr(unsafe.Pointer(&in.messages[0])),
				packetsAtOnce, unix.MSG_DONTWAIT, 0, 0)
			for j := range got {
				if errno == 0 {
					e.send(&in.buffers[j][0], uintptr(in.messages[j].length))
				}
			}
			continue
		}
		size, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(e.in), uintptr(unsafe.Pointer(&in.buffers[0])), packetSize,
			unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			e.send(&in.buffers[0][0], size)
		}
	}
	if sh.gather > 0 {
		sleep(sh.gather)
	}
}
