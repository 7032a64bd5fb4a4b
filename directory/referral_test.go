package directory

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"telefonist/calendar"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04"} {
		if v, err := time.ParseInLocation(layout, s, calendar.Stockholm()); err == nil {
			return v
		}
	}
	t.Fatalf("no instant: %q", s)
	return time.Time{}
}

func TestReferralsEndAsTheirCodesSay(t *testing.T) {
	for _, c := range []struct{ code, from, until string }{
		{"lunch", "2026-11-23 11:30", "2026-11-23 12:30"},
		{"Möte", "2026-11-23 11:30", "2026-11-23 12:30"},
		{"sjuk", "2026-11-23 07:30", ""},
		{"semester", "2026-11-27 16:00", "2026-11-30 08:00"}, // Friday, back on Monday
		{"ledig", "2026-12-23 16:00", "2026-12-28 08:00"},    // Christmas and the weekend between
		{"gått för dagen", "2026-11-23 15:00", "2026-11-24 08:00"},
		{"kurs", "2026-03-27 15:00", "2026-03-30 08:00"},        // the clock goes forward between
		{"ledig", "2026-10-23 15:00", "2026-10-26 08:00"},       // and back
		{"tjänsteresa", "2026-04-30 12:00", "2026-05-04 08:00"}, // 1 May is a Friday
	} {
		r := Referral{Code: c.code}
		from := at(t, c.from)
		if p := r.Complete(from, Settings{}, "SE", calendar.Calendar{Eves: true}); p != nil {
			t.Errorf("%s: %v", c.code, p)
		}
		want := time.Time{}
		if c.until != "" {
			want = at(t, c.until)
		}
		if !r.From.Equal(from) || !r.Until.Equal(want) || r.Open != want.IsZero() {
			t.Errorf("%s from %s: got %v to %v, want until %v", c.code, c.from, r.From, r.Until, want)
		}
	}
}

func TestReferralsThatCannotBeAreRefusedByField(t *testing.T) {
	now := at(t, "2026-11-23 12:00")
	for field, r := range map[string]Referral{
		"code":       {Code: "borta"},
		"until":      {Code: "lunch", From: now, Until: now},
		"source":     {Code: "lunch", Source: "rumour"},
		"forward_to": {Code: "lunch", Forward: "112"},
		"note":       {Code: "lunch", Note: "a\x00b"},
	} {
		p := r.Complete(now, Settings{}, "SE", calendar.Calendar{})
		if len(p) != 1 || p[0].Field != field {
			t.Errorf("%s: got %v", field, p)
		}
	}
	r := Referral{Code: "åter"}
	if p := r.Complete(now, Settings{}, "SE", calendar.Calendar{}); len(p) != 1 || p[0].Field != "until" {
		t.Errorf("a code without a usual end: %v", p)
	}
	r = Referral{Code: "lunch", Open: true}
	if p := r.Complete(now, Settings{}, "SE", calendar.Calendar{}); p != nil || !r.Until.IsZero() {
		t.Errorf("open-ended lunch: %+v, %v", r, p)
	}
}

func TestAReferralBeginsAndEndsToTheNanosecond(t *testing.T) {
	from, until := at(t, "2026-11-23 12:00"), at(t, "2026-11-23 13:00")
	r := Referral{From: from, Until: until}
	for instant, want := range map[time.Time]bool{
		from.Add(-1): false, from: true, from.Add(1): true, until.Add(-1): true, until: false, until.Add(1): false,
	} {
		if r.ActiveAt(instant) != want {
			t.Errorf("%v: active %t", instant, !want)
		}
	}
	if open := (Referral{From: from}); open.ActiveAt(from.Add(-1)) || !open.ActiveAt(from.AddDate(5, 0, 0)) {
		t.Error("an open-ended one must begin, and not end")
	}
}

// TestWhatHoldsFollowsFromTheReferralsAlone compares with a model that looks at every instant of a small day.
func TestWhatHoldsFollowsFromTheReferralsAlone(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	zero := at(t, "2026-11-23 00:00")
	minute := func(n int) time.Time { return zero.Add(time.Duration(n) * time.Minute) }
	for range 300 {
		var all []Referral
		for range rnd.IntN(6) {
			r := Referral{From: minute(rnd.IntN(30)), Fetched: minute(rnd.IntN(30))}
			if rnd.IntN(4) > 0 {
				r.Until = r.From.Add(time.Duration(1+rnd.IntN(10)) * time.Minute)
			}
			all = append(all, r)
		}
		state := func(n int) (Referral, bool) { return ActiveReferral(all, minute(n)) }
		for n := range 45 {
			got, ok := state(n)
			if any := slices.ContainsFunc(all, func(r Referral) bool { return r.ActiveAt(minute(n)) }); any != ok {
				t.Fatalf("seed %d: active %t, want %t", seed, ok, any)
			}
			for _, r := range all {
				if r.ActiveAt(minute(n)) && (r.From.After(got.From) || r.From.Equal(got.From) && r.Fetched.After(got.Fetched)) {
					t.Fatalf("seed %d: %+v holds, not %+v", seed, r, got)
				}
			}
			// Between now and the next change nothing changes.
			next, changes := NextChange(all, minute(n))
			for m := n + 1; m < 45 && (!changes || minute(m).Before(next)); m++ {
				if later, still := state(m); still != ok || later != got {
					t.Fatalf("seed %d: changed at minute %d, the next change was said to be %v", seed, m, next)
				}
			}
		}
	}
}

