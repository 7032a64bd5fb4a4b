package store

import (
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/account"
)

var bucketTokens = []byte("tokens")

// Token returns a token by its id; account.ErrNoToken where there is none.
func (s *Store) Token(id string) (t account.Token, err error) {
	err = s.view(s.directory, "token", func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketTokens).Get([]byte(id))
		if v == nil {
			return account.ErrNoToken
		}
		if err := decode([]byte(id), v, &t); err != nil {
			return damaged(s.directory, bucketTokens, []byte(id), err.Error())
		}
		return nil
	})
	return t, err
}

// Tokens returns all tokens, or those of one tenant, by id.
func (s *Store) Tokens(tenant string) (all []account.Token, err error) {
	err = s.view(s.directory, "tokens", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketTokens).ForEach(func(k, v []byte) error {
			var t account.Token
			if err := decode(k, v, &t); err != nil {
				return damaged(s.directory, bucketTokens, k, err.Error())
			}
			if tenant == "" || t.Tenant == tenant {
				all = append(all, t)
			}
			return nil
		})
	})
	return all, err
}

// PutToken keeps a new token. One without a tenant must be one of the service's.
func (s *Store) PutToken(t account.Token) error {
	if !validID(t.ID) || t.Tenant != "" && !validID(t.Tenant) || t.Tenant == "" && t.Problem() != "" {
		return fmt.Errorf("token %q: %w", t.ID, ErrInvalid)
	}
	return s.editDirectory(func(tx *bbolt.Tx) error { return putToken(tx, t) })
}

func putToken(tx *bbolt.Tx, t account.Token) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketTokens).Put([]byte(t.ID), seal([]byte(t.ID), doc))
}

// ChangeToken changes a token in one transaction: its last use, its end. It fails with account.ErrNoToken where there is
// none.
func (s *Store) ChangeToken(id string, change func(*account.Token)) error {
	return s.editDirectory(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketTokens).Get([]byte(id))
		if v == nil {
			return account.ErrNoToken
		}
		var t account.Token
		if err := decode([]byte(id), v, &t); err != nil {
			return damaged(s.directory, bucketTokens, []byte(id), err.Error())
		}
		change(&t)
		return putToken(tx, t)
	})
}

// UseToken notes when a token was used, to the minute, so that a busy program writes once a minute.
func (s *Store) UseToken(id string, at time.Time) error {
	at = at.UTC().Truncate(time.Minute)
	if t, err := s.Token(id); err != nil || !t.LastUsed.Before(at) {
		return err
	}
	return s.ChangeToken(id, func(t *account.Token) { t.LastUsed = at })
}
