package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"telefonist/switchboard"
)

// change sends a document to the API and reads the answer into into, which may be nil.
func (c *Client) change(ctx context.Context, method, path string, doc, into any) error {
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return c.v1(ctx, method, path, nil, "application/json", body, into)
}

// SetAgent logs an agent in or out, pauses or resumes her. It returns ErrNotFound for an agent that does not exist.
func (c *Client) SetAgent(ctx context.Context, agent string, to AgentState) error {
	return c.change(ctx, http.MethodPut, "/agents/"+url.PathEscape(agent)+"/state", to, nil)
}

// FreeAgent takes an agent out of the call that she is stuck in.
func (c *Client) FreeAgent(ctx context.Context, agent string) error {
	return c.change(ctx, http.MethodPost, "/agents/"+url.PathEscape(agent)+"/free", struct{}{}, nil)
}

// Act does something with a live call; call empty: the one that the action's agent has.
func (c *Client) Act(ctx context.Context, call string, a CallAction) (out ActionDone, err error) {
	path := "/calls/" + url.PathEscape(call) + "/actions"
	if call == "" {
		path = "/agents/" + url.PathEscape(a.Agent) + "/actions"
	}
	return out, c.change(ctx, http.MethodPost, path, a, &out)
}

// DialOut rings an agent and calls a number in a tenant's name.
func (c *Client) DialOut(ctx context.Context, agent, tenant, to string) (out ActionDone, err error) {
	return out, c.change(ctx, http.MethodPost, "/agents/"+url.PathEscape(agent)+"/calls", map[string]string{"tenant": tenant, "to": to}, &out)
}

// PickUp connects an agent with a parked call.
func (c *Client) PickUp(ctx context.Context, agent string, slot int) (out ActionDone, err error) {
	return out, c.change(ctx, http.MethodPost, "/agents/"+url.PathEscape(agent)+"/pickup", map[string]int{"slot": slot}, &out)
}

// Take gives a waiting call to an agent, and Move puts it at a position of the order of service.
func (c *Client) Take(ctx context.Context, call, agent string) error {
	return c.change(ctx, http.MethodPost, "/queue/"+url.PathEscape(call)+"/take", map[string]string{"agent": agent}, nil)
}

// Move puts a waiting call at a position of the order of service, from 1.
func (c *Client) Move(ctx context.Context, call string, position int) error {
	return c.change(ctx, http.MethodPost, "/queue/"+url.PathEscape(call)+"/move", map[string]int{"position": position}, nil)
}

// Note shows a note on consoles.
func (c *Client) Note(ctx context.Context, n NoteInput) (out switchboard.Note, err error) {
	return out, c.change(ctx, http.MethodPost, "/notes", n, &out)
}
