package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/call"
	"telefonist/record"
)

// MessageQuery selects messages. Zero fields select everything.
type MessageQuery struct {
	Tenant   string
	Call     call.ID
	State    record.MessageState
	From, To time.Time // written at or after From, before To
	Limit    int
}

// MessageReader reads messages.
type MessageReader interface {
	// Message returns one; record.ErrNoMessage where there is none.
	Message(id string) (record.Outgoing, error)
	// Messages hands every selected one to fn, in the order that they were written, until fn returns an error.
	Messages(ctx context.Context, q MessageQuery, fn func(record.Outgoing) error) error
}

// Messages is the outbox.
type Messages interface {
	MessageReader
	// Resend queues a dead letter again, as by asked; record.ErrMessageState where it is none.
	Resend(id, by string) (record.Outgoing, error)
}

// Routes are what a part of the server adds to an API.
type Routes func(huma.API)

type messageQueryInput struct {
	Tenant string    `query:"tenant" doc:"Messages of this tenant only"`
	Call   string    `query:"call" doc:"Messages of this call only"`
	State  string    `query:"state" enum:"queued,sending,sent,delivered,failed" doc:"Messages in this state only"`
	From   time.Time `query:"from" doc:"Written at or after this instant"`
	To     time.Time `query:"to" doc:"Written before this instant"`
	Limit  int       `query:"limit" minimum:"0" doc:"At most this many; 0 means all"`
}

type messageInput struct {
	ID string `path:"id"`
}

type messageOutput struct{ Body record.Outgoing }

// MessageRoutes list, show and resend messages.
func MessageRoutes(messages Messages) Routes {
	return func(api huma.API) {
		huma.Register(api, huma.Operation{OperationID: "list-messages", Method: http.MethodGet, Path: "/v1/messages",
			Summary: "Messages and how far each has come, one JSON object a line"},
			func(_ context.Context, in *messageQueryInput) (*huma.StreamResponse, error) {
				q := MessageQuery{Tenant: in.Tenant, Call: call.ID(in.Call), State: record.MessageState(in.State), From: in.From, To: in.To, Limit: in.Limit}
				return &huma.StreamResponse{Body: func(hc huma.Context) {
					hc.SetHeader("Content-Type", "application/x-ndjson")
					enc := json.NewEncoder(hc.BodyWriter())
					if err := messages.Messages(hc.Context(), q, func(o record.Outgoing) error { return enc.Encode(o) }); err != nil {
						_ = enc.Encode(StreamError{err.Error()})
					}
				}}, nil
			})
		huma.Register(api, huma.Operation{OperationID: "get-message", Method: http.MethodGet, Path: "/v1/messages/{id}", Summary: "One message"},
			func(_ context.Context, in *messageInput) (*messageOutput, error) {
				o, err := messages.Message(in.ID)
				return messageAnswer(in.ID, o, err)
			})
		huma.Register(api, huma.Operation{OperationID: "resend-message", Method: http.MethodPost, Path: "/v1/messages/{id}/resend",
			Summary: "Queue a message that failed again, under a new key"},
			func(_ context.Context, in *messageInput) (*messageOutput, error) {
				o, err := messages.Resend(in.ID, "cli")
				return messageAnswer(in.ID, o, err)
			})
	}
}

func messageAnswer(id string, o record.Outgoing, err error) (*messageOutput, error) {
	switch {
	case errors.Is(err, record.ErrNoMessage):
		return nil, huma.Error404NotFound("no message " + id)
	case errors.Is(err, record.ErrMessageState):
		return nil, huma.Error409Conflict("message " + id + " has not failed, so it is not sent again")
	case err != nil:
		return nil, huma.Error500InternalServerError("message", err)
	}
	return &messageOutput{o}, nil
}

// Message returns one message; record.ErrNoMessage where there is none.
func (c *Client) Message(id string) (o record.Outgoing, err error) {
	return o, noMessage(c.get(context.Background(), "/v1/messages/"+url.PathEscape(id), &o))
}

func noMessage(err error) error {
	if errors.Is(err, ErrNotFound) {
		return record.ErrNoMessage
	}
	return err
}

// Messages hands every selected message to fn.
func (c *Client) Messages(ctx context.Context, q MessageQuery, fn func(record.Outgoing) error) error {
	v := url.Values{}
	for name, value := range map[string]string{"tenant": q.Tenant, "call": string(q.Call), "state": string(q.State)} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if !q.From.IsZero() {
		v.Set("from", q.From.Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		v.Set("to", q.To.Format(time.RFC3339Nano))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return readStream(ctx, c, "/v1/messages", v, fn)
}

// Resend queues a message that failed again.
func (c *Client) Resend(ctx context.Context, id string) (o record.Outgoing, err error) {
	res, err := c.do(ctx, http.MethodPost, "/v1/messages/"+url.PathEscape(id)+"/resend", nil)
	if err != nil {
		return o, noMessage(err)
	}
	defer res.Body.Close()
	return o, json.NewDecoder(res.Body).Decode(&o)
}
