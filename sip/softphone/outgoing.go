package softphone

import (
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// call sends an INVITE to the server.
func (e *endpoint) call(i Invite) (*Call, error) {
	c, err := e.newCall(dialogKey{newCallID(), sip.GenerateTagN(12)}, false, i)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", i.To, err)
	}
	dst := e.serverDest()
	to := i.ToHeader
	if to == "" {
		to = i.To
	}
	c.mu.Lock()
	c.state = calling
	c.d = dialog{
		localName: i.Name, localURI: sip.Uri{Scheme: "sip", User: i.From, Host: e.cfg.Domain},
		remoteURI: sip.Uri{Scheme: "sip", User: to, Host: e.cfg.Domain},
		target:    e.serverURI(i.To), flow: dst, contact: e.contact(i.From, dst),
	}
	if i.Private {
		c.d.localName, c.d.localURI = "Anonymous", sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}
	}
	c.mu.Unlock()
	e.do(exchange{
		dst:         dst,
		build:       c.initial,
		sent:        c.sent,
		provisional: c.progress,
		done:        c.final,
	})
	return c, nil
}

func (c *Call) initial() *sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	req := c.next(sip.INVITE)
	for _, h := range c.invite.headers(c.ep.cfg.Domain) {
		req.AppendHeader(h)
	}
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(c.local.offer())
	return req
}

func (c *Call) sent(tx *wire.ClientTx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = tx
	if c.state == leaving {
		c.ep.stack.Cancel(tx)
	}
}

// progress is a provisional response. Early media is heard.
func (c *Call) progress(res *sip.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if res.StatusCode == sip.StatusTrying || c.state != calling {
		return
	}
	c.ring()
	if d, err := parseDescription(res.Body()); err == nil {
		if codec, ok := c.local.common(d); ok {
			c.audio.apply(d.addr, codec, false)
		}
	}
}

// final is the end of the INVITE.
func (c *Call) final(req *sip.Request, res *sip.Response, err error) {
	switch {
	case err != nil:
		c.finish(fmt.Errorf("INVITE: %w", err))
	case !res.IsSuccess():
		c.mu.Lock()
		c.trace.Code = res.StatusCode
		c.mu.Unlock()
		c.finish(&StatusError{"INVITE", res.StatusCode, res.Reason})
	default:
		c.accepted(req, res)
	}
}

// accepted is the 2xx. One that crossed our CANCEL is acknowledged and ended.
func (c *Call) accepted(req *sip.Request, res *sip.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == ended {
		return
	}
	c.establish(res)
	c.ack(req.CSeq().SeqNo)
	c.trace.Acked = time.Now()
	d, err := parseDescription(res.Body())
	crossed := c.state == leaving
	c.state = confirmed
	c.answer(res.StatusCode)
	if err != nil || crossed {
		c.bye()
		return
	}
	c.hearAt(d)
	c.session.granted(c, res)
}
