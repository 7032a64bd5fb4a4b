package media

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// Sessions open and close, descriptions change and packets come in while commands are carried out. Whatever the order,
// connections stay mutual and exclusive, and nothing is left at the end.
func TestRandomHistoriesKeepConnectionsMutual(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := newRig(t, func(c *Config) { c.Address = netip.MustParseAddr("127.31.4.2"); c.MinPort, c.MaxPort = 23000, 26999 })
	far := address(socket(t, "127.31.4.9"))
	const legs = 8
	name := func(rng *rand.Rand) call.LegID { return call.LegID(fmt.Sprint(rng.IntN(legs))) }
	codec := func(rng *rand.Rand) negotiate.Codec { return negotiate.Codec(1 + rng.IntN(2)) }

	var work sync.WaitGroup
	for part := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, part))
		work.Go(func() {
			for range 300 {
				id := name(rng)
				switch rng.IntN(4) {
				case 0:
					r.Close(id)
				case 1:
					_, _ = r.Offer(id)
					_, _ = r.Accept(id, sdpOf(far, codec(rng)))
				default:
					_ = r.Open(id, Options{SignallingIP: far.Addr(), Peer: name(rng)})
					line := []string{"a=sendrecv", "a=sendonly", "a=inactive"}[rng.IntN(3)]
					_, _ = r.Answer(id, sdpOf(far, codec(rng), line))
				}
			}
		})
	}
	work.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 10))
		for range 2000 {
			switch rng.IntN(7) {
			case 0:
				r.Do(call.Play{Leg: name(rng), Source: "goodbye"})
			case 1:
				r.Do(call.Disconnect{Leg: name(rng)})
			case 3:
				r.Do(call.Mix{Legs: []call.LegID{name(rng), name(rng), name(rng)}})
			case 2:
				r.Do(call.Tone{Leg: name(rng), Kind: call.ToneMark})
			default:
				r.Do(call.Connect{A: name(rng), B: name(rng)})
			}
		}
	})
	work.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 20))
		for seq := range uint16(3000) {
			if l := r.leg(name(rng)); l != nil {
				raw := make12(160)
				putHeader(raw, false, []uint8{0, 8, 96, 101, 13}[rng.IntN(5)], seq, uint32(seq)*160, rng.Uint32N(3))
				l.receiveRTP(raw, far, nil)
			}
		}
	})
	quiet := make(chan struct{})
	go func() { defer close(quiet); work.Wait() }()
	for busy := true; busy; { // keys that are pressed are told of, more than the rig has room for
		select {
		case <-r.events:
		case <-quiet:
			busy = false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, l := range r.Engine.legs {
		l.in.mu.Lock()
		to := l.in.to
		l.in.mu.Unlock()
		l.out.mu.Lock()
		from, play := l.out.from, l.out.play
		l.out.mu.Unlock()
		if l.mates[0] != nil {
			for i, m := range l.mates {
				if m == l || m == l.mates[1-i] || !m.confersWith(l) || !m.confersWith(l.mates[1-i]) || r.Engine.legs[m.id] != m {
					t.Errorf("seed %d: the conference of %s is not mutual", seed, id)
				}
			}
			if to != listeners(l.mates) || l.peer != nil || from != nil {
				t.Errorf("seed %d: %s is in a conference and not heard there", seed, id)
			}
			continue
		}
		if to[1] != nil || l.peer != to[0] || l.peer != from || l.peer != nil && (l.peer.peer != l || r.Engine.legs[l.peer.id] != l.peer) {
			t.Errorf("seed %d: the connection of %s is not mutual", seed, id)
		}
		if play != nil && from != nil {
			t.Errorf("seed %d: %s hears two sources", seed, id)
		}
	}
}
