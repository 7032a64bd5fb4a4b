package sip

import (
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

// receive takes a request inside the leg's dialog.
func (l *leg) receive(req *msg.Request, tx *wire.ServerTx, src wire.Source, at time.Time) {
	if req.IsAck() {
		if l.mine(req, src) {
			l.receivedACK(req, at)
		}
		return
	}
	switch {
	case l.dialog == nil && l.out != nil:
		l.receiveEarly(req, tx, src)
		return
	case !l.mine(req, src):
		// A forged request, or one of a dialog that is over: it changes nothing.
		l.respond(tx, msg.StatusCallTransactionDoesNotExists)
		return
	case !l.dialog.fresh(req.CSeq().SeqNo):
		l.respond(tx, msg.StatusInternalServerError) // RFC 3261 section 12.2.2
		return
	}
	// The flow follows the far side to another port (a phone behind NAT that was rebound), a trunk to another of its addresses.
	l.dialog.flow = src.Dest()
	if refusal := unsupported(req, tx); refusal != nil {
		l.send(tx, refusal)
		return
	}
	l.dispatch(req, tx, at)
}

// mine reports whether a request belongs to the leg's dialog: by the far side's tag and by where it comes from.
func (l *leg) mine(req *msg.Request, src wire.Source) bool {
	if l.dialog == nil || l.phase == gone {
		return false
	}
	return tagOf(req.From().Params) == l.dialog.remoteTag && l.hears(src)
}

// receiveEarly answers a request of a far side that has not answered our INVITE yet. It must not be told 481, which would
// end its side of the call, but our offer is open (RFC 3311 section 5.2).
func (l *leg) receiveEarly(req *msg.Request, tx *wire.ServerTx, src wire.Source) {
	known := false
	for _, b := range l.out.branches {
		known = known || b.callID == req.CallID().Value() && b.dests[0].Addr.Addr() == src.Addr.Addr()
	}
	switch {
	case !known || l.phase != early:
		l.respond(tx, msg.StatusCallTransactionDoesNotExists)
	case req.Method == msg.OPTIONS:
		l.send(tx, capabilities(tx, msg.StatusOK))
	case req.Method == msg.INFO, req.Method == msg.UPDATE && len(req.Body()) == 0:
		l.respond(tx, msg.StatusOK)
	case req.Method == msg.UPDATE:
		l.respond(tx, msg.StatusRequestPending)
	default:
		l.respond(tx, msg.StatusCallTransactionDoesNotExists)
	}
}

func (l *leg) dispatch(req *msg.Request, tx *wire.ServerTx, at time.Time) {
	if (l.phase == ending || l.byeDue) && req.Method != msg.BYE {
		l.respond(tx, msg.StatusCallTransactionDoesNotExists)
		return
	}
	switch req.Method {
	case msg.BYE:
		l.receivedBYE(tx, at)
	case msg.INVITE:
		l.receivedInvite(req, tx, at)
	case msg.UPDATE:
		l.receivedUpdate(req, tx, at)
	case msg.REFER:
		l.receivedRefer(req, tx, at)
	case msg.OPTIONS:
		l.send(tx, capabilities(tx, msg.StatusOK))
	case msg.INFO:
		l.receivedInfo(req, tx)
	case msg.NOTIFY, msg.PRACK:
		// Of a subscription, or a reliable response, that we know nothing of (RFC 6665 section 4.1.3, RFC 3262 section 3).
		l.respond(tx, msg.StatusCallTransactionDoesNotExists)
	default:
		l.send(tx, notAllowed(tx))
	}
}

func (l *leg) respond(tx *wire.ServerTx, code int, extra ...msg.Header) {
	res := tx.NewResponse(code, phrase(code), nil)
	for _, h := range extra {
		res.AppendHeader(h)
	}
	l.send(tx, res)
}

func (l *leg) send(tx *wire.ServerTx, res *msg.Response) {
	if err := tx.Respond(res); err != nil {
		l.log.Debug("response not sent", "code", res.StatusCode, "error", err)
	}
}

// receivedBYE ends the leg in any state (RFC 3261 section 15.1.2).
func (l *leg) receivedBYE(tx *wire.ServerTx, at time.Time) {
	l.respond(tx, msg.StatusOK)
	switch l.phase {
	case early:
		// An early BYE: the caller gave up without a CANCEL.
		l.cancelled(at)
	case ending:
		// Crossed with ours, whose answer ends the leg.
	default:
		l.last(at, call.Ended{Cause: call.CauseBye})
		l.gone()
	}
}

// receivedInvite answers a re-INVITE: hold, resume, another address, a fresh offer, a session refresh.
func (l *leg) receivedInvite(req *msg.Request, tx *wire.ServerTx, at time.Time) {
	switch {
	case l.phase == early:
		// The first INVITE has no final response yet (RFC 3261 section 14.2).
		l.respond(tx, msg.StatusInternalServerError, retryAfter(randomWait(10*time.Second)))
		return
	case l.invited, l.waiting != nil && l.waiting.offered:
		l.respond(tx, msg.StatusRequestPending)
		return
	}
	if refusal := tooBrief(req, tx); refusal != nil {
		l.send(tx, refusal)
		return
	}
	body, offered, ok := l.describe(req, tx, at)
	if !ok {
		return
	}
	l.dialog.refresh(req.Contact())
	res := l.okay(tx, body)
	l.session.answer(req, res)
	if err := l.accept(tx, res, offered); err != nil {
		l.log.Info("200 to re-INVITE not sent", "error", err)
	}
}

// describe works out the body of the 200 to a re-INVITE. A bad offer is refused and the session goes on as it was.
func (l *leg) describe(req *msg.Request, tx *wire.ServerTx, at time.Time) (body []byte, offered, ok bool) {
	if len(req.Body()) == 0 {
		body, err := l.srv.cfg.Media.Offer(l.id)
		if err != nil {
			l.log.Error("no offer", "error", err)
			l.respond(tx, msg.StatusInternalServerError)
			return nil, false, false
		}
		return body, true, true
	}
	if refusal := wrongBody(req, tx); refusal != nil {
		l.send(tx, refusal)
		return nil, false, false
	}
	a, err := l.srv.cfg.Media.Answer(l.id, req.Body())
	if err != nil {
		l.complain("offer refused", err)
		l.respond(tx, msg.StatusNotAcceptableHere, warning(err, l.dialog.contactHost()))
		return nil, false, false
	}
	l.holding(at, a.Direction)
	return a.SDP, false, true
}

// receivedUpdate answers an UPDATE (RFC 3311 section 5.2).
func (l *leg) receivedUpdate(req *msg.Request, tx *wire.ServerTx, at time.Time) {
	if refusal := tooBrief(req, tx); refusal != nil {
		l.send(tx, refusal)
		return
	}
	var body []byte
	if len(req.Body()) > 0 {
		switch {
		case l.invited, l.waiting != nil && l.waiting.offered:
			l.respond(tx, msg.StatusRequestPending)
			return
		case l.phase == early:
			l.respond(tx, msg.StatusInternalServerError, retryAfter(randomWait(10*time.Second)))
			return
		}
		var ok bool
		if body, _, ok = l.describe(req, tx, at); !ok {
			return
		}
	}
	l.dialog.refresh(req.Contact())
	res := l.okay(tx, body)
	if l.phase != early {
		l.session.answer(req, res)
	}
	l.send(tx, res)
}

// holding tells the switchboard when the far side holds us or takes us back.
func (l *leg) holding(at time.Time, d media.Direction) {
	if d.Held() == l.held {
		return
	}
	l.held = d.Held()
	if l.held {
		l.post(at, call.Held{})
	} else {
		l.post(at, call.Resumed{})
	}
}
