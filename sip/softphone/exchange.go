package softphone

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"telefonist/sip/wire"
)

// exchange is a request and its answers, sent once more with credentials where it is challenged.
type exchange struct {
	// build makes the request with its next sequence number.
	build func() *sip.Request
	dst   wire.Dest
	// sent is told of each transaction, provisional of each provisional response; both may be nil.
	sent        func(*wire.ClientTx)
	provisional func(*sip.Response)
	// done is called once, with the final response and the request that it answers, or with an error.
	done func(req *sip.Request, res *sip.Response, err error)
}

// do sends it. All that it calls runs in the order of the Call-ID's messages; where nothing can be sent, done runs at
// once.
func (e *endpoint) do(x exchange) { e.attempt(x, x.build(), true) }

func (e *endpoint) attempt(x exchange, req *sip.Request, again bool) {
	answered := false
	tx, err := e.stack.Send(e.ctx, req, x.dst, func(res *sip.Response) {
		if res.IsProvisional() {
			if x.provisional != nil {
				x.provisional(res)
			}
			return
		}
		answered = true
		if again && challenged(res) {
			next := x.build()
			if err := e.authorize(next, res); err == nil {
				e.attempt(x, next, false)
				return
			}
		}
		x.done(req, res, nil)
	}, func(err error) {
		if !answered {
			x.done(req, nil, orSilent(err))
		}
	})
	if err != nil {
		x.done(req, nil, err)
		return
	}
	if x.sent != nil {
		x.sent(tx)
	}
}

func orSilent(err error) error {
	if err == nil {
		return errors.New("transaction ended without an answer")
	}
	return err
}

func challenged(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// authorize answers the challenge of a 401 or 407 (RFC 3261 section 22, RFC 8760 for the choice of the algorithm).
func (e *endpoint) authorize(req *sip.Request, res *sip.Response) error {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if e.cfg.Password == "" {
		return errors.New("no password to answer the challenge with")
	}
	chosen, err := e.choose(res.GetHeaders(ask))
	if err != nil {
		return err
	}
	cred, err := digest.Digest(chosen, digest.Options{
		Method: string(req.Method), URI: req.Recipient.String(), Username: e.cfg.User, Password: e.cfg.Password, Count: 1,
	})
	if err != nil {
		return fmt.Errorf("answer challenge: %w", err)
	}
	req.AppendHeader(sip.NewHeader(answer, cred.String()))
	return nil
}

func (e *endpoint) choose(headers []sip.Header) (*digest.Challenge, error) {
	var first *digest.Challenge
	for _, h := range headers {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(c) {
			continue
		}
		algorithm := c.Algorithm
		if algorithm == "" {
			algorithm = "MD5"
		}
		if strings.EqualFold(algorithm, e.cfg.Algorithm) {
			return c, nil
		}
		if first == nil {
			first = c
		}
	}
	if first == nil {
		return nil, errors.New("no challenge that can be answered")
	}
	return first, nil
}

// wait sends a request and waits for its success.
func (e *endpoint) wait(ctx context.Context, x exchange) (*sip.Response, error) {
	type result struct {
		res *sip.Response
		err error
	}
	ch := make(chan result, 1)
	then := x.done
	x.done = func(req *sip.Request, res *sip.Response, err error) {
		if err == nil && !res.IsSuccess() {
			err = &StatusError{string(req.Method), res.StatusCode, res.Reason}
		}
		if then != nil {
			then(req, res, err)
		}
		ch <- result{res, err}
	}
	e.do(x)
	select {
	case r := <-ch:
		return r.res, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
