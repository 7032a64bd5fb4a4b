//go:build linux && (amd64 || arm64)

package media

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// collector is a receiver that keeps copies.
type collector struct{ got chan []byte }

func (c collector) receiveRTP(b []byte, _ netip.AddrPort, _ *outbox) { c.got <- bytes.Clone(b) }
func (c collector) receiveRTCP(b []byte, _ netip.AddrPort)           { c.got <- bytes.Clone(b) }
func (c collector) sendFailed()                                      {}
func (c collector) warm(int)                                         {}

func (c collector) next(t *testing.T) []byte {
	t.Helper()
	select {
	case b := <-c.got:
		return b
	case <-time.After(patience):
		t.Fatal("nothing was received")
		return nil
	}
}

func newTestLoops(t *testing.T, n int) *loops {
	t.Helper()
	cfg := Config{Address: netip.MustParseAddr("127.31.4.3"), MinPort: 20000, MaxPort: 23999}
	if err := cfg.setDefaults(); err != nil {
		t.Fatal(err)
	}
	s, err := newLoops(newPorts(cfg), n, time.Now(), cfg.Logger)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*loops)
}

func open(t *testing.T, ls *loops, r receiver) (*loopPair, netip.AddrPort) {
	t.Helper()
	a := netip.MustParseAddr("127.31.4.3")
	f, err := ls.open(a, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := f.ports()
	return f.(*loopPair), netip.AddrPortFrom(a, port)
}

// descriptors counts the files that the process has open. It is exact only while no other test runs.
func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestLoopsLeaveNoDescriptorOpen(t *testing.T) {
	before := descriptors(t)
	ls := newTestLoops(t, 2)
	far := socket(t, "127.31.4.9")
	c := collector{make(chan []byte, 1000)}
	for range 3 {
		var flows []*loopPair
		for range 20 {
			f, a := open(t, ls, c)
			flows = append(flows, f)
			if _, err := far.WriteToUDPAddrPort([]byte("x"), a); err != nil {
				t.Fatal(err)
			}
			c.next(t)
		}
		for _, f := range flows {
			f.close()
			f.close()
		}
	}
	for _, l := range ls.all {
		if n := l.flows.Load(); n != 0 || len(l.table.free) != int(l.table.used) {
			t.Errorf("%d flows, %d of %d numbers are free", n, len(l.table.free), l.table.used)
		}
	}
	ls.end()
	if n := descriptors(t); n != before+1 { // far
		t.Errorf("%d descriptors, %d before", n, before+1)
	}
}

func TestOrderAndEveryPacketOfAFlowAreKept(t *testing.T) {
	t.Parallel()
	ls := newTestLoops(t, 2)
	defer ls.end()
	var done sync.WaitGroup
	for i := range 20 {
		c := collector{make(chan []byte, 50)}
		f, a := open(t, ls, c)
		defer f.close()
		far := socket(t, "127.31.4.9")
		done.Go(func() {
			for n := range 200 {
				if _, err := far.WriteToUDPAddrPort([]byte{byte(i), byte(n)}, a); err != nil {
					t.Error(err)
				}
				if n%50 != 49 { // never more at once than a socket's buffer holds
					continue
				}
				for m := n - 49; m <= n; m++ {
					if b := <-c.got; b[0] != byte(i) || b[1] != byte(m) {
						t.Errorf("flow %d got %v in place of packet %d", i, b, m)
					}
				}
			}
		})
	}
	done.Wait()
}

func TestALongDatagramComesCut(t *testing.T) {
	t.Parallel()
	ls := newTestLoops(t, 1)
	defer ls.end()
	c := collector{make(chan []byte, 100)}
	f, a := open(t, ls, c)
	defer f.close()
	far := socket(t, "127.31.4.9")
	for _, n := range []int{0, 1, packetSize - 1, packetSize, packetSize + 1, 60000} {
		count := 20 // one at a time, then in batches
		if n > 2*packetSize {
			count = 1 // or the socket's buffer is full
		}
		for range count {
			if _, err := far.WriteToUDPAddrPort(make([]byte, n), a); err != nil {
				t.Fatal(err)
			}
		}
		for range count {
			if got := len(c.next(t)); got != min(n, packetSize) {
				t.Fatalf("%d bytes of %d", got, n)
			}
		}
	}
}

func TestEventsOfAClosedFlowMeanNothing(t *testing.T) {
	t.Parallel()
	ls := newTestLoops(t, 1)
	defer ls.end()
	l := ls.all[0]
	c := collector{make(chan []byte, 10)}
	old, _ := open(t, ls, c)
	index, generation := old.rtp.index, old.rtp.generation
	old.close()
	if l.table.at(index) != nil {
		t.Error("a closed socket is found")
	}
	for range 2 { // both numbers are used again
		f, _ := open(t, ls, c)
		defer f.close()
	}
	if s := l.table.at(index); s == nil || s.generation == generation {
		t.Errorf("number %d is not used again with another generation", index)
	}
	for _, n := range []uint32{pageSize, pageSize*pagesMost - 1, pageSize * pagesMost, 1<<32 - 1} {
		if l.table.at(n) != nil {
			t.Errorf("number %d is found", n)
		}
	}
	if err := old.sendRTP([]byte("x"), netip.MustParseAddrPort("127.31.4.9:9"), nil); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a closed flow sends: %v", err)
	}
}

