package message

import (
	"fmt"
	"net/mail"
	"strings"

	"telefonist/directory"
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

// maxSenderName is the longest alphanumeric sender of an SMS (TS 23.040 section 9.1.2.5: 20 half octets of 7 bit characters).
const maxSenderName = 11

// ParseSMSSender checks what an SMS says that it comes from: a number, which is given back in E.164, or a name of at most 11
// letters (A to Z) and digits that begins with a letter. The error says what to write instead.
func ParseSMSSender(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", fmt.Errorf("the sender is empty: write a name such as Telefonist, or a number")
	}
	if c := s[0]; c == '+' || c >= '0' && c <= '9' {
		number, err := directory.ParseNumber(s, directory.Region)
		if err != nil {
			return "", fmt.Errorf("the sender begins as a number but is none: write +46850000001, or a name that begins with a letter")
		}
		return number, nil
	}
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return "", fmt.Errorf("the sender %q holds %q: write letters from A to Z and digits only, such as %s", s, r, plainName(s))
		}
	}
	if len(s) > maxSenderName {
		return "", fmt.Errorf("the sender %q has %d characters: write at most %d, such as %s", s, len(s), maxSenderName, plainName(s))
	}
	return s, nil
}

var withoutMarks = strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "Å", "A", "Ä", "A", "Ö", "O", "é", "e", "É", "E", "ü", "u", "Ü", "U")

// plainName proposes a name that may stand there.
func plainName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, withoutMarks.Replace(s))
	name = strings.TrimLeft(name, "0123456789")
	if name == "" {
		return "Telefonist"
	}
	return name[:min(len(name), maxSenderName)]
}
