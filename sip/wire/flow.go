package wire

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// maxDatagram is the largest UDP payload over IPv4.
const maxDatagram = 65507

// flow is a way to one peer: a UDP socket of ours and an address, or a stream
// connection. It is the sip.Connection of the transactions that use it, so that
// retransmissions, the ACK of a refusal and the CANCEL all take the way of the
// request (RFC 3261 17.1.1.3, 9.1).
type flow struct {
	s      *Stack
	sock   *udpSocket  // nil on TCP
	conn   *streamConn // nil on UDP
	remote netip.AddrPort
}

var _ sip.Connection = (*flow)(nil)

func (f *flow) network() string {
	if f.conn != nil {
		return "tcp"
	}
	return "udp"
}

func (f *flow) local() netip.AddrPort {
	if f.conn != nil {
		return f.conn.local
	}
	return f.sock.local
}

func (f *flow) source() Source {
	return Source{Network: f.network(), Addr: f.remote, Local: f.local()}
}

// LocalAddr is of sip.Connection.
func (f *flow) LocalAddr() net.Addr {
	if f.conn != nil {
		return f.conn.Conn.LocalAddr()
	}
	return f.sock.pc.LocalAddr()
}

// Ref, TryClose and Close are of sip.Connection. Flows are not counted: sockets
// and connections have their own owners.
func (f *flow) Ref(int) int { return 1 }

// TryClose does nothing, see Ref.
func (f *flow) TryClose() (int, error) { return 1, nil }

// Close does nothing, see Ref.
func (f *flow) Close() error { return nil }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// WriteMsg puts a message on the wire. Responses on a closed connection are
// dropped and counted: a response never opens a connection.
func (f *flow) WriteMsg(msg sip.Message) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	msg.StringWrite(buf)
	if !safeToSend(buf.Bytes(), len(msg.Body()), headerCount(msg)) {
		f.s.m.refuse(refusedUnsafe)
		f.s.warn("message not sent: control byte or line break in a header", "peer", f.remote)
		return ErrUnsafe
	}
	if err := f.write(buf.Bytes()); err != nil {
		if _, isResponse := msg.(*sip.Response); isResponse && f.conn != nil {
			f.s.m.refuse(refusedNoFlow)
		}
		return err
	}
	switch msg := msg.(type) {
	case *sip.Request:
		f.s.m.request(string(msg.Method), directionOut)
	case *sip.Response:
		f.s.m.response(msg.StatusCode, directionOut)
	}
	return nil
}

func (f *flow) write(data []byte) error {
	if f.conn != nil {
		return f.conn.write(data)
	}
	if len(data) > maxDatagram {
		return fmt.Errorf("send %d bytes to %s: %w", len(data), f.remote, ErrTooLarge)
	}
	if _, err := f.sock.pc.WriteTo(data, net.UDPAddrFromAddrPort(f.remote)); err != nil {
		return fmt.Errorf("send to %s: %w: %w", f.remote, ErrTransport, err)
	}
	return nil
}

func headerCount(msg sip.Message) int {
	switch msg := msg.(type) {
	case *sip.Request:
		return len(msg.Headers())
	case *sip.Response:
		return len(msg.Headers())
	}
	return -1
}

// safeToSend reports whether a serialised message has exactly one line for the
// start line and each header, and no control byte in them: whatever found its
// way into a value (a decoded %0d%0a, a copied display name), no foreign header
// leaves.
func safeToSend(data []byte, body, headers int) bool {
	head := data[:len(data)-body]
	if bytes.Count(head, []byte("\r\n")) != headers+2 {
		return false
	}
	for i, c := range head {
		switch {
		case c == '\r':
			if i+1 == len(head) || head[i+1] != '\n' {
				return false
			}
		case c == '\n':
			if i == 0 || head[i-1] != '\r' {
				return false
			}
		case c < ' ' && c != '\t', c == 0x7f:
			return false
		}
	}
	return true
}
