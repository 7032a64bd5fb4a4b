package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Who sends the refreshes of a session (RFC 4028 section 4), as the refresher parameter names them.
const (
	refresherUAC = "uac"
	refresherUAS = "uas"
)

const (
	// minSessionExpires is the shortest interval that anybody may ask for (RFC 4028 section 4).
	minSessionExpires = 90 * time.Second
	// maxSessionExpires is the most that a far side's Min-SE may bring us to: beyond it a session timer ends nothing.
	maxSessionExpires = 24 * time.Hour
)

var errSessionExpires = errors.New("session-expires cannot be read")

// sessionExpires is the value of a Session-Expires header.
type sessionExpires struct {
	interval  time.Duration
	refresher string // refresherUAC, refresherUAS, or empty
}

// parseSessionExpires reads "1800;refresher=uac".
func parseSessionExpires(s string) (sessionExpires, error) {
	seconds, rest, _ := strings.Cut(s, ";")
	d, err := parseDelta(seconds)
	if err != nil {
		return sessionExpires{}, err
	}
	out := sessionExpires{interval: d}
	switch r := strings.ToLower(parseParams(rest)["refresher"]); r {
	case refresherUAC, refresherUAS, "":
		out.refresher = r
	default:
		return sessionExpires{}, fmt.Errorf("%w: refresher", errSessionExpires)
	}
	return out, nil
}

// parseDelta reads delta-seconds (RFC 3261 section 25.1): digits, at most 2^32-1.
func parseDelta(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, errSessionExpires
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, errSessionExpires
	}
	return time.Duration(n) * time.Second, nil
}

// String prints the value as the header has it.
func (s sessionExpires) String() string {
	out := seconds(s.interval)
	if s.refresher != "" {
		out += ";refresher=" + s.refresher
	}
	return out
}

// sessionExpiresOf returns the Session-Expires of a message; the zero value where there is none or it cannot be read.
func sessionExpiresOf(m message) sessionExpires {
	s, err := parseSessionExpires(value(m, "session-expires"))
	if err != nil {
		return sessionExpires{}
	}
	return s
}

// minExpiresOf returns the Min-SE of a message, at least 90 s and at most a day.
func minExpiresOf(m message) time.Duration {
	v, _, _ := strings.Cut(value(m, "min-se"), ";")
	d, err := parseDelta(v)
	if err != nil {
		return minSessionExpires
	}
	return min(max(d, minSessionExpires), maxSessionExpires)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
