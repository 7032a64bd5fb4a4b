package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
	"telefonist/web"
)

// streaming is the API with a stream of events. closed tells of the connections that the server closed, by the far side.
type streaming struct {
	*service
	closed chan string
}

func eventService(t *testing.T, heartbeat time.Duration) *streaming {
	t.Helper()
	s := &streaming{newService(t), make(chan string, 1000)}
	dir, err := directory.New([]directory.Tenant{{ID: "acme", Name: "Acme AB", Number: "+46850000001"}, {ID: "evil", Name: "Evil AB", Number: "+46850000002"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	api := &web.V1{Store: s.store, Events: s.store, Heartbeat: heartbeat, Tenants: func() *directory.Directory { return dir },
		Log: slog.New(slog.DiscardHandler), Metrics: web.NewV1Metrics(nil), Now: func() time.Time { return s.now }}
	public, local := http.NewServeMux(), http.NewServeMux()
	api.Register(public)
	api.RegisterLocal(local)
	for url, mux := range map[*string]http.Handler{&s.url: public, &s.local: local} {
		srv := httptest.NewUnstartedServer(mux)
		srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			_ = c.(*net.TCPConn).SetWriteBuffer(4096) // a slow reader is noticed soon
			return ctx
		}
		srv.Config.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				s.closed <- c.RemoteAddr().String()
			}
		}
		srv.Config.RegisterOnShutdown(api.EndStreams)
		srv.Start()
		*url = srv.URL
		t.Cleanup(func() { api.Close(); srv.Close() })
	}
	return s
}

