package tariff

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"telefonist/calendar"
)

var (
	monday  = time.Date(2026, 11, 23, 12, 0, 0, 0, calendar.Stockholm())
	evening = time.Date(2026, 11, 23, 20, 0, 0, 0, calendar.Stockholm())
)

func TestThresholdsToTheNanosecond(t *testing.T) {
	const over45, overLong = 45 * time.Second, 2 * time.Minute
	for _, c := range []struct {
		handled      time.Duration
		ms           int64
		over45, long bool
		tariff       string
	}{
		{-1, 0, false, false, "1"},
		{0, 0, false, false, "1"},
		{1, 1, false, false, "1"},
		{over45 - time.Millisecond, 44999, false, false, "1"},
		{over45 - 1, 45000, false, false, "1"},
		{over45, 45000, false, false, "1"},
		{over45 + 1, 45001, true, false, "1"},
		{overLong - 1, 120000, true, false, "1"},
		{overLong, 120000, true, false, "1"},
		{overLong + 1, 120001, true, true, "5"},
		{math.MaxInt64, 9223372036855, true, true, "5"},
	} {
		row, ok := DefaultPlan().Rate(Facts{ServiceAnswered: true, AnsweredAt: monday, Handled: c.handled})
		if !ok || row.HandledMS != c.ms || row.Over45 != c.over45 || row.OverLong != c.long || row.Tariff.String() != c.tariff {
			t.Errorf("%d ns: %+v, want %+v", c.handled, row, c)
		}
	}
}

func TestWhatNoReceptionistOfTheServiceAnsweredHasNoTariff(t *testing.T) {
	row, ok := DefaultPlan().Rate(Facts{AnsweredAt: monday, Handled: time.Hour, Mediated: Announced})
	if ok || row != (Row{}) {
		t.Errorf("rated: %+v", row)
	}
}

func TestRowCarriesEveryFact(t *testing.T) {
	p := DefaultPlan()
	p.ID, p.Version, p.MediatedBy, p.LongCalls = "acme", 7, ByAnnounced, CustomerServiceOnly
	facts := Facts{ServiceAnswered: true, AnsweredAt: evening.Add(1), Handled: 121 * time.Second, Mediated: Direct}
	got, _ := p.Rate(facts)
	want := Row{
		Plan: "acme@7", Tariff: Tariffs{AnsweredEvening}, Period: calendar.EveningWeekend,
		AnsweredAt: evening.Add(1).UTC(), HandledMS: 121_000, Over45: true, OverLong: true,
		Mediated: Direct, AmountOre: 2250, // both kept although the plan counts neither
	}
	if got != want {
		t.Errorf("row %+v, want %+v", got, want)
	}
}

func TestRowJSONNamesAreStable(t *testing.T) {
	p := DefaultPlan()
	p.Mediation = Add
	row, _ := p.Rate(Facts{ServiceAnswered: true, AnsweredAt: monday.Add(time.Millisecond), Handled: 46 * time.Second,
		Mediated: Announced, CustomerService: true})
	row.Corrects = "01J"
	const want = `{"plan":"default@1","tariff":"1+2","period":"day","answered_at":"2026-11-23T11:00:00.001Z",` +
		`"handled_ms":46000,"over_45s":true,"over_long":false,"mediated":"announced","customer_service":true,` +
		`"amount_ore":4000,"corrects":"01J"}`
	text, err := json.Marshal(row)
	if err != nil || string(text) != want {
		t.Fatalf("row printed as\n%s (%v), want\n%s", text, err, want)
	}
	var again Row
	if err := json.Unmarshal(text, &again); err != nil || again != row {
		t.Errorf("row came back as %+v (%v), want %+v", again, err, row)
	}
}

