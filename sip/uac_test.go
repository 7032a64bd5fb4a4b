package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

func (w *world) dialAnna(leg call.LegID) {
	w.srv.Do(call.Dial{Leg: leg, To: call.Destination{Agent: "anna"}, From: call.Party{Number: "+46701234567"}, Expires: 15 * time.Second})
}

func (w *world) dialTrunk(leg call.LegID, change ...func(*call.Dial)) {
	d := call.Dial{Leg: leg, To: call.Destination{Trunk: "pbx", Number: "205"}, From: call.Party{Number: "+46701234567", Name: "Kalle"},
		Token: "tok1", Expires: 20 * time.Second}
	for _, f := range change {
		f(&d)
	}
	w.srv.Do(d)
}

func wantFailed(w *world, code int) call.LegID {
	w.t.Helper()
	leg, ev := event[call.Failed](w)
	if ev.Code != code {
		w.t.Errorf("failed with %d, want %d", ev.Code, code)
	}
	return leg
}

func TestAgentWithoutPhonesFails480(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialAnna("a")
		wantFailed(w, 480)
	})
}

func TestAllPhonesRingAndTheFirstWins(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		if one.CallID().Value() == two.CallID().Value() {
			t.Error("two phones behind one address would take one for a merged request")
		}
		w.phone.reply(one, 180, "p1", "")
		w.other.reply(two, 180, "p2", "")
		event[call.Ringing](w)
		w.other.reply(two, 200, "p2", sdp("198.51.100.6"))
		w.other.request(msg.ACK)
		event[call.Answered](w)
		cancel := w.phone.request(msg.CANCEL)
		if cancel.Via().Value() != one.Via().Value() || cancel.CSeq().SeqNo != one.CSeq().SeqNo {
			t.Error("the CANCEL does not match its INVITE")
		}
		w.phone.reply(cancel, 200, "p1", "")
		w.phone.reply(one, 487, "p1", "")
		w.phone.request(msg.ACK)
		w.noEvent()
	})
}

func TestTwoPhonesThatAnswerAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		w.phone.reply(one, 180, "p1", "")
		w.other.reply(two, 180, "p2", "")
		w.phone.reply(one, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		w.other.reply(two, 200, "p2", sdp("198.51.100.6"))
		w.other.request(msg.CANCEL)
		if ack := w.other.request(msg.ACK); tagOf(ack.To().Params) != "p2" {
			t.Errorf("%s", ack)
		}
		bye := w.other.request(msg.BYE)
		if tagOf(bye.To().Params) != "p2" || bye.CallID().Value() != two.CallID().Value() {
			t.Errorf("%s", bye)
		}
		w.other.reply(bye, 200, "", "")
		event[call.Ringing](w)
		event[call.Answered](w)
		w.noEvent()
	})
}

func TestForkedAnswerOfOneInviteIsAcknowledgedAndEnded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		event[call.Answered](w)
		w.phone.reply(req, 200, "p2", sdp("198.51.100.5"))
		if ack := w.phone.request(msg.ACK); tagOf(ack.To().Params) != "p2" {
			t.Errorf("%s", ack)
		}
		if bye := w.phone.request(msg.BYE); tagOf(bye.To().Params) != "p2" {
			t.Errorf("%s", bye)
		} else {
			w.phone.reply(bye, 200, "", "")
		}
		w.noEvent()
	})
}

func TestRepeatedAnswerIsAcknowledgedEachTime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		for range 5 {
			w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
			ack := w.phone.request(msg.ACK)
			if ack.CSeq().SeqNo != req.CSeq().SeqNo || tagOf(ack.To().Params) != "p1" {
				t.Errorf("%s", ack)
			}
		}
		event[call.Answered](w)
		w.noEvent()
	})
}

func TestManyProvisionals(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		for i := range 30 {
			w.phone.reply(req, 180+i%3, "p1", "")
		}
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		event[call.Ringing](w)
		event[call.Answered](w)
		w.noEvent()
	})
}

func TestHangupWhileItRingsIsCANCEL(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 180, "p1", "")
		event[call.Ringing](w)
		w.srv.Do(call.Hangup{Leg: "a"})
		w.phone.reply(w.phone.request(msg.CANCEL), 200, "p1", "")
		w.phone.reply(req, 487, "p1", "")
		w.phone.request(msg.ACK)
		w.noEvent()
	})
}

