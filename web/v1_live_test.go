package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/switchboard"
	"telefonist/web"
)

// board stands in for the switchboard. What it is asked to do it would do: what must not be asked is refused before.
type board struct {
	web.Desk
	now  switchboard.Snapshot
	done []string

	mu      sync.Mutex // protects what streams look at: now, looks, and fails
	looks   int
	fails   error
	changes chan struct{}
	seen    chan struct{} // gets a token for each look, unless it is nil
}

func (b *board) Snapshot(context.Context) (switchboard.Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	if b.seen != nil {
		b.seen <- struct{}{}
	}
	return b.now, b.fails
}

func (b *board) Changes() <-chan struct{} { return b.changes }

// becomes changes what is going on; it may be the same as before.
func (b *board) becomes(now switchboard.Snapshot) {
	b.mu.Lock()
	b.now = now
	b.mu.Unlock()
	select {
	case b.changes <- struct{}{}:
	default:
	}
}

func (b *board) looked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.looks
}

func (b *board) Live(_ context.Context, id call.ID, agent string) (switchboard.CallInfo, error) {
	for _, a := range b.now.Agents {
		if id == "" && a.ID == agent {
			id = a.Call
		}
	}
	for _, c := range b.now.Calls {
		if c.ID == id {
			return c, nil
		}
	}
	return switchboard.CallInfo{}, fmt.Errorf("there is no live call %q: %w", id, switchboard.ErrUnknown)
}

func (b *board) Do(_ context.Context, o switchboard.Order) (switchboard.Done, error) {
	b.done = append(b.done, "do "+string(o.Call)+" "+o.To)
	return switchboard.Done{Call: o.Call}, nil
}

func (b *board) Dial(_ context.Context, o switchboard.Outgoing) (call.ID, error) {
	b.done = append(b.done, "dial "+o.Tenant+" "+o.To)
	return "new", nil
}
func (b *board) PickUp(context.Context, string, int, call.ID) (call.ID, error) {
	return "", switchboard.ErrUnknown
}
func (b *board) SetAgent(context.Context, switchboard.AgentOrder) error { return nil }
func (b *board) FreeAgent(context.Context, string, string) error        { return nil }
func (b *board) Take(context.Context, call.ID, string, string) error    { return nil }
func (b *board) Move(context.Context, call.ID, int, string) error       { return nil }
func (b *board) Note(context.Context, switchboard.Note) (n switchboard.Note, err error) {
	return n, nil
}

// staff are receptionists of the service, of acme, and of evil.
func (s *service) staff() (tokens map[string]string) {
	s.t.Helper()
	agents := []directory.Agent{{ID: "anna", Name: "Anna Ek", Extension: "101", Kind: call.Service}, {ID: "eva", Extension: "102", Kind: call.Service, Tenants: []string{"evil"}},
		{ID: "cia", Extension: "103", Kind: call.Own, Tenants: []string{"acme"}}, {ID: "dag", Extension: "104", Kind: call.Own, Tenants: []string{"acme"}},
		{ID: "siv", Extension: "106", Kind: call.Service, Tenants: []string{"acme"}}, {ID: "evil-one", Extension: "105", Kind: call.Own, Tenants: []string{"evil"}}}
	dir, err := directory.New(s.dir.Load().Tenants(), agents)
	if err != nil {
		s.t.Fatal(err)
	}
	s.dir.Store(dir)
	tokens = map[string]string{"supervisor": s.token(account.Token{Name: "Tavla", Scopes: []account.Scope{account.Supervise}, PerMinute: 100_000}),
		"gone": s.token(account.Token{Agent: "gone", Name: "Konsol", Scopes: []account.Scope{account.Work}})}
	for _, a := range agents {
		tokens[a.ID] = s.token(account.Token{Agent: a.ID, Name: "Konsol", Scopes: []account.Scope{account.Work}, PerMinute: 100_000})
	}
	return tokens
}

// busy is a moment at which both tenants have calls.
func busy() switchboard.Snapshot {
	s := switchboard.Snapshot{Waiting: 3, Stuck: 1, Alarms: []switchboard.Alarm{{Kind: "longest_wait", Value: 60}}}
	for _, tenant := range []string{"acme", "evil"} {
		id := func(what string) call.ID { return call.ID(tenant + "-" + what) }
		s.Calls = append(s.Calls, switchboard.CallInfo{ID: id("waits"), Tenant: tenant, Caller: tenant + " caller", Waiting: true},
			switchboard.CallInfo{ID: id("parked"), Tenant: tenant, Caller: tenant + " caller", Slot: 1})
		s.Queues = append(s.Queues, switchboard.QueueInfo{Tenant: tenant, Waiting: 1})
		s.Parked = append(s.Parked, switchboard.ParkedInfo{Call: id("parked"), Tenant: tenant, Caller: tenant + " caller"})
		s.Wishes = append(s.Wishes, switchboard.WishInfo{ID: id("wish"), Tenant: tenant, Number: tenant + " number"})
	}
	s.Calls = append(s.Calls, switchboard.CallInfo{ID: "evil-talks", Tenant: "evil", Agent: "anna"}, switchboard.CallInfo{ID: "acme-talks", Tenant: "acme", Agent: "dag"},
		switchboard.CallInfo{ID: "evil-handed", Tenant: "evil", Caller: "handed", Agent: "siv"})
	s.Agents = []switchboard.AgentInfo{{ID: "anna", Call: "evil-talks"}, {ID: "eva"}, {ID: "cia"}, {ID: "dag", Call: "acme-talks"}, {ID: "siv", Call: "evil-handed"}, {ID: "evil-one", Call: "evil-waits"}}
	s.Notes = []switchboard.Note{{ID: "1", Text: "to all"}, {ID: "2", Text: "to evil", Agents: []string{"evil-one"}}, {ID: "3", Text: "to both", Agents: []string{"evil-one", "cia"}}}
	return s
}

