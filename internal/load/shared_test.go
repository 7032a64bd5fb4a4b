//go:build linux && (amd64 || arm64)

package load

import (
	"net/netip"
	"testing"
	"time"
)

// through sends the audio of all legs for a moment, and returns what came of it.
func (b *bench) through() Result {
	b.t.Helper()
	r, err := b.gen.Run(Spec{Streams: b.streams(), Reports: true, Warm: 200 * time.Millisecond, Measure: 500 * time.Millisecond},
		func() {}, func() {})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// A trunk whose calls share ports: speech, hold, a far side that moves, and the end, through the whole server.
func TestCallsOnSharedPortsSpeakHoldMoveAndEnd(t *testing.T) {
	for _, form := range []string{sharedPorts, sharedBoth} {
		t.Run(form, func(t *testing.T) {
			network := map[string]string{sharedPorts: "127.32.4.", sharedBoth: "127.32.5."}[form]
			const calls = 5
			b := newBench(t, network, calls, form)
			streams, callers := b.call(calls)
			ports := map[netip.AddrPort]int{}
			for _, s := range streams {
				ports[s.To]++
			}
			own := 0
			if form == sharedPorts {
				own = calls // of the phones
			}
			if n := len(ports) - own; n < 1 || n > 2*calls/3 {
				t.Errorf("%d legs of the trunk are on %d ports: %v", len(streams)-own, n, ports)
			}
			whole := 2 * calls * 25
			if r := b.through(); r.Sent != whole || r.Lost() != 0 || r.Disordered != 0 {
				t.Errorf("speech: %+v", r)
			}

			held := callers[0]
			b.trunk.reinvite(held, held.stream.From, "inactive")
			if r := b.through(); r.Sent != whole || r.Lost() != 2*25 || r.Disordered != 0 {
				t.Errorf("with one of %d calls on hold: %+v", calls, r)
			}
			before, to := held.stream.From, held.stream.To
			b.trunk.reinvite(held, b.far(), "sendrecv")
			if held.stream.To != to {
				t.Errorf("our port moved from %v to %v", to, held.stream.To)
			}
			if r := b.through(); r.Sent != whole || r.Lost() != 0 || r.Disordered != 0 {
				t.Errorf("from another address: %+v", r)
			}
			foreign := b.metric(`telefonist_rtp_dropped_total{reason="foreign"}`)
			r, err := b.gen.Run(Spec{Streams: []Stream{{From: before, To: to}}, Measure: 500 * time.Millisecond}, func() {}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			if n := b.metric(`telefonist_rtp_dropped_total{reason="foreign"}`) - foreign; r.Sent != 25 || r.Received != 0 || n != 25 {
				t.Errorf("from the address that it left: %+v, and %g packets counted as foreign", r, n)
			}

			b.end(callers)
			b.await("all legs to be gone", func() bool { return b.metric("telefonist_media_sessions") == 0 })
			foreign = b.metric(`telefonist_rtp_dropped_total{reason="foreign"}`)
			if r, err = b.gen.Run(Spec{Streams: []Stream{held.stream}, Measure: 500 * time.Millisecond}, func() {}, func() {}); err != nil {
				t.Fatal(err)
			}
			if n := b.metric(`telefonist_rtp_dropped_total{reason="foreign"}`) - foreign; r.Received != 0 || n != 25 {
				t.Errorf("when the call has ended: %+v, and %g packets counted as foreign", r, n)
			}
		})
	}
}