// Flows are opened and closed while others send by them and strangers send to them. A descriptor that was used after
// its close would carry the packets of one flow from the port of another.
func TestNoFlowSendsFromThePortOfAnother(t *testing.T) {
	t.Parallel()
	ls := newTestLoops(t, 2)
	defer ls.end()
	far := socket(t, "127.31.4.9")
	to := address(far)
	var listening, sending sync.WaitGroup
	listening.Go(func() {
		buf := make([]byte, 100)
		for {
			n, from, err := far.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if n != 2 || uint16(buf[0])<<8|uint16(buf[1]) != from.Port() {
				t.Errorf("port %d sent %v", from.Port(), buf[:n])
			}
			far.WriteToUDPAddrPort(buf[:n], from)
		}
	})
	c := collector{make(chan []byte, 1)}
	listening.Go(func() {
		for range c.got {
		}
	})
	for range 4 {
		sending.Go(func() {
			for range 100 { // 400 port pairs in all, fewer than there are
				f, a := open(t, ls, c)
				var both sync.WaitGroup
				both.Go(func() {
					for {
						if f.sendRTP([]byte{byte(a.Port() >> 8), byte(a.Port())}, to, nil) == syscall.EBADF {
							return
						}
					}
				})
				both.Go(f.close)
				both.Wait()
			}
		})
	}
	sending.Wait()
	ls.end()
	far.Close()
	close(c.got)
	listening.Wait()
}

func TestTheTwoFlowsOfACallShareALoop(t *testing.T) {
	t.Parallel()
	ls := newTestLoops(t, 4)
	defer ls.end()
	c := collector{make(chan []byte, 1)}
	for range 20 {
		a, _ := open(t, ls, c)
		defer a.close()
		b, err := ls.open(netip.MustParseAddr("127.31.4.3"), a, c)
		if err != nil {
			t.Fatal(err)
		}
		defer b.close()
		if b.(*loopPair).loop != a.loop {
			t.Error("a call is on two loops")
		}
	}
	for i, l := range ls.all {
		if n := l.flows.Load(); n != 10 {
			t.Errorf("loop %d has %d of 40 flows", i, n)
		}
	}
}

func TestAddressesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, s := range []string{"192.0.2.1:4000", "[2001:db8::1]:65535", "0.0.0.0:1"} {
		a := netip.MustParseAddrPort(s)
		var name rawName
		putName(&name, a, a.Addr().Is6())
		if got := getName(&name); got != a {
			t.Errorf("%v became %v", a, got)
		}
	}
}

func TestPacketsGoByIPv6(t *testing.T) {
	t.Parallel()
	far, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here")
	}
	defer far.Close()
	ls := newTestLoops(t, 1)
	defer ls.end()
	c := collector{make(chan []byte, 1)}
	f, err := ls.open(netip.IPv6Loopback(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := f.sendRTCP([]byte("out"), address(far)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	n, from, err := far.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != "out" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	far.WriteToUDPAddrPort([]byte("in"), from)
	if b := c.next(t); string(b) != "in" {
		t.Errorf("%q", b)
	}
}
