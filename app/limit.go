package app

import (
	"net"
	"net/netip"
	"sync"

	"telefonist/sip/wire"
)

// maxWeb is the most HTTP connections of one listener, and the share of the process's descriptors that they may take at
// most: the rest is for calls.
const (
	maxWeb   = 1000
	webShare = 4
)

// limited caps the connections of a listener: those over the cap are closed at once, so that whoever holds connections open
// takes no descriptor from a call. One address has half of them at most.
type limited struct {
	net.Listener
	limit int

	mu   sync.Mutex // protects what follows
	open int
	of   map[netip.Addr]int
}

func limit(l net.Listener) *limited {
	return &limited{Listener: l, limit: min(maxWeb, wire.Descriptors()/webShare), of: map[netip.Addr]int{}}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := peerOf(c)
		if l.enter(from) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.exit(from) })}, nil
		}
		c.Close()
	}
}

func (l *limited) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.limit || l.of[from] >= max(l.limit/2, 1) {
		return false
	}
	l.open++
	l.of[from]++
	return true
}

func (l *limited) exit(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

// peerOf is the far side's address; the zero Addr stands for all that have none.
func peerOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
