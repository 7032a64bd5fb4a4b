package queue

import "telefonist/call"

// tenant is a tenant that somebody waits for, or works for, or that agents name.
type tenant struct {
	id       string
	line     sorted[*waiting] // its callers
	callers  int              // of them, those who are on the line
	lanes    map[laneID]*lane
	inLanes  []*lane    // the same, to go through
	profiles []*profile // agents who name it among those they answer for
	working  int        // agents who have a call of its
	busy     int        // of them, those of the service
	share    int
	stamp    int // see Queue.stamp
	weight   int // its share, where it counts: it has anybody waiting or at work

	// The plan of the caller who came last, and what it was made of.
	plan   *plan
	served *call.Serve
	group  string
}

func (q *Queue) tenant(id string) *tenant {
	t := q.tenants[id]
	if t == nil {
		t = &tenant{id: id, line: sorted[*waiting]{order: byPlace}, lanes: map[laneID]*lane{}, share: 1}
		q.tenants[id] = t
	}
	return t
}

// tidy forgets a tenant that nothing is known of any more.
func (q *Queue) tidy(t *tenant) {
	if t.line.n == 0 && t.working == 0 && len(t.profiles) == 0 {
		delete(q.tenants, t.id)
	}
}

// weigh keeps the sum of shares.
func (q *Queue) weigh(t *tenant) {
	weight := 0
	if t.line.n > 0 || t.working > 0 {
		weight = t.share
	}
	q.weights += weight - t.weight
	t.weight = weight
}

func (q *Queue) setShare(t *tenant, share int) {
	if t.share == share {
		return
	}
	was := t.account()
	t.share = share
	q.weigh(t)
	q.moveLanes(t, was)
}

// load counts who works for a tenant.
func (q *Queue) load(t *tenant, a *agent, by int) {
	was := t.account()
	t.working += by
	if a.shares() {
		t.busy += by
	}
	q.weigh(t)
	q.moveLanes(t, was)
	q.tidy(t)
}

// account is what is compared with a tenant's share: agents at work for it, and the share. Tenants with the same account are
// within their share, or not, all together. The zero account is never overdrawn.
type account struct{ busy, share int }

func (t *tenant) account() account {
	if t.busy <= 1 {
		return account{}
	}
	return account{t.busy, t.share}
}

// over tells whether a tenant has more of the service's agents than its share: more than one above
//
//	agents × its share ÷ sum of shares
//
// where agents are those of the service who are at work or free, and the sum is of the tenants that have anybody waiting or
// at work. One above: a single call more is no flood.
func (q *Queue) over(a account) bool { return (a.busy-1)*q.weights > q.atWork*a.share }

// overdrawn tells whether a caller stands behind those of other tenants because hers has more than its share.
func (q *Queue) overdrawn(w *waiting) bool { return !w.moved && q.over(w.tenant.account()) }
