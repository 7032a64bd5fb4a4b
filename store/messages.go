package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

// newMessage is a message that goes into the outbox. Its outgoing gets its place among the pending within the transaction.
type newMessage struct {
	out   record.Outgoing
	fresh bool // look found none of its id
}

// prepareMessages leaves out what is not valid, and tells how many that were.
func prepareMessages(list []record.Message) (all []newMessage, bad int) {
	for _, m := range list {
		if m.Validate() != nil || !validID(m.Tenant) || len(m.Call) > maxID {
			bad++
			continue
		}
		all = append(all, newMessage{out: record.NewOutgoing(m)})
	}
	return all, bad
}

// lookMessages finds which are there already, and tells what contradicts the disk.
func lookMessages(tx *bbolt.Tx, list []newMessage) (ignored []string) {
	for i := range list {
		n := &list[i]
		id := []byte(n.out.Message.ID)
		v := tx.Bucket(bucketMessages).Get(id)
		n.fresh = v == nil
		if n.fresh {
			continue
		}
		var had record.Outgoing
		if err := decode(id, v, &had); err != nil || !sameJSON(had.Message, n.out.Message) {
			ignored = append(ignored, ignoredConflict)
		}
	}
	return ignored
}

func sameJSON(a, b any) bool {
	one, err1 := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(one, two)
}

