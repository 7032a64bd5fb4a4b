package sip

import (
	"testing"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

// An INVITE that is to take the place of a call, or to listen in, is never taken for a new call in the queue.
func TestInviteForACallThatStandsIsNoNewCall(t *testing.T) {
	for _, name := range []string{"Replaces", "Join"} {
		inWorld(t, func(w *world) {
			leg, k := w.established("c1")
			ours := tagOf2(k.to)
			for i, v := range []string{"c1;to-tag=" + ours + ";from-tag=far-c1", "nobody;to-tag=1;from-tag=2", "garbage"} {
				n := w.pbx.calls("n" + string(rune('0'+i)))
				n.invite(sdp("192.0.2.10"), name+": "+v)
				w.pbx.response(100)
				w.pbx.response(481)
			}
			// A phone that asks for it by an extension hears which one we do not have.
			w.register("anna", w.phone)
			w.phones.agents["good"] = "anna"
			p := w.phone.calls("p1")
			p.invite(sdp("198.51.100.5"), name+": c1;to-tag="+ours+";from-tag=far-c1", "Proxy-Authorization: good", "Require: replaces")
			w.phone.response(100)
			if got := value(w.phone.response(420), "unsupported"); got != "replaces" {
				t.Errorf("Unsupported: %s", got)
			}
			w.noEvent()
			w.srv.Do(call.Hangup{Leg: leg}) // the call stands
			w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		})
	}
}
