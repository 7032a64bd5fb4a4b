package sip

import (
	"net/netip"
	"slices"
	"strings"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// maxForwards is RFC 3261 section 8.1.1.6's initial value.
const maxForwards = 70

// dialogKey finds the leg of a message inside a dialog, in either role: the To tag of a request and the From tag of a
// response to ours are both our own.
type dialogKey struct{ callID, localTag string }

// dialog is the state of RFC 3261 section 12. It belongs to one leg and is used on that leg's goroutine only.
type dialog struct {
	callID              string
	localURI, remoteURI msg.Uri
	localTag, remoteTag string
	// target is the remote target: the far side's last Contact.
	target msg.Uri
	routes []msg.Uri
	// localSeq is the last sequence number that we used; remoteSeq the last that we saw, where heard is set.
	localSeq, remoteSeq uint32
	heard               bool
	// flow is the way that the far side's last accepted message came, or ours went.
	flow wire.Dest
	// contact is our Contact, without brackets.
	contact string
}

// incomingDialog makes the dialog of an INVITE that came in (RFC 3261 section 12.1.1).
func incomingDialog(req *msg.Request, localTag, contact string, src wire.Source) *dialog {
	return &dialog{
		callID:    req.CallID().Value(),
		localURI:  bare(req.To().Address),
		remoteURI: bare(req.From().Address),
		localTag:  localTag,
		remoteTag: tagOf(req.From().Params),
		target:    *req.Contact().Address.Clone(),
		routes:    recordRoutes(req),
		remoteSeq: req.CSeq().SeqNo,
		heard:     true,
		flow:      src.Dest(),
		contact:   contact,
	}
}

// outgoingDialog makes the dialog of a response to an INVITE of ours (RFC 3261 section 12.1.2).
func outgoingDialog(req *msg.Request, res *msg.Response, contact string, dst wire.Dest) *dialog {
	d := &dialog{
		callID:    req.CallID().Value(),
		localURI:  bare(req.From().Address),
		remoteURI: bare(req.To().Address),
		localTag:  tagOf(req.From().Params),
		remoteTag: tagOf(res.To().Params),
		target:    req.Recipient,
		routes:    recordRoutes(res),
		localSeq:  req.CSeq().SeqNo,
		flow:      dst,
		contact:   contact,
	}
	slices.Reverse(d.routes)
	if c := res.Contact(); c != nil {
		d.target = *c.Address.Clone()
	}
	return d
}

// bare returns a URI as From and To carry it: without headers and without the parameters that do not belong there
// (RFC 3261 section 19.1.1).
func bare(u msg.Uri) msg.Uri {
	out := *u.Clone()
	out.Headers = nil
	for _, p := range []string{"method", "maddr", "ttl", "transport", "lr"} {
		out.UriParams.Remove(p)
	}
	return out
}

func recordRoutes(m message) []msg.Uri {
	var out []msg.Uri
	for _, h := range m.GetHeaders("record-route") {
		if r, ok := h.(*msg.RecordRouteHeader); ok {
			out = append(out, *r.Address.Clone())
		}
	}
	return out
}

// next returns a new request with the next sequence number.
func (d *dialog) next(method msg.RequestMethod) *msg.Request {
	d.localSeq++
	return d.build(method, d.localSeq)
}

// build makes a request inside the dialog (RFC 3261 section 12.2.1.1). The ACK of a 2xx takes the number of its INVITE.
func (d *dialog) build(method msg.RequestMethod, seq uint32) *msg.Request {
	recipient, routes := d.target, d.routes
	if len(routes) > 0 && !hasParam(routes[0].UriParams, "lr") {
		// A strict router gets its own URI as Request-URI, and the target at the end of the route.
		recipient = bare(routes[0])
		routes = append(slices.Clone(routes[1:]), d.target)
	}
	req := msg.NewRequest(method, requestURI(recipient))
	for _, r := range routes {
		req.AppendHeader(&msg.RouteHeader{Address: *r.Clone()})
	}
	req.AppendHeader(&msg.FromHeader{Address: *d.localURI.Clone(), Params: tagParams(d.localTag)})
	req.AppendHeader(&msg.ToHeader{Address: *d.remoteURI.Clone(), Params: tagParams(d.remoteTag)})
	id := msg.CallIDHeader(d.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&msg.CSeqHeader{SeqNo: seq, MethodName: method})
	forwards := msg.MaxForwardsHeader(maxForwards)
	req.AppendHeader(&forwards)
	switch method {
	case msg.INVITE, msg.UPDATE, msg.NOTIFY:
		req.AppendHeader(msg.NewHeader("Contact", "<"+d.contact+">"))
	}
	return req
}

// requestURI drops what must not stand in a Request-URI (RFC 3261 section 19.1.1, table 1).
func requestURI(u msg.Uri) msg.Uri {
	out := *u.Clone()
	out.Headers = nil
	out.UriParams.Remove("method")
	return out
}

func tagParams(tag string) msg.HeaderParams {
	if tag == "" {
		return nil
	}
	return msg.HeaderParams{{K: "tag", V: tag}}
}

func hasParam(p msg.HeaderParams, name string) bool {
	return slices.ContainsFunc(p, func(kv msg.HeaderKV) bool { return strings.EqualFold(kv.K, name) })
}

func paramOf(p msg.HeaderParams, name string) string {
	for _, kv := range p {
		if strings.EqualFold(kv.K, name) {
			return kv.V
		}
	}
	return ""
}

// dest says where requests of the dialog go. The next hop that the far side named is used only where it is an address
// that allowed knows; anything else (a name, a private or a foreign address) goes the way the dialog came, so that nobody
// makes us send to a host of his choice, and phones behind NAT are reached.
func (d *dialog) dest(allowed func(netip.AddrPort) bool) wire.Dest {
	hop := d.target
	if len(d.routes) > 0 {
		hop = d.routes[0]
	}
	addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	if err != nil || allowed == nil {
		return d.flow
	}
	port := uint16(hop.Port)
	if port == 0 {
		port = uint16(msg.DefaultUdpPort)
	}
	to := wire.Dest{Network: "udp", Addr: netip.AddrPortFrom(addr.Unmap(), port)}
	if t := strings.ToLower(paramOf(hop.UriParams, "transport")); t != "" {
		to.Network = t
	}
	switch {
	case to.Network != "udp" && to.Network != "tcp":
		return d.flow
	case to.Addr == d.flow.Addr && to.Network == d.flow.Network:
		return d.flow
	case !allowed(to.Addr):
		return d.flow
	}
	if to.Network == d.flow.Network && to.Network == "udp" {
		to.Local = d.flow.Local
	}
	return to
}

// contactHost is our host as the dialog's Contact names it.
func (d *dialog) contactHost() string {
	_, host, _ := strings.Cut(d.contact, "@")
	host, _, _ = strings.Cut(host, ";")
	return host
}

// fresh notes the sequence number of a request from the far side; false means that it is out of order
// (RFC 3261 section 12.2.2).
func (d *dialog) fresh(seq uint32) bool {
	if d.heard && seq <= d.remoteSeq {
		return false
	}
	d.remoteSeq, d.heard = seq, true
	return true
}

// refresh takes the far side's new Contact (RFC 3261 section 12.2.2).
func (d *dialog) refresh(c *msg.ContactHeader) {
	if c != nil && c.Address.Host != "" && !c.Address.Wildcard {
		d.target = *c.Address.Clone()
	}
}

// snapshot is what ends the dialog after a crash.
func (d *dialog) snapshot() call.Dialog {
	out := call.Dialog{
		CallID:       d.callID,
		LocalURI:     d.localURI.String(),
		LocalTag:     d.localTag,
		RemoteURI:    d.remoteURI.String(),
		RemoteTag:    d.remoteTag,
		RemoteTarget: d.target.String(),
		CSeq:         d.localSeq,
		Transport:    d.flow.Network,
		Remote:       d.flow.Addr.String(),
	}
	for _, r := range d.routes {
		out.RouteSet = append(out.RouteSet, r.String())
	}
	return out
}

// restore is snapshot's inverse, for a dialog of an earlier life. A margin is added to the sequence number, since later
// requests may not have been written down.
func restore(c call.Dialog) (*dialog, error) {
	d := &dialog{callID: c.CallID, localTag: c.LocalTag, remoteTag: c.RemoteTag, localSeq: c.CSeq + seqMargin}
	for _, u := range []struct {
		from string
		to   *msg.Uri
	}{{c.LocalURI, &d.localURI}, {c.RemoteURI, &d.remoteURI}, {c.RemoteTarget, &d.target}} {
		if err := parseURI(u.from, u.to); err != nil {
			return nil, err
		}
	}
	for _, r := range c.RouteSet {
		var u msg.Uri
		if err := parseURI(r, &u); err != nil {
			return nil, err
		}
		d.routes = append(d.routes, u)
	}
	addr, err := netip.ParseAddrPort(c.Remote)
	if err != nil {
		return nil, err
	}
	d.flow = wire.Dest{Network: c.Transport, Addr: addr}
	return d, nil
}

// seqMargin is added to the sequence number of a dialog that was left by a crash.
const seqMargin = 1000
