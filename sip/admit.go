package sip

import (
	"crypto/rand"
	"net/netip"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// origin is who a source address belongs to.
type origin struct {
	trunk *trunk
	phone bool
}

// originOf tells whose an address is. A phone's own flow comes before a trunk's network, that before a host with phones.
func (s *Server) originOf(src netip.AddrPort) origin {
	flow, host := s.cfg.Phones.Known(src)
	if flow {
		return origin{phone: true}
	}
	if t := s.trunks.Load().from(src); t != nil {
		return origin{trunk: t}
	}
	return origin{phone: host}
}

func (o origin) known() bool { return o.trunk != nil || o.phone }

// known is wire's Config.Known. A trunk's target is no stranger where it answers, though it may place no calls.
func (s *Server) known(src netip.AddrPort) bool {
	if s.originOf(src).known() {
		return true
	}
	_, ok := s.targets.Load(src.Addr())
	return ok
}

// admit is wire's Config.Admit: what is refused without a transaction.
func (s *Server) admit(src wire.Source, req *msg.Request) wire.Verdict {
	if req.Method == msg.REGISTER {
		return wire.Accept()
	}
	if tag := tagOf(req.To().Params); tag != "" && s.find(dialogKey{req.CallID().Value(), tag}) != nil {
		return wire.Accept()
	}
	from := s.originOf(src.Addr)
	if !from.known() {
		return s.stranger(req)
	}
	if req.Method == msg.INVITE && tagOf(req.To().Params) == "" && !s.takingFrom(from) {
		s.metrics.refused.WithLabelValues(refusedDraining).Inc()
		return wire.Answer(msg.StatusServiceUnavailable, phrase(msg.StatusServiceUnavailable), retryAfter(refusedRetry))
	}
	return wire.Accept()
}

// taking reports whether new calls are taken.
func (s *Server) taking() bool { return s.open.Load() && !s.draining.Load() }

// takingFrom reports whether an INVITE is taken. While draining, phones may still call out for the calls that they have.
func (s *Server) takingFrom(from origin) bool { return s.taking() || from.phone && s.open.Load() }

func (s *Server) stranger(req *msg.Request) wire.Verdict {
	if req.Method == msg.INVITE {
		s.metrics.refused.WithLabelValues(refusedStranger).Inc()
	}
	s.metrics.unknown.WithLabelValues(string(s.cfg.UnknownSource)).Inc()
	if s.cfg.UnknownSource == DropUnknown || req.IsAck() {
		return wire.Drop()
	}
	return wire.Answer(msg.StatusForbidden, phrase(msg.StatusForbidden))
}

// Request is wire's Handler.
func (s *Server) Request(req *msg.Request, tx *wire.ServerTx, src wire.Source) {
	at := time.Now()
	switch {
	case req.Method == msg.REGISTER:
		s.cfg.Phones.Register(req, tx, src)
	case tx.InDialog():
		s.inDialog(req, tx, src, at)
	default:
		s.outside(req, tx, src, at)
	}
}

func (s *Server) inDialog(req *msg.Request, tx *wire.ServerTx, src wire.Source, at time.Time) {
	l := s.find(dialogKey{req.CallID().Value(), tx.ToTag()})
	if l == nil {
		s.answer(tx, msg.StatusCallTransactionDoesNotExists)
		return
	}
	if !l.box.offer(func() { l.receive(req, tx, src, at) }) {
		s.answer(tx, msg.StatusServiceUnavailable, retryAfter(time.Second))
	}
}

// outside answers requests outside a dialog.
func (s *Server) outside(req *msg.Request, tx *wire.ServerTx, src wire.Source, at time.Time) {
	switch req.Method {
	case msg.INVITE:
		s.invite(req, tx, src, at)
	case msg.ACK:
	case msg.OPTIONS:
		code := msg.StatusOK
		if !s.takingFrom(s.originOf(src.Addr)) {
			code = msg.StatusServiceUnavailable
		}
		s.respond(tx, capabilities(tx, code))
	case msg.REFER:
		s.answer(tx, msg.StatusForbidden)
	case msg.BYE, msg.UPDATE, msg.INFO, msg.PRACK, msg.NOTIFY:
		s.answer(tx, msg.StatusCallTransactionDoesNotExists)
	case msg.SUBSCRIBE, msg.MESSAGE, msg.PUBLISH:
		s.respond(tx, notAllowed(tx))
	default:
		res := tx.NewResponse(msg.StatusNotImplemented, phrase(msg.StatusNotImplemented), nil)
		res.AppendHeader(allowHeader())
		s.respond(tx, res)
	}
}

func (s *Server) answer(tx *wire.ServerTx, code int, extra ...msg.Header) {
	res := tx.NewResponse(code, phrase(code), nil)
	for _, h := range extra {
		res.AppendHeader(h)
	}
	s.respond(tx, res)
}

func (s *Server) respond(tx *wire.ServerTx, res *msg.Response) {
	if tx.Request().IsAck() {
		return
	}
	if err := tx.Respond(res); err != nil {
		s.log.Debug("response not sent", "code", res.StatusCode, "error", err)
	}
}

// invite begins an incoming leg. Everything that can be refused without media is refused here.
func (s *Server) invite(req *msg.Request, tx *wire.ServerTx, src wire.Source, at time.Time) {
	if refusal := invalid(req, tx); refusal != nil {
		s.metrics.refused.WithLabelValues(refusedInvalid).Inc()
		s.respond(tx, refusal)
		return
	}
	from := s.originOf(src.Addr)
	agent, trunkName := "", ""
	if from.trunk != nil {
		trunkName = from.trunk.name
	} else {
		var ok bool
		if agent, ok = s.cfg.Phones.Authenticate(req, tx, src); !ok {
			return
		}
	}
	_, contact, err := s.contactFor(src.Dest(), "")
	if err != nil {
		s.log.Error("no contact for a source", "source", src.Addr, "error", err)
		s.answer(tx, msg.StatusServiceUnavailable, retryAfter(refusedRetry))
		return
	}
	l := s.newLeg(call.LegID(rand.Text()), incomingLeg)
	l.agent, l.trunk = agent, trunkName
	l.in = &incoming{req: req, tx: tx, src: src, at: at, event: s.arrived(req, trunkName, agent)}
	l.dialog = incomingDialog(req, tx.ToTag(), contact, src)
	if merged, ok := s.enrollIncoming(l); merged {
		s.metrics.refused.WithLabelValues(refusedMerged).Inc()
		s.answer(tx, msg.StatusLoopDetected)
		return
	} else if !ok {
		s.metrics.refused.WithLabelValues(refusedDraining).Inc()
		s.answer(tx, msg.StatusServiceUnavailable, retryAfter(refusedRetry))
		return
	}
	tx.OnCancel(func(*msg.Request) { at := time.Now(); l.box.post(func() { l.cancelled(at) }) })
	tx.OnDone(func(err error) { at := time.Now(); l.box.post(func() { l.undeliverable(err, at) }) })
	l.box.post(l.arrive)
}

// enrollIncoming enters an incoming leg, unless the same request has come by another way (merged) or the server closes.
func (s *Server) enrollIncoming(l *leg) (merged, ok bool) {
	key := mergeKeyOf(l.in.req)
	s.mu.Lock()
	if s.merges[key] != nil {
		s.mu.Unlock()
		return true, false
	}
	s.merges[key] = l
	s.mu.Unlock()
	if !s.enroll(l) {
		s.mu.Lock()
		delete(s.merges, key)
		s.mu.Unlock()
		return false, false
	}
	s.enrollKey(l, dialogKey{l.dialog.callID, l.dialog.localTag}, l.dialog.remoteTag)
	return false, true
}

// maxDiverted is how often a call may have been forwarded on its way. One that was more often goes in circles.
const maxDiverted = 15

// invalid returns the refusal of an INVITE that cannot become a call, else nil.
func invalid(req *msg.Request, tx *wire.ServerTx) *msg.Response {
	if res := unsupported(req, tx); res != nil {
		return res
	}
	code := 0
	switch c := req.Contact(); {
	case c == nil || c.Address.Wildcard || c.Address.Host == "" || len(req.GetHeaders("contact"))+len(req.GetHeaders("m")) != 1,
		tagOf(req.From().Params) == "":
		code = msg.StatusBadRequest
	case req.MaxForwards() != nil && req.MaxForwards().Val() == 0:
		code = msg.StatusTooManyHops
	case len(users(req, "history-info"))+len(users(req, "diversion")) > maxDiverted:
		code = msg.StatusLoopDetected
	case wantsOther(req):
		code = msg.StatusNotAcceptable
	}
	if code != 0 {
		return tx.NewResponse(code, phrase(code), nil)
	}
	if res := wrongBody(req, tx); res != nil {
		return res
	}
	if value(req, "replaces") != "" || value(req, "join") != "" {
		// It is meant for a dialog that stands, not for a new call. Calls are moved by REFER here, so that none matches
		// (RFC 3891 section 3, RFC 3911 section 4).
		code = msg.StatusCallTransactionDoesNotExists
		return tx.NewResponse(code, phrase(code), nil)
	}
	return tooBrief(req, tx)
}

// arrived builds the event that tells of an INVITE.
func (s *Server) arrived(req *msg.Request, trunkName, agent string) func(*leg) call.Event {
	if agent != "" {
		return func(l *leg) call.Event {
			return call.Dialled{Agent: agent, Target: userOf(&req.Recipient), Dialog: l.arrivedDialog()}
		}
	}
	token := s.tokenOf(req)
	return func(l *leg) call.Event {
		return call.Arrived{
			Trunk:     trunkName,
			Called:    userOf(&req.Recipient),
			Entrances: entrancesOf(req),
			Caller:    callerOf(req),
			Token:     token,
			Diverted:  divertedOf(req),
			SIPCall:   req.CallID().Value(),
			Dialog:    l.arrivedDialog(),
		}
	}
}

// StrayResponse is wire's Handler: a 2xx to an INVITE after the first one, or to an INVITE of an earlier life.
func (s *Server) StrayResponse(res *msg.Response, src wire.Source) {
	if l := s.find(dialogKey{res.CallID().Value(), tagOf(res.From().Params)}); l != nil {
		l.box.offer(func() { l.strayed(res) })
		return
	}
	if s.known(src.Addr) && tagOf(res.To().Params) != "" {
		s.endStray(res, src)
	}
}
