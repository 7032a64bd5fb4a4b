package web_test

import (
	"slices"
	"strings"
	"testing"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
)

// A receptionist's own token reaches the tenants whose calls she answers, for what a call needs, and her own name stands by what she does.
func TestAReceptionistsTokenDoesForHerTenantsWhatACallNeeds(t *testing.T) {
	s := newService(t)
	dir, err := directory.New(s.dir.Load().Tenants(), []directory.Agent{{ID: "anna", Name: "Anna", Extension: "101", Kind: call.Service},
		{ID: "eva", Extension: "102", Kind: call.Service, Tenants: []string{"evil"}}, {ID: "cia", Extension: "103", Kind: call.Own, Tenants: []string{"acme"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.dir.Store(dir)
	tokens := map[string]string{}
	for _, agent := range []string{"anna", "eva", "cia", "nobody"} {
		tokens[agent] = s.token(account.Token{Agent: agent, Name: "Konsol", Scopes: []account.Scope{account.Work}, PerMinute: 100_000})
	}
	tokens["supervisor"] = s.token(account.Token{Name: "Tavla", Scopes: []account.Scope{account.Supervise}})
	as := func(agent string, want int, method, path, body string, header ...string) answer {
		t.Helper()
		a := s.do(s.url, tokens[agent], method, "/tenants/acme"+path, body, header...)
		if a.status != want {
			t.Fatalf("%s %s %s: %d, want %d: %s", agent, method, path, a.status, want, a.body)
		}
		return a
	}
	id := s.person(`{"family_name":"Ek"}`)
	office := s.acme(201, "POST", "/offices", `{"name":"HQ"}`).field("id")
	s.acme(200, "PUT", "/offices/"+office+"/doorcodes/front", `{"label":"x","code":"4711"}`, "If-None-Match", "*")
	for _, stranger := range []string{"eva", "nobody", "supervisor"} {
		as(stranger, 404, "GET", "/people", "")
		if a := s.do(s.url, tokens[stranger], "GET", "/tenants", ""); strings.Contains(a.body, "acme") || strings.Contains(a.body, "gone") {
			t.Errorf("%s sees %s", stranger, a.body)
		}
	}
	if a := s.do(s.url, tokens["anna"], "GET", "/tenants", ""); !strings.Contains(a.body, "acme") || !strings.Contains(a.body, "evil") || strings.Contains(a.body, "gone") {
		t.Errorf("anna sees %s", a.body)
	}
	seen := []string{}
	for cursor, more := "", true; more; more = cursor != "" {
		a := s.do(s.url, tokens["anna"], "GET", "/tenants?limit=1&cursor="+cursor, "")
		seen = append(seen, a.field("items.0.id"))
		cursor = a.field("next")
	}
	if !slices.Equal(seen, []string{"acme", "evil"}) {
		t.Errorf("page by page anna sees %q", seen)
	}
	as("anna", 200, "GET", "/people/"+id, "")
	as("anna", 200, "GET", "/shown", "")
	as("anna", 403, "PUT", "/people/"+id, `{"family_name":"Alm"}`, "If-Match", "*")
	as("anna", 403, "GET", "/people/"+id+"/referrals", "")
	as("anna", 403, "GET", "/changes", "")

	const lunch = `{"code":"lunch","source":"pbx","set_by":"chefen"}`
	if a := as("anna", 403, "POST", "/people/"+id+"/referrals", lunch); !strings.Contains(a.field("detail"), "agents_may_set_referral") {
		t.Errorf("not allowed: %s", a.body)
	}
	for _, other := range []string{"/referrals/bulk", "/webhooks/referral", "/webhooks/line"} { // no way around it
		as("anna", 403, "POST", other, `{"referrals":[{"external_id":"1","code":"lunch"}]}`)
	}
	s.acme(200, "PUT", "/settings", `{"agents_may_set_referral":true}`, "If-None-Match", "*")
	set := as("anna", 201, "POST", "/people/"+id+"/referrals", lunch)
	if set.field("doc.source") != "agent" || set.field("doc.set_by") != "agent:anna" || set.field("changed_by") != "agent:anna" {
		t.Errorf("set: %s", set.body)
	}
	as("anna", 204, "DELETE", "/people/"+id+"/referrals/"+set.field("id"), "", "If-Match", set.header.Get("ETag"))
	ill := s.acme(201, "POST", "/people/"+id+"/referrals", `{"code":"sjuk","note":"influensa"}`)
	if a := as("anna", 403, "POST", "/people/"+id+"/referrals/"+ill.field("id")+"/restore", `{"version":`+ill.field("version")+`}`, "If-Match", "*"); strings.Contains(a.body, "influensa") {
		t.Errorf("the true reason is told by restoring it: %s", a.body)
	}

	s.live["c1"], s.live["c2"] = [2]string{"acme", "anna"}, [2]string{"acme", "cia"}
	show := "/offices/" + office + "/doorcodes/front/show"
	as("anna", 200, "POST", show, `{"call":"c1"}`)
	as("anna", 403, "POST", show, `{"call":"c2"}`)
	if h := s.acme(200, "GET", "/changes", ""); strings.Count(h.body, `"by":{"name":"agent:anna","way":"agent:anna","call":"c1"},"action":"look"`) != 1 {
		t.Errorf("looks: %s", h.body)
	}
	as("anna", 403, "PUT", "/service", `{"away":true}`)
	as("cia", 200, "PUT", "/service", `{"away":true}`)
}
