package directory

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/tariff"
)

func windows(t *testing.T, texts ...string) (all []calendar.Window) {
	t.Helper()
	for _, s := range texts {
		w, err := calendar.ParseWindow(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// stockholm reads an instant by the clock in Stockholm, with an offset behind it: "2026-11-23 08:00 -1ns".
func stockholm(t *testing.T, s string) time.Time {
	t.Helper()
	const layout = "2006-01-02 15:04"
	at, err := time.ParseInLocation(layout, s[:len(layout)], calendar.Stockholm())
	if err != nil {
		t.Fatal(err)
	}
	if len(s) > len(layout) {
		d, err := time.ParseDuration(s[len(layout)+1:])
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(d)
	}
	return at
}

// office is open from 8 to 12 and 13 to 17 on weekdays, from 10 to 11 on holidays, over midnight from the 28th to the 29th of
// November, and differently on two other dates.
func office(t *testing.T) calendar.Hours {
	day := windows(t, "08:00-12:00", "13:00-17:00")
	return calendar.Hours{
		Week: &calendar.Periods{Monday: day, Tuesday: day, Wednesday: day, Thursday: day, Friday: day, Sunday: windows(t, "02:30-04:00"),
			Holidays: windows(t, "10:00-11:00")},
		Days: []calendar.SpecialDay{
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 25}},
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 28}, Windows: windows(t, "22:00-24:00")},
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 29}, Windows: windows(t, "00:00-02:00")},
		},
	}
}

// acme is a tenant with receptionists of its own, or without.
func acme(t *testing.T, s Serving, own bool) Tenant {
	t.Helper()
	agents := []Agent{{ID: "anna", Extension: "101", Kind: call.Service}}
	if own {
		agents = append(agents, Agent{ID: "cia", ViaTrunk: "205", Kind: call.Own, Tenants: []string{"acme"}})
	}
	d, err := New([]Tenant{{ID: "acme", Number: "+46850000001", Trunk: "pbx", Plan: tariff.DefaultPlan(), Serving: s,
		Common: []CommonNumber{{Name: "Support", Number: "+4684000001"}}}}, agents)
	if err != nil {
		t.Fatal(err)
	}
	tenant, _ := d.Tenant("acme")
	return tenant
}

func TestATenantIsOpenByItsHoursToTheNanosecond(t *testing.T) {
	tenant := acme(t, Serving{Hours: office(t)}, false)
	for _, c := range []struct {
		at   string
		open bool
	}{
		{"2026-11-23 08:00 -1ns", false}, {"2026-11-23 08:00", true}, {"2026-11-23 08:00 1ns", true},
		{"2026-11-23 12:00 -1ns", true}, {"2026-11-23 12:00", false}, {"2026-11-23 12:00 1ns", false}, // the break
		{"2026-11-23 13:00 -1ns", false}, {"2026-11-23 13:00", true}, {"2026-11-23 13:00 1ns", true},
		{"2026-11-23 17:00 -1ns", true}, {"2026-11-23 17:00", false}, {"2026-11-23 17:00 1ns", false},
		{"2026-11-25 10:00", false}, {"2026-11-26 10:00", true}, // a dated exception
		{"2026-11-28 22:00 -1ns", false}, {"2026-11-28 22:00", true}, {"2026-11-28 22:00 1ns", true},
		{"2026-11-29 00:00 -1ns", true}, {"2026-11-29 00:00", true}, {"2026-11-29 00:00 1ns", true}, // midnight
		{"2026-11-29 02:00 -1ns", true}, {"2026-11-29 02:00", false}, {"2026-11-29 02:00 1ns", false},
		{"2026-12-25 09:00", false}, {"2026-12-25 10:00 -1ns", false}, {"2026-12-25 10:00", true}, {"2026-12-25 11:00", false}, // Christmas Day
		{"2026-12-24 10:30", true}, {"2026-12-24 14:00", false}, // an eve is a holiday by the plan
		// The clock goes from 02:00 to 03:00: 02:30 is never shown.
		{"2026-03-29 01:59", false}, {"2026-03-29 03:00 -1ns", false}, {"2026-03-29 03:00", true}, {"2026-03-29 04:00 -1ns", true}, {"2026-03-29 04:00", false},
		// It goes from 03:00 to 02:00: 02:30 is shown twice, and so is 02:15.
		{"2026-10-25 01:59 30m59.999999999s", false}, {"2026-10-25 01:59 31m", true}, {"2026-10-25 01:59 1h1m", false}, {"2026-10-25 01:59 1h31m", true},
		{"2026-10-25 04:00 -1ns", true}, {"2026-10-25 04:00", false},
	} {
		_, d := RulesAt(tenant, CommonNumber{}, stockholm(t, c.at), "+46700000001", Switch{})
		if want := map[bool]Answer{true: AnswerQueue, false: AnswerClosed}[c.open]; d.Answer != want {
			t.Errorf("%s: %s, want %s", c.at, d.Answer, want)
		}
	}
}

