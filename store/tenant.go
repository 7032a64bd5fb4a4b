package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// Buckets of directory.db below a tenant's own. See doc.go.
var (
	bucketTenants     = []byte("tenants")
	bucketItems       = []byte("items")
	bucketLog         = []byte("log")
	bucketLogByItem   = []byte("log_by_item")
	bucketGenerations = []byte("generations")
	bucketImports     = []byte("imports")
	bucketPeople      = []byte("people")
	bucketIndex       = []byte("index")
)

var keyState = []byte("state")

// tenantState is what a tenant's bucket keeps of itself.
type tenantState struct {
	Seq        uint64 `json:"seq"`        // of the last change
	Generation uint64 `json:"generation"` // of people that is in force
	// Staging is the generation that an import writes, zero where none runs; Import is the number of its change, which stays until the changes of
	// one that came to nothing are dropped.
	Staging uint64 `json:"staging,omitempty"`
	Import  uint64 `json:"import,omitempty"`
	Last    uint64 `json:"last,omitempty"` // the newest generation that was ever begun
}

// tenantTx is one tenant's part of directory.db within a transaction. Everything that it reaches is below the tenant's
// bucket, so nothing of another tenant can be.
type tenantTx struct {
	db    *bbolt.DB
	b     *bbolt.Bucket
	state tenantState
}

// openTenant opens a tenant's bucket; where there is none it is made in a writing transaction, and nil otherwise.
func openTenant(db *bbolt.DB, tx *bbolt.Tx, tenant string) (*tenantTx, error) {
	if !validID(tenant) {
		return nil, fmt.Errorf("tenant %q: %w", tenant, ErrInvalid)
	}
	all := tx.Bucket(bucketTenants)
	b := all.Bucket([]byte(tenant))
	if b == nil {
		if !tx.Writable() {
			return nil, nil
		}
		return newTenant(db, all, tenant)
	}
	t := &tenantTx{db: db, b: b}
	if err := decode(keyState, b.Get(keyState), &t.state); err != nil {
		return nil, damaged(db, []byte(tenant), keyState, err.Error())
	}
	return t, nil
}

func newTenant(db *bbolt.DB, all *bbolt.Bucket, tenant string) (*tenantTx, error) {
	b, err := all.CreateBucket([]byte(tenant))
	if err != nil {
		return nil, err
	}
	t := &tenantTx{db: db, b: b, state: tenantState{Generation: 1, Last: 1}}
	for _, name := range [][]byte{bucketItems, bucketLog, bucketLogByItem, bucketGenerations, bucketImports} {
		if _, err := b.CreateBucket(name); err != nil {
			return nil, err
		}
	}
	if _, err := t.newGeneration(1); err != nil {
		return nil, err
	}
	return t, t.save()
}

func (t *tenantTx) save() error {
	doc, err := json.Marshal(t.state)
	if err != nil {
		return err
	}
	return t.b.Put(keyState, seal(keyState, doc))
}

// next gives the number of the next change.
func (t *tenantTx) next() uint64 { t.state.Seq++; return t.state.Seq }

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// generation is one generation of people: the people by id, and an index of their keys.
type generation struct{ people, index *bbolt.Bucket }

func (t *tenantTx) generation(n uint64) generation {
	b := t.b.Bucket(bucketGenerations).Bucket(number(n))
	return generation{b.Bucket(bucketPeople), b.Bucket(bucketIndex)}
}

func (t *tenantTx) newGeneration(n uint64) (generation, error) {
	b, err := t.b.Bucket(bucketGenerations).CreateBucket(number(n))
	if err != nil {
		return generation{}, err
	}
	people, err := b.CreateBucket(bucketPeople)
	if err != nil {
		return generation{}, err
	}
	people.FillPercent = 0.9 // an import writes in order
	index, err := b.CreateBucket(bucketIndex)
	return generation{people, index}, err
}

// bucket is where items of a kind are, with the prefix of their keys.
func (t *tenantTx) bucket(k directory.Kind) (b *bbolt.Bucket, prefix []byte) {
	if k == directory.KindPerson {
		return t.generation(t.state.Generation).people, nil
	}
	return t.b.Bucket(bucketItems), append([]byte(k), 0)
}

