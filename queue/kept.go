package queue

import (
	"strings"
	"time"
)

// maxKept is how many places are kept at most. When there are more, those that would be kept for the shortest time go.
const maxKept = 10_000

// kept are the places of callers who gave up.
type kept struct {
	places map[keptKey]keptPlace
	lapse  sorted[keptLapse] // the next to lapse first
}

type keptKey struct{ tenant, caller string }

type keptPlace struct{ arrived, until time.Time }

type keptLapse struct {
	until int64
	keptKey
}

// Remember keeps the place of a caller who has given up, for when she calls again before until. A caller without a number
// has none to be known by. Memory is bounded: places beyond 10,000 push out those that lapse first.
func (q *Queue) Remember(tenant, caller string, arrived, until time.Time) {
	if caller == "" {
		return
	}
	if q.kept.places == nil {
		q.kept.places, q.kept.lapse.order = map[keptKey]keptPlace{}, byLapse
	}
	key := keptKey{tenant, caller}
	q.kept.forget(key)
	q.kept.places[key] = keptPlace{arrived, until}
	q.kept.lapse.insert(keptLapse{nanos(until), key})
	if len(q.kept.places) > maxKept {
		q.kept.forget(q.kept.lapse.first().keptKey)
	}
}

// Recall gives the place that is kept for a caller; see Forget.
func (q *Queue) Recall(tenant, caller string, now time.Time) (arrived time.Time, ok bool) {
	for q.kept.lapse.n > 0 && nanos(now) >= q.kept.lapse.first().until {
		q.kept.forget(q.kept.lapse.first().keptKey)
	}
	place, ok := q.kept.places[keptKey{tenant, caller}]
	return place.arrived, ok
}

// Forget is for a caller who has taken the place that was kept for her.
func (q *Queue) Forget(tenant, caller string) { q.kept.forget(keptKey{tenant, caller}) }

func (k *kept) forget(key keptKey) {
	if place, ok := k.places[key]; ok {
		k.lapse.remove(keptLapse{nanos(place.until), key})
		delete(k.places, key)
	}
}

func byLapse(a, b keptLapse) int {
	switch {
	case a.until != b.until:
		return int(max(-1, min(1, a.until-b.until)))
	case a.tenant != b.tenant:
		return strings.Compare(a.tenant, b.tenant)
	}
	return strings.Compare(a.caller, b.caller)
}
