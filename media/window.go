package media

import "math/bits"

// arrival says how a sequence number fits among those before.
type arrival int

const (
	arrivedNew  arrival = iota // the highest so far
	arrivedAnew                // the first of a source, or of one that began anew
	arrivedLate                // out of order, but awaited
	arrivedTwice
	arrivedOld // too late to matter
)

const (
	// windowSize is how many packets an overtaken one is waited for before it counts as lost: 1.3 s at 20 ms.
	windowSize = 64
	// maxDropout is the largest jump that is taken for loss; a larger one is a sender that began anew (RFC 3550
	// appendix A.1).
	maxDropout = 3000
)

// window follows the sequence numbers of one source: bit i stands for the number i below the highest.
type window struct {
	started bool
	ssrc    uint32
	highest uint16
	cycles  uint32 // wraps of the sequence number, for reports
	seen    uint64

	old  bool   // the last packet that was heard came too late to matter
	next uint16 // the number after it
}

// hear is add for what a far side sends: two packets in sequence that are too late to matter are a sender that began anew (RFC 3550
// appendix A.1).
func (w *window) hear(ssrc uint32, seq uint16) (a arrival, lost int) {
	anew := w.old && seq == w.next
	a, lost = w.add(ssrc, seq)
	if a == arrivedOld && anew {
		lost = w.missing()
		*w = window{started: true, ssrc: ssrc, highest: seq, seen: ^uint64(0)}
		return arrivedAnew, lost
	}
	w.old, w.next = a == arrivedOld, seq+1
	return a, lost
}

// add notes a packet, and how many earlier ones are now known to be lost.
func (w *window) add(ssrc uint32, seq uint16) (a arrival, lost int) {
	delta := int(int16(seq - w.highest))
	if !w.started || ssrc != w.ssrc || delta > maxDropout || delta < -maxDropout {
		lost = w.missing()
		*w = window{started: true, ssrc: ssrc, highest: seq, seen: ^uint64(0)}
		return arrivedAnew, lost
	}
	switch {
	case delta > 0:
		if seq < w.highest {
			w.cycles++
		}
		w.highest = seq
		if delta >= windowSize {
			lost = w.missing() + delta - windowSize
			w.seen = 1
			return arrivedNew, lost
		}
		out := w.seen >> (windowSize - delta)
		w.seen = w.seen<<delta | 1
		return arrivedNew, delta - bits.OnesCount64(out)
	case delta > -windowSize:
		bit := uint64(1) << -delta
		if w.seen&bit != 0 {
			return arrivedTwice, 0
		}
		w.seen |= bit
		return arrivedLate, 0
	}
	return arrivedOld, 0
}

// missing is how many packets are still awaited.
func (w *window) missing() int {
	if !w.started {
		return 0
	}
	return windowSize - bits.OnesCount64(w.seen)
}
