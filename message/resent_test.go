package message_test

import (
	"sync/atomic"
	"testing"
	"time"

	"telefonist/message"
	"telefonist/record"
)

// resending has a message sent again as soon as it is on disk that it failed, before the outbox hears of that.
type resending struct {
	message.Store
	w    *world
	once *atomic.Bool
}

func (r resending) UpdateMessage(id string, change func(*record.Outgoing) error, done func(error)) {
	failed := false
	r.Store.UpdateMessage(id, func(o *record.Outgoing) error {
		err := change(o)
		failed = o.State == record.MessageFailed
		return err
	}, func(err error) {
		if !failed || !r.once.CompareAndSwap(false, true) {
			done(err)
			return
		}
		go func() {
			if _, err := r.w.box.Resend(id, "test"); err != nil {
				r.w.t.Error(err)
			}
			time.Sleep(time.Minute) // the outbox has read what is queued
			done(err)
		}()
	})
}

func TestADeadLetterIsSentAgainHoweverSoonItIsAskedFor(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, _ record.Outgoing) error {
			if n == 0 {
				return &message.Failure{Code: "http 400", Permanent: true}
			}
			return nil
		}
		w.wrap = func(s message.Store) message.Store { return resending{s, w, new(atomic.Bool)} }
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		time.Sleep(2 * time.Minute)
		w.is("m1", record.MessageSent)
	})
}
