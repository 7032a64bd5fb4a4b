package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxMinutes is the longest WAV file that is loaded.
const maxMinutes = 10

// sound is audio as it is loaded: the same at the rates of both kinds of codec.
type sound struct {
	narrow []int16 // 8 kHz
	wide   []int16 // 16 kHz, twice as many samples
}

// add appends another sound.
func (s *sound) add(t sound) {
	s.narrow, s.wide = append(s.narrow, t.narrow...), append(s.wide, t.wide...)
}

// wavFormat is the part of a WAV file's format chunk that matters.
type wavFormat struct {
	channels, rate, bits int
}

// readWAV reads a RIFF WAVE file of 16-bit PCM, mono or stereo, at 8 to 48 kHz. The error says what the file has and what
// it should have.
func readWAV(b []byte) (sound, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return sound{}, errors.New("not a WAV file")
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
				return sound{}, err
			}
		case "data":
			if f == nil {
				return sound{}, errors.New("WAV file has its data before its format")
			}
			return f.convert(body)
		}
		rest = rest[min(size+size&1, int64(len(rest))):]
	}
	return sound{}, errors.New("WAV file has no data")
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
	case f.rate < 8000 || f.rate > 48000 || f.rate%25 != 0:
		return nil, fmt.Errorf("WAV file has %d Hz; make it 8000 to 48000 Hz, such as 16000 or 44100", f.rate)
	}
	return f, nil
}

// convert mixes down to mono and samples anew.
func (f *wavFormat) convert(b []byte) (sound, error) {
	frames := len(b) / (2 * f.channels)
	if frames > maxMinutes*60*f.rate {
		return sound{}, fmt.Errorf("WAV file is longer than %d minutes", maxMinutes)
	}
	mono := make([]int16, frames)
	for i := range mono {
		sum := 0
		for c := range f.channels {
			sum += int(int16(binary.LittleEndian.Uint16(b[2*(i*f.channels+c):])))
		}
		mono[i] = int16(sum / f.channels)
	}
	s := sound{narrow: newResampler(f.rate, 8000).run(mono), wide: newResampler(f.rate, 16000).run(mono)}
	n := min(len(s.narrow), len(s.wide)/2)
	if n == 0 {
		return sound{}, errors.New("WAV file is empty")
	}
	return sound{s.narrow[:n:n], s.wide[: 2*n : 2*n]}, nil
}
