package tariff_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"telefonist/calendar"
	"telefonist/tariff"
)

func TestTheDefaultPlanIsValidAndWhatTheDesignSays(t *testing.T) {
	p := tariff.DefaultPlan()
	if problems := p.Validate(); problems != nil {
		t.Errorf("problems: %v", problems)
	}
	if time.Duration(p.Included) != 45*time.Second || time.Duration(p.LongAfter) != 2*time.Minute ||
		p.Mediation != tariff.Replace || p.MediatedBy != tariff.ByAny || p.LongCalls != tariff.AllCalls || !p.EvesAreHolidays {
		t.Errorf("default plan %+v", p)
	}
	p.Periods.Monday[0] = calendar.Window{}
	if tariff.DefaultPlan().Validate() != nil {
		t.Error("changing one default plan changed the next")
	}
}

const acmeYAML = `
id: acme
version: 3
name: Acme AB
periods:
  saturday: [09:00-13:00]
  friday: ["07:00-12:00", "13:00-16:00"]
eves_are_holidays: false
extra_holidays: [2027-05-07, "2027-06-07"]
included: 30s
long_after: 1m30s
mediation: add
mediated_by: announced
long_calls: customer_service
prices_ore: {1: 100, 2: 200, 3: 300, 4: 400, 5: 500, 6: 600}
`

func TestAPlanFileNamesOnlyWhatItChanges(t *testing.T) {
	got := tariff.DefaultPlan()
	dec := yaml.NewDecoder(strings.NewReader(acmeYAML), yaml.Strict())
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := tariff.DefaultPlan()
	want.ID, want.Version, want.Name = "acme", 3, "Acme AB"
	want.Periods.Saturday = []calendar.Window{{From: calendar.At(9, 0), To: calendar.At(13, 0)}}
	want.Periods.Friday = []calendar.Window{
		{From: calendar.At(7, 0), To: calendar.At(12, 0)}, {From: calendar.At(13, 0), To: calendar.At(16, 0)},
	}
	want.EvesAreHolidays = false
	want.ExtraHolidays = []calendar.Date{{Year: 2027, Month: 5, Day: 7}, {Year: 2027, Month: 6, Day: 7}}
	want.Included, want.LongAfter = tariff.Duration(30*time.Second), tariff.Duration(90*time.Second)
	want.Mediation, want.MediatedBy, want.LongCalls = tariff.Add, tariff.ByAnnounced, tariff.CustomerServiceOnly
	want.Prices = tariff.Prices{1: 100, 2: 200, 3: 300, 4: 400, 5: 500, 6: 600}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v, want\n%+v", got, want)
	}
	if problems := got.Validate(); problems != nil {
		t.Errorf("problems: %v", problems)
	}
}

func TestPlansComeBackFromYAMLAndJSON(t *testing.T) {
	want := tariff.DefaultPlan()
	if err := yaml.Unmarshal([]byte(acmeYAML), &want); err != nil {
		t.Fatal(err)
	}
	for _, p := range []tariff.Plan{want, tariff.DefaultPlan()} {
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got tariff.Plan
		if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&got); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("from YAML %+v (%v), want %+v\n%s", got, err, p, text)
		}
		text, err = json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got = tariff.Plan{}
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("from JSON %+v (%v), want %+v\n%s", got, err, p, text)
		}
	}
}

func TestMistakesInAPlanFileAreRefused(t *testing.T) {
	for _, text := range []string{
		"included: 45", "included: soon", "extra_holidays: [2027-02-29]", "periods: {monday: [18:00-07:00]}",
		"periods: {mon: [07:00-18:00]}", "prices_ore: {1: 15.50}", "prices_ore: {one: 1}",
		"prices_ore: [1, 2]", "version: 1.1", "mediaton: add",
	} {
		p := tariff.DefaultPlan()
		if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&p); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
}

func TestValidateNamesEachFieldAndWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*tariff.Plan)
	}{
		{"id", func(p *tariff.Plan) { p.ID = "" }},
		{"id", func(p *tariff.Plan) { p.ID = "a@1" }},
		{"id", func(p *tariff.Plan) { p.ID = strings.Repeat("a", 65) }},
		{"version", func(p *tariff.Plan) { p.Version = 0 }},
		{"name", func(p *tariff.Plan) { p.Name = " " }},
		{"periods.sunday[0]", func(p *tariff.Plan) { p.Periods.Sunday = make([]calendar.Window, 1) }},
		{"extra_holidays[0]", func(p *tariff.Plan) { p.ExtraHolidays = make([]calendar.Date, 1) }},
		{"included", func(p *tariff.Plan) { p.Included = -1 }},
		{"included", func(p *tariff.Plan) { p.Included = tariff.Duration(time.Second + 1) }},
		{"long_after", func(p *tariff.Plan) { p.Included, p.LongAfter = 0, 0 }},
		{"long_after", func(p *tariff.Plan) { p.LongAfter = tariff.Duration(44 * time.Second) }},
		{"long_after", func(p *tariff.Plan) { p.LongAfter = tariff.Duration(25 * time.Hour) }},
		{"mediation", func(p *tariff.Plan) { p.Mediation = "" }},
		{"mediated_by", func(p *tariff.Plan) { p.MediatedBy = "direct" }},
		{"long_calls", func(p *tariff.Plan) { p.LongCalls = "none" }},
		{"prices_ore.1", func(p *tariff.Plan) { p.Prices[1] = -1 }},
		{"prices_ore.6", func(p *tariff.Plan) { p.Prices[6] = tariff.MaxPriceOre + 1 }},
		{"prices_ore.4", func(p *tariff.Plan) { delete(p.Prices, 4) }},
		{"prices_ore.7", func(p *tariff.Plan) { p.Prices[7] = 1 }},
		{"prices_ore.0", func(p *tariff.Plan) { p.Prices[0] = 1 }},
	} {
		p := tariff.DefaultPlan()
		c.change(&p)
		got := p.Validate()
		if len(got) != 1 || got[0].Field != c.field || got[0].Wrong == "" || got[0].Write == "" {
			t.Errorf("%s: problems %v", c.field, got)
		}
	}
	if n := len(tariff.Plan{}.Validate()); n != 13 {
		t.Errorf("the zero plan has %d problems: %v", n, tariff.Plan{}.Validate())
	}
}

func TestPartsOfAnOreOrAVersionAreRefusedWithTheRemedy(t *testing.T) {
	p := tariff.DefaultPlan()
	err := yaml.Unmarshal([]byte("prices_ore: {1: 15.50}"), &p)
	if err == nil || !strings.Contains(err.Error(), "write a whole number, such as 1550 for 15,50 kr") {
		t.Errorf("error %v", err)
	}
	for _, text := range []string{`{"version": 1.5}`, `{"prices_ore": {"1": 15.5}}`, `{"prices_ore": {"1": "1500"}}`} {
		if err := json.Unmarshal([]byte(text), &p); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

func TestAPriceListHasAllSixPrices(t *testing.T) {
	p := tariff.DefaultPlan()
	if err := yaml.Unmarshal([]byte("prices_ore: {1: 900}"), &p); err != nil {
		t.Fatal(err)
	}
	if got := p.Validate(); len(got) != 5 || got[0].Field != "prices_ore.2" || p.Prices.Of(2) != 0 {
		t.Errorf("one price over the defaults: %v, %v", p.Prices, got)
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 45 * time.Second: "45s", 2 * time.Minute: "2m", 90 * time.Second: "1m30s", time.Hour: "1h",
		10 * time.Minute: "10m", 20 * time.Hour: "20h", time.Hour + time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s",
		100 * time.Minute: "1h40m", time.Duration(1): "1ns", -2 * time.Minute: "-2m",
	} {
		text := tariff.Duration(d).String()
		var again tariff.Duration
		if err := again.UnmarshalText([]byte(text)); text != want || err != nil || again != tariff.Duration(d) {
			t.Errorf("%s written as %q, want %q, read as %s (%v)", d, text, want, again, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	f.Add("45s")
	f.Add("1h0m0s")
	f.Fuzz(func(t *testing.T, in string) {
		var d, again tariff.Duration
		if d.UnmarshalText([]byte(in)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%q printed as %s, read as %s (%v)", in, d, again, err)
		}
	})
}
