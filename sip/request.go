package sip

import (
	"errors"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// finally is told, once and on the leg's goroutine, how a request of ours ended: the request as it was sent last, and the
// final response, nil where none came.
type finally func(req *msg.Request, res *msg.Response)

// request sends a request of ours inside the dialog.
func (l *leg) request(req *msg.Request, done finally) { l.requestTry(req, done, 0) }

func (l *leg) requestTry(req *msg.Request, done finally, tries int) {
	dst := l.dest()
	var final *msg.Response
	onResponse := func(res *msg.Response) {
		if res.StatusCode >= 200 {
			final = res
		}
	}
	onDone := func(err error) {
		l.box.post(func() {
			if final == nil && errors.Is(err, wire.ErrTransport) {
				final = unreachable()
			}
			if again := l.authorised(req, final, dst, tries); again != nil {
				l.requestTry(again, done, tries+1)
				return
			}
			done(req, final)
		})
	}
	_, err := l.srv.send(req, dst, onResponse, onDone)
	switch {
	case err == nil:
	case errors.Is(err, wire.ErrNoFlow) && l.trunk != "":
		l.reroute(req, done, tries)
	default:
		l.log.Info("request inside the dialog not sent", "method", string(req.Method), "error", err)
		l.box.post(func() { done(req, unreachable()) })
	}
}

// unreachable is what an error of the transport counts as (RFC 3261 section 8.1.3.1): unlike silence it does not end a
// session, since the far side may be back before that runs out.
func unreachable() *msg.Response {
	return msg.NewResponse(msg.StatusServiceUnavailable, phrase(msg.StatusServiceUnavailable))
}

// reroute sends a request to the trunk's target instead of over a connection that is gone, where the far side's Contact
// does not say more than a name. The dialog stays on that way.
func (l *leg) reroute(req *msg.Request, done finally, tries int) {
	t := l.srv.trunks.Load().byName[l.trunk]
	if t == nil || t.target.Host == "" || !l.srv.tasks.enter() {
		l.box.post(func() { done(req, unreachable()) })
		return
	}
	go func() {
		defer l.srv.tasks.leave()
		dests, err := l.srv.stack.Resolve(l.srv.ctx, t.target)
		l.box.post(func() {
			if err != nil || len(dests) == 0 {
				l.log.Info("request inside the dialog not sent", "method", string(req.Method), "error", err)
				done(req, unreachable())
				return
			}
			l.srv.targets.Store(dests[0].Addr.Addr(), nil)
			l.dialog.flow = dests[0]
			l.requestTry(req, done, tries)
		})
	}()
}

// authorised returns the request with credentials where a trunk asked for them, with a new sequence number. It returns nil
// where it must not be repeated: phones never get credentials, and a trunk gets its own twice at most.
func (l *leg) authorised(req *msg.Request, res *msg.Response, dst wire.Dest, tries int) *msg.Request {
	if res == nil || l.trunk == "" || l.phase == gone || tries >= maxAuthTries {
		return nil
	}
	t := l.srv.trunks.Load().byName[l.trunk]
	if t == nil || !t.allowsHost(dst.Addr.Addr()) {
		return nil
	}
	h := t.answer(req, res)
	if h == nil {
		return nil
	}
	again := l.dialog.next(req.Method)
	for _, old := range req.Headers() {
		switch old.(type) {
		case *msg.ViaHeader, *msg.RouteHeader, *msg.FromHeader, *msg.ToHeader, *msg.CallIDHeader, *msg.CSeqHeader,
			*msg.MaxForwardsHeader, *msg.ContentLengthHeader, *msg.ContactHeader:
			continue
		}
		if again.GetHeader(old.Name()) == nil && old.Name() != h.Name() {
			again.AppendHeader(msg.HeaderClone(old))
		}
	}
	again.AppendHeader(h)
	again.SetBody(req.Body())
	return again
}
