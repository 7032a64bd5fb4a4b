package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health tells whether the service can take calls.
type Health interface {
	// Ready returns nil, or why no new call is taken now.
	Ready() error
}

type statusOutput struct {
	Body struct {
		Status string `json:"status" example:"ok" doc:"ok"`
	}
}

func ok() *statusOutput {
	out := &statusOutput{}
	out.Body.Status = "ok"
	return out
}

// Public is the handler of the public listener: /healthz, /readyz and /metrics, and what more registers.
func Public(version string, h Health, metrics prometheus.Gatherer, more ...func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	api := newAPI(mux, "Telefonist", version)
	huma.Register(api, huma.Operation{OperationID: "healthz", Method: http.MethodGet, Path: "/healthz",
		Summary: "The process runs", Tags: []string{"operations"}},
		func(context.Context, *struct{}) (*statusOutput, error) { return ok(), nil })
	huma.Register(api, huma.Operation{OperationID: "readyz", Method: http.MethodGet, Path: "/readyz",
		Summary: "New calls are taken", Tags: []string{"operations"}, Errors: []int{http.StatusServiceUnavailable}},
		func(context.Context, *struct{}) (*statusOutput, error) {
			if err := h.Ready(); err != nil {
				return nil, huma.Error503ServiceUnavailable("not ready: " + err.Error())
			}
			return ok(), nil
		})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	for _, register := range more {
		register(mux)
	}
	return mux
}

// newAPI makes an API without documentation pages, which would load scripts from elsewhere.
func newAPI(mux *http.ServeMux, title, version string) huma.API {
	cfg := huma.DefaultConfig(title, version)
	cfg.DocsPath = ""
	cfg.CreateHooks = nil
	return humago.New(mux, cfg)
}
