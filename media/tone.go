package media

import (
	"math"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// tone is a short sound over what a leg hears. While it sounds the voice is lowered to three quarters and the tone stays
// below one quarter of full scale, so that the sum never clips.
type tone struct {
	samples []int16
	pos     int
}

// toneGap is how long no voice may have come before a tone is sent by itself: three packets.
const toneGap = 60 * 1e6

// The tones: frequency, pattern and level are chosen to be told apart and to startle nobody.
var tones = map[call.ToneKind][]int16{
	call.ToneSoft: beeps(660, 0.10, 200),
	call.ToneMark: beeps(880, 0.18, 120, 80, 120),
}

// beeps makes sounds and pauses in turn, each so many milliseconds long, with edges of 10 ms that do not click. level is
// the amplitude as a share of full scale.
func beeps(frequency, level float64, ms ...int) []int16 {
	var out []int16
	for i, d := range ms {
		n := d * 8
		for k := range n {
			edge := min(float64(min(k, n-1-k))/80, 1)
			v := level * 32767 * edge * math.Sin(2*math.Pi*frequency*float64(k)/8000)
			if i%2 == 1 {
				v = 0
			}
			out = append(out, int16(v))
		}
	}
	return out
}

// mix lays the tone over samples of G.711 in place, and returns what is left of it, nil at its end.
func (t *tone) mix(b []byte, c negotiate.Codec) *tone {
	for i := range b {
		if t.pos == len(t.samples) {
			return nil
		}
		b[i] = encode(t.over(decode(b[i], c)), c)
	}
	return t.rest()
}

// mixLinear does the same with linear audio.
func (t *tone) mixLinear(pcm []int16) *tone {
	for i := range pcm {
		if t.pos == len(t.samples) {
			return nil
		}
		pcm[i] = t.over(pcm[i])
	}
	return t.rest()
}

// over is the next sample of the tone over one of the voice.
func (t *tone) over(voice int16) int16 {
	v := int32(voice)*3/4 + int32(t.samples[t.pos])
	t.pos++
	return int16(v)
}

func (t *tone) rest() *tone {
	if t.pos == len(t.samples) {
		return nil
	}
	return t
}

// sound begins a tone in the leg's ear, in place of one that is still sounding.
func (o *outbound) sound(kind call.ToneKind) {
	samples, ok := tones[kind]
	if !ok {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tone = &tone{samples: samples}
}
