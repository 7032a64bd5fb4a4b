package softphone

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// session is the session timer of a dialog (RFC 4028): we take part where the far side asks for one and never ask
// ourselves. It is used with the call's lock held.
type session struct {
	interval time.Duration
	timer    *time.Timer
}

// minSession is the shortest interval (RFC 4028 section 4).
const minSession = 90 * time.Second

func (s *session) stop() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// asked takes what a request says and puts our answer into its 2xx (section 9). The far side refreshes where it can.
func (s *session) asked(c *Call, req *sip.Request, res *sip.Response) {
	interval, refresher := readSession(req.GetHeader("Session-Expires"))
	if interval == 0 {
		return
	}
	if refresher == "" {
		refresher = "uac"
	}
	res.AppendHeader(sip.NewHeader("Session-Expires", printSession(interval, refresher)))
	if refresher == "uac" {
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	s.arm(c, interval, refresher == "uas")
}

// granted takes what the answer to a request of ours says (section 7.2).
func (s *session) granted(c *Call, res *sip.Response) {
	if interval, refresher := readSession(res.GetHeader("Session-Expires")); interval > 0 {
		s.arm(c, interval, refresher == "uac")
	}
}

// arm refreshes at half of the interval, or hangs up shortly before its end (section 10).
func (s *session) arm(c *Call, interval time.Duration, ours bool) {
	s.stop()
	s.interval = interval
	if ours {
		s.timer = time.AfterFunc(interval/2, func() { c.refreshSession(interval) })
		return
	}
	s.timer = time.AfterFunc(interval-min(32*time.Second, interval/3), c.Hangup)
}

// refreshSession sends an UPDATE without a description (section 7.4).
func (c *Call) refreshSession(interval time.Duration) {
	c.mu.Lock()
	dst, live := c.d.dest(), c.state == confirmed
	c.mu.Unlock()
	if !live {
		return
	}
	c.ep.do(exchange{dst: dst, build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		req := c.next(sip.UPDATE)
		req.AppendHeader(sip.NewHeader("Session-Expires", printSession(interval, "uac")))
		return req
	}, done: func(_ *sip.Request, res *sip.Response, err error) {
		if err != nil || !res.IsSuccess() {
			c.Hangup()
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.state == confirmed {
			c.session.granted(c, res)
		}
	}})
}

func readSession(h sip.Header) (interval time.Duration, refresher string) {
	if h == nil {
		return 0, ""
	}
	seconds, params, _ := strings.Cut(h.Value(), ";")
	n, err := strconv.ParseUint(strings.TrimSpace(seconds), 10, 31)
	if err != nil {
		return 0, ""
	}
	for _, p := range strings.Split(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "refresher") {
			refresher = strings.ToLower(value)
		}
	}
	return max(time.Duration(n)*time.Second, minSession), refresher
}

func printSession(interval time.Duration, refresher string) string {
	return strconv.Itoa(int(interval/time.Second)) + ";refresher=" + refresher
}
