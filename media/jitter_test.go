package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"telefonist/media/negotiate"
)

// hearer is a leg's way out, what it hears, and when.
type hearer struct {
	*outbound
	tape *tape
	at   []int64 // when each packet of the tape was sent
	from *leg
	now  int64
	said encoder
	seq  uint16
	time uint32
}

// newHearer hears one leg in another codec, or two in a conference.
func newHearer(conference bool) *hearer {
	h := &hearer{from: &leg{}}
	h.outbound, h.tape = newTape()
	h.codec, h.payload, h.event = negotiate.G722, 9, 101
	if conference {
		h.confer(h.from, &leg{}, 0)
	} else {
		h.hear(h.from)
	}
	return h
}

// pass lets 20 ms pass, at the beginning of which a packet comes, or none.
func (h *hearer) pass(p *packet, f negotiate.Format) {
	if p != nil {
		h.relay(h.from, p, f, false, h.now)
	}
	h.tick(h.now + 5*ms)
	for len(h.at) < len(h.tape.sent) {
		h.at = append(h.at, h.now+5*ms)
	}
	h.now += 20 * ms
	h.time += 160
}

// speak has a tone spoken for n packets.
func (h *hearer) speak(frequency float64, n int) {
	for i := range n {
		h.pass(h.voice(frequency, i), negotiate.FormatPCMA)
	}
}

// voice is the next packet, the i-th of a tone.
func (h *hearer) voice(frequency float64, i int) *packet {
	raw := make([]byte, headerSize+160)
	putHeader(raw, false, 8, h.seq, h.time, 1)
	h.said.encode(raw[headerSize:], hum(frequency)(i), negotiate.PCMA)
	p, _ := parsePacket(raw)
	h.seq++
	return &p
}

// other has a packet come that is no voice.
func (h *hearer) other(f negotiate.Format, stamp uint32, data ...byte) {
	raw := append(make([]byte, headerSize), data...)
	putHeader(raw, false, 13, h.seq, stamp, 1)
	p, _ := parsePacket(raw)
	h.seq++
	h.pass(&p, f)
}

// lag is after how long a tone is heard that has been spoken from an instant on.
func (h *hearer) lag(t *testing.T, frequency float64, since int64) int64 {
	t.Helper()
	var d decoder
	pcm := make([]int16, 160)
	for i, p := range h.tape.sent {
		if p.payload != h.payload {
			continue
		}
		d.decode(pcm, p.data(), h.codec)
		if h.at[i] >= since && level(pcm, frequency) > 4000 {
			return (h.at[i] - since) / ms
		}
	}
	t.Fatalf("%g Hz is never heard", frequency)
	return 0
}

// Numbers that stand for no voice take no time of their own: the voice after them is heard as soon as that before them, at
// once and for good.
func TestVoiceIsNotLateAfterWhatIsNoVoice(t *testing.T) {
	keys := func(n int) func(*hearer) {
		return func(h *hearer) {
			for stamp, i := h.time, 0; i < n; i++ {
				h.other(negotiate.FormatEvent, stamp, 5, 10, byte(160*(i+1)>>8), byte(160*(i+1)))
			}
		}
	}
	lost := func(n int) func(*hearer) {
		return func(h *hearer) {
			for range n {
				h.seq++
				h.pass(nil, 0)
			}
		}
	}
	pauses := map[string]func(*hearer){
		"comfort noise": func(h *hearer) {
			for i := range 40 {
				if i%3 == 0 {
					h.other(negotiate.FormatNone, h.time, 40)
				} else {
					h.pass(nil, 0)
				}
			}
		},
		"a key of ours": func(h *hearer) {
			k, _ := keyOf("5", 300*1e6)
			h.press(k)
			h.speak(440, 20)
		},
	}
	for _, n := range []int{1, 3, 5, 12, 15, 16, 17, 25, 60} {
		pauses[fmt.Sprint(n, " packets of a key")] = keys(n)
		pauses[fmt.Sprint(n, " lost")] = lost(n)
	}
	for name, pause := range pauses {
		for _, conference := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", conference ", conference), func(t *testing.T) {
				h := newHearer(conference)
				h.speak(440, 50)
				pause(h)
				begun := h.now
				h.speak(1000, 100)
				later := h.now
				h.speak(1700, 50)
				if d := h.lag(t, 1000, begun); d > 100 {
					t.Errorf("the voice comes back after %d ms", d)
				}
				if d := h.lag(t, 1700, later); d > 100 {
					t.Errorf("the voice lags by %d ms", d)
				}
			})
		}
	}
}

