package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/web"
)

func TestAChangeOfTheDirectoryIsFoundByItsTenantAlone(t *testing.T) {
	dir := t.TempDir()
	const two = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, common_numbers: [{name: Kundtjänst, number: "+46840000009"}]}
 - {id: other, name: Other AB, number: "+46850000002", trunk: pbx}
`
	a := start(t, load(t, dir, two))
	defer func() { _ = a.Stop(t.Context()) }()
	admin, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	tokens := map[string]string{}
	for _, tenant := range []string{"acme", "other"} {
		made, err := admin.CreateToken(t.Context(), web.TokenRequest{Tenant: tenant, Name: "test", PerMinute: 100_000,
			Scopes: []string{"directory:read", "directory:write", "referrals:write"}})
		if err != nil {
			t.Fatal(err)
		}
		tokens[tenant] = made.Token
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	do := func(tenant, method, path, body string, header ...string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.WebAddr().String()+"/api/v1/tenants/"+tenant+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tokens[tenant])
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
		}
		return string(text)
	}
	find := func(tenant, query string) []web.Hit {
		t.Helper()
		var out struct{ Hits []web.Hit }
		if err := json.Unmarshal([]byte(do(tenant, "GET", "/search?q="+url.QueryEscape(query), "")), &out); err != nil {
			t.Fatal(err)
		}
		return out.Hits
	}
	await := func(query string, ok func([]web.Hit) bool) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for !ok(find("acme", query)) {
			if time.Now().After(deadline) {
				t.Fatalf("%q finds %+v", query, find("acme", query))
			}
		}
	}
	if hits := find("acme", "kundtjanst"); len(hits) != 1 || hits[0].Title != "Kundtjänst" { // and the index is open
		t.Errorf("common number: %+v", hits)
	}
	do("acme", "PUT", "/people/bo", `{"given_name":"Bo","family_name":"Alm"}`, "If-None-Match", "*")
	do("acme", "PUT", "/people/anna", `{"given_name":"Anna","family_name":"Carlsson","keywords":["fakturor"],"substitutes":["bo"],"sms":"070-987 65 43","numbers":[{"kind":"mobile","number":"0701234567"}]}`, "If-None-Match", "*")
	one := func(title string) func([]web.Hit) bool {
		return func(h []web.Hit) bool { return len(h) == 1 && h[0].Title == title }
	}
	for _, query := range []string{"ana karlsson", "faktur", "4567", "0709876543"} {
		await(query, one("Anna Carlsson"))
		if hits := find("other", query); len(hits) != 0 {
			t.Errorf("another tenant finds %+v", hits)
		}
	}
	do("acme", "POST", "/people/anna/referrals", `{"code":"sjuk"}`)
	if h := find("acme", "carlsson")[0]; h.Presence == nil || h.Presence.Phrase != "inte på plats" || len(h.Substitutes) != 1 || h.Substitutes[0].Name != "Bo Alm" {
		t.Errorf("away: %+v", h)
	}
	do("acme", "DELETE", "/people/anna", "", "If-Match", "*")
	await("carlsson", func(h []web.Hit) bool { return len(h) == 0 })
	do("acme", "POST", "/imports", "Förnamn;Efternamn\nCia;Berg\n", "Content-Type", "text/csv")
	await("cia", one("Cia Berg"))
	do("acme", "PUT", "/people/dan", `{"given_name":"Dan","family_name":"Dahl","office":"hq"}`, "If-None-Match", "*")
	do("acme", "PUT", "/offices/hq", `{"name":"Luleå"}`, "If-None-Match", "*")
	await("dan luleå", one("Dan Dahl"))
	do("acme", "PUT", "/offices/hq", `{"name":"Kiruna"}`, "If-Match", "*")
	await("dan kiruna", one("Dan Dahl"))
	nobody := func(h []web.Hit) bool { return len(h) == 0 }
	await("dan luleå", nobody)
	do("acme", "DELETE", "/offices/hq", "", "If-Match", "*")
	await("dan kiruna", nobody)
	do("acme", "PUT", "/instructions/tenant", `{"contacts":[{"name":"Vaktmästeriet","phone":"08-500 000 77"}]}`, "If-None-Match", "*")
	await("500 000 77", one("Acme AB"))
}
