package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
)

// SetSwitch keeps what a tenant's own receptionists have set, so that the next call goes by it.
type SetSwitch func(tenant string, s directory.Switch, by directory.Actor) (directory.Switch, error)

// ServiceInfo says when the service answers for a tenant.
type ServiceInfo struct {
	Mode directory.Mode `json:"mode" enum:"always,with_own,overflow,closed_hours,when_away" doc:"When the service answers, as it is configured"`
	directory.Service
	Text string `json:"text" doc:"The same in words: open until 17:00 (the service answers)"`
	// Switch is what was set last; it may have ended.
	Switch directory.Switch `json:"switch" doc:"What the tenant's own receptionists have set last, and when it ends or has ended"`
	Hours  *calendar.Hours  `json:"hours,omitempty" doc:"Opening hours; missing: always open"`
	Pool   *calendar.Hours  `json:"pool_hours,omitempty" doc:"Hours of the service, where it is had for a part of the time only"`
}

// AwayRequest sets the switch.
type AwayRequest struct {
	Away  bool      `json:"away" doc:"The tenant's own receptionists are away, so that the service answers"`
	Until time.Time `json:"until,omitzero" doc:"When they are back by themselves; missing: when the switch is set again"`
}

type serviceOutput struct{ Body ServiceInfo }

// switching are the scopes that may set the switch: like a referral it says who is away.
var switching = []account.Scope{account.WriteDirectory, account.WriteReferrals}

func (s *v1) serviceRoutes() {
	const path = "/tenants/{tenant}/service"
	register(s, http.MethodGet, path, "get-service", "Who answers the tenant's calls now, and until when", reading,
		func(_ context.Context, in *struct {
			Tenanted
			Common string    `query:"common" doc:"For calls to this common number"`
			At     time.Time `query:"at" doc:"Instant; now where missing"`
		}) (*serviceOutput, error) {
			if in.At.IsZero() {
				in.At = s.Now()
			}
			return s.service(in.Tenant, in.Common, in.At)
		})
	register(s, http.MethodPut, path, "put-service", "Say that the tenant's own receptionists are away, or back; the next call goes by it, and the last one counts", switching,
		func(ctx context.Context, in *struct {
			Tenanted
			Body AwayRequest
		}) (*serviceOutput, error) {
			if s.SetSwitch == nil {
				return nil, huma.Error503ServiceUnavailable("nothing can be switched here")
			}
			if a, _ := s.Tenants().Agent(identity(ctx).Agent); identity(ctx).IsAgent() && a.Kind != call.Own {
				return nil, huma.Error403Forbidden("only the tenant's own receptionists say that they are away")
			}
			by := actor(ctx, "api")
			if _, err := s.SetSwitch(in.Tenant, directory.Switch{Away: in.Body.Away, Until: in.Body.Until}, by); err != nil {
				return nil, err
			}
			s.Log.InfoContext(ctx, "own receptionists switched", "tenant", in.Tenant, "away", in.Body.Away, "until", in.Body.Until, "by", by.Name)
			return s.service(in.Tenant, "", s.Now())
		}, failing(http.StatusServiceUnavailable))
}

func (s *v1) service(tenant, common string, at time.Time) (*serviceOutput, error) {
	all := s.Tenants()
	t, _ := all.Tenant(tenant)
	var number directory.CommonNumber
	if common != "" {
		e164, err := s.scope(tenant, common)
		if err != nil || e164 == directory.ScopeTenant {
			return nil, unprocessable("query", directory.Problems{{Field: "common", Wrong: "is no common number of the tenant", Write: "write one of its common numbers, or leave it out"}})
		}
		number.Number = e164
	}
	serving, sw := t.ServingOf(number), all.Switch(tenant)
	now := directory.ServiceAt(t, number, at, sw)
	out := &serviceOutput{ServiceInfo{Mode: serving.Mode, Service: now, Text: now.Text(at), Switch: sw}}
	if out.Body.Mode == "" {
		out.Body.Mode = directory.ModeAlways
	}
	if serving.Hours.Known() {
		out.Body.Hours = &serving.Hours
	}
	if serving.Pool.Known() {
		out.Body.Pool = &serving.Pool
	}
	return out, nil
}
