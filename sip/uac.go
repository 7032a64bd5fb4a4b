package sip

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

const (
	// defaultRing limits how long a far side may ring where the command says nothing.
	defaultRing = 3 * time.Minute
	// ringMargin is how much longer than its Expires we wait for a far side to stop by itself.
	ringMargin = 5 * time.Second
	// nextAddress is how long an address of a trunk may be silent before the next one is tried.
	nextAddress = 4 * time.Second
	// maxContacts is how many phones of one agent are called at once.
	maxContacts = 16
)

// outgoing is the INVITEs of an outgoing leg: one for each registered phone of an agent, or one after the other for the
// addresses of a trunk.
type outgoing struct {
	dial     call.Dial
	branches []*branch
	offer    []byte
	trunk    *trunk // as it was when the leg was created
	rang     bool   // Ringing was posted
	audible  bool   // EarlyMedia was posted
	code     int    // the best failure so far
	reason   string
	guard    timer
}

// dialOut begins an outgoing leg.
func (s *Server) dialOut(c call.Dial) {
	l := s.newLeg(c.Leg, outgoingLeg)
	l.agent, l.trunk = c.To.Agent, c.To.Trunk
	l.out = &outgoing{dial: c, guard: timer{box: &l.box}}
	if !s.enroll(l) {
		s.log.Error("leg not created: its identifier is taken, or the server closes", "leg", string(c.Leg))
		return
	}
	l.box.post(l.start)
}

func (l *leg) start() {
	if l.phase != early {
		return // hung up before it began
	}
	ring := l.out.dial.Expires + ringMargin
	if l.out.dial.Expires <= 0 {
		ring = defaultRing
	}
	l.out.guard.set(ring, func() { l.giveUp(msg.StatusRequestTimeout) })
	if l.agent != "" {
		l.startAgent()
		return
	}
	l.startTrunk()
}

// giveUp ends the leg's attempts, whatever state they are in.
func (l *leg) giveUp(code int) {
	if l.phase == early {
		l.last(time.Now(), call.Failed{Code: code, Reason: phrase(code)})
		l.hangup(call.Hangup{})
	}
}

func (l *leg) startAgent() {
	contacts := l.srv.cfg.Phones.Contacts(l.agent)
	if len(contacts) > maxContacts {
		contacts = contacts[:maxContacts]
	}
	if len(contacts) == 0 {
		l.giveUp(msg.StatusTemporarilyUnavailable)
		return
	}
	var from netip.Addr
	for i, c := range contacts {
		if a := c.Flow.Addr.Addr(); i == 0 || a == from {
			from = a
		} else {
			from = netip.Addr{} // several hosts: audio is bound by what the descriptions say alone
			break
		}
	}
	if !l.open(contacts[0].Flow, from) {
		return
	}
	for _, c := range contacts {
		l.attempt(&branch{l: l, uri: c.URI, dests: []wire.Dest{c.Flow}, told: c.URI.String()})
	}
	l.settle(time.Now())
}

// startTrunk looks the trunk's target up elsewhere, since that may take its time.
func (l *leg) startTrunk() {
	t := l.srv.trunks.Load().byName[l.trunk]
	if t == nil || t.target.Host == "" {
		l.log.Error("trunk cannot be dialled", "trunk", l.trunk)
		l.giveUp(msg.StatusServiceUnavailable)
		return
	}
	l.out.trunk = t
	if !l.srv.tasks.enter() {
		return
	}
	go func() {
		defer l.srv.tasks.leave()
		dests, err := l.srv.stack.Resolve(l.srv.ctx, t.target)
		l.box.post(func() { l.resolved(t, dests, err) })
	}()
}

func (l *leg) resolved(t *trunk, dests []wire.Dest, err error) {
	if l.phase != early {
		l.finishIfOver()
		return
	}
	if err != nil || len(dests) == 0 {
		l.log.Error("trunk target not found", "trunk", t.name, "error", err)
		l.giveUp(msg.StatusServiceUnavailable)
		return
	}
	for _, d := range dests {
		l.srv.targets.Store(d.Addr.Addr(), nil)
	}
	if !l.open(dests[0], dests[0].Addr.Addr()) {
		return
	}
	uri := *t.target.Clone()
	uri.User = escapeUser(l.out.dial.To.Number)
	l.attempt(&branch{l: l, uri: uri, dests: dests})
	l.settle(time.Now())
}

// open makes the media session and its offer, once for all branches.
func (l *leg) open(dst wire.Dest, signalling netip.Addr) bool {
	o := media.Options{LocalIP: l.srv.localIP(dst), SignallingIP: signalling, Peer: l.out.dial.Peer}
	l.audio(&o)
	err := l.srv.cfg.Media.Open(l.id, o)
	if err == nil {
		l.opened = true
		l.out.offer, err = l.srv.cfg.Media.Offer(l.id)
	}
	if err != nil {
		l.log.Error("no media session", "error", err)
		l.giveUp(msg.StatusServiceUnavailable)
		return false
	}
	return true
}

// worse remembers the best of the failures (RFC 3261 section 16.7 step 6).
func (o *outgoing) worse(code int, reason string) {
	if o.code == 0 || better(code, o.code) {
		o.code, o.reason = code, reason
	}
}

