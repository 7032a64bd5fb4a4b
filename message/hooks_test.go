package message_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"telefonist/message"
	"telefonist/record"
)

// Receipts makes the test's gateway one that tells what became of a message: "id=gw-m1&state=delivered".
func (g *gateway) Receipts(fields url.Values, body []byte) ([]message.Notice, error) {
	if fields.Get("state") == "" {
		return nil, errors.New("no state")
	}
	return []message.Notice{{GatewayID: fields.Get("id"), Receipt: record.Receipt{State: record.MessageState(fields.Get("state")), Code: "test"}}}, nil
}

func post(h http.Handler, address, body string) int {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestReceiptsArriveByHooks(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.run()
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(2)), sms("m3", "acme", number(3)))
		synctest.Wait()
		hooks := message.Hooks{Base: "https://us.example", Secret: "a secret of some length"}
		h := w.box.Handler(func() message.Hooks { return hooks })
		if code := post(h, hooks.URL("test", "m1"), "state=delivered"); code != 204 {
			t.Errorf("by key: %d", code)
		}
		if code := post(h, hooks.URL("test", ""), "id=gw-m2&state=failed"); code != 204 {
			t.Errorf("by the gateway's name: %d", code)
		}
		for name, c := range map[string]struct {
			address, body string
			want          int
		}{
			"no token":              {"https://us.example/hooks/messages/test/m3", "state=failed", 403},
			"another's token":       {strings.Replace(hooks.URL("test", "m1"), "m1", "m3", 1), "state=failed", 403},
			"the token of all":      {strings.Replace(hooks.URL("test", ""), "test?", "test/m3?", 1), "state=failed", 403},
			"unknown gateway":       {hooks.URL("other", "m3"), "state=failed", 404},
			"unknown message":       {hooks.URL("test", "m9"), "state=failed", 404},
			"unknown to gateway":    {hooks.URL("test", ""), "id=gw-m9&state=failed", 404},
			"not a key":             {hooks.URL("test", "a b"), "state=failed", 404},
			"not understood":        {hooks.URL("test", "m3"), "x=y", 400},
			"no form":               {hooks.URL("test", "m3"), "%zz", 400},
			"too large":             {hooks.URL("test", "m3"), strings.Repeat("x", 1<<20), 400},
			"a state that is none":  {hooks.URL("test", "m3"), "state=lost", 204},
			"a token without proof": {hooks.URL("test", "m3")[:60] + "?token=", "state=failed", 403},
		} {
			if code := post(h, c.address, c.body); code != c.want {
				t.Errorf("%s: %d, want %d", name, code, c.want)
			}
		}
		w.is("m1", record.MessageDelivered)
		w.is("m2", record.MessageFailed)
		w.is("m3", record.MessageSent)
		if code := post(w.box.Handler(func() message.Hooks { return message.Hooks{} }), hooks.URL("test", "m3"), "state=failed"); code != 403 {
			t.Errorf("without a secret: %d", code)
		}
		if (message.Hooks{Base: "https://us.example"}).URL("test", "m3") != "" {
			t.Error("a receipt is asked for that could not be taken")
		}
		if v := w.metric("telefonist_messages_receipts_total", "delivered"); v != 1 {
			t.Errorf("%v delivered", v)
		}
	})
}