func TestHangupBeforeAProvisionalIsRemembered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.srv.Do(call.Hangup{Leg: "a"})
		w.phone.silent()
		w.phone.reply(req, 100, "", "")
		w.phone.reply(w.phone.request(msg.CANCEL), 200, "p1", "")
		w.phone.reply(req, 487, "p1", "")
		w.phone.request(msg.ACK)
		w.noEvent()
	})
}

func TestAnswerThatCrossesCANCELIsAcknowledgedAndEnded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 180, "p1", "")
		event[call.Ringing](w)
		w.srv.Do(call.Hangup{Leg: "a"})
		w.phone.reply(w.phone.request(msg.CANCEL), 481, "p1", "")
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		bye := w.phone.request(msg.BYE)
		if bye.CSeq().SeqNo != req.CSeq().SeqNo+1 {
			t.Errorf("BYE %s", bye.CSeq().Value())
		}
		w.phone.reply(bye, 200, "", "")
		w.noEvent()
	})
}

func TestPhoneThatNeverAnswersIsGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 180, "p1", "")
		event[call.Ringing](w)
		time.Sleep(20 * time.Second)
		wantFailed(w, 408)
		w.phone.request(msg.CANCEL)
		w.noEvent()
	})
}

func TestDeclinedEverywhereTellsTheBestReason(t *testing.T) {
	for _, c := range []struct{ a, b, want int }{
		{408, 486, 486}, {480, 486, 486}, {503, 408, 408}, {486, 404, 486}, {500, 302, 302}, {404, 415, 415}, {480, 404, 480},
	} {
		inWorld(t, func(w *world) {
			w.register("anna", w.phone, w.other)
			w.dialAnna("a")
			w.phone.reply(w.phone.request(msg.INVITE), c.a, "p1", "")
			w.phone.request(msg.ACK)
			w.noEvent()
			w.other.reply(w.other.request(msg.INVITE), c.b, "p2", "")
			wantFailed(w, c.want)
		})
	}
}

func TestGlobalFailureStopsTheOtherPhones(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		w.other.reply(two, 180, "p2", "")
		event[call.Ringing](w)
		w.phone.reply(one, 603, "p1", "")
		wantFailed(w, 603)
		w.other.request(msg.CANCEL)
	})
}

func TestEarlyMediaTheLastAnswerWins(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 183, "p1", "v=0\nbroken")
		event[call.Ringing](w)
		w.pbx.reply(req, 183, "p1", sdp("192.0.2.10"))
		event[call.EarlyMedia](w)
		w.pbx.reply(req, 183, "p2", sdp("192.0.2.11"))
		w.pbx.reply(req, 200, "p3", sdp("192.0.2.12"))
		w.pbx.request(msg.ACK)
		_, ev := event[call.Answered](w)
		if ev.Dialog.RemoteTag != "p3" {
			t.Errorf("%+v", ev.Dialog)
		}
		got, _ := w.media.sessions["t"].Media()
		if got.Remote.Addr().String() != "192.0.2.12" {
			t.Errorf("audio goes to %s", got.Remote)
		}
	})
}

func TestAnswerThatDoesNotFitIsEnded(t *testing.T) {
	for _, body := range []string{"", "v=0\n", strings.Replace(sdp("192.0.2.10"), "m=audio 4000", "m=audio 0", 1),
		sdp("192.0.2.10") + "m=video 5 RTP/AVP 31\n"} {
		inWorld(t, func(w *world) {
			w.dialTrunk("t")
			req := w.pbx.request(msg.INVITE)
			w.pbx.reply(req, 200, "p1", body)
			w.pbx.request(msg.ACK)
			w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
			wantFailed(w, 488)
		})
	}
}

