package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/record"
	"telefonist/sip/softphone"
)

// shift is a number of receptionists who answer callers that come at a pace, over real sockets.
type shift struct {
	agents, callers int
	every           time.Duration // a caller comes
	talk            time.Duration // ±30 %
	ring            time.Duration // before a receptionist answers
}

// seat is what a receptionist saw.
type seat struct {
	mu    sync.Mutex // guards what follows
	freed time.Time  // when she hung up last, where callers waited then; else zero
	works []stretch
	gaps  []time.Duration // from her hanging up to the next INVITE, where callers waited
	voice map[string]time.Duration
}

// stretch is from the INVITE at a phone until its call ends.
type stretch struct{ from, to time.Time }

// ringing is a phone that rings until it is due.
type ringing struct {
	call *softphone.Call
	due  time.Time
	at   time.Time // answered; zero: it rings, or could not be
}

// instants are those of one caller. The phone's are told by the phone, the others by the server.
type instants struct{ came, offered, atPhone, sent, answered time.Time }

// floor is who has called and who has been offered and answered.
type floor struct {
	shift
	bell  sync.Mutex // guards rings
	rings []*ringing // in the order of their INVITEs

	mu       sync.Mutex // guards what follows
	calls    map[string]*softphone.Call
	placed   int
	taken    int
	full     time.Time // the last of the receptionists has her first call
	last     time.Time // the last caller in line is offered
	offered  []string  // callers as the server offered them
	answered []string  // and as they were answered
	seen     map[string]*instants
	at       map[string]time.Duration
	commits  map[string]time.Duration // from an answer until it was durable, as the server tells
}

// TestCallersAreServedInOrderAndNoneIsForgotten is BenchmarkHandover at a small scale: order and completeness, no figures.
func TestCallersAreServedInOrderAndNoneIsForgotten(t *testing.T) {
	s := shift{agents: 2, callers: 8, every: 20 * time.Millisecond, talk: 300 * time.Millisecond, ring: 20 * time.Millisecond}
	f, desks := s.run(t)
	if len(f.offered) != s.callers || f.disorder(t, "offered", f.offered) != 0 {
		t.Errorf("offered in this order: %v", f.offered)
	}
	if len(f.answered) != s.callers {
		t.Errorf("answered: %v", f.answered)
	}
	heard := 0
	for _, d := range desks {
		heard += len(d.voice)
	}
	if heard != s.callers {
		t.Errorf("%d callers of %d have heard who answered", heard, s.callers)
	}
}

// BenchmarkHandover has 20 receptionists' phones answer 200 callers who come 10 a second, over real sockets. It takes about a minute.
//
//	next      from the end of a call to the next INVITE at that phone while callers wait (wrap-up 0)
//	offered   how many the server offered behind one who had come later
//	answered  the same of answers: phones ring equally long
//	busy      which part of the time the receptionists had calls, while anybody waited
//	voice     from a receptionist's 200 to her first packet at the caller; commit is how long she waited for the disk
//	fsync     what the disk takes in the same run for the two synced writes of a transaction
func BenchmarkHandover(b *testing.B) {
	s := shift{agents: 20, callers: 200, every: 100 * time.Millisecond, talk: 5 * time.Second, ring: 200 * time.Millisecond}
	for b.Loop() {
		disk := syncTimes(b)
		f, desks := s.run(b)
		f.report(b, desks, disk)
	}
}

// run lives through a shift and returns what was seen.
func (s shift) run(t testing.TB) (*floor, []*seat) {
	f := &floor{shift: s, calls: map[string]*softphone.Call{}, seen: map[string]*instants{}, at: map[string]time.Duration{}, commits: map[string]time.Duration{}}
	a, err := app.New(load(t, t.TempDir(), s.tenants()), app.Options{Observe: f.observe})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	server := udpAddr(a)
	desks, stop := s.desks(t, f, server)
	defer stop()
	s.callAll(t, f, server)
	return f, desks
}