// commit writes and waits until it is durable.
func (s *streaming) commit(c record.Commit) {
	s.t.Helper()
	done := make(chan error, 1)
	s.store.Commit(c, func(err error) { done <- err })
	select {
	case err := <-done:
		if err != nil {
			s.t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		s.t.Fatal("the store does not answer")
	}
}

// arrives begins a call of a tenant's with some events.
func (s *streaming) arrives(n int, tenant string, kinds ...call.Kind) {
	s.t.Helper()
	id := call.ID(fmt.Sprintf("call%d", n))
	at := s.now.Add(time.Duration(n) * time.Second)
	c := record.Commit{Call: id, Head: &record.Head{Call: id, Received: at, Rules: call.Rules{Tenant: tenant}}}
	for i, k := range append([]call.Kind{call.KindArrived}, kinds...) {
		since := time.Duration(i) * time.Second
		c.Entries = append(c.Entries, call.Entry{Wall: at.Add(since), Since: since, Kind: k, Agent: "anna"})
	}
	s.commit(c)
}

func (s *streaming) supervisor() string {
	return s.token(account.Token{Name: "wallboard", Scopes: []account.Scope{account.Supervise}, PerMinute: 100_000})
}

func TestEventsAreReadInPagesByNumber(t *testing.T) {
	s := eventService(t, time.Minute)
	for n := range 10 {
		s.arrives(n, []string{"acme", "evil"}[n%2], call.KindQueued)
	}
	first := s.do(s.url, s.supervisor(), "GET", "/events?limit=5", "")
	if first.status != 200 || first.field("events.0.seq") != "1" || first.field("next") != "5" || first.field("last") != "20" {
		t.Fatal(first)
	}
	rest := s.do(s.local, "", "GET", "/events?after=5&limit=1000", "")
	if rest.field("events.0.seq") != "6" || rest.field("next") != "20" || rest.field("events.14.kind") != "queued" {
		t.Fatal(rest)
	}
	if only := s.do(s.local, "", "GET", "/events?tenant=evil&limit=1000", ""); strings.Contains(only.body, "acme") || only.field("events.9.seq") != "20" {
		t.Error(only)
	}
	if a := s.do(s.local, "", "GET", "/events?after=21", ""); a.status != 410 || !strings.Contains(a.body, "the stream ends with 20") {
		t.Error(a)
	}
	if _, err := s.store.PruneEvents(context.Background(), s.now.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	if a := s.do(s.local, "", "GET", "/events?after=1", ""); a.status != 410 || !strings.Contains(a.body, "go on after 3") {
		t.Error(a)
	}
}

func TestATenantsTokenSeesItsOwnEventsAlone(t *testing.T) {
	s := eventService(t, time.Minute)
	for n := range 10 {
		s.arrives(n, []string{"acme", "evil"}[n%2])
	}
	s.commit(record.Commit{Stream: []record.StreamEvent{{At: s.now, About: record.AboutAgent, Kind: record.AgentAvailable, Agent: "anna"}}})
	mine := s.do(s.url, s.tokens["acme"], "GET", "/events", "")
	if mine.status != 200 || strings.Contains(mine.body, "evil") || strings.Contains(mine.body, "available") || mine.field("events.4.tenant") != "acme" || mine.field("next") != "11" {
		t.Fatal(mine)
	}
	noScope := s.token(account.Token{Tenant: "acme", Name: "x", Scopes: []account.Scope{account.ReadDirectory}})
	agent := s.token(account.Token{Agent: "anna", Name: "x", Scopes: []account.Scope{account.Work}})
	for _, path := range []string{"/events", "/events/stream", "/statistics"} {
		for _, c := range []struct {
			token, query string
			status       int
		}{{s.tokens["acme"], "?tenant=evil", 404}, {s.tokens["acme"], "?tenant=none", 404}, {noScope, "", 403}, {noScope, "?tenant=evil", 403}, {agent, "", 403}, {"", "", 401}} {
			if a := s.do(s.url, c.token, "GET", path+c.query, ""); a.status != c.status {
				t.Errorf("%s%s answers %v, want %d", path, c.query, a, c.status)
			}
		}
	}
}

// sse is an open stream.
type sse struct {
	t    *testing.T
	res  *http.Response
	text *bufio.Reader
	stop context.CancelFunc
}

func (s *streaming) openStream(base, token, query string, header ...string) *sse {
	s.t.Helper()
	return s.stream(base, token, "/events/stream"+query, header...)
}

func (s *service) stream(base, token, path string, header ...string) *sse {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(stop)
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v1"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	return &sse{s.t, res, bufio.NewReader(res.Body), stop}
}

// next reads the next event; heartbeats give one without a kind.
func (c *sse) next() (e record.StreamEvent, id string) {
	c.t.Helper()
	for {
		line, err := c.text.ReadString('\n')
		if err != nil {
			c.t.Fatalf("the stream ended: %v", err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			return e, id
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[6:]), &e); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// event reads the next event behind any heartbeats.
func (c *sse) event() record.StreamEvent {
	c.t.Helper()
	for {
		e, id := c.next()
		if e.Kind != "" {
			if fmt.Sprint(e.Seq) != id {
				c.t.Errorf("id %s of %+v", id, e)
			}
			return e
		}
	}
}

func (c *sse) ended() error {
	_, err := io.Copy(io.Discard, c.text)
	return err
}

func TestTheStreamGoesOnWhereTheReaderWas(t *testing.T) {
	s := eventService(t, time.Minute)
	s.arrives(1, "acme", call.KindQueued)
	c := s.openStream(s.url, s.supervisor(), "")
	if got := c.res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("is %s", got)
	}
	if a, b := c.event(), c.event(); a.Seq != 1 || b.Seq != 2 || b.Kind != "queued" {
		t.Errorf("got %+v, %+v", a, b)
	}
	s.arrives(2, "evil")
	if e := c.event(); e.Seq != 3 || e.Tenant != "evil" {
		t.Errorf("got %+v", e)
	}
	c.stop()
	s.arrives(3, "acme")
	again := s.openStream(s.url, s.supervisor(), "?after=1", "Last-Event-ID", "3")
	if e := again.event(); e.Seq != 4 {
		t.Errorf("got %+v", e)
	}
	if e := s.openStream(s.local, "", "?after=1").event(); e.Seq != 2 {
		t.Errorf("got %+v", e)
	}
	for after, want := range map[string]int{"5": 410, "x": 422} {
		if res := s.openStream(s.local, "", "", "Last-Event-ID", after).res; res.StatusCode != want {
			t.Errorf("Last-Event-ID %s answers %s", after, res.Status)
		}
	}
}

func TestATenantsStreamMovesOnThoughNothingOfItsHappens(t *testing.T) {
	s := eventService(t, time.Second)
	s.arrives(1, "acme")
	c := s.openStream(s.url, s.tokens["acme"], "")
	if e := c.event(); e.Seq != 1 {
		t.Fatal(e)
	}
	for n := range 5 {
		s.arrives(2+n, "evil")
	}
	for {
		e, id := c.next()
		if e.Kind != "" {
			t.Fatalf("got %+v", e)
		}
		if id == "6" {
			break
		}
	}
	s.arrives(10, "acme")
	if e := c.event(); e.Seq != 7 || e.Tenant != "acme" {
		t.Errorf("got %+v", e)
	}
}

func TestStreamsOfATokenAreFewAndEndWithIt(t *testing.T) {
	s := eventService(t, time.Second)
	text, kept, err := account.Make(rng{}, account.Token{Name: "wall", Scopes: []account.Scope{account.Supervise}, PerMinute: 100_000})
	if err == nil {
		err = s.store.PutToken(kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	var open []*sse
	for range 4 {
		open = append(open, s.openStream(s.url, text, ""))
	}
	if res := s.openStream(s.url, text, "").res; res.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("the fifth is answered %s", res.Status)
	}
	if res := s.openStream(s.url, s.tokens["acme"], "").res; res.StatusCode != 200 {
		t.Errorf("another token's is answered %s", res.Status)
	}
	if err := s.store.ChangeToken(kept.ID, func(k *account.Token) { k.Revoked = s.now }); err != nil {
		t.Fatal(err)
	}
	for _, c := range open {
		if err := c.ended(); err != nil {
			t.Errorf("ended with %v", err)
		}
	}
}

// rng is a source of bytes for a token.
type rng struct{}

func (rng) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i + 1)
	}
	return len(b), nil
}

func TestASlowReaderIsCutOffAndHoldsNobodyUp(t *testing.T) {
	s := eventService(t, 3*time.Second)
	dial := (&net.Dialer{}).DialContext
	var mine string
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err == nil {
			mine = c.LocalAddr().String()
			_ = c.(*net.TCPConn).SetReadBuffer(4096)
		}
		return c, err
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.local+"/api/v1/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	fast := s.openStream(s.local, "", "")
	const commits, each = 40, 500
	go func() {
		list := make([]record.StreamEvent, each)
		for i := range list {
			list[i] = record.StreamEvent{At: s.now, About: record.AboutAgent, Kind: record.AgentAvailable, Agent: "anna", Tenant: "acme"}
		}
		for range commits {
			s.store.Commit(record.Commit{Stream: list}, nil)
		}
	}()
	for n := range uint64(commits * each) { // nobody waits for the slow one
		if e := fast.event(); e.Seq != n+1 {
			t.Fatalf("got %+v as event %d", e, n+1)
		}
	}
	fast.stop()
	for cut := ""; cut != mine; {
		select {
		case cut = <-s.closed:
		case <-time.After(30 * time.Second):
			t.Fatal("the slow reader was not cut off")
		}
	}
	// It reads only now, and loses nothing: it resumes behind the last whole event.
	got, err := io.ReadAll(res.Body)
	if err == nil {
		t.Error("its stream ended as if it were whole")
	}
	seen := strings.Count(string(got), "\ndata: ")
	if seen == 0 || seen >= commits*each {
		t.Fatalf("the slow reader got %d events", seen)
	}
	last := strings.LastIndex(string(got), "\n\n")
	id := string(got[:last])
	id = id[strings.LastIndex(id, "id: ")+4:]
	id, _, _ = strings.Cut(id, "\n")
	var after uint64
	if _, err := fmt.Sscan(id, &after); err != nil {
		t.Fatal(err)
	}
	if e := s.openStream(s.local, "", "", "Last-Event-ID", id).event(); e.Seq != after+1 {
		t.Errorf("resumes with %d after %s", e.Seq, id)
	}
}
