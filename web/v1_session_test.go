package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
)

// signIn begins a session and gives the header that a browser sends from then on.
func (s *service) signIn(token string) (cookie string, kept *http.Cookie) {
	s.t.Helper()
	a := s.do(s.url, "", "POST", "/session", `{"token":"`+token+`"}`, "Sec-Fetch-Site", "same-origin")
	kept, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if a.status != 204 || err != nil {
		s.t.Fatalf("sign in: %d %s %v", a.status, a.body, err)
	}
	return kept.Name + "=" + kept.Value, kept
}

func TestABrowserSignsInWithATokenAndOut(t *testing.T) {
	s := newService(t)
	s.site = ""
	tokens := s.staff()
	cookie, kept := s.signIn(tokens["anna"])
	if !kept.HttpOnly || kept.Secure || kept.SameSite != http.SameSiteStrictMode || kept.Path != "/" || kept.MaxAge != 0 || !kept.Expires.IsZero() {
		t.Errorf("cookie: %v", kept)
	}
	if a := s.do(s.url, "", "GET", "/session", "", "Cookie", "other=1; "+cookie); a.status != 200 || a.field("agent.id") != "anna" {
		t.Errorf("session: %d %s", a.status, a.body)
	}
	if a := s.do(s.url, "", "GET", "/live", "", "Cookie", cookie); a.status != 200 {
		t.Errorf("live: %d %s", a.status, a.body)
	}
	if a := s.do(s.url, tokens["eva"], "GET", "/session", "", "Cookie", cookie); a.field("agent.id") != "eva" {
		t.Errorf("with a token besides: %d %s", a.status, a.body)
	}
	out := s.do(s.url, "", "DELETE", "/session", "", "Cookie", cookie)
	if gone, err := http.ParseSetCookie(out.header.Get("Set-Cookie")); out.status != 204 || err != nil || gone.Name != kept.Name || gone.MaxAge >= 0 || gone.Path != "/" {
		t.Errorf("sign out: %d %v %v", out.status, gone, err)
	}
	if a := s.do(s.url, "", "GET", "/session", "", "Cookie", "other=1"); a.status != 401 || !strings.Contains(a.body, "there is no token") {
		t.Errorf("signed out: %d %s", a.status, a.body)
	}
	if strings.Contains(s.log.String(), tokens["anna"]) {
		t.Error("the token is in the log")
	}
}

func TestASessionIsRefusedInWords(t *testing.T) {
	s := newService(t)
	s.staff()
	ended := s.token(account.Token{Agent: "anna", Name: "x", Scopes: []account.Scope{account.Work}, Expires: s.now})
	for token, want := range map[string]struct {
		status int
		text   string
	}{"": {422, "body.token"}, "nonsense": {401, "the token is not valid"}, "tfn_0000000000000000_" + strings.Repeat("A", 43): {401, "the token is not valid"},
		ended: {401, "the token has expired"}, s.tokens["acme"]: {204, ""}, // it has every scope
		s.token(account.Token{Tenant: "acme", Name: "Växel", Scopes: []account.Scope{account.Webhook, account.WriteDirectory}}): {403, "calls:work or calls:supervise, or directory:read of a tenant"}} {
		a := s.do(s.url, "", "POST", "/session", `{"token":"`+token+`"}`)
		if a.status != want.status || !strings.Contains(a.body, want.text) || a.status != 204 && a.header.Get("Set-Cookie") != "" {
			t.Errorf("%.12s: %d %s", token, a.status, a.body)
		}
	}
	hook := s.token(account.Token{Tenant: "acme", Name: "Växel", Scopes: []account.Scope{account.Webhook, account.WriteDirectory}})
	for _, path := range []string{"/tenants/acme", "/session"} {
		if a := s.do(s.url, "", "GET", path, "", "Cookie", "telefonist_session="+hook); a.status != 403 || !strings.Contains(a.body, "no page is for this token") {
			t.Errorf("another token in a cookie: %d %s", a.status, a.body)
		}
	}
	if a := s.do(s.url, hook, "GET", "/session", ""); a.status != 403 {
		t.Errorf("another token: %d %s", a.status, a.body)
	}
}

func TestASessionEndsWithItsToken(t *testing.T) {
	s := newService(t)
	text := s.token(account.Token{Agent: "anna", Name: "Konsol", Scopes: []account.Scope{account.Work}, Expires: s.now.Add(time.Hour)})
	cookie, kept := s.signIn(text)
	if kept.MaxAge != 3600 {
		t.Errorf("kept for %d s", kept.MaxAge)
	}
	s.now = s.now.Add(time.Hour)
	if a := s.do(s.url, "", "GET", "/session", "", "Cookie", cookie); a.status != 401 || !strings.Contains(a.body, "expired") {
		t.Errorf("after its end: %d %s", a.status, a.body)
	}
	cookie, _ = s.signIn(s.token(account.Token{Agent: "anna", Name: "Konsol", Scopes: []account.Scope{account.Work}}))
	id, _, _ := account.Split(strings.TrimPrefix(cookie, "telefonist_session="))
	if err := s.store.ChangeToken(id, func(k *account.Token) { k.Revoked = s.now }); err != nil {
		t.Fatal(err)
	}
	if a := s.do(s.url, "", "GET", "/session", "", "Cookie", cookie); a.status != 401 || !strings.Contains(a.body, "revoked") {
		t.Errorf("revoked: %d %s", a.status, a.body)
	}
}

