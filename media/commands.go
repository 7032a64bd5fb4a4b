package media

import (
	"sync"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// mailbox holds commands that wait to be carried out, in order. Its lock is held for an append only.
type mailbox struct {
	mu      sync.Mutex
	waiting []call.MediaCommand
	wake    chan struct{}
}

func (m *mailbox) put(c call.MediaCommand) {
	m.mu.Lock()
	m.waiting = append(m.waiting, c)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() []call.MediaCommand {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.waiting
	m.waiting = nil
	return all
}

// Do has a command carried out soon, after those before it. It never waits. A Play or Connect for a leg whose session is
// not open yet is carried out when it is, if that is soon (the switchboard commands sip and media at the same time);
// other commands for a leg that has no session are ignored.
func (e *Engine) Do(cmd call.MediaCommand) { e.commands.put(cmd) }

// obey carries out commands until the engine is shut down.
func (e *Engine) obey() {
	for {
		select {
		case <-e.stop:
			return
		case <-e.commands.wake:
		}
		for _, c := range e.commands.take() {
			e.carryOut(c)
		}
	}
}

func (e *Engine) carryOut(c call.MediaCommand) {
	switch c := c.(type) {
	case call.Play:
		e.play(c)
		e.makeHeard(c.Leg)
	case call.Say:
		e.say(c)
		e.makeHeard(c.Leg)
	case call.Connect:
		e.connect(c)
	case call.Mix:
		e.mix(c)
		e.makeHeard(c.Legs...)
	case call.Disconnect:
		e.mu.Lock()
		e.early.forget(c.Leg)
		if l := e.legs[c.Leg]; l != nil {
			l.silence()
		}
		e.mu.Unlock()
	case call.Tone:
		e.mu.Lock()
		if l := e.legs[c.Leg]; l != nil {
			l.out.sound(c.Kind)
			e.clock.add(l)
		}
		e.mu.Unlock()
	default:
		e.log.Error("media command of an unknown kind")
	}
}

func (e *Engine) play(c call.Play) {
	clip, known := e.clips[c.Source]
	if !known && c.Loop {
		clip = e.clips[call.SourceMusic] // who waits shall not wait in silence
	}
	e.mu.Lock()
	e.early.forget(c.Leg)
	l := e.legs[c.Leg]
	if l == nil {
		e.early.keep(c, c.Leg)
	} else {
		l.silence()
		l.in.arm(e.now())
		if clip != nil {
			l.out.start(&playback{clip: clip, loop: c.Loop, began: e.now()})
			e.clock.add(l)
		}
	}
	e.mu.Unlock()
	if l != nil && !known {
		// The call must go on: what cannot be played is over at once.
		e.log.Error("no such prompt", "source", c.Source, "leg", string(c.Leg))
		if !c.Loop {
			e.sink.Post(c.Leg, time.Now(), call.PromptDone{Source: c.Source})
		}
	}
}

// say has a leg hear prompts before the music that it hears, or is to hear; or, where nothing is to follow, once and alone.
func (e *Engine) say(c call.Say) {
	music := e.clips[c.Then]
	if music == nil {
		music = e.clips[call.SourceMusic]
	}
	var clips []*clip
	for _, name := range c.Clips {
		if clip := e.clips[name]; clip != nil {
			clips = append(clips, clip)
		} else {
			e.log.Error("no such prompt", "source", name, "leg", string(c.Leg))
		}
	}
	if c.Then == "" && len(clips) == 0 {
		e.sink.Post(c.Leg, time.Now(), call.PromptDone{})
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.early.forget(c.Leg)
	l := e.legs[c.Leg]
	switch {
	case l == nil:
		e.early.keep(c, c.Leg)
	case c.Then == "":
		last := len(clips) - 1
		l.silence()
		l.in.arm(e.now())
		l.out.start(&playback{clip: clips[last], first: clips[:last], began: e.now()})
		e.clock.add(l)
	case !l.out.say(clips, music):
		l.silence()
		l.in.arm(e.now())
		l.out.start(&playback{clip: music, loop: true, first: clips, began: e.now()})
		e.clock.add(l)
	}
}

func (e *Engine) connect(c call.Connect) {
	now := e.now()
	a, b := e.pair(c, now)
	if a == nil {
		return
	}
	a.sendAhead(now)
	b.sendAhead(now)
	e.reoffer(a, !a.heardBy(b), now)
	e.reoffer(b, !b.heardBy(a), now)
}

// makeHeard has legs offered anew that do not understand what they hear from us.
func (e *Engine) makeHeard(ids ...call.LegID) {
	for _, id := range ids {
		if l := e.leg(id); l != nil {
			e.reoffer(l, l.deaf(), e.now())
		}
	}
}

// deaf reports whether the leg hears something of our own making of which its far side understands nothing: a connection with
// somebody who hears what is passed through alone may have left it so.
func (l *leg) deaf() bool {
	if m := l.media.Load(); m.First == negotiate.FormatNone || m.Codec != negotiate.NoCodec {
		return false
	}
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return (l.out.play != nil || l.out.conferring()) && l.out.direction.Sends()
}

// pair connects two legs and returns them; nil where they are already, or are not there yet.
func (e *Engine) pair(c call.Connect, now int64) (a, b *leg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, b = e.legs[c.A], e.legs[c.B]
	e.early.forget(c.A)
	e.early.forget(c.B)
	switch {
	case c.A == c.B || a != nil && a.peer == b && b != nil:
		return nil, nil
	case a == nil || b == nil:
		e.early.keep(c, c.A, c.B)
		return nil, nil
	}
	a.silence()
	b.silence()
	join(a, b)
	a.in.arm(now)
	b.in.arm(now)
	return a, b
}

// heardBy reports whether another leg can hear what the leg sends, or will send, by what both have negotiated.
func (l *leg) heardBy(other *leg) bool {
	mine, theirs := l.media.Load(), other.media.Load()
	if mine.First == negotiate.FormatNone || theirs.First == negotiate.FormatNone {
		return true // to be seen
	}
	l.in.mu.Lock()
	f := l.in.spoken
	l.in.mu.Unlock()
	if f == negotiate.FormatNone {
		f = mine.First
	}
	if i, passed := f.Passed(); passed {
		return theirs.PayloadFor(&mine.Pass[i]) != negotiate.NoPayload
	}
	return theirs.Codec != negotiate.NoCodec
}

// join lets two legs that hear nothing hear each other. Engine.mu is held.
func join(a, b *leg) {
	a.peer, b.peer = b, a
	a.out.hear(b)
	b.out.hear(a)
	a.in.route(b)
	b.in.route(a)
}