func TestTheModeSaysWhoseTurnItIs(t *testing.T) {
	const open, shut = "2026-11-23 10:00", "2026-11-23 20:00"
	for _, c := range []struct {
		mode Mode
		own  bool // receptionists of the tenant's own are registered
		away bool
		at   string
		want Turn
	}{
		{"", true, false, open, TurnPool}, {"", true, false, shut, TurnNobody},
		{ModeAlways, true, true, open, TurnPool}, {ModeAlways, true, true, shut, TurnNobody},
		{ModeWithOwn, true, false, open, TurnBoth}, {ModeWithOwn, true, true, open, TurnPool}, {ModeWithOwn, false, false, open, TurnPool},
		{ModeWithOwn, true, false, shut, TurnNobody}, {ModeWithOwn, true, true, shut, TurnNobody},
		{ModeOverflow, true, false, open, TurnBoth}, {ModeOverflow, true, true, open, TurnPool}, {ModeOverflow, true, false, shut, TurnNobody},
		{ModeClosedHours, true, false, open, TurnOwn}, {ModeClosedHours, true, true, open, TurnPool}, {ModeClosedHours, true, false, shut, TurnPool},
		{ModeClosedHours, false, false, open, TurnPool},
		{ModeWhenAway, true, false, open, TurnOwn}, {ModeWhenAway, true, true, open, TurnPool}, {ModeWhenAway, true, true, shut, TurnNobody},
		{ModeWhenAway, false, false, open, TurnPool},
	} {
		tenant := acme(t, Serving{Mode: c.mode, Hours: office(t)}, c.own)
		_, d := RulesAt(tenant, CommonNumber{}, stockholm(t, c.at), "", Switch{Away: c.away})
		if d.Turn != c.want {
			t.Errorf("%s, own %t, away %t, %s: %s, want %s", c.mode, c.own, c.away, c.at, d.Turn, c.want)
		}
	}
}

func TestTheServiceMayHaveHoursOfItsOwn(t *testing.T) {
	evening := calendar.Hours{Week: &calendar.Periods{Monday: windows(t, "07:00-20:00")}}
	for _, c := range []struct {
		mode Mode
		shut Shut
		at   string
		want Turn
	}{
		{ModeClosedHours, ShutPrompt, "2026-11-23 07:00 -1ns", TurnNobody},
		{ModeClosedHours, ShutPrompt, "2026-11-23 07:00", TurnPool},
		{ModeClosedHours, ShutPrompt, "2026-11-23 08:00", TurnOwn},
		{ModeClosedHours, ShutPrompt, "2026-11-23 17:00", TurnPool},
		{ModeClosedHours, ShutPrompt, "2026-11-23 20:00", TurnNobody},
		{ModeClosedHours, ShutAnswer, "2026-11-23 20:00", TurnPool},
		{ModeWithOwn, ShutPrompt, "2026-11-23 10:00", TurnBoth},
		{ModeWithOwn, ShutPrompt, "2026-11-24 10:00", TurnOwn},
	} {
		tenant := acme(t, Serving{Mode: c.mode, Hours: office(t), Pool: evening, Shut: c.shut}, true)
		if _, d := RulesAt(tenant, CommonNumber{}, stockholm(t, c.at), "", Switch{}); d.Turn != c.want {
			t.Errorf("%s, %s, %s: %s, want %s", c.mode, c.shut, c.at, d.Turn, c.want)
		}
	}
}

