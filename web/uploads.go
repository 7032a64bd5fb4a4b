package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// maxUploads is how many files are read at a time for all tenants, and how many are written: each may be maxUpload, and unpacks to more. Others
// wait, for uploadPatience at most.
const (
	maxUploads     = 4
	uploadPatience = 30 * time.Second
)

// uploads are the files that are being read, or those that are being written, one of each tenant at most.
type uploads struct {
	mu     sync.Mutex // protects of and the making of places
	of     map[string]bool
	places chan struct{}
}

// enter takes a place, and waits for one; refused says why there is none.
func (u *uploads) enter(ctx context.Context, tenant string) (refused string) {
	u.mu.Lock()
	if u.of[tenant] {
		u.mu.Unlock()
		return "another file of the tenant is being read or written: wait for its end"
	}
	if u.of == nil {
		u.of, u.places = map[string]bool{}, make(chan struct{}, maxUploads)
	}
	u.of[tenant] = true
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, uploadPatience)
	defer cancel()
	select {
	case u.places <- struct{}{}:
		return ""
	case <-ctx.Done():
		u.leave(tenant)
		return "files of other tenants are being read or written: try again in some seconds"
	}
}

func (u *uploads) leave(tenant string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.of, tenant)
}

// exit gives the place back.
func (u *uploads) exit(tenant string) {
	<-u.places
	u.leave(tenant)
}

// upload has the body of a route read only while there is a place for it, so that many large files at a time cost calls no memory.
func (s *v1) upload(ctx huma.Context, next func(huma.Context)) {
	tenant := ctx.Param("tenant")
	if refused := s.uploads.enter(ctx.Context(), tenant); refused != "" {
		s.Metrics.requests.WithLabelValues("limited").Inc()
		ctx.SetHeader("Retry-After", "5")
		_ = huma.WriteErr(s.api, ctx, http.StatusServiceUnavailable, refused)
		return
	}
	defer s.uploads.exit(tenant)
	next(ctx)
}
