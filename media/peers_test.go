//go:build linux && (amd64 || arm64)

package media

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
)

func at(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)
}

// rtpOf is a packet with an SSRC.
func rtpOf(ssrc uint32) []byte {
	b := make12(160)
	putHeader(b, false, 8, 1, 1, ssrc)
	return b
}

func TestPeersAreFoundByTheirWholeAddress(t *testing.T) {
	p := newPeers()
	addresses := []netip.AddrPort{at(4000), at(4002), netip.MustParseAddrPort("192.0.2.2:4000"),
		netip.MustParseAddrPort("[2001:db8::1]:4000"), netip.MustParseAddrPort("[2001:db8::c000:201]:4000")}
	flows := map[netip.AddrPort]*sharedFlow{}
	for _, a := range addresses {
		flows[a] = &sharedFlow{}
		p.claim(a, flows[a])
	}
	for _, a := range addresses {
		if found := p.find(a); found == nil || found.owner != flows[a] {
			t.Errorf("%v is another's or nobody's", a)
		}
	}
	for _, a := range []string{"192.0.2.1:4001", "192.0.2.3:4000", "[2001:db8::2]:4000", "[::ffff:192.0.2.1]:4000"} {
		if p.find(netip.MustParseAddrPort(a)) != nil {
			t.Errorf("%s is found", a)
		}
	}
}

// Random changes against a map, while somebody looks all the time.
func TestPeersAreAsAMapWouldHaveThem(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	p, model := newPeers(), map[netip.AddrPort]*peer{}
	constant := p.claim(at(9), &sharedFlow{})
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if p.find(at(9)) != constant {
				t.Error("an address that never changed was not found")
				return
			}
		}
	})
	now := int64(1)
	for range 20000 {
		now += claimRest / 100
		p.sweep(now)
		a := at(uint16(1000 + rng.IntN(2000)))
		switch has, ok := model[a]; {
		case !ok:
			model[a] = p.claim(a, &sharedFlow{})
		case rng.IntN(2) == 0:
			p.leave(has, now)
			delete(model, a)
		case !p.taken(a, &sharedFlow{}) || p.taken(a, has.owner):
			t.Fatalf("seed %d: %v belongs to nobody, or not to its owner", seed, a)
		}
	}
	close(stop)
	looking.Wait()
	p.sweep(now + claimRest)
	if p.count != len(model)+1 || len(p.resting) != 0 {
		t.Errorf("seed %d: %d addresses, %d resting, want %d", seed, p.count, len(p.resting), len(model)+1)
	}
	for i := range uint16(2000) {
		want := model[at(1000+i)]
		if got := p.find(at(1000 + i)); got != want {
			t.Errorf("seed %d: %v is found as %v, want %v", seed, at(1000+i), got, want)
		}
	}
}

func TestWhatWasUnderWayForTheCallBeforeReachesNoNewCallAtItsAddress(t *testing.T) {
	for _, tc := range []struct {
		name   string
		heard  []uint32 // of the call before, the last one after it had left
		ssrc   uint32
		after  int64 // since the call before left
		passes bool
	}{
		{"its stream, at once", []uint32{7}, 7, 1, false},
		{"its stream, at the last moment", []uint32{7}, 7, claimRest - 1, false},
		{"its stream, when the rest is over", []uint32{7}, 7, claimRest, true},
		{"another stream, at once", []uint32{7}, 8, 1, true},
		{"the stream that it changed to, at once", []uint32{7, 9}, 9, 1, false},
		{"any stream, where it was never heard", nil, 8, claimRest - 1, false},
		{"any stream, where it was never heard, after the rest", nil, 8, claimRest, true},
		{"an SSRC of zero", []uint32{0}, 0, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPeers()
			before := p.claim(at(4000), &sharedFlow{})
			const left = int64(1e9)
			for i, ssrc := range tc.heard {
				if i == 1 {
					p.leave(before, left)
				}
				if !before.takes(rtpOf(ssrc), left) {
					t.Fatal("a packet of the call before was not taken")
				}
			}
			if len(tc.heard) < 2 {
				p.leave(before, left)
			}
			after := p.claim(at(4000), &sharedFlow{})
			if got := after.takes(rtpOf(tc.ssrc), left+tc.after); got != tc.passes {
				t.Errorf("taken: %v", got)
			}
			if got := after.takes([]byte{0x80, 200, 0, 1, 0, 0, 0, 7}, left+tc.after); !got {
				t.Error("RTCP on the RTP port was not taken")
			}
		})
	}
}

func TestACallThatComesBackToItsAddressIsHeardAtOnce(t *testing.T) {
	p, f := newPeers(), &sharedFlow{}
	first := p.claim(at(4000), f)
	first.takes(rtpOf(7), 1)
	second := p.move(first, at(4002), f, 1)
	if back := p.move(second, at(4000), f, 2); back == first || !back.takes(rtpOf(7), 3) {
		t.Error("its own stream counts as late")
	}
	if !p.find(at(4002)).gone.Load() {
		t.Error("the address that it left is still its own")
	}
}
