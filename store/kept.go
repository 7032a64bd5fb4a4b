package store

import (
	"bytes"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

var bucketKept = []byte("kept")

// keptKey is the key of what the switchboard keeps beside calls.
func keptKey(kind record.KeptKind, id string) []byte { return []byte(string(kind) + "\x00" + id) }

// prepareKept encodes what a commit keeps beside its call; a pair without a value forgets.
func prepareKept(kept []record.Kept) ([]pair, error) {
	all := make([]pair, 0, len(kept))
	for _, k := range kept {
		if err := k.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		p := pair{key: keptKey(k.Kind, k.ID)}
		if k.Doc != nil {
			p.value = seal(p.key, k.Doc)
		}
		all = append(all, p)
	}
	return all, nil
}

func putKept(tx *bbolt.Tx, kept []pair) error {
	b := tx.Bucket(bucketKept)
	for _, p := range kept {
		if p.value == nil {
			if err := b.Delete(p.key); err != nil {
				return err
			}
			continue
		}
		if err := b.Put(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

// Kept returns everything of one kind that the switchboard keeps beside calls, ordered by id. What cannot be read is left out and
// logged: an agent whose state is lost is logged in, as one who was never seen is.
func (s *Store) Kept(kind record.KeptKind) (all []record.Kept, err error) {
	prefix := keptKey(kind, "")
	err = s.view(s.calls, "kept", func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketKept).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			payload, err := unseal(k, v)
			if err != nil {
				s.opts.Logger.Error("store: left out", "error", damaged(s.calls, bucketKept, k, err.Error()))
				continue
			}
			all = append(all, record.Kept{Kind: kind, ID: strings.TrimPrefix(string(k), string(prefix)), Doc: bytes.Clone(payload)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is kept of kind %s: %w", kind, err)
	}
	return all, nil
}
