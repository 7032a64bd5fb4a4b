package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"telefonist/account"
	"telefonist/directory"
)

// restored checks the items of an export as the routes that write them do, and leaves out those that are there already.
func (s *v1) restored(ctx context.Context, tenant string, items []directory.Item) (people directory.PeopleImport, edits []directory.Edit, err error) {
	people.Upserts = map[string]json.RawMessage{}
	brought := map[string]bool{} // people
	for _, it := range items {
		brought[it.ID] = brought[it.ID] || it.Kind == directory.KindPerson
	}
	var wrong directory.Problems
	for i, it := range items {
		text, err := s.form(ctx, tenant, it, brought)
		var bad directory.Problems
		if errors.As(err, &bad) {
			for _, b := range bad {
				if b.Field != "id" && b.Field != "kind" { // which are the item's
					b.Field = strings.TrimSuffix("doc."+b.Field, ".")
				}
				b.Field = fmt.Sprintf("items[%d].%s", i, b.Field)
				wrong = append(wrong, b)
			}
			continue
		}
		if err != nil {
			return people, nil, err
		}
		old, err := s.Store.Item(tenant, it.Kind, it.ID)
		if err != nil && !isNotFound(err) {
			return people, nil, err
		}
		switch {
		case bytes.Equal(old.Doc, text):
			if it.Kind == directory.KindPerson {
				people.Unchanged++
			}
		case it.Kind == directory.KindPerson:
			people.Upserts[it.ID] = text
		default:
			edits = append(edits, directory.Edit{Kind: it.Kind, ID: it.ID, Doc: text, Match: directory.AnyVersion})
		}
	}
	return people, edits, wrong.Err()
}

// form brings an exported item into its form, which is the one that it has.
func (s *v1) form(ctx context.Context, tenant string, it directory.Item, brought map[string]bool) (json.RawMessage, error) {
	id := it.ID
	if it.Kind == directory.KindReferral {
		return s.formOfReferral(ctx, tenant, it, brought)
	}
	if it.Kind == directory.KindInstructions || it.Kind == directory.KindMessages {
		if _, err := s.scope(tenant, id); err != nil {
			return nil, directory.Problems{{Field: "id", Wrong: id + " is no common number of the tenant", Write: "add the common number first"}}
		}
	} else if !directory.ValidID(id) {
		return nil, directory.Problems{{Field: "id", Wrong: "is no id", Write: "write it as it was exported"}}
	}
	switch it.Kind {
	case directory.KindSettings:
		return formOf[directory.Settings](s, tenant, it)
	case directory.KindInstructions:
		return formOf[directory.Instructions](s, tenant, it)
	case directory.KindMessages:
		return s.formOfRules(ctx, tenant, it)
	case directory.KindNotice:
		return formOf[directory.Notice](s, tenant, it)
	case directory.KindQuestion:
		return formOf[directory.Question](s, tenant, it)
	case directory.KindOffice:
		return formOf[directory.Office](s, tenant, it)
	case directory.KindPerson:
		return s.formOfPerson(tenant, it, brought)
	}
	return nil, directory.Problems{{Field: "kind", Wrong: fmt.Sprintf("%q cannot be restored", it.Kind), Write: "leave it out"}}
}

// formOfPerson brings an exported person into its form, without substitutes who are there no more, or are the person.
func (s *v1) formOfPerson(tenant string, it directory.Item, brought map[string]bool) (json.RawMessage, error) {
	var p directory.Person
	if err := strict(it.Doc, &p); err != nil {
		return nil, err
	}
	if err := p.Normalize(s.region(tenant)).Err(); err != nil {
		return nil, err
	}
	var failed error
	p.Substitutes = slices.DeleteFunc(p.Substitutes, func(sub string) bool {
		if brought[sub] {
			return sub == it.ID
		}
		_, err := s.Store.Item(tenant, directory.KindPerson, sub)
		if err != nil && !isNotFound(err) {
			failed = errors.Join(failed, err)
		}
		return err != nil || sub == it.ID
	})
	if failed != nil {
		return nil, failed
	}
	return json.Marshal(p)
}

// formOfReferral brings an exported referral into its form. Its code may be one that the tenant no longer has.
func (s *v1) formOfReferral(ctx context.Context, tenant string, it directory.Item, brought map[string]bool) (json.RawMessage, error) {
	if !identity(ctx).May(tenant, account.WriteReferrals) {
		return nil, directory.Problems{{Field: "kind", Wrong: "the token may not write referrals", Write: "add the scope referrals:write"}}
	}
	person, id, _ := strings.Cut(it.ID, "/")
	if !directory.ValidID(person) || !directory.ValidID(id) {
		return nil, directory.Problems{{Field: "id", Wrong: "is no id", Write: "write it as it was exported"}}
	}
	if _, err := s.Store.Item(tenant, directory.KindPerson, person); isNotFound(err) && !brought[person] {
		return nil, directory.Problems{{Field: "id", Wrong: "there is no person " + person, Write: "write the person too, or leave the referral out"}}
	} else if err != nil && !isNotFound(err) {
		return nil, err
	}
	var r directory.Referral
	if err := strict(it.Doc, &r); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

func formOf[T any, P document[T]](s *v1, tenant string, it directory.Item) (json.RawMessage, error) {
	var doc T
	if err := strict(it.Doc, &doc); err != nil {
		return nil, err
	}
	if err := P(&doc).Normalize(s.region(tenant)).Err(); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func strict(text json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return directory.Problems{{Field: "", Wrong: err.Error(), Write: "write it as it was exported"}}
	}
	return nil
}
