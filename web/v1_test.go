package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/exchange"
	"telefonist/store"
	"telefonist/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write docs/openapi.json")

// tables is what app puts between web and exchange.
type tables struct{}

func (tables) Read(data []byte) ([]string, []directory.Row, error) { return exchange.Read(data) }
func (tables) WriteCSV(w io.Writer, h []string, rows [][]string) error {
	return exchange.WriteCSV(w, h, rows)
}
func (tables) WriteXLSX(w io.Writer, sheet string, h []string, rows [][]string) error {
	return exchange.WriteXLSX(w, exchange.Sheet{Name: sheet, Header: h, Rows: rows})
}

// service is the API over a real store and real HTTP, with two tenants.
type service struct {
	t      *testing.T
	store  *store.Store
	dir    atomic.Pointer[directory.Directory]
	url    string
	local  string
	now    time.Time
	log    *bytes.Buffer
	live   map[string][2]string // call: tenant, agent
	tokens map[string]string    // by tenant: one that may do everything
	desk   *board
	api    *web.V1
	site   string
	hold   chan struct{}      // imports wait for it, unless it is nil
	slow   chan chan struct{} // gets what a list or an erasure of acme's waits for, unless it is nil
	first  func()             // done before the next edit, unless it is nil
}

// held is a store whose work can be made to wait for others'.
type held struct {
	*store.Store
	s *service
}

func (h held) ImportPeople(ctx context.Context, tenant string, in directory.PeopleImport) (directory.ImportCounts, error) {
	if h.s.hold != nil {
		<-h.s.hold
	}
	return h.Store.ImportPeople(ctx, tenant, in)
}

func (h held) Edit(tenant string, by directory.Actor, at time.Time, edits ...directory.Edit) ([]directory.Item, error) {
	if first := h.s.first; first != nil {
		h.s.first = nil
		first()
	}
	return h.Store.Edit(tenant, by, at, edits...)
}

func (h held) Items(tenant string, k directory.Kind, prefix, after string, limit int) ([]directory.Item, error) {
	h.wait(tenant)
	return h.Store.Items(tenant, k, prefix, after, limit)
}

func (h held) Erase(ctx context.Context, tenant, id string, at time.Time, e directory.Erase) (directory.Erasure, error) {
	h.wait(tenant)
	return h.Store.Erase(ctx, tenant, id, at, e)
}

func (h held) wait(tenant string) {
	if h.s.slow != nil && tenant == "acme" {
		wait := make(chan struct{})
		h.s.slow <- wait
		<-wait
	}
}