func (s shift) tenants() string {
	text := strings.Builder{}
	text.WriteString("tenants:\n - {id: acme, name: Acme AB, number: \"+46850000001\", trunk: pbx, announce_position: 0s, announce_wait: 0s}\nagents:\n")
	for i := range s.agents {
		fmt.Fprintf(&text, " - {id: agent%02d, name: A, extension: \"%d\", kind: service, password: hemligt-%d, wrap_up: 0s}\n", i, 201+i, 201+i)
	}
	return text.String()
}

func (s shift) desks(t testing.TB, f *floor, server netip.AddrPort) (desks []*seat, stop func()) {
	var phones []*softphone.Phone
	stop = func() {
		for _, p := range phones {
			_ = p.Close(context.Background())
		}
	}
	for i := range s.agents {
		d, ext := &seat{voice: map[string]time.Duration{}}, fmt.Sprint(201+i)
		desks = append(desks, d)
		p, err := softphone.New(softphone.Config{Server: server, Listen: netip.MustParseAddrPort("127.31.0.3:0"), User: ext,
			Password: "hemligt-" + ext, Expires: 10 * time.Minute, Keep: time.Second,
			OnCall: func(ctx context.Context, c *softphone.Call) { d.take(ctx, f, c) }})
		if err != nil {
			t.Fatal(err)
		}
		phones = append(phones, p)
		if err := p.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return desks, stop
}

// callAll places all calls at their pace and waits until the last has been served.
func (s shift) callAll(t testing.TB, f *floor, server netip.AddrPort) {
	pbx, err := softphone.NewPBX(softphone.Config{Server: server, Listen: netip.MustParseAddrPort("127.31.0.2:0"), Keep: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer pbx.Close(context.Background())
	var over sync.WaitGroup
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for i := range s.callers {
		from := fmt.Sprintf("+4670%07d", i)
		f.mu.Lock()
		c, err := pbx.Place(softphone.Invite{To: "+46850000001", From: from})
		if err == nil {
			f.calls[from] = c
			f.placed++
		}
		f.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		over.Go(func() {
			select {
			case <-c.Ended():
			case <-time.After(5 * time.Minute):
				t.Error("a caller was never served")
			}
		})
		<-tick.C
	}
	over.Wait()
}

// observe hears what the server says of its calls, in its order.
func (f *floor) observe(h *record.Head, e call.Entry, _ *record.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := h.Caller.Number
	switch e.Kind {
	case call.KindArrived:
		f.seen[who] = &instants{came: e.Wall}
	case call.KindOffered:
		f.offered = append(f.offered, who)
		f.seen[who].offered = e.Wall
	case call.KindAnswered:
		f.answered = append(f.answered, who)
		f.at[who] = e.Since
		f.seen[who].answered = e.Wall
	case call.KindOpened:
		f.commits[who] = e.Since - f.at[who]
	}
}

// took counts a call that a phone has got, and tells who calls.
func (f *floor) took(from string, now time.Time) (caller *softphone.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken++; f.taken == f.agents {
		f.full = now
	}
	f.last = now
	return f.calls[from]
}

// note keeps what a phone saw of a call.
func (f *floor) note(from string, seen softphone.Trace) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[from].atPhone, f.seen[from].sent = seen.Invited, seen.Answered
}

// waits tells whether anybody is in line.
func (f *floor) waits() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.placed > f.taken
}

// rang has a phone ring from now on.
func (f *floor) rang(c *softphone.Call) *ringing {
	r := &ringing{call: c, due: c.Trace().Invited.Add(f.ring)}
	f.bell.Lock()
	defer f.bell.Unlock()
	i, _ := slices.BinarySearchFunc(f.rings, r.due, func(r *ringing, due time.Time) int { return r.due.Compare(due) })
	f.rings = slices.Insert(f.rings, i, r)
	return r
}

// answer answers all that are due before a phone, then that one: all phones take as long, so that their answers come in the order of
// the INVITEs, however late their goroutines run.
func (f *floor) answer(last *ringing) (at time.Time, ok bool) {
	f.bell.Lock()
	defer f.bell.Unlock()
	for len(f.rings) > 0 && !f.rings[0].due.After(last.due) {
		r := f.rings[0]
		f.rings = f.rings[1:]
		if at := time.Now(); r.call.Answer() == nil {
			r.at = at
		}
	}
	return last.at, !last.at.IsZero()
}

// take answers after ringing, talks and hangs up, and notes when.
func (d *seat) take(ctx context.Context, f *floor, c *softphone.Call) {
	now, from := c.Trace().Invited, c.Invite().From
	caller := f.took(from, now)
	d.mu.Lock()
	if !d.freed.IsZero() {
		d.gaps = append(d.gaps, now.Sub(d.freed))
	}
	d.mu.Unlock()
	c.Ring()
	r := f.rang(c)
	if !softphone.Pause(ctx, time.Until(r.due)) {
		return
	}
	answered, ok := f.answer(r)
	if !ok {
		return
	}
	if !softphone.Pause(ctx, time.Duration(float64(f.talk)*(0.7+0.6*rand.Float64()))) {
		return
	}
	f.note(from, c.Trace())
	heard := caller.Audio().Heard().Marked
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freed = time.Time{}
	end, waits := time.Now(), f.waits()
	c.Hangup()
	if waits {
		d.freed = end
	}
	d.works = append(d.works, stretch{now, end})
	if heard.After(answered) {
		d.voice[from] = heard.Sub(answered)
	}
}

// busy is which part of the time the receptionists had calls, from when all had one until nobody was left in line.
func (f *floor) busy(desks []*seat) float64 {
	var sum time.Duration
	for _, d := range desks {
		for _, w := range d.works {
			from, to := w.from, w.to
			if from.Before(f.full) {
				from = f.full
			}
			if to.After(f.last) {
				to = f.last
			}
			sum += max(0, to.Sub(from))
		}
	}
	return sum.Seconds() / (float64(len(desks)) * f.last.Sub(f.full).Seconds())
}

// disorder counts callers who went behind one who had come later, and says how near the two were all along: what is negative was
// in the wrong order.
func (f *floor) disorder(t testing.TB, what string, order []string) (n int) {
	latest := ""
	for _, who := range order {
		if latest != "" && f.seen[who].came.Before(f.seen[latest].came) {
			n++
			a, b := f.seen[who], f.seen[latest]
			t.Logf("%s was %s after %s, who came %v later, was offered %v later, rang %v later, whose phone answered %v later, and was heard %v later",
				who, what, latest, b.came.Sub(a.came), b.offered.Sub(a.offered), b.atPhone.Sub(a.atPhone), b.sent.Sub(a.sent), b.answered.Sub(a.answered))
			continue
		}
		latest = who
	}
	return n
}

func (f *floor) report(b *testing.B, desks []*seat, disk []time.Duration) {
	var gaps, voice, commits, left []time.Duration
	for _, d := range desks {
		gaps = append(gaps, d.gaps...)
		for who, v := range d.voice {
			voice, commits, left = append(voice, v), append(commits, f.commits[who]), append(left, v-f.commits[who])
		}
	}
	if len(gaps) == 0 || len(f.answered) != f.callers || len(voice) != f.callers {
		b.Fatalf("%d answered, %d heard, %d gaps", len(f.answered), len(voice), len(gaps))
	}
	for _, m := range []struct {
		name string
		all  []time.Duration
	}{{"next", gaps}, {"voice", voice}, {"commit", commits}, {"voice-less-commit", left}, {"fsync", disk}} {
		slices.Sort(m.all)
		for _, percent := range []int{50, 99} {
			b.ReportMetric(float64(m.all[len(m.all)*percent/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", m.name, percent))
		}
	}
	b.ReportMetric(float64(len(gaps)), "gaps")
	b.ReportMetric(float64(f.disorder(b, "offered", f.offered)), "offered-out-of-order")
	b.ReportMetric(float64(f.disorder(b, "answered", f.answered)), "answered-out-of-order")
	b.ReportMetric(100*f.busy(desks), "busy-%")
}
