package directory

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ScopeTenant is the id of a tenant's own instructions; those of a common number have its E.164 form for an id.
const ScopeTenant = "tenant"

// Instructions say how a tenant's calls are answered, for the tenant or for one of its common numbers. A common number's
// fields that are not set are the tenant's.
type Instructions struct {
	Answer   string     `json:"answer,omitempty" maxLength:"500" doc:"What is said when answering; {company}, {common}, {agent}, {greeting} are filled in"`
	Connect  []Rule     `json:"connect,omitzero" maxItems:"50" doc:"How to connect: rules in their order. Missing: the tenant's; an empty list: none"`
	Message  *Messaging `json:"message,omitempty" doc:"How to pass a message on"`
	Contacts []Contact  `json:"contacts,omitzero" maxItems:"50" doc:"Whom receptionists ask. Missing: the tenant's; an empty list: nobody"`
	// ValidUntil ends what was agreed: from then on it is flagged, not hidden.
	ValidUntil  time.Time `json:"valid_until,omitzero" doc:"From then on the instructions are flagged as out of date"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero" doc:"When somebody last said that they are right"`
	ConfirmedBy string    `json:"confirmed_by,omitempty" maxLength:"200"`
}

// Rule is one rule on connecting: "never connect during lunch".
type Rule struct {
	Text string `json:"text" minLength:"1" maxLength:"1000"`
	// Codes limits the rule to people with one of these referrals.
	Codes []string `json:"codes,omitempty" maxItems:"20" doc:"Holds only for people with one of these referral codes; empty: always"`
}

// Messaging says how messages are passed on.
type Messaging struct {
	Channel string   `json:"channel,omitempty" enum:"email,sms,both,none" doc:"The way that is preferred"`
	Ask     []string `json:"ask,omitempty" maxItems:"20" doc:"What to ask the caller for, in order"`
	Note    string   `json:"note,omitempty" maxLength:"1000"`
	To      string   `json:"to,omitempty" maxLength:"254" doc:"Group address or mailbox for messages to nobody in particular"`
}

// Contact is somebody whom receptionists ask when the instructions do not say.
type Contact struct {
	Name  string `json:"name" minLength:"1" maxLength:"200"`
	About string `json:"about,omitempty" maxLength:"500"`
	Phone string `json:"phone,omitempty" maxLength:"64"`
	Email string `json:"email,omitempty" maxLength:"254"`
}

// Normalize brings the document into its one form and returns what is wrong with it. The region says whose national
// numbers are meant.
func (i *Instructions) Normalize(region string) Problems {
	var p Problems
	p.text("answer", &i.Answer, 500, false, true)
	p = append(p, CheckPhrase("answer", i.Answer)...)
	for n := range i.Connect {
		r, at := &i.Connect[n], fmt.Sprintf("connect[%d]", n)
		p.text(at+".text", &r.Text, 1000, true, true)
		p.list(at+".codes", &r.Codes, 20, 64)
	}
	if m := i.Message; m != nil {
		if !slices.Contains([]string{"", "email", "sms", "both", "none"}, m.Channel) {
			p.add("message.channel", fmt.Sprintf("%q is no way to pass a message on", m.Channel), "write email, sms, both or none")
		}
		for n := range m.Ask {
			p.text(fmt.Sprintf("message.ask[%d]", n), &m.Ask[n], 200, true, false)
		}
		p.text("message.note", &m.Note, 1000, false, true)
		p.mail("message.to", &m.To)
	}
	for n := range i.Contacts {
		c, at := &i.Contacts[n], fmt.Sprintf("contacts[%d]", n)
		p.text(at+".name", &c.Name, 200, true, false)
		p.text(at+".about", &c.About, 500, false, true)
		p.phone(at+".phone", &c.Phone, region, true)
		p.mail(at+".email", &c.Email)
	}
	p.text("confirmed_by", &i.ConfirmedBy, 200, false, false)
	return p
}

// Origin says where a field's value comes from.
type Origin string

// The origins of a field.
const (
	FromNobody Origin = "none"   // set nowhere
	FromTenant Origin = "tenant" // the tenant's, inherited by the common number
	FromCommon Origin = "common" // the common number's own, in place of the tenant's
)

// Field is one field of the instructions as they hold, with where it comes from.
type Field[T any] struct {
	Value     T      `json:"value"`
	From      Origin `json:"from" enum:"none,tenant,common"`
	Overrides *T     `json:"overrides,omitempty" doc:"The tenant's value, where the common number's stands in its place"`
}

// Effective are the instructions that hold for a call.
type Effective struct {
	Answer   Field[string]    `json:"answer"`
	Connect  Field[[]Rule]    `json:"connect"`
	Message  Field[Messaging] `json:"message"`
	Contacts Field[[]Contact] `json:"contacts"`
	Flags    []StaleFlag      `json:"flags" doc:"What makes them doubtful"`
}