func TestJitterBufferStaysSmallAndTakesAnyNumbers(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	var j jitter
	out := make([]int16, 160)
	seq := uint16(rng.Uint32())
	for range 20000 {
		for range rng.IntN(3) {
			seq++
			switch rng.IntN(50) {
			case 0:
				seq += uint16(rng.IntN(100))
			case 1:
				seq = uint16(rng.Uint32())
			}
			raw := make([]byte, headerSize+[]int{80, 160, 240, 480, 0, 500}[rng.IntN(6)])
			putHeader(raw, false, 8, seq-uint16(rng.IntN(3)), 0, 1)
			p, _ := parsePacket(raw)
			j.put(&p, negotiate.PCMA)
		}
		j.take(out)
		if j.waiting < 0 || j.waiting > jitterSlots*maxFrame || j.buffered > len(j.pcm) {
			t.Fatalf("seed %d: %d waiting, %d buffered", seed, j.waiting, j.buffered)
		}
	}
}

func TestJitterBufferShrinksAgain(t *testing.T) {
	for _, size := range []int{80, 160, 240} {
		var j jitter
		seq := uint16(0)
		come := func() {
			raw := make12(size)
			putHeader(raw, false, 8, seq, uint32(seq)*uint32(size), 1)
			p, _ := parsePacket(raw)
			j.put(&p, negotiate.PCMA)
			seq++
		}
		for range 1200 / size { // 150 ms at once
			come()
		}
		out := make([]int16, size)
		for range 20 * 8000 / size {
			come()
			if !j.take(out) {
				t.Fatal("it ran dry")
			}
		}
		if held := j.waiting + j.buffered; held > jitterLeast+240 {
			t.Errorf("packets of %d ms: %d ms are held after 20 s", size/8, held/8)
		}
	}
}

// A pause is not taken for a line that is slow: the buffer does not grow from it.
func TestPausesDoNotMakeTheVoiceLate(t *testing.T) {
	h := newHearer(false)
	for range 30 {
		h.speak(440, 20)
		h.other(negotiate.FormatNone, h.time, 40)
		for range 15 {
			h.pass(nil, 0)
		}
	}
	begun := h.now
	h.speak(1000, 20)
	if d := h.lag(t, 1000, begun); d > 30 {
		t.Errorf("after 30 pauses the voice is heard after %d ms", d)
	}
}

// What comes all at once after an outage is played, but what that adds to the delay does not stay.
func TestWhatWasHeldBackDoesNotMakeTheVoiceLateForLong(t *testing.T) {
	for _, conference := range []bool{false, true} {
		h := newHearer(conference)
		h.speak(440, 50)
		now, stamp := h.now, h.time
		for range 15 {
			h.pass(nil, 0)
		}
		h.now, h.time = now, stamp
		for i := range 15 {
			h.relay(h.from, h.voice(440, i), negotiate.FormatPCMA, false, now+300*ms)
			h.time += 160
		}
		h.now += 300 * ms
		h.speak(440, 200)
		later := h.now
		h.speak(1700, 50)
		if d := h.lag(t, 1700, later); d > 100 {
			t.Errorf("conference %v: 4 s later the voice lags by %d ms", conference, d)
		}
	}
}

