package web

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"telefonist/directory"
)

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

// upserting is one request that brings people by their external ids.
type upserting struct {
	s      *v1
	tenant string
	// of is where each external id of the request belongs: the person that there is, or an id for a new one.
	of      map[string]directory.Item
	created map[string]bool
}

// upsert creates or updates people in one transaction. Their substitutes may be named by external id, also those whom the same
// request brings.
func (s *v1) upsert(ctx context.Context, tenant string, people []directory.Person) (*bulkOutput, error) {
	u := &upserting{s, tenant, map[string]directory.Item{}, map[string]bool{}}
	var wrong directory.Problems
	for i := range people {
		people[i].ExternalID = strings.TrimSpace(people[i].ExternalID)
		problem, err := u.meet(people[i].ExternalID)
		if err != nil {
			return nil, err
		}
		if problem != nil {
			problem.Field = fmt.Sprintf("people[%d].external_id", i)
			wrong = append(wrong, *problem)
		}
	}
	out := &bulkOutput{}
	out.Body.Results = []BulkResult{}
	var edits []directory.Edit
	for i := range people {
		r, e, err := u.one(ctx, &people[i])
		var bad directory.Problems
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		for _, b := range bad {
			b.Field = fmt.Sprintf("people[%d].%s", i, b.Field)
			wrong = append(wrong, b)
		}
		if r.Fate != directory.Unchanged {
			edits = append(edits, e)
		}
		out.Body.Results = append(out.Body.Results, r)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return out, u.write(ctx, edits, out.Body.Results)
}

// meet looks up whom an external id names.
func (u *upserting) meet(external string) (*directory.Problem, error) {
	if external == "" {
		return &directory.Problem{Wrong: "is missing", Write: "write the person's key in your system"}, nil
	}
	if _, twice := u.of[external]; twice {
		return &directory.Problem{Wrong: "stands twice in the request", Write: "write each person once"}, nil
	}
	it, known, err := u.byExternalID(external)
	if err != nil {
		return nil, err
	}
	if !known {
		it = directory.Item{ID: newID()}
		u.created[it.ID] = true
	}
	u.of[external] = it
	return nil, nil
}

// byExternalID finds the person with an external id.
func (u *upserting) byExternalID(external string) (it directory.Item, known bool, err error) {
	ids, err := u.s.Store.FindPeople(u.tenant, directory.ExternalKey(external))
	if err != nil || len(ids) == 0 {
		return it, false, err
	}
	it, err = u.s.Store.Item(u.tenant, directory.KindPerson, ids[0])
	return it, err == nil, err
}

// one decides the fate of one person, and the change that it asks for. The error is directory.Problems where the person is wrong.
func (u *upserting) one(ctx context.Context, p *directory.Person) (r BulkResult, e directory.Edit, err error) {
	old := u.of[p.ExternalID]
	for i, word := range p.Substitutes {
		if p.Substitutes[i], err = u.substitute(word); err != nil {
			return r, e, err
		}
	}
	text, err := prepare(ctx, u.s, u.tenant, old.ID, p, func(_ context.Context, tenant, id string, p *directory.Person) (directory.Problems, error) {
		return u.s.checkPersonWith(tenant, id, p, u.created)
	})
	r = BulkResult{ExternalID: p.ExternalID, ID: old.ID, Fate: directory.Update, Version: old.Version}
	switch {
	case old.Doc == nil:
		r.Fate = directory.Create
	case string(old.Doc) == string(text):
		r.Fate = directory.Unchanged
	}
	return r, directory.Edit{Kind: directory.KindPerson, ID: old.ID, Doc: text, Match: old.Version}, err
}

// substitute gives the id of whom a word names: an id, or the external id of somebody in the request or in the directory.
func (u *upserting) substitute(word string) (id string, err error) {
	if _, err := u.s.Store.Item(u.tenant, directory.KindPerson, word); err == nil {
		return word, nil
	} else if !isNotFound(err) {
		return "", err
	}
	if it, brought := u.of[word]; brought {
		return it.ID, nil
	}
	it, known, err := u.byExternalID(word)
	if known {
		word = it.ID
	}
	return word, err
}

// write carries the changes out and notes the versions that they make.
func (u *upserting) write(ctx context.Context, edits []directory.Edit, results []BulkResult) error {
	if len(edits) == 0 {
		return nil
	}
	items, err := u.s.edit(ctx, u.tenant, edits...)
	if err != nil {
		return err
	}
	for i := range results {
		if r := &results[i]; r.Fate != directory.Unchanged {
			r.Version, items = items[0].Version, items[1:]
		}
	}
	return nil
}
