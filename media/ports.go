package media

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// portRest is how long a port pair rests after use, so that what is still under way for the old call does not reach a
// new one.
const portRest = 5 * time.Second

// ports knows which port pairs are free, resting or bound, for every strategy that binds them: an even port for RTP and
// the next one for RTCP (RFC 3550 section 11).
type ports struct {
	locals   map[netip.Addr]bool // addresses of this machine at start
	external netip.Addr

	mu      sync.Mutex
	free    []uint16 // even ports, in the order they will be tried
	resting []rest   // by the end of their rest
	bound   map[uint16]netip.Addr
}

type rest struct {
	port  uint16
	until time.Time
}

func newPorts(cfg Config) *ports {
	p := &ports{locals: map[netip.Addr]bool{}, external: cfg.External, bound: map[uint16]netip.Addr{}}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					p.locals[ip.Unmap()] = true
				}
			}
		}
	}
	for port := (uint32(cfg.MinPort) + 1) &^ 1; port < uint32(cfg.MaxPort); port += 2 {
		p.free = append(p.free, uint16(port))
	}
	// In no order that a stranger could follow.
	rand.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	return p
}

func (p *ports) isLocal(a netip.Addr) bool { return a.IsLoopback() || p.locals[a] }

func (p *ports) isOurs(a netip.AddrPort) bool {
	p.mu.Lock()
	bind, ok := p.bound[a.Port()&^1]
	p.mu.Unlock()
	ip := a.Addr()
	return ok && (ip == bind || ip == p.external || bind.IsUnspecified() && p.isLocal(ip))
}

// take returns the next free port.
func (p *ports) take(bind netip.Addr) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(p.resting) && !now.Before(p.resting[n].until) {
		p.free = append(p.free, p.resting[n].port)
		n++
	}
	p.resting = p.resting[n:]
	if len(p.free) == 0 {
		return 0, false
	}
	port := p.free[0]
	p.free = p.free[1:]
	p.bound[port] = bind
	return port, true
}

// giveBack ends the use of a port, which rests before it is used again.
func (p *ports) giveBack(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.bound, port)
	p.resting = append(p.resting, rest{port, time.Now().Add(portRest)})
}

// unused returns a port that could not be opened for a reason that is not the port's.
func (p *ports) unused(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.bound, port)
	p.free = append(p.free, port)
}

// portCounts are how many port pairs are in each state; together they are all that there are.
type portCounts struct{ free, resting, bound int }

func (p *ports) count() portCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, c := time.Now(), portCounts{free: len(p.free), bound: len(p.bound)}
	for _, r := range p.resting {
		if now.Before(r.until) {
			c.resting++
		} else {
			c.free++
		}
	}
	return c
}

// ofEveryPort are errors that are the same with every port: of the address, of its family or one of its options, and of what the system has room for.
var ofEveryPort = [...]syscall.Errno{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.ENOPROTOOPT, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSPC}

// bindFree has ports tried until one pair can be bound. A port that cannot be had rests like a used one, and the next is tried.
func (p *ports) bindFree(addr netip.Addr, bind func(port uint16) error) error {
	var last error
	for {
		port, ok := p.take(addr)
		if !ok {
			return errors.Join(ErrNoPorts, last)
		}
		err := bind(port)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
			p.unused(port)
			return errors.Join(ErrNoDescriptors, err)
		case slices.ContainsFunc(ofEveryPort[:], func(e syscall.Errno) bool { return errors.Is(err, e) }):
			p.unused(port)
			return err
		}
		p.giveBack(port)
		last = err
	}
}
