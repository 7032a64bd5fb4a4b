package directory

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Settings are what a tenant chooses about its directory. The zero value holds the defaults.
type Settings struct {
	Codes []Code `json:"codes,omitzero" maxItems:"50" doc:"Referral codes; missing: the usual ones"`
	// PBXCodes translate what the tenant's PBX calls its reasons.
	PBXCodes map[string]string `json:"pbx_codes,omitempty" doc:"What the PBX writes for a reason, and the code that it means"`
	// AgentsMaySetReferral lets receptionists set a referral for a person.
	AgentsMaySetReferral bool `json:"agents_may_set_referral,omitempty"`
	// StaleMonths is after how many months without confirmation information is flagged. Zero: DefaultStaleMonths.
	StaleMonths int `json:"stale_months,omitempty" minimum:"0" maximum:"120"`
	// ReferralStaleHours is after how many hours a referral fetched from elsewhere is flagged unless it was fetched again.
	ReferralStaleHours int `json:"referral_stale_hours,omitempty" minimum:"0" maximum:"8760"`
	// HistoryMonths is for how many months changes, and referrals that have ended, are kept. Zero: for ever.
	HistoryMonths int `json:"history_months,omitempty" minimum:"0" maximum:"1200" doc:"For how many months earlier versions, and referrals that have ended, are kept; 0: for ever. What holds now is never touched"`
}

// Defaults of Settings.
const (
	DefaultStaleMonths        = 6
	DefaultReferralStaleHours = 24 * 7
)

func (s Settings) staleMonths() int {
	if s.StaleMonths > 0 {
		return s.StaleMonths
	}
	return DefaultStaleMonths
}

func (s Settings) referralStale() time.Duration {
	if s.ReferralStaleHours > 0 {
		return time.Duration(s.ReferralStaleHours) * time.Hour
	}
	return DefaultReferralStaleHours * time.Hour
}

// AllCodes are the tenant's referral codes, the usual ones where it has none of its own.
func (s Settings) AllCodes() []Code {
	if s.Codes == nil {
		return DefaultCodes()
	}
	return s.Codes
}

// Code finds a referral code by its name in any case, or by what the PBX calls it.
func (s Settings) Code(name string) (Code, bool) {
	name = strings.TrimSpace(name)
	for pbx, code := range s.PBXCodes {
		if strings.EqualFold(pbx, name) {
			name = code
			break
		}
	}
	all := s.AllCodes()
	i := slices.IndexFunc(all, func(c Code) bool { return strings.EqualFold(c.Code, name) })
	if i < 0 {
		return Code{}, false
	}
	return all[i], true
}

// Normalize brings the settings into their one form and returns what is wrong with them.
func (s *Settings) Normalize(string) Problems {
	var p Problems
	seen := map[string]bool{}
	for i := range s.Codes {
		c, at := &s.Codes[i], fmt.Sprintf("codes[%d]", i)
		p.text(at+".code", &c.Code, 64, true, false)
		p.text(at+".phrase", &c.Phrase, 200, true, false)
		c.Code = strings.ToLower(c.Code)
		if seen[c.Code] {
			p.add(at+".code", fmt.Sprintf("%q is listed twice", c.Code), "write another name")
		}
		seen[c.Code] = true
		p.under(at, c.check())
	}
	for pbx, code := range s.PBXCodes {
		if !slices.ContainsFunc(s.AllCodes(), func(c Code) bool { return strings.EqualFold(c.Code, code) }) {
			p.add("pbx_codes."+pbx, fmt.Sprintf("there is no referral code %q", code), "write one of the codes")
		}
	}
	if len(s.PBXCodes) > 200 {
		p.add("pbx_codes", "has more than 200 entries", "take some out")
	}
	if s.StaleMonths < 0 || s.StaleMonths > 120 {
		p.add("stale_months", "is not within 0 to 120", "write a number of months, or 0 for the default")
	}
	if s.ReferralStaleHours < 0 || s.ReferralStaleHours > 8760 {
		p.add("referral_stale_hours", "is not within 0 to 8760", "write a number of hours, or 0 for the default")
	}
	if s.HistoryMonths < 0 || s.HistoryMonths > 1200 {
		p.add("history_months", "is not within 0 to 1200", "write a number of months, or 0 to keep everything")
	}
	return p
}
