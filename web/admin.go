package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/call"
	"telefonist/record"
	"telefonist/switchboard"
)

// Query selects calls. Zero fields select everything.
type Query struct {
	Tenant   string
	From, To time.Time // received at or after From, before To
	Limit    int
}

// Calls reads the call records.
type Calls interface {
	// Call returns one record; ErrNotFound where there is none.
	Call(id call.ID) (record.Record, error)
	// Calls hands every selected record to fn, in the order of their arrival, until fn returns an error.
	Calls(ctx context.Context, q Query, fn func(record.Record) error) error
}

// ErrNotFound is what Calls returns for a call that does not exist.
var ErrNotFound = errors.New("no such call")

// Board is what the administration asks of the switchboard.
type Board interface {
	Snapshot(context.Context) (switchboard.Snapshot, error)
	Story(context.Context, call.ID) (record.Record, error)
}

type queryInput struct {
	Tenant string    `query:"tenant" doc:"Calls of this tenant only"`
	From   time.Time `query:"from" doc:"Received at or after this instant"`
	To     time.Time `query:"to" doc:"Received before this instant"`
	Limit  int       `query:"limit" minimum:"0" doc:"At most this many; 0 means all"`
}

// CallWithMessages is a record beside what became of the call's messages.
type CallWithMessages struct {
	record.Record
	Messages []MessageInfo `json:"messages,omitempty"`
}

type callOutput struct{ Body CallWithMessages }

// withMessages adds a call's messages to its record, where they can be read.
func withMessages(ctx context.Context, calls Calls, r record.Record) (CallWithMessages, error) {
	out := CallWithMessages{Record: r}
	m, ok := calls.(MessageReader)
	if !ok {
		return out, nil
	}
	err := m.Messages(ctx, MessageQuery{Call: r.Call}, func(o record.Outgoing) error {
		out.Messages = append(out.Messages, messageInfo(o))
		return nil
	})
	return out, err
}

type liveOutput struct{ Body switchboard.Snapshot }

// Admin is the handler of the administration socket. Whoever can open the socket may do everything: its file mode is the
// access control. more are the routes of further parts.
func Admin(version string, calls Calls, board Board, more ...Routes) http.Handler {
	mux := http.NewServeMux()
	api := newAPI(mux, "Telefonist administration", version)
	huma.Register(api, huma.Operation{OperationID: "list-calls", Method: http.MethodGet, Path: "/v1/calls",
		Summary: "Call records, one JSON object a line"},
		func(ctx context.Context, in *queryInput) (*huma.StreamResponse, error) {
			q := Query{Tenant: in.Tenant, From: in.From, To: in.To, Limit: in.Limit}
			return &huma.StreamResponse{Body: func(hc huma.Context) { stream(hc, calls, q) }}, nil
		})
	huma.Register(api, huma.Operation{OperationID: "get-call", Method: http.MethodGet, Path: "/v1/calls/{id}",
		Summary: "One call with its story"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*callOutput, error) {
			r, err := calls.Call(call.ID(in.ID))
			switch {
			case errors.Is(err, ErrNotFound):
				return nil, huma.Error404NotFound("no call " + in.ID)
			case err != nil:
				return nil, huma.Error500InternalServerError("read call", err)
			}
			out, err := withMessages(ctx, calls, r)
			if err != nil {
				return nil, huma.Error500InternalServerError("read the call's messages", err)
			}
			return &callOutput{out}, nil
		})
	huma.Register(api, huma.Operation{OperationID: "live", Method: http.MethodGet, Path: "/v1/live",
		Summary: "Live calls, waiting lines and agents"},
		func(ctx context.Context, _ *struct{}) (*liveOutput, error) {
			s, err := board.Snapshot(ctx)
			if err != nil {
				return nil, huma.Error503ServiceUnavailable("switchboard does not answer", err)
			}
			return &liveOutput{s}, nil
		})
	huma.Register(api, huma.Operation{OperationID: "live-call", Method: http.MethodGet, Path: "/v1/live/{id}",
		Summary: "One live call with its story so far"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*callOutput, error) {
			r, err := board.Story(ctx, call.ID(in.ID))
			if errors.Is(err, switchboard.ErrNoCall) {
				return nil, huma.Error404NotFound("no live call " + in.ID)
			}
			return &callOutput{CallWithMessages{Record: r}}, err
		})
	for _, add := range more {
		add(api)
	}
	return mux
}

// stream writes the records as they are read. An error in the middle ends the body with a line that says so, since the
// status has been sent.
func stream(hc huma.Context, calls Calls, q Query) {
	hc.SetHeader("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(hc.BodyWriter())
	if err := calls.Calls(hc.Context(), q, func(r record.Record) error { return enc.Encode(r) }); err != nil {
		_ = enc.Encode(StreamError{err.Error()})
	}
}

// StreamError is the last line of a stream that could not be read to its end.
type StreamError struct {
	Error string `json:"error"`
}
