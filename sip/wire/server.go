package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ServerTx is a server transaction: one request and our answers to it. Its
// methods may be called from any goroutine.
type ServerTx struct {
	s      *Stack
	fsm    *sip.ServerTx // nil for an ACK
	req    *sip.Request
	key    string
	callID string
	flow   *flow // where responses go
	src    Source
	toTag  string
	inside bool // the request came with a To tag
	size   int  // bytes of the request on the wire

	mu        sync.Mutex // protects what follows; held while a response is written
	answered  bool       // a response was sent
	final     int        // status code of the final response sent, 0 before
	acked     bool       // a non-2xx final response was acknowledged, or never will be
	cancel    *sip.Request
	cancelled bool
	onCancel  func(*sip.Request)
	onDone    func(error)
	ended     bool
	err       error
	done      chan struct{}
	unheard   *time.Timer
}

// Request returns the request that started the transaction.
func (t *ServerTx) Request() *sip.Request { return t.req }

// Source returns where the request came from.
func (t *ServerTx) Source() Source { return t.src }

// ToTag returns our tag: the one all responses but 100 carry in To, and the
// local tag of a dialog that they create. For a request inside a dialog it is
// the tag that the request came with.
func (t *ServerTx) ToTag() string { return t.toTag }

// InDialog reports whether the request came with a To tag.
func (t *ServerTx) InDialog() bool { return t.inside }

// Size returns how many bytes the request had on the wire: the most that a
// stranger should be answered with on UDP.
func (t *ServerTx) Size() int { return t.size }

// NewResponse builds a response to the request (RFC 3261 8.2.6) with our To tag.
func (t *ServerTx) NewResponse(code int, reason string, body []byte) *sip.Response {
	res := sip.NewResponseFromRequest(t.req, code, reason, body)
	t.prepare(res)
	return res
}

// Respond sends a response. After a final one only further 2xx are let through:
// their retransmission is the dialog layer's (RFC 3261 13.3.1.4). The To tag is
// set to ToTag. It returns ErrFinalSent, ErrNoTransaction, or what hindered the
// writing; the transaction has then ended.
func (t *ServerTx) Respond(res *sip.Response) error {
	if t.fsm == nil {
		return ErrNoTransaction
	}
	t.prepare(res)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.respondLocked(res)
}

func (t *ServerTx) respondLocked(res *sip.Response) error {
	if t.ended {
		return ErrNoTransaction
	}
	t.answered = true
	repeated2xx := t.req.IsInvite() && t.final/100 == 2 && res.IsSuccess()
	if t.final != 0 && !repeated2xx {
		return ErrFinalSent
	}
	if !res.IsProvisional() {
		t.final = res.StatusCode
	}
	if err := t.fsm.Respond(res); err != nil && !errors.Is(err, sip.ErrTransactionTerminated) {
		return fmt.Errorf("respond %d: %w", res.StatusCode, err)
	}
	return nil
}

// Refuse sends a final response once and forgets the transaction, so that a
// stranger cannot make us retransmit (a challenge, a rejection). A
// retransmission of the request is then a new request.
func (t *ServerTx) Refuse(res *sip.Response) error {
	if t.fsm == nil {
		return ErrNoTransaction
	}
	t.prepare(res)
	t.mu.Lock()
	if t.ended || t.final != 0 {
		t.mu.Unlock()
		return ErrFinalSent
	}
	t.answered, t.final, t.acked = true, res.StatusCode, true
	t.mu.Unlock()
	err := t.flow.WriteMsg(res)
	t.fsm.Terminate()
	return err
}

// Terminate forgets the transaction without sending anything.
func (t *ServerTx) Terminate() {
	if t.fsm != nil {
		t.fsm.Terminate()
	}
}

// OnCancel registers what is called, once, when the request is cancelled before
// a final response; at once if it already was. The 200 to the CANCEL has been
// sent; the 487 is the caller's to send with Respond. It runs in the order of
// the Call-ID's messages.
func (t *ServerTx) OnCancel(f func(cancel *sip.Request)) {
	t.mu.Lock()
	t.onCancel = f
	t.mu.Unlock()
	t.s.lanes.post(t.callID, t.tellCancel)
}

