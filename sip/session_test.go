package sip

import (
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

func TestHoldIsAnsweredInKindAndTakenBack(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		for range 3 {
			k.invite(sdp("192.0.2.10", "a=sendonly"))
			w.pbx.response(100)
			res := w.pbx.response(200)
			if !strings.Contains(string(res.Body()), "a=recvonly") {
				t.Errorf("a hold was answered\n%s", res.Body())
			}
			k.ack("")
			event[call.Held](w)
			k.invite(sdp("192.0.2.10", "a=sendrecv"))
			w.pbx.response(100)
			if res = w.pbx.response(200); !strings.Contains(string(res.Body()), "a=sendrecv") {
				t.Errorf("taking back was answered\n%s", res.Body())
			}
			k.ack("")
			event[call.Resumed](w)
		}
		// The hold of RFC 2543, and the same again says nothing new.
		for range 2 {
			k.invite(sdp("0.0.0.0"))
			w.pbx.response(100)
			w.pbx.response(200)
			k.ack("")
		}
		event[call.Held](w)
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(200)
		k.ack("")
		event[call.Resumed](w)
		w.noEvent()
	})
}

func TestHoldByTheCalledPhone(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.answeredBy(w.phone)
		k.invite(sdp("198.51.100.5", "a=inactive"))
		w.phone.response(100)
		if res := w.phone.response(200); !strings.Contains(string(res.Body()), "a=inactive") {
			t.Errorf("%s", res.Body())
		}
		k.ack("")
		event[call.Held](w)
	})
}

func TestEmptyReInviteGetsAFreshOffer(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		k.invite("")
		w.pbx.response(100)
		res := w.pbx.response(200)
		if !strings.Contains(string(res.Body()), "RTP/AVP 8 0 9 101") {
			t.Errorf("no whole offer:\n%s", res.Body())
		}
		k.requestSeq("ACK", k.invited, sdp("192.0.2.10", "a=recvonly"))
		w.noEvent()
		k.invite("")
		w.pbx.response(100)
		w.pbx.response(200)
		k.requestSeq("ACK", k.invited, sdp("192.0.2.10", "a=inactive"))
		event[call.Held](w)
	})
}

func TestReInviteWhileTheCallerWaitsIsNotPendingForEver(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		for range 5 {
			k.invite(sdp("192.0.2.10"))
			w.pbx.response(100)
			w.pbx.response(200)
			k.ack("")
			time.Sleep(time.Minute)
		}
		w.noEvent()
	})
}

func TestReInviteBeforeTheAnswerIsTold500(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Ring{Leg: leg})
		k.answered(w.pbx.response(180))
		k.send("INVITE", sdp("192.0.2.10"))
		w.pbx.response(100)
		if value(w.pbx.response(500), "retry-after") == "" {
			t.Error("no Retry-After")
		}
		k.send("UPDATE", sdp("192.0.2.10"))
		w.pbx.response(500)
	})
}

func TestReInviteWhileOurOfferIsOpenIsPending(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		k.invite("")
		w.pbx.response(100)
		w.pbx.response(200)
		first := k.invited
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(491)
		k.send("UPDATE", sdp("192.0.2.10"))
		w.pbx.response(491)
		k.requestSeq("ACK", first, sdp("192.0.2.10"))
		w.noEvent()
	})
}

func TestBadReOfferLeavesTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		k.invite("v=0\n")
		w.pbx.response(100)
		if value(w.pbx.response(488), "warning") == "" {
			t.Error("no Warning")
		}
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(200)
		k.ack("")
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestUnacknowledgedReInviteEndsTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(200)
		time.Sleep(33 * time.Second)
		wantEnd(w, call.CauseNoAck)
	})
}

func TestRequestsInsideADialog(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		for method, code := range map[string]int{"OPTIONS": 200, "INFO": 200, "UPDATE": 200, "PRACK": 481, "NOTIFY": 481,
			"MESSAGE": 405, "SUBSCRIBE": 405} {
			k.send(method, "")
			w.pbx.response(code)
		}
		k.send("UPDATE", sdp("192.0.2.10", "a=sendonly"))
		if res := w.pbx.response(200); !strings.Contains(string(res.Body()), "a=recvonly") {
			t.Errorf("%s", res)
		}
		event[call.Held](w)
		k.send("INFO", "", "Require: frob")
		w.pbx.response(420)
	})
}

func TestForgedRequestsChangeNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		forge := func(change func(*talk)) *talk {
			f := *k
			f.callID, f.seq = k.callID, 500
			f.branches += 500
			change(&f)
			return &f
		}
		for _, method := range []string{"BYE", "INVITE", "UPDATE", "REFER"} {
			forge(func(f *talk) { f.f = w.evil }).send(method, "") // right tags, wrong source
			w.evil.final(481)
			forge(func(f *talk) { f.from += "x" }).send(method, "")
			w.pbx.final(481)
			forge(func(f *talk) { f.to += "x" }).send(method, "")
			w.pbx.final(481)
			old := *k
			old.branches += 900
			old.requestSeq(method, k.seq, "") // a sequence number that was used
			w.pbx.final(500)
		}
		w.noEvent()
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestRequestsFollowRouteSetAndTarget(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Record-Route: <sip:192.0.2.10:5060;lr;ftag=1>, <sip:p2.example;lr>",
			"Contact: <sip:pbx@10.1.1.1:5080;x=y>")
		w.pbx.response(100)
		leg, ev := event[call.Arrived](w)
		if len(ev.Dialog.RouteSet) != 2 || ev.Dialog.RemoteTarget != "sip:pbx@10.1.1.1:5080;x=y" {
			t.Errorf("%+v", ev.Dialog)
		}
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if len(ok.GetHeaders("record-route")) != 2 {
			t.Error("Record-Route is not in the 200")
		}
		k.answered(ok)
		k.ack("")
		k.invite(sdp("192.0.2.10"), "Contact: <sip:pbx@10.1.1.1:5090>") // target refresh
		w.pbx.response(100)
		w.pbx.response(200)
		k.ack("")
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		if bye.Recipient.String() != "sip:pbx@10.1.1.1:5090" {
			t.Errorf("target %s", bye.Recipient.String())
		}
		routes := bye.GetHeaders("route")
		if len(routes) != 2 || routes[0].Value() != "<sip:192.0.2.10:5060;lr;ftag=1>" || routes[1].Value() != "<sip:p2.example;lr>" {
			t.Errorf("routes %v", routes)
		}
		w.pbx.reply(bye, 200, "", "")
	})
}

func TestStrictRouterGetsItsOwnURI(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Record-Route: <sip:192.0.2.10:5060>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		if bye.Recipient.String() != "sip:192.0.2.10:5060" || bye.Route().Value() != "<sip:far@192.0.2.10:5060>" {
			t.Errorf("%s", bye)
		}
		w.pbx.reply(bye, 200, "", "")
	})
}

func TestTargetElsewhereIsNotFollowed(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Contact: <sip:x@203.0.113.66:5060>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		w.evil.silent()
	})
}

func TestReofferIsAReInviteEvenWhereUpdateIsTaken(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.established("c1")
		w.srv.Reoffer(leg)
		re := w.pbx.request(msg.INVITE)
		w.srv.Reoffer(leg) // while one is under way
		if !strings.Contains(string(re.Body()), "m=audio 10002 RTP/AVP 8 0 9 101") {
			t.Errorf("offer:\n%s", re.Body())
		}
		w.pbx.reply(re, 200, "", sdp("192.0.2.10", "a=inactive"))
		w.pbx.request(msg.ACK)
		event[call.Held](w)
		w.srv.Reoffer("unknown")
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
	})
}

func TestChallengeFromAPhoneInsideADialogGetsNoCredentials(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.answeredBy(w.phone)
		w.srv.Do(call.Hangup{Leg: leg})
		w.phone.reply(w.phone.request(msg.BYE), 407, "", "", `Proxy-Authenticate: Digest realm="pbx", nonce="n", algorithm=MD5`)
		w.phone.silent()
	})
}

func TestEachHopOfARouteSetIsKept(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Record-Route: <sip:192.0.2.10;lr>, <sip:a.example;lr>", "Record-Route: \"B, C\" <sip:b.example;lr>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if n := len(list(ok, "record-route")); n != 3 {
			t.Errorf("%d entries of Record-Route in\n%s", n, ok)
		}
		k.answered(ok)
		k.ack("")
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		var got []string
		for _, r := range list(bye, "route") {
			a, _ := parseAddress(r)
			got = append(got, a.uri.Host)
		}
		if strings.Join(got, " ") != "192.0.2.10 a.example b.example" {
			t.Errorf("Route: %v", got)
		}
		w.pbx.reply(bye, 200, "", "")
	})
}

func TestContactOnATransportThatWeDoNotHaveIsNotFollowed(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Contact: <sip:far@192.0.2.10:5061;transport=tls>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "") // the way that the INVITE came
	})
}
