package sip

import (
	"slices"
	"strings"

	msg "github.com/emiago/sipgo/sip"
)

// withheld are user parts that tell nothing.
var withheld = []string{"", "anonymous", "unknown", "restricted", "unavailable"}

// users returns the user parts of a header field that lists addresses, in the order of the message, leaving out what
// cannot be read or tells nothing.
func users(m message, name string) []string {
	var out []string
	for _, v := range list(m, name) {
		a, err := parseAddress(v)
		if err != nil {
			continue
		}
		if u := userOf(&a.uri); !slices.Contains(withheld, strings.ToLower(u)) {
			out = append(out, u)
		}
	}
	return out
}

// entrancesOf lists the numbers that the caller may have dialled, best first: History-Info from the oldest entry
// (RFC 7044 section 5), Diversion from the last (RFC 5806 section 4: the topmost is the latest), P-Called-Party-ID
// (RFC 7315 section 4.2) and To.
func entrancesOf(req *msg.Request) []string {
	all := users(req, "history-info")
	diversion := users(req, "diversion")
	slices.Reverse(diversion)
	all = append(all, diversion...)
	all = append(all, users(req, "p-called-party-id")...)
	if to := req.To(); to != nil {
		if u := userOf(&to.Address); u != "" {
			all = append(all, u)
		}
	}
	return unique(all)
}

// divertedOf lists the numbers that forwarded the call on its way. The last entry of History-Info names where the call
// goes now, not who sent it there, and is left out where it equals the Request-URI.
func divertedOf(req *msg.Request) []string {
	history := users(req, "history-info")
	if n := len(history); n > 0 && history[n-1] == userOf(&req.Recipient) {
		history = history[:n-1]
	}
	return unique(append(history, users(req, "diversion")...))
}

// unique keeps the first of equal strings.
func unique(in []string) []string {
	var out []string
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// diversionHeaders tell that number sent the call on to target (RFC 5806, RFC 7044; cause=302 of RFC 4458: deflected).
func diversionHeaders(number, target, host, targetHost string) []msg.Header {
	if number == "" {
		return nil
	}
	by := "sip:" + escapeUser(number) + "@" + host
	to := "sip:" + escapeUser(target) + "@" + targetHost
	return []msg.Header{
		msg.NewHeader("Diversion", "<"+by+">;reason=unconditional;counter=1"),
		msg.NewHeader("History-Info", "<"+by+">;index=1, <"+to+";cause=302>;index=1.1"),
	}
}
