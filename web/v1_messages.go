package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
	"telefonist/switchboard"
)

// Outbox writes messages, sends them, and tells what became of them.
type Outbox interface {
	// CallOf tells of a call of a tenant, live or ended; ErrNotFound where the tenant has no such call.
	CallOf(ctx context.Context, tenant string, id call.ID) (MessagedCall, error)
	// Compose writes a message out. It changes nothing; the error is directory.Problems where the draft is wrong.
	Compose(MessageDraft) (ComposedMessage, error)
	// BuiltIn are the templates of tenants that have none of their own.
	BuiltIn() []directory.MessageTemplate
	// CheckTemplate tells what is wrong with what a template says.
	CheckTemplate(directory.MessageTemplate) directory.Problems
	// NameOf gives the id of the message that the same parts always name.
	NameOf(parts ...string) string
	// Send puts a message into the outbox with its call, and returns when it is durable. Held is the message that has the id
	// already, where there is one.
	Send(ctx context.Context, m record.Message) (held record.Message, err error)
	// Message returns one; record.ErrNoMessage where there is none.
	Message(id string) (record.Outgoing, error)
	// Page gives messages in the order that they were written, or the newest first, and the cursor of the next page, empty behind the last.
	Page(ctx context.Context, q MessageQuery, cursor string, newest bool) (all []record.Outgoing, next string, err error)
	// Resend queues a dead letter again, as by asked; record.ErrMessageState where it is none.
	Resend(id, by string) (record.Outgoing, error)
}

// ErrCursor is what Outbox.Page returns for a cursor that is none.
var ErrCursor = errors.New("no such cursor")

// MessagedCall is what a message takes from its call.
type MessagedCall struct {
	ID         call.ID
	Common     string // E.164
	CommonName string
	Received   time.Time
	Caller     call.Party
	Agent      string // id of the receptionist who has or had it
}

// MessageFields are what a receptionist wrote down.
type MessageFields struct {
	Caller  string `json:"caller,omitempty" maxLength:"2000" doc:"Who called; missing: the name that the call showed, or else its number"`
	Company string `json:"company,omitempty" maxLength:"2000" doc:"The caller's"`
	Number  string `json:"number,omitempty" maxLength:"64" doc:"To call back, in any form; missing: the number that the call showed"`
	Wish    string `json:"wish,omitempty" maxLength:"2000" doc:"What it was about"`
	Person  string `json:"person,omitempty" maxLength:"2000" doc:"Who was asked for; missing: whom the message is for"`
}

// MessageTo names whom a message is for: exactly one of person, group, mailbox and address.
type MessageTo struct {
	Person     string `json:"person,omitempty" maxLength:"100" doc:"Id of one of the tenant's people"`
	Substitute string `json:"substitute,omitempty" enum:"never,when_away,always" doc:"Whether it goes to the first of the person's substitutes who is there and has an address; missing: never"`
	Group      string `json:"group,omitempty" maxLength:"64" doc:"Id of a group of the message rules"`
	Mailbox    bool   `json:"mailbox,omitempty" doc:"That of the common number, or else the tenant's: message.to of the instructions"`
	Address    string `json:"address,omitempty" maxLength:"254" doc:"A plain address that the message rules allow"`
}

// MessageRequest asks for a message.
type MessageRequest struct {
	Channel  string        `json:"channel,omitempty" enum:"email,sms" doc:"Missing: as the instructions prefer, or else email"`
	Template string        `json:"template,omitempty" maxLength:"64" doc:"Name of a template; missing: standard"`
	To       MessageTo     `json:"to"`
	Fields   MessageFields `json:"fields"`
}

// MessageDraft is a message before it is written out. All that it needs has been looked up.
type MessageDraft struct {
	ID, Tenant, TenantName string
	Call                   call.ID
	Common, CommonName     string
	Agent, AgentName       string
	By, Request            string
	Channel                record.Channel
	To                     record.Recipient
	From                   directory.MessageSender
	Template               directory.MessageTemplate
	TemplateFrom           directory.Origin
	Fields                 MessageFields
	Referral               string // the safe phrase of the person's absence
	Time                   time.Time
	Home                   string // the tenant's own number
	Prefixes               []string
	Created                time.Time
}

// ComposedMessage is a message written out, with what it takes as SMS.
type ComposedMessage struct {
	Message     record.Message
	Encoding    string // "gsm7" or "ucs2"; empty for e-mail
	Units       int
	Segments    int
	MaxSegments int
	Culprit     string // the first character that makes it UCS-2
}

