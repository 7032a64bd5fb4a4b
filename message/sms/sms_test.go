package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"telefonist/message"
	"telefonist/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func outgoing() record.Outgoing {
	return record.NewOutgoing(record.Message{ID: "m1", Tenant: "acme", Channel: record.SMS, Created: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		To: record.Recipient{Kind: record.ToPerson, Address: "+46701234567"}, Text: "Åsa \"ringde\" & bad\nom <offert> 100 € {to}"})
}

// serve starts a gateway on loopback.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func gateway(t *testing.T, c Config) *Gateway {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func config(driver, address string) Config {
	return Config{Driver: driver, URL: address, Username: "AC0123456789", Password: "hemligt", From: "Telefonist",
		Receipt: func(key string) string { return "https://us.example/hooks/" + key },
		Generic: Generic{Body: `{"to": "{to}", "digits": "{to_digits}", "from": "{from}", "text": "{text}", "ref": "{key}", "cb": "{receipt_url}"}`,
			Headers: map[string]string{"Idempotency-Key": "{key}"}, Success: "status=ok", MessageID: "data.0.id"}}
}

// answers are what each gateway says where it takes a message.
var answers = map[string]string{
	"46elks":  `{"status": "created", "direction": "outgoing", "from": "Telefonist", "to": "+46701234567", "parts": 1, "cost": 3500, "id": "gw1"}`,
	"twilio":  `{"sid": "gw1", "status": "queued", "error_code": null, "num_segments": "1"}`,
	"generic": `{"status": "ok", "data": [{"id": "gw1"}]}`,
}

func TestMessagesReachEachGatewayWhole(t *testing.T) {
	if len(answers) != len(Drivers()) {
		t.Fatalf("drivers %v", Drivers())
	}
	for _, name := range Drivers() {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			u := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if user, password, ok := r.BasicAuth(); !ok || user != "AC0123456789" || password != "hemligt" || r.Method != http.MethodPost {
					t.Errorf("%s by %q, %q", r.Method, user, password)
				}
				got = fields(t, r)
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, answers[name])
			})
			id, err := gateway(t, config(name, u)).Send(t.Context(), outgoing())
			if err != nil || id != "gw1" {
				t.Fatalf("%q, %v", id, err)
			}
			m := outgoing().Message
			for key, want := range map[string]map[string]string{
				"46elks":  {"to": m.To.Address, "from": "Telefonist", "message": m.Text, "whendelivered": "https://us.example/hooks/m1"},
				"twilio":  {"To": m.To.Address, "From": "Telefonist", "Body": m.Text, "StatusCallback": "https://us.example/hooks/m1"},
				"generic": {"to": m.To.Address, "digits": "46701234567", "from": "Telefonist", "text": m.Text, "ref": "m1", "cb": "https://us.example/hooks/m1", "Idempotency-Key": "m1"},
			}[name] {
				if got.Get(key) != want {
					t.Errorf("%s is %q, want %q", key, got.Get(key), want)
				}
			}
		})
	}
}

// fields gives what a request says, in JSON or as a form, and its key.
func fields(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	if r.Header.Get("Content-Type") != "application/json" {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		return r.PostForm
	}
	var doc map[string]string
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
		t.Error(err)
	}
	v := url.Values{"Idempotency-Key": {r.Header.Get("Idempotency-Key")}}
	for k, s := range doc {
		v.Set(k, s)
	}
	return v
}

func failure(t *testing.T, err error) *message.Failure {
	t.Helper()
	f, ok := errors.AsType[*message.Failure](err)
	if !ok {
		t.Fatalf("error %T %v", err, err)
	}
	return f
}