// TestAReceptionistSeesWhatIsLiveForHerTenants: nobody but a supervisor is told of calls for tenants whose calls she does not answer.
func TestAReceptionistSeesWhatIsLiveForHerTenants(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	s.desk.now = busy()
	live := func(who string) (web.Live, string) {
		t.Helper()
		a := s.do(s.url, tokens[who], "GET", "/live", "")
		var l web.Live
		if err := json.Unmarshal([]byte(a.body), &l); a.status != 200 || err != nil {
			t.Fatalf("%s: %d %s %v", who, a.status, a.body, err)
		}
		return l, a.body
	}
	agents := func(l web.Live) (out []string) {
		for _, a := range l.Agents {
			out = append(out, strings.TrimSuffix(a.ID+" "+string(a.Call), " "))
		}
		return out
	}
	if l, text := live("cia"); strings.Contains(text, "evil") || strings.Contains(text, "handed") || len(l.Calls) != 3 || len(l.Queues) != 1 || len(l.Parked) != 1 ||
		len(l.Wishes) != 1 || l.Waiting != 1 || len(l.Notes) != 2 || !slices.Equal(l.Notes[1].Agents, []string{"cia"}) || len(l.Alarms)+l.Stuck != 0 {
		t.Errorf("acme's own: %s", text)
	} else if got := agents(l); !slices.Equal(got, []string{"anna", "cia", "dag acme-talks", "siv"}) {
		t.Errorf("acme's own sees %q", got)
	}
	if l, text := live("siv"); strings.Count(text, "evil") != 3 || !slices.ContainsFunc(l.Calls, func(c web.LiveInfo) bool { return c.ID == "evil-handed" }) {
		t.Errorf("who was handed a call: %s", text) // id, also with her, and tenant of the call that she has
	}
	if l, text := live("eva"); strings.Contains(text, "acme") || len(l.Calls) != 4 || len(l.Alarms) != 1 || len(l.Notes) != 1 {
		t.Errorf("of the service, for evil alone: %s", text)
	} else if got := agents(l); !slices.Equal(got, []string{"anna evil-talks", "eva", "evil-one evil-waits"}) {
		t.Errorf("of the service, for evil alone, sees %q", got)
	}
	if l, text := live("anna"); len(l.Calls) != 7 || len(l.Agents) != 6 || len(l.Notes) != 1 || l.Waiting != 2 || l.Stuck != 1 {
		t.Errorf("of the service: %s", text)
	}
	if l, text := live("supervisor"); len(l.Calls) != 7 || len(l.Notes) != 3 || l.Waiting != 3 {
		t.Errorf("supervisor: %s", text)
	}
	for _, who := range []string{"cia", "anna", "supervisor"} { // colleagues are known by their names, which the one snapshot for all does not have
		if l, text := live(who); l.Agents[0].Name != "Anna Ek" || l.Agents[0].Extension != "101" || s.desk.now.Agents[0].Name != "" {
			t.Errorf("%s: %s", who, text)
		}
	}
	if l, text := live("gone"); len(l.Calls)+len(l.Agents)+len(l.Notes)+len(l.Alarms) != 0 || strings.Contains(text, "null") {
		t.Errorf("nobody: %s", text)
	}
}

// TestWhoLooksIsToldWhatSheCouldAskFor: a receptionist of her part in a call, a supervisor of everything, nobody of others' parts.
func TestWhoLooksIsToldWhatSheCouldAskFor(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	set := func(actions ...call.Action) (out call.ActionSet) {
		for i, a := range call.Actions {
			if slices.Contains(actions, a) {
				out |= 1 << i
			}
		}
		return out
	}
	s.desk.now = switchboard.Snapshot{Calls: []switchboard.CallInfo{{ID: "1", Tenant: "acme", Agent: "anna", Phase: call.PhaseConsulting, Allowed: []switchboard.Allowed{
		{May: set(call.ActGrant, call.ActEnd)}, {Agent: "anna", May: set(call.ActComplete, call.ActSwap)}, {Agent: "siv", May: set(call.ActEnd)}}}}}
	for who, want := range map[string]string{"anna": `["swap","complete"]`, "siv": `["end"]`, "cia": "", "supervisor": `["end","grant"]`} {
		a := s.do(s.url, tokens[who], "GET", "/live", "")
		if want != "" {
			want = `"may":` + want
		}
		if a.status != 200 || strings.Contains(a.body, `"may"`) != (want != "") || !strings.Contains(a.body, want) || !strings.Contains(a.body, `"phase":"consulting"`) {
			t.Errorf("%s: %s", who, a.body)
		}
	}
	both := s.token(account.Token{Agent: "anna", Name: "x", Scopes: []account.Scope{account.Work, account.Supervise}})
	if a := s.do(s.url, both, "GET", "/live", ""); !strings.Contains(a.body, `"may":["swap","complete","end","grant"]`) {
		t.Errorf("a supervisor with a call: %s", a.body)
	}
	if s.desk.now.Calls[0].May != nil {
		t.Error("what one is told is written into what all are shown")
	}
}

