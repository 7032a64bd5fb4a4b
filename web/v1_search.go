package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/directory"
)

type searchOutput struct {
	Body struct {
		Hits []Hit `json:"hits"`
	}
}

// searchRoute declares the one box.
func (s *v1) searchRoute() {
	register(s, http.MethodGet, "/tenants/{tenant}/search", "search", "Find people, common numbers, offices, instructions and questions; people who are away with what may be said and whom to ask instead", reading,
		func(ctx context.Context, in *struct {
			Tenanted
			Query string `query:"q" required:"true" minLength:"1" maxLength:"400"`
			Limit int    `query:"limit" minimum:"1" maximum:"100" default:"10"`
			// Caller orders hits and finds nothing.
			Caller string `query:"caller" maxLength:"64" doc:"Number of the caller: what was chosen for it before comes first among what matches as well"`
		}) (*searchOutput, error) {
			if s.Search == nil {
				return nil, huma.Error503ServiceUnavailable("search needs the running server")
			}
			found, err := s.Search.Search(ctx, in.Tenant, in.Query, s.callerOf(in.Tenant, in.Caller), in.Limit)
			if err != nil {
				return nil, err
			}
			out := &searchOutput{}
			out.Body.Hits = []Hit{}
			for _, h := range found {
				there, err := s.fill(in.Tenant, &h)
				if err != nil {
					return nil, err
				}
				if there {
					out.Body.Hits = append(out.Body.Hits, h)
				}
			}
			return out, nil
		}, failing(http.StatusServiceUnavailable))
	register(s, http.MethodPost, "/tenants/{tenant}/choices", "choose", "Tell that a hit was chosen, so that it ranks higher from now on; that a caller was connected counts by itself", reading, s.choose,
		status(http.StatusNoContent), failing(http.StatusServiceUnavailable))
}

type chooseInput struct {
	Tenanted
	Body struct {
		Kind   string `json:"kind" enum:"person,common_number,office,question,instructions"`
		ID     string `json:"id" minLength:"1" maxLength:"100"`
		Caller string `json:"caller,omitempty" maxLength:"64" doc:"Number of the caller whom it was chosen for; kept as a hash"`
	}
}

// choose notes a choice of something that is there.
func (s *v1) choose(_ context.Context, in *chooseInput) (*struct{}, error) {
	if s.Search == nil {
		return nil, huma.Error503ServiceUnavailable("search needs the running server")
	}
	there, err := s.fill(in.Tenant, &Hit{Kind: in.Body.Kind, ID: in.Body.ID})
	if err == nil && !there {
		err = directory.Problems{{Field: "id", Wrong: "is nothing of the tenant", Write: "write kind and id as a search gave them"}}
	}
	if err != nil {
		return nil, err
	}
	return nil, s.Search.Chosen(in.Tenant, in.Body.Kind, in.Body.ID, s.callerOf(in.Tenant, in.Body.Caller), s.Now())
}

// callerOf brings a caller's number into its one form; one that is none is left as it is.
func (s *v1) callerOf(tenant, caller string) string {
	if number, err := directory.ParseNumber(caller, s.region(tenant)); err == nil {
		return number
	}
	return caller
}

// fill says of a hit what the directory says now; there is false where it was deleted since it was indexed.
func (s *v1) fill(tenant string, h *Hit) (there bool, err error) {
	if h.Kind == "common_number" {
		t, _ := s.Tenants().Tenant(tenant)
		for _, c := range t.Common {
			if c.Number == h.ID {
				h.Title, there = c.Name, true
			}
		}
		return there, nil
	}
	it, err := s.Store.Item(tenant, directory.Kind(h.Kind), h.ID)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch it.Kind {
	case directory.KindPerson:
		return true, s.fillPerson(tenant, it, h)
	case directory.KindOffice:
		var o directory.Office
		err = json.Unmarshal(it.Doc, &o)
		h.Title = o.Name
		opening := o.OpeningAt(s.Now(), s.Calendar)
		h.Opening = &opening
	case directory.KindQuestion:
		var q directory.Question
		err = json.Unmarshal(it.Doc, &q)
		h.Title = q.Question
	default: // instructions: of whom
		t, _ := s.Tenants().Tenant(tenant)
		h.Title = t.Name
		for _, c := range t.Common {
			if c.Number == h.ID {
				h.Title = c.Name
			}
		}
	}
	return true, err
}

func (s *v1) fillPerson(tenant string, it directory.Item, h *Hit) error {
	var p directory.Person
	if err := json.Unmarshal(it.Doc, &p); err != nil {
		return err
	}
	h.Title, h.Detail = p.Name(), strings.Join(slices.DeleteFunc([]string{p.Title, p.Department}, func(s string) bool { return s == "" }), ", ")
	presence, err := s.presence(tenant, it.ID)
	if err != nil || !presence.Away && presence.Line == nil {
		return err
	}
	h.Presence = &presence
	if !presence.Away { // on the phone: will be back in a moment
		return nil
	}
	for _, id := range p.Substitutes {
		other, err := s.Store.Item(tenant, directory.KindPerson, id)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		var sub directory.Person
		if err := json.Unmarshal(other.Doc, &sub); err != nil {
			return err
		}
		also, err := s.presence(tenant, id)
		if err != nil {
			return err
		}
		h.Substitutes = append(h.Substitutes, Substitute{id, sub.Name(), also.Away})
	}
	return nil
}

// presence is what may be said of one person now.
func (s *v1) presence(tenant, person string) (directory.Presence, error) {
	all, err := s.presences(tenant, person+"/", s.Now())
	out := directory.Presence{Connect: true}
	if len(all) > 0 {
		out = all[0].Presence
	}
	out.Line = s.lines.line(tenant, person, s.Now())
	return out, err
}
