package media

import "telefonist/media/negotiate"

// jitterSlots is how many packets can wait; those of more than maxFrame bytes are not taken.
const jitterSlots = 16

const (
	// jitterLeast and jitterMost bound how much audio is gathered before it is played, in samples: 20 and 100 ms.
	jitterLeast, jitterMost = 160, 800
	// jitterDry is for how long gaps are filled when nothing comes any more, in samples: 100 ms. Then the source has
	// paused, and nothing is played until it speaks again.
	jitterDry = 800
	// jitterWatch is how often it is looked whether less would be enough: 1 s.
	jitterWatch = 8000
)

// jitter puts packets in order again and turns them into an even stream of linear audio at 8 kHz. It holds as little as
// it can: it grows by what it lacked when it ran dry, by 10 ms when a packet came after its turn, and shrinks where all of
// a second's packets came long before theirs.
type jitter struct {
	decoder decoder
	conceal concealer

	slots    [jitterSlots]jitterSlot
	waiting  int // samples in slots
	started  bool
	playing  bool
	ssrc     uint32
	next     uint16 // the number to be played next
	size     int    // samples in the last packet
	target   int    // samples gathered before playing
	dry      int    // samples filled since the last packet
	short    bool   // a packet has come after its turn
	least    int    // least time, in samples, that a packet came before its turn since the last look
	watched  int    // samples played since then
	pcm      [2 * maxFrame]int16
	buffered int // samples in pcm
}

type jitterSlot struct {
	used  bool
	seq   uint16
	codec negotiate.Codec
	size  int
	data  [maxFrame]byte
}

// put takes a packet, and reports whether it is of use.
func (j *jitter) put(p *packet, c negotiate.Codec) bool {
	data := p.data()
	if len(data) == 0 || len(data) > maxFrame {
		return false
	}
	ahead := int(int16(p.seq - j.next))
	if !j.started || j.ssrc != p.ssrc || ahead >= 4*jitterSlots || ahead < -4*jitterSlots {
		j.restart(p)
		ahead = 0
	}
	if ahead < 0 && !j.playing && j.waiting > 0 && ahead > -jitterSlots/2 {
		j.next, ahead = p.seq, 0 // overtaken by the first
	}
	if ahead < 0 {
		j.short = j.playing
		return false
	}
	j.least = min(j.least, ahead*j.size+j.buffered)
	for ahead >= jitterSlots { // far too much: the oldest go
		j.skip()
		ahead--
	}
	s := &j.slots[p.seq%jitterSlots]
	if s.used {
		return false
	}
	s.used, s.seq, s.codec, s.size = true, p.seq, c, copy(s.data[:], data)
	j.waiting += s.size
	j.size = s.size
	return true
}

func (j *jitter) restart(p *packet) {
	for i := range j.slots {
		j.slots[i].used = false
	}
	j.waiting, j.playing = 0, false
	j.started, j.ssrc, j.next = true, p.ssrc, p.seq
	j.target = max(j.target, jitterLeast)
}

// skip gives up the oldest place.
func (j *jitter) skip() {
	if s := &j.slots[j.next%jitterSlots]; s.used {
		s.used = false
		j.waiting -= s.size
	}
	j.next++
}

// take fills out with the next audio, and reports whether there is any: false while it gathers, and while the source pauses.
func (j *jitter) take(out []int16) bool {
	if !j.playing {
		if j.waiting == 0 || j.waiting < max(j.target, len(out)) {
			return false
		}
		j.playing, j.dry, j.short, j.least, j.watched = true, 0, false, jitterMost, 0
	}
	if j.short {
		j.grow()
	}
	for j.buffered < len(out) {
		if !j.step() {
			return false
		}
	}
	copy(out, j.pcm[:len(out)])
	copy(j.pcm[:], j.pcm[len(out):j.buffered])
	j.buffered -= len(out)
	j.shrink(len(out))
	return true
}

// step adds a packet's audio, or what stands in for it. It reports false where the source has paused.
func (j *jitter) step() bool {
	s := &j.slots[j.next%jitterSlots]
	switch {
	case s.used:
		pcm := j.pcm[j.buffered : j.buffered+s.size]
		j.decoder.decode(pcm, s.data[:s.size], s.codec)
		j.conceal.keep(pcm)
		j.buffered += s.size
		s.used, j.dry = false, 0
		j.waiting -= s.size
		j.next++
	case j.waiting > 0: // lost, as later ones are here
		j.fillIn(j.size)
		j.next++
	default:
		if j.dry >= jitterDry {
			j.playing, j.buffered = false, 0
			return false
		}
		if j.dry == 0 {
			j.target = min(j.target+80, jitterMost)
		}
		j.fillIn(80)
		j.dry += 80
	}
	return true
}

func (j *jitter) fillIn(n int) {
	j.conceal.fill(j.pcm[j.buffered : j.buffered+n])
	j.buffered += n
}

// grow puts in 10 ms, so that packets as late as the last one come before their turn.
func (j *jitter) grow() {
	j.short = false
	if j.waiting+j.buffered < jitterMost && j.buffered+80 <= maxFrame {
		j.target = min(j.target+80, jitterMost)
		j.fillIn(80)
	}
}

// shrink leaves out 10 ms where more than enough has been held for a second: their place is blended over.
func (j *jitter) shrink(played int) {
	if j.watched += played; j.watched < jitterWatch {
		return
	}
	spare := j.least > jitterLeast+80
	j.least, j.watched = jitterMost, 0
	if !spare {
		return
	}
	j.target = max(j.target-80, jitterLeast)
	if j.buffered < 160 && !j.step() || j.buffered < 160 {
		return
	}
	for i := range 80 {
		a, b := int(j.pcm[i]), int(j.pcm[i+80])
		j.pcm[i] = int16(a + (b-a)*(i+1)/81)
	}
	copy(j.pcm[80:], j.pcm[160:j.buffered])
	j.buffered -= 80
}
