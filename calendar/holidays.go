package calendar

import (
	"slices"
	"time"
)

// Holiday is a day that has no working hours, and why.
type Holiday struct {
	Date    Date
	Swedish string // "långfredagen"
	English string // "Good Friday"
	Eve     bool   // one of the three eves, which the law does not name
}

// Calendar says which days are holidays: always those of the Act on public
// holidays, and by choice the three eves and days of one's own.
//
// Sundays, which the Act names too, are not listed: they are told by their
// weekday. The Act's wording of 2005 (6 June in, Whit Monday out) is applied to
// every year.
type Calendar struct {
	// Eves makes midsommarafton, julafton and nyårsafton holidays. By law they are
	// ordinary days, but collective agreements commonly treat them as holidays.
	Eves bool
	// Extra are further holidays, by date, in any order.
	Extra []Date
}

// Holiday returns the holiday that falls on d. Where two fall on one day
// (1 May 2008 was Ascension Day too) it returns the one with the fixed date.
func (c Calendar) Holiday(d Date) (Holiday, bool) {
	day, ok := publicHoliday(d)
	if !ok && c.Eves {
		day, ok = eve(d)
	}
	if !ok && slices.Contains(c.Extra, d) {
		day, ok = Holiday{Swedish: "extra helgdag", English: "extra holiday"}, true
	}
	if !ok {
		return Holiday{}, false
	}
	day.Date = d
	return day, true
}

// Year returns the holidays of a year in order.
func (c Calendar) Year(year int) []Holiday {
	var days []Holiday
	for d := (Date{year, time.January, 1}); d.Year == year; d = d.AddDays(1) {
		if h, ok := c.Holiday(d); ok {
			days = append(days, h)
		}
	}
	return days
}

// WorkingDay reports whether d is a Monday to Friday that is no holiday.
func (c Calendar) WorkingDay(d Date) bool {
	if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return false
	}
	_, holiday := c.Holiday(d)
	return !holiday
}

// NextWorkingDay returns the first working day after d, never d itself.
func (c Calendar) NextWorkingDay(d Date) Date {
	for d = d.AddDays(1); !c.WorkingDay(d); d = d.AddDays(1) {
	}
	return d
}

// publicHoliday returns the holiday that lagen (1989:253) om allmänna helgdagar
// puts on d, without its date.
func publicHoliday(d Date) (Holiday, bool) {
	if h, ok := fixedHoliday(d); ok {
		return h, true
	}
	if h, ok := easterHoliday(d); ok {
		return h, true
	}
	if d.Weekday() != time.Saturday {
		return Holiday{}, false
	}
	switch {
	case d.Month == time.June && 20 <= d.Day && d.Day <= 26:
		return Holiday{Swedish: "midsommardagen", English: "Midsummer's Day"}, true
	case d.Month == time.October && d.Day == 31, d.Month == time.November && d.Day <= 6:
		return Holiday{Swedish: "alla helgons dag", English: "All Saints' Day"}, true
	}
	return Holiday{}, false
}

func fixedHoliday(d Date) (Holiday, bool) {
	switch (Date{Month: d.Month, Day: d.Day}) {
	case Date{Month: time.January, Day: 1}:
		return Holiday{Swedish: "nyårsdagen", English: "New Year's Day"}, true
	case Date{Month: time.January, Day: 6}:
		return Holiday{Swedish: "trettondedag jul", English: "Epiphany"}, true
	case Date{Month: time.May, Day: 1}:
		return Holiday{Swedish: "första maj", English: "May Day"}, true
	case Date{Month: time.June, Day: 6}:
		return Holiday{Swedish: "nationaldagen", English: "National Day"}, true
	case Date{Month: time.December, Day: 25}:
		return Holiday{Swedish: "juldagen", English: "Christmas Day"}, true
	case Date{Month: time.December, Day: 26}:
		return Holiday{Swedish: "annandag jul", English: "Boxing Day"}, true
	}
	return Holiday{}, false
}

func easterHoliday(d Date) (Holiday, bool) {
	if d.Month < time.March || d.Month > time.June { // 20 March to 13 June at the widest
		return Holiday{}, false
	}
	easter := Easter(d.Year)
	switch d {
	case easter.AddDays(-2):
		return Holiday{Swedish: "långfredagen", English: "Good Friday"}, true
	case easter:
		return Holiday{Swedish: "påskdagen", English: "Easter Sunday"}, true
	case easter.AddDays(1):
		return Holiday{Swedish: "annandag påsk", English: "Easter Monday"}, true
	case easter.AddDays(39):
		return Holiday{Swedish: "Kristi himmelsfärds dag", English: "Ascension Day"}, true
	case easter.AddDays(49):
		return Holiday{Swedish: "pingstdagen", English: "Whit Sunday"}, true
	}
	return Holiday{}, false
}

// eve returns which of the three eves falls on d, without its date.
func eve(d Date) (Holiday, bool) {
	switch {
	case d.Month == time.June && 19 <= d.Day && d.Day <= 25 && d.Weekday() == time.Friday:
		return Holiday{Swedish: "midsommarafton", English: "Midsummer's Eve", Eve: true}, true
	case d.Month == time.December && d.Day == 24:
		return Holiday{Swedish: "julafton", English: "Christmas Eve", Eve: true}, true
	case d.Month == time.December && d.Day == 31:
		return Holiday{Swedish: "nyårsafton", English: "New Year's Eve", Eve: true}, true
	}
	return Holiday{}, false
}

// Easter returns Easter Sunday of a Gregorian year: the Sunday after the paschal
// full moon, by the anonymous Gregorian computus (Meeus, Astronomical Algorithms,
// chapter 8).
func Easter(year int) Date {
	golden := year % 19
	century, inCentury := year/100, year%100
	moonShift := (century - (century+8)/25 + 1) / 3
	epact := (19*golden + century - century/4 - moonShift + 15) % 30
	toSunday := (32 + 2*(century%4) + 2*(inCentury/4) - epact - inCentury%4) % 7
	late := (golden + 11*epact + 22*toSunday) / 451
	n := epact + toSunday - 7*late + 114
	return Date{year, time.Month(n / 31), n%31 + 1}
}
