package directory

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

func sampleTenants() []Tenant {
	return []Tenant{
		{ID: "acme", Name: "Acme AB", Number: "+46850000001", Trunk: "pbx",
			Common: []CommonNumber{{"Försäljning", "+4684000001", false}, {"Support", "+4684000002", true}},
			Rules:  call.Rules{Priority: 3, Included: 45 * time.Second, Voicemail: []string{"299"}}},
		{ID: "nordvik", Name: "Nordvik", Number: "+46850000002", Trunk: "pbx",
			Common: []CommonNumber{{"Växel", "+4684000003", false}}},
		{ID: "oslo", Name: "Oslo AS", Number: "+4722123456", Trunk: "no"},
		{ID: "gone", Name: "Gone AB", Number: "+46850000001", Trunk: "pbx", Disabled: true},
	}
}

func sampleAgents() []Agent {
	return []Agent{
		{ID: "anna", Name: "Anna Ek", Extension: "101", Kind: call.Service, Password: "s3cret-anna"},
		{ID: "bo", Extension: "102", Kind: call.Service, Tenants: []string{"acme"}, Password: "s3cret-bo"},
		{ID: "cia", Extension: "103", Kind: call.Own, Tenants: []string{"acme"}, Password: "s3cret-cia"},
		{ID: "dan", Extension: "101", Kind: call.Service, Password: "s3cret-dan", Disabled: true},
	}
}

