package tariff

import (
	"fmt"
	"time"

	"telefonist/calendar"
)

// Mediated is whether and how the receptionist got the caller connected with the
// wanted party. An attempt that failed, was abandoned or came back is NotMediated.
type Mediated uint8

// The ways a call can have been mediated.
const (
	NotMediated Mediated = iota
	Direct               // connected without asking the wanted party first
	Announced            // announced to the wanted party, then connected
)

// String returns "none", "direct" or "announced".
func (m Mediated) String() string {
	switch m {
	case NotMediated:
		return "none"
	case Direct:
		return "direct"
	case Announced:
		return "announced"
	}
	return fmt.Sprintf("mediated(%d)", uint8(m))
}

// MarshalText writes m as String does.
func (m Mediated) MarshalText() ([]byte, error) {
	if m > Announced {
		return nil, fmt.Errorf("write mediated: %d is not a way of mediation", uint8(m))
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads "none", "direct" or "announced".
func (m *Mediated) UnmarshalText(text []byte) error {
	for _, one := range [...]Mediated{NotMediated, Direct, Announced} {
		if string(text) == one.String() {
			*m = one
			return nil
		}
	}
	return fmt.Errorf("%q is not a way of mediation: write none, direct or announced", text)
}

// Facts is what a call is rated from.
type Facts struct {
	// ServiceAnswered: a receptionist of the service answered. Where none did (nobody,
	// or only the tenant's own) there is nothing to charge.
	ServiceAnswered bool
	// AnsweredAt is the instant of the first such answer; it decides the period.
	AnsweredAt time.Time
	// Handled is the time receptionists of the service were in the call, as the
	// function Handled sums it, not yet rounded.
	Handled time.Duration
	// Mediated is how the caller was connected with the wanted party.
	Mediated Mediated
	// CustomerService: the call came to a common number marked as customer service.
	CustomerService bool
}

// Row is what one answered call is charged, and every fact it was rated from. It
// is never changed: a correction is a new row. Its JSON names are stable.
type Row struct {
	Plan            string          `json:"plan"`               // plan it was rated by, "id@version"
	Tariff          Tariffs         `json:"tariff"`             // "1" to "6", "1+2" or "3+4"
	Period          calendar.Period `json:"period"`             // "day" or "evening_weekend"
	AnsweredAt      time.Time       `json:"answered_at"`        // instant that decided the period, UTC
	HandledMS       int64           `json:"handled_ms"`         // handling in ms, rounded up once
	Over45          bool            `json:"over_45s"`           // more than the plan includes (45 s)
	OverLong        bool            `json:"over_long"`          // more than the plan's long_after (2 min), whether or not it was charged as long
	Mediated        Mediated        `json:"mediated"`           // as it happened, whether or not the plan counts it
	CustomerService bool            `json:"customer_service"`   // the number was marked so
	AmountOre       int64           `json:"amount_ore"`         // price in öre
	Corrects        string          `json:"corrects,omitempty"` // id of the row that this one corrects
}

// Rate returns the row of an answered call, and false where no receptionist of the
// service answered: such a call has no tariff. The plan must be valid.
//
// One call, one tariff: over two minutes beats mediated beats answered. Both
// limits are themselves within: 120,000 ms is not long.
func (p Plan) Rate(f Facts) (Row, bool) {
	if !f.ServiceAnswered {
		return Row{}, false
	}
	ms := CeilMS(f.Handled)
	row := Row{
		Plan:            p.Ref(),
		Period:          p.PeriodAt(f.AnsweredAt),
		AnsweredAt:      f.AnsweredAt.Round(0).UTC(), // without the monotonic reading
		HandledMS:       ms,
		Over45:          ms > time.Duration(p.Included).Milliseconds(),
		OverLong:        ms > time.Duration(p.LongAfter).Milliseconds(),
		Mediated:        f.Mediated,
		CustomerService: f.CustomerService,
	}
	row.Tariff = p.classify(row)
	row.AmountOre = p.Prices.Of(row.Tariff[0]) + p.Prices.Of(row.Tariff[1])
	return row, true
}

// classify decides the tariff from the facts that the row already carries.
func (p Plan) classify(row Row) Tariffs {
	answered, mediated, long := AnsweredEvening, MediatedEvening, LongEvening
	if row.Period == calendar.Day {
		answered, mediated, long = AnsweredDay, MediatedDay, LongDay
	}
	switch {
	case row.OverLong && (p.LongCalls != CustomerServiceOnly || row.CustomerService):
		return Tariffs{long}
	case !p.counts(row.Mediated):
		return Tariffs{answered}
	case p.Mediation == Add:
		return Tariffs{answered, mediated}
	}
	return Tariffs{mediated}
}

// counts reports whether the plan charges m as mediation.
func (p Plan) counts(m Mediated) bool {
	if p.MediatedBy == ByAnnounced {
		return m == Announced
	}
	return m != NotMediated
}
