package media

import (
	"cmp"
	"runtime"
	"sync"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// tick is the pace of everything that we send ourselves.
const tick = 20 * time.Millisecond

const (
	// slots is how many instants of a tick legs are spread over, so that thousands of them make no burst.
	slots = 10
	// slotTime is how far those are apart.
	slotTime = int64(tick) / slots
)

// clock sends to all legs that hear a playback or a tone: one shard for each core, each leg in one slot of one shard
// until it has nothing more to hear.
type clock struct {
	engine *Engine
	shards []*shard
}

func newClock(e *Engine) *clock {
	c := &clock{engine: e}
	for range runtime.GOMAXPROCS(0) {
		c.shards = append(c.shards, &shard{engine: e, wake: make(chan struct{}, 1)})
	}
	return c
}

// start runs the shards until the engine stops.
func (c *clock) start() {
	for _, s := range c.shards {
		c.engine.done.Go(s.run)
	}
}

// add has the clock look after a leg until it has nothing more to send to it.
func (c *clock) add(l *leg) {
	s := c.least()
	l.out.mu.Lock()
	known := l.out.ticking
	if !known {
		l.out.ticking, l.out.buf, l.out.box = true, &s.buf, &s.box
	}
	l.out.mu.Unlock()
	if !known {
		s.add(l, c.engine.now())
	}
}

// least is the shard with the fewest legs.
func (c *clock) least() *shard {
	least, count := c.shards[0], c.shards[0].count()
	for _, s := range c.shards[1:] {
		if n := s.count(); n < count {
			least, count = s, n
		}
	}
	return least
}

// shard is the part of the clock that one goroutine runs. Slot n of the engine's time, counted from its start, belongs
// to the legs in slot n modulo slots.
type shard struct {
	engine *Engine
	wake   chan struct{}

	mu    sync.Mutex
	fresh [slots][]*leg // to be taken up when the slot comes
	legs  [slots]int    // with the fresh ones
	total int

	// What follows is the goroutine's alone.
	old [slots][]*leg
	buf frameBuffer
	box outbox
}

func (s *shard) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// add puts a leg into the slot with the fewest, of those the one that comes first.
func (s *shard) add(l *leg, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := int(now/slotTime + 1)
	best := next % slots
	for i := 1; i < slots; i++ {
		if n := (next + i) % slots; s.legs[n] < s.legs[best] {
			best = n
		}
	}
	s.fresh[best] = append(s.fresh[best], l)
	s.legs[best]++
	s.total++
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take moves a slot's fresh legs to the others, and returns them all.
func (s *shard) take(slot int) []*leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old[slot] = append(s.old[slot], s.fresh[slot]...)
	clear(s.fresh[slot])
	s.fresh[slot] = s.fresh[slot][:0]
	return s.old[slot]
}

// left notes that n legs of a slot are done, and reports whether any of the shard's are left.
func (s *shard) left(slot, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[slot] -= n
	s.total -= n
	return s.total > 0
}

// run goes from slot to slot while there are legs. It has a thread of its own, for the sleep of a thread is exact to
// some 60 µs and that of a goroutine to 1 ms.
func (s *shard) run() {
	runtime.LockOSThread()
	runtime.LockOSThread()
	e := s.engine
	for {
		select {
		case <-e.stop:
			return
		case <-s.wake:
		}
		next := e.now()/slotTime + 1
		for busy := true; busy; next++ {
			if !s.until(next * slotTime) {
				return
			}
			// What was missed for longer than a tick is for each playback to see.
			if behind := (e.now() - next*slotTime) / int64(tick); behind > 0 {
				next += behind * slots
			}
			busy = s.tickAll(int(next%slots), next*slotTime)
		}
	}
}

// until sleeps until an instant of the engine's time; false when the engine stops.
func (s *shard) until(at int64) bool {
	for {
		select {
		case <-s.engine.stop:
			return false
		default:
		}
		left := at - s.engine.now()
		if left <= 0 {
			return true
		}
		sleep(time.Duration(left))
	}
}

// tickAll sends what is due in a slot, and reports whether the shard has any legs left. The time is the slot's, however
// late it is, so that every playback moves on by the same step.
func (s *shard) tickAll(slot int, now int64) bool {
	legs := s.take(slot)
	kept := legs[:0]
	for first := 0; first < len(legs); first += warmAtOnce {
		part := legs[first:min(first+warmAtOnce, len(legs))]
		warmOut(part)
		for _, l := range part {
			ended, more := l.out.tick(now)
			if ended != nil {
				s.engine.sink.Post(l.id, time.Now(), call.PromptDone{Source: ended.clip.name})
			}
			if more {
				kept = append(kept, l)
			}
		}
	}
	s.box.flush()
	gone := len(legs) - len(kept)
	clear(legs[len(kept):])
	s.old[slot] = kept
	return s.left(slot, gone)
}

// playback is a clip on its way to one leg, after others that are said first. Its position follows the time passed, whether
// or not the leg can be sent to.
type playback struct {
	clip  *clip
	loop  bool
	first []*clip // what is said before the clip begins or goes on
	said  int     // samples of the first of them that have been sent or skipped
	began int64
	taken int64 // samples sent or skipped since
	pos   int   // the next sample of the clip

	last *clip // what was heard last
	next int   // the sample of it that would follow
}

// mostSaid is how many clips wait to be said to one leg; more are not taken.
const mostSaid = 64

const (
	// mostAtOnce is how many packets a tick sends to catch up.
	mostAtOnce = 2
	// mostBehind is how many samples a playback may lag before it skips ahead: 100 ms.
	mostBehind = 800
)

// start begins a playback in place of whatever the leg hears.
func (o *outbound) start(p *playback) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.play, o.from, o.tone, o.bridge, o.presses, o.cut = p, nil, nil, nil, nil, nil
}