// MessageInfo is a message and how far it has come.
type MessageInfo struct {
	ID        string              `json:"id"`
	Call      string              `json:"call,omitempty"`
	Common    string              `json:"common_number,omitempty"`
	Agent     string              `json:"agent,omitempty"`
	By        string              `json:"by,omitempty" doc:"Who asked for it"`
	Channel   record.Channel      `json:"channel" enum:"email,sms"`
	To        record.Recipient    `json:"to"`
	From      record.Sender       `json:"from"`
	Subject   string              `json:"subject,omitempty"`
	Text      string              `json:"text"`
	Segments  int                 `json:"segments,omitempty"`
	State     record.MessageState `json:"state" enum:"queued,sending,sent,delivered,failed"`
	Created   time.Time           `json:"created"`
	Due       time.Time           `json:"due,omitzero" doc:"When it is tried next"`
	Attempts  int                 `json:"attempts"`
	Uncertain int                 `json:"uncertain,omitempty" doc:"Attempts of which nobody knows whether the gateway took the message"`
	Sent      time.Time           `json:"sent,omitzero" doc:"When the gateway took it"`
	Ended     time.Time           `json:"ended,omitzero" doc:"When it was delivered or failed"`
	Resent    int                 `json:"resent,omitempty" doc:"How often it was queued again by hand"`
	ResentBy  string              `json:"resent_by,omitempty"`
	Gateway   string              `json:"gateway,omitempty"`
	Code      string              `json:"code,omitempty" doc:"What became of the last attempt, or what the receipt says"`
}

func messageInfo(o record.Outgoing) MessageInfo {
	m := o.Message
	return MessageInfo{ID: m.ID, Call: string(m.Call), Common: m.CommonNumber, Agent: m.Agent, By: m.By, Channel: m.Channel, To: m.To, From: m.From,
		Subject: m.Subject, Text: m.Text, Segments: m.Segments, State: o.State, Created: m.Created, Due: o.Due, Attempts: o.Attempts, Uncertain: o.Uncertain,
		Sent: o.Sent, Ended: o.Ended, Resent: o.Resent, ResentBy: o.ResentBy, Gateway: o.Gateway, Code: o.Code}
}

type messageInfoOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     MessageInfo
}

type messagesOutput struct {
	Body struct {
		Messages []MessageInfo `json:"messages"`
		Next     string        `json:"next,omitempty" doc:"cursor of the next page; missing: this is the last one"`
	}
}

// CallPath is the path of a call of a tenant.
type CallPath struct {
	Tenanted
	Call string `path:"call" maxLength:"100"`
}

var (
	readMessages = []account.Scope{account.ReadMessages}
	sendMessages = []account.Scope{account.SendMessages}
)

func (s *v1) messageRoutes() {
	register(s, http.MethodPost, "/tenants/{tenant}/calls/{call}/messages", "send-message", "Pass on what a caller wished, during the call or after it", sendMessages,
		func(ctx context.Context, in *struct {
			CallPath
			Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key with the same request sends one message, however often it is asked for"`
			Body MessageRequest
		}) (*messageInfoOutput, error) {
			return s.sendMessage(ctx, in.Tenant, call.ID(in.Call), in.Key, in.Body)
		}, status(http.StatusCreated), failing(http.StatusConflict, http.StatusServiceUnavailable))
	register(s, http.MethodGet, "/tenants/{tenant}/calls/{call}/messages", "list-call-messages", "The messages of a call and how far each has come", readMessages,
		func(ctx context.Context, in *CallPath) (*messagesOutput, error) {
			box, err := s.outbox()
			if err != nil {
				return nil, err
			}
			if _, err := box.CallOf(ctx, in.Tenant, call.ID(in.Call)); err != nil {
				return nil, noCall(err)
			}
			return s.messagePage(ctx, MessageQuery{Tenant: in.Tenant, Call: call.ID(in.Call)}, "", false)
		})
	register(s, http.MethodGet, "/tenants/{tenant}/messages", "list-messages", "Messages and how far each has come, the newest first", readMessages,
		func(ctx context.Context, in *struct {
			Tenanted
			Page
			State string    `query:"state" enum:"queued,sending,sent,delivered,failed" doc:"Messages in this state only; failed are dead letters"`
			From  time.Time `query:"from" doc:"Written at or after this instant"`
			To    time.Time `query:"to" doc:"Written before this instant"`
			Order string    `query:"order" enum:"newest,oldest" default:"newest"`
		}) (*messagesOutput, error) {
			return s.messagePage(ctx, MessageQuery{Tenant: in.Tenant, State: record.MessageState(in.State), From: in.From, To: in.To, Limit: in.size()},
				in.Cursor, in.Order != "oldest")
		})
	register(s, http.MethodGet, "/tenants/{tenant}/messages/{id}", "get-message", "One message and how far it has come", readMessages,
		func(_ context.Context, in *ItemPath) (*messageInfoOutput, error) {
			o, err := s.messageOf(in.Tenant, in.ID)
			return &messageInfoOutput{Status: http.StatusOK, Body: messageInfo(o)}, err
		})
	register(s, http.MethodPost, "/tenants/{tenant}/messages/{id}/resend", "resend-message", "Queue a message that failed again, under a new key", sendMessages,
		func(ctx context.Context, in *ItemPath) (*messageInfoOutput, error) {
			if _, err := s.messageOf(in.Tenant, in.ID); err != nil {
				return nil, err
			}
			o, err := s.Outbox.Resend(in.ID, identity(ctx).Name)
			if errors.Is(err, record.ErrMessageState) {
				return nil, conflict("path.id", "the message has not failed, so it is not sent again")
			}
			return &messageInfoOutput{Status: http.StatusOK, Body: messageInfo(o)}, err
		}, failing(http.StatusConflict), showing(account.ReadMessages))
	s.messageRuleRoutes()
}

