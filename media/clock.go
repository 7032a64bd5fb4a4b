package media

import (
	"sync"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// tick is the pace of everything that we send ourselves.
const tick = 20 * time.Millisecond

// clock is the one goroutine that sends to all legs which hear a playback or a tone.
type clock struct {
	engine *Engine
	wake   chan struct{}

	mu    sync.Mutex
	fresh []*leg // to be taken up at the next tick
}

func newClock(e *Engine) *clock { return &clock{engine: e, wake: make(chan struct{}, 1)} }

// add has the clock look after a leg until it has nothing more to send to it.
func (c *clock) add(l *leg) {
	l.out.mu.Lock()
	known := l.out.ticking
	l.out.ticking = true
	l.out.mu.Unlock()
	if known {
		return
	}
	c.mu.Lock()
	c.fresh = append(c.fresh, l)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *clock) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	var legs []*leg
	var next time.Time
	for {
		if len(legs) == 0 {
			select {
			case <-c.engine.stop:
				return
			case <-c.wake:
			}
			next = time.Now()
		} else {
			next = next.Add(tick)
			if late := time.Since(next); late > tick {
				next = next.Add(late.Truncate(tick)) // each playback sees for itself what it missed
			}
			timer.Reset(time.Until(next))
			select {
			case <-c.engine.stop:
				return
			case <-timer.C:
			}
		}
		c.mu.Lock()
		legs = append(legs, c.fresh...)
		c.fresh = c.fresh[:0]
		c.mu.Unlock()
		legs = c.tickAll(legs)
	}
}

// tickAll sends what is due and returns the legs that have more to come.
func (c *clock) tickAll(legs []*leg) []*leg {
	now := c.engine.now()
	kept := legs[:0]
	for _, l := range legs {
		ended, more := l.out.tick(now)
		if ended != nil {
			c.engine.sink.Post(l.id, time.Now(), call.PromptDone{Source: ended.clip.name})
		}
		if more {
			kept = append(kept, l)
		}
	}
	clear(legs[len(kept):])
	return kept
}

// playback is a clip on its way to one leg. Its position follows the time passed, whether or not the leg can be sent to.
type playback struct {
	clip  *clip
	loop  bool
	began int64
	taken int64 // samples sent or skipped since
	pos   int   // the next sample of the clip
}

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
	o.play, o.from, o.tone, o.bridge, o.over = p, nil, nil, nil, nil
}

// tick sends what is due. ended is the playback that has just come to its end; more is false when the clock can forget
// the leg.
func (o *outbound) tick(now int64) (ended *playback, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.flow == nil:
		o.play, o.tone, o.bridge = nil, nil, nil
	case o.play != nil:
		if o.advance(now) {
			ended, o.play = o.play, nil
		}
	case o.bridge != nil:
		o.cross(now)
	case o.tone != nil && now-o.voiceAt > toneGap:
		o.toneAlone(now)
	}
	o.ticking = o.play != nil || o.tone != nil || o.bridge != nil
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
		ended = p.read(data, o.codec)
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
	p.pos += samples
	if n := p.clip.len(); p.loop {
		p.pos %= n
	} else {
		p.pos = min(p.pos, n)
	}
}

// read fills a packet, and reports whether the clip is over. What is left of the last packet is silence.
func (p *playback) read(b []byte, c negotiate.Codec) (ended bool) {
	clip := p.clip.encoded(c)
	p.taken += int64(len(b))
	for len(b) > 0 {
		n := copy(b, clip[p.pos:])
		b, p.pos = b[n:], p.pos+n
		if p.pos < len(clip) {
			continue
		}
		if !p.loop {
			quiet(b, c)
			return true
		}
		p.pos = 0
	}
	return false
}

// toneAlone sends a packet of the tone where there is no voice to lay it over.
func (o *outbound) toneAlone(now int64) {
	data := o.buf[headerSize : headerSize+160]
	quiet(data, o.codec)
	o.sendOwn(data, now)
}

// sendOwn sends a packet of our own making that lies in buf, with the tone over it.
func (o *outbound) sendOwn(data []byte, now int64) {
	if o.tone != nil {
		o.mixTone(data)
	}
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
