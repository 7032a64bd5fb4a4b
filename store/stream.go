package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

var bucketEvents = []byte("events")

// stream is what is kept in memory of the stream of events.
type stream struct {
	mu      sync.Mutex    // protects durable and changed; nothing waits while holding it
	durable uint64        // the last number that is on disk for sure: none above it is shown
	changed chan struct{} // closed when durable grows; nil while nobody waits

	// What follows is the writer's goroutine's alone.

	// owners are the calls that have a journal, as far as they were seen since the start.
	owners map[call.ID]owner
	// doubtful is set once a transaction failed: bbolt may show it all the same. Its events are then on disk behind the
	// durable ones, and a commit that is given again must not number them twice.
	doubtful bool
	written  map[string]bool // the doubtful events that are on disk, as written
}

// owner is what an event must know of its call.
type owner struct {
	tenant string
	way    call.Way
}

// maxWritten bounds what is remembered of transactions that failed and were written all the same.
const maxWritten = 100_000

// openStream finds the end of the stream. What a process that was killed wrote last may not have been synced yet, so that is
// done before anybody is shown it: its numbers could be lost in a power cut, and given again.
func (s *Store) openStream() error {
	if s.writer != nil {
		if err := s.calls.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", s.calls.Path(), err)
		}
	}
	return s.view(s.calls, "events", func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketEvents)
		if b == nil { // a schema of the tests
			return nil
		}
		s.stream.durable = b.Sequence()
		if k, v := b.Cursor().Last(); k != nil && !bytes.Equal(k, seqKey(s.stream.durable)) {
			return damaged(s.calls, bucketEvents, k, fmt.Sprintf("is the last event, though %d were numbered", s.stream.durable))
		} else if k != nil {
			var e record.StreamEvent
			if err := decode(k, v, &e); err != nil {
				return damaged(s.calls, bucketEvents, k, err.Error())
			}
		}
		return nil
	})
}

// StreamEnd returns the number of the last event of the stream, zero where there is none yet, and a channel that is closed
// when there are more.
func (s *Store) StreamEnd() (last uint64, more <-chan struct{}) {
	st := &s.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.changed == nil {
		st.changed = make(chan struct{})
	}
	return st.durable, st.changed
}

// publish shows events that are on disk.
func (st *stream) publish(last uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if last == st.durable {
		return
	}
	st.durable = last
	if st.changed != nil {
		close(st.changed)
		st.changed = nil
	}
}

func (st *stream) end() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.durable
}

// maxEventsSeen bounds the events that are looked at in one read transaction.
const maxEventsSeen = 5000

// Events returns a page of the stream: events in the order of their numbers, and the number to go on after. A page may
// be empty though events follow it: it ends where next is the number that StreamEnd tells. It fails with record.ErrPruned
// where events behind After were pruned, and with record.ErrAhead where the stream does not reach so far.
func (s *Store) Events(f record.EventFilter) (page []record.StreamEvent, next uint64, err error) {
	last := s.stream.end()
	if f.After > last {
		return nil, last, fmt.Errorf("events after %d: %w: it ends with %d", f.After, record.ErrAhead, last)
	}
	if f.Limit <= 0 {
		f.Limit = s.opts.pageBatch
	}
	var raw []pair
	err = s.view(s.calls, "events", func(tx *bbolt.Tx) (err error) {
		raw, next, err = s.eventPage(tx, f, last)
		return err
	})
	if err != nil {
		return nil, next, fmt.Errorf("events after %d: %w", f.After, err)
	}
	page = make([]record.StreamEvent, 0, len(raw))
	for _, p := range raw {
		e, err := decodeEvent(p.key, p.value)
		if err != nil {
			return nil, f.After, fmt.Errorf("events after %d: %w", f.After, damaged(s.calls, bucketEvents, p.key, err.Error()))
		}
		if f.Tenant == "" || e.Tenant == f.Tenant {
			page = append(page, e)
		}
	}
	return page, next, nil
}

// eventPage copies events out of a transaction, still sealed. Those of other tenants are told by a look at the text.
func (s *Store) eventPage(tx *bbolt.Tx, f record.EventFilter, last uint64) (page []pair, next uint64, err error) {
	var mine []byte
	if f.Tenant != "" {
		if mine, err = json.Marshal(struct {
			T string `json:"tenant"`
		}{f.Tenant}); err != nil {
			return nil, f.After, err
		}
		mine = mine[1 : len(mine)-1]
	}
	start, seen, next := time.Now(), 0, f.After
	c := tx.Bucket(bucketEvents).Cursor()
	for k, v := c.Seek(seqKey(f.After + 1)); k != nil && bytes.Compare(k, seqKey(last)) <= 0; k, v = c.Next() {
		seq := keySeq(k)
		if seen == 0 && f.After > 0 && seq != f.After+1 {
			return nil, seq - 1, fmt.Errorf("%w: the oldest that is kept is %d", record.ErrPruned, seq)
		}
		seen, next = seen+1, seq
		if mine == nil || bytes.Contains(v, mine) {
			page = append(page, pair{bytes.Clone(k), bytes.Clone(v)})
		}
		if len(page) >= f.Limit || seen >= maxEventsSeen || time.Since(start) > maxPageTime {
			return page, next, nil
		}
	}
	if seen == 0 && f.After > 0 && f.After < last {
		return nil, last, fmt.Errorf("%w: none is kept", record.ErrPruned)
	}
	return page, last, nil
}

func decodeEvent(k, v []byte) (e record.StreamEvent, err error) {
	if err = decode(k, v, &e); err != nil {
		return e, err
	}
	e.Seq = keySeq(k)
	return e, nil
}

// checkEvents returns the check of the stream: its numbers have no holes, and it ends where the next number says.
func (s *Store) checkEvents() func(tx *bbolt.Tx, k, v []byte) error {
	var before uint64
	return func(tx *bbolt.Tx, k, v []byte) error {
		e, err := decodeEvent(k, v)
		if err != nil {
			return err
		}
		had := before
		before = e.Seq
		switch {
		case len(k) != 8:
			return errors.New("not a number")
		case had != 0 && had+1 != e.Seq && !isFirst(tx, k): // what is before the first was pruned meanwhile
			return fmt.Errorf("follows event %d", had)
		case e.Seq > tx.Bucket(bucketEvents).Sequence():
			return errors.New("was never numbered")
		}
		return nil
	}
}

func isFirst(tx *bbolt.Tx, key []byte) bool {
	k, _ := tx.Bucket(bucketEvents).Cursor().First()
	return bytes.Equal(k, key)
}

// keySeq is the number in a key; zero where it holds none.
func keySeq(k []byte) uint64 {
	if len(k) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k)
}

// streamEnd is the last number given, as a transaction sees it.
func streamEnd(tx *bbolt.Tx) uint64 {
	if b := tx.Bucket(bucketEvents); b != nil {
		return b.Sequence()
	}
	return 0 // a schema of the tests
}
