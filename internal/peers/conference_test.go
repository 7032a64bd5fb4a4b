package peers

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

// Three softphones, each with a codec of its own and one of them protected.
func TestThreeSoftphonesInAConferenceHearEachOther(t *testing.T) {
	t.Parallel()
	h := newHub(t, []string{"10", "11", "12"}, "12")
	var phones [3]*baresip
	var legs [3]call.LegID
	tones := []float64{400, 700, 1100}
	for i, p := range []softphone{{name: "caller", from: "10"}, {name: "agent", from: "11", codecs: "G722/16000/1"},
		{name: "target", from: "12", codecs: "PCMU", secure: true}} {
		trunk := p.from
		p.says = sine(tones[i], time.Minute)
		phones[i] = h.softphone(p)
		legs[i] = h.join(phones[i], trunk)
	}
	h.media.Do(call.Connect{A: legs[0], B: legs[1]})
	phones[0].awaitTones(1100, 700)
	h.media.Do(call.Mix{Legs: legs[:]})
	for i, p := range phones {
		p.awaitTones(tones[i], tones[(i+1)%3], tones[(i+2)%3])
	}
	if info, _ := h.media.Info(legs[2]); info.Protection == "" || info.Codec != "PCMU" {
		t.Errorf("the target's audio is %+v", info)
	}
	phones[1].do("hangup", "") // the one who introduced the others leaves
	phones[0].awaitTones(700, 1100)
	phones[2].awaitTones(700, 400)
}

// A receptionist who calls the wanted party by the API, has both hear each other and her, and leaves them to each other: three
// softphones, each with a codec of its own, that of the caller protected.
func TestAReceptionistIntroducesTheCallerToTheWantedParty(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5", agent: ", codecs: [G722]", trunk: ", srtp: optional"})
	anna := s.softphone(softphone{name: "anna", from: "21", codecs: "G722/16000/1", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	target := s.softphone(softphone{name: "205", from: "10", port: 5080, codecs: "PCMU", says: sine(1100, time.Minute)})
	alice := s.softphone(softphone{name: "0701740605", from: "10", secure: true, says: sine(400, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	anna.event("CALL_ESTABLISHED")
	alice.awaitTones(400, 700)
	act := func(does ...string) {
		s.cli(append([]string{"live", "act", "-", "--agent", "anna", "--config", s.config}, does...)...)
	}
	act("announce", "--to", "205")
	target.event("CALL_ESTABLISHED")
	target.awaitTones(400, 700)
	anna.awaitTones(400, 1100)
	act("join")
	alice.awaitTones(400, 700, 1100)
	anna.awaitTones(700, 400, 1100)
	target.awaitTones(1100, 400, 700)
	act("complete")
	anna.event("CALL_CLOSED")
	alice.awaitTones(700, 1100)
	target.awaitTones(700, 400)
	alice.do("hangup", "")
	target.event("CALL_CLOSED")
	c := s.awaitCalls(1)[0]
	if c.Outcome != "mediated" {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "answered", "joined", "mediated", "ended")
	story := s.story(c.CallID)
	for _, want := range []string{"audio caller PCMA, converted, SRTP AES_CM_128_HMAC_SHA1_", "audio agent G722, converted", "audio target PCMU, converted"} {
		if !strings.Contains(story, want) {
			t.Errorf("the call's story lacks %q:\n%s", want, story)
		}
	}
}

func TestKeysOfASoftphoneAreToldAndHeard(t *testing.T) {
	t.Parallel()
	h := newHub(t, []string{"10", "11"})
	alice := h.softphone(softphone{name: "alice", from: "10", says: sine(440, time.Minute)})
	leg := h.join(alice, "10")
	alice.awaitHeard(200 * time.Millisecond)
	for _, key := range []string{"1", "9", "#"} { // to a queue, while it hears music
		alice.do("sndcode", key)
		h.awaitKey(leg, key)
	}
	bosse := h.softphone(softphone{name: "bosse", from: "11", says: sine(1000, time.Minute)})
	h.media.Do(call.Connect{A: leg, B: h.join(bosse, "11")})
	alice.awaitTones(2000, 1000)
	alice.do("sndcode", "5")
	h.awaitKey(leg, "5")
	if key := bosse.event("CALL_DTMF_START"); key != "5" {
		t.Errorf("bosse gets %q, want 5", key)
	}
}

// A softphone that has telephone-event and a PBX that has nothing but INFO understand each other's keys.
func TestKeysGoBetweenEventsAndINFO(t *testing.T) {
	t.Parallel()
	h := newHub(t, []string{"10", "11"})
	pbx := h.ear("the caller", "10")
	caller := h.dial("trunk-info", play{keys: pbx.keys("8")})
	pbxLeg := h.accept("10")
	pbx.server()
	pbx.say(sine(440, time.Second))
	anna := h.softphone(softphone{name: "anna", from: "11", says: sine(1000, time.Minute)})
	leg := h.join(anna, "11")
	h.media.Do(call.Connect{A: leg, B: pbxLeg})
	pbx.awaitTone(1000)
	anna.do("sndcode", "4") // the scenario wants it as INFO, and sends 7 then
	h.awaitKey(leg, "4")
	h.awaitKey(pbxLeg, "7")
	if key := anna.event("CALL_DTMF_START"); key != "7" {
		t.Errorf("anna gets %q, want 7", key)
	}
	h.sip.Do(call.Hangup{Leg: pbxLeg})
	caller.wait()
}
