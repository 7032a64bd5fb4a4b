package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/config"
	"telefonist/message"
	"telefonist/record"
	"telefonist/sip/softphone"
	"telefonist/web"
)

const twoTenants = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, common_numbers: [{name: Support, number: "+46840000009"}]}
 - {id: evil, name: Evil AB, number: "+46850000002", trunk: pbx}
agents:
 - {id: anna, name: Anna Ek, extension: "101", kind: service, password: hemligt-101}
`

// smsGateway is 46elks on loopback. What it answers to the n-th request (from 0) is decided by mood; nil: it takes everything.
type smsGateway struct {
	*httptest.Server
	mood func(n int, w http.ResponseWriter) (answered bool)

	mu  sync.Mutex
	got []url.Values // every request
	n   int          // those that it took
}

func serveSMS(t *testing.T) *smsGateway {
	t.Helper()
	g := &smsGateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		g.mu.Lock()
		n, mood := len(g.got), g.mood
		g.got = append(g.got, r.PostForm)
		g.mu.Unlock()
		if mood != nil && mood(n, w) {
			return
		}
		g.mu.Lock()
		g.n++
		id := g.n
		g.mu.Unlock()
		fmt.Fprintf(w, `{"id":"s%d","status":"created"}`, id)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *smsGateway) requests() []url.Values {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]url.Values(nil), g.got...)
}

// desk is a whole server with a PBX, a receptionist's phone, gateways, and a token for each tenant.
type desk struct {
	t      *testing.T
	dir    string
	cfg    *config.Config
	app    *app.App
	admin  *web.Client
	pbx    *softphone.PBX
	sms    *smsGateway
	took   chan string // recipients of e-mail
	tokens map[string]string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), sms: serveSMS(t), tokens: map[string]string{}}
	var port int
	port, d.took = serveRelay(t)
	d.cfg = load(t, d.dir, twoTenants)
	m := &d.cfg.Messages
	m.Email.Host, m.Email.Port, m.Email.Security, m.Email.From = "127.31.0.3", port, "none", "telefonist@example.com"
	m.SMS.Gateway, m.SMS.URL, m.SMS.Username, m.SMS.Password, m.SMS.From = "46elks", d.sms.URL, "u", "p", "Telefonist"
	d.cfg.Web.ExternalURL, m.ReceiptSecret = "https://us.example", "a secret of some length"
	d.app = start(t, d.cfg)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		d.admin.Close()
		_ = d.app.Stop(context.Background())
	})
	d.connect()
	for _, tenant := range []string{"acme", "evil"} {
		made, err := d.admin.CreateToken(t.Context(), web.TokenRequest{Tenant: tenant, Name: "Konsol", PerMinute: 100_000,
			Scopes: []string{"directory:read", "directory:write", "referrals:write", "history:read", "messages:read", "messages:send"}})
		if err != nil {
			t.Fatal(err)
		}
		d.tokens[tenant] = made.Token
	}
	return d
}

func (d *desk) connect() {
	d.t.Helper()
	var err error
	if d.admin, err = web.Dial(app.SocketPath(d.dir)); err != nil {
		d.t.Fatal(err)
	}
}

// call brings a caller to a receptionist and gives the call's id, and what ends it.
func (d *desk) call() (id call.ID, hangUp func()) {
	d.t.Helper()
	t := d.t
	server := udpAddr(d.app)
	phone, err := softphone.New(softphone.Config{Server: server, Listen: netip.MustParseAddrPort("127.31.0.4:0"), User: "anna", Password: "hemligt-101",
		OnCall: softphone.AnswerAfter(0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // its server may be gone
		defer cancel()
		_ = phone.Close(ctx)
	})
	if err := phone.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	pbx, err := softphone.NewPBX(softphone.Config{Listen: netip.MustParseAddrPort("127.31.0.2:0")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pbx.Close(context.Background()) })
	pbx.Connect(server)
	c, err := pbx.Place(softphone.Invite{To: "+46850000001", From: "+46701740605", Diversion: []string{"+46840000009"}})
	if err != nil {
		t.Fatal(err)
	}
	d.until("a receptionist has the call", func() bool {
		s, err := d.admin.Live(t.Context())
		if err != nil || len(s.Calls) != 1 {
			return false
		}
		id = s.Calls[0].ID
		return s.Calls[0].Agent == "anna" && s.Calls[0].Last.Kind == call.KindOpened
	})
	return id, func() {
		c.Hangup()
		d.until("the call has its record", func() bool { _, err := d.admin.Call(id); return err == nil })
	}
}

// until waits for what comes by itself.
func (d *desk) until(what string, is func() bool) {
	d.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("it never happens that %s", what)
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// field reads a field of a JSON answer: "errors.0.location".
func (r reply) field(path string) string {
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		return "no JSON: " + r.body
	}
	for p := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := len(x)
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// as sends a request with a tenant's token; header are pairs.
func (d *desk) as(tenant, method, path, body string, header ...string) reply {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, "http://"+d.app.WebAddr().String()+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.tokens[tenant])
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// acme asks for something of acme's and wants the status.
func (d *desk) acme(want int, method, path, body string, header ...string) reply {
	d.t.Helper()
	r := d.as("acme", method, "/api/v1/tenants/acme"+path, body, header...)
	if r.status != want {
		d.t.Fatalf("%s %s: %d, want %d: %s", method, path, r.status, want, r.body)
	}
	return r
}

// wrong wants a request to be refused for a field.
func (d *desk) wrong(location, path, body string) {
	d.t.Helper()
	if r := d.acme(422, "POST", path, body); r.field("errors.0.location") != location || r.field("errors.0.message") == "" ||
		r.header.Get("Content-Type") != "application/problem+json" {
		d.t.Errorf("%s: %s", location, r.body)
	}
}

// reaches waits for a message to be in a state, as the API tells.
func (d *desk) reaches(id string, want record.MessageState) reply {
	d.t.Helper()
	var r reply
	d.until("message "+id+" is "+string(want), func() bool {
		r = d.acme(200, "GET", "/messages/"+id, "")
		return r.field("state") == string(want)
	})
	return r
}

// people makes Bo, who is away, with Cia and Dag for substitutes, of whom Cia is away too.
func (d *desk) people() {
	d.t.Helper()
	put := func(id, doc string) { d.acme(200, "PUT", "/people/"+id, doc, "If-None-Match", "*") }
	put("cia", `{"given_name":"Cia","family_name":"Berg","sms":"070-111 11 12","email":"cia@example.com"}`)
	put("dag", `{"given_name":"Dag","family_name":"Alm","sms":"070-111 11 13","email":"dag@example.com"}`)
	put("bo", `{"given_name":"Bo","family_name":"Öst","sms":"070-111 11 11","email":"bo@example.com","substitutes":["cia","dag"]}`)
	put("far", `{"given_name":"Far","family_name":"Away","sms":"+45 31 12 34 56"}`)
	put("none", `{"given_name":"Nobody","family_name":"Hen"}`)
	put("premium", `{"given_name":"P","family_name":"P","sms":"0900-123 45 67"}`)
	for _, who := range []string{"bo", "cia"} {
		d.acme(201, "POST", "/people/"+who+"/referrals", `{"code":"sjuk","note":"influensa"}`)
	}
}

const rules = `{"sender":{"sms":"AcmeAB","name":"Acme AB","reply_to":"svar@example.com"},
	"templates":[{"name":"urgent","channel":"sms","text":"BRÅDSKANDE {caller} {number} {person}: {wish} ({referral})","required":["wish"]}],
	"groups":[{"id":"eko","name":"Ekonomi","email":"eko@example.com"}],"addresses":["@allowed.example","+46731"]}`

func TestAMessageGoesOutDuringItsCallAndAfterItAndIsShownOnIt(t *testing.T) {
	d := newDesk(t)
	d.people()
	d.acme(200, "PUT", "/message-rules/tenant", rules, "If-None-Match", "*")
	d.acme(200, "PUT", "/instructions/tenant", `{"message":{"to":"box@example.com"}}`, "If-None-Match", "*")
	id, hangUp := d.call()
	path := "/calls/" + string(id) + "/messages"

	const urgent = `{"channel":"sms","template":"Urgent","to":{"person":"bo","substitute":"when_away"},"fields":{"caller":"Kim Ås","wish":"faktura 17"}}`
	sent := d.acme(201, "POST", path, urgent, "Idempotency-Key", "k1")
	mid := sent.field("id")
	if sent.field("agent") != "anna" || sent.field("by") != "token:Konsol" || sent.field("to.kind") != "substitute" || sent.field("to.name") != "Dag Alm" ||
		sent.field("call") != string(id) || sent.header.Get("Location") != "/api/v1/tenants/acme/messages/"+mid {
		t.Errorf("sent: %s", sent.body)
	}
	r := d.reaches(mid, record.MessageSent)
	if r.field("gateway") != "46elks" || r.field("attempts") != "1" {
		t.Errorf("%s", r.body)
	}
	got := d.sms.requests()[0]
	if got.Get("message") != "BRÅDSKANDE Kim Ås +46701740605 Bo Öst: faktura 17 (inte på plats)" || got.Get("from") != "AcmeAB" || got.Get("to") != "+46701111113" {
		t.Errorf("the gateway got %v", got)
	}
	if strings.Contains(got.Encode()+sent.body, "sjuk") || strings.Contains(got.Encode()+sent.body, "influensa") {
		t.Error("the true reason of the absence was told")
	}

	// The same request again, and another under its key.
	if again := d.acme(200, "POST", path, urgent, "Idempotency-Key", "k1"); again.field("id") != mid {
		t.Errorf("again: %s", again.body)
	}
	if other := d.acme(409, "POST", path, strings.Replace(urgent, "17", "18", 1), "Idempotency-Key", "k1"); other.field("errors.0.location") != "header.Idempotency-Key" {
		t.Errorf("another: %s", other.body)
	}

	// The receipt, as 46elks posts it.
	hook, err := url.Parse(got.Get("whendelivered"))
	if err != nil {
		t.Fatal(err)
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if r := d.as("", "POST", hook.Path+"?token=x", "id=s1&status=delivered", form...); r.status != 403 {
		t.Errorf("a receipt without its token: %d", r.status)
	}
	if r := d.as("", "POST", hook.RequestURI(), "id=s1&status=delivered&delivered=2026-11-23T09:00:00", form...); r.status != 204 {
		t.Errorf("a receipt: %d %s", r.status, r.body)
	}
	d.reaches(mid, record.MessageDelivered)

	// E-mail to the mailbox, then the call ends, then one more.
	d.acme(201, "POST", path, `{"to":{"mailbox":true},"fields":{"wish":"ring"}}`)
	if to := <-d.took; to != "box@example.com" {
		t.Errorf("to %s", to)
	}
	hangUp()
	after := d.acme(201, "POST", path, `{"channel":"email","to":{"group":"eko"},"fields":{"caller":"Kim"}}`, "Idempotency-Key", "k2")
	if to := <-d.took; to != "eko@example.com" || !strings.Contains(after.field("text"), "Kim har sökt Ekonomi") || after.field("agent") != "anna" {
		t.Errorf("to %s: %s", to, after.body)
	}
	d.acme(200, "POST", path, urgent, "Idempotency-Key", "k1") // the key holds beyond the call

	list := d.acme(200, "GET", path, "")
	states := map[string]bool{}
	for i := range 4 {
		states[list.field(fmt.Sprintf("messages.%d.state", i))] = true
	}
	if list.field("messages.2.id") == "" || list.field("messages.3.id") != "" || !states["delivered"] {
		t.Errorf("messages of the call: %s", list.body)
	}
	rec, err := d.admin.Call(id)
	if err != nil {
		t.Fatal(err)
	}
	var story []string
	for _, e := range rec.Story {
		if e.Kind == call.KindMessaged {
			story = append(story, e.Agent+" "+e.Reason)
		}
	}
	if len(story) != 2 || story[0] != "anna sms/"+mid {
		t.Errorf("story %v", story)
	}
	d.bounces(after.field("id"))
	res, err := adminGet(t, d.dir, "/v1/calls/"+string(id))
	if err != nil || res.field("messages.2.state") != "failed" || res.field("outcome") == "" || res.field("messages.0.id") == "" {
		t.Errorf("the record is shown with %s, %v", res.body, err)
	}

	// Another tenant sees nothing of it, and sends nothing.
	d.tenantsAreApart(id, mid)
}

// bounces posts the report of a mail server that an e-mail cannot be delivered, and waits for what it says.
func (d *desk) bounces(id string) {
	d.t.Helper()
	hooks := message.Hooks{Base: "https://us.example", Secret: "a secret of some length"}
	u, err := url.Parse(hooks.URL("smtp", ""))
	if err != nil {
		d.t.Fatal(err)
	}
	report := "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; eko@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" +
		"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + id + "@example.com>\r\n\r\n--b--\r\n"
	d.reaches(id, record.MessageSent)
	if r := d.as("", "POST", u.RequestURI(), report, "Content-Type", "message/rfc822"); r.status != 204 {
		d.t.Errorf("a report: %d %s", r.status, r.body)
	}
	if r := d.reaches(id, record.MessageFailed); !strings.Contains(r.field("code"), "5.1.1") {
		d.t.Errorf("after the report: %s", r.body)
	}
}

// adminGet asks the administration socket.
func adminGet(t *testing.T, dir, path string) (reply, error) {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", app.SocketPath(dir))
	}}
	res, err := (&http.Client{Transport: tr}).Get("http://telefonist" + path)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text)}, err
}

// tenantsAreApart plays every route of messages with another tenant's token.
func (d *desk) tenantsAreApart(id call.ID, message string) {
	d.t.Helper()
	for _, c := range [][2]string{{"POST", "/calls/" + string(id) + "/messages"}, {"GET", "/calls/" + string(id) + "/messages"}, {"GET", "/messages/" + message},
		{"POST", "/messages/" + message + "/resend"}} {
		for _, tenant := range []string{"acme", "evil"} {
			r := d.as("evil", c[0], "/api/v1/tenants/"+tenant+c[1], `{"to":{"mailbox":true},"fields":{}}`)
			if r.status != 404 || strings.Contains(r.body, "faktura") {
				d.t.Errorf("%s %s of %s: %d %s", c[0], c[1], tenant, r.status, r.body)
			}
		}
	}
	if r := d.as("evil", "GET", "/api/v1/tenants/evil/messages", ""); r.status != 200 || r.field("messages.0.id") != "" {
		d.t.Errorf("evil's messages: %s", r.body)
	}
	made, err := d.admin.CreateToken(d.t.Context(), web.TokenRequest{Tenant: "acme", Name: "Katalog", Scopes: []string{"directory:read"}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.tokens["reader"] = made.Token
	for _, c := range [][2]string{{"POST", "/calls/" + string(id) + "/messages"}, {"GET", "/messages"}, {"GET", "/messages/" + message}, {"POST", "/messages/preview"}} {
		if r := d.as("reader", c[0], "/api/v1/tenants/acme"+c[1], `{"to":{"mailbox":true},"fields":{}}`); r.status != 403 {
			d.t.Errorf("without its scope %s %s: %d", c[0], c[1], r.status)
		}
	}
}

func TestRequestsForMessagesAreRefusedByField(t *testing.T) {
	d := newDesk(t)
	d.people()
	d.acme(200, "PUT", "/message-rules/tenant", rules, "If-None-Match", "*")
	id, hangUp := d.call()
	defer hangUp()
	path := "/calls/" + string(id) + "/messages"
	const fields = `,"fields":{"wish":"x"}}`
	for body, location := range map[string]string{
		`{"to":{}` + fields:                                                                           "body.to",
		`{"to":{"person":"bo","group":"eko"}` + fields:                                                "body.to",
		`{"to":{"person":"xx"}` + fields:                                                              "body.to.person",
		`{"to":{"person":"none"}` + fields:                                                            "body.to.person",
		`{"to":{"person":"dag","substitute":"always"}` + fields:                                       "body.to.substitute",
		`{"to":{"group":"xx"}` + fields:                                                               "body.to.group",
		`{"channel":"sms","to":{"group":"eko"}` + fields:                                              "body.to.group",
		`{"to":{"mailbox":true}` + fields:                                                             "body.to.mailbox",
		`{"to":{"address":"kim@other.example"}` + fields:                                              "body.to.address",
		`{"to":{"address":"kim@allowed.example, all@allowed.example"}` + fields:                       "body.to.address",
		`{"channel":"sms","to":{"address":"070-123 45 67"}` + fields:                                  "body.to.address",
		`{"channel":"sms","to":{"person":"premium"}` + fields:                                         "body.to.address",
		`{"channel":"sms","to":{"person":"far"}` + fields:                                             "body.to.address",
		`{"channel":"fax","to":{"person":"bo"}` + fields:                                              "body.channel",
		`{"template":"urgent","to":{"person":"bo"}` + fields:                                          "body.template",
		`{"to":{"person":"bo"},"fields":{"number":"112"}}`:                                            "body.fields.number",
		`{"channel":"sms","template":"urgent","to":{"person":"bo"},"fields":{}}`:                      "body.fields.wish",
		`{"channel":"sms","to":{"person":"bo"},"fields":{"wish":"` + strings.Repeat("å", 700) + `"}}`: "body.text",
	} {
		d.wrong(location, path, body)
	}
	if r := d.acme(404, "POST", "/calls/nothing/messages", `{"to":{"person":"bo"},"fields":{}}`); r.field("errors.0.location") != "path.call" {
		t.Errorf("%s", r.body)
	}
	d.acme(200, "PUT", "/instructions/tenant", `{"message":{"channel":"none"}}`, "If-None-Match", "*")
	d.wrong("body.channel", path, `{"to":{"person":"bo"}`+fields)
	d.acme(200, "PUT", "/instructions/tenant", `{"message":{"channel":"both"}}`, "If-Match", "*")
	d.wrong("body.channel", path, `{"to":{"person":"bo"}`+fields)
	d.acme(201, "POST", "/people", `{"family_name":"x"}`)
	for body, location := range map[string]string{
		`{"templates":[{"name":"a","channel":"sms","text":"{callr}"}]}`:                 "body.templates[0].text",
		`{"templates":[{"name":"a","channel":"sms","text":"x","required":["wishes"]}]}`: "body.templates[0].required",
		`{"sender":{"sms":"Tolvbokstäver"}}`:                                            "body.sender.sms",
		`{"sender":{"sms":"070-123 45 67"}}`:                                            "body.sender.sms",
	} {
		if r := d.acme(422, "PUT", "/message-rules/tenant", body, "If-Match", "*"); r.field("errors.0.location") != location {
			t.Errorf("%s: %s", location, r.body)
		}
	}
	if n := len(d.sms.requests()); n != 0 {
		t.Errorf("%d SMS were sent", n)
	}
}

func TestAPreviewSaysWhatWouldBeSentAndWhatItTakes(t *testing.T) {
	d := newDesk(t)
	d.people()
	d.acme(200, "PUT", "/message-rules/tenant", rules, "If-None-Match", "*")
	d.acme(200, "PUT", "/message-rules/+46840000009", `{"templates":[{"name":"standard","channel":"sms","text":"Support: {caller} {number}"}]}`, "If-None-Match", "*")
	preview := func(body string) reply { t.Helper(); return d.acme(200, "POST", "/messages/preview", body) }
	short := preview(`{"channel":"sms","to":{"person":"dag"},"common":"08-400 000 09","fields":{"caller":"Kim","number":"070-123 45 67"}}`)
	for path, want := range map[string]string{"text": "Support: Kim +46701234567", "template_from": "common", "encoding": "gsm7", "segments": "1", "max_segments": "4",
		"to.address": "+46701111113", "from.address": "AcmeAB", "culprit": ""} {
		if got := short.field(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if long := preview(`{"channel":"sms","to":{"person":"dag"},"fields":{"number":"0701234567","wish":"` + strings.Repeat("ł", 80) + `"}}`); long.field("encoding") != "ucs2" ||
		long.field("segments") != "2" || long.field("culprit") != "ł" || long.field("template_from") != "built-in" {
		t.Errorf("%s", long.body)
	}
	mail := preview(`{"try":{"name":"new","channel":"email","subject":"Från {caller}","text":"<b> {number}"},"fields":{"caller":"Kim","number":"08-123 456 78"}}`)
	if !strings.Contains(mail.field("html"), `&lt;b&gt; <a href="tel:+46812345678">+46812345678</a>`) || mail.field("subject") != "Från Kim" || mail.field("to.address") != "" {
		t.Errorf("%s", mail.body)
	}
	d.wrong("body.try.text", "/messages/preview", `{"try":{"name":"new","channel":"sms","text":"{x}"},"fields":{}}`)
	d.wrong("body.common", "/messages/preview", `{"common":"08-1","fields":{}}`)
	d.wrong("body.call", "/messages/preview", `{"call":"c1","fields":{}}`)
	e := d.acme(200, "GET", "/message-rules?common=%2B46840000009", "")
	if e.field("templates.1.from") != "common" || e.field("templates.1.overrides.text") == "" || e.field("sender.from") != "tenant" {
		t.Errorf("what holds: %s", e.body)
	}
	// Versions and history are those of every item.
	tag := d.acme(200, "GET", "/message-rules/tenant", "").header.Get("ETag")
	d.acme(200, "PUT", "/message-rules/tenant", `{"sender":{"sms":"Other"}}`, "If-Match", tag)
	d.acme(412, "PUT", "/message-rules/tenant", `{}`, "If-Match", tag)
	h := d.acme(200, "GET", "/message-rules/tenant/history", "")
	if h.field("changes.1.old.sender.sms") != "AcmeAB" || h.field("changes.1.new.sender.sms") != "Other" || h.field("changes.1.by.name") != "token:Konsol" {
		t.Errorf("history: %s", h.body)
	}
	d.acme(200, "POST", "/message-rules/tenant/restore", `{"version":`+h.field("changes.0.seq")+`}`, "If-Match", "*")
	if r := d.acme(200, "GET", "/message-rules/tenant", ""); r.field("doc.sender.sms") != "AcmeAB" {
		t.Errorf("restored: %s", r.body)
	}
	export := d.acme(200, "GET", "/export", "").body
	d.acme(204, "DELETE", "/message-rules/tenant", "", "If-Match", "*")
	d.acme(200, "POST", "/restore", export)
	if r := d.acme(200, "GET", "/message-rules/tenant", ""); r.field("doc.groups.0.id") != "eko" {
		t.Errorf("from the export: %s", r.body)
	}
	if n := len(d.sms.requests()); n != 0 {
		t.Errorf("%d SMS were sent", n)
	}
}

func TestDeadLettersAreListedByPageAndSentAgain(t *testing.T) {
	d := newDesk(t)
	d.acme(200, "PUT", "/message-rules/tenant", `{"addresses":["@example.com","+4673"]}`, "If-None-Match", "*")
	id, hangUp := d.call()
	defer hangUp()
	// The gateway is in haste, hangs up amid its answer, and refuses; then it is well.
	d.sms.mood = func(n int, w http.ResponseWriter) bool {
		switch n {
		case 0:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case 1:
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":`)
		case 2:
			http.Error(w, "no such number", http.StatusBadRequest)
		default:
			return false
		}
		return true
	}
	path := "/calls/" + string(id) + "/messages"
	one := d.acme(201, "POST", path, `{"channel":"sms","to":{"address":"073-123 45 67"},"fields":{"wish":"ring"}}`).field("id")
	dead := d.reaches(one, record.MessageFailed)
	if dead.field("code") != "http 400" || dead.field("attempts") != "3" || dead.field("uncertain") != "1" {
		t.Errorf("%s", dead.body)
	}
	var all []string
	for i := range 5 {
		r := d.acme(201, "POST", path, fmt.Sprintf(`{"to":{"address":"nobody@example.com"},"fields":{"wish":"%d"}}`, i))
		all = append(all, r.field("id"))
		d.reaches(r.field("id"), record.MessageFailed)
	}
	seen, cursor := 0, ""
	for page := 0; page < 5; page++ {
		r := d.acme(200, "GET", "/messages?state=failed&limit=2&cursor="+cursor, "")
		for i := range 2 {
			if got := r.field(fmt.Sprintf("messages.%d.id", i)); seen < 5 && got != all[4-seen] {
				t.Errorf("place %d: %s, want %s", seen, got, all[4-seen])
			}
			seen++
		}
		if cursor = r.field("next"); cursor == "" {
			break
		}
	}
	if seen != 6 {
		t.Errorf("%d in pages of two", seen)
	}
	d.acme(422, "GET", "/messages?cursor=%21", "")
	r := d.acme(200, "POST", "/messages/"+one+"/resend", "")
	if r.field("resent") != "1" || r.field("resent_by") != "token:Konsol" {
		t.Errorf("%s", r.body)
	}
	d.reaches(one, record.MessageSent)
	if r := d.acme(409, "POST", "/messages/"+one+"/resend", ""); r.field("errors.0.location") != "path.id" {
		t.Errorf("%s", r.body)
	}
	d.acme(404, "POST", "/messages/nothing/resend", "")
}

func TestAMessageThatWaitsWhenTheServerStopsIsSentOnceByTheNext(t *testing.T) {
	d := newDesk(t)
	d.acme(200, "PUT", "/message-rules/tenant", `{"addresses":["+4673"]}`, "If-None-Match", "*")
	id, _ := d.call()
	d.sms.mood = func(_ int, w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }
	path, body := "/calls/"+string(id)+"/messages", `{"channel":"sms","to":{"address":"073-123 45 67"},"fields":{"wish":"ring"}}`
	one := d.acme(201, "POST", path, body, "Idempotency-Key", "k").field("id")
	d.until("the gateway has been asked", func() bool { return len(d.sms.requests()) > 0 })
	d.admin.Close()
	if err := d.app.Stop(context.Background()); err != nil { // the call is still up
		t.Fatal(err)
	}
	good := serveSMS(t)
	d.cfg.Messages.SMS.URL = good.URL
	d.app = start(t, d.cfg)
	d.connect()
	d.reaches(one, record.MessageSent)
	if again := d.acme(200, "POST", path, body, "Idempotency-Key", "k"); again.field("id") != one {
		t.Errorf("the key is forgotten: %s", again.body)
	}
	another := d.acme(201, "POST", path, body, "Idempotency-Key", "other").field("id")
	d.reaches(another, record.MessageSent) // to the same number, so behind all that was queued for it
	if got := good.requests(); len(got) != 2 {
		t.Errorf("%d at the gateway", len(got))
	}
	rec, err := d.admin.Call(id)
	if err != nil || len(rec.Story) == 0 {
		t.Errorf("the call's record: %v", err)
	}
	if r := d.acme(200, "GET", path, ""); r.field("messages.0.id") != one || r.field("messages.1.id") != another {
		t.Errorf("messages of the call: %s", r.body)
	}
}

func TestAChangedGatewayIsTakenWithoutARestart(t *testing.T) {
	d := newDesk(t)
	d.acme(200, "PUT", "/message-rules/tenant", `{"addresses":["+4673"]}`, "If-None-Match", "*")
	id, hangUp := d.call()
	defer hangUp()
	d.sms.mood = func(_ int, w http.ResponseWriter) bool { w.WriteHeader(http.StatusUnauthorized); return true }
	one := d.acme(201, "POST", "/calls/"+string(id)+"/messages", `{"channel":"sms","to":{"address":"073-123 45 67"},"fields":{"wish":"ring"}}`).field("id")
	d.until("the gateway has refused", func() bool { return len(d.sms.requests()) > 0 })
	other := serveSMS(t)
	next := *d.cfg
	next.Messages.SMS.URL, next.Messages.SMS.MaxSegments = other.URL, 1
	if err := d.app.Reload(&next); err != nil {
		t.Fatal(err)
	}
	d.reaches(one, record.MessageSent)
	if len(other.requests()) != 1 {
		t.Errorf("%d at the other gateway", len(other.requests()))
	}
	d.wrong("body.text", "/calls/"+string(id)+"/messages", `{"channel":"sms","to":{"address":"073-123 45 67"},"fields":{"wish":"`+strings.Repeat("x", 150)+`"}}`)
	broken := next
	broken.Messages.SMS.URL = "ftp://x"
	if err := d.app.Reload(&broken); err == nil {
		t.Error("a gateway that cannot be made was taken")
	}
}
