package directory

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MessageRules say how messages are written, from whom, and whom they may go to beside the tenant's people: for the tenant, or
// for one of its common numbers. What a common number's leave out is the tenant's.
type MessageRules struct {
	Sender *MessageSender `json:"sender,omitempty" doc:"Missing: the tenant's, or that of the server's configuration"`
	// Templates stand in place of the tenant's, and those in place of the built-in ones, by name and channel.
	Templates []MessageTemplate `json:"templates,omitempty" maxItems:"50"`
	Groups    []MessageGroup    `json:"groups,omitempty" maxItems:"100" doc:"Addresses of several people; a common number has the tenant's too"`
	Addresses []string          `json:"addresses,omitempty" maxItems:"200" doc:"What may be written to besides: kim@example.com, @example.com for everybody there, or how numbers begin, +4670. A common number has the tenant's too"`
}

// MessageSender is what a message says that it comes from. The address that e-mail comes from is the server's own.
type MessageSender struct {
	SMS     string `json:"sms,omitempty" maxLength:"64" doc:"At most 11 letters from A to Z and digits, beginning with a letter; or one of the tenant's own numbers"`
	Name    string `json:"name,omitempty" maxLength:"100" doc:"Beside the address of e-mail"`
	ReplyTo string `json:"reply_to,omitempty" maxLength:"254" doc:"Where answers to e-mail go"`
}

// MessageTemplate is how one kind of message is written.
type MessageTemplate struct {
	Name     string   `json:"name" minLength:"1" maxLength:"64" doc:"What it is chosen by; standard is taken where nothing is chosen"`
	Channel  string   `json:"channel" enum:"email,sms"`
	Subject  string   `json:"subject,omitempty" maxLength:"200" doc:"Of e-mail"`
	Text     string   `json:"text" minLength:"1" maxLength:"4000" doc:"{caller}, {company}, {number}, {time}, {date}, {clock}, {wish}, {person}, {recipient}, {tenant}, {common_number}, {agent}, {referral} and {call} are filled in"`
	Required []string `json:"required,omitempty" maxItems:"20" doc:"Placeholders that must have a value"`
}

// StandardTemplate is the name of the template that is taken where none is chosen. There is a built-in one for each channel.
const StandardTemplate = "standard"

// Channels of messages.
const (
	ChannelEmail = "email"
	ChannelSMS   = "sms"
)

// MessageGroup is an address behind which there are several people, or a function.
type MessageGroup struct {
	ID    string `json:"id" minLength:"1" maxLength:"64"`
	Name  string `json:"name" minLength:"1" maxLength:"100"`
	Email string `json:"email,omitempty" maxLength:"254"`
	SMS   string `json:"sms,omitempty" maxLength:"64"`
}

// Address is the group's on a channel, empty where it has none.
func (g MessageGroup) Address(channel string) string {
	if channel == ChannelSMS {
		return g.SMS
	}
	return g.Email
}

// Address is where messages to the person go on a channel, empty where they have none: for SMS the number that is meant for
// it, or else the first mobile number that is not hidden.
func (p Person) Address(channel string) string {
	if channel != ChannelSMS {
		return p.Email
	}
	if p.SMS != "" {
		return p.SMS
	}
	for _, n := range p.Told() {
		if n.Kind == PhoneMobile && strings.HasPrefix(n.Number, "+") {
			return n.Number
		}
	}
	return ""
}

// Normalize brings the rules into their one form and returns what is wrong with them. What a template says is checked by who
// fills it in.
func (r *MessageRules) Normalize(region string) Problems {
	var p Problems
	if s := r.Sender; s != nil {
		s.normalize(&p)
	}
	seen := map[string]bool{}
	once := func(field, key string) {
		if seen[key] {
			p.add(field, "stands there twice", "write another name, or take one out")
		}
		seen[key] = true
	}
	for i := range r.Templates {
		t, at := &r.Templates[i], fmt.Sprintf("templates[%d]", i)
		t.normalize(at, &p)
		once(at+".name", t.Channel+" "+t.Name)
	}
	for i := range r.Groups {
		g, at := &r.Groups[i], fmt.Sprintf("groups[%d]", i)
		if !ValidID(g.ID) {
			p.add(at+".id", "is no id", "write letters, digits, dots, hyphens and underscores")
		}
		p.text(at+".name", &g.Name, 100, true, false)
		p.mail(at+".email", &g.Email)
		p.phone(at+".sms", &g.SMS, region, false)
		if g.Email == "" && g.SMS == "" {
			p.add(at+".email", "there is no address", "write email, sms or both")
		}
		once(at+".id", "group "+g.ID)
	}
	for i := range r.Addresses {
		p.allowance(fmt.Sprintf("addresses[%d]", i), &r.Addresses[i])
	}
	return p
}

func (s *MessageSender) normalize(p *Problems) {
	p.text("sender.name", &s.Name, 100, false, false)
	p.mail("sender.reply_to", &s.ReplyTo)
	if s.SMS = strings.TrimSpace(s.SMS); s.SMS == "" {
		return
	}
	sender, err := ParseSMSSender(s.SMS)
	if err != nil {
		wrong, write, _ := strings.Cut(err.Error(), ": ")
		p.add("sender.sms", wrong, write)
		return
	}
	s.SMS = sender
}

