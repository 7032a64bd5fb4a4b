//go:build linux && (amd64 || arm64)

package load

import (
	"encoding/binary"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	bucket  = 10 * time.Microsecond
	buckets = 200000 // up to 2 s
)

// histogram counts durations.
type histogram struct {
	counts []uint32
	total  int
	max    time.Duration
}

func newHistogram() histogram { return histogram{counts: make([]uint32, buckets+1)} }

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[min(int(d/bucket), buckets)]++
	h.total++
	h.max = max(h.max, d)
}

// at is the duration that a share of all do not exceed.
func (h *histogram) at(share float64) time.Duration {
	left := int(share * float64(h.total))
	for i, n := range h.counts {
		if left -= int(n); left < 0 {
			return time.Duration(i+1) * bucket
		}
	}
	return h.max
}

// ear receives what comes back.
type ear struct {
	sockets  []socket
	stop     flag
	from, to atomic.Int64 // the measured time
	heardAll atomic.Int64 // packets of the measured time, for the end to await

	messages [batchMost]message
	vectors  [batchMost]unix.Iovec
	names    [batchMost]unix.RawSockaddrInet4
	buffers  [batchMost][256]byte
	controls [batchMost][64]byte

	highest                       []uint32 // by stream
	received, disordered, packets int
	delay, spacing                histogram
	last                          map[uint32]int64 // when a source's last packet came, by its SSRC
}

func newEar(sockets []socket, streams int) *ear {
	e := &ear{sockets: sockets, highest: make([]uint32, streams), delay: newHistogram(), spacing: newHistogram(),
		last: map[uint32]int64{}}
	e.from.Store(1<<63 - 1)
	e.to.Store(1<<63 - 1)
	for i := range e.messages {
		e.vectors[i].Base = &e.buffers[i][0]
		e.vectors[i].SetLen(len(e.buffers[i]))
		h := &e.messages[i].header
		h.Name = (*byte)(unsafe.Pointer(&e.names[i]))
		h.Iov = &e.vectors[i]
		h.SetIovlen(1)
		h.Control = &e.controls[i][0]
	}
	return e
}

// listen takes all RTP that is there. RTCP is left to lie.
func (e *ear) listen() {
	for _, s := range e.sockets {
		for e.drain(s.rtp) == batchMost {
		}
	}
}

func (e *ear) receive(fd int) int {
	for i := range e.messages {
		e.messages[i].header.Namelen = unix.SizeofSockaddrInet4
		e.messages[i].header.SetControllen(len(e.controls[i]))
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.messages[0])), batchMost,
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

func (e *ear) drain(fd int) int {
	n := e.receive(fd)
	from, to := e.from.Load(), e.to.Load()
	for i := range n {
		c := &e.controls[i] // cmsghdr of 16 bytes, then struct timespec
		at := int64(binary.NativeEndian.Uint64(c[16:]))*1e9 + int64(binary.NativeEndian.Uint64(c[24:]))
		e.hear(e.buffers[i][:e.messages[i].length], at, from, to)
	}
	return n
}

func (e *ear) hear(b []byte, at, from, to int64) {
	if len(b) < headerSize {
		return
	}
	if ssrc := binary.BigEndian.Uint32(b[8:]); at >= from && at < to {
		e.packets++
		if last, heard := e.last[ssrc]; heard {
			d := time.Duration(at-last) - interval
			e.spacing.add(max(d, -d))
		}
		e.last[ssrc] = at
	}
	if len(b) < packetSize || binary.BigEndian.Uint32(b[headerSize:]) != magic {
		return
	}
	b = b[headerSize:]
	stream, sent, seq := binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint32(b[16:])
	if sent < from || sent >= to || int(stream) >= len(e.highest) {
		return
	}
	if seq <= e.highest[stream] {
		e.disordered++
	} else {
		e.highest[stream] = seq
	}
	e.received++
	e.heardAll.Add(1)
	e.delay.add(time.Duration(at - sent))
}

func (e *ear) result(sent int) Result {
	r := Result{Sent: sent, Received: e.received, Disordered: e.disordered, Packets: e.packets,
		P50: e.delay.at(0.5), P99: e.delay.at(0.99), Max: e.delay.max,
		SpacingP99: e.spacing.at(0.99), SpacingMax: e.spacing.max, Sources: len(e.last)}
	return r
}
