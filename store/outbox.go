package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// QueueMessage puts a message into the outbox that belongs to no event of a call; otherwise it is as Commit. One whose id is
// there already changes nothing.
func (s *Store) QueueMessage(m record.Message, done func(error)) {
	s.submit(&queueOp{message: m}, true, s.tellQueued(done))
}

// MessagesQueued gets a value when messages have been queued; several may share one.
func (s *Store) MessagesQueued() <-chan struct{} { return s.queued }

func (s *Store) tellQueued(done func(error)) func(error) {
	return func(err error) {
		if err == nil {
			nudge(s.queued)
		}
		if done != nil {
			done(err)
		}
	}
}

// UpdateMessage has one message changed: change gets it as it is on disk, and what it leaves is written; an error writes
// nothing and is told to done, with ErrInvalid beside it. Where there is no such message, done is told record.ErrNoMessage. change
// runs on the store's goroutine, perhaps more than once, of which the last counts; it must do nothing but change the message.
// A message that waits again afterwards is queued anew, behind all others. Otherwise UpdateMessage is as Commit.
func (s *Store) UpdateMessage(id string, change func(*record.Outgoing) error, done func(error)) {
	op := &messageOp{id: id, change: change}
	s.submit(op, false, func(err error) {
		if err == nil && op.new.Waits() && !op.old.Waits() {
			nudge(s.queued)
		}
		if done != nil {
			done(err)
		}
	})
}

// Message returns one message, or record.ErrNoMessage.
func (s *Store) Message(id string) (o record.Outgoing, err error) {
	err = s.view(s.calls, "message", func(tx *bbolt.Tx) error {
		o, err = s.readMessage(tx, []byte(id))
		return err
	})
	if err != nil {
		return record.Outgoing{}, fmt.Errorf("message %s: %w", id, err)
	}
	return o, nil
}

func (s *Store) readMessage(tx *bbolt.Tx, id []byte) (o record.Outgoing, err error) {
	v := tx.Bucket(bucketMessages).Get(id)
	if v == nil {
		return o, record.ErrNoMessage
	}
	if err := decode(id, v, &o); err != nil {
		return o, damaged(s.calls, bucketMessages, id, err.Error())
	}
	return o, nil
}

// MessageOfGateway returns the id of the message that a gateway has given a name of its own, or record.ErrNoMessage.
func (s *Store) MessageOfGateway(gateway, gatewayID string) (id string, err error) {
	key := gatewayKey(gateway, gatewayID)
	if key == nil {
		return "", record.ErrNoMessage
	}
	err = s.view(s.calls, "message", func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketMessagesByGateway).Get(key)
		if v == nil {
			return record.ErrNoMessage
		}
		name, err := unseal(key, v)
		if err != nil {
			return damaged(s.calls, bucketMessagesByGateway, key, err.Error())
		}
		id = string(name)
		return nil
	})
	return id, err
}

// PendingMessages returns messages that wait to be sent in the order that they were queued: at most limit of those whose
// Seq is above after, and the Seq that the next page goes on from. One that cannot be read is left out and told of in the
// error, beside which the others are still returned.
func (s *Store) PendingMessages(after uint64, limit int) (list []record.Outgoing, last uint64, err error) {
	last = after
	var errs []error
	err = s.view(s.calls, "pending messages", func(tx *bbolt.Tx) error {
		start := time.Now()
		c := tx.Bucket(bucketMessagesPending).Cursor()
		for k, v := c.Seek(seqKey(after + 1)); k != nil && len(list) < limit; k, v = c.Next() {
			seq, id, err := pendingEntry(k, v)
			if err != nil {
				errs = append(errs, damaged(s.calls, bucketMessagesPending, k, err.Error()))
				last = max(last+1, seq)
				continue
			}
			last = seq
			o, err := s.readMessage(tx, id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			list = append(list, o)
			if time.Since(start) > maxPageTime {
				break
			}
		}
		return nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return list, last, fmt.Errorf("read pending messages: %w", err)
	}
	return list, last, nil
}

// MessageFilter selects messages.
type MessageFilter struct {
	Tenant string              // empty: all tenants
	Call   call.ID             // empty: of all calls and of none
	State  record.MessageState // empty: all states
	// From (inclusive) and To (exclusive) bound the time that the message was written; zero: no bound.
	From, To time.Time
	Limit    int // at most this many; zero: all
	// After goes on behind a message that was handed out before, in the same order.
	After  Cursor
	Newest bool // the newest first instead of the oldest
}

// CursorAtMessage is the place of a message among those of any MessageFilter without a Call.
func CursorAtMessage(o record.Outgoing) Cursor {
	return Cursor(base64.RawURLEncoding.EncodeToString(messageTimeKey(&o.Message)))
}

// Valid tells whether a cursor is one, or none.
func (c Cursor) Valid() bool {
	_, err := c.key()
	return c == "" || err == nil
}

// Messages hands out the messages that match, by the time they were written, as Calls does with records.
func (s *Store) Messages(ctx context.Context, f MessageFilter, fn func(record.Outgoing) error) error {
	if f.Call == "" {
		return s.scanMessages(ctx, f, fn)
	}
	limit := f.Limit // the index of calls has no order of time, and a call has few
	f.Limit = 0
	var all []record.Outgoing
	if err := s.scanMessages(ctx, f, func(o record.Outgoing) error { all = append(all, o); return nil }); err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b record.Outgoing) int {
		order := cmp.Or(a.Message.Created.Compare(b.Message.Created), strings.Compare(a.Message.ID, b.Message.ID))
		if f.Newest {
			return -order
		}
		return order
	})
	for i, o := range all {
		if limit > 0 && i == limit {
			break
		}
		if err := fn(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) scanMessages(ctx context.Context, f MessageFilter, fn func(record.Outgoing) error) error {
	sc, idOf, err := newMessageScan(f)
	if err != nil {
		return fmt.Errorf("messages: %w", err)
	}
	left := f.Limit
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		var page []record.Outgoing
		err := s.view(s.calls, "messages", func(tx *bbolt.Tx) (err error) {
			page, more, err = s.messagePage(tx, sc, idOf, f, left)
			return err
		})
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		for _, o := range page {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("messages: %w", err)
			}
			if err := fn(o); err != nil {
				return err
			}
		}
		left -= len(page)
		more = more && (f.Limit == 0 || left > 0)
	}
	return nil
}

