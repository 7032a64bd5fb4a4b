package g722

// Decoder turns G.722 into linear audio. The zero value is ready; a copy goes on by itself.
type Decoder struct {
	started   bool
	low, high band
	history   [24]int32 // the receive filter's delay line, oldest first
}

func (d *Decoder) start() {
	if !d.started {
		d.started, d.low.det, d.high.det = true, 32, 8
	}
}

// Decode gives two 16 kHz samples for each byte of src, and returns how many samples it wrote.
func (d *Decoder) Decode(dst []int16, src []byte) int {
	d.start()
	n := min(len(dst)/2, len(src))
	for i := range n {
		a, b := d.join(d.decodeLow(src[i]&63), d.decodeHigh(src[i]>>6))
		dst[2*i], dst[2*i+1] = int16(a), int16(b)
	}
	return 2 * n
}

// DecodeNarrow gives one 8 kHz sample for each byte of src: the lower band.
func (d *Decoder) DecodeNarrow(dst []int16, src []byte) int {
	d.start()
	n := min(len(dst), len(src))
	for i := range n {
		dst[i] = int16(saturate(2 * d.decodeLow(src[i]&63)))
	}
	return n
}

// Learn has the decoder hear codes without a sound. After some 100 ms its state is that of any decoder that has heard the same, as
// everything adaptive leaks away.
func (d *Decoder) Learn(src []byte) {
	d.start()
	for _, code := range src {
		d.decodeLow(code & 63)
		d.decodeHigh(code >> 6)
	}
}

// DecodeBands gives one sample of each band for each byte of src, at 8 kHz. The lower band is as from DecodeNarrow.
func (d *Decoder) DecodeBands(low, high []int16, src []byte) {
	d.start()
	for i, code := range src {
		low[i] = int16(saturate(2 * d.decodeLow(code&63)))
		high[i] = int16(d.decodeHigh(code >> 6))
	}
}

// decodeLow gives a sample of the lower band, limited to 15 bits (INVQBL and LIMIT).
func (d *Decoder) decodeLow(code byte) int32 {
	b := &d.low
	out := min(max(b.s+b.det*quant6[code]>>15, -16384), 16383)
	quantized := b.det * quant4[code>>2] >> 15
	b.scale(lowStep[code>>2], lowMost, lowShift)
	b.predict(quantized)
	return out
}

// decodeHigh gives a sample of the higher band.
func (d *Decoder) decodeHigh(code byte) int32 {
	b := &d.high
	quantized := b.det * quant2[code] >> 15
	b.scale(highStep[code], highMost, highShift)
	return min(max(b.predict(quantized), -16384), 16383)
}

// join is the receive quadrature mirror filter (clause 4.4): a sample of each band to a pair.
func (d *Decoder) join(low, high int32) (a, b int32) {
	copy(d.history[:], d.history[2:])
	d.history[22], d.history[23] = low+high, low-high
	for i, c := range mirror {
		b += d.history[2*i] * c
		a += d.history[2*i+1] * mirror[11-i]
	}
	return saturate(a >> 11), saturate(b >> 11)
}
