package media

import "math"

// concealer fills the place of lost audio after the manner of ITU-T G.711 Appendix I: the last pitch period is repeated,
// fades from 10 ms on and is silence after 60 ms, and what comes after the gap is blended in. All at 8 kHz.
type concealer struct {
	history [concealHistory]int16 // the newest sample last
	known   int                   // how much of it is real
	lost    int                   // samples concealed in this gap
	period  [pitchMost]int16
	length  int // of the period
}

const (
	pitchLeast, pitchMost = 40, 120 // 200 to 66 Hz
	pitchWindow           = 160     // what is compared to find the period
	concealHistory        = pitchWindow + pitchMost + pitchMost/4
	concealWhole          = 80  // 10 ms at full level
	concealMost           = 480 // 60 ms, then silence
	concealBlend          = 32  // 4 ms
)

// keep takes audio that has arrived. After a gap its beginning is blended with what filled the gap.
func (c *concealer) keep(pcm []int16) {
	if c.lost > 0 {
		n := min(concealBlend, len(pcm))
		for i := range n {
			old := float64(c.synthetic(c.lost + i))
			pcm[i] = int16(old + (float64(pcm[i])-old)*float64(i+1)/float64(n+1))
		}
		c.lost = 0
	}
	c.remember(pcm)
}

func (c *concealer) remember(pcm []int16) {
	if n := len(pcm); n < len(c.history) {
		copy(c.history[:], c.history[n:])
		copy(c.history[len(c.history)-n:], pcm)
	} else {
		copy(c.history[:], pcm[n-len(c.history):])
	}
	c.known = min(c.known+len(pcm), len(c.history))
}

// fill writes what a listener shall hear in place of lost audio.
func (c *concealer) fill(out []int16) {
	if c.lost == 0 {
		c.findPeriod()
	}
	for i := range out {
		out[i] = c.synthetic(c.lost + i)
	}
	c.lost += len(out)
	if c.lost >= concealMost {
		c.lost = concealMost // stays silent
	}
}

// synthetic is a sample of the gap.
func (c *concealer) synthetic(at int) int16 {
	if c.length == 0 || at >= concealMost {
		return 0
	}
	level := 1.0
	if at > concealWhole {
		level = 1 - float64(at-concealWhole)/(concealMost-concealWhole)
	}
	return int16(level * float64(c.period[at%c.length]))
}

// findPeriod takes the last pitch period of the history, by the lag at which it resembles itself most. The end of the
// period is blended into what was before its beginning, so that its repetitions join.
func (c *concealer) findPeriod() {
	c.length = 0
	if c.known < len(c.history) {
		return
	}
	end := len(c.history)
	newest := c.history[end-pitchWindow:]
	best := math.Inf(-1)
	for lag := pitchLeast; lag <= pitchMost; lag++ {
		older := c.history[end-pitchWindow-lag : end-lag]
		var product, energy int64
		for i := 0; i < pitchWindow; i += 2 {
			product += int64(newest[i]) * int64(older[i])
			energy += int64(older[i]) * int64(older[i])
		}
		if q := float64(product) / math.Sqrt(float64(energy)+1); q > best {
			best, c.length = q, lag
		}
	}
	copy(c.period[:], c.history[end-c.length:])
	quarter := c.length / 4
	for i := range quarter {
		before := float64(c.history[end-c.length-quarter+i])
		now := float64(c.period[c.length-quarter+i])
		c.period[c.length-quarter+i] = int16(now + (before-now)*float64(i+1)/float64(quarter+1))
	}
}
