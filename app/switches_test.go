package app_test

import (
	"errors"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/directory"
	"telefonist/web"
)

const away = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, service: when_away, priority: 3}
agents:
 - {id: cia, kind: tenant, tenant: acme, trunk_extension: "205"}
`

// turn asks whose turn it is, of the running server or of the files.
func turn(t *testing.T, dir string) (directory.Turn, *web.Client, func()) {
	t.Helper()
	c, closing, err := app.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Service(t.Context(), "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	return s.Turn, c, closing
}

func TestASwitchOutlivesReloadAndRestart(t *testing.T) {
	dir := t.TempDir()
	cfg := load(t, dir, away)
	a := start(t, cfg)
	before, c, closing := turn(t, dir)
	if before != directory.TurnOwn {
		t.Fatalf("at first it is the turn of %s", before)
	}
	out, err := c.SetService(t.Context(), "acme", web.AwayRequest{Away: true, Until: time.Now().Add(time.Hour)})
	if err != nil || out.Turn != directory.TurnPool || out.Next != directory.TurnOwn || out.Switch.By.Name != "cli" {
		t.Fatalf("got %+v, %v", out, err)
	}
	closing()
	if err := a.Reload(load(t, dir, away)); err != nil {
		t.Fatal(err)
	}
	now, _, closing := turn(t, dir)
	closing()
	if now != directory.TurnPool {
		t.Errorf("after a reload it is the turn of %s", now)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, c, closing = turn(t, dir)
	if now != directory.TurnPool {
		t.Errorf("in the files it is the turn of %s", now)
	}
	if _, err := c.SetService(t.Context(), "acme", web.AwayRequest{}); !errors.Is(err, web.ErrReadOnly) {
		t.Errorf("the files were switched: %v", err)
	}
	closing()
	a = start(t, load(t, dir, away))
	now, c, closing = turn(t, dir)
	if now != directory.TurnPool {
		t.Errorf("after a restart it is the turn of %s", now)
	}
	if out, err := c.SetService(t.Context(), "acme", web.AwayRequest{}); err != nil || out.Turn != directory.TurnOwn {
		t.Errorf("back: %+v, %v", out, err)
	}
	closing()
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
