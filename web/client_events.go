package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"telefonist/record"
)

// EventPage reads a page of the stream: events behind a number, of a tenant or of all.
func (c *Client) EventPage(ctx context.Context, tenant string, after uint64, limit int) (out EventPage, err error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "limit": {strconv.Itoa(limit)}}
	if tenant != "" {
		q.Set("tenant", tenant)
	}
	return out, c.v1(ctx, http.MethodGet, "/events", q, "", nil, &out)
}

// FollowEvents hands every event behind a number to fn as it comes, until ctx or the stream ends or fn returns an error. It returns
// the number to go on after.
func (c *Client) FollowEvents(ctx context.Context, tenant string, after uint64, fn func(record.StreamEvent) error) (next uint64, err error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}}
	if tenant != "" {
		q.Set("tenant", tenant)
	}
	u := url.URL{Scheme: "http", Host: "telefonist", Path: "/api/v1/events/stream", RawQuery: q.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return after, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return after, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return after, problemOf(res)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		if id, is := strings.CutPrefix(text, "id: "); is {
			if n, err := strconv.ParseUint(id, 10, 64); err == nil {
				next = n
			}
			continue
		}
		data, is := strings.CutPrefix(text, "data: ")
		if !is {
			if text == "" && next > after { // the end of an event, or of a heartbeat
				after = next
			}
			continue
		}
		var e record.StreamEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return after, fmt.Errorf("read event: %w", err)
		}
		if err := fn(e); err != nil {
			return after, err
		}
		after = max(after, e.Seq)
	}
	return after, lines.Err()
}

// Statistics reads statistics; zero times are today.
func (c *Client) Statistics(ctx context.Context, tenant, agent string, from, to time.Time, by string) (out Statistics, err error) {
	q := url.Values{"by": {by}}
	for name, value := range map[string]string{"tenant": tenant, "agent": agent} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"from": from, "to": to} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339))
		}
	}
	err = c.v1(ctx, http.MethodGet, "/statistics", q, "", nil, &out)
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("no tenant %s", tenant)
	}
	return out, err
}
