package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"telefonist/directory"
)

// Number is a telephone number, E.164 inside, written in any form that directory.ParseNumber reads.
type Number string

// UnmarshalText reads a number. The error says the E.164 form where it can be guessed.
func (n *Number) UnmarshalText(text []byte) error {
	s := string(text)
	got, err := directory.ParseNumber(s, directory.Region)
	if err == nil {
		*n = Number(got)
		return nil
	}
	fix := "write it as +46850000001 or 08-500 000 01"
	var ne *directory.NumberError
	if errors.As(err, &ne) {
		fix = ne.Fix
	}
	for _, guess := range []string{"0" + s, "+" + s} {
		if got, err := directory.ParseNumber(guess, directory.Region); err == nil && assigned(got) {
			fix = fmt.Sprintf("write \"%s\" if that is meant", got)
			break
		}
	}
	what := "not a telephone number"
	if errors.Is(err, directory.ErrIncomplete) {
		what = "not a whole telephone number"
	}
	return wrong(fmt.Sprintf("%q is %s", s, what), fix)
}

// assigned tells whether a number belongs to a series that the metadata knows.
func assigned(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	return err == nil && phonenumbers.IsValidNumber(n)
}

// Dial is what a call may be sent to: a number, or an extension of the tenant ("205").
type Dial string

// UnmarshalText reads an extension or a number.
func (d *Dial) UnmarshalText(text []byte) error {
	got, err := directory.ParseDialled(string(text))
	switch {
	case err == nil:
		*d = Dial(got.Extension + got.Number)
		return nil
	case errors.Is(err, directory.ErrEmergency):
		return wrong(fmt.Sprintf("%q is an emergency or service number", text), "write an ordinary number or an extension")
	}
	var n Number
	return n.UnmarshalText(text)
}

// Extension is what an agent's phone registers as: "101".
type Extension string

// UnmarshalText reads 2 to 5 digits that do not begin with 0 and are no emergency number.
func (e *Extension) UnmarshalText(text []byte) error {
	got, err := directory.ParseDialled(string(text))
	if errors.Is(err, directory.ErrEmergency) {
		return wrong(fmt.Sprintf("%q is an emergency or service number", text), "write another extension, such as 101")
	}
	if err != nil || got.Extension == "" {
		return wrong(fmt.Sprintf("%q is not an extension", text), "write 2 to 5 digits that do not begin with 0, such as \"101\"")
	}
	*e = Extension(got.Extension)
	return nil
}

// Prefix is the beginning of numbers that may be called: "+46", "+46900".
type Prefix string

// UnmarshalText reads a plus sign and digits that hold a whole country code.
func (p *Prefix) UnmarshalText(text []byte) error {
	got, err := directory.ParsePrefix(string(text))
	if err == nil {
		*p = Prefix(got)
		return nil
	}
	fix := "write a plus sign, the country code and what follows, such as +46 or +4670"
	s := strings.NewReplacer(" ", "", "-", "").Replace(string(text))
	for _, guess := range []string{"+" + strings.TrimPrefix(s, "00"), "+46" + strings.TrimPrefix(s, "0"), s} {
		if (guess[0] == '+') && (strings.HasPrefix(s, "0") != strings.HasPrefix(guess, "+0")) {
			if got, err := directory.ParsePrefix(guess); err == nil {
				fix = fmt.Sprintf("write \"%s\" if that is meant", got)
				break
			}
		}
	}
	return wrong(fmt.Sprintf("%q is not a prefix", text), fix)
}

// ID names a tenant, agent, trunk or plan in records and file names.
type ID string

// UnmarshalText reads 1 to 64 of a-z, 0-9, _ and -.
func (id *ID) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) <= 64 && plainName.MatchString(s) {
		*id = ID(s)
		return nil
	}
	return wrong(fmt.Sprintf("%q is not an id", s), "write 1 to 64 of a-z, 0-9, _ and -, such as acme or anna-ek")
}

// What is kept between starts was checked when it was read, so JSON takes it as it stands: a number that newer metadata
// refuses must not make the state unreadable.

// UnmarshalJSON takes a number as it was kept.
func (n *Number) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(n)) }

// UnmarshalJSON takes a number or extension as it was kept.
func (d *Dial) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(d)) }

// UnmarshalJSON takes an extension as it was kept.
func (e *Extension) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(e)) }

// UnmarshalJSON takes a prefix as it was kept.
func (p *Prefix) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(p)) }

// UnmarshalJSON takes an id as it was kept.
func (id *ID) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(id)) }
