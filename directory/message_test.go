package directory

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestMessageRulesNameEachFieldThatIsWrong(t *testing.T) {
	long := strings.Repeat("x", 4001)
	for field, r := range map[string]MessageRules{
		"sender.sms":               {Sender: &MessageSender{SMS: "Elvabokstaver"}},
		"sender.reply_to":          {Sender: &MessageSender{ReplyTo: "x"}},
		"sender.name":              {Sender: &MessageSender{Name: "a\nb"}},
		"templates[0].name":        {Templates: []MessageTemplate{{Name: "å b", Channel: "sms", Text: "x"}}},
		"templates[0].channel":     {Templates: []MessageTemplate{{Name: "a", Channel: "fax", Text: "x"}}},
		"templates[0].subject":     {Templates: []MessageTemplate{{Name: "a", Channel: "sms", Subject: "x", Text: "x"}}},
		"templates[0].text":        {Templates: []MessageTemplate{{Name: "a", Channel: "sms", Text: long}}},
		"templates[1].name":        {Templates: []MessageTemplate{{Name: "a", Channel: "sms", Text: "x"}, {Name: "A", Channel: "sms", Text: "x"}}},
		"groups[0].id":             {Groups: []MessageGroup{{ID: "a b", Name: "x", Email: "a@example.com"}}},
		"groups[0].email":          {Groups: []MessageGroup{{ID: "a", Name: "x"}}},
		"groups[0].sms":            {Groups: []MessageGroup{{ID: "a", Name: "x", SMS: "205"}}},
		"groups[1].id":             {Groups: []MessageGroup{{ID: "a", Name: "x", SMS: "0701234567"}, {ID: "a", Name: "x", SMS: "0701234567"}}},
		"addresses[0]":             {Addresses: []string{"+0"}},
		"addresses[1]":             {Addresses: []string{"@example.com", "@"}},
		"addresses[2]":             {Addresses: []string{"+4670", "a@example.com", " "}},
		"templates[0].required":    {Templates: []MessageTemplate{{Name: "a", Channel: "sms", Text: "x", Required: []string{"a,b"}}}},
		"nothing is wrong with it": {Sender: &MessageSender{SMS: "Acme", Name: "Acme AB", ReplyTo: "a@example.com"}},
	} {
		p := r.Normalize(Region)
		if field == "nothing is wrong with it" {
			if len(p) != 0 {
				t.Error(p)
			}
		} else if len(p) != 1 || p[0].Field != field || p[0].Wrong == "" || p[0].Write == "" {
			t.Errorf("%s: %+v", field, p)
		}
	}
}

func TestMessageRulesNormalizeToThemselves(t *testing.T) {
	r := MessageRules{Sender: &MessageSender{SMS: "08-500 000 01"}, Addresses: []string{" Kim@Example.com", "@EXAMPLE.com", "+4670"},
		Templates: []MessageTemplate{{Name: " Standard ", Channel: "email", Subject: " x ", Text: "a\r\nb", Required: []string{"wish", "wish", ""}}},
		Groups:    []MessageGroup{{ID: "eko", Name: " Ekonomi ", Email: "eko@example.com", SMS: "070-123 45 67"}}}
	if p := r.Normalize(Region); len(p) > 0 {
		t.Fatal(p)
	}
	if r.Sender.SMS != "+46850000001" || r.Addresses[0] != "kim@example.com" || r.Templates[0].Name != "standard" || r.Templates[0].Text != "a\nb" ||
		len(r.Templates[0].Required) != 1 || r.Groups[0].SMS != "+46701234567" {
		t.Errorf("%+v", r)
	}
	before, _ := json.Marshal(r)
	var again MessageRules
	_ = json.Unmarshal(before, &again)
	if p := again.Normalize(Region); len(p) > 0 || !reflect.DeepEqual(r, again) {
		t.Errorf("%v: %+v", p, again)
	}
}