func (t *MessageTemplate) normalize(at string, p *Problems) {
	p.text(at+".name", &t.Name, 64, true, false)
	if t.Name = strings.ToLower(t.Name); t.Name != "" && !ValidID(t.Name) {
		p.add(at+".name", "is no name of a template", "write letters from a to z, digits, dots, hyphens and underscores, such as standard")
	}
	switch t.Channel {
	case ChannelEmail:
		p.text(at+".subject", &t.Subject, 200, false, false)
	case ChannelSMS:
		if t.Subject != "" {
			p.add(at+".subject", "SMS have none", "take it out")
		}
	default:
		p.add(at+".channel", fmt.Sprintf("%q is no channel", t.Channel), "write email or sms")
	}
	p.text(at+".text", &t.Text, 4000, true, true)
	p.list(at+".required", &t.Required, 20, 64)
}

// allowance checks one entry of MessageRules.Addresses.
func (p *Problems) allowance(field string, s *string) {
	*s = strings.ToLower(strings.TrimSpace(*s))
	switch {
	case strings.HasPrefix(*s, "+"):
		if _, err := ParsePrefix(*s); err != nil {
			p.add(field, fmt.Sprintf("%q is no beginning of numbers", *s), err.Error())
		}
	case strings.HasPrefix(*s, "@"):
		domain := "x" + *s
		p.mail(field, &domain)
	default:
		if *s == "" || !utf8.ValidString(*s) {
			p.add(field, "is empty", "write kim@example.com, @example.com, or +4670")
			return
		}
		p.mail(field, s)
	}
}

// Allows tells whether a plain address (e-mail, or a number in E.164) may be written to.
func (r MessageRules) Allows(address string) bool {
	address = strings.ToLower(address)
	number := strings.HasPrefix(address, "+") && !strings.Contains(address, "@")
	return slices.ContainsFunc(r.Addresses, func(a string) bool {
		switch {
		case number:
			return strings.HasPrefix(a, "+") && !strings.Contains(a, "@") && strings.HasPrefix(address, a)
		case strings.HasPrefix(a, "@"):
			return strings.HasSuffix(address, a)
		}
		return a == address
	})
}

// EffectiveMessages are the rules that hold for a common number, with where each comes from.
type EffectiveMessages struct {
	Sender    Field[MessageSender]     `json:"sender"`
	Templates []Field[MessageTemplate] `json:"templates"`
	Groups    []MessageGroup           `json:"groups"`
	Addresses []string                 `json:"addresses"`
}

// FromBuiltIn is the origin of a template that comes with the server.
const FromBuiltIn Origin = "built-in"

// InheritMessages lays a common number's rules over the tenant's, and those over the built-in templates; either may be nil.
func InheritMessages(builtIn []MessageTemplate, tenant, common *MessageRules) EffectiveMessages {
	e := EffectiveMessages{Templates: []Field[MessageTemplate]{}, Groups: []MessageGroup{}, Addresses: []string{}}
	t, c := deref(tenant), deref(common)
	e.Sender = inherit(deref(t.Sender), deref(c.Sender), t.Sender != nil, c.Sender != nil)
	lay := func(list []MessageTemplate, from Origin) {
		for _, tpl := range list {
			i := slices.IndexFunc(e.Templates, func(f Field[MessageTemplate]) bool {
				return f.Value.Name == tpl.Name && f.Value.Channel == tpl.Channel
			})
			field := Field[MessageTemplate]{Value: tpl, From: from}
			if i < 0 {
				e.Templates = append(e.Templates, field)
				continue
			}
			under := e.Templates[i].Value
			field.Overrides = &under
			e.Templates[i] = field
		}
	}
	lay(builtIn, FromBuiltIn)
	lay(t.Templates, FromTenant)
	lay(c.Templates, FromCommon)
	e.Groups = append(e.Groups, c.Groups...)
	for _, g := range t.Groups {
		if !slices.ContainsFunc(c.Groups, func(own MessageGroup) bool { return own.ID == g.ID }) {
			e.Groups = append(e.Groups, g)
		}
	}
	e.Addresses = append(append(e.Addresses, c.Addresses...), t.Addresses...)
	return e
}

// Template finds a template by name (empty: StandardTemplate) and channel.
func (e EffectiveMessages) Template(name, channel string) (Field[MessageTemplate], bool) {
	if name == "" {
		name = StandardTemplate
	}
	i := slices.IndexFunc(e.Templates, func(f Field[MessageTemplate]) bool {
		return f.Value.Name == strings.ToLower(name) && f.Value.Channel == channel
	})
	if i < 0 {
		return Field[MessageTemplate]{}, false
	}
	return e.Templates[i], true
}

// Group finds a group by its id.
func (e EffectiveMessages) Group(id string) (MessageGroup, bool) {
	i := slices.IndexFunc(e.Groups, func(g MessageGroup) bool { return g.ID == id })
	if i < 0 {
		return MessageGroup{}, false
	}
	return e.Groups[i], true
}

// OwnNumber tells whether a number is the tenant's: its unique number, or one of its common ones.
func (t Tenant) OwnNumber(number string) bool {
	return number == t.Number || slices.ContainsFunc(t.Common, func(c CommonNumber) bool { return c.Number == number })
}
