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
	dropForeign               // to a shared port, from an address of no call; counted for the engine alone
	drops
)

var dropNames = [drops]string{"malformed", "source", "payload", "late", "held", "send", "secure", "foreign"}

// counts are one leg's, written per packet and added up when somebody looks.
type counts struct {
	received, sent, lost atomic.Uint64
	clock                atomic.Uint32 // that of the audio sent last, in Hz
	dropped              [drops]atomic.Uint64
}

func (c *counts) drop(d drop) { c.dropped[d].Add(1) }
