package tariff

import (
	"cmp"
	"slices"
	"time"
)

// Interval is one stay of a receptionist of the service in a call, from the answer
// (or the recall) to the instant of leaving, as nanoseconds since the call arrived
// on its monotonic clock.
type Interval struct {
	From, To time.Duration
}

// Handled returns the time that at least one receptionist was in the call: the
// length of the union of the intervals, so that overlaps count once. What lies
// before the call arrived is not counted, and an interval that ends before it
// begins is empty. The order is free; intervals is left as it is. Nothing is
// rounded here.
func Handled(intervals []Interval) time.Duration {
	sorted := slices.Clone(intervals)
	slices.SortFunc(sorted, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	var sum, counted time.Duration // all before counted is in sum
	for _, iv := range sorted {
		if from := max(iv.From, counted); iv.To > from {
			sum += iv.To - from
			counted = iv.To
		}
	}
	return sum
}

// CeilMS rounds handling up to whole milliseconds, as a row is rated
// by: one nanosecond begins a millisecond. Negative handling is 0.
func CeilMS(handled time.Duration) int64 {
	if handled <= 0 {
		return 0
	}
	ms := int64(handled / time.Millisecond)
	if handled%time.Millisecond != 0 {
		ms++
	}
	return ms
}
