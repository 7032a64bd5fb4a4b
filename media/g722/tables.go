package g722

// Tables of the Recommendation, by its numbers and names.
var (
	// decision levels of the lower band's quantizer (table 14, LDL/LDU), as shares of the scale factor in 1/4096
	levels = [29]int32{35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121,
		1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919}

	// output of the lower band's inverse quantizers of 6, 5 and 4 bits (tables 17 to 19), by code
	quant6 = [64]int32{-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
		-9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
		-1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576,
		6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136}
	quant4 = [16]int32{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}
	quant2 = [4]int32{-7408, -1616, 7408, 1616} // the higher band's (table 20)

	// multipliers of the scale factors' logarithms (tables 15 and 16, WL and WH), by code
	lowStep  = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	highStep = [4]int32{798, -214, 798, -214}

	// inverseLog is 2048 * 2^(i/32) (table 13, ILB).
	inverseLog = [32]int32{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}

	// mirror are the coefficients of the quadrature mirror filters (table 11), every second one; the others are the same
	// backwards.
	mirror = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}
)

// Limits of the scale factors' logarithms and lower edges of their exponents.
const (
	lowMost, lowShift   = 18432, 8
	highMost, highShift = 22528, 10
)
