package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"telefonist/account"
	"telefonist/call"
	"telefonist/switchboard"
	"telefonist/web"
)

// live reads the next event of what is going on.
func (c *sse) live() (l web.Live) {
	c.t.Helper()
	name := ""
	for {
		line, err := c.text.ReadString('\n')
		if err != nil {
			c.t.Fatalf("the stream ended: %v", err)
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(line, "event: "):
			name = line[7:]
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[6:]), &l); err != nil {
				c.t.Fatal(err)
			}
		case line == "" && name != "":
			if name != "live" {
				c.t.Errorf("event %q", name)
			}
			return l
		}
	}
}

// waiting is a moment with so many callers of acme's in line.
func waiting(n int) switchboard.Snapshot {
	s := switchboard.Snapshot{At: time.Date(2026, 11, 30, 12, 0, n, 0, time.UTC), Waiting: n}
	for i := range n {
		s.Calls = append(s.Calls, switchboard.CallInfo{ID: call.ID(fmt.Sprint("c", i)), Tenant: "acme", Waiting: true})
	}
	return s
}

func TestTheStreamOfWhatIsLiveTellsItAtOnceAndWhenItChanges(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	s.desk.now, s.desk.seen = waiting(1), make(chan struct{}, 100)
	c := s.stream(s.url, tokens["anna"], "/live/stream")
	if got := c.res.Header.Get("Content-Type"); c.res.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%s, %s", c.res.Status, got)
	}
	if l := c.live(); len(l.Calls) != 1 {
		t.Errorf("at once: %+v", l)
	}
	s.desk.becomes(waiting(2))
	if l := c.live(); len(l.Calls) != 2 {
		t.Errorf("then: %+v", l)
	}
	same := waiting(2)
	same.At = same.At.Add(time.Minute)
	s.desk.becomes(same)
	for range 3 {
		<-s.desk.seen
	}
	s.desk.becomes(waiting(3))
	if l := c.live(); len(l.Calls) != 3 {
		t.Errorf("what is the same was told again: %+v", l)
	}
}

// TestAStreamThatIsOpenedLateTellsTheClocksAsTheyStand: the last look may be long ago where nothing has happened since.
func TestAStreamThatIsOpenedLateTellsTheClocksAsTheyStand(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s.desk.now = switchboard.Snapshot{At: at, Calls: []switchboard.CallInfo{{ID: "1", Tenant: "acme", Handling: true, HandlingMS: 5000}, {ID: "2", Tenant: "acme", HandlingMS: 7000}}}
	first := s.stream(s.url, tokens["anna"], "/live/stream").live()
	late := s.stream(s.url, tokens["siv"], "/live/stream").live()
	for _, l := range []web.Live{first, late} {
		// to the millisecond: both are cut
		if passed := l.At.Sub(at); passed < 0 || (l.Calls[0].HandlingMS-5000-passed.Milliseconds()) != 0 || l.Calls[1].HandlingMS != 7000 {
			t.Errorf("at %v: %+v", l.At, l.Calls)
		}
	}
	if s.desk.looked() != 1 || !late.At.After(first.At) {
		t.Errorf("%d looks, at %v and %v", s.desk.looked(), first.At, late.At)
	}
}

func TestConsolesShareOneLookForEachChangeAndNoneWhereNothingHappens(t *testing.T) {
	s := newService(t)
	s.api.Heartbeat = 1500 * time.Millisecond // a reader has two thirds of it, on a busy machine too
	tokens := s.staff()
	s.desk.now = waiting(1)
	var open []*sse
	for _, who := range []string{"anna", "cia", "dag", "siv", "supervisor"} {
		for range 4 {
			c := s.stream(s.url, tokens[who], "/live/stream")
			open = append(open, c)
			c.live()
		}
	}
	for n := range 3 {
		s.desk.becomes(waiting(2 + n))
		for _, c := range open {
			if l := c.live(); len(l.Calls) != 2+n {
				t.Fatalf("%d calls, want %d", len(l.Calls), 2+n)
			}
		}
	}
	if line, err := open[0].text.ReadString('\n'); err != nil || line != ":\n" {
		t.Fatalf("a heartbeat is %q, %v", line, err)
	}
	if n := s.desk.looked(); n != 4 {
		t.Errorf("%d looks at the switchboard for 3 changes and 20 consoles", n)
	}
	for _, c := range open {
		c.stop()
	}
}

