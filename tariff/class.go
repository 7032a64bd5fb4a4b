package tariff

import "fmt"

// Tariff is one of the six tariffs, 1-6. The zero Tariff is none.
type Tariff uint8

// The six tariffs of the price list.
const (
	AnsweredDay     Tariff = 1 // answered, day
	MediatedDay     Tariff = 2 // mediated, day
	AnsweredEvening Tariff = 3 // answered, evening, weekend or holiday
	MediatedEvening Tariff = 4 // mediated, evening, weekend or holiday
	LongDay         Tariff = 5 // over two minutes, day
	LongEvening     Tariff = 6 // over two minutes, evening, weekend or holiday
)

// Tariffs is what one row is charged under: one tariff, or, where the plan adds
// mediation, an answered and a mediated one. It is comparable. The second element
// is 0 where there is one tariff only.
type Tariffs [2]Tariff

// AllTariffs returns every value that a row can carry, for callers that need the
// closed set: 1 to 6, 1+2 and 3+4.
func AllTariffs() []Tariffs {
	return []Tariffs{
		{AnsweredDay}, {MediatedDay}, {AnsweredEvening}, {MediatedEvening}, {LongDay}, {LongEvening},
		{AnsweredDay, MediatedDay}, {AnsweredEvening, MediatedEvening},
	}
}

// String returns "1" to "6", "1+2" or "3+4", as rows and exports print it. It
// returns "" for the zero Tariffs.
func (t Tariffs) String() string {
	switch {
	case t == Tariffs{}:
		return ""
	case t[1] == 0 && t[0] <= LongEvening:
		return "123456"[t[0]-1 : t[0]]
	case t == Tariffs{AnsweredDay, MediatedDay}:
		return "1+2"
	case t == Tariffs{AnsweredEvening, MediatedEvening}:
		return "3+4"
	}
	return fmt.Sprintf("tariffs(%d,%d)", t[0], t[1])
}

// Has reports whether t holds the tariff.
func (t Tariffs) Has(one Tariff) bool { return one != 0 && (t[0] == one || t[1] == one) }

// ParseTariffs reads what String writes.
func ParseTariffs(s string) (Tariffs, error) {
	for _, t := range AllTariffs() {
		if t.String() == s {
			return t, nil
		}
	}
	return Tariffs{}, fmt.Errorf("%q is not a tariff: write 1 to 6, 1+2 or 3+4", s)
}

// MarshalText writes t as String does; a combination that no row can carry is an
// error.
func (t Tariffs) MarshalText() ([]byte, error) {
	if _, err := ParseTariffs(t.String()); err != nil {
		return nil, fmt.Errorf("write tariffs: %w", err)
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads t as ParseTariffs does.
func (t *Tariffs) UnmarshalText(text []byte) error {
	got, err := ParseTariffs(string(text))
	if err != nil {
		return err
	}
	*t = got
	return nil
}
