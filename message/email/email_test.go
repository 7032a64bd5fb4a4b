package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"telefonist/message"
	"telefonist/record"
)

func TestEmailArrivesWholeOverEachSecurity(t *testing.T) {
	for _, c := range []struct {
		security Security
		implicit bool
		auth     bool
	}{{StartTLS, false, true}, {StartTLS, false, false}, {TLS, true, true}, {None, false, false}, {None, false, true}} {
		t.Run(string(c.security), func(t *testing.T) {
			r := start(t, c.implicit)
			cfg := r.config(c.security)
			if c.auth {
				cfg.Username, cfg.Password = "telefonist", "hemligt"
			}
			if _, err := gateway(t, cfg).Send(t.Context(), outgoing()); err != nil {
				t.Fatalf("%v: %+v", err, err)
			}
			got := r.taken()
			if len(got) != 1 {
				t.Fatalf("%d e-mails", len(got))
			}
			m := got[0]
			if m.tls != (c.security != None) || (m.user != "") != c.auth || m.from != "sales@acme.example" || m.to[0] != "asa@example.com" {
				t.Errorf("tls %v, user %q, from %q, to %v", m.tls, m.user, m.from, m.to)
			}
			if len(m.opts.Notify) != 3 {
				t.Errorf("reports asked for: %v", m.opts.Notify)
			}
			checkEmail(t, m.data)
		})
	}
}

func checkEmail(t *testing.T, data []byte) {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	words := mime.WordDecoder{}
	for name, want := range map[string]string{"Subject": "Telefonmeddelande från Kim Öberg", "Message-Id": "<m1@example.com>",
		"Auto-Submitted": "auto-generated", "Date": "Mon, 23 Nov 2026 09:00:00 +0000"} {
		if got, err := words.DecodeHeader(msg.Header.Get(name)); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]mail.Address{"To": {Name: `Åsa "A" Ek, chef`, Address: "asa@example.com"}, "From": {Name: "Acme AB", Address: "sales@acme.example"},
		"Reply-To": {Address: "kim@example.com"}} {
		list, err := msg.Header.AddressList(name)
		if err != nil || len(list) != 1 || *list[0] != want {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, want := range []string{outgoing().Message.Text, outgoing().Message.HTML} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if got := strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"); got != want || err != nil {
			t.Errorf("part %q, %v", got, err)
		}
	}
}

func failure(t *testing.T, err error) *message.Failure {
	t.Helper()
	f, ok := errors.AsType[*message.Failure](err)
	if !ok {
		t.Fatalf("error %T %v", err, err)
	}
	return f
}

// What a relay says decides whether the message is dead, waits, or all wait.
func TestRefusalsAreToldApart(t *testing.T) {
	says := func(code int, enhanced smtp.EnhancedCode) func() error {
		return func() error {
			return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "asa@example.com says no"}
		}
	}
	for _, c := range []struct {
		name                          string
		mail, rcpt, data              func() error
		code                          string
		permanent, gateway, uncertain bool
	}{
		{"greylisting", nil, says(450, smtp.EnhancedCode{4, 7, 1}), nil, "smtp 450 4.7.1", false, false, false},
		{"no such user", nil, says(550, smtp.EnhancedCode{5, 1, 1}), nil, "smtp 550 5.1.1", true, false, false},
		{"sender refused", says(553, smtp.EnhancedCode{5, 1, 8}), nil, nil, "smtp 553 5.1.8", true, false, false},
		{"closing down", says(421, smtp.EnhancedCode{4, 3, 2}), nil, nil, "smtp 421 4.3.2", false, true, false},
		{"wants a password", says(530, smtp.EnhancedCode{5, 7, 0}), nil, nil, "smtp 530 5.7.0", false, true, false},
		{"full", nil, nil, says(452, smtp.EnhancedCode{4, 3, 1}), "smtp 452 4.3.1", false, false, false},
		{"spam", nil, nil, says(554, smtp.EnhancedCode{5, 7, 1}), "smtp 554 5.7.1", true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, false)
			r.onMail, r.onRcpt, r.onData = c.mail, c.rcpt, c.data
			_, err := gateway(t, r.config(StartTLS)).Send(t.Context(), outgoing())
			f := failure(t, err)
			if f.Code != c.code || f.Permanent != c.permanent || f.Gateway != c.gateway || f.Uncertain != c.uncertain {
				t.Errorf("%+v", f)
			}
			if strings.Contains(f.Error(), "asa") || !strings.Contains(f.Detail, "says no") {
				t.Errorf("%q, %q", f.Error(), f.Detail)
			}
		})
	}
}

