package message_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/directory"
	"telefonist/message"
	"telefonist/record"
)

// erase takes a person with a number, and all messages to it, out of the store.
func (w *world) erase(number string) {
	w.t.Helper()
	doc, err := json.Marshal(directory.Person{GivenName: "Anna", FamilyName: "Ek", SMS: number})
	if err != nil {
		w.t.Fatal(err)
	}
	by := directory.Actor{Name: "test"}
	if _, err := w.store.Edit("acme", by, time.Now(), directory.Edit{Kind: directory.KindPerson, ID: "anna", Doc: doc, Match: directory.NoVersion}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.store.Erase(w.t.Context(), "acme", "anna", time.Now(), directory.Erase{By: by}); err != nil {
		w.t.Fatal(err)
	}
}

func TestAMessageThatIsErasedWhileItWaitsHoldsUpNobody(t *testing.T) {
	inWorld(t, message.Config{Rate: 4}, func(w *world) { // one at once, then one every 15 s
		var up atomic.Bool
		w.gw.answer = func(int, record.Outgoing) error {
			if !up.Load() {
				return &message.Failure{Code: "network", Gateway: true}
			}
			return nil
		}
		w.run()
		w.queue(sms("m0", "acme", number(0)))
		time.Sleep(time.Hour)
		w.erase(number(0))
		up.Store(true)
		time.Sleep(5 * time.Minute)
		if n := w.metric("telefonist_messages_waiting", "sms"); n != 0 {
			t.Errorf("%v messages wait still", n)
		}
		for i := range 5 {
			w.queue(sms(fmt.Sprintf("m%d", i+1), "acme", number(i+1)))
		}
		time.Sleep(4*15*time.Second + time.Second)
		if took := w.gw.taken(); len(took) != 5 {
			t.Errorf("sent %v", keys(took))
		}
	})
}

func TestAMessageThatIsErasedWhileItIsSentIsGone(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(int, record.Outgoing) error {
			w.erase(number(0))
			return &message.Failure{Code: "http 500"}
		}
		w.run()
		w.queue(sms("m0", "acme", number(0)))
		synctest.Wait()
		if n := w.metric("telefonist_messages_waiting", "sms"); n != 0 {
			t.Errorf("%v messages wait still", n)
		}
	})
}
