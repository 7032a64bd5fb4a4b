package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
)

// hoursOf reads hours as they stand in a file.
func hoursOf(t *testing.T, text string) (calendar.Hours, error) {
	t.Helper()
	p, err := ParseProvision("x.yaml", []byte("tenants:\n- id: acme\n  number: \"+46850000001\"\n  trunk: pbx\n  hours: "+text+"\n"))
	if err != nil {
		return calendar.Hours{}, err
	}
	return p.Tenants[0].Hours.Hours, nil
}

func week(p *calendar.Periods) string {
	var days []string
	for i, name := range weekdays {
		if w := *dayWindows(p, i); len(w) > 0 {
			days = append(days, name[:3]+fmt.Sprint(w))
		}
	}
	if len(p.Holidays) > 0 {
		days = append(days, "hol"+fmt.Sprint(p.Holidays))
	}
	return strings.Join(days, " ")
}

func TestOpeningHoursAreWrittenInManyWays(t *testing.T) {
	const office = "[08:00-12:00 13:00-17:00]"
	for text, want := range map[string]string{
		`{mon-tue: "08:00-12:00 13:00-17:00"}`:                          "mon" + office + " tue" + office,
		`{mon: "08:00-12:00, 13:00-17:00"}`:                             "mon" + office,
		`{Monday: "08:00 - 12:00  13:00 – 17:00"}`:                      "mon" + office,
		`{"mon, wed": ["08:00-12:00", "13:00 - 17:00"]}`:                "mon" + office + " wed" + office,
		`{sat-mon: 00:00-24:00}`:                                        "mon[00:00-24:00] sat[00:00-24:00] sun[00:00-24:00]",
		`{sun-sun: "10:00-11:00:30", holidays: "10:00-12:00"}`:          "sun[10:00-11:00:30] hol[10:00-12:00]",
		`{fri: closed, holidays: closed}`:                               "",
		"\n    mon-fri: 08:00-17:00\n    sat: 10:00-14:00":              "mon[08:00-17:00] tue[08:00-17:00] wed[08:00-17:00] thu[08:00-17:00] fri[08:00-17:00] sat[10:00-14:00]",
		`{"mon-thu,sat": "08:00-09:00", "holidays,fri": "09:00-10:00"}`: "mon[08:00-09:00] tue[08:00-09:00] wed[08:00-09:00] thu[08:00-09:00] fri[09:00-10:00] sat[08:00-09:00] hol[09:00-10:00]",
	} {
		h, err := hoursOf(t, text)
		if err != nil || h.Week == nil || week(h.Week) != want || len(h.Days) > 0 {
			t.Errorf("%s: %+v, %v, want %s", text, h, err, want)
		}
	}
	h, err := hoursOf(t, `{2026-12-24 to 2026-12-26: closed, "2026-12-23": "08:00-12:00"}`)
	if err != nil || fmt.Sprint(h.Days) != "[{2026-12-23 [08:00-12:00] } {2026-12-24 [] } {2026-12-25 [] } {2026-12-26 [] }]" {
		t.Errorf("dates: %+v, %v", h.Days, err)
	}
	if h, err := hoursOf(t, "always"); err != nil || h.Known() {
		t.Errorf("always: %+v, %v", h, err)
	}
}

func TestOpeningHoursThatCannotBeMeantAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{mon: "17:00-08:00"}`:                  "5:16: tenants[0].hours.mon: \"17:00-08:00\" does not end after it begins",
		`{mon: 8-17}`:                           "is not a time of day",
		`{mon: "08:00-12:00 12:00-11:00"}`:      "does not end after it begins",
		`{mon: "13:00-17:00 08:00-12:00"}`:      "08:00-12:00 begins before 13:00-17:00 ends",
		`{mon: ""}`:                             "has no hours",
		`{mon: {from: 8}}`:                      "is a mapping, not hours",
		`{mon: closed, mon-fri: "08:00-17:00"}`: "monday is given twice",
		`{month: closed}`:                       "\"month\" is no day",
		`{mon-: closed}`:                        "is no day",
		`{2026-13-01: closed}`:                  "is not a date",
		`{2026-01-01 to 2028-01-01: closed}`:    "more than 366 dates",
		`{2026-01-01 to 2026-01-03: closed, 2026-01-02: closed}`: "2026-01-02 is given twice",
		`[08:00-17:00]`: "is no opening hours",
		`closed`:        "is no opening hours",
	} {
		_, err := hoursOf(t, text)
		var errs Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

const served = `tenants:
  - id: acme
    number: "+46850000001"
    trunk: pbx
    service: overflow
    hours: {mon-fri: "08:00-17:00"}
    closed: forward
    closed_to: "205"
    levels: [{groups: [norr]}, {groups: [jour], after: 20s, when: 5}]
    common_numbers:
      - {name: Support, number: "+4684000001", hours: always, service: always}
      - {name: Sales, number: "+4684000002", pool_when: 4, levels: [{}]}
      - {name: Press, number: "+4684000003"}
    hard_cap: 0s
    no_agent: wait
    keys: {1: wish, "#": "forward 205"}
