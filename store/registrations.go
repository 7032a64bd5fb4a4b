package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// registrationOp writes or, where value is nil, deletes one registration.
type registrationOp struct {
	key, value []byte
}

func (o *registrationOp) subject() string { return "registration " + string(o.key) }

func (o *registrationOp) patient() bool { return false }

func (o *registrationOp) prepare() error {
	if len(o.key) == 0 || len(o.key) > maxRegistrationKey {
		return fmt.Errorf("registration %q: %w", o.key, ErrInvalid)
	}
	return nil
}

func (o *registrationOp) look(*bbolt.Tx) error { return nil }

func (o *registrationOp) ignoredKinds() []string { return nil }

func (o *registrationOp) put(tx *bbolt.Tx) error {
	b := tx.Bucket(bucketRegistrations)
	if o.value == nil {
		return b.Delete(o.key)
	}
	return b.Put(o.key, o.value)
}

// maxRegistrationKey bounds the key of a registration, in bytes: an agent and a contact URI fit.
const maxRegistrationKey = 4096

// PutRegistration keeps a registration under a key of 1 to 4096 bytes, in place of what was there. The value is not looked
// into. It never blocks and is written in order with commits; a failure is logged and counted, since the phone will
// register again.
func (s *Store) PutRegistration(key string, value []byte) {
	k := []byte(key)
	s.submitRegistration(&registrationOp{key: k, value: seal(k, value)})
}

// DeleteRegistration forgets a registration, as PutRegistration keeps one.
func (s *Store) DeleteRegistration(key string) {
	s.submitRegistration(&registrationOp{key: []byte(key)})
}

func (s *Store) submitRegistration(op *registrationOp) {
	s.submit(op, true, func(err error) {
		if err != nil {
			s.opts.Logger.Error("store: registration was not kept", "error", err)
		}
	})
}

// Registrations returns what was kept. One that cannot be read is left out and logged: the phone will register again.
func (s *Store) Registrations() (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.view(s.calls, "registrations", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRegistrations).ForEach(func(k, v []byte) error {
			payload, err := unseal(k, v)
			if err != nil {
				s.opts.Logger.Error("store: registration left out", "error", damaged(s.calls, bucketRegistrations, k, err.Error()))
				return nil
			}
			all[string(k)] = bytes.Clone(payload)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read registrations: %w", err)
	}
	return all, nil
}