// outbox is where messages are; where the server has none, no message exists.
func (s *v1) outbox() (Outbox, error) {
	if s.Outbox == nil {
		return nil, huma.Error404NotFound("not found")
	}
	return s.Outbox, nil
}

// messageOf finds a message of a tenant. Another's does not exist for it.
func (s *v1) messageOf(tenant, id string) (record.Outgoing, error) {
	box, err := s.outbox()
	if err != nil {
		return record.Outgoing{}, err
	}
	o, err := box.Message(id)
	if errors.Is(err, record.ErrNoMessage) || err == nil && o.Message.Tenant != tenant {
		err = directory.ErrNotFound
	}
	return o, err
}

func (s *v1) messagePage(ctx context.Context, q MessageQuery, cursor string, newest bool) (*messagesOutput, error) {
	box, err := s.outbox()
	if err != nil {
		return nil, err
	}
	all, next, err := box.Page(ctx, q, cursor, newest)
	if errors.Is(err, ErrCursor) {
		return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "query.cursor", Message: "write next as it was read", Value: cursor})
	}
	out := &messagesOutput{}
	out.Body.Messages, out.Body.Next = []MessageInfo{}, next
	for _, o := range all {
		out.Body.Messages = append(out.Body.Messages, messageInfo(o))
	}
	return out, err
}

// noCall is a call that the tenant does not have.
func noCall(err error) error {
	if errors.Is(err, ErrNotFound) {
		return huma.Error404NotFound("no such call of the tenant", &huma.ErrorDetail{Location: "path.call", Message: "no such call of the tenant"})
	}
	return err
}

// sendMessage writes a message out and puts it into the outbox.
func (s *v1) sendMessage(ctx context.Context, tenant string, id call.ID, key string, req MessageRequest) (*messageInfoOutput, error) {
	box, err := s.outbox()
	if err != nil {
		return nil, err
	}
	c, err := box.CallOf(ctx, tenant, id)
	if err != nil {
		return nil, noCall(err)
	}
	d := MessageDraft{ID: newID(), Request: fingerprint(req), By: identity(ctx).Name, Created: s.Now()}
	if key != "" {
		d.ID = box.NameOf("idempotency key", tenant, string(id), key)
		if had, err := box.Message(d.ID); err == nil {
			return s.replayed(had, d.Request)
		} else if !errors.Is(err, record.ErrNoMessage) {
			return nil, err
		}
	}
	if err := s.draft(&d, tenant, c, req); err != nil {
		return nil, err
	}
	if who := identity(ctx); who.IsAgent() {
		d.Agent = who.Agent
	}
	composed, err := box.Compose(d)
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	held, err := box.Send(wait, composed.Message)
	if err != nil {
		return nil, sendProblem(held, err)
	}
	o, err := box.Message(d.ID)
	if err != nil {
		return nil, err
	}
	if !held.Created.Equal(d.Created) {
		return s.replayed(o, d.Request)
	}
	s.Log.InfoContext(ctx, "message queued", "message", d.ID, "call", id, "tenant", tenant, "channel", d.Channel, "by", d.By)
	return &messageInfoOutput{Status: http.StatusCreated, Location: "/api/v1/tenants/" + tenant + "/messages/" + d.ID, Body: messageInfo(o)}, nil
}

// sendFor is how long a request waits for its message to be durable.
const sendFor = 5 * time.Second

// fingerprint tells requests under one key apart.
func fingerprint(req MessageRequest) string {
	text, _ := json.Marshal(req) // of strings and a bool: never fails
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// replayed answers a request that was made before.
func (s *v1) replayed(o record.Outgoing, request string) (*messageInfoOutput, error) {
	if o.Message.Request != request {
		return nil, conflict("header.Idempotency-Key", "another message was asked for under this key: write another key")
	}
	return &messageInfoOutput{Status: http.StatusOK, Location: "/api/v1/tenants/" + o.Message.Tenant + "/messages/" + o.Message.ID, Body: messageInfo(o)}, nil
}

// sendProblem is why a message could not be put into the outbox now.
func sendProblem(m record.Message, err error) error {
	switch {
	case errors.Is(err, switchboard.ErrNotDurable):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("message "+m.ID+" is kept and written as soon as the store can: ask again with the same Idempotency-Key"),
			http.Header{"Retry-After": {"2"}})
	case errors.Is(err, switchboard.ErrTooManyMessages):
		return conflict("path.call", err.Error())
	case errors.Is(err, ErrNotFound), errors.Is(err, switchboard.ErrNoCall):
		return noCall(ErrNotFound)
	}
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the message could not be written: ask again with the same Idempotency-Key"), http.Header{"Retry-After": {"2"}})
}
