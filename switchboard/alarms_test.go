package switchboard

import (
	"testing"
	"time"
)

func TestServiceLevelCountsAnswersInTimeOverAnswersAndLateAbandons(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a := alarms{Thresholds: Thresholds{Least: 4, Window: time.Minute}, up: map[string]Alarm{}}
	a.served(now, 20*time.Second, true)
	a.served(now, 20*time.Second+1, true)
	a.served(now, 5*time.Second, false) // gave up at once: nobody could have answered
	a.served(now, 5*time.Second+1, false)
	if _, ok := a.level(now); ok {
		t.Error("three calls say nothing")
	}
	a.served(now.Add(time.Second), 0, true)
	if got, ok := a.level(now.Add(time.Second)); !ok || got != 50 {
		t.Errorf("level %d %t, want 50", got, ok)
	}
	a.Least = 1
	if got, ok := a.level(now.Add(time.Minute + 1)); !ok || got != 100 {
		t.Errorf("after the window the level is %d %t, want 100", got, ok)
	}
}

func TestAnAlarmIsRaisedAndClearedOnce(t *testing.T) {
	a := alarms{up: map[string]Alarm{}}
	now := time.Now()
	for i, c := range []struct{ up, told bool }{{false, false}, {true, true}, {true, false}, {false, true}, {false, false}} {
		if got := a.set("longest_wait", c.up, i, now); got != c.told {
			t.Errorf("step %d: told %t", i, got)
		}
		if _, up := a.up["longest_wait"]; up != c.up {
			t.Errorf("step %d: up %t", i, up)
		}
	}
}

func TestTheLongestCodeThatFitsIsMeant(t *testing.T) {
	c := Codes{CodeLogin: "*1", CodePause: "*13", CodePickUp: "*16", CodeAwayOn: ""}
	for dialled, want := range map[string]struct {
		code Code
		rest string
		ok   bool
	}{"*1": {CodeLogin, "", true}, "*13": {CodePause, "", true}, "*132": {CodePause, "2", true}, "*1612": {CodePickUp, "12", true},
		"*2": {}, "": {}, "205": {}} {
		code, rest, ok := c.parse(dialled)
		if code != want.code || rest != want.rest || ok != want.ok {
			t.Errorf("%q is %q %q %t", dialled, code, rest, ok)
		}
	}
}
