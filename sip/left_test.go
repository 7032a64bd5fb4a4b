package sip

import (
	"testing"
	"testing/synctest"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

// crashed makes the server forget its legs without a word.
func (w *world) crashed() {
	w.t.Helper()
	w.srv.mu.Lock()
	left := make([]*leg, 0, len(w.srv.legs))
	for _, l := range w.srv.legs {
		left = append(left, l)
	}
	w.srv.mu.Unlock()
	for _, l := range left {
		l.box.post(l.gone)
	}
	synctest.Wait()
}

func TestDialogsLeftByACrashAreSentBYE(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Record-Route: <sip:192.0.2.10;lr>")
		w.pbx.response(100)
		leg, arrived := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		_, answered := event[call.Answered](w)
		w.crashed()
		start := time.Now()
		done := make(chan struct{})
		go func() {
			w.srv.EndLeft([]call.Dialog{arrived.Dialog, answered.Dialog, {CallID: "never", RemoteURI: "sip:x@y"}})
			close(done)
		}()
		bye := w.pbx.request(msg.BYE)
		if bye.CSeq().SeqNo != 1001 || tagOf(bye.To().Params) != "far-c1" || tagOf(bye.From().Params) != tagOf2(k.to) ||
			bye.Route().Value() != "<sip:192.0.2.10;lr>" {
			t.Errorf("%s", bye)
		}
		w.pbx.reply(bye, 200, "", "")
		bye = w.phone.request(msg.BYE)
		if bye.CSeq().SeqNo != req.CSeq().SeqNo+1001 || tagOf(bye.To().Params) != "p1" {
			t.Errorf("%s", bye)
		}
		<-done // the phone says nothing
		if d := time.Since(start); d != leftLimit {
			t.Errorf("took %s", d)
		}
	})
}

func tagOf2(to string) string {
	a, _ := parseAddress(to)
	return a.params["tag"]
}

func TestNoCallIsTakenBeforeStart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.srv.open.Store(false)
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"))
		if value(w.pbx.response(503), "retry-after") == "" {
			t.Error("no Retry-After")
		}
		w.noEvent()
		w.srv.Start(nil)
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Hangup{Leg: leg})
	})
}

func TestAnswerToAnInviteOfAnEarlierLifeIsEnded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 180, "p1", "")
		event[call.Ringing](w)
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		event[call.Answered](w)
		w.crashed()
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		ack := w.phone.request(msg.ACK)
		bye := w.phone.request(msg.BYE)
		if ack.CSeq().SeqNo != req.CSeq().SeqNo || bye.CSeq().SeqNo != req.CSeq().SeqNo+1 || tagOf(bye.To().Params) != "p1" {
			t.Errorf("%s\n%s", ack, bye)
		}
		w.phone.reply(bye, 200, "", "")
		// From a stranger nothing is taken.
		w.evil.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.evil.silent()
	})
}