// stored is an item as its value holds it; kind and id are in the key.
type storedItem struct {
	Version uint64          `json:"version"`
	At      jsonTime        `json:"at"`
	By      directory.Actor `json:"by"`
	Doc     json.RawMessage `json:"doc"`
}

// item reads one item; found is false where there is none.
func (t *tenantTx) item(k directory.Kind, id string) (it directory.Item, found bool, err error) {
	b, prefix := t.bucket(k)
	key := append(prefix, id...)
	v := b.Get(key)
	if v == nil {
		return directory.Item{}, false, nil
	}
	it, err = t.decodeItem(k, id, key, v)
	return it, err == nil, err
}

func (t *tenantTx) decodeItem(k directory.Kind, id string, key, value []byte) (directory.Item, error) {
	var s storedItem
	if err := decode(key, value, &s); err != nil {
		return directory.Item{}, damaged(t.db, []byte(k), key, err.Error())
	}
	return directory.Item{Kind: k, ID: id, Version: s.Version, At: s.At.Time, By: s.By, Doc: s.Doc}, nil
}

func encodeItem(key []byte, it directory.Item) ([]byte, error) {
	doc, err := json.Marshal(storedItem{it.Version, jsonTime{it.At}, it.By, it.Doc})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", it.Kind, it.ID, ErrInvalid, err)
	}
	return seal(key, doc), nil
}

// put writes an item, and the index where it is a person.
func (t *tenantTx) put(it directory.Item) error {
	b, prefix := t.bucket(it.Kind)
	key := append(prefix, it.ID...)
	value, err := encodeItem(key, it)
	if err != nil {
		return err
	}
	if it.Kind == directory.KindPerson {
		return t.generation(t.state.Generation).put(it.ID, it.Doc, value)
	}
	return b.Put(key, value)
}

func (t *tenantTx) remove(k directory.Kind, id string) error {
	if k == directory.KindPerson {
		return t.generation(t.state.Generation).remove(id)
	}
	b, prefix := t.bucket(k)
	return b.Delete(append(prefix, id...))
}

// put writes a person under their id and keys. It fails with directory.ErrTaken where another has a unique key.
func (g generation) put(id string, doc json.RawMessage, value []byte) error {
	var p directory.Person
	if err := json.Unmarshal(doc, &p); err != nil {
		return fmt.Errorf("person %s: %w: %w", id, ErrInvalid, err)
	}
	if err := g.unindex(id); err != nil {
		return err
	}
	for _, k := range p.Keys() {
		if k.Unique() && g.others(k, id) {
			return fmt.Errorf("person %s: %w", id, directory.ErrTaken)
		}
		key := indexKey(k, id)
		if err := g.index.Put(key, seal(key, nil)); err != nil {
			return err
		}
	}
	return g.people.Put([]byte(id), value)
}

func (g generation) remove(id string) error {
	if err := g.unindex(id); err != nil {
		return err
	}
	return g.people.Delete([]byte(id))
}

// unindex takes the keys of a person out of the index, who stays.
func (g generation) unindex(id string) error {
	v := g.people.Get([]byte(id))
	if v == nil {
		return nil
	}
	var s storedItem
	var p directory.Person
	if err := decode([]byte(id), v, &s); err != nil {
		return err
	}
	if err := json.Unmarshal(s.Doc, &p); err != nil {
		return err
	}
	for _, k := range p.Keys() {
		if err := g.index.Delete(indexKey(k, id)); err != nil {
			return err
		}
	}
	return nil
}

func indexKey(k directory.Key, id string) []byte { return append(append([]byte(k), 0), id...) }

// find lists who has a key.
func (g generation) find(k directory.Key) (ids []string) {
	prefix := indexKey(k, "")
	c := g.index.Cursor()
	for at, _ := c.Seek(prefix); bytes.HasPrefix(at, prefix); at, _ = c.Next() {
		ids = append(ids, string(at[len(prefix):]))
	}
	return ids
}

func (g generation) others(k directory.Key, id string) bool {
	for _, other := range g.find(k) {
		if other != id {
			return true
		}
	}
	return false
}
