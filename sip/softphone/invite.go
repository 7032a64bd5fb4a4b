package softphone

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Invite is what an INVITE says of who calls whom. Numbers are user parts of addresses, as they shall stand on the wire.
type Invite struct {
	To       string // user part of the Request-URI
	ToHeader string // user part of To; default as To
	From     string
	Name     string
	Identity string // user part of P-Asserted-Identity; empty: none
	Private  bool   // From is anonymous and Privacy: id is asked for
	// History are the numbers of History-Info, oldest first; Diversion those of Diversion, the latest first.
	History   []string
	Diversion []string
	// Answer is set where the far side asks the phone to answer by itself (RFC 5373).
	Answer bool
	// Headers are any other header fields, each a name and a value.
	Headers [][2]string
	// Voice is what this call sends; nil: what the phone's configuration says.
	Voice Source
}

// headers builds the header fields beside those that every request has.
func (i Invite) headers(domain string) []sip.Header {
	var out []sip.Header
	if i.Identity != "" {
		out = append(out, sip.NewHeader("P-Asserted-Identity", "<sip:"+i.Identity+"@"+domain+">"))
	}
	if i.Private {
		out = append(out, sip.NewHeader("Privacy", "id"))
	}
	index := "1"
	for _, number := range i.History {
		out = append(out, sip.NewHeader("History-Info", "<sip:"+number+"@"+domain+">;index="+index))
		index += ".1"
	}
	for _, number := range i.Diversion {
		out = append(out, sip.NewHeader("Diversion", "<sip:"+number+"@"+domain+">;reason=unconditional"))
	}
	for _, h := range i.Headers {
		out = append(out, sip.NewHeader(h[0], h[1]))
	}
	return out
}

// readInvite reads an INVITE that came in.
func readInvite(req *sip.Request) Invite {
	i := Invite{
		To: req.Recipient.User, ToHeader: req.To().Address.User,
		From: req.From().Address.User, Name: req.From().DisplayName,
		History: users(req, "History-Info"), Diversion: users(req, "Diversion"),
		Private: strings.EqualFold(req.From().Address.Host, "anonymous.invalid"),
	}
	if asserted := users(req, "P-Asserted-Identity"); len(asserted) > 0 {
		i.Identity = asserted[0]
	}
	if mode := req.GetHeader("Answer-Mode"); mode != nil {
		i.Answer = strings.EqualFold(mode.Value(), "auto")
	}
	for _, h := range req.Headers() {
		if name := strings.ToLower(h.Name()); strings.HasPrefix(name, "x-") || name == "user-to-user" {
			i.Headers = append(i.Headers, [2]string{h.Name(), h.Value()})
		}
	}
	return i
}

// users returns the user parts of a header field of addresses. What stands between "sip:" and "@" is all that is wanted.
func users(req *sip.Request, name string) []string {
	var out []string
	for _, h := range req.GetHeaders(name) {
		rest := h.Value()
		for {
			_, after, found := strings.Cut(rest, "sip:")
			if !found {
				break
			}
			user, host, found := strings.Cut(after, "@")
			if !found {
				break
			}
			if user, _, _ = strings.Cut(user, ";"); !strings.ContainsAny(user, "<>, ") {
				out = append(out, user)
			}
			rest = host
		}
	}
	return out
}
