package softphone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// WriteWAV writes samples as a RIFF WAVE file: PCM, 16 bits, mono, 8 kHz.
func WriteWAV(w io.Writer, samples []int16) error {
	size := uint32(2 * len(samples))
	head := make([]byte, 0, 44)
	head = append(head, "RIFF"...)
	head = binary.LittleEndian.AppendUint32(head, 36+size)
	head = append(head, "WAVEfmt "...)
	head = binary.LittleEndian.AppendUint32(head, 16)
	head = binary.LittleEndian.AppendUint16(head, 1) // PCM
	head = binary.LittleEndian.AppendUint16(head, 1) // mono
	head = binary.LittleEndian.AppendUint32(head, sampleRate)
	head = binary.LittleEndian.AppendUint32(head, 2*sampleRate)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 16)
	head = append(head, "data"...)
	head = binary.LittleEndian.AppendUint32(head, size)
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	if err := binary.Write(w, binary.LittleEndian, samples); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	return nil
}

// maxWAV is the longest file that is read: ten minutes.
const maxWAV = 44 + 1024 + 2*sampleRate*600

// ReadWAV reads a RIFF WAVE file of PCM, 16 bits, mono, 8 kHz, at most ten minutes long.
func ReadWAV(r io.Reader) ([]int16, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWAV))
	if err != nil {
		return nil, fmt.Errorf("read WAV: %w", err)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("read WAV: not a WAV file")
	}
	fits := false
	for rest := b[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		body := rest[:min(size, int64(len(rest)))]
		switch {
		case id == "fmt " && len(body) >= 16:
			fits = binary.LittleEndian.Uint16(body) == 1 && binary.LittleEndian.Uint16(body[2:]) == 1 &&
				binary.LittleEndian.Uint32(body[4:]) == sampleRate && binary.LittleEndian.Uint16(body[14:]) == 16
		case id == "data" && !fits:
			return nil, errors.New("read WAV: not PCM with 16 bits, mono, 8000 Hz")
		case id == "data":
			samples := make([]int16, len(body)/2)
			for i := range samples {
				samples[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
			}
			return samples, nil
		}
		rest = rest[min(size+size&1, int64(len(rest))):]
	}
	return nil, errors.New("read WAV: no data in it")
}
