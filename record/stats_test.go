package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// sums adds up what a tally tells.
type sums map[Cell]Counts

func (s sums) tell(c Cell, n Counts) {
	had := s[c]
	had.Add(n)
	s[c] = had
}

func (s sums) total(tenant, agent string) (n Counts) {
	for c, one := range s {
		if c.Tenant == tenant && c.Agent == agent {
			n.Add(one)
		}
	}
	return n
}

// block gives the lines of a fenced block of a page.
func block(t *testing.T, page, name string) (lines [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(page, "```"+name+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("there is no block %s", name)
	}
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// TestTheWorkedExampleOfTheDocumentationHolds counts what docs/statistics.md shows.
func TestTheWorkedExampleOfTheDocumentationHolds(t *testing.T) {
	page, err := os.ReadFile("../docs/statistics.md")
	if err != nil {
		t.Fatal(err)
	}
	arrived := map[string]time.Time{}
	got, tally := sums{}, NewTally()
	for i, f := range block(t, string(page), "events") {
		clock, err := time.Parse(time.TimeOnly, f[0])
		if err != nil {
			t.Fatal(err)
		}
		e := StreamEvent{Seq: uint64(i + 1), At: monday.Add(clock.Sub(clock.Truncate(24 * time.Hour))), About: About(f[1]), Kind: f[3]}
		if f[2] != "-" {
			e.Call, e.Tenant = call.ID(f[2]), "acme"
		}
		if f[4] != "-" {
			e.Agent, e.AgentKind = f[4], call.Service
		}
		if len(f) > 5 {
			e.Reason = f[5]
		}
		if e.About == AboutCall {
			if e.Kind == string(call.KindArrived) {
				arrived[f[2]] = e.At
			}
			e.Since = e.At.Sub(arrived[f[2]])
		}
		if err := e.Validate(); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		tally.Add(e, got.tell)
	}
	n := got.total("", "")
	ratio := func(s Share) string { return fmt.Sprintf("%.4f", s.Value) }
	mean := func(d time.Duration, ok bool) string { return d.String() }
	is := map[string]string{
		"calls": fmt.Sprint(n.Calls), "offered": fmt.Sprint(n.Offered), "answered": fmt.Sprint(n.Answered), "answered_within": fmt.Sprint(n.Within),
		"abandoned": fmt.Sprint(n.Abandoned), "abandoned_short": fmt.Sprint(n.Short), "service_level": ratio(n.ServiceLevel()),
		"abandon_rate": ratio(n.AbandonRate()), "average_wait": mean(n.AverageWait()), "longest_wait": n.LongestWait.String(),
		"handled": fmt.Sprint(n.Handled), "talk": n.Talk.String(), "hold": n.Hold.String(), "wrap_up": n.Wrap.String(),
		"average_handling": mean(n.AverageHandling()), "logged_in": n.LoggedIn.String(), "paused": n.Paused.String(),
		"occupied": n.Occupied.String(), "occupancy": ratio(n.Occupancy()),
	}
	figures := block(t, string(page), "figures")
	for _, f := range figures {
		if is[f[0]] != f[1] {
			t.Errorf("%s is %s, the page says %s", f[0], is[f[0]], f[1])
		}
	}
	if len(figures) != len(is) {
		t.Errorf("the page has %d figures, want %d", len(figures), len(is))
	}
	if a := got.total("acme", ""); a.Answered != 2 || a.Talk != n.Talk || a.LoggedIn != 0 {
		t.Errorf("the tenant's are %+v", a)
	}
	if a := got.total("", "anna"); a.Rung != 2 || a.Handled != 2 || a.LoggedIn != n.LoggedIn || a.Answered != 2 || a.Calls != 0 {
		t.Errorf("the agent's are %+v", a)
	}
}

// randomEvents is a stream of calls and agents in which anything may follow anything.
func randomEvents(r *rand.Rand, n int) (list []StreamEvent) {
	at, since := monday, map[call.ID]time.Time{}
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	for i := range n {
		at = at.Add(time.Duration(r.Int64N(int64(5 * time.Minute))))
		e := StreamEvent{Seq: uint64(i + 1), At: at, Agent: pick("anna", "bo", "cia"), AgentKind: call.AgentKind(pick("service", "service", "tenant"))}
		e.Call, e.Tenant = call.ID(fmt.Sprint("c", r.IntN(5))), pick("acme", "beta")
		switch r.IntN(20) {
		case 0:
			e.About, e.Kind = AboutService, pick(ServiceUp, ServiceDown)
		case 1, 2, 3, 4, 5, 6, 7:
			e.About, e.Kind = AboutAgent, pick(StreamKinds[AboutAgent]...)
		default:
			e.About, e.Kind = AboutCall, string(call.Kinds[r.IntN(len(call.Kinds))])
			if since[e.Call].IsZero() || r.IntN(8) == 0 {
				since[e.Call], e.Kind, e.Way = at, string(call.KindArrived), call.Way(pick("", "", "", "out", "callback"))
			}
			e.Since = at.Sub(since[e.Call])
			e.Reason = pick("", "answered/caller", "abandoned/caller", "mediated/caller", "failed/fault", "queue_full/policy")
		}
		list = append(list, e)
	}
	return list
}

// TestStatisticsAreTheSameFromAnySplit lets tallies be kept and taken up again anywhere, with events given twice.
func TestStatisticsAreTheSameFromAnySplit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 30 {
		list := randomEvents(r, 300)
		whole, one := sums{}, NewTally()
		for _, e := range list {
			one.Add(e, whole.tell)
		}
		parts, some := sums{}, NewTally()
		for i, e := range list {
			some.Add(e, parts.tell)
			if r.IntN(10) > 0 {
				continue
			}
			some.Open(e.At.Add(time.Hour), func(Cell, Counts) {}) // who asks changes nothing
			doc, err := json.Marshal(some)
			if err != nil {
				t.Fatal(err)
			}
			some = new(Tally)
			if err := json.Unmarshal(doc, some); err != nil {
				t.Fatal(err)
			}
			for _, again := range list[max(0, i-3) : i+1] {
				some.Add(again, parts.tell)
			}
		}
		if !maps.Equal(whole, parts) {
			t.Fatalf("got\n%v\nof the whole and\n%v\nof parts", whole, parts)
		}
		plausible(t, whole)
	}
}

// plausible holds for whatever was counted.
func plausible(t *testing.T, all sums) {
	t.Helper()
	for cell, n := range all {
		if n.Within > n.Answered || n.Own > n.Answered || cell.Agent == "" && n.Answered > n.Offered || n.Mediated > n.Answered ||
			n.Talk < 0 || n.Hold < 0 || n.Wrap < 0 || n.Occupied+n.Paused+n.Offline > n.LoggedIn {
			t.Errorf("%+v has %+v", cell, n)
		}
		if cell.Agent != "" && cell.Tenant == "" && n.LoggedIn > time.Hour {
			t.Errorf("%s was logged in for %s within an hour", cell.Agent, n.LoggedIn)
		}
	}
	if n := all.total("", ""); n.Calls < n.Offered && n.Calls < n.Answered {
		t.Errorf("all: %+v", n)
	}
}

func TestThresholdsOfWaitsAreSharp(t *testing.T) {
	for _, c := range []struct {
		kind   call.Kind
		reason string
		since  time.Duration
		want   Counts
	}{
		{call.KindAnswered, "", 20 * time.Second, Counts{Answered: 1, Within: 1}},
		{call.KindAnswered, "", 20*time.Second + 1, Counts{Answered: 1}},
		{call.KindEnded, "abandoned/caller", 5 * time.Second, Counts{Short: 1}},
		{call.KindEnded, "abandoned/caller", 5*time.Second + 1, Counts{Abandoned: 1}},
		{call.KindEnded, "timeout/policy", 5*time.Second + 1, Counts{Overflowed: 1}},
		{call.KindEnded, "interrupted/crash", 5*time.Second + 1, Counts{Failed: 1}},
	} {
		got, tally := sums{}, NewTally()
		tally.Add(StreamEvent{Seq: 1, At: monday, About: AboutCall, Kind: "arrived", Call: "c"}, got.tell)
		tally.Add(StreamEvent{Seq: 2, At: monday.Add(c.since), About: AboutCall, Kind: string(c.kind), Call: "c", Agent: "anna", Since: c.since, Reason: c.reason}, got.tell)
		tally.Add(StreamEvent{Seq: 3, At: monday.Add(c.since), About: AboutCall, Kind: "opened", Call: "c", Since: c.since}, got.tell)
		n := got.total("", "")
		if n.Answered != c.want.Answered || n.Within != c.want.Within || n.Abandoned != c.want.Abandoned || n.Short != c.want.Short ||
			n.Overflowed != c.want.Overflowed || n.Failed != c.want.Failed {
			t.Errorf("%s %s after %s: %+v", c.kind, c.reason, c.since, n)
		}
	}
}

func TestAWithdrawnAnswerCountsNothing(t *testing.T) {
	got, tally := sums{}, NewTally()
	for i, k := range []call.Kind{call.KindArrived, call.KindQueued, call.KindAnswered, call.KindWithdrawn, call.KindEnded} {
		since := time.Duration(i) * 2 * time.Second
		tally.Add(StreamEvent{Seq: uint64(i + 1), At: monday.Add(since), Since: since, About: AboutCall, Kind: string(k), Call: "c", Agent: "anna", Reason: "abandoned/caller"}, got.tell)
	}
	if n := got.total("", ""); n.Answered != 0 || n.Handled != 0 || n.Abandoned != 1 {
		t.Errorf("got %+v", n)
	}
}

func TestACrashEndsTheStatesOfAgentsWithTheLastEvent(t *testing.T) {
	got, tally := sums{}, NewTally()
	add := func(after time.Duration, about About, kind string) {
		tally.Add(StreamEvent{Seq: tally.Through + 1, At: monday.Add(after), About: about, Kind: kind, Agent: "anna"}, got.tell)
	}
	add(0, AboutAgent, AgentLoggedIn)
	add(0, AboutAgent, AgentTalking)
	add(10*time.Minute, AboutAlarm, AlarmNoAgent)
	add(50*time.Minute, AboutService, ServiceUp)
	add(50*time.Minute, AboutAgent, AgentLoggedIn)
	tally.Open(monday.Add(55*time.Minute), got.tell)
	if n := got.total("", "anna"); n.LoggedIn != 15*time.Minute || n.Occupied != 10*time.Minute {
		t.Errorf("got %+v", n)
	}
}

func TestDaysAreThoseOfTheZone(t *testing.T) {
	zone := time.FixedZone("", 3600)
	hours := map[int64]Counts{monday.Add(-time.Hour).Unix(): {Calls: 1}, monday.Add(22 * time.Hour).Unix(): {Calls: 2}, monday.Add(23 * time.Hour).Unix(): {Calls: 4}, 0: {}}
	days, total := Periods(hours, true, zone)
	if len(days) != 2 || days[0].Counts.Calls != 3 || days[1].Counts.Calls != 4 || total.Calls != 7 || !days[0].To.Equal(days[1].From) {
		t.Errorf("got %+v, %+v", days, total)
	}
}

func TestCallingBackAndAnsweringByConsoleAreNoOffers(t *testing.T) {
	got, tally := sums{}, NewTally()
	for i, e := range []struct {
		kind   call.Kind
		reason string
	}{
		{call.KindArrived, ""}, {call.KindOffered, ""}, {call.KindOffered, call.OfferAnswer}, {call.KindMissed, "no_answer"}, // one offer, missed
		{call.KindOffered, "busy"}, {call.KindMissed, "no_answer"}, // she connected a call, and is called back
		{call.KindOffered, ""}, {call.KindAnswered, ""},
	} {
		tally.Add(StreamEvent{Seq: uint64(i + 1), At: monday.Add(time.Duration(i) * time.Second), About: AboutCall, Kind: string(e.kind), Call: "c", Tenant: "acme",
			Agent: "anna", Reason: e.reason}, got.tell)
	}
	if n := got.total("acme", "anna"); n.Rung != 2 || n.Missed != 1 {
		t.Errorf("rung %d, missed %d; want 2 and 1", n.Rung, n.Missed)
	}
}
