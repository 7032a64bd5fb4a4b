package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

const (
	// newestChecked is how many of the newest records are read at start.
	newestChecked = 200
	// maxPageCheck is up to which size, in bytes, Check compares a file's pages with its freelist while the store is open
	// for writing. Commits wait for that, some 0.1 s.
	maxPageCheck = 64 << 20
	// maxFindings ends a check that finds no end of faults.
	maxFindings = 100
)

// Check reads everything and returns every fault found, joined: values that do not match their checksum, records that an
// index misses or indexes that name no record, a call with both a record and a journal, a journal without its head, and
// pages that bbolt cannot account for. It may run while calls are served: it reads page by page, and leaves the last of these
// checks out for a file of more than 64 MiB that is open for writing, since commits would have to wait for it.
func (s *Store) Check(ctx context.Context) error {
	f := &findings{}
	for _, bucket := range []struct {
		name  []byte
		check func(tx *bbolt.Tx, k, v []byte) error
	}{
		{bucketRecords, s.checkRecord},
		{bucketByCall, s.checkByCall},
		{bucketByTime, s.checkByTime},
		{bucketJournal, s.checkJournal},
		{bucketMessages, s.checkMessage},
		{bucketMessagesPending, s.checkPending},
		{bucketEvents, s.checkEvents()},
		{bucketRegistrations, func(_ *bbolt.Tx, k, v []byte) error { _, err := unseal(k, v); return err }},
	} {
		if err := s.checkBucket(ctx, bucket.name, bucket.check, f); err != nil {
			return fmt.Errorf("check store: %w", errors.Join(append(f.all, err)...))
		}
	}
	if err := s.checkStats(ctx, f); err != nil {
		f.add(err)
	}
	if _, err := s.Provisioned(); err != nil {
		f.add(err)
	}
	if err := s.checkDirectory(ctx, f); err != nil {
		f.add(err)
	}
	if len(f.all) == 0 { // bbolt's own check is no good guide among broken values
		s.checkPages(s.calls, f)
		s.checkPages(s.directory, f)
	}
	if len(f.all) > 0 {
		return fmt.Errorf("check store: %w", errors.Join(f.all...))
	}
	return nil
}

// findings collects faults.
type findings struct{ all []error }

func (f *findings) add(err error) { f.all = append(f.all, err) }

func (f *findings) full() bool { return len(f.all) >= maxFindings }

