package directory

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestACommonNumbersFieldsStandInPlaceOfTheTenants(t *testing.T) {
	tenant := &Instructions{Answer: "Acme", Connect: []Rule{{Text: "Aldrig under lunch"}}, Contacts: []Contact{{Name: "Eva"}}}
	common := &Instructions{Answer: "Acme support", Contacts: []Contact{}, Message: &Messaging{Channel: "sms"}}
	e := Inherit(tenant, common, time.Time{}, Settings{})
	if e.Answer.Value != "Acme support" || e.Answer.From != FromCommon || e.Answer.Overrides == nil || *e.Answer.Overrides != "Acme" {
		t.Errorf("answer: %+v", e.Answer)
	}
	if e.Connect.From != FromTenant || len(e.Connect.Value) != 1 || e.Connect.Overrides != nil {
		t.Errorf("connect: %+v", e.Connect)
	}
	if e.Message.From != FromCommon || e.Message.Value.Channel != "sms" || e.Message.Overrides != nil {
		t.Errorf("message: %+v", e.Message)
	}
	if e.Contacts.From != FromCommon || len(e.Contacts.Value) != 0 || e.Contacts.Overrides == nil {
		t.Errorf("an empty list overrides: %+v", e.Contacts)
	}
	if e := Inherit(nil, nil, time.Time{}, Settings{}); e.Answer.From != FromNobody || e.Flags == nil {
		t.Errorf("nothing set: %+v", e)
	}
}

func TestAnEmptyListSurvivesJSONAndAMissingOneStaysMissing(t *testing.T) {
	for _, want := range []Instructions{{Contacts: []Contact{}}, {Connect: []Rule{{Text: "x"}}}, {}} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Instructions
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %+v, %v", text, got, err)
		}
	}
}

func TestStaleInstructionsAreFlagged(t *testing.T) {
	now := at(t, "2026-11-23 12:00")
	for _, c := range []struct {
		confirmed, until time.Time
		months           int
		want             []StaleFlag
	}{
		{now, time.Time{}, 0, nil},
		{now.AddDate(0, -6, 0), time.Time{}, 0, []StaleFlag{Unconfirmed}},
		{now.AddDate(0, -6, 0).Add(1), time.Time{}, 0, nil},
		{now.AddDate(0, -6, 0), time.Time{}, 7, nil},
		{now, now, 0, []StaleFlag{Expired}},
		{now, now.Add(1), 0, nil},
		{now.AddDate(-1, 0, 0), now.Add(-1), 0, []StaleFlag{Unconfirmed, Expired}},
	} {
		i := Instructions{ConfirmedAt: c.confirmed, ValidUntil: c.until}
		s := Settings{StaleMonths: c.months}
		if got := i.Stale(now, s); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v", c, got)
		}
		if got := (Question{ConfirmedAt: c.confirmed, ValidUntil: c.until}).Stale(now, s); !slices.Equal(got, c.want) {
			t.Errorf("question %+v: got %v", c, got)
		}
		if e := Inherit(&i, &i, now, s); !slices.Equal(e.Flags, c.want) && len(e.Flags)+len(c.want) > 0 {
			t.Errorf("inherited %+v: got %v", c, e.Flags)
		}
	}
}

func TestNoticesAreShownWhileTheyAreValid(t *testing.T) {
	now := at(t, "2026-11-23 12:00")
	all := []Notice{
		{Text: "always"},
		{Text: "ends now", Until: now},
		{Text: "begins now", From: now},
		{Text: "begins in 1 ns", From: now.Add(1)},
		{Text: "ends in 1 ns", From: now.Add(-1), Until: now.Add(1)},
		{Text: "support", Common: "+46850000009", From: now.Add(-5)},
		{Text: "sales", Common: "+46850000008"},
	}
	texts := func(ns []Notice) (out []string) {
		for _, n := range ns {
			out = append(out, n.Text)
		}
		return out
	}
	if got := texts(Shown(all, "+46850000009", now)); !slices.Equal(got, []string{"support", "begins now", "ends in 1 ns", "always"}) {
		t.Errorf("got %q", got)
	}
	if got := texts(Shown(all, "", now)); !slices.Equal(got, []string{"begins now", "ends in 1 ns", "always"}) {
		t.Errorf("got %q", got)
	}
}

func TestPhrasesAreFilledIn(t *testing.T) {
	v := PhraseValues{Company: "Acme", Common: "Support", Agent: "Anna", At: at(t, "2026-11-23 09:59")}
	for phrase, want := range map[string]string{
		"{hälsning}, {företag} {avdelning}, {telefonist} här": "God morgon, Acme Support, Anna här",
		"{Greeting} { company }":                              "God morgon Acme",
		"{nobody}":                                            "{nobody}",
		"{":                                                   "{", "a{b{company}": "a{bAcme", "}": "}", "": "",
	} {
		if got := Phrase(phrase, v); got != want {
			t.Errorf("%q: got %q, want %q", phrase, got, want)
		}
	}
	for clock, want := range map[string]string{"03:59": "God kväll", "04:00": "God morgon", "10:00": "Hej", "17:59": "Hej", "18:00": "God kväll"} {
		if got := Phrase("{greeting}", PhraseValues{At: at(t, "2026-11-23 "+clock)}); got != want {
			t.Errorf("%s: %q", clock, got)
		}
	}
	if p := CheckPhrase("answer", "{företag} {kompani} } {"); len(p) != 3 || p[0].Field != "answer" {
		t.Errorf("got %v", p)
	}
}

