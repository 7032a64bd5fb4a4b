package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// checkPerson finds substitutes and common numbers that do not exist.
func (s *v1) checkPerson(_ context.Context, tenant, id string, p *directory.Person) (wrong directory.Problems, err error) {
	for i, sub := range p.Substitutes {
		if _, err := s.Store.Item(tenant, directory.KindPerson, sub); isNotFound(err) || sub == id {
			wrong = append(wrong, directory.Problem{Field: fmt.Sprintf("substitutes[%d]", i), Wrong: "there is no other person " + sub, Write: "write the id of one of the tenant's people"})
		} else if err != nil {
			return nil, err
		}
	}
	return wrong, nil
}

// maxBulk is how many people one request may bring.
const maxBulk = 1000

// BulkResult is what became of one person.
type BulkResult struct {
	ExternalID string         `json:"external_id"`
	ID         string         `json:"id"`
	Fate       directory.Fate `json:"fate" enum:"create,update,unchanged"`
	Version    uint64         `json:"version"`
}

type bulkOutput struct {
	Body struct {
		Results []BulkResult `json:"results"`
	}
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
	register(s, http.MethodPost, "/tenants/{tenant}/people/{id}/erase", "erase-person", "Erase a person with all traces: referrals and history too", []account.Scope{account.Erase},
		func(ctx context.Context, in *ItemPath) (*struct{}, error) {
			return nil, s.Store.Erase(in.Tenant, in.ID, actor(ctx, "api"), s.Now())
		}, status(http.StatusNoContent))
	register(s, http.MethodGet, "/tenants/{tenant}/people/{id}/presence", "get-presence", "What may be said of a person now: the safe phrase, never the true reason", reading,
		func(ctx context.Context, in *struct {
			ItemPath
			At time.Time `query:"at"`
		}) (*struct{ Body PresenceOf }, error) {
			if _, err := s.Store.Item(in.Tenant, directory.KindPerson, in.ID); err != nil {
				return nil, err
			}
			all, err := s.presences(in.Tenant, in.ID+"/", in.At)
			out := &struct{ Body PresenceOf }{PresenceOf{in.ID, directory.Presence{Connect: true}}}
			if len(all) == 1 {
				out.Body = all[0]
			}
			return out, err
		})
	register(s, http.MethodGet, "/tenants/{tenant}/absent", "list-absent", "Everybody who is away, with what may be said of it", reading,
		func(ctx context.Context, in *struct {
			Tenanted
			At time.Time `query:"at"`
		}) (*struct{ Body []PresenceOf }, error) {
			all, err := s.presences(in.Tenant, "", in.At)
			return &struct{ Body []PresenceOf }{slices.DeleteFunc(all, func(p PresenceOf) bool { return !p.Away })}, err
		})
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

// upsert creates or updates people in one transaction.
func (s *v1) upsert(ctx context.Context, tenant string, people []directory.Person) (*bulkOutput, error) {
	var wrong directory.Problems
	var edits []directory.Edit
	out := &bulkOutput{}
	out.Body.Results = []BulkResult{}
	seen := map[string]bool{}
	for i := range people {
		p, at := &people[i], fmt.Sprintf("people[%d]", i)
		id, match, old, err := s.byExternalID(tenant, p.ExternalID)
		if err != nil {
			return nil, err
		}
		switch {
		case p.ExternalID == "":
			wrong = append(wrong, directory.Problem{Field: at + ".external_id", Wrong: "is missing", Write: "write the person's key in your system"})
		case seen[p.ExternalID]:
			wrong = append(wrong, directory.Problem{Field: at + ".external_id", Wrong: "stands twice in the request", Write: "write each person once"})
		}
		seen[p.ExternalID] = true
		text, err := prepare(ctx, s, tenant, id, p, s.checkPerson)
		var bad directory.Problems
		if errors.As(err, &bad) {
			for _, b := range bad {
				b.Field = at + "." + b.Field
				wrong = append(wrong, b)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		r := BulkResult{ExternalID: p.ExternalID, ID: id, Fate: directory.Update, Version: match}
		switch {
		case old == nil:
			r.Fate = directory.Create
		case string(old) == string(text):
			r.Fate = directory.Unchanged
		}
		if r.Fate != directory.Unchanged {
			edits = append(edits, directory.Edit{Kind: directory.KindPerson, ID: id, Doc: text, Match: match})
		}
		out.Body.Results = append(out.Body.Results, r)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if len(edits) == 0 {
		return out, nil
	}
	items, err := s.edit(ctx, tenant, edits...)
	if err != nil {
		return nil, err
	}
	for i := range out.Body.Results {
		if r := &out.Body.Results[i]; r.Fate != directory.Unchanged {
			r.Version, items = items[0].Version, items[1:]
		}
	}
	return out, nil
}

// byExternalID finds the person with an external id, or makes an id for a new one.
func (s *v1) byExternalID(tenant, external string) (id string, version uint64, doc json.RawMessage, err error) {
	ids, err := s.Store.FindPeople(tenant, directory.ExternalKey(external))
	if err != nil || len(ids) == 0 || external == "" {
		return newID(), directory.NoVersion, nil, err
	}
	it, err := s.Store.Item(tenant, directory.KindPerson, ids[0])
	return it.ID, it.Version, it.Doc, err
}

// conflict is a request that cannot be carried out as things are.
func conflict(field, message string) error {
	return huma.Error409Conflict(message, &huma.ErrorDetail{Location: field, Message: message})
}