func sample(t *testing.T) *Directory {
	t.Helper()
	d, err := New(sampleTenants(), sampleAgents())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCalledNumberAndEntranceTellTenantAndCommonNumber(t *testing.T) {
	d := sample(t)
	for _, c := range []struct {
		called    string
		entrances []string
		tenant    string
		common    string
	}{
		{"+46850000001", nil, "acme", ""},
		{"46850000001", []string{"+4684000002", "+4684000001"}, "acme", "Support"},
		{"0850000001", []string{"anna", "+46850000001", "08-4000001"}, "acme", "Försäljning"},
		{"+46850000001;phone-context=x", []string{"+4684000003"}, "acme", ""}, // Nordvik's entrance, not Acme's
		{"08-500 000 02", []string{"4684000003"}, "nordvik", "Växel"},
		{"4722123456", nil, "oslo", ""},
		{"+46850000003", []string{"+4684000001"}, "", ""},
		{"205", nil, "", ""},
		{"", nil, "", ""},
	} {
		tenant, common, ok := d.Resolve(c.called, c.entrances)
		if tenant.ID != c.tenant || common.Name != c.common || ok != (c.tenant != "") {
			t.Errorf("%q by %q: got %q, %q, %v; want %q, %q", c.called, c.entrances, tenant.ID, common.Name, ok, c.tenant, c.common)
		}
	}
}

func TestRulesOfACallCarryItsCommonNumber(t *testing.T) {
	d := sample(t)
	tenant, common, _ := d.Resolve("+46850000001", []string{"+4684000002"})
	r := RulesFor(tenant, common)
	if r.Tenant != "acme" || r.TenantName != "Acme AB" || r.Number != "+46850000001" || r.Trunk != "pbx" || r.Priority != 3 ||
		r.CommonNumber != "+4684000002" || r.CommonName != "Support" || !r.CustomerService {
		t.Errorf("rules are %+v", r)
	}
	r.Voicemail[0] = "changed"
	if again, _ := d.Tenant("acme"); again.Rules.Voicemail[0] != "299" {
		t.Error("the rules of a call share their lists with the directory")
	}
}

func TestDisplayNamesTenantAndCommonNumber(t *testing.T) {
	d := sample(t)
	acme, _ := d.Tenant("acme")
	for want, common := range map[string]CommonNumber{"Acme · Försäljning": acme.Common[0], "Acme AB": {}} {
		if got := Display(acme, common); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Display(Tenant{Name: " AB"}, acme.Common[0]); got != " AB · Försäljning" {
		t.Errorf("got %q", got)
	}
}

func TestDisabledKeepTheirNamesButNothingElse(t *testing.T) {
	d := sample(t)
	if gone, ok := d.Tenant("gone"); !ok || gone.Name != "Gone AB" {
		t.Error("a disabled tenant has lost its name")
	}
	if got, _ := d.TenantByNumber("+46850000001"); got.ID != "acme" {
		t.Errorf("the number of a disabled tenant leads to %q", got.ID)
	}
	if a, ok := d.AgentByPhone("101"); !ok || a.ID != "anna" {
		t.Errorf("extension 101 is %q", a.ID)
	}
	if _, ok := d.AgentByPhone("dan"); ok {
		t.Error("a disabled agent can register")
	}
	if _, _, ok := d.Credentials("dan"); ok {
		t.Error("a disabled agent has credentials")
	}
	if dan, ok := d.Agent("dan"); !ok || dan.Serves("acme") {
		t.Error("a disabled agent is gone, or is offered calls")
	}
	if len(d.Agents()) != 4 || len(d.Tenants()) != 4 || d.Agents()[0].ID != "anna" || d.Tenants()[0].ID != "acme" {
		t.Error("lists lack the disabled, or are not sorted")
	}
}

func TestAgentsServeWhomTheyMay(t *testing.T) {
	d := sample(t)
	for agent, want := range map[string]string{"anna": "acme nordvik", "bo": "acme", "cia": "acme"} {
		a, _ := d.Agent(agent)
		var got []string
		for _, tenant := range []string{"acme", "nordvik"} {
			if a.Serves(tenant) {
				got = append(got, tenant)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s serves %q, want %q", agent, got, want)
		}
	}
	if (Agent{Kind: call.Own}).Serves("acme") {
		t.Error("an own agent of no tenant serves all")
	}
}

func TestPhonesRegisterByExtensionOrID(t *testing.T) {
	d := sample(t)
	for _, user := range []string{"101", "anna"} {
		if id, password, ok := d.Credentials(user); id != "anna" || string(password) != "s3cret-anna" || !ok {
			t.Errorf("%s: got %q, %v", user, id, ok)
		}
	}
	if _, _, ok := d.Credentials("104"); ok {
		t.Error("an unknown user has credentials")
	}
}

func TestContradictionsAreAllReported(t *testing.T) {
	tenants := append(sampleTenants(),
		Tenant{ID: "acme", Number: "+46850000005"}, Tenant{ID: "two", Number: "+46850000002"},
		Tenant{ID: "raw", Number: "08-500 000 07", Common: []CommonNumber{{"a", "+4684000001", false}, {"b", "+4684000001", false}, {"c", "1", false}}},
		Tenant{})
	agents := append(sampleAgents(),
		Agent{ID: "anna", Extension: "110", Kind: call.Service}, Agent{ID: "eva", Extension: "101", Kind: call.Service},
		Agent{ID: "102", Extension: "120", Kind: call.Service}, Agent{ID: "fia", Extension: "012", Kind: "boss"},
		Agent{ID: "gun", Extension: "112", Kind: call.Own}, Agent{ID: "ida", Extension: "130", Kind: call.Service, Tenants: []string{"x"}})
	_, err := New(tenants, agents)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`tenant "acme": id is used twice`, `tenant "two": number +46850000002 is that of tenant "nordvik"`,
		`tenant "raw": number "08-500 000 07" is not E.164`, `tenant "raw": common number +4684000001 is used twice`,
		`common number "1" is not E.164`, `tenant "": no id`, `agent "anna": id is missing or used twice`,
		`agent "eva": "101" is a name of agent "anna"`, `agent "102": "102" is a name of agent "bo"`,
		`agent "fia": extension "012"`, `agent "fia": kind "boss"`, `agent "gun": extension "112"`,
		`agent "gun": kind "tenant" needs exactly one tenant`, `agent "ida": tenant "x" is unknown`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not reported: %s", want)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Error("a password is in the error")
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	a := sampleAgents()[0]
	encoded, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v %#v", a, a), fmt.Sprintf("%q %x %d", a.Password, a.Password, a.Password),
		string(encoded), fmt.Sprint(&a), fmt.Sprint([]any{a.Password})} {
		if strings.Contains(text, "s3cret") || strings.Contains(text, "7333637265") || !strings.Contains(text, hidden) {
			t.Errorf("printed: %s", text)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	d, err := New(sampleTenants(), sampleAgents())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Resolve("+46850000001", []string{"+4684000002"})
	}
}
