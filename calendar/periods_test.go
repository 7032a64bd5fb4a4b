package calendar

import (
	"reflect"
	"testing"
	"time"
	_ "time/tzdata" // the same answers on a machine without a zone database
)

func local(y int, m time.Month, d, hh, mm int) time.Time {
	return time.Date(y, m, d, hh, mm, 0, 0, Stockholm())
}

func TestDayBeginsAndEndsToTheNanosecond(t *testing.T) {
	p, c := DefaultPeriods(), Calendar{Eves: true}
	for _, day := range []time.Time{
		local(2026, time.November, 23, 0, 0), // winter time
		local(2026, time.July, 6, 0, 0),      // summer time
		local(2026, time.March, 30, 0, 0),    // first weekday after clocks go forward
		local(2026, time.October, 26, 0, 0),  // first weekday after clocks go back
	} {
		begin := time.Date(day.Year(), day.Month(), day.Day(), 7, 0, 0, 0, Stockholm())
		end := time.Date(day.Year(), day.Month(), day.Day(), 18, 0, 0, 0, Stockholm())
		for _, w := range []struct {
			at   time.Time
			want Period
		}{
			{begin.Add(-1), EveningWeekend}, {begin, Day}, {begin.Add(1), Day},
			{end.Add(-1), Day}, {end, EveningWeekend}, {end.Add(1), EveningWeekend},
		} {
			for _, at := range []time.Time{w.at, w.at.UTC(), w.at.In(time.FixedZone("", -9*3600))} {
				if got := p.PeriodAt(at, c); got != w.want {
					t.Errorf("period at %s = %s, want %s", at.Format(time.RFC3339Nano), got, w.want)
				}
			}
		}
	}
}

