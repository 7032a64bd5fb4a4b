package sip

import (
	"encoding/json"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
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
		w.pbx.response(503) // which means nothing to a caller who was answered
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

func TestCallersLeftWithoutAnAnswerByACrashAreTold503(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"))
		trying := w.pbx.response(100)
		leg, arrived := event[call.Arrived](w)
		w.srv.Do(call.Ring{Leg: leg})
		ringing := w.pbx.response(180)
		w.crashed()
		text, err := json.Marshal(arrived.Dialog)
		if err != nil {
			t.Fatal(err)
		}
		var journal call.Dialog
		if err := json.Unmarshal(text, &journal); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		done := make(chan struct{})
		go func() { w.srv.EndLeft([]call.Dialog{journal}); close(done) }()
		res := w.pbx.response(503)
		if res.Via().Value() != trying.Via().Value() || res.CallID().Value() != "c1" || res.CSeq().Value() != "1 INVITE" ||
			tagOf(res.From().Params) != "far-c1" || tagOf(res.To().Params) != tagOf(ringing.To().Params) ||
			value(res, "retry-after") == "" || time.Since(start) > 0 {
			t.Errorf("%s", res)
		}
		k.answered(res)
		k.requestSeq("ACK", k.invited, "") // its branch is new, but nobody looks
		w.pbx.reply(w.pbx.request(msg.BYE), 481, "", "")
		<-done
		// Nobody remembers the ACK: it is said twice more and no longer.
		time.Sleep(time.Minute)
		w.pbx.response(503)
		w.pbx.response(503)
		w.pbx.silent()
	})
}

func TestAnswerToAnInviteOfAnEarlierLifeGoesWhereItsViaSays(t *testing.T) {
	d := &dialog{flow: wire.Dest{Network: "udp", Addr: netip.MustParseAddrPort("192.0.2.10:40000")}}
	for via, want := range map[string]string{
		"SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bK1":                                 "192.0.2.10:5070",
		"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1":                                      "192.0.2.10:5060",
		"SIP/2.0/UDP 10.0.0.1:5070;rport=40000;received=192.0.2.10;branch=z9hG4bK1":   "192.0.2.10:40000",
		"SIP / 2.0 / UDP evil.example:65536;maddr=203.0.113.66;received=203.0.113.66": "192.0.2.10:5060",
		"SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1":                                   "192.0.2.10:5060",
		"": "192.0.2.10:5060",
	} {
		if dst, ok := leftDest(d, call.Invite{Via: []string{via}}); !ok || dst.Addr.String() != want {
			t.Errorf("%s: %s, want %s", via, dst.Addr, want)
		}
	}
	if _, ok := leftDest(d, call.Invite{}); ok {
		t.Error("an answer without Via")
	}
	d.flow.Network = "tcp"
	if _, ok := leftDest(d, call.Invite{Via: []string{"SIP/2.0/TCP 192.0.2.10:5060"}}); ok {
		t.Error("an answer over a connection that is gone")
	}
}