// randomFacts are near every edge more often than chance would have it.
func randomFacts(r *rand.Rand) Facts {
	edges := []time.Duration{0, 45 * time.Second, 2 * time.Minute, time.Duration(r.Int64N(int64(10 * time.Minute)))}
	return Facts{
		ServiceAnswered: true,
		AnsweredAt: time.Date(2026, 1, 1+r.IntN(1096), 7*r.IntN(3)+4*r.IntN(2), 0, 0, 0, calendar.Stockholm()).
			Add(time.Duration(r.IntN(3)-1) * time.Duration(1+r.IntN(1000))),
		Handled:         edges[r.IntN(len(edges))] + time.Duration(r.IntN(5)-2),
		Mediated:        Mediated(r.IntN(3)),
		CustomerService: r.IntN(2) == 0,
	}
}

// TestEveryCallFallsInExactlyOneClass asks each of the six cells of the price
// list in turn whether the call is its own, and compares with Rate.
func TestEveryCallFallsInExactlyOneClass(t *testing.T) {
	seed := uint64(20261123)
	r := rand.New(rand.NewPCG(seed, 1))
	p := DefaultPlan()
	const ms120 = 120_000
	for i := range 20_000 {
		f := randomFacts(r)
		day := p.PeriodAt(f.AnsweredAt) == calendar.Day
		long := math.Ceil(float64(max(f.Handled, 0))/1e6) > ms120
		mediated := f.Mediated == Direct || f.Mediated == Announced
		cells := map[Tariff]bool{
			1: day && !long && !mediated, 2: day && !long && mediated, 5: day && long,
			3: !day && !long && !mediated, 4: !day && !long && mediated, 6: !day && long,
		}
		row, ok := p.Rate(f)
		n := 0
		for tariff, mine := range cells {
			if mine {
				n++
			}
			if row.Tariff.Has(tariff) != mine {
				t.Fatalf("seed %d, case %d: %+v rated %s", seed, i, f, row.Tariff)
			}
		}
		if !ok || n != 1 || row.Tariff[1] != 0 || row.AmountOre != p.Prices.Of(row.Tariff[0]) {
			t.Fatalf("seed %d, case %d: %d classes, %+v", seed, i, n, row)
		}
	}
}

// TestMoreServiceNeverCostsLess holds for the default prices under every choice.
func TestMoreServiceNeverCostsLess(t *testing.T) {
	seed := uint64(7)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range 20_000 {
		p := DefaultPlan()
		p.Mediation = []Mediation{Replace, Add}[r.IntN(2)]
		p.MediatedBy = []MediatedBy{ByAny, ByAnnounced}[r.IntN(2)]
		p.LongCalls = []LongCalls{AllCalls, CustomerServiceOnly}[r.IntN(2)]
		less := randomFacts(r)
		more := less
		more.Handled += time.Duration(r.Int64N(int64(3 * time.Minute)))
		more.Mediated += Mediated(r.IntN(int(Announced-less.Mediated) + 1))
		more.CustomerService = less.CustomerService || r.IntN(2) == 0
		a, _ := p.Rate(less)
		b, _ := p.Rate(more)
		if a.AmountOre > b.AmountOre || a.HandledMS > b.HandledMS || a.Over45 && !b.Over45 || a.OverLong && !b.OverLong {
			t.Fatalf("seed %d, case %d: %+v costs more than %+v", seed, i, a, b)
		}
		again, _ := p.Rate(less)
		if again != a {
			t.Fatalf("seed %d, case %d: the same facts gave %+v and %+v", seed, i, a, again)
		}
	}
}

