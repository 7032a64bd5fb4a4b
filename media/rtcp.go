package media

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtcp"

	"telefonist/media/negotiate"
)

// report collects what RTCP says about a received stream (RFC 3550 section 6.4.1), and what the far side says about
// ours. It is part of inbound and protected by its lock.
type report struct {
	ssrc     uint32
	rate     uint32 // clock of the last audio, in Hz
	received uint32
	base     uint32 // extended sequence number of the first packet
	timed    bool   // transit is known
	transit  int32  // of the last audio packet, in samples
	jitter   uint32 // in 1/16 samples (RFC 3550 appendix A.8)

	expectedBefore, receivedBefore uint32 // at the last report
	senderReport                   uint32 // middle 32 bits of the last sender report's NTP time
	senderReportAt                 int64

	// What follows outlives a stream that begins anew.
	sentAt      int64 // when we last sent a report
	jitterSum   time.Duration
	jitterCount int
	ours        [2]sentReport // our last sender reports, newest first
	sent        uint64        // packets of ours when the far side's last report came
	clock       uint32        // that of our audio then, in Hz; 0 means clockRate
	out         hearing
	roundTrip   time.Duration
	remoteMOS   float64
}

// sentReport is a sender report of ours: the middle 32 bits of its NTP time, and when it was sent.
type sentReport struct {
	middle uint32
	at     int64
}

// noteForReport notes a packet after the window has. Events have one timestamp for many packets, so that they tell nothing
// about jitter; nor does what is not known.
func (in *inbound) noteForReport(p *packet, a arrival, f negotiate.Format, now int64) {
	r := &in.report
	if a == arrivedAnew {
		*r = report{ssrc: p.ssrc, base: in.window.extended(), sentAt: r.sentAt, jitterSum: r.jitterSum,
			jitterCount: r.jitterCount, ours: r.ours, sent: r.sent, clock: r.clock, out: r.out, roundTrip: r.roundTrip, remoteMOS: r.remoteMOS}
	}
	r.received++
	rate := uint32(clockRate)
	switch i, passed := f.Passed(); {
	case passed && in.media != nil:
		rate = in.media.Pass[i].Rate
	case f.Codec() == negotiate.NoCodec:
		return
	}
	transit := int32(ticks(now, rate) - p.time)
	if r.timed && r.rate == rate {
		d := transit - r.transit
		if d < 0 {
			d = -d
		}
		if d < int32(2*rate) { // else the source's clock jumped
			r.jitter += uint32(d) - (r.jitter+8)>>4
		}
	} else {
		r.jitter = 0
	}
	r.timed, r.rate, r.transit = true, rate, transit
}

// jitterNow is the jitter of the moment.
func (r *report) jitterNow() time.Duration {
	if r.rate == 0 {
		return 0
	}
	return time.Duration(r.jitter>>4) * time.Second / time.Duration(r.rate)
}

// meanJitter is the mean of the jitter at each report of ours, or that of the moment where there was none.
func (r *report) meanJitter() time.Duration {
	if r.jitterCount == 0 {
		return r.jitterNow()
	}
	return r.jitterSum / time.Duration(r.jitterCount)
}

// extended is the highest sequence number with its wraps.
func (w *window) extended() uint32 { return w.cycles<<16 | uint32(w.highest) }

// reception is the report about what was received, nil where nothing was.
func (in *inbound) reception(now int64) []rtcp.ReceptionReport {
	r := &in.report
	if r.received == 0 {
		return nil
	}
	r.jitterSum += r.jitterNow()
	r.jitterCount++
	expected := in.window.extended() - r.base + 1
	block := rtcp.ReceptionReport{SSRC: r.ssrc, LastSequenceNumber: in.window.extended(), Jitter: r.jitter >> 4}
	if expected > r.received {
		block.TotalLost = min(expected-r.received, 1<<23-1)
	}
	lately, lost := expected-r.expectedBefore, int64(expected-r.expectedBefore)-int64(r.received-r.receivedBefore)
	if lately > 0 && lost > 0 {
		block.FractionLost = uint8(min(lost<<8/int64(lately), 255))
	}
	r.expectedBefore, r.receivedBefore = expected, r.received
	if r.senderReport != 0 {
		block.LastSenderReport = r.senderReport
		block.Delay = uint32(time.Duration(now-r.senderReportAt).Seconds() * 65536)
	}
	return []rtcp.ReceptionReport{block}
}