func TestDoubtfulReferralsAreFlagged(t *testing.T) {
	now := at(t, "2026-11-23 12:00")
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		r    Referral
		want []ReferralFlag
	}{
		{"ordinary", Referral{Code: "lunch", From: now, Until: now.Add(time.Hour), Fetched: now, Source: FromPBX}, nil},
		{"backwards", Referral{Code: "lunch", From: now.Add(time.Hour), Until: now.Add(time.Minute)}, []ReferralFlag{EndsBeforeItBegins}},
		{"long lunch", Referral{Code: "lunch", From: now, Until: now.Add(day + 1)}, []ReferralFlag{TooLong}},
		{"longest lunch", Referral{Code: "lunch", From: now, Until: now.Add(day)}, nil},
		{"years", Referral{Code: "semester", From: now, Until: now.AddDate(3, 0, 0)}, []ReferralFlag{TooLong}},
		{"far away", Referral{Code: "semester", From: now.AddDate(2, 0, 1), Until: now.AddDate(2, 0, 2)}, []ReferralFlag{BeginsFarAway}},
		{"over", Referral{Code: "lunch", From: now.Add(-2 * time.Hour), Until: now}, []ReferralFlag{Over}},
		{"no such code", Referral{Code: "x", From: now, Until: now.Add(1)}, []ReferralFlag{UnknownCode}},
		{"long sick", Referral{Code: "sjuk", From: now.AddDate(0, 0, -30)}, []ReferralFlag{NoEnd}},
		{"sick", Referral{Code: "sjuk", From: now.AddDate(0, 0, -30).Add(1)}, nil},
		{"not fetched", Referral{Code: "semester", From: now.Add(-8 * day), Until: now.Add(day), Fetched: now.Add(-7 * day), Source: FromPBX},
			[]ReferralFlag{NotFetched}},
		{"set by hand", Referral{Code: "semester", From: now.Add(-8 * day), Until: now.Add(day), Fetched: now.Add(-7 * day), Source: FromAgent}, nil},
	} {
		if got := c.r.Flags(now, Settings{}); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestTheSafePhraseIsShownNeverTheCode(t *testing.T) {
	now := at(t, "2026-11-23 12:00")
	no := false
	all := []Referral{{Code: "sjuk", From: now.Add(-time.Hour), Note: "influensa"}}
	if p := PresenceAt(all, now, Settings{}); !p.Away || p.Phrase != "inte på plats" || p.Connect || !p.Until.IsZero() {
		t.Errorf("got %+v", p)
	}
	if p := PresenceAt([]Referral{{Code: "left the list", From: now}}, now, Settings{}); p.Phrase != "inte på plats" {
		t.Errorf("a code that is gone is said as %q", p.Phrase)
	}
	if p := PresenceAt([]Referral{{Code: "tjänsteresa", From: now, Connect: &no, Forward: "205"}}, now, Settings{}); p.Connect || p.Forward != "205" {
		t.Errorf("got %+v", p)
	}
	if p := PresenceAt(all, now.Add(-2*time.Hour), Settings{}); p.Away || !p.Connect {
		t.Errorf("before it begins: %+v", p)
	}
}

func TestPBXsNamesOfReasonsAreTranslated(t *testing.T) {
	s := Settings{PBXCodes: map[string]string{"03": "semester", "LUNCH/MAT": "lunch"}}
	for name, want := range map[string]string{"03": "semester", "lunch/mat": "lunch", " SJUK ": "sjuk"} {
		if c, ok := s.Code(name); !ok || c.Code != want {
			t.Errorf("%q: got %q, %t", name, c.Code, ok)
		}
	}
	if p := s.Normalize(""); p != nil {
		t.Error(p)
	}
	s.Codes = []Code{{Code: "Borta", Phrase: "borta", End: EndAfter}}
	if p := s.Normalize(""); len(p) != 3 || s.Codes[0].Code != "borta" {
		t.Errorf("got %v", p) // minutes, and both translations lead nowhere
	}
}
