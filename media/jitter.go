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
	// jitterUnseen stands for how long before its turn a packet came where none has come.
	jitterUnseen = 1 << 30
)

// jitter puts packets in order again and turns them into an even stream of linear audio at 8 kHz. It holds as little as
// it can: it grows by what it lacked when it ran dry, by 10 ms when a packet came after its turn, and shrinks where all of
// a second's packets came long before theirs. How much is missing before a packet is what its timestamp says, not how many
// numbers: events, comfort noise and what was lost while nothing was left to play have numbers, but no time to be filled.
type jitter struct {
	decoder decoder
	conceal concealer

	slots    [jitterSlots]jitterSlot
	waiting  int // samples in slots
	started  bool
	playing  bool
	ssrc     uint32
	next     uint16 // the number to be played next
	time     uint32 // the timestamp that it has if nothing is missing
	size     int    // samples in the last packet
	target   int    // samples gathered before playing
	gathered int    // samples of time since something has been waiting to be played
	dry      int    // samples filled since the last packet
	short    bool   // a packet has come after its turn
	hurry    bool   // more is held than may be gathered
	least    int    // least time, in samples, that a packet came before its turn since the last look
	watched  int    // samples played since then
	pcm      [2 * maxFrame]int16
	buffered int // samples in pcm
}

type jitterSlot struct {
	used  bool
	time  uint32
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
		ahead = jitterSlots / 2
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
	s.used, s.time, s.codec, s.size = true, p.time, c, copy(s.data[:], data)
	j.waiting += s.size
	j.size = s.size
	return true
}

// restart begins with another source. What its first packet has overtaken may still come.
func (j *jitter) restart(p *packet) {
	for i := range j.slots {
		j.slots[i].used = false
	}
	j.waiting, j.playing, j.dry = 0, false, 0
	j.started, j.ssrc, j.next = true, p.ssrc, p.seq-jitterSlots/2
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
		if !j.enough(len(out)) {
			return false
		}
		j.begin()
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

// enough reports whether n samples more can be played from now on: so much has come, or has had the time to come.
func (j *jitter) enough(n int) bool {
	if j.waiting == 0 {
		j.gathered = 0
		return false
	}
	ok := max(j.waiting, j.gathered) >= max(j.target, n)
	j.gathered += n
	return ok
}

// begin has the first packet that is here played next: those before it that are not have had their time.
func (j *jitter) begin() {
	j.next = j.first()
	j.playing, j.gathered, j.short, j.hurry, j.least, j.watched = true, 0, false, false, jitterUnseen, 0
}

// first is the number of the first packet that is here. There must be one.
func (j *jitter) first() uint16 {
	n := j.next
	for !j.slots[n%jitterSlots].used {
		n++
	}
	return n
}

// step adds a packet's audio, or what stands in for it. It reports false where the source has paused.
func (j *jitter) step() bool {
	s := &j.slots[j.next%jitterSlots]
	switch {
	case s.used:
		j.play(s)
	case j.waiting > 0: // it does not come, as later ones are here
		n := j.missing()
		j.fillIn(n)
		j.time += uint32(n)
		j.next++
	case j.dry >= jitterDry:
		j.playing, j.buffered = false, 0
		return false
	default:
		j.fillIn(80)
		j.time += 80
		j.dry += 80
	}
	return true
}

// play adds the audio of the packet that is next.
func (j *jitter) play(s *jitterSlot) {
	if j.dry > 0 && int32(j.time-s.time) > 0 { // it should have been here, the source had not paused
		j.target = min(j.target+80, jitterMost)
	}
	pcm := j.pcm[j.buffered : j.buffered+s.size]
	j.decoder.decode(pcm, s.data[:s.size], s.codec)
	j.conceal.keep(pcm)
	j.buffered += s.size
	j.waiting -= s.size
	s.used, j.dry = false, 0
	j.time = s.time + uint32(s.size)
	j.next++
}

// missing is how many samples stand for a number that does not come: a packet's at most, and none while enough waits.
func (j *jitter) missing() int {
	if j.waiting >= jitterMost {
		return 0
	}
	gap := int(int32(j.slots[j.first()%jitterSlots].time - j.time))
	return min(max(gap, 0), j.size)
}

// fillIn stands in for n samples that have not come.
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

// shrink leaves out 10 ms where more than enough has been held for a second. While it is more than may be gathered it looks
// ten times as often.
func (j *jitter) shrink(played int) {
	watch := jitterWatch
	if j.hurry {
		watch /= 10
	}
	if j.watched += played; j.watched < watch || j.least == jitterUnseen {
		return
	}
	j.hurry = j.least > jitterMost
	spare := j.least > jitterLeast+80
	j.least, j.watched = jitterUnseen, 0
	if spare {
		j.target = max(j.target-80, jitterLeast)
		j.leaveOut()
	}
}

// leaveOut leaves out 10 ms: their place is blended over.
func (j *jitter) leaveOut() {
	for j.buffered < 160 {
		if !j.step() {
			return
		}
	}
	for i := range 80 {
		a, b := int(j.pcm[i]), int(j.pcm[i+80])
		j.pcm[i] = int16(a + (b-a)*(i+1)/81)
	}
	copy(j.pcm[80:], j.pcm[160:j.buffered])
	j.buffered -= 80
}
