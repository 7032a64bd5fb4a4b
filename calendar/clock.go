package calendar

import (
	"fmt"
	"strings"
	"time"
)

// TimeOfDay is what the clock on the wall shows, as the time since 00:00 on its
// face, 0 to 24 h. On the two days a year when the clock is moved it is not the
// time that has passed since midnight.
type TimeOfDay time.Duration

// EndOfDay is 24:00: only a window may end there.
const EndOfDay = TimeOfDay(24 * time.Hour)

// At returns the time of day h:m.
func At(h, m int) TimeOfDay {
	return TimeOfDay(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
}

// TimeOfDayOf returns what the clock shows in Stockholm at instant t, to the
// nanosecond.
func TimeOfDayOf(t time.Time) TimeOfDay { return timeOfDay(t.In(Stockholm())) }

func timeOfDay(local time.Time) TimeOfDay {
	h, m, s := local.Clock()
	return At(h, m) + TimeOfDay(time.Duration(s)*time.Second+time.Duration(local.Nanosecond()))
}

// ParseTimeOfDay reads HH:MM or HH:MM:SS, 00:00 to 24:00.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	switch s {
	case "24:00", "24:00:00":
		return EndOfDay, nil
	}
	for _, layout := range [...]string{"15:04", "15:04:05"} {
		if len(s) != len(layout) { // time.Parse would take 7:00 and 07:00:00.5
			continue
		}
		if t, err := time.Parse(layout, s); err == nil {
			return timeOfDay(t), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time of day: write hours and minutes, such as 07:00", s)
}

// String returns HH:MM, or HH:MM:SS where the seconds are not zero.
func (t TimeOfDay) String() string {
	d := time.Duration(t)
	h, m, s := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	if s != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%02d:%02d", h, m)
}

// Window is a part of one day, from From up to but not including To. It is
// written "07:00-18:00". The whole day is "00:00-24:00".
type Window struct {
	From, To TimeOfDay
}

// Contains reports whether t is in w: From is, To is not.
func (w Window) Contains(t TimeOfDay) bool { return w.From <= t && t < w.To }

// Valid reports whether w has a length, lies within one day, and begins and ends
// on whole seconds.
func (w Window) Valid() bool {
	return 0 <= w.From && w.From < w.To && w.To <= EndOfDay &&
		w.From%TimeOfDay(time.Second) == 0 && w.To%TimeOfDay(time.Second) == 0
}

// ParseWindow reads "07:00-18:00". A window over midnight is refused; it is
// written as two.
func ParseWindow(s string) (Window, error) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return Window{}, fmt.Errorf("%q is not a part of a day: write it as 07:00-18:00", s)
	}
	var w Window
	var err error
	if w.From, err = ParseTimeOfDay(strings.TrimSpace(from)); err != nil {
		return Window{}, err
	}
	if w.To, err = ParseTimeOfDay(strings.TrimSpace(to)); err != nil {
		return Window{}, err
	}
	if !w.Valid() {
		return Window{}, fmt.Errorf("%q does not end after it begins: write the earlier time first, "+
			"and a window over midnight as two, such as 22:00-24:00 and, on the next day, 00:00-06:00", s)
	}
	return w, nil
}

// String returns w as "07:00-18:00".
func (w Window) String() string { return w.From.String() + "-" + w.To.String() }

// MarshalText writes w as String does; a window that is not Valid is an error.
func (w Window) MarshalText() ([]byte, error) {
	if !w.Valid() {
		return nil, fmt.Errorf("write window: %s is not a part of a day", w)
	}
	return []byte(w.String()), nil
}

// UnmarshalText reads w as ParseWindow does.
func (w *Window) UnmarshalText(text []byte) error {
	got, err := ParseWindow(string(text))
	if err != nil {
		return err
	}
	*w = got
	return nil
}

// Next returns the first instant after now at which clocks in Stockholm show t.
func Next(t TimeOfDay, now time.Time) time.Time {
	today := DateOf(now)
	for d := today; ; d = d.AddDays(1) {
		if at := d.On(t); at.After(now) {
			return at
		}
	}
}
