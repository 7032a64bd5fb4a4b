package sip

import (
	"context"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"telefonist/call"
)

// phoneCalls has the phone call out with its credentials.
func (w *world) phoneCalls(id string) *talk {
	w.register("anna", w.phone)
	w.phones.agents["good"] = "anna"
	k := w.phone.calls(id)
	k.invite(sdp("198.51.100.5"), "Proxy-Authorization: good")
	return k
}

func TestWhileDrainingPhonesMayConsult(t *testing.T) {
	inWorld(t, func(w *world) {
		w.srv.SetDraining(true)
		k := w.phoneCalls("d1")
		w.phone.response(100)
		leg, ev := event[call.Dialled](w)
		if ev.Agent != "anna" {
			t.Errorf("%+v", ev)
		}
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.phone.response(200))
		k.ack("")
		p := w.phone.calls("d2")
		p.send("OPTIONS", "")
		w.phone.response(200) // a phone that asks whether we live is not told to go elsewhere

		trunk := w.pbx.calls("c1")
		trunk.invite(sdp("192.0.2.10"))
		if res := w.pbx.response(503); value(res, "retry-after") == "" {
			t.Errorf("%s", res)
		}
		w.evil.calls("e1").invite(sdp("203.0.113.66"))
		w.evil.silent()
		w.noEvent()

		// And without credentials nobody, draining or not.
		w.phone.calls("d3").invite(sdp("198.51.100.5"))
		w.phone.final(407)
		w.noEvent()
	})
}

func TestPhonesWaitForTheStartLikeAll(t *testing.T) {
	inWorld(t, func(w *world) {
		w.srv.open.Store(false)
		w.phoneCalls("d1")
		w.phone.response(503)
		w.noEvent()
		w.srv.open.Store(true)
	})
}

func TestWhileClosingPhonesAreTold503(t *testing.T) {
	inWorld(t, func(w *world) {
		w.established("c1") // its BYE is not answered, so that closing takes its time
		done := make(chan error, 1)
		go func() { done <- w.srv.Close(context.Background()) }()
		w.pbx.request(msg.BYE)
		w.phoneCalls("d1")
		if res := w.phone.final(503); value(res, "retry-after") == "" {
			t.Errorf("%s", res)
		}
		if n := testutil.ToFloat64(w.srv.metrics.refused.WithLabelValues(refusedMerged)); n != 0 {
			t.Errorf("%v counted as merged", n)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.noEvent()
	})
}

func TestClosingEndsACallWhoseACKNeverCame(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- w.srv.Close(context.Background()) }()
		bye := w.pbx.await(closeGrace)
		if bye.Method != msg.BYE {
			t.Errorf("%s", bye)
		}
		w.pbx.reply(bye, 200, "", "")
		if err := <-done; err != nil || time.Since(start) >= closeGrace {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
