package directory

import (
	"fmt"
	"strings"
)

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
		number, err := ParseNumber(s, Region)
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
