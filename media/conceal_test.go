package media

import (
	"fmt"
	"testing"

	"telefonist/media/negotiate"
)

// heard is what was heard from an instant on, silence where nothing was sent.
func (h *hearer) heard(since int64) []int16 {
	var d decoder
	var out []int16
	for i, p := range h.tape.sent {
		pcm := make([]int16, len(p.data()))
		d.decode(pcm, p.data(), h.codec)
		if h.at[i] < since {
			continue
		}
		if silent := (h.at[i] - since) * 8 / ms; len(out) < int(silent) {
			out = append(out, make([]int16, int(silent)-len(out))...)
		}
		out = append(out, pcm...)
	}
	return out
}

// A loss that is longer than is filled is a pause: the voice fades, nothing is sent, and then it is heard whole, in its time and
// without a crack.
func TestALongLossFadesAndTheVoiceComesBackWhole(t *testing.T) {
	for _, codec := range []negotiate.Codec{negotiate.PCMU, negotiate.G722} {
		for _, lost := range []int{6, 10, 25, 70, 200} {
			t.Run(fmt.Sprint(codec, ", ", 20*lost, " ms"), func(t *testing.T) {
				h := newHearer(true)
				h.codec, h.payload = codec, payloadOf(codec)
				h.speak(440, 100)
				begun := h.now + 5*ms // when the next packet would be heard
				for range lost {
					h.seq++
					h.pass(nil, 0)
				}
				back := h.now
				h.speak(440, 50)
				signal := h.heard(begun)
				for i, v := range signal[800:max(800, 8*(back-begun)/ms)] {
					if v > 100 || v < -100 {
						t.Fatalf("%d after %d ms of loss", v, 100+i/8)
					}
				}
				for i := 1; i < len(signal); i++ {
					if d := int(signal[i]) - int(signal[i-1]); d > 3600 || d < -3600 {
						t.Errorf("a step of %d at %d ms", d, i/8)
					}
				}
				from := int(8*(back-begun)/ms) + 320
				for i := from; i+800 <= len(signal); i += 800 {
					if l := level(signal[i:i+800], 440); l < 7000 || l > 8800 {
						t.Errorf("level %.0f %d ms after the loss", l, (i-from)/8+40)
					}
				}
				for i := 1; i < len(h.at); i++ {
					took, step := (h.at[i]-h.at[i-1])*8/ms, int64(h.tape.sent[i].time-h.tape.sent[i-1].time)
					if step != took {
						t.Errorf("packet %d: the timestamp moves by %d in %d samples", i, step, took)
					}
				}
			})
		}
	}
}
