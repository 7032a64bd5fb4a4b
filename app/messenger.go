package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/message"
	"telefonist/message/template"
	"telefonist/record"
	"telefonist/store"
	"telefonist/switchboard"
	"telefonist/web"
)

// messenger is the outbox as web asks for it: it composes messages, and puts them into the store with their calls.
type messenger struct {
	store  *store.Store
	board  func() *switchboard.Board // nil before it is there
	outbox *message.Outbox
	cfg    func() *config.Config
}

// CallOf implements web.Outbox.
func (m *messenger) CallOf(ctx context.Context, tenant string, id call.ID) (web.MessagedCall, error) {
	if b := m.board(); b != nil {
		f, err := b.Facts(ctx, id)
		switch {
		case err == nil && f.Tenant != tenant:
			return web.MessagedCall{}, web.ErrNotFound
		case err == nil:
			return web.MessagedCall{ID: id, Common: f.CommonNumber, CommonName: f.CommonName, Received: f.Received, Caller: f.Caller, Agent: f.Agent}, nil
		case !errors.Is(err, switchboard.ErrNoCall) && !errors.Is(err, switchboard.ErrStopped):
			return web.MessagedCall{}, err
		}
	}
	r, err := m.store.Call(id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && r.Tenant != tenant:
		return web.MessagedCall{}, web.ErrNotFound
	case err != nil:
		return web.MessagedCall{}, err
	}
	return web.MessagedCall{ID: id, Common: r.CommonNumber, Received: r.Received, Caller: call.Party{Number: r.Parties.Caller, Name: r.Parties.CallerName},
		Agent: r.Parties.Agent}, nil
}

// Compose implements web.Outbox.
func (m *messenger) Compose(d web.MessageDraft) (web.ComposedMessage, error) {
	limit := m.cfg().Messages.SMS.MaxSegments
	from := record.Sender{Address: d.From.SMS}
	if d.Channel == record.Email {
		from = record.Sender{Name: d.From.Name, ReplyTo: d.From.ReplyTo}
	}
	c, err := message.Compose(message.Draft{ID: d.ID, Tenant: d.Tenant, Call: d.Call, CommonNumber: d.Common, Agent: d.Agent, By: d.By, Request: d.Request,
		Home: d.Home, Prefixes: d.Prefixes, Channel: d.Channel, To: d.To, From: from, MaxSegments: limit, Created: d.Created,
		Template: template.Template{Subject: d.Template.Subject, Text: d.Template.Text, Required: d.Template.Required},
		Fields: template.Fields{Caller: d.Fields.Caller, Company: d.Fields.Company, Number: d.Fields.Number, Wish: d.Fields.Wish, Person: d.Fields.Person,
			Time: d.Time, Tenant: d.TenantName, CommonNumber: cmp.Or(d.CommonName, d.Common), Agent: d.AgentName, Referral: d.Referral, Call: string(d.Call),
			Location: calendar.Stockholm()}})
	if err != nil {
		return web.ComposedMessage{}, problemsOf(err)
	}
	out := web.ComposedMessage{Message: c.Message, Segments: c.Size.Segments, MaxSegments: limit}
	if d.Channel == record.SMS {
		out.Encoding, out.Units = string(c.Size.Encoding), c.Size.Units
		if c.Size.Culprit != 0 {
			out.Culprit = string(c.Size.Culprit)
		}
	}
	return out, nil
}

// problemsOf words what is wrong with a draft for whoever asked for it.
func problemsOf(err error) error {
	f, ok := errors.AsType[*message.FieldError](err)
	if !ok {
		return err
	}
	p := directory.Problem{Field: f.Field}
	if e, ok := errors.AsType[*template.Error](f.Err); ok {
		p.Wrong, p.Write = templateProblem(e)
		return directory.Problems{p}
	}
	var found bool
	if p.Wrong, p.Write, found = strings.Cut(f.Err.Error(), ": "); !found {
		p.Write = "write another"
	}
	return directory.Problems{p}
}

func templateProblem(e *template.Error) (wrong, write string) {
	wrong = e.Problem
	if e.Line > 0 {
		wrong = fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
	}
	return wrong, cmp.Or(e.Fix, "take it out")
}

// BuiltIn implements web.Outbox.
func (m *messenger) BuiltIn() []directory.MessageTemplate {
	of := func(channel string, t template.Template) directory.MessageTemplate {
		return directory.MessageTemplate{Name: directory.StandardTemplate, Channel: channel, Subject: t.Subject, Text: t.Text, Required: t.Required}
	}
	return []directory.MessageTemplate{of(directory.ChannelEmail, template.Mail), of(directory.ChannelSMS, template.Short)}
}

// CheckTemplate implements web.Outbox.
func (m *messenger) CheckTemplate(t directory.MessageTemplate) directory.Problems {
	_, err := template.Parse(template.Template{Subject: t.Subject, Text: t.Text, Required: t.Required})
	e, ok := errors.AsType[*template.Error](err)
	if !ok {
		return nil
	}
	wrong, write := templateProblem(e)
	return directory.Problems{{Field: e.Field, Wrong: wrong, Write: write}}
}

// NameOf implements web.Outbox.
func (m *messenger) NameOf(parts ...string) string { return message.DeriveID(parts...) }

// maxAfter bounds the messages of a call that has ended.
const maxAfter = 100

// Send implements web.Outbox: with the next line of a live call's story, or beside the record of one that has ended.
func (m *messenger) Send(ctx context.Context, msg record.Message) (held record.Message, err error) {
	if b := m.board(); b != nil {
		held, err = b.Message(ctx, msg)
		if !errors.Is(err, switchboard.ErrNoCall) {
			return held, err
		}
	}
	if _, err := m.CallOf(ctx, msg.Tenant, msg.Call); err != nil {
		return msg, err
	}
	n := 0
	err = m.store.Messages(ctx, store.MessageFilter{Call: msg.Call}, func(record.Outgoing) error { n++; return nil })
	if err == nil && n >= maxAfter {
		err = switchboard.ErrTooManyMessages
	}
	if err != nil {
		return msg, err
	}
	done := make(chan error, 1)
	m.store.Commit(record.Commit{Call: msg.Call, Messages: []record.Message{msg}}, func(err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done():
		return msg, switchboard.ErrNotDurable
	}
	if err != nil {
		return msg, err
	}
	o, err := m.store.Message(msg.ID) // who was first, where two asked at once
	return o.Message, err
}

// Message implements web.Outbox.
func (m *messenger) Message(id string) (record.Outgoing, error) { return m.store.Message(id) }

// Page implements web.Outbox.
func (m *messenger) Page(ctx context.Context, q web.MessageQuery, cursor string, newest bool) (all []record.Outgoing, next string, err error) {
	if !store.Cursor(cursor).Valid() {
		return nil, "", web.ErrCursor
	}
	f := store.MessageFilter{Tenant: q.Tenant, Call: q.Call, State: q.State, From: q.From, To: q.To, After: store.Cursor(cursor), Newest: newest}
	if q.Limit > 0 {
		f.Limit = q.Limit + 1
	}
	err = m.store.Messages(ctx, f, func(o record.Outgoing) error { all = append(all, o); return nil })
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
		next = string(store.CursorAtMessage(all[q.Limit-1]))
	}
	return all, next, err
}

// Resend implements web.Outbox.
func (m *messenger) Resend(id, by string) (record.Outgoing, error) { return m.outbox.Resend(id, by) }