func TestPeriodsFollowTheWallClockWhereItIsMoved(t *testing.T) {
	p := Periods{Sunday: []Window{{At(2, 30), At(3, 30)}}}
	for _, w := range []struct {
		at   string
		want Period
	}{
		{"2026-03-29T00:59:59.999999999Z", EveningWeekend}, // 01:59:59.999999999
		{"2026-03-29T01:00:00Z", Day},                      // 03:00, 02:30 never was
		{"2026-03-29T01:30:00Z", EveningWeekend},           // 03:30
		{"2026-10-25T00:29:59Z", EveningWeekend},           // 02:29:59 for the first time
		{"2026-10-25T00:30:00Z", Day},                      // 02:30 for the first time
		{"2026-10-25T00:59:59.999999999Z", Day},
		{"2026-10-25T01:00:00Z", EveningWeekend}, // 02:00 for the second time
		{"2026-10-25T01:30:00Z", Day},            // 02:30 for the second time
		{"2026-10-25T02:29:59Z", Day},            // 03:29:59
		{"2026-10-25T02:30:00Z", EveningWeekend}, // 03:30
	} {
		at, err := time.Parse(time.RFC3339Nano, w.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.PeriodAt(at, Calendar{}); got != w.want {
			t.Errorf("period at %s = %s, want %s", w.at, got, w.want)
		}
	}
}

func TestHolidayWindowsStandInsteadOfTheWeekdays(t *testing.T) {
	p := DefaultPeriods()
	p.Holidays = []Window{{At(10, 0), At(14, 0)}}
	for at, want := range map[time.Time]Period{
		local(2026, time.January, 6, 9, 59):   EveningWeekend,
		local(2026, time.January, 6, 10, 0):   Day,
		local(2026, time.January, 6, 14, 0):   EveningWeekend,
		local(2026, time.January, 7, 9, 59):   Day,
		local(2026, time.April, 5, 12, 0):     Day, // a Sunday and a holiday
		local(2026, time.April, 12, 12, 0):    EveningWeekend,
		local(2026, time.December, 24, 12, 0): Day, // eves are ordinary here
	} {
		if got := p.PeriodAt(at, Calendar{}); got != want {
			t.Errorf("period at %s = %s, want %s", at, got, want)
		}
	}
}

func TestNoWindowsMeansNeverDayAndWholeDaysMeansAlways(t *testing.T) {
	whole := []Window{{0, EndOfDay}}
	always := Periods{whole, whole, whole, whole, whole, whole, whole, whole}
	c := Calendar{Eves: true}
	for at := local(2026, time.January, 1, 0, 0); at.Year() < 2027; at = at.Add(97 * time.Minute) {
		if (Periods{}).PeriodAt(at, c) != EveningWeekend || always.PeriodAt(at, c) != Day {
			t.Fatalf("wrong period at %s", at)
		}
	}
}

func TestSplitWindows(t *testing.T) {
	p := Periods{Monday: []Window{{At(7, 0), At(12, 0)}, {At(13, 0), At(18, 0)}}}
	for hour, want := range map[int]Period{6: EveningWeekend, 7: Day, 12: EveningWeekend, 13: Day, 18: EveningWeekend} {
		if got := p.PeriodAt(local(2026, time.November, 23, hour, 0), Calendar{}); got != want {
			t.Errorf("period at %02d:00 = %s, want %s", hour, got, want)
		}
	}
}

func TestValidateNamesTheFieldAndTheRemedy(t *testing.T) {
	if got := DefaultPeriods().Validate(); got != nil {
		t.Errorf("the default periods: %v", got)
	}
	p := Periods{
		Tuesday:  []Window{{At(7, 0), At(12, 0)}, {At(11, 59), At(18, 0)}},
		Holidays: []Window{{At(18, 0), At(7, 0)}},
		Friday:   []Window{{At(7, 0), At(12, 0)}, {At(12, 0), At(18, 0)}},
	}
	got := p.Validate()
	if len(got) != 2 || got[0].Field != "tuesday[1]" || got[1].Field != "holidays[0]" ||
		got[0].Write == "" || got[1].Write == "" {
		t.Errorf("problems: %v", got)
	}
	want := "tuesday[1]: 11:59-18:00 overlaps 07:00-12:00: write one window that covers both"
	if len(got) > 0 && got[0].Error() != want {
		t.Errorf("error text %q, want %q", got[0].Error(), want)
	}
}

func TestTheRuleIsTheZoneSince1996(t *testing.T) {
	rule := stockholmByRule()
	if rule.String() != Zone {
		t.Fatalf("the rule was not read: %s", rule)
	}
	for at := time.Date(1996, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2038; at = at.Add(time.Hour) {
		want, got := at.In(Stockholm()), at.In(rule)
		_, wantOffset := want.Zone()
		if _, offset := got.Zone(); offset != wantOffset {
			t.Fatalf("%s: %s by the rule, %s by the database", at, got, want)
		}
	}
}

func TestTextFormsParseAsPrinted(t *testing.T) {
	for _, s := range []string{"00:00-24:00", "07:00-18:00", "07:00:30-07:00:31"} {
		if w, err := ParseWindow(s); err != nil || w.String() != s {
			t.Errorf("ParseWindow(%q) = %s, %v", s, w, err)
		}
	}
	for _, s := range []string{
		"", "-", "07:00", "7:00-18:00", "07:00-18", "18:00-07:00", "07:00-07:00", "24:00-24:00", "07:00-24:01",
		"22:00-06:00", "07:00-18:00-19:00", "07:60-18:00", "07:00:00.5-18:00",
	} {
		if w, err := ParseWindow(s); err == nil {
			t.Errorf("ParseWindow(%q) = %s", s, w)
		}
	}
	for _, s := range []string{"", "2026-1-01", "2026-02-29", "0000-01-01", "26-01-01", "2026-01-01T00:00:00Z"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %s", s, d)
		}
	}
	for _, p := range AllPeriods() {
		text, err := p.MarshalText()
		var got Period
		if err != nil || got.UnmarshalText(text) != nil || got != p {
			t.Errorf("%s came back as %s (%v)", p, got, err)
		}
	}
	if _, err := Period(2).MarshalText(); err == nil {
		t.Error("a third period was written")
	}
	if (Date{2026, 2, 29}).Valid() || (Date{}).Valid() || !(Date{2028, 2, 29}).Valid() {
		t.Error("leap days")
	}
}

func TestDateOfIsTheDateInStockholm(t *testing.T) {
	at := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	if d := DateOf(at); d != (Date{2027, 1, 1}) {
		t.Errorf("date of %s = %s", at, d)
	}
	if got := TimeOfDayOf(at); got != At(0, 30) {
		t.Errorf("time of day of %s = %s", at, got)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"2026-12-24", "07:00-18:00", "00:00-24:00", "07:00:01-07:00:02", "0001-01-01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDate(s); err == nil {
			if again, err := ParseDate(d.String()); err != nil || again != d || !d.Valid() {
				t.Errorf("date %q printed as %s: %v", s, d, err)
			}
		}
		if w, err := ParseWindow(s); err == nil {
			if again, err := ParseWindow(w.String()); err != nil || !reflect.DeepEqual(again, w) {
				t.Errorf("window %q printed as %s: %v", s, w, err)
			}
		}
	})
}

func BenchmarkPeriodAt(b *testing.B) {
	p, c := DefaultPeriods(), Calendar{Eves: true}
	at := local(2026, time.May, 5, 12, 0)
	b.ReportAllocs()
	for b.Loop() {
		p.PeriodAt(at, c)
	}
}
