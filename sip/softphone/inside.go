package softphone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// inside takes a request of the far side in our dialog.
func (c *Call) inside(req *sip.Request, tx *wire.ServerTx, src wire.Source) {
	if req.IsAck() {
		c.acknowledged(req)
		return
	}
	c.mu.Lock()
	answer := func(code int, reason string) { respond(tx, tx.NewResponse(code, reason, nil)) }
	seq := req.CSeq().SeqNo
	if seq <= c.d.remoteSeq {
		c.mu.Unlock()
		answer(sip.StatusInternalServerError, "Out of order")
		return
	}
	c.d.remoteSeq = seq
	c.d.flow = src.Dest()
	over := false
	switch req.Method {
	case sip.BYE:
		over = true
		if c.trace.Bye.IsZero() {
			c.trace.Bye, c.trace.ByeFar = time.Now(), true
		}
		answer(sip.StatusOK, "OK")
	case sip.INVITE:
		c.reoffered(req, tx)
	case sip.UPDATE:
		c.updated(req, tx)
	case sip.NOTIFY:
		c.notified(req, tx)
	case sip.OPTIONS, sip.INFO:
		res := tx.NewResponse(sip.StatusOK, "OK", nil)
		res.AppendHeader(sip.NewHeader("Allow", allowed))
		respond(tx, res)
	case sip.REFER:
		c.referred(req, tx)
	default:
		answer(sip.StatusMethodNotAllowed, "Method Not Allowed")
	}
	c.mu.Unlock()
	if over {
		c.finish(nil)
	}
}

// acknowledged is the ACK of a 2xx of ours.
func (c *Call) acknowledged(req *sip.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repeat == nil || c.repeat.seq != req.CSeq().SeqNo {
		return
	}
	c.repeat.stop()
	c.repeat = nil
	if c.trace.Acked.IsZero() {
		c.trace.Acked = time.Now()
	}
	if d, err := parseDescription(req.Body()); err == nil {
		c.hearAt(d)
	}
	if c.wantBye && c.state == confirmed {
		c.bye()
	}
}

// reoffered is a re-INVITE. It is called with the lock held.
func (c *Call) reoffered(req *sip.Request, tx *wire.ServerTx) {
	if c.pending || c.repeat != nil || c.state != confirmed {
		respond(tx, tx.NewResponse(sip.StatusRequestPending, "Request Pending", nil))
		return
	}
	body, ok := c.takeOffer(req, tx)
	if !ok {
		return
	}
	if body == nil {
		body = c.local.offer()
	}
	c.repeat2xx(tx, c.accepting(tx, body))
}

// updated is an UPDATE (RFC 3311). It is called with the lock held.
func (c *Call) updated(req *sip.Request, tx *wire.ServerTx) {
	if len(req.Body()) > 0 && c.pending {
		respond(tx, tx.NewResponse(sip.StatusRequestPending, "Request Pending", nil))
		return
	}
	if body, ok := c.takeOffer(req, tx); ok {
		respond(tx, c.accepting(tx, body))
	}
}

// takeOffer answers the offer of a request, where it has one, or refuses the request.
func (c *Call) takeOffer(req *sip.Request, tx *wire.ServerTx) ([]byte, bool) {
	if h := req.Contact(); h != nil {
		c.d.target = *h.Address.Clone()
	}
	if len(req.Body()) == 0 {
		return nil, true
	}
	c.trace.Reoffers++
	d, err := parseDescription(req.Body())
	var body []byte
	if err == nil {
		body, err = c.describe(&d)
	}
	if err != nil {
		respond(tx, tx.NewResponse(sip.StatusNotAcceptableHere, "Not Acceptable Here", nil))
		return nil, false
	}
	return body, true
}

// Hold puts the far side on hold (RFC 3264 section 8.4) and stops sending.
func (c *Call) Hold(ctx context.Context) error { return c.reoffer(ctx, true) }

// Resume takes it back.
func (c *Call) Resume(ctx context.Context) error { return c.reoffer(ctx, false) }

// Press sends a key by INFO (application/dtmf-relay), as phones do that have no telephone-event.
func (c *Call) Press(ctx context.Context, key string) error {
	c.mu.Lock()
	dst, live := c.d.dest(), c.state == confirmed
	c.mu.Unlock()
	if !live {
		return ErrState
	}
	_, err := c.ep.wait(ctx, exchange{dst: dst, build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		req := c.next(sip.INFO)
		req.AppendHeader(sip.NewHeader("Content-Type", "application/dtmf-relay"))
		req.SetBody([]byte("Signal=" + key + "\r\nDuration=160\r\n"))
		return req
	}})
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return nil
}

// maxGlare is how often a re-INVITE is tried that crosses one of the far side.
const maxGlare = 5

func (c *Call) reoffer(ctx context.Context, held bool) error {
	for try := 1; ; try++ {
		err := c.reofferOnce(ctx, held)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != sip.StatusRequestPending || try == maxGlare {
			return err
		}
		// RFC 3261 section 14.1: who owns the Call-ID waits longer.
		wait := time.Duration(rand.IntN(2000)) * time.Millisecond
		if !c.incoming {
			wait = 2100*time.Millisecond + time.Duration(rand.IntN(1900))*time.Millisecond
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-c.over:
			again.Stop()
			return ErrEnded
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		}
	}
}

func (c *Call) reofferOnce(ctx context.Context, held bool) error {
	c.mu.Lock()
	if c.state != confirmed || c.pending {
		c.mu.Unlock()
		return ErrState
	}
	before := c.local.held
	c.pending, c.local.held = true, held
	dst := c.d.dest()
	c.mu.Unlock()
	_, err := c.ep.wait(ctx, exchange{dst: dst, build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		req := c.next(sip.INVITE)
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody(c.local.offer())
		return req
	}, done: func(req *sip.Request, res *sip.Response, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pending = false
		if err != nil {
			c.local.held = before
			return
		}
		c.ack(req.CSeq().SeqNo)
		if d, err := parseDescription(res.Body()); err == nil {
			c.hearAt(d)
		}
	}})
	if err != nil {
		return fmt.Errorf("re-INVITE: %w", err)
	}
	return nil
}
