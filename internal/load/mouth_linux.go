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
	source source
	stream uint32
	seq    uint32
}

func newMouth(s Spec, sockets []socket) (*mouth, error) {
	m := &mouth{}
	salt := rand.Uint32() // of the SSRCs, which no two runs share
	numbers := map[uint16]int{}
	for n, s := range sockets {
		numbers[s.port] = n
	}
	var counts [slots][]int // of streams, by socket
	for i := range counts {
		counts[i] = make([]int, len(sockets))
	}
	for i, st := range s.Streams {
		n, known := numbers[st.From.Port()]
		if !known {
			return nil, fmt.Errorf("load: no socket for %s", st.From)
		}
		counts[i%slots][n]++
	}
	for slot := range slots {
		m.slots[slot] = make([]batch, len(sockets))
		for n, c := range counts[slot] {
			b := &m.slots[slot][n]
			*b = batch{fd: sockets[n].rtp, control: sockets[n].rtcp, packets: make([]packet, 0, c), messages: make([]message, c)}
			if s.Reports {
				b.reports = make([]message, c)
			}
		}
	}
	for i, st := range s.Streams {
		m.slots[i%slots][numbers[st.From.Port()]].add(uint32(i), salt+uint32(i), st)
	}
	return m, nil
}

func (b *batch) add(stream, ssrc uint32, st Stream) {
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
	p.source.put(st.From.Addr())
	b.messages[n] = point(&p.vector, p.raw[:], &p.name, st.To, &p.source)
	p.report[0], p.report[1], p.report[3] = 0x80, 200, 6
	binary.BigEndian.PutUint32(p.report[4:], ssrc)
	if b.reports != nil {
		b.reports[n] = point(&p.rvec, p.report[:], &p.rname, netip.AddrPortFrom(st.To.Addr(), st.To.Port()+1), &p.source)
	}
}

// source is struct cmsghdr with a struct in_pktinfo: the address that a packet is sent from.
type source struct {
	header unix.Cmsghdr
	info   unix.Inet4Pktinfo
	_      [4]byte
}

func (s *source) put(a netip.Addr) {
	s.header = unix.Cmsghdr{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO}
	s.header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	s.info.Spec_dst = a.As4()
}

func point(v *unix.Iovec, raw []byte, name *unix.RawSockaddrInet4, to netip.AddrPort, from *source) (m message) {
	v.Base = &raw[0]
	v.SetLen(len(raw))
	name.Family = unix.AF_INET
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
	name.Addr = to.Addr().As4()
	m.header.Name, m.header.Namelen = (*byte)(unsafe.Pointer(name)), unix.SizeofSockaddrInet4
	m.header.Iov = v
	m.header.SetIovlen(1)
	m.header.Control = (*byte)(unsafe.Pointer(from))
	m.header.SetControllen(int(unsafe.Sizeof(*from)))
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
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
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
