package message

import (
	"fmt"
	"net/mail"
	"strings"
)

// maxAddress is the longest e-mail address (RFC 5321 section 4.5.3.1.3 less the angle brackets).
const maxAddress = 254

// ParseEmail checks an e-mail address as the directory has it, "kim@example.com", and gives it back without blanks around
// it. The error says what to write instead and does not hold the address.
func ParseEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	for _, r := range s {
		if r > 0x7e {
			return "", fmt.Errorf("the address holds %q: write it in ASCII, a domain with å, ä or ö in its xn-- form", r)
		}
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > maxAddress || strings.ContainsAny(s, "\"\\()<>,;: \t\r\n") {
		return "", fmt.Errorf("this is no e-mail address: write one as kim@example.com")
	}
	if local, domain, _ := strings.Cut(s, "@"); len(local) > 64 || !validDomain(domain) {
		return "", fmt.Errorf("this is no e-mail address: write one as kim@example.com")
	}
	return s, nil
}

// validDomain takes names and, since relays inside a house need no more, names of one label.
func validDomain(d string) bool {
	for label := range strings.SplitSeq(d, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(d) <= 253
}
