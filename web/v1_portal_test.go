package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
)

func TestASessionTellsWhoseOwnPageTheTokenMaySee(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	for name, c := range map[string]struct {
		token account.Token
		want  string
	}{
		"reader": {account.Token{Tenant: "acme", Scopes: []account.Scope{account.ReadDirectory}}, "acme Acme AB +46850000001 false"},
		"writer": {account.Token{Tenant: "acme", Scopes: []account.Scope{account.ReadDirectory, account.WriteReferrals}}, "acme Acme AB +46850000001 true"},
		"editor": {account.Token{Tenant: "evil", Scopes: []account.Scope{account.WriteDirectory, account.ReadDirectory}}, "evil Evil AB +46850000002 true"},
		"closed": {account.Token{Tenant: "gone", Scopes: []account.Scope{account.ReadDirectory}}, ""},
		"own":    {account.Token{Agent: "cia", Scopes: []account.Scope{account.Work}}, "acme Acme AB +46850000001 true"},
		"ours":   {account.Token{Agent: "siv", Scopes: []account.Scope{account.Work}}, ""},
		"tavla":  {account.Token{Scopes: []account.Scope{account.Supervise}}, ""},
		"former": {account.Token{Agent: "gone", Scopes: []account.Scope{account.Work}}, ""},
	} {
		c.token.Name, c.token.PerMinute = name, 1000
		cookie, _ := s.signIn(s.token(c.token))
		a := s.do(s.url, "", "GET", "/session", "", "Cookie", cookie)
		got := strings.TrimSpace(strings.Join([]string{a.field("portal.0.id"), a.field("portal.0.name"), a.field("portal.0.number"), a.field("portal.0.may_switch")}, " "))
		if got != c.want || a.field("portal.1.id") != "" || a.field("name") != name {
			t.Errorf("%s: %q, want %q: %s", name, got, c.want, a.body)
		}
		if own := c.token.Tenant != ""; own && (a.field("works")+a.field("supervises") != "falsefalse" || a.field("tenants.0.id") != "") {
			t.Errorf("%s has no console: %s", name, a.body)
		}
	}
	if a := s.do(s.url, tokens["cia"], "GET", "/session", ""); a.field("works") != "true" {
		t.Errorf("an own receptionist has both: %s", a.body)
	}
}

func TestTheSwitchIsSetInASession(t *testing.T) {
	s := switched(t)
	read := s.token(account.Token{Tenant: "acme", Name: "Läser", Scopes: []account.Scope{account.ReadDirectory}})
	both := s.token(account.Token{Tenant: "acme", Name: "Chefen", Scopes: []account.Scope{account.ReadDirectory, account.WriteReferrals}})
	own := s.token(account.Token{Agent: "cia", Name: "Konsol", Scopes: []account.Scope{account.Work}})
	for token, want := range map[string]int{read: 403, both: 200, own: 200} {
		cookie, _ := s.signIn(token)
		put := func(header ...string) answer {
			return s.do(s.url, "", "PUT", "/tenants/acme/service", `{"away":true}`, append(header, "Cookie", cookie)...)
		}
		if a := put("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 || !strings.Contains(a.body, "another site") {
			t.Errorf("by another site: %d %s", a.status, a.body)
		}
		if s.dir.Load().Switch("acme").Away {
			t.Error("another site has switched")
		}
		if a := put("Sec-Fetch-Site", "same-origin"); a.status != want {
			t.Errorf("%d, want %d: %s", a.status, want, a.body)
		}
		s.do(s.url, "", "PUT", "/tenants/acme/service", `{"away":false}`, "Cookie", cookie)
	}
	if a := s.acme(200, "GET", "/service", ""); a.field("switched_by") != "Chefen" && a.field("switched_by") != "cia" {
		t.Errorf("by whom: %s", a.body)
	}
}

// TestATenantsSessionReachesNothingOfAnother, nor of the service's own: every route is tried.
func TestATenantsSessionReachesNothingOfAnother(t *testing.T) {
	s := newService(t)
	s.staff()
	all, _ := s.signIn(s.tokens["acme"]) // which has every scope
	page, _ := s.signIn(s.token(account.Token{Tenant: "acme", Name: "Mina sidor", Scopes: []account.Scope{account.ReadDirectory, account.WriteReferrals}, PerMinute: 100_000}))
	own, _ := s.signIn(s.token(account.Token{Agent: "cia", Name: "Konsol", Scopes: []account.Scope{account.Work}, PerMinute: 100_000}))
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(s.do(s.url, "", "GET", "/openapi.json", "").body), &api); err != nil || len(api.Paths) < 50 {
		t.Fatalf("%d paths, %v", len(api.Paths), err)
	}
	tried := 0
	for path, methods := range api.Paths {
		path, found := strings.CutPrefix(path, "/api/v1")
		if !found || path == "/session" || path == "/tenants" { // which lists those that the token sees
			continue
		}
		ofTenant := strings.Contains(path, "{tenant}")
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(strings.ReplaceAll(path, "{tenant}", "evil"), "x")
		for method := range methods {
			method = strings.ToUpper(method)
			if !strings.Contains("GET PUT POST PATCH DELETE", method) {
				continue
			}
			want, who := http.StatusForbidden, []string{page}
			if ofTenant {
				want, who = http.StatusNotFound, []string{all, page, own}
			}
			for _, one := range who {
				tried++
				if a := s.do(s.url, "", method, path, "{}", "Cookie", one); a.status != want || ofTenant && !strings.Contains(a.body, "no such tenant") {
					t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
				}
			}
		}
	}
	for _, who := range []string{all, page, own} {
		if a := s.do(s.url, "", "GET", "/tenants", "", "Cookie", who); strings.Contains(a.body, "evil") || strings.Contains(a.body, "Evil") {
			t.Errorf("the list: %s", a.body)
		}
	}
	if tried < 100 {
		t.Errorf("%d requests were tried", tried)
	}
}