// checkBucket runs a check over every key of a bucket of calls.db, page by page.
func (s *Store) checkBucket(ctx context.Context, name []byte, check func(tx *bbolt.Tx, k, v []byte) error, f *findings) error {
	sc := &scan{bucket: name}
	for more := true; more && !f.full(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.view(s.calls, "check", func(tx *bbolt.Tx) error {
			start, n := time.Now(), 0
			more = sc.run(tx, func(k, v []byte) bool {
				if err := check(tx, k, v); err != nil {
					f.add(damaged(s.calls, name, k, err.Error()))
				}
				n++
				return !f.full() && n < s.opts.pageBatch && time.Since(start) < maxPageTime
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkRecord(tx *bbolt.Tx, k, v []byte) error {
	var r record.Record
	if err := decode(k, v, &r); err != nil {
		return err
	}
	if !bytes.Equal(k, recordKey(r.Tenant, r.Received, r.Call)) {
		return fmt.Errorf("record of call %s of tenant %s has another key", r.Call, r.Tenant)
	}
	if at, err := unseal([]byte(r.Call), tx.Bucket(bucketByCall).Get([]byte(r.Call))); err != nil || !bytes.Equal(at, k) {
		return fmt.Errorf("index by call does not name this record of call %s", r.Call)
	}
	tk := timeKey(r.Received, r.Call)
	if tenant, err := unseal(tk, tx.Bucket(bucketByTime).Get(tk)); err != nil || string(tenant) != r.Tenant {
		return fmt.Errorf("index by time does not name call %s", r.Call)
	}
	if tx.Bucket(bucketJournal).Get(headKey(r.Call)) != nil {
		return fmt.Errorf("call %s has a record and a journal", r.Call)
	}
	return nil
}

func (s *Store) checkByCall(tx *bbolt.Tx, k, v []byte) error {
	at, err := unseal(k, v)
	if err != nil {
		return err
	}
	if !bytes.HasSuffix(at, k) || tx.Bucket(bucketRecords).Get(at) == nil {
		return fmt.Errorf("names record %q, which is not there", at)
	}
	return nil
}

func (s *Store) checkByTime(tx *bbolt.Tx, k, v []byte) error {
	tenant, err := unseal(k, v)
	if err != nil {
		return err
	}
	if at := append(tenantPrefix(string(tenant)), k...); tx.Bucket(bucketRecords).Get(at) == nil {
		return fmt.Errorf("names record %q, which is not there", at)
	}
	return nil
}

func (s *Store) checkJournal(tx *bbolt.Tx, k, v []byte) error {
	id, part, ok := splitJournalKey(k)
	if !ok {
		return errors.New("not a key of the journal")
	}
	if err := readPart(new(record.Open), part, k, v); err != nil {
		return err
	}
	if tx.Bucket(bucketJournal).Get(headKey(id)) == nil {
		return fmt.Errorf("call %s has no head", id)
	}
	if tx.Bucket(bucketByCall).Get([]byte(id)) != nil {
		return fmt.Errorf("call %s has a record and a journal", id)
	}
	return nil
}

// checkPages lets bbolt compare pages and freelist. Since its freelist is that of the writer, a store that is open for
// writing must not write meanwhile.
func (s *Store) checkPages(db *bbolt.DB, f *findings) {
	err := guard(db.Path(), func() error {
		tx, err := db.Begin(!db.IsReadOnly())
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if !db.IsReadOnly() && tx.Size() > maxPageCheck {
			return nil
		}
		for err := range tx.Check() {
			if !f.full() {
				f.add(&DamagedError{File: db.Path(), Reason: err.Error()})
			}
		}
		return nil
	})
	if err != nil {
		f.add(err)
	}
}

// checkAtStart reads what lives on the pages written last, once verifyPages found the pages in order. A value of the journal
// or a registration that does not match its checksum is left to Recover and Registrations, which leave it out and tell.
func (s *Store) checkAtStart() error {
	if err := s.checkNewest(); err != nil {
		return err
	}
	_, err := s.Provisioned()
	return err
}

// checkNewest reads the newest records, found by each of their indexes, since either may be the one that is stale.
func (s *Store) checkNewest() error {
	return s.view(s.calls, "check newest", func(tx *bbolt.Tx) (err error) {
		n := 0
		(&scan{bucket: bucketByTime, newest: true}).run(tx, func(k, v []byte) bool {
			err = s.checkNewestByTime(tx, k, v)
			n++
			return err == nil && n < newestChecked
		})
		if err != nil {
			return err
		}
		n = 0
		(&scan{bucket: bucketByCall, newest: true}).run(tx, func(k, v []byte) bool {
			var at []byte
			if at, err = unseal(k, v); err != nil {
				err = damaged(s.calls, bucketByCall, k, err.Error())
			} else {
				err = s.checkRecordAt(tx, at)
			}
			n++
			return err == nil && n < newestChecked
		})
		return err
	})
}

func (s *Store) checkNewestByTime(tx *bbolt.Tx, k, v []byte) error {
	tenant, err := unseal(k, v)
	if err != nil {
		return damaged(s.calls, bucketByTime, k, err.Error())
	}
	return s.checkRecordAt(tx, append(tenantPrefix(string(tenant)), k...))
}

func (s *Store) checkRecordAt(tx *bbolt.Tx, at []byte) error {
	value := tx.Bucket(bucketRecords).Get(at)
	if value == nil {
		return damaged(s.calls, bucketRecords, at, "an index names it, but it is not there")
	}
	if err := s.checkRecord(tx, at, value); err != nil {
		return damaged(s.calls, bucketRecords, at, err.Error())
	}
	return nil
}

// checkDirectory compares every value of directory.db with its checksum, tenant by tenant.
func (s *Store) checkDirectory(ctx context.Context, f *findings) error {
	tenants, err := s.TenantsWithDirectory()
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.view(s.directory, "check", func(tx *bbolt.Tx) error {
			s.checkValues(tx.Bucket(bucketTenants).Bucket([]byte(tenant)), []byte(tenant), f)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.view(s.directory, "check", func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketTokens, bucketLives} {
			s.checkValues(tx.Bucket(name), name, f)
		}
		return nil
	})
}

func (s *Store) checkValues(b *bbolt.Bucket, name []byte, f *findings) {
	_ = b.ForEach(func(k, v []byte) error {
		if f.full() {
			return errors.New("enough")
		}
		if v == nil {
			s.checkValues(b.Bucket(k), k, f)
		} else if _, err := unseal(k, v); err != nil {
			f.add(damaged(s.directory, name, k, err.Error()))
		}
		return nil
	})
}
