package directory

import (
	"math/rand/v2"
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

// What is told of the next change is what RulesAt decides then, and before it nothing changes: in every mode, with and without hours, over the days
// on which the clock is moved.
func TestTheNextTurnIsTheOneThatIsDecidedThen(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	pool := calendar.Hours{Week: &calendar.Periods{Monday: windows(t, "06:00-20:00"), Tuesday: windows(t, "00:00-09:30"), Sunday: windows(t, "01:30-02:30", "03:30-24:00")}}
	never, all := calendar.Hours{Week: &calendar.Periods{}}, windows(t, "00:00-24:00")
	always := calendar.Hours{Week: &calendar.Periods{Monday: all, Tuesday: all, Wednesday: all, Thursday: all, Friday: all, Saturday: all, Sunday: all, Holidays: all}}
	hours := []calendar.Hours{{}, office(t), pool, never, always}
	for range 150 {
		s := Serving{Mode: Modes[r.IntN(len(Modes))], Hours: hours[r.IntN(len(hours))], Pool: hours[r.IntN(len(hours))], Shut: []Shut{ShutPrompt, ShutAnswer}[r.IntN(2)]}
		tenant := acme(t, s, r.IntN(4) > 0)
		at := stockholm(t, []string{"2026-03-28 12:00", "2026-10-24 12:00", "2026-12-23 12:00"}[r.IntN(3)]).Add(time.Duration(r.Int64N(int64(24 * time.Hour))))
		sw := Switch{Away: r.IntN(2) == 0}
		if sw.Away && r.IntN(2) == 0 {
			sw.Until = at.Truncate(time.Minute).Add(time.Duration(r.IntN(60*48)-60) * time.Minute)
		}
		turn := func(at time.Time) Turn {
			_, d := RulesAt(tenant, CommonNumber{}, at, "", sw)
			return d.Turn
		}
		for end := at.Add(5 * 24 * time.Hour); at.Before(end); {
			told := ServiceAt(tenant, CommonNumber{}, at, sw)
			till := told.Until
			if told.Turn != turn(at) || !till.IsZero() && (told.Turn == told.Next || told.Next != turn(till) || told.Turn != turn(till.Add(-1))) {
				t.Fatalf("seed %d: %+v, %+v, at %s: %+v", seed, s, sw, at, told)
			}
			if till.IsZero() || till.After(end) {
				till = end
			}
			for ; at.Before(till); at = at.Truncate(time.Minute).Add(time.Minute) {
				if turn(at) != told.Turn {
					t.Fatalf("seed %d: %+v, %+v: it is %s's turn at %s: %+v", seed, s, sw, turn(at), at, told)
				}
			}
			at = till
		}
	}
}

// A page asks every ten seconds, and for each common number: what does not matter, or never changes, is not looked through again and again.
func TestWhoAnswersNextIsToldWithoutLookingThroughAYearManyTimes(t *testing.T) {
	all := windows(t, "00:00-24:00")
	always := calendar.Hours{Week: &calendar.Periods{Monday: all, Tuesday: all, Wednesday: all, Thursday: all, Friday: all, Saturday: all, Sunday: all, Holidays: all}}
	at := stockholm(t, "2026-11-23 10:00")
	for name, c := range map[string]struct {
		s  Serving
		sw Switch
	}{
		"the service at all times": {Serving{Mode: ModeClosedHours, Hours: office(t), Pool: always}, Switch{Away: true}},
		"hours that do not matter": {Serving{Mode: ModeClosedHours, Hours: office(t)}, Switch{Away: true}},
		"one's own at all times":   {Serving{Mode: ModeWhenAway, Pool: office(t)}, Switch{}},
		"never open":               {Serving{Hours: calendar.Hours{Week: &calendar.Periods{}}, Pool: office(t)}, Switch{}},
	} {
		tenant := acme(t, c.s, true)
		if work := testing.AllocsPerRun(1, func() { ServiceAt(tenant, CommonNumber{}, at, c.sw) }); work > 8000 { // a year of pauses, looked through once
			t.Errorf("%s: %.0f pieces of memory are asked for", name, work)
		}
	}
}