// Cancelled reports whether a CANCEL came before a final response was sent.
func (t *ServerTx) Cancelled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cancel != nil
}

// OnDone registers what is called, once, when the transaction has ended. The
// error is nil unless a response could not be delivered: ErrTimeout where the
// ACK of a non-2xx final response never came, ErrTransport where a response
// could not be written.
func (t *ServerTx) OnDone(f func(err error)) {
	t.mu.Lock()
	t.onDone = f
	ended, err := t.ended, t.err
	t.mu.Unlock()
	if ended {
		t.s.lanes.post(t.callID, func() { f(err) })
	}
}

// Done is closed when the transaction has ended.
func (t *ServerTx) Done() <-chan struct{} { return t.done }

// Err returns what OnDone is told, nil before.
func (t *ServerTx) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// prepare gives a response our To tag, so that 180, 200 and 487 of one INVITE
// carry the same (RFC 3261 8.2.6.2), and the Server header. Strangers are not told
// what runs here, and their answers stay short.
func (t *ServerTx) prepare(res *sip.Response) {
	if to := res.To(); to != nil && res.StatusCode > 100 {
		to.Params.Add("tag", t.toTag)
	}
	if t.s.cfg.UserAgent != "" && !t.stranger() && res.GetHeader("Server") == nil {
		res.AppendHeader(sip.NewHeader("Server", t.s.cfg.UserAgent))
	}
}

// receivedRequest matches a request with its transaction or admits it.
func (s *Stack) receivedRequest(req *sip.Request, f *flow, size int) {
	callID := req.CallID().Value()
	src := f.source()
	matched := s.server(serverKey(req, f, req.Method))
	if req.IsAck() || req.IsCancel() {
		matched = s.server(serverKey(req, f, sip.INVITE))
	}
	to := stampVia(req.Via(), f.remote)
	if f.conn == nil {
		f = f.sock.flow(to)
	}
	switch {
	case matched != nil && req.IsAck():
		s.offer(callID, func() { matched.receivedACK(req) })
	case matched != nil && req.IsCancel():
		s.offer(callID, func() { matched.receivedCancel(req, f) })
	case matched != nil:
		s.offer(callID, func() { matched.retransmitted(req) })
	default:
		s.firstSeen(req, f, src, size)
	}
}

// firstSeen admits a request and starts its transaction.
func (s *Stack) firstSeen(req *sip.Request, f *flow, src Source, size int) {
	if s.cfg.Admit != nil {
		if v := s.cfg.Admit(src, req); v.drop || v.code != 0 {
			s.refuseRequest(v, req, f, size)
			return
		}
	}
	callID := req.CallID().Value()
	switch {
	case req.IsAck():
		tx := s.newACKTx(req, f, src)
		s.offer(callID, func() { s.handler.Request(req, tx, src) })
		return
	case req.IsCancel():
		s.m.refuse(refusedCancel)
		s.answerOnce(Answer(sip.StatusCallTransactionDoesNotExists, "No Such Transaction"), req, f, size)
		return
	}
	tx := s.newServerTx(req, f, src, size)
	if !s.openServer(tx) {
		s.m.refuse(refusedOverload)
		s.answerOnce(Answer(sip.StatusServiceUnavailable, "Service Unavailable", sip.NewHeader("Retry-After", "5")), req, f, size)
		return
	}
	if !s.offer(callID, tx.start) {
		tx.Terminate()
	}
}

func (s *Stack) refuseRequest(v Verdict, req *sip.Request, f *flow, size int) {
	if v.drop || req.IsAck() {
		s.m.refuse(refusedDrop)
		return
	}
	s.m.refuse(refusedAnswer)
	s.answerOnce(v, req, f, size)
}

