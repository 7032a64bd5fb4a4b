package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Service tells who answers a tenant's calls now, by a common number where one is given.
func (c *Client) Service(ctx context.Context, tenant, common string) (out ServiceInfo, err error) {
	q := url.Values{}
	if common != "" {
		q.Set("common", common)
	}
	return out, c.v1(ctx, http.MethodGet, "/tenants/"+url.PathEscape(tenant)+"/service", q, "", nil, &out)
}

// SetService says that a tenant's own receptionists are away, or back.
func (c *Client) SetService(ctx context.Context, tenant string, in AwayRequest) (out ServiceInfo, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	return out, c.v1(ctx, http.MethodPut, "/tenants/"+url.PathEscape(tenant)+"/service", nil, "application/json", body, &out)
}
