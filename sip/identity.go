package sip

import (
	"strings"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

// anonymousHost is the host of a From that tells nothing (RFC 3323 section 4.1.1.3).
const anonymousHost = "anonymous.invalid"

// callerOf tells who calls by an INVITE of a trusted trunk: P-Asserted-Identity where there is one with a user part
// (RFC 3325 section 9.1), else From.
func callerOf(req *msg.Request) call.Party {
	p := call.Party{Private: wantsPrivacy(req)}
	from := req.From()
	if strings.EqualFold(from.Address.Host, anonymousHost) || strings.EqualFold(from.Address.User, "anonymous") {
		p.Private = true
	} else {
		p.Number = userOf(&from.Address)
		p.Name = cleanName(unescape(from.DisplayName))
	}
	for _, v := range list(req, "p-asserted-identity") {
		a, err := parseAddress(v)
		if err != nil {
			continue
		}
		if u := userOf(&a.uri); u != "" {
			p.Number = u
			if a.name != "" {
				p.Name = a.name
			}
			break
		}
	}
	return p
}

// wantsPrivacy reports whether the caller asked that the number be withheld (RFC 3323 section 4.2, RFC 3325 section 9.3).
func wantsPrivacy(m message) bool {
	for _, v := range values(m, "privacy") {
		for _, p := range strings.FieldsFunc(strings.ToLower(v), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if p == "id" || p == "user" || p == "header" {
				return true
			}
		}
	}
	return false
}

// identityOf tells who answered: P-Asserted-Identity of the 2xx, else its Contact.
func identityOf(res *msg.Response) string {
	for _, v := range list(res, "p-asserted-identity") {
		if a, err := parseAddress(v); err == nil {
			if u := userOf(&a.uri); u != "" {
				return u
			}
		}
	}
	if c := res.Contact(); c != nil {
		return userOf(&c.Address)
	}
	return ""
}

// fromHeader builds the From of an outgoing leg. A private caller is anonymous to the far side; who it is goes into
// P-Asserted-Identity alone, and only where the far side is trusted with it.
func fromHeader(p call.Party, host, tag string) *msg.FromHeader {
	h := &msg.FromHeader{Params: msg.HeaderParams{{K: "tag", V: tag}}}
	if p.Private {
		h.DisplayName = "Anonymous"
		h.Address = msg.Uri{Scheme: "sip", User: "anonymous", Host: anonymousHost}
		return h
	}
	h.DisplayName = escapeQuoted(p.Name)
	h.Address = msg.Uri{Scheme: "sip", User: escapeUser(p.Number), Host: host}
	return h
}

// assertedHeaders builds P-Asserted-Identity and Privacy (RFC 3325 sections 9.1 and 9.3). To a far side outside the
// trust domain a private caller's number is not told at all.
func assertedHeaders(p call.Party, host string, trusted bool) []msg.Header {
	var out []msg.Header
	if p.Private {
		out = append(out, msg.NewHeader("Privacy", "id"))
	}
	if p.Number == "" || p.Private && !trusted {
		return out
	}
	v := "<sip:" + escapeUser(p.Number) + "@" + host + ">"
	if name := escapeQuoted(p.Name); name != "" && !p.Private {
		v = `"` + name + `" ` + v
	}
	return append(out, msg.NewHeader("P-Asserted-Identity", v))
}
