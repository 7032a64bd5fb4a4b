package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"telefonist/call"
)

// Dialled is a string as an agent dials it, told apart: exactly one field is set.
type Dialled struct {
	Extension string // "205": 2 to 5 digits that do not begin with 0; whose it is depends on the call
	Number    string // E.164
}

// ParseDialled tells an extension from a number. Emergency numbers and the national short numbers that look like extensions
// are refused (ErrEmergency), and so is a local number without its area code (ErrIncomplete): nobody knows which area is
// meant.
func ParseDialled(s string) (Dialled, error) { return parseDialled(s, Region) }

func parseDialled(s, region string) (Dialled, error) {
	user, _, _ := strings.Cut(strings.TrimSpace(s), ";")
	if short(user, region) {
		return Dialled{}, unprefixed(s, user, region)
	}
	if IsExtension(user) {
		return Dialled{Extension: user}, nil
	}
	number, err := ParseNumber(s, region)
	if err != nil {
		return Dialled{}, err
	}
	return Dialled{Number: number}, nil
}

// IsExtension tells whether s has the form of an extension: 2 to 5 digits, the first not 0.
func IsExtension(s string) bool {
	if len(s) < 2 || len(s) > 5 || s[0] == '0' {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// shortService holds what the metadata does not count as emergency numbers but nobody may take for an extension: health
// advice, information in a crisis, the police, and the emergency numbers that PBXs of other countries know.
var shortService = map[string]bool{"112": true, "1177": true, "11313": true, "11414": true, "911": true, "999": true}

// short tells an emergency or a national short service number, which leaves the PBX though it looks like an extension. What only begins with one
// is an extension like others: a PBX compares all of what it is sent at once.
func short(digits, region string) bool {
	return shortService[digits] || len(digits) <= 6 && phonenumbers.IsEmergencyNumber(digits, region)
}

// Target says where a dialled string leads for a call of this tenant: "205" is the tenant's own extension, everything
// else a number through the tenant's trunk, if it may be called. The extensions of other agents and of the service are
// not reached this way; they would be taken for the tenant's.
//
// Errors wrap one of the sentinels of this package.
func (d *Directory) Target(t *Tenant, dialled string) (call.Destination, error) {
	to, err := parseDialled(dialled, regionOf(t.Number))
	if err != nil {
		return call.Destination{}, err
	}
	if to.Extension != "" {
		return call.Destination{Trunk: t.Trunk, Number: to.Extension}, nil
	}
	if _, ours := d.numbers[to.Number]; ours {
		return call.Destination{}, fmt.Errorf("call %s: %w", Mask(to.Number), ErrServiceNumber)
	}
	if err := Allowed(to.Number, t.Number, t.Prefixes); err != nil {
		return call.Destination{}, fmt.Errorf("call %s: %w", Mask(to.Number), err)
	}
	return call.Destination{Trunk: t.Trunk, Number: to.Number}, nil
}

// Allowed tells whether a tenant whose own number is home may call number (both E.164). Without prefixes: numbers of the
// home country of the ordinary kinds (fixed, mobile, free-phone, corporate, VoIP). With prefixes: only what begins with one of
// them, and premium numbers only where a prefix names their series: the country code and at least three digits
// ("+46900"), or a premium country code ("+979"). A number of a kind that nobody knows is treated like a premium one.
func Allowed(number, home string, prefixes []string) error {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ErrNotANumber
	}
	class := classify(n, number)
	if len(prefixes) == 0 {
		if h, err := phonenumbers.Parse(home, ""); err != nil || h.GetCountryCode() != n.GetCountryCode() {
			return ErrNotAllowed
		}
		return class
	}
	named := len(fmt.Sprintf("+%d", n.GetCountryCode()))
	if code := n.GetCountryCode(); code != 979 && code != 808 { // international premium rate and shared cost
		named += 3
	}
	result := ErrNotAllowed
	for _, p := range prefixes {
		switch {
		case !strings.HasPrefix(number, p):
		case class == nil, len(p) >= named:
			return nil
		default:
			result = class
		}
	}
	return result
}

// premiumSE are the Swedish series that cost more than an ordinary call, by the national numbering plan (PTS): 0900,
// 0939 and 0944 premium services, 099 mass calls, 077 shared cost, 118 directory enquiries.
var premiumSE = []string{"+46900", "+46939", "+46944", "+4699", "+4677", "+46118"}

// classify gives nil for a number of an ordinary kind, ErrPremium for one that costs more, ErrNotANumber for one that
// belongs to no known series.
func classify(n *phonenumbers.PhoneNumber, number string) error {
	for _, p := range premiumSE {
		if strings.HasPrefix(number, p) {
			return ErrPremium
		}
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.TOLL_FREE,
		phonenumbers.VOIP, phonenumbers.UAN:
		return nil
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER:
		return ErrPremium
	}
	return ErrNotANumber
}

// ParsePrefix checks a beginning of numbers that may be called: "+46", "+46900". It must hold a whole country code.
func ParsePrefix(s string) (string, error) {
	if len(s) < 2 || len(s) > 16 || s[0] != '+' || strings.Trim(s[1:], "0123456789") != "" {
		return "", errors.New("a prefix is a plus sign and digits, as +46 or +4670")
	}
	known := phonenumbers.GetSupportedCallingCodes()
	for i, code := 1, 0; i < len(s) && i <= 3; i++ {
		if code = code*10 + int(s[i]-'0'); known[code] {
			return s, nil
		}
	}
	return "", errors.New("a prefix begins with a whole country code, as +46 or +4670")
}

// regionOf gives the region of an E.164 number, Region where it has none.
func regionOf(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return Region
	}
	if r := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); r != "ZZ" && r != "001" && r != "" {
		return r
	}
	return Region
}

// RegionOf gives the country of an E.164 number ("SE"), Region where it has none.
func RegionOf(number string) string { return regionOf(number) }

// ParseDialledIn is ParseDialled for the national numbers of a region.
func ParseDialledIn(s, region string) (Dialled, error) { return parseDialled(s, region) }
