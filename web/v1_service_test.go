package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
)

// switched is a tenant with receptionists of its own, open on weekdays.
func switched(t *testing.T) *service {
	t.Helper()
	s := newService(t)
	day := []calendar.Window{{From: calendar.At(8, 0), To: calendar.At(17, 0)}}
	d, err := directory.New([]directory.Tenant{
		{ID: "acme", Name: "Acme AB", Number: "+46850000001", Common: []directory.CommonNumber{{Name: "Support", Number: support}},
			Serving: directory.Serving{Mode: directory.ModeWhenAway,
				Hours: calendar.Hours{Week: &calendar.Periods{Monday: day, Tuesday: day, Wednesday: day, Thursday: day, Friday: day}}},
			ByNumber: map[string]directory.Serving{support: {}}},
		{ID: "evil", Name: "Evil AB", Number: "+46850000002"},
	}, []directory.Agent{{ID: "cia", ViaTrunk: "205", Kind: call.Own, Tenants: []string{"acme"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.dir.Store(d)
	return s
}

func TestWhoAnswersIsToldForNowAndLater(t *testing.T) {
	s := switched(t) // Monday 12:00 in Stockholm
	a := s.acme(200, "GET", "/service", "")
	if a.status != http.StatusOK || a.field("turn") != "own" || a.field("mode") != "when_away" || a.field("until") != "2026-11-23T17:00:00+01:00" ||
		a.field("next") != "closed" || a.field("text") != "open until 17:00 (own receptionists answer)" || a.field("hours.week.monday.0") != "08:00-17:00" {
		t.Errorf("now: %d %s", a.status, a.body)
	}
	if a = s.acme(200, "GET", "/service?at=2026-11-28T11:00:00Z", ""); a.field("text") != "closed, opens Monday 08:00 (own receptionists answer)" {
		t.Errorf("on Saturday: %s", a.body)
	}
	if a = s.acme(200, "GET", "/service?common="+strings.TrimPrefix(support, "+"), ""); a.field("text") != "open (the service answers)" || a.field("mode") != "always" {
		t.Errorf("support: %s", a.body)
	}
	if a = s.acme(422, "GET", "/service?common=tenant", ""); a.field("errors.0.location") != "query.common" {
		t.Errorf("a scope for a number: %d", a.status)
	}
	if a = s.do(s.url, s.tokens["acme"], "GET", "/tenants/evil/service", ""); a.status != http.StatusNotFound {
		t.Errorf("another's: %d", a.status)
	}
}

func TestOwnReceptionistsAreSwitchedAwayAndBack(t *testing.T) {
	s := switched(t)
	a := s.acme(200, "PUT", "/service", `{"away":true,"until":"2026-11-23T14:30:00+01:00"}`)
	if a.status != http.StatusOK || a.field("turn") != "service" || a.field("away") != "true" || a.field("switch.by.name") != "token:all of acme" ||
		a.field("text") != "open (the service answers until 14:30, then own receptionists answer); own receptionists are away" {
		t.Fatalf("away: %d %s", a.status, a.body)
	}
	s.now = time.Date(2026, 11, 23, 13, 30, 0, 0, time.UTC)
	if a = s.acme(200, "GET", "/service", ""); a.field("turn") != "own" || a.field("away") != "false" {
		t.Errorf("at its end: %s", a.body)
	}
	s.acme(200, "PUT", "/service", `{"away":true}`)
	if a = s.acme(200, "PUT", "/service", `{"away":false}`); a.field("turn") != "own" {
		t.Errorf("back: %s", a.body)
	}
	if a = s.acme(200, "GET", "/changes", ""); strings.Count(a.body, `"kind":"switch"`) != 3 || a.field("changes.0.by.name") != "token:all of acme" {
		t.Errorf("the history: %s", a.body)
	}
	if a = s.acme(422, "PUT", "/service", `{"away":true,"until":"2026-11-23T13:30:00Z"}`); a.field("errors.0.location") != "body.until" {
		t.Errorf("an end that is past: %d %s", a.status, a.body)
	}
}

func TestTheSwitchIsForTheTenantsOwnTokensThatMayWrite(t *testing.T) {
	s := switched(t)
	for name, scopes := range map[string][]account.Scope{"reader": {account.ReadDirectory, account.ReadHistory}, "hook": {account.Webhook}} {
		s.tokens[name] = s.token(account.Token{Tenant: "acme", Name: name, Scopes: scopes, PerMinute: 1000})
		if a := s.do(s.url, s.tokens[name], "PUT", "/tenants/acme/service", `{"away":true}`); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := s.do(s.url, s.tokens["evil"], "PUT", "/tenants/acme/service", `{"away":true}`); a.status != http.StatusNotFound {
		t.Errorf("another tenant's: %d", a.status)
	}
	if s.dir.Load().Switch("acme").Away {
		t.Error("it was switched")
	}
}

func TestAnInstantOutOfAllCalendarsIsRefused(t *testing.T) {
	s := switched(t)
	for at, want := range map[string]int{"9999-12-31T23:59:59Z": 422, "0001-01-02T00:00:00Z": 422, "2200-01-01T00:00:00Z": 422, "2199-12-31T23:59:59Z": 200, "1900-01-01T00:00:00Z": 200} {
		if a := s.acme(want, "GET", "/service?at="+at, ""); want == 422 && a.field("errors.0.location") != "query.at" {
			t.Errorf("%s: %s", at, a.body)
		}
	}
	s.acme(422, "GET", "/absent?at=9999-12-31T23:59:59Z", "")
	s.acme(422, "GET", "/shown?at=9999-12-31T23:59:59Z", "")
}
