package calendar

import (
	"testing"
	"time"
)

// paschalMoons are the dates of the paschal full moon by golden number (1-19), as
// the church's tables have them for 1900-2199: an oracle that shares nothing with
// the computus in Easter.
var paschalMoons = [19][2]int{
	{4, 14}, {4, 3}, {3, 23}, {4, 11}, {3, 31}, {4, 18}, {4, 8}, {3, 28}, {4, 16}, {4, 5},
	{3, 25}, {4, 13}, {4, 2}, {3, 22}, {4, 10}, {3, 30}, {4, 17}, {4, 7}, {3, 27},
}

func TestEasterIsTheSundayAfterThePaschalFullMoon(t *testing.T) {
	for year := 1900; year <= 2199; year++ {
		moon := paschalMoons[year%19]
		want := Date{year, time.Month(moon[0]), moon[1]}.AddDays(1)
		for want.Weekday() != time.Sunday {
			want = want.AddDays(1)
		}
		if got := Easter(year); got != want {
			t.Errorf("Easter(%d) = %s, want %s", year, got, want)
		}
	}
}

func TestHolidaysOfAYearAreThoseOfTheAct(t *testing.T) {
	want := []struct{ date, swedish, english string }{
		{"2026-01-01", "nyårsdagen", "New Year's Day"},
		{"2026-01-06", "trettondedag jul", "Epiphany"},
		{"2026-04-03", "långfredagen", "Good Friday"},
		{"2026-04-05", "påskdagen", "Easter Sunday"},
		{"2026-04-06", "annandag påsk", "Easter Monday"},
		{"2026-05-01", "första maj", "May Day"},
		{"2026-05-14", "Kristi himmelsfärds dag", "Ascension Day"},
		{"2026-05-24", "pingstdagen", "Whit Sunday"},
		{"2026-06-06", "nationaldagen", "National Day"},
		{"2026-06-20", "midsommardagen", "Midsummer's Day"},
		{"2026-10-31", "alla helgons dag", "All Saints' Day"},
		{"2026-12-25", "juldagen", "Christmas Day"},
		{"2026-12-26", "annandag jul", "Boxing Day"},
	}
	got := Calendar{}.Year(2026)
	if len(got) != len(want) {
		t.Fatalf("%d holidays in 2026, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Date.String() != w.date || g.Swedish != w.swedish || g.English != w.english || g.Eve {
			t.Errorf("holiday %d of 2026 = %+v, want %+v", i, g, w)
		}
	}
}

func TestMovableSaturdaysStayInTheirWeeks(t *testing.T) {
	for year := 1990; year < 2100; year++ {
		var midsummer, saints Date
		for _, h := range (Calendar{}).Year(year) {
			switch h.Swedish {
			case "midsommardagen":
				midsummer = h.Date
			case "alla helgons dag":
				saints = h.Date
			}
		}
		if midsummer.Weekday() != time.Saturday ||
			midsummer.Compare(Date{year, 6, 20}) < 0 || midsummer.Compare(Date{year, 6, 26}) > 0 {
			t.Errorf("Midsummer's Day of %d on %s", year, midsummer)
		}
		if saints.Weekday() != time.Saturday ||
			saints.Compare(Date{year, 10, 31}) < 0 || saints.Compare(Date{year, 11, 6}) > 0 {
			t.Errorf("All Saints' Day of %d on %s", year, saints)
		}
	}
}

func TestEvesAreHolidaysOnlyByChoice(t *testing.T) {
	for _, day := range []string{
		"2026-06-19", "2026-12-24", "2026-12-31", "2027-06-25", "2027-12-24", "2027-12-31",
		"2028-06-23", "2028-12-24", "2028-12-31",
	} {
		d := mustDate(t, day)
		if h, ok := (Calendar{}).Holiday(d); ok {
			t.Errorf("%s is %v although eves are ordinary days", d, h)
		}
		if h, ok := (Calendar{Eves: true}).Holiday(d); !ok || !h.Eve || h.Date != d {
			t.Errorf("%s is not an eve where eves are holidays: %v", d, h)
		}
	}
	if n := len(Calendar{Eves: true}.Year(2027)); n != 16 {
		t.Errorf("%d holidays and eves in 2027, want 16", n)
	}
}

func TestOrdinaryDaysAreNoHolidays(t *testing.T) {
	c := Calendar{Eves: true}
	for _, day := range []string{
		"2027-03-25", // skärtorsdagen
		"2026-04-04", // påskafton
		"2026-05-25", // Whit Monday, until 2004
		"2026-06-05", "2026-06-22", "2026-10-30", "2026-12-23", "2027-01-05",
	} {
		if h, ok := c.Holiday(mustDate(t, day)); ok {
			t.Errorf("%s is %v", day, h)
		}
	}
}

func TestExtraDaysAreHolidays(t *testing.T) {
	bridge, christmas := Date{2026, 5, 15}, Date{2026, 12, 25}
	c := Calendar{Extra: []Date{christmas, bridge}}
	if h, ok := c.Holiday(bridge); !ok || h.Swedish != "extra helgdag" || h.Date != bridge {
		t.Errorf("extra day: %v, %v", h, ok)
	}
	if h, _ := c.Holiday(christmas); h.Swedish != "juldagen" {
		t.Errorf("an extra day hides the holiday it falls on: %v", h)
	}
	if _, ok := c.Holiday(Date{2027, 5, 15}); ok {
		t.Error("an extra day comes again the year after")
	}
}

func TestTwoHolidaysOnOneDayAreOne(t *testing.T) {
	if h, ok := (Calendar{}).Holiday(Date{2008, 5, 1}); !ok || h.Swedish != "första maj" {
		t.Errorf("1 May 2008, also Ascension Day: %v, %v", h, ok)
	}
}

func TestNextWorkingDay(t *testing.T) {
	eves := Calendar{Eves: true, Extra: []Date{{2027, 1, 4}}}
	for _, c := range []struct {
		cal        Calendar
		from, want string
	}{
		{Calendar{}, "2026-11-23", "2026-11-24"}, // Monday
		{Calendar{}, "2026-11-27", "2026-11-30"}, // Friday
		{Calendar{}, "2026-11-28", "2026-11-30"}, // Saturday
		{Calendar{}, "2026-04-02", "2026-04-07"}, // over Easter
		{Calendar{}, "2026-12-23", "2026-12-24"},
		{eves, "2026-12-23", "2026-12-28"},
		{eves, "2026-12-30", "2027-01-05"}, // eve, New Year, weekend, extra day
	} {
		if got := c.cal.NextWorkingDay(mustDate(t, c.from)); got.String() != c.want {
			t.Errorf("next working day after %s = %s, want %s", c.from, got, c.want)
		}
	}
}

func mustDate(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
