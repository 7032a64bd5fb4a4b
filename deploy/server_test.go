package deploy_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"telefonist/app"
	"telefonist/config"
)

// idle is a server that has nothing to do, on loopback and free ports.
const idle = `
sip: {listen: [udp://127.0.0.1:0, tcp://127.0.0.1:0]}
media: {address: 127.0.0.1}
web: {listen: 127.0.0.1:0}
trunks: [{name: pbx, allow: [127.0.0.1], target: "sip:127.0.0.1:5060"}]
`

// ours gives the metrics of the program that has just been started, and of those of Go and the process the one that an
// alert names.
var ours = sync.OnceValues(scrape)

func scrape() (map[string]*dto.MetricFamily, error) {
	dir, err := os.MkdirTemp("", "telefonist-deploy")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cfg, err := config.LoadBytes(filepath.Join(dir, "telefonist.yaml"), []byte(idle))
	if err != nil {
		return nil, err
	}
	a, err := app.New(cfg, app.Options{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = a.Stop(ctx) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.WebAddr().String()+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	for name := range families {
		if !strings.HasPrefix(name, "telefonist_") && name != "process_start_time_seconds" {
			delete(families, name)
		}
	}
	return families, err
}

func metrics(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := ours()
	if err != nil {
		t.Fatalf("start a server and read its metrics: %v", err)
	}
	return families
}

// built is the folder of the program; written by build, read when the tests are over.
var built string

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "telefonist-deploy")
	if err != nil {
		return "", err
	}
	built = dir
	binary := filepath.Join(dir, "telefonist")
	cmd := exec.Command("go", "build", "-o", binary, "telefonist/cmd/telefonist")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

// program gives the path of the program, built as it is shipped.
func program(t *testing.T) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return binary
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// tool gives the path of an outside program. Without it the test is skipped, but never under CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // where Debian puts servers, which is not in everybody's PATH
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: run make deps", name)
	} else if err != nil {
		t.Skipf("%s is not installed: run make deps", name)
	}
	return path
}

// run runs an outside program in a folder and fails with what it printed.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
