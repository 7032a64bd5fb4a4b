package sip

import (
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

const externalHost = "sip.telefonist.example"

// outside fails where a message says our inside address to a far side.
func outside(t *testing.T, m msg.Message) {
	t.Helper()
	head, _, _ := strings.Cut(m.String(), "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if strings.HasPrefix(line, "To:") || strings.HasPrefix(line, "From:") {
			if _, is := m.(*msg.Response); is {
				continue // as the far side wrote them
			}
		}
		if strings.Contains(line, "192.0.2.1:") || strings.Contains(line, "@192.0.2.1>") {
			t.Errorf("inside address in %q of\n%s", line, head)
		}
	}
	var contact string
	switch m := m.(type) {
	case *msg.Request:
		contact = value(m, "contact")
		if host := m.Via().Host; host != externalHost {
			t.Errorf("%s: Via names %s", m.Method, host)
		}
	case *msg.Response:
		contact = value(m, "contact")
	}
	if contact != "" && !strings.HasPrefix(contact, "<sip:telefonist@"+externalHost+":5060") {
		t.Errorf("Contact: %s in %s", contact, startLine(m))
	}
}

func TestExternalAddressStandsInEveryMessage(t *testing.T) {
	cfg := Config{}
	cfg.Wire.External = externalHost
	inWorldWith(t, cfg, func(w *world) {
		leg, k := w.arrives("in")
		w.srv.Do(call.Ring{Leg: leg})
		outside(t, w.pbx.response(180))
		w.srv.Do(call.Accept{Leg: leg})
		ok := w.pbx.response(200)
		outside(t, ok)
		k.answered(ok)
		k.ack("")
		k.invite(sdp("192.0.2.10", "a=sendonly"))
		w.pbx.response(100)
		outside(t, w.pbx.response(200))
		k.ack("")
		event[call.Held](w)
		k.send("UPDATE", sdp("192.0.2.10"))
		outside(t, w.pbx.response(200))
		event[call.Resumed](w)
		time.Sleep(15 * time.Minute) // the session's refresh is ours
		again := w.pbx.request(msg.INVITE)
		outside(t, again)
		w.pbx.reply(again, 200, "", sdp("192.0.2.10"))
		outside(t, w.pbx.request(msg.ACK))
		w.srv.Do(call.Hangup{Leg: leg})
		bye := w.pbx.request(msg.BYE)
		outside(t, bye)
		w.pbx.reply(bye, 200, "", "")

		w.register("anna", w.phone)
		w.dialAnna("out")
		req := w.phone.request(msg.INVITE)
		outside(t, req)
		w.phone.reply(req, 200, "p1", sdp("198.51.100.5"), "Allow: INVITE, UPDATE")
		outside(t, w.phone.request(msg.ACK))
		event[call.Answered](w)
		p := w.phone.called(req, "p1")
		p.send("REFER", "", "Refer-To: <sip:205@x>")
		_, ev := event[call.Referred](w)
		w.srv.Do(call.AnswerRefer{Leg: "out", Ref: ev.Ref, Code: 202})
		outside(t, w.phone.response(202))
		n := w.phone.request(msg.NOTIFY)
		outside(t, n)
		w.phone.reply(n, 200, "", "")
		time.Sleep(15 * time.Minute)
		update := w.phone.request(msg.UPDATE)
		outside(t, update)
		w.phone.reply(update, 200, "", "")
		p.invite("") // and a fresh offer of ours
		w.phone.response(100)
		outside(t, w.phone.response(200))
		p.invited = p.seq
		p.requestSeq("ACK", p.invited, sdp("198.51.100.5"))

		w.dialAnna("ringing")
		req = w.phone.request(msg.INVITE)
		outside(t, req)
		w.phone.reply(req, 180, "p2", "")
		event[call.Ringing](w)
		w.srv.Do(call.Hangup{Leg: "ringing"})
		outside(t, w.phone.request(msg.CANCEL))
		w.phone.reply(req, 487, "p2", "")
		outside(t, w.phone.request(msg.ACK))

		bad := w.pbx.calls("bad")
		bad.invite("v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 18\n")
		w.pbx.response(100)
		outside(t, w.pbx.response(488)) // its Warning names us too
	})
}