const support = "+46840000009"

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, now: time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC), log: &bytes.Buffer{}, live: map[string][2]string{}, tokens: map[string]string{}, desk: &board{changes: make(chan struct{}, 1)},
		site: "https://desk.example/x"}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	var err error
	s.store, err = store.Open(filepath.Join(t.TempDir(), "store"), store.Options{KeyFile: filepath.Join(t.TempDir(), "keys"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := directory.New([]directory.Tenant{
		{ID: "acme", Name: "Acme AB", Number: "+46850000001", Common: []directory.CommonNumber{{Name: "Support", Number: support}}},
		{ID: "evil", Name: "Evil AB", Number: "+46850000002"},
		{ID: "gone", Disabled: true},
	}, []directory.Agent{{ID: "anna", Extension: "101", Kind: call.Service}})
	if err != nil {
		t.Fatal(err)
	}
	s.dir.Store(dir)
	api := &web.V1{Store: held{s.store, s}, Tenants: s.dir.Load, SetSwitch: s.setSwitch, Calendar: calendar.Calendar{Eves: true}, Tables: tables{}, Desk: s.desk, Events: s.store,
		Live: func(_ context.Context, id string) (string, string, bool) {
			c, ok := s.live[id]
			return c[0], c[1], ok
		},
		Reports: func(source, contentType string, data []byte) ([]directory.Report, error) {
			all, err := exchange.ReadReports(source, contentType, data)
			if errors.Is(err, exchange.ErrNoSource) {
				err = directory.ErrNotFound
			}
			return all, err
		},
		Site: func() string { return s.site },
		Log:  log, Metrics: web.NewV1Metrics(nil), Now: func() time.Time { return s.now }}
	s.api = api
	public, local := http.NewServeMux(), http.NewServeMux()
	api.Register(public)
	api.RegisterLocal(local)
	servers := []*httptest.Server{httptest.NewServer(public), httptest.NewServer(local)}
	s.url, s.local = servers[0].URL, servers[1].URL
	t.Cleanup(func() {
		for _, srv := range servers {
			srv.Close()
		}
		http.DefaultClient.CloseIdleConnections()
		api.Close()
		if err := s.store.Check(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, tenant := range []string{"acme", "evil"} {
		s.tokens[tenant] = s.token(account.Token{Tenant: tenant, Name: "all of " + tenant, Scopes: account.Scopes(), PerMinute: 100_000})
	}
	return s
}

// setSwitch is what app does.
func (s *service) setSwitch(tenant string, sw directory.Switch, by directory.Actor) (directory.Switch, error) {
	kept, err := s.store.PutSwitch(tenant, sw, by, s.now)
	if err == nil {
		s.dir.Store(s.dir.Load().WithSwitch(tenant, kept))
	}
	return kept, err
}

func (s *service) token(t account.Token) string {
	s.t.Helper()
	text, kept, err := account.Make(rand.Reader, t)
	if err == nil {
		err = s.store.PutToken(kept)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// field reads a field of a JSON answer: "doc.name", "errors.0.location".
func (a answer) field(path string) string {
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		return "no JSON: " + a.body
	}
	for _, p := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := 0
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// do sends a request; header are pairs of names and values.
func (s *service) do(base, token, method, path, body string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, base+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// acme sends a request of acme's to its own directory and wants the status.
func (s *service) acme(want int, method, path, body string, header ...string) answer {
	s.t.Helper()
	a := s.do(s.url, s.tokens["acme"], method, "/tenants/acme"+path, body, header...)
	if a.status != want {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, want, a.body)
	}
	return a
}

func (s *service) person(body string) string {
	s.t.Helper()
	return s.acme(201, "POST", "/people", body).field("id")
}

func TestAnItemIsCreatedReadChangedAndDeletedByItsVersion(t *testing.T) {
	s := newService(t)
	created := s.acme(201, "POST", "/people", `{"given_name":"Anna","family_name":"Ek","numbers":[{"kind":"mobile","number":"070-123 45 67"}]}`)
	path, tag := "/people/"+created.field("id"), created.header.Get("ETag")
	if created.header.Get("Location") != "/api/v1/tenants/acme"+path || created.field("doc.numbers.0.number") != "+46701234567" {
		t.Errorf("created: %v %s", created.header, created.body)
	}
	if a := s.acme(200, "GET", path, ""); a.header.Get("ETag") != tag || a.field("doc.given_name") != "Anna" || a.field("changed_by") != "token:all of acme" {
		t.Errorf("read: %+v", a)
	}
	s.acme(304, "GET", path, "", "If-None-Match", tag)
	const changed = `{"given_name":"Anna","family_name":"Alm"}`
	if a := s.acme(428, "PUT", path, changed); a.field("errors.0.location") != "header.If-Match" {
		t.Errorf("without If-Match: %s", a.body)
	}
	s.acme(428, "DELETE", path, "")
	next := s.acme(200, "PUT", path, changed, "If-Match", tag).header.Get("ETag")
	for _, stale := range []string{tag, `"0"`, `"x"`, "17", `W/` + next} {
		s.acme(412, "PUT", path, changed, "If-Match", stale)
		s.acme(412, "DELETE", path, "", "If-Match", stale)
	}
	s.acme(412, "PUT", path, changed, "If-None-Match", "*")
	s.acme(200, "PUT", "/people/my-own-id", changed, "If-None-Match", "*")
	s.acme(204, "DELETE", path, "", "If-Match", next)
	s.acme(404, "GET", path, "")
	s.acme(404, "DELETE", path, "", "If-Match", "*")
	for _, odd := range []string{"/people/%00", "/people/x/referrals/%00", "/offices/x/doorcodes/%00", "/people/%ff"} {
		s.acme(404, "DELETE", odd, "", "If-Match", "*")
	}

	h := s.acme(200, "GET", path+"/history", "")
	if h.field("changes.0.action")+h.field("changes.1.action")+h.field("changes.2.action") != "createupdatedelete" ||
		h.field("changes.1.old.family_name") != "Ek" || h.field("changes.1.new.family_name") != "Alm" || h.field("changes.1.by.name") != "token:all of acme" {
		t.Errorf("history: %s", h.body)
	}
	restored := s.acme(200, "POST", path+"/restore", `{"version":`+h.field("changes.0.seq")+`}`, "If-None-Match", "*")
	if restored.field("doc.family_name") != "Ek" || s.acme(200, "GET", path, "").field("doc.family_name") != "Ek" {
		t.Errorf("restored: %s", restored.body)
	}
	s.acme(422, "POST", path+"/restore", `{"version":999}`, "If-Match", "*")
}

func TestErrorsNameTheFieldAsProblems(t *testing.T) {
	s := newService(t)
	for location, c := range map[string][3]string{
		"body.email":                      {"POST", "/people", `{"family_name":"Ek","email":"x"}`},
		"body.numbers[0].number":          {"POST", "/people", `{"family_name":"Ek","numbers":[{"kind":"mobile","number":"112"}]}`},
		"body.numbers[0].kind":            {"POST", "/people", `{"family_name":"Ek","numbers":[{"kind":"fax","number":"08-123456"}]}`},
		"body.shoe_size":                  {"POST", "/people", `{"family_name":"Ek","shoe_size":38}`},
		"body.substitutes[0]":             {"POST", "/people", `{"family_name":"Ek","substitutes":["nobody"]}`},
		"body.common":                     {"POST", "/notices", `{"text":"x","common":"+46812345678"}`},
		"body.until":                      {"POST", "/notices", `{"text":"x","from":"2026-11-23T12:00:00Z","until":"2026-11-23T12:00:00Z"}`},
		"body.answer":                     {"PUT", "/instructions/tenant", `{"answer":"{kompani}"}`},
		"query.limit":                     {"GET", "/people?limit=5000", ""},
		"query.common":                    {"GET", "/shown?common=%2B46812345678", ""},
		"body.responsibilities[0].common": {"POST", "/people", `{"family_name":"Ek","responsibilities":[{"common":"08-123 456 78","what":"moms"}]}`},
		"query.cursor":                    {"GET", "/people?cursor=%21", ""},
		"body.referrals[0].external_id":   {"POST", "/referrals/bulk", `{"referrals":[{"external_id":"17","code":"lunch"}]}`},
		"body[0].extension":               {"POST", "/webhooks/referral", `[{"extension":"299","clear":true},{"clear":true}]`},
		"body.people[1].external_id": {"POST", "/people/bulk",
			`{"people":[{"family_name":"Ek","external_id":"1"},{"family_name":"Alm","external_id":"1"}]}`},
	} {
		a := s.acme(422, c[0], c[1], c[2], "If-None-Match", "*")
		if a.field("errors.0.location") != location || a.field("errors.0.message") == "" || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", location, a.body)
		}
	}
	s.acme(400, "POST", "/people", `{`)
	for method, want := range map[string]int{"PATCH": 405, "GET": 404} {
		path := map[string]string{"PATCH": "/people/x", "GET": "/peeple"}[method]
		if a := s.acme(want, method, path, ""); a.header.Get("Content-Type") != "application/problem+json" || a.field("detail") == "" || (want == 405) != (a.header.Get("Allow") == "GET, PUT, DELETE") {
			t.Errorf("%s %s: %v %s", method, path, a.header, a.body)
		}
	}
	if a := s.do(s.url, "", "GET", "/tenants/acme", ""); !strings.Contains(a.field("detail"), "there is no token") {
		t.Errorf("%s", a.body)
	}
	if a := s.acme(200, "GET", "/codes", ""); a.field("0.code") != "lunch" || a.field("0.phrase") == "" {
		t.Errorf("%s", a.body)
	}
	s.acme(201, "POST", "/offices", `{"name":"HQ","hours":{"week":{"monday":["08:00-17:00"]}}}`) // other days: closed
	if a := s.acme(422, "POST", "/offices", `{"name":"HQ","hours":{"week":{"monday":["8-17"]}}}`); a.field("errors.0.location") != "body.hours.week.monday[0]" || !strings.Contains(a.body, "08:00-17:00") {
		t.Errorf("%s", a.body)
	}
}

func TestListsArePagedByCursor(t *testing.T) {
	s := newService(t)
	s.acme(200, "PUT", "/offices/hq", `{"name":"HQ"}`, "If-None-Match", "*")
	for i := range 7 {
		s.acme(200, "PUT", fmt.Sprintf("/people/p%d", i), fmt.Sprintf(`{"family_name":"N%d","external_id":"%d"}`, i, i), "If-None-Match", "*")
		s.acme(201, "POST", fmt.Sprintf("/people/p%d/referrals", i), `{"code":"sjuk"}`)
		s.acme(200, "POST", "/webhooks/line", fmt.Sprintf(`{"external_id":"%d","line":"busy"}`, i))
		s.acme(201, "POST", "/people/p0/referrals", `{"code":"ledig"}`)
		s.acme(200, "PUT", fmt.Sprintf("/offices/hq/doorcodes/d%d", i), `{"label":"x","code":"1"}`, "If-Match", "*")
		s.acme(200, "PUT", "/instructions/tenant", fmt.Sprintf(`{"answer":"%d","valid_until":"2026-11-23T11:00:00Z"}`, i), "If-Match", "*")
		s.acme(201, "POST", "/notices", `{"text":"x","until":"2026-11-23T11:00:00Z"}`)
		s.acme(201, "POST", "/questions", `{"question":"x","answer":"x"}`)
	}
	for path, c := range map[string]struct {
		list, key string
		want      int
	}{"/people": {"items", "id", 7}, "/notices": {"items", "id", 7}, "/questions": {"items", "id", 7}, "/absent": {"items", "person", 7}, "/lines": {"items", "person", 7},
		"/people/p0/referrals": {"items", "id", 8}, "/offices/hq/doorcodes": {"items", "id", 7}, "/flagged": {"items", "id", 8}, "/instructions/tenant/history": {"changes", "seq", 7}} {
		seen, cursor, pages := map[string]bool{}, "", 0
		for more := true; more; pages++ {
			a := s.acme(200, "GET", path+"?limit=3&cursor="+cursor, "")
			for i := range 4 {
				id := a.field(fmt.Sprintf("%s.%d.%s", c.list, i, c.key))
				if id != "" && (seen[id] || i == 3) {
					t.Errorf("%s: %s comes twice, or is too many", path, id)
				} else if id != "" {
					seen[id] = true
				}
			}
			cursor = a.field("next")
			more = cursor != ""
		}
		if len(seen) != c.want || pages != 3 {
			t.Errorf("%s: %d in %d pages, want %d in 3", path, len(seen), pages, c.want)
		}
		if a := s.acme(422, "GET", path+"?cursor=%21", ""); a.field("errors.0.location") != "query.cursor" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

// What is added and deleted between two pages, the place of the cursor included, makes no page skip or repeat what stays.
func TestPagesNeitherSkipNorRepeatWhatStays(t *testing.T) {
	for path, key := range map[string]string{"/people": "id", "/absent": "person"} {
		s := newService(t)
		put := func(id string) {
			s.acme(200, "PUT", "/people/"+id, `{"family_name":"Ek"}`, "If-None-Match", "*")
			s.acme(201, "POST", "/people/"+id+"/referrals", `{"code":"sjuk"}`)
		}
		for i := range 12 {
			put(fmt.Sprintf("p%02d", i))
		}
		var seen []string
		for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
			a := s.acme(200, "GET", path+"?limit=4&cursor="+cursor, "")
			last := ""
			for i := range 4 {
				if id := a.field(fmt.Sprintf("items.%d.%s", i, key)); id != "" {
					seen, last = append(seen, id), id
				}
			}
			if cursor = a.field("next"); cursor != "" {
				s.acme(204, "DELETE", "/people/"+last, "", "If-Match", "*")
				put("a" + last)
				put(last + "x")
			}
		}
		if want := "p00 p01 p02 p03 p03x p04 p05 p06 p06x p07 p08 p09 p09x p10 p11"; strings.Join(seen, " ") != want {
			t.Errorf("%s: %q, want %q", path, seen, want)
		}
	}
}

// TestTwoTenantsAttackEachOther plays every route of one tenant's with the other's token, and other ways across.
func TestTwoTenantsAttackEachOther(t *testing.T) {
	s := newService(t)
	const secret = "Hemlighetsson"
	person := s.person(`{"family_name":"` + secret + `","external_id":"17","numbers":[{"kind":"extension","number":"205"}]}`)
	office := s.acme(201, "POST", "/offices", `{"name":"`+secret+`"}`).field("id")
	s.acme(200, "PUT", "/offices/"+office+"/doorcodes/front", `{"label":"x","code":"4711"}`, "If-None-Match", "*")
	ref := s.acme(201, "POST", "/people/"+person+"/referrals", `{"code":"sjuk"}`).field("id")
	s.acme(200, "PUT", "/instructions/tenant", `{"answer":"`+secret+`"}`, "If-None-Match", "*")
	before := s.acme(200, "GET", "/changes", "").body
	s.live["evilcall"] = [2]string{"evil", "anna"}
	receptionist := s.evilReceptionist(secret)

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
	attacks := 0
	for path, methods := range api.Paths {
		for method := range methods {
			if !strings.Contains(path, "{tenant}") {
				if !strings.HasSuffix(path, "/stream") { // has no end
					attacks++
					s.attackDesk(receptionist, strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1"), person, secret)
				}
				continue
			}
			attacks++
			at := strings.NewReplacer("{id}", person, "{referral}", ref, "{code}", "front", "{source}", "referral").Replace(strings.TrimPrefix(path, "/api/v1"))
			for _, tenant := range []string{"acme", "acme%2f..%2facme", "ACME", "nobody", "gone"} {
				a := s.do(s.url, s.tokens["evil"], strings.ToUpper(method), strings.Replace(at, "{tenant}", tenant, 1), `{}`, "If-Match", "*")
				if a.status != 404 || strings.Contains(a.body, secret) {
					t.Errorf("%s %s for %s: %d %s", method, path, tenant, a.status, a.body)
				}
			}
			// Its own tenant, the other's ids.
			a := s.do(s.url, s.tokens["evil"], strings.ToUpper(method), strings.Replace(at, "{tenant}", "evil", 1), `{}`, "If-Match", "*")
			if strings.Contains(a.body, secret) || strings.Contains(a.body, "4711") || a.status >= 500 {
				t.Errorf("%s %s with the other's ids: %d %s", method, path, a.status, a.body)
			}
			// No token, and one that is none.
			for _, token := range []string{"", "tfn_0000000000000000_" + strings.Repeat("A", 43), s.tokens["acme"] + "x"} {
				if a := s.do(s.url, token, strings.ToUpper(method), strings.Replace(at, "{tenant}", "acme", 1), `{}`); a.status != 401 {
					t.Errorf("%s %s with token %.8q: %d", method, path, token, a.status)
				}
			}
		}
	}
	if attacks < 30 {
		t.Errorf("only %d routes attacked", attacks)
	}
	if a := s.do(s.url, s.tokens["evil"], "GET", "/tenants", ""); strings.Contains(a.body, "acme") {
		t.Errorf("the list of tenants: %s", a.body)
	}
	// Cursors of the other's, its external ids and its call.
	s.do(s.url, s.tokens["evil"], "POST", "/tenants/evil/people/bulk", `{"people":[{"family_name":"Evil","external_id":"17"}]}`)
	s.do(s.url, s.tokens["evil"], "POST", "/tenants/evil/webhooks/referral", `{"extension":"205","code":"sjuk"}`)
	s.acme(403, "POST", "/offices/"+office+"/doorcodes/front/show", `{"call":"evilcall"}`)
	if after := s.acme(200, "GET", "/changes", "").body; after != before {
		t.Errorf("acme's directory was changed:\n%s\n%s", before, after)
	}
}

func TestATokenDoesWhatItsScopesSayUntilItEnds(t *testing.T) {
	s := newService(t)
	reader := s.token(account.Token{Tenant: "acme", Name: "reader", Scopes: []account.Scope{account.ReadDirectory}, Expires: s.now.Add(time.Hour)})
	get := func(token, path string) int { return s.do(s.url, token, "GET", "/tenants/acme"+path, "").status }
	if a := s.do(s.url, reader, "POST", "/tenants/acme/people", `{"family_name":"Ek"}`); a.status != 403 || !strings.Contains(a.body, "directory:write") {
		t.Errorf("%d %s", a.status, a.body)
	}
	id := s.person(`{"family_name":"Ek"}`)
	for path, want := range map[string]int{"/people": 200, "/people/" + id + "/presence": 200, "/people/" + id + "/referrals": 403, "/changes": 403, "/people/" + id + "/history": 403} {
		if got := get(reader, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	s.now = s.now.Add(time.Hour)
	if got := get(reader, "/people"); got != 401 {
		t.Errorf("after its end: %d", got)
	}
	made := s.do(s.local, "", "POST", "/tokens", `{"tenant":"acme","name":"ERP","scopes":["directory:read"]}`)
	if made.status != 201 || get(made.field("token"), "/people") != 200 {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if a := s.do(s.local, "", "GET", "/tokens?tenant=acme", ""); strings.Contains(a.body, made.field("token")) || !strings.Contains(a.body, "last_used") {
		t.Errorf("list: %s", a.body)
	}
	if a := s.do(s.local, "", "DELETE", "/tokens/"+made.field("id"), ""); a.status != 204 || get(made.field("token"), "/people") != 401 {
		t.Errorf("revoked: %d", a.status)
	}
	if strings.Contains(s.log.String(), made.field("token")) {
		t.Error("the token is in the log")
	}
	if a := s.do(s.url, s.tokens["acme"], "GET", "/tokens", ""); a.status != 404 {
		t.Errorf("tokens on the public listener: %d", a.status)
	}
	for _, bad := range []string{`{"tenant":"nobody","name":"x","scopes":["erase"]}`, `{"tenant":"gone","name":"x","scopes":["erase"]}`,
		`{"tenant":"acme","name":"x","scopes":["root"]}`, `{"tenant":"acme","name":"x","scopes":["erase"],"expires":"2020-01-01T00:00:00Z"}`} {
		if a := s.do(s.local, "", "POST", "/tokens", bad); a.status != 422 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

func TestTooManyRequestsAreToldWhenToComeBack(t *testing.T) {
	s := newService(t)
	token := s.token(account.Token{Tenant: "acme", Name: "busy", Scopes: []account.Scope{account.ReadDirectory}, PerMinute: 60})
	get := func() answer { return s.do(s.url, token, "GET", "/tenants/acme/people", "") }
	for i := range 10 {
		if a := get(); a.status != 200 {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	if a := get(); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	s.acme(200, "GET", "/people", "") // another token of the tenant
	s.now = s.now.Add(time.Second)
	if a := get(); a.status != 200 {
		t.Errorf("a second later: %d", a.status)
	}
}

func TestWhatIsShownForACall(t *testing.T) {
	s := newService(t)
	s.acme(200, "PUT", "/instructions/tenant", `{"answer":"Acme","connect":[{"text":"Aldrig under lunch"}]}`, "If-None-Match", "*")
	s.acme(200, "PUT", "/instructions/"+strings.Replace(support, "+", "%2B", 1), `{"answer":"Acme support"}`, "If-None-Match", "*")
	s.acme(404, "PUT", "/instructions/+46812345678", `{}`, "If-None-Match", "*")
	s.acme(201, "POST", "/notices", `{"text":"Stängt","until":"2026-11-23T12:00:00Z"}`)
	s.acme(201, "POST", "/questions", `{"question":"Öppet?","answer":"Nej","common":"`+support+`"}`)
	a := s.acme(200, "GET", "/shown?common=08-400%20000%2009", "")
	for path, want := range map[string]string{"answer.value": "Acme support", "answer.from": "common", "answer.overrides": "Acme", "connect.from": "tenant",
		"message.from": "none", "notices.0.text": "Stängt", "notices.0.author": "token:all of acme", "questions.0.answer": "Nej", "flags.0": ""} {
		if got := a.field(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	later := s.acme(200, "GET", "/shown?at=2027-06-01T12:00:00Z", "")
	if later.field("notices.0.text") != "" || later.field("flags.0") != "unconfirmed" || later.field("questions.0.answer") != "" {
		t.Errorf("later: %s", later.body)
	}
}

func TestReferralsAreSetClearedAndSpokenSafely(t *testing.T) {
	s := newService(t)
	id := s.person(`{"family_name":"Ek","external_id":"17","numbers":[{"kind":"extension","number":"205"}]}`)
	set := s.acme(201, "POST", "/people/"+id+"/referrals", `{"code":"Sjuk","note":"influensa"}`)
	if set.field("doc.code") != "sjuk" || set.field("doc.open") != "true" || set.field("active") != "true" || set.field("doc.source") != "portal" {
		t.Errorf("set: %s", set.body)
	}
	for _, path := range []string{"/people/" + id + "/presence", "/absent"} {
		a := s.acme(200, "GET", path, "")
		if !strings.Contains(a.body, "inte på plats") || strings.Contains(a.body, "sjuk") || strings.Contains(a.body, "influensa") {
			t.Errorf("%s tells %s", path, a.body)
		}
	}
	noReasons := s.token(account.Token{Tenant: "acme", Name: "x", Scopes: []account.Scope{account.ReadDirectory, account.ReadHistory}})
	for _, path := range []string{"/export", "/changes"} {
		if a := s.do(s.url, noReasons, "GET", "/tenants/acme"+path, ""); strings.Contains(a.body, "influensa") || a.status != 200 {
			t.Errorf("%s tells %d %s", path, a.status, a.body)
		}
	}
	at := "/people/" + id + "/referrals/" + set.field("id")
	s.acme(204, "DELETE", at, "", "If-Match", set.header.Get("ETag"))
	if a := s.acme(200, "GET", "/people/"+id+"/presence", ""); a.field("away") != "false" || a.field("connect") != "true" {
		t.Errorf("cleared: %s", a.body)
	}
	// A PBX by its webhook, as the password of Basic, with its own word for the reason.
	s.acme(200, "PUT", "/settings", `{"pbx_codes":{"03":"semester"}}`, "If-Match", s.acme(200, "GET", "/settings", "").header.Get("ETag"))
	hook := s.token(account.Token{Tenant: "acme", Name: "pbx", Scopes: []account.Scope{account.Webhook}})
	req, _ := http.NewRequest("POST", s.url, nil)
	req.SetBasicAuth("pbx", hook)
	basic := []string{"Authorization", req.Header.Get("Authorization")}
	post := func(body string) answer {
		return s.do(s.url, "", "POST", "/tenants/acme/webhooks/referral", body, basic...)
	}
	if a := post(`{"extension":"205","code":"03"}`); a.status != 200 || a.field("results.0.person") != id || a.field("results.0.fate") != "set" {
		t.Errorf("webhook: %d %s", a.status, a.body)
	}
	all := s.acme(200, "GET", "/people/"+id+"/referrals", "")
	if all.field("items.0.doc.source") != "pbx" || all.field("items.0.doc.until") != "2026-11-24T08:00:00+01:00" || all.field("items.1.id") != "" {
		t.Errorf("referrals: %s", all.body)
	}
	for body, location := range map[string]string{`{"extension":"999","code":"03"}`: "body.extension", `{"code":"03"}`: "body.external_id", `{"external_id":"17","code":"99"}`: "body.code"} {
		if a := post(body); a.status != 422 || a.field("errors.0.location") != location {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := post(`{"external_id":"17","clear":true}`); a.field("results.0.fate") != "cleared" {
		t.Errorf("clear: %s", a.body)
	}
	if a := post(`{"external_id":"17","clear":true,"code":"x"}`); a.field("results.0.fate") != "unchanged" {
		t.Errorf("clear again: %s", a.body)
	}
	if a := s.do(s.url, hook, "GET", "/tenants/acme/people", ""); a.status != 403 {
		t.Errorf("a webhook's token reads people: %d", a.status)
	}
	s.acme(403, "POST", "/people/"+id+"/referrals", `{"code":"lunch","source":"agent"}`)
	s.acme(200, "PUT", "/settings", `{"agents_may_set_referral":true}`, "If-Match", "*")
	s.acme(201, "POST", "/people/"+id+"/referrals", `{"code":"lunch","source":"agent"}`)
}

func TestADoorCodeIsShownOnlyDuringACallOfTheTenant(t *testing.T) {
	s := newService(t)
	const code = "7391-zebra"
	office := s.acme(201, "POST", "/offices", `{"name":"HQ"}`).field("id")
	path := "/offices/" + office + "/doorcodes/front"
	if a := s.acme(200, "PUT", path, `{"label":"Huvudentré","code":"`+code+`","expires":"2026-12-01T00:00:00Z"}`, "If-None-Match", "*"); strings.Contains(a.body, code) {
		t.Errorf("put: %s", a.body)
	}
	s.live["c1"], s.live["c2"], s.live["c3"] = [2]string{"acme", "anna"}, [2]string{"evil", "anna"}, [2]string{"acme", ""}
	if a := s.acme(200, "POST", path+"/show", `{"call":"c1"}`); a.field("code") != code || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("show: %+v", a)
	}
	for _, c := range []string{"c2", "c3", "c4"} {
		s.acme(403, "POST", path+"/show", `{"call":"`+c+`"}`)
	}
	for _, at := range []string{"/offices", "/offices/" + office, "/offices/" + office + "/doorcodes", "/export", "/changes", "/offices/" + office + "/history"} {
		if a := s.acme(200, "GET", at, ""); strings.Contains(a.body, code) || strings.Contains(a.body, "sealed") {
			t.Errorf("%s tells the code: %s", at, a.body)
		}
	}
	if a := s.acme(200, "GET", "/changes", ""); a.field("changes.2.action") != "look" || a.field("changes.2.by.name") != "agent:anna" || a.field("changes.2.by.call") != "c1" {
		t.Errorf("the look is not kept: %s", a.body)
	}
	if a := s.do(s.local, "", "POST", "/keys/rotate", ""); a.field("codes") != "1" {
		t.Errorf("rotate: %s", a.body)
	}
	s.acme(200, "POST", path+"/show", `{"call":"c1"}`)
	s.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	s.acme(410, "POST", path+"/show", `{"call":"c1"}`)
	if strings.Contains(s.log.String(), code) || strings.Count(s.log.String(), "door code shown") != 2 {
		t.Errorf("log: %s", s.log)
	}
}

// await waits for an import.
func (s *service) await(id string) answer {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if a := s.acme(200, "GET", "/imports/"+id, ""); a.field("state") != "running" {
			return a
		}
	}
	s.t.Fatal("the import does not end")
	return answer{}
}

func TestAFileIsImportedWholeOrNotAtAll(t *testing.T) {
	s := newService(t)
	s.person(`{"family_name":"Ek","given_name":"Anna","external_id":"1"}`)
	const good = "Anst.nr;Namn;Ankn\n1;Anna Ek;205\n2;Bo Alm;206\n"
	dry := s.acme(200, "POST", "/imports?dry_run=true", good, "Content-Type", "text/csv")
	if dry.field("counts.created") != "1" || dry.field("counts.updated") != "1" || dry.field("rows.1.fate") != "create" || dry.field("rows.1.line") != "3" || dry.field("job") != "" {
		t.Errorf("dry run: %s", dry.body)
	}
	bad := s.acme(422, "POST", "/imports", good+"3;Cia Berg;hemligt\n", "Content-Type", "text/csv")
	if bad.field("errors") != "1" || bad.field("rows.2.problems.0.line") != "4" || bad.field("rows.2.problems.0.column") != "3" || bad.field("rows.2.problems.0.header") != "Ankn" {
		t.Errorf("bad: %s", bad.body)
	}
	if got := s.acme(200, "GET", "/people", ""); got.field("items.1.id") != "" || got.field("items.0.doc.numbers") != "" {
		t.Errorf("something was imported: %s", got.body)
	}
	s.acme(422, "POST", "/imports", "a;b\n1;2", "Content-Type", "text/csv")
	begun := s.acme(202, "POST", "/imports?skip_errors=true", good+"3;Cia Berg;hemligt\n", "Content-Type", "text/csv")
	if done := s.await(begun.field("job")); done.field("state") != "done" || done.field("counts.created") != "1" || done.field("done") != "2" {
		t.Errorf("done: %s", done.body)
	}
	if a := s.do(s.url, s.tokens["evil"], "GET", "/tenants/evil/imports/"+begun.field("job"), ""); a.status != 404 {
		t.Errorf("another's import: %d", a.status)
	}
	s.acme(404, "GET", "/imports/nothing", "")
}

func TestATenantHasOneFileReadAndOneImportRunningAtATime(t *testing.T) {
	s := newService(t)
	const file = "Efternamn\nEk\n"
	slow, rest := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/v1/tenants/acme/imports?dry_run=true", slow)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens["acme"])
	req.Header.Set("Expect", "100-continue") // so that nothing is sent before the server reads it
	tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	status := make(chan int, 1)
	go func() {
		res, err := tr.RoundTrip(req)
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	if _, err := io.WriteString(rest, file); err != nil {
		t.Fatal(err)
	}
	if a := s.acme(503, "POST", "/imports?dry_run=true", file); a.header.Get("Retry-After") == "" || !strings.Contains(a.field("detail"), "another file") {
		t.Errorf("%v %s", a.header, a.body)
	}
	s.acme(503, "POST", "/restore", "{}")
	if a := s.do(s.url, s.tokens["evil"], "POST", "/tenants/evil/imports?dry_run=true", file); a.status != 200 {
		t.Errorf("another tenant: %d %s", a.status, a.body)
	}
	rest.Close()
	if got := <-status; got != 200 {
		t.Errorf("the slow one: %d", got)
	}
	s.hold = make(chan struct{})
	begun := s.acme(202, "POST", "/imports", file)
	s.acme(409, "POST", "/imports", file)
	s.acme(200, "POST", "/imports?dry_run=true", file)
	close(s.hold)
	if a := s.await(begun.field("job")); a.field("state") != "done" {
		t.Errorf("%s", a.body)
	}
	s.await(s.acme(202, "POST", "/imports", file).field("job"))
}

func TestATenantHasOneExportAndOneErasureUnderWayAtATime(t *testing.T) {
	s := newService(t)
	for _, c := range []struct{ method, path, again, other string }{
		{"GET", "/export?format=csv", "/export?format=xlsx", "/export"},
		{"POST", "/people/" + s.person(`{"family_name":"Ek"}`) + "/erase?dry_run=true", "/people/x/erase", "/people/x/erase"},
	} {
		s.slow = make(chan chan struct{})
		status := make(chan int, 1)
		go func() { status <- s.do(s.url, s.tokens["acme"], c.method, "/tenants/acme"+c.path, "").status }()
		wait := <-s.slow
		if a := s.acme(503, c.method, c.again, ""); a.header.Get("Retry-After") == "" || !strings.Contains(a.field("detail"), "another") {
			t.Errorf("%v %s", a.header, a.body)
		}
		if a := s.do(s.url, s.tokens["evil"], c.method, "/tenants/evil"+c.other, ""); a.status == 503 {
			t.Errorf("another tenant: %d %s", a.status, a.body)
		}
		close(wait)
		if got := <-status; got != 200 {
			t.Errorf("the first %s: %d", c.path, got)
		}
		s.slow = nil
		s.acme(200, c.method, c.path, "")
	}
}

func TestAnExportIsReadAsTheSame(t *testing.T) {
	s := newService(t)
	s.acme(200, "PUT", "/settings", `{"stale_months":3}`, "If-None-Match", "*")
	s.acme(200, "PUT", "/instructions/tenant", `{"answer":"Acme","contacts":[]}`, "If-None-Match", "*")
	s.acme(201, "POST", "/notices", `{"text":"=Stängt"}`)
	s.acme(201, "POST", "/questions", `{"question":"?","answer":"!"}`)
	s.acme(201, "POST", "/offices", `{"name":"HQ","hours":{"week":{"monday":["08:00-17:00"],"tuesday":[],"wednesday":[],"thursday":[],"friday":[],"saturday":[],"sunday":[],"holidays":[]}}}`)
	one := s.person(`{"given_name":"Anna","family_name":"Ek","external_id":"1","keywords":["fakturor","Visma"],"notes":"rad 1\nrad 2","numbers":[{"kind":"mobile","number":"0701234567","hidden":true},{"kind":"extension","number":"205"}]}`)
	s.person(`{"family_name":"=Alm","substitutes":["` + one + `"],"responsibilities":[{"common":"` + support + `","what":"moms"}]}`)
	s.acme(201, "POST", "/people/"+one+"/referrals", `{"code":"semester","until":"2026-12-01T08:00:00+01:00"}`)
	items := func(a answer) string {
		var e web.Export
		if err := json.Unmarshal([]byte(a.body), &e); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, it := range e.Items {
			out = append(out, string(it.Kind)+" "+it.ID+" "+string(it.Doc))
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	all := s.acme(200, "GET", "/export?format=json", "")
	want := items(all)
	if strings.Count(want, "\n") != 7 {
		t.Fatalf("exported: %s", want)
	}
	for _, format := range []string{"csv", "xlsx"} {
		file := s.acme(200, "GET", "/export?format="+format, "").body
		again := s.acme(200, "POST", "/imports?dry_run=true&replace=true", file, "Content-Type", "application/octet-stream")
		if again.field("counts.unchanged") != "2" || again.field("errors") != "0" || again.field("counts.deleted") != "0" {
			t.Errorf("%s read again: %s", format, again.body)
		}
		// And into an empty directory.
		for _, p := range []string{one} {
			s.acme(200, "GET", "/people/"+p, "")
		}
	}
	if a := s.acme(200, "POST", "/restore", all.body); a.field("unchanged") != "2" || a.field("updated") != "0" {
		t.Errorf("restored over itself: %s", a.body)
	}
	for _, kind := range []string{"people", "offices", "notices", "questions"} {
		var list struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(s.acme(200, "GET", "/"+kind, "").body), &list); err != nil {
			t.Fatal(err)
		}
		for _, it := range list.Items {
			s.acme(204, "DELETE", "/"+kind+"/"+it.ID, "", "If-Match", "*")
		}
	}
	s.acme(200, "POST", "/restore", all.body)
	if got := items(s.acme(200, "GET", "/export", "")); got != want {
		t.Errorf("restored:\n%s\nwant:\n%s", got, want)
	}
	s.acme(422, "POST", "/restore", `{"items":[{"kind":"doorcode","id":"x"},{"kind":"person","id":"y","doc":{}}]}`)
	for _, id := range []string{"nobody/one", one, one + "/", one + "/" + strings.Repeat("x", 300)} { // nothing is written where anything is wrong
		a := s.acme(422, "POST", "/restore", `{"items":[{"kind":"person","id":"new","doc":{"family_name":"Ny"}},{"kind":"referral","id":"`+id+`","doc":{"code":"sjuk"}}]}`)
		if a.field("errors.0.location") != "body.items[1].id" {
			t.Errorf("%.40s: %s", id, a.body)
		}
		s.acme(404, "GET", "/people/new", "")
	}
}

func TestASubstituteWhoIsDeletedAtTheSameMomentIsAConflict(t *testing.T) {
	s := newService(t)
	bo := s.person(`{"family_name":"Alm"}`)
	s.first = func() { s.acme(204, "DELETE", "/people/"+bo, "", "If-Match", "*") }
	if a := s.acme(409, "PUT", "/people/anna", `{"family_name":"Ek","substitutes":["`+bo+`"]}`, "If-None-Match", "*"); !strings.Contains(a.field("detail"), "substitute") {
		t.Errorf("%s", a.body)
	}
	s.acme(404, "GET", "/people/anna", "")
}

func TestAnExportIsReadAgainAfterADelete(t *testing.T) {
	s := newService(t)
	bo := s.person(`{"family_name":"Alm","external_id":"2"}`)
	anna := s.person(`{"family_name":"Ek","external_id":"1","substitutes":["` + bo + `"]}`)
	before := s.acme(200, "GET", "/export?format=csv", "").body
	s.acme(204, "DELETE", "/people/"+bo, "", "If-Match", "*")
	now := s.acme(200, "GET", "/people/"+anna, "")
	var it struct{ Doc json.RawMessage }
	if err := json.Unmarshal([]byte(now.body), &it); err != nil {
		t.Fatal(err)
	}
	s.acme(200, "PUT", "/people/"+anna, string(it.Doc), "If-Match", now.header.Get("ETag"))
	again := s.acme(200, "POST", "/imports?dry_run=true&replace=true", s.acme(200, "GET", "/export?format=csv", "").body, "Content-Type", "text/csv")
	if again.field("errors") != "0" || again.field("counts.unchanged") != "1" {
		t.Errorf("read again: %s", again.body)
	}
	job := s.acme(202, "POST", "/imports", before, "Content-Type", "text/csv").field("job")
	if done := s.await(job); done.field("counts.created") != "1" || done.field("counts.updated") != "1" {
		t.Errorf("the export of before: %s", done.body)
	}
	if a := s.acme(200, "GET", "/people/"+anna, ""); a.field("doc.substitutes.0") != bo {
		t.Errorf("%s", a.body)
	}
}

func TestARestoreLeavesOutSubstitutesWhoAreNotThere(t *testing.T) {
	s := newService(t)
	bo := s.person(`{"family_name":"Alm"}`)
	s.acme(200, "POST", "/restore", `{"items":[{"kind":"person","id":"a","doc":{"family_name":"Ek","substitutes":["gone","a","c","`+bo+`"]}},{"kind":"person","id":"c","doc":{"family_name":"Berg"}}]}`)
	if a := s.acme(200, "GET", "/people/a", ""); a.field("doc.substitutes.0") != "c" || a.field("doc.substitutes.1") != bo || a.field("doc.substitutes.2") != "" {
		t.Errorf("%s", a.body)
	}
}

// Somebody deletes a person whom the restore has just brought, so that their referral belongs to nobody.
func TestARestoreThatFailsHalfWayTellsHowFarItCameAndCanBeSentAgain(t *testing.T) {
	s := newService(t)
	all := web.Export{Items: []directory.Item{{Kind: directory.KindPerson, ID: "p", Doc: json.RawMessage(`{"family_name":"Ek"}`)}}}
	for n := range 500 {
		all.Items = append(all.Items, directory.Item{Kind: directory.KindNotice, ID: fmt.Sprint("n", n), Doc: json.RawMessage(`{"text":"x"}`)})
	}
	all.Items = append(all.Items, directory.Item{Kind: directory.KindReferral, ID: "p/1", Doc: json.RawMessage(`{"code":"sjuk"}`)})
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var deleted atomic.Bool
	defer s.store.Subscribe(func(string, uint64) {
		if deleted.CompareAndSwap(false, true) {
			if _, err := s.store.Edit("acme", directory.Actor{}, time.Now(), directory.Edit{Kind: directory.KindPerson, ID: "p", Match: directory.AnyVersion}); err != nil {
				t.Error(err)
			}
		}
	})()
	if a := s.acme(409, "POST", "/restore", string(body)); !strings.Contains(a.field("detail"), "500 of 501") {
		t.Errorf("%s", a.body)
	}
	s.acme(200, "POST", "/restore", string(body))
	if a := s.acme(200, "GET", "/people/p/referrals", ""); a.field("items.0.doc.code") != "sjuk" {
		t.Errorf("%s", a.body)
	}
}

func TestARestoreLetsOthersWriteInBetween(t *testing.T) {
	s := newService(t)
	all := web.Export{Tenant: "acme"}
	for n := range 1100 {
		all.Items = append(all.Items, directory.Item{Kind: directory.KindNotice, ID: fmt.Sprint("n", n), Doc: json.RawMessage(`{"text":"x"}`)})
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	steps := []uint64{0} // the last change of each transaction
	defer s.store.Subscribe(func(_ string, seq uint64) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, seq)
	})()
	s.acme(200, "POST", "/restore", string(body))
	mu.Lock()
	defer mu.Unlock()
	for i := range len(steps) - 1 {
		if n := steps[i+1] - steps[i]; n > 500 {
			t.Errorf("%d changes in one transaction", n)
		}
	}
	if last := steps[len(steps)-1]; last < 1100 {
		t.Errorf("%d changes", last)
	}
}

func TestBulkUpsertsAreAllOrNone(t *testing.T) {
	s := newService(t)
	post := func(want int, body string) answer { return s.acme(want, "POST", "/people/bulk", body) }
	first := post(200, `{"people":[{"external_id":"1","family_name":"Ek"},{"external_id":"2","family_name":"Alm"}]}`)
	if first.field("results.0.fate") != "create" || first.field("results.1.external_id") != "2" {
		t.Errorf("%s", first.body)
	}
	if a := post(422, `{"people":[{"external_id":"1","family_name":"Changed"},{"external_id":"3","family_name":""}]}`); a.field("errors.0.location") != "body.people[1].family_name" {
		t.Errorf("%s", a.body)
	}
	second := post(200, `{"people":[{"external_id":"1","family_name":"Ek"},{"external_id":"2","family_name":"Berg"}]}`)
	if second.field("results.0.fate") != "unchanged" || second.field("results.1.fate") != "update" || second.field("results.1.id") != first.field("results.1.id") {
		t.Errorf("%s", second.body)
	}
	if a := s.acme(409, "POST", "/people", `{"external_id":"1","family_name":"Other"}`); a.field("errors.0.location") != "body.external_id" {
		t.Errorf("%s", a.body)
	}
	s.acme(200, "POST", "/people/"+first.field("results.0.id")+"/erase?dry_run=true", "")
	s.acme(200, "GET", "/people/"+first.field("results.0.id"), "")
	if a := s.acme(200, "POST", "/people/"+first.field("results.0.id")+"/erase", ""); a.field("versions") != "1" {
		t.Errorf("%s", a.body)
	}
	s.acme(404, "GET", "/people/"+first.field("results.0.id"), "")
	if a := s.acme(200, "GET", "/people/"+first.field("results.0.id")+"/history", ""); strings.Contains(a.body, "Ek") {
		t.Errorf("history after erasure: %s", a.body)
	}
}

func TestBulkUpsertsNameSubstitutesByExternalID(t *testing.T) {
	s := newService(t)
	old := s.person(`{"family_name":"Berg","external_id":"old"}`)
	const body = `{"people":[{"external_id":" 1 ","family_name":"Ek","substitutes":["2","old"]},{"external_id":"2","family_name":"Alm","substitutes":["1"]}]}`
	a := s.acme(200, "POST", "/people/bulk", body)
	one, two := a.field("results.0.id"), a.field("results.1.id")
	p := s.acme(200, "GET", "/people/"+one, "")
	if p.field("doc.substitutes.0") != two || p.field("doc.substitutes.1") != old || p.field("doc.external_id") != "1" ||
		s.acme(200, "GET", "/people/"+two, "").field("doc.substitutes.0") != one {
		t.Errorf("substitutes: %s", p.body)
	}
	if a = s.acme(200, "POST", "/people/bulk", body); a.field("results.0.fate")+a.field("results.1.fate") != "unchangedunchanged" {
		t.Errorf("again: %s", a.body)
	}
	for _, nobody := range []string{"1", "nobody"} { // oneself, and nobody
		a = s.acme(422, "POST", "/people/bulk", `{"people":[{"external_id":"1","family_name":"Ek","substitutes":["`+nobody+`"]}]}`)
		if a.field("errors.0.location") != "body.people[0].substitutes[0]" {
			t.Errorf("%s: %s", nobody, a.body)
		}
	}
}

func TestThePublishedDescriptionIsThatOfTheProgram(t *testing.T) {
	got, err := (&web.V1{Metrics: web.NewV1Metrics(nil)}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("..", "docs", "openapi.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.json is not what the program serves: run go test ./web -run Description -update, look at the difference, and raise web.APIVersion")
	}
	if !strings.Contains(string(got), `"openapi": "3.1`) {
		t.Error("not OpenAPI 3.1")
	}
	s := newService(t)
	res, err := http.Get(s.url + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("served: %d", res.StatusCode)
	}
}

func TestALineIsShownBesideTheReferralAndEndsByItself(t *testing.T) {
	s := newService(t)
	id := s.person(`{"given_name":"Anna","family_name":"Ek","external_id":"17","numbers":[{"kind":"extension","number":"205"}]}`)
	hook := s.token(account.Token{Tenant: "acme", Name: "växel", Scopes: []account.Scope{account.Webhook}})
	tell := func(want int, source, contentType, body string) answer {
		t.Helper()
		a := s.do(s.url, hook, "POST", "/tenants/acme/webhooks/"+source, body, "Content-Type", contentType)
		if a.status != want {
			t.Fatalf("%s: %d %s", body, a.status, a.body)
		}
		return a
	}
	presence := func() answer { return s.acme(200, "GET", "/people/"+id+"/presence", "") }
	since := s.now.Add(-time.Minute).Format(time.RFC3339)
	tell(200, "line", "application/json", `{"extension":"205","line":"busy","since":"`+since+`"}`)
	s.acme(201, "POST", "/people/"+id+"/referrals", `{"code":"lunch"}`)
	if a := presence(); a.field("line.state") != "busy" || a.field("line.since") != since || a.field("away") != "true" || a.field("phrase") == "" {
		t.Errorf("busy at lunch: %s", a.body)
	}
	s.now = s.now.Add(time.Minute)
	tell(200, "line", "application/x-www-form-urlencoded", "extension=205&line=busy&expires_in=60") // again
	if a := s.acme(200, "GET", "/lines", ""); a.field("items.0.person") != id || a.field("items.0.since") != since {
		t.Errorf("lines: %s", a.body)
	}
	s.now = s.now.Add(time.Minute - 1)
	if presence().field("line.state") != "busy" {
		t.Error("ended too early")
	}
	s.now = s.now.Add(1)
	if a := presence(); a.field("line") != "" || s.acme(200, "GET", "/lines", "").field("items") != "[]" {
		t.Errorf("expired: %s", a.body)
	}
	tell(200, "line", "application/dialog-info+xml", `<dialog-info entity="sip:205@pbx"><dialog><state>confirmed</state></dialog></dialog-info>`)
	if presence().field("line.state") != "busy" {
		t.Error("dialog-info")
	}
	if a := tell(200, "line", "application/json", `{"external_id":"17","line":"free"}`); a.field("results.0.fate") != "cleared" || presence().field("line") != "" {
		t.Errorf("free: %s", a.body)
	}
	tell(200, "referral", "application/x-www-form-urlencoded", "extension=205&code=sjuk")
	if presence().field("phrase") != "inte på plats" {
		t.Errorf("form: %s", presence().body)
	}
	for location, body := range map[string]string{"body.extension": `{"extension":"299","line":"busy"}`, "body.line": `{"extension":"205","line":"odd"}`,
		"body[1].expires_in": `[{"extension":"205","line":"busy"},{"extension":"205","line":"busy","expires_in":-1}]`} {
		if a := tell(422, "line", "application/json", body); a.field("errors.0.location") != location {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	tell(404, "ldap", "application/json", `{}`)
	if a := s.do(s.url, hook, "GET", "/tenants/acme/lines", ""); a.status != 403 {
		t.Errorf("a webhook's token reads: %d", a.status)
	}
	if a := s.acme(200, "GET", "/changes", ""); strings.Contains(a.body, "busy") {
		t.Error("lines are in the history")
	}
}

func TestWhatMayNoLongerHoldIsFlaggedInListsAndTogether(t *testing.T) {
	s := newService(t)
	s.acme(200, "PUT", "/instructions/tenant", `{"answer":"Acme","valid_until":"2027-01-01T00:00:00Z"}`, "If-None-Match", "*")
	s.acme(201, "POST", "/questions", `{"question":"Öppet?","answer":"Ja"}`)
	s.acme(201, "POST", "/notices", `{"text":"Tårta","until":"2026-11-23T12:00:00Z"}`)
	office := s.acme(201, "POST", "/offices", `{"name":"HQ","hours":{"week":{"monday":["08:00-17:00"],"tuesday":["08:00-17:00"],"wednesday":[],"thursday":[],"friday":[],"saturday":[],"sunday":[],"holidays":[]}}}`)
	s.acme(200, "PUT", "/offices/"+office.field("id")+"/doorcodes/front", `{"label":"Entré","code":"4711","expires":"2026-12-01T00:00:00Z"}`, "If-None-Match", "*")
	if office.field("opening.open") != "true" || office.field("opening.closes") != "2026-11-23T17:00:00+01:00" {
		t.Errorf("open at noon: %s", office.body)
	}
	person := s.person(`{"family_name":"Ek"}`)
	s.acme(201, "POST", "/people/"+person+"/referrals", `{"code":"sjuk"}`)
	s.acme(201, "POST", "/people/"+person+"/referrals", `{"code":"lunch"}`)
	if a := s.acme(200, "GET", "/flagged", ""); a.field("items") != "[]" {
		t.Errorf("nothing is stale yet: %s", a.body)
	}
	s.now = s.now.AddDate(0, 7, 0)
	all := s.acme(200, "GET", "/flagged", "").body
	for _, want := range []string{`"kind":"instructions","id":"tenant","title":"Acme","flags":["unconfirmed","expired"]`, `"title":"Öppet?","flags":["unconfirmed"]`, `"title":"Tårta","flags":["expired"]`,
		`"title":"Entré","flags":["expired"]`, `"title":"sjuk","flags":["open_too_long"]`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in %s", want, all)
		}
	}
	if strings.Contains(all, "lunch") || strings.Contains(all, "4711") {
		t.Errorf("too much: %s", all)
	}
	if a := s.acme(200, "GET", "/questions", ""); a.field("items.0.flags.0") != "unconfirmed" {
		t.Errorf("list: %s", a.body)
	}
	reader := s.token(account.Token{Tenant: "acme", Name: "reader", Scopes: []account.Scope{account.ReadDirectory}})
	if a := s.do(s.url, reader, "GET", "/tenants/acme/flagged", ""); a.status != 200 || strings.Contains(a.body, "sjuk") {
		t.Errorf("a reader sees true reasons: %s", a.body)
	}
	at := "/offices/" + office.field("id") + "/opening?at="
	if a := s.acme(200, "GET", at+"2026-11-24T18:00:00%2B01:00", ""); a.field("open") != "false" || a.field("opens") != "2026-11-30T08:00:00+01:00" {
		t.Errorf("opening: %s", a.body)
	}
	if a := s.acme(200, "GET", at+"2026-12-25T10:00:00%2B01:00", ""); a.field("holiday") != "juldagen" || a.field("opens") != "2026-12-28T08:00:00+01:00" {
		t.Errorf("opening: %s", a.body)
	}
}

func TestAnyEarlierVersionOfAnyItemCanBeRestored(t *testing.T) {
	s := newService(t)
	s.acme(200, "PUT", "/people/anna", `{"family_name":"Ek"}`, "If-None-Match", "*")
	for path, versions := range map[string][3]string{
		"/people/bo":                 {`{"family_name":"Ek"}`, `{"family_name":"Alm"}`, "doc.family_name"},
		"/offices/hq":                {`{"name":"Ett"}`, `{"name":"Två"}`, "doc.name"},
		"/notices/n":                 {`{"text":"Ett"}`, `{"text":"Två"}`, "doc.text"},
		"/questions/q":               {`{"question":"Ett?","answer":"x"}`, `{"question":"Två?","answer":"x"}`, "doc.question"},
		"/instructions/tenant":       {`{"answer":"Ett"}`, `{"answer":"Två"}`, "doc.answer"},
		"/instructions/" + support:   {`{"answer":"Ett"}`, `{"answer":"Två"}`, "doc.answer"},
		"/people/anna/referrals/one": {`{"code":"sjuk"}`, `{"code":"ledig"}`, "doc.code"},
		"/settings":                  {`{"stale_months":1}`, `{"stale_months":2}`, "doc.stale_months"},
	} {
		t.Run(path, func(t *testing.T) {
			outer := s.t
			s.t = t
			defer func() { s.t = outer }()
			first := s.acme(200, "PUT", path, versions[0], "If-None-Match", "*")
			want := first.field(versions[2])
			s.acme(200, "PUT", path, versions[1], "If-Match", first.header.Get("ETag"))
			match := []string{"If-Match", "*"}
			if path != "/settings" { // which are always there
				s.acme(204, "DELETE", path, "", "If-Match", "*")
				match = []string{"If-None-Match", "*"}
			}
			h := s.acme(200, "GET", path+"/history", "")
			body := `{"version":` + h.field("changes.0.seq") + `}`
			s.acme(428, "POST", path+"/restore", body)
			if a := s.acme(200, "POST", path+"/restore", body, match...); a.field(versions[2]) != want || want == "" {
				t.Errorf("restored: %s", a.body)
			}
			h = s.acme(200, "GET", path+"/history", "")
			last := strings.Count(h.body, `"seq"`) - 1
			if h.field(fmt.Sprintf("changes.%d.action", last)) != "restore" {
				t.Errorf("history: %s", h.body)
			}
			s.acme(422, "POST", path+"/restore", `{"version":987654}`, "If-Match", "*")
		})
	}
}

// What is restored was written by somebody else: who may not read it is not told it by restoring it, nor a message by sending it again.
func TestOnlyWhoMayReadIsAnsweredWithWhatOthersWrote(t *testing.T) {
	s := newService(t)
	writer := s.token(account.Token{Tenant: "acme", Name: "writer", PerMinute: 1000,
		Scopes: []account.Scope{account.WriteDirectory, account.WriteReferrals, account.SendMessages, account.Webhook}})
	const secret = "Hemlighetsson"
	id := s.person(`{"family_name":"` + secret + `","numbers":[{"kind":"mobile","number":"0701234567","hidden":true}]}`)
	for path, body := range map[string]string{"/people/p": `{"family_name":"` + secret + `"}`, "/people/" + id + "/referrals/r": `{"code":"sjuk","note":"` + secret + `"}`,
		"/instructions/tenant": `{"answer":"` + secret + `"}`, "/settings": `{"pbx_codes":{"` + secret + `":"sjuk"}}`} {
		version := s.acme(200, "PUT", path, body, "If-None-Match", "*").field("version")
		again := `{"version":` + version + `}`
		if a := s.do(s.url, writer, "POST", "/tenants/acme"+path+"/restore", again, "If-Match", "*"); a.status != 403 || strings.Contains(a.body, secret) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		s.acme(200, "POST", path+"/restore", again, "If-Match", "*")
	}
	if a := s.do(s.url, writer, "POST", "/tenants/acme/messages/x/resend", ""); a.status != 403 || !strings.Contains(a.body, "messages:read") {
		t.Errorf("resend: %d %s", a.status, a.body)
	}
}

func TestEveryWriteIsLoggedWithWhoDidIt(t *testing.T) {
	s := newService(t)
	before := s.log.Len()
	s.acme(200, "PUT", "/people/bo", `{"family_name":"Ek"}`, "If-None-Match", "*")
	s.acme(412, "PUT", "/people/bo", `{"family_name":"Ek"}`, "If-None-Match", "*")
	s.acme(200, "GET", "/people/bo", "")
	said := s.log.String()[before:]
	if n := strings.Count(said, "api: written"); n != 1 || !strings.Contains(said, "operation=put-people") || !strings.Contains(said, "tenant=acme") || !strings.Contains(said, "token:") {
		t.Errorf("%d writes are told of:\n%s", n, said)
	}
}