func putMessages(tx *bbolt.Tx, list []newMessage) error {
	for i := range list {
		if n := &list[i]; n.fresh {
			if tx.Bucket(bucketMessages).Get([]byte(n.out.Message.ID)) != nil {
				continue // twice in one commit
			}
			if err := putNewMessage(tx, n.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// putNewMessage writes a message with its entries in the indexes.
func putNewMessage(tx *bbolt.Tx, o record.Outgoing) error {
	m := &o.Message
	byTime := messageTimeKey(m)
	for _, w := range []struct {
		bucket, key, payload []byte
	}{
		{bucketMessagesByTime, byTime, []byte(m.Tenant)},
		{bucketMessagesByTenant, append(tenantPrefix(m.Tenant), byTime...), nil},
		{bucketMessagesByCall, messageCallKey(m), nil},
	} {
		if w.key == nil {
			continue
		}
		if err := tx.Bucket(w.bucket).Put(w.key, seal(w.key, w.payload)); err != nil {
			return err
		}
	}
	return writeMessage(tx, &record.Outgoing{Message: o.Message}, o)
}

// writeMessage writes a message as it is now, and takes the indexes from its old state to the new one.
func writeMessage(tx *bbolt.Tx, old *record.Outgoing, o record.Outgoing) error {
	pending := tx.Bucket(bucketMessagesPending)
	switch {
	case o.Waits() && old.Seq == 0:
		seq, err := pending.NextSequence()
		if err != nil {
			return err
		}
		o.Seq = seq
		if err := pending.Put(seqKey(seq), seal(seqKey(seq), []byte(o.Message.ID))); err != nil {
			return err
		}
	case !o.Waits() && old.Seq != 0:
		if err := pending.Delete(seqKey(old.Seq)); err != nil {
			return err
		}
		o.Seq = 0
	}
	dead, key := tx.Bucket(bucketMessagesDead), messageTimeKey(&o.Message)
	switch was, is := old.State == record.MessageFailed, o.State == record.MessageFailed; {
	case is && !was:
		if err := dead.Put(key, seal(key, []byte(o.Message.Tenant))); err != nil {
			return err
		}
	case was && !is:
		if err := dead.Delete(key); err != nil {
			return err
		}
	}
	if o.GatewayID != "" && o.GatewayID != old.GatewayID {
		if key := gatewayKey(o.Gateway, o.GatewayID); key != nil {
			if err := tx.Bucket(bucketMessagesByGateway).Put(key, seal(key, []byte(o.Message.ID))); err != nil {
				return err
			}
		}
	}
	p, err := encode([]byte(o.Message.ID), o)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketMessages).Put(p.key, p.value)
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func messageTimeKey(m *record.Message) []byte { return append(appendTime(nil, m.Created), m.ID...) }

// messageCallKey is nil where a message belongs to no call.
func messageCallKey(m *record.Message) []byte {
	if m.Call == "" {
		return nil
	}
	return append(append([]byte(m.Call), 0), m.ID...)
}

// gatewayKey is nil where a gateway's name for a message cannot be a key.
func gatewayKey(gateway, id string) []byte {
	if !validID(gateway) || !validID(id) {
		return nil
	}
	return append(append([]byte(gateway), 0), id...)
}

// messageOp reads one message, has it changed, and writes it.
type messageOp struct {
	id     string
	change func(*record.Outgoing) error
	old    record.Outgoing
	new    record.Outgoing
}

func (o *messageOp) subject() string { return "message " + o.id }

func (o *messageOp) patient() bool { return false }

func (o *messageOp) prepare() error { return nil }

func (o *messageOp) look(tx *bbolt.Tx) error {
	v := tx.Bucket(bucketMessages).Get([]byte(o.id))
	if v == nil {
		return fmt.Errorf("message %s: %w: %w", o.id, record.ErrNoMessage, ErrInvalid)
	}
	o.old, o.new = record.Outgoing{}, record.Outgoing{}
	if err := errors.Join(decode([]byte(o.id), v, &o.old), decode([]byte(o.id), v, &o.new)); err != nil {
		return &DamagedError{File: tx.DB().Path(), Bucket: string(bucketMessages), Key: []byte(o.id), Reason: err.Error()}
	}
	if err := o.change(&o.new); err != nil {
		return fmt.Errorf("message %s: %w: %w", o.id, err, ErrInvalid)
	}
	o.new.Seq = o.old.Seq
	return nil
}

func (o *messageOp) put(tx *bbolt.Tx) error { return writeMessage(tx, &o.old, o.new) }

func (o *messageOp) ignoredKinds() []string { return nil }

// queueOp puts a message into the outbox that no call's commit carries.
type queueOp struct {
	message record.Message
	list    []newMessage
	ignored []string
	events  []numbered
}

func (o *queueOp) subject() string { return "message " + o.message.ID }

func (o *queueOp) patient() bool { return false }

func (o *queueOp) prepare() error {
	list, bad := prepareMessages([]record.Message{o.message})
	if bad > 0 {
		return fmt.Errorf("message %q: %w: %w", o.message.ID, o.message.Validate(), ErrInvalid)
	}
	o.list = list
	return nil
}

func (o *queueOp) look(tx *bbolt.Tx) (err error) {
	o.ignored = lookMessages(tx, o.list)
	o.events, err = messageEvents(o.list)
	return err
}

func (o *queueOp) put(tx *bbolt.Tx) error {
	if err := putMessages(tx, o.list); err != nil {
		return err
	}
	return putEvents(tx, o.events)
}

func (o *queueOp) ignoredKinds() []string { return o.ignored }

// pruneOp deletes messages that wait no longer, and have not since an instant; zero: whenever that was.
type pruneOp struct {
	ids    []string
	before time.Time
}

func (o *pruneOp) subject() string { return "messages that have ended" }

func (o *pruneOp) patient() bool { return false }

func (o *pruneOp) prepare() error { return nil }

func (o *pruneOp) look(*bbolt.Tx) error { return nil }

func (o *pruneOp) ignoredKinds() []string { return nil }

func (o *pruneOp) old(m *record.Outgoing) bool {
	return !m.Waits() && (o.before.IsZero() || m.Stands().Before(o.before))
}

func (o *pruneOp) put(tx *bbolt.Tx) error {
	for _, id := range o.ids {
		var m record.Outgoing
		v := tx.Bucket(bucketMessages).Get([]byte(id))
		if v == nil || decode([]byte(id), v, &m) != nil || !o.old(&m) {
			continue
		}
		byTime := messageTimeKey(&m.Message)
		for _, d := range []struct{ bucket, key []byte }{
			{bucketMessages, []byte(id)}, {bucketMessagesDead, byTime}, {bucketMessagesByTime, byTime},
			{bucketMessagesByTenant, append(tenantPrefix(m.Message.Tenant), byTime...)},
			{bucketMessagesByCall, messageCallKey(&m.Message)}, {bucketMessagesByGateway, gatewayKey(m.Gateway, m.GatewayID)},
		} {
			if d.key == nil {
				continue
			}
			if err := tx.Bucket(d.bucket).Delete(d.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// pendingEntry reads an entry of the index of those that wait.
func pendingEntry(k, v []byte) (seq uint64, id []byte, err error) {
	if len(k) != 8 {
		return 0, nil, errors.New("not a place among the pending")
	}
	seq = binary.BigEndian.Uint64(k)
	id, err = unseal(k, v)
	return seq, id, err
}

// checkMessage finds what the indexes lack of a message.
func (s *Store) checkMessage(tx *bbolt.Tx, k, v []byte) error {
	var o record.Outgoing
	if err := decode(k, v, &o); err != nil {
		return err
	}
	m := &o.Message
	if m.ID != string(k) {
		return fmt.Errorf("message %s has another key", m.ID)
	}
	if o.Waits() != (o.Seq != 0) {
		return fmt.Errorf("message %s is %s and has place %d", m.ID, o.State, o.Seq)
	}
	byTime := messageTimeKey(m)
	for _, w := range []struct {
		bucket, key []byte
		want        bool
	}{
		{bucketMessagesByTime, byTime, true},
		{bucketMessagesByTenant, append(tenantPrefix(m.Tenant), byTime...), true},
		{bucketMessagesByCall, messageCallKey(m), true},
		{bucketMessagesDead, byTime, o.State == record.MessageFailed},
	} {
		if w.key != nil && (tx.Bucket(w.bucket).Get(w.key) != nil) != w.want {
			return fmt.Errorf("index %s is wrong about message %s, which is %s", w.bucket, m.ID, o.State)
		}
	}
	if o.Seq == 0 {
		return nil
	}
	if _, id, err := pendingEntry(seqKey(o.Seq), tx.Bucket(bucketMessagesPending).Get(seqKey(o.Seq))); err != nil || string(id) != m.ID {
		return fmt.Errorf("message %s is not among the pending", m.ID)
	}
	return nil
}

// checkPending finds a place that no message has.
func (s *Store) checkPending(tx *bbolt.Tx, k, v []byte) error {
	seq, id, err := pendingEntry(k, v)
	if err != nil {
		return err
	}
	if o, err := s.readMessage(tx, id); err != nil || o.Seq != seq {
		return fmt.Errorf("names message %q, which does not wait there", id)
	}
	return nil
}
