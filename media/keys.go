package media

import (
	"encoding/binary"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// key is a key that was pressed: its code of RFC 4733 section 3.2, and for how many samples at 8 kHz.
type key struct {
	code  uint8
	units uint32
}

// keyNames are the keys by their codes.
const keyNames = "0123456789*#ABCD"

// lastEvent is the last code that our descriptions say we take: the flash of a hook, which is no key.
const lastEvent = 16

func (k key) name() string { return keyNames[k.code : k.code+1] }

func (k key) duration() time.Duration { return time.Duration(k.units) * time.Second / clockRate }

// keyLeast and keyMost bound how long a key is pressed where we make the event, whatever was said.
const (
	keyLeast = 60 * time.Millisecond
	keyMost  = 5 * time.Second
)

// keyOf reads a key's name and how long it was pressed.
func keyOf(name string, d time.Duration) (key, bool) {
	i := strings.Index(keyNames, strings.ToUpper(name))
	if len(name) != 1 || i < 0 {
		return key{}, false
	}
	return key{code: uint8(i), units: ticks(int64(min(max(d, keyLeast), keyMost)), clockRate)}, true
}

// event is what a packet of telephone-event says (RFC 4733 section 2.3).
type event struct {
	code     uint8
	end      bool
	volume   uint8
	duration uint16
}

const (
	eventSize    = 4
	longestEvent = 0xffff // a longer one goes on with a new timestamp (section 2.5.1.3)
)

// parseEvent reads the first event of a packet. ok is false for what is no event that we offered.
func parseEvent(b []byte) (e event, ok bool) {
	if len(b) < eventSize || b[0] > lastEvent {
		return e, false
	}
	return event{code: b[0], end: b[1]&0x80 != 0, volume: b[1] & 0x3f, duration: binary.BigEndian.Uint16(b[2:])}, true
}

// put writes the event, with the reserved bit clear.
func (e event) put(b []byte) {
	b[0], b[1] = e.code, e.volume
	if e.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], e.duration)
}

// tidyEvent leaves nothing of a packet of telephone-event but one event, and reports whether it is one.
func (p *packet) tidyEvent() bool {
	e, ok := parseEvent(p.data())
	if ok {
		p.raw = p.raw[:p.start+eventSize]
		e.put(p.data())
	}
	return ok
}

const (
	// keyLapse is when a key whose end never came counts as let go.
	keyLapse = int64(250 * time.Millisecond)
	// keyEvery and keyBurst bound how many keys are told of: no finger is faster, and who makes it up fills no mailbox.
	keyEvery = int64(60 * time.Millisecond)
	keyBurst = 32
)

// keys turns what comes from a leg into one key for each press. It is part of inbound and protected by its lock.
type keys struct {
	rtp     bool // it has sent events, so that what it says by INFO is the same once more
	known   bool
	told    bool
	owned   bool // who hears the leg now did not when it began
	ssrc    uint32
	time    uint32 // of the event, or of its last segment
	code    uint8
	before  uint32 // length of the segments before (section 2.5.1.3)
	length  uint16 // of this segment so far
	at      int64  // when its last packet came
	free    int64  // when no burst is left over
	pressed [2]key // what read has found
}

// read takes an event, and returns the keys that it ended: its own, and one before it whose end was lost.
func (k *keys) read(ssrc, time uint32, e event, now int64) []key {
	found := k.pressed[:0]
	k.rtp = true
	if e.code >= uint8(len(keyNames)) || k.known && ssrc == k.ssrc && int32(time-k.time) < 0 {
		return nil // no key, or overtaken by the next
	}
	switch {
	case k.known && ssrc == k.ssrc && time == k.time:
		k.length = max(k.length, e.duration)
	case k.known && !k.told && ssrc == k.ssrc && e.code == k.code && k.length == longestEvent && time == k.time+longestEvent:
		k.before, k.time, k.length = k.before+uint32(k.length), time, e.duration
	default:
		if k.known && !k.told {
			found = append(found, k.key())
		}
		*k = keys{rtp: true, known: true, ssrc: ssrc, time: time, code: e.code, length: e.duration, free: k.free, pressed: k.pressed}
	}
	k.at = now
	if e.end && !k.told {
		k.told = true
		found = append(found, k.key())
	}
	for i := range found {
		if !k.may(now) {
			return found[:i]
		}
	}
	return found
}

