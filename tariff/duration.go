package tariff

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a length of time that is written with its unit in configuration and
// JSON: "45s", "2m", "1m30s".
type Duration time.Duration

// String returns d without zero parts at its end: "2m", not "2m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes d as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a number with a unit; a bare number is refused, since it
// could mean seconds or milliseconds.
func (d *Duration) UnmarshalText(text []byte) error {
	got, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a length of time: write a number with its unit, such as 45s or 2m", text)
	}
	*d = Duration(got)
	return nil
}
