package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"telefonist/app"
	"telefonist/app/demo"
	"telefonist/call"
	"telefonist/record"
	"telefonist/web"
)

func TestTheDemoSaysWhereThePagesAreAndHasPeopleToFind(t *testing.T) {
	world, err := demo.Open(demo.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close(context.Background())
	a, err := demoServer(world, demo.DefaultLimits, t.TempDir(), func(*record.Head, call.Entry, *record.Record) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.Background()) }()
	var out bytes.Buffer
	if err := furnish(t.Context(), &out, a, world.Agents()[0]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`http://127\.0\.0\.1:\d+/console/\n`, `supervisor with tfn_\S+\n`, `as Anna Ek with tfn_\S+\n`, `http://127\.0\.0\.1:\d+/portal/\n  sign in with tfn_\S+\n`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("it does not say %s:\n%s", want, &out)
		}
	}
	c, err := web.Dial(app.SocketPath(a.StoreDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if now, err := c.Service(t.Context(), demo.Company, ""); err != nil || !now.Matters {
		t.Errorf("the company's switch changes nothing: %+v, %v", now, err)
	}
	hits, err := c.Search(t.Context(), "acme", "faktura", "")
	if err != nil || len(hits) != 1 || hits[0].Detail != "ekonomichef, Ekonomi" {
		t.Errorf("%+v, %v", hits, err)
	}
}
