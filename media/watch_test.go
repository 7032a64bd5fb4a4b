package media

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"telefonist/call"
	"telefonist/media/negotiate"
)

func TestSilenceIsPostedOnceAndOnlyWhereItIsWatched(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Silence = Silence{First: 200 * time.Millisecond, Steady: 100 * time.Millisecond} })
	ringing, never, stopped := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	_ = ringing // nothing was commanded for it: not watched
	r.Do(call.Play{Leg: never.leg, Source: "music", Loop: true})
	r.want(never.leg, call.MediaLost{})
	stopped.say(440)
	r.Do(call.Play{Leg: stopped.leg, Source: "music", Loop: true})
	r.want(stopped.leg, call.MediaLost{})
	select {
	case p := <-r.events:
		t.Errorf("also posted %v", p)
	case <-time.After(500 * time.Millisecond):
	}
}

// The watch in its own time: limits to the nanosecond.
func TestWatch(t *testing.T) {
	limits := Silence{First: 30 * time.Second, Steady: 15 * time.Second}
	const second = int64(time.Second)
	media := func(d Direction) *negotiate.Media { return &negotiate.Media{Direction: d} }
	for _, tc := range []struct {
		name string
		do   func(in *inbound)
		at   int64 // the instant that it expires at, 0 for never
	}{
		{"not armed", func(in *inbound) { in.apply(media(SendRecv), 0) }, 0},
		{"nothing ever", func(in *inbound) { in.apply(media(SendRecv), 0); in.arm(5 * second) }, 35 * second},
		{"armed again", func(in *inbound) { in.apply(media(SendRecv), 0); in.arm(5 * second); in.arm(9 * second) }, 35 * second},
		{"packets", func(in *inbound) { in.apply(media(SendRecv), 0); in.arm(0); in.watch.heard(20 * second) }, 35 * second},
		{"packets before", func(in *inbound) { in.apply(media(SendRecv), 0); in.watch.heard(2 * second); in.arm(4 * second) },
			19 * second},
		{"held", func(in *inbound) {
			in.apply(media(SendRecv), 0)
			in.arm(0)
			in.watch.heard(second)
			in.apply(media(RecvOnly), 2*second)
		}, 0},
		{"inactive", func(in *inbound) { in.arm(0); in.apply(media(Inactive), 2*second) }, 0},
		{"resumed", func(in *inbound) {
			in.apply(media(SendRecv), 0)
			in.arm(0)
			in.watch.heard(second)
			in.apply(media(RecvOnly), 2*second)
			in.apply(media(SendRecv), 600*second)
		}, 615 * second},
		{"a refresh does not feed it", func(in *inbound) {
			in.apply(media(SendRecv), 0)
			in.arm(0)
			in.apply(media(SendRecv), 10*second)
		}, 30 * second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var in inbound
			tc.do(&in)
			if tc.at == 0 {
				if _, gone := in.expired(1e6*second, limits); gone {
					t.Error("expired")
				}
				return
			}
			if _, gone := in.expired(tc.at-1, limits); gone {
				t.Error("expired 1 ns early")
			}
			if _, gone := in.expired(tc.at, limits); !gone {
				t.Error("did not expire in time")
			}
			if _, gone := in.expired(tc.at+1, limits); gone {
				t.Error("expired twice")
			}
		})
	}
}

func TestReportTellsWhatWasSentAndReceived(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	conn := socket(t, "127.31.4.9")
	p := r.phoneAt(conn, "a", negotiate.PCMA)
	control := socket(t, "127.31.4.9")
	if _, err := r.Answer("a", sdpOf(address(conn), negotiate.PCMA, "a=rtcp:"+fmt.Sprint(address(control).Port()))); err != nil {
		t.Fatal(err)
	}
	r.Do(call.Play{Leg: "a", Source: "music", Loop: true})
	p.say(440)
	p.mu.Lock()
	p.seq++
	p.mu.Unlock()
	p.say(440)
	p.hear(3)
	for range 1000 {
		if info, _ := r.Info("a"); info.Received == 2 {
			break
		}
		p.hear(1)
	}
	l := r.leg("a")
	l.sendReport(l.engine.now() + int64(reportInterval))
	buf := make([]byte, 2048)
	_ = control.SetReadDeadline(time.Now().Add(patience))
	n, err := control.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil || len(packets) != 2 {
		t.Fatalf("%v, %v", packets, err)
	}
	sr, ok := packets[0].(*rtcp.SenderReport)
	if !ok || sr.PacketCount < 3 || sr.OctetCount != sr.PacketCount*160 || len(sr.Reports) != 1 {
		t.Fatalf("report %v", packets[0])
	}
	if b := sr.Reports[0]; b.SSRC != p.ssrc || b.TotalLost != 1 || b.FractionLost != 85 {
		t.Errorf("reception %+v", b)
	}
}

// controlTape counts reports.
type controlTape struct {
	tape
	reports int
}

func (f *controlTape) sendRTCP([]byte, netip.AddrPort) error {
	f.reports++
	return nil
}

func TestReportsAreSentFromTheBeginningOfTheAudio(t *testing.T) {
	const second = int64(time.Second)
	f := &controlTape{}
	l := &leg{}
	l.out.flow, l.out.counts = f, &l.counts
	there := netip.MustParseAddrPort("127.0.0.1:9")
	m := &negotiate.Media{Codec: negotiate.PCMA, Payload: 8, Direction: SendRecv, Remote: there, RemoteRTCP: there}
	l.in.apply(m, 10*second)
	l.out.apply(m)
	for _, step := range []struct {
		at   int64
		play bool
		want int
	}{
		{10*second + 2500*ms - 1, false, 0},
		{10*second + 2500*ms, false, 0}, // due, but there is nothing to report
		{13 * second, true, 1},
		{18*second - 1, false, 1},
		{18 * second, false, 2},
	} {
		if step.play {
			l.out.sent(1, 160, clockRate, 160, 160, true, step.at)
		}
		if l.sendReport(step.at); f.reports != step.want {
			t.Errorf("%v: %d reports, want %d", time.Duration(step.at), f.reports, step.want)
		}
	}
	quick := &leg{} // and one whose audio begins at once need not wait for the whole interval
	g := &controlTape{}
	quick.out.flow, quick.out.counts = g, &quick.counts
	quick.in.apply(m, 10*second)
	quick.out.sent(1, 160, clockRate, 160, 160, true, 10*second)
	if quick.sendReport(12*second + 500*ms); g.reports != 1 {
		t.Error("no report after half the interval")
	}
}
