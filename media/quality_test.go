package media

import (
	"encoding/binary"
	"math"
	"net/netip"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pion/rtcp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// The values are those of the formulas of G.107 worked out by hand.
func TestMOSFollowsLossDelayAndCodec(t *testing.T) {
	for _, tc := range []struct {
		loss  float64
		trip  time.Duration
		codec string
		want  float64
	}{
		{0, 0, "PCMA", 4.40},                      // R = 92.7
		{0.01, 0, "PCMA", 4.32},                   // R = 89.1
		{0.05, 0, "PCMA", 3.90},                   // R = 76.9
		{0.2, 0, "PCMA", 2.61},                    // R = 50.6
		{0, 200 * time.Millisecond, "PCMA", 4.34}, // R = 90.3
		{0, 800 * time.Millisecond, "PCMA", 2.95}, // R = 56.4 (delay over 177.3 ms)
		{0, 0, "G729", 4.11},                      // R = 81.7
		{1, 3 * time.Second, "PCMA", 1},
	} {
		got := mos(hearing{known: true, loss: tc.loss}, tc.trip, tc.codec)
		if math.Abs(got-tc.want) > 0.06 {
			t.Errorf("%g loss, %v, %s: %.2f, want %.2f", tc.loss, tc.trip, tc.codec, got, tc.want)
		}
	}
	last := 5.0
	for loss := 0.0; loss <= 1; loss += 0.01 {
		got := mos(hearing{loss: loss}, 0, "PCMA")
		if got > last || got < 1 {
			t.Fatalf("%g loss: %g after %g", loss, got, last)
		}
		last = got
	}
}

// Appendix A.8 of RFC 3550, by a plain reckoning in floating point.
func TestJitterIsThatOfTheRFC(t *testing.T) {
	var in inbound
	want, before := 0.0, 0.0
	for i := range 500 {
		late := float64((i * 7919) % 40) // ms
		now := int64((float64(i)*20 + late) * 1e6)
		p := packet{ssrc: 1, seq: uint16(i), time: uint32(160 * i)}
		a, _ := in.window.add(1, p.seq)
		in.noteForReport(&p, a, negotiate.FormatPCMA, now)
		if i > 0 {
			want += (math.Abs(late-before) - want) / 16
		}
		before = late
	}
	if got := float64(in.report.jitterNow()) / 1e6; math.Abs(got-want) > 0.3 {
		t.Errorf("jitter %.2f ms, want %.2f", got, want)
	}
	// An event has one timestamp for all of its packets: it is no jitter.
	held := in.report.jitter
	for i := range 10 {
		in.noteForReport(&packet{ssrc: 1, seq: uint16(500 + i), time: 160 * 500}, arrivedNew, negotiate.FormatEvent, int64(i)*1e9)
	}
	if in.report.jitter != held {
		t.Error("events count as jitter")
	}
}

func TestJitterCountsByTheClockOfTheFormat(t *testing.T) {
	var in inbound
	in.media = &negotiate.Media{Pass: [negotiate.MaxPass]negotiate.Pass{{Name: "opus", Rate: 48000}}}
	for i := range 100 {
		p := packet{ssrc: 1, seq: uint16(i), time: uint32(960 * i)}
		a, _ := in.window.add(1, p.seq)
		in.noteForReport(&p, a, negotiate.FormatPass, int64(i)*20*ms+int64(i%2)*4*ms)
	}
	if got := in.report.jitterNow(); got < 3*time.Millisecond || got > 4500*time.Microsecond {
		t.Errorf("jitter %v, want about 4 ms", got)
	}
}

// RFC 3550 appendix A.1: what a sender that began anew does not repeat is not lost.
func TestASenderThatBeginsAnewHasLostNothing(t *testing.T) {
	var in inbound
	block := func(from uint16) rtcp.ReceptionReport {
		for i := range uint16(100) {
			p := packet{ssrc: 1, seq: from + i, time: 160 * uint32(i)}
			a, _ := in.window.add(1, p.seq)
			in.noteForReport(&p, a, negotiate.FormatPCMA, int64(i)*20*ms)
		}
		return in.reception(0)[0]
	}
	block(50000)
	for _, from := range []uint16{100, 200} { // anew, and on
		if b := block(from); b.TotalLost != 0 || b.FractionLost != 0 || b.LastSequenceNumber != uint32(from)+99 {
			t.Errorf("from %d: %+v", from, b)
		}
	}
}

func TestRoundTripLossAndXRComeFromTheFarSide(t *testing.T) {
	var in inbound
	const ours = 77
	in.report.ours[0] = sentReport{0xabcd1234, 1e9}
	in.report.sent = 1000
	rr := &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{
		{SSRC: 5, TotalLost: 900},
		{SSRC: ours, TotalLost: 20, Jitter: 40, LastSenderReport: 0xabcd1234, Delay: 65536 / 2},
	}}
	raw, err := rtcp.Marshal([]rtcp.Packet{rr})
	if err != nil {
		t.Fatal(err)
	}
	in.readRTCP(raw, ours, 1e9+int64(600*time.Millisecond))
	r := &in.report
	if r.roundTrip < 99*time.Millisecond || r.roundTrip > 101*time.Millisecond || r.out.loss != 0.02 ||
		r.out.jitter != 5*time.Millisecond {
		t.Errorf("round trip %v, heard %+v", r.roundTrip, r.out)
	}
	rr.Reports[1].LastSenderReport = 0x11111111 // of a report that we do not know
	raw, _ = rtcp.Marshal([]rtcp.Packet{rr})
	in.readRTCP(raw, ours, 9e9)
	if r.roundTrip > 101*time.Millisecond {
		t.Errorf("round trip %v by a report that was never sent", r.roundTrip)
	}
	voip := make([]byte, 8+36)
	voip[0], voip[1] = 0x80, extendedReport
	binary.BigEndian.PutUint16(voip[2:], uint16(len(voip)/4-1))
	voip[8], voip[11] = voipMetrics, 8
	binary.BigEndian.PutUint32(voip[12:], ours)
	voip[16], voip[8+26], voip[8+27] = 26, 127, 41
	in.readRTCP(append(raw, voip...), ours, 9e9)
	if r.remoteMOS != 4.1 || math.Abs(r.out.loss-26.0/256) > 1e-9 {
		t.Errorf("MOS %g, loss %g", r.remoteMOS, r.out.loss)
	}
}

