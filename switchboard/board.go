package switchboard

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// Config is what a Board is made of.
type Config struct {
	Signals    Signals
	Media      Media
	Store      Store
	Directory  *directory.Directory
	Limits     queue.Limits
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Report, where set, tells how the audio of a leg of a call that ends has gone. It must not block, and is asked about legs
	// that have been closed a moment ago as well.
	Report func(call.LegID) (record.Media, bool)
	// Observe, where set, hears of every story entry as it is made, and of the record when the call ends. It runs on the
	// loop and must not block. A panic in it is counted and harms no call.
	Observe func(h *record.Head, e call.Entry, ended *record.Record)
	// Codes are what agents may dial for themselves.
	Codes Codes
	// Alarms are the thresholds at which supervisors are told.
	Alarms Thresholds
	// Away, where set, hears that a tenant's own receptionists say by phone that they are away, or back. It must not block; what it
	// changes comes back by SetDirectory. done is called exactly once, from any goroutine, with nil when that is kept.
	Away func(tenant string, s directory.Switch, by string, done func(error))
	// Kept is what a former process kept: it is put back before the first call is taken.
	Kept []record.Kept
	// Recorded, where set, tells whether a call has a record, and which. It is asked once for every wish in Kept, before Run.
	Recorded func(call.ID) (record.Record, bool)
	// Recent, where set, are the records of calls that came in not long before the start, in the order in which they came. It is read
	// once, before Run: who stood in line has her place kept, as before.
	Recent iter.Seq[record.Record]
}

// Board owns every live call, the waiting lines and the agents. See New and Run.
type Board struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	box     *mailbox
	done    chan struct{} // closed when Run returns

	// Everything below belongs to the loop.

	dir        *directory.Directory
	queue      *queue.Queue
	calls      map[call.ID]*live
	legs       map[call.LegID]*live
	sent       map[call.LegID]*sent // outgoing trunk legs, for telling those that come back to us
	lapsing    []lapse              // those of them that have ended, oldest first
	timers     timers
	matchAt    time.Time // when waiting callers and agents are to be matched again though nothing happened
	retryAt    time.Time // when commits that failed are tried again
	failing    map[call.ID]*live
	draining   bool
	parked     map[int]*live            // by slot
	asking     string                   // the action that is being asked for, by its name
	verdict    *call.ActError           // what became of it
	refs       uint64                   // names actions
	unserved   map[call.ID]bool         // who waits, and is to be told where nobody is logged in
	wishes     map[call.ID]*record.Wish // in line, by the id of the call that they will become
	resting    []*record.Wish           // to be tried again later
	wishAt     time.Time                // when the first of them is; zero: there is none
	notes      []Note                   // oldest first
	alarms     alarms
	confirming []confirmation // legs of agents who dialled a code, oldest first

	byTrunk       map[string]bool        // agents who are reached by their tenant's trunk
	agentsChanged bool                   // since unserved callers were looked at
	newUnserved   []call.ID              // callers who came since then
	unkept        map[string]bool        // agents that changed in this turn
	keptAgents    map[string]queue.Saved // as they are kept, or about to be
	beside        record.Commit          // what is to be written that belongs to no call
	besidePending bool                   // a commit of it is under way
	besideFailed  bool                   // the last one failed
	down          bool                   // the end of the service has been told
	idle          []chan struct{}        // closed when no call is left
	changes       chan struct{}          // holds one token where something may have changed

	afterTurn func() // seam of the package's own tests: runs on the loop
}

