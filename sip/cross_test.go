package sip

import (
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
)

var _ Media = (*media.Engine)(nil)

// arrives sends an INVITE from the PBX and takes the 100 and the event.
func (w *world) arrives(id string, extra ...string) (call.LegID, *talk) {
	w.t.Helper()
	k := w.pbx.calls(id)
	k.invite(sdp("192.0.2.10"), extra...)
	w.pbx.response(100)
	leg, _ := event[call.Arrived](w)
	return leg, k
}

func wantEnd(w *world, cause call.Cause) {
	w.t.Helper()
	if _, ev := event[call.Ended](w); ev.Cause != cause {
		w.t.Errorf("cause %s, want %s", ev.Cause, cause)
	}
}

func TestCANCELSendsBothResponses(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Ring{Leg: leg})
		ringing := w.pbx.response(180)
		k.cancel()
		if got := w.pbx.response(200).CSeq().MethodName; got != msg.CANCEL {
			t.Errorf("200 to %s", got)
		}
		res := w.pbx.response(487)
		if tagOf(res.To().Params) != tagOf(ringing.To().Params) {
			t.Error("487 carries another tag than 180")
		}
		k.answered(res)
		k.requestSeq("ACK", k.invited, "")
		wantEnd(w, call.CauseCancel)
	})
}

func TestCANCELRightBehindTheInviteEndsTheCallOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"))
		k.cancel()
		codes := map[int]int{}
		for m := w.pbx.next(); m != nil; m = w.pbx.next() {
			codes[m.(*msg.Response).StatusCode]++
		}
		if codes[100] != 1 || codes[200] != 1 || codes[487] != 1 || len(codes) != 3 {
			t.Errorf("answers %v", codes)
		}
	})
}

func TestCANCELThatCrosses200ChangesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		k.cancel()
		w.pbx.response(200) // to the CANCEL
		w.pbx.silent()
		k.answered(ok)
		k.ack("")
		w.noEvent()
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
		w.pbx.silent() // the 200 does not leave again
	})
}

func TestCANCELOvertakenByTheAcceptChangesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		id, k := w.arrives("c1")
		w.srv.command(id, func(l *leg) {
			l.answer()
			l.cancelled(time.Now()) // told while the 200 was being sent
		})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.noEvent()
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestACKOfAnotherRequestDoesNotCount(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.requestSeq("ACK", k.invited+1, "")
		time.Sleep(time.Second)
		w.pbx.response(200)
		k.ack("")
		time.Sleep(time.Minute)
		w.pbx.silent()
	})
}

func TestCANCELFromAnotherAddressIsIgnored(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		forged := *k
		forged.f = w.evil
		forged.cancel()
		w.noEvent()
		w.srv.Do(call.Reject{Leg: leg, Code: 486})
		w.pbx.response(486)
	})
}

func TestUnacknowledged200IsRepeatedAndEndedByBYE(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		start := time.Now()
		w.pbx.response(200)
		var at []time.Duration
		for range 10 {
			time.Sleep(3200 * time.Millisecond)
			for m := w.pbx.next(); m != nil; m = w.pbx.next() {
				if res, ok := m.(*msg.Response); ok && res.StatusCode == 200 {
					at = append(at, time.Since(start))
					continue
				}
				if bye := m.(*msg.Request); bye.Method == msg.BYE {
					w.pbx.reply(bye, 200, "", "")
				}
			}
		}
		// 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 s
		if len(at) != 10 {
			t.Errorf("%d repetitions: %v", len(at), at)
		}
		wantEnd(w, call.CauseNoAck)
		_ = k
	})
}

func TestLateACKStopsTheRepetition(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		time.Sleep(20 * time.Second)
		w.pbx.forget()
		k.ack("")
		time.Sleep(time.Minute)
		w.pbx.silent()
		w.noEvent()
	})
}

func TestHangupBeforeTheACKWaitsForIt(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.silent()
		k.ack("")
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		w.noEvent()
	})
}

func TestEarlyBYEEndsTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Ring{Leg: leg})
		k.answered(w.pbx.response(180))
		k.bye()
		w.pbx.response(200)
		w.pbx.response(487)
		wantEnd(w, call.CauseCancel)
	})
}

func TestBYEBeforeTheACKEndsTheRepetition(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
		time.Sleep(time.Minute)
		w.pbx.silent()
	})
}

func TestBYEsThatCrossBothGetTheirAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.established("c1")
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		k.bye()
		w.pbx.response(200)
		w.pbx.reply(bye, 200, "", "")
		w.noEvent()
	})
}

func TestBYEThatCrossesAReInvite(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.established("c1")
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		k.invite(sdp("192.0.2.10", "a=sendonly"))
		w.pbx.response(100)
		w.pbx.response(481)
		w.pbx.reply(bye, 200, "", "")
		w.noEvent()
	})
}

func TestHangupRejectsWhatWasNotAccepted(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.arrives("c1")
		w.srv.Do(call.Hangup{Leg: leg, Code: 404})
		w.pbx.response(404)
		leg, _ = w.arrives("c2")
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.response(487)
		w.noEvent()
	})
}

func TestRejectSaysWhenToTryAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.arrives("c1")
		w.srv.Do(call.Reject{Leg: leg, Code: 503, Reason: "busy\r\nX: y", RetryAfter: 1500 * time.Millisecond})
		res := w.pbx.response(503)
		if value(res, "retry-after") != "2" || res.Reason != "busyX: y" {
			t.Errorf("%s", res)
		}
	})
}

