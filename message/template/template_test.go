package template

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

func fields() *Fields {
	return &Fields{Caller: "Kim Öberg", Company: "Ås & Co", Number: "+46701234567", Wish: "Faktura 17\noch <b>offert</b> {agent}", Person: "Åsa Ek",
		Time: time.Date(2026, 11, 23, 8, 5, 0, 0, time.UTC), Location: time.FixedZone("", 3600), Tenant: "Acme AB", CommonNumber: "Försäljning", Agent: "Anna"}
}

func render(t *testing.T, tpl Template, f *Fields) Rendered {
	t.Helper()
	p, err := Parse(tpl)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Render(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlaceholdersAreFilledInOnce(t *testing.T) {
	r := render(t, Template{Subject: "{caller}: {wish}", Text: "{{{caller}}} {time} {date} {clock}\n{wish}"}, fields())
	if want := "{Kim Öberg} 23 nov 09:05 23 nov 09:05\nFaktura 17\noch <b>offert</b> {agent}"; r.Text != want {
		t.Errorf("text %q", r.Text)
	}
	if want := "Kim Öberg: Faktura 17 och <b>offert</b> {agent}"; r.Subject != want {
		t.Errorf("subject %q", r.Subject)
	}
}

func TestHTMLIsEscapedAndItsNumberCanBeTapped(t *testing.T) {
	r := render(t, Template{Text: "<i>{company}</i> {number}\n{wish}"}, fields())
	for _, want := range []string{"&lt;i&gt;Ås &amp; Co&lt;/i&gt;", `<a href="tel:+46701234567">+46701234567</a><br>`, "Faktura 17<br>\noch &lt;b&gt;offert&lt;/b&gt;"} {
		if !strings.Contains(r.HTML, want) {
			t.Errorf("HTML lacks %q:\n%s", want, r.HTML)
		}
	}
	f := fields()
	f.Number = `+46"onclick="x`
	if r := render(t, Template{Text: "{number}"}, f); strings.Contains(r.HTML, `"onclick`) || strings.Contains(r.HTML, "<a") {
		t.Errorf("HTML %s", r.HTML)
	}
}

func TestLinesWithoutValuesAreLeftOut(t *testing.T) {
	f := &Fields{Number: "+46850000001", Tenant: "Acme"}
	got := render(t, Template{Text: "Hej!\nÄrende: {wish}\nTel {number} {caller}\n\n{agent}\nSlut"}, f).Text
	if want := "Hej!\nTel +46850000001\n\nSlut"; got != want {
		t.Errorf("got %q", got)
	}
	got = render(t, Template{Text: "Hej!\n\n{wish}\n\nTel {number}\n\n\n{agent}\n{wish}\n\nSlut"}, f).Text
	if want := "Hej!\n\nTel +46850000001\n\n\nSlut"; got != want {
		t.Errorf("got %q", got)
	}
	p, err := Parse(Template{Text: "{wish}"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Render(f); err == nil {
		t.Error("an empty message was written")
	}
}

func TestValuesCannotMislead(t *testing.T) {
	f := fields()
	f.Caller = "Kim\r\nBcc: all@example.com\x00\u202e765\u2066"
	r := render(t, Template{Subject: "{caller}", Text: "{caller}"}, f)
	if r.Subject != "Kim Bcc: all@example.com765" || strings.ContainsAny(r.Text, "\x00\r\u202e\u2066") {
		t.Errorf("subject %q, text %q", r.Subject, r.Text)
	}
}

func TestWrongTemplatesAreRefusedByName(t *testing.T) {
	for _, c := range []struct {
		t            Template
		field        string
		line, column int
		says         string
	}{
		{Template{Text: " "}, "text", 0, 0, "empty"},
		{Template{Text: "a\nbö {callr}"}, "text", 2, 4, "{callr}"},
		{Template{Text: "{}"}, "text", 1, 1, "{}"},
		{Template{Text: "a {caller"}, "text", 1, 3, "not closed"},
		{Template{Text: "a } b"}, "text", 1, 3, "closes nothing"},
		{Template{Text: "a\x07"}, "text", 1, 2, "control"},
		{Template{Text: "a", Subject: "{x}"}, "subject", 1, 1, "{x}"},
		{Template{Text: "a", Subject: "a\nb"}, "subject", 2, 1, "one line"},
		{Template{Text: "a", Required: []string{"wishes"}}, "required", 0, 0, "{wishes}"},
		{Template{Text: strings.Repeat("a", maxTemplate+1)}, "text", 0, 0, "characters"},
	} {
		_, err := Parse(c.t)
		var e *Error
		if !errors.As(err, &e) || e.Field != c.field || e.Line != c.line || e.Column != c.column || !strings.Contains(e.Problem, c.says) {
			t.Errorf("%q: %v", c.t.Text, err)
		}
	}
}

func TestRequiredFieldsAreAskedFor(t *testing.T) {
	p, err := Parse(Template{Text: "{caller} {wish}", Required: []string{"wish", "number"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(&Fields{Caller: "Kim", Wish: " \n"})
	var e *Error
	if !errors.As(err, &e) || e.Field != "wish" || e.Problem != "is required" {
		t.Errorf("error %v", err)
	}
	_, err = p.Render(&Fields{Number: "1", Wish: strings.Repeat("x", maxValue+1)})
	if !errors.As(err, &e) || e.Field != "wish" {
		t.Errorf("error %v", err)
	}
}

func TestBuiltInTemplatesAreValid(t *testing.T) {
	if r := render(t, Mail, fields()); r.Subject != "Telefonmeddelande från Kim Öberg Ås & Co" || !strings.Contains(r.Text, "Ärende: Faktura 17") {
		t.Errorf("%+v", r)
	}
	if r := render(t, Short, fields()); !strings.HasPrefix(r.Text, "Kim Öberg Ås & Co har sökt Åsa Ek 23 nov 09:05.\nTel +46701234567\n") {
		t.Errorf("%+v", r)
	}
}

func TestAnEmptyPlaceholderLeavesNoDoubleBlank(t *testing.T) {
	f := &Fields{Caller: "Kim", Person: "Åsa"}
	for text, want := range map[string]string{
		"{caller} {company} har sökt {person}.": "Kim har sökt Åsa.", "{company} {caller}": "Kim", "{caller} {company} {wish} x": "Kim x",
		"{caller} {company}": "Kim", "a  {caller}  b": "a  Kim  b", "({company}, {caller})": "(, Kim)",
	} {
		r := render(t, Template{Subject: text, Text: text}, f)
		if r.Text != want || !strings.Contains(r.HTML, "<p>"+want+"</p>") {
			t.Errorf("%q: %q and %q, want %q", text, r.Text, r.HTML, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{caller}", "Hej {{x}} {number}", "<script>", "+46701234567")
	f.Add("", "{", "}", "{agent}")
	f.Add("\n", "{wish}\n\n{caller}}}", "a\r\nb", "\x00")
	f.Fuzz(func(t *testing.T, subject, text, value, number string) {
		p, err := Parse(Template{Subject: subject, Text: text})
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%T", err)
			}
			return
		}
		r, err := p.Render(&Fields{Caller: value, Company: value, Wish: value, Number: number, Person: value, Agent: "{caller}"})
		if err != nil {
			return
		}
		if strings.ContainsAny(r.Subject, "\r\n\x00") || strings.ContainsAny(r.Text, "\r\x00") {
			t.Fatalf("subject %q, text %q", r.Subject, r.Text)
		}
		head, tail, _ := strings.Cut(document("§"), "§")
		body := strings.TrimSuffix(strings.TrimPrefix(r.HTML, head), tail)
		body = regexp.MustCompile(`<br>|</a>|<a href="tel:\+[1-9][0-9]{6,14}">`).ReplaceAllString(body, "")
		if strings.ContainsAny(body, "<>") {
			t.Fatalf("HTML %q", r.HTML)
		}
	})
}
