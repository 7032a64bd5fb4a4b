package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

func TestACKOfAnEmptyReInviteThatBringsNoAnswerLeavesTheSession(t *testing.T) {
	for _, body := range []string{"", "v=0\nbroken", strings.Replace(sdp("192.0.2.10"), "RTP/AVP 8 0 101", "RTP/AVP 18", 1)} {
		inWorld(t, func(w *world) {
			_, k := w.established("c1")
			k.invite("")
			w.pbx.response(100)
			w.pbx.response(200)
			k.requestSeq("ACK", k.invited, body)
			time.Sleep(time.Minute)
			w.pbx.silent()
			w.noEvent()
			k.invite(sdp("192.0.2.10", "a=sendonly")) // and offers are taken as before
			w.pbx.response(100)
			w.pbx.response(200)
			k.ack("")
			event[call.Held](w)
		})
	}
}

func TestUpdateBeforeTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Ring{Leg: leg})
		k.answered(w.pbx.response(180))
		k.send("UPDATE", sdp("192.0.2.11"))
		if res := w.pbx.response(500); value(res, "retry-after") == "" {
			t.Errorf("%s", res) // RFC 3311 section 5.2: its offer in the INVITE is open
		}
		k.send("UPDATE", "")
		w.pbx.response(200)
		k.send("PRACK", "", "RAck: 1 1 INVITE")
		w.pbx.response(481) // nothing of ours was sent reliably
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.invited = 1
		k.ack("")
		w.noEvent()
	})
}

func TestCallThatArrivesHeldIsHeldOnceAccepted(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("0.0.0.0"))
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		res := w.pbx.response(200)
		if strings.Contains(string(res.Body()), "0.0.0.0") {
			t.Errorf("%s", res.Body())
		}
		k.answered(res)
		event[call.Held](w)
		k.ack("")
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(200)
		k.ack("")
		event[call.Resumed](w)
	})
}

func TestOfferWithoutALineInTheAnswerEndsThePhonesCallAlone(t *testing.T) {
	inWorld(t, func(w *world) { // the loser of a bad answer is told BYE, the other phone CANCEL
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		w.other.reply(two, 180, "p2", "")
		event[call.Ringing](w)
		w.phone.reply(one, 200, "p1", "v=0\nbroken")
		w.phone.request(msg.ACK)
		w.phone.reply(w.phone.request(msg.BYE), 408, "", "")
		wantFailed(w, 488)
		w.other.reply(w.other.request(msg.CANCEL), 200, "p2", "")
		w.other.reply(two, 200, "p2", sdp("198.51.100.6")) // crosses
		w.other.request(msg.ACK)
		w.other.reply(w.other.request(msg.BYE), 200, "", "")
		w.noEvent()
	})
}

func TestThreeHundredProvisionalsRingOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		for i := range 300 {
			w.pbx.reply(req, 180+i%4, fmt.Sprint("p", i%7), "")
		}
		event[call.Ringing](w)
		w.noEvent()
		time.Sleep(24 * time.Second)
		w.noEvent()
		w.pbx.reply(req, 180, "p1", "") // ringing for ever does not help
		time.Sleep(2 * time.Second)
		wantFailed(w, 408)
		w.pbx.request(msg.CANCEL)
	})
}

func TestSequenceNumbersAtTheirEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.seq = 1<<31 - 4 // the last one is 2^31-1 (RFC 3261 section 8.1.1.5)
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		for range 2 {
			k.send("OPTIONS", "")
			if m := w.pbx.next(); m.(*msg.Response).StatusCode != 200 {
				t.Errorf("%d: %s", k.seq, startLine(m))
			}
		}
		k.seq = 0 // wrapped: out of order, whatever was meant
		k.send("OPTIONS", "")
		w.pbx.response(500)
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
	})
}
