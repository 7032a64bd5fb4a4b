package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// PruneEvents deletes the oldest events, as far as they happened before an instant, and returns how many. It writes some at a
// time, so that no commit waits for long. What is left has no holes; the statistics that were made of them stay.
func (s *Store) PruneEvents(ctx context.Context, before time.Time) (n int, err error) {
	for {
		op := &pruneEventsOp{before: before}
		done := make(chan error, 1)
		s.submit(op, true, func(err error) { done <- err })
		select {
		case err = <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return n, fmt.Errorf("prune events: %w", err)
		}
		if n += op.pruned; op.pruned < maxPruned {
			return n, nil
		}
	}
}

// maxPruned is how many events one transaction deletes at most.
const maxPruned = 500

// pruneEventsOp deletes the oldest events.
type pruneEventsOp struct {
	before time.Time
	keys   [][]byte
	pruned int
}

func (o *pruneEventsOp) subject() string { return "events" }

func (o *pruneEventsOp) prepare() error { return nil }

func (o *pruneEventsOp) patient() bool { return false }

func (o *pruneEventsOp) ignoredKinds() []string { return nil }

func (o *pruneEventsOp) look(tx *bbolt.Tx) error {
	o.keys = nil
	c := tx.Bucket(bucketEvents).Cursor()
	for k, v := c.First(); k != nil && len(o.keys) < maxPruned; k, v = c.Next() {
		e, err := decodeEvent(k, v)
		if err != nil {
			return fmt.Errorf("event %d: %w", keySeq(k), err)
		}
		if !e.At.Before(o.before) {
			break
		}
		o.keys = append(o.keys, bytes.Clone(k))
	}
	o.pruned = len(o.keys)
	return nil
}

func (o *pruneEventsOp) put(tx *bbolt.Tx) error {
	for _, k := range o.keys {
		if err := tx.Bucket(bucketEvents).Delete(k); err != nil {
			return err
		}
	}
	return nil
}
