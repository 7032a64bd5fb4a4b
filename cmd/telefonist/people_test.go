package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"telefonist/app"
	"telefonist/config"
)

// serving starts a server on loopback with one tenant, and gives the folder of its store.
func serving(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	main := fmt.Sprintf(`
sip: {listen: ["udp://127.34.0.1:0"]}
media: {address: 127.34.0.1}
web: {listen: "127.34.0.1:0"}
store: {dir: %q}
trunks: [{name: pbx, allow: [127.34.0.2], target: "sip:127.34.0.2:5060"}]
drain_timeout: 0s
`, dir)
	cfg, err := config.LoadBytes("test.yaml", []byte(main), []byte(`tenants: [{id: acme, name: Acme AB, number: "+46850000001", trunk: pbx}]`))
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(cfg, app.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	return dir
}

// command runs the program with arguments, and wants its exit code.
func command(t *testing.T, want int, args ...string) (printed string) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	code := 0
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
	} else if err != nil {
		code = exitFailure
	}
	if code != want {
		t.Fatalf("%q: exit code %d, want %d: %v\n%s", args, code, want, err, out.String())
	}
	return out.String()
}

func TestPeopleAreImportedFoundExportedAndErased(t *testing.T) {
	dir := serving(t)
	people := func(want int, args ...string) string {
		t.Helper()
		return command(t, want, append(append([]string{"people"}, args...), "--store", dir, "--tenant", "acme")...)
	}
	file := filepath.Join(t.TempDir(), "people.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Skostorlek\n38\n")
	people(exitConfig, "import", file)
	command(t, exitUsage, "tokens", "create", "--store", dir, "--name", "x", "--tenant", "acme", "--scope", "root")
	command(t, exitNotFound, "tokens", "revoke", "nothing", "--store", dir)
	write("Anst.nr;Förnamn;Efternamn;Ankn\n1;Anna;Ek;205\n2;Bo;Alm;hemligt\n")
	if out := people(exitConfig, "import", file); !strings.Contains(out, "line 3, column 4 (Ankn)") || !strings.Contains(out, "1 wrong") {
		t.Errorf("a row is wrong:\n%s", out)
	}
	write("Anst.nr;Förnamn;Efternamn;Ankn;Notes\n1;Anna;Ek;205;\n2;Bo;Alm;206;Vikarie för Anna Ek\n")
	if out := people(0, "import", file, "--dry-run"); !strings.Contains(out, "line 2: create Anna Ek") || !strings.Contains(out, "2 to create") {
		t.Errorf("dry run:\n%s", out)
	}
	if out := people(0, "find", "anna"); out != "" {
		t.Errorf("a dry run wrote:\n%s", out)
	}
	if out := people(0, "import", file); !strings.Contains(out, "2 of 2 staged") || !strings.Contains(out, "done: 2 created") {
		t.Errorf("import:\n%s", out)
	}
	write(people(0, "export"))
	if out := people(0, "import", file, "--replace", "--dry-run"); !strings.Contains(out, "0 to update, 2 unchanged, 0 to delete") {
		t.Errorf("an export read again:\n%s", out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, ";"); len(cells) > 3 && cells[2] == "Anna" {
			id = cells[0]
		}
	}
	if out := people(0, "erase", id, "--dry-run"); !strings.Contains(out, "would be erased") || !strings.Contains(out, "stays, and mentions the person: person ") {
		t.Errorf("dry run:\n%s", out)
	}
	if out := people(0, "erase", id); !strings.HasPrefix(out, "erased:") {
		t.Errorf("erase:\n%s", out)
	}
	people(exitNotFound, "erase", "nobody")
	if out := people(0, "export"); strings.Contains(out, ";Anna;") || !strings.Contains(out, ";Bo;") {
		t.Errorf("after the erasure:\n%s", out)
	}
	command(t, exitNotFound, "people", "export", "--store", dir, "--tenant", "nope")
	command(t, exitUsage, "people", "erase", "--store", dir, "--tenant", "acme")
}
