package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// jsonTime is a time in UTC, so that equal instants are equal bytes.
type jsonTime struct{ time.Time }

// MarshalJSON writes the instant in UTC.
func (t jsonTime) MarshalJSON() ([]byte, error) { return t.UTC().MarshalJSON() }

// maxPage is how many items one read returns at most.
const maxPage = 1000

// editDirectory runs a writing transaction on directory.db. Those who wait are served in the order in which they came, so
// that an edit waits for one chunk of an import at most, however many follow.
func (s *Store) editDirectory(fn func(tx *bbolt.Tx) error) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	s.gate <- struct{}{}
	defer func() { <-s.gate }()
	return guard(s.directory.Path(), func() error { return s.directory.Update(fn) })
}

// Item returns one item of a tenant; directory.ErrNotFound where there is none.
func (s *Store) Item(tenant string, k directory.Kind, id string) (it directory.Item, err error) {
	err = s.viewTenant(tenant, "item", func(t *tenantTx) error {
		var found bool
		if it, found, err = t.item(k, id); err == nil && !found {
			err = directory.ErrNotFound
		}
		return err
	})
	if err == nil && it.ID == "" {
		err = directory.ErrNotFound
	}
	if err != nil {
		return directory.Item{}, fmt.Errorf("read %s %s: %w", k, id, err)
	}
	return it, nil
}

// viewTenant reads what a tenant has; fn is not called where it has nothing yet.
func (s *Store) viewTenant(tenant, op string, fn func(t *tenantTx) error) error {
	return s.view(s.directory, op, func(tx *bbolt.Tx) error {
		t, err := openTenant(s.directory, tx, tenant)
		if err != nil || t == nil {
			return err
		}
		return fn(t)
	})
}

