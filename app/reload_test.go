package app

import (
	"log/slog"
	"testing"

	"telefonist/directory"
	"telefonist/store"
)

func TestADirectoryThatCannotBeNotedIsNotTakenUp(t *testing.T) {
	s, err := store.Open(t.TempDir(), store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	made := func(number string) *directory.Directory {
		d, err := directory.New([]directory.Tenant{{ID: "acme", Number: number}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := &App{store: s}
	old := made("+46850000001")
	a.tenants.Store(old)
	if err := a.setTenants(made("+46850000002")); err == nil {
		t.Error("a store that is closed notes numbers")
	}
	if a.tenants.Load() != old {
		t.Error("the API has another directory than the switchboard")
	}
}
