package web

import (
	"context"
	"net/http"
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

// DoorCodeInput is a door code as it is handed in.
type DoorCodeInput struct {
	Label   string    `json:"label" doc:"Which door"`
	Secret  string    `json:"code" doc:"The code; it is never answered again but by show"`
	Expires time.Time `json:"expires,omitzero"`
}

type putDoorCode struct {
	DoorCodePath
	Precondition
	Body DoorCodeInput
}

type doorCodeOutput struct {
	ETag string `header:"ETag"`
	Body DoorCode
}

type deleteDoorCode struct {
	DoorCodePath
	Precondition
}

type showDoorCode struct {
	DoorCodePath
	Body struct {
		Call string `json:"call" minLength:"1" maxLength:"100" doc:"The live call that it is for"`
	}
}

// shownDoorCode is the one answer that holds a code, and nobody on its way may keep it.
type shownDoorCode struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Code string `json:"code"`
	}
}

// doorCodeRoutes declares a code's life: it is kept, listed without itself, shown one at a time, and deleted.
func (s *v1) doorCodeRoutes() {
	const path = "/tenants/{tenant}/offices/{id}/doorcodes"
	register(s, http.MethodGet, path, "list-doorcodes", "An office's door codes, without the codes", reading, s.listDoorCodes)
	register(s, http.MethodPut, path+"/{code}", "put-doorcode", "Keep a door code, sealed", writing, s.putDoorCode, changing, failing(http.StatusServiceUnavailable))
	register(s, http.MethodDelete, path+"/{code}", "delete-doorcode", "Delete a door code", writing, s.deleteDoorCode, status(http.StatusNoContent), changing)
	register(s, http.MethodPost, path+"/{code}/show", "show-doorcode", "Show one door code during a call of the tenant; each look is kept with agent and call",
		[]account.Scope{account.RevealCodes}, s.showDoorCode, failing(http.StatusGone, http.StatusServiceUnavailable))
}

func (s *v1) listDoorCodes(_ context.Context, in *pagedItem) (*pageOutput[DoorCode], error) {
	if _, err := s.Store.Item(in.Tenant, directory.KindOffice, in.ID); err != nil {
		return nil, err
	}
	infos, err := s.Store.DoorCodes(in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	var all []DoorCode
	for _, d := range infos {
		all = append(all, s.doorCode(d))
	}
	return paged(all, in.Page, func(d DoorCode) string { return d.ID })
}

func (s *v1) putDoorCode(ctx context.Context, in *putDoorCode) (*doorCodeOutput, error) {
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
	return &doorCodeOutput{etag(d.Version), s.doorCode(d)}, err
}

func (s *v1) deleteDoorCode(ctx context.Context, in *deleteDoorCode) (*struct{}, error) {
	match, err := in.match()
	if err != nil {
		return nil, err
	}
	_, err = s.edit(ctx, in.Tenant, directory.Edit{Kind: directory.KindDoorCode, ID: in.ID + "/" + in.Code, Match: match})
	return nil, err
}

// showDoorCode shows a code to the receptionist on a call. The look is in the history before she sees it.
func (s *v1) showDoorCode(ctx context.Context, in *showDoorCode) (*shownDoorCode, error) {
	agent, err := s.agentOn(ctx, in.Tenant, in.Body.Call)
	if err != nil {
		return nil, err
	}
	by := directory.Actor{Name: agent, Way: identity(ctx).Name, Call: in.Body.Call}
	out := &shownDoorCode{CacheControl: "no-store"}
	if out.Body.Code, err = s.Store.ShowDoorCode(in.Tenant, in.ID, in.Code, by, s.Now()); err != nil {
		return nil, err
	}
	s.Metrics.looks.Inc()
	s.Log.InfoContext(ctx, "door code shown", "tenant", in.Tenant, "office", in.ID, "door", in.Code, "agent", agent, "call", in.Body.Call)
	return out, nil
}

// agentOn gives the receptionist who has a live call of the tenant. Where a receptionist asks, it must be hers.
func (s *v1) agentOn(ctx context.Context, tenant, call string) (string, error) {
	refuse := huma.Error403Forbidden("a door code is shown only during a live call of the tenant that a receptionist has answered",
		&huma.ErrorDetail{Location: "body.call", Message: "is no live call of the tenant with a receptionist"})
	of, agent, live := s.Live(ctx, call)
	if !live || of != tenant || agent == "" {
		return "", refuse
	}
	if who := identity(ctx); who.IsAgent() && who.Agent != agent {
		return "", refuse
	}
	return account.AgentName + agent, nil
}
