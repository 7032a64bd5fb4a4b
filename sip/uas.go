package sip

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

// incoming is the INVITE of an incoming leg until it has its final response.
type incoming struct {
	req    *msg.Request
	tx     *wire.ServerTx
	src    wire.Source
	at     time.Time
	answer []byte // our answer to the offer in the INVITE; nil where it came without one
	event  func(l *leg) call.Event
}

// arrive takes a leg's INVITE: its offer is answered by media, then the switchboard hears of it.
func (l *leg) arrive() {
	in := l.in
	if l.phase != early {
		return // cancelled before it was looked at
	}
	o := media.Options{LocalIP: in.src.Local.Addr(), SignallingIP: in.src.Addr.Addr()}
	l.audio(&o)
	if err := l.srv.cfg.Media.Open(l.id, o); err != nil {
		l.log.Error("no media session", "error", err)
		l.refuse(msg.StatusServiceUnavailable, "", retryAfter(refusedRetry))
		return
	}
	l.opened = true
	if body := in.req.Body(); len(body) > 0 {
		a, err := l.srv.cfg.Media.Answer(l.id, body)
		if err != nil {
			l.complain("offer refused", err)
			l.refuse(msg.StatusNotAcceptableHere, "", warning(err, l.dialog.contactHost()))
			return
		}
		in.answer = a.SDP
		l.held = a.Direction.Held()
	}
	l.allow(in.req)
	if !l.post(in.at, in.event(l)) {
		l.srv.metrics.refused.WithLabelValues(refusedMailbox).Inc()
		l.refuse(msg.StatusServiceUnavailable, "", retryAfter(refusedRetry))
	}
}

// arrivedDialog is what ends the leg after a crash, answered or not.
func (l *leg) arrivedDialog() call.Dialog {
	d := l.dialog.snapshot()
	d.Invite = &call.Invite{CSeq: l.in.req.CSeq().SeqNo}
	for _, h := range l.in.req.GetHeaders("via") {
		d.Invite.Via = append(d.Invite.Via, h.Value())
	}
	return d
}

// audio adds what the leg's far side is allowed.
func (l *leg) audio(o *media.Options) {
	if l.srv.cfg.Audio != nil {
		a := l.srv.cfg.Audio(l.trunk, l.agent)
		o.Codecs, o.Secure, o.Shared = a.Codecs, a.Secure, a.Shared
	}
}

// warning tells why a description was refused (RFC 3261 section 20.43).
func warning(err error, agent string) msg.Header {
	code, text := 399, "session description refused"
	var r *media.RefusedError
	if errors.As(err, &r) {
		code, text = r.Warning, r.Reason
	}
	return msg.NewHeader("Warning", fmt.Sprintf(`%d %s "%s"`, code, agent, escapeQuoted(text)))
}

func retryAfter(d time.Duration) msg.Header {
	return msg.NewHeader("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
}

// allow notes which methods the far side takes (RFC 3261 section 20.5).
func (l *leg) allow(m message) {
	names := list(m, "allow")
	if len(names) == 0 {
		return
	}
	l.allowed = map[msg.RequestMethod]bool{}
	for _, n := range names {
		l.allowed[msg.RequestMethod(n)] = true
	}
}

// ring sends 180.
func (l *leg) ring() {
	if l.dir != incomingLeg || l.phase != early {
		return
	}
	res := l.in.tx.NewResponse(msg.StatusRinging, "Ringing", nil)
	res.AppendHeader(l.contact())
	res.AppendHeader(allowHeader())
	if err := l.in.tx.Respond(res); err != nil {
		l.log.Info("180 not sent", "error", err)
	}
}

func (l *leg) contact() msg.Header { return msg.NewHeader("Contact", "<"+l.dialog.contact+">") }

// answer sends 200 with our answer, or with an offer where the INVITE had none.
func (l *leg) answer() {
	if l.dir != incomingLeg || l.phase != early {
		return
	}
	body, offered := l.in.answer, false
	if body == nil {
		var err error
		if body, err = l.srv.cfg.Media.Offer(l.id); err != nil {
			l.log.Error("no offer", "error", err)
			l.last(time.Now(), call.Ended{Cause: call.CauseFault})
			l.refuse(msg.StatusInternalServerError, "")
			return
		}
		offered = true
	}
	res := l.okay(l.in.tx, body)
	l.session.answer(l.in.req, res)
	if err := l.accept(l.in.tx, res, offered); err != nil {
		l.log.Info("200 not sent", "error", err)
		l.last(time.Now(), call.Ended{Cause: call.CauseFault})
		l.gone()
		return
	}
	l.phase = accepted
	if l.in.answer != nil && l.held {
		l.post(time.Now(), call.Held{})
	}
}

// okay builds a 200 that carries a description.
func (l *leg) okay(tx *wire.ServerTx, body []byte) *msg.Response {
	res := tx.NewResponse(msg.StatusOK, "OK", body)
	res.AppendHeader(l.contact())
	res.AppendHeader(allowHeader())
	res.AppendHeader(supportedHeader())
	if body != nil {
		res.AppendHeader(sdpType())
	}
	return res
}

func sdpType() msg.Header {
	h := msg.ContentTypeHeader("application/sdp")
	return &h
}

// reject sends a final error, with what the switchboard wants to be said.
func (l *leg) reject(c call.Reject) {
	if l.dir != incomingLeg || l.phase != early {
		return
	}
	l.quiet.Store(true)
	var extra []msg.Header
	if c.RetryAfter > 0 {
		extra = append(extra, retryAfter(c.RetryAfter))
	}
	code := c.Code
	if code < 300 || code > 699 {
		code = msg.StatusServiceUnavailable
	}
	l.refuse(code, cleanName(c.Reason), extra...)
}

// refuse ends an incoming leg with a final error.
func (l *leg) refuse(code int, reason string, extra ...msg.Header) {
	l.quiet.Store(true)
	if reason == "" {
		reason = phrase(code)
	}
	res := l.in.tx.NewResponse(code, reason, nil)
	for _, h := range extra {
		res.AppendHeader(h)
	}
	if err := l.in.tx.Respond(res); err != nil {
		l.log.Info("final response not sent", "code", code, "error", err)
	}
	l.gone()
}

// undeliverable ends a leg whose INVITE transaction ended before it was answered: the way back is gone.
func (l *leg) undeliverable(err error, at time.Time) {
	if err == nil || l.phase != early {
		return
	}
	l.log.Info("the caller cannot be answered any more", "error", err)
	l.last(at, call.Ended{Cause: call.CauseFault})
	l.gone()
}

// cancelled takes a CANCEL that came before our final response; one that crosses our 200 changes nothing, for the 200
// wins and the caller sends BYE (RFC 3261 section 9.2).
func (l *leg) cancelled(at time.Time) {
	if l.phase != early {
		return
	}
	l.last(at, call.Ended{Cause: call.CauseCancel})
	l.refuse(msg.StatusRequestTerminated, "")
}
