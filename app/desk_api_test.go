package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/sip/registrar"
	"telefonist/sip/softphone"
	"telefonist/store"
	"telefonist/web"
)

func TestASupervisorTakesACallAndHerPhoneAnswersByItself(t *testing.T) {
	o := openOffice(t)
	rang, answered := make(chan *softphone.Call, 8), make(chan *softphone.Call, 8)
	listen := netip.MustParseAddrPort("127.31.0.3:0")
	phone, err := softphone.New(softphone.Config{Server: o.server(listen), Listen: listen, User: "203", Password: "hemligt-203",
		Voice: func() softphone.Source { return softphone.Tone(boTone) }, OnCall: func(ctx context.Context, c *softphone.Call) {
			c.Ring()
			if rang <- c; c.Invite().Answer && c.Answer() == nil {
				answered <- c
			}
			<-ctx.Done()
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close(context.Background()) })
	if err := phone.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.pause("anna")
	o.pause("bo")
	caller, err := o.pbx.Place(softphone.Invite{To: "+46850000001", From: "+46701740605", Voice: softphone.Tone(callerTone)})
	if err != nil {
		t.Fatal(err)
	}
	if err := caller.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := o.live().Calls[0].ID
	if err := o.desk.Take(t.Context(), string(id), "cia"); err != nil {
		t.Fatal(err)
	}
	<-rang
	if n := len(answered); n != 0 {
		t.Error("it answers though nobody said so")
	}
	o.act("cia", call.ActAnswer, "")
	cia := o.got(answered, "cia's phone answers")
	o.hears(caller, "cia", boTone)
	cia.Hangup()
	o.ends(caller, "caller")
	o.told(id, call.KindOffered, call.KindOffered, call.KindAnswered, call.KindEnded)
}

func TestAPhoneConnectsToAColleagueAndCallsOutByCodes(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	o.resume("bo")
	if _, err := anna.Transfer(t.Context(), "*19202"); err != nil {
		t.Fatal(err)
	}
	bo := o.got(o.rings["bo"], "bo")
	o.hears(caller, "bo", boTone)
	o.hears(bo, "the caller", callerTone)
	bo.Hangup()
	o.ends(caller, "caller")
	o.ends(anna, "anna")
	out, err := o.phones["anna"].Dial("*180850000001*0850000042")
	if err != nil {
		t.Fatal(err)
	}
	party := o.got(o.person, "the party")
	if from := party.Invite().From; from != "+46850000001" {
		t.Errorf("shows %s, want the tenant's number", from)
	}
	o.hears(out, "the party", targetTone)
	out.Hangup()
	o.ends(party, "the party")
}

func TestLogOutAndPauseOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, load(t, dir, officeTenants))
	live := func(f func(*web.Client)) map[string]string {
		t.Helper()
		desk, err := web.Dial(app.SocketPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer desk.Close()
		f(desk)
		snap, err := desk.Live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, a := range snap.Agents {
			got[a.ID] = fmt.Sprint(a.LoggedIn, " ", a.Reason)
		}
		return got
	}
	live(func(desk *web.Client) {
		for agent, state := range map[string]web.AgentState{"anna": {State: "paused", Reason: "lunch"}, "bo": {State: "logged_out"}} {
			if err := desk.SetAgent(t.Context(), agent, state); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := first.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := start(t, load(t, dir, officeTenants))
	defer func() { _ = again.Stop(context.Background()) }()
	if got := live(func(*web.Client) {}); got["anna"] != "true lunch" || got["bo"] != "false logged out" || got["cia"] != "true " {
		t.Errorf("%v", got)
	}
}

// TestAPauseForMissedCallsOutlivesARestart: neither a kept registration nor a trunk, behind which a receptionist sits, is a phone that
// comes back; one whose registration ran out before the start works when it registers again.
func TestAPauseForMissedCallsOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	files, err := store.Open(dir, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	phone := registrar.Binding{Agent: "anna", Contact: "sip:201@127.31.0.3:5060", Received: netip.MustParseAddrPort("127.31.0.3:5060"), Transport: "udp",
		Expires: time.Now().Add(time.Hour), CallID: "kept", CSeq: 1}
	gone := phone
	gone.Agent, gone.Expires = "bo", time.Now().Add(-time.Hour)
	for _, p := range []registrar.Binding{phone, gone} {
		binding, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		files.PutRegistration(p.Agent+"\x00"+p.Contact, binding)
	}
	var kept []record.Kept
	for _, id := range []string{"anna", "bo", "dora"} {
		kept = append(kept, record.Kept{Kind: record.KeptAgent, ID: id, Doc: []byte(`{"paused":"missed calls"}`)})
	}
	files.Commit(record.Commit{Kept: kept}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	tenants := officeTenants + ` - {id: dora, kind: tenant, tenant: acme, trunk_extension: "210"}` + "\n"
	for range 2 {
		a := start(t, load(t, dir, tenants))
		desk, err := web.Dial(app.SocketPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		snap, err := desk.Live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snap.Agents {
			if is := s.State == queue.Paused && s.Reason == queue.PausedMissed; is != (s.ID == "anna" || s.ID == "dora") || s.ID == "bo" && s.Reason != "" {
				t.Errorf("%s is %s %s", s.ID, s.State, s.Reason)
			}
		}
		desk.Close()
		if err := a.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// asks sends a request with a token and returns what it is told.
func (o *office) asks(token, method, path, body string, header ...string) (int, string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+o.app.WebAddr().String()+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (o *office) token(r web.TokenRequest) string {
	o.t.Helper()
	r.Name, r.PerMinute = "Konsol", 10_000
	made, err := o.desk.CreateToken(o.t.Context(), r)
	if err != nil {
		o.t.Fatal(err)
	}
	return made.Token
}

// TestTheDeskIsGuardedByTokens: what a receptionist's token may do, and what it is told where it may not or cannot.
func TestTheDeskIsGuardedByTokens(t *testing.T) {
	o := openOffice(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o.pause("bo")
	tokens := map[string]string{"anna": o.token(web.TokenRequest{Agent: "anna", Scopes: []string{"calls:work"}}),
		"bo": o.token(web.TokenRequest{Agent: "bo", Scopes: []string{"calls:work"}}), "boss": o.token(web.TokenRequest{Scopes: []string{"calls:supervise"}})}
	caller, _ := o.calls("anna")
	id := string(o.live().Calls[0].ID)
	for _, c := range []struct {
		who, method, path, body string
		want                    int
		says                    string
	}{
		{"", "GET", "/live", "", 401, ""},
		{"anna", "GET", "/live", "", 200, id},
		{"bo", "POST", "/calls/" + id + "/actions", `{"action":"hold"}`, 403, "another agent"},
		{"bo", "POST", "/agents/anna/actions", `{"action":"hold"}`, 403, "another agent"},
		{"bo", "PUT", "/agents/anna/state", `{"state":"paused"}`, 403, "another agent"},
		{"bo", "POST", "/agents/bo/actions", `{"action":"hold"}`, 409, "has no call"},
		{"bo", "POST", "/agents/anna/free", ``, 403, ""},
		{"bo", "POST", "/queue/" + id + "/take", `{"agent":"bo"}`, 403, ""},
		{"bo", "POST", "/notes", `{"text":"x"}`, 403, ""},
		{"anna", "POST", "/calls/" + id + "/actions", `{"action":"grant","grant_seconds":60}`, 403, "another agent"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"connect","to":"0900123456"}`, 403, "not allowed"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"connect","to":"agent:bo"}`, 409, "not available"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"connect","to":"group:norr"}`, 403, "no such group"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"announce","to":"supervisor"}`, 409, "no supervisor is free"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"connect","to":"person:nobody"}`, 404, "no such person"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"connect"}`, 422, "nobody was named"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"swap"}`, 409, "as the call stands"},
		{"anna", "POST", "/calls/01K/actions", `{"action":"hold"}`, 404, "no live call"},
		{"anna", "POST", "/agents/anna/pickup", `{"slot":7}`, 404, "nobody is parked at 7"},
		{"anna", "POST", "/agents/anna/calls", `{"tenant":"acme","to":"205"}`, 409, "has a call"},
		{"anna", "POST", "/agents/anna/actions", `{"action":"hold"}`, 200, id},
		{"boss", "POST", "/calls/" + id + "/actions", `{"action":"grant","grant_seconds":60}`, 200, id},
		{"boss", "PUT", "/agents/anna/state", `{"state":"paused","reason":"meeting"}`, 204, ""},
		{"boss", "POST", "/agents/anna/free", ``, 204, ""},
		{"boss", "POST", "/notes", `{"text":"Lunch i två omgångar"}`, 201, "Lunch"},
		{"boss", "POST", "/queue/" + id + "/move", `{"position":1}`, 204, ""},
		{"boss", "POST", "/calls/" + id + "/actions", `{"action":"end"}`, 200, id},
	} {
		if status, body := o.asks(tokens[c.who], c.method, c.path, c.body); status != c.want || !strings.Contains(body, c.says) {
			t.Errorf("%s: %s %s %s gives %d %s, want %d with %q", c.who, c.method, c.path, c.body, status, body, c.want, c.says)
		}
	}
	o.ends(caller, "caller")
}

func TestAReceptionistConnectsToAPersonOfTheDirectory(t *testing.T) {
	o := openOffice(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o.pause("bo")
	status, body := o.asks(o.token(web.TokenRequest{Tenant: "acme", Scopes: []string{"directory:write"}}), "PUT", "/tenants/acme/people/karin",
		`{"given_name":"Karin","family_name":"Ek","numbers":[{"kind":"extension","number":"205"}]}`, "If-None-Match", "*")
	if status >= 300 {
		t.Fatalf("%d %s", status, body)
	}
	caller, _ := o.calls("anna")
	o.act("anna", call.ActConnect, "person:karin")
	karin := o.got(o.person, "Karin")
	if to := karin.Invite().To; to != "205" {
		t.Errorf("%s is called", to)
	}
	o.hears(caller, "Karin", targetTone)
	karin.Hangup()
	o.ends(caller, "caller")
}

func TestTheStoryOfALiveCallIsToldSoFar(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, _ := o.calls("anna")
	id := o.act("anna", call.ActHold, "").Call
	r, err := o.desk.LiveStory(t.Context(), id)
	if err != nil || r.Outcome != "" || r.Answered.IsZero() || r.Parties.Agent != "anna" || r.Row != nil || r.Story[len(r.Story)-1].Kind != call.KindHeld {
		t.Errorf("%v: %+v", err, r)
	}
	o.act("anna", call.ActEnd, "")
	o.ends(caller, "caller")
	o.told(id, call.KindHeld, call.KindEnded)
	if _, err := o.desk.LiveStory(t.Context(), id); err != web.ErrNotFound {
		t.Errorf("of a call that has ended: %v", err)
	}
}
