package media

import "sync/atomic"

// drop is a reason why a packet was thrown away: a closed set.
type drop int

const (
	dropMalformed drop = iota // no RTP
	dropSource                // from where nothing may come
	dropPayload               // of a kind that was not negotiated here, or not with the listener
	dropLate                  // twice, or too late
	dropHeld                  // while the sender may not send or the listener does not listen
	dropSend                  // the socket did not take it
	dropSecure                // not protected with the key that was negotiated, or sent again
	drops
)

var dropNames = [drops]string{"malformed", "source", "payload", "late", "held", "send", "secure"}

// counts are one leg's, written per packet and added up when somebody looks.
type counts struct {
	received, sent, lost atomic.Uint64
	dropped              [drops]atomic.Uint64
}

func (c *counts) drop(d drop) { c.dropped[d].Add(1) }
