package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// DoorCode is a door code as lists have it: without the code.
type DoorCode struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Expires time.Time `json:"expires,omitzero"`
	Expired bool      `json:"expired"`
	Version uint64    `json:"version"`
}

// DoorCodePath is the path of a door code.
type DoorCodePath struct {
	ItemPath
	Code string `path:"code" maxLength:"100"`
}

func (s *v1) doorCode(d directory.DoorCodeInfo) DoorCode {
	return DoorCode{d.ID, d.Label, d.Expires, directory.DoorCode{Expires: d.Expires}.ExpiredAt(s.Now()), d.Version}
}

func (s *v1) doorCodeRoutes() {
	const path = "/tenants/{tenant}/offices/{id}/doorcodes"
	register(s, http.MethodGet, path, "list-doorcodes", "An office's door codes, without the codes", reading,
		func(_ context.Context, in *ItemPath) (*struct{ Body []DoorCode }, error) {
			if _, err := s.Store.Item(in.Tenant, directory.KindOffice, in.ID); err != nil {
				return nil, err
			}
			all, err := s.Store.DoorCodes(in.Tenant, in.ID)
			out := &struct{ Body []DoorCode }{[]DoorCode{}}
			for _, d := range all {
				out.Body = append(out.Body, s.doorCode(d))
			}
			return out, err
		})
	register(s, http.MethodPut, path+"/{code}", "put-doorcode", "Keep a door code, sealed", writing,
		func(ctx context.Context, in *struct {
			DoorCodePath
			Precondition
			Body struct {
				Label   string    `json:"label" doc:"Which door"`
				Secret  string    `json:"code" doc:"The code; it is never answered again but by show"`
				Expires time.Time `json:"expires,omitzero"`
			}
		}) (*struct {
			ETag string `header:"ETag"`
			Body DoorCode
		}, error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			if err := directory.CheckDoorCode(&in.Body.Label, &in.Body.Secret).Err(); err != nil {
				return nil, err
			}
			if !directory.ValidID(in.Code) {
				return nil, unprocessable("path", directory.Problems{{Field: "code", Wrong: "is no id", Write: "write letters and digits, such as front"}})
			}
			d, err := s.Store.PutDoorCode(in.Tenant, in.ID, in.Code, in.Body.Label, in.Body.Secret, in.Body.Expires, match, actor(ctx, "api"), s.Now())
			return &struct {
				ETag string `header:"ETag"`
				Body DoorCode
			}{etag(d.Version), s.doorCode(d)}, err
		}, changing)
	register(s, http.MethodDelete, path+"/{code}", "delete-doorcode", "Delete a door code", writing,
		func(ctx context.Context, in *struct {
			DoorCodePath
			Precondition
		}) (*struct{}, error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			_, err = s.edit(ctx, in.Tenant, directory.Edit{Kind: directory.KindDoorCode, ID: in.ID + "/" + in.Code, Match: match})
			return nil, err
		}, status(http.StatusNoContent), changing)
	register(s, http.MethodPost, path+"/{code}/show", "show-doorcode", "Show one door code during a call of the tenant; each look is kept with agent and call", []account.Scope{account.RevealCodes},
		func(ctx context.Context, in *struct {
			DoorCodePath
			Body struct {
				Call string `json:"call" minLength:"1" maxLength:"100" doc:"The live call that it is for"`
			}
		}) (*struct {
			CacheControl string `header:"Cache-Control"`
			Body         struct {
				Code string `json:"code"`
			}
		}, error) {
			out := &struct {
				CacheControl string `header:"Cache-Control"`
				Body         struct {
					Code string `json:"code"`
				}
			}{CacheControl: "no-store"}
			agent, err := s.agentOn(ctx, in.Tenant, in.Body.Call)
			if err != nil {
				return nil, err
			}
			by := directory.Actor{Name: agent, Way: identity(ctx).Name, Call: in.Body.Call}
			out.Body.Code, err = s.Store.ShowDoorCode(in.Tenant, in.ID, in.Code, by, s.Now())
			if err == nil {
				s.Metrics.looks.Inc()
				s.Log.InfoContext(ctx, "door code shown", "tenant", in.Tenant, "office", in.ID, "door", in.Code, "agent", agent, "call", in.Body.Call)
			}
			return out, err
		}, failing(http.StatusGone, http.StatusServiceUnavailable))
}

// agentOn gives the receptionist who has a live call of the tenant. Where a receptionist asks, it must be hers.
func (s *v1) agentOn(ctx context.Context, tenant, call string) (string, error) {
	refuse := huma.Error403Forbidden("a door code is shown only during a live call of the tenant that a receptionist has answered",
		&huma.ErrorDetail{Location: "body.call", Message: "is no live call of the tenant with a receptionist"})
	of, agent, live := s.Live(ctx, call)
	if !live || of != tenant || agent == "" {
		return "", refuse
	}
	who, isAgent := strings.CutPrefix(identity(ctx).Name, "agent:")
	if isAgent && who != agent {
		return "", refuse
	}
	return "agent:" + agent, nil
}
