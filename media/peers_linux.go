//go:build linux && (amd64 || arm64)

package media

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"
)

// claimRest is for how long after a flow has left an address what was under way for it is kept from the next flow that
// has the address.
const claimRest = int64(time.Second)

// chains is how many there are in an index: a power of two.
const chains = 8192

// peers finds on a shared port whom a packet is for, by where it comes from and without a lock. Every change is made
// under the lock of the port.
type peers struct {
	chains  [chains]atomic.Pointer[peer]
	seed    [2]uint64 // so that nobody can choose addresses that fall into one chain
	count   int
	resting []*peer // by the end of their rest
}

// peer is an address that belongs to a flow, or did a moment ago.
type peer struct {
	addr netip.AddrPort
	next atomic.Pointer[peer] // in its chain
	r    receiver             // the flow's

	gone atomic.Bool // the flow has left; the address rests

	// What was last heard from it: an SSRC, with the bit heardAny. Written by the loop alone.
	heard atomic.Uint64

	// What is left of the flow that had the address before: packets with its SSRC, or all where it was never heard, are
	// late until then. The loop's alone once the peer is found.
	late  int64
	stale uint64

	// Of the port's lock.
	owner *sharedFlow // the flow that has or had it
	until int64       // the end of its rest
}

// peerLines is how much of a peer a packet touches.
const peerLines = int(unsafe.Offsetof(peer{}.owner)+cacheLine-1) / cacheLine

// heardAny is set in what was heard, whatever the SSRC.
const heardAny = 1 << 32

func newPeers() *peers {
	return &peers{seed: [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}}
}

// chain is where an address is, if it is anywhere.
func (p *peers) chain(a netip.AddrPort) *atomic.Pointer[peer] { return &p.chains[p.hash(a)%chains] }

func (p *peers) hash(a netip.AddrPort) uint64 {
	ip := a.Addr().As16()
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(ip[:])^p.seed[0], binary.LittleEndian.Uint64(ip[8:])^p.seed[1])
	hi, lo = bits.Mul64(hi^lo^uint64(a.Port()), p.seed[1])
	return hi ^ lo
}

// find returns the peer with an address, nil where there is none.
func (p *peers) find(a netip.AddrPort) *peer { return findIn(p.chain(a), a) }

func findIn(chain *atomic.Pointer[peer], a netip.AddrPort) *peer {
	at := chain.Load()
	for at != nil && at.addr != a {
		at = at.next.Load()
	}
	return at
}

// findAll finds those with some addresses, at most warmAtOnce, nil for each where there is none.
func (p *peers) findAll(found []*peer, names []rawName) {
	var at [warmAtOnce]struct {
		addr  netip.AddrPort
		chain *atomic.Pointer[peer]
	}
	for i := range names {
		at[i].addr = getName(&names[i])
		at[i].chain = p.chain(at[i].addr)
		prefetch(unsafe.Pointer(at[i].chain), 1)
	}
	for i := range names {
		prefetchBehind(unsafe.Pointer(at[i].chain), 0, peerLines)
	}
	for i := range names {
		found[i] = findIn(at[i].chain, at[i].addr)
	}
}

// taken reports whether an address belongs to another flow.
func (p *peers) taken(a netip.AddrPort, f *sharedFlow) bool {
	at := p.find(a)
	return at != nil && !at.gone.Load() && at.owner != f
}

// claim gives a flow an address that is not taken.
func (p *peers) claim(a netip.AddrPort, f *sharedFlow) *peer {
	next := &peer{addr: a, owner: f, r: f.r}
	if before := p.find(a); before != nil {
		if !before.gone.Load() {
			return before
		}
		if before.owner != f {
			next.late, next.stale = before.until, before.heard.Load()
		}
		p.remove(before)
	}
	head := p.chain(a)
	next.next.Store(head.Load())
	head.Store(next)
	p.count++
	return next
}

// move gives a flow an address in place of the one that it has.
func (p *peers) move(from *peer, to netip.AddrPort, f *sharedFlow, now int64) *peer {
	at := p.claim(to, f)
	if at != from {
		p.leave(from, now)
	}
	return at
}

// leave ends a flow's claim, where it has one. The address rests.
func (p *peers) leave(at *peer, now int64) {
	if at == nil {
		return
	}
	at.gone.Store(true)
	at.until = now + claimRest
	p.resting = append(p.resting, at)
}

// sweep forgets what has rested.
func (p *peers) sweep(now int64) {
	n := 0
	for ; n < len(p.resting) && p.resting[n].until <= now; n++ {
		if at := p.resting[n]; p.find(at.addr) == at {
			p.remove(at)
		}
		p.resting[n] = nil
	}
	p.resting = p.resting[n:]
}

// remove takes a peer out. Who looks meanwhile may still go on from it.
func (p *peers) remove(at *peer) {
	before := p.chain(at.addr)
	for ; before.Load() != at; before = &before.Load().next {
	}
	before.Store(at.next.Load())
	p.count--
}

// takes reports whether a packet of RTP is the flow's and not one that was under way for the flow that had the address
// before. It is called by the loop alone.
func (at *peer) takes(b []byte, now int64) bool {
	if len(b) < headerSize || isRTCP(b) {
		return true
	}
	ssrc := heardAny | uint64(binary.BigEndian.Uint32(b[8:]))
	if at.late != 0 {
		switch {
		case now >= at.late:
			at.late = 0
		case at.stale == 0 || at.stale == ssrc:
			return false
		}
	}
	if at.heard.Load() != ssrc {
		at.heard.Store(ssrc)
	}
	return true
}

// warm is that of the flow's receiver.
func (at *peer) warm(stage int) {
	if at != nil {
		at.r.warm(stage)
	}
}