func TestWhatThePageOfATenantShowsIsTold(t *testing.T) {
	s := switched(t)
	s.now = time.Date(2026, 12, 21, 11, 0, 0, 0, time.UTC) // Monday
	a := s.acme(200, "GET", "/service", "")
	for field, want := range map[string]string{
		"at": "2026-12-21T11:00:00Z", "turn": "own", "otherwise.turn": "service", "otherwise.away": "true", "otherwise.next": "closed", "has_own": "true", "switch_matters": "true",
		"holidays.0.date": "2026-12-25", "holidays.0.swedish": "juldagen", "holidays.1.english": "Boxing Day", "holidays.3.date": "2027-01-06", "holidays.4.date": "",
		"common_numbers.0.name": "Support", "common_numbers.0.number": support, "common_numbers.0.mode": "always", "common_numbers.0.turn": "service", "common_numbers.1.name": "",
		"closed": "prompt", "own_too": "false", "common_numbers.0.otherwise.turn": "service", "common_numbers.0.closed": "prompt", "common_numbers.0.own_too": "true",
	} {
		if got := a.field(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	a = s.acme(200, "PUT", "/service", `{"away":true}`)
	if a.field("turn") != "service" || a.field("otherwise.turn") != "own" || a.field("switched_by") != "all of acme" {
		t.Errorf("away: %s", a.body)
	}
	if a = s.acme(200, "GET", "/service?common="+strings.TrimPrefix(support, "+"), ""); a.field("common_numbers.0.name") != "" || a.field("otherwise.turn") != "service" {
		t.Errorf("of one number: %s", a.body)
	}
}

func TestWhetherTheSwitchMattersIsTold(t *testing.T) {
	s := switched(t)
	all := s.dir.Load().Tenants()
	day := []calendar.Window{{From: calendar.At(8, 0), To: calendar.At(17, 0)}}
	for name, c := range map[string]struct {
		mode   directory.Mode
		number directory.Mode
		own    bool
		want   string
	}{
		"always":         {directory.ModeAlways, directory.ModeAlways, true, "false"},
		"by a number":    {"", directory.ModeWithOwn, true, "true"},
		"nobody of hers": {directory.ModeWhenAway, directory.ModeWithOwn, false, "false"},
		"overflow":       {directory.ModeOverflow, "", true, "true"},
	} {
		acme := all[0]
		acme.Serving = directory.Serving{Mode: c.mode, Hours: calendar.Hours{Week: &calendar.Periods{Monday: day}}}
		acme.ByNumber = map[string]directory.Serving{support: {Mode: c.number}}
		var agents []directory.Agent
		if c.own {
			agents = append(agents, directory.Agent{ID: "cia", ViaTrunk: "205", Kind: call.Own, Tenants: []string{"acme"}})
		}
		d, err := directory.New([]directory.Tenant{acme}, agents)
		if err != nil {
			t.Fatal(err)
		}
		s.dir.Store(d)
		if a := s.acme(200, "GET", "/service", ""); a.field("switch_matters") != c.want {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// What the page says of a number needs no knowledge of modes: what the switch does to its calls, who else answers, and what callers meet while nobody does.
func TestWhatTheSwitchDoesIsToldForEachNumber(t *testing.T) {
	s := switched(t)
	acme := s.dir.Load().Tenants()[0]
	acme.Serving = directory.Serving{Shut: directory.ShutBusy, Serve: call.Serve{Levels: []call.Level{{Groups: []string{"norr"}}}}}
	acme.ByNumber = map[string]directory.Serving{support: {Mode: directory.ModeWithOwn, Shut: directory.ShutAnswer}}
	d, err := directory.New([]directory.Tenant{acme}, []directory.Agent{{ID: "cia", ViaTrunk: "205", Kind: call.Own, Tenants: []string{"acme"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.dir.Store(d)
	a := s.acme(200, "GET", "/service", "")
	for field, want := range map[string]string{
		"turn": "service", "otherwise.turn": "service", "closed": "busy", "own_too": "false", // the levels name others
		"common_numbers.0.turn": "own_then_service", "common_numbers.0.otherwise.turn": "service", "common_numbers.0.otherwise.away": "true",
		"common_numbers.0.closed": "answer", "common_numbers.0.own_too": "false",
	} {
		if got := a.field(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
}
