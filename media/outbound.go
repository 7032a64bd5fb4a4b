package media

import (
	"net/netip"
	"sync"

	"telefonist/media/negotiate"
)

// source names where the packets of a leg's outgoing stream come from: a leg and its SSRC, or ourselves (no leg).
// A change of source is where sequence and timestamp are joined.
type source struct {
	from *leg
	ssrc uint32
}

// outbound is the one RTP stream that a leg's far side hears, whatever is behind it.
type outbound struct {
	mu     sync.Mutex
	flow   flow // nil before attach and after shut
	counts *counts

	// What was negotiated.
	remote    netip.AddrPort
	direction Direction
	codec     negotiate.Codec
	payload   uint8
	event     uint8
	frame     int // samples in a packet of ours

	// What is heard: a leg, a playback, or neither; and a tone over it.
	from    *leg
	play    *playback
	tone    *tone
	ticking bool // the clock knows this leg

	// The stream so far.
	ssrc    uint32
	started bool
	seq     uint16 // highest sent
	stamp   uint32 // timestamp of the last audio
	at      int64  // when that was
	samples uint32 // how much that was
	octets  uint64 // payload sent, for reports
	packets uint64

	// The source behind the last packet, and what turns its numbers into ours.
	current   source
	joined    bool
	seqShift  uint16
	timeShift uint32
	first     uint16 // our sequence number at the join
	since     int    // packets since the join
	voiceAt   int64  // when voice was last relayed

	// buf is where packets of our own are made: the scratch of the clock's shard that the leg is with, which is warm.
	buf *frameBuffer
}

// maxFrame is the largest packet that we make ourselves: 60 ms.
const maxFrame = 480

// frameBuffer holds a packet of our own.
type frameBuffer [headerSize + maxFrame]byte

// apply takes a new description, but for where to send to.
func (o *outbound) apply(m negotiate.Media) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.direction = m.Direction
	o.codec, o.payload, o.event = m.Codec, m.Payload, m.Event
	o.frame = int(m.Ptime.Milliseconds()) * 8
}

// hear sets the leg that is heard from now on, nil for none, in place of a playback. The tone that is sounding ends with
// the voice it was mixed into.
func (o *outbound) hear(from *leg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.play = nil
	if o.from != from {
		o.from, o.tone = from, nil
	}
}

// open reports whether the far side can be sent to.
func (o *outbound) open() bool {
	return o.flow != nil && o.direction.Sends() && o.remote.IsValid() && o.codec != negotiate.NoCodec
}

// relay sends a packet of another leg. It changes the packet in place.
func (o *outbound) relay(from *leg, p *packet, f negotiate.Format, late bool, now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from != from || o.play != nil {
		return
	}
	if !o.open() {
		o.joined = false // what was not sent must not be missed later
		o.counts.drop(dropHeld)
		return
	}
	payload := o.payload
	if f == negotiate.FormatEvent {
		payload = o.event
	}
	if f == negotiate.FormatNone || payload == negotiate.NoPayload {
		if !late {
			o.seqShift--
		}
		if f != negotiate.FormatNone {
			o.counts.drop(dropPayload)
		}
		return
	}
	audio := f != negotiate.FormatEvent
	marker := o.join(source{from, p.ssrc}, p, audio, late, now)
	seq, stamp := p.seq+o.seqShift, p.time+o.timeShift
	if o.since < windowSize && int16(seq-o.first) < 0 {
		o.counts.drop(dropLate) // from before the join: its number was used
		return
	}
	data := p.data()
	if audio {
		convert(data, f, o.codec)
		o.voiceAt = now
		if o.tone != nil {
			o.tone = o.tone.mix(data, o.codec)
		}
	}
	o.sent(seq, stamp, len(data), audio, now)
	b := p.raw[p.start-headerSize:]
	putHeader(b, marker || p.marker, payload, seq, stamp, o.ssrc)
	o.send(b)
}

// join makes the source the one behind our stream, and reports whether it was another before. Its first packet follows
// the last one sent in sequence, and in time by what has passed since. A source whose own timestamp jumps by more
// than it can have waited is joined anew.
func (o *outbound) join(s source, p *packet, audio, late bool, now int64) bool {
	if o.joined && o.current == s {
		stepped := int32(p.time + o.timeShift - o.stamp)
		waited := int32(min((now-o.at)*8/1e6, 1<<30))
		dropout := int16(p.seq+o.seqShift-o.seq) > maxDropout || int16(p.seq+o.seqShift-o.seq) < -maxDropout
		if late || !dropout && (!audio || stepped >= -jumpSamples && stepped <= waited+jumpSamples) {
			o.since++
			return false
		}
	}
	seq, stamp := o.next(now)
	o.current, o.joined = s, true
	o.seqShift, o.timeShift = seq-p.seq, stamp-p.time
	o.first, o.since = seq, 0
	return true
}

// jumpSamples is how far a source's timestamp may be from the time passed before it counts as a jump: 2 s.
const jumpSamples = 16000

// next is the number and the timestamp that a new source goes on with.
func (o *outbound) next(now int64) (seq uint16, stamp uint32) {
	if !o.started {
		return o.seq, o.stamp
	}
	passed := uint32(max(now-o.at, 0) * 8 / 1e6)
	return o.seq + 1, o.stamp + max(passed, o.samples)
}

// sent notes a packet of the stream.
func (o *outbound) sent(seq uint16, stamp uint32, samples int, audio bool, now int64) {
	if !o.started || int16(seq-o.seq) > 0 {
		o.seq = seq
		if audio {
			o.stamp, o.at, o.samples = stamp, now, uint32(samples)
		} else if !o.started {
			o.stamp, o.at = stamp, now
		}
	}
	o.started = true
	o.packets++
	o.octets += uint64(samples)
}

func (o *outbound) send(b []byte) {
	if err := o.flow.sendRTP(b, o.remote); err != nil {
		o.counts.drop(dropSend)
		return
	}
	o.counts.sent.Add(1)
}