func TestTrunkInviteCarriesWhatThePBXNeeds(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t", func(d *call.Dial) {
			d.DivertedBy = "+46850000001"
			d.From.Name = "Kalle \"Kula\" \\ Ek\r\nX-Evil: 1\u202e"
		})
		req := w.pbx.request(msg.INVITE)
		for name, want := range map[string]string{
			"p-asserted-identity": `"Kalle \"Kula\" \\ EkX-Evil: 1" <sip:+46701234567@192.0.2.1>`,
			"diversion":           "<sip:+46850000001@192.0.2.1>;reason=unconditional;counter=1",
			"history-info":        "<sip:+46850000001@192.0.2.1>;index=1, <sip:205@192.0.2.10;cause=302>;index=1.1",
			"x-telefonist-leg":    "tok1",
			"max-forwards":        "70",
			"supported":           "timer, norefersub",
			"session-expires":     "1800",
			"contact":             "<sip:telefonist@192.0.2.1:5060;tfl=tok1>",
		} {
			if got := value(req, name); got != want {
				t.Errorf("%s: %s\nwant %s", name, got, want)
			}
		}
		if req.Recipient.String() != "sip:205@192.0.2.10:5060" || req.GetHeader("X-Evil") != nil {
			t.Errorf("%s", req)
		}
		w.pbx.reply(req, 404, "p1", "")
		wantFailed(w, 404)
	})
}

func TestPrivateCallerIsAnonymous(t *testing.T) {
	private := call.Party{Number: "+46701234567", Name: "Kalle", Private: true}
	inWorld(t, func(w *world) {
		w.dialTrunk("t", func(d *call.Dial) { d.From = private })
		req := w.pbx.request(msg.INVITE)
		if from := req.From().Value(); !strings.HasPrefix(from, `"Anonymous" <sip:anonymous@anonymous.invalid>`) {
			t.Errorf("From: %s", from)
		}
		if value(req, "p-asserted-identity") != "<sip:+46701234567@192.0.2.1>" || value(req, "privacy") != "id" {
			t.Errorf("%s", req)
		}
		w.pbx.reply(req, 404, "p1", "")
		wantFailed(w, 404)
		w.register("anna", w.phone)
		w.srv.Do(call.Dial{Leg: "a", To: call.Destination{Agent: "anna"}, From: private})
		req = w.phone.request(msg.INVITE)
		if strings.Contains(req.String(), "6701234567") || strings.Contains(req.String(), "Kalle") {
			t.Errorf("a phone is told the number\n%s", req)
		}
		w.phone.reply(req, 404, "p1", "")
		wantFailed(w, 404)
	})
}

func credentialed() Config {
	c := pbxTrunk()
	c.Credentials = Credentials{User: "tf", Password: "secret", Realm: "pbx"}
	return Config{Trunks: []Trunk{c}}
}

func TestTrunkChallengeIsAnsweredWithItsCredentials(t *testing.T) {
	inWorldWith(t, credentialed(), func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 407, "p1", "", `Proxy-Authenticate: Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth"`)
		w.pbx.request(msg.ACK)
		again := w.pbx.request(msg.INVITE)
		auth := value(again, "proxy-authorization")
		if !strings.Contains(auth, `username="tf"`) || again.CSeq().SeqNo != req.CSeq().SeqNo+1 ||
			again.CallID().Value() != req.CallID().Value() || again.From().Value() != req.From().Value() {
			t.Errorf("%s", again)
		}
		w.pbx.reply(again, 200, "p2", sdp("192.0.2.10"))
		if ack := w.pbx.request(msg.ACK); value(ack, "proxy-authorization") != auth {
			t.Error("the ACK lacks the credentials of its INVITE")
		}
		event[call.Answered](w)
		w.srv.Do(call.Hangup{Leg: "t"})
		bye := w.pbx.request(msg.BYE)
		w.pbx.reply(bye, 401, "", "", `WWW-Authenticate: Digest realm="pbx", nonce="n2", algorithm=MD5`)
		bye2 := w.pbx.request(msg.BYE)
		if bye2.CSeq().SeqNo != bye.CSeq().SeqNo+1 || value(bye2, "authorization") == "" {
			t.Errorf("%s", bye2)
		}
		w.pbx.reply(bye2, 200, "", "")
	})
}

