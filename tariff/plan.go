package tariff

import (
	"fmt"
	"strconv"
	"time"

	"telefonist/calendar"
)

// Mediation is what a mediated call costs besides being answered.
type Mediation string

// The ways to charge mediation.
const (
	Replace Mediation = "replace" // tariff 2 or 4 instead of 1 or 3
	Add     Mediation = "add"     // tariff 2 or 4 on top of 1 or 3
)

// MediatedBy is which connections count as mediation.
type MediatedBy string

// The connections that can count as mediation.
const (
	ByAny       MediatedBy = "any"       // direct and announced ones
	ByAnnounced MediatedBy = "announced" // only those that the receptionist announced first
)

// LongCalls is which calls can become tariff 5 or 6.
type LongCalls string

// The calls that can become tariff 5 or 6.
const (
	AllCalls            LongCalls = "all"              // every answered call
	CustomerServiceOnly LongCalls = "customer_service" // only calls to numbers marked as customer service
)

// Limits of what a plan may say.
const (
	MaxPriceOre  = 100_000_000    // 1 000 000 kr
	MaxThreshold = 24 * time.Hour // for Included and LongAfter
)

// Plan is what a tenant's calls cost and how they are told apart. Every choice of
// the owner of the service is a field here; DefaultPlan says what holds where
// nothing else is written, so that a file is read over it and names only what it
// changes.
//
// A plan is never changed once a row refers to it: new prices or choices are a new
// Version. Plans are shared by calls; treat them as read-only.
type Plan struct {
	// ID names the plan: a-z, 0-9, '.', '_' and '-', at most 64. Default "default".
	ID string `json:"id" yaml:"id"`
	// Version counts the plan's changes, from 1. Rows carry it. Default 1.
	Version Version `json:"version" yaml:"version"`
	// Name is what people read. Default "Standard".
	Name string `json:"name" yaml:"name"`

	// Periods says when it is day, by the clock in Europe/Stockholm, and decides
	// between 1, 2, 5 and 3, 4, 6 at the instant of answer. Default Monday to
	// Friday 07:00-18:00, holidays none.
	Periods calendar.Periods `json:"periods" yaml:"periods"`
	// EvesAreHolidays makes midsommarafton, julafton and nyårsafton holidays.
	// Default true; false leaves them the weekdays they are by law.
	EvesAreHolidays bool `json:"eves_are_holidays" yaml:"eves_are_holidays"`
	// ExtraHolidays are holidays beside those of the Act (1989:253), by date.
	// Default none.
	ExtraHolidays []calendar.Date `json:"extra_holidays" yaml:"extra_holidays"`

	// Included is the handling that an answered call includes. More than this, by a
	// millisecond, marks the row over_45s; it changes no tariff. Default 45s; 0
	// marks every row that took any time at all. Whole milliseconds, at most 24h.
	Included Duration `json:"included" yaml:"included"`
	// LongAfter is the handling after which a call is long, tariff 5 or 6: more than
	// this, by a millisecond. Default 2m. Positive, at least Included, whole
	// milliseconds, at most 24h.
	LongAfter Duration `json:"long_after" yaml:"long_after"`

	// Mediation: "replace" charges a mediated call 2 instead of 1, or 4 instead of 3;
	// "add" charges it 1+2 or 3+4, the sum. A long call is 5 or 6 alone either way.
	// Default replace.
	Mediation Mediation `json:"mediation" yaml:"mediation"`
	// MediatedBy: "any" counts every connection with the wanted party as mediation;
	// "announced" only one that the receptionist announced first, so that a call
	// connected directly is charged as answered. Default any.
	MediatedBy MediatedBy `json:"mediated_by" yaml:"mediated_by"`
	// LongCalls: "all" lets every call become 5 or 6; "customer_service" only calls
	// to common numbers marked as customer service, others stay 1-4 however long.
	// Default all.
	LongCalls LongCalls `json:"long_calls" yaml:"long_calls"`

	// Prices of the six tariffs, in öre per call, by the tariff's number. A file that
	// gives prices gives all six. The defaults are examples, to be replaced by the
	// owner's price list, evenings half as much again as days: {1: 1500, 2: 2500,
	// 3: 2250, 4: 3750, 5: 4500, 6: 6750}.
	Prices Prices `json:"prices_ore" yaml:"prices_ore"`
}

// Version is the number of a plan's version. It is read from whole numbers only,
// so that 1.1 and 1.2 do not both become 1.
type Version int

// UnmarshalText reads a whole number.
func (v *Version) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a version: write a whole number from 1", text)
	}
	*v = Version(n)
	return nil
}

// UnmarshalJSON reads a whole number.
func (v *Version) UnmarshalJSON(text []byte) error { return v.UnmarshalText(text) }

// Prices holds the price of each of the six tariffs per call, 0 to MaxPriceOre.
type Prices map[Tariff]Ore

// Of returns the price of a tariff in öre, 0 for what is no tariff.
func (p Prices) Of(t Tariff) int64 { return int64(p[t]) }

// DefaultPlan returns the plan that holds where none is configured. Each call
// returns a plan of its own.
func DefaultPlan() Plan {
	return Plan{
		ID: "default", Version: 1, Name: "Standard",
		Periods:         calendar.DefaultPeriods(),
		EvesAreHolidays: true,
		ExtraHolidays:   []calendar.Date{},
		Included:        Duration(45 * time.Second),
		LongAfter:       Duration(2 * time.Minute),
		Mediation:       Replace,
		MediatedBy:      ByAny,
		LongCalls:       AllCalls,
		Prices: Prices{
			AnsweredDay: 1500, MediatedDay: 2500,
			AnsweredEvening: 2250, MediatedEvening: 3750,
			LongDay: 4500, LongEvening: 6750,
		},
	}
}

// Ref returns how rows name the plan: "id@version".
func (p Plan) Ref() string { return p.ID + "@" + strconv.Itoa(int(p.Version)) }

// Calendar returns the plan's holidays.
func (p Plan) Calendar() calendar.Calendar {
	return calendar.Calendar{Eves: p.EvesAreHolidays, Extra: p.ExtraHolidays}
}

// PeriodAt returns the period that a call answered at t falls in.
func (p Plan) PeriodAt(t time.Time) calendar.Period { return p.Periods.PeriodAt(t, p.Calendar()) }
