package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// Erase removes a person with all traces: the person, their referrals and what was chosen of them, what the history says of
// both, their name among others' substitutes; their name, addresses and numbers in call records, in messages to others and in
// earlier versions of other items; and messages to them. What they share with others of the tenant (a name, an address, a
// number) is no trace. That there was somebody, and who erased them, stays, under the person's id; so do the rows that calls
// are charged by, which hold nothing personal.
//
// When it has returned nil, no byte of it is left in the files of the store: pages that are no longer used were overwritten. Where
// a crash or a reader keeps it from that, it is done when the store is opened next. Backups are another matter.
//
// Calls and messages come first and the directory last, so that whoever was told of an error can ask again. It fails with
// directory.ErrNotFound, directory.ErrOnCall while a call with the person goes on or is to be made, and directory.ErrImporting during
// an import.
func (s *Store) Erase(ctx context.Context, tenant, id string, at time.Time, e directory.Erase) (directory.Erasure, error) {
	x := &eraser{s: s, tenant: tenant, id: id, at: at, e: e, out: directory.Erasure{Person: id, DryRun: e.DryRun, Mentions: []directory.Mention{}}}
	if err := x.run(ctx); err != nil {
		return directory.Erasure{}, fmt.Errorf("erase person %s: %w", id, err)
	}
	return x.out, nil
}

// eraser erases one person.
type eraser struct {
	s          *Store
	tenant, id string
	at         time.Time
	e          directory.Erase
	out        directory.Erasure

	traces  directory.Traces
	current map[directory.Mention]bool // items that mention the person now
	masked  []uint64                   // changes of other items that mention the person
	imports []importedChange
	seq     uint64

	from time.Time // where to look at calls and messages; zero: at all
	live time.Time // when the first of the tenant's calls came that went on at the last look, or x.at
}

// importedChange is one that an import made to another person.
type importedChange struct{ key, id []byte }

func (x *eraser) run(ctx context.Context) error {
	if err := x.recognise(); err != nil {
		return err
	}
	if err := x.onCall(); err != nil {
		return err
	}
	if !x.e.DryRun {
		if err := x.s.markScrub(); err != nil {
			return err
		}
	}
	if err := errors.Join(x.fromCalls(ctx), x.fromMessages(ctx)); err != nil {
		return err
	}
	// Only now, since texts may be reworded while all calls are read.
	if err := errors.Join(x.mentions(ctx), x.earlier(ctx)); err != nil {
		return err
	}
	if x.e.DryRun {
		return x.s.viewTenant(x.tenant, "erase", x.count)
	}
	if err := x.meanwhile(ctx); err != nil {
		return err
	}
	if err := x.s.updateTenant(x.tenant, x.fromDirectory); err != nil {
		return err
	}
	x.s.tell(x.tenant, x.seq)
	return x.s.scrub(context.WithoutCancel(ctx))
}

// recognise gathers what the person is recognised by, from all versions there ever were.
func (x *eraser) recognise() error {
	history, err := x.s.History(x.tenant, directory.KindPerson, x.id)
	if err != nil {
		return err
	}
	it, err := x.s.Item(x.tenant, directory.KindPerson, x.id)
	if err != nil && (!errors.Is(err, directory.ErrNotFound) || len(history) == 0) {
		return err
	}
	docs := []json.RawMessage{it.Doc}
	for _, c := range history {
		docs = append(docs, c.Old, c.New)
	}
	for _, doc := range docs {
		var p directory.Person
		if doc == nil {
			continue
		}
		if err := json.Unmarshal(doc, &p); err != nil {
			return err
		}
		x.traces.Add(p)
	}
	spare := map[directory.Key]bool{}
	for _, n := range x.e.Spare {
		spare[directory.NumberKey(n)] = true
	}
	var failed error
	x.traces.Drop(func(k directory.Key) bool {
		ids, err := x.s.FindPeople(x.tenant, k)
		failed = errors.Join(failed, err)
		return spare[k] || len(ids) > 1 || len(ids) == 1 && ids[0] != x.id
	})
	return failed
}

// own tells whether a change or an item is about the person alone.
func (x *eraser) own(k directory.Kind, id string) bool {
	who, _, _ := bytes.Cut([]byte(id), []byte("/"))
	return k == directory.KindPerson && id == x.id || k == directory.KindReferral && string(who) == x.id
}

// found tells whether a document mentions the person.
func (x *eraser) found(doc json.RawMessage) bool {
	if doc == nil {
		return false
	}
	_, found := x.traces.MaskJSON(doc, false)
	return found
}

// mentions finds the items that mention the person as they are now.
func (x *eraser) mentions(ctx context.Context) error {
	x.current = map[directory.Mention]bool{}
	for _, k := range directory.Kinds() {
		for after, more := "", true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			items, err := x.s.Items(x.tenant, k, "", after, maxPage)
			if err != nil {
				return err
			}
			more = len(items) == maxPage
			for _, it := range items {
				after = it.ID
				m := directory.Mention{Kind: k, ID: it.ID}
				if !x.own(k, it.ID) && x.found(it.Doc) {
					x.current[m] = true
					x.out.Mentions = append(x.out.Mentions, m)
				}
			}
		}
	}
	return nil
}

