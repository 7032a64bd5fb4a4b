package calendar

import (
	"testing"
	"time"
)

func windows(t *testing.T, texts ...string) (all []Window) {
	t.Helper()
	for _, s := range texts {
		w, err := ParseWindow(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05.999999999", s, Stockholm())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheNextChangeIsTheNextOpeningOrClosing(t *testing.T) {
	office := windows(t, "08:00-12:00", "13:00-17:00")
	h := Hours{Week: &Periods{Monday: office, Tuesday: office, Wednesday: office, Thursday: office, Friday: office,
		Holidays: windows(t, "10:00-11:00")},
		Days: []SpecialDay{{Date: Date{2026, time.November, 25}}, {Date: Date{2026, time.November, 28}, Windows: windows(t, "00:00-24:00")},
			{Date: Date{2026, time.November, 29}, Windows: windows(t, "00:00-02:00")}}}
	for _, c := range []struct{ from, want string }{
		{"2026-11-23 07:59:59.999999999", "2026-11-23 08:00:00"},
		{"2026-11-23 08:00:00", "2026-11-23 12:00:00"},
		{"2026-11-23 12:00:00", "2026-11-23 13:00:00"},
		{"2026-11-23 17:00:00", "2026-11-24 08:00:00"},
		{"2026-11-24 17:00:00", "2026-11-26 08:00:00"}, // closed on the 25th
		{"2026-11-27 17:00:00", "2026-11-28 00:00:00"},
		{"2026-11-28 12:00:00", "2026-11-29 02:00:00"}, // over midnight without a break
		{"2026-12-24 17:00:00", "2026-12-25 10:00:00"}, // Christmas Day, a Friday
		{"2026-12-25 10:00:00", "2026-12-25 11:00:00"},
	} {
		got, ok := h.NextChange(instant(t, c.from), Calendar{})
		if !ok || !got.Equal(instant(t, c.want)) {
			t.Errorf("after %s: got %s, %t, want %s", c.from, got.In(Stockholm()), ok, c.want)
		}
	}
	for _, h := range []Hours{{}, {Week: &Periods{}}, {Week: always(t)}} {
		if at, ok := h.NextChange(instant(t, "2026-11-23 12:00:00"), Calendar{}); ok {
			t.Errorf("hours that never change do at %s", at)
		}
	}
}

func always(t *testing.T) *Periods {
	all := windows(t, "00:00-24:00")
	return &Periods{all, all, all, all, all, all, all, all}
}

// The answer of OpenAt, asked each minute over the days when the clock is moved, changes where NextChange says and nowhere else.
func TestTheNextChangeHoldsWhereTheClockIsMoved(t *testing.T) {
	for _, texts := range [][]string{{"02:30-04:00"}, {"01:00-02:30"}, {"02:10-02:50"}, {"00:00-03:00", "03:30-23:59"}, {"00:00-24:00"}, {"02:00-03:00"}} {
		all := windows(t, texts...)
		h := Hours{Week: &Periods{all, all, all, all, all, all, all, all}}
		for _, day := range []string{"2026-03-28", "2026-10-24", "2027-03-27", "2027-10-30"} {
			first := instant(t, day+" 12:00:00")
			next, ok := h.NextChange(first, Calendar{})
			open := h.OpenAt(first, Calendar{})
			for at := first; at.Before(first.Add(48 * time.Hour)); at = at.Add(time.Minute) {
				if now := h.OpenAt(at, Calendar{}); now != open {
					if !ok || !next.Equal(at) {
						t.Fatalf("%v: open %t at %s, but the next change was %s", texts, now, at, next)
					}
					open = now
					next, ok = h.NextChange(at, Calendar{})
				} else if ok && next.Equal(at) {
					t.Fatalf("%v: nothing changes at %s", texts, at)
				}
			}
		}
	}
}

func TestTheNextTimeIsTodayOrTomorrow(t *testing.T) {
	noon := instant(t, "2026-11-23 12:00:00")
	for clock, want := range map[TimeOfDay]string{At(12, 1): "2026-11-23 12:01:00", At(12, 0): "2026-11-24 12:00:00", At(8, 0): "2026-11-24 08:00:00", EndOfDay: "2026-11-24 00:00:00"} {
		if got := Next(clock, noon); !got.Equal(instant(t, want)) {
			t.Errorf("%s: %s, want %s", clock, got, want)
		}
	}
}
