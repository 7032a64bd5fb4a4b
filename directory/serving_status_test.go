package directory

import (
	"testing"
	"time"

	"telefonist/calendar"
)

func TestWhoAnswersNowAndNextIsTold(t *testing.T) {
	hours := office(t)
	for _, c := range []struct {
		s    Serving
		own  bool
		sw   Switch
		at   string
		want string
	}{
		{Serving{}, false, Switch{}, "2026-11-23 10:00", "open (the service answers)"},
		{Serving{Hours: hours}, false, Switch{}, "2026-11-23 10:00", "open until 12:00 (the service answers)"},
		{Serving{Hours: hours}, false, Switch{}, "2026-11-23 12:00", "closed, opens 13:00 (the service answers)"},
		{Serving{Hours: hours}, false, Switch{}, "2026-11-27 17:00", "closed, opens Saturday 22:00 (the service answers)"},
		{Serving{Hours: hours}, false, Switch{}, "2026-11-28 23:00", "open until Sunday 02:00 (the service answers)"},
		{Serving{Hours: hours}, false, Switch{}, "2026-11-29 02:00", "closed, opens Monday 08:00 (the service answers)"},
		{Serving{Hours: calendar.Hours{Days: []calendar.SpecialDay{{Date: calendar.Date{Year: 2026, Month: 12, Day: 23}, Windows: windows(t, "08:00-12:00")}}}}, false, Switch{},
			"2026-11-23 10:00", "closed, opens 2026-12-23 08:00 (the service answers)"},
		{Serving{Hours: calendar.Hours{Week: &calendar.Periods{}}}, false, Switch{}, "2026-11-23 10:00", "closed"},
		{Serving{Mode: ModeClosedHours, Hours: hours}, true, Switch{}, "2026-11-23 14:00", "open (own receptionists answer until 17:00, then the service answers)"},
		{Serving{Mode: ModeClosedHours, Hours: hours}, false, Switch{}, "2026-11-23 14:00", "open (the service answers)"},
		{Serving{Mode: ModeWithOwn}, true, Switch{}, "2026-11-23 14:00", "open (own receptionists first, then the service)"},
		{Serving{Mode: ModeWhenAway, Hours: hours}, true, Switch{Away: true, Until: time.Date(2026, 11, 23, 15, 0, 0, 0, calendar.Stockholm())}, "2026-11-23 14:00",
			"open (the service answers until 15:00, then own receptionists answer); own receptionists are away"},
		{Serving{Mode: ModeWhenAway, Hours: hours}, true, Switch{Away: true}, "2026-11-23 14:00", "open until 17:00 (the service answers); own receptionists are away"},
	} {
		at := stockholm(t, c.at)
		if got := ServiceAt(acme(t, c.s, c.own), CommonNumber{}, at, c.sw).Text(at); got != c.want {
			t.Errorf("%+v, %s: %q, want %q", c.s.Mode, c.at, got, c.want)
		}
	}
}

// What is told of the next change is what RulesAt decides then, and before it nothing changes.
func TestTheNextTurnIsTheOneThatIsDecidedThen(t *testing.T) {
	tenant := acme(t, Serving{Mode: ModeClosedHours, Hours: office(t), Pool: calendar.Hours{Week: &calendar.Periods{Monday: windows(t, "06:00-20:00"), Tuesday: windows(t, "00:00-09:30")}}}, true)
	at := stockholm(t, "2026-10-24 12:00")
	sw := Switch{Away: true, Until: at.Add(45*time.Hour + time.Minute)}
	turn := func(at time.Time) Turn {
		_, d := RulesAt(tenant, CommonNumber{}, at, "", sw)
		return d.Turn
	}
	for end := at.Add(6 * 24 * time.Hour); at.Before(end); {
		s := ServiceAt(tenant, CommonNumber{}, at, sw)
		if s.Turn != turn(at) || s.Turn == s.Next || s.Turn != turn(s.Until.Add(-1)) || s.Next != turn(s.Until) {
			t.Fatalf("at %s: %+v", at, s)
		}
		for ; at.Before(s.Until); at = at.Add(time.Minute) {
			if turn(at) != s.Turn {
				t.Fatalf("it is %s's turn at %s, before %s", turn(at), at, s.Until)
			}
		}
		at = s.Until
	}
}
