package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// maxClip is the longest prompt that is loaded, in samples: ten minutes.
const maxClip = 10 * 60 * 8000

// wavFormat is the part of a WAV file's format chunk that matters.
type wavFormat struct {
	channels, rate, bits int
}

// readWAV reads a RIFF WAVE file of 16-bit PCM, mono or stereo, at a multiple of 8 kHz up to 48 kHz, and returns it
// mono at 8 kHz. The error says what the file has and what it should have.
func readWAV(b []byte) ([]int16, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	var f *wavFormat
	for rest := b[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		body := rest[:min(size, int64(len(rest)))] // a writer that was cut short leaves a wrong size
		switch id {
		case "fmt ":
			var err error
			if f, err = readWAVFormat(body); err != nil {
				return nil, err
			}
		case "data":
			if f == nil {
				return nil, errors.New("WAV file has its data before its format")
			}
			return f.convert(body)
		}
		rest = rest[min(size+size&1, int64(len(rest))):]
	}
	return nil, errors.New("WAV file has no data")
}

func readWAVFormat(b []byte) (*wavFormat, error) {
	if len(b) < 16 {
		return nil, errors.New("WAV file has a broken format")
	}
	kind := binary.LittleEndian.Uint16(b)
	if kind == 0xfffe && len(b) >= 26 { // WAVE_FORMAT_EXTENSIBLE: the kind is in the sub-format
		kind = binary.LittleEndian.Uint16(b[24:])
	}
	f := &wavFormat{
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	switch {
	case kind != 1 || f.bits != 16:
		return nil, fmt.Errorf("WAV file has format %d with %d bits; make it PCM with 16 bits", kind, f.bits)
	case f.channels != 1 && f.channels != 2:
		return nil, fmt.Errorf("WAV file has %d channels; make it mono or stereo", f.channels)
	case f.rate%8000 != 0 || f.rate < 8000 || f.rate > 48000:
		return nil, fmt.Errorf("WAV file has %d Hz; make it 8000, 16000, 24000, 32000, 40000 or 48000 Hz", f.rate)
	}
	return f, nil
}

// convert mixes down to mono and samples down to 8 kHz.
func (f *wavFormat) convert(b []byte) ([]int16, error) {
	frames := len(b) / (2 * f.channels)
	step := f.rate / 8000
	if frames < step {
		return nil, errors.New("WAV file is empty")
	}
	if frames/step > maxClip {
		return nil, fmt.Errorf("WAV file is longer than %d minutes", maxClip/8000/60)
	}
	mono := make([]int16, frames)
	for i := range mono {
		sum := 0
		for c := range f.channels {
			sum += int(int16(binary.LittleEndian.Uint16(b[2*(i*f.channels+c):])))
		}
		mono[i] = int16(sum / f.channels)
	}
	if step == 1 {
		return mono, nil
	}
	return decimate(mono, step), nil
}

// decimate keeps one sample in step, after a low-pass (a sinc with a Hann window) at 3.6 kHz against aliases.
func decimate(in []int16, step int) []int16 {
	half := 16 * step
	taps := make([]float64, 2*half+1)
	cut, sum := 0.45/float64(step), 0.0 // as a share of the sampling rate
	for i := range taps {
		x := float64(i - half)
		v := 2 * cut
		if x != 0 {
			v = math.Sin(2*math.Pi*cut*x) / (math.Pi * x)
		}
		taps[i] = v * (0.5 + 0.5*math.Cos(math.Pi*x/float64(half+1)))
		sum += taps[i]
	}
	out := make([]int16, len(in)/step)
	for n := range out {
		acc := 0.0
		for i, t := range taps {
			if k := n*step + i - half; k >= 0 && k < len(in) {
				acc += t * float64(in[k])
			}
		}
		out[n] = int16(min(max(math.Round(acc/sum), -32768), 32767))
	}
	return out
}
