package directory

import (
	"time"

	"telefonist/calendar"
)

// Report is what another system says of one person: that they are away, that they are back, or how their line is.
type Report struct {
	ExternalID string `json:"external_id,omitempty" maxLength:"200" doc:"One of external_id, extension, number and email names the person"`
	Extension  string `json:"extension,omitempty" maxLength:"64"`
	Number     string `json:"number,omitempty" maxLength:"64"`
	Email      string `json:"email,omitempty" maxLength:"254"`
	Clear      bool   `json:"clear,omitempty" doc:"The person is back; nothing else is needed then"`

	Code    string         `json:"code,omitempty" maxLength:"64" doc:"One of the tenant's codes, or what the PBX calls it"`
	From    time.Time      `json:"from,omitzero"`
	Until   time.Time      `json:"until,omitzero"`
	Open    bool           `json:"open,omitempty" doc:"Until it is cleared, whatever the code says"`
	Connect *bool          `json:"connect,omitempty"`
	Forward string         `json:"forward_to,omitempty" maxLength:"64"`
	Note    string         `json:"note,omitempty" maxLength:"500"`
	Source  ReferralSource `json:"source,omitempty" enum:"pbx,calendar,portal" doc:"Missing: pbx"`
	Fetched time.Time      `json:"fetched_at,omitzero"`

	// Line, Since and ExpiresIn tell how a line is. A report has either these or what stands above.
	Line      LineState `json:"line,omitempty" enum:"free,ringing,busy" doc:"How the person's line is, in place of a referral"`
	Since     time.Time `json:"since,omitzero" doc:"Since when the line is so; missing: since now"`
	ExpiresIn int       `json:"expires_in,omitempty" minimum:"0" maximum:"86400" doc:"Seconds after which the line is no longer taken for busy; 0: 7200"`
}

// Referral is the referral that a report asks for.
func (r Report) Referral() Referral {
	return Referral{Code: r.Code, From: r.From, Until: r.Until, Open: r.Open, Connect: r.Connect, Forward: r.Forward, Note: r.Note, Source: r.Source, Fetched: r.Fetched}
}

// LineState is how a person's line is.
type LineState string

// The states of a line.
const (
	LineFree    LineState = "free"
	LineRinging LineState = "ringing"
	LineBusy    LineState = "busy" // on the phone
)

// DefaultLineLife is how long a line is taken for busy when nobody says that it is free: longer than nearly every call, and shorter
// than the time after which a lost event would be noticed as a person who never answers.
const DefaultLineLife = 2 * time.Hour

// Line is what is known of a person's line. It stands beside the referral: who is on the phone is not away.
type Line struct {
	State LineState `json:"state" enum:"ringing,busy"`
	Since time.Time `json:"since"`
	// Until is when it ends by itself.
	Until time.Time `json:"until" doc:"From then on it is no longer believed, unless it was said again"`
}

// LineOf gives the line that a report tells of, and what is wrong with it. A free line is the zero Line.
func (r Report) LineOf(now time.Time) (l Line, p Problems) {
	switch {
	case r.Line != LineFree && r.Line != LineRinging && r.Line != LineBusy:
		p.add("line", "is no state of a line", "write free, ringing or busy")
	case r.ExpiresIn < 0 || r.ExpiresIn > 86400:
		p.add("expires_in", "is not within 0 to 86400", "write a number of seconds")
	case r.Since.After(now.Add(time.Minute)):
		p.add("since", "has not come yet", "write when the line became so")
	}
	if len(p) > 0 || r.Line == LineFree {
		return Line{}, p
	}
	l = Line{State: r.Line, Since: r.Since, Until: now.Add(DefaultLineLife)}
	if l.Since.IsZero() || l.Since.After(now) {
		l.Since = now
	}
	if r.ExpiresIn > 0 {
		l.Until = now.Add(time.Duration(r.ExpiresIn) * time.Second)
	}
	return l, nil
}

// HoldsAt tells whether the line is still taken for what was said of it.
func (l Line) HoldsAt(at time.Time) bool { return l.State != "" && at.Before(l.Until) }

// ParseInstant reads RFC 3339, or a date with the clock in Stockholm where no offset is written: what systems write that know of
// one country.
func ParseInstant(s string) (at time.Time, ok bool) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, s, calendar.Stockholm()); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