// TestTheNextConsoleMissesNothingWhileTheLastOneLeaves: who looked for that one may not be gone yet.
func TestTheNextConsoleMissesNothingWhileTheLastOneLeaves(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	for n := range 20 {
		s.desk.becomes(waiting(2 * n))
		c := s.stream(s.url, tokens["anna"], "/live/stream")
		for len(c.live().Calls) != 2*n {
		}
		s.desk.becomes(waiting(2*n + 1))
		for len(c.live().Calls) != 2*n+1 {
		}
		c.stop()
	}
}

func TestAStreamOfWhatIsLiveShowsNoMoreThanTheRoute(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	s.desk.now = busy()
	for _, who := range []string{"anna", "eva", "cia", "siv", "evil-one", "gone", "supervisor"} {
		a := s.do(s.url, tokens[who], "GET", "/live", "")
		var want web.Live
		if err := json.Unmarshal([]byte(a.body), &want); err != nil {
			t.Fatal(err)
		}
		got := s.stream(s.url, tokens[who], "/live/stream").live()
		got.At, want.At = time.Time{}, time.Time{}
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
			t.Errorf("%s is shown\n%s, want\n%s", who, g, w)
		}
	}
	for token, want := range map[string]int{s.tokens["acme"]: 403, "": 401} {
		if res := s.stream(s.url, token, "/live/stream").res; res.StatusCode != want {
			t.Errorf("%.8q: %s", token, res.Status)
		}
	}
}

func TestAStreamIsNotBegunWhereNobodyCanTell(t *testing.T) {
	s := newService(t)
	s.desk.fails = switchboard.ErrStopped
	if a := s.do(s.local, "", "GET", "/live/stream", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("%d", a.status)
	}
}

func TestStreamsOfWhatIsLiveAreFewAndEndWithTheTokenAndTheServer(t *testing.T) {
	s := newService(t)
	s.api.Heartbeat = 1500 * time.Millisecond
	s.staff()
	text := s.token(account.Token{Agent: "anna", Name: "Konsol", Scopes: []account.Scope{account.Work}, PerMinute: 100_000})
	cookie, _ := s.signIn(text)
	var open []*sse
	for range 4 {
		c := s.stream(s.url, "", "/live/stream", "Cookie", cookie)
		c.live()
		open = append(open, c)
	}
	if res := s.stream(s.url, text, "/live/stream").res; res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the fifth is answered %s", res.Status)
	}
	id, _, _ := account.Split(text)
	if err := s.store.ChangeToken(id, func(k *account.Token) { k.Revoked = s.now }); err != nil {
		t.Fatal(err)
	}
	for _, c := range open {
		if err := c.ended(); err != nil {
			t.Errorf("revoked: ended with %v", err)
		}
	}
	other := s.stream(s.local, "", "/live/stream")
	other.live()
	s.api.EndStreams()
	if err := other.ended(); err != nil {
		t.Errorf("the server stops: ended with %v", err)
	}
	if res := s.stream(s.local, "", "/live/stream").res; res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after that: %s", res.Status)
	}
}

