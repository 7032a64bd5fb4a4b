package demo_test

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/app/demo"
	"telefonist/call"
	"telefonist/config"
	"telefonist/record"
	"telefonist/tariff"
)

// server is a real server in this process, as `telefonist demo` starts it.
type server struct {
	app *app.App
	log bytes.Buffer

	mu      sync.Mutex
	records []record.Record
	watch   func(h *record.Head, e call.Entry, ended *record.Record)
}

func (s *server) observe(h *record.Head, e call.Entry, ended *record.Record) {
	s.watch(h, e, ended)
	if ended == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, *ended)
}

func (s *server) kept() []record.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

func start(t *testing.T, w *demo.World, l demo.Limits, watch func(h *record.Head, e call.Entry, ended *record.Record)) (*server, netip.AddrPort) {
	t.Helper()
	local := netip.MustParseAddrPort("127.0.0.1:0")
	main, tenants, err := demo.Setup{SIP: local, Web: local, Store: t.TempDir(), Ports: "24000-24399", PBX: w.PBX(), Limits: l,
		Agents: w.Agents()}.Files()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadBytes("telefonist.yaml", main, tenants)
	if err != nil {
		t.Fatalf("the sample configuration is refused: %v", err)
	}
	s := &server{watch: watch}
	if s.app, err = app.New(cfg, app.Options{Log: &s.log, Observe: s.observe}); err != nil {
		t.Fatal(err)
	}
	if err := s.app.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.app.SIPAddrs() {
		if a.Network == "udp" {
			return s, a.AddrPort
		}
	}
	t.Fatal("the server has no UDP socket")
	panic("unreachable")
}

func TestTwentyCallsAddUpAndShowAllTariffs(t *testing.T) {
	limits := demo.DefaultLimits
	w, err := demo.Open(demo.Config{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	table := demo.NewTable(&out)
	s, addr := start(t, w, limits, table.Observe)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	begun := time.Now()
	expected, err := w.Run(ctx, demo.Options{Server: addr, Calls: 20, Seed: 1, Happened: table.Happened})
	t.Logf("played for %v", time.Since(begun).Round(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(ctx); err != nil {
		t.Errorf("close the world: %v", err)
	}
	if err := s.app.Stop(ctx); err != nil {
		t.Errorf("stop the server: %v", err)
	}
	table.Close()
	records := s.kept()
	for _, m := range demo.Check(expected, records) {
		t.Error(m)
	}
	seen := map[tariff.Tariff]bool{}
	for _, r := range records {
		if r.Row != nil {
			seen[r.Row.Tariff[0]] = true
		}
	}
	if len(seen) != 6 || len(expected) != 20 {
		t.Errorf("%d calls were placed, tariffs seen: %v", len(expected), seen)
	}
	if t.Failed() {
		t.Logf("table:\n%s", out.String())
		t.Logf("log:\n%s", s.log.String())
	}
	for _, s := range demo.Scenarios {
		if !slices.ContainsFunc(expected, func(e demo.Expectation) bool { return e.Scenario == s }) {
			t.Errorf("scenario %s was not played", s)
		}
	}
	if !strings.Contains(out.String(), "Acme · ") {
		t.Error("the table does not name the entrance")
	}
}

func TestAWorldThatIsStoppedLeavesNothingBehind(t *testing.T) {
	limits := demo.Limits{Included: 2 * time.Second, Long: 5 * time.Second}
	w, err := demo.Open(demo.Config{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run, stop := context.WithCancel(ctx)
	var once sync.Once
	s, addr := start(t, w, limits, func(_ *record.Head, e call.Entry, _ *record.Record) {
		if e.Kind == call.KindConsult { // in the middle of everything
			once.Do(stop)
		}
	})
	expected, err := w.Run(run, demo.Options{Server: addr, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(ctx); err != nil {
		t.Errorf("close the world: %v", err)
	}
	if err := s.app.Stop(ctx); err != nil {
		t.Errorf("stop the server: %v", err)
	}
	if len(expected) == 0 || !slices.ContainsFunc(expected, func(e demo.Expectation) bool { return e.Broken }) {
		t.Errorf("nothing was broken off: %+v", expected)
	}
	for _, m := range demo.Check(expected, s.kept()) {
		t.Error(m)
	}
}
