package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// Filter selects call records.
type Filter struct {
	Tenant string // empty: all tenants
	// From (inclusive) and To (exclusive) bound the time the call was received; zero: no bound.
	From, To time.Time
	Limit    int // at most this many; zero: all
	// After goes on behind a record that was handed out before, in the same order.
	After Cursor
	// Newest hands the newest out first instead of the oldest.
	Newest bool
}

// Cursor is a place among the records of any Filter, made by CursorAt. It is text that may travel in a URL.
type Cursor string

// CursorAt is the place of a record.
func CursorAt(r record.Record) Cursor {
	return Cursor(base64.RawURLEncoding.EncodeToString(timeKey(r.Received, r.Call)))
}

func (c Cursor) key() ([]byte, error) {
	key, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil && len(key) <= timeSize {
		err = fmt.Errorf("%d bytes are too few", len(key))
	}
	if err != nil {
		return nil, fmt.Errorf("cursor %q: %w", string(c), err)
	}
	return key, nil
}

// Call returns the record of a call, or ErrNotFound.
func (s *Store) Call(id call.ID) (r record.Record, err error) {
	var key, value []byte
	err = s.view(s.calls, "call", func(tx *bbolt.Tx) error {
		at := tx.Bucket(bucketByCall).Get([]byte(id))
		if at == nil {
			return ErrNotFound
		}
		k, err := unseal([]byte(id), at)
		if err != nil {
			return damaged(s.calls, bucketByCall, []byte(id), err.Error())
		}
		key, value, err = s.fetch(tx, k)
		return err
	})
	if err == nil {
		r, err = s.decodeRecord(key, value)
	}
	if err != nil {
		return record.Record{}, fmt.Errorf("call %s: %w", id, err)
	}
	return r, nil
}

// fetch copies a record out of a transaction, still sealed.
func (s *Store) fetch(tx *bbolt.Tx, key []byte) (k, v []byte, err error) {
	v = tx.Bucket(bucketRecords).Get(key)
	if v == nil {
		return nil, nil, damaged(s.calls, bucketRecords, key, "the indexes name it, but it is not there")
	}
	return bytes.Clone(key), bytes.Clone(v), nil
}

func (s *Store) decodeRecord(key, value []byte) (r record.Record, err error) {
	if err := decode(key, value, &r); err != nil {
		return r, damaged(s.calls, bucketRecords, key, err.Error())
	}
	return r, nil
}

// Calls hands out the records that match, by the time they were received. It reads page by page, each in a transaction of
// its own, and calls fn between them, so that fn may take its time; a record that is written meanwhile is seen where its
// place is still ahead. It ends with fn's first error, or ctx's.
func (s *Store) Calls(ctx context.Context, f Filter, fn func(record.Record) error) error {
	sc, err := newScan(f)
	if err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	left := f.Limit
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("calls: %w", err)
		}
		want := s.opts.pageBatch
		if f.Limit > 0 {
			want = min(want, left)
		}
		var page []pair
		err := s.view(s.calls, "calls", func(tx *bbolt.Tx) (err error) {
			page, more, err = s.page(tx, sc, want)
			return err
		})
		if err != nil {
			return fmt.Errorf("calls: %w", err)
		}
		if err := s.handOut(ctx, page, fn); err != nil {
			return err
		}
		left -= len(page)
		more = more && (f.Limit == 0 || left > 0)
	}
	return nil
}

func (s *Store) handOut(ctx context.Context, page []pair, fn func(record.Record) error) error {
	for _, p := range page {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("calls: %w", err)
		}
		r, err := s.decodeRecord(p.key, p.value)
		if err != nil {
			return fmt.Errorf("calls: %w", err)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// page reads the next records of a scan, still sealed; more is false once there are none behind them.
func (s *Store) page(tx *bbolt.Tx, sc *scan, want int) (page []pair, more bool, err error) {
	start := time.Now()
	more = sc.run(tx, func(k, v []byte) bool {
		key := k
		if sc.byTime {
			var tenant []byte
			if tenant, err = unseal(k, v); err != nil {
				err = damaged(s.calls, bucketByTime, k, err.Error())
				return false
			}
			key = append(append(bytes.Clone(tenant), 0), k...)
		}
		var p pair
		if p.key, p.value, err = s.fetch(tx, key); err != nil {
			return false
		}
		page = append(page, p)
		return len(page) < want && time.Since(start) < maxPageTime
	})
	return page, more, err
}

// maxPageTime ends a page early, so that a slow disk makes pages shorter and not transactions longer.
const maxPageTime = 100 * time.Millisecond

// Count counts the records that match, without reading them. Limit means nothing to it.
func (s *Store) Count(ctx context.Context, f Filter) (int, error) {
	sc, err := newScan(f)
	if err != nil {
		return 0, fmt.Errorf("count calls: %w", err)
	}
	n := 0
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("count calls: %w", err)
		}
		err := s.view(s.calls, "count", func(tx *bbolt.Tx) error {
			start, inPage := time.Now(), 0
			more = sc.run(tx, func(k, v []byte) bool {
				n++
				inPage++
				return inPage%s.opts.pageBatch != 0 || time.Since(start) < maxPageTime
			})
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("count calls: %w", err)
		}
	}
	return n, nil
}

// Live counts the calls that have a journal.
func (s *Store) Live() (n int, err error) {
	err = s.view(s.calls, "live", func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketJournal).Cursor()
		for k, _ := c.First(); k != nil; {
			id, _, ok := splitJournalKey(k)
			if !ok {
				return damaged(s.calls, bucketJournal, k, "not a key of the journal")
			}
			n++
			k, _ = c.Seek(append([]byte(id), 1)) // the first key behind all of the call's
		}
		return nil
	})
	return n, err
}

// view reads one file in a transaction. What fn keeps must be copied.
func (s *Store) view(db *bbolt.DB, op string, fn func(tx *bbolt.Tx) error) error {
	return guard(db.Path(), func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if s.opts.openedTx != nil {
				s.opts.openedTx(db, op)
			}
			return fn(tx)
		})
	})
}