// answerOnce answers without a transaction; on UDP never with more bytes than came.
func (s *Stack) answerOnce(v Verdict, req *sip.Request, f *flow, size int) {
	res := sip.NewResponseFromRequest(req, v.code, v.reason, nil)
	if to := res.To(); to != nil && !req.To().Params.Has("tag") {
		to.Params.Add("tag", strconv.FormatUint(hashTag(req.Via().Value()), 36))
	}
	for _, h := range v.headers {
		res.AppendHeader(h)
	}
	if f.conn == nil && len(res.String()) > size {
		res.Reason = "" // may be empty (RFC 3261 25.1)
		if len(res.String()) > size {
			s.m.refuse(refusedAmplify)
			return
		}
	}
	if err := f.WriteMsg(res); err != nil {
		s.debug("stateless answer", "error", err, "peer", f.remote)
	}
}

func (s *Stack) newServerTx(req *sip.Request, f *flow, src Source, size int) *ServerTx {
	t := &ServerTx{
		s: s, req: req, callID: req.CallID().Value(), flow: f, src: src, done: make(chan struct{}),
		key: serverKey(req, f, req.Method), size: size,
	}
	if t.toTag, t.inside = req.To().Params.Get("tag"); !t.inside {
		t.toTag = sip.GenerateTagN(16)
	}
	return t
}

// newACKTx returns what goes with an ACK: a transaction that is over.
func (s *Stack) newACKTx(ack *sip.Request, f *flow, src Source) *ServerTx {
	t := s.newServerTx(ack, f, src, 0)
	t.ended = true
	close(t.done)
	return t
}

// openServer enters the transaction into the table, unless that is full.
func (s *Stack) openServer(t *ServerTx) bool {
	fsm := sip.NewServerTx(t.key, t.req, t.flow, s.fsmLog)
	if fsm.Init() != nil {
		return false
	}
	fsm.OnTerminate(func(_ string, err error) { t.end(err) })
	s.mu.Lock()
	if s.closed || len(s.servers) >= s.cfg.MaxTransactions {
		s.mu.Unlock()
		fsm.Terminate()
		return false
	}
	t.fsm = fsm
	s.servers[t.key] = t
	s.m.transactions.WithLabelValues("server").Set(float64(len(s.servers)))
	s.mu.Unlock()
	return true
}

func (s *Stack) server(key string) *ServerTx {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers[key]
}

// start sends 100 to an INVITE and calls the handler. It runs on the lane. A
// stranger's INVITE gets its 100 only when the handler has not refused it: a
// challenge is all that a stranger is worth.
func (t *ServerTx) start() {
	switch {
	case !t.req.IsInvite():
		t.mu.Lock()
		t.unheard = time.AfterFunc(64*sip.T1, t.neverAnswered)
		t.mu.Unlock()
	case t.stranger():
		defer t.trying()
	default:
		t.trying()
	}
	defer func() {
		if v := recover(); v != nil {
			t.Respond(t.NewResponse(sip.StatusInternalServerError, "Server Internal Error", nil))
			panic(v) // the lane counts and logs it
		}
	}()
	t.s.handler.Request(t.req, t, t.src)
}

// stranger reports whether the request came from a source that is not known.
func (t *ServerTx) stranger() bool { return t.s.cfg.Known != nil && !t.s.cfg.Known(t.src.Addr) }

// trying sends 100, unless something else was sent before.
func (t *ServerTx) trying() {
	res := sip.NewResponseFromRequest(t.req, sip.StatusTrying, "Trying", nil)
	t.prepare(res)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answered {
		return
	}
	if err := t.respondLocked(res); err != nil {
		t.s.debug("send 100", "error", err, "peer", t.src.Addr)
	}
}

// neverAnswered ends a non-INVITE transaction whose client has given up: no
// response makes sense any more (RFC 4320 4.2).
func (t *ServerTx) neverAnswered() {
	t.mu.Lock()
	silent := t.final == 0 && !t.ended
	t.mu.Unlock()
	if silent {
		t.s.m.refuse(refusedUnanswered)
		t.fsm.Terminate()
	}
}

