//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loops carries the flows on a few epoll loops, one for each core, each on a thread of its own. A flow belongs to one
// loop from open to close: its packets are received there, and the relayed packet is sent there too, by system calls
// that never wait and are not announced to the scheduler.
type loops struct {
	*ports
	log *slog.Logger
	all []*loop

	sharing sync.Mutex
	shared  []*sharedPort // by number
}

// newLoops starts n loops; 0 means one for each core that Go may use. Their time counts from began.
func newLoops(p *ports, n int, began time.Time, log *slog.Logger) (sockets, error) {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	ls := &loops{ports: p, log: log}
	for range n {
		l, err := newLoop(began)
		if err != nil {
			ls.end()
			return nil, err
		}
		ls.all = append(ls.all, l)
		go l.run()
	}
	return ls, nil
}

func (ls *loops) threads() int { return len(ls.all) }

func (ls *loops) end() {
	ls.unshare()
	for _, l := range ls.all {
		l.stop()
	}
}

// open puts a flow on the loop of the one near it, so that a call is one core's; otherwise on the loop with the fewest.
func (ls *loops) open(bind netip.Addr, near flow, r receiver) (flow, error) {
	l := ls.loopFor(near)
	var f *loopPair
	err := ls.bindFree(bind, func(port uint16) error {
		f = &loopPair{owner: ls, loop: l, port: port}
		return f.bind(bind, r)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// loopFor is the loop of a flow, where it has one, otherwise the one with the fewest.
func (ls *loops) loopFor(near flow) *loop {
	if n, ok := near.(interface{ onLoop() *loop }); ok {
		return n.onLoop()
	}
	return ls.least()
}

func (ls *loops) least() *loop {
	l := ls.all[0]
	for _, other := range ls.all[1:] {
		if other.flows.Load() < l.flows.Load() {
			l = other
		}
	}
	return l
}

// loopPair is a flow on a port pair.
type loopPair struct {
	owner     *loops
	loop      *loop
	port      uint16
	rtp, rtcp sock
	once      sync.Once
}

func (f *loopPair) bind(addr netip.Addr, r receiver) error {
	f.rtp.r, f.rtcp.r = r, r
	if err := f.loop.bindPair(&f.rtp, &f.rtcp, netip.AddrPortFrom(addr, f.port)); err != nil {
		return err
	}
	f.loop.flows.Add(1)
	return nil
}

func (f *loopPair) onLoop() *loop { return f.loop }

func (f *loopPair) ports() (rtp, rtcp uint16) { return f.port, f.port + 1 }

func (f *loopPair) sendRTP(packet []byte, to netip.AddrPort, _ *outbox) error {
	return f.rtp.send(packet, to)
}

func (f *loopPair) sendRTCP(packet []byte, to netip.AddrPort) error { return f.rtcp.send(packet, to) }

func (f *loopPair) close() {
	f.once.Do(func() {
		f.loop.remove(&f.rtp)
		f.loop.remove(&f.rtcp)
		f.loop.flows.Add(-1)
		f.owner.giveBack(f.port)
	})
}

const (
	// eventsAtOnce is how many sockets a turn of a loop looks at.
	eventsAtOnce = 128
	// packetsAtOnce is how many packets a turn takes from one socket that has fallen behind: enough to catch up, too
	// few to keep the others waiting when somebody floods a port.
	packetsAtOnce = 8
)

// loop receives for its flows, on a thread of its own.
type loop struct {
	began       time.Time
	epoll, bell int // bell is an eventfd that ends a wait
	ended       atomic.Bool
	done        chan struct{}
	closing     sync.Once
	flows       atomic.Int64
	table       table

	// What follows is the thread's alone.
	turn   uint64
	events [eventsAtOnce]unix.EpollEvent
	socks  [warmAtOnce]*sock // of some of them
	batch  batch
	out    outbox
}

func newLoop(began time.Time) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	// The bell has no place in the table: its events mean nothing but that the wait is over.
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &ev); err != nil {
		unix.Close(bell)
		unix.Close(epoll)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &loop{began: began, epoll: epoll, bell: bell, done: make(chan struct{})}
	l.batch.init()
	return l, nil
}

// stop ends the loop and waits for it.
func (l *loop) stop() {
	if !l.ended.Swap(true) {
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	<-l.done
	l.closing.Do(func() {
		unix.Close(l.bell)
		unix.Close(l.epoll)
	})
}

func (l *loop) run() {
	runtime.LockOSThread() // and never unlocked: the thread ends with the loop
	defer close(l.done)
	for !l.ended.Load() {
		n := epollWait(l.epoll, l.events[:])
		l.turn++
		for first := 0; first < n; first += warmAtOnce {
			l.handle(l.events[first:min(first+warmAtOnce, n)])
		}
		l.out.flush()
	}
}

// handle receives by the sockets of some events, for which the memory is fetched together.
func (l *loop) handle(events []unix.EpollEvent) {
	for i := range events {
		l.socks[i] = l.table.at(uint32(events[i].Fd))
		prefetch(unsafe.Pointer(l.socks[i]), 1)
	}
	socks := l.socks[:len(events)]
	for stage := range warmStages {
		for _, s := range socks {
			s.warm(stage)
		}
	}
	for i, s := range socks {
		// An event of a socket that was closed meanwhile finds nothing, or another generation.
		if s != nil && s.generation == uint32(events[i].Pad) {
			l.receive(s)
		}
	}
}

// receive takes one packet, or several where the socket had one in the turn before too: then it has fallen behind.
// What is left makes the next turn's event.
func (l *loop) receive(s *sock) {
	if !s.use() {
		return
	}
	l.out.now = l.now()
	behind := s.turn+1 == l.turn
	s.turn = l.turn
	switch {
	case s.shared != nil:
		l.batch.receive(s, takenAtOnce, &l.out)
	case behind:
		l.batch.receive(s, packetsAtOnce, &l.out)
	default:
		l.batch.receiveOne(s, &l.out)
	}
	s.release()
}

// bindPair opens a port and the one above it, and receives by them from now on.
func (l *loop) bindPair(rtp, rtcp *sock, a netip.AddrPort) (err error) {
	if rtp.fd, err = bindUDP(a); err != nil {
		return err
	}
	if rtcp.fd, err = bindUDP(netip.AddrPortFrom(a.Addr(), a.Port()+1)); err != nil {
		unix.Close(rtp.fd)
		return err
	}
	rtp.six, rtcp.six, rtcp.control = a.Addr().Is6(), a.Addr().Is6(), true
	// From the first add on packets may arrive.
	if err := l.add(rtp); err != nil {
		unix.Close(rtp.fd)
		unix.Close(rtcp.fd)
		return err
	}
	if err := l.add(rtcp); err != nil {
		l.remove(rtp)
		unix.Close(rtcp.fd)
		return err
	}
	return nil
}

// now is the engine's clock.
func (l *loop) now() int64 { return int64(time.Since(l.began)) }

// add begins the receiving of a socket.
func (l *loop) add(s *sock) error {
	l.table.put(s)
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.index), Pad: int32(s.generation)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
		l.table.drop(s)
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// remove ends a socket. Its descriptor is closed by whoever uses it last.
func (l *loop) remove(s *sock) {
	if !s.use() {
		return
	}
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
	l.table.drop(s)
	s.end()
	s.release()
}

// sock is a socket of a flow.
type sock struct {
	fd                int
	six               bool
	control           bool // RTCP
	r                 receiver
	shared            *sharedPort // in place of r, where the socket is many flows'
	index, generation uint32
	turn              uint64 // when it last received; the loop's alone

	// state counts in steps of sockUse who uses the descriptor, beside the bit that says that nobody may any more.
	state atomic.Int64
}

const (
	sockClosing = 1
	sockUse     = 2
)

// use keeps the descriptor from being closed, and so from meaning another socket, until release. It is false for a
// socket that is being closed.
func (s *sock) use() bool {
	for {
		n := s.state.Load()
		if n&sockClosing != 0 {
			return false
		}
		if s.state.CompareAndSwap(n, n+sockUse) {
			return true
		}
	}
}

func (s *sock) release() {
	if s.state.Add(-sockUse) == sockClosing {
		unix.Close(s.fd)
	}
}

// end has the descriptor closed by whoever uses it last.
func (s *sock) end() {
	if s.use() {
		s.state.Or(sockClosing)
		s.release()
	}
}

// warm is that of the receiver, where a packet of RTP is its alone.
func (s *sock) warm(stage int) {
	if s != nil && s.r != nil && !s.control {
		s.r.warm(stage)
	}
}

func (s *sock) deliver(b []byte, from netip.AddrPort, via *outbox) {
	if s.control {
		s.r.receiveRTCP(b, from)
	} else {
		s.r.receiveRTP(b, from, via)
	}
}

// send gives a packet to the system, which takes it now or never.
func (s *sock) send(b []byte, to netip.AddrPort) error {
	if !s.use() {
		return syscall.EBADF
	}
	err := sendTo(s.fd, b, to, s.six)
	if mayBeOld(err) {
		err = sendTo(s.fd, b, to, s.six)
	}
	s.release()
	return err
}

// mayBeOld reports whether an error of sending may be about something before. What an ICMP message says of a connected socket, and anybody may
// send one, is kept by the system and told once, in place of sending.
func mayBeOld(err error) bool { return err != nil && err != syscall.EAGAIN }

// bindUDP opens a socket that never waits.
func bindUDP(a netip.AddrPort) (int, error) {
	fd, err := openUDP(a.Addr())
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, socketAddress(a)); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind %s: %w", a, err)
	}
	return fd, nil
}

// openUDP opens a socket that never waits, for an address of that family.
func openUDP(a netip.Addr) (int, error) {
	family, level, option, value := unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1
	if !a.Is6() {
		// Audio is never fragmented, so that its packets need no identification (RFC 6864 section 4.1): choosing one costs
		// 7 % of a packet.
		family, level, option, value = unix.AF_INET, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, level, option, value); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("socket: %w", err)
	}
	return fd, nil
}

