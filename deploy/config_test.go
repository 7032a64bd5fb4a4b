package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"telefonist/config"
	"telefonist/tariff"
)

var defaultConfig = config.Default()

// installed copies the example configuration to a folder and makes the password files that it asks for.
func installed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"telefonist.yaml", "tenants.yaml"} {
		write(name, read(t, name))
	}
	write("secrets/anna", "Uu3xqNcD5kQ2vJ8e\n")
	write("secrets/bo", "b7TfRz0LpWm4Ys1h\n")
	return filepath.Join(dir, "telefonist.yaml")
}

func TestExampleConfigurationIsCorrectAndWithoutWarnings(t *testing.T) {
	file := installed(t)
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatalf("load the example: %v", err)
	}
	if w := cfg.Warnings(); len(w) > 0 {
		t.Errorf("the example has warnings: %v", w)
	}
	out, err := exec.CommandContext(t.Context(), program(t), "check", "--config", file).CombinedOutput()
	if err != nil {
		t.Errorf("telefonist check: %v\n%s", err, out)
	}
}

func TestExampleConfigurationAsksForPasswordsOfItsOwn(t *testing.T) {
	file := installed(t)
	if err := os.RemoveAll(filepath.Join(filepath.Dir(file), "secrets")); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(file); err == nil {
		t.Error("the example is taken without anybody having chosen a password")
	}
}

// What the example says is a default is one.
func TestExampleConfigurationShowsTheDefaults(t *testing.T) {
	text := read(t, "telefonist.yaml")
	cfg, err := config.Parse("telefonist.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Store.Dir = "/var/lib/telefonist"
	for name, pair := range map[string][2]any{
		"sip": {cfg.SIP, want.SIP}, "web": {cfg.Web.Listen, want.Web.Listen}, "store": {cfg.Store, want.Store},
		"media.address": {cfg.Media.Address, want.Media.Address}, "media.ports": {cfg.Media.Ports, want.Media.Ports},
		"media.timeout": {cfg.Media.Timeout, want.Media.Timeout}, "log": {cfg.Log, want.Log}, "queue": {cfg.Queue, want.Queue},
		"default_plan": {cfg.DefaultPlan, want.DefaultPlan}, "drain_timeout": {cfg.DrainTimeout, want.DrainTimeout},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the example has %v, the default is %v", name, pair[0], pair[1])
		}
	}
	provision := read(t, "tenants.yaml")
	for _, k := range config.Keys() {
		where := text
		if strings.HasPrefix(k.Path, "tenants") || strings.HasPrefix(k.Path, "agents") {
			where = provision
		}
		key := k.Path[strings.LastIndexByte(k.Path, '.')+1:]
		if !regexp.MustCompile(`(?m)(^|[ {#])` + regexp.QuoteMeta(key) + `[:,. ]`).MatchString(where) {
			t.Errorf("the examples do not show %s", k.Path)
		}
	}
}

// The plan that stands there as a comment may be taken out of it, and is the default but for its name.
func TestPlanInTheExampleIsTheDefault(t *testing.T) {
	_, text, found := strings.Cut(read(t, "telefonist.yaml"), "\n# plans:\n")
	text, _, _ = strings.Cut(text, "\n\n")
	if !found {
		t.Fatal("the example shows no plan")
	}
	cfg, err := config.Parse("plans.yaml", []byte("plans:\n"+regexp.MustCompile(`(?m)^# `).ReplaceAllString(text, "")))
	if err != nil {
		t.Fatal(err)
	}
	want := tariff.DefaultPlan()
	want.ID, want.Name = "standard-2027", "Standard 2027"
	if len(cfg.Plans) != 1 || !reflect.DeepEqual(cfg.Plans[0], want) {
		t.Errorf("the example's plan is %+v, the default %+v", cfg.Plans, want)
	}
}

// The unit starts the program by a command and flags that it has, and gives it longer to stop than it takes.
func TestSystemdUnitFitsTheProgram(t *testing.T) {
	unit := read(t, "systemd/telefonist.service")
	lines := regexp.MustCompile(`(?m)^Exec\w+=/usr/bin/telefonist (\w+) (.*)$`).FindAllStringSubmatch(unit, -1)
	if len(lines) < 2 {
		t.Fatal("the unit does not start the program")
	}
	for _, l := range lines {
		help := run(t, "", program(t), l[1], "--help")
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(l[2], -1) {
			if !strings.Contains(help, flag+" ") {
				t.Errorf("telefonist %s has no flag %s", l[1], flag)
			}
		}
	}
	stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(unit)
	if stop == nil {
		t.Fatal("the unit has no TimeoutStopSec")
	}
	limit, err := time.ParseDuration(stop[1])
	if err != nil || limit < defaultConfig.DrainTimeout+15*time.Second {
		t.Errorf("TimeoutStopSec=%s leaves no room after drain_timeout %s", stop[1], defaultConfig.DrainTimeout)
	}
}

func TestSystemdTakesTheUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil { // also under CI: a container has no systemd
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	unit := strings.ReplaceAll(read(t, "systemd/telefonist.service"), "/usr/bin/telefonist", program(t))
	file := filepath.Join(dir, "telefonist.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out := run(t, "", verify, "verify", "--man=no", file)
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "telefonist.service") { // it warns of unknown keys without failing
			t.Error(line)
		}
	}
}

func TestContainerRunsTheProgramAsTheUnitDoes(t *testing.T) {
	text := []byte(read(t, "Containerfile"))
	for _, want := range []string{`CGO_ENABLED=0`, `FROM scratch`, `"serve", "--config", "/etc/telefonist/telefonist.yaml"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the Containerfile lacks %s", want)
		}
	}
}
