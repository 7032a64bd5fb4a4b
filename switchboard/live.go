package switchboard

import (
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// live is a call in progress with everything that the loop keeps for it.
type live struct {
	call     *call.Call
	head     record.Head
	tenant   string               // whose it is
	dir      *directory.Directory // as it stood when the call arrived: what the tenant's calls may be sent to
	arrived  time.Time            // with its monotonic reading
	story    []call.Entry
	timers   map[call.Timer]*timer
	legs     map[call.LegID]bool
	parts    []part        // every leg that it ever had, in order
	agents   []string      // who is reserved for it, in order
	place    time.Time     // orders it in line: when the caller arrived, or at an earlier attempt
	wish     *record.Wish  // what is called back for, nil for any other call
	kept     []record.Kept // goes with the next commit
	waiting  bool          // in line
	waits    time.Time     // since when she waits to be answered, in line or while phones ring for her; zero: she does not
	slot     int           // where it is parked; 0: it is not
	parkedBy string
	parkedAt time.Time
	wishes   []*record.Wish // left in this call, put in line once they are durable
	final    *record.Record // set when the call has ended and waits to be durable

	mail    mailing
	saved   int           // entries that are durable
	pending bool          // a commit is under way
	failed  bool          // the last one failed
	beat    *call.Instant // a sign of life that is not written yet
	step    call.Step     // what the call awaits of the next commit
	awaits  int           // counts what it has awaited, so that a late answer to an earlier wait means nothing
}

// part is a leg and what it was in the call: "caller", "agent" or "target".
type part struct {
	leg  call.LegID
	role string
}

func (l *live) instant(at time.Time) call.Instant {
	return call.Instant{Wall: at.Round(0), Since: max(0, at.Sub(l.arrived))}
}

// legEvent finds the call of a leg. An event for a leg that no call has is late and means nothing.
func (b *Board) legEvent(leg call.LegID, at time.Time, ev call.Event) {
	switch ev := ev.(type) {
	case call.Arrived:
		b.arrived(leg, at, ev)
		return
	case call.Dialled:
		b.dialled(leg, at, ev)
		return
	}
	l := b.legs[leg]
	if l == nil {
		b.confirmed(leg, at, ev)
		return
	}
	switch e := ev.(type) {
	case call.Answered:
		if s := b.sent[leg]; s != nil {
			s.ringing = false
		}
		e.Identity = b.normal(e.Identity)
		ev = e
	case call.Referred:
		ev = b.resolve(l, at, e)
	case call.Ended, call.Failed:
		defer b.forgetLeg(l, leg, at)
	}
	b.handle(l, at, leg, ev)
}

// handle gives one event to a call and carries out what it says.
func (b *Board) handle(l *live, at time.Time, leg call.LegID, ev call.Event) {
	if l.final != nil {
		return
	}
	b.guard(l, at, func() []call.Command { return l.call.Handle(l.instant(at), leg, ev) })
}

// guard runs one transition. A transition that panics ends that one call and no other.
func (b *Board) guard(l *live, at time.Time, transition func() []call.Command) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked("transition panicked, call ended", p, "call", l.head.Call)
			b.kill(l, at)
		}
	}()
	b.apply(l, at, transition())
}

// apply carries out commands in order, then makes what was logged durable.
func (b *Board) apply(l *live, at time.Time, cmds []call.Command) {
	var after []call.Event
	var step call.Step
	heartbeat := false
	for _, cmd := range cmds {
		switch cmd := cmd.(type) {
		case call.SignalCommand:
			b.signal(l, at, cmd)
		case call.MediaCommand:
			b.cfg.Media.Do(cmd)
		case call.Log:
			b.story(l, cmd.Entry)
		case call.Await:
			step = cmd.Step
		case call.Heartbeat:
			heartbeat = true
		case call.Arm:
			b.arm(l, cmd.Timer, cmd.At)
		case call.Disarm:
			b.disarm(l, cmd.Timer)
		case call.Finish:
			b.finish(l, at)
		default:
			if answer := b.inform(l, at, cmd); answer != nil {
				after = append(after, answer)
			}
		}
	}
	b.lease(l, at)
	b.save(l, at, step, heartbeat)
	for _, ev := range after {
		b.handle(l, at, "", ev) // one that has ended hears nothing more: finish has given back whom it had
	}
}

// inform carries out what a call asks of the waiting lines, the agents and the desk; the answer goes back to the call.
func (b *Board) inform(l *live, at time.Time, cmd call.Command) call.Event {
	switch cmd := cmd.(type) {
	case call.Enqueue:
		return b.enqueue(l, cmd, at)
	case call.Announce:
		return b.place(l)
	case call.Dequeue:
		b.queue.Remove(l.head.Call)
		l.waiting = false
		delete(b.unserved, l.head.Call)
	case call.Free:
		b.free(l, cmd.Agent, cmd.How, at)
	case call.Reserve:
		return b.reserve(l, cmd.Agent, at)
	case call.Parked:
		b.park(l, cmd.Agent, at)
	case call.Unparked:
		b.unpark(l)
	case call.Wish:
		b.leaveWish(l, cmd.Number, at)
	case call.Result:
		if cmd.Ref == b.asking { // else nobody waits for it any more
			b.verdict = &cmd.Err
		}
	}
	return nil
}