func TestGreylistedEmailIsTakenLater(t *testing.T) {
	r := start(t, false)
	tries := 0
	r.onRcpt = func() error {
		if tries++; tries == 1 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back"}
		}
		return nil
	}
	g := gateway(t, r.config(StartTLS))
	if _, err := g.Send(t.Context(), outgoing()); failure(t, err).Permanent {
		t.Fatal(err)
	}
	if _, err := g.Send(t.Context(), outgoing()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.taken()); n != 1 {
		t.Errorf("%d e-mails", n)
	}
}

func TestAConnectionThatBreaksAmidDataIsUncertainOrNot(t *testing.T) {
	r := start(t, false)
	r.drop = func() bool { return true }
	_, err := gateway(t, r.config(StartTLS)).Send(t.Context(), outgoing())
	if f := failure(t, err); !f.Gateway || f.Permanent || f.Code != "network" {
		t.Errorf("%+v", f)
	}
}

func TestARelayThatCannotBeUsedIsTheGatewaysFault(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	r, plain := start(t, false), start(t, false)
	plain.TLSConfig = nil
	secure := start(t, true)
	for _, c := range []struct {
		name string
		cfg  func() Config
		code string
	}{
		{"nobody listens", func() Config { c := r.config(StartTLS); c.Port = port; return c }, "network"},
		{"wrong password", func() Config { c := r.config(StartTLS); c.Username, c.Password = "telefonist", "fel"; return c }, "smtp 535"},
		{"no STARTTLS", func() Config { return plain.config(StartTLS) }, "network"},
		{"unknown certificate", func() Config { c := r.config(StartTLS); c.TLS = &tls.Config{ServerName: "127.0.0.1"}; return c }, "tls"},
		{"unknown certificate at once", func() Config { c := secure.config(TLS); c.TLS = &tls.Config{ServerName: "127.0.0.1"}; return c }, "tls"},
		{"TLS expected, none spoken", func() Config { return r.config(TLS) }, "tls"},
	} {
		_, err := gateway(t, c.cfg()).Send(t.Context(), outgoing())
		if f := failure(t, err); !f.Gateway || f.Permanent || f.Uncertain || f.Code != c.code {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	if n := len(r.taken()) + len(plain.taken()) + len(secure.taken()); n != 0 {
		t.Errorf("%d e-mails were taken", n)
	}
}

// A relay that accepts the connection and says nothing costs no more than the attempt's time, and ends with its context.
func TestASilentRelayIsLeftWhenTheTimeIsUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	held := make(chan net.Conn, 4)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held <- c
		}
	}()
	defer func() {
		l.Close()
		<-done
		close(held)
		for c := range held {
			c.Close()
		}
	}()
	r := &relay{port: l.Addr().(*net.TCPAddr).Port, tls: &tls.Config{}}
	cfg := r.config(StartTLS)
	cfg.Timeout = 100 * time.Millisecond
	if _, err := gateway(t, cfg).Send(t.Context(), outgoing()); failure(t, err).Permanent {
		t.Error(err)
	}
	cfg.Timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { held <- <-held; cancel() }()
	if _, err := gateway(t, cfg).Send(ctx, outgoing()); !failure(t, err).Gateway {
		t.Error(err)
	}
}

func TestConfigurationsThatGiveSecretsAwayAreRefused(t *testing.T) {
	good := Config{Host: "relay.example", Port: 587, Security: StartTLS, From: record.Sender{Address: "a@example.com"}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"another machine": func(c *Config) { c.Security = None },
		"in the clear":    func(c *Config) { c.Security, c.Username = Insecure, "u" },
		"no kind":         func(c *Config) { c.Security = "ssl" },
		"host":            func(c *Config) { c.Host = "" },
		"sender":          func(c *Config) { c.From.Address = "Kim <a@example.com>" },
		"return path":     func(c *Config) { c.ReturnPath = "x" },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRelaysNameForAnEmailIsKept(t *testing.T) {
	for response, want := range map[string]string{"2.0.0 Ok: queued as 4WxYz": "4WxYz", "OK id=1abc-0002-XY": "1abc-0002-XY", "2.0.0 OK: queued": "", "": "",
		"2.0.0 87c2e7aa Message accepted for delivery": ""} {
		if got := relayID(response); got != want {
			t.Errorf("%q: %q", response, got)
		}
	}
}
