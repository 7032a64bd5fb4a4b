package media

import (
	"net/netip"
	"sync"

	"telefonist/media/negotiate"
)

// source names where the packets of a leg's outgoing stream come from: a leg, its SSRC and its clock; a leg whose audio
// is converted; or ourselves (no leg). A change of source is where sequence and timestamp are joined.
type source struct {
	from *leg
	ssrc uint32
	rate uint32 // of the timestamp, in Hz; 0 where we make the packets, at clockRate
}

// clockRate is the clock of every codec that we speak, and of telephone-event, in Hz.
const clockRate = 8000

// ticks is how far a clock moves in so many nanoseconds; it never goes back.
func ticks(ns int64, rate uint32) uint32 { return uint32(max(ns, 0) / 1000 * int64(rate) / 1e6) }

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
	frame     int              // samples in a packet of ours
	framed    bool             // the far side wants no other
	media     *negotiate.Media // all of it, for what is passed through
	cipher    *cipher          // nil for plain RTP
	rested    *cipher          // the one before

	// What is heard: a leg, a playback, or neither; and a tone over it.
	from    *leg
	play    *playback
	tone    *tone
	bridge  *bridge   // what makes the other leg's codec ours, where that is more than a table
	over    *crossing // of a listener of G.722
	cut     *framer   // what waits to fill a packet
	presses *presses  // keys that we send ourselves
	ticking bool      // the clock knows this leg

	// The stream so far.
	ssrc    uint32
	started bool
	seq     uint16 // highest sent
	stamp   uint32 // timestamp of the last audio
	rate    uint32 // its clock in Hz; 0 means clockRate
	at      int64  // when that was
	samples uint32 // how much that was, by that clock
	used    window // which numbers have been sent
	octets  uint64 // payload sent, for reports
	packets uint64

	// The source behind the last packet, and what turns its numbers into ours.
	current   source
	joined    bool
	seqShift  uint16
	timeShift uint32
	voiceAt   int64 // when voice was last relayed
	converted bool  // some of it was in another codec than it came in

	name string // in RTCP: the stream's alone, so that nobody can tell by it which calls are ours or one (RFC 7022 section 4.2)

	// buf is where packets of our own are made: the scratch of the clock's shard that the leg is with, which is warm.
	buf *frameBuffer
	// box is that shard's, and via the outbox of the thread that has mu: nil where it has none.
	box, via *outbox
}

// enter takes the lock for a thread with an outbox.
func (o *outbound) enter(via *outbox) {
	o.mu.Lock()
	o.via = via
}

func (o *outbound) leave() {
	o.via = nil
	o.mu.Unlock()
}

// maxFrame is the largest packet that we make ourselves: 60 ms.
const maxFrame = 480

// frameBuffer holds a packet of our own.
type frameBuffer [headerSize + maxFrame]byte

// apply takes a new description, but for where to send to.
func (o *outbound) apply(m *negotiate.Media) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.direction = m.Direction
	if o.codec != m.Codec {
		o.over = nil
	}
	o.codec, o.payload, o.event = m.Codec, m.Payload, m.Event
	o.frame, o.framed = int(m.Ptime.Milliseconds())*8, m.Framed
	o.media = m
	if o.cut = nil; !o.conferring() {
		o.bridge = nil
	}
	o.rekey(m.SendKey)
}

// rekey protects what is sent with a key from now on. The one before may come back while several answers to one offer compete;
// then its counters go on.
func (o *outbound) rekey(key negotiate.Crypto) {
	was := o.cipher
	if was != nil && was.key == key {
		return
	}
	o.cipher = o.rested.rekeyed(key)
	if was != nil {
		o.rested = was
	}
}

// hear sets the leg that is heard from now on, nil for none, in place of a playback. The tone that is sounding ends with
// the voice it was mixed into.
func (o *outbound) hear(from *leg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.play = nil
	if o.from != from || o.conferring() {
		o.from, o.tone, o.bridge, o.presses, o.cut = from, nil, nil, nil, nil
	}
}