// randomLine is a source and the way of its packets: it speaks, pauses, presses keys and sends comfort noise, and some of it is
// lost, overtaken or late.
type randomLine struct {
	rng   *rand.Rand
	size  int // samples in a packet
	seq   uint16
	voice int // packets of voice so far
	does  int
	left  int // packets until it does something else
	onWay []onWay
}

type onWay struct {
	at    int64 // in samples
	voice int   // which packet of voice it is
	p     packet
}

const (
	lineSpeaks = iota
	linePauses
	lineIsNoise
	lineHasKeys // or is broken
	lineDoes
)

// usual is how long packets are under way at most but for some, in samples.
const usual = 160

// level is that of a packet of voice, which no other one near it has.
func (w onWay) level() int16 { return decode(0x80|byte(w.voice), negotiate.PCMA) }

// send puts on its way what the source sends at an instant.
func (l *randomLine) send(now int64) {
	if l.left--; l.left < 0 {
		l.does, l.left = l.rng.IntN(lineDoes), l.rng.IntN(40)
		if l.rng.IntN(3) > 0 {
			l.does, l.left = lineSpeaks, l.rng.IntN(200)
		}
	}
	if l.does == linePauses || l.does == lineIsNoise && l.rng.IntN(5) > 0 {
		return
	}
	l.seq++
	chance := l.rng.IntN(100)
	if l.does != lineSpeaks || chance == 0 {
		return
	}
	l.voice++
	raw := make([]byte, headerSize+l.size)
	putHeader(raw, false, 8, l.seq, uint32(now), 1)
	for i := range l.size {
		raw[headerSize+i] = 0x80 | byte(l.voice)
	}
	p, _ := parsePacket(raw)
	late := 8 * l.rng.Int64N(usual/8)
	if chance == 1 {
		late = 3 * usual
	}
	l.onWay = append(l.onWay, onWay{now + late, l.voice, p})
}

// arrived takes out what has come.
func (l *randomLine) arrived(now int64) (all []onWay) {
	l.onWay = slices.DeleteFunc(l.onWay, func(w onWay) bool {
		if w.at <= now {
			all = append(all, w)
		}
		return w.at <= now
	})
	return all
}

// firstOf is where a level begins that lasts for 5 ms, -1 for nowhere.
func firstOf(pcm []int16, level int16) int {
	for i, run := 0, 0; i < len(pcm); i++ {
		if run++; pcm[i] != level {
			run = 0
		}
		if run == 40 {
			return i - 39
		}
	}
	return -1
}

// Whatever is sent and lost, in whatever order it comes: while the way is not more uneven than the buffer may be long, what
// comes is heard, in order, and as soon as was promised.
func TestWhatComesIsHeardWithinTheBoundOfTheJitterBuffer(t *testing.T) {
	const end = 30 * 8000
	seed := rand.Uint64()
	for part := range uint64(48) {
		l := &randomLine{rng: rand.New(rand.NewPCG(seed, part)), size: []int{80, 160, 240, 480}[part%4]}
		frame := []int{80, 160, 480}[part%3]
		var j jitter
		var taken []onWay
		heard := make([]int16, end+frame) // at its instants
		for now := range int64(end) {
			if now%int64(l.size) == 0 {
				l.send(now)
			}
			if now%8 == 0 {
				for _, w := range l.arrived(now) {
					if j.put(&w.p, negotiate.PCMA) {
						taken = append(taken, w)
					}
				}
			}
			if now%int64(frame) == 44 {
				j.take(heard[now : now+int64(frame)])
			}
		}
		slices.SortFunc(taken, func(a, b onWay) int { return a.voice - b.voice })
		missed, at := 0, 0
		for _, w := range taken {
			until := min(int(w.p.time)+usual+jitterMost+frame+40, end)
			if n := firstOf(heard[at:max(at, until)], w.level()); n >= 0 {
				at += n
			} else if until < end {
				missed++
			}
		}
		if missed > len(taken)/100 {
			t.Errorf("seed %d, %d: %d of %d packets are not heard in time", seed, part, missed, len(taken))
		}
	}
}
