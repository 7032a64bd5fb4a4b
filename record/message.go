package record

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"telefonist/call"
)

// Channel is how a message travels.
type Channel string

// Channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// RecipientKind says what a recipient is to the tenant.
type RecipientKind string

// Kinds of recipients.
const (
	ToPerson     RecipientKind = "person"
	ToSubstitute RecipientKind = "substitute"
	ToGroup      RecipientKind = "group"
	ToMailbox    RecipientKind = "mailbox" // that of a common number
	ToAddress    RecipientKind = "address" // a plain address that the tenant allows
)

// Recipient is whom a message is for, resolved to one address.
type Recipient struct {
	Kind RecipientKind `json:"kind"`
	Name string        `json:"name,omitempty"`
	// Address is an e-mail address (RFC 5321 Mailbox, ASCII) or a telephone number in E.164.
	Address string `json:"address"`
}

// Sender is what a message says that it comes from.
type Sender struct {
	// Address is an e-mail address, or for SMS a number in E.164 or a name of at most 11 letters and digits. Empty: that of
	// the gateway's configuration.
	Address string `json:"address,omitempty"`
	Name    string `json:"name,omitempty"`     // e-mail only
	ReplyTo string `json:"reply_to,omitempty"` // e-mail only
}

// Message is one message to one recipient, written out: what is sent is what the receptionist saw. It holds personal data.
type Message struct {
	// ID names the message and is its idempotency key: 1 to 64 of A-Z a-z 0-9 _ -. A message that is committed twice is
	// queued once.
	ID           string    `json:"id"`
	Tenant       string    `json:"tenant"`
	Call         call.ID   `json:"call,omitempty"` // empty: written outside of any call
	CommonNumber string    `json:"common_number,omitempty"`
	Agent        string    `json:"agent,omitempty"`
	By           string    `json:"by,omitempty"` // who asked for it: "agent:anna", "token:Konsol"
	Channel      Channel   `json:"channel"`
	To           Recipient `json:"to"`
	From         Sender    `json:"from"`
	Subject      string    `json:"subject,omitempty"` // e-mail only
	Text         string    `json:"text"`
	HTML         string    `json:"html,omitempty"`     // e-mail only
	Segments     int       `json:"segments,omitempty"` // SMS only: how many the text takes
	Created      time.Time `json:"created"`
	// Request tells apart what was asked for under one idempotency key: the same request has the same, another has another.
	Request string `json:"request,omitempty"`
}

// MessagedReason is the Reason of a call.KindMessaged entry: the channel, a slash, the message's id. It holds no personal data.
func MessagedReason(m *Message) string { return string(m.Channel) + "/" + m.ID }

// Limits of a message, in bytes.
const (
	maxMessageID   = 64
	maxMessageText = 64 << 10
	maxHeaderText  = 1000
)

// Validate tells why a message could never be kept or sent, nil where it could. It is called before the message is
// committed: the store leaves out one that is not valid, since it must not keep a call from its record.
func (m *Message) Validate() error {
	switch {
	case !validKey(m.ID):
		return fmt.Errorf("id %q is not 1 to %d of A-Z a-z 0-9 _ -", m.ID, maxMessageID)
	case m.Tenant == "":
		return errors.New("tenant is missing")
	case m.Channel != Email && m.Channel != SMS:
		return fmt.Errorf("channel %q is neither %q nor %q", m.Channel, Email, SMS)
	case m.To.Address == "":
		return errors.New("to has no address")
	case m.Text == "":
		return errors.New("text is empty")
	case len(m.Text) > maxMessageText, len(m.HTML) > 4*maxMessageText:
		return fmt.Errorf("text is longer than %d bytes", maxMessageText)
	case m.Created.IsZero():
		return errors.New("created is missing")
	}
	for _, s := range []struct{ name, value string }{{"tenant", m.Tenant}, {"call", string(m.Call)}, {"to", m.To.Address},
		{"to.name", m.To.Name}, {"from", m.From.Address}, {"from.name", m.From.Name}, {"reply_to", m.From.ReplyTo}, {"subject", m.Subject},
		{"by", m.By}, {"request", m.Request}} {
		if len(s.value) > maxHeaderText || strings.ContainsAny(s.value, "\x00\r\n") || !utf8.ValidString(s.value) {
			return fmt.Errorf("%s is too long or holds a line break, a NUL or what is not UTF-8", s.name)
		}
	}
	if !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) {
		return errors.New("text is not UTF-8")
	}
	return nil
}

func validKey(s string) bool {
	if s == "" || len(s) > maxMessageID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
