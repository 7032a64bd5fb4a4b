package media

import (
	"telefonist/media/g722"
	"telefonist/media/negotiate"
)

// A decoder of G.722 follows its encoder by what it has heard. Where another sound begins, its scale and its predictor are still those
// of the last one, and the first codes of the new one would crack, at worst at full level. So for a moment the new sound is decoded
// and coded again by an encoder that is where the listener's decoder is; then both sounds have led their coders to one place, and
// the codes go on as they are.

const (
	// crossFor is how long that takes, in samples: 100 ms.
	crossFor = 800
	// crossFade is for how long a sound whose beginning was not heard comes up: 40 ms.
	crossFade = 320
)

// crossing takes a listener of G.722 from one sound to the next. It also lays tones over them.
type crossing struct {
	heard [crossFor]byte // what the listener has heard last, the newest at the end
	known int            // how much of that is real

	decoder   g722.Decoder // of the sound
	encoder   g722.Encoder // for the listener
	left      int          // samples until the codes go on as they are
	rising    int          // samples until the sound is at its level
	low, high [maxFrame]int16
}

// note keeps what is sent.
func (x *crossing) note(code []byte) {
	if len(code) >= len(x.heard) {
		copy(x.heard[:], code[len(code)-len(x.heard):])
	} else {
		copy(x.heard[:], x.heard[len(code):])
		copy(x.heard[len(x.heard)-len(code):], code)
	}
	x.known = min(x.known+len(code), len(x.heard))
}

// listener is where the listener's decoder is.
func (x *crossing) listener() (d g722.Decoder) {
	d.Learn(x.heard[len(x.heard)-x.known:])
	return d
}

// begin begins a crossing to a sound of which a part came before that the listener has not heard. Where that is not known it rises.
func (x *crossing) begin(before []byte, rises bool) {
	if x.known == 0 {
		return // a listener who has heard nothing is where every sound begins
	}
	if x.left <= 0 {
		d := x.listener()
		x.encoder.Follow(&d)
	}
	x.decoder = g722.Decoder{}
	x.decoder.Learn(before)
	if x.left, x.rising = crossFor, 0; rises {
		x.rising = crossFade
	}
}

// lay makes a part of a packet what the listener shall hear, with a tone over it while there is one, and returns what is left of
// the tone.
func (x *crossing) lay(code []byte, t *tone) *tone {
	if t != nil && x.left <= 0 { // over the sound that is being heard
		x.decoder = x.listener()
		x.encoder.Follow(&x.decoder)
	}
	for len(code) > 0 && (t != nil || x.left > 0) {
		part := code[:min(len(code), maxFrame)]
		code = code[len(part):]
		low, high := x.low[:len(part)], x.high[:len(part)]
		x.decoder.DecodeBands(low, high, part)
		for i := range part {
			if x.rising > 0 {
				up := int32(crossFade - x.rising)
				low[i], high[i] = int16(int32(low[i])*up/crossFade), int16(int32(high[i])*up/crossFade)
				x.rising--
			}
		}
		x.left -= len(part)
		if t != nil {
			t, x.left = t.mixLinear(low), crossFor
		}
		x.encoder.EncodeBands(part, low, high)
		x.note(part)
	}
	x.note(code)
	return t
}

// lay lays a tone, while there is one, over audio that is about to be sent.
func (o *outbound) lay(data []byte) {
	switch {
	case o.codec == negotiate.G722 && o.open():
		o.tone = o.crosses().lay(data, o.tone)
	case o.tone != nil:
		o.tone = o.tone.mix(data, o.codec)
	}
}

// crosses is what takes the listener from sound to sound.
func (o *outbound) crosses() *crossing {
	if o.over == nil {
		o.over = new(crossing)
	}
	return o.over
}

// crossTo tells that another sound begins.
func (o *outbound) crossTo(before []byte, rises bool) {
	if o.codec == negotiate.G722 {
		o.crosses().begin(before[max(0, len(before)-crossFor):], rises)
	}
}

// follow has an encoder of ours go on where the listener is.
func (o *outbound) follow(e *encoder) {
	if o.codec == negotiate.G722 {
		d := o.crosses().listener()
		e.codec = negotiate.G722
		e.wide.Follow(&d)
	}
}
