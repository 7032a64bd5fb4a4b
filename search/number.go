package search

import (
	"math/bits"
	"strings"
)

// A packed number holds up to 16 digits, each plus one in four bits, the last digit lowest: whether one number ends with
// another is one comparison.
type packed uint64

const maxDigits = 16

// pack keeps the last 16 digits.
func pack(digits string) (p packed) {
	if len(digits) > maxDigits {
		digits = digits[len(digits)-maxDigits:]
	}
	for i := range len(digits) {
		p = p<<4 | packed(digits[i]-'0'+1)
	}
	return p
}

func (p packed) len() int { return (bits.Len64(uint64(p)) + 3) / 4 }

func (p packed) endsWith(q packed) bool {
	n := q.len()
	return n == maxDigits && p == q || n < maxDigits && p&(1<<(4*n)-1) == q
}

func (p packed) beginsWith(q packed) bool {
	n, m := p.len(), q.len()
	return n >= m && p>>(4*(n-m)) == q
}

// written takes the digits of a number in any format. Where it is written from outside the country (+, 00) or with the
// trunk prefix 0, full is the number with its country code, and otherwise empty.
func written(s, country string) (digits, full string) {
	s = strings.TrimSpace(s)
	abroad := strings.HasPrefix(s, "+")
	if abroad || strings.HasPrefix(s, "00") {
		s = strings.Replace(s, "(0)", "", 1)
	}
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < 2*maxDigits; i++ {
		if s[i] >= '0' && s[i] <= '9' {
			b.WriteByte(s[i])
		}
	}
	digits = b.String()
	switch {
	case digits == "":
	case abroad:
		full = digits
	case strings.HasPrefix(digits, "00"):
		full = digits[2:]
	case digits[0] == '0':
		full = country + digits[1:]
	}
	return digits, full
}

// packNumber is how a document's number is kept: with its country code, or as it is where it is an extension.
func packNumber(s, country string) packed {
	digits, full := written(s, country)
	if full != "" {
		return pack(full)
	}
	return pack(digits)
}

// longExtension is the most digits of a number that may be found by its first digits without a 0 or a country code.
const longExtension = 6

// asked is a number of a query.
type asked struct{ digits, full packed }

// quality says how well a number is the one that was asked for; 0 is not at all.
func (a asked) quality(p packed) int {
	n := a.digits.len()
	switch {
	case p == a.digits || a.full != 0 && p == a.full:
		return exactly
	case n >= 3 && p.endsWith(a.digits):
		return numberEnd
	case a.full.len() >= 3 && p.beginsWith(a.full), p.len() <= longExtension && p.beginsWith(a.digits):
		return numberStart
	}
	return 0
}
