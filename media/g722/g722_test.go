package g722

import (
	"hash/crc32"
	"math"
	"testing"
)

func sine(frequency float64, rate, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(8000 * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate)))
	}
	return out
}

// level is the amplitude of a frequency in a signal (Goertzel's algorithm).
func level(signal []int16, frequency float64, rate int) float64 {
	k := 2 * math.Cos(2*math.Pi*frequency/float64(rate))
	var s1, s2 float64
	for _, v := range signal {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	return 2 * math.Sqrt(max(s1*s1+s2*s2-k*s1*s2, 0)) / float64(len(signal))
}

func TestTonesKeepTheirLevel(t *testing.T) {
	for _, f := range []float64{300, 1000, 3000, 5000, 6500} {
		var e Encoder
		var d Decoder
		code, out := make([]byte, 8000), make([]int16, 16000)
		if n := d.Decode(out, code[:e.Encode(code, sine(f, 16000, 16000))]); n != 16000 {
			t.Fatalf("%d samples", n)
		}
		if l := level(out[1600:], f, 16000); l < 7500 || l > 8300 {
			t.Errorf("%g Hz has level %.0f, want 8000", f, l)
		}
	}
}

// What one side codes narrow the other may hear wide, and the other way round.
func TestLowerBandAloneFitsTheFullBand(t *testing.T) {
	var wide Encoder
	var narrow Decoder
	code, out := make([]byte, 8000), make([]int16, 8000)
	narrow.DecodeNarrow(out, code[:wide.Encode(code, sine(1000, 16000, 16000))])
	if l := level(out[800:], 1000, 8000); l < 7500 || l > 8300 {
		t.Errorf("decoded narrow: level %.0f, want 8000", l)
	}
	var e Encoder
	var d Decoder
	out = make([]int16, 16000)
	d.Decode(out, code[:e.EncodeNarrow(code, sine(1000, 8000, 8000))])
	if l := level(out[1600:], 1000, 16000); l < 7500 || l > 8300 {
		t.Errorf("encoded narrow: level %.0f, want 8000", l)
	}
	if l := level(out[1600:], 7000, 16000); l > 100 {
		t.Errorf("an image of level %.0f", l)
	}
}

// The sums were found equal with those of an independent implementation, on this signal and on noise of full scale.
func TestCodeIsThatOfTheRecommendation(t *testing.T) {
	in := make([]int16, 32000)
	for i := range in {
		x := float64(i)
		in[i] = int16(14000*math.Sin(x*x*4e-5) + 9000*math.Sin(x*0.05))
	}
	var e Encoder
	code := make([]byte, 16000)
	e.Encode(code, in)
	var d Decoder
	out := make([]int16, 32000)
	d.Decode(out, code)
	raw := make([]byte, 0, 64000)
	for _, v := range out {
		raw = append(raw, byte(v), byte(v>>8))
	}
	if c, o := crc32.ChecksumIEEE(code), crc32.ChecksumIEEE(raw); c != wantCode || o != wantAudio {
		t.Errorf("sums %#x and %#x, want %#x and %#x", c, o, uint32(wantCode), uint32(wantAudio))
	}
}

const wantCode, wantAudio = 0x8df1b67c, 0xfba6a527

func TestNothingIsAllocated(t *testing.T) {
	var e Encoder
	var d Decoder
	pcm, code := sine(440, 8000, 160), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() { e.EncodeNarrow(code, pcm); d.DecodeNarrow(pcm, code) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 255, 1, 128})
	f.Fuzz(func(t *testing.T, code []byte) {
		var d Decoder
		out := make([]int16, 2*len(code))
		if n := d.Decode(out, code); n != len(out) {
			t.Fatalf("%d samples of %d bytes", n, len(code))
		}
	})
}

func BenchmarkNarrow(b *testing.B) {
	pcm, code := sine(440, 8000, 160), make([]byte, 160)
	b.Run("encode", func(b *testing.B) {
		var e Encoder
		b.ReportAllocs()
		for b.Loop() {
			e.EncodeNarrow(code, pcm)
		}
	})
	b.Run("decode", func(b *testing.B) {
		var d Decoder
		b.ReportAllocs()
		for b.Loop() {
			d.DecodeNarrow(pcm, code)
		}
	})
}
