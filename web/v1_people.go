package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// checkPerson finds substitutes and common numbers that do not exist.
func (s *v1) checkPerson(_ context.Context, tenant, id string, p *directory.Person) (directory.Problems, error) {
	return s.checkPersonWith(tenant, id, p, nil)
}

// checkPersonWith is checkPerson with people who are created together with the person.
func (s *v1) checkPersonWith(tenant, id string, p *directory.Person, created map[string]bool) (wrong directory.Problems, err error) {
	for i, sub := range p.Substitutes {
		if created[sub] && sub != id {
			continue
		}
		if _, err := s.Store.Item(tenant, directory.KindPerson, sub); isNotFound(err) || sub == id {
			wrong = append(wrong, directory.Problem{Field: fmt.Sprintf("substitutes[%d]", i), Wrong: "there is no other person " + sub, Write: "write the id of one of the tenant's people"})
		} else if err != nil {
			return nil, err
		}
	}
	for i, r := range p.Responsibilities {
		for _, bad := range s.checkCommon(tenant, r.Common) {
			bad.Field = fmt.Sprintf("responsibilities[%d].common", i)
			wrong = append(wrong, bad)
		}
	}
	return wrong, nil
}

// PresenceOf is what may be said of a person.
type PresenceOf struct {
	Person string `json:"person"`
	directory.Presence
}

func (s *v1) peopleRoutes() {
	register(s, http.MethodPost, "/tenants/{tenant}/people/bulk", "upsert-people", "Create or update people by their external ids, all or none", writing,
		func(ctx context.Context, in *struct {
			Tenanted
			Body struct {
				People []directory.Person `json:"people" minItems:"1" maxItems:"1000"`
			}
		}) (*bulkOutput, error) {
			return s.upsert(ctx, in.Tenant, in.Body.People)
		}, failing(http.StatusConflict))
	register(s, http.MethodPost, "/tenants/{tenant}/people/{id}/erase", "erase-person",
		"Erase a person with all traces: referrals, history, messages, and what call records say of them", []account.Scope{account.Erase}, s.erase, failing(http.StatusConflict, http.StatusServiceUnavailable))
	register(s, http.MethodGet, "/tenants/{tenant}/people/{id}/presence", "get-presence", "What may be said of a person now: the safe phrase, never the true reason", reading,
		func(ctx context.Context, in *struct {
			ItemPath
			AtInstant
		}) (*struct{ Body PresenceOf }, error) {
			if _, err := s.Store.Item(in.Tenant, directory.KindPerson, in.ID); err != nil {
				return nil, err
			}
			all, err := s.presences(in.Tenant, in.ID+"/", in.At)
			out := &struct{ Body PresenceOf }{PresenceOf{in.ID, directory.Presence{Connect: true}}}
			if len(all) == 1 {
				out.Body = all[0]
			}
			if in.At.IsZero() {
				out.Body.Line = s.lines.line(in.Tenant, in.ID, s.Now())
			}
			return out, err
		})
	register(s, http.MethodGet, "/tenants/{tenant}/absent", "list-absent", "Everybody who is away, with what may be said of it", reading,
		func(ctx context.Context, in *struct {
			Tenanted
			Page
			AtInstant
		}) (*pageOutput[PresenceOf], error) {
			all, err := s.presences(in.Tenant, "", in.At)
			if err != nil {
				return nil, err
			}
			away := slices.DeleteFunc(all, func(p PresenceOf) bool { return !p.Away })
			return paged(away, in.Page, func(p PresenceOf) string { return p.Person })
		})
}

type eraseInput struct {
	ItemPath
	DryRun bool `query:"dry_run" doc:"Only tell what would be erased, and what mentions the person and would stay"`
}

// erase erases a person. The tenant's own numbers are no traces of one of its people.
func (s *v1) erase(ctx context.Context, in *eraseInput) (*struct{ Body directory.Erasure }, error) {
	leave, err := s.erasures.enter(ctx, in.Tenant, "erasure")
	if err != nil {
		return nil, err
	}
	defer leave()
	t, _ := s.Tenants().Tenant(in.Tenant)
	spare := []string{t.Number}
	for _, c := range t.Common {
		spare = append(spare, c.Number)
	}
	out, err := s.Store.Erase(ctx, in.Tenant, in.ID, s.Now(), directory.Erase{By: actor(ctx, "api"), Spare: spare, DryRun: in.DryRun})
	if err == nil && !in.DryRun {
		s.lines.forget(in.Tenant, in.ID)
		s.Log.InfoContext(ctx, "person erased", "tenant", in.Tenant, "person", in.ID, "by", identity(ctx).Name, "calls", out.Calls, "messages", out.Messages+out.About)
	}
	return &struct{ Body directory.Erasure }{out}, err
}

// presences gives what may be said of those who have referrals whose ids begin with prefix.
func (s *v1) presences(tenant, prefix string, at time.Time) ([]PresenceOf, error) {
	if at.IsZero() {
		at = s.Now()
	}
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	items, err := every[directory.Referral](s.Store, tenant, directory.KindReferral, prefix)
	if err != nil {
		return nil, err
	}
	out := []PresenceOf{}
	for len(items) > 0 {
		who, n := personOf(items[0].ID), 0
		var all []directory.Referral
		for ; n < len(items) && personOf(items[n].ID) == who; n++ {
			all = append(all, items[n].Doc)
		}
		items = items[n:]
		out = append(out, PresenceOf{who, directory.PresenceAt(all, at, settings)})
	}
	return out, nil
}

// conflict is a request that cannot be carried out as things are.
func conflict(field, message string) error {
	return huma.Error409Conflict(message, &huma.ErrorDetail{Location: field, Message: message})
}
