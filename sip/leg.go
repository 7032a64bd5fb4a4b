package sip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// phase is how far a leg has come. It only grows.
type phase int

const (
	// early: the INVITE has no final response.
	early phase = iota
	// accepted: we sent 200 to an incoming INVITE and wait for the ACK.
	accepted
	// confirmed: the dialog stands.
	confirmed
	// ending: our BYE, or our CANCEL, is under way.
	ending
	// gone: nothing is left but answers by way of 481.
	gone
)

// leg is one actor: everything but id, box, quiet and the far side's name is used on the goroutine of its box only.
type leg struct {
	srv   *Server
	id    call.LegID
	dir   direction
	log   *slog.Logger
	box   mailbox
	quiet atomic.Bool // no event is posted any more

	// Who the far side is: a trunk or an agent, one of both.
	trunk, agent string

	phase   phase
	dialog  *dialog     // nil for an outgoing leg that has not been answered
	keys    []dialogKey // under which it is found; protected by the server's lock
	opened  bool        // media has a session
	held    bool        // the far side holds us
	allowed map[msg.RequestMethod]bool

	in  *incoming // of an incoming leg
	out *outgoing // of an outgoing leg

	waiting *waitingACK // a 2xx of ours that has not been acknowledged
	acks    lastACK     // the ACK that is repeated for a retransmitted 2xx
	session session
	refers  map[string]*refer
	// referred is set once a REFER has come.
	referred bool
	// forgotten ends a leg whose end went wrong.
	forgotten timer
	// byeDue is set from the hang-up to the BYE; patience ends what that may wait for.
	byeDue   bool
	patience timer
	notifies int // NOTIFYs without an answer
	// presses are keys to be sent by INFO; pressing is set while one has no final response.
	presses  []press
	pressing bool
	// invited is set while a re-INVITE or an offer in an UPDATE of ours has no final response.
	invited bool
}

// direction is the label of telefonist_sip_legs.
type direction string

const (
	incomingLeg direction = "in"
	outgoingLeg direction = "out"
)

func (s *Server) newLeg(id call.LegID, dir direction) *leg {
	l := &leg{srv: s, id: id, dir: dir, log: s.log.With("leg", string(id)), refers: map[string]*refer{}}
	l.box = mailbox{tasks: s.tasks, guard: l.panicked}
	l.forgotten = timer{box: &l.box}
	l.patience = timer{box: &l.box}
	l.session.init(l)
	return l
}

// post tells the switchboard, unless the leg has been hung up or has ended.
func (l *leg) post(at time.Time, ev call.Event) bool {
	if l.quiet.Load() {
		return true
	}
	return l.srv.cfg.Poster.Post(l.id, at, ev)
}

// last posts the event that ends the leg; none follows it.
func (l *leg) last(at time.Time, ev call.Event) {
	if l.quiet.CompareAndSwap(false, true) {
		if !l.srv.cfg.Poster.Post(l.id, at, ev) {
			l.log.Error("the end of a leg could not be told", "event", fmt.Sprintf("%T", ev))
		}
	}
}

