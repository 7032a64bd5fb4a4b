package switchboard

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/tariff"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	seed   = flag.Uint64("seed", 0, "seed of random histories; 0 takes a new one")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSeed(t testing.TB) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return s
}

// far is the far side of one leg.
type far struct {
	incoming bool
	accepted bool      // we were sent 200
	answered bool      // we sent 200
	early    bool      // we sent media before it
	over     bool      // the board has let go of it
	gone     time.Time // we have let go of it
	agent    string
}

// world is everything outside of the board: phones, the PBX, the sound. It carries out nothing but remembers everything,
// and fails the test where a command breaks the protocol.
type world struct {
	t     testing.TB
	board *Board

	mu       sync.Mutex // guards all below; never held while posting
	legs     map[call.LegID]*far
	arrived  int
	refused  map[call.LegID]int           // status of calls refused
	spoken   map[call.LegID]bool          // callers who were connected with a receptionist
	onSignal func(cmd call.SignalCommand) // script of the far sides; called without the lock
	again    func(call.LegID, call.Event) // may tell what was told a second time; likewise
	said     []string                     // transcript
	began    time.Time
}

func newWorld(t testing.TB) *world {
	return &world{t: t, legs: map[call.LegID]*far{}, refused: map[call.LegID]int{}, spoken: map[call.LegID]bool{}, began: time.Now()}
}

// signals and media are the board's two views of a world.
type signals struct{ *world }
type media struct{ *world }

func (s signals) Do(cmd call.SignalCommand) {
	s.mu.Lock()
	s.signal(cmd)
	s.note(">", string(legOf(cmd)), what(cmd))
	f := s.onSignal
	s.mu.Unlock()
	if f != nil {
		f(cmd)
	}
}

func legOf(cmd call.SignalCommand) call.LegID {
	switch c := cmd.(type) {
	case call.Ring:
		return c.Leg
	case call.Accept:
		return c.Leg
	case call.Reject:
		return c.Leg
	case call.Dial:
		return c.Leg
	case call.Hangup:
		return c.Leg
	case call.AnswerRefer:
		return c.Leg
	case call.NotifyRefer:
		return c.Leg
	}
	return ""
}

// live returns the leg that a command names. The board may not have heard yet that we are gone, at the same instant.
func (w *world) live(id call.LegID, cmd any) *far {
	f := w.legs[id]
	if f == nil || f.over || !f.gone.IsZero() && !f.gone.Equal(time.Now()) {
		w.t.Errorf("%T %s: no such leg any more", cmd, id)
		return &far{}
	}
	return f
}

func (w *world) signal(cmd call.SignalCommand) {
	id := legOf(cmd)
	if d, is := cmd.(call.Dial); is {
		if w.legs[id] != nil {
			w.t.Errorf("leg %s is dialled twice", id)
		}
		w.legs[id] = &far{agent: d.To.Agent}
		return
	}
	f := w.live(id, cmd)
	switch c := cmd.(type) {
	case call.Ring:
		if !f.incoming || f.accepted {
			w.t.Errorf("ring %s", id)
		}
	case call.Accept:
		if !f.incoming || f.accepted {
			w.t.Errorf("accept %s", id)
		}
		f.accepted = true
	case call.Reject:
		if !f.incoming || f.accepted || c.Code < 300 {
			w.t.Errorf("reject %s with %d", id, c.Code)
		}
		f.over = true
		w.refused[id] = c.Code
	case call.Hangup:
		f.over = true
	}
}

func (m media) Do(cmd call.MediaCommand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	carries := func(id call.LegID) *far {
		f := m.live(id, cmd)
		if f.incoming && !f.accepted || !f.incoming && !f.answered && !f.early {
			m.t.Errorf("%s for %s, which has no media", what(cmd), id)
		}
		return f
	}
	switch c := cmd.(type) {
	case call.Play:
		carries(c.Leg)
		m.note(">", string(c.Leg), what(cmd))
	case call.Say:
		carries(c.Leg)
		m.note(">", string(c.Leg), what(cmd))
	case call.Connect:
		carries(c.A)
		if carries(c.B).agent != "" {
			m.spoken[c.A] = true
		}
		m.note(">", string(c.A), what(cmd))
	case call.Mix:
		for _, leg := range c.Legs {
			carries(leg)
		}
		m.note(">", string(c.Legs[0]), what(cmd))
	case call.Disconnect:
		carries(c.Leg)
	case call.Tone:
		carries(c.Leg)
		m.note(">", string(c.Leg), what(cmd))
	}
}

// post sends an event of a far side, unless that side has let go or was let go of.
func (w *world) post(id call.LegID, ev call.Event) bool {
	w.mu.Lock()
	f := w.legs[id]
	if f == nil || f.over || !f.gone.IsZero() {
		w.mu.Unlock()
		return false
	}
	switch ev.(type) {
	case call.Ended, call.Failed:
		f.gone = time.Now()
	case call.Answered:
		f.answered = true
	case call.EarlyMedia:
		f.early = true
	}
	w.note("<", string(id), what(ev))
	again := w.again
	w.mu.Unlock()
	w.board.Post(id, time.Now(), ev)
	if again != nil {
		again(id, ev)
	}
	return true
}

