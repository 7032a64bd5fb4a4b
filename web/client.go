package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/switchboard"
)

// ErrNotRunning tells that no server listens on the socket.
var ErrNotRunning = errors.New("no server listens on the administration socket")

// Client speaks to a running server over its administration socket. It is a Calls.
type Client struct{ http *http.Client }

// Dial connects to the socket at path. It returns an error that is ErrNotRunning where no server is behind it.
func Dial(path string) (*Client, error) {
	conn, err := net.DialTimeout("unix", path, 2*time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	conn.Close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Client{&http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// Close lets go of the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) do(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "telefonist", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, ErrNotFound
	}
	var problem struct{ Detail string }
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&problem)
	return nil, fmt.Errorf("the server answers %s: %s", res.Status, problem.Detail)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	res, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

// Call returns one record.
func (c *Client) Call(id call.ID) (r record.Record, err error) {
	return r, c.get(context.Background(), "/v1/calls/"+url.PathEscape(string(id)), &r)
}

// LiveStory returns what the record of a live call would say by now; its outcome is empty. ErrNotFound where it is not live.
func (c *Client) LiveStory(ctx context.Context, id call.ID) (r record.Record, err error) {
	return r, c.get(ctx, "/v1/live/"+url.PathEscape(string(id)), &r)
}

// Calls hands every selected record to fn.
func (c *Client) Calls(ctx context.Context, q Query, fn func(record.Record) error) error {
	v := url.Values{}
	if q.Tenant != "" {
		v.Set("tenant", q.Tenant)
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
	return readStream(ctx, c, "/v1/calls", v, fn)
}

// readStream hands each object of a stream to fn.
func readStream[T any](ctx context.Context, c *Client, path string, query url.Values, fn func(T) error) error {
	res, err := c.do(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := streamLine(line, fn); err != nil {
			return err
		}
	}
}

func streamLine[T any](line []byte, fn func(T) error) error {
	if bytes.HasPrefix(line, []byte(`{"error":`)) {
		var e StreamError
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		return errors.New(e.Error)
	}
	var r T
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	return fn(r)
}

// Live tells what is going on.
func (c *Client) Live(ctx context.Context) (s switchboard.Snapshot, err error) {
	return s, c.get(ctx, "/v1/live", &s)
}
