package deploy_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"telefonist/billing"
	"telefonist/config"
	"telefonist/tariff"
)

var update = flag.Bool("update", false, "write docs/configuration.md and docs/metrics.md")

// golden compares a generated page with the file, or writes it.
func golden(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := read(t, file); got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%s is not what the program says: run go test ./deploy -run TestDocs -update\nit differs at %q, should be %q",
			file, got[at:min(len(got), at+80)], want[at:min(len(want), at+80)])
	}
}

func TestDocsOfTheConfigurationAreCurrent(t *testing.T) {
	golden(t, "../docs/configuration.md", `# Configuration

Two kinds of YAML files: the configuration file that `+"`serve`"+` and `+"`check`"+` are given, and the provisioning files that it names. Shipped
examples with comments: [telefonist.yaml](../deploy/telefonist.yaml), [tenants.yaml](../deploy/tenants.yaml).

Reading is strict: a key that does not exist, a value of the wrong form, a name used twice are errors, and all of them are reported at once with file,
line, column and what to write instead. Durations have a unit: `+"`45s`, `2m`, `1h30m`"+`. Telephone numbers are written as people write them. Paths are relative to
the file's folder. What is not written keeps its default.

What SIGHUP takes over is in [operations.md](operations.md). This page is written by `+"`go test ./deploy -run TestDocs -update`"+`.

`+config.Reference())
}

func TestDocsOfTheMetricsAreComplete(t *testing.T) {
	families := metrics(t)
	var b strings.Builder
	b.WriteString(`# Metrics

Everything under ` + "`/metrics`" + ` that is Telefonist's own; those of Go (` + "`go_*`" + `) and of the process (` + "`process_*`" + `) are there as well. All series
are present from the start, at zero. Label values are closed sets: nothing that a caller sends becomes one.

` + "`telefonist_queue_waiting`, `telefonist_agents` and `telefonist_calls_stuck`" + ` are asked of the event loop at each scrape and are left out where it does not answer within a second.

This page is written by ` + "`go test ./deploy -run TestDocs -update`" + ` from a running server.

| name | type | labels | meaning |
| --- | --- | --- | --- |
`)
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "telefonist_") {
			continue
		}
		f := families[name]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), labelColumn(f), f.GetHelp())
	}
	golden(t, "../docs/metrics.md", b.String())
}

// labelColumn lists a metric's labels with their values, in order.
func labelColumn(f *dto.MetricFamily) string {
	values := map[string]map[string]bool{}
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if values[l.GetName()] == nil {
				values[l.GetName()] = map[string]bool{}
			}
			values[l.GetName()][l.GetValue()] = true
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, fmt.Sprintf("`%s`: %s", name, strings.Join(slices.Sorted(maps.Keys(values[name])), ", ")))
	}
	return strings.Join(out, "; ")
}

// pages are all Markdown files that we write.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"../README.md", "../CHANGELOG.md"}
	err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// Every command in a page's indented or fenced code and in code spans is one that the program has, with its flags.
