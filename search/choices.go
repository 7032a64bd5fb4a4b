package search

import (
	"math"
	"time"
)

// Limits of what is remembered of choices.
const (
	halfLife   = 14 * 24 * time.Hour // after which a choice counts half
	maxChoices = 256                 // documents remembered per tenant
)

// choice counts how often a document was chosen, the old ones less.
type choice struct {
	count float64
	at    time.Time
}

// asOf gives the count at a time; the zero time is that of the last choice.
func (c choice) asOf(now time.Time) float64 {
	if now.IsZero() || !now.After(c.at) {
		return c.count
	}
	return c.count * math.Exp2(-float64(now.Sub(c.at))/float64(halfLife))
}

// choices are those of one tenant, by document.
type choices map[string]choice

// add counts one more. Where too many are remembered, the least is forgotten.
func (c choices) add(id string, at time.Time) {
	old, known := c[id]
	if !known && len(c) >= maxChoices {
		c.forgetLeast(at)
	}
	next := choice{count: old.asOf(at) + 1, at: at}
	if known && old.at.After(at) {
		next = choice{count: old.count + choice{1, at}.asOf(old.at), at: old.at}
	}
	c[id] = next
}

func (c choices) forgetLeast(now time.Time) {
	least, count := "", math.Inf(1)
	for id, o := range c {
		if n := o.asOf(now); n < count || n == count && id < least {
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
		sum[id] = o.asOf(now)
	}
	for id, n := range more {
		sum[id] += n
	}
	return sum
}
