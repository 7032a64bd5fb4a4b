package sip

import (
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

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
