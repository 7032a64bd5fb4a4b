package wire

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// tcpThreshold is the size in bytes from which a request prefers a congestion
// controlled transport (RFC 3261 18.1.1).
const tcpThreshold = 1300

// ClientTx is a client transaction: one request of ours and the answers to it.
type ClientTx struct {
	s      *Stack
	req    *sip.Request
	callID string
	key    string
	flow   *flow // set before the transaction is in the table
	fsm    *sip.ClientTx

	onResponse func(*sip.Response)
	onDone     func(error)
	unwatch    func() bool

	// Owned by the Call-ID's lane:
	provisional bool
	final       *sip.Response
	ended       bool
	wantCancel  bool
	cancelSent  bool
	onCancel    []sip.Header // what the CANCEL carries besides
	giveUp      *time.Timer
}

// Request returns the request as it is sent, with its Via. It must not be changed.
func (c *ClientTx) Request() *sip.Request { return c.req }

// Send sends a request in a client transaction of its own. The stack owns the
// request from then on, its Via headers included; Max-Forwards, User-Agent and
// Content-Length are added where they lack.
//
// onResponse is called for each response in wire order: provisional ones, then
// one final. onDone is called once after that: with nil after a final response,
// else with ErrTimeout, ErrTransport, ErrClosed or the context's error. Both run
// in the order of the Call-ID's messages, and either may be nil. The ACK to a
// final response of 300 and above is sent by the stack; the ACK to a 2xx is the
// caller's (WriteStateless). Further 2xx go to Handler.StrayResponse.
//
// Ending ctx forgets the transaction without a CANCEL. If Send returns an error
// nothing was sent, and no callback is called.
func (s *Stack) Send(ctx context.Context, req *sip.Request, dst Dest, onResponse func(*sip.Response), onDone func(error)) (*ClientTx, error) {
	if req.IsAck() {
		return nil, fmt.Errorf("send ACK: %w", ErrNoTransaction)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	if req.CallID() == nil || req.CSeq() == nil || req.From() == nil || req.To() == nil {
		return nil, fmt.Errorf("send %s: Call-ID, CSeq, From or To missing", req.Method)
	}
	c := &ClientTx{
		s: s, req: req, callID: req.CallID().Value(), onResponse: onResponse, onDone: onDone,
		unwatch: func() bool { return true },
	}
	s.complete(req)
	f, dial, err := s.route(dst, len(req.String()))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	if !dial {
		if err := c.start(f); err != nil {
			return nil, err
		}
		c.watch(ctx)
		return c, nil
	}
	if !s.goTracked(func() { c.dialAndStart(ctx, dst) }) {
		return nil, ErrClosed
	}
	return c, nil
}

// Cancel cancels an INVITE (RFC 3261 9.1). The CANCEL is sent as soon as a
// provisional response has arrived; none is sent after a final one. The INVITE
// still ends in the usual way: with 487, with another final response, with a 2xx
// that crossed the CANCEL, or after 32 s with ErrTimeout. The headers are added to
// it, as a Reason (RFC 3326); those of the first call count.
func (s *Stack) Cancel(c *ClientTx, headers ...sip.Header) {
	s.lanes.post(c.callID, func() {
		if !c.wantCancel {
			c.wantCancel, c.onCancel = true, headers
		}
		c.cancelIfDue()
	})
}

// WriteStateless sends a message without a transaction: the ACK to a 2xx, or a
// response that is not to be remembered. A request gets a new Via. A response
// goes only over an open flow.
func (s *Stack) WriteStateless(msg sip.Message, dst Dest) error {
	req, ok := msg.(*sip.Request)
	if !ok {
		dst.NoDial = true
		f, _, err := s.route(dst, 0)
		if err != nil {
			s.m.refuse(refusedNoFlow)
			return fmt.Errorf("send response: %w", err)
		}
		return f.WriteMsg(msg)
	}
	s.complete(req)
	f, dial, err := s.route(dst, len(req.String()))
	if err != nil {
		return fmt.Errorf("send %s: %w", req.Method, err)
	}
	if !dial {
		s.stampRequest(req, f)
		return f.WriteMsg(req)
	}
	if !s.goTracked(func() {
		f, err := s.dialFlow(s.ctx, dst)
		if err == nil {
			s.stampRequest(req, f)
			err = f.WriteMsg(req)
		}
		if err != nil {
			s.warn("send stateless request", "method", req.Method, "peer", dst.Addr, "error", err)
		}
	}) {
		return ErrClosed
	}
	return nil
}

// complete adds what every request carries and takes away foreign Via headers.
func (s *Stack) complete(req *sip.Request) {
	for req.RemoveHeader("Via") {
	}
	if req.MaxForwards() == nil {
		mf := sip.MaxForwardsHeader(70)
		req.AppendHeader(&mf)
	}
	if s.cfg.UserAgent != "" && req.GetHeader("User-Agent") == nil {
		req.AppendHeader(sip.NewHeader("User-Agent", s.cfg.UserAgent))
	}
	req.SetBody(req.Body())
}

// stampRequest puts our Via on top, with a new branch, for the flow it takes.
func (s *Stack) stampRequest(req *sip.Request, f *flow) {
	host, port := s.advertised(f)
	params := sip.NewParams()
	params.Add("branch", sip.GenerateBranch())
	params.Add("rport", "")
	req.PrependHeader(&sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: upper(f.network()), Host: host, Port: port, Params: params,
	})
	req.SetTransport(upper(f.network()))
	req.SetDestination(f.remote.String())
}

