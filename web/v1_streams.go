package web

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	// heartbeatEvery is how often a stream on which nothing happens says that it is there, and its token is looked at again.
	heartbeatEvery = 15 * time.Second
	// streamsPerToken and streamsAtAll bound the streams of a kind that are open at once.
	streamsPerToken = 4
	streamsAtAll    = 200
)

// streams are the streams that are open.
type streams struct {
	mu     sync.Mutex // protects what follows
	open   map[string]int
	all    int
	ending chan struct{} // closed by EndStreams; made when first needed
	ended  bool
}

// begin takes a place for a stream of a token's.
func (st *streams) begin(token string) (ending <-chan struct{}, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.ended:
		return nil, huma.Error503ServiceUnavailable("the server is being stopped")
	case token != "" && st.open[token] >= streamsPerToken:
		return nil, huma.Error429TooManyRequests(fmt.Sprintf("the token has %d streams open: close one first", streamsPerToken))
	case st.all >= streamsAtAll:
		return nil, huma.Error503ServiceUnavailable("too many streams are open")
	}
	if st.open == nil {
		st.open = map[string]int{}
	}
	if st.ending == nil {
		st.ending = make(chan struct{})
	}
	st.open[token]++
	st.all++
	return st.ending, nil
}

func (st *streams) end(token string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.all--
	if st.open[token]--; st.open[token] == 0 {
		delete(st.open, token)
	}
}

// endAll ends the streams that are open; no more are begun.
func (st *streams) endAll() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ending != nil && !st.ended {
		close(st.ending)
	}
	st.ended = true
}

// EndStreams ends the streams that are open, so that a server need not wait for them; no more are begun.
func (v *V1) EndStreams() {
	v.streams.endAll()
	v.consoles.endAll()
}

// pipe is a stream of server-sent events to one reader (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type pipe struct {
	s     *v1
	hc    huma.Context
	w     http.ResponseWriter
	rc    *http.ResponseController
	every time.Duration // between heartbeats
}

// pipe begins the answer to a request that is a stream.
func (s *v1) pipe(hc huma.Context) *pipe {
	p := &pipe{s: s, hc: hc, every: s.Heartbeat}
	_, p.w = humago.Unwrap(hc)
	p.rc = http.NewResponseController(p.w)
	hc.SetHeader("Content-Type", "text/event-stream")
	hc.SetHeader("Cache-Control", "no-store")
	hc.SetHeader("X-Accel-Buffering", "no") // nginx would hold it back
	if p.every <= 0 {
		p.every = heartbeatEvery
	}
	return p
}

// ended tells whether the token that opened the stream may be used no longer.
func (p *pipe) ended() bool {
	_, _, err := p.s.auth.who(p.hc)
	return err != nil
}

// send writes to the reader, who is cut off where it takes longer than two thirds of a heartbeat. It may resume where it was.
func (p *pipe) send(text []byte) error {
	if err := p.rc.SetWriteDeadline(time.Now().Add(p.every * 2 / 3)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := p.w.Write(text); err != nil {
		return err
	}
	if err := p.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// end leaves time for what ends the body.
func (p *pipe) end() { _ = p.rc.SetWriteDeadline(time.Now().Add(p.every)) }
