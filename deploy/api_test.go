package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/config"
)

// Every example of docs/api.md is run against a server; what stands behind an arrow is in its answer.
func TestExamplesOfTheAPIDo(t *testing.T) {
	tool(t, "curl")
	dir := t.TempDir()
	cfg, err := config.LoadBytes(filepath.Join(dir, "telefonist.yaml"), []byte(idle+"store: {key_file: telefonist.keys}\n"),
		[]byte(`tenants: [{id: acme, name: Acme AB, number: "+46850000001", trunk: pbx}]`))
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(cfg, app.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = a.Stop(ctx) })
	defer stop()
	token := strings.TrimSpace(run(t, dir, program(t), "tokens", "create", "--store", cfg.Store.Dir, "--tenant", "acme", "--name", "ERP",
		"--scope", "directory:read,directory:write,referrals:read,referrals:write,history:read,messages:read,messages:send,calls:read"))
	examples := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(read(t, "../docs/api.md"), -1) {
		script, want := "", []string{}
		run := func() {
			if len(want) == 0 {
				return
			}
			examples++
			cmd := exec.CommandContext(ctx, "bash", "-ec", script)
			cmd.Env = append(cmd.Environ(), "API=http://"+a.WebAddr().String()+"/api/v1/tenants/acme", "TOKEN="+token)
			out, err := cmd.CombinedOutput()
			for _, w := range want {
				if err != nil || !strings.Contains(string(out), w) {
					t.Errorf("%s\ngives %v\n%s\nwithout %s", script, err, out, w)
				}
			}
			script, want = "", nil
		}
		for _, line := range strings.Split(block[1], "\n") {
			if text, expected := strings.CutPrefix(line, "# → "); expected {
				want = append(want, text)
				continue
			}
			run()
			script += line + "\n"
		}
		run()
	}
	if examples < 10 {
		t.Errorf("only %d examples were run", examples)
	}
	if out := run(t, dir, program(t), "people", "export", "--store", cfg.Store.Dir, "--tenant", "acme"); !strings.Contains(out, "+46701234567") {
		t.Errorf("people export: %s", out)
	}
	if out := run(t, dir, program(t), "tenants", "show", "acme", "--store", cfg.Store.Dir); !strings.Contains(out, "Koppla aldrig") {
		t.Errorf("tenants show: %s", out)
	}
	file := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(file, []byte("Anst.nr;Förnamn;Efternamn;Ankn\n17;Anna;Ek;206\n18;Bo;Alm;x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	people := func(args ...string) (string, int) {
		cmd := exec.CommandContext(ctx, program(t), append([]string{"people", "import", file, "--store", cfg.Store.Dir, "--tenant", "acme"}, args...)...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := people(); code != 3 || !strings.Contains(out, "line 3, column 4 (Ankn)") || !strings.Contains(out, "nothing was written") {
		t.Errorf("people import: %d %s", code, out)
	}
	if out, code := people("--skip-errors"); code != 0 || !strings.Contains(out, "1 updated") {
		t.Errorf("people import --skip-errors: %d %s", code, out)
	}

	stop() // what only reads works on the files of a server that is stopped
	if out := run(t, dir, program(t), "tenants", "list", "--store", cfg.Store.Dir); !strings.Contains(out, "+46850000001") {
		t.Errorf("tenants list: %s", out)
	}
	if out, code := people("--dry-run", "--skip-errors"); code != 3 || !strings.Contains(out, "line 2: unchanged") {
		t.Errorf("people import --dry-run of a stopped server: %d %s", code, out)
	}
	if out, code := people("--skip-errors"); code != 1 || !strings.Contains(out, "start it first") {
		t.Errorf("people import of a stopped server: %d %s", code, out)
	}
}
