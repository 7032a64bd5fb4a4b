package media

import "telefonist/media/negotiate"

const (
	// pressMost is how many keys wait to be sent to one leg; further ones are lost.
	pressMost = 16
	// pressVolume is that of a key, in dB below full scale without the sign (RFC 4733 section 2.3.4).
	pressVolume = 10
	// pressEnds is how often the end of a key is said (section 2.5.1.4).
	pressEnds = 3
	// pressPause is how many ticks lie between two keys.
	pressPause = 3
)

// presses are keys on their way to a leg as events of our own making, one packet each tick. No audio is sent meanwhile.
type presses struct {
	waiting [pressMost]key
	n       int

	now    key
	active bool
	stamp  uint32
	sent   uint32 // how much of the key was sent
	ends   int
	pause  int
	packet [headerSize + eventSize]byte
}

// press has a key sent, and reports whether there is room for it.
func (o *outbound) press(k key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flow == nil || o.event == negotiate.NoPayload {
		return false
	}
	if o.presses == nil {
		o.presses = new(presses)
	}
	s := o.presses
	if s.n == len(s.waiting) {
		return false
	}
	s.waiting[s.n] = k
	s.n++
	return true
}

// pressOn sends the packet of a key that is due (RFC 4733 section 2.5.1.2).
func (o *outbound) pressOn(now int64) {
	s := o.presses
	o.joined = false // who speaks next is joined anew
	switch {
	case !o.open() || o.event == negotiate.NoPayload:
		o.presses = nil
		return
	case s.pause > 0:
		s.pause--
		return
	case !s.active && s.n == 0:
		o.presses = nil
		return
	}
	seq, stamp := o.next(now, clockRate)
	first := !s.active
	if first {
		s.now = s.waiting[0]
		s.n = copy(s.waiting[:], s.waiting[1:s.n])
		s.active, s.stamp, s.sent, s.ends = true, stamp, 0, 0
	}
	s.sent = min(s.sent+160, s.now.units)
	e := event{code: s.now.code, end: s.sent == s.now.units, volume: pressVolume, duration: uint16(s.sent)}
	e.put(s.packet[headerSize:])
	o.sent(seq, s.stamp, clockRate, 0, eventSize, false, now)
	putHeader(s.packet[:], first, o.event, seq, s.stamp, o.ssrc)
	o.send(s.packet[:])
	if e.end {
		s.ends++
	}
	if s.ends == pressEnds {
		s.active, s.pause = false, pressPause
	}
}