func TestChallengeLoopEnds(t *testing.T) {
	for _, stale := range []string{"", ", stale=true"} {
		inWorldWith(t, credentialed(), func(w *world) {
			w.dialTrunk("t")
			n := 0
			for m := w.pbx.next(); m != nil; m = w.pbx.next() {
				if req, ok := m.(*msg.Request); ok && req.Method == msg.INVITE {
					n++
					w.pbx.reply(req, 401, "p", "", fmt.Sprintf(`WWW-Authenticate: Digest realm="pbx", nonce="n%d", algorithm=MD5%s`, n, stale))
				}
			}
			want := 2
			if stale != "" {
				want = 1 + maxAuthTries
			}
			if n != want {
				t.Errorf("%d INVITEs, want %d", n, want)
			}
			wantFailed(w, 401)
		})
	}
}

func TestForeignChallengesGetNothing(t *testing.T) {
	inWorldWith(t, credentialed(), func(w *world) {
		w.dialTrunk("t")
		w.pbx.reply(w.pbx.request(msg.INVITE), 401, "p", "", `WWW-Authenticate: Digest realm="evil", nonce="n", algorithm=MD5`)
		w.pbx.request(msg.ACK)
		wantFailed(w, 401)
		w.pbx.silent()
		w.register("anna", w.phone)
		w.dialAnna("a")
		w.phone.reply(w.phone.request(msg.INVITE), 401, "p", "", `WWW-Authenticate: Digest realm="pbx", nonce="n", algorithm=MD5`)
		w.phone.request(msg.ACK)
		wantFailed(w, 401)
		w.phone.silent()
	})
}

func TestEarlyMediaOfOneAmongSeveralPhonesIsNotHeard(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		w.phone.reply(one, 183, "p1", sdp("198.51.100.5"))
		event[call.Ringing](w)
		w.phone.reply(one, 486, "p1", "")
		w.other.reply(two, 486, "p2", "")
		wantFailed(w, 486)
	})
}

func TestRouteSetOfAnAnswerIsReversed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 200, "p", sdp("192.0.2.10"), "Record-Route: <sip:far.example;lr>, <sip:192.0.2.10;lr>")
		ack := w.pbx.request(msg.ACK)
		event[call.Answered](w)
		w.srv.Do(call.Hangup{Leg: "t"})
		for _, r := range []*msg.Request{ack, w.pbx.request(msg.BYE)} {
			got := r.GetHeaders("route")
			if len(got) != 2 || got[0].Value() != "<sip:192.0.2.10;lr>" || r.Recipient.String() != "sip:far@192.0.2.10:5060" {
				t.Errorf("%s", r)
			}
		}
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		w.pbx.reply(w.pbx.request(msg.INVITE), 302, "p", "", "Contact: <sip:+1900@203.0.113.66>")
		wantFailed(w, 302)
		w.evil.silent()
	})
}

func TestIntervalTooBriefIsTriedAgainTwiceAtMost(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		n := 0
		for m := w.pbx.next(); m != nil; m = w.pbx.next() {
			if req, ok := m.(*msg.Request); ok && req.Method == msg.INVITE {
				n++
				if n > 1 && value(req, "session-expires") != fmt.Sprint(1800+1000*(n-1)) {
					t.Errorf("Session-Expires: %s", value(req, "session-expires"))
				}
				w.pbx.reply(req, 422, "p", "", fmt.Sprintf("Min-SE: %d", 1800+1000*n))
			}
		}
		if n != 1+maxBrief {
			t.Errorf("%d INVITEs", n)
		}
		wantFailed(w, 422)
	})
}

// names is a resolver for trunk targets.
type names map[string][]netip.Addr

