package sip

import (
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/wire"
)

// disconnected leaves the leg's dialog with a connection that is gone.
func (w *world) disconnected(id call.LegID) {
	w.srv.command(id, func(l *leg) {
		l.dialog.flow = wire.Dest{Network: "tcp", Addr: l.dialog.flow.Addr, NoDial: true}
	})
}

func TestTrunkThatClosedItsConnectionIsReachedAtItsTarget(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Contact: <sip:pbx@pbx.inside.example;transport=tcp>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.disconnected(leg)
		time.Sleep(15 * time.Minute)
		again := w.pbx.request(msg.INVITE)
		w.pbx.reply(again, 200, "", sdp("192.0.2.10"), "Contact: <sip:pbx@pbx.inside.example;transport=tcp>")
		w.pbx.request(msg.ACK)
		w.disconnected(leg)
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		w.noEvent()
	})
}

func TestPhoneThatIsNotConnectedForAWhileKeepsItsCall(t *testing.T) {
	inWorld(t, func(w *world) {
		id, _ := w.answeredBy(w.phone)
		w.disconnected(id)
		time.Sleep(20 * time.Minute)
		w.phone.silent()
		w.noEvent()
		w.srv.command(id, func(l *leg) { l.dialog.flow = wire.Dest{Network: "udp", Addr: w.phone.addr} })
		req := w.phone.await(5 * time.Minute)
		w.phone.reply(req, 200, "", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		w.disconnected(id) // and now for good
		time.Sleep(30 * time.Minute)
		wantEnd(w, call.CauseSession)
	})
}

func TestRequestToATrunkThatHasNoTargetFails(t *testing.T) {
	inWorldWith(t, Config{Trunks: []Trunk{{Name: "pbx", Allow: pbxTrunk().Allow}}}, func(w *world) {
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"), "Contact: <sip:pbx@pbx.inside.example;transport=tcp>")
		w.pbx.response(100)
		leg, _ := event[call.Arrived](w)
		w.srv.Do(call.Accept{Leg: leg})
		k.answered(w.pbx.response(200))
		k.ack("")
		w.disconnected(leg)
		w.srv.Do(call.Hangup{Leg: leg})
		w.pbx.silent()
		w.noEvent()
	})
}