func TestAnswersOfGatewaysThatMisbehave(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"id": "gw1", "sid": "gw1", "sta`)
	}
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client has gone
		<-r.Context().Done()
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name                          string
		handler                       http.HandlerFunc
		code                          string
		permanent, gateway, uncertain bool
		after                         time.Duration
	}{
		{"haste", status(429, ""), "http 429", false, true, false, 90 * time.Second},
		{"out of order", status(500, "oops"), "http 500", false, true, true, 90 * time.Second},
		{"bad gateway", status(502, ""), "http 502", false, true, true, 90 * time.Second},
		{"maintenance", status(503, ""), "http 503", false, true, false, 90 * time.Second},
		{"wrong password", status(401, ""), "http 401", false, true, false, 90 * time.Second},
		{"no credit", status(403, "Not enough credits"), "http 403", false, true, false, 90 * time.Second},
		{"wrong address", status(404, "<html>"), "http 404", false, true, false, 90 * time.Second},
		{"refused", status(422, "bad number"), "http 422", true, false, false, 90 * time.Second},
		{"another page", status(200, "<html>It works!</html>"), "answer", false, true, true, 0},
		{"wrong JSON", status(200, `{"id": 7, "sid": [], "data": {}}`), "answer", false, true, true, 0},
		{"nothing", status(200, ""), "answer", false, true, true, 0},
		{"half an answer", half, "network", false, true, true, 0},
		{"endless answer", endless, "answer", false, true, true, 0},
		{"hung up", hangUp, "network", false, true, true, 0},
		{"silent", slow, "timeout", false, true, true, 0},
		{"redirect", redirect, "http 307", false, true, false, 0},
	} {
		for _, name := range Drivers() {
			if name == "generic" && c.name == "wrong JSON" {
				continue // told apart below
			}
			t.Run(c.name+" by "+name, func(t *testing.T) {
				t.Parallel()
				cfg := config(name, serve(t, c.handler))
				cfg.Timeout = 10 * time.Second
				if c.name == "silent" {
					cfg.Timeout = 50 * time.Millisecond
				}
				_, err := gateway(t, cfg).Send(t.Context(), outgoing())
				f := failure(t, err)
				if f.Code != c.code || f.Permanent != c.permanent || f.Gateway != c.gateway || f.Uncertain != c.uncertain || f.After != c.after {
					t.Errorf("%+v", f)
				}
				for _, secret := range []string{"4670", "hemligt", "offert"} {
					if strings.Contains(f.Code+f.Detail, secret) {
						t.Errorf("%+v", f)
					}
				}
			})
		}
	}
}

func TestGatewaysSayWhatIsWrongInTheirOwnWay(t *testing.T) {
	for _, c := range []struct {
		driver string
		status int
		body   string
		code   string
		perm   bool
	}{
		{"twilio", 400, `{"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}`, "twilio 21211", true},
		{"twilio", 429, `{"code": 20429, "message": "Too Many Requests"}`, "http 429", false},
		{"twilio", 201, `{"sid": "gw1", "status": "failed", "error_code": 30008}`, "twilio 30008", true},
		{"46elks", 200, `{"id": "gw1", "status": "failed"}`, "46elks failed", true},
		{"generic", 200, `{"status": "throttled"}`, "answer", false},
	} {
		u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := gateway(t, config(c.driver, u)).Send(t.Context(), outgoing())
		if f := failure(t, err); f.Code != c.code || f.Permanent != c.perm {
			t.Errorf("%s: %+v", c.body, f)
		}
	}
}

func TestNobodyListeningIsCertain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := "http://" + l.Addr().String()
	l.Close()
	_, err = gateway(t, config("46elks", u)).Send(t.Context(), outgoing())
	if f := failure(t, err); !f.Gateway || f.Uncertain || f.Permanent {
		t.Errorf("%+v", f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gateway(t, config("46elks", u)).Send(ctx, outgoing()); err == nil {
		t.Error("sent though it was called off")
	}
}

func TestValuesAreEscapedForTheirPlace(t *testing.T) {
	for _, c := range []struct{ kind, body, want string }{
		{"application/json", `{"t":"{text}"}`, `{"t":"Åsa \"ringde\" \u0026 bad\nom \u003coffert\u003e 100 € {to}"}`},
		{"application/xml", `<t>{text}</t>`, `<t>Åsa &#34;ringde&#34; &amp; bad&#xA;om &lt;offert&gt; 100 € {to}</t>`},
		{"application/x-www-form-urlencoded", `t={text}`, `t=%C3%85sa+%22ringde%22+%26+bad%0Aom+%3Coffert%3E+100+%E2%82%AC+%7Bto%7D`},
		{"text/plain", `{text}`, outgoing().Message.Text},
	} {
		var body, query string
		u := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			body, query = string(b), r.URL.Query().Get("to")
		})
		cfg := config("generic", u+"/send?to={to}")
		cfg.Generic = Generic{Body: c.body, ContentType: c.kind}
		if _, err := gateway(t, cfg).Send(t.Context(), outgoing()); err != nil {
			t.Fatal(err)
		}
		if body != c.want || query != "+46701234567" {
			t.Errorf("%s: %s, to %q", c.kind, body, query)
		}
	}
}