// Inherit lays a common number's instructions over the tenant's; either may be nil. Flags are those of the two at an
// instant, by the tenant's settings.
func Inherit(tenant, common *Instructions, now time.Time, s Settings) Effective {
	var none Instructions
	t, c := tenant, common
	if t == nil {
		t = &none
	}
	if c == nil {
		c = &none
	}
	e := Effective{
		Answer:   inherit(t.Answer, c.Answer, t.Answer != "", c.Answer != ""),
		Connect:  inherit(t.Connect, c.Connect, t.Connect != nil, c.Connect != nil),
		Message:  inherit(deref(t.Message), deref(c.Message), t.Message != nil, c.Message != nil),
		Contacts: inherit(t.Contacts, c.Contacts, t.Contacts != nil, c.Contacts != nil),
		Flags:    []StaleFlag{},
	}
	if tenant != nil {
		e.Flags = append(e.Flags, tenant.Stale(now, s)...)
	}
	if common != nil {
		for _, f := range common.Stale(now, s) {
			if !slices.Contains(e.Flags, f) {
				e.Flags = append(e.Flags, f)
			}
		}
	}
	return e
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func inherit[T any](tenant, common T, hasTenant, hasCommon bool) Field[T] {
	switch {
	case hasCommon && hasTenant:
		return Field[T]{Value: common, From: FromCommon, Overrides: &tenant}
	case hasCommon:
		return Field[T]{Value: common, From: FromCommon}
	case hasTenant:
		return Field[T]{Value: tenant, From: FromTenant}
	}
	return Field[T]{From: FromNobody}
}

// StaleFlag says why information may no longer hold.
type StaleFlag string

// The flags of information.
const (
	Unconfirmed StaleFlag = "unconfirmed" // nobody has confirmed it for longer than the tenant's settings allow
	Expired     StaleFlag = "expired"     // its validity has ended
)

// Stale tells at an instant what makes the instructions doubtful. Those never confirmed are not flagged for that: their
// last change, which sets ConfirmedAt, confirms them.
func (i Instructions) Stale(now time.Time, s Settings) []StaleFlag {
	return stale(now, i.ConfirmedAt, i.ValidUntil, s.staleMonths())
}

func stale(now, confirmed, until time.Time, months int) []StaleFlag {
	var flags []StaleFlag
	if !confirmed.IsZero() && !now.Before(confirmed.AddDate(0, months, 0)) {
		flags = append(flags, Unconfirmed)
	}
	if !until.IsZero() && !now.Before(until) {
		flags = append(flags, Expired)
	}
	return flags
}

// Notice is temporary information: shown on top while it is valid, gone by itself.
type Notice struct {
	Common string    `json:"common,omitempty" maxLength:"64" doc:"Common number that it is about; empty: the whole tenant"`
	Text   string    `json:"text" minLength:"1" maxLength:"4000"`
	From   time.Time `json:"from,omitzero" doc:"First instant at which it is shown; missing: at once"`
	Until  time.Time `json:"until,omitzero" doc:"First instant at which it is no longer shown; missing: until it is taken away"`
	Author string    `json:"author,omitempty" maxLength:"200" doc:"Who wrote it, as receptionists see it"`
}

// Normalize brings the notice into its one form and returns what is wrong with it.
func (n *Notice) Normalize(region string) Problems {
	var p Problems
	p.phone("common", &n.Common, region, false)
	p.text("text", &n.Text, 4000, true, true)
	p.text("author", &n.Author, 200, false, false)
	if !n.Until.IsZero() && !n.From.Before(n.Until) {
		p.add("until", "is not after from", "write a later instant, or leave it out")
	}
	return p
}

// ValidAt tells whether the notice is shown at an instant: From is, Until is not.
func (n Notice) ValidAt(at time.Time) bool {
	return !at.Before(n.From) && (n.Until.IsZero() || at.Before(n.Until))
}

// Stale flags a notice that is over: it is no longer shown, and may be deleted.
func (n Notice) Stale(now time.Time, _ Settings) []StaleFlag {
	return stale(now, time.Time{}, n.Until, 0)
}

// For tells whether the notice is about calls to a common number (empty: not known, so only those about the tenant).
func (n Notice) For(common string) bool { return n.Common == "" || n.Common == common }

// Shown picks the notices for a call to a common number at an instant, those about the common number first, then the
// newest first. It does not change what it is given.
func Shown(all []Notice, common string, at time.Time) []Notice {
	shown := slices.DeleteFunc(slices.Clone(all), func(n Notice) bool { return !n.ValidAt(at) || !n.For(common) })
	slices.SortStableFunc(shown, func(a, b Notice) int {
		if (a.Common == "") != (b.Common == "") {
			return strings.Compare(b.Common, a.Common)
		}
		return b.From.Compare(a.From)
	})
	return shown
}

// Question is a question that callers ask, with its answer.
type Question struct {
	Common      string    `json:"common,omitempty" maxLength:"64" doc:"Common number that it is about; empty: the whole tenant"`
	Question    string    `json:"question" minLength:"1" maxLength:"1000"`
	Answer      string    `json:"answer" minLength:"1" maxLength:"8000"`
	Keywords    []string  `json:"keywords,omitempty" maxItems:"100"`
	ValidUntil  time.Time `json:"valid_until,omitzero"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
}

// Normalize brings the question into its one form and returns what is wrong with it.
func (q *Question) Normalize(region string) Problems {
	var p Problems
	p.phone("common", &q.Common, region, false)
	p.text("question", &q.Question, 1000, true, true)
	p.text("answer", &q.Answer, 8000, true, true)
	p.list("keywords", &q.Keywords, 100, 100)
	return p
}

// Stale tells at an instant what makes the answer doubtful.
func (q Question) Stale(now time.Time, s Settings) []StaleFlag {
	return stale(now, q.ConfirmedAt, q.ValidUntil, s.staleMonths())
}
