package peers

import (
	"strings"
	"testing"
	"time"

	"telefonist/internal/rtpengine"
)

// A peer that speaks of ICE finds none in our descriptions and sends audio all the same (RFC 8839 section 3.2.5). Debian's rtpengine
// stands before the caller and before the receptionist's phone, once as a lite agent and once as a full one.
func TestAPeerWithICEIsAnsweredWithoutItAndHeard(t *testing.T) {
	t.Run("lite", func(t *testing.T) { talkThroughICE(t, true) })
	t.Run("full", func(t *testing.T) { talkThroughICE(t, false) })
}

func talkThroughICE(t *testing.T, lite bool) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	far := s.net + "11"
	proxy := rtpengine.Start(t, far)
	k := &talk{caller: s.peer("10", 5060)}
	caller := s.ear("the caller", "10")
	offer := proxy.Offer("caller", sdp(k.caller.host, port(caller.conn)), iceTowards("forward", "force", lite)...)
	wantICE(t, "the caller's offer", offer, lite)
	k.caller.reply = k.caller.courteous
	k.call = k.caller.trunkIDs()
	ok := k.caller.ask("INVITE", k.caller.request("INVITE", s.uri(number), k.call, offer))
	if ok.code() != 200 {
		t.Fatalf("call not taken:\n%s", ok.raw)
	}
	k.call.toTag, k.target = tagIn(ok.header("To")), strings.Trim(ok.header("Contact"), "<>")
	k.caller.send(k.caller.request("ACK", k.target, k.call, ""))
	wantNoICE(t, "our answer", ok.body())
	proxy.Answer("caller", ok.body(), "ICE", "remove")
	s.await("the caller to hear music", func() bool {
		heard := caller.heard(0)
		if heard.length() < 500*time.Millisecond {
			return false
		}
		_, fit := music(t).find(heard.part(heard.length()-500*time.Millisecond, heard.length()))
		return fit > 0.9
	})
	caller.say(sine(440, time.Second))

	k.phone = s.agentPhone("anna", "21")
	agent := s.ear("the receptionist", "21")
	invite := k.phone.await("an INVITE", func(m msg) bool { return m.is("INVITE") })
	wantNoICE(t, "our offer", invite.body())
	proxy.Offer("phone", invite.body(), iceTowards("backward", "remove", lite)...)
	answer := proxy.Answer("phone", sdp(k.phone.host, port(agent.conn)), "ICE", "force")
	wantICE(t, "the phone's answer", answer, lite)
	k.answer(invite, answer)
	agent.say(sine(1000, time.Second))

	caller.awaitTone(1000)
	agent.awaitTone(440)
	for _, e := range []*ear{caller, agent} { // in order or not: the proxy's threads may overtake one another
		if from := e.server().Addr().String(); from != far {
			t.Errorf("%s hears %s, not the proxy", e.name, from)
		}
	}
	k.hangup()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
}

// iceTowards are rtpengine's options of an offer: what becomes of ICE in it, and to which side it is a lite agent.
func iceTowards(side, does string, lite bool) []string {
	if lite {
		return []string{"ICE", does, "ICE-lite", side}
	}
	return []string{"ICE", does}
}

// wantICE fails unless a description is a peer's with ICE in that role.
func wantICE(t *testing.T, what, body string, lite bool) {
	t.Helper()
	if !strings.Contains(body, "\r\na=candidate:") || !strings.Contains(body, "\r\na=ice-ufrag:") || strings.Contains(body, "\r\na=ice-lite\r\n") != lite {
		t.Fatalf("%s is not one with ICE (lite %v):\n%s", what, lite, body)
	}
}

// wantNoICE fails where a description speaks of ICE.
func wantNoICE(t *testing.T, what, body string) {
	t.Helper()
	if strings.Contains(body, "a=ice-") || strings.Contains(body, "a=candidate") {
		t.Errorf("%s speaks of ICE:\n%s", what, body)
	}
}