// signal keeps track of which legs a call has, and tells sip.
func (b *Board) signal(l *live, at time.Time, cmd call.SignalCommand) {
	switch c := cmd.(type) {
	case call.Dial:
		b.legs[c.Leg], l.legs[c.Leg] = l, true
		role := "agent"
		if c.To.Agent == "" {
			role = "target"
		}
		l.parts = append(l.parts, part{c.Leg, role})
		if c.To.Trunk != "" {
			b.sent[c.Leg] = &sent{live: l, caller: c.From.Number, target: c.To.Number, ringing: true}
		}
	case call.Hangup:
		b.forgetLeg(l, c.Leg, at)
	case call.Reject:
		b.forgetLeg(l, c.Leg, at)
	}
	b.cfg.Signals.Do(cmd)
}

// forgetLeg is for a leg that has ended or was told to: nothing more is heard of it.
func (b *Board) forgetLeg(l *live, leg call.LegID, at time.Time) {
	if b.legs[leg] == l {
		delete(b.legs, leg)
	}
	delete(l.legs, leg)
	if s := b.sent[leg]; s != nil && s.live != nil {
		s.live, s.ringing = nil, false
		b.lapsing = append(b.lapsing, lapse{leg, at.Add(sentGrace)})
	}
}

// story takes an entry into the call's story and the counters.
func (b *Board) story(l *live, e call.Entry) {
	l.story = append(l.story, e)
	switch e.Kind {
	case call.KindOffered:
		b.queue.Rings(e.Agent, e.Wall)
	case call.KindConsult, call.KindTransfer:
		b.queue.Rings(e.To, e.Wall) // a colleague's phone
	case call.KindReached:
		b.queue.Talks(e.To, e.Wall)
	case call.KindAnswered, call.KindColleague, call.KindReady, call.KindCalled:
		b.queue.Talks(e.Agent, e.Wall)
		if e.Kind == call.KindAnswered && l.head.Rules.Kind == call.Incoming && !slices.ContainsFunc(l.story[:len(l.story)-1], func(e call.Entry) bool { return e.Kind == call.KindAnswered }) {
			b.metrics.wait.Observe(e.Since.Seconds())
			b.alarms.served(e.Wall, e.Since, true)
		}
	case call.KindOpened, call.KindForwarded, call.KindPrompt:
		b.waitOver(l)
	case call.KindWarned, call.KindOverran, call.KindLong:
		b.metrics.thresholds.WithLabelValues(threshold(e.Kind)).Inc()
	}
	if e.Kind != call.KindEnded {
		b.observe(l, e, nil)
	}
}

// observe tells who listens. What goes wrong there is no fault of the call.
func (b *Board) observe(l *live, e call.Entry, ended *record.Record) {
	if b.cfg.Observe == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			b.panicked("observer panicked", p, "call", l.head.Call)
		}
	}()
	b.cfg.Observe(&l.head, e, ended)
}

func (b *Board) enqueue(l *live, cmd call.Enqueue, at time.Time) call.Event {
	r := l.call.Rules()
	limit := r.MaxQueue
	if !cmd.Front && b.oldPlace(l, at) {
		limit = 0 // she stood in line already
	}
	w := queue.Waiting{Call: l.head.Call, Tenant: r.Tenant, Priority: r.Priority, Front: cmd.Front, Arrived: l.place, Serve: r.Serve, Group: cmd.Group}
	if !b.queue.Enqueue(w, limit) {
		return call.QueueFull{}
	}
	l.waiting = true
	b.waitBegins(l, at)
	if loggedIn, _ := b.queue.OnDuty(l.head.Call); loggedIn == 0 && r.NoAgent != "" && cmd.Group == "" {
		return call.NoAgent{} // said before she is connected, so that busy can be
	}
	if r.NoAgent != "" || cmd.Group != "" {
		b.unserved[l.head.Call] = true
		b.newUnserved = append(b.newUnserved, l.head.Call)
	}
	if !cmd.Front {
		b.queue.Forget(l.tenant, l.head.Caller.Number)
	}
	return call.Queued{}
}

// place tells a call where it stands in its line. How long that may take is zero where nobody can say.
func (b *Board) place(l *live) call.Event {
	p := call.Place{Position: b.queue.Position(l.head.Call)}
	p.Wait, _ = b.queue.Wait(l.call.Rules().Tenant, p.Position)
	return p
}