func TestPlainAddressesAreThoseThatTheTenantNames(t *testing.T) {
	r := MessageRules{Addresses: []string{"kim@other.example", "@example.com", "+4670"}}
	for address, want := range map[string]bool{
		"kim@other.example": true, "KIM@Other.example": true, "bo@other.example": false, "anyone@example.com": true, "a@sub.example.com": false,
		"a@evil-example.com": false, "+46701234567": true, "+46731234567": false, "+4670@evil.example": false, "": false,
	} {
		if got := r.Allows(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestMessageRulesOfACommonNumberStandBeforeTheTenants(t *testing.T) {
	builtIn := []MessageTemplate{{Name: "standard", Channel: "sms", Text: "built-in"}, {Name: "standard", Channel: "email", Text: "built-in"}}
	tenant := &MessageRules{Sender: &MessageSender{SMS: "Acme"}, Addresses: []string{"@example.com"}, Groups: []MessageGroup{{ID: "eko", Name: "tenant"}, {ID: "hr"}},
		Templates: []MessageTemplate{{Name: "standard", Channel: "sms", Text: "tenant"}, {Name: "urgent", Channel: "sms", Text: "urgent"}}}
	common := &MessageRules{Templates: []MessageTemplate{{Name: "standard", Channel: "sms", Text: "common"}}, Groups: []MessageGroup{{ID: "eko", Name: "common"}}}
	e := InheritMessages(builtIn, tenant, common)
	for _, c := range []struct {
		name, channel, text string
		from                Origin
	}{{"", "sms", "common", FromCommon}, {"Standard", "email", "built-in", FromBuiltIn}, {"urgent", "sms", "urgent", FromTenant}} {
		if f, ok := e.Template(c.name, c.channel); !ok || f.Value.Text != c.text || f.From != c.from {
			t.Errorf("%+v: %+v", c, f)
		}
	}
	if f, _ := e.Template("standard", "sms"); f.Overrides == nil || f.Overrides.Text != "tenant" {
		t.Errorf("overrides %+v", f.Overrides)
	}
	if _, ok := e.Template("urgent", "email"); ok {
		t.Error("a template of another channel")
	}
	if g, _ := e.Group("eko"); g.Name != "common" || len(e.Groups) != 2 {
		t.Errorf("groups %+v", e.Groups)
	}
	if e.Sender.From != FromTenant || e.Sender.Value.SMS != "Acme" || len(e.Addresses) != 1 {
		t.Errorf("%+v", e)
	}
	if e := InheritMessages(builtIn, nil, nil); e.Sender.From != FromNobody || len(e.Templates) != 2 {
		t.Errorf("%+v", e)
	}
}

func TestSMSToAPersonGoWhereTheyMay(t *testing.T) {
	mobile := Phone{Kind: PhoneMobile, Number: "+46701234567"}
	hidden := Phone{Kind: PhoneMobile, Number: "+46707654321", Hidden: true}
	for want, p := range map[string]Person{
		"+46731111111": {SMS: "+46731111111", Numbers: []Phone{mobile}}, "+46701234567": {Numbers: []Phone{hidden, {Kind: PhoneDirect, Number: "+46812345678"}, mobile}},
		"": {Numbers: []Phone{hidden}, Email: "a@example.com"},
	} {
		if got := p.Address(ChannelSMS); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if (Person{Email: "a@example.com"}).Address(ChannelEmail) != "a@example.com" {
		t.Error("e-mail")
	}
}

func FuzzMessageRules(f *testing.F) {
	f.Add(`{"sender":{"sms":"Acme","reply_to":"a@example.com"},"templates":[{"name":"a","channel":"sms","text":"{caller}"}],"addresses":["@a.se","+46"]}`, "+46701234567")
	f.Add(`{"groups":[{"id":"a","name":"b","email":"x@y.se","sms":"070-123 45 67"}],"addresses":["+","@","a@b.c"]}`, "KIM@b.c")
	f.Fuzz(func(t *testing.T, text, address string) {
		var r MessageRules
		if json.Unmarshal([]byte(text), &r) != nil || len(r.Normalize(Region)) > 0 {
			return
		}
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Normalize(Region); len(p) > 0 {
			t.Fatalf("what was right is wrong the second time: %v", p)
		}
		if after, _ := json.Marshal(r); string(after) != string(before) {
			t.Fatalf("%s becomes %s", before, after)
		}
		if r.Allows(address) && len(r.Addresses) == 0 {
			t.Fatal("allowed by nobody")
		}
	})
}
