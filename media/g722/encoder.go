package g722

// Encoder turns linear audio into G.722. The zero value is ready; a copy goes on by itself.
type Encoder struct {
	started   bool
	low, high band
	history   [24]int32 // the transmit filter's delay line, oldest first
}

func (e *Encoder) start() {
	if !e.started {
		e.started, e.low.det, e.high.det = true, 32, 8
	}
}

// Encode codes 16 kHz samples, two for each byte of dst, and returns how many bytes it wrote. An odd sample is left out.
func (e *Encoder) Encode(dst []byte, src []int16) int {
	e.start()
	n := min(len(dst), len(src)/2)
	for i := range n {
		low, high := e.split(int32(src[2*i]), int32(src[2*i+1]))
		dst[i] = e.codeHigh(high)<<6 | e.codeLow(low)
	}
	return n
}

// EncodeNarrow codes 8 kHz samples, one for each byte of dst; the higher band stays silent.
func (e *Encoder) EncodeNarrow(dst []byte, src []int16) int {
	e.start()
	n := min(len(dst), len(src))
	for i := range n {
		dst[i] = e.codeHigh(0)<<6 | e.codeLow(int32(src[i])>>1)
	}
	return n
}

// Follow has the encoder go on where a decoder is: who has heard what the decoder has can hear the encoder from now on without a
// crack. A far side's decoder that is at full level makes one of the first codes of an encoder that begins anew.
func (e *Encoder) Follow(d *Decoder) {
	d.start()
	e.started, e.low, e.high = true, d.low, d.high
}

// EncodeBands codes samples of both bands as DecodeBands gives them, one of each for each byte of dst.
func (e *Encoder) EncodeBands(dst []byte, low, high []int16) {
	e.start()
	for i := range dst {
		dst[i] = e.codeHigh(int32(high[i]))<<6 | e.codeLow(int32(low[i])>>1)
	}
}

// split is the transmit quadrature mirror filter (clause 3.1): a pair of samples to one of each band.
func (e *Encoder) split(a, b int32) (low, high int32) {
	copy(e.history[:], e.history[2:])
	e.history[22], e.history[23] = a, b
	var odd, even int32
	for i, c := range mirror {
		odd += e.history[2*i] * c
		even += e.history[2*i+1] * mirror[11-i]
	}
	return saturate((even + odd) >> 14), saturate((even - odd) >> 14)
}

// codeLow quantizes the lower band to 6 bits (QUANTL), of which the upper 4 steer the adaptation.
func (e *Encoder) codeLow(x int32) byte {
	b := &e.low
	diff := saturate(x - b.s)
	size := diff
	if diff < 0 {
		size = ^diff
	}
	rank, above := int32(0), int32(len(levels)) // the first level that is greater
	for rank < above {
		if mid := (rank + above) / 2; size >= levels[mid]*b.det>>12 {
			rank = mid + 1
		} else {
			above = mid
		}
	}
	// Codes count down from the smallest difference, two apart for the sign (table 14).
	var code int32
	switch {
	case diff >= 0:
		code = 61 - rank
	case rank < 2:
		code = 63 - rank
	default:
		code = 33 - rank
	}
	quantized := b.det * quant4[code>>2] >> 15
	b.scale(lowStep[code>>2], lowMost, lowShift)
	b.predict(quantized)
	return byte(code)
}

// codeHigh quantizes the higher band to 2 bits (QUANTH).
func (e *Encoder) codeHigh(x int32) byte {
	b := &e.high
	diff := saturate(x - b.s)
	size := diff
	if diff < 0 {
		size = ^diff
	}
	far := size >= b.det*564>>12
	var code byte
	switch {
	case diff >= 0 && far:
		code = 2
	case diff >= 0:
		code = 3
	case far:
		code = 0
	default:
		code = 1
	}
	quantized := b.det * quant2[code] >> 15
	b.scale(highStep[code], highMost, highShift)
	b.predict(quantized)
	return code
}
