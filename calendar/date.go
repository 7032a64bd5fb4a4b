package calendar

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a civil date: a day on the wall, without an instant or a zone. It is
// comparable, and written YYYY-MM-DD. The zero Date is not a date.
type Date struct {
	Year  int        // 1-9999
	Month time.Month // January-December
	Day   int        // 1-31
}

// DateOf returns the date that calendars in Stockholm show at instant t.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Stockholm()).Date()
	return Date{y, m, d}
}

// ParseDate reads a date written YYYY-MM-DD. Days that do not exist, such as
// 2027-02-29, are refused.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fmt.Errorf("%q is not a date: write year-month-day, such as 2026-12-24", s)
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}

// Valid reports whether d exists in the Gregorian calendar, years 1-9999.
func (d Date) Valid() bool {
	if d.Year < 1 || d.Year > 9999 {
		return false
	}
	y, m, day := d.midnightUTC().Date()
	return Date{y, m, day} == d
}

// Weekday returns the day of the week of d.
func (d Date) Weekday() time.Weekday { return d.midnightUTC().Weekday() }

// AddDays returns the date n days after d, or before it where n is negative.
func (d Date) AddDays(n int) Date {
	y, m, day := d.midnightUTC().AddDate(0, 0, n).Date()
	return Date{y, m, day}
}

// Compare returns -1 where d is before e, 0 where they are the same day, +1 where
// d is after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// String returns d as YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// MarshalText writes d as YYYY-MM-DD; a date that does not exist is an error.
func (d Date) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("write date: %s does not exist", d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads d as ParseDate does.
func (d *Date) UnmarshalText(text []byte) error {
	got, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = got
	return nil
}

// midnightUTC stands for the date where arithmetic on days is needed; UTC has no
// summer time, so that each day is 24 h.
func (d Date) midnightUTC() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}