func TestAStreamEndsWithTheSwitchboard(t *testing.T) {
	s := newService(t)
	c := s.stream(s.local, "", "/live/stream")
	c.live()
	s.desk.mu.Lock()
	s.desk.fails = switchboard.ErrStopped
	s.desk.mu.Unlock()
	s.desk.becomes(waiting(1))
	if err := c.ended(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// TestARecallTellsTheReceptionistWhatMayBeSaidOfWhoWasCalled: as it stands now, never the true reason, and nobody else.
func TestARecallTellsTheReceptionistWhatMayBeSaidOfWhoWasCalled(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	anna := s.person(`{"given_name":"Anna","family_name":"Ek","external_id":"17","numbers":[{"kind":"extension","number":"205"},{"kind":"mobile","number":"070-123 45 67","hidden":true}]}`)
	s.person(`{"family_name":"Alm","numbers":[{"kind":"extension","number":"300"}]}`)
	s.person(`{"family_name":"Berg","numbers":[{"kind":"extension","number":"300"}]}`)
	back := func(agent, tenant string, r switchboard.RecallInfo) {
		s.desk.becomes(switchboard.Snapshot{Calls: []switchboard.CallInfo{{ID: "1", Tenant: tenant, Agent: agent, Recall: &r,
			Allowed: []switchboard.Allowed{{}, {Agent: agent}}}}, Agents: []switchboard.AgentInfo{{ID: "siv", State: "talking"}}})
	}
	live := func(who string) answer { return s.do(s.url, tokens[who], "GET", "/live", "") }
	for _, number := range []string{"205", "+46701234567"} {
		back("anna", "acme", switchboard.RecallInfo{Reason: "busy", Number: number})
		if a := live("anna"); a.field("calls.0.recall.target.person") != anna || a.field("calls.0.recall.target.name") != "Anna Ek" || a.field("calls.0.recall.target.presence.connect") != "true" {
			t.Errorf("%s: %s", number, a.body)
		}
	}
	s.acme(201, "POST", "/people/"+anna+"/referrals", `{"code":"Sjuk","note":"influensa"}`)
	if a := live("anna"); a.field("calls.0.recall.target.presence.phrase") != "inte på plats" || strings.Contains(strings.ToLower(a.body), "sjuk") || strings.Contains(a.body, "influensa") {
		t.Errorf("away: %s", a.body)
	}
	for _, who := range []string{"siv", "supervisor", "cia"} { // who see the call, and have no part in it
		if a := live(who); a.field("calls.0.recall.reason") != "busy" || a.field("calls.0.recall.target") != "" {
			t.Errorf("%s: %s", who, a.body)
		}
	}
	back("eva", "acme", switchboard.RecallInfo{Reason: "busy", Number: "205"}) // handed to her, who does not answer for acme
	if a := live("eva"); a.field("calls.0.recall.number") != "205" || a.field("calls.0.recall.target") != "" {
		t.Errorf("another tenant's: %s", a.body)
	}
	for _, r := range []switchboard.RecallInfo{{Reason: "busy", Number: "300"}, {Reason: "busy", Number: "999"}, {Reason: "parked"}, {Reason: "busy", Agent: "nobody"}} {
		back("anna", "acme", r)
		if a := live("anna"); a.field("calls.0.recall.reason") != r.Reason || a.field("calls.0.recall.target") != "" {
			t.Errorf("%+v: %s", r, a.body)
		}
	}
	back("anna", "acme", switchboard.RecallInfo{Reason: "no_answer", Agent: "siv"})
	if a := live("anna"); a.field("calls.0.recall.target.agent_state") != "talking" {
		t.Errorf("a colleague: %s", a.body)
	}
}

// TestARecallOnTheStreamFollowsTheTargetsState, which the switchboard knows nothing of.
func TestARecallOnTheStreamFollowsTheTargetsState(t *testing.T) {
	s := newService(t)
	tokens := s.staff()
	s.person(`{"family_name":"Ek","external_id":"17","numbers":[{"kind":"extension","number":"205"}]}`)
	s.desk.now = switchboard.Snapshot{Calls: []switchboard.CallInfo{{ID: "1", Tenant: "acme", Agent: "anna", Recall: &switchboard.RecallInfo{Reason: "busy", Number: "205"},
		Allowed: []switchboard.Allowed{{Agent: "anna"}}}}}
	c := s.stream(s.url, tokens["anna"], "/live/stream")
	if p := c.live().Calls[0].Recall.Target.Presence; p.Line != nil {
		t.Errorf("at first: %+v", p)
	}
	tell := func(state string) {
		hook := s.token(account.Token{Tenant: "acme", Name: "växel", Scopes: []account.Scope{account.Webhook}})
		if a := s.do(s.url, hook, "POST", "/tenants/acme/webhooks/line", `{"extension":"205","line":"`+state+`"}`); a.status != 200 {
			t.Fatal(a)
		}
	}
	tell("busy")
	if p := c.live().Calls[0].Recall.Target.Presence; p.Line == nil || p.Line.State != "busy" {
		t.Errorf("on the phone: %+v", p)
	}
	tell("free")
	if p := c.live().Calls[0].Recall.Target.Presence; p.Line != nil {
		t.Errorf("free again: %+v", p)
	}
	if n := s.desk.looked(); n != 1 {
		t.Errorf("%d looks at the switchboard", n)
	}
}
