//go:build linux && (amd64 || arm64)

package load

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	interval = 20 * time.Millisecond
	// slots is how many instants of the interval streams are spread over.
	slots = 40

	headerSize = 12
	packetSize = headerSize + 160
	magic      = 0x7e1ef041
	batchMost  = 64
)

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// mouth sends the streams.
type mouth struct {
	slots [slots][]batch
	sent  int
	turn  int // which interval
}

// batch is what one slot sends from one socket.
type batch struct {
	fd       int
	packets  []packet
	messages []message

	control int // RTCP, fd and messages
	reports []message
}

type packet struct {
	raw    [packetSize]byte
	report [28]byte
	vector unix.Iovec
	rvec   unix.Iovec
	name   unix.RawSockaddrInet4
	rname  unix.RawSockaddrInet4
	stream uint32
	seq    uint32
}

func newMouth(s Spec, sockets []socket) *mouth {
	m := &mouth{}
	salt := rand.Uint32() // of the SSRCs, which no two runs share
	counts := map[[2]int]int{}
	for i, st := range s.Streams {
		counts[[2]int{i % slots, st.Socket}]++
	}
	index := map[[2]int]*batch{}
	for slot := range slots {
		for n := range sockets {
			if c := counts[[2]int{slot, n}]; c > 0 {
				m.slots[slot] = append(m.slots[slot], batch{fd: sockets[n].rtp, control: sockets[n].rtcp,
					packets: make([]packet, 0, c), messages: make([]message, c)})
				if s.Reports {
					m.slots[slot][len(m.slots[slot])-1].reports = make([]message, c)
				}
			}
		}
		b := 0
		for n := range sockets {
			if counts[[2]int{slot, n}] > 0 {
				index[[2]int{slot, n}] = &m.slots[slot][b]
				b++
			}
		}
	}
	for i, st := range s.Streams {
		index[[2]int{i % slots, st.Socket}].add(uint32(i), salt+uint32(i), st.To)
	}
	return m
}

func (b *batch) add(stream, ssrc uint32, to netip.AddrPort) {
	n := len(b.packets)
	b.packets = append(b.packets, packet{stream: stream})
	p := &b.packets[n] // the slice has room for all from the start
	p.raw[0], p.raw[1] = 0x80, 8
	binary.BigEndian.PutUint32(p.raw[8:], ssrc)
	for i := range p.raw[headerSize:] {
		p.raw[headerSize+i] = 0xd5
	}
	binary.BigEndian.PutUint32(p.raw[headerSize:], magic)
	binary.BigEndian.PutUint32(p.raw[headerSize+4:], stream)
	b.messages[n] = point(&p.vector, p.raw[:], &p.name, to)
	p.report[0], p.report[1], p.report[3] = 0x80, 200, 6
	binary.BigEndian.PutUint32(p.report[4:], ssrc)
	if b.reports != nil {
		b.reports[n] = point(&p.rvec, p.report[:], &p.rname, netip.AddrPortFrom(to.Addr(), to.Port()+1))
	}
}

func point(v *unix.Iovec, raw []byte, name *unix.RawSockaddrInet4, to netip.AddrPort) (m message) {
	v.Base = &raw[0]
	v.SetLen(len(raw))
	name.Family = unix.AF_INET
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
	name.Addr = to.Addr().As4()
	m.header.Name, m.header.Namelen = (*byte)(unsafe.Pointer(name)), unix.SizeofSockaddrInet4
	m.header.Iov = v
	m.header.SetIovlen(1)
	return m
}

// speak sends all streams at their pace for a time.
func (m *mouth) speak(d time.Duration) error {
	began := time.Now()
	for at := time.Duration(0); at < d; at += interval {
		for slot := range slots {
			if wait := time.Until(began.Add(at + time.Duration(slot)*interval/slots)); wait > 0 {
				rest(wait)
			}
			for i := range m.slots[slot] {
				if err := m.slots[slot][i].send(m.turn); err != nil {
					return err
				}
				m.sent += len(m.slots[slot][i].packets)
			}
		}
		m.turn++
	}
	return nil
}

func (b *batch) send(turn int) error {
	for first := 0; first < len(b.packets); first += batchMost {
		last := min(first+batchMost, len(b.packets))
		now := realtime()
		for i := first; i < last; i++ {
			b.packets[i].next(now)
		}
		if err := sendAll(b.fd, b.messages[first:last]); err != nil {
			return err
		}
	}
	if b.reports == nil {
		return nil
	}
	for i := range b.reports { // every 250th turn, each stream in its own
		if (turn+int(b.packets[i].stream))%250 == 0 {
			if err := sendAll(b.control, b.reports[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// next makes a stream's next packet.
func (p *packet) next(now int64) {
	p.seq++
	binary.BigEndian.PutUint16(p.raw[2:], uint16(p.seq))
	binary.BigEndian.PutUint32(p.raw[4:], p.seq*160)
	binary.BigEndian.PutUint64(p.raw[headerSize+8:], uint64(now))
	binary.BigEndian.PutUint32(p.raw[headerSize+16:], p.seq)
}

func sendAll(fd int, messages []message) error {
	for len(messages) > 0 {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
			uintptr(len(messages)), 0, 0, 0)
		switch errno {
		case 0:
			messages = messages[n:]
		case unix.EINTR, unix.EAGAIN, unix.ECONNREFUSED:
		default:
			return fmt.Errorf("sendmmsg: %w", errno)
		}
	}
	return nil
}
