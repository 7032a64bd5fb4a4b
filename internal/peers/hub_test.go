package peers

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip"
	"telefonist/sip/wire"
)

// hub is the part of the server that meets the network, its SIP and its media, in the test's own process: the test says what
// each leg hears, and sees what legs tell. Peers come as trunks that have their last byte for a name.
type hub struct {
	*server
	sip   *sip.Server
	media *media.Engine

	mu    sync.Mutex
	told  []told
	fresh chan struct{} // something was told
}

// told is what was told of a leg.
type told struct {
	leg call.LegID
	ev  call.Event
}

// newHub listens to trunks at some addresses of the test's network; secure are those whose audio must be protected.
func newHub(t *testing.T, from []string, secure ...string) *hub {
	t.Helper()
	h := &hub{server: &server{t: t, dir: t.TempDir(), net: freeNet(t), exited: make(chan error, 1)}, fresh: make(chan struct{}, 1)}
	tell := func(leg call.LegID, _ time.Time, ev call.Event) {
		h.mu.Lock()
		h.told = append(h.told, told{leg, ev})
		h.mu.Unlock()
		select {
		case h.fresh <- struct{}{}:
		default:
		}
	}
	local := netip.MustParseAddr(h.net + "1")
	engine, err := media.New(media.Config{Address: local, MinPort: 20000, MaxPort: 20999,
		Silence: media.Silence{First: -1, Steady: -1}, Logger: slog.New(slog.DiscardHandler),
		Press: func(leg call.LegID, digit string, d time.Duration) { h.sip.Press(leg, digit, d) },
	}, media.SinkFunc(tell))
	if err != nil {
		t.Fatal(err)
	}
	h.media = engine
	t.Cleanup(engine.Shutdown)
	cfg := sip.Config{Poster: poster(tell), Media: engine, Phones: noPhones{}, Logger: slog.New(slog.DiscardHandler),
		Wire: wire.Config{Listen: []wire.Listen{{Network: "udp", Addr: netip.AddrPortFrom(local, 5060)}}},
		Audio: func(trunk, _ string) sip.Audio {
			for _, s := range secure {
				if s == trunk {
					return sip.Audio{Secure: media.SecureRequired}
				}
			}
			return sip.Audio{}
		}}
	for _, name := range from {
		cfg.Trunks = append(cfg.Trunks, sip.Trunk{Name: name,
			Allow: []sip.Allow{{Prefix: netip.PrefixFrom(netip.MustParseAddr(h.net+name), 32)}}})
	}
	if h.sip, err = sip.New(cfg); err != nil {
		t.Fatal(err)
	}
	h.sip.Start(nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.sip.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

type poster func(call.LegID, time.Time, call.Event)

func (p poster) Post(leg call.LegID, at time.Time, ev call.Event) bool {
	p(leg, at, ev)
	return true
}

// noPhones is a registrar that knows nobody.
type noPhones struct{}

func (noPhones) Register(*sipgo.Request, *wire.ServerTx, wire.Source) {}
func (noPhones) Contacts(string) []sip.Contact                        { return nil }
func (noPhones) Known(netip.AddrPort) (flow, host bool)               { return false, false }
func (noPhones) Authenticate(*sipgo.Request, *wire.ServerTx, wire.Source) (string, bool) {
	return "", false
}

// awaitTold waits until something that fits has been told, and takes it and what was told before away.
func (h *hub) awaitTold(what string, fits func(told) bool) told {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		h.mu.Lock()
		for i, m := range h.told {
			if fits(m) {
				h.told = h.told[i+1:]
				h.mu.Unlock()
				return m
			}
		}
		h.mu.Unlock()
		select {
		case <-h.fresh:
		case <-deadline:
			h.t.Fatalf("gave up waiting for %s", what)
		}
	}
}

// join has a softphone call, and answers it with music.
func (h *hub) join(b *baresip, trunk string) call.LegID {
	h.t.Helper()
	b.do("dial", "sip:1@"+h.net+"1")
	leg := h.accept(trunk)
	b.event("CALL_ESTABLISHED")
	return leg
}

// accept answers the next call of a trunk with music.
func (h *hub) accept(trunk string) call.LegID {
	h.t.Helper()
	leg := h.awaitTold("a call from "+trunk, func(m told) bool {
		a, ok := m.ev.(call.Arrived)
		return ok && a.Trunk == trunk
	}).leg
	h.sip.Do(call.Accept{Leg: leg})
	h.media.Do(call.Play{Leg: leg, Source: call.SourceMusic, Loop: true})
	return leg
}

// awaitKey waits for a key of a leg.
func (h *hub) awaitKey(leg call.LegID, key string) {
	h.t.Helper()
	got := h.awaitTold(fmt.Sprintf("key %s of %s", key, leg), func(m told) bool {
		_, ok := m.ev.(call.Digit)
		return ok && m.leg == leg
	}).ev.(call.Digit)
	if got.Digit != key || got.Duration <= 0 || got.Duration > 5*time.Second {
		h.t.Errorf("%s pressed %+v, want %s", leg, got, key)
	}
}

// awaitTones waits until a softphone has heard tones together for a while, and not another one meanwhile.
func (b *baresip) awaitTones(not float64, want ...float64) {
	b.s.t.Helper()
	const while = 300 * time.Millisecond
	b.awaitHeard(while)
	b.s.await(fmt.Sprintf("%s to hear %v and not %g", b.name, want, not), func() bool {
		s := b.heard()
		s = s.part(s.length()-while, s.length())
		fits := s.loudness(not) < 400
		for _, f := range want {
			fits = fits && s.loudness(f) > 6000
		}
		return fits
	})
}
