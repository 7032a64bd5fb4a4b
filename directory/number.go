package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Region is the country whose national form ("08-…", "00…" for abroad) is understood where nothing else is said.
const Region = "SE"

// Why a string is no number that may be called. The SIP status that fits stands beside each.
var (
	// ErrNotANumber: nothing that can be dialled (404).
	ErrNotANumber = errors.New("not a telephone number")
	// ErrIncomplete: digits that lack an area or country code, or too few of them (484).
	ErrIncomplete = errors.New("incomplete telephone number")
	// ErrEmergency: an emergency or national short number, which cannot be reached by a transfer (403).
	ErrEmergency = errors.New("emergency and short service numbers cannot be called")
	// ErrPremium: a number that costs more than an ordinary call and that no prefix of the tenant names (403).
	ErrPremium = errors.New("premium-rate number is not allowed")
	// ErrNotAllowed: outside the tenant's prefixes, or abroad where it has none (403).
	ErrNotAllowed = errors.New("number is not allowed for this tenant")
	// ErrServiceNumber: a tenant's unique number at this service; the call would come straight back (403).
	ErrServiceNumber = errors.New("number leads back to this service")
)

// NumberError is what ParseNumber returns: the sentinel that it wraps, what was read, and what to write instead.
type NumberError struct {
	Input string
	Fix   string // "write it with its area code, as 08-… or +46 8…"
	Err   error  // ErrNotANumber, ErrIncomplete or ErrEmergency
}

// Error gives the whole sentence for an operator. It holds what was read.
func (e *NumberError) Error() string {
	return fmt.Sprintf("%q is %v: %s", e.Input, problem(e.Err), e.Fix)
}

// Unwrap gives the sentinel.
func (e *NumberError) Unwrap() error { return e.Err }

func problem(err error) string {
	switch err {
	case ErrIncomplete:
		return "an " + err.Error()
	case ErrEmergency:
		return "a short service number"
	}
	return err.Error()
}

// maxInput is the longest string looked at, in bytes: E.164 has 15 digits (ITU-T E.164 section 6), the rest is
// separators and parameters.
const maxInput = 128

// ParseNumber returns the E.164 form ("+46850000001") of a number as people, PBXs and tel URIs write it: "08-50 00 00 01",
// "0046…", "+46 (0)8…", "46850000001", "tel:+46-8-500-000-01" (RFC 3966). The region ("SE", empty for Region) says whose
// national form is meant. Parameters after a semicolon are ignored but for a phone-context that is a country code.
//
// The number must have a possible length for its country; whether it is assigned is not known to anyone but its operator.
// The error is a *NumberError. What it returns parses to itself.
func ParseNumber(s, region string) (string, error) {
	if region == "" {
		region = Region
	}
	digits, region, err := clean(s, region)
	if err != nil {
		return "", err
	}
	// "46850000001", a SIP user part without its plus: taken for international only with the region's own country
	// code, since anything else could as well be a local number.
	if code := fmt.Sprint(phonenumbers.GetCountryCodeForRegion(region)); digits[0] != '+' && digits[0] != '0' {
		if !strings.HasPrefix(digits, code) {
			return "", unprefixed(s, digits, region)
		}
		digits = "+" + digits
	}
	number, err := canonical(digits, region)
	if err != nil {
		return "", fail(s, ErrIncomplete, "write a whole number, as 08-500 000 01 or +46850000001")
	}
	if again, err := canonical(number, region); err != nil || again != number {
		return "", fail(s, ErrNotANumber, "write it in international form, as +46850000001")
	}
	return number, nil
}

func fail(s string, err error, fix string) error {
	if len(s) > maxInput {
		s = s[:maxInput]
	}
	return &NumberError{Input: s, Err: err, Fix: fix}
}

func unprefixed(s, digits, region string) error {
	if short(digits, region) {
		return fail(s, ErrEmergency, "write an ordinary number, as 08-500 000 01 or +46850000001")
	}
	return fail(s, ErrIncomplete, "write it with its area code, as 08-500 000 01, or as +46850000001")
}

// canonical parses digits (with "+" or a trunk prefix before them) and prints E.164.
func canonical(digits, region string) (string, error) {
	n, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return "", err
	}
	if !phonenumbers.IsPossibleNumber(n) {
		return "", ErrIncomplete
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// clean drops the scheme, the parameters and visual separators, and refuses all else: letters are never taken for the
// digits of a keypad, nor other scripts' digits for ours. A phone-context that is a country code changes the region.
func clean(s, region string) (digits, where string, err error) {
	rest := strings.TrimSpace(s)
	if len(rest) >= 4 && strings.EqualFold(rest[:4], "tel:") {
		rest = rest[4:]
	}
	rest, params, _ := strings.Cut(rest, ";")
	if len(s) > maxInput {
		return "", "", fail(s, ErrNotANumber, "write at most 15 digits, as +46850000001")
	}
	var b strings.Builder
	for _, r := range rest {
		switch {
		case r >= '0' && r <= '9', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()\u00a0\u2009\u2010\u2011\u2013\u202f", r):
		default:
			return "", "", fail(s, ErrNotANumber, "write digits only, as +46850000001 or 08-500 000 01")
		}
	}
	digits = b.String()
	if strings.Trim(digits, "+") == "" {
		return "", "", fail(s, ErrNotANumber, "write a telephone number, as +46850000001")
	}
	return digits, context(params, region), nil
}

// context gives the region that a tel URI's phone-context names (RFC 3966 section 5.1.5), else the region given.
func context(params, region string) string {
	for _, p := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(name, "phone-context") || !strings.HasPrefix(value, "+") {
			continue
		}
		code := 0
		for _, r := range strings.ReplaceAll(value[1:], "-", "") {
			if r < '0' || r > '9' || code > 999 {
				return region
			}
			code = code*10 + int(r-'0')
		}
		if r := phonenumbers.GetRegionCodeForCountryCode(code); r != "ZZ" && r != "001" && r != "" {
			return r
		}
	}
	return region
}

// Mask hides all but the beginning and the last two digits of a number, for logs: "+468…01".
func Mask(number string) string {
	if len(number) < 7 {
		return number
	}
	return number[:4] + "…" + number[len(number)-2:]
}
