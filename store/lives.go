package store

import (
	"bytes"
	"fmt"
	"time"

	"encoding/json"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

var bucketLives = []byte("lives")

// lifeKey sorts the lives of a number by when they began: a number that was closed may be ordered again, by anybody.
func lifeKey(l directory.Life) []byte { return appendTime(append([]byte(l.Number), 0), l.Ordered) }

// SyncNumbers notes at an instant which tenant has which unique number (E.164): one that has none yet is ordered, one
// that is missing is closed.
func (s *Store) SyncNumbers(numbers map[string]string, at time.Time) error {
	err := s.editDirectory(func(tx *bbolt.Tx) error {
		open, err := s.openLives(tx)
		if err != nil {
			return err
		}
		for number, l := range open {
			if numbers[number] != l.Tenant {
				l.Closed = at.UTC()
				if err := putLife(tx, l); err != nil {
					return err
				}
			}
		}
		for number, tenant := range numbers {
			if l, is := open[number]; is && l.Tenant == tenant {
				continue
			}
			if err := putLife(tx, directory.Life{Number: number, Tenant: tenant, Ordered: at.UTC()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note numbers: %w", err)
	}
	return nil
}

func putLife(tx *bbolt.Tx, l directory.Life) error {
	doc, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketLives).Put(lifeKey(l), seal(lifeKey(l), doc))
}

// openLives are the lives that have not ended, by number.
func (s *Store) openLives(tx *bbolt.Tx) (map[string]directory.Life, error) {
	open := map[string]directory.Life{}
	err := tx.Bucket(bucketLives).ForEach(func(k, v []byte) error {
		var l directory.Life
		if err := decode(k, v, &l); err != nil {
			return damaged(s.directory, bucketLives, k, err.Error())
		}
		if l.Closed.IsZero() {
			open[l.Number] = l
		}
		return nil
	})
	return open, err
}

// NumberDelivered notes the first call on a number. Later ones change nothing.
func (s *Store) NumberDelivered(number string, at time.Time) error {
	err := s.editDirectory(func(tx *bbolt.Tx) error {
		prefix := append([]byte(number), 0)
		keys := keysWith(tx.Bucket(bucketLives), prefix)
		if len(keys) == 0 {
			return directory.ErrNotFound
		}
		key := keys[len(keys)-1]
		var l directory.Life
		if err := decode(key, tx.Bucket(bucketLives).Get(key), &l); err != nil {
			return damaged(s.directory, bucketLives, key, err.Error())
		}
		if !l.Deliver(at.UTC()) {
			return nil
		}
		return putLife(tx, l)
	})
	if err != nil {
		return fmt.Errorf("note the first call on %s: %w", directory.Mask(number), err)
	}
	return nil
}

// Lives returns the lives of all numbers, or of one tenant's, ordered by number and time.
func (s *Store) Lives(tenant string) (all []directory.Life, err error) {
	err = s.view(s.directory, "lives", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketLives).ForEach(func(k, v []byte) error {
			var l directory.Life
			if err := decode(bytes.Clone(k), v, &l); err != nil {
				return damaged(s.directory, bucketLives, k, err.Error())
			}
			if tenant == "" || l.Tenant == tenant {
				all = append(all, l)
			}
			return nil
		})
	})
	return all, err
}
