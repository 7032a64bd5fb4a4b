package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"telefonist/directory"
)

// ErrReadOnly is what a Client over the files of a stopped server returns for what would change them.
var ErrReadOnly = errors.New("this changes the directory, which only a running server does: start it first")

// ErrWrong is what a Client's error is for a request that names something wrong.
var ErrWrong = errors.New("something is wrong with what is asked for")

// wrongError says what is wrong. It is ErrWrong.
type wrongError string

func (e wrongError) Error() string        { return string(e) }
func (e wrongError) Is(target error) bool { return target == ErrWrong }

// NewClient makes a client of a handler in this process, for reading the files of a server that does not run.
func NewClient(h http.Handler) *Client { return &Client{&http.Client{Transport: inProcess{h}}} }

// inProcess carries requests to a handler without a socket. It lets nothing through that would change anything.
type inProcess struct{ h http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.URL.Query().Get("dry_run") != "true" {
		return nil, ErrReadOnly
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &memory{header: http.Header{}, status: http.StatusOK}
	p.h.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: r,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len())}, nil
}

// memory is an answer that is kept.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header         { return m.header }
func (m *memory) WriteHeader(status int)      { m.status = status }
func (m *memory) Write(b []byte) (int, error) { return m.body.Write(b) }

// v1 asks the API; fine are statuses beside 2xx whose body is read into the answer too.
func (c *Client) v1(ctx context.Context, method, path string, query url.Values, contentType string, body []byte, into any, fine ...int) error {
	u := url.URL{Scheme: "http", Host: "telefonist", Path: "/api/v1" + path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodPut {
		req.Header.Set("If-Match", "*")
	}
	res, err := c.http.Do(req)
	if errors.Is(err, ErrReadOnly) {
		return ErrReadOnly
	}
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer res.Body.Close()
	ok := res.StatusCode < 300
	for _, f := range fine {
		ok = ok || res.StatusCode == f && res.Header.Get("Content-Type") == "application/json"
	}
	if !ok {
		return problemOf(res)
	}
	if raw, is := into.(io.Writer); is {
		_, err = io.Copy(raw, res.Body)
		return err
	}
	if into == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// problemOf gives what the server says is wrong.
func problemOf(res *http.Response) error {
	if res.StatusCode == http.StatusNotFound {
		return ErrNotFound
	}
	var problem struct {
		Detail string
		Errors []struct{ Message, Location string }
	}
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&problem)
	text := problem.Detail
	for _, e := range problem.Errors {
		if e.Message != problem.Detail {
			text += "\n  " + strings.TrimPrefix(e.Location, "body.") + ": " + e.Message
		}
	}
	if res.StatusCode == http.StatusUnprocessableEntity {
		return wrongError(text)
	}
	return errors.New(text)
}

// Tenants lists all tenants.
func (c *Client) Tenants(ctx context.Context) (all []TenantInfo, err error) {
	for q := (url.Values{"limit": {"1000"}}); ; {
		var page PageOf[TenantInfo]
		if err := c.v1(ctx, http.MethodGet, "/tenants", q, "", nil, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); page.Next == "" {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

// Shown is what a receptionist sees of a tenant; common may be empty.
func (c *Client) Shown(ctx context.Context, tenant, common string) (out Shown, err error) {
	q := url.Values{}
	if common != "" {
		q.Set("common", common)
	}
	return out, c.v1(ctx, http.MethodGet, "/tenants/"+url.PathEscape(tenant)+"/shown", q, "", nil, &out)
}

// ImportOptions say what an import does.
type ImportOptions struct{ DryRun, Replace, SkipErrors bool }

// Import begins an import of people, or tells the fate of each row where it is a dry run or rows are wrong.
func (c *Client) Import(ctx context.Context, tenant string, file []byte, o ImportOptions) (out ImportReport, err error) {
	q := url.Values{"dry_run": {strconv.FormatBool(o.DryRun)}, "replace": {strconv.FormatBool(o.Replace)}, "skip_errors": {strconv.FormatBool(o.SkipErrors)}}
	return out, c.v1(ctx, http.MethodPost, "/tenants/"+url.PathEscape(tenant)+"/imports", q, "application/octet-stream", file, &out, http.StatusUnprocessableEntity)
}

// ImportJob tells how far an import is.
func (c *Client) ImportJob(ctx context.Context, tenant, id string) (out ImportJob, err error) {
	return out, c.v1(ctx, http.MethodGet, "/tenants/"+url.PathEscape(tenant)+"/imports/"+url.PathEscape(id), nil, "", nil, &out)
}

// Export writes everything of a tenant (json) or its people (csv, xlsx) to w.
func (c *Client) Export(ctx context.Context, tenant, format string, w io.Writer) error {
	return c.v1(ctx, http.MethodGet, "/tenants/"+url.PathEscape(tenant)+"/export", url.Values{"format": {format}}, "", nil, w)
}

// ErasePerson erases a person with all traces, or on a dry run tells what that would be.
func (c *Client) ErasePerson(ctx context.Context, tenant, id string, dryRun bool) (out directory.Erasure, err error) {
	q := url.Values{"dry_run": {strconv.FormatBool(dryRun)}}
	return out, c.v1(ctx, http.MethodPost, "/tenants/"+url.PathEscape(tenant)+"/people/"+url.PathEscape(id)+"/erase", q, "", nil, &out)
}

// Search asks the one box for a tenant; caller may be empty.
func (c *Client) Search(ctx context.Context, tenant, query, caller string) ([]Hit, error) {
	var out struct {
		Hits []Hit `json:"hits"`
	}
	q := url.Values{"q": {query}}
	if caller != "" {
		q.Set("caller", caller)
	}
	return out.Hits, c.v1(ctx, http.MethodGet, "/tenants/"+url.PathEscape(tenant)+"/search", q, "", nil, &out)
}

// Choose tells that a hit was chosen.
func (c *Client) Choose(ctx context.Context, tenant, kind, id, caller string) error {
	body, err := json.Marshal(map[string]string{"kind": kind, "id": id, "caller": caller})
	if err != nil {
		return err
	}
	return c.v1(ctx, http.MethodPost, "/tenants/"+url.PathEscape(tenant)+"/choices", nil, "application/json", body, nil)
}

// Put writes an item of a tenant's directory, whatever was there: path is what follows the tenant, as "people/anna".
func (c *Client) Put(ctx context.Context, tenant, path string, doc []byte) error {
	return c.v1(ctx, http.MethodPut, "/tenants/"+url.PathEscape(tenant)+"/"+path, nil, "application/json", doc, nil)
}

// Tokens lists tokens, those of one tenant where it is given.
func (c *Client) Tokens(ctx context.Context, tenant string) (out []TokenInfo, err error) {
	return out, c.v1(ctx, http.MethodGet, "/tokens", url.Values{"tenant": {tenant}}, "", nil, &out)
}

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, r TokenRequest) (out NewToken, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	return out, c.v1(ctx, http.MethodPost, "/tokens", nil, "application/json", body, &out)
}

// RevokeToken ends a token at once.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.v1(ctx, http.MethodDelete, "/tokens/"+url.PathEscape(id), nil, "", nil, nil)
}

// RotateKeys makes a new key for door codes.
func (c *Client) RotateKeys(ctx context.Context, forget bool) (out Rotated, err error) {
	return out, c.v1(ctx, http.MethodPost, "/keys/rotate", url.Values{"forget": {strconv.FormatBool(forget)}}, "", nil, &out)
}