func FuzzPhrase(f *testing.F) {
	for _, s := range []string{"{company}", "{{agent}}", "{", "}{", "{ företag }"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Phrase(s, PhraseValues{})
		if CheckPhrase("f", s) == nil && strings.ContainsAny(out, "{}") {
			t.Fatalf("%q is called correct and becomes %q", s, out)
		}
	})
}

func TestEveryKindOfDocumentNamesTheFieldThatIsWrong(t *testing.T) {
	long := strings.Repeat("å", 9000)
	for want, doc := range map[string]interface{ Normalize(string) Problems }{
		"answer":                     &Instructions{Answer: long},
		"connect[0].text":            &Instructions{Connect: []Rule{{}}},
		"message.channel":            &Instructions{Message: &Messaging{Channel: "fax"}},
		"message.to":                 &Instructions{Message: &Messaging{To: "nobody"}},
		"contacts[0].phone":          &Instructions{Contacts: []Contact{{Name: "Eva", Phone: "hemligt"}}},
		"until":                      &Notice{Text: "x", From: at(t, "2026-11-23 12:00"), Until: at(t, "2026-11-23 12:00")},
		"text":                       &Notice{},
		"common":                     &Question{Question: "x", Answer: "y", Common: "205"},
		"question":                   &Question{Answer: "y"},
		"name":                       &Office{},
		"family_name":                &Person{},
		"email":                      &Person{FamilyName: "Ek", Email: "anna@acme"},
		"numbers[0].number":          &Person{FamilyName: "Ek", Numbers: []Phone{{Kind: PhoneMobile, Number: "112"}}},
		"numbers[0].kind":            &Person{FamilyName: "Ek", Numbers: []Phone{{Kind: "fax", Number: "205"}}},
		"sms":                        &Person{FamilyName: "Ek", SMS: "205"},
		"keywords":                   &Person{FamilyName: "Ek", Keywords: []string{"a;b"}},
		"photo_url":                  &Person{FamilyName: "Ek", PhotoURL: "javascript:alert(1)"},
		"responsibilities[0].common": &Person{FamilyName: "Ek", Responsibilities: []Responsibility{{Common: "x", What: "y"}}},
		"given_name":                 &Person{GivenName: "A\x1b[31m"},
		"stale_months":               &Settings{StaleMonths: -1},
	} {
		if p := doc.Normalize("SE"); len(p) != 1 || p[0].Field != want || p[0].Wrong == "" || p[0].Write == "" {
			t.Errorf("%s: got %v", want, p)
		}
	}
}

func TestAPersonHasOneForm(t *testing.T) {
	p := Person{ExternalID: " 17 ", GivenName: "Anna ", FamilyName: "Ek", Email: "Anna.Ek@acme.example",
		Numbers: []Phone{{PhoneExtension, "205", false}, {PhoneMobile, "070-123 45 67", true}, {PhoneOther, "+46 70 123 45 67", false}},
		SMS:     "0701234567", Keywords: []string{"fakturor", " Visma", "FAKTUROR", ""}}
	if bad := p.Normalize("SE"); bad != nil {
		t.Fatal(bad)
	}
	if len(p.Numbers) != 2 || p.Numbers[1].Number != "+46701234567" || !slices.Equal(p.Keywords, []string{"fakturor", "Visma"}) {
		t.Errorf("got %+v", p)
	}
	if told := p.Told(); len(told) != 1 || told[0].Number != "205" {
		t.Errorf("told: %v", told)
	}
	again := p
	if bad := again.Normalize("SE"); bad != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("not stable: %+v, %v", again, bad)
	}
	want := []Key{NameKey("anna  EK"), ExternalKey("17"), MailKey("anna.ek@ACME.example"), NumberKey("+46701234567"), NumberKey("205")}
	if got := p.Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}

func TestANumberIsDeliveredOnce(t *testing.T) {
	first := at(t, "2026-11-23 12:00")
	l := Life{Ordered: first.Add(-time.Hour)}
	if l.Stage() != Ordered || !l.Deliver(first) || l.Deliver(first.Add(-1)) || l.Deliver(first.Add(1)) || !l.Delivered.Equal(first) || l.Stage() != Delivered {
		t.Errorf("got %+v", l)
	}
	if l.Closed = first; l.Stage() != Closed {
		t.Error("not closed")
	}
}
