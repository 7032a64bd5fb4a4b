package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

// settle reads, at the beginning of a transaction that follows a failed one, which of its events are on disk all the same.
func (st *stream) settle(tx *bbolt.Tx) error {
	if !st.doubtful {
		return nil
	}
	if st.written == nil || len(st.written) > maxWritten {
		st.written = map[string]bool{}
	}
	c := tx.Bucket(bucketEvents).Cursor()
	for k, v := c.Seek(seqKey(st.end() + 1)); k != nil; k, v = c.Next() {
		payload, err := unseal(k, v)
		if err != nil {
			return fmt.Errorf("event: %w", err)
		}
		st.written[string(payload)] = true
	}
	st.doubtful = false
	return nil
}

// forgetCall drops what is known of a call that has ended.
func (st *stream) forgetCall(id call.ID) { delete(st.owners, id) }

// ownerOf finds whose a call is: from the commit itself, from memory, or from the journal after a restart.
func (st *stream) ownerOf(tx *bbolt.Tx, c *record.Commit) owner {
	if own, known := st.owners[c.Call]; known {
		return own
	}
	var own owner
	h := c.Head
	if h == nil {
		if v := tx.Bucket(bucketJournal).Get(headKey(c.Call)); v != nil {
			var kept record.Head
			if decode(headKey(c.Call), v, &kept) == nil {
				h = &kept
			}
		}
	}
	switch {
	case h != nil:
		own = ownerOfHead(h)
	case c.Final != nil:
		own.tenant = c.Final.Tenant
	}
	if st.owners == nil {
		st.owners = map[call.ID]owner{}
	}
	st.owners[c.Call] = own
	return own
}

func ownerOfHead(h *record.Head) owner { return owner{tenant: h.Rules.Tenant, way: h.Rules.Kind} }

// numbered is an event that is to be numbered, as it is written.
type numbered []byte

func encodeEvent(e record.StreamEvent) (numbered, error) {
	e.Seq, e.At = 0, e.At.UTC()
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w: %w", ErrInvalid, err)
	}
	return payload, nil
}

// putEvents gives events the next numbers and writes them.
func putEvents(tx *bbolt.Tx, events []numbered) error {
	if len(events) == 0 {
		return nil
	}
	b := tx.Bucket(bucketEvents)
	b.FillPercent = 1 // numbers only ascend: a page that is full stays so
	for _, payload := range events {
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		key := seqKey(seq)
		if err := b.Put(key, seal(key, payload)); err != nil {
			return err
		}
	}
	return nil
}

// streamedMessage is the event that a message was queued.
func streamedMessage(m *record.Message) record.StreamEvent {
	return record.StreamEvent{At: m.Created, About: record.AboutMessage, Kind: record.Messaged, Tenant: m.Tenant, Call: m.Call,
		Agent: m.Agent, Reason: record.SafeReason(string(m.Channel))}
}

// messageEvents are the events of messages that were found to be new.
func messageEvents(list []newMessage) (events []numbered, err error) {
	seen := map[string]bool{}
	for i := range list {
		m := &list[i].out.Message
		if !list[i].fresh || seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		e, err := encodeEvent(streamedMessage(m))
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// prepareStream encodes the events that belong to no story.
func prepareStream(list []record.StreamEvent) (events []numbered, err error) {
	for i := range list {
		if err := list[i].Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		e, err := encodeEvent(list[i])
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// lookEvents decides which events a commit brings that the stream has not got: the entries of the story that are not on disk,
// then messages, then what belongs to no story.
func (o *commitOp) lookEvents(tx *bbolt.Tx) (err error) {
	o.events = o.events[:0]
	if !o.recorded {
		if err := o.lookStory(tx); err != nil {
			return err
		}
	}
	if len(o.messages) > 0 {
		queued, err := messageEvents(o.messages)
		if err != nil {
			return err
		}
		o.events = append(o.events, queued...)
	}
	for _, e := range o.loose {
		if !o.stream.written[string(e)] {
			o.events = append(o.events, e)
		}
	}
	return nil
}

// lookStory finds the entries that the journal has not got. A record brings its whole story, whose end may never have been
// in the journal.
func (o *commitOp) lookStory(tx *bbolt.Tx) error {
	c, journal := &o.commit, tx.Bucket(bucketJournal)
	first, story := c.First, c.Entries
	if c.Final != nil {
		for first, story = len(c.Final.Story), c.Final.Story; first > 0 && journal.Get(entryKey(c.Call, first-1)) == nil; {
			first--
		}
		story = story[first:]
	}
	if len(story) == 0 {
		return nil
	}
	own := o.stream.ownerOf(tx, c)
	for i, entry := range story {
		if c.Final == nil && journal.Get(entryKey(c.Call, first+i)) != nil {
			continue
		}
		payload, err := encodeEvent(record.Streamed(c.Call, own.tenant, own.way, entry))
		if err != nil {
			return err
		}
		o.events = append(o.events, payload)
	}
	return nil
}
