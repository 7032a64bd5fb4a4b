package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// pair is one sealed value and its key.
type pair struct{ key, value []byte }

// commitOp writes a record.Commit.
type commitOp struct {
	commit record.Commit
	stream *stream

	// Encoded by prepare; nil where the commit has none.
	head, heartbeat *pair
	entries         []pair
	final           *finalPairs
	messages        []newMessage
	loose           []numbered // events of no story
	kept            []pair     // what is kept beside calls

	// Decided by look.
	recorded    bool // the call has its record: nothing but messages is left to write
	ignored     []string
	badMessages int // left out
	events      []numbered
}

// finalPairs is a record with its entries in the indexes.
type finalPairs struct{ record, byCall, byTime pair }

func (o *commitOp) subject() string { return string(o.commit.Call) }

// patient is a commit that holds a sign of life and nothing else.
func (o *commitOp) patient() bool {
	c := &o.commit
	return c.Heartbeat != nil && c.Head == nil && len(c.Entries) == 0 && c.Final == nil && len(c.Messages)+len(c.Stream)+len(c.Kept) == 0
}

// ofNoCall tells whether a commit names no call and needs none.
func ofNoCall(c *record.Commit) bool {
	return c.Call == "" && c.Head == nil && len(c.Entries) == 0 && c.Heartbeat == nil && c.Final == nil && len(c.Stream)+len(c.Kept) > 0
}

// prepare encodes the commit, outside of any transaction.
func (o *commitOp) prepare() error {
	c := &o.commit
	if !validID(string(c.Call)) && !ofNoCall(c) {
		return fmt.Errorf("call %q: %w", c.Call, ErrInvalid)
	}
	o.messages, o.badMessages = prepareMessages(c.Messages)
	var err error
	if o.loose, err = prepareStream(c.Stream); err != nil {
		return err
	}
	if o.kept, err = prepareKept(c.Kept); err != nil {
		return fmt.Errorf("call %q: %w", c.Call, err)
	}
	if c.Head != nil {
		if c.Head.Call != c.Call {
			return fmt.Errorf("call %s: head of call %q: %w", c.Call, c.Head.Call, ErrInvalid)
		}
		if o.head, err = encode(headKey(c.Call), c.Head); err != nil {
			return err
		}
	}
	if len(c.Entries) > 0 && (c.First < 0 || c.First > math.MaxUint32-len(c.Entries)) {
		return fmt.Errorf("call %s: sequence number %d: %w", c.Call, c.First, ErrInvalid)
	}
	o.entries = make([]pair, 0, len(c.Entries))
	for i := range c.Entries {
		p, err := encode(entryKey(c.Call, c.First+i), &c.Entries[i])
		if err != nil {
			return err
		}
		o.entries = append(o.entries, *p)
	}
	if c.Heartbeat != nil {
		if o.heartbeat, err = encode(heartbeatKey(c.Call), c.Heartbeat); err != nil {
			return err
		}
	}
	if c.Final != nil {
		return o.prepareFinal()
	}
	return nil
}

func (o *commitOp) prepareFinal() error {
	r := o.commit.Final
	if r.Call != o.commit.Call {
		return fmt.Errorf("call %s: record of call %q: %w", o.commit.Call, r.Call, ErrInvalid)
	}
	if !validID(r.Tenant) {
		return fmt.Errorf("call %s: record of tenant %q: %w", r.Call, r.Tenant, ErrInvalid)
	}
	rec, err := encode(recordKey(r.Tenant, r.Received, r.Call), r)
	if err != nil {
		return err
	}
	byCall, byTime := []byte(r.Call), timeKey(r.Received, r.Call)
	o.final = &finalPairs{
		record: *rec,
		byCall: pair{byCall, seal(byCall, rec.key)},
		byTime: pair{byTime, seal(byTime, []byte(r.Tenant))},
	}
	return nil
}

func encode(key []byte, v any) (*pair, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w: %w", v, ErrInvalid, err)
	}
	return &pair{key, seal(key, payload)}, nil
}

// look decides what is left to write, reading only. An error refuses this commit and lets its neighbours be.
func (o *commitOp) look(tx *bbolt.Tx) error {
	o.recorded, o.ignored = false, slices.Repeat([]string{ignoredMessage}, o.badMessages)
	o.ignored = append(o.ignored, lookMessages(tx, o.messages)...)
	id := o.commit.Call
	if at := tx.Bucket(bucketByCall).Get([]byte(id)); at != nil {
		o.recorded = true
		o.lookRecorded(tx, at)
		return o.lookEvents(tx)
	}
	journal := tx.Bucket(bucketJournal)
	head := journal.Get(headKey(id))
	switch {
	case head == nil && o.head == nil && o.final == nil && (len(o.entries) > 0 || o.heartbeat != nil):
		return fmt.Errorf("call %s: %w", id, ErrNoJournal)
	case head != nil && o.head != nil && !bytes.Equal(head, o.head.value):
		o.ignored = append(o.ignored, ignoredConflict)
	}
	for _, e := range o.entries {
		if had := journal.Get(e.key); had != nil && !bytes.Equal(had, e.value) {
			o.ignored = append(o.ignored, ignoredConflict)
		}
	}
	return o.lookEvents(tx)
}

