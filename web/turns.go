package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// maxTurns is how many of something that costs much are under way at a time for all tenants: files that are read, each of which may be
// maxUpload and unpacks to more, exports that are written, erasures, which read every call. Others wait, for turnPatience at most.
const (
	maxTurns     = 4
	turnPatience = 30 * time.Second
)

// turns are what is under way of one of these, one of each tenant at most.
type turns struct {
	mu     sync.Mutex // protects of and the making of places
	of     map[string]bool
	places chan struct{}
}

// enter takes a place, and waits for one; the error says why there is none. what is what it is for, in a word.
func (u *turns) enter(ctx context.Context, tenant, what string) (leave func(), err error) {
	u.mu.Lock()
	if u.of[tenant] {
		u.mu.Unlock()
		return nil, later("another " + what + " of the tenant is under way: wait for its end")
	}
	if u.of == nil {
		u.of, u.places = map[string]bool{}, make(chan struct{}, maxTurns)
	}
	u.of[tenant] = true
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	select {
	case u.places <- struct{}{}:
		return func() { <-u.places; u.leave(tenant) }, nil
	case <-ctx.Done():
		u.leave(tenant)
		return nil, later("those of other tenants are under way: try again in some seconds")
	}
}

func (u *turns) leave(tenant string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.of, tenant)
}

// later says that there is no place now.
func later(why string) error {
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(why), http.Header{"Retry-After": {"5"}})
}

// upload has the body of a route read only while there is a place for it, so that many large files at a time cost calls no memory.
func (s *v1) upload(ctx huma.Context, next func(huma.Context)) {
	leave, err := s.files.enter(ctx.Context(), ctx.Param("tenant"), "file")
	if err != nil {
		s.Metrics.requests.WithLabelValues("limited").Inc()
		ctx.SetHeader("Retry-After", "5")
		_ = huma.WriteErr(s.api, ctx, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer leave()
	next(ctx)
}
