package sip

import (
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// The timers of RFC 3261 table 4.
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
)

// waitingACK is a 2xx of ours to an INVITE or re-INVITE. It is repeated at T1, 2*T1, 4*T1, … at most T2 apart, over every
// transport, until the ACK comes; after 64*T1 without one the dialog is ended (RFC 3261 section 13.3.1.4).
type waitingACK struct {
	seq     uint32
	tx      *wire.ServerTx
	res     *msg.Response
	offered bool // the 2xx carries our offer, the ACK brings the answer
	every   time.Duration
	repeat  timer
	giveUp  timer
}

// accept sends a 2xx and waits for its ACK. A 2xx that still waits for another one counts as acknowledged: the far side
// would not have sent a new INVITE otherwise.
func (l *leg) accept(tx *wire.ServerTx, res *msg.Response, offered bool) error {
	if err := tx.Respond(res); err != nil {
		return err
	}
	l.stopWaiting()
	w := &waitingACK{
		seq: tx.Request().CSeq().SeqNo, tx: tx, res: res, offered: offered, every: timerT1,
		repeat: timer{box: &l.box}, giveUp: timer{box: &l.box},
	}
	l.waiting = w
	w.repeat.set(w.every, func() { l.repeat2xx(w) })
	w.giveUp.set(64*timerT1, l.neverACKed)
	return nil
}

func (l *leg) repeat2xx(w *waitingACK) {
	// An error is a transport's; the next repetition may go through, and the time limit ends it otherwise.
	if err := w.tx.Respond(w.res.Clone()); err != nil {
		l.log.Debug("2xx not repeated", "error", err)
	}
	w.every = min(2*w.every, timerT2)
	w.repeat.set(w.every, func() { l.repeat2xx(w) })
}

func (l *leg) stopWaiting() {
	if w := l.waiting; w != nil {
		w.repeat.stop()
		w.giveUp.stop()
		l.waiting = nil
	}
}

// neverACKed ends a leg whose far side did not acknowledge our 2xx.
func (l *leg) neverACKed() {
	l.srv.metrics.noACK.Inc()
	l.log.Warn("2xx never acknowledged")
	l.last(time.Now(), call.Ended{Cause: call.CauseNoAck})
	l.bye()
}

// receivedACK ends the repetition of a 2xx.
func (l *leg) receivedACK(ack *msg.Request, at time.Time) {
	w := l.waiting
	if w == nil || ack.CSeq().SeqNo != w.seq {
		return
	}
	l.stopWaiting()
	first := l.phase == accepted
	if first {
		l.phase = confirmed
		if l.byeDue {
			l.patience.set(notifyLimit, l.byeNow)
		}
	}
	if l.byeDue {
		l.byeIfDue()
		return
	}
	if !w.offered {
		return
	}
	direction, err := l.srv.cfg.Media.Accept(l.id, ack.Body())
	if err != nil {
		l.complain("answer in the ACK refused", err)
		if first {
			l.fail(at, call.CauseFault, 0, "")
		}
		return // of a re-INVITE: the session stays as it was
	}
	l.holding(at, direction)
}

// lastACK is the ACK of the last 2xx that we received, kept for its retransmissions (RFC 3261 section 13.2.2.4).
type lastACK struct {
	seq uint32
	req *msg.Request
}

// acknowledge sends the ACK of a 2xx to an INVITE of ours, and the same again for a retransmission.
func (l *leg) acknowledge(d *dialog, invite *msg.Request) {
	seq := invite.CSeq().SeqNo
	ack := d.build(msg.ACK, seq)
	// RFC 3261 section 22.1: the ACK carries the credentials of its INVITE.
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, h := range invite.GetHeaders(name) {
			ack.AppendHeader(msg.HeaderClone(h))
		}
	}
	if d == l.dialog {
		l.acks = lastACK{seq: seq, req: ack.Clone()}
	}
	l.write(ack, d)
}

// acknowledgeAgain answers the retransmission of a 2xx.
func (l *leg) acknowledgeAgain(seq uint32) {
	if l.acks.req != nil && l.acks.seq == seq {
		l.write(l.acks.req.Clone(), l.dialog)
	}
}

func (l *leg) write(req *msg.Request, d *dialog) {
	dst := d.dest(l.reaches)
	if d == l.dialog {
		dst = l.dest()
	}
	if err := l.srv.stack.WriteStateless(req, dst); err != nil {
		l.log.Info("ACK not sent", "error", err)
	}
}
