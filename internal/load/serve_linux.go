//go:build linux && (amd64 || arm64)

package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Serve is the generator: it does what it is told on standard input until that ends, and returns the exit code.
func Serve() int {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		return 1
	}
	return 0
}

func serve(in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	say := json.NewEncoder(out)
	var o opening
	if err := lines.Decode(&o); err != nil {
		return err
	}
	var sockets []socket
	var addresses []netip.AddrPort
	for i := range o.Sockets {
		s, a, err := openSocket(o.IP, 40000+uint16(os.Getpid()%100)*200+uint16(2*i))
		if err != nil {
			return err
		}
		sockets, addresses = append(sockets, s), append(addresses, a)
	}
	if err := say.Encode(addresses); err != nil {
		return err
	}
	for {
		var s Spec
		if err := lines.Decode(&s); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r, err := perform(s, sockets, say)
		if err != nil {
			return err
		}
		if err := say.Encode(r); err != nil {
			return err
		}
	}
}

// perform does one run. The receiver has a thread of its own.
func perform(s Spec, sockets []socket, say *json.Encoder) (Result, error) {
	ear := newEar(sockets, len(s.Streams))
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for !ear.stop.Load() {
			ear.listen()
			rest(2 * time.Millisecond) // the kernel's stamps tell when packets came
		}
	}()
	m := newMouth(s, sockets)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := m.speak(s.Warm); err != nil {
		return Result{}, err
	}
	ear.from.Store(realtime())
	if err := say.Encode("begun"); err != nil {
		return Result{}, err
	}
	m.sent = 0
	if err := m.speak(s.Measure); err != nil {
		return Result{}, err
	}
	ear.to.Store(realtime())
	if err := say.Encode("ended"); err != nil {
		return Result{}, err
	}
	// What is still under way is awaited: late is not lost.
	for before := int64(-1); before != ear.heardAll.Load(); {
		before = ear.heardAll.Load()
		rest(500 * time.Millisecond)
	}
	ear.stop.Store(true)
	<-done
	return ear.result(m.sent), nil
}

// socket is a pair of sockets for RTP and RTCP.
type socket struct{ rtp, rtcp int }

// openSocket binds a pair at a port or the next one that is free.
func openSocket(ip netip.Addr, port uint16) (s socket, a netip.AddrPort, err error) {
	for ; port < 65000; port += 2 {
		if s.rtp, err = bind(ip, port); err != nil {
			continue
		}
		if s.rtcp, err = bind(ip, port+1); err != nil {
			unix.Close(s.rtp)
			continue
		}
		return s, netip.AddrPortFrom(ip, port), nil
	}
	return s, a, err
}

func bind(ip netip.Addr, port uint16) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	const room = 8 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, room)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(port), Addr: ip.As4()})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// realtime is the clock that the kernel stamps packets with, in nanoseconds.
func realtime() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &ts)
	return ts.Nano()
}

func rest(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}

// flag is a boolean of two threads.
type flag = atomic.Bool
