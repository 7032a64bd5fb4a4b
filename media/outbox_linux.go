//go:build linux && (amd64 || arm64)

package media

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// sentAtOnce is how many packets leave by one system call at most.
	sentAtOnce = 64
	// laneRoom is how many bytes they may be in all: those of a full call of voice.
	laneRoom = sentAtOnce * 256
)

// outbox gathers the packets that one thread sends by shared ports, until flush. It is that thread's alone.
type outbox struct {
	now   int64   // when what the thread handles was received, where it receives: by the engine's clock
	lanes []*lane // by the number of the port
}

// lane is what leaves by one shared port.
type lane struct {
	port     *sharedPort
	n, used  int
	messages [sentAtOnce]message
	vectors  [sentAtOnce]unix.Iovec
	names    [sentAtOnce]rawName
	flows    [sentAtOnce]*sharedFlow
	room     [laneRoom]byte
}

// put copies a packet, which leaves by the flow's port at the next flush, or before where there is no more room.
func (o *outbox) put(f *sharedFlow, b []byte, to netip.AddrPort) {
	l := o.lane(f.port)
	if l.n == sentAtOnce || l.used+len(b) > laneRoom {
		l.flush()
	}
	i := l.n
	data := l.room[l.used : l.used+len(b)]
	copy(data, b)
	l.vectors[i].Base = unsafe.SliceData(data)
	l.vectors[i].SetLen(len(b))
	l.messages[i].header.Namelen = uint32(putName(&l.names[i], to, f.port.out.six))
	l.flows[i] = f
	l.n, l.used = i+1, l.used+len(b)
}

func (o *outbox) lane(p *sharedPort) *lane {
	for len(o.lanes) <= p.number {
		o.lanes = append(o.lanes, nil)
	}
	l := o.lanes[p.number]
	if l == nil {
		l = &lane{port: p}
		for i := range l.messages {
			pointAt(&l.messages[i], &l.vectors[i], &l.names[i], l.room[:1])
		}
		o.lanes[p.number] = l
	}
	return l
}

// flush sends what was gathered.
func (o *outbox) flush() {
	for _, l := range o.lanes {
		if l != nil && l.n > 0 {
			l.flush()
		}
	}
}

// flush gives the packets to the system, which takes each now or never. One that it refuses is left out; where it has no
// room there is none for those after it either.
func (l *lane) flush() {
	first, n := 0, l.n
	if s := &l.port.out; s.use() {
		refused := -1 // the packet that was refused last
		for first < n {
			sent, errno := sendAll(s.fd, l.messages[first:n])
			first += sent
			if errno == unix.EAGAIN {
				break
			}
			switch {
			case errno == 0:
			case refused != first: // it is tried again: mayBeOld
				refused = first
			default:
				l.flows[first].r.sendFailed()
				first++
			}
		}
		s.release()
	}
	for _, f := range l.flows[first:n] {
		f.r.sendFailed()
	}
	clear(l.flows[:n])
	l.n, l.used = 0, 0
}