func TestCommandsInTheDocumentationExist(t *testing.T) {
	command := regexp.MustCompile("(?m)(?:^ {4}|^|`|\\| )(?:\\$ )?(?:go run \\./cmd/telefonist|\\./telefonist|telefonist) ((?:calls|messages|agents|tenants|people|tokens|keys) [a-z]+|[a-z]+)\\b([^`\n]*)")
	flags := regexp.MustCompile(`--[a-z-]+`)
	help := map[string]string{}
	found := 0
	for _, page := range pages(t) {
		for _, m := range command.FindAllStringSubmatch(read(t, page), -1) {
			found++
			words := append(strings.Fields(m[1]), "--help")
			if help[m[1]] == "" {
				help[m[1]] = run(t, "", program(t), words...)
			}
			usage := "telefonist " + m[1]
			if !strings.Contains(help[m[1]], usage) {
				t.Errorf("%s: there is no command %s", page, usage)
			}
			for _, f := range flags.FindAllString(m[2], -1) {
				if !regexp.MustCompile(f + `(?m)([ ,]|$)`).MatchString(help[m[1]]) {
					t.Errorf("%s: %s has no flag %s", page, usage, f)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands found: the pattern no longer fits", found)
	}
}

// fences gives the fenced blocks of a language, with the name of the file that a comment in the first line says.
func fences(text, language string) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n# ([^\n ]+)[^\n]*\n(.*?)```").FindAllStringSubmatch(text, -1) {
		all[m[1]] = m[2]
	}
	return all
}

func TestREADMEsQuickStartIsCorrect(t *testing.T) {
	dir := t.TempDir()
	blocks := fences(read(t, "../README.md"), "yaml")
	for _, name := range []string{"telefonist.yaml", "tenants.yaml", "plan.yaml"} {
		if blocks[name] == "" {
			t.Fatalf("the README shows no %s", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(blocks[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "anna.password"), []byte("Uu3xqNcD5kQ2vJ8e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, program(t), "check", "--config", "telefonist.yaml")
	if _, err := config.ParsePlan("plan.yaml", []byte(blocks["plan.yaml"])); err != nil {
		t.Errorf("the README's plan: %v", err)
	}
}

func TestREADMESaysWhatRatingACaseGives(t *testing.T) {
	readme := read(t, "../README.md")
	m := regexp.MustCompile("(?s)```csv\n(.*?)```.*?```csv\n(.*?)```").FindStringSubmatch(readme)
	if m == nil {
		t.Fatal("the README shows no table of cases and what it gives")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cases.csv"), []byte(m[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, dir, program(t), "rate", "cases.csv"); strings.ReplaceAll(got, "\r", "") != m[2] {
		t.Errorf("telefonist rate gives\n%sthe README says\n%s", got, m[2])
	}
}

func TestREADMENamesEveryColumnExitCodeAndFieldOfThePlan(t *testing.T) {
	readme := read(t, "../README.md")
	if !strings.Contains(strings.ReplaceAll(readme, "\n", ""), strings.Join(billing.Columns, ",")) {
		t.Error("the README does not list the export's columns in their order")
	}
	for _, c := range billing.Columns {
		if !strings.Contains(readme, "\n| `"+c+"` |") {
			t.Errorf("the README does not say what the column %s means", c)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^  (\d)  .*$`).FindAllStringSubmatch(run(t, "", program(t), "--help"), -1) {
		if !regexp.MustCompile(`(?m)^\| ` + line[1] + ` \| `).MatchString(readme) {
			t.Errorf("the README does not name the exit code %s", line[1])
		}
	}
	for _, k := range config.Keys() {
		field, ofPlan := strings.CutPrefix(k.Path, "plans[].")
		if !ofPlan || field == "name" || field == "periods" || strings.HasPrefix(field, "periods.") && field != "periods.monday" && field != "periods.sunday" && field != "periods.holidays" {
			continue
		}
		if !strings.Contains(readme, "`"+field+"`") && !strings.Contains(readme, "`"+field+":") {
			t.Errorf("the README does not name the plan's field %s", field)
		}
	}
	for number, ore := range tariff.DefaultPlan().Prices {
		if !strings.Contains(readme, fmt.Sprintf("%d: %d", number, ore)) {
			t.Errorf("the README does not give the price of tariff %d", number)
		}
	}
}

// Each of the tests that docs/security.md names exists.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	text := read(t, "../docs/security.md")
	for n := 1; n <= 20; n++ {
		if !strings.Contains(text, fmt.Sprintf("\n| %d | ", n)) {
			t.Errorf("docs/security.md does not answer row %d", n)
		}
	}
	named := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(text, -1)
	if len(named) == 0 {
		t.Fatal("docs/security.md names no test")
	}
	for _, m := range named {
		files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(m[1]), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(f string) bool { return strings.Contains(read(t, f), "\nfunc "+m[2]+"(") }) {
			t.Errorf("docs/security.md names %s.%s, which does not exist", m[1], m[2])
		}
	}
}

// Each module that our code imports stands in the decision on libraries, with the version of go.mod.
func TestLibrariesThatAreImportedStandInTheirDecision(t *testing.T) {
	page := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z][^ ]*/[^ ]*) \| (v[^ ]+) \|`).FindAllStringSubmatch(
		read(t, "../docs/decisions/0003-libraries.md"), -1) {
		page[m[1]] = m[2]
	}
	versions := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)`).FindAllStringSubmatch(read(t, "../go.mod"), -1) {
		versions[m[1]] = m[2]
	}
	for module, version := range page {
		if versions[module] != version {
			t.Errorf("the page has %s %s, go.mod %q", module, version, versions[module])
		}
	}
	imports := run(t, "..", "go", "list", "-e", "-f", `{{join .Imports "\n"}}{{"\n"}}{{join .TestImports "\n"}}{{"\n"}}{{join .XTestImports "\n"}}`, "./...")
	for _, path := range strings.Fields(imports) {
		module := ""
		for m := range versions {
			if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(module) {
				module = m
			}
		}
		if module != "" && page[module] == "" {
			t.Errorf("%s is imported and does not stand on the page", module)
		}
	}
}
