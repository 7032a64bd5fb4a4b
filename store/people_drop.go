package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// dropStaging takes back an import that came to nothing, in chunks.
func (s *Store) dropStaging(tenant string) error {
	change, err := s.unstage(tenant)
	if err != nil || change == 0 {
		return err
	}
	err = s.dropBucket(tenant, func(t *tenantTx) (*bbolt.Bucket, []byte) { return t.b.Bucket(bucketImports), number(change) })
	if err == nil {
		err = s.updateTenant(tenant, func(t *tenantTx) error {
			if t.state.Import == change { // no other one has begun
				t.state.Import = 0
			}
			return nil
		})
	}
	return errors.Join(err, s.dropGenerations(tenant))
}

// unstage lets the next import begin. The state goes on naming the changes of this one, which are in no history, until they are gone.
func (s *Store) unstage(tenant string) (change uint64, err error) {
	err = s.updateTenant(tenant, func(t *tenantTx) error {
		change, t.state.Staging = t.state.Import, 0
		return nil
	})
	return change, err
}

// dropGenerations removes the generations of people that are neither in force nor being staged, and before them the referrals of people
// whom an import removed: while there is another generation, the next start knows that this is still to be done.
func (s *Store) dropGenerations(tenant string) error {
	if err := s.dropReferralsOfNobody(tenant); err != nil {
		return err
	}
	for {
		var old []byte
		err := s.viewTenant(tenant, "generations", func(t *tenantTx) error {
			for _, k := range keysWith(t.b.Bucket(bucketGenerations), nil) {
				if !bytes.Equal(k, number(t.state.Generation)) && !bytes.Equal(k, number(t.state.Staging)) {
					old = k
				}
			}
			return nil
		})
		if err != nil || old == nil {
			return err
		}
		for _, part := range [][]byte{bucketPeople, bucketIndex} {
			err := s.dropBucket(tenant, func(t *tenantTx) (*bbolt.Bucket, []byte) {
				return t.b.Bucket(bucketGenerations).Bucket(old), part
			})
			if err != nil {
				return err
			}
		}
		err = s.updateTenant(tenant, func(t *tenantTx) error { return t.b.Bucket(bucketGenerations).DeleteBucket(old) })
		if err != nil {
			return err
		}
	}
}

// dropBucket empties a bucket in chunks and removes it.
func (s *Store) dropBucket(tenant string, find func(t *tenantTx) (parent *bbolt.Bucket, name []byte)) error {
	for more := true; more; {
		err := s.updateTenant(tenant, func(t *tenantTx) error {
			more = false
			parent, name := find(t)
			b := parent.Bucket(name)
			if b == nil {
				return nil
			}
			var keys [][]byte
			c := b.Cursor()
			for k, _ := c.First(); k != nil && len(keys) <= 2*s.opts.importChunk; k, _ = c.Next() {
				keys = append(keys, bytes.Clone(k))
			}
			if len(keys) <= 2*s.opts.importChunk {
				return parent.DeleteBucket(name)
			}
			more = true
			for _, k := range keys {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropReferralsOfNobody deletes referrals of people who are gone.
func (s *Store) dropReferralsOfNobody(tenant string) error {
	gone := map[string]bool{}
	err := s.viewTenant(tenant, "referrals", func(t *tenantTx) error {
		b, prefix := t.bucket(directory.KindReferral)
		people := t.generation(t.state.Generation).people
		for _, key := range keysWith(b, prefix) {
			person, _, _ := bytes.Cut(key[len(prefix):], []byte("/"))
			if people.Get(person) == nil {
				gone[string(person)] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(gone)), s.opts.importChunk) {
		err := s.updateTenant(tenant, func(t *tenantTx) error {
			for _, id := range chunk {
				if t.generation(t.state.Generation).people.Get([]byte(id)) != nil { // there again
					continue
				}
				if err := t.orphans(directory.KindPerson, id, directory.Actor{Name: "import"}, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropLeftovers removes what an import that a crash ended has staged.
func (s *Store) dropLeftovers() error {
	tenants, err := s.TenantsWithDirectory()
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		var staged bool
		var generations int
		err := s.viewTenant(tenant, "leftovers", func(t *tenantTx) error {
			staged, generations = t.state.Import != 0, len(keysWith(t.b.Bucket(bucketGenerations), nil))
			return nil
		})
		if err == nil && staged {
			err = s.dropStaging(tenant)
		} else if err == nil && generations > 1 {
			err = s.dropGenerations(tenant)
		}
		if err != nil {
			return fmt.Errorf("drop what an import left: %w", err)
		}
	}
	return nil
}
