package calendar

import (
	"testing"
	"time"
)

func TestAClockTimeOnADateIsAnInstant(t *testing.T) {
	for _, c := range []struct {
		date, clock, want string
	}{
		{"2026-11-23", "08:00", "2026-11-23T07:00:00Z"},
		{"2026-07-01", "08:00", "2026-07-01T06:00:00Z"},
		{"2026-03-29", "02:30", "2026-03-29T01:30:00Z"}, // skipped: 03:30 summer time
		{"2026-10-25", "02:30", "2026-10-25T00:30:00Z"}, // twice: the first
		{"2026-11-23", "24:00", "2026-11-23T23:00:00Z"},
	} {
		d, _ := ParseDate(c.date)
		clock, _ := ParseTimeOfDay(c.clock)
		if got := d.On(clock).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.date, c.clock, got, c.want)
		}
	}
}

func TestAnOfficeIsOpenByItsWeekUnlessTheDateSaysOtherwise(t *testing.T) {
	week := DefaultPeriods()
	h := Hours{Week: &week, Days: []SpecialDay{
		{Date: Date{2026, time.November, 24}, Windows: nil},
		{Date: Date{2026, time.November, 28}, Windows: []Window{{At(10, 0), At(12, 0)}}},
	}}
	for at, want := range map[string]bool{
		"2026-11-23T06:59:59.999999999+01:00": false,
		"2026-11-23T07:00:00+01:00":           true,
		"2026-11-23T17:59:59.999999999+01:00": true,
		"2026-11-23T18:00:00+01:00":           false,
		"2026-11-24T12:00:00+01:00":           false, // closed that day
		"2026-11-28T11:00:00+01:00":           true,  // a Saturday with hours
		"2026-12-25T12:00:00+01:00":           false, // holiday
	} {
		instant, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.OpenAt(instant, Calendar{}); got != want {
			t.Errorf("%s: open %t, want %t", at, got, want)
		}
	}
	if (Hours{}).Known() || !h.Known() || (Hours{}).OpenAt(time.Now(), Calendar{}) {
		t.Error("hours that say nothing are taken for hours")
	}
	h.Days = append(h.Days, h.Days[0])
	if p := h.Validate(); len(p) != 1 || p[0].Field != "days" {
		t.Errorf("got %v", p)
	}
}
