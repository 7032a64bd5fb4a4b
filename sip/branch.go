package sip

import (
	"crypto/rand"
	"errors"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

// maxAuthTries is how often a request is repeated with credentials: once, and once more where the nonce was stale.
const maxAuthTries = 2

// branch is one INVITE of an outgoing leg with a Call-ID of its own, so that two phones behind one address never take it
// for a merged request.
type branch struct {
	l     *leg
	uri   msg.Uri
	dests []wire.Dest // to try, in this order
	told  string      // the contact as Answered names it

	callID, tag, contact string
	seq                  uint32
	req                  *msg.Request
	tx                   *wire.ClientTx
	auth                 msg.Header
	authTries, brief     int
	heard                bool // a provisional response came
	unwanted             bool // cancelled: a 200 that crosses is acknowledged and ended
	over                 bool
	silent               timer
}

// attempt sends the INVITE of a branch to its first address.
func (l *leg) attempt(b *branch) {
	b.callID, b.tag = rand.Text(), rand.Text()[:16]
	b.silent = timer{box: &l.box}
	l.out.branches = append(l.out.branches, b)
	l.srv.enrollKey(l, dialogKey{b.callID, b.tag}, "")
	b.send()
}

func (b *branch) send() {
	l, dst := b.l, b.dests[0]
	req, err := l.invite(b, dst)
	if err == nil {
		if b.auth != nil {
			req.AppendHeader(b.auth)
		}
		b.req, b.heard = req, false
		var tx *wire.ClientTx
		tx, err = l.srv.send(req, dst,
			func(res *msg.Response) { at := time.Now(); l.box.post(func() { b.response(req, res, at) }) },
			func(err error) { at := time.Now(); l.box.post(func() { b.done(req, err, at) }) })
		b.tx = tx
	}
	if err != nil {
		l.log.Info("invite not sent", "error", err)
		l.box.post(func() { b.done(req, wire.ErrTransport, time.Now()) })
		return
	}
	if len(b.dests) > 1 {
		b.silent.set(nextAddress, b.failOver)
	}
}

// response takes a response to the INVITE.
func (b *branch) response(req *msg.Request, res *msg.Response, at time.Time) {
	b.heard = true
	b.silent.stop()
	switch {
	case res.StatusCode < 200:
		b.provisional(res, at)
	case res.IsSuccess():
		b.success(req, res, at)
	default:
		if req == b.req {
			b.failure(res, at)
		}
	}
}

// provisional takes a 1xx. Of an agent's several phones no early media is heard, since which one's would be chance; a
// trunk's addresses are tried one after the other.
func (b *branch) provisional(res *msg.Response, at time.Time) {
	l := b.l
	if res.StatusCode == msg.StatusTrying || res.StatusCode == statusEarlyOver || b.unwanted || l.phase != early {
		return
	}
	if len(res.Body()) > 0 && (l.out.trunk != nil || len(l.out.branches) == 1) {
		if _, err := b.accept(res.Body()); err != nil {
			// The final answer counts; an early one that is bad is only not heard.
			l.complain("early answer refused", err)
		} else if !l.out.audible {
			l.out.audible = true
			l.post(at, call.EarlyMedia{})
			return
		} else {
			return
		}
	}
	if !l.out.rang && !l.out.audible {
		l.out.rang = true
		l.post(at, call.Ringing{})
	}
}

// statusEarlyOver is a 199: a fork of ours behind a proxy is over, another goes on (RFC 6228).
const statusEarlyOver = 199

// accept applies a description of the branch's far side. Which one of several it is, and so where audio may come from, is
// known only now.
func (b *branch) accept(answer []byte) (media.Direction, error) {
	m := b.l.srv.cfg.Media
	m.SetSignallingIP(b.l.id, b.dests[0].Addr.Addr())
	return m.Accept(b.l.id, answer)
}

// success takes a 2xx: the first one wins, whatever comes later is acknowledged and ended (RFC 3261 section 13.2.2.4).
func (b *branch) success(req *msg.Request, res *msg.Response, at time.Time) {
	l := b.l
	b.over = true
	d := outgoingDialog(req, res, b.contact, b.dests[0])
	if l.phase != early || b.unwanted {
		l.acknowledge(d, req)
		l.byeTo(d)
		l.finishIfOver()
		return
	}
	l.dialog = d
	l.srv.enrollKey(l, dialogKey{d.callID, d.localTag}, d.remoteTag)
	l.allow(res)
	l.acknowledge(d, req)
	l.phase = confirmed
	l.out.guard.stop()
	l.cancelAll(b, true)
	direction, err := b.accept(res.Body())
	if err != nil && !(len(res.Body()) == 0 && l.out.audible) {
		l.complain("answer refused", err)
		l.last(at, call.Failed{Code: msg.StatusNotAcceptableHere, Reason: "answer not acceptable"})
		l.bye()
		return
	}
	l.session.concluded(res)
	if !l.post(at, call.Answered{Dialog: d.snapshot(), Contact: b.told, Identity: identityOf(res)}) {
		// Nobody would ever speak to it.
		l.last(at, call.Failed{Code: msg.StatusServiceUnavailable, Reason: phrase(msg.StatusServiceUnavailable)})
		l.bye()
		return
	}
	if err == nil {
		l.holding(at, direction)
	}
}

// failure takes a final error: another try where that makes sense, else the branch is over.
func (b *branch) failure(res *msg.Response, at time.Time) {
	l := b.l
	if !b.unwanted && l.phase == early && b.again(res) {
		b.send()
		return
	}
	b.over = true
	if b.unwanted || l.phase != early {
		l.finishIfOver()
		return
	}
	if res.StatusCode == msg.StatusServiceUnavailable && b.next() {
		return
	}
	l.out.worse(res.StatusCode, cleanName(res.Reason))
	if res.StatusCode >= 600 {
		// RFC 3261 section 16.7 step 5: the others need not ring any longer.
		l.last(at, call.Failed{Code: l.out.code, Reason: l.out.reason})
		l.hangup(call.Hangup{})
		return
	}
	l.settle(at)
}

// again prepares another try of the same INVITE: with the trunk's credentials, or with a longer session interval.
func (b *branch) again(res *msg.Response) bool {
	l := b.l
	switch res.StatusCode {
	case msg.StatusUnauthorized, msg.StatusProxyAuthRequired:
		if l.out.trunk == nil || b.authTries >= maxAuthTries {
			return false
		}
		b.authTries++
		b.auth = l.out.trunk.answer(b.req, res)
		return b.auth != nil
	case 422:
		if b.brief >= maxBrief {
			return false
		}
		b.brief++
		l.session.minimum = max(l.session.minimum, minExpiresOf(res))
		return true
	}
	return false
}

// done is the end of the INVITE transaction, with an error where it ended without a final response.
func (b *branch) done(req *msg.Request, err error, at time.Time) {
	if err == nil || b.over || req != b.req {
		return
	}
	l := b.l
	b.over = true
	b.silent.stop()
	if b.unwanted || l.phase != early {
		l.finishIfOver()
		return
	}
	code := msg.StatusServiceUnavailable
	if errors.Is(err, wire.ErrTimeout) {
		code = msg.StatusRequestTimeout
	}
	if !b.heard && b.next() {
		return
	}
	l.out.worse(code, phrase(code))
	l.settle(at)
}

// next tries the remaining addresses in a new branch (RFC 3263 section 4.3).
func (b *branch) next() bool {
	if len(b.dests) < 2 {
		return false
	}
	b.l.attempt(&branch{l: b.l, uri: b.uri, dests: b.dests[1:], told: b.told})
	return true
}

// failOver gives up an address that says nothing, well before its transaction would.
func (b *branch) failOver() {
	if b.heard || b.over || b.unwanted || b.l.phase != early {
		return
	}
	b.cancel()
	b.next()
}

// cancel gives the branch up. The CANCEL leaves once a provisional response has come (RFC 3261 section 9.1).
func (b *branch) cancel(headers ...msg.Header) {
	b.silent.stop()
	if b.over || b.unwanted {
		return
	}
	b.unwanted = true
	if b.tx != nil {
		b.l.srv.stack.Cancel(b.tx, headers...)
	}
}

// strayed takes a 2xx that no transaction waits for: a repetition of the answer, or another phone behind a proxy that
// answered too.
func (l *leg) strayed(res *msg.Response) {
	tag := tagOf(res.To().Params)
	if l.dialog != nil && tag == l.dialog.remoteTag && res.CallID().Value() == l.dialog.callID {
		l.acknowledgeAgain(res.CSeq().SeqNo)
		return
	}
	if l.out == nil {
		return
	}
	for _, b := range l.out.branches {
		if b.req != nil && b.callID == res.CallID().Value() {
			d := outgoingDialog(b.req, res, b.contact, b.dests[0])
			l.acknowledge(d, b.req)
			l.byeTo(d)
			return
		}
	}
}
