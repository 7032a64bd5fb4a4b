package queue

import (
	"time"

	"telefonist/call"
)

const (
	// smoothing is the weight of the newest conversation in the moving average of how long agents are taken.
	smoothing = 1.0 / 8
	// enough is how many conversations the average needs before anything is said by it.
	enough = 3
)

// Position is the place of a caller in line, from 1; 0 for one who is not in line. It counts the callers before her that an
// agent of hers may answer, whichever tenant they wait for: the pool is shared, so they are who she waits for. It goes by
// priority and wait and says nothing of shares, so that what is announced does not jump about: while another tenant floods the
// line she is served sooner than her place says.
func (q *Queue) Position(c call.ID) int {
	w := q.calls[c]
	if w == nil {
		return 0
	}
	if q.shared() {
		return q.line.rank(w) + 1
	}
	position := w.tenant.line.rank(w) + 1
	q.stamp++
	for _, p := range w.tenant.profiles {
		for _, t := range p.tenants {
			if t != w.tenant && t.stamp != q.stamp {
				t.stamp = q.stamp
				position += t.line.rank(w)
			}
		}
	}
	return position
}

// shared tells whether an agent answers for all tenants, so that everybody in line competes for her.
func (q *Queue) shared() bool { return len(q.broad) > 0 }

// competitors tells which tenants an agent of a tenant's answers for.
func (q *Queue) competitors(of *tenant) func(*tenant) bool {
	if q.shared() {
		return func(*tenant) bool { return true }
	}
	q.stamp++
	stamp := q.stamp
	of.stamp = stamp
	for _, p := range of.profiles {
		for _, t := range p.tenants {
			t.stamp = stamp
		}
	}
	return func(t *tenant) bool { return t.stamp == stamp }
}

// Wait estimates how long the caller at a position of the tenant's has yet to wait: position × taken ÷ agents, where taken
// is the moving average of how long a call takes an agent, from the offer to the end of her wrap-up (the newest weighs 1/8),
// and agents are those on duty (logged in, phone registered, not paused) who answer for the tenant. It is false where nothing
// can be said: nobody is on duty, or fewer than three calls have been handled since the start.
func (q *Queue) Wait(tenant string, position int) (time.Duration, bool) {
	agents := 0
	for _, p := range q.broad {
		agents += p.ready
	}
	if t := q.tenants[tenant]; t != nil {
		for _, p := range t.profiles {
			agents += p.ready
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

// OnDuty counts the agents who may take a caller in line, now or at a later level: those logged in with a phone, and of
// them those not paused. It is zero for a call that is not in line.
func (q *Queue) OnDuty(c call.ID) (loggedIn, ready int) {
	if w := q.calls[c]; w != nil {
		return q.onDutyFor(w.lane)
	}
	return 0, 0
}

// Forsaken counts the callers in line whom nobody may take who is logged in and not paused, now or at a later level. Wishes do not
// count: nobody is on the line. It goes through all lanes, so it is not for every turn.
func (q *Queue) Forsaken() (n int) {
	for _, t := range q.tenants {
		for _, l := range t.inLanes {
			if _, ready := q.onDutyFor(l); ready > 0 {
				continue
			}
			for w := range l.line.all() {
				if !w.Wish {
					n++
				}
			}
		}
	}
	return n
}

// onDutyFor is OnDuty for all callers of a lane.
func (q *Queue) onDutyFor(l *lane) (loggedIn, ready int) {
	if l.alone != nil && len(l.alone.Only) > 0 {
		for _, id := range set(l.alone.Only) {
			if a := q.agents[id]; a != nil && a.onDuty {
				loggedIn++
				if a.ready {
					ready++
				}
			}
		}
		return loggedIn, ready
	}
	q.stamp++
	count := func(p *profile) {
		if p.stamp != q.stamp {
			p.stamp = q.stamp
			loggedIn += p.loggedIn
			ready += p.ready
		}
	}
	for i, n := range l.needs {
		if n != nil {
			for _, p := range n.members {
				count(p)
			}
		}
		for _, p := range l.tenant.profiles {
			if l.plan.levels[i].fits(p, l.skills) {
				count(p)
			}
		}
	}
	return loggedIn, ready
}