// better reports whether code a tells the caller more than b: a 6xx over all, else the lowest class; within a class what
// says how to do better, then that the callee is busy or declined, before a phone that was not reached.
func better(a, b int) bool {
	rank := func(code int) int {
		switch {
		case code >= 600:
			return 0
		case slices.Contains([]int{401, 407, 415, 420, 484}, code):
			return 4_00
		case code == msg.StatusBusyHere || code == 603:
			return 4_01
		case code == msg.StatusTemporarilyUnavailable:
			return 4_02
		case code == msg.StatusRequestTimeout:
			return 4_99
		default:
			return code/100*100 + 10
		}
	}
	return rank(a) < rank(b)
}

// settle ends the leg where no branch is left that could answer.
func (l *leg) settle(at time.Time) {
	if l.phase != early || slices.ContainsFunc(l.out.branches, func(b *branch) bool { return !b.over && !b.unwanted }) {
		return
	}
	code, reason := l.out.code, l.out.reason
	if code == 0 {
		code, reason = msg.StatusServiceUnavailable, phrase(msg.StatusServiceUnavailable)
	}
	l.last(at, call.Failed{Code: code, Reason: reason})
	l.gone()
}

// cancelAll gives up all branches but one. Phones that are told that the call was answered elsewhere do not list it as
// missed.
func (l *leg) cancelAll(but *branch, elsewhere bool) {
	for _, b := range l.out.branches {
		switch {
		case b == but:
		case elsewhere:
			b.cancel(msg.NewHeader("Reason", answeredElsewhere))
		default:
			b.cancel()
		}
	}
}

// answeredElsewhere is the Reason of a CANCEL to those who were not the first to answer (RFC 3326 section 3.1).
const answeredElsewhere = `SIP;cause=200;text="Call completed elsewhere"`

// finishIfOver forgets a cancelled leg once nothing can come from its branches any more.
func (l *leg) finishIfOver() {
	if l.phase == ending && l.dialog == nil && !slices.ContainsFunc(l.out.branches, func(b *branch) bool { return !b.over }) {
		l.gone()
	}
}

// invite builds the INVITE of a branch.
func (l *leg) invite(b *branch, dst wire.Dest) (*msg.Request, error) {
	host, contact, err := l.srv.contactFor(dst, l.out.dial.Token)
	if err != nil {
		return nil, err
	}
	o := l.out
	b.contact = contact
	req := msg.NewRequest(msg.INVITE, requestURI(b.uri))
	req.AppendHeader(fromHeader(o.dial.From, host, b.tag))
	req.AppendHeader(&msg.ToHeader{Address: bare(b.uri)})
	id := msg.CallIDHeader(b.callID)
	req.AppendHeader(&id)
	b.seq++
	req.AppendHeader(&msg.CSeqHeader{SeqNo: b.seq, MethodName: msg.INVITE})
	forwards := msg.MaxForwardsHeader(maxForwards)
	req.AppendHeader(&forwards)
	req.AppendHeader(msg.NewHeader("Contact", "<"+contact+">"))
	req.AppendHeader(allowHeader())
	req.AppendHeader(supportedHeader())
	l.session.propose(req, "")
	for _, h := range l.callHeaders(host) {
		req.AppendHeader(h)
	}
	req.AppendHeader(sdpType())
	req.SetBody(slices.Clone(o.offer))
	return req, nil
}

// callHeaders are what an INVITE says about the call: who calls, who sent it on, that it is ours, how long it may ring.
func (l *leg) callHeaders(host string) []msg.Header {
	d := l.out.dial
	out := assertedHeaders(d.From, host, l.trunk != "")
	if t := l.out.trunk; t != nil {
		out = append(out, diversionHeaders(d.DivertedBy, d.To.Number, host, t.target.Host)...)
	}
	if d.Token != "" && !hasControl(d.Token) {
		out = append(out, msg.NewHeader(tokenHeader, d.Token))
	}
	if d.Expires > 0 {
		out = append(out, msg.NewHeader("Expires", seconds(max(d.Expires, time.Second))))
	}
	if d.Answer {
		out = append(out, answerHeaders(host)...)
	}
	return out
}

// answerHeaders ask a phone to answer by itself, in each of the ways that phones know: RFC 5373 section 4.1, answer-after in
// Call-Info, and the alert-autoanswer of Alert-Info.
func answerHeaders(host string) []msg.Header {
	return []msg.Header{
		msg.NewHeader("Answer-Mode", "Auto"),
		msg.NewHeader("Call-Info", "<sip:"+host+">;answer-after=0"),
		msg.NewHeader("Alert-Info", "<http://"+host+">;info=alert-autoanswer;delay=0"),
	}
}

// tokenHeader carries the token of an outgoing leg through a PBX that keeps foreign headers; tokenParam, a parameter of
// our Contact, through one that routes as a proxy and keeps that.
const (
	tokenHeader = "X-Telefonist-Leg"
	tokenParam  = "tfl"
)

// tokenOf finds the token of one of our own legs on an INVITE that came back: in the header, in the Contact, or by its
// Call-ID and From tag where a proxy sent our own INVITE back.
func (s *Server) tokenOf(req *msg.Request) string {
	if t := value(req, strings.ToLower(tokenHeader)); t != "" && !hasControl(t) && len(t) <= maxUser {
		return t
	}
	if c := req.Contact(); c != nil {
		if t := paramOf(c.Address.UriParams, tokenParam); t != "" && len(t) <= maxUser {
			return t
		}
	}
	if l := s.find(dialogKey{req.CallID().Value(), tagOf(req.From().Params)}); l != nil && l.out != nil {
		return l.out.dial.Token
	}
	return ""
}
