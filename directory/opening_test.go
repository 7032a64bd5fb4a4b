package directory

import (
	"encoding/json"
	"testing"
	"time"

	"telefonist/calendar"
)

func TestAnOfficeTellsWhetherItIsOpenAndWhenThatChanges(t *testing.T) {
	var o Office
	err := json.Unmarshal([]byte(`{"name":"HQ","hours":{"week":{"monday":["08:00-12:00","13:00-17:00"],"tuesday":["08:00-24:00"],"wednesday":["00:00-17:00"],
		"thursday":["08:00-17:00"],"friday":["08:00-16:00"],"saturday":[],"sunday":[],"holidays":["10:00-11:00"]},
		"days":[{"date":"2026-11-27","windows":[],"note":"Inventering"}]}}`), &o)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Stockholm())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cal := calendar.Calendar{Eves: true}
	for when, want := range map[string]struct {
		open          bool
		turn          string
		holiday, note string
	}{
		"2026-11-23 07:59": {false, "2026-11-23 08:00", "", ""},
		"2026-11-23 08:00": {true, "2026-11-23 12:00", "", ""},
		"2026-11-23 12:00": {false, "2026-11-23 13:00", "", ""},
		"2026-11-23 17:00": {false, "2026-11-24 08:00", "", ""},
		"2026-11-24 23:59": {true, "2026-11-25 17:00", "", ""},             // over midnight
		"2026-11-27 09:00": {false, "2026-11-30 08:00", "", "Inventering"}, // a Friday with hours of its own
		"2026-12-24 10:30": {true, "2026-12-24 11:00", "julafton", ""},
		"2026-12-25 12:00": {false, "2026-12-26 10:00", "juldagen", ""}, // Boxing Day
		"2026-12-26 11:00": {false, "2026-12-28 08:00", "annandag jul", ""},
	} {
		got := o.OpeningAt(at(when), cal)
		turn := got.Opens
		if got.Open {
			turn = got.Closes
		}
		if !got.Known || got.Open != want.open || !turn.Equal(at(want.turn)) || got.Holiday != want.holiday || got.Note != want.note {
			t.Errorf("%s: got %+v, want %+v", when, got, want)
		}
	}
	if got := (Office{Name: "x"}).OpeningAt(at("2026-11-23 08:00"), cal); got != (Opening{}) {
		t.Errorf("nothing is known: %+v", got)
	}
	always := calendar.Periods{}
	for _, day := range []*[]calendar.Window{&always.Monday, &always.Tuesday, &always.Wednesday, &always.Thursday, &always.Friday, &always.Saturday, &always.Sunday, &always.Holidays} {
		*day = []calendar.Window{{From: 0, To: calendar.EndOfDay}}
	}
	if got := (Office{Hours: calendar.Hours{Week: &always}}).OpeningAt(at("2026-11-23 08:00"), cal); !got.Open || !got.Closes.IsZero() {
		t.Errorf("always open: %+v", got)
	}
}