// New makes a Board. It does nothing until Run.
func New(cfg Config) *Board {
	b := &Board{
		cfg: cfg, log: cfg.Logger, box: newMailbox(), done: make(chan struct{}), dir: cfg.Directory,
		queue: queue.New(cfg.Limits), calls: map[call.ID]*live{}, legs: map[call.LegID]*live{},
		sent: map[call.LegID]*sent{}, failing: map[call.ID]*live{}, parked: map[int]*live{}, byTrunk: map[string]bool{},
		unserved: map[call.ID]bool{}, wishes: map[call.ID]*record.Wish{}, unkept: map[string]bool{}, keptAgents: map[string]queue.Saved{},
		alarms: alarms{Thresholds: cfg.Alarms, up: map[string]Alarm{}}, changes: make(chan struct{}, 1),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.metrics = newMetrics(cfg.Registerer, b)
	now := time.Now()
	b.streamed(record.StreamEvent{At: now, About: record.AboutService, Kind: record.ServiceUp})
	b.queue.Observe(b.agentChanged)
	b.restored(now)
	b.setAgents(now)
	return b
}

// Connect sets the adapters of a Board that was made before they were. It must be called before Run.
func (b *Board) Connect(s Signals, m Media) { b.cfg.Signals, b.cfg.Media = s, m }

// Post takes an event of a leg. See Poster.
func (b *Board) Post(leg call.LegID, at time.Time, ev call.Event) bool {
	now := time.Now()
	if at.IsZero() {
		at = now
	}
	ok := b.box.put(mail{posted: now, at: at, leg: leg, event: ev}, limitFor(ev))
	if !ok {
		b.metrics.refusedMail.Inc()
	}
	return ok
}

// Registered tells that an agent's phone came (up) or went.
func (b *Board) Registered(agent string, up bool, at time.Time) {
	b.box.put(mail{posted: time.Now(), at: at, run: func() { b.queue.Registered(agent, up, at) }}, 0)
}

// SetDirectory replaces the directory. Calls that have begun keep the rules that they began with.
func (b *Board) SetDirectory(d *directory.Directory, l queue.Limits) {
	b.box.put(mail{posted: time.Now(), run: func() {
		b.dir = d
		b.queue.SetLimits(l)
		b.setAgents(time.Now())
	}}, 0)
}

func (b *Board) setAgents(now time.Time) {
	if b.dir == nil {
		return
	}
	var agents []queue.Agent
	for _, a := range b.dir.Agents() {
		if !a.Disabled {
			agents = append(agents, queue.Agent{ID: a.ID, Kind: a.Kind, Tenants: a.Tenants, Groups: a.Groups, Skills: a.Skills, Wrap: a.Wrap,
				Apart: a.Supervisor})
		}
	}
	b.queue.SetAgents(agents, now)
	b.agentsChanged = true // who may take whose calls
	for _, a := range b.dir.Agents() {
		if up := a.ViaTrunk != "" && !a.Disabled; up != b.byTrunk[a.ID] {
			b.byTrunk[a.ID] = up
			b.queue.Registered(a.ID, up, now) // what registers is the trunk
		}
	}
}

// lastAttempts is how long a loop that is to end has for what is not durable yet.
const lastAttempts = 5 * time.Second

// Run is the loop. It returns when ctx ends and every call that was live has been ended, and when that and what stands beside calls
// is durable, or has been given up after a last attempt.
func (b *Board) Run(ctx context.Context) {
	defer close(b.done)
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	var spare []mail
	stop := ctx.Done()
	var last <-chan time.Time
	for {
		spare = b.turn(spare)
		if ctx.Err() != nil && (b.nothingLeft() || last == nil && stop == nil) {
			break
		}
		if wake := b.nextWake(); wake.IsZero() {
			clock.Reset(time.Hour)
		} else {
			clock.Reset(max(0, time.Until(wake)))
		}
		select {
		case <-b.box.wake:
		case <-clock.C:
		case <-stop:
			stop = nil
			last = time.After(lastAttempts)
			b.shutdown(time.Now())
		case <-last:
			last = nil
		}
	}
	b.close(spare)
}

// nothingLeft tells whether a loop that is to end may: no call is left, and all is written, the end of the service itself as the last.
func (b *Board) nothingLeft() bool {
	if len(b.calls) > 0 {
		return false
	}
	if !b.down {
		b.down = true
		b.streamed(record.StreamEvent{At: time.Now(), About: record.AboutService, Kind: record.ServiceDown})
		b.saveBeside()
	}
	return b.allSaved()
}

// close refuses further mail and answers what still waits. What was asked for last is told that the loop has ended.
func (b *Board) close(spare []mail) {
	b.draining = true
	if !b.allSaved() {
		b.log.Error("agents' states and events beside calls given up: they could not be written", "events", len(b.beside.Stream), "states", len(b.beside.Kept))
	}
	b.box.close()
	for _, m := range b.box.take(spare) {
		b.deliver(&m)
	}
	b.keepAgents(time.Now())
	b.saveBeside() // of the mail that came too late to be waited for
	for id := range b.calls {
		b.metrics.lost.Inc()
		b.log.Error("call given up: its record could not be written", "call", id)
	}
	b.tellIdle()
}

// turn handles the mail that waits, then the timers that are due, then matches callers and agents. Mail comes before
// timers, so that what happened before a timer was due is handled before it.
func (b *Board) turn(spare []mail) []mail {
	b.lapse(time.Now())
	taken, changed := b.box.take(spare), false
	for i := range taken {
		changed = changed || !taken[i].looks
		b.deliver(&taken[i])
		taken[i] = mail{}
	}
	now := time.Now()
	changed = changed || b.due(now)
	b.fire(now)
	if !b.retryAt.IsZero() && !now.Before(b.retryAt) {
		b.retry()
	}
	b.confirmedLongEnough(now)
	b.expire(now)
	b.wakeWishes(now)
	b.match(now)
	b.missAgents(now)
	b.watch(now)
	b.keepAgents(now)
	b.saveBeside()
	if changed {
		b.tellChange()
	}
	if b.afterTurn != nil {
		b.afterTurn()
	}
	return taken
}

// Changes gets a token after every turn in which what Snapshot tells may have changed; to look is no change. It holds one, and is for one
// reader.
func (b *Board) Changes() <-chan struct{} { return b.changes }

func (b *Board) tellChange() {
	select {
	case b.changes <- struct{}{}:
	default:
	}
}

func (b *Board) deliver(m *mail) {
	b.metrics.lag.Observe(time.Since(m.posted).Seconds())
	defer b.rescue(m)
	if m.run != nil {
		m.run()
		return
	}
	b.legEvent(m.leg, m.at, m.event)
}

// errPanicked: what was asked for panicked, which the log tells of.
var errPanicked = errors.New("the server failed at it")

// ask runs f on the loop and waits for it. After any other error than errPanicked f has not run and never does: what is told as not done is not
// done later, and nothing that f writes is read meanwhile.
func (b *Board) ask(ctx context.Context, f func()) error { return b.run(ctx, mail{run: f}) }

// look is to ask with an f that changes nothing.
func (b *Board) look(ctx context.Context, f func()) error {
	return b.run(ctx, mail{run: f, looks: true})
}

func (b *Board) run(ctx context.Context, m mail) error {
	f := m.run
	var taken atomic.Bool // by the loop, or by whoever gives up
	over, ran := make(chan struct{}), false
	m.posted = time.Now()
	m.run = func() {
		if taken.CompareAndSwap(false, true) {
			defer close(over)
			f()
			ran = true
		}
	}
	if !b.box.put(m, roomForNoise) {
		return ErrStopped
	}
	var err error
	select {
	case <-over:
	case <-b.done:
		err = ErrStopped
	case <-ctx.Done():
		err = ctx.Err()
	}
	if taken.CompareAndSwap(false, true) {
		return err
	}
	if <-over; !ran { // at once: nothing on the loop waits
		return errPanicked
	}
	return nil
}

func newID(at time.Time) call.ID {
	return call.ID(ulid.MustNew(ulid.Timestamp(at), rand.Reader).String())
}