// say puts clips before what is left of a looping clip that the leg hears, after those that are still being said. It returns
// false where the leg hears something else.
func (o *outbound) say(clips []*clip, music *clip) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.play == nil || o.play.clip != music || !o.play.loop {
		return false
	}
	if len(o.play.first)+len(clips) <= mostSaid {
		o.play.first = append(o.play.first, clips...)
	}
	return true
}

// tick sends what is due. ended is the playback that has just come to its end; more is false when the clock can forget
// the leg.
func (o *outbound) tick(now int64) (ended *playback, more bool) {
	o.enter(nil)
	defer o.leave()
	o.via = o.box
	if o.buf == nil {
		o.buf = new(frameBuffer) // no clock has it
	}
	switch {
	case o.flow == nil:
		o.play, o.tone, o.bridge, o.presses = nil, nil, nil, nil
	case o.play != nil:
		if o.advance(now) {
			ended, o.play = o.play, nil
		}
	case o.bridge != nil:
		o.cross(now)
	case o.tone != nil && o.presses == nil && now-o.voiceAt > toneGap:
		o.toneAlone(now)
	}
	if o.presses != nil {
		o.pressOn(now)
	}
	o.ticking = o.play != nil || o.tone != nil || o.bridge != nil || o.presses != nil
	return ended, o.ticking
}

// advance sends the packets of a playback that are due, and reports its end.
func (o *outbound) advance(now int64) (ended bool) {
	p := o.play
	frame := int64(o.frame)
	if frame == 0 {
		frame = 160
	}
	due := (now-p.began)*8/1e6 + int64(tick.Milliseconds()*8) - p.taken
	if due > mostBehind+frame {
		skip := (due - frame) / frame * frame
		p.skip(int(skip))
		due -= skip
	}
	for range mostAtOnce {
		if due < frame {
			return false
		}
		data := o.buf[headerSize : headerSize+frame]
		ended = o.read(p, data)
		o.sendOwn(data, now)
		if ended {
			return true
		}
		due -= frame
	}
	return false
}

// skip moves on without sending.
func (p *playback) skip(samples int) {
	p.taken += int64(samples)
	for len(p.first) > 0 && samples > 0 {
		n := min(samples, p.first[0].len()-p.said)
		p.saidMore(n)
		samples -= n
	}
	p.pos += samples
	if n := p.clip.len(); p.loop {
		p.pos %= n
	} else {
		p.pos = min(p.pos, n)
	}
}

// read fills a packet, and reports whether the clip is over. What is left of the last packet is silence.
func (o *outbound) read(p *playback, b []byte) (ended bool) {
	p.taken += int64(len(b))
	for len(p.first) > 0 && len(b) > 0 {
		n := o.copyFrom(p, b, p.first[0], p.said)
		p.saidMore(n)
		b = b[n:]
	}
	for len(b) > 0 {
		n := o.copyFrom(p, b, p.clip, p.pos)
		b, p.pos = b[n:], p.pos+n
		if p.pos < p.clip.len() {
			continue
		}
		if !p.loop {
			quiet(b, o.codec)
			o.lay(b)
			return true
		}
		p.pos = 0
	}
	return false
}

// copyFrom copies what is heard next of a clip, and reports how much.
func (o *outbound) copyFrom(p *playback, b []byte, c *clip, at int) int {
	code := c.encoded(o.codec)
	n := copy(b, code[at:])
	if p.last != c || p.next != at || !o.joined {
		o.crossTo(code[:at], false)
	}
	p.last, p.next = c, at+n
	o.lay(b[:n])
	return n
}

// saidMore moves on in what is said first.
func (p *playback) saidMore(samples int) {
	if p.said += samples; p.said == p.first[0].len() {
		p.first, p.said = p.first[1:], 0
	}
}

// toneAlone sends a tick of the tone where there is no voice to lay it over.
func (o *outbound) toneAlone(now int64) {
	for size, left := min(cmp.Or(o.frame, 160), 160), 160; left > 0 && o.tone != nil; left -= size {
		data := o.buf[headerSize : headerSize+size]
		quiet(data, o.codec)
		if !o.joined || o.current != (source{}) {
			o.crossTo(nil, false)
		}
		o.lay(data)
		o.sendOwn(data, now)
	}
}

// sendOwn sends a packet of our own making that lies in buf, with the tone over it.
func (o *outbound) sendOwn(data []byte, now int64) {
	if o.codec == negotiate.NoCodec {
		return // nothing that we make would be understood
	}
	if !o.open() {
		o.joined = false
		return
	}
	var seq uint16
	var stamp uint32
	marker := !o.joined || o.current != source{}
	if marker {
		seq, stamp = o.next(now, clockRate)
		o.current, o.joined = source{}, true
	} else {
		seq, stamp = o.seq+1, o.stamp+o.samples
		if waited := ticks(now-o.at, clockRate); waited > o.samples+mostBehind {
			stamp = o.stamp + waited // after a pause or a skip
		}
	}
	o.sendFrame(data, marker, seq, stamp, now)
}

// sendFrame sends audio of ours that lies in buf.
func (o *outbound) sendFrame(data []byte, marker bool, seq uint16, stamp uint32, now int64) {
	o.sent(seq, stamp, clockRate, uint32(len(data)), len(data), true, now)
	putHeader(o.buf[:], marker, o.payload, seq, stamp, o.ssrc)
	o.send(o.buf[:headerSize+len(data)])
}