agents:
  - {id: cia, kind: tenant, tenant: acme, trunk_extension: "205", groups: [norr]}
`

func TestWhatACommonNumberDoesNotSayIsTheTenants(t *testing.T) {
	main := mainText + "groups: {norr: Norr, jour: Jour}\n"
	c, err := LoadBytes("x.yaml", []byte(main), []byte(served))
	if err != nil {
		t.Fatal(err)
	}
	_, d, err := c.Apply(State{})
	if err != nil {
		t.Fatal(err)
	}
	acme, _ := d.Tenant("acme")
	support, sales := acme.ByNumber["+4684000001"], acme.ByNumber["+4684000002"]
	levels := []call.Level{{Groups: []string{"norr"}}, {Groups: []string{"jour"}, After: 20 * time.Second, When: 5}}
	if s := acme.Serving; s.Mode != directory.ModeOverflow || s.When != 1 || s.After != 20*time.Second || s.To != "205" || !reflect.DeepEqual(s.Serve.Levels, levels) {
		t.Errorf("the tenant: %+v", s)
	}
	if support.Mode != directory.ModeAlways || support.Hours.Known() || support.To != "205" || !reflect.DeepEqual(support.Serve.Levels, levels) {
		t.Errorf("support: %+v", support)
	}
	if sales.Mode != directory.ModeOverflow || sales.When != 4 || !sales.Hours.Known() || !reflect.DeepEqual(sales.Serve.Levels, []call.Level{{}}) {
		t.Errorf("sales: %+v", sales)
	}
	if _, differs := acme.ByNumber["+4684000003"]; differs || len(acme.ByNumber) != 2 {
		t.Errorf("numbers that say nothing differ: %+v", acme.ByNumber)
	}
	if r := acme.Rules; r.HardCap != -1 || r.NoAgent != "" || !reflect.DeepEqual(r.Keys, map[string]call.Key{"1": {Do: call.KeyWish}, "#": {Do: call.KeyForward, To: "205"}}) {
		t.Errorf("rules: %+v", r)
	}
	if cia, _ := d.Agent("cia"); cia.ViaTrunk != "205" || cia.Extension != "" || !acme.HasOwn {
		t.Errorf("cia is %+v", cia)
	}
}

func TestWhatIsSaidAtTheHardCapCanBeWordedWhateverHappensAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		queue, tenant string
		fails         bool
	}{
		{"", "at_limit: record", false},
		{"", "at_limit: end\n    hard_cap: 0", false},
		{"", "hard_cap: 0", true},
		{"hard_cap: 0, ", "at_limit: notify", true},
		{"hard_cap: 0, ", "hard_cap: 10m", false},
	} {
		text := "tenants:\n  - id: acme\n    number: \"+46850000001\"\n    trunk: pbx\n    limit_prompt: goodbye\n    " + c.tenant + "\n"
		cfg, err := LoadBytes("x.yaml", []byte(strings.Replace(mainText, "queue: {", "queue: {"+c.queue, 1)), []byte(text))
		if fails := err != nil; fails != c.fails || fails && !strings.Contains(err.Error(), "tenants[0].limit_prompt: has no effect") {
			t.Errorf("%s%s: %v", c.queue, c.tenant, err)
		}
		if err != nil {
			continue
		}
		if _, d, err := cfg.Apply(State{}); err != nil {
			t.Error(err)
		} else if acme, _ := d.Tenant("acme"); acme.Rules.LimitPrompt != "goodbye" {
			t.Errorf("%s: callers hear %q", c.tenant, acme.Rules.LimitPrompt)
		}
	}
}

// What was provisioned comes back from the store as it was.
func TestServingIsKeptBetweenStarts(t *testing.T) {
	main := mainText + "groups: {norr: Norr, jour: Jour}\n"
	c, err := LoadBytes("x.yaml", []byte(main), []byte(served))
	if err != nil {
		t.Fatal(err)
	}
	state, d, err := c.Apply(State{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Directory(roundTrip(t, state))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := d.Tenant("acme")
	b, _ := again.Tenant("acme")
	for _, number := range []string{"", "+4684000001", "+4684000002"} {
		for _, at := range []string{"2026-11-23T11:00:00Z", "2026-11-23T20:00:00Z"} {
			instant, _ := time.Parse(time.RFC3339, at)
			r1, d1 := directory.RulesAt(a, directory.CommonNumber{Number: number}, instant, "", directory.Switch{})
			r2, d2 := directory.RulesAt(b, directory.CommonNumber{Number: number}, instant, "", directory.Switch{})
			if !reflect.DeepEqual(r1, r2) || d1 != d2 {
				t.Errorf("%q at %s:\n%+v, %+v\n%+v, %+v", number, at, r1, d1, r2, d2)
			}
		}
	}
}

func TestALevelThatReachesNobodyIsAWarning(t *testing.T) {
	c, err := LoadBytes("x.yaml", []byte(mainText+"groups: {norr: Norr, jour: Jour}\n"), []byte(served))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) == 0 || w[0].Path != "tenants[0].levels[1].groups[0]" || !strings.Contains(w[0].Problem, "no agent is in group jour") {
		t.Errorf("warnings are %v", w)
	}
}
