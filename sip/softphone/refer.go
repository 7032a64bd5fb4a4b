package softphone

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// Referral is a transfer that the far side has accepted (RFC 3515). Its progress comes by NOTIFY.
type Referral struct {
	progress chan int
	done     chan struct{}

	once sync.Once // guards what follows until done is closed
	code int
	err  error
}

// Progress brings the status of each NOTIFY before the final one; what nobody reads is dropped.
func (r *Referral) Progress() <-chan int { return r.progress }

// Wait waits for the final status of the transfer: 200 where the target was reached. It returns ErrEnded where the call
// ended before anything final was said.
func (r *Referral) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-r.done:
		return r.code, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (r *Referral) end(code int, err error) {
	r.once.Do(func() {
		r.code, r.err = code, err
		close(r.done)
	})
}

// Transfer asks the far side to connect itself with a number: a direct connection. It returns when that was accepted.
func (c *Call) Transfer(ctx context.Context, target string) (*Referral, error) {
	u := c.ep.serverURI(target)
	return c.refer(ctx, "<"+u.String()+">")
}

// TransferTo asks the far side to connect itself with the far side of another call of ours, which has been told: an
// announced connection (RFC 3891).
func (c *Call) TransferTo(ctx context.Context, other *Call) (*Referral, error) {
	other.mu.Lock()
	u := bare(other.d.remoteURI)
	server := c.ep.serverURI("")
	u.Host, u.Port = server.Host, server.Port
	replaces := fmt.Sprintf("%s;to-tag=%s;from-tag=%s", other.key.callID, other.d.remoteTag, other.key.tag)
	other.mu.Unlock()
	return c.refer(ctx, "<"+u.String()+"?Replaces="+url.QueryEscape(replaces)+">")
}

func (c *Call) refer(ctx context.Context, to string) (*Referral, error) {
	r := &Referral{progress: make(chan int, 16), done: make(chan struct{})}
	c.mu.Lock()
	if c.state != confirmed {
		c.mu.Unlock()
		return nil, ErrState
	}
	c.referral = r
	dst := c.d.dest()
	c.mu.Unlock()
	_, err := c.ep.wait(ctx, exchange{dst: dst, build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		req := c.next(sip.REFER)
		req.AppendHeader(sip.NewHeader("Refer-To", to))
		req.AppendHeader(sip.NewHeader("Referred-By", "<"+c.d.localURI.String()+">"))
		return req
	}})
	if err != nil {
		return nil, fmt.Errorf("refer: %w", err)
	}
	return r, nil
}

// OnRefer plays the server's part of a REFER for tests of phones against each other: f is told Refer-To, and what it
// returns is reported by NOTIFY. Without it a REFER is declined.
func (c *Call) OnRefer(f func(to string) []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onRefer = f
}

// referred is a REFER that came to us. It is called with the lock held.
func (c *Call) referred(req *sip.Request, tx *wire.ServerTx) {
	if c.onRefer == nil {
		respond(tx, tx.NewResponse(603, "Decline", nil))
		return
	}
	respond(tx, tx.NewResponse(sip.StatusAccepted, "Accepted", nil))
	to := ""
	if h := req.GetHeader("Refer-To"); h != nil {
		to = h.Value()
	}
	for _, code := range c.onRefer(to) {
		notify := c.next(sip.NOTIFY)
		notify.AppendHeader(&sip.ContactHeader{Address: *c.d.contact.Clone()})
		notify.AppendHeader(sip.NewHeader("Event", "refer"))
		notify.AppendHeader(sip.NewHeader("Subscription-State", "active;expires=60"))
		notify.AppendHeader(sip.NewHeader("Content-Type", "message/sipfrag;version=2.0"))
		notify.SetBody(fmt.Appendf(nil, "SIP/2.0 %d Status\r\n", code))
		_, _ = c.ep.stack.Send(c.ep.ctx, notify, c.d.dest(), nil, nil)
	}
}

var errNoStatus = errors.New("no status line")

// notified is a NOTIFY. It is called with the lock held.
func (c *Call) notified(req *sip.Request, tx *wire.ServerTx) {
	if c.referral == nil {
		respond(tx, tx.NewResponse(sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist", nil))
		return
	}
	respond(tx, tx.NewResponse(sip.StatusOK, "OK", nil))
	code, err := fragment(req.Body())
	if err != nil {
		return
	}
	if code < 200 {
		select {
		case c.referral.progress <- code:
		default:
		}
		return
	}
	c.referral.end(code, nil)
}

// fragment reads the status line of a message/sipfrag body (RFC 3420).
func fragment(body []byte) (int, error) {
	line, _, _ := strings.Cut(string(body), "\r\n")
	rest, found := strings.CutPrefix(line, "SIP/2.0 ")
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(strings.TrimSpace(code))
	if !found || err != nil || n < 100 || n > 699 {
		return 0, errNoStatus
	}
	return n, nil
}
