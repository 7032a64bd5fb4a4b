package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

// Statistics are kept as sums by the hour, in a bucket for each month (UTC), so that what is too old can be taken out:
//
//	statistics       tally                          JSON: record.Tally
//	  YYYY-MM        tenant 0x00 agent 0x00 hour    JSON: record.Counts
//
// They are sums up to the event that the tally was left at; what came after it is added when somebody asks.
var (
	bucketStatistics = []byte("statistics")
	keyTally         = []byte("tally")
)

const (
	// tendEvery is how often new events are added to the statistics on disk.
	tendEvery = time.Minute
	// pruneEvery is how often what is too old is deleted.
	pruneEvery = 24 * time.Hour
	// tallyChunk is how many events one transaction of the statistics carries.
	tallyChunk = 5000
	// maxTail is how many events are added while somebody waits for statistics.
	maxTail = 200_000
)

// cellKey is the key of a cell's sums within its month.
func cellKey(c record.Cell) []byte {
	k := append(append(tenantPrefix(c.Tenant), c.Agent...), 0)
	return binary.BigEndian.AppendUint64(k, uint64(c.Hour))
}

func monthOf(hour int64) []byte { return []byte(time.Unix(hour, 0).UTC().Format("2006-01")) }

// Tend keeps the statistics up to date and deletes events and statistics that are older than Options.KeepEvents, until ctx ends.
// It is to run beside the store that is open for writing; nothing else needs it.
func (s *Store) Tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var pruned time.Time
	for {
		if err := s.tally(ctx); err != nil && ctx.Err() == nil {
			s.opts.Logger.Error("store: statistics are behind", "error", err)
		} else if err == nil && time.Since(pruned) >= pruneEvery && s.opts.KeepEvents > 0 {
			pruned = time.Now()
			s.pruneOld(ctx, pruned.Add(-s.opts.KeepEvents))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) pruneOld(ctx context.Context, before time.Time) {
	n, err := s.PruneEvents(ctx, before)
	if err == nil {
		err = s.pruneStats(ctx, before)
	}
	if err != nil && ctx.Err() == nil {
		s.opts.Logger.Error("store: old events were not pruned", "error", err)
	}
	if n > 0 {
		s.opts.Logger.Info("store: pruned events", "events", n, "before", before)
	}
}

// tally adds all events that there are to the statistics on disk.
func (s *Store) tally(ctx context.Context) error {
	t, err := s.readTally()
	if err != nil {
		return err
	}
	if t.Version != record.TallyVersion {
		s.opts.Logger.Info("store: statistics are made anew from the stream of events")
		if err := s.pruneStats(ctx, time.Time{}); err != nil {
			return err
		}
		t = record.NewTally()
	}
	for last := s.stream.end(); t.Through < last; {
		from, sums := t.Through, map[record.Cell]record.Counts{}
		if err := s.addEvents(ctx, t, last, tallyChunk, func(c record.Cell, n record.Counts) { addTo(sums, c, n) }); err != nil {
			return err
		}
		if err := s.do(ctx, &statsOp{from: from, tally: t, sums: sums}); err != nil {
			return fmt.Errorf("write statistics: %w", err)
		}
	}
	return nil
}

func addTo[K comparable](sums map[K]record.Counts, k K, n record.Counts) {
	had := sums[k]
	had.Add(n)
	sums[k] = had
}

// addEvents adds events to a tally, some limit of them or all up to the last. Of those that were pruned before they were
// counted nothing is known.
func (s *Store) addEvents(ctx context.Context, t *record.Tally, last uint64, limit int, tell record.Tell) error {
	for n := 0; n < limit && t.Through < last; {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, next, err := s.Events(record.EventFilter{After: t.Through, Limit: min(limit-n, maxEventsSeen)})
		if errors.Is(err, record.ErrPruned) {
			t.Through = next
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range page {
			t.Add(e, tell)
		}
		n += len(page)
		t.Through = next
	}
	return nil
}

// do gives an operation and waits for it.
func (s *Store) do(ctx context.Context, op operation) error {
	done := make(chan error, 1)
	s.submit(op, true, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) readTally() (t *record.Tally, err error) {
	err = s.view(s.calls, "statistics", func(tx *bbolt.Tx) error {
		t, err = s.tallyIn(tx)
		return err
	})
	return t, err
}

func (s *Store) tallyIn(tx *bbolt.Tx) (*record.Tally, error) {
	v := tx.Bucket(bucketStatistics).Get(keyTally)
	if v == nil {
		return record.NewTally(), nil
	}
	t := new(record.Tally)
	if err := decode(keyTally, v, t); err != nil {
		return nil, damaged(s.calls, bucketStatistics, keyTally, err.Error())
	}
	return t, nil
}

// statsOp adds sums to the statistics, and writes the tally that made them, in one transaction.
type statsOp struct {
	from  uint64 // where the tally on disk is expected to stand
	tally *record.Tally
	sums  map[record.Cell]record.Counts

	value []byte
}

func (o *statsOp) subject() string { return "statistics" }

func (o *statsOp) patient() bool { return false }

func (o *statsOp) ignoredKinds() []string { return nil }

func (o *statsOp) prepare() error {
	p, err := encode(keyTally, o.tally)
	if err == nil {
		o.value = p.value
	}
	return err
}

// look refuses sums that were written already, by a transaction that seemed to fail.
func (o *statsOp) look(tx *bbolt.Tx) error {
	var had record.Tally
	if v := tx.Bucket(bucketStatistics).Get(keyTally); v != nil {
		if err := decode(keyTally, v, &had); err != nil {
			return err
		}
	}
	if had.Version == record.TallyVersion && had.Through != o.from {
		return fmt.Errorf("the statistics stand at event %d, not at %d", had.Through, o.from)
	}
	return nil
}

func (o *statsOp) put(tx *bbolt.Tx) error {
	all := tx.Bucket(bucketStatistics)
	for cell, sum := range o.sums {
		b, err := all.CreateBucketIfNotExists(monthOf(cell.Hour))
		if err != nil {
			return err
		}
		key := cellKey(cell)
		if v := b.Get(key); v != nil {
			var had record.Counts
			if err := decode(key, v, &had); err != nil {
				return err
			}
			sum.Add(had)
		}
		doc, err := json.Marshal(sum)
		if err != nil {
			return err
		}
		if err := b.Put(key, seal(key, doc)); err != nil {
			return err
		}
	}
	return all.Put(keyTally, o.value)
}

// Stats returns the sums of each hour in which there was anything, by the hour's beginning in seconds since 1970.
func (s *Store) Stats(ctx context.Context, f record.StatsFilter) (map[int64]record.Counts, error) {
	sums := map[int64]record.Counts{}
	last := s.stream.end()
	var t *record.Tally
	err := s.view(s.calls, "statistics", func(tx *bbolt.Tx) (err error) {
		if t, err = s.tallyIn(tx); err == nil && t.Version == record.TallyVersion {
			err = s.readCells(tx, f, sums)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	if t.Version != record.TallyVersion || last > t.Through && last-t.Through > maxTail {
		return nil, record.ErrCounting
	}
	tell := func(c record.Cell, n record.Counts) {
		if c.Tenant == f.Tenant && c.Agent == f.Agent && f.Within(c.Hour) {
			addTo(sums, c.Hour, n)
		}
	}
	if err := s.addEvents(ctx, t, last, maxTail, tell); err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	at := f.At
	if at.IsZero() {
		at = t.Clock
	}
	t.Open(at, tell)
	return sums, nil
}

func (s *Store) readCells(tx *bbolt.Tx, f record.StatsFilter, sums map[int64]record.Counts) error {
	all := tx.Bucket(bucketStatistics)
	months := all.Cursor()
	prefix := cellKey(record.Cell{Tenant: f.Tenant, Agent: f.Agent})
	prefix = prefix[:len(prefix)-8]
	for month, v := months.First(); month != nil; month, v = months.Next() {
		if v != nil || !f.From.IsZero() && bytes.Compare(month, monthOf(f.From.Unix())) < 0 || !f.To.IsZero() && bytes.Compare(month, monthOf(f.To.Unix())) > 0 {
			continue
		}
		c := all.Bucket(month).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(k) == len(prefix)+8; k, v = c.Next() {
			hour := int64(binary.BigEndian.Uint64(k[len(prefix):]))
			if !f.Within(hour) {
				continue
			}
			var n record.Counts
			if err := decode(k, v, &n); err != nil {
				return damaged(s.calls, bucketStatistics, k, err.Error())
			}
			addTo(sums, hour, n)
		}
	}
	return nil
}

// pruneStats deletes the statistics of months that ended before an instant, some at a time; zero: all of them, with the tally.
func (s *Store) pruneStats(ctx context.Context, before time.Time) error {
	for {
		op := &pruneStatsOp{before: before}
		if err := s.do(ctx, op); err != nil {
			return fmt.Errorf("prune statistics: %w", err)
		}
		if !op.more {
			return nil
		}
	}
}

// pruneStatsOp deletes cells of the oldest month.
type pruneStatsOp struct {
	before time.Time

	month []byte
	keys  [][]byte
	more  bool
}

func (o *pruneStatsOp) subject() string { return "statistics" }

func (o *pruneStatsOp) prepare() error { return nil }

func (o *pruneStatsOp) patient() bool { return false }

func (o *pruneStatsOp) ignoredKinds() []string { return nil }

func (o *pruneStatsOp) look(tx *bbolt.Tx) error {
	o.month, o.keys, o.more = nil, nil, false
	all := tx.Bucket(bucketStatistics)
	month, v := all.Cursor().First()
	if month == nil || v != nil || !o.before.IsZero() && bytes.Compare(month, monthOf(o.before.Unix())) >= 0 {
		return nil
	}
	o.month, o.more = bytes.Clone(month), true
	c := all.Bucket(month).Cursor()
	for k, _ := c.First(); k != nil && len(o.keys) < maxPruned; k, _ = c.Next() {
		o.keys = append(o.keys, bytes.Clone(k))
	}
	return nil
}

func (o *pruneStatsOp) put(tx *bbolt.Tx) error {
	all := tx.Bucket(bucketStatistics)
	if o.month == nil {
		if o.before.IsZero() {
			return all.Delete(keyTally)
		}
		return nil
	}
	if len(o.keys) < maxPruned { // the last of the month
		return all.DeleteBucket(o.month)
	}
	for _, k := range o.keys {
		if err := all.Bucket(o.month).Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// checkStats reads the tally and, page by page, the cells of each month.
func (s *Store) checkStats(ctx context.Context, f *findings) error {
	var month, after []byte
	for more := true; more && !f.full(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.view(s.calls, "check", func(tx *bbolt.Tx) error {
			more = s.checkCells(tx, &month, &after, f)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCells reads a page of cells behind those of a month that were read before; false: there are no more.
func (s *Store) checkCells(tx *bbolt.Tx, month, after *[]byte, f *findings) (more bool) {
	all := tx.Bucket(bucketStatistics)
	if all == nil { // a schema of the tests
		return false
	}
	if *month == nil {
		if _, err := s.tallyIn(tx); err != nil {
			f.add(err)
		}
	}
	m, v := all.Cursor().Seek(*month)
	if m == nil || v != nil { // the tally sorts behind every month
		return false
	}
	if !bytes.Equal(m, *month) {
		*month, *after = bytes.Clone(m), nil
	}
	c, seen := all.Bucket(m).Cursor(), 0
	k, v := c.Seek(*after)
	if *after != nil && bytes.Equal(k, *after) {
		k, v = c.Next()
	}
	for ; k != nil && seen < s.opts.pageBatch; k, v = c.Next() {
		if err := decode(k, v, new(record.Counts)); err != nil {
			f.add(damaged(s.calls, bucketStatistics, k, err.Error()))
		}
		*after = bytes.Clone(k)
		seen++
	}
	if k == nil {
		*month, *after = append(bytes.Clone(m), 0), nil // on to the next month
	}
	return true
}
