package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// Keys in INFO: no RFC describes them, but phones and PBXs agree on two bodies. application/dtmf-relay has lines of
// Signal= and Duration= in milliseconds, application/dtmf nothing but the key.
const (
	typeRelay = "application/dtmf-relay"
	typeKey   = "application/dtmf"
)

const (
	// maxKeyBody is the longest body that is looked at.
	maxKeyBody = 256
	// keyUsual is how long a key is pressed that does not say.
	keyUsual = 160 * time.Millisecond
	// maxKeyTime is the longest that one may say.
	maxKeyTime = time.Minute
	// maxKeys is how many keys wait for the far side to answer the last one; further ones are lost.
	maxKeys = 16
)

// press is a key as a body of INFO says it.
type press struct {
	digit string
	held  time.Duration
}

// receivedInfo answers an INFO. What is no key is taken without a word, as before there were packages (RFC 6086 section
// 9).
func (l *leg) receivedInfo(req *msg.Request, tx *wire.ServerTx) {
	kind, _, _ := strings.Cut(value(req, "content-type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind != typeRelay && kind != typeKey {
		l.respond(tx, msg.StatusOK)
		return
	}
	p, err := parsePress(string(req.Body()))
	if err != nil {
		l.complain("INFO refused", err)
		l.respond(tx, msg.StatusBadRequest)
		return
	}
	l.respond(tx, msg.StatusOK)
	l.srv.cfg.Media.Press(l.id, p.digit, p.held)
}

// parsePress reads a body of either kind.
func parsePress(body string) (press, error) {
	if len(body) > maxKeyBody {
		return press{}, fmt.Errorf("key of %d bytes", len(body))
	}
	p := press{held: keyUsual}
	for line := range strings.Lines(body) {
		name, v, pair := strings.Cut(strings.TrimSpace(line), "=")
		name, v = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(v)
		switch {
		case name == "":
		case !pair && p.digit == "":
			p.digit = digitOf(name)
		case name == "signal" && p.digit == "":
			p.digit = digitOf(v)
		case name == "duration":
			ms, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				return press{}, fmt.Errorf("key of duration %q", v)
			}
			p.held = min(time.Duration(ms)*time.Millisecond, maxKeyTime)
		}
	}
	if p.digit == "" {
		return press{}, fmt.Errorf("no key in a body of %d bytes", len(body))
	}
	return p, nil
}

// digitOf reads a key by its name or, from 10 on, by its code of RFC 4733; empty for what is none.
func digitOf(s string) string {
	const names = "0123456789*#ABCD"
	if len(s) == 1 && strings.Contains(names, strings.ToUpper(s)) {
		return strings.ToUpper(s)
	}
	if code, err := strconv.Atoi(s); err == nil && len(s) == 2 && code >= 10 && code < len(names) {
		return names[code : code+1]
	}
	return ""
}

// Press sends a leg's far side a key by INFO, where it takes INFO. It never blocks.
func (s *Server) Press(id call.LegID, digit string, d time.Duration) {
	s.command(id, func(l *leg) {
		if len(l.presses) < maxKeys && l.allowed[msg.INFO] {
			l.presses = append(l.presses, press{digit, d})
			l.sendPress()
		}
	})
}

// sendPress sends the first key that waits, once the one before it has been answered: over UDP they could be told in
// another order.
func (l *leg) sendPress() {
	if l.pressing || len(l.presses) == 0 {
		return
	}
	p := l.presses[0]
	l.presses = l.presses[1:]
	if l.phase != confirmed || l.byeDue {
		l.presses = nil
		return
	}
	l.pressing = true
	req := l.dialog.next(msg.INFO)
	req.AppendHeader(msg.NewHeader("Content-Type", typeRelay))
	req.SetBody(fmt.Appendf(nil, "Signal=%s\r\nDuration=%d\r\n", digitOf(p.digit), p.held.Milliseconds()))
	l.request(req, func(_ *msg.Request, res *msg.Response) {
		l.pressing = false
		if res != nil && (res.StatusCode == msg.StatusMethodNotAllowed || res.StatusCode == msg.StatusUnsupportedMediaType) {
			delete(l.allowed, msg.INFO)
			l.presses = nil
		}
		l.sendPress()
	})
}
