package peers

import (
	endian "encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sound is mono audio at 8 kHz.
type sound []int16

const rate = 8000

var le = endian.LittleEndian // as WAV files have their numbers

func (s sound) length() time.Duration { return time.Duration(len(s)) * time.Second / rate }

// part is what sounds between two instants, as far as it goes.
func (s sound) part(from, to time.Duration) sound {
	a, b := int(from*rate/time.Second), int(to*rate/time.Second)
	return s[min(max(a, 0), len(s)):min(max(b, 0), len(s))]
}

// repeated fills d with the sound, again and again.
func (s sound) repeated(d time.Duration) sound {
	out := make(sound, 0, int(d*rate/time.Second)+len(s))
	for out.length() < d {
		out = append(out, s...)
	}
	return out
}

func sine(hertz float64, d time.Duration) sound {
	out := make(sound, int(d*rate/time.Second))
	for i := range out {
		out[i] = int16(8000 * math.Sin(2*math.Pi*hertz*float64(i)/rate))
	}
	return out
}

func silence(d time.Duration) sound { return make(sound, int(d*rate/time.Second)) }

// readWAV reads 16-bit audio at 8 kHz, or at 16 or 48 kHz, of which some samples are taken: what softphones say here has nothing
// above 4 kHz. Of two channels it is the first. A file that is still being written is read as far as it goes.
func readWAV(t *testing.T, file string) sound {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	for at := 12; at+8 <= len(b); {
		name, size := string(b[at:at+4]), int(le.Uint32(b[at+4:]))
		at += 8
		if name == "fmt " {
			hertz, channels := int(le.Uint32(b[at+4:])), int(le.Uint16(b[at+2:]))
			if hertz%rate != 0 || channels != 1 && channels != 2 || le.Uint16(b[at+14:]) != 16 {
				t.Fatalf("%s has %d channels of %d Hz and not 16 bits at a multiple of 8 kHz", file, channels, hertz)
			}
			step = hertz / rate * channels
		}
		if name == "data" {
			data := b[at:]
			if size > 0 && size < len(data) {
				data = data[:size]
			}
			out := make(sound, len(data)/2/step)
			for i := range out {
				out[i] = int16(le.Uint16(data[2*step*i:]))
			}
			return out
		}
		at += size + size%2
	}
	t.Fatalf("%s has no data", file)
	return nil
}

func (s sound) write(t *testing.T, file string) {
	t.Helper()
	b := make([]byte, 44, 44+2*len(s))
	copy(b, "RIFF")
	le.PutUint32(b[4:], uint32(36+2*len(s)))
	copy(b[8:], "WAVEfmt ")
	le.PutUint32(b[16:], 16)
	le.PutUint16(b[20:], 1)
	le.PutUint16(b[22:], 1)
	le.PutUint32(b[24:], rate)
	le.PutUint32(b[28:], 2*rate)
	le.PutUint16(b[32:], 2)
	le.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	le.PutUint32(b[40:], uint32(2*len(s)))
	for _, v := range s {
		b = le.AppendUint16(b, uint16(v))
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// speech is a sound of testdata/audio.
func speech(t *testing.T, name string) sound {
	t.Helper()
	return readWAV(t, filepath.Join("..", "..", "testdata", "audio", name+".wav"))
}

// music is what waiting callers hear.
func music(t *testing.T) sound {
	t.Helper()
	return readWAV(t, filepath.Join("..", "..", "media", "prompts", "music.wav"))
}

// energy is the mean square.
func (s sound) energy() float64 {
	var sum float64
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	if len(s) == 0 {
		return 0
	}
	return sum / float64(len(s))
}

// quiet is the energy below which there is silence: G.711's own noise and less.
const quiet = 400

// power is the share of a sound's energy at one frequency, 0 to 1 (the Goertzel algorithm). Silence has none.
func (s sound) power(hertz float64) float64 {
	if s.energy() < quiet {
		return 0
	}
	k := 2 * math.Cos(2*math.Pi*hertz/rate)
	var a, b float64
	for _, v := range s {
		a, b = float64(v)+k*a-b, a
	}
	n := float64(len(s))
	return 2 * (a*a + b*b - k*a*b) / (n * n) / s.energy()
}

// loudness is the amplitude of one frequency, whatever else sounds.
func (s sound) loudness(hertz float64) float64 { return math.Sqrt(2 * s.power(hertz) * s.energy()) }

// hertz is the frequency of a pure tone, from its zero crossings.
func (s sound) hertz() float64 {
	n := 0
	for i := 1; i < len(s); i++ {
		if s[i-1] < 0 && s[i] >= 0 {
			n++
		}
	}
	return float64(n) / s.length().Seconds()
}

// correlation is the normalised cross-correlation of two sounds of one length, -1 to 1.
func correlation(a, b sound) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// find looks for a piece within a sound and returns where it fits best, and how well.
// Every eighth sample tells the place, all of them how well.
func (s sound) find(piece sound) (at int, best float64) {
	for i := 0; i+len(piece) <= len(s); i++ {
		var ab, aa, bb float64
		for k := 0; k < len(piece); k += 8 {
			x, y := float64(piece[k]), float64(s[i+k])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if c := ab / math.Sqrt(aa*bb+1); c > best {
			at, best = i, c
		}
	}
	if best == 0 {
		return 0, 0
	}
	return at, correlation(piece, s[at:at+len(piece)])
}

// match is how a recording compares with what was sent.
type match struct {
	windows int // with speech in them
	good    int // that correlate over 0.9
	worst   float64
	gaps    int // places where the alignment jumps: something is missing or doubled
	drift   int // samples, all jumps together
}

// window is the piece of a recording that is compared at once.
const window = rate / 4

// compare follows a recording through what was sent, which loops: each window is looked for near where the one before
// it stood. Windows without speech tell nothing.
func compare(sent, heard sound) match {
	m := match{worst: 1}
	at, aligned := 0, false
	for i := 0; i+window <= len(heard); i += window {
		piece := heard[i : i+window]
		if piece.energy() < 50*quiet {
			at += window
			continue
		}
		lo, hi := 0, min(len(sent), 2*9*rate) // the first time: anywhere in the first rounds
		if aligned {
			lo, hi = max(at-rate/4, 0), min(at+window+rate/4, len(sent))
		}
		if hi-lo < window {
			break
		}
		m.windows++
		if aligned && at+window <= len(sent) {
			if c := correlation(piece, sent[at:at+window]); c > 0.9 {
				m.good++
				m.worst = min(m.worst, c)
				at += window
				continue
			}
		}
		p, c := sent[lo:hi].find(piece)
		p += lo
		m.worst = min(m.worst, c)
		if c > 0.9 {
			m.good++
			if aligned && p != at {
				m.gaps++
				m.drift += abs(p - at)
			}
			at, aligned = p, true
		}
		at += window
	}
	return m
}

func abs(n int) int { return max(n, -n) }

// clean says that a recording holds what was sent: all of it but at most one window at either end, with at most
// so many jumps, which a busy machine makes in the softphones' own jitter buffers.
func (m match) clean(jumps int) bool {
	return m.windows >= 4 && m.good >= m.windows-2-jumps && m.gaps <= jumps
}

// firstTone is when a frequency is first louder than least, and whether it ever is.
func (s sound) firstTone(hertz, least float64) (time.Duration, bool) {
	const step = rate / 50
	for i := 0; i+step <= len(s); i += step / 2 {
		if s[i:i+step].loudness(hertz) > least {
			return time.Duration(i) * time.Second / rate, true
		}
	}
	return 0, false
}

// longestSilence is the longest stretch of packets of 20 ms without sound.
func (s sound) longestSilence() time.Duration {
	longest, now := 0, 0
	for i := 0; i+160 <= len(s); i += 160 {
		now++
		if s[i:i+160].energy() > quiet {
			now = 0
		}
		longest = max(longest, now)
	}
	return time.Duration(longest) * 20 * time.Millisecond
}
