package softphone

import (
	"math"
	"time"
)

// window is the stretch that a tone is looked for in: 100 ms, so that multiples of 10 Hz do not blur into each other.
const window = sampleRate / 10

// Loudness says how much of the energy of a sound is a sine of the frequency: 0 to 1 (Goertzel). A sound that is
// nearly silent has 0.
func Loudness(samples []int16, frequency float64) float64 {
	coefficient := 2 * math.Cos(2*math.Pi*frequency/sampleRate)
	var s1, s2, energy float64
	for _, v := range samples {
		x := float64(v)
		s1, s2 = x+coefficient*s1-s2, s1
		energy += x * x
	}
	n := float64(len(samples))
	if n == 0 || energy/n < 100*100 {
		return 0
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return min(1, 2*power/(n*energy))
}

// heardIn returns how much of the samples the tone dominates, in steps of 100 ms.
func heardIn(samples []int16, frequency float64) time.Duration {
	var sum time.Duration
	for len(samples) >= window {
		if Loudness(samples[:window], frequency) > 0.5 {
			sum += 100 * time.Millisecond
		}
		samples = samples[window:]
	}
	return sum
}
