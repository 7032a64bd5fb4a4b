package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// writeTimeout is how long a peer may refuse to take what we write to its
// connection before it is closed.
const writeTimeout = 5 * time.Second

// tcpListener accepts connections on one address.
type tcpListener struct {
	s     *Stack
	l     net.Listener
	local netip.AddrPort
}

// serve accepts until the listener is closed. Running out of descriptors is
// survived with a pause that grows to a second.
func (t *tcpListener) serve() {
	pause := time.Duration(0)
	for {
		c, err := t.l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || t.s.isClosed() {
				return
			}
			t.s.m.acceptErrors.Inc()
			t.s.warn("accept SIP connection", "local", t.local, "error", err)
			pause = backOff(pause)
			if !t.s.sleep(pause) {
				return
			}
			continue
		}
		pause = 0
		t.s.startConn(c, true)
	}
}

// streamConn is one TCP connection, accepted or dialled, and its reader.
type streamConn struct {
	net.Conn
	s        *Stack
	remote   netip.AddrPort
	local    netip.AddrPort
	accepted bool

	writing sync.Mutex // one message at a time
	once    sync.Once
}

func (c *streamConn) flow() *flow { return &flow{s: c.s, conn: c, remote: c.remote} }

// write sends whole messages; a peer that does not read loses its connection.
func (c *streamConn) write(data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("send to %s: %w: %w", c.remote, ErrTransport, err)
	}
	if _, err := c.Conn.Write(data); err != nil {
		c.Conn.Close()
		return fmt.Errorf("send to %s: %w: %w", c.remote, ErrTransport, err)
	}
	return nil
}

// startConn registers a connection and starts its reader; it closes the
// connection and returns nil where a limit or Close forbids it.
func (s *Stack) startConn(nc net.Conn, accepted bool) *streamConn {
	c := &streamConn{
		Conn: nc, s: s, accepted: accepted,
		remote: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr()),
	}
	if reason := s.addConn(c); reason != "" {
		s.m.refuse(reason)
		s.debug("connection refused", "reason", reason, "peer", c.remote)
		nc.Close()
		return nil
	}
	go func() {
		defer s.readers.Done()
		defer s.dropConn(c)
		c.serve()
	}()
	return c
}

// addConn returns the reason to refuse c, or "" and accounts for it.
func (s *Stack) addConn(c *streamConn) string {
	limit, total := s.cfg.MaxConnsPerSource, s.cfg.MaxConns
	switch {
	case s.cfg.Known == nil:
	case s.cfg.Known(c.remote):
		limit *= 10
	default:
		total -= total / 4
	}
	ip := sourceKey(c.remote.Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return refusedConnLimit
	case c.accepted && s.nconns >= total:
		return refusedConnLimit
	case c.accepted && s.connsOf[ip] >= limit:
		return refusedConnSource
	}
	s.conns[c.remote] = c
	s.connsOf[ip]++
	s.nconns++
	s.m.connections.Set(float64(s.nconns))
	s.readers.Add(1)
	return ""
}

// dropConn closes c, and fails the client transactions that wait on it.
func (s *Stack) dropConn(c *streamConn) {
	c.once.Do(func() {
		c.Conn.Close()
		ip := sourceKey(c.remote.Addr())
		var waiting []*ClientTx
		s.mu.Lock()
		if s.conns[c.remote] == c {
			delete(s.conns, c.remote)
		}
		if s.connsOf[ip]--; s.connsOf[ip] == 0 {
			delete(s.connsOf, ip)
		}
		s.nconns--
		s.m.connections.Set(float64(s.nconns))
		for _, tx := range s.clients {
			if tx.flow.conn == c {
				waiting = append(waiting, tx)
			}
		}
		s.mu.Unlock()
		for _, tx := range waiting {
			s.lanes.post(tx.callID, func() { tx.end(fmt.Errorf("connection to %s closed: %w", c.remote, ErrTransport)) })
		}
	})
}

// serve frames messages off the stream (RFC 3261 7.5, 18.3) until it ends, a
// time limit passes, or the framing cannot be trusted any more.
func (c *streamConn) serve() {
	r := &streamReader{c: c, max: c.s.cfg.MaxMessage}
	f := c.flow()
	wait := c.s.cfg.FirstMessage
	if !c.accepted {
		wait = c.s.cfg.Idle
	}
	for {
		data, err := r.next(wait)
		var ref *refusal
		switch {
		case errors.As(err, &ref):
			c.s.refuse(ref, r.message(), f)
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.s.m.refuse(refusedConnTimeout)
			return
		case err != nil:
			return
		}
		if !c.s.received(data, f) {
			return
		}
		wait = c.s.cfg.Idle
	}
}

// streamReader cuts a byte stream into SIP messages.
type streamReader struct {
	c    *streamConn
	max  int
	buf  []byte // read and not yet consumed
	used int    // bytes of buf that the last message took
}

// message is what is buffered of the message that could not be framed.
func (r *streamReader) message() []byte { return r.buf }

// next returns the next whole message, valid until the following call. wait is
// the time until its first byte; Config.Message from there to its end.
func (r *streamReader) next(wait time.Duration) ([]byte, error) {
	r.buf = append(r.buf[:0], r.buf[r.used:]...)
	r.used = 0
	r.c.SetReadDeadline(time.Now().Add(wait))
	started := false
	for {
		skipped, err := r.skipLineBreaks()
		if err != nil {
			return nil, err
		}
		if skipped && wait == r.c.s.cfg.Idle {
			r.c.SetReadDeadline(time.Now().Add(wait)) // a keep-alive keeps alive, but is no first message
		}
		if len(bytes.TrimLeft(r.buf, "\r\n")) > 0 {
			if !started {
				started = true
				r.c.SetReadDeadline(time.Now().Add(min(wait, r.c.s.cfg.Message)))
			}
			n, ref := frame(r.buf, r.max)
			if ref != nil {
				return nil, ref
			}
			if n > 0 {
				r.used = n
				return r.buf[:n], nil
			}
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// skipLineBreaks drops line breaks between messages and answers each double one
// with a single one (RFC 5626 3.5.1).
func (r *streamReader) skipLineBreaks() (skipped bool, err error) {
	for ; ; skipped = true {
		switch {
		case bytes.HasPrefix(r.buf, []byte("\r\n\r\n")):
			r.buf = r.buf[4:]
			if err := r.c.write([]byte("\r\n")); err != nil {
				return true, err
			}
		case bytes.HasPrefix(r.buf, []byte("\r\n")) && len(r.buf) > 2 && r.buf[2] != '\r':
			r.buf = r.buf[2:]
		default:
			return skipped, nil
		}
	}
}

func (r *streamReader) fill() error {
	if cap(r.buf)-len(r.buf) < 2048 {
		grown := make([]byte, len(r.buf), 2*cap(r.buf)+4096)
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.c.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
