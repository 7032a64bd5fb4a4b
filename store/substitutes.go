package store

import (
	"bytes"
	"encoding/json"
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
		var p directory.Person
		if err := json.Unmarshal(it.Doc, &p); err != nil {
			return err
		}
		had := len(p.Substitutes)
		p.Substitutes = slices.DeleteFunc(p.Substitutes, func(sub string) bool { return sub == id })
		if len(p.Substitutes) == had {
			return nil
		}
		doc, err := json.Marshal(p)
		edits = append(edits, directory.Edit{Kind: directory.KindPerson, ID: string(k), Doc: doc, Match: directory.AnyVersion})
		return err
	})
	return edits, err
}
