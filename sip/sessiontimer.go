package sip

import (
	"math/rand/v2"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// maxBrief is how often a 422 or a 491 is answered by another try.
const maxBrief = 2

// session is the session timer of a leg (RFC 4028): who refreshes, how often, and what happens when nobody does.
type session struct {
	l        *leg
	interval time.Duration // zero: none yet
	minimum  time.Duration // the longest Min-SE that we have been told
	ours     bool          // we refresh
	noUpdate bool          // an UPDATE was refused although Allow names it
	tries    int
	timer    timer // refresh, where it is ours
	expiry   timer
}

func (s *session) init(l *leg) {
	s.l, s.minimum = l, minSessionExpires
	s.timer, s.expiry = timer{box: &l.box}, timer{box: &l.box}
}

func (s *session) stop() {
	s.timer.stop()
	s.expiry.stop()
}

// tooBrief returns the 422 to a request whose interval is shorter than we take (RFC 4028 section 6), else nil.
func tooBrief(req *msg.Request, tx *wire.ServerTx) *msg.Response {
	se := sessionExpiresOf(req)
	if value(req, "session-expires") == "" || se.interval == 0 || se.interval >= minSessionExpires {
		return nil
	}
	res := tx.NewResponse(422, "Session Interval Too Small", nil)
	res.AppendHeader(msg.NewHeader("Min-SE", seconds(minSessionExpires)))
	return res
}

// answer negotiates the timer as the UAS of a request and completes its 2xx (RFC 4028 section 9). Where the far side left the
// choice, we refresh: a far side that dies is then noticed at the next refresh.
func (s *session) answer(req *msg.Request, res *msg.Response) {
	asked := sessionExpiresOf(req)
	supports := hasToken(req, "supported", "timer") || hasToken(req, "require", "timer")
	s.minimum = max(s.minimum, minExpiresOf(req))
	interval := s.l.srv.cfg.SessionExpires
	if asked.interval > 0 {
		interval = min(interval, asked.interval)
	}
	interval = max(interval, s.minimum)
	said := sessionExpires{interval: interval, refresher: refresherUAS}
	if supports && asked.refresher == refresherUAC {
		said.refresher = refresherUAC
	}
	if supports && said.refresher == refresherUAC {
		res.AppendHeader(msg.NewHeader("Require", "timer"))
	}
	res.AppendHeader(msg.NewHeader("Session-Expires", said.String()))
	s.start(interval, said.refresher == refresherUAS)
}

// propose adds what a request of ours asks for.
func (s *session) propose(req *msg.Request, refresher string) {
	want := sessionExpires{interval: s.wanted(), refresher: refresher}
	req.AppendHeader(msg.NewHeader("Session-Expires", want.String()))
	req.AppendHeader(msg.NewHeader("Min-SE", seconds(s.minimum)))
}

// wanted is the interval that a request of ours asks for.
func (s *session) wanted() time.Duration {
	if s.interval > 0 {
		return max(s.interval, s.minimum)
	}
	return max(s.l.srv.cfg.SessionExpires, s.minimum)
}

// concluded takes the 2xx to a request of ours (RFC 4028 section 7.2). A far side that says nothing has no timer, and one
// that says more than we asked for (section 9: it may only say less) has none that would help: then the refreshes are ours,
// and show whether it still lives.
func (s *session) concluded(res *msg.Response) {
	said := sessionExpiresOf(res)
	if asked := s.wanted(); said.interval < minSessionExpires || said.interval > asked {
		said = sessionExpires{interval: asked}
	}
	s.start(said.interval, said.refresher != refresherUAS)
}

// start runs the timer anew from now on.
func (s *session) start(interval time.Duration, ours bool) {
	s.interval, s.ours, s.tries = interval, ours, 0
	s.timer.stop()
	if ours {
		s.timer.set(interval/2, s.refresh)
	}
	// RFC 4028 section 10: the side that does not refresh ends the session a little before it runs out.
	s.expiry.set(interval-min(32*time.Second, interval/3), s.expired)
}

func (s *session) expired() {
	s.l.log.Warn("session timer ran out")
	s.l.srv.metrics.expired.Inc()
	s.end()
}

func (s *session) end() {
	s.l.last(time.Now(), call.Ended{Cause: call.CauseSession})
	if s.l.phase == accepted || s.l.phase == confirmed {
		s.l.bye()
	}
}

// refresh sends an UPDATE where the far side takes it, else a re-INVITE that repeats our description.
func (s *session) refresh() {
	l := s.l
	if l.phase != confirmed {
		return
	}
	if l.invited || l.waiting != nil {
		s.timer.set(randomWait(2*time.Second), s.refresh)
		return
	}
	if l.allowed[msg.UPDATE] && !s.noUpdate {
		req := l.dialog.next(msg.UPDATE)
		req.AppendHeader(supportedHeader())
		s.propose(req, s.refresher())
		l.request(req, s.refreshed)
		return
	}
	s.reinvite()
}

// refresher says who shall refresh from our next request on: whoever does now.
func (s *session) refresher() string {
	if s.ours {
		return refresherUAC
	}
	return refresherUAS
}

// reoffer sends our description anew, where nothing is under way already: media asks again where it must.
func (l *leg) reoffer() {
	if l.phase == confirmed && !l.invited && l.waiting == nil {
		l.session.reinvite()
	}
}

// reinvite sends a re-INVITE with our description of the moment.
func (s *session) reinvite() {
	l := s.l
	offer, err := l.srv.cfg.Media.Offer(l.id)
	if err != nil {
		l.log.Error("no offer for a session refresh", "error", err)
		return
	}
	req := l.dialog.next(msg.INVITE)
	req.AppendHeader(allowHeader())
	req.AppendHeader(supportedHeader())
	s.propose(req, s.refresher())
	req.AppendHeader(sdpType())
	req.SetBody(offer)
	l.invited = true
	l.request(req, s.reinvited)
}

// reinvited takes the final response to a re-INVITE of ours.
func (s *session) reinvited(req *msg.Request, res *msg.Response) {
	l := s.l
	l.invited = false
	if res != nil && res.IsSuccess() {
		// Acknowledged in every state: it may have crossed a BYE.
		if l.phase == confirmed {
			l.dialog.refresh(res.Contact())
		}
		l.acknowledge(l.dialog, req)
		if l.phase == confirmed && len(res.Body()) > 0 {
			direction, err := l.srv.cfg.Media.Accept(l.id, res.Body())
			if err != nil {
				l.complain("answer to a session refresh refused", err)
			} else {
				l.holding(time.Now(), direction)
			}
		}
	}
	s.refreshed(req, res)
}

// refreshed takes the final response to a refresh, nil where none came (RFC 4028 section 10, RFC 3261 section 14.1).
func (s *session) refreshed(req *msg.Request, res *msg.Response) {
	l := s.l
	if l.phase != confirmed {
		return
	}
	code := msg.StatusRequestTimeout
	if res != nil {
		code = res.StatusCode
	}
	switch {
	case code/100 == 2:
		if req.Method == msg.UPDATE {
			l.dialog.refresh(res.Contact())
		}
		s.concluded(res)
	case code == msg.StatusRequestTimeout, code == msg.StatusCallTransactionDoesNotExists:
		l.log.Warn("session refresh failed", "code", code)
		l.srv.metrics.expired.Inc()
		s.end()
	case code == 422 && s.tries < maxBrief:
		s.tries++
		s.minimum = max(s.minimum, minExpiresOf(res))
		s.refresh()
	case code == msg.StatusRequestPending:
		s.timer.set(glareWait(l.dir == outgoingLeg), s.refresh)
	case req.Method == msg.UPDATE && (code == msg.StatusMethodNotAllowed || code == msg.StatusNotImplemented):
		s.noUpdate = true
		s.refresh()
	default:
		// The session goes on until it runs out; another try may find the far side better.
		s.timer.set(max(s.interval/10, 10*time.Second), s.refresh)
	}
}

// glareWait is how long to wait after a 491, in steps of 10 ms (RFC 3261 section 14.1): the owner of the Call-ID 2.1 to 4 s,
// the other side up to 2 s.
func glareWait(owner bool) time.Duration {
	if owner {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// randomWait is a random time up to most, at least 10 ms.
func randomWait(most time.Duration) time.Duration {
	return 10*time.Millisecond + rand.N(most)
}