// sendReport sends the leg's far side a report where one is due.
func (l *leg) sendReport(now int64) {
	l.in.mu.Lock()
	due := l.in.pin.said.IsValid() && now-l.in.report.sentAt >= int64(reportInterval)
	var blocks []rtcp.ReceptionReport
	to, mux := l.in.rtcpTarget()
	if due {
		blocks = l.in.reception(now)
	}
	l.in.mu.Unlock()
	if !due {
		return
	}
	middle, sent := l.out.report(blocks, to, mux, false, now, time.Now())
	if !sent {
		return // nothing to say yet
	}
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	l.in.report.sentAt = now
	if middle != 0 {
		l.in.report.ours = [2]sentReport{{middle, now}, l.in.report.ours[0]}
	}
}

// goodbye tells the far side that the stream it was sent is over, with a last report (RFC 3550 section 6.3.7), and at once, for
// there are two of us.
func (l *leg) goodbye(now int64) {
	l.in.mu.Lock()
	blocks := l.in.reception(now)
	to, mux := l.in.rtcpTarget()
	l.in.mu.Unlock()
	l.out.report(blocks, to, mux, true, now, time.Now())
}

// rtcpTarget is where reports go, not valid where there is nowhere, and whether that is the port of RTP. in.mu is held.
func (in *inbound) rtcpTarget() (to netip.AddrPort, mux bool) {
	if in.mux {
		return in.pin.target(), true
	}
	return in.rtcpPin.target(), false
}

// report writes a compound packet: a sender or receiver report and our name (RFC 3550 section 6.1), and BYE where it is the last. It returns
// the middle 32 bits of a sender report's NTP time, by which the answer will name it; sent is false where there was nothing to report.
func (o *outbound) report(blocks []rtcp.ReceptionReport, to netip.AddrPort, mux, last bool, now int64, wall time.Time) (middle uint32, sent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flow == nil || !to.IsValid() || !o.started && blocks == nil {
		return 0, false
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: o.ssrc, Reports: blocks}
	if now-o.at < 2*int64(reportInterval) && o.started {
		middle = uint32(ntp(wall) >> 16)
		first = &rtcp.SenderReport{
			SSRC:        o.ssrc,
			NTPTime:     ntp(wall),
			RTPTime:     o.stamp + ticks(now-o.at, max(o.rate, 1)),
			PacketCount: uint32(o.packets),
			OctetCount:  uint32(o.octets),
			Reports:     blocks,
		}
	}
	name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: o.ssrc,
		Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: o.name}},
	}}}
	compound := []rtcp.Packet{first, name}
	if last {
		compound = append(compound, &rtcp.Goodbye{Sources: []uint32{o.ssrc}})
	}
	b, err := rtcp.Marshal(compound)
	if err == nil && o.cipher != nil {
		var ok bool
		if b, ok = o.cipher.sealRTCP(b); !ok {
			return 0, false
		}
	}
	switch {
	case err != nil:
		return 0, false
	case mux:
		_ = o.flow.sendRTP(b, to, nil) // a lost report is no loss
	default:
		_ = o.flow.sendRTCP(b, to)
	}
	return middle, true
}

