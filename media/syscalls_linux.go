//go:build linux && (amd64 || arm64)

package media

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the hot path. Those that never wait are made raw, without telling the scheduler, for they end
// sooner than it could do anything about them.

// epollWait waits for events. The first look does not wait, so that a busy loop costs the scheduler nothing.
func epollWait(epoll int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if errno == 0 && n > 0 {
		return int(n)
	}
	const forever = ^uintptr(0)
	n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), forever, 0, 0)
	if errno != 0 {
		return 0 // EINTR
	}
	return int(n)
}

// sendTo sends a datagram. Errors are system errors: EAGAIN where the socket's buffer is full.
func sendTo(fd int, b []byte, to netip.AddrPort, six bool) error {
	if len(b) == 0 {
		return nil
	}
	var name rawName
	size := putName(&name, to, six)
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&name)), size)
	if errno != 0 {
		return errno
	}
	return nil
}

// rawName holds an address of either family: that of IPv6 is the larger one.
type rawName = unix.RawSockaddrInet6

// putName writes an address as the system has it. An IPv4 address on a socket of IPv6 is left to the system to refuse.
func putName(name *unix.RawSockaddrInet6, a netip.AddrPort, six bool) uintptr {
	if !six {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		four.Family = unix.AF_INET
		putPort(&four.Port, a.Port())
		four.Addr = as4(a.Addr())
		return unix.SizeofSockaddrInet4
	}
	name.Family = unix.AF_INET6
	putPort(&name.Port, a.Port())
	name.Addr = a.Addr().As16()
	return unix.SizeofSockaddrInet6
}

// putPort writes a port in the network's order.
func putPort(p *uint16, port uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(p))[:], port)
}

// getName reads an address that the system wrote.
func getName(name *rawName) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// pointAt has a message be the bytes in a buffer, and their address a name.
func pointAt(m *message, v *unix.Iovec, name *rawName, buffer []byte) {
	v.Base = unsafe.SliceData(buffer)
	v.SetLen(len(buffer))
	m.header.Name = (*byte)(unsafe.Pointer(name))
	m.header.Iov = v
	m.header.SetIovlen(1)
}

// batch holds the buffers of a loop.
type batch struct {
	messages [takenAtOnce]message
	vectors  [takenAtOnce]unix.Iovec
	names    [takenAtOnce]rawName
	buffers  [takenAtOnce][packetSize]byte
	peers    [takenAtOnce]*peer // who sent them, on a shared port
	size     uint32             // of a name
}

func (b *batch) init() {
	for i := range b.messages {
		pointAt(&b.messages[i], &b.vectors[i], &b.names[i], b.buffers[i][:])
	}
}

// receiveOne takes one packet from a socket and hands it on. A fault of the socket, such as an ICMP error that came
// back, is taken out by the reading of it, and means nothing here.
func (b *batch) receiveOne(s *sock, via *outbox) {
	b.size = unix.SizeofSockaddrInet6
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&b.buffers[0])), packetSize,
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, uintptr(unsafe.Pointer(&b.names[0])), uintptr(unsafe.Pointer(&b.size)))
	if errno == 0 {
		s.deliver(b.buffers[0][:min(n, packetSize)], getName(&b.names[0]), via)
	}
}

// receive takes what a socket has, up to so many packets, and hands it on.
func (b *batch) receive(s *sock, most int, via *outbox) {
	for i := range b.messages[:most] {
		b.messages[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&b.messages[0])),
		uintptr(most), unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return
	}
	if s.shared != nil {
		s.shared.deliver(b, int(n), s.control, via)
		return
	}
	for i := range int(n) {
		s.deliver(b.packet(i), getName(&b.names[i]), via)
	}
}

// packet is the i-th of those received.
func (b *batch) packet(i int) []byte {
	return b.buffers[i][:min(b.messages[i].length, packetSize)]
}

// sendAll gives packets to the system, which takes them in their order and now or never, and tells how many it took.
// The error is about the first of those that are left.
func sendAll(fd int, messages []message) (sent int, errno unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])),
		uintptr(len(messages)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