func TestWrongConfigurationsAreRefused(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"no gateway":            func(c *Config) { c.Driver = "pigeon" },
		"https":                 func(c *Config) { c.URL = "http://sms.example/send?t={text}&to={to}" },
		"letters from A to Z":   func(c *Config) { c.From = "Företaget" },
		"at most 11":            func(c *Config) { c.From = "Telefonisterna" },
		"placeholder {txt}":     func(c *Config) { c.Generic.Body = `{"t": "{txt}"}` },
		"neither":               func(c *Config) { c.Generic.Body = `{}` },
		"content_type":          func(c *Config) { c.Generic.ContentType = "image/png" },
		"path=value":            func(c *Config) { c.Generic.Success = "ok" },
		"name of the host":      func(c *Config) { c.URL = "https://{to}.example/" },
		"username and password": func(c *Config) { c.Driver, c.Password = "46elks", "" },
		"SID":                   func(c *Config) { c.Driver, c.Username = "twilio", "u" },
		"from is missing":       func(c *Config) { c.Driver, c.From = "twilio", "" },
		"line break":            func(c *Config) { c.Generic.Headers = map[string]string{"A": "b\r\nc"} },
	} {
		c := config("generic", "https://sms.example/send")
		spoil(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestReceiptsAreRead(t *testing.T) {
	cfg := config("generic", "https://sms.example/send")
	cfg.Generic.Receipts = GenericReceipts{ID: "msg.id", Status: "msg.state", Delivered: []string{"DELIVRD"}, Failed: []string{"UNDELIV"}}
	for _, c := range []struct {
		driver, form, body, id, code string
		want                         record.MessageState
	}{
		{"46elks", "id=s1&status=delivered&delivered=2026-11-23T09:00:00", "", "s1", "46elks delivered", record.MessageDelivered},
		{"46elks", "id=s1&status=failed", "", "s1", "46elks failed", record.MessageFailed},
		{"46elks", "id=s1&status=lost", "", "", "", ""},
		{"twilio", "MessageSid=SM1&MessageStatus=sent", "", "SM1", "twilio sent", record.MessageSent},
		{"twilio", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30006", "", "SM1", "twilio 30006 undelivered", record.MessageFailed},
		{"twilio", "MessageSid=SM1&MessageStatus=delivered&ErrorCode=x", "", "SM1", "twilio delivered", record.MessageDelivered},
		{"twilio", "", "", "", "", ""},
		{"generic", "", `{"msg": {"id": 7, "state": "DELIVRD"}}`, "7", "receipt", record.MessageDelivered},
		{"generic", "", `{"msg": {"id": "7", "state": "UNDELIV"}}`, "7", "receipt", record.MessageFailed},
		{"generic", "msg.id=8&msg.state=ACCEPTD", "", "8", "receipt", record.MessageSent},
		{"generic", "", `{}`, "", "", ""},
	} {
		g := gateway(t, Config{Driver: c.driver, URL: cfg.URL, Username: cfg.Username, Password: cfg.Password, From: "Tele", Generic: cfg.Generic})
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.Receipts(form, []byte(c.body))
		if c.want == "" {
			if err == nil {
				t.Errorf("%s %s%s was understood: %+v", c.driver, c.form, c.body, got)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].GatewayID != c.id || got[0].Receipt.State != c.want || got[0].Receipt.Code != c.code {
			t.Errorf("%s %s%s: %+v, %v", c.driver, c.form, c.body, got, err)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-5": 0, "x": 0, "99999999999": 0, "Mon, 23 Nov 2026 09:10:00 GMT": 10 * time.Minute,
		"Mon, 23 Nov 2026 08:10:00 GMT": 0} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add("id=s1&status=delivered", []byte(`{"msg": {"id": 7, "state": ["a"]}}`))
	f.Add("MessageSid=SM1&MessageStatus=failed&ErrorCode=30008", []byte(`[1, {"id": null}]`))
	f.Add("msg.state=x", []byte("\xff"))
	f.Fuzz(func(t *testing.T, form string, body []byte) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		for name, make := range drivers {
			c := config(name, "https://sms.example/")
			c.Generic.Receipts = GenericReceipts{ID: "msg.id", Status: "msg.state", Delivered: []string{"x"}}
			d, err := make(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range [][]byte{body, nil} {
				all, err := d.receipts(values, body)
				if err == nil && (len(all) != 1 || all[0].Receipt.State == "" || len(all[0].Receipt.Code) > 40) {
					t.Fatalf("%s: %+v", name, all)
				}
			}
			if id, err := d.accepted(body); err != nil && id != "" {
				t.Fatal("an id and an error")
			}
			_ = d.refused(400, body)
		}
	})
}

func Example() {
	fmt.Println(Drivers())
	// Output: [46elks generic twilio]
}
