package sip

import (
	"net/netip"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

func TestCANCELSaysThatTheCallWasAnsweredElsewhere(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		one, two := w.phone.request(msg.INVITE), w.other.request(msg.INVITE)
		w.phone.reply(one, 180, "p1", "")
		w.other.reply(two, 200, "p2", sdp("198.51.100.6"))
		w.other.request(msg.ACK)
		if got := value(w.phone.request(msg.CANCEL), "reason"); got != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Errorf("Reason: %s", got)
		}
	})
	// Another agent was quicker; one who was too slow, or whose caller gave up, has missed the call.
	for cause, want := range map[call.Cause]string{call.CauseElse: answeredElsewhere, call.CauseCancel: "", call.CausePolicy: ""} {
		inWorld(t, func(w *world) {
			w.register("anna", w.phone)
			w.dialAnna("a")
			req := w.phone.request(msg.INVITE)
			w.srv.Do(call.Hangup{Leg: "a", Cause: cause})
			w.phone.reply(req, 180, "p1", "") // the CANCEL waits for it, and keeps its Reason
			if got := value(w.phone.request(msg.CANCEL), "reason"); got != want {
				t.Errorf("%s: Reason: %s", cause, got)
			}
		})
	}
}

func TestAudioMayComeFromTheHostOfThePhoneThatAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone, w.other)
		w.dialAnna("a")
		w.phone.request(msg.INVITE)
		if ip := w.media.signalling["a"]; ip.IsValid() {
			t.Errorf("audio of %s before anybody answered", ip)
		}
		w.other.reply(w.other.request(msg.INVITE), 200, "p2", sdp("10.0.0.6"))
		event[call.Answered](w)
		if ip := w.media.signalling["a"]; ip != w.other.addr.Addr() {
			t.Errorf("audio may come from %s", ip)
		}
	})
}

func TestEarlyDialogThatIsOverDoesNotRing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 199, "p1", "")
		w.noEvent()
		w.pbx.reply(req, 180, "p2", "")
		event[call.Ringing](w)
	})
}

func TestEarlyMediaIsHeardAfterAFailover(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "pbx", Allow: pbxTrunk().Allow, Target: "sip:pbx.example:5060"}}}
	cfg.Wire.Resolver = names{"pbx.example": {netip.MustParseAddr("198.51.100.5"), netip.MustParseAddr("192.0.2.10")}}
	inWorldWith(t, cfg, func(w *world) {
		first := w.far("198.51.100.5:5060")
		defer first.conn.Close()
		w.dialTrunk("t")
		first.reply(first.request(msg.INVITE), 503, "p1", "")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 183, "p2", sdp("192.0.2.11"))
		event[call.EarlyMedia](w)
		if ip := w.media.signalling["t"]; ip != w.pbx.addr.Addr() {
			t.Errorf("audio may come from %s", ip)
		}
		w.pbx.reply(req, 200, "p2", sdp("192.0.2.11"))
		event[call.Answered](w)
	})
}

func TestAnswerThatNobodyHeardOfIsEnded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		w.mu.Lock()
		w.full = true
		w.mu.Unlock()
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		w.phone.reply(w.phone.request(msg.BYE), 200, "", "")
		time.Sleep(time.Second)
		w.srv.mu.Lock()
		defer w.srv.mu.Unlock()
		if len(w.srv.legs) != 0 {
			t.Error("the leg stands")
		}
	})
}
