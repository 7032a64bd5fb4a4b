package sip

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

func (w *world) notified(f *far, frag, state string) *msg.Request {
	w.t.Helper()
	n := f.request(msg.NOTIFY)
	if got := string(n.Body()); got != "SIP/2.0 "+frag+"\r\n" {
		w.t.Errorf("sipfrag %q, want %q", got, frag)
	}
	if got := value(n, "subscription-state"); !strings.HasPrefix(got, state) {
		w.t.Errorf("Subscription-State: %s", got)
	}
	if value(n, "content-type") != "message/sipfrag;version=2.0" {
		w.t.Errorf("Content-Type: %s", value(n, "content-type"))
	}
	f.reply(n, 200, "", "")
	return n
}

func TestBlindTransferIsReportedToItsEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		k.send("REFER", "", "r: <sip:205@telefonist.example;user=phone>", "Referred-By: <sip:anna@telefonist.example>")
		got, ev := event[call.Referred](w)
		if got != leg || ev.Target != "205" || ev.Replaces != "" || ev.Unknown {
			t.Errorf("%s %+v", got, ev)
		}
		w.phone.silent() // not before the switchboard has decided
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		w.phone.response(202)
		if n := w.notified(w.phone, "100 Trying", "active;expires="); value(n, "event") != "refer" {
			t.Errorf("Event: %s", value(n, "event"))
		}
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 180})
		w.notified(w.phone, "180 Ringing", "active;expires=")
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 200})
		w.notified(w.phone, "200 OK", "terminated;reason=noresource")
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 200}) // the subscription is over
		w.phone.silent()
		k.send("REFER", "", "Refer-To: sip:206@telefonist.example")
		_, ev = event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		w.phone.response(202)
		if n := w.notified(w.phone, "100 Trying", "active"); value(n, "event") != fmt.Sprintf("refer;id=%d", k.seq) {
			t.Errorf("Event: %s", value(n, "event"))
		}
	})
}

func TestNotifiesKeepTheirOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:205@x>")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 180})
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 486})
		w.phone.response(202)
		first := w.phone.request(msg.NOTIFY)
		w.phone.silent()
		w.phone.reply(first, 200, "", "")
		w.notified(w.phone, "180 Ringing", "active")
		w.notified(w.phone, "486 Busy Here", "terminated")
	})
}

func TestRefusedReferIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:0900123@x>")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 403, Reason: "Not Allowed"})
		if res := w.phone.response(403); res.Reason != "Not Allowed" {
			t.Error(res.Reason)
		}
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 200})
		w.phone.silent()
	})
}

func TestReferThatNobodyAnswersIs500(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:205@x>")
		event[call.Referred](w)
		time.Sleep(10 * time.Second)
		w.phone.response(500)
	})
}

func TestReferSubFalseIsNotReported(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:205@x>", "Refer-Sub: false", "Require: norefersub")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		if value(w.phone.response(202), "refer-sub") != "false" {
			t.Error("no Refer-Sub")
		}
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ev.Ref, Code: 200})
		w.phone.silent()
	})
}

func TestReferThatCrossesBYE(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:205@x>")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.Hangup{Leg: leg})
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		bye := w.phone.request(msg.BYE)
		w.phone.response(202)
		w.phone.reply(bye, 200, "", "")
		w.phone.silent()
	})
	inWorld(t, func(w *world) {
		_, k := w.answeredBy(w.phone)
		k.send("REFER", "", "Refer-To: <sip:205@x>")
		event[call.Referred](w)
		k.bye()
		w.phone.response(200)
		w.phone.response(481)
		wantEnd(w, call.CauseBye)
	})
}

func TestBadReferIsRefused(t *testing.T) {
	for to, code := range map[string]int{
		"Refer-To: <sip:205@x;method=BYE>":                             403,
		"Refer-To: <sip:20%0d%0aX: y@x>":                               400,
		"Refer-To: <sip:%0d%0a205@x>":                                  400,
		"Refer-To: <sip:x>":                                            400,
		"Refer-To: <http://evil.example/>":                             400,
		"Refer-To: <sip:205@x?Replaces=a%3Bto-tag%3D1>":                400,
		"Refer-To: <sip:205@x?Replaces=a%0d%0a>":                       400,
		"X-None: 1":                                                    400,
		"Refer-To: <sip:1@x>\nRefer-To: <sip:2@x>":                     400,
		"Refer-To: <sip:205@x?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3Dzz": 400,
	} {
		inWorld(t, func(w *world) {
			_, k := w.answeredBy(w.phone)
			k.send("REFER", "", to)
			if m := w.phone.next(); m != nil && m.(*msg.Response).StatusCode != code {
				t.Errorf("%s: %s, want %d", to, startLine(m), code)
			}
			w.noEvent()
		})
	}
}

