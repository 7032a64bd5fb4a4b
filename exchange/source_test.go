package exchange

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"telefonist/directory"
)

func TestAPBXMayPostJSONFormsAndXML(t *testing.T) {
	yes := true
	want := directory.Report{Extension: "205", Code: "lunch", Until: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Connect: &yes, Note: "å äter"}
	for contentType, body := range map[string]string{
		"application/json; charset=utf-8":   `{"extension":"205","code":"lunch","until":"2026-11-23T12:00:00Z","connect":true,"note":"å äter"}`,
		"application/x-www-form-urlencoded": "extension=205&code=lunch&until=2026-11-23+13:00&connect=1&note=%C3%A5+%C3%A4ter&pbx_serial=17",
		"text/xml":                          "<?xml version=\"1.0\"?><r><extension>205</extension><code> lunch </code><until>2026-11-23T13:00:00+01:00</until><connect>ja</connect><note>å äter</note><x/></r>",
	} {
		got, err := ReadReports("referral", contentType, []byte(body))
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %+v, %v", contentType, got, err)
		}
		got[0].Until = got[0].Until.UTC()
		if !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got %+v", contentType, got[0])
		}
	}
	for _, many := range [][2]string{{"application/json", `[{"extension":"205","clear":true},{"extension":"206","clear":true}]`},
		{"application/xml", `<all><r><extension>205</extension><clear>1</clear></r><r><extension>206</extension><clear>1</clear></r></all>`}} {
		if got, err := ReadReports("referral", many[0], []byte(many[1])); err != nil || len(got) != 2 || got[1].Extension != "206" || !got[1].Clear {
			t.Errorf("%s: %+v, %v", many[0], got, err)
		}
	}
}

func TestALineIsReadFromWhatSIPNotifies(t *testing.T) {
	const head = `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full" entity="sip:205@pbx.example">`
	for body, want := range map[string]directory.LineState{
		head + `</dialog-info>`: directory.LineFree,
		head + `<dialog id="1"><state>early</state></dialog></dialog-info>`:                                                 directory.LineRinging,
		head + `<dialog id="1"><state>confirmed</state></dialog><dialog id="2"><state>early</state></dialog></dialog-info>`: directory.LineBusy,
		head + `<dialog id="1"><state event="remote-bye">terminated</state></dialog></dialog-info>`:                         directory.LineFree,
	} {
		got, err := ReadReports("line", "application/dialog-info+xml", []byte(body))
		if err != nil || len(got) != 1 || got[0].Line != want || got[0].Number != "205" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	const presence = `<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:205@x">
		<tuple id="a"><status><basic>open</basic></status></tuple><dm:person id="p"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person></presence>`
	if got, err := ReadReports("line", "application/pidf+xml", []byte(presence)); err != nil || len(got) != 1 || got[0].Line != directory.LineBusy || got[0].Number != "205" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsWrongWithAReportNamesItsField(t *testing.T) {
	for want, c := range map[string][3]string{
		"cod: is no field":    {"referral", "application/json", `{"extension":"205","cod":"lunch"}`},
		"until: is":           {"referral", "application/x-www-form-urlencoded", "extension=205&until=snart"},
		"connect: is":         {"referral", "application/xml", "<r><connect>kanske</connect></r>"},
		"line: is for":        {"referral", "application/json", `{"extension":"205","line":"busy"}`},
		"entity: names":       {"line", "application/dialog-info+xml", `<dialog-info/>`},
		"no such source":      {"ldap", "application/json", `{}`},
		"is not read here":    {"line", "image/png", "x"},
		"nobody is named":     {"referral", "application/json", "[]"},
		"no JSON of a report": {"referral", "application/json", `{}x`},
		"deep":                {"line", "text/xml", strings.Repeat("<a>", 30) + strings.Repeat("</a>", 30)},
	} {
		_, err := ReadReports(c[0], c[1], []byte(c[2]))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func FuzzReadReports(f *testing.F) {
	f.Add("line", "application/dialog-info+xml", []byte(`<dialog-info entity="sip:205@x"><dialog><state>early</state></dialog></dialog-info>`))
	f.Add("referral", "application/json", []byte(`{"extension":"205","clear":true}`))
	f.Add("referral", "application/x-www-form-urlencoded", []byte(`extension=205&until=2026-11-23`))
	f.Add("referral", "text/xml", []byte(`<a><b><extension>1</extension></b></a>`))
	f.Fuzz(func(t *testing.T, source, contentType string, data []byte) {
		all, err := ReadReports(source, contentType, data)
		if err == nil && (len(all) == 0 || len(all) > MaxReports) {
			t.Fatalf("%d reports", len(all))
		}
		if errors.Is(err, ErrNoSource) && (source == "line" || source == "referral") {
			t.Fatal(err)
		}
	})
}