func upper(network string) string {
	if network == "tcp" {
		return "TCP"
	}
	return "UDP"
}

// start enters the transaction into the table and sends the request.
func (c *ClientTx) start(f *flow) error {
	c.s.stampRequest(c.req, f)
	return c.launch(f)
}

// launch is start for a request that has its Via, as a CANCEL has.
func (c *ClientTx) launch(f *flow) error {
	c.flow = f
	c.key = clientKey(c.req)
	c.fsm = sip.NewClientTx(c.key, c.req, f, c.s.fsmLog)
	c.s.mu.Lock()
	if c.s.closed {
		c.s.mu.Unlock()
		return ErrClosed
	}
	c.s.clients[c.key] = c
	c.s.m.transactions.WithLabelValues("client").Set(float64(len(c.s.clients)))
	c.s.mu.Unlock()
	if err := c.fsm.Init(); err != nil {
		c.forget()
		c.fsm.Terminate()
		return fmt.Errorf("send %s: %w", c.req.Method, err)
	}
	if !c.fsm.OnTerminate(func(_ string, err error) { c.s.lanes.post(c.callID, func() { c.terminated(err) }) }) {
		c.s.lanes.post(c.callID, func() { c.terminated(sip.ErrTransactionTerminated) })
	}
	return nil
}

// dialAndStart opens the connection first, and falls back to UDP where a large
// request preferred TCP and the peer does not answer there (RFC 3261 18.1.1).
func (c *ClientTx) dialAndStart(ctx context.Context, dst Dest) {
	f, err := c.s.dialFlow(ctx, dst)
	if err != nil && dst.Network != "tcp" {
		dst.TCP = false
		f, err = c.s.udpFlow(dst)
	}
	c.s.lanes.post(c.callID, func() {
		if err == nil {
			err = c.start(f)
		}
		if err != nil {
			c.end(fmt.Errorf("send %s: %w", c.req.Method, err))
			return
		}
		c.watch(ctx)
	})
}

func (c *ClientTx) watch(ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() {
		c.s.lanes.post(c.callID, func() { c.end(ctx.Err()) })
	})
	c.s.lanes.post(c.callID, func() {
		if c.ended {
			stop()
			return
		}
		c.unwatch = stop
	})
}

// receivedResponse matches a response with its transaction (RFC 3261 17.1.3).
func (s *Stack) receivedResponse(res *sip.Response, f *flow) {
	src := f.source()
	if len(res.GetHeaders("Via")) != 1 { // RFC 3261 8.1.3.3
		s.m.refuse(refusedStray)
		return
	}
	s.mu.Lock()
	c := s.clients[clientKey(res)]
	s.mu.Unlock()
	callID := res.CallID().Value()
	switch {
	case c != nil && (c.flow.remote.Addr() != f.remote.Addr() || c.callID != callID):
		s.m.refuse(refusedSource)
		s.debug("response from another address than the request went to", "peer", f.remote)
	case c != nil:
		s.offer(callID, func() { c.received(res, src) })
	case res.IsSuccess() && res.CSeq().MethodName == sip.INVITE:
		s.offer(callID, func() { s.handler.StrayResponse(res, src) })
	default:
		s.m.refuse(refusedStray)
	}
}

// received runs on the lane.
func (c *ClientTx) received(res *sip.Response, src Source) {
	switch {
	case c.final != nil && c.req.IsInvite() && res.IsSuccess():
		c.s.handler.StrayResponse(res, src)
		return
	case c.final != nil && c.req.IsInvite() && !res.IsProvisional():
		// The state machine would wait 4 s with its lock held before it
		// acknowledges again; RFC 3261 17.1.1.2 wants it at once.
		if err := c.flow.WriteMsg(ackOf(c.req, c.final)); err != nil {
			c.s.debug("repeat ACK", "error", err, "peer", c.flow.remote)
		}
		return
	case c.final != nil || c.ended:
		return
	}
	if !c.step(res) {
		return
	}
	if res.IsProvisional() {
		c.provisional = true
		c.tell(res)
		c.cancelIfDue()
		return
	}
	c.final = res
	c.tell(res)
	c.end(nil)
}

// step gives a response to the state machine and reports whether it passed it up.
func (c *ClientTx) step(res *sip.Response) bool {
	stepped := make(chan struct{})
	go func() {
		defer close(stepped)
		c.fsm.Receive(res)
	}()
	passed := false
	for {
		select {
		case <-c.fsm.Responses():
			passed = true
		case <-stepped:
			return passed
		}
	}
}

