package call_test

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// announced has the caller welcomed, then told of her place every 30 s and of the expected wait every minute.
func announced(r *call.Rules) {
	r.Welcome = []string{"hello"}
	r.AnnounceAfter, r.AnnouncePosition, r.AnnounceWait = 10*time.Second, 30*time.Second, time.Minute
}

const (
	third      = "sv-position sv-3 sv-in-queue"
	twoMinutes = "sv-wait sv-2 sv-minutes"
)

func saysNothing(t *testing.T, said string) {
	t.Helper()
	if strings.Contains(said, "say ") {
		t.Errorf("announces: %s", said)
	}
}

func TestWaitingCallerIsWelcomedOnceAndToldOfHerPlaceAtIntervals(t *testing.T) {
	h := newHarness(t, rules())
	end(h)
	r := rules()
	announced(&r)
	h = newHarness(t, r)
	says(t, show(h.cmds), "say hello to c, then music")
	saysNothing(t, h.until(10*time.Second-1))
	says(t, h.until(10*time.Second), "say "+third+" "+twoMinutes+" to c, then music")
	saysNothing(t, h.until(40*time.Second-1))
	h.place = call.Place{Position: 2}
	says(t, h.until(40*time.Second), "say sv-position sv-2 sv-in-queue to c")
	h.place = call.Place{Position: 2}
	says(t, h.until(70*time.Second), "say sv-position sv-2 sv-in-queue to c") // nobody can say how long
	talking(h)
	if _, armed := h.timers[call.TimerAnnounce]; armed {
		t.Error("the timer outlives the wait")
	}
	end(h)
}

func TestAnnouncementThatComesDueWhileAPhoneRingsIsMadeWhenSheWaitsAgain(t *testing.T) {
	h := enter(t, announced, offered)
	saysNothing(t, h.until(14*time.Second))
	says(t, h.until(15*time.Second), "say "+third) // the phone has rung for 15 s
	end(h)
}

func TestCallerWhoHearsRingingIsToldNothing(t *testing.T) {
	h := enter(t, func(r *call.Rules) { announced(r); r.RingFirst = true }, func(h *harness) {})
	saysNothing(t, h.until(30*time.Second-1))
	says(t, h.until(30*time.Second), "say hello to c")
	says(t, h.until(40*time.Second), "say "+third)
	end(h)
}

func TestAnnouncementsMayBeTurnedOffOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*call.Rules)
		want string
	}{
		"place": {func(r *call.Rules) { r.AnnouncePosition = 0 }, "say " + twoMinutes + " to c"},
		"wait":  {func(r *call.Rules) { r.AnnounceWait = 0 }, "say " + third + " to c"},
		"both":  {func(r *call.Rules) { r.AnnouncePosition, r.AnnounceWait = 0, 0 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := enter(t, func(r *call.Rules) { announced(r); c.set(r) }, func(h *harness) {})
			said := h.until(10 * time.Second)
			says(t, said, c.want)
			if c.want == "" {
				saysNothing(t, said)
			}
			end(h)
		})
	}
}

func TestNumbersAreSpokenInBothLanguages(t *testing.T) {
	for _, c := range []struct {
		language string
		place    call.Place
		want     string
	}{
		{"", call.Place{Position: 1, Wait: 20 * time.Second}, "sv-position sv-1 sv-in-queue sv-wait-short"},
		{"sv", call.Place{Position: 20, Wait: 89 * time.Second}, "sv-position sv-20 sv-in-queue sv-wait-one"},
		{"en", call.Place{Position: 21, Wait: 90 * time.Second}, "en-position en-20 en-1 en-in-queue en-wait en-2 en-minutes"},
		{"en", call.Place{Position: 99, Wait: 47 * time.Minute}, "en-position en-90 en-9 en-in-queue en-wait en-40 en-7 en-minutes"},
		{"sv", call.Place{Position: 100, Wait: time.Hour}, "sv-position sv-100 sv-in-queue sv-wait sv-60 sv-minutes"},
		{"sv", call.Place{Position: 199, Wait: 61 * time.Minute}, "sv-position sv-100-and sv-90 sv-9 sv-in-queue sv-wait-long"},
		{"sv", call.Place{Position: 40}, "sv-position sv-40 sv-in-queue"},
		{"en", call.Place{Position: 200}, "en-position-far"},
		{"sv", call.Place{}, ""},
	} {
		h := enter(t, func(r *call.Rules) { announced(r); r.Language = c.language }, func(h *harness) {})
		h.place = c.place
		said := h.until(10 * time.Second)
		if c.want == "" {
			saysNothing(t, said)
		} else {
			says(t, said, "say "+c.want+" to c")
		}
		end(h)
	}
}

// An announcement is made of clips whose names are known beforehand, so that they can be looked for.
func TestAnnouncementsAreMadeOfTheirClips(t *testing.T) {
	for _, language := range []string{call.Swedish, call.English} {
		known := map[string]bool{}
		for _, name := range call.AnnouncementClips(language) {
			known[name] = true
		}
		for n := range 202 {
			h := enter(t, func(r *call.Rules) { announced(r); r.Language = language }, func(h *harness) {})
			h.place = call.Place{Position: n, Wait: time.Duration(n) * time.Minute}
			h.until(10*time.Second - 1)
			h.pass(1)
			for _, cmd := range h.cmds {
				if say, is := cmd.(call.Say); is {
					for _, clip := range say.Clips {
						if !known[clip] {
							t.Fatalf("%d: no clip %s", n, clip)
						}
					}
				}
			}
			end(h)
		}
	}
}
