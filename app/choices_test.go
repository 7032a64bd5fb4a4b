package app_test

import (
	"testing"
	"time"

	"telefonist/app"
	"telefonist/web"
)

func TestWhatWasChosenRanksHigherAfterARestartToo(t *testing.T) {
	dir := t.TempDir()
	const one = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx}
`
	for run := range 2 {
		func() {
			a := start(t, load(t, dir, one))
			defer func() { _ = a.Stop(t.Context()) }()
			admin, err := web.Dial(app.SocketPath(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			first := func(caller string) string {
				t.Helper()
				deadline := time.Now().Add(20 * time.Second)
				for {
					hits, err := admin.Search(t.Context(), "acme", "anna", caller)
					if err != nil {
						t.Fatal(err)
					}
					if len(hits) == 2 {
						return hits[0].ID
					}
					if time.Now().After(deadline) {
						t.Fatalf("found %+v", hits)
					}
				}
			}
			if run == 0 {
				for _, id := range []string{"a", "b"} {
					if err := admin.Put(t.Context(), "acme", "people/"+id, []byte(`{"given_name":"Anna","family_name":"Ek"}`)); err != nil {
						t.Fatal(err)
					}
				}
				if got := first(""); got != "a" {
					t.Errorf("before: %s", got)
				}
				for range 3 {
					if err := admin.Choose(t.Context(), "acme", "person", "b", ""); err != nil {
						t.Fatal(err)
					}
				}
				if err := admin.Choose(t.Context(), "acme", "person", "a", "070-111 22 33"); err != nil {
					t.Fatal(err)
				}
				if err := admin.Choose(t.Context(), "acme", "person", "nobody", ""); err == nil {
					t.Error("nobody was chosen")
				}
			}
			if all, own := first(""), first("+46701112233"); all != "b" || own != "a" {
				t.Errorf("run %d: all callers choose %s, this one %s", run, all, own)
			}
		}()
	}
}