func socketAddress(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zoneOf(a.Addr())}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: as4(a.Addr())}
}

// sendingUDP opens a second socket at the address of a first one, to send by. Nothing is received by it, for it is connected: to the port
// above, which is ours and sends nothing here. Nobody but this user may have the address meanwhile, and nobody at all afterwards.
func sendingUDP(first int, a netip.AddrPort) (fd int, err error) {
	if fd, err = openUDP(a.Addr()); err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
			fd, err = -1, fmt.Errorf("bind %s once more: %w", a, err)
		}
	}()
	for _, s := range []int{first, fd} {
		if err = unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return fd, err
		}
		defer func() { err = errors.Join(err, unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEPORT, 0)) }()
	}
	if err = unix.Bind(fd, socketAddress(a)); err != nil {
		return fd, err
	}
	return fd, unix.Connect(fd, socketAddress(netip.AddrPortFrom(a.Addr(), a.Port()+1)))
}

func as4(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
}

// zoneOf is the number of a link-local address's interface, 0 where it has none. A socket that is bound with one sends
// by it.
func zoneOf(a netip.Addr) uint32 {
	if i, err := net.InterfaceByName(a.Zone()); a.Zone() != "" && err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(a.Zone(), 10, 32)
	return uint32(n)
}

// sleep waits for d, exact to some 60 µs, on this thread. The timers of Go are exact to 1 ms only.
func sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil) // when a signal cuts it short the caller looks at the time again
}
