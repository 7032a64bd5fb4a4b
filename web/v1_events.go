package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/record"
)

// EventStore reads the stream of events and the statistics of it. The errors are those of package record.
type EventStore interface {
	// Events returns a page of the stream, and the number to go on after.
	Events(f record.EventFilter) (page []record.StreamEvent, next uint64, err error)
	// StreamEnd returns the number of the last event, and a channel that is closed when there are more.
	StreamEnd() (last uint64, more <-chan struct{})
	// Stats returns the sums of each hour, by its beginning in seconds since 1970.
	Stats(ctx context.Context, f record.StatsFilter) (map[int64]record.Counts, error)
}

const (
	// streamPage is how many events are in memory for one reader.
	streamPage = 500
	// emptyPages is how many pages without an event of the tenant's are read for one answer.
	emptyPages = 20
)

var readingCalls = []account.Scope{account.ReadCalls, account.Supervise}

// EventQuery selects events.
type EventQuery struct {
	After  uint64 `query:"after" doc:"Events behind this number; 0 or missing: from the oldest that is kept"`
	Tenant string `query:"tenant" maxLength:"256" doc:"Events of this tenant only; a tenant's token gets no others"`
}

// EventPage is a page of the stream.
type EventPage struct {
	Events []record.StreamEvent `json:"events"`
	Next   uint64               `json:"next" doc:"after of the next page; it may ascend though the page is empty"`
	Last   uint64               `json:"last" doc:"The last number of the stream: where next is the same there are no more yet"`
}

func (s *v1) eventRoutes() {
	register(s, http.MethodGet, "/events", "list-events", "The stream of events: what happened to calls and receptionists, by ascending numbers", readingCalls,
		func(ctx context.Context, in *struct {
			EventQuery
			Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*struct{ Body EventPage }, error) {
			tenant, err := s.mayRead(ctx, in.Tenant)
			if err != nil {
				return nil, err
			}
			page, err := s.eventPage(ctx, record.EventFilter{After: in.After, Tenant: tenant, Limit: in.Limit})
			return &struct{ Body EventPage }{page}, err
		}, failing(http.StatusGone, http.StatusServiceUnavailable))
	register(s, http.MethodGet, "/events/stream", "follow-events", "The stream of events as server-sent events, without an end", readingCalls,
		func(ctx context.Context, in *struct {
			EventQuery
			LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"The id of the last event that was read; it comes before after"`
		}) (*huma.StreamResponse, error) {
			if in.LastEventID != "" {
				after, err := strconv.ParseUint(in.LastEventID, 10, 64)
				if err != nil {
					return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "header.Last-Event-ID", Message: "write an id as it was read", Value: in.LastEventID})
				}
				in.After = after
			}
			return s.follow(ctx, in.EventQuery)
		}, failing(http.StatusGone, http.StatusServiceUnavailable), func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "One event each: id is its number, event what it is about, data the event as JSON",
				Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
		})
}

// mayRead tells whose events an identity gets that asks for a tenant's, or for all: "" for all.
func (s *v1) mayRead(ctx context.Context, tenant string) (string, error) {
	if s.Events == nil {
		return "", huma.Error503ServiceUnavailable("there is no stream of events")
	}
	who := identity(ctx)
	if who.Supervises() {
		return tenant, nil
	}
	t, known := s.Tenants().Tenant(who.Tenant)
	switch {
	case !who.May(who.Tenant, account.ReadCalls):
		return "", huma.Error403Forbidden("the token lacks the scope " + string(account.ReadCalls))
	case !known || t.Disabled || tenant != "" && tenant != who.Tenant:
		return "", huma.Error404NotFound("no such tenant", &huma.ErrorDetail{Location: "query.tenant", Message: "no such tenant", Value: tenant})
	}
	return who.Tenant, nil
}

// eventPage reads on until there is something to tell, the stream ends, or it has looked at enough.
func (s *v1) eventPage(ctx context.Context, f record.EventFilter) (out EventPage, err error) {
	out.Events = []record.StreamEvent{}
	out.Last, _ = s.Events.StreamEnd()
	for range emptyPages {
		page, next, err := s.Events.Events(f)
		if err != nil {
			return out, eventProblem(err, next)
		}
		if f.After, out.Next = next, next; len(page) > 0 {
			out.Events = page
		}
		if len(page) > 0 || next >= out.Last || ctx.Err() != nil {
			break
		}
	}
	out.Last = max(out.Last, out.Next)
	return out, ctx.Err()
}

// eventProblem tells a reader who cannot go on where it may.
func eventProblem(err error, next uint64) error {
	switch {
	case errors.Is(err, record.ErrPruned):
		return huma.NewError(http.StatusGone, fmt.Sprintf("these events are no longer kept: go on after %d, or from the oldest with after=0", next))
	case errors.Is(err, record.ErrAhead):
		return huma.NewError(http.StatusGone, fmt.Sprintf("the stream ends with %d: the store was restored from a backup, or the number is another server's; read anew", next))
	}
	return err
}

// follow opens a stream. What is wrong with the request is told before it begins.
func (s *v1) follow(ctx context.Context, q EventQuery) (*huma.StreamResponse, error) {
	tenant, err := s.mayRead(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	first, next, err := s.Events.Events(record.EventFilter{After: q.After, Tenant: tenant, Limit: streamPage})
	if err != nil {
		return nil, eventProblem(err, next)
	}
	token := identity(ctx).Token
	ending, err := s.streams.begin(token)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer s.streams.end(token)
		f := &follower{pipe: s.pipe(hc), tenant: tenant, next: next, ending: ending}
		f.run(first)
	}}, nil
}

// follower is one open stream. It keeps nothing but its place: what it sends is read from the store a page at a time, so
// that nobody waits for a slow reader and nothing piles up for one.
type follower struct {
	*pipe
	tenant string
	next   uint64
	ending <-chan struct{}
}

func (f *follower) run(page []record.StreamEvent) {
	defer f.end()
	beat := time.NewTicker(f.every)
	defer beat.Stop()
	if f.send(f.place()) != nil {
		return
	}
	for {
		if len(page) > 0 && f.send(frames(page)) != nil {
			return
		}
		last, more := f.s.Events.StreamEnd()
		if f.next >= last {
			select {
			case <-more:
			case <-beat.C:
				if f.ended() || f.send(f.place()) != nil {
					return // the token was revoked, or nobody reads
				}
			case <-f.ending:
				return
			case <-f.hc.Context().Done():
				return
			}
		}
		var err error
		if page, f.next, err = f.s.Events.Events(record.EventFilter{After: f.next, Tenant: f.tenant, Limit: streamPage}); err != nil {
			f.s.Log.Warn("api: a stream of events was ended", "who", identity(f.hc.Context()).Name, "err", err)
			return
		}
	}
}

// place says that the stream is there, and where it is: a tenant's goes on from there though none of its events came.
func (f *follower) place() []byte {
	return fmt.Appendf(nil, ":\nid: %d\n\n", f.next)
}

// frames writes events as https://html.spec.whatwg.org/multipage/server-sent-events.html has them.
func frames(page []record.StreamEvent) []byte {
	var b bytes.Buffer
	for _, e := range page {
		doc, err := json.Marshal(e)
		if err != nil {
			continue // it was read from JSON
		}
		fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.About, doc)
	}
	return b.Bytes()
}
