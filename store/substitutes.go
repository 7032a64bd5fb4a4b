package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"telefonist/directory"
)

// withoutSubstitute are the edits that take a person out of others' substitutes.
func (t *tenantTx) withoutSubstitute(id string) (edits []directory.Edit, err error) {
	quoted := []byte(`"` + id + `"`)
	err = t.generation(t.state.Generation).people.ForEach(func(k, v []byte) error {
		if string(k) == id || !bytes.Contains(v, quoted) {
			return nil
		}
		it, err := t.decodeItem(directory.KindPerson, string(k), k, v)
		if err != nil {
			return err
		}
		e, had, err := fewerSubstitutes(it, func(sub string) bool { return sub == id })
		if had {
			edits = append(edits, e)
		}
		return err
	})
	return edits, err
}

// fewerSubstitutes is the edit that takes some out of a person's substitutes; had is false where there are none of them.
func fewerSubstitutes(it directory.Item, out func(sub string) bool) (e directory.Edit, had bool, err error) {
	var p directory.Person
	if err := json.Unmarshal(it.Doc, &p); err != nil {
		return e, false, err
	}
	before := len(p.Substitutes)
	p.Substitutes = slices.DeleteFunc(p.Substitutes, out)
	if len(p.Substitutes) == before {
		return e, false, nil
	}
	doc, err := json.Marshal(p)
	return directory.Edit{Kind: directory.KindPerson, ID: it.ID, Doc: doc, Match: directory.AnyVersion}, true, err
}

// substitutesOf reads whom a person's document names.
func substitutesOf(doc json.RawMessage) ([]string, error) {
	var p struct {
		Substitutes []string `json:"substitutes"`
	}
	if !bytes.Contains(doc, []byte(`"substitutes"`)) {
		return nil, nil
	}
	err := json.Unmarshal(doc, &p)
	return p.Substitutes, err
}

// isNobody tells of an id that none of the people has.
func (t *tenantTx) isNobody(id string) bool {
	return t.generation(t.state.Generation).people.Get([]byte(id)) == nil
}

// haveSubstitutes tells, once all edits of a transaction are made, whether those whom one names are there.
func (t *tenantTx) haveSubstitutes(e directory.Edit) error {
	if e.Kind != directory.KindPerson || e.Doc == nil {
		return nil
	}
	it, _, err := t.item(e.Kind, e.ID)
	if err != nil {
		return err
	}
	subs, err := substitutesOf(it.Doc)
	if i := slices.IndexFunc(subs, t.isNobody); i >= 0 {
		return fmt.Errorf("person %s has %q: %w", e.ID, subs[i], directory.ErrNoSubstitute)
	}
	return err
}

// naming lists, by substitute, whom an import brings with them.
func naming(upserts map[string]json.RawMessage) (by map[string][]string, err error) {
	by = map[string][]string{}
	for id, doc := range upserts {
		subs, err := substitutesOf(doc)
		if err != nil {
			return nil, fmt.Errorf("person %s: %w: %w", id, ErrInvalid, err)
		}
		for _, sub := range subs {
			by[sub] = append(by[sub], id)
		}
	}
	return by, nil
}

// settle takes out of people's substitutes those who are gone, in the transaction that puts an import in force: what it brings may
// name somebody who was deleted by hand meanwhile, and what was written by hand somebody whom it removes.
func (im *peopleImport) settle(t *tenantTx) error {
	for id := range im.removed {
		im.doubt(im.naming[id]...)
	}
	for _, id := range slices.Sorted(maps.Keys(im.doubtful)) {
		it, found, err := t.item(directory.KindPerson, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		e, had, err := fewerSubstitutes(it, t.isNobody)
		if err == nil && had {
			_, err = t.edit(e, im.in.By, im.in.At)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// doubt has settle look at people.
func (im *peopleImport) doubt(ids ...string) {
	for _, id := range ids {
		im.doubtful[id] = true
	}
}