// retransmitted repeats the last response. It runs on the lane.
func (t *ServerTx) retransmitted(req *sip.Request) {
	if err := t.fsm.Receive(req); err != nil {
		t.s.debug("retransmitted request", "error", err, "peer", t.src.Addr)
	}
}

// receivedACK runs on the lane. An ACK that carries the branch of its INVITE
// belongs to a refusal, or comes from a peer that numbers badly; the handler
// gets the latter.
func (t *ServerTx) receivedACK(ack *sip.Request) {
	t.mu.Lock()
	final := t.final
	t.acked = t.acked || final >= 300
	t.mu.Unlock()
	switch {
	case final/100 == 2:
		t.s.handler.Request(ack, t.s.newACKTx(ack, t.flow, t.src), t.src)
	case final != 0:
		go drainACK(t.fsm)
		t.retransmitted(ack)
	}
}

// drainACK takes the ACK from the state machine, which would otherwise keep a
// goroutine waiting for somebody to ask for it.
func drainACK(fsm *sip.ServerTx) {
	select {
	case <-fsm.Acks():
	case <-fsm.Done():
	}
}

// receivedCancel answers 200 (RFC 3261 9.2) and tells the handler once. It runs
// on the lane, behind the INVITE's own call.
func (t *ServerTx) receivedCancel(cancel *sip.Request, f *flow) {
	res := sip.NewResponseFromRequest(cancel, sip.StatusOK, "OK", nil)
	t.prepare(res)
	if err := f.WriteMsg(res); err != nil {
		t.s.debug("answer CANCEL", "error", err, "peer", t.src.Addr)
	}
	t.mu.Lock()
	if t.cancel == nil && t.final == 0 {
		t.cancel = cancel
	}
	t.mu.Unlock()
	t.tellCancel()
}

func (t *ServerTx) tellCancel() {
	t.mu.Lock()
	f, cancel := t.onCancel, t.cancel
	tell := f != nil && cancel != nil && !t.cancelled
	t.cancelled = t.cancelled || tell
	t.mu.Unlock()
	if tell {
		f(cancel)
	}
}

// end is called by the state machine, with its lock held, possibly inside
// Respond: it must not take t.mu here.
func (t *ServerTx) end(err error) {
	t.s.mu.Lock()
	if t.s.servers[t.key] == t {
		delete(t.s.servers, t.key)
		t.s.m.transactions.WithLabelValues("server").Set(float64(len(t.s.servers)))
	}
	t.s.mu.Unlock()
	t.s.lanes.post(t.callID, func() { t.ending(err) })
}

// ending runs on the lane.
func (t *ServerTx) ending(err error) {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return
	}
	t.ended = true
	if t.unheard != nil {
		t.unheard.Stop()
	}
	switch {
	case errors.Is(err, sip.ErrTransactionTransport):
		t.err = ErrTransport
	case t.req.IsInvite() && t.final >= 300 && !t.acked && !t.s.isClosed():
		t.err = ErrTimeout
	}
	f, result := t.onDone, t.err
	close(t.done)
	t.mu.Unlock()
	if f != nil {
		f(result)
	}
}

// serverKey identifies a server transaction (RFC 3261 17.2.3). The peer's IP
// address is part of it, so that nobody else can cancel, acknowledge or repeat
// a request.
func serverKey(req *sip.Request, f *flow, method sip.RequestMethod) string {
	via := req.Via()
	var b strings.Builder
	b.WriteString(f.remote.Addr().String())
	branch, _ := via.Params.Get("branch")
	for _, part := range []string{string(method), branch, strings.ToLower(via.Host), strconv.Itoa(via.Port)} {
		b.WriteByte(' ')
		b.WriteString(part)
	}
	if cookie := sip.RFC3261BranchMagicCookie; strings.HasPrefix(branch, cookie) && len(branch) > len(cookie) {
		return b.String()
	}
	tag, _ := req.From().Params.Get("tag")
	for _, part := range []string{tag, req.CallID().Value(), strconv.FormatUint(uint64(req.CSeq().SeqNo), 10)} {
		b.WriteByte(' ')
		b.WriteString(part)
	}
	return b.String()
}
