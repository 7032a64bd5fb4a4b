package sip

import (
	"errors"
	"fmt"
	"strings"

	msg "github.com/emiago/sipgo/sip"
)

// replaces names a dialog (RFC 3891 section 3).
type replaces struct {
	callID, toTag, fromTag string
}

var (
	errReplaces = errors.New("replaces cannot be read")
	errReferTo  = errors.New("refer-to cannot be read")
	// errReferMethod: the sender asks for another request than INVITE.
	errReferMethod = errors.New("refer-to asks for another method than invite")
)

// parseReplaces reads the value of a Replaces header, unescaped: callid;to-tag=…;from-tag=….
func parseReplaces(s string) (replaces, error) {
	var r replaces
	id, rest, _ := strings.Cut(s, ";")
	r.callID = strings.TrimSpace(id)
	p := parseParams(rest)
	r.toTag, r.fromTag = p["to-tag"], p["from-tag"]
	if r.callID == "" || r.toTag == "" || r.fromTag == "" || hasControl(s) || strings.ContainsAny(r.callID, " \t,") {
		return replaces{}, errReplaces
	}
	return r, nil
}

// String prints the value as a Replaces header has it.
func (r replaces) String() string {
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", r.callID, r.toTag, r.fromTag)
}

// referTo is what a REFER asks for.
type referTo struct {
	user     string
	replaces *replaces
}

// parseReferTo reads a Refer-To value (RFC 3515 section 2.1): a name-addr or a bare URI, the Replaces of an attended
// transfer escaped among the URI's headers (RFC 3891 section 6.1). Only the user part and the Replaces are taken; where the
// URI points is for us to decide.
func parseReferTo(s string) (referTo, error) {
	var out referTo
	s = strings.TrimSpace(s)
	if angle(s) < 0 {
		// Without brackets a URI must not hold '?' or ';', but phones send it.
		s = "<" + s + ">"
	}
	a, err := parseAddress(s)
	if err != nil {
		return out, fmt.Errorf("%w: %w", errReferTo, err)
	}
	for _, p := range a.uri.UriParams {
		if strings.EqualFold(p.K, "method") && !strings.EqualFold(p.V, string(msg.INVITE)) {
			return out, errReferMethod
		}
	}
	if out.user = userOf(&a.uri); out.user == "" {
		return out, fmt.Errorf("%w: no number in it", errReferTo)
	}
	for _, h := range a.uri.Headers {
		v, err := percentDecode(h.V)
		if err != nil || hasControl(v) {
			return out, fmt.Errorf("%w: control byte or bad escape", errReferTo)
		}
		if !strings.EqualFold(h.K, "Replaces") {
			continue
		}
		r, err := parseReplaces(v)
		if err != nil || out.replaces != nil {
			return out, fmt.Errorf("%w: %w", errReferTo, errReplaces)
		}
		out.replaces = &r
	}
	return out, nil
}
