package sip

import (
	"context"
	"net/netip"
	"sync"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// leftLimit is how long the peers of a crash may take to answer, all together.
const leftLimit = 2 * time.Second

// EndLeft sends BYE for every dialog that a crash left behind and waits for the answers, 2 s at most. Start calls it,
// so that the far sides are free before the first new call is taken. Errors are logged: a far side that does
// not answer has lost the call by itself, or its session timer ends it.
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
		wait.Add(1)
		s.endLeft(ctx, d, wait.Done)
	}
	wait.Wait()
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
