package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
	"telefonist/record"
)

// eraseChunk is how many records or messages one transaction of an erasure changes.
const eraseChunk = 50

// keepOfRecord and keepOfMessage are fields that hold no free text and no party: ids, closed sets, and the row that is charged.
var (
	keepOfRecord = []string{"row", "call", "tenant", "common_number", "corrects", "outcome", "cause", "kind", "agent", "agents", "agent_kind",
		"leg", "media", "mediated"}
	keepOfMessage = []string{"id", "tenant", "call", "common_number", "agent", "channel", "kind", "state", "gateway", "gateway_id", "code"}
)

// onCall tells whether the person takes part in a call that goes on, or is to be called back.
func (x *eraser) onCall() error {
	if x.e.DryRun {
		return nil
	}
	if err := x.calledBack(); err != nil {
		return err
	}
	live, err := x.s.Recover()
	if err != nil {
		return err
	}
	x.live = x.at
	for _, o := range live {
		if o.Head.Rules.Tenant != x.tenant {
			continue
		}
		if o.Head.Received.Before(x.live) {
			x.live = o.Head.Received
		}
		text, err := json.Marshal(struct {
			Caller any
			Story  any
		}{o.Head.Caller, o.Story})
		if err != nil {
			return err
		}
		if _, found := x.traces.MaskJSON(text, true, keepOfRecord...); found {
			return directory.ErrOnCall
		}
	}
	return nil
}

// clocks is how far the instants that calls and messages bear may be before their being written.
const clocks = time.Minute

// meanwhile looks again at what was written since the first look: by calls that began since, and by those that went on then, in which the
// person may have come to take part. What goes on now is refused as at first.
func (x *eraser) meanwhile(ctx context.Context) error {
	x.from = x.live.Add(-clocks)
	if err := x.onCall(); err != nil {
		return err
	}
	return errors.Join(x.fromCalls(ctx), x.fromMessages(ctx))
}

// calledBack looks at the wishes: each becomes a call, which names whom it is to.
func (x *eraser) calledBack() error {
	wishes, err := x.s.Kept(record.KeptWish)
	if err != nil {
		return err
	}
	for _, k := range wishes {
		var w record.Wish
		if err := json.Unmarshal(k.Doc, &w); err != nil {
			return fmt.Errorf("wish %s: %w", k.ID, err)
		}
		if w.Head.Rules.Tenant != x.tenant {
			continue
		}
		text, err := json.Marshal(w.Head.Caller)
		if err != nil {
			return err
		}
		if _, found := x.traces.MaskJSON(text, true, keepOfRecord...); found {
			return directory.ErrOnCall
		}
	}
	return nil
}

