package softphone

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// expiresGrace is how much longer than the INVITE's Expires we ring: a CANCEL that was sent in time shall come first.
const expiresGrace = time.Second

// invited takes a new INVITE and gives it to the behaviour.
func (e *endpoint) invited(req *sip.Request, tx *wire.ServerTx, src wire.Source) {
	refuse := func(code int, reason string) { respond(tx, tx.NewResponse(code, reason, nil)) }
	if req.Contact() == nil {
		refuse(sip.StatusBadRequest, "No Contact")
		return
	}
	var offer *description
	if len(req.Body()) > 0 {
		d, err := parseDescription(req.Body())
		if err != nil {
			refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here")
			return
		}
		offer = &d
	}
	c, err := e.newCall(dialogKey{req.CallID().Value(), tx.ToTag()}, true, readInvite(req))
	if err != nil {
		refuse(sip.StatusServiceUnavailable, "Service Unavailable")
		return
	}
	c.mu.Lock()
	c.in, c.offer = tx, offer
	c.d = dialog{
		localURI: bare(req.To().Address), remoteURI: bare(req.From().Address), remoteTag: tagOf(req.From().Params),
		target: *req.Contact().Address.Clone(), routes: recordRoutes(req.GetHeaders("Record-Route")),
		remoteSeq: req.CSeq().SeqNo, flow: src.Dest(), contact: e.contact(req.Recipient.User, src.Dest()),
	}
	if h := req.GetHeader("Expires"); h != nil {
		if seconds, err := strconv.Atoi(strings.TrimSpace(h.Value())); err == nil && seconds > 0 {
			c.limit = time.AfterFunc(time.Duration(seconds)*time.Second+expiresGrace, func() { _ = c.Reject(sip.StatusRequestTerminated) })
		}
	}
	c.mu.Unlock()
	tx.OnCancel(func(*sip.Request) { c.cancelled() })
	if !e.spawn(func() { e.cfg.OnCall(c.ctx, c) }) {
		_ = c.Reject(sip.StatusTemporarilyUnavailable)
	}
}

// cancelled is the far side giving up before we answered.
func (c *Call) cancelled() {
	c.mu.Lock()
	if c.state != offered {
		c.mu.Unlock()
		return
	}
	c.state = leaving
	c.trace.Cancelled = time.Now()
	c.trace.Code = sip.StatusRequestTerminated
	respond(c.in, c.in.NewResponse(sip.StatusRequestTerminated, "Request Terminated", nil))
	c.mu.Unlock()
	c.finish(nil)
}

// Ring sends 180.
func (c *Call) Ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != offered {
		return
	}
	res := c.in.NewResponse(sip.StatusRinging, "Ringing", nil)
	res.AppendHeader(&sip.ContactHeader{Address: *c.d.contact.Clone()})
	respond(c.in, res)
	c.ring()
}

// Answer sends 200 and opens the audio.
func (c *Call) Answer() error {
	c.mu.Lock()
	if c.state != offered {
		c.mu.Unlock()
		return ErrState
	}
	body, err := c.describe(c.offer)
	if err != nil {
		c.mu.Unlock()
		_ = c.Reject(sip.StatusNotAcceptableHere)
		return err
	}
	c.state = confirmed
	c.answer(sip.StatusOK)
	c.repeat2xx(c.in, c.accepting(c.in, body))
	if c.limit != nil {
		c.limit.Stop()
	}
	c.mu.Unlock()
	return nil
}

// describe answers an offer and applies it, or makes an offer where there was none. It is called with the lock held.
func (c *Call) describe(offer *description) ([]byte, error) {
	if offer == nil {
		return c.local.offer(), nil
	}
	body, err := c.local.answer(*offer)
	if err != nil {
		return nil, err
	}
	c.hearAt(*offer)
	return body, nil
}

// hearAt sends the audio to where the far side wants it. It is called with the lock held.
func (c *Call) hearAt(d description) {
	codec, ok := c.local.common(d)
	if !ok {
		return
	}
	c.farHeld = !d.wantsAudio()
	c.audio.apply(d.addr, codec, d.wantsAudio() && !c.local.held)
}

// accepting builds the 200 to an INVITE or UPDATE. It is called with the lock held.
func (c *Call) accepting(tx *wire.ServerTx, body []byte) *sip.Response {
	res := tx.NewResponse(sip.StatusOK, "OK", body)
	res.AppendHeader(&sip.ContactHeader{Address: *c.d.contact.Clone()})
	res.AppendHeader(sip.NewHeader("Allow", allowed))
	res.AppendHeader(sip.NewHeader("Supported", "timer, replaces"))
	if body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	}
	c.session.asked(c, tx.Request(), res)
	return res
}

// Reject refuses the call with a final status: 486 busy, 603 declined.
func (c *Call) Reject(code int) error {
	c.mu.Lock()
	if c.state != offered {
		c.mu.Unlock()
		return ErrState
	}
	c.state = leaving
	c.trace.Code = code
	res := c.in.NewResponse(code, phrase(code), nil)
	respond(c.in, res)
	c.mu.Unlock()
	c.finish(&StatusError{"INVITE", code, res.Reason})
	return nil
}

func phrase(code int) string {
	switch code {
	case sip.StatusNotFound:
		return "Not Found"
	case sip.StatusTemporarilyUnavailable:
		return "Temporarily Unavailable"
	case sip.StatusBusyHere:
		return "Busy Here"
	case sip.StatusRequestTerminated:
		return "Request Terminated"
	case sip.StatusNotAcceptableHere:
		return "Not Acceptable Here"
	case 603:
		return "Decline"
	}
	return "Refused"
}