// TestACallOutTellsNothingOfAnotherTenantsPeople: for a tenant that the agent does not answer for the answer is the same whether it, the person and
// their number exist or not, and so it is for a call that is another tenant's.
func TestACallOutTellsNothingOfAnotherTenantsPeople(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	s.desk.now = busy()
	reached, mute := s.person(`{"family_name":"Ek","numbers":[{"kind":"extension","number":"205"}]}`), s.person(`{"family_name":"Alm"}`)
	told := map[string]bool{}
	for _, tenant := range []string{"acme", "nobody", "gone"} {
		for _, person := range []string{reached, mute, "none"} {
			a := s.do(s.url, tokens["evil-one"], "POST", "/agents/evil-one/calls", `{"tenant":"`+tenant+`","to":"person:`+person+`"}`)
			if a.status != 404 {
				t.Errorf("%s %s: %d", tenant, person, a.status)
			}
			told[strings.ReplaceAll(a.body, tenant, "")] = true
		}
	}
	if len(told) != 1 {
		t.Errorf("answers differ: %v", told)
	}
	clear(told)
	for _, c := range []string{"acme-talks", "none"} {
		for _, person := range []string{reached, mute, "none"} {
			a := s.do(s.url, tokens["evil-one"], "POST", "/calls/"+c+"/actions", `{"action":"connect","to":"person:`+person+`"}`)
			if a.status != 404 {
				t.Errorf("%s %s: %d", c, person, a.status)
			}
			told[strings.ReplaceAll(a.body, c, "")] = true
		}
	}
	if len(told) != 1 || len(s.desk.done) > 0 {
		t.Errorf("answers differ: %v, %q", told, s.desk.done)
	}
	for who, want := range map[string]int{"cia": 201, "anna": 201, "supervisor": 404} { // who acts as anna of evil's
		agent := strings.Replace(who, "supervisor", "evil-one", 1)
		if a := s.do(s.url, tokens[who], "POST", "/agents/"+agent+"/calls", `{"tenant":"acme","to":"person:`+reached+`"}`); a.status != want {
			t.Errorf("%s: %d %s", who, a.status, a.body)
		}
	}
	if a := s.do(s.url, tokens["dag"], "POST", "/agents/dag/actions", `{"action":"connect","to":"person:`+reached+`"}`); a.status != 200 {
		t.Errorf("with his own call: %d %s", a.status, a.body)
	}
	if a := s.do(s.url, tokens["dag"], "POST", "/agents/dag/actions", `{"action":"connect","to":"person:`+mute+`"}`); a.status != 422 {
		t.Errorf("to who has no number: %d %s", a.status, a.body)
	}
}

// evilReceptionist gives the token of evil's own receptionist, while acme has calls that say a secret.
func (s *service) evilReceptionist(secret string) string {
	s.desk.now = busy()
	for i := range s.desk.now.Calls {
		if c := &s.desk.now.Calls[i]; c.Tenant == "acme" {
			c.Caller, c.Common = secret, secret
		}
	}
	s.desk.now.Parked[0].Caller, s.desk.now.Wishes[0].Number = secret, secret
	return s.staff()["evil-one"]
}

// attackDesk plays a route that has no tenant in its path with the token of evil's own receptionist, against acme's calls and people.
func (s *service) attackDesk(token, method, path, person, secret string) {
	s.t.Helper()
	bodies := []string{`{}`}
	switch path[strings.LastIndex(path, "/"):] {
	case "/actions":
		bodies = []string{`{"action":"connect","to":"person:` + person + `"}`}
	case "/calls":
		bodies = []string{`{"tenant":"acme","to":"person:` + person + `"}`, `{"tenant":"acme","to":"person:none"}`}
	case "/pickup":
		bodies = []string{`{"slot":1}`}
	case "/state":
		bodies = []string{`{"state":"available"}`}
	}
	for _, agent := range []string{"evil-one", "cia"} {
		at := strings.NewReplacer("{agent}", agent, "{call}", "acme-talks").Replace(path)
		for _, body := range bodies {
			a := s.do(s.url, token, method, at+"?tenant=acme", body)
			if strings.Contains(a.body, secret) || strings.Contains(a.body, "acme-waits") || a.status >= 500 || agent == "cia" && at != path && a.status < 400 {
				s.t.Errorf("%s %s %s: %d %s", method, at, body, a.status, a.body)
			}
		}
	}
}