func TestAClosedTenantsCallsGoWhereItSays(t *testing.T) {
	night := stockholm(t, "2026-11-23 20:00")
	for _, c := range []struct {
		s    Serving
		want call.Overflow
	}{
		{Serving{}, call.OverflowPrompt},
		{Serving{Shut: ShutPrompt, Prompt: "lunch"}, call.OverflowPrompt},
		{Serving{Shut: ShutBusy}, call.OverflowBusy},
		{Serving{Shut: ShutForward, To: "205"}, call.OverflowForward},
		{Serving{Shut: ShutAnswer}, ""},
	} {
		c.s.Hours = office(t)
		r, d := RulesAt(acme(t, c.s, false), CommonNumber{}, night, "", Switch{})
		if r.Closed != c.want || (d.Answer == AnswerClosed) != (c.want != "") || c.want != "" && (r.ClosedPrompt != c.s.Prompt || r.ClosedTo != c.s.To) {
			t.Errorf("%+v: closed %q %q %q, %s", c.s, r.Closed, r.ClosedPrompt, r.ClosedTo, d.Answer)
		}
	}
	if r, _ := RulesAt(acme(t, Serving{Hours: office(t)}, false), CommonNumber{}, stockholm(t, "2026-11-23 10:00"), "", Switch{}); r.Closed != "" {
		t.Error("an open tenant's call is told that it is closed")
	}
}

