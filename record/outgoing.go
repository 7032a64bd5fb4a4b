package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MessageState is how far a message has come.
type MessageState string

// States of a message: queued -> sending -> sent -> delivered or failed. From sending it may go back to queued, to be tried
// again later; a failed one may be queued again by hand.
const (
	MessageQueued    MessageState = "queued"
	MessageSending   MessageState = "sending"   // handed to the gateway, which has not answered
	MessageSent      MessageState = "sent"      // the gateway has taken it
	MessageDelivered MessageState = "delivered" // a receipt says that it has arrived
	MessageFailed    MessageState = "failed"    // refused, given up, or a receipt says that it cannot arrive: a dead letter
)

// MessageStates are all states, in the order that a message goes through them.
var MessageStates = []MessageState{MessageQueued, MessageSending, MessageSent, MessageDelivered, MessageFailed}

// Errors of messages in the outbox.
var (
	// ErrNoMessage: there is no message of that name.
	ErrNoMessage = errors.New("no such message")
	// ErrMessageState: what was asked for does not fit the state that the message is in.
	ErrMessageState = errors.New("the message is in another state")
)

// Outgoing is a message in the outbox: what is to be sent, and how far it has come.
type Outgoing struct {
	Message Message      `json:"message"`
	State   MessageState `json:"state"`
	// Seq is its place among those that wait; zero: it does not wait. The store gives it.
	Seq uint64 `json:"seq,omitempty"`
	// Queued is when it was queued, by its call or by hand: what giving up counts from.
	Queued   time.Time `json:"queued"`
	Due      time.Time `json:"due,omitzero"` // not to be tried before; zero: at once
	Attempts int       `json:"attempts,omitempty"`
	// Uncertain counts attempts of which nobody knows whether the gateway took the message: it may arrive as many times
	// more, where the gateway does not honour the key.
	Uncertain int       `json:"uncertain,omitempty"`
	Resent    int       `json:"resent,omitempty"`    // how often it was queued again by hand
	ResentBy  string    `json:"resent_by,omitempty"` // who did so last
	Tried     time.Time `json:"tried,omitzero"`      // when the last attempt began
	Sent      time.Time `json:"sent,omitzero"`
	Ended     time.Time `json:"ended,omitzero"` // when it was delivered or failed
	Gateway   string    `json:"gateway,omitempty"`
	GatewayID string    `json:"gateway_id,omitempty"` // what the gateway calls it
	// Code says in short what became of the last attempt, or what the receipt says: "smtp 450 4.7.1", "http 429", "timeout". It
	// holds no personal data. Detail is what the far side said, and may.
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Receipt is the newest news from the gateway about a message that it has taken.
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Receipt is what a gateway tells of a message later on: by webhook, or in a delivery report (RFC 3464).
type Receipt struct {
	At    time.Time    `json:"at"`
	State MessageState `json:"state"` // MessageSent (under way), MessageDelivered or MessageFailed
	Code  string       `json:"code,omitempty"`
	// Detail is what the far side said; it may hold personal data.
	Detail string `json:"detail,omitempty"`
}

// NewOutgoing puts a message into the outbox.
func NewOutgoing(m Message) Outgoing {
	return Outgoing{Message: m, State: MessageQueued, Queued: m.Created}
}

// Key is the idempotency key of this sending: the message's id, and behind a dot how often it was queued again by hand, since
// a gateway would answer a key that it knows with what it answered before.
func (o *Outgoing) Key() string {
	if o.Resent == 0 {
		return o.Message.ID
	}
	return o.Message.ID + "." + strconv.Itoa(o.Resent)
}

// SplitKey takes an idempotency key apart.
func SplitKey(key string) (id string, resent int, ok bool) {
	id, n, found := strings.Cut(key, ".")
	if found {
		var err error
		if resent, err = strconv.Atoi(n); err != nil || resent < 1 || strconv.Itoa(resent) != n {
			return "", 0, false
		}
	}
	return id, resent, validKey(id)
}

// Waits tells whether the message is still to be sent.
func (o *Outgoing) Waits() bool { return o.State == MessageQueued || o.State == MessageSending }

// Stands is since when a message that waits no longer is as it is: what keeping it counts from.
func (o *Outgoing) Stands() time.Time {
	newest := o.Message.Created
	for _, at := range []time.Time{o.Queued, o.Sent, o.Ended} {
		if at.After(newest) {
			newest = at
		}
	}
	return newest
}

func (o *Outgoing) must(doing string, states ...MessageState) error {
	for _, s := range states {
		if o.State == s {
			return nil
		}
	}
	return fmt.Errorf("%s message %s, which is %s: %w", doing, o.Message.ID, o.State, ErrMessageState)
}

// Claim begins an attempt. One that is being sent already was left so by a crash: whether it was sent is not known.
func (o *Outgoing) Claim(at time.Time, gateway string) error {
	if err := o.must("claim", MessageQueued, MessageSending); err != nil {
		return err
	}
	if o.State == MessageSending {
		o.Uncertain++
	}
	o.State, o.Tried, o.Gateway = MessageSending, at, gateway
	o.Attempts++
	return nil
}

// Accept ends an attempt: the gateway has taken the message. A receipt that overtook its answer counts now.
func (o *Outgoing) Accept(at time.Time, gatewayID string) error {
	if err := o.must("accept", MessageSending); err != nil {
		return err
	}
	o.State, o.Sent, o.GatewayID = MessageSent, at, gatewayID
	o.Due, o.Code, o.Detail = time.Time{}, "", ""
	if o.Receipt != nil {
		o.settle(*o.Receipt)
	}
	return nil
}

// Postpone ends an attempt that failed for now; it is uncertain where nobody knows whether the gateway took the message.
// A receipt that came meanwhile shows that it did.
func (o *Outgoing) Postpone(due time.Time, code, detail string, uncertain bool) error {
	if err := o.must("postpone", MessageSending); err != nil {
		return err
	}
	if uncertain {
		o.Uncertain++
	}
	o.State, o.Due, o.Code, o.Detail = MessageQueued, due, code, detail
	if o.Receipt != nil {
		o.settle(*o.Receipt)
	}
	return nil
}

// Fail ends the attempts for good.
func (o *Outgoing) Fail(at time.Time, code, detail string) error {
	if err := o.must("fail", MessageQueued, MessageSending); err != nil {
		return err
	}
	o.State, o.Ended, o.Due, o.Code, o.Detail = MessageFailed, at, time.Time{}, code, detail
	if o.Receipt != nil && o.Receipt.State == MessageDelivered {
		o.settle(*o.Receipt)
	}
	return nil
}

// Receive takes a receipt. They come in any order, and more than once: one that says delivered stands against all others,
// one that says failed against those that say under way. While an attempt is under way it is kept until that has ended. One
// for a message that waits to be tried again shows that an attempt which seemed to fail did not: the message is not sent
// again.
func (o *Outgoing) Receive(r Receipt) error {
	if r.State != MessageSent && r.State != MessageDelivered && r.State != MessageFailed {
		return fmt.Errorf("receipt says %q: %w", r.State, ErrMessageState)
	}
	if o.Attempts == 0 { // of nothing
		return fmt.Errorf("receipt for message %s, which was never tried: %w", o.Message.ID, ErrMessageState)
	}
	if old := o.Receipt; old != nil && (old.State == MessageDelivered || old.State == MessageFailed && r.State != MessageDelivered) {
		return nil
	}
	switch {
	case o.State == MessageFailed && r.State != MessageDelivered: // given up, or known to have failed
	case o.State == MessageSending:
		o.Receipt = &r
	default:
		o.Receipt = &r
		o.settle(r)
	}
	return nil
}

// settle makes a receipt's word the message's state.
func (o *Outgoing) settle(r Receipt) {
	o.State, o.Due = r.State, time.Time{}
	if o.Sent.IsZero() {
		o.Sent = o.Tried
	}
	o.Code, o.Detail = r.Code, r.Detail
	if o.Ended = r.At; r.State == MessageSent {
		o.Ended = time.Time{}
	}
}

// Requeue has a failed message sent again, as if it were new, under a new key. by says who asked for it.
func (o *Outgoing) Requeue(at time.Time, by string) error {
	if err := o.must("send again", MessageFailed); err != nil {
		return err
	}
	o.State, o.Queued, o.Due, o.Ended, o.Sent = MessageQueued, at, time.Time{}, time.Time{}, time.Time{}
	o.Resent++
	o.ResentBy = by
	o.Attempts, o.GatewayID, o.Receipt = 0, "", nil
	return nil
}
