package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"telefonist/directory"
)

var update = flag.Bool("update", false, "rewrite the expected files of testdata/config")

const testdata = "../testdata/config"

// copied copies a folder of testdata to a place where its files are readable by their owner alone.
func copied(t *testing.T, folder string) string {
	t.Helper()
	to := t.TempDir()
	files, err := filepath.Glob(filepath.Join(testdata, folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(testdata, name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestEveryErrorOfABadFileIsReported(t *testing.T) {
	dir := copied(t, "bad")
	for _, name := range []string{"keys", "trunks", "syntax", "people", "messages", "serving"} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(filepath.Join(dir, name+".yaml"))
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("error is %T: %v", err, err)
			}
			var out bytes.Buffer
			if err := errs.Print(&out, true); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(out.String(), dir+string(filepath.Separator), "")
			golden(t, "bad/"+name+".errors", []byte(text))
			for _, secret := range []string{"geheim123", "hunter2", "hemligt", "101101101", "correct horse"} {
				if strings.Contains(text, secret) {
					t.Errorf("the password %q is printed", secret)
				}
			}
		})
	}
}

func TestGoodFilesLoadAsWritten(t *testing.T) {
	dir := copied(t, "good")
	for _, name := range []string{"empty", "minimal", "unquoted"} {
		t.Run(name, func(t *testing.T) { loaded(t, dir, "good/", name) })
	}
}

func TestExampleLoadsWithoutWarning(t *testing.T) {
	c := loaded(t, copied(t, "."), "", "telefonist")
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
}

// loaded compares a configuration, its warnings and its directory with what is expected.
func loaded(t *testing.T, dir, folder, name string) *Config {
	t.Helper()
	c, err := Load(filepath.Join(dir, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	state, d, err := c.Apply(State{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(struct {
		Config  *Config
		State   State
		Tenants []directory.Tenant
		Agents  []directory.Agent
	}{c, state, d.Tenants(), d.Agents()}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s\n%v\n", out, c.Warnings())
	text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
	for _, a := range d.Agents() {
		if a.ViaTrunk != "" && a.Password == "" {
			continue
		}
		if a.Password == "" || strings.Contains(text, string(a.Password)) {
			t.Errorf("agent %s: the password is lost or printed", a.ID)
		}
	}
	golden(t, folder+name+".loaded", []byte(text))
	return c
}
