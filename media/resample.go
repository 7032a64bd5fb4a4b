package media

import "math"

// resampler changes the sampling rate by a ratio of whole numbers: a low-pass below half of the lower rate, of which each
// output sample uses one phase. The low-pass is a sinc in a Kaiser window: flat to 0.43 of the lower rate, 70 dB down from
// 0.5 on. It is for loading prompts, not for live audio.
type resampler struct {
	up, down int
	half     int         // input samples on either side
	phases   [][]float64 // up of them, each with 2*half taps
}

const (
	crossings  = 32    // of the sinc, on either side
	kaiserBeta = 7.0   // 70 dB
	cutoff     = 0.466 // of the lower rate: the middle of the slope
)

func newResampler(from, to int) *resampler {
	g := gcd(from, to)
	r := &resampler{up: to / g, down: from / g}
	low := min(1, float64(to)/float64(from)) // the lower rate as a share of the input's
	r.half = int(math.Ceil(crossings / low))
	for phase := range r.up {
		taps := make([]float64, 2*r.half)
		sum := 0.0
		for i := range taps {
			x := float64(i-r.half+1) - float64(phase)/float64(r.up) // from the output sample, in input samples
			v := 2 * cutoff * low
			if x != 0 {
				v = math.Sin(2*math.Pi*cutoff*low*x) / (math.Pi * x)
			}
			taps[i] = v * kaiser(x/float64(r.half))
			sum += taps[i]
		}
		for i := range taps {
			taps[i] /= sum
		}
		r.phases = append(r.phases, taps)
	}
	return r
}

// run returns the whole signal at the new rate, in step with the old one. The signal is silent beyond its ends.
func (r *resampler) run(in []int16) []int16 {
	if r.up == r.down {
		return in
	}
	out := make([]int16, len(in)*r.up/r.down)
	for n := range out {
		at := n * r.down
		taps, first := r.phases[at%r.up], at/r.up-r.half+1
		sum := 0.0
		for i := max(0, -first); i < len(taps) && first+i < len(in); i++ {
			sum += taps[i] * float64(in[first+i])
		}
		out[n] = int16(min(max(math.Round(sum), -32768), 32767))
	}
	return out
}

// kaiser is the window at x from -1 to 1.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(kaiserBeta*math.Sqrt(1-x*x)) / bessel(kaiserBeta)
}

// bessel is the modified Bessel function of the first kind, order zero, by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
