package message_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"telefonist/message"
	"telefonist/message/gsm"
	"telefonist/message/template"
	"telefonist/record"
)

func draft(c record.Channel) message.Draft {
	d := message.Draft{ID: "m1", Tenant: "acme", Call: "c1", Channel: c, To: record.Recipient{Kind: record.ToPerson, Name: "Åsa Ek", Address: "asa@example.com"},
		Template: template.Mail, Created: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		Fields: template.Fields{Caller: "Kim", Number: "070-123 45 67", Wish: "”Offert” – i dag", Person: "Åsa", Tenant: "Acme"}}
	if c == record.SMS {
		d.To.Address, d.Template, d.From.Address = "070-765 43 21", template.Short, "Acme"
	}
	return d
}

func TestMessagesAreComposedToBeSent(t *testing.T) {
	mail, err := message.Compose(draft(record.Email))
	if err != nil {
		t.Fatal(err)
	}
	if m := mail.Message; m.Subject != "Telefonmeddelande från Kim" || !strings.Contains(m.HTML, `<a href="tel:+46701234567">`) || !strings.Contains(m.Text, "”Offert”") ||
		m.Segments != 0 {
		t.Errorf("%+v", m)
	}
	sms, err := message.Compose(draft(record.SMS))
	if err != nil {
		t.Fatal(err)
	}
	m := sms.Message
	if m.To.Address != "+46707654321" || m.Subject != "" || m.HTML != "" || m.Segments != 1 || sms.Size.Encoding != gsm.GSM7 {
		t.Errorf("%+v, %+v", m, sms.Size)
	}
	if want := "Kim har sökt Åsa"; !strings.HasPrefix(m.Text, want) || !strings.HasSuffix(m.Text, "Tel +46701234567\n\"Offert\" - i dag") {
		t.Errorf("%q", m.Text)
	}
}

func TestDraftsThatCannotBeSentNameTheirField(t *testing.T) {
	for _, c := range []struct {
		field, says string
		channel     record.Channel
		spoil       func(*message.Draft)
	}{
		{"channel", "fax", record.SMS, func(d *message.Draft) { d.Channel = "fax" }},
		{"to.kind", "boss", record.SMS, func(d *message.Draft) { d.To.Kind = "boss" }},
		{"to.address", "no number", record.SMS, func(d *message.Draft) { d.To.Address = "112" }},
		{"to.address", "no e-mail", record.Email, func(d *message.Draft) { d.To.Address = "Kim <kim@example.com>" }},
		{"to.address", "no e-mail", record.Email, func(d *message.Draft) { d.To.Address = "kim@example.com\r\nBcc: all@example.com" }},
		{"to.address", "xn--", record.Email, func(d *message.Draft) { d.To.Address = "kim@ås.example" }},
		{"from.address", "A to Z", record.SMS, func(d *message.Draft) { d.From.Address = "Företaget" }},
		{"from.address", "such as Elvabokstave", record.SMS, func(d *message.Draft) { d.From.Address = "Elvabokstaver" }},
		{"from.reply_to", "no e-mail", record.Email, func(d *message.Draft) { d.From.ReplyTo = "x" }},
		{"template.text", "{x}", record.SMS, func(d *message.Draft) { d.Template.Text = "{x}" }},
		{"fields.number", "number: is required", record.SMS, func(d *message.Draft) { d.Fields.Number = "" }},
		{"fields.number", "no number", record.SMS, func(d *message.Draft) { d.Fields.Number = "+46<script>" }},
		{"text", "takes 5 SMS, at most 4", record.SMS, func(d *message.Draft) { d.Fields.Wish = strings.Repeat("å", 600) }},
		{"text", `'ł' is not in the alphabet`, record.SMS, func(d *message.Draft) { d.Fields.Wish = "ł" + strings.Repeat("å", 100); d.MaxSegments = 1 }},
		{"to.address", "premium", record.SMS, func(d *message.Draft) { d.Home, d.To.Address = "+46850000001", "0900-123 45 67" }},
		{"to.address", "not allowed", record.SMS, func(d *message.Draft) { d.Home, d.To.Address = "+46850000001", "+4512345678" }},
		{"message", "id", record.SMS, func(d *message.Draft) { d.ID = "a b" }},
	} {
		d := draft(c.channel)
		c.spoil(&d)
		_, err := message.Compose(d)
		var f *message.FieldError
		if !errors.As(err, &f) || f.Field != c.field || !strings.Contains(err.Error(), strings.TrimPrefix(c.says, "such as ")) && !strings.Contains(err.Error(), "Elvabokstav") {
			t.Errorf("%s: %v", c.says, err)
		}
	}
}

func TestTheSameRequestNamesTheSameMessage(t *testing.T) {
	a := message.DeriveID("key", "c1", "kim@example.com")
	if a != message.DeriveID("key", "c1", "kim@example.com") || a == message.DeriveID("ke", "yc1", "kim@example.com") || a == message.NewID() {
		t.Error("names do not tell requests apart")
	}
	for _, id := range []string{a, message.NewID()} {
		d := draft(record.SMS)
		d.ID = id
		if _, err := message.Compose(d); err != nil {
			t.Error(err)
		}
	}
}

func TestMaskHidesAddresses(t *testing.T) {
	for s, want := range map[string]string{"+46701234567": "+467…67", "kim@example.com": "k…@example.com", "12345": "…", "": "…", "@x": "…"} {
		if got := message.Mask(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}