// Items returns up to limit (at most 1000, zero means that) items of a kind whose ids begin with prefix, ordered by id,
// behind the one with the id after.
func (s *Store) Items(tenant string, k directory.Kind, prefix, after string, limit int) ([]directory.Item, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	var all []directory.Item
	err := s.viewTenant(tenant, "items", func(t *tenantTx) error {
		b, kind := t.bucket(k)
		within := append(bytes.Clone(kind), prefix...)
		from := within
		if after != "" {
			from = append(bytes.Clone(kind), after+"\x00"...)
			if bytes.Compare(from, within) < 0 {
				from = within
			}
		}
		c := b.Cursor()
		for key, v := c.Seek(from); key != nil && bytes.HasPrefix(key, within) && len(all) < limit; key, v = c.Next() {
			it, err := t.decodeItem(k, string(key[len(kind):]), bytes.Clone(key), v)
			if err != nil {
				return err
			}
			all = append(all, it)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s list: %w", k, err)
	}
	return all, nil
}

// FindPeople returns the ids of those who have a key.
func (s *Store) FindPeople(tenant string, k directory.Key) (ids []string, err error) {
	err = s.viewTenant(tenant, "find", func(t *tenantTx) error {
		ids = t.generation(t.state.Generation).find(k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	return ids, nil
}

// Edit carries out changes of one tenant, all or none, in one transaction, and keeps each in the history. It returns the
// items as they are then; those that were deleted have no Doc. Errors are an *directory.EditError around directory.ErrNotFound,
// ErrVersion, ErrTaken or ErrNoSubstitute.
func (s *Store) Edit(tenant string, by directory.Actor, at time.Time, edits ...directory.Edit) ([]directory.Item, error) {
	var out []directory.Item
	var seq uint64
	err := s.editDirectory(func(tx *bbolt.Tx) error {
		t, err := openTenant(s.directory, tx, tenant)
		if err != nil {
			return err
		}
		out = out[:0]
		for i, e := range edits {
			it, err := t.edit(e, by, at)
			if err != nil {
				return &directory.EditError{Index: i, Err: err}
			}
			out = append(out, it)
		}
		for i, e := range edits {
			if err := t.haveSubstitutes(e); err != nil {
				return &directory.EditError{Index: i, Err: err}
			}
		}
		seq = t.state.Seq
		return t.save()
	})
	if err != nil {
		return nil, fmt.Errorf("change directory of %s: %w", tenant, err)
	}
	s.tell(tenant, seq)
	return out, nil
}

func (t *tenantTx) edit(e directory.Edit, by directory.Actor, at time.Time) (directory.Item, error) {
	if !validID(e.ID) {
		return directory.Item{}, fmt.Errorf("%s %q: %w", e.Kind, e.ID, ErrInvalid)
	}
	old, had, err := t.item(e.Kind, e.ID)
	switch {
	case err != nil:
		return directory.Item{}, err
	case e.Match == directory.NoVersion && had:
		return directory.Item{}, fmt.Errorf("%s %s exists already: %w", e.Kind, e.ID, directory.ErrVersion)
	case !had && (e.Doc == nil || e.Match != directory.NoVersion && e.Match != directory.AnyVersion):
		return directory.Item{}, fmt.Errorf("%s %s: %w", e.Kind, e.ID, directory.ErrNotFound)
	case had && e.Match != directory.AnyVersion && e.Match != old.Version:
		return directory.Item{}, fmt.Errorf("%s %s: %w", e.Kind, e.ID, directory.ErrVersion)
	case e.Doc != nil && !t.hasParent(e.Kind, e.ID):
		return directory.Item{}, fmt.Errorf("%s %s belongs to nobody: %w", e.Kind, e.ID, directory.ErrNotFound)
	}
	c := directory.Change{Seq: t.next(), At: at.UTC(), By: by, Action: e.Action, Kind: e.Kind, ID: e.ID, Old: old.Doc, New: e.Doc}
	it := directory.Item{Kind: e.Kind, ID: e.ID, Version: c.Seq, At: c.At, By: by, Doc: e.Doc}
	switch {
	case e.Doc == nil:
		c.Action = directory.ActionDelete
		if err := t.remove(e.Kind, e.ID); err != nil {
			return it, err
		}
	default:
		if c.Action == "" {
			c.Action = directory.ActionUpdate
			if !had {
				c.Action = directory.ActionCreate
			}
		}
		if err := t.put(it); err != nil {
			return it, err
		}
	}
	if err := t.log(c); err != nil {
		return it, err
	}
	if e.Doc == nil {
		return it, t.gone(e.Kind, e.ID, by, at)
	}
	return it, nil
}

// gone takes away what belonged to an item that was deleted: what orphans deletes, and a person's place among others' substitutes.
func (t *tenantTx) gone(k directory.Kind, id string, by directory.Actor, at time.Time) error {
	if err := t.orphans(k, id, by, at); err != nil || k != directory.KindPerson {
		return err
	}
	edits, err := t.withoutSubstitute(id)
	if err != nil {
		return err
	}
	for _, e := range edits {
		if _, err := t.edit(e, by, at); err != nil {
			return err
		}
	}
	return nil
}

// parents are the kinds whose items belong to another one, which their ids begin with.
var parents = map[directory.Kind]directory.Kind{directory.KindReferral: directory.KindPerson, directory.KindDoorCode: directory.KindOffice}

// hasParent tells whether what an item belongs to is there, if it belongs to anything.
func (t *tenantTx) hasParent(k directory.Kind, id string) bool {
	parent, belongs := parents[k]
	if !belongs {
		return true
	}
	of, _, _ := strings.Cut(id, "/")
	b, prefix := t.bucket(parent)
	return b.Get(append(prefix, of...)) != nil
}

// orphans deletes what belongs to an item that is gone: a person's referrals, an office's door codes.
func (t *tenantTx) orphans(k directory.Kind, id string, by directory.Actor, at time.Time) error {
	for child, parent := range parents {
		if parent != k {
			continue
		}
		b, prefix := t.bucket(child)
		for _, key := range keysWith(b, append(bytes.Clone(prefix), id+"/"...)) {
			if _, err := t.edit(directory.Edit{Kind: child, ID: string(key[len(prefix):]), Match: directory.AnyVersion}, by, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func keysWith(b *bbolt.Bucket, prefix []byte) (keys [][]byte) {
	c := b.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// log keeps a change. What a door code was and is has no place in the history, sealed or not.
func (t *tenantTx) log(c directory.Change) error {
	if c.Kind == directory.KindDoorCode {
		c.Old, c.New = nil, nil
	}
	if err := t.putChange(t.b.Bucket(bucketLog), number(c.Seq), c); err != nil {
		return err
	}
	if c.ID == "" {
		return nil
	}
	key := append(itemPrefix(c.Kind, c.ID), number(c.Seq)...)
	return t.b.Bucket(bucketLogByItem).Put(key, seal(key, nil))
}

func (t *tenantTx) putChange(b *bbolt.Bucket, key []byte, c directory.Change) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return b.Put(key, seal(key, doc))
}

func itemPrefix(k directory.Kind, id string) []byte { return append([]byte(string(k)+"\x00"+id), 0) }

// Changes returns up to limit (at most 1000) changes of a tenant with a number above after, in order: what an index
// follows. Of an import it says that there was one; who follows reads the tenant's people anew then.
func (s *Store) Changes(tenant string, after uint64, limit int) ([]directory.Change, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	var all []directory.Change
	err := s.viewTenant(tenant, "changes", func(t *tenantTx) error {
		c := t.b.Bucket(bucketLog).Cursor()
		for k, v := c.Seek(number(after + 1)); k != nil && len(all) < limit; k, v = c.Next() {
			var one directory.Change
			if err := decode(k, v, &one); err != nil {
				return damaged(s.directory, bucketLog, k, err.Error())
			}
			all = append(all, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return all, nil
}

// Seq is the number of a tenant's last change, zero where there is none.
func (s *Store) Seq(tenant string) (seq uint64, err error) {
	err = s.viewTenant(tenant, "seq", func(t *tenantTx) error { seq = t.state.Seq; return nil })
	return seq, err
}

// History returns every change of one item, the oldest first, those by imports too.
func (s *Store) History(tenant string, k directory.Kind, id string) ([]directory.Change, error) {
	var all []directory.Change
	err := s.viewTenant(tenant, "history", func(t *tenantTx) error {
		log := t.b.Bucket(bucketLog)
		for _, key := range keysWith(t.b.Bucket(bucketLogByItem), itemPrefix(k, id)) {
			seq := key[len(key)-8:]
			var c directory.Change
			if err := decode(seq, log.Get(seq), &c); err != nil {
				return damaged(s.directory, bucketLog, seq, err.Error())
			}
			all = append(all, c)
		}
		if k != directory.KindPerson {
			return nil
		}
		byImport, err := t.historyOfImports(id)
		all = append(all, byImport...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read history of %s %s: %w", k, id, err)
	}
	sortChanges(all)
	return all, nil
}

// Subscribe has fn called after each change of a tenant's directory, with the number of its last one, until cancel. It is
// called by whoever made the change, so it must not wait.
func (s *Store) Subscribe(fn func(tenant string, seq uint64)) (cancel func()) {
	s.subs.Lock()
	defer s.subs.Unlock()
	s.lastSub++
	id := s.lastSub
	if s.subscribers == nil {
		s.subscribers = map[int]func(string, uint64){}
	}
	s.subscribers[id] = fn
	return func() {
		s.subs.Lock()
		defer s.subs.Unlock()
		delete(s.subscribers, id)
	}
}

func (s *Store) tell(tenant string, seq uint64) {
	s.subs.Lock()
	fns := make([]func(string, uint64), 0, len(s.subscribers))
	for _, fn := range s.subscribers {
		fns = append(fns, fn)
	}
	s.subs.Unlock()
	for _, fn := range fns {
		fn(tenant, seq)
	}
}

// TenantsWithDirectory lists the tenants that have anything in directory.db, in order.
func (s *Store) TenantsWithDirectory() (all []string, err error) {
	err = s.view(s.directory, "tenants", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketTenants).ForEachBucket(func(k []byte) error { all = append(all, string(k)); return nil })
	})
	return all, err
}
