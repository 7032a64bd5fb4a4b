package search

import (
	"math"
	"time"

	"telefonist/directory"
)

// maxChoices is how many documents are remembered per tenant for having been chosen.
const maxChoices = 256

// choices are those of one tenant, by document.
type choices map[string]directory.Choice

// add counts one more. Where too many are remembered, the least is forgotten.
func (c choices) add(id string, at time.Time) {
	old, known := c[id]
	if !known && len(c) >= maxChoices {
		c.forgetLeast(at)
	}
	c[id] = old.Again(at)
}

func (c choices) forgetLeast(now time.Time) {
	least, count := "", math.Inf(1)
	for id, o := range c {
		if n := o.AsOf(now); n < count || n == count && id < least {
			least, count = id, n
		}
	}
	delete(c, least)
}

// with gives the counts at a time, plus those of one search.
func (c choices) with(more map[string]float64, now time.Time) map[string]float64 {
	if len(c) == 0 {
		return more
	}
	sum := make(map[string]float64, len(c)+len(more))
	for id, o := range c {
		sum[id] = o.AsOf(now)
	}
	for id, n := range more {
		sum[id] += n
	}
	return sum
}
