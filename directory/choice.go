package directory

import (
	"math"
	"time"
)

// choiceHalfLife is after which time a choice counts half.
const choiceHalfLife = 14 * 24 * time.Hour

// Choice is how often something was chosen of what a search gave, the old times less.
type Choice struct {
	Count float64   `json:"count"`
	At    time.Time `json:"at"` // of the last one
}

// AsOf gives the count at a time; the zero time is that of the last choice.
func (c Choice) AsOf(now time.Time) float64 {
	if now.IsZero() || !now.After(c.At) {
		return c.Count
	}
	return c.Count * math.Exp2(-float64(now.Sub(c.At))/float64(choiceHalfLife))
}

// Again counts one more at a time. One that is older than the last counts as much as it has left.
func (c Choice) Again(at time.Time) Choice {
	if c.At.After(at) {
		return Choice{c.Count + Choice{1, at}.AsOf(c.At), c.At}
	}
	return Choice{c.AsOf(at) + 1, at}
}
