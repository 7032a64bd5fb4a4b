package media

import (
	"github.com/zaf/g711"

	"telefonist/media/g722"
	"telefonist/media/negotiate"
)

// The conversions of G.711 (ITU-T G.711 table 3 and 4), by sample.
var (
	alawToUlaw, ulawToAlaw     [256]byte
	alawToLinear, ulawToLinear [256]int16
)

func init() {
	for i := range 256 {
		alawToUlaw[i] = g711.Alaw2UlawFrame(uint8(i))
		ulawToAlaw[i] = g711.Ulaw2AlawFrame(uint8(i))
		alawToLinear[i] = g711.DecodeAlawFrame(uint8(i))
		ulawToLinear[i] = g711.DecodeUlawFrame(uint8(i))
	}
}

// byTable reports whether one codec becomes the other sample by sample: both are G.711, or they are the same.
func byTable(from, to negotiate.Codec) bool {
	return from == to || from != negotiate.G722 && to != negotiate.G722
}

// convert changes samples in place from one codec to another where that goes by table.
func convert(b []byte, from, to negotiate.Codec) {
	switch {
	case from == negotiate.PCMA && to == negotiate.PCMU:
		for i, s := range b {
			b[i] = alawToUlaw[s]
		}
	case from == negotiate.PCMU && to == negotiate.PCMA:
		for i, s := range b {
			b[i] = ulawToAlaw[s]
		}
	}
}

// decode is the linear value of a sample of G.711, 16 bits.
func decode(s byte, c negotiate.Codec) int16 {
	if c == negotiate.PCMU {
		return ulawToLinear[s]
	}
	return alawToLinear[s]
}

// encode is the sample of G.711 for a linear value.
func encode(v int16, c negotiate.Codec) byte {
	if c == negotiate.PCMU {
		return g711.EncodeUlawFrame(v)
	}
	return g711.EncodeAlawFrame(v)
}

// decoder turns a stream of one codec into linear audio at 8 kHz, one sample for each byte.
type decoder struct {
	codec negotiate.Codec
	wide  g722.Decoder
}

// decode fills dst with the samples of src. A codec other than the last one begins anew.
func (d *decoder) decode(dst []int16, src []byte, c negotiate.Codec) {
	if c != d.codec {
		*d = decoder{codec: c}
	}
	if c == negotiate.G722 {
		d.wide.DecodeNarrow(dst, src)
		return
	}
	for i, s := range src {
		dst[i] = decode(s, c)
	}
}

// encoder turns linear audio at 8 kHz into a stream of one codec, one byte for each sample.
type encoder struct {
	codec negotiate.Codec
	wide  g722.Encoder
}

func (e *encoder) encode(dst []byte, src []int16, c negotiate.Codec) {
	if c != e.codec {
		*e = encoder{codec: c}
	}
	if c == negotiate.G722 {
		e.wide.EncodeNarrow(dst, src)
		return
	}
	for i, v := range src {
		dst[i] = encode(v, c)
	}
}

// silenceG722 is a code of G.722 that, repeated, decodes to silence: it is among those of the smallest differences, and the
// only one of them that does not add up.
const silenceG722 = 0xfd

// quiet fills a packet with silence.
func quiet(b []byte, c negotiate.Codec) {
	s := byte(silenceG722)
	if c != negotiate.G722 {
		s = encode(0, c)
	}
	for i := range b {
		b[i] = s
	}
}