// fromCalls masks the person in the tenant's call records.
func (x *eraser) fromCalls(ctx context.Context) error {
	sc, err := newScan(Filter{Tenant: x.tenant, From: x.from})
	if err != nil {
		return err
	}
	op := &eraseOp{traces: &x.traces, id: x.id}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var page []pair
		err := x.s.view(x.s.calls, "erase", func(tx *bbolt.Tx) (err error) {
			page, more, err = x.s.page(tx, sc, x.s.opts.pageBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range page {
			_, found, err := maskRecord(&x.traces, p.key, p.value)
			if err != nil {
				return damaged(x.s.calls, bucketRecords, p.key, err.Error())
			}
			if !found {
				continue
			}
			x.out.Calls++
			if op.records = append(op.records, p.key); len(op.records) == eraseChunk {
				if op, err = x.write(ctx, op); err != nil {
					return err
				}
			}
		}
	}
	_, err = x.write(ctx, op)
	return err
}

// maskRecord gives a record without the person, sealed.
func maskRecord(traces *directory.Traces, key, value []byte) (masked []byte, found bool, err error) {
	payload, err := unseal(key, value)
	if err != nil || !traces.Maybe(payload) {
		return nil, false, err
	}
	text, found := traces.MaskJSON(payload, true, keepOfRecord...)
	if !found {
		return nil, false, nil
	}
	var r record.Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, false, err
	}
	r.Parties.SIPCall = ""
	for i := range r.Story {
		r.Story[i].Dialog = nil // its addresses name the parties, and the call has ended
	}
	p, err := encode(key, r)
	if err != nil {
		return nil, false, err
	}
	return p.value, true, nil
}

// fromMessages deletes the messages to the person, and masks the person in others.
func (x *eraser) fromMessages(ctx context.Context) error {
	op := &eraseOp{traces: &x.traces, id: x.id}
	err := x.s.Messages(ctx, MessageFilter{Tenant: x.tenant, From: x.from}, func(o record.Outgoing) (err error) {
		if x.traces.Is(o.Message.To.Address) {
			x.out.Messages++
			op.forget = append(op.forget, o.Message.ID)
		} else if _, found, err := maskMessage(&x.traces, o); err != nil || !found {
			return err
		} else {
			x.out.About++
			op.messages = append(op.messages, o.Message.ID)
		}
		if len(op.forget)+len(op.messages) >= eraseChunk {
			op, err = x.write(ctx, op)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = x.write(ctx, op)
	return err
}

func maskMessage(traces *directory.Traces, o record.Outgoing) (masked record.Outgoing, found bool, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return o, false, err
	}
	text, found = traces.MaskJSON(text, false, keepOfMessage...)
	if !found {
		return o, false, nil
	}
	return masked, true, json.Unmarshal(text, &masked)
}

// write carries an operation out, but on a dry run, and gives an empty one for what follows.
func (x *eraser) write(ctx context.Context, op *eraseOp) (*eraseOp, error) {
	next := &eraseOp{traces: op.traces, id: op.id}
	if x.e.DryRun || len(op.records)+len(op.forget)+len(op.messages) == 0 {
		return next, nil
	}
	done := make(chan error, 1)
	x.s.submit(op, true, func(err error) { done <- err })
	select {
	case err := <-done:
		return next, err
	case <-ctx.Done():
		return next, ctx.Err()
	}
}

// eraseOp masks one person in some records and messages, and deletes some messages.
type eraseOp struct {
	traces   *directory.Traces
	id       string
	records  [][]byte // keys
	messages []string // to mask
	forget   []string // to delete
}

func (o *eraseOp) subject() string { return "erasure of " + o.id }

func (o *eraseOp) prepare() error { return nil }

func (o *eraseOp) look(*bbolt.Tx) error { return nil }

func (o *eraseOp) patient() bool { return false }

func (o *eraseOp) ignoredKinds() []string { return nil }

func (o *eraseOp) put(tx *bbolt.Tx) error {
	records := tx.Bucket(bucketRecords)
	for _, key := range o.records {
		v := records.Get(key)
		if v == nil {
			continue
		}
		masked, found, err := maskRecord(o.traces, key, bytes.Clone(v))
		if err == nil && found {
			err = records.Put(key, masked)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range o.messages {
		old, found := outgoing(tx, id)
		if !found {
			continue
		}
		masked, found, err := maskMessage(o.traces, old)
		if err == nil && found {
			err = writeMessage(tx, &old, masked)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range o.forget {
		if old, found := outgoing(tx, id); found && old.Waits() { // it waits no longer
			failed := old
			failed.State = record.MessageFailed
			if err := writeMessage(tx, &old, failed); err != nil {
				return err
			}
		}
	}
	return (&pruneOp{ids: o.forget}).put(tx)
}

// outgoing reads a message within a transaction; found is false where there is none, or none that can be read.
func outgoing(tx *bbolt.Tx, id string) (o record.Outgoing, found bool) {
	v := tx.Bucket(bucketMessages).Get([]byte(id))
	return o, v != nil && decode([]byte(id), v, &o) == nil
}