func TestAttendedTransferNamesTheOtherLegInEitherOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.answeredBy(w.phone)
		// Anna calls the target: a dialog that her phone began.
		w.phones.agents["good"] = "anna"
		c := w.phone.calls("consult")
		c.target = "sip:205@192.0.2.1"
		c.invite(sdp("198.51.100.5"), "Proxy-Authorization: good")
		w.phone.response(100)
		consult, dialled := event[call.Dialled](w)
		if dialled.Agent != "anna" || dialled.Target != "205" {
			t.Errorf("%+v", dialled)
		}
		w.srv.Do(call.Accept{Leg: consult})
		ok := w.phone.response(200)
		c.answered(ok)
		c.ack("")
		ours, theirs := tagOf(ok.To().Params), "far-consult"
		for _, tags := range [][2]string{{ours, theirs}, {theirs, ours}} {
			r := replaces{"consult", tags[0], tags[1]}
			k.send("REFER", "", "Refer-To: <sip:205@x?Replaces="+url.QueryEscape(r.String())+">")
			_, ev := event[call.Referred](w)
			if ev.Replaces != consult || ev.Unknown || ev.Target != "205" {
				t.Errorf("%v: %+v", r, ev)
			}
			w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 603})
			w.phone.response(603)
		}
		for _, r := range []replaces{{"consult", ours, "other"}, {"other", ours, theirs}, {"consult", ours, ours}} {
			k.send("REFER", "", "Refer-To: <sip:205@x?Replaces="+url.QueryEscape(r.String())+">")
			if _, ev := event[call.Referred](w); ev.Replaces != "" || !ev.Unknown {
				t.Errorf("%v: %+v", r, ev)
			}
		}
	})
}

func TestReplacesOfSomebodyElsesCallIsUnknown(t *testing.T) {
	inWorld(t, func(w *world) {
		_, trunk := w.established("c1")
		_, k := w.answeredBy(w.phone)
		r := replaces{"c1", trunk.to[strings.Index(trunk.to, "tag=")+4:], "far-c1"}
		k.send("REFER", "", "Refer-To: <sip:205@x?Replaces="+url.QueryEscape(r.String())+">")
		if _, ev := event[call.Referred](w); ev.Replaces != "" || !ev.Unknown {
			t.Errorf("%+v", ev)
		}
		self := replaces{k.callID, "phone", k.to[strings.Index(k.to, "tag=")+4:]}
		k.send("REFER", "", "Refer-To: <sip:205@x?Replaces="+url.QueryEscape(self.String())+">")
		if _, ev := event[call.Referred](w); !ev.Unknown {
			t.Errorf("%+v", ev)
		}
	})
}

func TestAgentsInviteNeedsADigest(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		k := w.phone.calls("d1")
		k.invite(sdp("198.51.100.5"))
		w.phone.final(407)
		time.Sleep(time.Minute)
		w.phone.silent() // sent once
		w.noEvent()
		w.phones.agents["good"] = "anna"
		k.invite(sdp("198.51.100.5"), "Proxy-Authorization: good")
		w.phone.response(100)
		leg, _ := event[call.Dialled](w)
		w.srv.Do(call.Reject{Leg: leg, Code: 403})
		w.phone.response(403)
	})
}

// transferring brings a phone's REFER to where it has been accepted and its first NOTIFY is under way.
func (w *world) transferring() (leg call.LegID, k *talk, ref string, first *msg.Request) {
	w.t.Helper()
	leg, k = w.answeredBy(w.phone)
	k.send("REFER", "", "Refer-To: <sip:205@x>")
	_, ev := event[call.Referred](w)
	w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
	w.phone.response(202)
	return leg, k, ev.Ref, w.phone.request(msg.NOTIFY)
}

