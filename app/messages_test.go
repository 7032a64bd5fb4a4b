package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"telefonist/app"
	"telefonist/config"
	"telefonist/record"
	"telefonist/store"
	"telefonist/web"
)

// relay hands on the recipients of what it takes; those of nobody@ it refuses.
type relay struct {
	to   string
	took chan string
}

func (r *relay) Mail(string, *smtp.MailOptions) error { return nil }

func (r *relay) Rcpt(to string, _ *smtp.RcptOptions) error {
	if r.to = to; to == "nobody@example.com" {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	return nil
}

func (r *relay) Data(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	r.took <- r.to
	return err
}

func (r *relay) Reset() {}

func (r *relay) Logout() error { return nil }

func serveRelay(t *testing.T) (port int, took chan string) {
	t.Helper()
	took = make(chan string, 10)
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &relay{took: took}, nil }))
	srv.Domain = "relay.test"
	l, err := net.Listen("tcp", "127.31.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port, took
}

func queued(t *testing.T, dir string, to ...string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, len(to))
	for i, address := range to {
		s.QueueMessage(record.Message{ID: fmt.Sprintf("m%d", i+1), Tenant: "acme", Call: "c1", Channel: record.Email, Text: "Hej", Created: time.Now(),
			To: record.Recipient{Kind: record.ToPerson, Address: address}}, func(err error) { done <- err })
	}
	for range to {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMessagesThatWaitedAreSentListedAndSentAgain(t *testing.T) {
	dir := t.TempDir()
	port, took := serveRelay(t)
	queued(t, dir, "nobody@example.com", "kim@example.com")
	cfg := load(t, dir, tenants)
	cfg.Messages.Email.Host, cfg.Messages.Email.Port, cfg.Messages.Email.Security = "127.31.0.3", port, "none"
	cfg.Messages.Email.From = "telefonist@example.com"
	cfg.Web.ExternalURL, cfg.Messages.ReceiptSecret = "https://us.example", "a secret of some length"
	a := start(t, cfg)
	select {
	case to := <-took:
		if to != "kim@example.com" {
			t.Errorf("to %s", to)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was sent")
	}
	c, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	refused := until(t, c, "m1", record.MessageFailed)
	until(t, c, "m2", record.MessageSent)
	if refused.Code != "smtp 550 5.1.1" {
		t.Errorf("code %q", refused.Code)
	}
	n := 0
	if err := c.Messages(t.Context(), web.MessageQuery{State: record.MessageFailed}, func(record.Outgoing) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d dead letters, %v", n, err)
	}
	if o, err := c.Resend(t.Context(), "m1"); err != nil || o.Key() != "m1.1" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := c.Resend(t.Context(), "m2"); err == nil {
		t.Error("a message that was sent is sent again")
	}
	if _, err := c.Resend(t.Context(), "m9"); !errors.Is(err, record.ErrNoMessage) {
		t.Errorf("unknown: %v", err)
	}
	if got := get(t, "http://"+a.WebAddr().String()+"/hooks/messages/smtp?token=x"); got != http.StatusForbidden {
		t.Errorf("a hook without its token answers %d", got)
	}
	c.Close()
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := app.OpenMessages(dir) // from the files
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if o, err := r.Message("m2"); err != nil || o.State != record.MessageSent {
		t.Errorf("%+v, %v", o, err)
	}
}

// until waits for a message to be in a state.
func until(t *testing.T, c *web.Client, id string, want record.MessageState) record.Outgoing {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		o, err := c.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		if o.State == want {
			tick.Stop()
			return o
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("message %s is %s, want %s", id, o.State, want)
		}
	}
}

func TestAGatewayThatCannotBeMadeIsAnErrorOfTheConfiguration(t *testing.T) {
	cfg, err := config.LoadBytes("test.yaml", []byte("messages:\n  sms:\n    gateway: twilio\n    username: kim\n    password: hemligt-101\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.New(cfg, app.Options{})
	var all config.Errors
	if !errors.As(err, &all) || all[0].Line != 3 || all[0].Path != "messages.sms" {
		t.Errorf("error %v", err)
	}
}
