package media

import (
	"github.com/zaf/g711"

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

// convert changes samples in place from the format that was received to the codec that is sent.
func convert(b []byte, from negotiate.Format, to negotiate.Codec) {
	switch {
	case from == negotiate.FormatPCMA && to == negotiate.PCMU:
		for i, s := range b {
			b[i] = alawToUlaw[s]
		}
	case from == negotiate.FormatPCMU && to == negotiate.PCMA:
		for i, s := range b {
			b[i] = ulawToAlaw[s]
		}
	}
}

// decode is the linear value of a sample, 16 bits.
func decode(s byte, c negotiate.Codec) int16 {
	if c == negotiate.PCMU {
		return ulawToLinear[s]
	}
	return alawToLinear[s]
}

func encode(v int16, c negotiate.Codec) byte {
	if c == negotiate.PCMU {
		return g711.EncodeUlawFrame(v)
	}
	return g711.EncodeAlawFrame(v)
}
