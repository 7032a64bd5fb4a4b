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
		if !strings.Contains(string(res.Body()), "RTP/AVP 8 0 101") {
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

func TestSessionTimerIsRefreshedByUpdate(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1", "Supported: timer", "x: 1200", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE")
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if value(ok, "session-expires") != "1200;refresher=uas" {
			t.Errorf("Session-Expires: %s", value(ok, "session-expires"))
		}
		k.answered(ok)
		k.ack("")
		for range 3 {
			time.Sleep(600*time.Second - 1)
			w.pbx.silent()
			time.Sleep(1)
			up := w.pbx.request(msg.UPDATE)
			if value(up, "session-expires") != "1200;refresher=uac" || len(up.Body()) != 0 {
				t.Errorf("%s", up)
			}
			w.pbx.reply(up, 200, "", "", "Session-Expires: 1200;refresher=uac", "Require: timer")
		}
		w.noEvent()
	})
}

func TestSessionTimerIsRefreshedByReInviteWithTheSameDescription(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.established("c1")
		versions := map[string]bool{}
		for range 3 {
			time.Sleep(900 * time.Second)
			re := w.pbx.request(msg.INVITE)
			versions[strings.Split(string(re.Body()), "\n")[1]] = true
			w.pbx.reply(re, 200, "", sdp("192.0.2.10"))
			ack := w.pbx.request(msg.ACK)
			if ack.CSeq().SeqNo != re.CSeq().SeqNo {
				t.Error("the ACK has another number than its INVITE")
			}
			w.pbx.reply(re, 200, "", sdp("192.0.2.10")) // our ACK was lost
			w.pbx.request(msg.ACK)
		}
		if len(versions) != 1 {
			t.Errorf("versions %v", versions)
		}
		w.noEvent()
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		_ = k
	})
}

func TestSessionThatNobodyRefreshesEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1", "Supported: timer", "Session-Expires: 90;refresher=uac")
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if value(ok, "session-expires") != "90;refresher=uac" || value(ok, "require") != "timer" {
			t.Errorf("%s", ok)
		}
		k.answered(ok)
		k.ack("")
		time.Sleep(59 * time.Second)
		k.send("UPDATE", "", "Session-Expires: 90;refresher=uac", "Supported: timer")
		w.pbx.response(200)
		time.Sleep(60*time.Second - 1)
		w.noEvent()
		time.Sleep(1)
		wantEnd(w, call.CauseSession)
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
	})
}

func TestRefreshThatFindsNobodyEndsTheLeg(t *testing.T) {
	for _, code := range []int{481, 408, 0} {
		inWorld(t, func(w *world) {
			w.established("c1")
			time.Sleep(900 * time.Second)
			re := w.pbx.request(msg.INVITE)
			if code != 0 {
				w.pbx.reply(re, code, "", "")
				w.pbx.request(msg.ACK)
			} else {
				time.Sleep(33 * time.Second)
				w.pbx.forget()
			}
			wantEnd(w, call.CauseSession)
			if code != 0 {
				w.pbx.reply(w.pbx.request(msg.BYE), 481, "", "")
			}
		})
	}
}

func TestRefreshTooBriefIsTriedAgainLonger(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answeredBy(w.phone, "Allow: INVITE, UPDATE", "Session-Expires: 90;refresher=uac")
		time.Sleep(45 * time.Second)
		w.phone.reply(w.phone.request(msg.UPDATE), 422, "", "", "Min-SE: 300")
		up := w.phone.request(msg.UPDATE)
		if value(up, "session-expires") != "300;refresher=uac" || value(up, "min-se") != "300" {
			t.Errorf("%s", up)
		}
		w.phone.reply(up, 200, "", "", "Session-Expires: 300;refresher=uac")
		time.Sleep(150 * time.Second)
		w.phone.reply(w.phone.request(msg.UPDATE), 405, "", "")
		re := w.phone.request(msg.INVITE) // Allow lied
		w.phone.reply(re, 200, "", sdp("198.51.100.5"), "Session-Expires: 300;refresher=uac")
		w.phone.request(msg.ACK)
	})
}

func TestGlareIsTriedAgainAfterARandomTime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.established("c1")
		time.Sleep(900 * time.Second)
		w.pbx.reply(w.pbx.request(msg.INVITE), 491, "", "")
		w.pbx.request(msg.ACK)
		w.pbx.reply(w.pbx.await(2*time.Second), 200, "", sdp("192.0.2.10")) // we do not own the Call-ID
		w.pbx.request(msg.ACK)
	})
	inWorld(t, func(w *world) {
		w.answeredBy(w.phone)
		time.Sleep(900 * time.Second)
		w.phone.reply(w.phone.request(msg.INVITE), 491, "", "")
		w.phone.request(msg.ACK)
		time.Sleep(2 * time.Second)
		w.phone.silent() // we own it: 2.1 s at least
		w.phone.reply(w.phone.await(2*time.Second), 200, "", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
	})
}

func TestReInviteThatCrossesOursIsPending(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		time.Sleep(900 * time.Second)
		ours := w.pbx.request(msg.INVITE)
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(491)
		w.pbx.reply(ours, 200, "", sdp("192.0.2.10"))
		w.pbx.request(msg.ACK)
	})
}

func TestHangupDuringOurReInviteIsBYEAndItsAnswerIsAcknowledged(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.established("c1")
		time.Sleep(900 * time.Second)
		ours := w.pbx.request(msg.INVITE)
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		w.pbx.reply(ours, 200, "", sdp("192.0.2.10"))
		if ack := w.pbx.request(msg.ACK); ack.CSeq().SeqNo != ours.CSeq().SeqNo {
			t.Errorf("ACK %s", ack.CSeq().Value())
		}
		w.pbx.reply(bye, 200, "", "")
		w.noEvent()
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

func TestIntervalBeyondWhatWeAskedForIsNotBelieved(t *testing.T) {
	for _, refresher := range []string{"uas", "uac"} {
		inWorld(t, func(w *world) {
			w.answeredBy(w.phone, "Supported: timer", "Session-Expires: 4294967295;refresher="+refresher)
			time.Sleep(15 * time.Minute) // ours, and the refreshes are ours too
			if got := w.phone.request(msg.INVITE); value(got, "session-expires") != "1800;refresher=uac" {
				t.Errorf("%s", got)
			}
			time.Sleep(16 * time.Minute)
			wantEnd(w, call.CauseSession)
		})
	}
}

func TestLeastIntervalThatNobodyWouldLiveToSeeIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		for range 1 + maxBrief {
			req := w.pbx.request(msg.INVITE)
			if se := sessionExpiresOf(req).interval; se > maxSessionExpires {
				t.Errorf("asked for %s", se)
			}
			w.pbx.reply(req, 422, "p", "", "Min-SE: 4294967295")
			w.pbx.request(msg.ACK)
		}
		wantFailed(w, 422)
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
