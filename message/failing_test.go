package message_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"telefonist/message"
	"telefonist/record"
)

// failing is a store of which every n-th write fails, and every n-th read of what waits.
type failing struct {
	message.Store
	every int64
	n     *atomic.Int64
}

var errDisk = errors.New("disk is full")

func (f failing) UpdateMessage(id string, change func(*record.Outgoing) error, done func(error)) {
	if f.n.Add(1)%f.every == 0 {
		go done(errDisk)
		return
	}
	f.Store.UpdateMessage(id, change, done)
}

func (f failing) PendingMessages(after uint64, limit int) ([]record.Outgoing, uint64, error) {
	if f.n.Add(1)%f.every == 0 {
		return nil, after, errDisk
	}
	return f.Store.PendingMessages(after, limit)
}

// Whichever writes fail, and however often the outbox is restarted in between, a gateway that answers gets every message once, even
// where it honours no keys.
func TestAStoreThatFailsNowAndThenLosesAndDoublesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for every := int64(2); every < 6; every++ {
		inWorld(t, message.Config{}, func(w *world) {
			rnd := rand.New(rand.NewPCG(seed, uint64(every)))
			var n atomic.Int64
			w.wrap = func(s message.Store) message.Store { return failing{s, every, &n} }
			w.run()
			const all = 40
			for i := range all {
				w.queue(sms(fmt.Sprintf("m%03d", i), fmt.Sprintf("tenant%d", i%3), number(i%7)))
				time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
				if rnd.IntN(10) == 0 {
					w.halt()
					w.close()
					w.open()
					w.run()
				}
			}
			time.Sleep(10 * time.Minute)
			took := map[string]int{}
			for _, s := range w.gw.taken() {
				took[s.key]++
			}
			for i := range all {
				id := fmt.Sprintf("m%03d", i)
				if took[id] != 1 {
					t.Errorf("every %d: %s was sent %d times", every, id, took[id])
				}
				if o := w.is(id, record.MessageSent); o.Uncertain != 0 {
					t.Errorf("every %d: %s is uncertain", every, id)
				}
			}
		})
	}
}
