package message

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/message/gsm"
	"telefonist/message/template"
	"telefonist/record"
)

// Draft is a message before it is written out. To is resolved to one address by whoever makes the draft.
type Draft struct {
	ID           string // see NewID and DeriveID
	Tenant       string
	Call         call.ID
	CommonNumber string // E.164, empty for none
	Agent        string // id
	By           string // who asks for it
	Request      string // see record.Message
	Channel      record.Channel
	// Home is the tenant's own number (E.164), whose country's numbers SMS may go to, and Prefixes what else; see directory.Allowed.
	// Without Home any number will do.
	Home     string
	Prefixes []string
	To       record.Recipient
	// From is the tenant's sender; what is empty is as the gateway's configuration has it.
	From     record.Sender
	Template template.Template
	// Fields fill the template in. Number is taken in any usual form and becomes E.164.
	Fields template.Fields
	// MaxSegments is the most that an SMS may take. Zero: DefaultSegments.
	MaxSegments int
	Created     time.Time
}

// DefaultSegments is how many segments an SMS may take where nothing else is said: 612 characters.
const DefaultSegments = 4

// Composed is a message written out, to be looked at or to be committed.
type Composed struct {
	Message record.Message `json:"message"`
	// Size is what the text takes as SMS; zero for an e-mail.
	Size gsm.Count `json:"size"`
}

// FieldError is what is wrong with one field of a draft. It holds no address and no text.
type FieldError struct {
	Field string // "to.address", "from.address", "template.text", "fields.number"
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

func wrong(field, format string, args ...any) error {
	return &FieldError{field, fmt.Errorf(format, args...)}
}

// Compose writes a message out. It is pure: the same draft gives the same message, so that what was previewed is what is
// sent. The error is a *FieldError.
func Compose(d Draft) (Composed, error) {
	c := Composed{Message: record.Message{ID: d.ID, Tenant: d.Tenant, Call: d.Call, CommonNumber: d.CommonNumber, Agent: d.Agent,
		By: d.By, Request: d.Request, Channel: d.Channel, To: d.To, From: d.From, Created: d.Created}}
	if err := c.address(&d); err != nil {
		return c, err
	}
	tpl, err := template.Parse(d.Template)
	if err != nil {
		return c, within("template", err)
	}
	if d.Fields.Number != "" {
		number, err := directory.ParseNumber(d.Fields.Number, directory.RegionOf(d.Home))
		if err != nil {
			return c, wrong("fields.number", "this is no number to call back: write one as 08-500 000 01 or +46850000001")
		}
		d.Fields.Number = number
	}
	if d.Fields.Recipient == "" {
		d.Fields.Recipient = c.Message.To.Name
	}
	text, err := tpl.Render(&d.Fields)
	if err != nil {
		return c, within("fields", err)
	}
	c.Message.Text = text.Text
	if d.Channel == record.Email {
		c.Message.Subject, c.Message.HTML = text.Subject, text.HTML
	} else if err := c.measure(d.MaxSegments); err != nil {
		return c, err
	}
	if err := c.Message.Validate(); err != nil {
		return c, &FieldError{"message", err}
	}
	return c, nil
}

// within names the field of a template's error below another.
func within(field string, err error) error {
	if e, ok := errors.AsType[*template.Error](err); ok {
		field += "." + e.Field
	}
	return &FieldError{field, err}
}

// address checks recipient and sender, and puts them into the form that is sent.
func (c *Composed) address(d *Draft) (err error) {
	m := &c.Message
	switch m.To.Kind {
	case record.ToPerson, record.ToSubstitute, record.ToGroup, record.ToMailbox, record.ToAddress:
	default:
		return wrong("to.kind", "%q is no kind of recipient: write person, substitute, group, mailbox or address", m.To.Kind)
	}
	m.To.Name, m.From.Name = oneLine(m.To.Name), oneLine(m.From.Name)
	switch d.Channel {
	case record.Email:
		if m.To.Address, err = ParseEmail(m.To.Address); err != nil {
			return &FieldError{"to.address", err}
		}
		if m.From.Address != "" {
			if m.From.Address, err = ParseEmail(m.From.Address); err != nil {
				return &FieldError{"from.address", err}
			}
		}
		if m.From.ReplyTo != "" {
			if m.From.ReplyTo, err = ParseEmail(m.From.ReplyTo); err != nil {
				return &FieldError{"from.reply_to", err}
			}
		}
	case record.SMS:
		if m.To.Address, err = directory.ParseNumber(m.To.Address, directory.RegionOf(d.Home)); err != nil {
			return wrong("to.address", "this is no number that SMS can be sent to: write one as 070-123 45 67 or +46701234567")
		}
		if err = directory.Allowed(m.To.Address, d.Home, d.Prefixes); d.Home != "" && err != nil {
			return wrong("to.address", "no SMS is sent there: %w", err)
		}
		m.From.Name, m.From.ReplyTo = "", ""
		if m.From.Address != "" {
			if m.From.Address, err = directory.ParseSMSSender(m.From.Address); err != nil {
				return &FieldError{"from.address", err}
			}
		}
	default:
		return wrong("channel", "%q is no channel: write email or sms", d.Channel)
	}
	return nil
}

// measure counts an SMS, once its typography is as SMS have it.
func (c *Composed) measure(limit int) error {
	if limit <= 0 {
		limit = DefaultSegments
	}
	c.Message.Text = gsm.Simplify(c.Message.Text)
	c.Size = gsm.Measure(c.Message.Text)
	c.Message.Segments = c.Size.Segments
	if c.Size.Segments <= limit {
		return nil
	}
	why := ""
	if c.Size.Encoding == gsm.UCS2 {
		why = fmt.Sprintf(" (%q is not in the alphabet of SMS, so each holds 67 characters and not 153)", c.Size.Culprit)
	}
	return wrong("text", "the message takes %d SMS, at most %d are allowed%s: shorten it", c.Size.Segments, limit, why)
}

// oneLine makes a name fit for a header.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:100])
	}
	return s
}

// NewID names a new message.
func NewID() string { return rand.Text() }

// DeriveID names the message that a request asks for: the same parts (the client's own key, the call, the address) give the
// same name, so that a request that is made twice queues one message.
func DeriveID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:20])
}
