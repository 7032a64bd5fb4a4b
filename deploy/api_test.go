package deploy_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(ctx) }()
	token := strings.TrimSpace(run(t, dir, program(t), "tokens", "create", "--store", cfg.Store.Dir, "--tenant", "acme", "--name", "ERP",
		"--scope", "directory:read,directory:write,referrals:read,referrals:write,history:read"))
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
}