func TestTrunkFailsOverToTheNextAddress(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "pbx", Allow: pbxTrunk().Allow, Target: "sip:pbx.example:5060"}}}
	cfg.Wire.Resolver = names{"pbx.example": {netip.MustParseAddr("198.51.100.5"), netip.MustParseAddr("192.0.2.10")}}
	first := func(w *world) *far { return w.far("198.51.100.5:5060") }
	inWorldWith(t, cfg, func(w *world) { // 503
		dead := first(w)
		defer dead.conn.Close()
		w.dialTrunk("t")
		dead.reply(dead.request(msg.INVITE), 503, "p", "")
		w.pbx.reply(w.pbx.request(msg.INVITE), 200, "p", sdp("192.0.2.10"))
		event[call.Answered](w)
	})
	inWorldWith(t, cfg, func(w *world) { // silence, and an answer that comes too late
		dead := first(w)
		defer dead.conn.Close()
		w.dialTrunk("t")
		late := dead.request(msg.INVITE)
		time.Sleep(nextAddress)
		req := w.pbx.request(msg.INVITE)
		dead.forget()
		dead.reply(late, 200, "late", sdp("198.51.100.5"))
		dead.request(msg.ACK)
		dead.reply(dead.request(msg.BYE), 200, "", "")
		w.pbx.reply(req, 200, "p", sdp("192.0.2.10"))
		event[call.Answered](w)
		w.noEvent()
	})
	inWorldWith(t, cfg, func(w *world) { // silence, and then busy: nobody waits for the silent one
		dead := first(w)
		defer dead.conn.Close()
		w.dialTrunk("t")
		time.Sleep(nextAddress)
		w.pbx.reply(w.pbx.request(msg.INVITE), 486, "p", "")
		wantFailed(w, 486)
	})
	inWorldWith(t, cfg, func(w *world) { // nobody
		w.dialTrunk("t", func(d *call.Dial) { d.Expires = time.Minute })
		time.Sleep(40 * time.Second)
		wantFailed(w, 408)
	})
}

func TestTrunkThatCannotBeDialledFails503(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "pbx", Target: "sip:nowhere.example:5060"}, {Name: "in"}}}
	cfg.Wire.Resolver = names{}
	inWorldWith(t, cfg, func(w *world) {
		w.dialTrunk("a")
		wantFailed(w, 503)
		w.dialTrunk("b", func(d *call.Dial) { d.To.Trunk = "in" })
		wantFailed(w, 503)
		w.dialTrunk("c", func(d *call.Dial) { d.To.Trunk = "none" })
		wantFailed(w, 503)
	})
}

func TestOwnLegThatComesBackIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		back := func(id, from, contact string, extra ...string) string {
			k := w.pbx.calls(id)
			if from != "" {
				k.from = from
			}
			k.invite(sdp("192.0.2.10"), append(extra, contact)...)
			w.pbx.response(100)
			leg, ev := event[call.Arrived](w)
			w.srv.Do(call.Hangup{Leg: leg, Code: 486})
			w.pbx.response(486)
			return ev.Token
		}
		plain := "Contact: <sip:pbx@192.0.2.10>"
		if got := back("b1", "", plain, "X-Telefonist-Leg: tok1"); got != "tok1" {
			t.Errorf("by header: %q", got)
		}
		if got := back("b2", "", "Contact: "+value(req, "contact")); got != "tok1" {
			t.Errorf("by contact: %q", got)
		}
		if got := back(req.CallID().Value(), req.From().Value(), plain); got != "tok1" {
			t.Errorf("by dialog: %q", got)
		}
		if got := back("b3", "", plain); got != "" {
			t.Errorf("a stranger's: %q", got)
		}
		w.pbx.reply(req, 486, "p", "")
		wantFailed(w, 486)
	})
}

func TestLargeInviteStillLeavesOverUDP(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.srv.Do(call.Dial{Leg: "a", To: call.Destination{Agent: "anna"}, From: call.Party{Number: strings.Repeat("1", 100),
			Name: strings.Repeat("å", 600)}})
		req := w.phone.request(msg.INVITE)
		w.phone.reply(req, 486, "p", "")
		wantFailed(w, 486)
	})
}

var _ wire.Resolver = names{}

func (n names) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errNoSession
}

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a := n[host]; a != nil {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestPhoneIsAskedToAnswerByItselfWhereItShall(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.srv.Do(call.Dial{Leg: "a", To: call.Destination{Agent: "anna"}, Expires: 15 * time.Second, Answer: true})
		invite := w.phone.request(msg.INVITE)
		for name, want := range map[string]string{"answer-mode": "Auto", "call-info": ";answer-after=0", "alert-info": ";info=alert-autoanswer"} {
			if got := value(invite, name); !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %s", name, got, want)
			}
		}
		w.dialAnna("b")
		if got := value(w.phone.request(msg.INVITE), "answer-mode"); got != "" {
			t.Errorf("a phone that shall ring is told %q", got)
		}
	})
}