func (c *ClientTx) tell(res *sip.Response) {
	if c.onResponse != nil {
		c.s.lanes.call(func() { c.onResponse(res) })
	}
}

// terminated is what the state machine ended with. It runs on the lane.
func (c *ClientTx) terminated(err error) {
	switch {
	case c.ended:
	case errors.Is(err, sip.ErrTransactionTimeout):
		err = ErrTimeout
	case errors.Is(err, sip.ErrTransactionTransport):
		err = ErrTransport
	}
	c.end(err)
	c.forget()
}

// end tells the caller that it is over. A refused INVITE stays in the table to
// acknowledge retransmitted refusals; all others go at once, for later 2xx are
// strays and later others are noise. It runs on the lane.
func (c *ClientTx) end(err error) {
	if c.ended {
		return
	}
	c.ended = true
	c.unwatch()
	if c.giveUp != nil {
		c.giveUp.Stop()
	}
	if c.fsm != nil && (c.final == nil || c.final.IsSuccess() || !c.req.IsInvite()) {
		c.forget()
		c.fsm.Terminate()
	}
	if c.onDone != nil {
		c.s.lanes.call(func() { c.onDone(err) })
	}
}

func (c *ClientTx) forget() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.clients[c.key] == c {
		delete(c.s.clients, c.key)
		c.s.m.transactions.WithLabelValues("client").Set(float64(len(c.s.clients)))
	}
}

// cancelIfDue sends the CANCEL once there is a provisional and no final
// response (RFC 3261 9.1). It runs on the lane.
func (c *ClientTx) cancelIfDue() {
	if !c.wantCancel || c.cancelSent || !c.provisional || c.final != nil || c.ended || !c.req.IsInvite() {
		return
	}
	c.cancelSent = true
	cancel := &ClientTx{s: c.s, req: cancelOf(c.req), callID: c.callID, unwatch: func() bool { return true }}
	for _, h := range c.onCancel {
		cancel.req.AppendHeader(h)
	}
	if err := cancel.launch(c.flow); err != nil {
		c.s.warn("send CANCEL", "error", err, "peer", c.flow.remote)
	}
	c.giveUp = time.AfterFunc(64*sip.T1, func() {
		c.s.lanes.post(c.callID, func() { c.end(ErrTimeout) })
	})
}

// cancelOf builds the CANCEL of an INVITE (RFC 3261 9.1): same Request-URI,
// top Via, Route, From, To, Call-ID and CSeq number.
func cancelOf(invite *sip.Request) *sip.Request {
	return hopRequest(invite, sip.CANCEL, invite.To())
}

// ackOf builds the ACK of a non-2xx final response (RFC 3261 17.1.1.3).
func ackOf(invite *sip.Request, res *sip.Response) *sip.Request {
	return hopRequest(invite, sip.ACK, res.To())
}

func hopRequest(invite *sip.Request, method sip.RequestMethod, to *sip.ToHeader) *sip.Request {
	req := sip.NewRequest(method, *invite.Recipient.Clone())
	req.AppendHeader(invite.Via().Clone())
	for _, h := range invite.GetHeaders("Route") {
		req.AppendHeader(sip.HeaderClone(h))
	}
	mf := sip.MaxForwardsHeader(70)
	for _, h := range []sip.Header{&mf, invite.From(), to, invite.CallID()} {
		req.AppendHeader(sip.HeaderClone(h))
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: method})
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.SetBody(nil)
	return req
}

func clientKey(msg sip.Message) string {
	branch, _ := msg.Via().Params.Get("branch")
	return branch + " " + string(msg.CSeq().MethodName)
}

// route finds the flow to a destination, or says that a connection must be
// dialled first. size is that of a request, 0 for a response.
func (s *Stack) route(dst Dest, size int) (f *flow, dial bool, err error) {
	dst.Addr = netip.AddrPortFrom(dst.Addr.Addr().Unmap(), dst.Addr.Port())
	if !dst.Addr.IsValid() || dst.Addr.Port() == 0 {
		return nil, false, fmt.Errorf("destination %v: %w", dst.Addr, ErrNoSocket)
	}
	large := size > tcpThreshold
	if dst.Network == "tcp" || large {
		s.mu.Lock()
		c := s.conns[dst.Addr]
		s.mu.Unlock()
		if c != nil {
			return c.flow(), false, nil
		}
	}
	switch {
	case dst.Network == "tcp" && dst.NoDial:
		return nil, false, fmt.Errorf("%s: %w", dst.Addr, ErrNoFlow)
	case dst.Network == "tcp", large && dst.TCP && !dst.NoDial:
		return nil, true, nil
	}
	f, err = s.udpFlow(dst)
	return f, false, err
}

// dialFlow opens a TCP connection. The local address is left to the system.
func (s *Stack) dialFlow(ctx context.Context, dst Dest) (*flow, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	nc, err := s.cfg.Dial(ctx, "tcp", dst.Addr.String())
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w: %w", dst.Addr, ErrTransport, err)
	}
	c := s.startConn(nc, false)
	if c == nil {
		return nil, ErrClosed
	}
	return c.flow(), nil
}