func TestBYEWaitsUntilTheTransferHasBeenReported(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _, ref, first := w.transferring()
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ref, Code: 200})
		w.srv.Do(call.Hangup{Leg: leg})
		w.srv.Do(call.Hangup{Leg: leg}) // said twice is said once
		w.phone.silent()
		time.Sleep(400 * time.Millisecond)
		w.phone.reply(first, 200, "", "")
		last := w.phone.request(msg.NOTIFY)
		w.phone.silent()
		if string(last.Body()) != "SIP/2.0 200 OK\r\n" {
			t.Errorf("%s", last)
		}
		w.phone.reply(last, 200, "", "")
		bye := w.phone.request(msg.BYE)
		if bye.CSeq().SeqNo != last.CSeq().SeqNo+1 {
			t.Errorf("BYE %s behind NOTIFY %s", bye.CSeq().Value(), last.CSeq().Value())
		}
		w.phone.reply(bye, 200, "", "")
		time.Sleep(time.Minute)
		w.phone.silent()
		w.noEvent()
	})
}

func TestBYEWaitsForAReportASecondAtMost(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _, ref, first := w.transferring()
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ref, Code: 200})
		start := time.Now()
		w.srv.Do(call.Hangup{Leg: leg})
		time.Sleep(600 * time.Millisecond)
		w.phone.request(msg.NOTIFY)       // repeated
		w.srv.Do(call.Hangup{Leg: leg})   // does not begin the time anew
		w.phone.silent()                  // nothing else
		bye := w.phone.await(time.Second) // the phone says nothing
		if d := time.Since(start); bye.Method != msg.BYE || d < notifyLimit || d > notifyLimit+20*time.Millisecond {
			t.Errorf("%s after %s", bye.Method, d)
		}
		w.phone.reply(bye, 200, "", "")
		w.phone.reply(first, 200, "", "") // too late
		w.phone.silent()
		w.noEvent()
	})
}

func TestBYEOfThePhoneCrossesTheReport(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k, ref, first := w.transferring()
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ref, Code: 200})
		w.srv.Do(call.Hangup{Leg: leg})
		k.bye()
		w.phone.response(200)
		w.phone.reply(first, 481, "", "")
		time.Sleep(time.Minute)
		w.phone.silent()
		w.noEvent()
	})
}

func TestPhoneThatWantsNoReportGetsItsBYEAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _, ref, first := w.transferring()
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ref, Code: 180})
		w.srv.Do(call.NotifyRefer{Leg: leg, Ref: ref, Code: 200})
		w.srv.Do(call.Hangup{Leg: leg})
		w.phone.reply(first, 481, "", "")
		w.phone.reply(w.phone.request(msg.BYE), 200, "", "")
	})
}

func TestLegThatIsToBeHungUpTakesNoRequestsAnyMore(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k, _, first := w.transferring()
		w.srv.Do(call.Hangup{Leg: leg})
		for _, method := range []string{"INFO", "OPTIONS", "UPDATE", "REFER"} {
			k.send(method, "", "Refer-To: <sip:206@x>")
			w.phone.response(481)
		}
		k.invite(sdp("198.51.100.5", "a=sendonly"))
		w.phone.response(100)
		w.phone.response(481)
		w.phone.reply(first, 200, "", "")
		w.phone.reply(w.phone.request(msg.BYE), 200, "", "")
		w.noEvent()
	})
}

func TestHangupBeforeTheACKWaitsForBothACKAndReport(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.phones.agents["good"] = "anna"
		k := w.phone.calls("d1")
		k.invite(sdp("198.51.100.5"), "Proxy-Authorization: good")
		w.phone.response(100)
		leg, _ := event[call.Dialled](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.phone.response(200))
		k.send("REFER", "", "Refer-To: <sip:205@x>")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: leg, Ref: ev.Ref, Code: 202})
		w.phone.response(202)
		n := w.phone.request(msg.NOTIFY)
		w.srv.Do(call.Hangup{Leg: leg})
		k.ack("")
		w.phone.silent()
		w.phone.reply(n, 200, "", "")
		w.phone.reply(w.phone.request(msg.BYE), 200, "", "")
		w.noEvent()
	})
}
