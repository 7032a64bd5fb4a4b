package media

import (
	"telefonist/call"
	"telefonist/media/negotiate"
)

// mixture is what a leg in a conference hears: the others, each put in order and decoded for itself, added up at the pace
// of the leg's own clock. It is part of a bridge.
type mixture struct {
	inputs [2]mixInput
	one    [maxFrame]int16
	sum    [maxFrame]int32
}

type mixInput struct {
	from   *leg
	jitter jitter
}

// conference names a mixture as a source: it is nobody's own audio, and not ours.
var conference = new(leg)

// take fills pcm with the sum of what the others say, and reports whether any of them says something.
func (m *mixture) take(pcm []int16) bool {
	speaking := 0
	sum := m.sum[:len(pcm)]
	clear(sum)
	for i := range m.inputs {
		one := m.one[:len(pcm)]
		if !m.inputs[i].jitter.take(one) {
			continue
		}
		speaking++
		for k, v := range one {
			sum[k] += int32(v)
		}
	}
	for k, v := range sum {
		pcm[k] = soften(v)
	}
	return speaking > 0
}

// softFrom is the level from which on a sum is bent: three quarters of full scale. A single voice is seldom louder.
const softFrom = 24576

// soften brings the sum of two voices into 16 bits. Up to softFrom it is left as it is; above, the curve bends with no edge
// towards full scale, which it never reaches, so that loud voices together sound pressed but do not crackle.
func soften(v int32) int16 {
	const room = 32767 - softFrom
	switch {
	case v > softFrom:
		x := v - softFrom
		return int16(softFrom + int64(room)*int64(x)/int64(room+x))
	case v < -softFrom:
		x := -v - softFrom
		return int16(-softFrom - int64(room)*int64(x)/int64(room+x))
	}
	return int16(v)
}

// confer has the leg hear two others at once, in place of whatever it hears.
func (o *outbound) confer(a, b *leg, now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := new(mixture)
	m.inputs[0].from, m.inputs[1].from = a, b
	o.play, o.from, o.tone, o.presses, o.cut = nil, nil, nil, nil, nil
	o.bridge, o.joined = &bridge{began: now, mix: m}, false
}

// conferring reports whether the leg hears a mixture.
func (o *outbound) conferring() bool { return o.bridge != nil && o.bridge.mix != nil }

// toMix takes a packet of one of the others, and reports whether the clock must look after the leg from now on. Events are
// not mixed: they take the place of the audio.
func (o *outbound) toMix(from *leg, p *packet, f negotiate.Format, now int64) (tick bool) {
	m := o.bridge.mix
	i := 0
	if m.inputs[i].from != from {
		i++
	}
	switch {
	case m.inputs[i].from != from, f == negotiate.FormatNone:
		return false
	case f == negotiate.FormatEvent:
		if o.event == negotiate.NoPayload || !p.tidyEvent() {
			o.counts.drop(dropPayload)
			return false
		}
		o.bridgeEvent(p, o.event, now)
	case f.Codec() == negotiate.NoCodec:
		o.counts.drop(dropPayload)
		from.unheard.Store(true) // what is passed through cannot be mixed
		return false
	default:
		o.converted = o.converted || f.Codec() != o.codec
		if !m.inputs[i].jitter.put(p, f.Codec()) {
			o.counts.drop(dropLate)
		}
	}
	return !o.ticking
}

// confers is what a leg in a conference is taken to be connected with: somebody who hears what can be mixed.
var confers = negotiate.Media{Codec: negotiate.PCMA, First: negotiate.FormatPCMA, Event: negotiate.NoPayload}

// mix carries out a command.
func (e *Engine) mix(c call.Mix) {
	switch n := len(c.Legs); {
	case n == 2:
		e.connect(call.Connect{A: c.Legs[0], B: c.Legs[1]})
		return
	case n != 3 || c.Legs[0] == c.Legs[1] || c.Legs[1] == c.Legs[2] || c.Legs[0] == c.Legs[2]:
		e.log.Error("no conference of these legs", "legs", n)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var legs [3]*leg
	for i, id := range c.Legs {
		e.early.forget(id)
		legs[i] = e.legs[id]
	}
	for _, l := range legs {
		if l == nil {
			e.early.keep(c, c.Legs...)
			return
		}
	}
	if legs[0].confersWith(legs[1]) && legs[0].confersWith(legs[2]) {
		return
	}
	for _, l := range legs {
		l.silence()
	}
	now := e.now()
	for i, l := range legs {
		a, b := legs[(i+1)%3], legs[(i+2)%3]
		l.mates = [2]*leg{a, b}
		l.out.confer(a, b, now)
		l.in.route(a, b)
		l.in.arm(now)
	}
}

// confersWith reports whether two legs are in the same conference. Engine.mu is held.
func (l *leg) confersWith(m *leg) bool { return m != nil && (l.mates[0] == m || l.mates[1] == m) }

// leaveConference takes the leg out of its conference, where it is in one: the other two are connected with each other.
// Engine.mu is held.
func (l *leg) leaveConference() {
	a, b := l.mates[0], l.mates[1]
	if a == nil {
		return
	}
	for _, m := range []*leg{l, a, b} {
		m.mates = [2]*leg{}
	}
	join(a, b)
}
