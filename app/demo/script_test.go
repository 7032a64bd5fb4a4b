package demo

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"telefonist/config"
	"telefonist/tariff"
)

func TestTwentyCallsHoldEveryScenarioAndEveryTariff(t *testing.T) {
	scenarios, tariffs := map[Scenario]bool{}, map[tariff.Tariff]bool{}
	for _, s := range acts {
		e := s.expected()
		scenarios[s.scenario] = true
		if len(e.Tariffs) == 1 { // not the one that depends on the time of day
			tariffs[e.Tariffs[0]] = true
		}
	}
	if len(acts) != 20 || len(scenarios) != len(Scenarios) || len(tariffs) != 6 {
		t.Errorf("%d acts, %d of %d scenarios, tariffs %v", len(acts), len(scenarios), len(Scenarios), tariffs)
	}
}

func TestTheSeedDecidesTheScript(t *testing.T) {
	play := func(seed uint64) []scene { return round(20, time.Second, rand.New(rand.NewPCG(seed, 0))) }
	if !reflect.DeepEqual(play(1), play(1)) {
		t.Error("the same seed plays two scripts")
	}
	if reflect.DeepEqual(play(1), play(2)) {
		t.Error("two seeds play the same script")
	}
}

func TestTheSampleConfigurationHoldsWhatTheScriptSays(t *testing.T) {
	agents := NewAgents()
	main, tenants, err := Setup{
		SIP: netip.MustParseAddrPort("127.0.0.1:5060"), Web: netip.MustParseAddrPort("127.0.0.1:8080"),
		Store: `/a "folder"`, PBX: netip.MustParseAddrPort("127.0.0.1:5070"), Agents: agents,
	}.Files()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadBytes("telefonist.yaml", main, tenants)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Store.Dir != `/a "folder"` {
		t.Errorf("store in %s", cfg.Store.Dir)
	}
	_, dir, err := cfg.Apply(config.State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range sampleTenants {
		got, known := dir.TenantByNumber(want.number)
		if !known || got.ID != want.id || len(got.Common) != 2 || got.Rules.RingFirst != want.ring {
			t.Errorf("tenant %s: %+v", want.id, got)
			continue
		}
		for i, e := range want.entrances {
			if got.Common[i].Name != e.name || got.Common[i].Number != e.number {
				t.Errorf("%s: common number %d is %+v, the script says %+v", want.id, i, got.Common[i], e)
			}
		}
		r := got.Rules
		if r.Included != 4*time.Second || r.Long != 10*time.Second || r.Warn != 3*time.Second {
			t.Errorf("%s: marks at %v, %v and %v", want.id, r.Warn, r.Included, r.Long)
		}
	}
	for _, want := range agents {
		got, known := dir.Agent(want.ID)
		if !known || got.Extension != want.Extension || string(got.Password) != want.Password || got.Name != want.Name {
			t.Errorf("agent %s: %+v", want.ID, got)
		}
	}
	if _, known := dir.TenantByNumber(nobodys); known {
		t.Error("nobody's number is somebody's")
	}
}

func TestTheDayPeriodsOfTheSampleDoNotDependOnTheClock(t *testing.T) {
	main, tenants, err := Setup{SIP: netip.MustParseAddrPort("127.0.0.1:5060"), Web: netip.MustParseAddrPort("127.0.0.1:8080"),
		Store: "x", PBX: netip.MustParseAddrPort("127.0.0.1:5070"), Agents: NewAgents()}.Files()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadBytes("telefonist.yaml", main, tenants)
	if err != nil {
		t.Fatal(err)
	}
	day, _ := cfg.Plan("always-day")
	evening, _ := cfg.Plan("always-evening")
	for at := time.Date(2026, 12, 20, 0, 30, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(time.Hour) {
		if p := day.PeriodAt(at); p.String() != "day" {
			t.Errorf("always-day at %v: %v", at, p)
		}
		if p := evening.PeriodAt(at); p.String() != "evening_weekend" {
			t.Errorf("always-evening at %v: %v", at, p)
		}
	}
}

func TestLimitsAreReadAndRefused(t *testing.T) {
	if l, err := ParseLimits("4s, 10s"); err != nil || l != DefaultLimits || l.String() != "4s,10s" {
		t.Errorf("4s,10s: %v, %v", l, err)
	}
	if l, err := ParseLimits("45s,2m"); err != nil || l.Long != 2*time.Minute {
		t.Errorf("45s,2m: %v, %v", l, err)
	}
	for text, want := range map[string]string{
		"": "write", "4s": "write", "4,10": "write", "1s,10s": "at least 2s", "4s,5s": "twice", "10s,4s": "twice",
		"4s,10000001us": "whole milliseconds",
	} {
		if _, err := ParseLimits(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}
