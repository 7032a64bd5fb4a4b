package directory

import (
	"encoding/json"
	"strings"
	"testing"
)

func tracesOf(people ...Person) *Traces {
	t := &Traces{}
	for _, p := range people {
		t.Add(p)
	}
	t.Drop(func(k Key) bool { return k == NumberKey("+46850000099") || k == NumberKey("209") })
	return t
}

func TestTracesAreFoundAsPeopleWriteThem(t *testing.T) {
	traces := tracesOf(Person{GivenName: "Åsa", FamilyName: "Ek", Email: "Asa@Acme.example", SMS: "+46701234567",
		Numbers: []Phone{{Kind: PhoneExtension, Number: "205"}, {Kind: PhoneDirect, Number: "+46850000099"}, {Kind: PhoneExtension, Number: "209"}}},
		Person{GivenName: "Åsa", FamilyName: "Ek-Lind"})
	for in, want := range map[string]string{
		"Till åsa ek: ring":                             "Till [raderad]: ring",
		"Åsa Eks bil":                                   "[raderad]s bil",
		"Ek, Åsa; Åsa  Ek-Lind":                         "[raderad]; [raderad]",
		"Åsa Ekman, Kåsa Ek":                            "Åsa Ekman, Kåsa Ek",
		"<p>&nbsp;asa@acme.example</p>":                 "<p>&nbsp;[raderad]</p>",
		"070-123 45 67 / +46 70 1234567":                "[raderad] / [raderad]",
		"tel:+46701234567;x 0046701234567 4670123456":   "tel:[raderad];x [raderad] 4670123456",
		"9070-123 45 67, 08-500 000 99, anknytning 205": "9070-123 45 67, 08-500 000 99, anknytning 205",
		"Åsa\u00a0Ek; Åsa\nEk; Åsa\u202f\u2009Ek; 070\u202f123\u200945\u00a067": "[raderad]; [raderad]; [raderad]; [raderad]",
		"": "",
	} {
		if got, found := traces.Mask(in); got != want || found != (in != want) {
			t.Errorf("%q became %q, %t, want %q", in, got, found, want)
		}
	}
	if !traces.Is("205") || !traces.Is("ASA@acme.example") || traces.Is("209") || traces.Is("") {
		t.Error("whole fields")
	}
	if got, found := (&Traces{}).Mask("anybody"); found || got != "anybody" {
		t.Error("no traces")
	}
}

func TestMaskedJSONKeepsItsNumbersAndWhatIsToStay(t *testing.T) {
	traces := tracesOf(Person{GivenName: "Åsa", FamilyName: "Ek", Numbers: []Phone{{Kind: PhoneExtension, Number: "205"}}})
	const doc = `{"a":[{"n":"205","ns":9007199254740993,"t":"hos Åsa Ek"}],"id":"205"}`
	got, found := traces.MaskJSON([]byte(doc), true, "id")
	if want := `{"a":[{"n":"","ns":9007199254740993,"t":"hos [raderad]"}],"id":"205"}`; string(got) != want || !found {
		t.Errorf("got %s, %t", got, found)
	}
	if got, found := traces.MaskJSON([]byte(`{"n":"206"}`), true); found || string(got) != `{"n":"206"}` {
		t.Errorf("got %s, %t", got, found)
	}
}

func TestEscapesHideNobody(t *testing.T) {
	traces := tracesOf(Person{GivenName: `Anna "Nina"`, FamilyName: "Ek"}, Person{GivenName: "Bo", FamilyName: "Alm & Son"}, Person{GivenName: `"Kim"`, FamilyName: "Berg"})
	for _, text := range []string{"Fråga Anna \"Nina\" Ek", "Fråga Bo\nAlm & Son", "Fråga\t\"Kim\"\nBerg"} {
		doc, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		if got, found := traces.MaskJSON(doc, false); !found || !traces.Maybe(doc) || !strings.Contains(string(got), Masked) {
			t.Errorf("%s became %s, %t; maybe: %t", doc, got, found, traces.Maybe(doc))
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("Till Åsa Ek, 070-123 45 67")
	f.Fuzz(func(t *testing.T, s string) {
		traces := tracesOf(Person{GivenName: "Åsa", FamilyName: "Ek", SMS: "+46701234567"})
		out, found := traces.Mask(s)
		if found == (out == s) {
			t.Fatalf("%q became %q, %t", s, out, found)
		}
		if again, found := traces.Mask(out); found && strings.Count(again, Masked) > strings.Count(s, " ")+len(s) {
			t.Fatalf("%q became %q", out, again)
		}
	})
}