// open reports whether the far side can be sent to.
func (o *outbound) open() bool {
	return o.flow != nil && o.direction.Sends() && o.remote.IsValid()
}

// target says how a packet of another leg goes on: under which number, by which clock. The number is NoPayload where
// the far side does not know the format, nor one that it can be turned into.
func (o *outbound) target(from *leg, f negotiate.Format) (payload uint8, rate uint32) {
	i, passed := f.Passed()
	switch {
	case f == negotiate.FormatEvent:
		return o.event, clockRate
	case f.Codec() != negotiate.NoCodec:
		return o.payload, clockRate
	case !passed || o.media == nil:
		return negotiate.NoPayload, clockRate
	}
	p := &from.media.Load().Pass[i]
	return o.media.PayloadFor(p), p.Rate
}

// relay sends a packet of another leg. It changes the packet in place. It reports whether the clock must look after this
// leg from now on.
func (o *outbound) relay(from *leg, p *packet, f negotiate.Format, late bool, now int64) (tick bool) {
	o.enter(p.via)
	defer o.leave()
	if !o.hears(from, now) {
		return false
	}
	if o.conferring() {
		return o.toMix(from, p, f, now)
	}
	payload, rate := o.target(from, f)
	if f == negotiate.FormatEvent && !p.tidyEvent() {
		payload = negotiate.NoPayload
	}
	codec := f.Codec()
	switch {
	case payload == negotiate.NoPayload:
		o.leaveOut(late)
		o.noteUnheard(from, f)
	case codec == negotiate.NoCodec && f != negotiate.FormatEvent && o.tone != nil && o.codec != negotiate.NoCodec:
		o.leaveOut(late) // nothing can be laid over it, so that the tone takes its place
	case codec != negotiate.NoCodec && !byTable(codec, o.codec):
		return o.toBridge(p, codec, now)
	case f == negotiate.FormatEvent && o.bridge != nil:
		o.bridgeEvent(p, payload, now)
	default:
		o.pass(source{from, p.ssrc, rate}, p, f, payload, late, now)
	}
	return false
}

// hears reports whether a leg's packets are what this one hears now, and may go out.
func (o *outbound) hears(from *leg, now int64) bool {
	switch {
	case o.from != from && !o.conferring() || o.play != nil:
		return false
	case !o.open():
		o.joined = false // what was not sent must not be missed later
		o.counts.drop(dropHeld)
		return false
	case o.presses != nil:
		o.joined, o.voiceAt = false, now
		return false
	}
	return true
}

// leaveOut closes the gap in the sequence that a packet would leave which does not go on.
func (o *outbound) leaveOut(late bool) {
	if !late {
		o.seqShift--
	}
}

// noteUnheard notes that the far side does not know the format that it was sent.
func (o *outbound) noteUnheard(from *leg, f negotiate.Format) {
	if f == negotiate.FormatNone {
		return // nobody does
	}
	o.counts.drop(dropPayload)
	if f != negotiate.FormatEvent {
		from.unheard.Store(true)
	}
}

// pass sends a packet on under our numbers, and as it is but for what a table or a tone makes of it.
func (o *outbound) pass(s source, p *packet, f negotiate.Format, payload uint8, late bool, now int64) {
	audio, codec := f != negotiate.FormatEvent, f.Codec()
	if audio {
		o.bridge = nil
	}
	joined := o.join(s, p, audio, late, now)
	if joined {
		o.cut = nil
	}
	seq, stamp := p.seq+o.seqShift, p.time+o.timeShift
	data := p.data()
	if audio {
		o.voice(data, codec, joined, now)
	}
	switch {
	case codec != negotiate.NoCodec && o.cuts(len(data)):
		o.recut(data, seq, stamp, joined || p.marker, late, now)
		return
	case o.cut != nil && o.cut.n > 0 && !late: // an event, or a format that cannot be cut
		seq += o.letGo(stamp, now)
	}
	length := uint32(len(data))
	if codec == negotiate.NoCodec {
		length = o.step(stamp, s.rate)
	}
	if o.sent(seq, stamp, s.rate, length, len(data), audio, now) {
		b := p.raw[p.start-headerSize:]
		putHeader(b, joined || p.marker, payload, seq, stamp, o.ssrc)
		o.send(b)
	}
}

