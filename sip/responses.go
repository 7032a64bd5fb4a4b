package sip

import (
	"slices"
	"strings"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// refusedRetry is what Retry-After says where we cannot take a call for the moment.
const refusedRetry = 5 * time.Second

// The methods that we take and the extensions that we know (RFC 4028, RFC 4488).
const (
	allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER"
	supportedTags  = "timer, norefersub"
)

func allowHeader() msg.Header     { return msg.NewHeader("Allow", allowedMethods) }
func supportedHeader() msg.Header { return msg.NewHeader("Supported", supportedTags) }

// knownTags are the option tags that a request may require.
var knownTags = []string{"timer", "norefersub"}

// phrases are the reason phrases that we use (RFC 3261 section 21).
var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
	415: "Unsupported Media Type", 420: "Bad Extension", 422: "Session Interval Too Small",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
	504: "Server Time-out", 600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere",
	606: "Not Acceptable",
}

func phrase(code int) string {
	if p := phrases[code]; p != "" {
		return p
	}
	return "Error"
}

// unsupported returns the 420 to a request that requires what we do not know (RFC 3261 section 8.2.2.3), else nil.
func unsupported(req *msg.Request, tx *wire.ServerTx) *msg.Response {
	var unknown []string
	for _, t := range tokens(req, "require") {
		if !slices.Contains(knownTags, t) {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	res := tx.NewResponse(msg.StatusBadExtension, phrase(msg.StatusBadExtension), nil)
	res.AppendHeader(msg.NewHeader("Unsupported", strings.Join(unknown, ", ")))
	return res
}

// wrongBody returns the 415 to a body that is no session description (RFC 3261 section 8.2.3), else nil.
func wrongBody(req *msg.Request, tx *wire.ServerTx) *msg.Response {
	if len(req.Body()) == 0 {
		return nil
	}
	kind, _, _ := strings.Cut(value(req, "content-type"), ";")
	coded := value(req, "content-encoding")
	if strings.EqualFold(strings.TrimSpace(kind), "application/sdp") && (coded == "" || strings.EqualFold(coded, "identity")) {
		return nil
	}
	res := tx.NewResponse(msg.StatusUnsupportedMediaType, phrase(msg.StatusUnsupportedMediaType), nil)
	res.AppendHeader(msg.NewHeader("Accept", "application/sdp"))
	res.AppendHeader(msg.NewHeader("Accept-Encoding", "identity"))
	return res
}

// wantsOther reports whether the sender takes no session description in the answer (RFC 3261 section 20.1).
func wantsOther(req *msg.Request) bool {
	accept := tokens(req, "accept")
	return len(accept) > 0 && !slices.ContainsFunc(accept, func(a string) bool {
		return a == "application/sdp" || a == "application/*" || a == "*/*"
	})
}

// capabilities answers OPTIONS (RFC 3261 section 11.2).
func capabilities(tx *wire.ServerTx, code int) *msg.Response {
	res := tx.NewResponse(code, phrase(code), nil)
	res.AppendHeader(allowHeader())
	res.AppendHeader(supportedHeader())
	res.AppendHeader(msg.NewHeader("Accept", "application/sdp"))
	res.AppendHeader(msg.NewHeader("Accept-Encoding", "identity"))
	res.AppendHeader(msg.NewHeader("Accept-Language", "en"))
	return res
}

func notAllowed(tx *wire.ServerTx) *msg.Response {
	res := tx.NewResponse(msg.StatusMethodNotAllowed, phrase(msg.StatusMethodNotAllowed), nil)
	res.AppendHeader(allowHeader())
	return res
}
