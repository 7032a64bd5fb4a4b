package store

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

var (
	bucketChoices = []byte("choices") // of a tenant: '*' id, or 'c' caller (16 bytes) id
	keySalt       = []byte("salt")    // in meta: what callers are hashed with
)

// Limits of what is remembered of choices.
const (
	maxChosen        = 256    // documents of a tenant
	maxChosenCallers = 20_000 // documents of all callers of a tenant
)

// Choose notes that something was chosen for a tenant, and by whom it was asked for, where the caller is known. Callers are kept as
// a hash with a secret of the store, so that the file lists no numbers; it is no protection from whoever has the file and tries all
// numbers. What is old or rare is forgotten where there is too much.
func (s *Store) Choose(tenant, id, caller string, at time.Time) error {
	if !validID(id) {
		return fmt.Errorf("choose %q: %w", id, ErrInvalid)
	}
	err := s.editDirectory(func(tx *bbolt.Tx) error {
		t, err := openTenant(s.directory, tx, tenant)
		if err != nil {
			return err
		}
		b, err := t.b.CreateBucketIfNotExists(bucketChoices)
		if err != nil {
			return err
		}
		prefixes := []chosenPrefix{{choicePrefix(nil), maxChosen}}
		if caller != "" {
			salt, err := saltOf(tx)
			if err != nil {
				return err
			}
			prefixes = append(prefixes, chosenPrefix{choicePrefix(hashCaller(salt, tenant, caller)), maxChosenCallers})
		}
		for _, p := range prefixes {
			if err := again(b, p, id, at.UTC()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note a choice: %w", err)
	}
	return nil
}

type chosenPrefix struct {
	prefix []byte
	most   int
}

func choicePrefix(caller []byte) []byte {
	if caller == nil {
		return []byte("*")
	}
	return append([]byte("c"), caller...)
}

func again(b *bbolt.Bucket, p chosenPrefix, id string, at time.Time) error {
	key := append(bytes.Clone(p.prefix), id...)
	var c directory.Choice
	v := b.Get(key)
	if v == nil {
		if err := thin(b, p, at); err != nil {
			return err
		}
	} else if err := decode(key, v, &c); err != nil {
		c = directory.Choice{} // worth no error: it only orders hits
	}
	doc, err := json.Marshal(c.Again(at))
	if err != nil {
		return err
	}
	return b.Put(key, seal(key, doc))
}

// thin makes room where as many are remembered as may be: the least tenth goes. The bucket's sequence counts those of callers, so
// that not every one of them has to be looked at each time.
func thin(b *bbolt.Bucket, p chosenPrefix, now time.Time) error {
	ofCallers := len(p.prefix) > 1
	if ofCallers {
		if n, err := b.NextSequence(); err != nil || n <= uint64(p.most) {
			return err
		}
	}
	type old struct {
		key   []byte
		count float64
	}
	var all []old
	c := b.Cursor()
	for k, v := c.Seek(p.prefix[:1]); bytes.HasPrefix(k, p.prefix[:1]); k, v = c.Next() {
		var one directory.Choice
		if decode(k, v, &one) != nil {
			one.Count = 0 // worth no error: it only orders hits
		}
		all = append(all, old{bytes.Clone(k), one.AsOf(now)})
	}
	if len(all) < p.most {
		return nil
	}
	slices.SortFunc(all, func(a, b old) int { return cmp.Compare(a.count, b.count) })
	least := max(1, len(all)/10)
	for _, o := range all[:least] {
		if err := b.Delete(o.key); err != nil {
			return err
		}
	}
	if ofCallers {
		return b.SetSequence(uint64(len(all) - least + 1))
	}
	return nil
}

// Choices gives what was chosen of a tenant, for all callers or (not empty) one of them.
func (s *Store) Choices(tenant, caller string) (map[string]directory.Choice, error) {
	all := map[string]directory.Choice{}
	err := s.view(s.directory, "choices", func(tx *bbolt.Tx) error {
		t, err := openTenant(s.directory, tx, tenant)
		if err != nil || t == nil {
			return err
		}
		b := t.b.Bucket(bucketChoices)
		if b == nil {
			return nil
		}
		prefix := choicePrefix(nil)
		if caller != "" {
			salt, err := unseal(keySalt, tx.Bucket(bucketMeta).Get(keySalt))
			if err != nil { // nobody has chosen for a caller yet
				return nil
			}
			prefix = choicePrefix(hashCaller(salt, tenant, caller))
		}
		c := b.Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			var one directory.Choice
			if err := decode(k, v, &one); err != nil {
				return damaged(s.directory, bucketChoices, k, err.Error())
			}
			all[string(k[len(prefix):])] = one
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read choices: %w", err)
	}
	return all, nil
}

func saltOf(tx *bbolt.Tx) ([]byte, error) {
	meta := tx.Bucket(bucketMeta)
	if v := meta.Get(keySalt); v != nil {
		return unseal(keySalt, v)
	}
	salt := make([]byte, sha256.Size)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return salt, meta.Put(keySalt, seal(keySalt, salt))
}

// hashCaller is what is kept of a caller, 16 bytes.
func hashCaller(salt []byte, tenant, caller string) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write([]byte(tenant + "\x00" + caller))
	return h.Sum(nil)[:16]
}

// forgetChoices drops what was chosen of somebody, and what they chose as callers.
func (t *tenantTx) forgetChoices(tenant, id string, numbers []string) error {
	b, tx := t.b.Bucket(bucketChoices), t.b.Tx()
	if b == nil {
		return nil
	}
	var callers [][]byte
	if salt, err := unseal(keySalt, tx.Bucket(bucketMeta).Get(keySalt)); err == nil {
		for _, n := range numbers {
			callers = append(callers, choicePrefix(hashCaller(salt, tenant, n)))
		}
	}
	for _, key := range keysWith(b, nil) {
		rest := key[1:]
		if key[0] == 'c' {
			rest = key[min(len(key), 1+16):]
		}
		if string(rest) != id && !slices.ContainsFunc(callers, func(c []byte) bool { return bytes.HasPrefix(key, c) }) {
			continue
		}
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
