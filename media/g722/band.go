package g722

// band is the adaptive part that encoder and decoder of one sub-band share (clause 6.2.1.2 to 6.2.1.4 and their
// counterparts for the higher band): the scale factor of the quantizer, and a predictor of two poles and six zeros.
type band struct {
	s, sz int32    // SL, SZ: the predicted signal, and the part of it that the zeros give
	pole  [2]int32 // AL: pole coefficients
	zero  [6]int32 // BL: zero coefficients
	r     [2]int32 // RLT: reconstructed signal, newest first
	p     [2]int32 // PLT: partially reconstructed signal, newest first
	d     [6]int32 // DLT: quantized differences, newest first
	nb    int32    // NBL: logarithm of the scale factor
	det   int32    // DETL: the scale factor
}

// saturate limits to 16 bits, as every addition of the Recommendation does.
func saturate(v int32) int32 { return min(max(v, -32768), 32767) }

// scale adapts the scale factor to the multiplier of a code (LOGSCL and SCALEL, LOGSCH and SCALEH). most bounds its
// logarithm and shift is the lower edge of the inverse table's exponent.
func (b *band) scale(multiplier, most, shift int32) {
	b.nb = min(max(b.nb*127>>7+multiplier, 0), most)
	fraction := inverseLog[b.nb>>6&31]
	if exponent := shift - b.nb>>11; exponent >= 0 {
		b.det = fraction >> exponent << 2
	} else {
		b.det = fraction << -exponent << 2
	}
}

// predict takes a quantized difference and works out what is expected next. It returns the reconstructed signal.
func (b *band) predict(diff int32) int32 {
	recovered := saturate(b.s + diff) // RECONS
	partial := saturate(b.sz + diff)  // PARREC
	b.adaptPoles(partial)             // UPPOL1, UPPOL2
	b.adaptZeros(diff)                // UPZERO
	b.d = [6]int32{diff, b.d[0], b.d[1], b.d[2], b.d[3], b.d[4]}
	b.r = [2]int32{recovered, b.r[0]}
	b.p = [2]int32{partial, b.p[0]}

	poles := saturate(b.pole[0]*saturate(2*b.r[0])>>15 + b.pole[1]*saturate(2*b.r[1])>>15) // FILTEP
	b.sz = 0                                                                               // FILTEZ
	for i, c := range b.zero {
		b.sz += c * saturate(2*b.d[i]) >> 15
	}
	b.sz = saturate(b.sz)
	b.s = saturate(poles + b.sz) // PREDIC
	return recovered
}

// sameSign tells whether two values count as of one sign, zero as positive.
func sameSign(a, b int32) bool { return (a < 0) == (b < 0) }

func (b *band) adaptPoles(partial int32) {
	first := saturate(4 * b.pole[0])
	if sameSign(partial, b.p[0]) {
		first = -first
	}
	first = min(first, 32767) >> 7
	if sameSign(partial, b.p[1]) {
		first += 128
	} else {
		first -= 128
	}
	second := min(max(first+b.pole[1]*32512>>15, -12288), 12288)

	step := int32(-192)
	if sameSign(partial, b.p[0]) {
		step = 192
	}
	limit := 15360 - second
	b.pole[0] = min(max(saturate(step+b.pole[0]*32640>>15), -limit), limit)
	b.pole[1] = second
}

func (b *band) adaptZeros(diff int32) {
	step := int32(128)
	if diff == 0 {
		step = 0
	}
	for i := range b.zero {
		move := -step
		if sameSign(diff, b.d[i]) {
			move = step
		}
		b.zero[i] = saturate(b.zero[i]*32640>>15 + move)
	}
}
