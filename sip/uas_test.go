package sip

import (
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

func TestTrunkInviteIsAcceptedAndEndedByTheCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "P-Asserted-Identity: \"Kalle Ek\" <sip:+46701234567@pbx.example>")
		w.pbx.response(100)
		leg, ev := event[call.Arrived](w)
		if ev.Called != "+46850000001" || ev.Trunk != "pbx" || ev.Caller.Number != "+46701234567" || ev.Caller.Name != "Kalle Ek" {
			t.Errorf("%+v", ev)
		}
		w.srv.Do(call.Ring{Leg: leg})
		ringing := w.pbx.response(180)
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if tagOf(ringing.To().Params) != tagOf(ok.To().Params) || tagOf(ok.To().Params) == "" {
			t.Error("180 and 200 carry different tags")
		}
		if ev.Dialog.LocalTag != tagOf(ok.To().Params) {
			t.Error("the dialog that is kept has another tag")
		}
		if !strings.Contains(string(ok.Body()), "m=audio 10002 RTP/AVP 8 101") {
			t.Errorf("answer:\n%s", ok.Body())
		}
		k.answered(ok)
		k.ack("")
		k.bye()
		w.pbx.response(200)
		_, ended := event[call.Ended](w)
		if ended.Cause != call.CauseBye {
			t.Errorf("cause %s", ended.Cause)
		}
	})
}

func TestDialledAgentAnswersAndIsHungUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.srv.Do(call.Dial{Leg: "a", To: call.Destination{Agent: "anna"}, Expires: 15 * time.Second,
			From: call.Party{Number: "+46701234567", Name: "Acme · Försäljning"}})
		req := w.phone.request(msg.INVITE)
		if got := req.Recipient.String(); got != "sip:anna@10.0.0.5:5062;line=x" {
			t.Errorf("Request-URI %s", got)
		}
		if got := req.From().Value(); !strings.HasPrefix(got, `"Acme · Försäljning" <sip:+46701234567@192.0.2.1>;tag=`) {
			t.Errorf("From: %s", got)
		}
		if value(req, "expires") != "15" {
			t.Error("no Expires")
		}
		w.phone.reply(req, 180, "phone", "")
		event[call.Ringing](w)
		w.phone.reply(req, 200, "phone", sdp("198.51.100.5"), `P-Asserted-Identity: <sip:101@x>`)
		w.phone.request(msg.ACK)
		leg, ev := event[call.Answered](w)
		if leg != "a" || ev.Identity != "101" || ev.Dialog.RemoteTag != "phone" {
			t.Errorf("%s %+v", leg, ev)
		}
		w.srv.Do(call.Hangup{Leg: "a"})
		bye := w.phone.request(msg.BYE)
		if bye.CSeq().SeqNo != req.CSeq().SeqNo+1 {
			t.Errorf("CSeq %s after %s", bye.CSeq().Value(), req.CSeq().Value())
		}
		w.phone.reply(bye, 200, "", "")
		w.noEvent()
	})
}
