package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/record"
)

// shift is a number of receptionists who answer callers that come at a pace, over real sockets. Their phones, and the callers', are a process of their own:
// what they need the processors for is not the server's.
type shift struct {
	Agents, Callers int
	Every           time.Duration // a caller comes
	Talk            time.Duration // ±30 %
	Ring            time.Duration // before a receptionist answers
	Server          netip.AddrPort
}

// served is what a phone saw of a call.
type served struct {
	From     string
	Seat     int           // which phone
	Invited  time.Time     // its INVITE came
	Answered time.Time     // its 200 left
	Heard    time.Time     // the caller heard its first packet
	Over     time.Time     // it hung up
	Gap      time.Duration // from its hanging up before until Invited, where callers waited meanwhile; else 0
}

// floor is what the server says of the callers, and what became of them.
type floor struct {
	shift
	calls map[string]served

	mu       sync.Mutex // guards what follows
	offered  []string   // callers as the server offered them
	answered []string   // and as they were answered
	seen     map[string]*instants
	commits  map[string]time.Duration // from an answer until it was durable
}

// instants are those of one caller.
type instants struct {
	came, offered, answered time.Time
	since                   time.Duration // answered
}

// TestCallersAreServedInOrderAndNoneIsForgotten is BenchmarkHandover at a small scale: order and completeness, no figures.
func TestCallersAreServedInOrderAndNoneIsForgotten(t *testing.T) {
	s := shift{Agents: 2, Callers: 8, Every: 20 * time.Millisecond, Talk: 300 * time.Millisecond, Ring: 20 * time.Millisecond}
	f := s.run(t)
	if n, _ := f.disorder(t, "offered", f.offered); len(f.offered) != s.Callers || n != 0 {
		t.Errorf("offered in this order: %v", f.offered)
	}
	if len(f.answered) != s.Callers || len(f.calls) != s.Callers {
		t.Errorf("answered: %v", f.answered)
	}
	for from, c := range f.calls {
		if !c.Heard.After(c.Answered) {
			t.Errorf("%s has not heard who answered", from)
		}
	}
}

// BenchmarkHandover has 20 receptionists' phones answer 200 callers who come 10 a second, over real sockets. It takes about a minute.
//
//	next      from the end of a call to the next INVITE at that phone while callers wait (wrap-up 0)
//	offered   how many the server offered behind one who had come later
//	answered  the same of answers: phones ring equally long
//	by-phones how many of those answered in that order by themselves: the later one's phone before the earlier one's
//	busy      which part of the time the receptionists had calls, while anybody waited
//	voice     from a receptionist's 200 to her first packet at the caller; commit is how long she waited for the disk
//	fsync     what the disk takes in the same run for the two synced writes of a transaction
func BenchmarkHandover(b *testing.B) {
	s := shift{Agents: 20, Callers: 200, Every: 100 * time.Millisecond, Talk: 5 * time.Second, Ring: 200 * time.Millisecond}
	for b.Loop() {
		disk := syncTimes(b)
		s.run(b).report(b, disk)
	}
}

// run lives through a shift and returns what was seen.
func (s shift) run(t testing.TB) *floor {
	f := &floor{shift: s, calls: map[string]served{}, seen: map[string]*instants{}, commits: map[string]time.Duration{}}
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
	s.Server = udpAddr(a)
	for _, c := range s.staff(t) {
		f.calls[c.From] = c
	}
	return f
}

func (s shift) tenants() string {
	text := strings.Builder{}
	text.WriteString("tenants:\n - {id: acme, name: Acme AB, number: \"+46850000001\", trunk: pbx, announce_position: 0s, announce_wait: 0s}\nagents:\n")
	for i := range s.Agents {
		fmt.Fprintf(&text, " - {id: agent%02d, name: A, extension: \"%d\", kind: service, password: hemligt-%d, wrap_up: 0s}\n", i, 201+i, 201+i)
	}
	return text.String()
}

// staff has another process be the phones and the callers, and returns what they saw.
func (s shift) staff(t testing.TB) (calls []served) {
	job, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), phonesRole+"="+string(job))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("the phones: %v\n%s", err, &said)
	}
	if err := json.Unmarshal(out.Bytes(), &calls); err != nil {
		t.Fatal(err)
	}
	return calls
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
		f.seen[who].answered, f.seen[who].since = e.Wall, e.Since
	case call.KindOpened:
		f.commits[who] = e.Since - f.seen[who].since
	}
}

// busy is which part of the time the receptionists had calls, from when all had one until nobody was left in line.
func (f *floor) busy() float64 {
	calls := slices.SortedFunc(maps.Values(f.calls), func(a, b served) int { return a.Invited.Compare(b.Invited) })
	full, last := calls[f.Agents-1].Invited, calls[len(calls)-1].Invited
	var sum time.Duration
	for _, c := range calls {
		from, to := c.Invited, c.Over
		if from.Before(full) {
			from = full
		}
		if to.After(last) {
			to = last
		}
		sum += max(0, to.Sub(from))
	}
	return sum.Seconds() / (float64(f.Agents) * last.Sub(full).Seconds())
}

// disorder counts callers who went behind one who had come later, and says how near the two were all along: what is negative was
// in the wrong order. Of some the phones have answered in that order.
func (f *floor) disorder(t testing.TB, what string, order []string) (n, byPhones int) {
	latest := ""
	for _, who := range order {
		if latest != "" && f.seen[who].came.Before(f.seen[latest].came) {
			a, b, c, d := f.seen[who], f.seen[latest], f.calls[who], f.calls[latest]
			t.Logf("%s was %s after %s, who came %v later, was offered %v later, whose phone rang %v and answered %v later, which was heard %v later",
				who, what, latest, b.came.Sub(a.came), b.offered.Sub(a.offered), d.Invited.Sub(c.Invited), d.Answered.Sub(c.Answered), b.answered.Sub(a.answered))
			n++
			if d.Answered.Before(c.Answered) {
				byPhones++
			}
			continue
		}
		latest = who
	}
	return n, byPhones
}

func (f *floor) report(b *testing.B, disk []time.Duration) {
	var gaps, voice, commits, left []time.Duration
	for who, c := range f.calls {
		if c.Gap > 0 {
			gaps = append(gaps, c.Gap)
		}
		if c.Heard.After(c.Answered) {
			v := c.Heard.Sub(c.Answered)
			voice, commits, left = append(voice, v), append(commits, f.commits[who]), append(left, v-f.commits[who])
		}
	}
	if len(gaps) == 0 || len(f.answered) != f.Callers || len(voice) != f.Callers {
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
	offered, _ := f.disorder(b, "offered", f.offered)
	answered, byPhones := f.disorder(b, "answered", f.answered)
	b.ReportMetric(float64(offered), "offered-out-of-order")
	b.ReportMetric(float64(answered), "answered-out-of-order")
	b.ReportMetric(float64(byPhones), "of-them-by-phones")
	b.ReportMetric(100*f.busy(), "busy-%")
}