// voice makes audio what the far side understands, with the tone over it.
func (o *outbound) voice(data []byte, codec negotiate.Codec, joined bool, now int64) {
	o.voiceAt = now
	if codec == negotiate.NoCodec {
		return
	}
	if codec != o.codec {
		convert(data, codec, o.codec)
		o.converted = true
	}
	if joined {
		o.crossTo(nil, true)
	}
	o.lay(data)
}

// step is how much audio a packet holds that cannot be read: as much as lay between the last two, 20 ms where that is
// not known.
func (o *outbound) step(stamp, rate uint32) uint32 {
	if d := stamp - o.stamp; o.rate == rate && o.started && d > 0 && d <= rate/8 {
		return d
	}
	return rate / 50
}

// join makes the source the one behind our stream, and reports whether it was another before. Its first packet follows
// the last one sent in sequence, and in time by what has passed since. A source whose own timestamp jumps by more
// than it can have waited is joined anew.
func (o *outbound) join(s source, p *packet, audio, late bool, now int64) bool {
	if o.joined && o.current == s {
		stepped := int32(p.time + o.timeShift - o.stamp)
		waited, jump := int32(min(ticks(now-o.at, s.rate), 1<<30)), int32(2*s.rate)
		ahead := int(int16(p.seq + o.seqShift - o.seq))
		dropout := ahead > maxDropout || ahead <= -windowSize
		if late || !dropout && (!audio || stepped >= -jump && stepped <= waited+jump) {
			return false
		}
	}
	seq, stamp := o.next(now, s.rate)
	o.current, o.joined = s, true
	o.seqShift, o.timeShift = seq-p.seq, stamp-p.time
	o.used.seen = ^uint64(0) // what it sent before has no place
	return true
}

// following is the number after the last one sent.
func (o *outbound) following() uint16 {
	if !o.started {
		return o.seq
	}
	return o.seq + 1
}

// next is the number and the timestamp that a new source goes on with. Where its clock is another than the last one's,
// the time passed counts by the new one (RFC 7160 section 4.1).
func (o *outbound) next(now int64, rate uint32) (seq uint16, stamp uint32) {
	if !o.started {
		return o.seq, o.stamp
	}
	length := o.samples
	if o.rate != 0 && o.rate != rate {
		length = uint32(uint64(o.samples) * uint64(rate) / uint64(o.rate))
	}
	return o.following(), o.stamp + max(ticks(now-o.at, rate), length)
}

// sent notes a packet of the stream: its clock, how much audio it holds by that, and how many bytes. It reports false where the
// number was used: none may stand for two packets, under SRTP above all (RFC 3711 section 9.1).
func (o *outbound) sent(seq uint16, stamp, rate, length uint32, octets int, audio bool, now int64) bool {
	if a, _ := o.used.add(o.ssrc, seq); a == arrivedTwice || a == arrivedOld {
		o.counts.drop(dropLate)
		return false
	}
	if !o.started || int16(seq-o.seq) > 0 {
		o.seq = seq
		if audio {
			if o.rate != rate {
				o.counts.clock.Store(rate)
			}
			o.stamp, o.rate, o.at, o.samples = stamp, rate, now, length
		} else if !o.started {
			o.stamp, o.rate, o.at = stamp, rate, now
		}
	}
	o.started = true
	o.packets++
	o.octets += uint64(octets)
	return true
}

func (o *outbound) send(b []byte) {
	if o.cipher != nil {
		var ok bool
		if b, ok = o.cipher.seal(b); !ok {
			o.counts.drop(dropSend)
			return
		}
	}
	if err := o.flow.sendRTP(b, o.remote, o.via); err != nil {
		o.counts.drop(dropSend)
		return
	}
	o.counts.sent.Add(1)
}

// sendFailed takes back that a packet was sent: an outbox had it, and could not send it.
func (l *leg) sendFailed() {
	l.counts.sent.Add(^uint64(0))
	l.counts.drop(dropSend)
}
