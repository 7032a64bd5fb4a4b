package softphone

import (
	"math"

	"github.com/zaf/g711"
)

// Codec is an RTP payload type of RFC 3551 that a phone speaks.
type Codec uint8

// The codecs: G.711 µ-law and A-law, 8 kHz.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

// String returns the name as descriptions have it.
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	}
	return "unknown"
}

func (c Codec) encode(out []byte, samples []int16) {
	for i, s := range samples {
		if c == PCMU {
			out[i] = g711.EncodeUlawFrame(s)
		} else {
			out[i] = g711.EncodeAlawFrame(s)
		}
	}
}

func (c Codec) decode(out []int16, payload []byte) {
	for i, b := range payload {
		if c == PCMU {
			out[i] = g711.DecodeUlawFrame(b)
		} else {
			out[i] = g711.DecodeAlawFrame(b)
		}
	}
}

// Source makes sound: 16-bit samples at 8 kHz. It is used by one call, on one goroutine.
type Source interface {
	// Next fills the buffer with what comes next.
	Next(samples []int16)
}

// sampleRate is that of G.711, in Hz.
const sampleRate = 8000

// Tone is a steady sine of the frequency in Hz, a quarter of full scale. A multiple of 10 is told apart best.
func Tone(frequency float64) Source { return &tone{step: 2 * math.Pi * frequency / sampleRate} }

type tone struct{ phase, step float64 }

func (t *tone) Next(samples []int16) {
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(t.phase))
		t.phase += t.step
	}
	t.phase = math.Mod(t.phase, 2*math.Pi)
}

// Silence sends nothing but silence.
func Silence() Source { return silence{} }

type silence struct{}

func (silence) Next(samples []int16) { clear(samples) }

// Clip plays samples once, then silence; with loop it begins again.
func Clip(samples []int16, loop bool) Source { return &clip{samples: samples, loop: loop} }

type clip struct {
	samples []int16
	at      int
	loop    bool
}

func (c *clip) Next(samples []int16) {
	for len(samples) > 0 {
		n := copy(samples, c.samples[c.at:])
		c.at += n
		samples = samples[n:]
		if c.at < len(c.samples) {
			continue
		}
		if !c.loop || len(c.samples) == 0 {
			clear(samples)
			return
		}
		c.at = 0
	}
}
