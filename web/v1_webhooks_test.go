package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"telefonist/account"
	"telefonist/web"
)

// TestAWebhooksTokenDoesNothingElse plays every route with it.
func TestAWebhooksTokenDoesNothingElse(t *testing.T) {
	s := newService(t)
	hook := s.token(account.Token{Tenant: "acme", Name: "pbx", Scopes: []account.Scope{account.Webhook}, PerMinute: 100_000})
	s.person(`{"family_name":"Ek","external_id":"17"}`)
	spec, err := (&web.V1{Metrics: web.NewV1Metrics(nil)}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(spec, &api); err != nil {
		t.Fatal(err)
	}
	for path, methods := range api.Paths {
		at := strings.NewReplacer("/api/v1", "", "{tenant}", "acme", "{source}", "referral").Replace(path)
		for method := range methods {
			if at == "/session" && method != "get" {
				continue // takes its token in the body
			}
			a := s.do(s.url, hook, strings.ToUpper(method), at, `{"external_id":"17","code":"lunch"}`, "If-Match", "*")
			if its := strings.Contains(path, "/webhooks/"); its && a.status != 200 || !its && a.status != 403 && a.status != 404 || strings.Contains(a.body, "+4685") {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}

// A request that tells of the same person several times leaves what the last of them says, whether it was known before or not.
func TestReportsOfOneRequestAreTakenInOrder(t *testing.T) {
	s := newService(t)
	for i, c := range []struct {
		before, reports string // S sets, C clears
		fates           string
		away            bool
	}{
		{"", "SC", "set cleared", false},
		{"", "CS", "unchanged set", true},
		{"", "SCS", "set cleared set", true},
		{"", "SCC", "set cleared unchanged", false},
		{"", "CC", "unchanged unchanged", false},
		{"S", "SC", "set cleared", false},
		{"S", "CS", "cleared set", true},
		{"S", "CC", "cleared unchanged", false},
		{"S", "CSC", "cleared set cleared", false},
	} {
		for way, path := range []string{"/webhooks/referral", "/referrals/bulk"} {
			ext := fmt.Sprint(200 + 2*i + way)
			id := s.person(`{"family_name":"Ek","numbers":[{"kind":"extension","number":"` + ext + `"}]}`)
			tell := func(reports string) answer {
				var all []string
				for _, r := range reports {
					all = append(all, map[rune]string{'S': `{"extension":"` + ext + `","code":"lunch"}`, 'C': `{"extension":"` + ext + `","clear":true}`}[r])
				}
				body := "[" + strings.Join(all, ",") + "]"
				if way == 1 {
					body = `{"referrals":` + body + `}`
				}
				return s.acme(200, "POST", path, body)
			}
			if c.before != "" {
				tell(c.before)
			}
			a := tell(c.reports)
			for n, want := range strings.Fields(c.fates) {
				if got := a.field(fmt.Sprintf("results.%d.fate", n)); got != want {
					t.Errorf("%s after %q: report %d is %s, want %s", c.reports, c.before, n, got, want)
				}
			}
			if got := s.acme(200, "GET", "/people/"+id+"/presence", "").field("away"); got != fmt.Sprint(c.away) {
				t.Errorf("%s %s after %q: away %s", path, c.reports, c.before, got)
			}
		}
	}
}