func TestLevelsAreThoseOfTheTurn(t *testing.T) {
	home, others := call.Level{Groups: []string{"norr"}}, call.Level{Groups: []string{"syd"}, After: 20 * time.Second, When: 9}
	noon := stockholm(t, "2026-11-23 10:00")
	for _, c := range []struct {
		name string
		s    Serving
		away bool
		want []call.Level
	}{
		{"nothing said", Serving{}, false, nil},
		{"always by groups", Serving{Serve: call.Serve{Levels: []call.Level{home, others}}}, false, []call.Level{home, others}},
		{"own first, everybody after", Serving{Mode: ModeWithOwn, After: 15 * time.Second, When: 3}, false,
			[]call.Level{{Own: true}, {After: 15 * time.Second, When: 3}}},
		{"own first, groups after", Serving{Mode: ModeWithOwn, After: 15 * time.Second, When: 3, Serve: call.Serve{Levels: []call.Level{home, others}}}, false,
			[]call.Level{{Own: true}, {Groups: []string{"norr"}, After: 15 * time.Second, When: 3}, {Groups: []string{"syd"}, After: 35 * time.Second, When: 9}}},
		{"own away", Serving{Mode: ModeWithOwn, After: 15 * time.Second, Serve: call.Serve{Levels: []call.Level{home, others}}}, true, []call.Level{home, others}},
		{"own away, no groups", Serving{Mode: ModeOverflow, When: 1}, true, []call.Level{{}}},
		{"own alone", Serving{Mode: ModeWhenAway, Serve: call.Serve{Levels: []call.Level{home}}}, false, []call.Level{{Own: true}}},
	} {
		tenant := acme(t, c.s, true)
		r, _ := RulesAt(tenant, CommonNumber{}, noon, "", Switch{Away: c.away})
		var got []call.Level
		if r.Serve != nil {
			got = r.Serve.Levels
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if again, _ := RulesAt(tenant, CommonNumber{}, noon, "", Switch{Away: c.away}); again.Serve != r.Serve {
			t.Errorf("%s: two calls do not share who is offered them", c.name)
		}
		if !reflect.DeepEqual(tenant.Serving.Serve, c.s.Serve) {
			t.Errorf("%s: the tenant's levels were changed", c.name)
		}
	}
}

func TestATenantsOwnReceptionistsHaveTheSkillsThatItAsksFor(t *testing.T) {
	d, err := New([]Tenant{{ID: "acme", Number: "+46850000001", Serving: Serving{Serve: call.Serve{Skills: []string{"en"}}}}},
		[]Agent{{ID: "cia", Extension: "103", Kind: call.Own, Tenants: []string{"acme"}, Skills: []string{"sv"}}, {ID: "anna", Extension: "101", Kind: call.Service}})
	if err != nil {
		t.Fatal(err)
	}
	cia, _ := d.Agent("cia")
	anna, _ := d.Agent("anna")
	if fmt.Sprint(cia.Skills, anna.Skills) != "[sv en] []" {
		t.Errorf("skills are %v and %v", cia.Skills, anna.Skills)
	}
}

func TestACommonNumberMayBeServedDifferently(t *testing.T) {
	tenant := acme(t, Serving{Hours: office(t)}, false)
	support := tenant.Common[0]
	tenant.ByNumber = map[string]Serving{support.Number: {}}
	night := stockholm(t, "2026-11-23 20:00")
	if _, d := RulesAt(tenant, support, night, "", Switch{}); d.Answer != AnswerQueue {
		t.Errorf("support is %s at night", d.Answer)
	}
	for _, other := range []CommonNumber{{}, {Number: "+4684000002"}} {
		if _, d := RulesAt(tenant, other, night, "", Switch{}); d.Answer != AnswerClosed {
			t.Errorf("%q is %s at night", other.Number, d.Answer)
		}
	}
}

func TestCallersAreBlockedAndPreferredByNumber(t *testing.T) {
	tenant := acme(t, Serving{}, false)
	tenant.Rules.Priority = 3
	tenant.Callers = Callers{VIP: []Caller{"+46700000001", "205", "+4631*"}, Blocked: []Caller{"+46900*", Anonymous, "+46700000009"}, Boost: 10}
	for caller, want := range map[string]Answer{
		"+46700000009": AnswerBlocked, "070-000 00 09": AnswerBlocked, "+46900123456": AnswerBlocked, "": AnswerBlocked, "anonymous": AnswerBlocked, "Anonymous": AnswerBlocked,
		"+46700000001": AnswerQueue, "+4631123456": AnswerQueue, "031-12 34 56": AnswerQueue, "205": AnswerQueue, "+46701": AnswerQueue, "2050": AnswerQueue,
	} {
		r, d := RulesAt(tenant, CommonNumber{}, time.Now(), caller, Switch{})
		vip := want == AnswerQueue && caller != "+46701" && caller != "2050"
		if d.Answer != want || d.VIP != vip || r.Priority != map[bool]int{true: 13, false: 3}[vip] {
			t.Errorf("%q: %+v, priority %d", caller, d, r.Priority)
		}
	}
}

func TestASwitchEndsByItself(t *testing.T) {
	until := stockholm(t, "2026-11-23 10:00")
	tenant := acme(t, Serving{Mode: ModeWhenAway}, true)
	for d, want := range map[time.Duration]Turn{-1: TurnPool, 0: TurnOwn, 1: TurnOwn} {
		if _, got := RulesAt(tenant, CommonNumber{}, until.Add(d), "", Switch{Away: true, Until: until}); got.Turn != want {
			t.Errorf("%d ns from its end: %s, want %s", d, got.Turn, want)
		}
	}
	d, _ := New(nil, nil)
	if next := d.WithSwitches(map[string]Switch{"acme": {Away: true}}); !next.Switch("acme").Away || d.Switch("acme").Away || next.Switch("beta").Away {
		t.Error("switches are not those of the directory that they were given to")
	}
}

func TestATimeThatIsDialledIsTheNextOne(t *testing.T) {
	noon := stockholm(t, "2026-11-23 12:00")
	for digits, want := range map[string]string{"1730": "2026-11-23 17:30", "1200": "2026-11-24 12:00", "0800": "2026-11-24 08:00", "2400": "2026-11-24 00:00"} {
		if got, err := DialledUntil(digits, noon); err != nil || !got.Equal(stockholm(t, want)) {
			t.Errorf("%s: %s, %v, want %s", digits, got, err, want)
		}
	}
	for _, digits := range []string{"7", "17305", "2561", "17#0", "abcd"} {
		if got, err := DialledUntil(digits, noon); err == nil {
			t.Errorf("%s: %s", digits, got)
		}
	}
	if got, err := DialledUntil("", noon); err != nil || !got.IsZero() {
		t.Errorf("nothing: %s, %v", got, err)
	}
}

// A call's rules are decided on the switchboard's loop.
func BenchmarkRulesOfACall(b *testing.B) {
	day := []calendar.Window{{From: calendar.At(8, 0), To: calendar.At(12, 0)}, {From: calendar.At(13, 0), To: calendar.At(17, 0)}}
	d, err := New([]Tenant{{ID: "acme", Number: "+46850000001", Plan: tariff.DefaultPlan(),
		Serving: Serving{Mode: ModeWithOwn, Hours: calendar.Hours{Week: &calendar.Periods{Monday: day}}},
		Callers: Callers{VIP: []Caller{"+46700000001"}, Blocked: []Caller{"+4690*"}}}}, []Agent{{ID: "cia", ViaTrunk: "205", Kind: call.Own, Tenants: []string{"acme"}}})
	if err != nil {
		b.Fatal(err)
	}
	t, _ := d.Tenant("acme")
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, got := RulesAt(t, CommonNumber{}, at, "+46700000002", Switch{}); got.Turn != TurnBoth {
			b.Fatal(got)
		}
	}
}