func TestASessionCountsInTheTokensLimit(t *testing.T) {
	s := newService(t)
	text := s.token(account.Token{Agent: "anna", Name: "Konsol", Scopes: []account.Scope{account.Work}, PerMinute: 60})
	cookie, _ := s.signIn(text)
	for i := range 9 {
		if a := s.do(s.url, "", "GET", "/session", "", "Cookie", cookie); a.status != 200 {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	if a := s.do(s.url, "", "GET", "/session", "", "Cookie", cookie); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.do(s.url, "", "POST", "/session", `{"token":"`+text+`"}`); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("to sign in again: %d %v", a.status, a.header)
	}
}

// TestAnotherSiteChangesNothingByACookie: a browser sends the cookie with what any site of the same host asks for.
func TestAnotherSiteChangesNothingByACookie(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	cookie, _ := s.signIn(tokens["anna"])
	host := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		header []string
		want   int
	}{
		{nil, 204}, // no browser
		{[]string{"Sec-Fetch-Site", "same-origin"}, 204},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "http://" + host}, 204},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://desk.example"}, 204}, // external_url, by a proxy that changes Host
	} {
		a := s.do(s.url, "", "PUT", "/agents/anna/state", `{"state":"available"}`, append(c.header, "Cookie", cookie)...)
		if a.status != c.want || c.want == 403 && !strings.Contains(a.body, "another site") {
			t.Errorf("%q: %d %s", c.header, a.status, a.body)
		}
		if a := s.do(s.url, "", "POST", "/session", `{"token":"`+tokens["anna"]+`"}`, c.header...); a.status != c.want {
			t.Errorf("sign in, %q: %d %s", c.header, a.status, a.body)
		}
	}
	s.site = "HTTPS://Desk.example:443" // a browser writes it in small letters, and no usual port
	proxied := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://desk.example", "Cookie", cookie}
	if a := s.do(s.url, "", "PUT", "/agents/anna/state", `{"state":"available"}`, proxied...); a.status != 204 {
		t.Errorf("external_url written otherwise: %d %s", a.status, a.body)
	}
	s.site = ""
	evil := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://desk.example"}
	if a := s.do(s.url, "", "PUT", "/agents/anna/state", `{"state":"available"}`, append(evil, "Cookie", cookie)...); a.status != 403 {
		t.Errorf("no proxy: %d", a.status)
	}
	if a := s.do(s.url, "", "GET", "/session", "", append(evil, "Cookie", cookie)...); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("to read changes nothing, and the browser shows it to nobody else: %d %v", a.status, a.header)
	}
	if a := s.do(s.url, tokens["anna"], "PUT", "/agents/anna/state", `{"state":"available"}`, evil...); a.status != 204 {
		t.Errorf("with a token, which no browser sends by itself: %d", a.status)
	}
}

// TestNoCacheKeepsWhatACookieAskedFor: one between browsers and the server may keep what no Authorization asked for (RFC 9111 section 3).
func TestNoCacheKeepsWhatACookieAskedFor(t *testing.T) {
	s := newService(t)
	cookie, _ := s.signIn(s.staff()["anna"])
	for path, want := range map[string]int{"/live": 200, "/session": 200, "/tenants/acme": 200, "/tenants/acme/people": 200, "/tenants/nobody": 404} {
		if a := s.do(s.url, "", "GET", path, "", "Cookie", cookie); a.status != want || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}

func TestTheCookieIsSecureBehindAProxyWithTLS(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	for site, want := range map[string]bool{"https://desk.example/x": true, "http://desk.example": false} {
		s.site = site
		if _, kept := s.signIn(tokens["anna"]); kept.Secure != want {
			t.Errorf("%s: %v", site, kept)
		}
	}
}

func TestASessionTellsWhatItsConsoleMayOffer(t *testing.T) {
	s := newService(t)
	agents := []directory.Agent{{ID: "anna", Name: "Anna Ek", Extension: "101", Kind: call.Service, Groups: []string{"norr"}},
		{ID: "cia", Extension: "103", Kind: call.Own, Tenants: []string{"acme"}, Groups: []string{"acme-only"}},
		{ID: "evil-one", Extension: "105", Kind: call.Own, Tenants: []string{"evil"}, Groups: []string{"evil-only"}},
		{ID: "off", Extension: "106", Kind: call.Service, Groups: []string{"off"}, Disabled: true}}
	dir, err := directory.New(s.dir.Load().Tenants(), agents)
	if err != nil {
		t.Fatal(err)
	}
	s.dir.Store(dir)
	for agent, want := range map[string]string{
		"anna":     "Annas konsol|Anna Ek 101 service|true false|acme evil|acme-only evil-only norr",
		"cia":      "Annas konsol| 103 tenant|true false|acme|acme-only norr",
		"evil-one": "Annas konsol| 105 tenant|true false|evil|evil-only norr",
		"off":      "Annas konsol|<nil>|false false||",
		"":         "Annas konsol|<nil>|false true|acme evil|acme-only evil-only norr",
	} {
		scope := account.Work
		if agent == "" {
			scope = account.Supervise
		}
		a := s.do(s.url, s.token(account.Token{Agent: agent, Name: "Annas konsol", Scopes: []account.Scope{scope}}), "GET", "/session", "")
		var tenants, groups []string
		for i := range 3 {
			n := string(rune('0' + i))
			tenants, groups = append(tenants, a.field("tenants."+n+".id")), append(groups, a.field("groups."+n))
		}
		empty := func(text string) bool { return text == "" }
		who := "<nil>"
		if a.field("agent.id") != "" {
			who = a.field("agent.name") + " " + a.field("agent.extension") + " " + a.field("agent.kind")
		}
		got := strings.Join([]string{a.field("name"), who, a.field("works") + " " + a.field("supervises"),
			strings.Join(slices.DeleteFunc(tenants, empty), " "), strings.Join(slices.DeleteFunc(groups, empty), " ")}, "|")
		if got != want || a.field("pauses.3") != "other" {
			t.Errorf("%s: %s, want %s\n%s", agent, got, want, a.body)
		}
	}
}
