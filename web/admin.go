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
	Pause(ctx context.Context, agent, reason string) (bool, error)
	Resume(ctx context.Context, agent string) (bool, error)
}

type queryInput struct {
	Tenant string    `query:"tenant" doc:"Calls of this tenant only"`
	From   time.Time `query:"from" doc:"Received at or after this instant"`
	To     time.Time `query:"to" doc:"Received before this instant"`
	Limit  int       `query:"limit" minimum:"0" doc:"At most this many; 0 means all"`
}

type callOutput struct{ Body record.Record }

type agentInput struct {
	ID     string `path:"id"`
	Reason string `query:"reason" doc:"Why the agent is paused"`
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
			return &callOutput{r}, nil
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
	agentAction(api, "pause", func(ctx context.Context, in *agentInput) (bool, error) { return board.Pause(ctx, in.ID, in.Reason) })
	agentAction(api, "resume", func(ctx context.Context, in *agentInput) (bool, error) { return board.Resume(ctx, in.ID) })
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

func agentAction(api huma.API, name string, act func(context.Context, *agentInput) (bool, error)) {
	huma.Register(api, huma.Operation{OperationID: name + "-agent", Method: http.MethodPost, Path: "/v1/agents/{id}/" + name,
		Summary: name + " an agent", DefaultStatus: http.StatusNoContent},
		func(ctx context.Context, in *agentInput) (*struct{}, error) {
			known, err := act(ctx, in)
			switch {
			case err != nil:
				return nil, huma.Error503ServiceUnavailable("switchboard does not answer", err)
			case !known:
				return nil, huma.Error404NotFound("no agent " + in.ID)
			}
			return nil, nil
		})
}
