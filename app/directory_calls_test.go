package app_test

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/directory"
	"telefonist/web"
)

const serviceTenant = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, common_numbers: [{name: Support, number: "+46840000009", customer_service: true}]}
 - {id: evil, name: Evil AB, number: "+46850000002", trunk: pbx}
agents:
 - {id: anna, name: Anna Ek, extension: "101", kind: service, password: hemligt-101}
`

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// openDesk starts a server on a store that may have been used before, with a key file. It is stopped when the test ends, after the
// phones that called it.
func openDesk(t *testing.T, dir, keys, tenants string, log *logged) *desk {
	t.Helper()
	cfg := load(t, dir, tenants)
	cfg.Store.KeyFile = keys
	a, err := app.New(cfg, app.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, dir: dir, cfg: cfg, app: a, tokens: map[string]string{}}
	d.connect()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		d.admin.Close()
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, tenant := range []string{"acme", "evil"} {
		made, err := d.admin.CreateToken(t.Context(), web.TokenRequest{Tenant: tenant, Name: "Konsol", PerMinute: 100_000,
			Scopes: []string{"directory:read", "directory:write", "history:read", "doorcodes:show"}})
		if err != nil {
			t.Fatal(err)
		}
		d.tokens[tenant] = made.Token
	}
	return d
}

func TestADoorCodeIsShownDuringALiveCallOfItsTenantAlone(t *testing.T) {
	log := &logged{}
	d := openDesk(t, t.TempDir(), filepath.Join(t.TempDir(), "keys"), serviceTenant, log)
	const code = "7391-zebra"
	d.acme(200, "PUT", "/offices/hq", `{"name":"HQ"}`, "If-None-Match", "*")
	d.acme(200, "PUT", "/offices/hq/doorcodes/front", `{"label":"Huvudentré","code":"`+code+`"}`, "If-None-Match", "*")
	show := func(want int, call string) reply {
		t.Helper()
		return d.acme(want, "POST", "/offices/hq/doorcodes/front/show", `{"call":"`+call+`"}`)
	}
	show(403, "01M82XBS1PRQ2JN0SC6M73051W")
	id, hangUp := d.call()
	if r := show(200, string(id)); r.field("code") != code || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("during the call: %d %v", r.status, r.header)
	}
	for _, tenant := range []string{"acme", "evil"} { // the other tenant's code, or a code of its own during this call
		if r := d.as("evil", "POST", "/api/v1/tenants/"+tenant+"/offices/hq/doorcodes/front/show", `{"call":"`+string(id)+`"}`); r.status != 404 && r.status != 403 {
			t.Errorf("another tenant gets %d %s", r.status, r.body)
		}
	}
	hangUp()
	show(403, string(id))
	h := d.acme(200, "GET", "/changes", "")
	if !strings.Contains(h.body, `"by":{"name":"agent:anna","way":"token:Konsol","call":"`+string(id)+`"},"action":"look"`) || strings.Count(h.body, `"look"`) != 1 {
		t.Errorf("the look is not kept: %s", h.body)
	}
	for name, text := range map[string]string{"changes": h.body, "export": d.acme(200, "GET", "/export", "").body, "log": log.String()} {
		if strings.Contains(text, code) {
			t.Errorf("the code is in the %s", name)
		}
	}
	if !strings.Contains(log.String(), "door code shown") {
		t.Error("the look is not in the log")
	}
}

func TestANumberIsOrderedDeliveredAtItsFirstCallAndClosed(t *testing.T) {
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "keys")
	var first time.Time
	for run := range 2 {
		t.Run([]string{"at first", "after a restart"}[run], func(t *testing.T) {
			d := openDesk(t, dir, keys, serviceTenant, &logged{})
			life := func() web.TenantInfo {
				t.Helper()
				all, err := d.admin.Tenants(t.Context())
				if err != nil || len(all) != 2 || all[1].Stage != directory.Ordered {
					t.Fatalf("%+v, %v", all, err)
				}
				return all[0]
			}
			if got := life(); run == 0 && (got.Stage != directory.Ordered || len(got.Lives) != 1 || got.Lives[0].Ordered.IsZero()) || !got.Common[0].CustomerService {
				t.Errorf("before the first call: %+v", got)
			}
			id, hangUp := d.call()
			hangUp()
			rec, err := d.admin.Call(id)
			if err != nil || rec.CommonNumber != "+46840000009" || rec.Row == nil || !rec.Row.CustomerService {
				t.Errorf("record: %+v, %v", rec, err)
			}
			d.until("the first call is noted", func() bool { return life().Stage == directory.Delivered })
			if run == 0 {
				first = rec.Received
			}
			if got := life().Lives[0]; !got.Delivered.Equal(first) || first.IsZero() {
				t.Errorf("run %d: delivered %v, the first call came %v", run, got.Delivered, first)
			}
		})
	}
	const without = `
tenants:
 - {id: evil, name: Evil AB, number: "+46850000002", trunk: pbx}
`
	a := start(t, load(t, dir, without))
	defer func() { _ = a.Stop(context.Background()) }()
	admin, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	all, err := admin.Tenants(t.Context())
	if err != nil || all[0].Stage != directory.Closed || all[0].Lives[0].Closed.IsZero() || !all[0].Lives[0].Delivered.Equal(first) {
		t.Errorf("closed: %+v, %v", all, err)
	}
}
