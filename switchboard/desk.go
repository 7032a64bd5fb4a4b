package switchboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"telefonist/call"
	"telefonist/queue"
)

// What cannot be done, for whoever asked. Errors that are returned wrap one of these.
var (
	// ErrStopped: the loop no longer runs.
	ErrStopped = errors.New("switchboard has stopped")
	// ErrUnknown: there is no such agent, live call, tenant, slot.
	ErrUnknown = errors.New("not found")
	// ErrConflict: it is there, and what is asked for does not fit what it is doing just now.
	ErrConflict = errors.New("not possible now")
	// ErrRefused: the rules do not allow it.
	ErrRefused = errors.New("not allowed")
	// ErrInvalid: what was asked for makes no sense.
	ErrInvalid = errors.New("not valid")
)

func unknown(what, id string) error { return fmt.Errorf("there is no %s %q: %w", what, id, ErrUnknown) }

// Order is something to be done with a live call. Every one of them exists once, whoever asks: a softphone's REFER or hold, a code
// dialled, the API and the console lead to the same transition.
type Order struct {
	// Agent is the receptionist who asks; empty for a supervisor, who may steer any call.
	Agent string
	// Call is which call; empty: the one that the agent has.
	Call call.ID
	Do   call.Action
	// To is where to: what she would dial ("205", "08-50 00 00 42"), "agent:bo", "group:sales", "supervisor", or one of the tenant's
	// common numbers by its name, "common:Support".
	To string
	// Grant is how much more time a supervisor grants.
	Grant time.Duration
	// By is who asks, for the story where it is not the agent herself: "token:Tavla", "agent:bo", "cli".
	By string
}

// Done tells what became of an order.
type Done struct {
	Call call.ID
	// Slot is where the call was parked.
	Slot int
	// Later is set where it waits until the receptionist's answer is durable, some milliseconds.
	Later bool
}

// Do carries out an order.
func (b *Board) Do(ctx context.Context, o Order) (d Done, err error) {
	if askErr := b.ask(ctx, func() { d, err = b.do(o, time.Now()) }); askErr != nil {
		return Done{}, askErr
	}
	return d, err
}

// Outgoing asks for a call from a receptionist's phone to a number in a tenant's name.
type Outgoing struct {
	Agent  string
	Tenant string
	To     string
}

// Dial rings the receptionist and then calls the number in the tenant's name: its number is shown and its trunk used.
func (b *Board) Dial(ctx context.Context, o Outgoing) (id call.ID, err error) {
	if askErr := b.ask(ctx, func() { id, err = b.dialOut(o, "", call.Dialog{}, time.Now()) }); askErr != nil {
		return "", askErr
	}
	return id, err
}

// PickUp connects an agent who is free with a parked call. It fails where another than the expected one has come to stand there; empty: whichever does.
func (b *Board) PickUp(ctx context.Context, agent string, slot int, expected call.ID) (id call.ID, err error) {
	if askErr := b.ask(ctx, func() { id, err = b.pickUp(agent, slot, expected, time.Now()) }); askErr != nil {
		return "", askErr
	}
	return id, err
}

// AgentOrder changes what an agent does between calls.
type AgentOrder struct {
	Agent string
	// To is queue.Available (logged in and not paused), queue.Paused or queue.Offline (logged out).
	To     queue.State
	Reason string // of a pause; empty: other
	By     string // who asks, for the log
}

// SetAgent logs an agent in or out, pauses her, or takes her out of a pause. A call that she has goes on.
func (b *Board) SetAgent(ctx context.Context, o AgentOrder) (err error) {
	if askErr := b.ask(ctx, func() { err = b.setAgent(o, time.Now()) }); askErr != nil {
		return askErr
	}
	return err
}

// FreeAgent takes an agent out of the call that she is reserved for, whatever that call does: for a supervisor, where she is
// stuck.
func (b *Board) FreeAgent(ctx context.Context, agent, by string) (err error) {
	if askErr := b.ask(ctx, func() { err = b.freeAgent(agent, by, time.Now()) }); askErr != nil {
		return askErr
	}
	return err
}

// Take gives a waiting call to an agent who is free, past everybody else.
func (b *Board) Take(ctx context.Context, id call.ID, agent, by string) (err error) {
	if askErr := b.ask(ctx, func() { err = b.takeCall(id, agent, by, time.Now()) }); askErr != nil {
		return askErr
	}
	return err
}

// Move puts a waiting call at a position of the order of service, from 1.
func (b *Board) Move(ctx context.Context, id call.ID, position int, by string) (err error) {
	if askErr := b.ask(ctx, func() { err = b.moveCall(id, position, by) }); askErr != nil {
		return askErr
	}
	return err
}
