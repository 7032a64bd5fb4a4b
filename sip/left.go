package sip

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// leftLimit is how long the peers of a crash may take to answer, all together.
const leftLimit = 2 * time.Second

// EndLeft ends every dialog that a crash left behind and waits for the answers, 2 s at most. Start calls it, so that the far
// sides are free before the first new call is taken. All are sent BYE; those whose INVITE may not have been answered get
// 503 before that, since a caller who has heard nothing but 100 has no dialog to end, and would wait until her own timers
// run out. Errors are logged: a far side that does not answer has lost the call by itself, or its session timer ends it.
func (s *Server) EndLeft(dialogs []call.Dialog) {
	ctx, cancel := context.WithTimeout(s.ctx, leftLimit)
	defer cancel()
	var wait sync.WaitGroup
	for _, c := range dialogs {
		d, err := restore(c)
		if err != nil || c.RemoteTag == "" {
			// Never answered: the far side's INVITE or ours has died with its transaction.
			s.log.Info("dialog left by a crash cannot be ended", "call_id", c.CallID, "error", err)
			s.metrics.left.WithLabelValues(leftFailed).Inc()
			continue
		}
		if c.Invite != nil {
			s.refuseLeft(d, *c.Invite)
		}
		wait.Add(1)
		s.endLeft(ctx, d, wait.Done)
	}
	wait.Wait()
}

// leftRepeats are when a 503 to an INVITE of an earlier life is sent again: there is no transaction that could wait for its
// ACK. An INVITE that was answered has no transaction at the far side either, or one that takes nothing but 2xx any more
// (RFC 6026 section 7.2), and does not hear of it.
var leftRepeats = []time.Duration{timerT1, 3 * timerT1}

// refuseLeft answers an INVITE of an earlier life. Over TCP nothing can be answered: its connection ended with that life.
func (s *Server) refuseLeft(d *dialog, in call.Invite) {
	dst, ok := leftDest(d, in)
	if !ok {
		return
	}
	send := func() {
		if err := s.stack.WriteStateless(refusalLeft(d, in), dst); err != nil {
			s.log.Info("INVITE left by a crash not answered", "call_id", d.callID, "error", err)
		}
	}
	send()
	for _, after := range leftRepeats {
		time.AfterFunc(after, func() {
			if s.ctx.Err() == nil {
				send()
			}
		})
	}
}

// leftDest is where the response goes: to where the INVITE came from, with the port that its Via asks for (RFC 3261
// section 18.2.2, RFC 3581 section 4).
func leftDest(d *dialog, in call.Invite) (dst wire.Dest, ok bool) {
	if d.flow.Network != "udp" || len(in.Via) == 0 {
		return dst, false
	}
	sent, params, _ := strings.Cut(in.Via[0], ";")
	sent = sent[strings.LastIndexByte(sent, ' ')+1:]
	port := parseParams(params)["rport"]
	if port == "" {
		port = sent[strings.LastIndexByte(sent, ':')+1:]
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		n = uint64(msg.DefaultUdpPort)
	}
	return wire.Dest{Network: "udp", Addr: netip.AddrPortFrom(d.flow.Addr.Addr(), uint16(n))}, true
}

// refusalLeft is the 503 to an INVITE of an earlier life. It carries the tag that earlier answers had.
func refusalLeft(d *dialog, in call.Invite) *msg.Response {
	res := msg.NewResponse(msg.StatusServiceUnavailable, phrase(msg.StatusServiceUnavailable))
	for _, v := range in.Via {
		res.AppendHeader(msg.NewHeader("Via", v))
	}
	res.AppendHeader(&msg.FromHeader{Address: *d.remoteURI.Clone(), Params: tagParams(d.remoteTag)})
	res.AppendHeader(&msg.ToHeader{Address: *d.localURI.Clone(), Params: tagParams(d.localTag)})
	id := msg.CallIDHeader(d.callID)
	res.AppendHeader(&id)
	res.AppendHeader(&msg.CSeqHeader{SeqNo: in.CSeq, MethodName: msg.INVITE})
	res.AppendHeader(retryAfter(refusedRetry))
	res.SetBody(nil)
	return res
}

func (s *Server) endLeft(ctx context.Context, d *dialog, done func()) {
	answered := false
	dst := d.dest(func(a netip.AddrPort) bool { return s.trunks.Load().from(a) != nil })
	_, err := s.stack.Send(ctx, d.next(msg.BYE), dst,
		func(res *msg.Response) { answered = answered || res.StatusCode >= 200 },
		func(err error) {
			defer done()
			if !answered {
				s.log.Warn("dialog left by a crash did not answer BYE", "call_id", d.callID, "error", err)
				s.metrics.left.WithLabelValues(leftFailed).Inc()
				return
			}
			s.metrics.left.WithLabelValues(leftEnded).Inc()
		})
	if err != nil {
		s.log.Warn("dialog left by a crash cannot be sent BYE", "call_id", d.callID, "error", err)
		s.metrics.left.WithLabelValues(leftFailed).Inc()
		done()
	}
}

// endStray acknowledges and ends the answer to an INVITE that nobody here knows: a phone that was picked up while we were
// started anew.
func (s *Server) endStray(res *msg.Response, src wire.Source) {
	s.metrics.strays.Inc()
	_, contact, err := s.contactFor(src.Dest(), "")
	if err != nil {
		return
	}
	d := strayDialog(res, contact, src)
	if err := s.stack.WriteStateless(d.build(msg.ACK, d.localSeq), d.flow); err != nil {
		s.log.Info("ACK of a stray answer not sent", "error", err)
		return
	}
	if _, err := s.send(d.next(msg.BYE), d.flow, nil, nil); err != nil {
		s.log.Info("BYE of a stray answer not sent", "error", err)
	}
}

// strayDialog makes a dialog of a 2xx alone. Its requests go back where it came from.
func strayDialog(res *msg.Response, contact string, src wire.Source) *dialog {
	invite := msg.NewRequest(msg.INVITE, res.To().Address)
	for _, h := range []msg.Header{res.From(), res.To(), res.CallID(), res.CSeq()} {
		invite.AppendHeader(msg.HeaderClone(h))
	}
	return outgoingDialog(invite, res, contact, src.Dest())
}