// panicked ends the one leg whose handling went wrong.
func (l *leg) panicked(v any) {
	l.srv.metrics.panics.Inc()
	l.log.Error("panic on a leg", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	defer func() {
		if v := recover(); v != nil {
			l.log.Error("panic while ending a leg", "panic", fmt.Sprint(v))
			l.srv.forget(l)
		}
	}()
	l.forgotten.set(endingLimit, l.gone)
	l.fail(time.Now(), call.CauseFault, msg.StatusInternalServerError, phrase(msg.StatusInternalServerError))
}

// fail ends the leg by a fault of ours or of the far side, in whatever state it is.
func (l *leg) fail(at time.Time, cause call.Cause, code int, reason string) {
	if l.dir == outgoingLeg && l.phase == early {
		l.last(at, call.Failed{Code: code, Reason: reason})
	} else {
		l.last(at, call.Ended{Cause: cause})
	}
	l.hangup(call.Hangup{Code: code})
}

// hangup ends the leg in whatever state it is. The far side is told; nothing is posted.
func (l *leg) hangup(h call.Hangup) {
	l.quiet.Store(true)
	switch {
	case l.phase >= ending || l.byeDue:
	case l.dir == incomingLeg && l.phase == early:
		code := h.Code
		if code < 300 || code > 699 {
			code = msg.StatusRequestTerminated
		}
		l.refuse(code, "")
	case l.phase == early:
		l.leave()
		l.cancelAll(nil, h.Cause == call.CauseElse)
		l.finishIfOver()
	default:
		l.closeMedia()
		l.byeDue = true
		if l.phase == confirmed {
			l.patience.set(notifyLimit, l.byeNow)
		}
		l.byeIfDue()
	}
}

// byeIfDue sends the BYE of a leg that was hung up once nothing holds it back: the ACK of the first 2xx (RFC 3261
// section 15: not before it has come, or will not), and the answer to a NOTIFY, since a phone is to hear how its REFER
// ended before its call is taken away.
func (l *leg) byeIfDue() {
	if l.byeDue && l.phase == confirmed && !l.notifying() {
		l.bye()
	}
}

// byeNow is byeIfDue for when the patience is over.
func (l *leg) byeNow() {
	if l.byeDue && l.phase < ending {
		l.bye()
	}
}

// bye ends a confirmed dialog.
func (l *leg) bye() {
	l.leave()
	l.patience.stop()
	l.stopWaiting()
	l.session.stop()
	l.request(l.dialog.next(msg.BYE), func(*msg.Request, *msg.Response) { l.gone() })
}

// leave begins the end of the leg. Whatever goes wrong from here on, it is forgotten after a time in which every transaction
// has ended.
func (l *leg) leave() {
	l.phase = ending
	l.closeMedia()
	l.forgotten.set(endingLimit, l.gone)
}

// endingLimit is more than the 64*T1 that the last transaction of a leg may take.
const endingLimit = 70 * timerT1

// byeTo ends a dialog that is not the leg's own: a fork's loser.
func (l *leg) byeTo(d *dialog) {
	l.srv.send(d.next(msg.BYE), d.dest(l.reaches), nil, nil)
}

// gone forgets the leg. Whatever still comes for it is answered 481.
func (l *leg) gone() {
	if l.phase == gone {
		return
	}
	l.phase = gone
	l.quiet.Store(true)
	l.closeMedia()
	l.stopWaiting()
	l.session.stop()
	l.forgotten.stop()
	l.patience.stop()
	l.dropRefers()
	if l.out != nil {
		l.out.guard.stop()
	}
	l.srv.forget(l)
}

func (l *leg) closeMedia() {
	if l.opened {
		l.opened = false
		l.srv.cfg.Media.Close(l.id)
	}
}

// reaches reports whether the far side may be spoken to at an address that its messages name.
func (l *leg) reaches(to netip.AddrPort) bool {
	if l.trunk == "" {
		return false // phones are reached by the flow of their registration alone
	}
	t := l.srv.trunks.Load().byName[l.trunk]
	return t != nil && t.allowsHost(to.Addr())
}

// hears reports whether a message inside the dialog may come from there: from the address that the dialog has been with,
// or from another one of the same trunk or the same agent.
func (l *leg) hears(src wire.Source) bool {
	if l.dialog != nil && l.dialog.flow.Addr.Addr() == src.Addr.Addr() {
		return true
	}
	if l.trunk != "" {
		t := l.srv.trunks.Load().byName[l.trunk]
		return t != nil && t.allowsHost(src.Addr.Addr())
	}
	for _, c := range l.srv.cfg.Phones.Contacts(l.agent) {
		if c.Flow.Addr.Addr() == src.Addr.Addr() {
			return true
		}
	}
	return false
}

// dest says where requests of the leg's dialog go. A phone whose connection is gone is reached by the one that it has
// registered over since, from the same host.
func (l *leg) dest() wire.Dest {
	d := l.dialog.dest(l.reaches)
	if l.agent == "" || d.Network != "tcp" {
		return d
	}
	var moved wire.Dest
	for _, c := range l.srv.cfg.Phones.Contacts(l.agent) {
		switch {
		case c.Flow.Addr == d.Addr:
			return d
		case c.Flow.Addr.Addr() == d.Addr.Addr() && !moved.Addr.IsValid():
			moved = c.Flow
		}
	}
	if moved.Addr.IsValid() {
		return moved
	}
	return d
}

// complain logs what is wrong with a message of the far side. All legs together may do so a few times a second: whoever
// can send many must not fill a disk.
func (l *leg) complain(what string, err error) {
	if l.srv.complaints.Allow() {
		l.log.Info(what, "error", err)
	}
}
