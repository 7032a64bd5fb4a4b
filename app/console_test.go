package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"

	"telefonist/account"
	"telefonist/call"
	"telefonist/switchboard"
	"telefonist/web"
)

// console is a browser that has signed in and follows what is live.
type console struct {
	*office
	text *bufio.Reader
}

func (o *office) console(token string) *console {
	o.t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	o.t.Cleanup(browser.CloseIdleConnections)
	base := "http://" + o.app.WebAddr().String() + "/api/v1"
	res, err := browser.Post(base+"/session", "application/json", strings.NewReader(`{"token":"`+token+`"}`))
	if err != nil || res.StatusCode != 204 {
		o.t.Fatal(res, err)
	}
	res.Body.Close()
	ctx, stop := context.WithTimeout(o.t.Context(), 3*officePatience)
	o.t.Cleanup(stop)
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/live/stream", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if res, err = browser.Do(req); err != nil || res.StatusCode != 200 {
		o.t.Fatal(res, err)
	}
	o.t.Cleanup(func() { res.Body.Close() })
	return &console{o, bufio.NewReader(res.Body)}
}

// shows reads on until the one call is as it should be.
func (c *console) shows(what string, is func(switchboard.CallInfo) bool) switchboard.CallInfo {
	c.t.Helper()
	var last web.Live
	for {
		line, err := c.text.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%s is not shown: %v, last %+v", what, err, last)
		}
		data, event := strings.CutPrefix(line, "data: ")
		if !event {
			continue
		}
		last = web.Live{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			c.t.Fatal(err)
		}
		if len(last.Calls) == 1 && is(last.Calls[0]) {
			return last.Calls[0]
		}
	}
}

// TestAConsoleFollowsItsCall through a connection that comes back, with what may be said of the person.
func TestAConsoleFollowsItsCall(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	directory := o.token(web.TokenRequest{Tenant: "acme", Scopes: []string{string(account.WriteDirectory), string(account.ReadDirectory)}})
	if status, body := o.asks(directory, "POST", "/tenants/acme/people", `{"given_name":"Eva","family_name":"Ek","numbers":[{"kind":"extension","number":"299"}]}`); status != 201 {
		t.Fatal(body)
	}
	c := o.console(o.token(web.TokenRequest{Agent: "anna", Scopes: []string{"calls:work"}}))
	caller, anna := o.calls("anna")
	talks := c.shows("the conversation", func(c switchboard.CallInfo) bool { return c.Phase == call.PhaseTalking })
	if !talks.Handling || talks.Marks == nil || talks.Agent != "anna" || !slices.Contains(talks.May, call.ActConnect) || slices.Contains(talks.May, call.ActGrant) {
		t.Errorf("talking: %+v", talks)
	}
	o.act("anna", call.ActConnect, "299")
	rings := c.shows("the connection", func(c switchboard.CallInfo) bool { return c.Phase == call.PhaseConnecting })
	if rings.Handling || rings.Target == nil || rings.Target.Number != "299" || rings.Target.State != "ringing" || !slices.Equal(rings.May, []call.Action{call.ActTakeBack, call.ActEnd}) {
		t.Errorf("connecting: %+v", rings)
	}
	if err := o.got(o.person, "the wanted party").Reject(486); err != nil {
		t.Fatal(err)
	}
	back := c.shows("the recall", func(c switchboard.CallInfo) bool { return c.Recall != nil })
	if r := back.Recall; back.Phase != call.PhaseTalking || r.Reason != "busy" || r.Number != "299" || r.Target == nil || r.Target.Name != "Eva Ek" || !r.Target.Presence.Connect {
		t.Errorf("back: %+v, %+v", back, back.Recall)
	}
	anna.Hangup()
	o.ends(caller, "caller")
}
