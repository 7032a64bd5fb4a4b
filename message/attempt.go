package message

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"telefonist/record"
)

// attempt tries to send one message once. The store knows of it before it begins and when it has ended.
func (o *Outbox) attempt(ctx context.Context, t Transport, r result) result {
	m, err := o.update(r.item.id, func(m *record.Outgoing) error { return m.Claim(time.Now(), t.Name()) })
	switch {
	case isGone(err):
		r.gone = true
		return r
	case err != nil:
		o.log.Error("messages: an attempt could not be written down", "message", r.item.id, "error", err)
		r.due = time.Now().Add(storePause)
		return r
	}
	gatewayID, failure := o.send(ctx, t, m)
	return o.conclude(r, m, gatewayID, failure)
}

// isGone tells whether a message waits no longer: a receipt has come for an earlier attempt, or it was erased with the person
// whom it was for.
func isGone(err error) bool {
	return errors.Is(err, record.ErrMessageState) || errors.Is(err, record.ErrNoMessage)
}

// send hands a message to the transport. A panic there is one failed attempt.
func (o *Outbox) send(ctx context.Context, t Transport, m record.Outgoing) (gatewayID string, failure *Failure) {
	ctx, cancel := context.WithTimeout(ctx, o.now.Load().Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			o.log.Error("messages: a transport panicked", "message", m.Message.ID, "gateway", t.Name(), "stack", string(debug.Stack()))
			failure = &Failure{Code: "panic", Detail: Shorten(fmt.Sprint(p)), Uncertain: true}
		}
	}()
	gatewayID, err := t.Send(ctx, m)
	if err != nil {
		return "", failureOf(err)
	}
	return gatewayID, nil
}

// conclude writes down what became of an attempt.
func (o *Outbox) conclude(r result, m record.Outgoing, gatewayID string, f *Failure) result {
	now, channel := time.Now(), string(r.gateway.channel)
	r.failure = f
	log := o.log.With("message", m.Message.ID, "call", m.Message.Call, "tenant", m.Message.Tenant, "channel", channel,
		"to", Mask(m.Message.To.Address), "attempt", m.Attempts)
	if f != nil && f.Uncertain {
		o.metrics.uncertain.WithLabelValues(channel).Inc()
	}
	var change func(*record.Outgoing) error
	switch {
	case f == nil:
		r.gone, r.sent = true, true
		o.metrics.attempts.WithLabelValues(channel, resultSent).Inc()
		o.metrics.waited.WithLabelValues(channel).Observe(now.Sub(m.Queued).Seconds())
		log.Info("message sent", "gateway", m.Gateway)
		change = func(m *record.Outgoing) error { return m.Accept(now, gatewayID) }
	case f.Permanent, now.Sub(m.Queued) >= o.now.Load().Retry.GiveUp:
		r.gone = true
		o.metrics.attempts.WithLabelValues(channel, resultFailed).Inc()
		log.Error("message failed: it is kept as a dead letter", "code", f.Code, "refused", f.Permanent)
		change = func(m *record.Outgoing) error { return m.Fail(now, f.Code, Shorten(f.Detail)) }
	default:
		r.due = o.again(m, f, now)
		o.metrics.attempts.WithLabelValues(channel, resultPostponed).Inc()
		log.Warn("message postponed", "code", f.Code, "again_in", r.due.Sub(now).Round(time.Second))
		change = func(m *record.Outgoing) error { return m.Postpone(r.due, f.Code, Shorten(f.Detail), f.Uncertain) }
	}
	after, err := o.persist(m.Message.ID, change)
	r.gone = r.gone || err == nil && !after.Waits() || errors.Is(err, record.ErrNoMessage)
	return r
}

// again is when a message is tried again. The last attempt is made when the time is up. One that failed since its gateway
// did goes on with the gateway.
func (o *Outbox) again(m record.Outgoing, f *Failure, now time.Time) time.Time {
	if f.Gateway {
		return now
	}
	retry := o.now.Load().Retry
	d := backOff(retry.First, retry.Max, m.Attempts, rand.Float64())
	due := now.Add(max(d, min(f.After, maxAfter)))
	if last := m.Queued.Add(retry.GiveUp); due.After(last) {
		return last
	}
	return due
}

// persist writes down what became of an attempt, again and again where the store fails for a while: what has been sent
// must not be sent anew by the next process.
func (o *Outbox) persist(id string, change func(*record.Outgoing) error) (after record.Outgoing, err error) {
	for range 30 {
		if after, err = o.update(id, change); err == nil || isGone(err) {
			return after, err
		}
		o.log.Error("messages: what became of an attempt could not be written down", "message", id, "error", err)
		time.Sleep(storePause)
	}
	return after, err
}

// update changes a message durably and gives it as it is afterwards.
func (o *Outbox) update(id string, change func(*record.Outgoing) error) (after record.Outgoing, err error) {
	done := make(chan error, 1)
	o.cfg.Store.UpdateMessage(id, func(m *record.Outgoing) error {
		if err := change(m); err != nil {
			return err
		}
		after = *m
		return nil
	}, func(err error) { done <- err })
	err = <-done
	return after, err
}

// Resend queues a dead letter again, as by asked. The error is record.ErrMessageState where it is none.
func (o *Outbox) Resend(id, by string) (record.Outgoing, error) {
	after, err := o.update(id, func(m *record.Outgoing) error { return m.Requeue(time.Now(), by) })
	if err == nil {
		o.log.Info("message queued again", "message", id, "tenant", after.Message.Tenant, "by", by)
	}
	return after, err
}

// Receive writes down a receipt of the message with a key. One for an earlier sending of a message that was queued again by
// hand says nothing about this one, unless that it was delivered.
func (o *Outbox) Receive(key string, r record.Receipt) error {
	id, resent, ok := record.SplitKey(key)
	if !ok {
		return record.ErrNoMessage
	}
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.Detail = Shorten(r.Detail)
	_, err := o.update(id, func(m *record.Outgoing) error {
		if m.Resent != resent && r.State != record.MessageDelivered {
			return nil
		}
		return m.Receive(r)
	})
	return err
}