// lookRecorded counts what a commit still wants of a call that has its record. The same commit given again wants nothing.
func (o *commitOp) lookRecorded(tx *bbolt.Tx, at []byte) {
	if o.final == nil {
		if o.head != nil || o.heartbeat != nil || len(o.entries) > 0 {
			o.ignored = append(o.ignored, ignoredLate)
		}
		return
	}
	key, err := unseal([]byte(o.commit.Call), at)
	if err != nil || !bytes.Equal(tx.Bucket(bucketRecords).Get(key), o.final.record.value) {
		o.ignored = append(o.ignored, ignoredFinal)
	}
}

func (o *commitOp) ignoredKinds() []string { return o.ignored }

// put writes what is left. An error fails the transaction.
func (o *commitOp) put(tx *bbolt.Tx) error {
	if err := putMessages(tx, o.messages); err != nil {
		return err
	}
	if err := putEvents(tx, o.events); err != nil {
		return err
	}
	journal := tx.Bucket(bucketJournal)
	if o.recorded || o.final != nil {
		if err := dropPrefix(journal, journalPrefix(o.commit.Call)); err != nil {
			return err
		}
		o.stream.forgetCall(o.commit.Call)
		if o.recorded {
			return nil
		}
		if err := putKept(tx, o.kept); err != nil {
			return err
		}
		return o.final.put(tx)
	}
	if err := putKept(tx, o.kept); err != nil {
		return err
	}
	if o.head != nil {
		if err := putNew(journal, *o.head); err != nil {
			return err
		}
	}
	for _, e := range o.entries {
		if err := putNew(journal, e); err != nil {
			return err
		}
	}
	if o.heartbeat != nil {
		return journal.Put(o.heartbeat.key, o.heartbeat.value)
	}
	return nil
}

func (f *finalPairs) put(tx *bbolt.Tx) error {
	for _, w := range []struct {
		bucket []byte
		pair   pair
	}{{bucketRecords, f.record}, {bucketByCall, f.byCall}, {bucketByTime, f.byTime}} {
		b := tx.Bucket(w.bucket)
		b.FillPercent = 0.9 // calls come in order of time: pages fill from the left
		if err := b.Put(w.pair.key, w.pair.value); err != nil {
			return err
		}
	}
	return nil
}

// putNew writes a value unless there is one: what is on disk stands.
func putNew(b *bbolt.Bucket, p pair) error {
	if b.Get(p.key) != nil {
		return nil
	}
	return b.Put(p.key, p.value)
}

// dropPrefix deletes every key that begins with the prefix.
func dropPrefix(b *bbolt.Bucket, prefix []byte) error {
	var keys [][]byte // deleting under a cursor would make it skip
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Recover returns the calls that the journal holds, in the order of their ids: at start, those that a crash left open.
// Each is to be closed by a Commit with a Final. A call that cannot be read is left out and told of in the error, beside
// which the others are still returned.
func (s *Store) Recover() ([]record.Open, error) {
	var open []record.Open
	var errs []error
	err := s.view(s.calls, "recover", func(tx *bbolt.Tx) error {
		open, errs = s.readJournal(tx)
		return nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return open, fmt.Errorf("recover the journal: %w", err)
	}
	return open, nil
}

func (s *Store) readJournal(tx *bbolt.Tx) (open []record.Open, errs []error) {
	bad := map[call.ID]bool{}
	fail := func(id call.ID, key []byte, reason string) {
		bad[id] = true
		errs = append(errs, damaged(s.calls, bucketJournal, key, reason))
	}
	c := tx.Bucket(bucketJournal).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		id, part, ok := splitJournalKey(k)
		if !ok {
			fail("", k, "not a key of the journal")
			continue
		}
		if bad[id] {
			continue
		}
		if part == partHead {
			open = append(open, record.Open{})
		} else if len(open) == 0 || open[len(open)-1].Head.Call != id {
			fail(id, k, "the call has no head")
			continue
		}
		if err := readPart(&open[len(open)-1], part, k, v); err != nil {
			fail(id, k, err.Error())
			open = open[:len(open)-1]
		}
	}
	return open, errs
}

func readPart(o *record.Open, part byte, k, v []byte) error {
	switch part {
	case partHead:
		return decode(k, v, &o.Head)
	case partEntry:
		var e call.Entry
		if err := decode(k, v, &e); err != nil {
			return err
		}
		o.Story = append(o.Story, e)
		return nil
	}
	return decode(k, v, &o.Heartbeat)
}