func (k *keys) key() key { return key{k.code, k.before + uint32(k.length)} }

// lapsed returns a key whose end never came.
func (k *keys) lapsed(now int64) (key, bool) {
	if !k.known || k.told || now-k.at < keyLapse {
		return key{}, false
	}
	k.told = true
	return k.key(), k.may(now)
}

// may reports whether one more key may be told of.
func (k *keys) may(now int64) bool {
	k.free = max(k.free, now)
	if k.free-now > keyBurst*keyEvery {
		return false
	}
	k.free += keyEvery
	return true
}

// hearKey takes a packet of telephone-event that the leg's far side sent, and reports whether who hears the leg may have it.
func (l *leg) hearKey(p *packet, now int64) (relayed bool) {
	e, ok := parseEvent(p.data())
	if !ok {
		return true
	}
	var found [2]key
	n := 0
	l.in.mu.Lock()
	if l.in.direction.Receives() {
		n = copy(found[:], l.in.keys.read(p.ssrc, p.time, e, now))
	}
	relayed = !l.in.keys.owned
	l.in.mu.Unlock()
	for _, k := range found[:n] {
		l.ended(k, relayed)
	}
	return relayed
}

// ended tells of a key that came as events: everybody, or the sink alone.
func (l *leg) ended(k key, relayed bool) {
	if relayed {
		l.pressed(k, true)
	} else {
		l.tell(k)
	}
}

func (l *leg) tell(k key) {
	l.engine.sink.Post(l.id, time.Now(), call.Digit{Digit: k.name(), Duration: k.duration()})
}

// lapsedKey tells of a key whose end was lost.
func (l *leg) lapsedKey(now int64) {
	l.in.mu.Lock()
	k, ok := l.in.keys.lapsed(now)
	relayed := !l.in.keys.owned
	l.in.mu.Unlock()
	if ok {
		l.ended(k, relayed)
	}
}

// Press tells of a key that the leg's far side pressed by way of its signalling. Whom it is connected with hears it as
// telephone-event, or is told by Config.Press. From a leg that has sent telephone-event it means nothing: there the key has
// been heard.
func (e *Engine) Press(id call.LegID, digit string, d time.Duration) {
	k, ok := keyOf(digit, d)
	l := e.leg(id)
	if !ok || l == nil {
		return
	}
	l.in.mu.Lock()
	ok = !l.in.keys.rtp && l.in.keys.may(e.now())
	l.in.mu.Unlock()
	if ok {
		l.pressed(k, false)
	}
}

// pressed tells of a key: the sink, and whoever hears the leg. relayed is set where its packets have gone on already.
func (l *leg) pressed(k key, relayed bool) {
	e := l.engine
	var told [2]call.LegID
	n := 0
	e.mu.Lock()
	for _, p := range l.listeners() {
		switch {
		case p == nil:
		case !p.out.takesEvents():
			told[n] = p.id
			n++
		case !relayed && p.out.press(k):
			e.clock.add(p)
		}
	}
	e.mu.Unlock()
	l.tell(k)
	if e.cfg.Press == nil {
		return
	}
	for _, id := range told[:n] {
		e.cfg.Press(id, k.name(), k.duration())
	}
}

// listeners are the legs that hear this one. Engine.mu is held.
func (l *leg) listeners() listeners {
	if l.mates[0] != nil {
		return listeners(l.mates)
	}
	return listeners{l.peer}
}

// takesEvents reports whether the far side negotiated telephone-event.
func (o *outbound) takesEvents() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.event != negotiate.NoPayload
}