// earlier finds earlier versions of other items that mention the person, where they no longer do.
func (x *eraser) earlier(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, err := x.s.Changes(x.tenant, x.seq, maxPage)
		if err != nil {
			return err
		}
		for _, c := range page {
			x.seq = c.Seq
			if x.others(c) {
				x.masked = append(x.masked, c.Seq)
			}
		}
		if len(page) < maxPage {
			break
		}
	}
	err := x.s.viewTenant(x.tenant, "erase", func(t *tenantTx) error {
		all := t.b.Bucket(bucketImports)
		for _, key := range keysWith(all, nil) {
			err := all.Bucket(key).ForEach(func(id, v []byte) error {
				var c directory.Change
				if err := decode(id, v, &c); err != nil {
					return damaged(t.db, bucketImports, id, err.Error())
				}
				if x.others(c) {
					x.imports = append(x.imports, importedChange{key, bytes.Clone(id)})
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	x.out.Masked = len(x.masked) + len(x.imports)
	return err
}

func (x *eraser) others(c directory.Change) bool {
	return !x.own(c.Kind, c.ID) && !x.current[directory.Mention{Kind: c.Kind, ID: c.ID}] && (x.found(c.Old) || x.found(c.New))
}

// count tells what fromDirectory would do.
func (x *eraser) count(t *tenantTx) error {
	x.out.Referrals = len(keysWith(t.b.Bucket(bucketItems), []byte(string(directory.KindReferral)+"\x00"+x.id+"/")))
	x.out.Versions = len(x.versions(t))
	imports := t.b.Bucket(bucketImports)
	for _, key := range keysWith(imports, nil) {
		if imports.Bucket(key).Get([]byte(x.id)) != nil {
			x.out.Versions++
		}
	}
	edits, err := t.withoutSubstitute(x.id)
	x.out.Substitutes = len(edits)
	return err
}

// versions are the keys, in the log by item, of what the person's history has.
func (x *eraser) versions(t *tenantTx) [][]byte {
	byItem := t.b.Bucket(bucketLogByItem)
	return append(keysWith(byItem, itemPrefix(directory.KindPerson, x.id)), keysWith(byItem, []byte(string(directory.KindReferral)+"\x00"+x.id+"/"))...)
}

// fromDirectory takes the person out of the directory, in one transaction.
func (x *eraser) fromDirectory(t *tenantTx) error {
	if t.state.Staging != 0 {
		return directory.ErrImporting
	}
	if err := x.count(t); err != nil {
		return err
	}
	_, had, err := t.item(directory.KindPerson, x.id)
	if err != nil {
		return err
	}
	if had {
		_, err = t.edit(directory.Edit{Kind: directory.KindPerson, ID: x.id, Match: directory.AnyVersion}, x.e.By, x.at)
	} else {
		err = t.gone(directory.KindPerson, x.id, x.e.By, x.at)
	}
	if err != nil {
		return err
	}
	if err := x.emptyHistory(t); err != nil {
		return err
	}
	if err := x.maskHistory(t); err != nil {
		return err
	}
	if err := t.forgetChoices(x.tenant, string(directory.KindPerson)+":"+x.id, x.traces.Numbers()); err != nil {
		return err
	}
	x.seq = t.next()
	return t.log(directory.Change{Seq: x.seq, At: x.at.UTC(), By: x.e.By, Action: directory.ActionErase, Kind: directory.KindPerson, ID: x.id, Erased: true})
}

// emptyHistory takes the texts out of what the history says of the person.
func (x *eraser) emptyHistory(t *tenantTx) error {
	log := t.b.Bucket(bucketLog)
	for _, key := range x.versions(t) {
		err := t.rewrite(log, key[len(key)-8:], func(c *directory.Change) { c.Old, c.New, c.Erased = nil, nil, true })
		if err != nil {
			return err
		}
	}
	imports := t.b.Bucket(bucketImports)
	for _, key := range keysWith(imports, nil) {
		if err := imports.Bucket(key).Delete([]byte(x.id)); err != nil {
			return err
		}
	}
	return nil
}

// maskHistory masks the person in earlier versions of other items.
func (x *eraser) maskHistory(t *tenantTx) error {
	mask := func(c *directory.Change) {
		for _, doc := range []*json.RawMessage{&c.Old, &c.New} {
			if *doc != nil {
				*doc, _ = x.traces.MaskJSON(*doc, false)
			}
		}
	}
	for _, seq := range x.masked {
		if err := t.rewrite(t.b.Bucket(bucketLog), number(seq), mask); err != nil {
			return err
		}
	}
	for _, c := range x.imports {
		if b := t.b.Bucket(bucketImports).Bucket(c.key); b != nil {
			if err := t.rewrite(b, c.id, mask); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrite changes a change in place. One that is no longer there is left alone.
func (t *tenantTx) rewrite(b *bbolt.Bucket, key []byte, change func(*directory.Change)) error {
	key = bytes.Clone(key)
	v := b.Get(key)
	if v == nil {
		return nil
	}
	var c directory.Change
	if err := decode(key, v, &c); err != nil {
		return damaged(t.db, bucketLog, key, err.Error())
	}
	change(&c)
	return t.putChange(b, key, c)
}
