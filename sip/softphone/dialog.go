package softphone

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// dialog is the state of RFC 3261 section 12, as a user agent keeps it that trusts its server.
type dialog struct {
	localURI, remoteURI sip.Uri
	localName           string
	remoteTag           string
	target              sip.Uri
	routes              []sip.Uri
	seq, remoteSeq      uint32
	flow                wire.Dest
	contact             sip.Uri
}

// next builds a request inside the dialog with the next sequence number. It is called with the lock held.
func (c *Call) next(method sip.RequestMethod) *sip.Request {
	c.d.seq++
	return c.build(method, c.d.seq, c.d.remoteTag)
}

func (c *Call) build(method sip.RequestMethod, seq uint32, remoteTag string) *sip.Request {
	recipient := *c.d.target.Clone()
	recipient.Headers = nil
	req := sip.NewRequest(method, recipient)
	for _, r := range c.d.routes {
		req.AppendHeader(&sip.RouteHeader{Address: *r.Clone()})
	}
	req.AppendHeader(&sip.FromHeader{DisplayName: c.d.localName, Address: *c.d.localURI.Clone(), Params: tagged(c.key.tag)})
	req.AppendHeader(&sip.ToHeader{Address: *c.d.remoteURI.Clone(), Params: tagged(remoteTag)})
	id := sip.CallIDHeader(c.key.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	if method == sip.INVITE || method == sip.UPDATE || method == sip.REFER {
		req.AppendHeader(&sip.ContactHeader{Address: *c.d.contact.Clone()})
		req.AppendHeader(sip.NewHeader("Allow", allowed))
	}
	if method == sip.INVITE || method == sip.UPDATE {
		req.AppendHeader(sip.NewHeader("Supported", "timer, replaces"))
	}
	return req
}

// dest is where requests inside the dialog go: the first route or the far side's Contact. Over TCP the connection of the
// dialog is kept.
func (d *dialog) dest() wire.Dest {
	hop := d.target
	if len(d.routes) > 0 {
		hop = d.routes[0]
	}
	addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	if err != nil || d.flow.Network == "tcp" {
		return d.flow
	}
	port := uint16(hop.Port)
	if port == 0 {
		port = 5060
	}
	return wire.Dest{Network: "udp", Addr: netip.AddrPortFrom(addr.Unmap(), port), Local: d.flow.Local}
}

func recordRoutes(headers []sip.Header) []sip.Uri {
	var out []sip.Uri
	for _, h := range headers {
		if r, ok := h.(*sip.RecordRouteHeader); ok {
			out = append(out, *r.Address.Clone())
		}
	}
	return out
}

// bare drops what does not belong into From and To (RFC 3261 section 19.1.1).
func bare(u sip.Uri) sip.Uri {
	out := *u.Clone()
	out.Headers, out.UriParams = nil, nil
	return out
}

func tagOf(p sip.HeaderParams) string {
	tag, _ := p.Get("tag")
	return tag
}

// establish fills the dialog of an INVITE of ours from its 2xx (RFC 3261 section 12.1.2).
func (c *Call) establish(res *sip.Response) {
	c.d.remoteTag = tagOf(res.To().Params)
	if h := res.Contact(); h != nil {
		c.d.target = *h.Address.Clone()
	}
	c.d.routes = recordRoutes(res.GetHeaders("Record-Route"))
	slices.Reverse(c.d.routes)
}

// ack acknowledges a 2xx and remembers the ACK, should the 2xx come again. It is called with the lock held.
func (c *Call) ack(seq uint32) {
	if c.acks[seq] == nil {
		c.acks = map[uint32]*sip.Request{seq: c.build(sip.ACK, seq, c.d.remoteTag)}
	}
	if err := c.ep.stack.WriteStateless(c.acks[seq].Clone(), c.d.dest()); err != nil {
		c.ep.cfg.Logger.Warn("send ACK", "error", err)
	}
}

// stray takes a 2xx that came again, which wants its ACK, or one of another fork, which wants an ACK and a BYE.
func (c *Call) stray(res *sip.Response, _ wire.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq := res.CSeq().SeqNo
	tag := tagOf(res.To().Params)
	switch {
	case tag == c.d.remoteTag && c.acks[seq] != nil:
		c.ack(seq)
	case tag != c.d.remoteTag && c.d.remoteTag != "":
		_ = c.ep.stack.WriteStateless(c.build(sip.ACK, seq, tag), c.d.dest())
		c.d.seq++
		bye := c.build(sip.BYE, c.d.seq, tag)
		_, _ = c.ep.stack.Send(c.ep.ctx, bye, c.d.dest(), nil, nil)
	}
}

// repeater sends a 2xx again until its ACK comes (RFC 3261 section 13.3.1.4).
type repeater struct {
	timer *time.Timer
	seq   uint32
}

func (r *repeater) stop() {
	if r != nil {
		r.timer.Stop()
	}
}

// repeat2xx sends res and keeps on. It is called with the lock held.
func (c *Call) repeat2xx(tx *wire.ServerTx, res *sip.Response) {
	c.repeat.stop()
	r := &repeater{seq: tx.Request().CSeq().SeqNo}
	interval, begun := sip.T1, time.Now()
	r.timer = time.AfterFunc(interval, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.repeat != r || c.state == ended:
		case time.Since(begun) >= 64*sip.T1:
			c.repeat = nil
			c.bye()
		default:
			c.trace.Repeats++
			respond(tx, res.Clone())
			interval = min(2*interval, sip.T2)
			r.timer.Reset(interval)
		}
	})
	c.repeat = r
	respond(tx, res)
}