// late sends an event that was under way when the leg was let go of.
func (w *world) late(id call.LegID, ev call.Event) { w.board.Post(id, time.Now(), ev) }

// in makes a new incoming leg and posts what brings it.
func (w *world) in(id call.LegID, ev call.Event) {
	w.mu.Lock()
	w.legs[id] = &far{incoming: true}
	w.note("<", string(id), what(ev))
	w.mu.Unlock()
	if !w.board.Post(id, time.Now(), ev) {
		w.mu.Lock()
		w.legs[id].over, w.refused[id] = true, 503
		w.mu.Unlock()
	}
}

// arrive is a call to a tenant's number; it returns the caller's leg.
func (w *world) arrive(called string) call.LegID {
	w.mu.Lock()
	w.arrived++
	id := call.LegID(fmt.Sprintf("in%d", w.arrived))
	number := fmt.Sprintf("+4670%07d", w.arrived)
	w.mu.Unlock()
	w.in(id, call.Arrived{Trunk: "pbx", Called: called, Caller: call.Party{Number: number}, SIPCall: string(id), Dialog: call.Dialog{CallID: string(id)}})
	return id
}

// note adds to the transcript: when, in or out, which leg, what.
func (w *world) note(dir, leg, what string) {
	w.said = append(w.said, fmt.Sprintf("%9.3f %s %-12s %s", time.Since(w.began).Seconds(), dir, short(leg), what))
}

// short drops the call's identifier from the name of a leg that the call made.
func short(leg string) string {
	if _, own, made := strings.Cut(leg, "-"); made {
		return own
	}
	return leg
}

func what(v any) string {
	switch v := v.(type) {
	case call.Arrived:
		return "INVITE to " + v.Called
	case call.Dialled:
		return "INVITE by " + v.Agent + " to " + v.Target
	case call.Referred:
		return strings.TrimRight("REFER to "+v.Target+" "+short(string(v.Replaces)), " ")
	case call.Answered:
		return "200"
	case call.Ended:
		return "ended: " + string(v.Cause)
	case call.Failed:
		return fmt.Sprint(v.Code)
	case call.Ring:
		return "180"
	case call.Accept:
		return "200"
	case call.Reject:
		if v.RetryAfter > 0 {
			return fmt.Sprintf("%d, Retry-After %v", v.Code, v.RetryAfter)
		}
		return fmt.Sprint(v.Code)
	case call.Dial:
		return "INVITE " + v.To.Agent + v.To.Number + " showing " + v.From.Number + " " + v.From.Name
	case call.Hangup:
		return "hang up: " + string(v.Cause)
	case call.AnswerRefer:
		return fmt.Sprint("REFER answered ", v.Code)
	case call.NotifyRefer:
		return fmt.Sprint("NOTIFY ", v.Code)
	case call.Play:
		return "hears " + v.Source
	case call.Say:
		return "hears " + strings.Join(v.Clips, " ") + ", then " + v.Then
	case call.Connect:
		return "talks with " + short(string(v.B))
	case call.Tone:
		return "hears a " + string(v.Kind) + " tone"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "call.")
}

// Numbers of the tenants in the tests.
var numbers = []string{"+46850000001", "+46850000002", "+46850000003"}

func testRules() call.Rules {
	return call.Rules{MaxWait: 2 * time.Minute, Overflow: call.OverflowPrompt, RingTimeout: 15 * time.Second, RecallAfter: 20 * time.Second,
		Warn: 35 * time.Second, Included: 45 * time.Second, Long: 2 * time.Minute, RingFirstFor: 30 * time.Second}
}

// testDirectory has three tenants and n agents of the service, and one of the second tenant's own.
func testDirectory(t testing.TB, n int, set func(tenant int, r *call.Rules)) *directory.Directory {
	var tenants []directory.Tenant
	for i, number := range numbers {
		r := testRules()
		if set != nil {
			set(i, &r)
		}
		tenants = append(tenants, directory.Tenant{ID: fmt.Sprint("t", i), Name: fmt.Sprintf("Tenant %d AB", i), Number: number, Trunk: "pbx", Rules: r,
			Plan: tariff.DefaultPlan()})
	}
	agents := []directory.Agent{}
	for i, name := range []string{"anna", "bo", "cia", "dag", "eva", "finn"}[:n] {
		agents = append(agents, directory.Agent{ID: name, Name: name, Extension: fmt.Sprint(201 + i), Kind: call.Service, Wrap: 5 * time.Second})
	}
	if n > 2 {
		agents = append(agents, directory.Agent{ID: "olle", Extension: "301", Kind: call.Own, Tenants: []string{"t1"}})
	}
	d, err := directory.New(tenants, agents)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// testCodes are what agents dial.
var testCodes = Codes{CodeLogin: "*11", CodeLogout: "*12", CodePause: "*13", CodeResume: "*14", CodePark: "*15", CodePickUp: "*16", CodeHandBack: "*17"}

func testLimits() queue.Limits { return queue.Limits{Misses: 3, Again: 30 * time.Second} }
