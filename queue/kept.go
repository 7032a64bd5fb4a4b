package queue

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxKept is how many places are kept at most. When there are more, those that would be kept for the shortest time go.
const maxKept = 10_000

// kept are the places of callers who gave up.
type kept struct {
	places map[keptKey][]keptPlace // the best first: several callers may have one number, as those behind a PBX
	lapse  sorted[keptLapse]       // the next to lapse first
}

type keptKey struct{ tenant, caller string }

type keptPlace struct{ arrived, until time.Time }

type keptLapse struct {
	until, arrived int64
	keptKey
}

// Remember keeps the place of a caller who has given up, for when she calls again before until. A caller without a number
// has none to be known by; of several with one number each has a place, and who calls again first has the best. Memory is bounded:
// places beyond 10,000 push out those that lapse first.
func (q *Queue) Remember(tenant, caller string, arrived, until time.Time) {
	if caller == "" {
		return
	}
	if q.kept.places == nil {
		q.kept.places, q.kept.lapse.order = map[keptKey][]keptPlace{}, byLapse
	}
	key := keptKey{tenant, caller}
	lapse := keptLapse{nanos(until), nanos(arrived), key}
	if _, _, known := q.kept.lapse.find(lapse); known {
		return
	}
	q.kept.lapse.insert(lapse)
	places := q.kept.places[key]
	at, _ := slices.BinarySearchFunc(places, arrived, func(p keptPlace, t time.Time) int { return p.arrived.Compare(t) })
	q.kept.places[key] = slices.Insert(places, at, keptPlace{arrived, until})
	if q.kept.lapse.n > maxKept {
		q.kept.forget(q.kept.lapse.first())
	}
}

// Recall gives the best place that is kept for a caller; see Forget.
func (q *Queue) Recall(tenant, caller string, now time.Time) (arrived time.Time, ok bool) {
	for q.kept.lapse.n > 0 && nanos(now) >= q.kept.lapse.first().until {
		q.kept.forget(q.kept.lapse.first())
	}
	if places := q.kept.places[keptKey{tenant, caller}]; len(places) > 0 {
		return places[0].arrived, true
	}
	return time.Time{}, false
}

// Forget is for a caller who has taken the place that Recall gave.
func (q *Queue) Forget(tenant, caller string) {
	key := keptKey{tenant, caller}
	if places := q.kept.places[key]; len(places) > 0 {
		q.kept.forget(keptLapse{nanos(places[0].until), nanos(places[0].arrived), key})
	}
}

func (k *kept) forget(l keptLapse) {
	k.lapse.remove(l)
	left := slices.DeleteFunc(k.places[l.keptKey], func(p keptPlace) bool {
		return nanos(p.until) == l.until && nanos(p.arrived) == l.arrived
	})
	if k.places[l.keptKey] = left; len(left) == 0 {
		delete(k.places, l.keptKey)
	}
}

func byLapse(a, b keptLapse) int {
	return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.arrived, b.arrived), strings.Compare(a.tenant, b.tenant),
		strings.Compare(a.caller, b.caller))
}
