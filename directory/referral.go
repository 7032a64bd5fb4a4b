package directory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"telefonist/calendar"
)

// ReferralSource says where a referral came from.
type ReferralSource string

// The sources of referrals.
const (
	FromPBX      ReferralSource = "pbx"
	FromCalendar ReferralSource = "calendar"
	FromPortal   ReferralSource = "portal"
	FromAgent    ReferralSource = "agent"
)

// Referral (hänvisning) says why and until when a person is away.
type Referral struct {
	Code  string    `json:"code" minLength:"1" maxLength:"64"`
	From  time.Time `json:"from,omitzero" doc:"First instant; missing: now"`
	Until time.Time `json:"until,omitzero" doc:"First instant at which the person is back; missing: as the code says, open-ended for sick"`
	// Open asks for no end where the code would give one.
	Open    bool           `json:"open,omitempty" doc:"Until it is cancelled, whatever the code says"`
	Connect *bool          `json:"connect,omitempty" doc:"Whether calls may still be connected; missing: as the code says"`
	Forward string         `json:"forward_to,omitempty" maxLength:"64" doc:"Number or extension to use instead"`
	Note    string         `json:"note,omitempty" maxLength:"500"`
	Source  ReferralSource `json:"source,omitempty" enum:"pbx,calendar,portal,agent"`
	SetBy   string         `json:"set_by,omitempty" maxLength:"200"`
	Fetched time.Time      `json:"fetched_at,omitzero" doc:"When the source was last seen to say so"`
}

// Complete fills in what was not written, by the code's defaults: from now, until as the code says, fetched now. It brings the
// referral into its one form and returns what is wrong with it.
func (r *Referral) Complete(now time.Time, s Settings, region string, cal calendar.Calendar) Problems {
	var p Problems
	code, known := s.Code(r.Code)
	if !known {
		p.add("code", fmt.Sprintf("there is no referral code %q", r.Code), "write one of the tenant's codes, such as "+s.AllCodes()[0].Code)
	}
	r.Code = cmp.Or(code.Code, r.Code)
	if r.From.IsZero() {
		r.From = now
	}
	if r.Fetched.IsZero() {
		r.Fetched = now
	}
	switch {
	case r.Open:
		r.Until = time.Time{}
	case known && r.Until.IsZero():
		until, ok := code.Until(r.From, cal)
		if !ok {
			p.add("until", "is missing", fmt.Sprintf("write when the person is back: %q has no usual end", code.Code))
		}
		r.Until = until
	}
	r.Open = r.Until.IsZero()
	switch r.Source {
	case FromPBX, FromCalendar, FromPortal, FromAgent:
	case "":
		r.Source = FromPortal
	default:
		p.add("source", fmt.Sprintf("%q is no source", r.Source), "write pbx, calendar, portal or agent")
	}
	p.phone("forward_to", &r.Forward, region, true)
	p.text("note", &r.Note, 500, false, true)
	p.text("set_by", &r.SetBy, 200, false, false)
	if !r.Until.IsZero() && !r.From.Before(r.Until) {
		p.add("until", "is not after from", "write a later instant")
	}
	return p
}

// ActiveAt tells whether the referral holds at an instant: From is in it, Until is not. It begins and ends by itself.
func (r Referral) ActiveAt(at time.Time) bool {
	return !at.Before(r.From) && (r.Until.IsZero() || at.Before(r.Until))
}

// ActiveReferral picks the one that holds at an instant: of several the one that began last, then the one fetched last.
func ActiveReferral(all []Referral, at time.Time) (Referral, bool) {
	var active []Referral
	for _, r := range all {
		if r.ActiveAt(at) {
			active = append(active, r)
		}
	}
	if len(active) == 0 {
		return Referral{}, false
	}
	return slices.MaxFunc(active, func(a, b Referral) int {
		return cmp.Or(a.From.Compare(b.From), a.Fetched.Compare(b.Fetched))
	}), true
}

// NextChange is the first instant after at when a referral begins or ends; ok is false where none will.
func NextChange(all []Referral, at time.Time) (next time.Time, ok bool) {
	for _, r := range all {
		for _, t := range []time.Time{r.From, r.Until} {
			if !t.IsZero() && t.After(at) && (!ok || t.Before(next)) {
				next, ok = t, true
			}
		}
	}
	return next, ok
}

// ReferralFlag says why a referral is doubtful.
type ReferralFlag string

// The flags of a referral.
const (
	EndsBeforeItBegins ReferralFlag = "ends_before_it_begins"
	TooLong            ReferralFlag = "too_long"      // longer than its code allows, or open-ended for longer
	BeginsFarAway      ReferralFlag = "begins_far"    // begins more than two years from now
	Over               ReferralFlag = "over"          // has ended
	NotFetched         ReferralFlag = "stale"         // its source has not said so for a while
	UnknownCode        ReferralFlag = "unknown_code"  // no code of the tenant, any more
	NoEnd              ReferralFlag = "open_too_long" // open-ended, and set long ago
)

// openEndedDays is from when on an open-ended referral is flagged, from its beginning or its last fetch.
const openEndedDays = 30

// Flags tells at an instant what makes the referral implausible or stale.
func (r Referral) Flags(now time.Time, s Settings) []ReferralFlag {
	var flags []ReferralFlag
	code, known := s.Code(r.Code)
	if !known {
		flags = append(flags, UnknownCode)
	}
	if !r.Until.IsZero() {
		switch {
		case !r.From.Before(r.Until):
			flags = append(flags, EndsBeforeItBegins)
		case r.Until.After(r.From.AddDate(0, 0, code.maxDays())):
			flags = append(flags, TooLong)
		}
		if !now.Before(r.Until) {
			flags = append(flags, Over)
		}
	} else if last := later(r.From, r.Fetched); !now.Before(last.AddDate(0, 0, openEndedDays)) {
		flags = append(flags, NoEnd)
	}
	if r.From.After(now.AddDate(2, 0, 0)) {
		flags = append(flags, BeginsFarAway)
	}
	fetched := r.Source == FromPBX || r.Source == FromCalendar
	if fetched && r.ActiveAt(now) && !now.Before(r.Fetched.Add(s.referralStale())) {
		flags = append(flags, NotFetched)
	}
	return flags
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Presence is what may be shown, said and sent of a person's referral. It never holds the true code.
type Presence struct {
	Away    bool           `json:"away"`
	Phrase  string         `json:"phrase,omitempty" doc:"What may be said: inte på plats"`
	Until   time.Time      `json:"until,omitzero"`
	Connect bool           `json:"connect" doc:"Calls may be connected"`
	Forward string         `json:"forward_to,omitempty"`
	Flags   []ReferralFlag `json:"flags,omitempty"`
	// Line is how the person's line is, where that is known and it is not free.
	Line *Line `json:"line,omitempty" doc:"On the phone, or ringing: beside the referral, since that is not being away"`
}

// unknownPhrase is said for a code that the tenant no longer has: the one that tells nothing.
const unknownPhrase = "inte på plats"

// PresenceAt is what is shown of a person at an instant.
func PresenceAt(all []Referral, at time.Time, s Settings) Presence {
	r, away := ActiveReferral(all, at)
	if !away {
		return Presence{Connect: true}
	}
	code, _ := s.Code(r.Code)
	p := Presence{Away: true, Phrase: cmp.Or(code.Phrase, unknownPhrase), Until: r.Until, Connect: code.Connect, Forward: r.Forward,
		Flags: r.Flags(at, s)}
	if r.Connect != nil {
		p.Connect = *r.Connect
	}
	return p
}
