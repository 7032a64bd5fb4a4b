package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"telefonist/app"
	"telefonist/config"
	"telefonist/sip"
	"telefonist/web"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(phonesRole); job != "" {
		if err := bePhones(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const tenants = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx}
agents:
 - {id: anna, name: Anna Ek, extension: "101", kind: service, password: hemligt-101}
`

func load(t testing.TB, dir, tenants string) *config.Config {
	t.Helper()
	main := fmt.Sprintf(`
sip: {listen: ["udp://127.31.0.1:0", "tcp://127.31.0.1:0"]}
media: {address: 127.31.0.1, ports: 40000-49999}
web: {listen: "127.31.0.1:0"}
store: {dir: %q}
trunks: [{name: pbx, allow: [127.31.0.2], target: "sip:127.31.0.2:5060"}]
drain_timeout: 0s
`, dir)
	cfg, err := config.LoadBytes("test.yaml", []byte(main), []byte(tenants))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func start(t testing.TB, cfg *config.Config) *app.App {
	t.Helper()
	var log io.Writer
	if _, quiet := t.(*testing.B); !quiet || os.Getenv("BENCHLOG") != "" {
		log = t.Output()
	}
	a, err := app.New(cfg, app.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// udpAddr is where a server takes SIP over UDP.
func udpAddr(a *app.App) netip.AddrPort {
	all := a.SIPAddrs()
	return all[slices.IndexFunc(all, func(s sip.Addr) bool { return s.Network == "udp" })].AddrPort
}

func get(t *testing.T, url string) int {
	t.Helper()
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestAServerStartsServesAndStops(t *testing.T) {
	dir := t.TempDir()
	a := start(t, load(t, dir, tenants))
	base := "http://" + a.WebAddr().String()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 200, "/nothing": 404} {
		if got := get(t, base+path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	socket, err := os.Stat(app.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if mode := socket.Mode().Perm(); mode != 0o600 {
		t.Errorf("administration socket has mode %v", mode)
	}
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(app.SocketPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("administration socket is left behind: %v", err)
	}
	if err := a.Ready(); err == nil {
		t.Error("a stopped server says that it is ready")
	}
}

func TestASecondServerOnOneStoreIsRefusedAndLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	a := start(t, load(t, dir, tenants))
	defer a.Stop(context.Background())
	b, err := app.New(load(t, dir, tenants), app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("start: %v", err)
	}
	if _, err := web.Dial(app.SocketPath(dir)); err != nil {
		t.Errorf("the first server's socket is gone: %v", err)
	}
}

func TestATakenPortUndoesTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.31.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	cfg := load(t, dir, tenants)
	cfg.Web.Listen.AddrPort = taken.Addr().(*net.TCPAddr).AddrPort()
	a, err := app.New(cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err == nil {
		t.Fatal("started on a taken port")
	}
	again := start(t, load(t, dir, tenants)) // the store was given up
	if err := again.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestProvisioningDisablesWhatIsTakenOutAndBringsItBack(t *testing.T) {
	dir := t.TempDir()
	a := start(t, load(t, dir, tenants))
	defer a.Stop(context.Background())
	agents := func() int {
		c, err := web.Dial(app.SocketPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		snap, err := c.Live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(snap.Agents)
	}
	if n := agents(); n != 1 {
		t.Fatalf("%d agents", n)
	}
	without := strings.Split(tenants, "agents:")[0]
	for _, step := range []struct {
		tenants string
		want    int
	}{{without, 0}, {tenants, 1}} {
		if err := a.Reload(load(t, dir, step.tenants)); err != nil {
			t.Fatal(err)
		}
		if n := agents(); n != step.want {
			t.Errorf("%d agents after a reload, want %d", n, step.want)
		}
	}
}

func TestAPromptThatIsNoWAVIsAnErrorWithItsLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "music.wav")
	if err := os.WriteFile(file, []byte("no wave"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadBytes("test.yaml", []byte("media:\n  prompts:\n    music: "+file+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.New(cfg, app.Options{})
	var all config.Errors
	if !errors.As(err, &all) || all[0].Line != 3 {
		t.Errorf("error %v", err)
	}
}
