package media

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// report collects what RTCP says about a received stream (RFC 3550 section 6.4.1). It is part of inbound and protected
// by its lock.
type report struct {
	ssrc     uint32
	received uint32
	base     uint32 // extended sequence number of the first packet
	transit  int32  // of the last packet, in samples
	jitter   uint32 // in 1/16 samples (RFC 3550 appendix A.8)

	expectedBefore, receivedBefore uint32 // at the last report
	senderReport                   uint32 // middle 32 bits of the last sender report's NTP time
	senderReportAt                 int64
	sentAt                         int64 // when we last sent a report
}

// noteForReport notes a packet after the window has.
func (in *inbound) noteForReport(p *packet, now int64) {
	r := &in.report
	transit := int32(uint32(now*8/1e6) - p.time)
	if r.received == 0 || r.ssrc != p.ssrc {
		*r = report{ssrc: p.ssrc, base: in.window.extended(), transit: transit, sentAt: r.sentAt}
	}
	d := transit - r.transit
	if d < 0 {
		d = -d
	}
	r.transit = transit
	r.jitter += uint32(d) - (r.jitter+8)>>4
	r.received++
}

// extended is the highest sequence number with its wraps.
func (w *window) extended() uint32 { return w.cycles<<16 | uint32(w.highest) }

// reception is the report about what was received, nil where nothing was.
func (in *inbound) reception(now int64) []rtcp.ReceptionReport {
	r := &in.report
	if r.received == 0 {
		return nil
	}
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
	var to netip.AddrPort
	mux := l.in.mux
	if due {
		l.in.report.sentAt = now
		blocks = l.in.reception(now)
		to = l.in.rtcpPin.target()
		if mux {
			to = l.in.pin.target()
		}
	}
	l.in.mu.Unlock()
	if due {
		l.out.report(blocks, to, mux, now, time.Now())
	}
}

// report writes a compound packet: a sender or receiver report and our name (RFC 3550 section 6.1).
func (o *outbound) report(blocks []rtcp.ReceptionReport, to netip.AddrPort, mux bool, now int64, wall time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flow == nil || !to.IsValid() || !o.started && blocks == nil {
		return
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: o.ssrc, Reports: blocks}
	if now-o.at < 2*int64(reportInterval) && o.started {
		first = &rtcp.SenderReport{
			SSRC:        o.ssrc,
			NTPTime:     ntp(wall),
			RTPTime:     o.stamp + uint32((now-o.at)*8/1e6),
			PacketCount: uint32(o.packets),
			OctetCount:  uint32(o.octets),
			Reports:     blocks,
		}
	}
	name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: o.ssrc,
		Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "telefonist"}},
	}}}
	b, err := rtcp.Marshal([]rtcp.Packet{first, name})
	if err != nil {
		return
	}
	if mux {
		_ = o.flow.sendRTP(b, to) // a lost report is no loss
		return
	}
	_ = o.flow.sendRTCP(b, to)
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
	if !validRTCP(raw) || len(raw) >= packetSize {
		l.counts.drop(dropMalformed)
		return
	}
	if !l.in.rtcpPin.locked.IsValid() {
		if l.engine.sockets.isOurs(from) {
			l.counts.drop(dropSource)
			return
		}
		l.in.rtcpPin.locked = from
	}
	l.in.readRTCP(raw, now)
}

// receiveMuxed takes RTCP that came on the RTP port, which only a peer that asked for it may send. It never fixes the
// address: only audio does.
func (l *leg) receiveMuxed(raw []byte, from netip.AddrPort) {
	now := l.engine.now()
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	switch {
	case !l.in.mux || !l.in.pin.admits(from, now):
		l.counts.drop(dropSource)
	case !validRTCP(raw) || len(raw) >= packetSize:
		l.counts.drop(dropMalformed)
	default:
		l.in.readRTCP(raw, now)
	}
}

// RTCP packet types (RFC 3550 section 12.1).
const (
	senderReport   = 200
	receiverReport = 201
)

// validRTCP checks a compound packet's first header (RFC 3550 appendix A.2).
func validRTCP(raw []byte) bool {
	return len(raw) >= 8 && raw[0]>>6 == 2 && raw[0]&0x20 == 0 &&
		(raw[1] == senderReport || raw[1] == receiverReport) &&
		4*(int(binary.BigEndian.Uint16(raw[2:]))+1) <= len(raw)
}

// readRTCP takes the one thing that we use: when the far side's last sender report was written. Everything else, BYE
// above all, has no say here: the signalling ends calls.
func (in *inbound) readRTCP(raw []byte, now int64) {
	if raw[1] == senderReport && len(raw) >= 28 && in.report.received > 0 &&
		binary.BigEndian.Uint32(raw[4:]) == in.report.ssrc {
		in.report.senderReport = binary.BigEndian.Uint32(raw[10:])
		in.report.senderReportAt = now
	}
}
