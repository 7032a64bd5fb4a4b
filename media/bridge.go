package media

import "telefonist/media/negotiate"

// bridge turns what a leg hears into another codec, or mixes several into it. What arrives is put in order, decoded with gaps filled, and coded
// again at the pace of the clock.
type bridge struct {
	jitter  jitter
	encoder encoder
	began   int64  // when the first packet came
	taken   int64  // samples made since, or passed over
	base    uint32 // timestamp of the beginning
	talking bool   // the last packet was sent, not withheld
	pcm     [maxFrame]int16
	mix     *mixture // what is heard instead of one leg, in a conference

	eventIn, eventOut uint32 // timestamps of the event that is being relayed
	eventAt           int64  // when its last packet came; 0 for none
}

// eventGap is for how long after a packet of an event no audio is sent: events take its place (RFC 4733 section 2.5.1.2).
const eventGap = 60 * 1e6

// bridged names as a source the leg whose audio is converted, or the conference.
func (o *outbound) bridged() source {
	if o.conferring() {
		return source{from: conference}
	}
	return source{from: o.from}
}

// take fills pcm with what is heard next, and reports whether there is any.
func (b *bridge) take(pcm []int16) bool {
	if b.mix != nil {
		return b.mix.take(pcm)
	}
	return b.jitter.take(pcm)
}

// toBridge takes a packet that must be converted, and reports whether the clock has to look after the leg.
func (o *outbound) toBridge(p *packet, c negotiate.Codec, now int64) (tick bool) {
	if o.bridge == nil {
		o.bridge = &bridge{began: now}
		o.joined = false
	}
	o.converted = true
	if !o.bridge.jitter.put(p, c) {
		o.counts.drop(dropLate)
	}
	return !o.ticking
}

// bridgeEvent relays an event beside audio that is converted: its numbers are ours, and all of its packets have the
// timestamp of its beginning (RFC 4733 section 2.5.1.2).
func (o *outbound) bridgeEvent(p *packet, payload uint8, now int64) {
	b := o.bridge
	first := b.eventAt == 0 || b.eventIn != p.time
	seq, stamp := o.next(now, clockRate)
	if first {
		b.eventIn, b.eventOut = p.time, stamp
	}
	b.eventAt = now
	o.sent(seq, b.eventOut, clockRate, 0, len(p.data()), false, now)
	raw := p.raw[p.start-headerSize:]
	putHeader(raw, first, payload, seq, b.eventOut, o.ssrc)
	o.send(raw)
}

// cross sends the converted audio that is due.
func (o *outbound) cross(now int64) {
	b := o.bridge
	frame := int64(o.frame)
	if frame == 0 {
		frame = 160
	}
	due := (now-b.began)*8/1e6 - b.taken
	if due > mostBehind+frame {
		b.taken += due - frame
		due = frame
	}
	for n := 0; n < mostAtOnce && due >= frame; n++ {
		o.crossFrame(int(frame), now)
		due -= frame
	}
}

// crossFrame makes the next packet.
func (o *outbound) crossFrame(frame int, now int64) {
	b := o.bridge
	at := uint32(b.taken)
	b.taken += int64(frame)
	pcm := b.pcm[:frame]
	any := b.take(pcm)
	switch {
	case any:
		o.voiceAt = now
	case o.tone != nil && now-o.voiceAt > toneGap:
		clear(pcm)
	default:
		b.talking = false
		return
	}
	if o.tone != nil {
		o.tone = o.tone.mixLinear(pcm)
	}
	data := o.buf[headerSize : headerSize+frame]
	if !b.talking {
		o.follow(&b.encoder) // what was withheld the listener has not heard
	}
	b.encoder.encode(data, pcm, o.codec)
	if !o.open() || o.codec == negotiate.NoCodec || o.presses != nil || b.eventAt != 0 && now-b.eventAt < eventGap {
		b.talking = false
		return
	}
	if s := o.bridged(); !o.joined || o.current != s {
		_, stamp := o.next(now, clockRate)
		b.base = stamp - at
		o.current, o.joined = s, true
	}
	if o.codec == negotiate.G722 {
		o.crosses().note(data)
	}
	o.sendFrame(data, !b.talking, o.following(), b.base+at, now)
	b.talking = true
}