// Some far sides send what they have to say besides their reports by itself (RFC 5506), or BYE in front.
func TestRTCPNeedNotBeginWithAReport(t *testing.T) {
	r := newRig(t)
	l := r.leg(r.phone(negotiate.PCMA).leg)
	from := l.in.rtcpPin.said
	app := []byte{0x80, 204, 0, 2, 0, 0, 0, 9, 'P', 'L', 'O', 'C'}
	bye, err := rtcp.Marshal([]rtcp.Packet{&rtcp.Goodbye{Sources: []uint32{9}}, &rtcp.SourceDescription{}})
	if err != nil {
		t.Fatal(err)
	}
	extended := make([]byte, 8+36)
	extended[0], extended[1], extended[3] = 0x80, extendedReport, byte(len(extended)/4-1)
	extended[8], extended[11] = voipMetrics, 8
	binary.BigEndian.PutUint32(extended[12:], l.out.ssrc)
	extended[8+27] = 38
	for _, raw := range [][]byte{app, bye, extended} {
		l.receiveRTCP(raw, from)
	}
	if n := l.counts.dropped[dropMalformed].Load(); n != 0 || l.in.report.remoteMOS != 3.8 {
		t.Errorf("%d are garbage, MOS %g", n, l.in.report.remoteMOS)
	}
}

// A far side that is passed Opus counts in 1/48000 s.
func TestJitterOfTheFarSideCountsByTheClockOfWhatItHears(t *testing.T) {
	l := &leg{}
	o, _ := newTape()
	o.counts = &l.counts
	pass := negotiate.Pass{Name: "opus", Rate: 48000, Channels: 2, Payload: 111}
	m := *o.media
	m.Pass[0] = pass
	o.apply(&m)
	o.remote = netip.MustParseAddrPort("127.0.0.1:9")
	a := &leg{}
	a.media.Store(&negotiate.Media{Pass: [negotiate.MaxPass]negotiate.Pass{pass}})
	o.hear(a)
	for _, heard := range []struct {
		format negotiate.Format
		want   time.Duration
	}{{negotiate.FormatPCMA, 60 * time.Millisecond}, {negotiate.FormatPass, 10 * time.Millisecond}} {
		o.relay(a, counting(1, 0, 160), heard.format, false, 0)
		raw, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{Jitter: 480}}}})
		if err != nil {
			t.Fatal(err)
		}
		l.readRTCP(raw, 1e9)
		if got := l.in.report.out.jitter; got != heard.want {
			t.Errorf("jitter %v, want %v", got, heard.want)
		}
	}
}

func TestSenderReportTellsTheTimeOfTheStream(t *testing.T) {
	o, _ := newTape()
	var sent []byte
	o.flow = &reports{to: &sent}
	o.start(&playback{clip: newClip("x", make([]int16, 8000)), loop: true})
	o.tick(0)
	o.tick(20 * ms)
	stamp := o.stamp
	wall := time.Unix(1800000000, 5e8)
	middle, _ := o.report(nil, o.remote, false, false, 30*ms, wall)
	packets, err := rtcp.Unmarshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	sr, ok := packets[0].(*rtcp.SenderReport)
	if !ok || sr.RTPTime != stamp+80 || sr.NTPTime != (1800000000+2208988800)<<32|1<<31 || sr.PacketCount != 2 ||
		sr.OctetCount != 320 || middle != uint32(sr.NTPTime>>16) {
		t.Errorf("report %+v, middle %x", packets[0], middle)
	}
}

