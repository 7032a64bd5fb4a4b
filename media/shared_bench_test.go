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
	"unsafe"

	"golang.org/x/sys/unix"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// openSharedFloor is the least that shared sockets can cost in Go: one socket for each core on a locked thread, recvmmsg,
// sendmmsg of the same buffers, and between them no more than the index of a table of where packets go.
func openSharedFloor(b *testing.B, far []netip.AddrPort) (at []netip.AddrPort) {
	var stop atomic.Bool
	var done sync.WaitGroup
	var threads []*sharedFloor
	for range runtime.GOMAXPROCS(0) {
		f := &sharedFloor{fd: benchSocket(), names: make([]rawName, 1<<16)}
		p := &sharedPort{owner: &loops{}, rtp: sock{fd: f.fd}, out: sock{fd: f.fd}}
		p.makeRoom()
		threads = append(threads, f)
	}
	for i := range far {
		f := threads[i/2%len(threads)]
		putName(&f.names[farNumber(far[i])], far[i^1], false)
		sa, err := unix.Getsockname(f.fd)
		if err != nil {
			b.Fatal(err)
		}
		at = append(at, netip.AddrPortFrom(benchLocal, uint16(sa.(*unix.SockaddrInet4).Port)))
	}
	for _, f := range threads {
		timeout := unix.NsecToTimeval(50e6)
		if err := unix.SetsockoptTimeval(f.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
			b.Fatal(err)
		}
		if err := unix.SetNonblock(f.fd, false); err != nil {
			b.Fatal(err)
		}
		done.Go(func() {
			runtime.LockOSThread()
			for f.in.init(); !stop.Load(); {
				f.turn()
			}
		})
	}
	b.Cleanup(func() {
		stop.Store(true)
		done.Wait()
		for _, f := range threads {
			unix.Close(f.fd)
		}
	})
	return at
}

// farNumber is the number of a far side of the generator.
func farNumber(a netip.AddrPort) int {
	ip := a.Addr().As4()
	return int(ip[2])<<8 | int(ip[3])
}

// sharedFloor is one thread with its socket.
type sharedFloor struct {
	fd    int
	in    batch
	names []rawName // where what comes from a far side goes
}

func (f *sharedFloor) turn() {
	for i := range f.in.messages {
		f.in.messages[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	first, most := uintptr(unsafe.Pointer(&f.in.messages[0])), uintptr(len(f.in.messages))
	got, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(f.fd), first, most, unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN {
		got, _, errno = unix.Syscall6(unix.SYS_RECVMMSG, uintptr(f.fd), first, most, unix.MSG_WAITFORONE, 0, 0)
	}
	n := int(got)
	if errno != 0 {
		n = 0
	}
	for i := range n {
		m := &f.in.messages[i]
		to := &f.names[farNumber(getName(&f.in.names[i]))]
		f.in.names[i] = *to
		f.in.vectors[i].SetLen(int(m.length))
	}
	for first := 0; first < n; {
		sent, errno := sendAll(f.fd, f.in.messages[first:n])
		if first += sent; errno != 0 {
			break
		}
	}
	for i := range n {
		f.in.vectors[i].SetLen(packetSize)
	}
}

// BenchmarkSharedHandling is what a relayed packet on a shared port costs beside the system calls, with so many calls that
// their memory is in no cache when their turn comes.
func BenchmarkSharedHandling(b *testing.B) {
	for _, calls := range []int{1, 1000} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) { benchSharedHandling(b, calls) })
	}
}

func benchSharedHandling(b *testing.B, calls int) {
	e, err := New(Config{Address: benchLocal, MinPort: 10000, MaxPort: 10099, allShared: true, loops: 1},
		SinkFunc(func(call.LegID, time.Time, call.Event) {}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Shutdown)
	var far []netip.AddrPort
	for i := range 2 * calls {
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i >> 8)}), uint16(10000+2*(i&255)))
		benchLeg(b, e, call.LegID(strconv.Itoa(i)), a, negotiate.PCMA)
		far = append(far, a)
	}
	for i := 0; i < len(far); i += 2 {
		e.connect(call.Connect{A: call.LegID(strconv.Itoa(i)), B: call.LegID(strconv.Itoa(i + 1))})
	}
	port := e.sockets.(*loops).shared[0]
	in, box := new(batch), new(outbox)
	in.init()
	const together = 16
	b.ReportAllocs()
	for n, seq := 0, uint16(0); b.Loop(); {
		for i := range together {
			if n++; n%len(far) == 0 {
				seq++
			}
			raw := in.buffers[i][:headerSize+160]
			putHeader(raw, false, 8, seq, uint32(seq)*160, uint32(n*7%len(far)))
			in.messages[i].length = uint32(len(raw))
			putName(&in.names[i], far[n*7%len(far)], false)
		}
		box.now = int64(seq) * int64(tick)
		port.deliver(in, together, false, box)
		box.lane(port).drop()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/together, "ns/packet")
}

// drop forgets what was gathered.
func (l *lane) drop() { l.n, l.used = 0, 0 }
