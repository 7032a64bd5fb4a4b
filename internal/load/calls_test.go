//go:build linux && (amd64 || arm64)

package load

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(Role) != "" {
		os.Exit(Serve())
	}
	goleak.VerifyTestMain(m)
}

const patience = 60 * time.Second

// generatorSockets is how many sockets the far sides of all calls share: few, so that a system call of the generator sends
// or takes many packets and the cores are the server's.
const generatorSockets = 4

// bench is a whole server in a process of its own, its far sides, and a generator of their audio.
type bench struct {
	t      testing.TB
	net    string
	cmd    *exec.Cmd
	log    string
	trunk  *side
	phones *side
	gen    *Generator
	fars   atomic.Int64
	placed int
	legs   []*talk // that stand, of both sides, the oldest first
}

// build makes the server's binary, or takes the one that TELEFONIST_BIN names.
func build(t testing.TB) string {
	if bin := os.Getenv("TELEFONIST_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "telefonist")
	cmd := exec.Command("go", "build", "-o", bin, "telefonist/cmd/telefonist")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// The forms of a bench: what carries the audio of the trunk's legs, and where the agents are.
const (
	ownPorts    = "own"         // a port pair for each leg
	sharedPorts = "shared"      // the trunk's legs share ports, the phones' do not
	sharedBoth  = "shared-both" // all legs share ports: the agents are extensions behind the trunk
)

// newBench starts a server with agents, and a generator.
func newBench(t testing.TB, network string, agents int, form string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, net: network, log: filepath.Join(dir, "log")}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("telefonist.yaml", fmt.Sprintf(`
sip: {listen: ["udp://%[1]s1:5060"]}
media: {address: %[1]s1, ports: 10000-31999, timeout: {first: 5m, steady: 5m}}
web: {listen: "%[1]s1:8080"}
store: {dir: data}
log: {level: warn}
trunks: [{name: pbx, allow: [%[1]s10], target: "sip:%[1]s10:5060", media: %[2]s}]
provision: [tenants.yaml]
drain_timeout: 1s
`, network, strings.TrimSuffix(form, "-both")))
	var people strings.Builder
	service := ""
	if form == sharedBoth {
		service = ", service: with_own"
	}
	for i := range agents {
		if form == sharedBoth {
			fmt.Fprintf(&people, "  - {id: a%d, name: a%d, trunk_extension: \"%d\", kind: tenant, tenant: acme, wrap_up: 0s}\n", i, i, 70000+i)
			continue
		}
		fmt.Fprintf(&people, "  - {id: a%d, name: a%d, extension: \"%d\", kind: service, password: a%d-secret, wrap_up: 0s}\n", i, i, 70000+i, i)
	}
	write("tenants.yaml", `
tenants:
  - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, common_numbers: [{name: A, number: "+4684000001"}]`+service+`}
agents:
`+people.String())
	b.start(build(t), dir)
	ip := func(last string, port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(network+last), port)
	}
	gen, err := Start(generatorSockets)
	if err != nil {
		t.Fatal(err)
	}
	b.gen = gen
	// The audio's address differs from the signalling's, as behind a border controller.
	b.trunk = newSide(t, ip("10", 5060), ip("1", 5060), b.far)
	b.phones = newSide(t, ip("21", 5060), ip("1", 5060), b.far)
	t.Cleanup(b.close)
	for i := range agents {
		if form == sharedBoth {
			break
		}
		if err := b.phones.register(fmt.Sprint("a", i), fmt.Sprintf("a%d-secret", i)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// far is the next far side's address, of either side.
func (b *bench) far() netip.AddrPort { return b.gen.Far(int(b.fars.Add(1)) % 65000) }

func (b *bench) start(bin, dir string) {
	b.t.Helper()
	log, err := os.Create(b.log)
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	b.cmd = exec.Command(bin, "serve", "--config", filepath.Join(dir, "telefonist.yaml"))
	if n := os.Getenv("TELEFONIST_BENCH_NICE"); n != "" { // as Nice= of systemd
		b.cmd = exec.Command("nice", append([]string{"-n", n}, b.cmd.Args...)...)
	}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.await("the server to be ready", func() bool {
		res, err := http.Get("http://" + b.net + "1:8080/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (b *bench) close() {
	b.trunk.close()
	b.phones.close()
	if err := b.gen.Close(); err != nil {
		b.t.Error(err)
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
	http.DefaultClient.CloseIdleConnections()
	if text, err := os.ReadFile(b.log); err == nil && b.t.Failed() {
		b.t.Logf("server log:\n%s", text[max(0, len(text)-8000):])
	}
}

func (b *bench) await(what string, so func() bool) {
	b.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			text, _ := os.ReadFile(b.log)
			b.t.Fatalf("gave up waiting for %s\n%s", what, text[max(0, len(text)-8000):])
		}
	}
}

// call sets up n calls at a pace and returns the streams of both sides, and the callers' ends.
func (b *bench) call(n int) (streams []Stream, calls []*talk) {
	b.t.Helper()
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for range n {
		<-pace.C
		b.placed++
		b.trunk.place(b.placed, "+46850000001")
	}
	deadline := time.After(patience)
	for len(streams) < 2*n {
		var c *talk
		select {
		case c = <-b.trunk.up:
			if c.target != "" {
				calls = append(calls, c)
			}
		case c = <-b.phones.up:
		case <-deadline:
			text, _ := os.ReadFile(b.log)
			b.t.Fatalf("only %d of %d legs stand\n%s", len(streams), 2*n, text[max(0, len(text)-8000):])
		}
		streams, b.legs = append(streams, c.stream), append(b.legs, c)
	}
	return streams, calls
}

// streams are those of all legs that stand.
func (b *bench) streams() (out []Stream) {
	for _, c := range b.legs {
		out = append(out, c.stream)
	}
	return out
}

// oldest are the callers' ends of the n calls that have stood longest.
func (b *bench) oldest(n int) (out []*talk) {
	for _, c := range b.legs {
		if c.target != "" && len(out) < n {
			out = append(out, c)
		}
	}
	return out
}

// end ends calls and waits until both sides know.
func (b *bench) end(calls []*talk) {
	b.t.Helper()
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for _, c := range calls {
		<-pace.C
		b.trunk.hangUp(c)
	}
	deadline := time.After(patience)
	for range 2 * len(calls) {
		var c *talk
		select {
		case c = <-b.trunk.down:
		case c = <-b.phones.down:
		case <-deadline:
			b.t.Fatal("not every call has ended")
		}
		b.legs = slices.DeleteFunc(b.legs, func(other *talk) bool { return other == c })
	}
}

// metric reads a number from /metrics, -1 where it is missing.
func (b *bench) metric(name string) float64 {
	b.t.Helper()
	return metricIn(b.text("/metrics"), name)
}

func metricIn(text, name string) float64 {
	out := -1.0
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			out, _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return out
}

func (b *bench) text(path string) string {
	b.t.Helper()
	out, err := get("http://" + b.net + "1:8080" + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// cpu is what a process has used, exact to 10 ms.
func cpu(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// resident is a process's memory in bytes.
func resident(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(value)[0])
			return kb << 10
		}
	}
	return 0
}

// resident is the server's memory in bytes.
func (b *bench) resident() int { return resident(b.cmd.Process.Pid) }

func (b *bench) descriptors() int {
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid))
	return len(files)
}

func TestCallsThroughTheWholeServerLoseNothing(t *testing.T) {
	b := newBench(t, "127.32.1.", 5, ownPorts)
	streams, calls := b.call(5)
	r, err := b.gen.Run(Spec{Streams: streams, Reports: true, Warm: 200 * time.Millisecond, Measure: time.Second},
		func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent != 500 || r.Lost() != 0 || r.Disordered != 0 || r.Sources < 10 {
		t.Errorf("%+v", r)
	}
	b.end(calls)
	b.await("all ports to be free", func() bool { return b.metric("telefonist_media_sessions") == 0 })
}

// BenchmarkCalls is the whole server under two-way G.711 calls: CPU time and memory of its process alone.
func BenchmarkCalls(b *testing.B) {
	for _, calls := range setting("TELEFONIST_BENCH_CALLS", 500, 1000, 2000) {
		for _, form := range forms() {
			b.Run(fmt.Sprintf("%s/calls=%d", form, calls), func(b *testing.B) { benchCalls(b, form, calls) })
		}
	}
}

// forms are those that TELEFONIST_BENCH_FORMS names, or all.
func forms() []string {
	all := []string{ownPorts, sharedPorts, sharedBoth}
	if only := strings.Fields(os.Getenv("TELEFONIST_BENCH_FORMS")); len(only) > 0 {
		all = slices.DeleteFunc(all, func(f string) bool { return !slices.Contains(only, f) })
	}
	return all
}

func benchCalls(b *testing.B, form string, calls int) {
	s := newBench(b, "127.32.2.", calls, form)
	idle := s.resident()
	streams, talks := s.call(calls)
	measure(b, s.gen, streams, s.cmd.Process.Pid).report(b)
	b.ReportMetric(float64(s.resident()-idle)/1024/float64(calls), "KB/call")
	s.end(talks)
}

// figures are what several rounds of a benchmark saw.
type figures struct {
	perPacket, p50, p99 []float64 // µs of CPU, ms, ms
	lost, disordered    int
}

// measure sends streams through a process in rounds.
func measure(b *testing.B, gen *Generator, streams []Stream, pid int) (f figures) {
	b.Helper()
	for range setting("TELEFONIST_BENCH_ROUNDS", 3)[0] {
		var before, after time.Duration
		r, err := gen.Run(Spec{Streams: streams, Reports: true, Warm: time.Second,
			Measure: time.Duration(setting("TELEFONIST_BENCH_SECONDS", 3)[0]) * time.Second},
			func() { before = cpu(pid) }, func() { after = cpu(pid) })
		if err != nil {
			b.Fatal(err)
		}
		f.perPacket = append(f.perPacket, float64((after-before).Nanoseconds())/1e3/float64(r.Sent))
		f.p50 = append(f.p50, float64(r.P50)/1e6)
		f.p99 = append(f.p99, float64(r.P99)/1e6)
		f.lost += r.Lost()
		f.disordered += r.Disordered
	}
	return f
}

// report gives the medians.
func (f figures) report(b *testing.B) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(f.perPacket), "µs/packet")
	b.ReportMetric(median(f.p50), "p50-ms")
	b.ReportMetric(median(f.p99), "p99-ms")
	b.ReportMetric(float64(f.lost), "lost")
	b.ReportMetric(float64(f.disordered), "disordered")
}

func median(v []float64) float64 {
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

// setting reads numbers from the environment, such as "500 1000".
func setting(name string, otherwise ...int) []int {
	var out []int
	for _, f := range strings.Fields(os.Getenv(name)) {
		if n, err := strconv.Atoi(f); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return otherwise
	}
	return out
}

func get(url string) (string, error) {
	res, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