// ntp is a wall-clock time as 32.32 bits since 1900 (RFC 3550 section 4).
func ntp(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	return uint64(t.Unix()+from1900to1970)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// receiveRTCP takes a packet of the leg's RTCP port.
func (l *leg) receiveRTCP(raw []byte, from netip.AddrPort) {
	now := l.engine.now()
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	if !l.in.rtcpPin.admits(from, now) {
		l.counts.drop(dropSource)
		return
	}
	raw, ok := l.unwrapRTCP(raw)
	if !ok {
		return
	}
	if !l.in.rtcpPin.locked.IsValid() {
		if l.engine.sockets.isOurs(from) {
			l.counts.drop(dropSource)
			return
		}
		l.in.rtcpPin.locked = from
	}
	l.readRTCP(raw, now)
}

// unwrapRTCP takes the protection off a compound packet where it has one, and checks it. in.mu is held.
func (l *leg) unwrapRTCP(raw []byte) (plain []byte, ok bool) {
	if !validRTCP(raw) || len(raw) >= packetSize {
		l.counts.drop(dropMalformed)
		return nil, false
	}
	if l.in.cipher == nil {
		return raw, true
	}
	if plain, ok = l.in.cipher.openRTCP(raw); !ok {
		l.counts.drop(dropSecure)
		return nil, false
	}
	if !validRTCP(plain) {
		l.counts.drop(dropMalformed)
		return nil, false
	}
	return plain, true
}

// receiveMuxed takes RTCP that came on the RTP port (RFC 5761): some far sides that were offered it send it so without saying
// that they will. It never fixes the address: only audio does.
func (l *leg) receiveMuxed(raw []byte, from netip.AddrPort) {
	now := l.engine.now()
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	if !l.in.pin.admits(from, now) {
		l.counts.drop(dropSource)
		return
	}
	if plain, ok := l.unwrapRTCP(raw); ok {
		l.readRTCP(plain, now)
	}
}

// RTCP packet types (RFC 3550 section 12.1).
const (
	senderReport   = 200
	receiverReport = 201
	extendedReport = 207 // RFC 3611 section 2
)

// validRTCP checks the first header of a packet (RFC 3550 appendix A.2). It need not be a report: some far sides send the others by
// themselves (RFC 5506), or say BYE in front.
func validRTCP(raw []byte) bool {
	return len(raw) >= 8 && raw[0]>>6 == 2 && raw[0]&0x20 == 0 && raw[1] >= senderReport && raw[1] <= extendedReport &&
		4*(int(binary.BigEndian.Uint16(raw[2:]))+1) <= len(raw)
}

// readRTCP reads a compound packet. in.mu is held.
func (l *leg) readRTCP(raw []byte, now int64) {
	l.in.report.sent, l.in.report.clock = l.counts.sent.Load(), l.counts.clock.Load()
	l.in.readRTCP(raw, l.out.ssrc, now)
}

// readRTCP takes what we use: when the far side's last sender report was written, what it heard of us, and its own
// estimate of the quality. Everything else, BYE above all, has no say here: the signalling ends calls.
func (in *inbound) readRTCP(raw []byte, ours uint32, now int64) {
	for len(raw) >= 8 && raw[0]>>6 == 2 {
		size := 4 * (int(binary.BigEndian.Uint16(raw[2:])) + 1)
		if size > len(raw) || size < 8 {
			return
		}
		one := raw[:size]
		raw = raw[size:]
		blocks := int(one[0] & 0x1f)
		switch one[1] {
		case senderReport:
			if len(one) < 28 {
				return
			}
			if in.report.received > 0 && binary.BigEndian.Uint32(one[4:]) == in.report.ssrc {
				in.report.senderReport = binary.BigEndian.Uint32(one[10:])
				in.report.senderReportAt = now
			}
			in.report.readBlocks(one[28:], blocks, ours, now)
		case receiverReport:
			in.report.readBlocks(one[8:], blocks, ours, now)
		case extendedReport:
			in.report.readExtended(one[8:], ours)
		}
	}
}

// readBlocks takes the reception report about our stream (RFC 3550 section 6.4.1).
func (r *report) readBlocks(b []byte, n int, ours uint32, now int64) {
	for ; n > 0 && len(b) >= 24; n, b = n-1, b[24:] {
		if binary.BigEndian.Uint32(b) != ours {
			continue
		}
		r.heard(b, now)
	}
}

// heard takes one block: the share of packets lost in all, the jitter, and the round trip by our last sender report.
func (r *report) heard(b []byte, now int64) {
	lost := int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8
	r.out.known = true
	r.out.jitter = time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Second / time.Duration(cmp.Or(r.clock, clockRate))
	if r.out.loss = 0; lost > 0 && r.sent > 0 {
		r.out.loss = min(float64(lost)/float64(r.sent), 1)
	}
	last, delay := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	for _, s := range r.ours {
		if s.middle != 0 && s.middle == last {
			if trip := time.Duration(now-s.at) - time.Duration(delay)*time.Second/65536; trip >= 0 {
				r.roundTrip = trip
			}
		}
	}
}

// voipMetrics is the type of the report block that we understand (RFC 3611 section 4.7).
const voipMetrics = 7

// readExtended takes the VoIP metrics block about our stream: the far side's MOS for conversation, or for listening.
func (r *report) readExtended(b []byte, ours uint32) {
	for len(b) >= 4 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return
		}
		if b[0] == voipMetrics && size == 36 && binary.BigEndian.Uint32(b[4:]) == ours {
			const unavailable = 127
			for _, at := range []int{26, 27} { // MOS-LQ, MOS-CQ, in tenths
				if v := b[at]; v >= 10 && v <= 50 && v != unavailable {
					r.remoteMOS = float64(v) / 10
				}
			}
			loss := float64(b[8]) / 256
			if !r.out.known || loss > 0 {
				r.out.known, r.out.loss = true, loss
			}
			if trip := binary.BigEndian.Uint16(b[16:]); trip > 0 && r.roundTrip == 0 {
				r.roundTrip = time.Duration(trip) * time.Millisecond
			}
		}
		b = b[size:]
	}
}
