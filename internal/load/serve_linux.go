//go:build linux && (amd64 || arm64)

package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

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
	var ports []uint16
	next := 40000 + uint16(os.Getpid()%100)*200
	for range o.Sockets {
		s, err := openSocket(next)
		if err != nil {
			return err
		}
		next = s.port + 2
		sockets, ports = append(sockets, s), append(ports, s.port)
	}
	if err := say.Encode(ports); err != nil {
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
	m, err := newMouth(s, sockets)
	if err != nil {
		return Result{}, err
	}
	runtime.LockOSThread()
	punctual()
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

// socket is a pair of sockets for RTP and RTCP, at all addresses.
type socket struct {
	port      uint16
	rtp, rtcp int
}

// openSocket binds a pair at a port or the next one that is free.
func openSocket(port uint16) (s socket, err error) {
	for ; port < 65000; port += 2 {
		if s.rtp, err = bind(port); err != nil {
			continue
		}
		if s.rtcp, err = bind(port + 1); err != nil {
			unix.Close(s.rtp)
			continue
		}
		s.port = port
		return s, nil
	}
	return s, err
}

func bind(port uint16) (int, error) {
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
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(port)})
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

// rest sleeps on this thread. The scheduler is not told: nothing else waits for the thread's place in it.
func rest(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// punctual has this thread's sleeps end when they should, and not up to 50 µs later (PR_SET_TIMERSLACK).
func punctual() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }

// flag is a boolean of two threads.
type flag = atomic.Bool