// The two legs of a call cannot be told to be one by their reports (RFC 7022 section 4.2).
func TestALegThatIsClosedSaysByeUnderANameOfItsOwn(t *testing.T) {
	r := newRig(t)
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.PCMA)
	names := map[string]bool{}
	for _, p := range []*phone{a, b} {
		l := r.leg(p.leg)
		control := socket(t, "127.31.4.9")
		l.in.mu.Lock()
		l.in.rtcpPin.said = address(control) // in place of the port above the phone's
		l.in.mu.Unlock()
		p.say(440)
		r.Do(call.Play{Leg: p.leg, Source: "music", Loop: true})
		p.hear(3)
		r.Close(p.leg)
		buf := make([]byte, 2048)
		for over := false; !over; {
			control.SetReadDeadline(time.Now().Add(patience))
			n, err := control.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			packets, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range packets {
				switch one := one.(type) {
				case *rtcp.SourceDescription:
					names[one.Chunks[0].Items[0].Text] = true
				case *rtcp.Goodbye:
					over = true
					if len(one.Sources) != 1 || one.Sources[0] != l.out.ssrc {
						t.Errorf("says bye for %v", one.Sources)
					}
				}
			}
		}
	}
	if len(names) != 2 {
		t.Errorf("names %v", names)
	}
}

// reports is a flow that keeps the last report.
type reports struct {
	tape
	to *[]byte
}

func (f *reports) sendRTCP(b []byte, _ netip.AddrPort) error {
	*f.to = append([]byte(nil), b...)
	return nil
}

func TestQualityOutlivesItsLegAndIsCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	r := newRig(t, func(c *Config) { c.Registerer = reg })
	a, b := r.phone(negotiate.PCMA), r.phone(negotiate.G722)
	r.Do(call.Connect{A: a.leg, B: b.leg})
	a.speak(440)
	b.speak(1000)
	a.hear(20)
	b.hear(20)
	a.mu.Lock()
	a.seq += 10 // lost
	a.mu.Unlock()
	b.hear(100)
	r.Close(a.leg)
	m, ok := r.Report(a.leg)
	if !ok || m.Codec != "PCMA" || !m.Converted || m.Received < 100 || m.Lost != 10 || m.LossPercent < 2 || m.LossPercent > 10 ||
		m.MOS < 3 || m.MOS > 4.4 {
		t.Errorf("report = %+v, %v", m, ok)
	}
	if n, err := testutil.GatherAndCount(reg, "telefonist_rtp_mos"); err != nil || n != 2 {
		t.Errorf("%d series, %v", n, err)
	}
	if _, ok := r.Report("nobody"); ok {
		t.Error("a leg that never was has a report")
	}
	r.past.keep(m, r.now()+2*pastFor)
	r.past.keep(m, r.now()+4*pastFor)
	if len(r.past.order) != 1 || len(r.past.reports) > 1 {
		t.Errorf("%d reports are kept", len(r.past.order))
	}
}

func TestFolderIsAPlaylist(t *testing.T) {
	file := func(rate, n int) *fstest.MapFile {
		return &fstest.MapFile{Data: wav(1, rate, 1, 16, sine(440, rate, n))}
	}
	files := fstest.MapFS{
		"calm/2.wav": file(16000, 3200), "calm/1.WAV": file(8000, 800), "calm/read.me": {Data: []byte("x")},
		"bad/1.wav": {Data: []byte("x")}, "empty/x": {},
	}
	lib, err := loadLibrary(files, map[string]string{"music": "calm"})
	if err != nil {
		t.Fatal(err)
	}
	c := lib["music"]
	if c.len() != 800+1600 || len(c.ulaw) != c.len() || len(c.g722) != c.len() {
		t.Errorf("%d, %d and %d bytes", c.len(), len(c.ulaw), len(c.g722))
	}
	var d decoder
	for _, codec := range []negotiate.Codec{negotiate.PCMA, negotiate.PCMU, negotiate.G722} {
		pcm := make([]int16, c.len())
		d.decode(pcm, c.encoded(codec), codec)
		if l := level(pcm[200:], 440); l < 7500 || l > 8300 {
			t.Errorf("%v: level %.0f", codec, l)
		}
	}
	for _, folder := range []string{"bad", "empty", "none"} {
		if _, err := loadLibrary(files, map[string]string{"music": folder}); err == nil {
			t.Errorf("%s was loaded", folder)
		}
	}
}

func TestSilenceOfEveryCodecIsSilent(t *testing.T) {
	for c := negotiate.PCMA; c <= negotiate.G722; c++ {
		b, pcm := make([]byte, 800), make([]int16, 800)
		quiet(b, c)
		var d decoder
		d.decode(pcm, b, c)
		for i, v := range pcm[160:] {
			if v < -30 || v > 30 {
				t.Errorf("%v: %d at sample %d", c, v, i)
				break
			}
		}
	}
}
