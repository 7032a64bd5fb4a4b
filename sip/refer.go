package sip

import (
	"errors"
	"strconv"
	"strings"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// referAnswer is how long the switchboard has to answer a REFER.
const referAnswer = 10 * time.Second

// referExpires is how long the subscription of a REFER lasts by what its NOTIFYs say; the transfer is decided before.
const referExpires = 180 * time.Second

// refer is a REFER and the subscription that it made (RFC 3515 section 2.4).
type refer struct {
	ref      string
	event    string // value of Event
	tx       *wire.ServerTx
	silent   bool // Refer-Sub: false (RFC 4488): no NOTIFY
	accepted bool
	answer   timer
	queue    []notification // waiting for the answer to the one under way
	busy     bool
}

type notification struct {
	code   int
	reason string
}

// receivedRefer takes a REFER (RFC 3515 section 2.4.2).
func (l *leg) receivedRefer(req *msg.Request, tx *wire.ServerTx, at time.Time) {
	if l.phase == early {
		l.respond(tx, msg.StatusForbidden)
		return
	}
	to := values(req, "refer-to")
	if len(to) != 1 {
		l.respond(tx, msg.StatusBadRequest)
		return
	}
	target, err := parseReferTo(to[0])
	if err != nil {
		l.complain("refer refused", err)
		code := msg.StatusBadRequest
		if errors.Is(err, errReferMethod) {
			code = msg.StatusForbidden
		}
		l.respond(tx, code)
		return
	}
	r := l.newRefer(req, tx)
	ev := call.Referred{Ref: r.ref, Target: target.user}
	if target.replaces != nil {
		ev.Replaces, ev.Unknown = l.srv.replaced(l, *target.replaces)
	}
	if !l.post(at, ev) {
		l.answerRefer(call.AnswerRefer{Ref: r.ref, Code: msg.StatusServiceUnavailable})
	}
}

func (l *leg) newRefer(req *msg.Request, tx *wire.ServerTx) *refer {
	seq := strconv.FormatUint(uint64(req.CSeq().SeqNo), 10)
	r := &refer{ref: seq, event: "refer", tx: tx, answer: timer{box: &l.box}}
	// RFC 3515 section 2.4.6: the first REFER of a dialog needs no id, and some phones know none.
	if l.referred {
		r.event = "refer;id=" + seq
	}
	l.referred = true
	sub, _, _ := strings.Cut(value(req, "refer-sub"), ";")
	r.silent = strings.EqualFold(strings.TrimSpace(sub), "false")
	l.refers[r.ref] = r
	r.answer.set(referAnswer, func() {
		l.log.Error("refer was not answered in time")
		l.answerRefer(call.AnswerRefer{Ref: r.ref, Code: msg.StatusInternalServerError})
	})
	return r
}

// answerRefer sends the final response to a REFER; a 202 is followed by a NOTIFY at once (RFC 3515 section 2.4.4).
func (l *leg) answerRefer(c call.AnswerRefer) {
	r := l.refers[c.Ref]
	if r == nil || r.accepted {
		return
	}
	r.answer.stop()
	code, reason := c.Code, cleanName(c.Reason)
	if code < 300 {
		code = msg.StatusAccepted
	}
	if reason == "" {
		reason = phrase(code)
	}
	res := r.tx.NewResponse(code, reason, nil)
	if code == msg.StatusAccepted {
		res.AppendHeader(l.contact())
		if r.silent {
			res.AppendHeader(msg.NewHeader("Refer-Sub", "false"))
		}
	}
	l.send(r.tx, res)
	if code != msg.StatusAccepted || r.silent {
		delete(l.refers, c.Ref)
		return
	}
	r.accepted = true
	l.notify(r, notification{code: msg.StatusTrying})
}

// notifyRefer reports progress.
func (l *leg) notifyRefer(c call.NotifyRefer) {
	if r := l.refers[c.Ref]; r != nil && r.accepted {
		l.notify(r, notification{code: c.Code, reason: cleanName(c.Reason)})
	}
}

// notify sends the NOTIFYs of a subscription one after the other, so that none overtakes another.
func (l *leg) notify(r *refer, n notification) {
	if r.busy {
		r.queue = append(r.queue, n)
		return
	}
	if l.phase != confirmed && l.phase != accepted {
		return
	}
	if n.reason == "" {
		n.reason = phrase(n.code)
	}
	state := "active;expires=" + seconds(referExpires)
	if n.code >= 200 {
		state = "terminated;reason=noresource"
		delete(l.refers, r.ref)
	}
	req := l.dialog.next(msg.NOTIFY)
	req.AppendHeader(msg.NewHeader("Event", r.event))
	req.AppendHeader(msg.NewHeader("Subscription-State", state))
	kind := msg.ContentTypeHeader("message/sipfrag;version=2.0")
	req.AppendHeader(&kind)
	req.SetBody([]byte("SIP/2.0 " + strconv.Itoa(n.code) + " " + n.reason + "\r\n"))
	r.busy = true
	l.notifies++
	l.request(req, func(_ *msg.Request, res *msg.Response) { l.notified(r, res) })
}

func (l *leg) notified(r *refer, res *msg.Response) {
	r.busy = false
	l.notifies--
	defer l.byeIfDue()
	if res != nil && res.StatusCode == msg.StatusCallTransactionDoesNotExists {
		delete(l.refers, r.ref) // the far side wants to hear no more
		return
	}
	if len(r.queue) > 0 {
		n := r.queue[0]
		r.queue = r.queue[1:]
		l.notify(r, n)
	}
}

// notifyLimit is how long a BYE waits for the answer to a NOTIFY.
const notifyLimit = time.Second

// notifying reports whether a NOTIFY waits for its answer; those that are queued wait behind it.
func (l *leg) notifying() bool { return l.notifies > 0 }

// dropRefers answers what was not answered when the leg ends.
func (l *leg) dropRefers() {
	for ref, r := range l.refers {
		r.answer.stop()
		if !r.accepted {
			l.respond(r.tx, msg.StatusCallTransactionDoesNotExists)
		}
		delete(l.refers, ref)
	}
}

// replaced finds the leg that a Replaces names. RFC 3891 section 3 has the to-tag be the one of whoever receives it, but
// phones write both orders; only a dialog of ours that the same far side has with us counts, and never the one of the REFER
// itself.
func (s *Server) replaced(l *leg, r replaces) (id call.LegID, unknown bool) {
	for _, tags := range [][2]string{{r.toTag, r.fromTag}, {r.fromTag, r.toTag}} {
		s.mu.Lock()
		at := s.dialogs[dialogKey{r.callID, tags[0]}]
		s.mu.Unlock()
		other := at.leg
		if other != nil && at.remoteTag == tags[1] && other != l && other.agent == l.agent && other.trunk == l.trunk {
			return other.id, false
		}
	}
	return "", true
}
