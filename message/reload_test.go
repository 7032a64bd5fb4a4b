package message_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/message"
	"telefonist/record"
)

// named is a second gateway.
type named struct {
	*gateway
	name string
}

func (n *named) Name() string { return n.name }

func TestAReloadGoesOnWithTheNewGatewayAtOnce(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		hang := make(chan struct{})
		w.gw.answer = func(n int, o record.Outgoing) error {
			if o.Message.ID == "m0" {
				<-hang // under way while the configuration is reloaded
			}
			return &message.Failure{Code: "network", Gateway: true, After: time.Hour}
		}
		w.run()
		w.queue(sms("m0", "acme", number(0)))
		synctest.Wait()
		w.queue(sms("m1", "acme", number(1)))
		synctest.Wait()
		w.is("m1", record.MessageQueued)
		next := &named{&gateway{began: time.Now()}, "next"}
		w.box.Reload(message.Config{Transports: map[record.Channel]message.Transport{record.SMS: next}})
		synctest.Wait()
		if o := w.is("m1", record.MessageSent); o.Gateway != "next" {
			t.Errorf("gateway %s", o.Gateway)
		}
		close(hang)
		synctest.Wait()
		if o := w.is("m0", record.MessageSent); o.Gateway != "next" {
			t.Errorf("what an earlier gateway failed with holds up the new one: %+v", o)
		}
		if got := keys(next.taken()); !slices.Equal(got, []string{"m1", "m0"}) {
			t.Errorf("sent %v", got)
		}
		hooks := message.Hooks{Base: "https://us.example", Secret: "a secret of some length"}
		h := w.box.Handler(func() message.Hooks { return hooks })
		if code := post(h, hooks.URL("next", "m1"), "state=delivered"); code != 204 {
			t.Errorf("a receipt of the new gateway: %d", code)
		}
		if code := post(h, hooks.URL("test", "m0"), "state=delivered"); code != 204 {
			t.Errorf("a receipt of the gateway before: %d", code)
		}
	})
}

func TestAReloadChangesRateAndRetry(t *testing.T) {
	inWorld(t, message.Config{Rate: 4}, func(w *world) {
		w.run()
		for i := range 9 {
			w.queue(sms("m"+string(rune('0'+i)), "acme", number(i)))
		}
		synctest.Wait()
		if n := len(w.gw.taken()); n != 1 {
			t.Fatalf("%d at once of 4 a minute", n)
		}
		w.box.Reload(message.Config{Transports: map[record.Channel]message.Transport{record.SMS: w.gw}, Rate: 240, Retry: message.Retry{GiveUp: time.Minute}})
		time.Sleep(20 * time.Second)
		if n := len(w.gw.taken()); n != 9 {
			t.Errorf("%d of 240 a minute", n)
		}
		w.gw.answer = func(int, record.Outgoing) error { return &message.Failure{Code: "busy"} }
		w.queue(sms("x", "acme", number(99)))
		time.Sleep(2 * time.Minute)
		w.is("x", record.MessageFailed)
	})
}