// Whatever is configured: somebody is offered the call at once, nobody waits for receptionists whom the tenant has not, and a tenant
// that is answered anyway is never closed.
func TestNobodyWaitsForNobody(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	levels := []call.Level{{Groups: []string{"norr"}}, {After: 20 * time.Second, When: 3}}
	start := stockholm(t, "2026-10-20 00:00")
	for range 1000 {
		s := Serving{Mode: Modes[r.IntN(len(Modes))], After: time.Duration(r.IntN(3)) * 10 * time.Second, When: r.IntN(3),
			Shut: []Shut{ShutPrompt, ShutBusy, ShutForward, ShutAnswer}[r.IntN(4)], Serve: call.Serve{Levels: levels[:r.IntN(3)]}}
		if r.IntN(2) == 0 {
			s.Hours = office(t)
		}
		if r.IntN(3) == 0 {
			s.Pool = office(t)
		}
		own, at := r.IntN(2) == 0, start.Add(time.Duration(r.Int64N(int64(60*24*time.Hour))))
		rules, d := RulesAt(acme(t, s, own), CommonNumber{}, at, "", Switch{Away: r.IntN(2) == 0})
		var all []call.Level
		if rules.Serve != nil {
			all = rules.Serve.Levels
		}
		switch {
		case (d.Turn == TurnNobody) != (d.Answer == AnswerClosed) || (d.Answer == AnswerClosed) != (rules.Closed != ""),
			s.Shut == ShutAnswer && d.Turn == TurnNobody,
			!own && (d.Turn == TurnOwn || d.Turn == TurnBoth),
			d.Turn == TurnNobody && all != nil,
			len(all) > 0 && (all[0].After != 0 || all[0].When != 0),
			len(all) > 0 && all[0].Own != (d.Turn == TurnOwn || d.Turn == TurnBoth),
			!slices.IsSortedFunc(all, func(a, b call.Level) int { return cmp.Compare(a.After, b.After) }):
			t.Fatalf("seed %d: %+v, own %t, %s: %+v, %+v", seed, s, own, at, d, all)
		}
	}
}
