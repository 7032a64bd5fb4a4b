package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"telefonist/billing"
)

// TestMain leaves the tests out where they are not asked for: they need packages and a built binary.
func TestMain(m *testing.M) {
	if os.Getenv("TELEFONIST_PEERS") == "" {
		fmt.Println("peers: run by make peers")
		return
	}
	_ = flag.Set("test.parallel", "6") // they wait far more than they work
	code := m.Run()
	closeBrowser()
	os.Exit(code)
}

// patience is how long a test waits for anything before it gives up and shows the logs.
const patience = 60 * time.Second

// net127 hands out networks: each test has 127.20.N.0/24 of its own, or 127.21.N.0/24 where there are more.
var net127 atomic.Int32

// server is one running telefonist with its network and folder.
type server struct {
	t      *testing.T
	dir    string
	net    string // "127.20.3."
	config string
	cmd    *exec.Cmd
	log    *os.File
	exited chan error
}

// setup says what a test's server is configured with beside the defaults.
type setup struct {
	agents  []string // ids; the password of each is id + "-secret", the extension 101, 102, …
	tenants string   // YAML of one tenant's further keys
	extra   string   // YAML lines of the main file
	sip     string   // further keys of sip: ", unknown_source: answer"
	media   string   // further keys of media
	agent   string   // further keys of every agent: ", srtp: required"
	more    string   // YAML lines of further agents
	trunk   string   // further keys of the trunk
}

func binary(t *testing.T) string {
	bin := os.Getenv("TELEFONIST_BIN")
	if bin == "" {
		t.Fatal("TELEFONIST_BIN names no binary: run make peers")
	}
	return bin
}

// freeNet is a network that no other process tests in.
func freeNet(t *testing.T) string {
	t.Helper()
	for range 500 {
		n := net127.Add(1)
		prefix := fmt.Sprintf("127.%d.%d.", 20+n/250, 1+n%250)
		if c, err := net.ListenPacket("udp4", prefix+"1:5060"); err == nil {
			c.Close()
			return prefix
		}
	}
	t.Fatal("no network is free")
	return ""
}

// newServer writes a configuration and starts the server.
func newServer(t *testing.T, s setup) *server {
	srv := &server{t: t, dir: t.TempDir(), net: freeNet(t)}
	srv.config = filepath.Join(srv.dir, "telefonist.yaml")
	main := fmt.Sprintf(`
sip: {listen: ["udp://%[1]s1:5060", "tcp://%[1]s1:5060"]%[3]s}
media: {address: %[1]s1, ports: 20000-29999%[4]s}
web: {listen: "%[1]s1:8080"}
store: {dir: data}
trunks: [{name: pbx, allow: [%[1]s10], target: "sip:%[1]s10:5080"%[5]s}]
provision: [tenants.yaml]
drain_timeout: 5s
%[2]s
`, srv.net, s.extra, s.sip, s.media, s.trunk)
	var agents strings.Builder
	for i, id := range s.agents {
		fmt.Fprintf(&agents, "  - {id: %s, name: %s, extension: \"%d\", kind: service, password: %s-secret, wrap_up: 0s%s}\n", id, id, 101+i, id, s.agent)
	}
	tenants := fmt.Sprintf(`
tenants:
  - id: acme
    name: Acme AB
    number: "+46850000001"
    trunk: pbx
    common_numbers: [{name: Försäljning, number: "+4684000001"}, {name: Support, number: "+4684000002"}]
%s
agents:
%s`, s.tenants, agents.String()+s.more)
	srv.write("telefonist.yaml", main)
	srv.write("tenants.yaml", tenants)
	log, err := os.Create(filepath.Join(srv.dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	srv.log = log
	t.Cleanup(srv.cleanup)
	srv.start()
	return srv
}

func (s *server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the server and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(binary(s.t), "serve", "--config", s.config)
	s.cmd.Stderr = s.log
	s.cmd.Stdout = s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exited = make(chan error, 1)
	cmd, exited := s.cmd, s.exited
	go func() { exited <- cmd.Wait() }()
	s.await("the server to be ready", func() bool { return s.status("/readyz") == http.StatusOK })
}

// await asks again and again until it is so.
func (s *server) await(what string, so func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case err := <-s.exited:
			s.exited <- err
			s.t.Fatalf("server ended (%v) while waiting for %s", err, what)
		case <-deadline:
			s.t.Fatalf("gave up waiting for %s", what)
		}
	}
}

func (s *server) status(path string) int {
	c := http.Client{Timeout: 2 * time.Second}
	res, err := c.Get("http://" + s.net + "1:8080" + path)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// metrics returns the text of /metrics.
func (s *server) metrics() string {
	s.t.Helper()
	res, err := http.Get("http://" + s.net + "1:8080/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// terminate asks the server to stop, as systemd does.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) awaitExit() error {
	s.t.Helper()
	select {
	case err := <-s.exited:
		s.exited <- err
		return err
	case <-time.After(patience):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // goroutines to the log
		s.t.Fatal("server did not end")
		return nil
	}
}

// kill is what a power cut or the OOM killer does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.awaitExit()
}

func (s *server) cleanup() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-s.exited:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
		}
	}
	s.log.Close()
	if s.t.Failed() {
		if text, err := os.ReadFile(s.log.Name()); err == nil {
			s.t.Logf("server log:\n%s", tail(text, 16<<10))
		}
	}
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

// cli runs the program's own command line and returns what it printed.
func (s *server) cli(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary(s.t), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("telefonist %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// calls exports every record.
func (s *server) calls() []billing.Line {
	s.t.Helper()
	var lines []billing.Line
	if err := json.Unmarshal([]byte(s.cli("calls", "export", "--format", "json", "--store", filepath.Join(s.dir, "data"))), &lines); err != nil {
		s.t.Fatal(err)
	}
	return lines
}

// awaitCalls waits until n calls have ended and returns them.
func (s *server) awaitCalls(n int) []billing.Line {
	s.t.Helper()
	var lines []billing.Line
	s.await(fmt.Sprintf("%d call records", n), func() bool {
		lines = s.calls()
		return len(lines) >= n
	})
	if len(lines) > n {
		s.t.Fatalf("%d call records, want %d: %+v", len(lines), n, lines)
	}
	return lines
}

// awaitAgents waits until n agents are in a state.
func (s *server) awaitAgents(n int, state string) {
	s.t.Helper()
	want := fmt.Sprintf("telefonist_agents{state=%q} %d\n", state, n)
	s.await(fmt.Sprintf("%d agents %s", n, state), func() bool { return strings.Contains(s.metrics(), want) })
}

// awaitMetric waits until /metrics has a line.
func (s *server) awaitMetric(line string) {
	s.t.Helper()
	s.await(line, func() bool { return strings.Contains(s.metrics(), line+"\n") })
}