func TestHandledIsTheLengthOfTheUnion(t *testing.T) {
	s := func(from, to int) Interval {
		return Interval{time.Duration(from) * time.Second, time.Duration(to) * time.Second}
	}
	for _, c := range []struct {
		name string
		in   []Interval
		want time.Duration
	}{
		{"none", nil, 0},
		{"one", []Interval{s(3, 10)}, 7 * time.Second},
		{"apart", []Interval{s(20, 30), s(0, 10)}, 20 * time.Second},
		{"touching", []Interval{s(0, 10), s(10, 20)}, 20 * time.Second},
		{"overlapping", []Interval{s(0, 10), s(5, 20)}, 20 * time.Second},
		{"inside", []Interval{s(0, 30), s(5, 10), s(12, 14)}, 30 * time.Second},
		{"backwards is empty", []Interval{s(10, 5), s(20, 21)}, time.Second},
		{"before the call is not counted", []Interval{s(-5, 5)}, 5 * time.Second},
		{"as long as can be", []Interval{{math.MinInt64, math.MaxInt64}}, math.MaxInt64},
		{"a nanosecond", []Interval{{5, 6}, {5, 6}}, 1},
	} {
		before := append([]Interval(nil), c.in...)
		if got := Handled(c.in); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if len(before) > 0 && !reflect.DeepEqual(before, c.in) {
			t.Errorf("%s: the intervals were changed", c.name)
		}
	}
}

func TestHandledAgreesWithCountingEveryNanosecond(t *testing.T) {
	seed := uint64(99)
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range 3_000 {
		var covered [64]bool
		intervals := make([]Interval, r.IntN(8))
		for j := range intervals {
			intervals[j] = Interval{time.Duration(r.IntN(64)), time.Duration(r.IntN(65))}
			for at := intervals[j].From; at < intervals[j].To; at++ {
				covered[at] = true
			}
		}
		var want time.Duration
		for _, c := range covered {
			if c {
				want++
			}
		}
		if got := Handled(intervals); got != want {
			t.Fatalf("seed %d, case %d: Handled(%v) = %d, want %d", seed, i, intervals, got, want)
		}
	}
}

func TestMoneyIsWrittenInKronor(t *testing.T) {
	for ore, want := range map[int64]string{
		0: "0,00 kr", 5: "0,05 kr", 1500: "15,00 kr", 99999: "999,99 kr", 100000: "1 000,00 kr",
		123456789: "1 234 567,89 kr", -1500: "-15,00 kr", math.MinInt64: "-92 233 720 368 547 758,08 kr",
	} {
		if got := Kronor(ore); got != want {
			t.Errorf("Kronor(%d) = %q, want %q", ore, got, want)
		}
	}
}

func TestTariffsAreAClosedSet(t *testing.T) {
	seen := map[string]bool{}
	for _, one := range AllTariffs() {
		text, err := one.MarshalText()
		var again Tariffs
		if err != nil || again.UnmarshalText(text) != nil || again != one {
			t.Errorf("%s came back as %s (%v)", one, again, err)
		}
		seen[one.String()] = true
	}
	if len(seen) != 8 {
		t.Errorf("tariffs %v", seen)
	}
	for _, bad := range []Tariffs{{}, {7}, {1, 1}, {2, 1}, {1, 4}, {0, 2}, {5, 2}, {255, 255}} {
		if text, err := bad.MarshalText(); err == nil {
			t.Errorf("%v was written as %s", bad, text)
		}
	}
	for _, bad := range []string{"", "0", "7", "2+1", "1+4", "1 2", "1,2"} {
		if got, err := ParseTariffs(bad); err == nil {
			t.Errorf("ParseTariffs(%q) = %s", bad, got)
		}
	}
	if (Tariffs{AnsweredDay}).Has(0) {
		t.Error("a row has the tariff that is none")
	}
}

func BenchmarkRate(b *testing.B) {
	p := DefaultPlan()
	f := Facts{ServiceAnswered: true, AnsweredAt: time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC), Handled: 46 * time.Second, Mediated: Direct}
	b.ReportAllocs()
	for b.Loop() {
		p.Rate(f)
	}
}

func BenchmarkHandled(b *testing.B) {
	intervals := []Interval{{0, 30}, {20, 50}, {60, 70}}
	b.ReportAllocs()
	for b.Loop() {
		Handled(intervals)
	}
}
