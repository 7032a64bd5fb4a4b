package app

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"telefonist/config"
	"telefonist/message"
	"telefonist/message/email"
	"telefonist/message/sms"
	"telefonist/record"
	"telefonist/store"
	"telefonist/switchboard"
	"telefonist/web"
)

// hooks are the addresses that gateways post receipts to.
func hooks(cfg *config.Config) message.Hooks {
	return message.Hooks{Base: string(cfg.Web.ExternalURL), Secret: string(cfg.Messages.ReceiptSecret)}
}

// transports makes the gateways that a configuration names, and tells what is wrong with them. close lets go of what they
// keep open.
func transports(cfg *config.Config) (all map[record.Channel]message.Transport, close func(), wrong config.Errors) {
	all, close = map[record.Channel]message.Transport{}, func() {}
	if e := cfg.Messages.Email; e.Host != "" {
		g, err := email.New(email.Config{Host: e.Host, Port: e.Port, Security: email.Security(e.Security), Username: e.Username,
			Password: string(e.Password), From: record.Sender{Address: e.From, Name: e.FromName, ReplyTo: e.ReplyTo}, ReturnPath: e.ReturnPath,
			Hello: e.Hello, Reports: e.Reports, Timeout: e.Timeout})
		if err != nil {
			wrong = append(wrong, cfg.Errorf("messages.email", err.Error(), "")...)
		} else {
			all[record.Email] = g
		}
	}
	if s := cfg.Messages.SMS; s.Gateway != "none" {
		g, err := sms.New(sms.Config{Driver: s.Gateway, URL: s.URL, Username: s.Username, Password: string(s.Password), From: s.From, Timeout: s.Timeout,
			Receipt: func(key string) string { return hooks(cfg).URL(s.Gateway, key) },
			Generic: sms.Generic{Method: s.Generic.Method, ContentType: s.Generic.ContentType, Headers: s.Generic.Headers, Body: s.Generic.Body,
				Success: s.Generic.Success, MessageID: s.Generic.MessageID, Receipts: sms.GenericReceipts(s.Generic.Receipts)}})
		if err != nil {
			wrong = append(wrong, cfg.Errorf("messages.sms", err.Error(), "")...)
		} else {
			all[record.SMS], close = g, g.Close
		}
	}
	return all, close, wrong
}

// outboxConfig is what an outbox takes of a configuration.
func outboxConfig(cfg *config.Config, gateways map[record.Channel]message.Transport) message.Config {
	m := cfg.Messages
	return message.Config{Transports: gateways, Retry: message.Retry{First: m.Retry.First, Max: m.Retry.Max, GiveUp: m.Retry.GiveUp}, Rate: m.Rate,
		Keep: m.Keep, Timeout: max(m.Email.Timeout, m.SMS.Timeout)}
}

// startMessages sends what the store has, from now until the part is stopped, which is before the store is.
func (a *App) startMessages(context.Context) error {
	gateways, closeGateways, wrong := transports(a.cfg)
	if len(wrong) > 0 {
		return wrong
	}
	c := outboxConfig(a.cfg, gateways)
	c.Store, c.Logger, c.Registerer = a.store, a.log, a.reg
	outbox, err := message.New(c)
	if err != nil {
		return err
	}
	a.outbox, a.closeGateways = outbox, closeGateways
	a.mail.Store(a.cfg)
	a.v1.Outbox = &messenger{store: a.store, board: func() *switchboard.Board { return a.board }, outbox: outbox, cfg: a.mail.Load}
	run, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		outbox.Run(run)
	}()
	a.parts.add("messages", func(context.Context) error {
		stop()
		<-done
		a.reload.Lock()
		defer a.reload.Unlock()
		a.closeGateways()
		return nil
	})
	return nil
}

// reloadMessages goes on with the gateways of a changed configuration. The caller holds a.reload.
func (a *App) reloadMessages(cfg *config.Config) error {
	if reflect.DeepEqual(a.mail.Load().Messages, cfg.Messages) && a.mail.Load().Web.ExternalURL == cfg.Web.ExternalURL {
		return nil
	}
	gateways, closeGateways, wrong := transports(cfg)
	if len(wrong) > 0 {
		return wrong
	}
	a.mail.Store(cfg)
	a.outbox.Reload(outboxConfig(cfg, gateways))
	a.closeGateways() // attempts under way keep their connections until they end
	a.closeGateways = closeGateways
	return nil
}

// withHooks puts the addresses that receipts are posted to before a handler.
func (a *App) withHooks(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle(message.HookPath, a.outbox.Handler(func() message.Hooks { return hooks(a.mail.Load()) }))
	return mux
}

// Messages implements web.Messages.
func (r stored) Messages(ctx context.Context, q web.MessageQuery, fn func(record.Outgoing) error) error {
	return r.s.Messages(ctx, store.MessageFilter{Tenant: q.Tenant, Call: q.Call, State: q.State, From: q.From, To: q.To, Limit: q.Limit}, fn)
}

// Message implements web.Messages.
func (r stored) Message(id string) (record.Outgoing, error) { return r.s.Message(id) }

// outboxOf lets web list and resend messages.
type outboxOf struct {
	stored
	outbox *message.Outbox
}

func (o outboxOf) Resend(id, by string) (record.Outgoing, error) { return o.outbox.Resend(id, by) }

// MessageReader reads messages, wherever they can be read from.
type MessageReader interface {
	web.MessageReader
	Close()
}

// OpenMessages opens the messages of the store in dir: through the running server where one runs, in its files where not.
func OpenMessages(dir string) (MessageReader, error) {
	r, err := OpenReader(dir)
	if err != nil {
		return nil, err
	}
	m, ok := r.(MessageReader)
	if !ok {
		r.Close()
		return nil, fmt.Errorf("the store in %s cannot be asked for messages", dir)
	}
	return m, nil
}