func TestDuplicateInviteMakesOneCall(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.arrives("c1")
		k.branches--
		k.requestSeq("INVITE", k.invited, sdp("192.0.2.10"))
		w.pbx.response(100)
		w.noEvent()
		// The same request by another way is merged, not a second call (RFC 3261 section 8.2.2.2).
		k.requestSeq("INVITE", k.invited, sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(482)
		w.noEvent()
		w.srv.Do(call.Reject{Leg: leg, Code: 486})
		w.pbx.response(486)
	})
}

func TestLateOfferIsAnsweredInTheACK(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite("")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		if !strings.Contains(string(ok.Body()), "m=audio 10002 RTP/AVP 8 0 9 101") {
			t.Fatalf("no offer:\n%s", ok)
		}
		k.answered(ok)
		k.requestSeq("ACK", k.invited, sdp("192.0.2.10"))
		w.noEvent()
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestACKWithoutTheAnswerThatItOwesEndsTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite("")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		wantEnd(w, call.CauseFault)
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
	})
}

func TestBadOfferIsAnswered488WithAWarning(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite("v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 18\n")
		w.pbx.response(100)
		if res := w.pbx.response(488); !strings.HasPrefix(value(res, "warning"), "305 192.0.2.1:5060 ") {
			t.Errorf("Warning: %s", value(res, "warning"))
		}
		w.noEvent()
	})
}

func TestFullMailboxIsAnswered503(t *testing.T) {
	inWorld(t, func(w *world) {
		w.full = true
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		if value(w.pbx.response(503), "retry-after") == "" {
			t.Error("no Retry-After")
		}
	})
}

func TestDrainingRefusesNewCallsAndKeepsTheOld(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		w.srv.SetDraining(true)
		k2 := w.pbx.calls("c2")
		k2.invite(sdp("192.0.2.10"))
		if value(w.pbx.response(503), "retry-after") == "" {
			t.Error("no Retry-After")
		}
		k2 = w.pbx.calls("c3")
		k2.send("OPTIONS", "")
		w.pbx.response(503)
		k.send("OPTIONS", "")
		w.pbx.response(200)
		k.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestInviteIsValidated(t *testing.T) {
	for _, c := range []struct {
		name  string
		body  string
		extra []string
		code  int
		want  string // a header line of the answer
	}{
		{"no contact", sdp("192.0.2.10"), []string{"Contact:"}, 400, ""},
		{"two contacts", sdp("192.0.2.10"), []string{"Contact: <sip:a@192.0.2.10>, <sip:b@192.0.2.10>"}, 400, ""},
		{"100rel required", sdp("192.0.2.10"), []string{"Require: 100rel, timer"}, 420, "Unsupported: 100rel\r\n"},
		{"no hops left", sdp("192.0.2.10"), []string{"Max-Forwards: 0"}, 483, ""},
		{"forwarded in circles", sdp("192.0.2.10"), []string{"Diversion: " + strings.Repeat("<sip:1@pbx.example>, ", maxDiverted) + "<sip:2@pbx.example>"}, 482, ""},
		{"not sdp", "hello", []string{"Content-Type: text/plain"}, 415, "Accept: application/sdp\r\n"},
		{"encoded", sdp("192.0.2.10"), []string{"Content-Type: application/sdp", "Content-Encoding: gzip"}, 415, "Accept-Encoding: identity\r\n"},
		{"takes no sdp", sdp("192.0.2.10"), []string{"Accept: text/plain"}, 406, ""},
		{"short session", sdp("192.0.2.10"), []string{"x: 60"}, 422, "Min-SE: 90\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				k := w.pbx.calls("c1")
				k.invite(c.body, c.extra...)
				if c.code != 400 { // the guard in front of the parser may be quicker
					w.pbx.response(100)
				}
				if res := w.pbx.final(c.code); !strings.Contains(res.String(), c.want) {
					t.Errorf("%q is not in\n%s", c.want, res)
				}
				w.noEvent()
			})
		})
	}
}

func TestEveryMethodGetsAnAnswer(t *testing.T) {
	for method, code := range map[string]int{
		"OPTIONS": 200, "BYE": 481, "UPDATE": 481, "INFO": 481, "PRACK": 481, "NOTIFY": 481, "REFER": 403, "SUBSCRIBE": 405,
		"MESSAGE": 405, "PUBLISH": 405, "FROB": 501,
	} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(w *world) {
				k := w.pbx.calls("c1")
				k.send(method, "")
				res := w.pbx.response(code)
				if code == 405 && value(res, "allow") == "" {
					t.Error("405 without Allow")
				}
				k.to += ";tag=nobody"
				k.send(method, "")
				w.pbx.response(481)
			})
		})
	}
}

func TestUnknownSourceIsDroppedOrAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.evil.calls("e1").invite(sdp("203.0.113.66"))
		w.evil.calls("e2").send("OPTIONS", "")
		w.evil.silent()
		w.noEvent()
	})
	inWorldWith(t, Config{UnknownSource: AnswerUnknown}, func(w *world) {
		for _, method := range []string{"INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER"} {
			w.evil.calls("e"+method).send(method, "")
			w.evil.response(403)
		}
		w.noEvent()
	})
}

func TestClosingSendsBYEToWhatIsLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.established("c1")
		leg, _ := w.arrives("c2")
		w.srv.Do(call.Ring{Leg: leg})
		w.pbx.response(180)
	})
}
