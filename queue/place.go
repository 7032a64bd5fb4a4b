package queue

import (
	"slices"
	"time"

	"telefonist/call"
)

const (
	// smoothing is the weight of the newest conversation in the moving average of how long agents are taken.
	smoothing = 1.0 / 8
	// enough is how many conversations the average needs before anything is said by it.
	enough = 3
)

// Position is the place of a caller in the order of service, from 1; 0 for one who is not in line. It counts the callers
// before her that an agent of hers may answer first, whichever tenant they wait for: the pool is shared, so they are who she
// waits for.
func (q *Queue) Position(c call.ID) int {
	item, in := q.calls[c]
	if !in {
		return 0
	}
	at, _ := slices.BinarySearchFunc(q.line, item, order)
	if q.anyoneServes(item.Tenant) {
		return at + 1
	}
	competes := map[string]bool{}
	position := 1
	for _, w := range q.line[:at] {
		shared, known := competes[w.Tenant]
		if !known {
			shared = w.Tenant == item.Tenant || q.share(w.Tenant, item.Tenant)
			competes[w.Tenant] = shared
		}
		if shared {
			position++
		}
	}
	return position
}

// anyoneServes tells whether an agent of the tenant's answers for all tenants, so that everybody in line competes for her.
func (q *Queue) anyoneServes(tenant string) bool {
	for _, a := range q.agents {
		if !a.gone && len(a.Tenants) == 0 && a.serves(tenant) {
			return true
		}
	}
	return false
}

// share tells whether some agent answers for both tenants.
func (q *Queue) share(a, b string) bool {
	for _, agent := range q.agents {
		if !agent.gone && agent.serves(a) && agent.serves(b) {
			return true
		}
	}
	return false
}

// Wait estimates how long the caller at a position of the tenant's has yet to wait: position × taken ÷ agents, where taken
// is the moving average of how long a call takes an agent, from the offer to the end of her wrap-up (the newest weighs 1/8),
// and agents are those on duty (phone registered, not paused) who answer for the tenant. It is false where nothing can be
// said: nobody is on duty, or fewer than three calls have been handled since the start.
func (q *Queue) Wait(tenant string, position int) (time.Duration, bool) {
	agents := 0
	for _, a := range q.agents {
		if !a.gone && a.registered && a.paused == "" && a.serves(tenant) {
			agents++
		}
	}
	if agents == 0 || position <= 0 || q.handled < enough {
		return 0, false
	}
	return time.Duration(position) * q.taken / time.Duration(agents), true
}

// handledOne takes a conversation into the average.
func (q *Queue) handledOne(taken time.Duration) {
	taken = max(taken, 0)
	q.handled++
	if q.handled == 1 {
		q.taken = taken
		return
	}
	q.taken += time.Duration(float64(taken-q.taken) * smoothing)
}
