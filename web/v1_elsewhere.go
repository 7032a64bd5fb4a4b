package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// apiPath is what all routes of the API are below.
const apiPath = "/api/v1/"

// elsewhere answers what no route takes, as all errors are answered: 405 where a route has the path with another method, else 404.
func elsewhere(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			other := *r
			other.Method = method
			if _, pattern := mux.Handler(&other); strings.HasPrefix(pattern, method+" ") {
				allowed = append(allowed, method)
			}
		}
		problem := huma.ErrorModel{Status: http.StatusNotFound, Title: http.StatusText(http.StatusNotFound), Detail: "there is no such route: see " + apiPath + "openapi.json"}
		if len(allowed) > 0 {
			problem.Status, problem.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
			problem.Detail = "this takes " + strings.Join(allowed, ", ")
			w.Header().Set("Allow", strings.Join(allowed, ", "))
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(problem.Status)
		_ = json.NewEncoder(w).Encode(problem)
	})
}
