package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Provisioned is what provisioning keeps about one entry that it owns: a tenant, an agent.
type Provisioned struct {
	Key string `json:"-"` // names the entry: "tenant/acme"; 1 to 256 bytes
	// Generation is the run of provisioning that wrote it: one that is older than the newest was taken out of the files.
	Generation uint64          `json:"generation"`
	Disabled   bool            `json:"disabled,omitempty"`
	Doc        json.RawMessage `json:"doc,omitempty"` // what provisioning wants to remember of it
}

// PutProvisioned writes entries to directory.db in one transaction, all or none, and returns when they are on disk.
func (s *Store) PutProvisioned(entries ...Provisioned) error {
	err := s.editDirectory(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketProvision)
		for _, e := range entries {
			if !validID(e.Key) {
				return fmt.Errorf("key %q: %w", e.Key, ErrInvalid)
			}
			p, err := encode([]byte(e.Key), e)
			if err != nil {
				return err
			}
			if err := b.Put(p.key, p.value); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, ErrReadOnly) {
		return err
	}
	if err != nil {
		return fmt.Errorf("write provisioning state: %w", err)
	}
	return nil
}

// Provisioned returns every entry that provisioning owns, ordered by key.
func (s *Store) Provisioned() ([]Provisioned, error) {
	var all []Provisioned
	err := s.view(s.directory, "provision", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketProvision).ForEach(func(k, v []byte) error {
			e := Provisioned{Key: string(k)}
			if err := decode(k, v, &e); err != nil {
				return damaged(s.directory, bucketProvision, k, err.Error())
			}
			all = append(all, e)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read provisioning state: %w", err)
	}
	return all, nil
}