func (s *Store) messagePage(tx *bbolt.Tx, sc *scan, idOf func([]byte) []byte, f MessageFilter, left int) (page []record.Outgoing, more bool, err error) {
	start, seen := time.Now(), 0
	more = sc.run(tx, func(k, v []byte) bool {
		seen++
		var tenant []byte
		if tenant, err = unseal(k, v); err != nil {
			err = damaged(s.calls, sc.bucket, k, err.Error())
			return false
		}
		if len(tenant) == 0 || f.Tenant == "" || string(tenant) == f.Tenant {
			var o record.Outgoing
			if o, err = s.readMessage(tx, idOf(k)); err != nil {
				return false
			}
			if f.matches(o) {
				page = append(page, o)
			}
		}
		return (f.Limit == 0 || len(page) < left) && len(page) < s.opts.pageBatch && seen < 10*s.opts.pageBatch && time.Since(start) < maxPageTime
	})
	return page, more, err
}

func (f MessageFilter) matches(o record.Outgoing) bool {
	m := o.Message
	return (f.Tenant == "" || m.Tenant == f.Tenant) && (f.Call == "" || m.Call == f.Call) && (f.State == "" || o.State == f.State) &&
		(f.From.IsZero() || !m.Created.Before(f.From)) && (f.To.IsZero() || m.Created.Before(f.To))
}

// newMessageScan picks the index that narrows a filter most, and tells how its keys name messages.
func newMessageScan(f MessageFilter) (sc *scan, idOf func([]byte) []byte, err error) {
	if f.Call != "" {
		prefix := append([]byte(f.Call), 0)
		return &scan{bucket: bucketMessagesByCall, newest: f.Newest, lo: prefix, hi: append([]byte(f.Call), 1)},
			func(k []byte) []byte { return k[len(prefix):] }, nil
	}
	sc = &scan{bucket: bucketMessagesByTime, newest: f.Newest}
	var prefix []byte
	switch {
	case f.State == record.MessageFailed:
		sc.bucket = bucketMessagesDead
	case f.Tenant != "":
		sc.bucket, prefix = bucketMessagesByTenant, tenantPrefix(f.Tenant)
		sc.lo, sc.hi = prefix, append([]byte(f.Tenant), 1)
	}
	if !f.From.IsZero() {
		sc.lo = appendTime(bytes.Clone(prefix), f.From)
	}
	if !f.To.IsZero() {
		sc.hi = appendTime(bytes.Clone(prefix), f.To)
	}
	if f.After != "" {
		key, err := f.After.key()
		if err != nil {
			return nil, nil, err
		}
		sc.visited = append(bytes.Clone(prefix), key...)
	}
	skip := len(prefix) + timeSize
	return sc, func(k []byte) []byte { return k[min(skip, len(k)):] }, nil
}

// PruneMessages deletes the messages that have not waited since an instant, nor changed, with all that is kept of them, and
// returns how many it looked at. It writes some at a time, so that no commit waits for long.
func (s *Store) PruneMessages(ctx context.Context, before time.Time) (n int, err error) {
	op := &pruneOp{before: before}
	flush := func() error {
		if len(op.ids) == 0 {
			return nil
		}
		done := make(chan error, 1)
		s.submit(op, true, func(err error) { done <- err })
		n, op = n+len(op.ids), &pruneOp{before: before}
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err = s.Messages(ctx, MessageFilter{To: before}, func(o record.Outgoing) error {
		if !op.old(&o) {
			return nil
		}
		if op.ids = append(op.ids, o.Message.ID); len(op.ids) < 100 {
			return nil
		}
		return flush()
	})
	if err = errors.Join(err, flush()); err != nil {
		return n, fmt.Errorf("prune messages: %w", err)
	}
	return n, nil
}
