package peers

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// prompt is a built-in one.
func prompt(t *testing.T, name string) sound {
	t.Helper()
	return readWAV(t, filepath.Join("..", "..", "media", "prompts", name+".wav"))
}

// awaitPrompts waits until prompts have been heard one right after the other, and returns from when till when.
func (e *ear) awaitPrompts(names ...string) (from, to time.Duration) {
	e.s.t.Helper()
	var piece sound
	for _, name := range names {
		piece = append(piece, prompt(e.s.t, name)...)
	}
	at, looked, before := 0, 0, 0
	e.s.await(fmt.Sprint(e.name, " to hear ", names), func() bool {
		heard := e.heard(0)
		grows := len(heard) > before
		before = len(heard)
		if len(heard) == looked || grows && len(heard) < looked+rate/2 { // what is heard last is looked at too
			return false
		}
		looked = len(heard)
		place, fit := heard.find(piece)
		at = place
		return fit > 0.9
	})
	from = time.Duration(at) * time.Second / rate
	return from, from + piece.length()
}

func TestAWaitingCallerHearsHisPlaceAndTheExpectedWait(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, extra: "queue: {announce_after: 1s}"})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	s.phone("phone-answer", "21", play{calls: 4})
	for range 3 { // how long calls take is known then
		s.dial("trunk-call", play{pause: time.Second}).wait()
		s.awaitAgents(1, "available")
	}
	s.dial("trunk-call", play{pause: 20 * time.Second, port: 5062})
	s.awaitAgents(0, "available")
	caller := s.ear("the caller", "10")
	call := s.dial("trunk-ear", play{pause: 9 * time.Second, port: 5064, keys: caller.keys("8 101")})
	caller.server()
	_, end := caller.awaitPrompts("sv-position", "sv-1", "sv-in-queue", "sv-wait-short")
	after := func() sound { return caller.heard(0).part(end+time.Second, end+1500*time.Millisecond) }
	s.await("the caller to hear more", func() bool { return after().length() == 500*time.Millisecond })
	if _, fit := music(t).find(after()); fit < 0.9 {
		t.Errorf("the caller hears no music after it: correlation %.2f", fit)
	}
	call.wait()
	caller.oneStream()
}

func TestTheReceptionistIsToldWhoseCallItIsBeforeTheCallerHearsHer(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    whisper: sv-welcome"})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	agent := s.ear("the receptionist", "21")
	phone := s.phone("phone-ear", "21", play{keys: agent.keys("8 101")})
	caller, call := s.earCall(5*time.Second, sine(440, time.Second))
	agent.server()
	agent.say(sine(1000, time.Second))
	_, end := agent.awaitPrompts("sv-welcome")
	agent.awaitTone(440)
	caller.awaitTone(1000)
	call.wait()
	phone.wait()
	voice, _ := agent.heard(0).firstTone(440, 4000)
	if voice < end-100*time.Millisecond {
		t.Errorf("the caller is heard at %v, the whisper ends at %v", voice, end)
	}
	if pause := caller.heard(0).longestSilence(); pause > 200*time.Millisecond {
		t.Errorf("the caller hears nothing for %v", pause)
	}
	if _, fit := caller.heard(0).find(prompt(t, "sv-welcome")); fit > 0.5 {
		t.Errorf("the caller hears the whisper: correlation %.2f", fit)
	}
	agent.oneStream()
	caller.oneStream()
}

// The same with softphones, whose recordings tell: one that converts and protects.
func TestASoftphoneHearsTheWhisperBeforeTheCaller(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    whisper: sv-welcome", sip: ", digest: md5", agent: ", srtp: required, codecs: [PCMU]"})
	anna := s.softphone(softphone{name: "anna", from: "21", codecs: "PCMU", secure: true, says: sine(1000, time.Minute), register: true})
	s.awaitAgents(1, "available")
	alice := s.softphone(softphone{name: "0701740605", from: "10", says: sine(440, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	anna.event("CALL_ESTABLISHED")
	alice.awaitTones(440, 1000)
	anna.awaitTones(1000, 440)
	alice.do("hangup", "")
	anna.event("CALL_CLOSED")
	heard, whisper := anna.heard(), prompt(t, "sv-welcome")
	at, fit := heard.find(whisper)
	voice, _ := heard.firstTone(440, 4000)
	if end := sound(heard[:at+len(whisper)]).length(); fit < 0.9 || voice < end-100*time.Millisecond {
		t.Errorf("the whisper is heard with correlation %.2f until %v, the caller from %v on", fit, end, voice)
	}
	if _, fit := alice.heard().find(whisper); fit > 0.5 {
		t.Errorf("the caller hears the whisper: correlation %.2f", fit)
	}
}

// hearsWhole tells whether a softphone has heard prompts one right after the other. The last 300 ms are silence, of which the end of
// a call may cut some.
func (b *baresip) hearsWhole(names ...string) bool {
	b.s.t.Helper()
	var piece sound
	for _, name := range names {
		piece = append(piece, prompt(b.s.t, name)...)
	}
	_, fit := b.heard().find(piece[:len(piece)-3*rate/10])
	b.s.t.Logf("%s hears %v with correlation %.2f", b.name, names, fit)
	return fit > 0.9
}

// What a tenant has callers hear, and what they reach by the keys of their telephones.
func TestAWaitingCallerIsWelcomedAndHerKeysReachWhatTheTenantOffers(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5", tenants: `    welcome: [sv-welcome, sv-no-recording]
    message: en-welcome
    keys: {1: wish, 9: "forward 205"}`})
	target := s.softphone(softphone{name: "205", from: "10", port: 5080, says: sine(1100, time.Minute)})
	alice := s.softphone(softphone{name: "0701740605", from: "10", says: sine(440, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.event("CALL_ESTABLISHED")
	alice.awaitHeard((prompt(t, "sv-welcome").length() + prompt(t, "sv-no-recording").length() + prompt(t, "en-welcome").length()) + time.Second)
	alice.do("sndcode", "1")
	alice.event("CALL_CLOSED")
	if !alice.hearsWhole("sv-welcome", "sv-no-recording", "en-welcome") {
		t.Error("the caller did not hear the welcome and the message")
	}
	if !alice.hearsWhole("sv-callback-left") {
		t.Error("the caller did not hear that her wish is noted")
	}
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.event("CALL_ESTABLISHED")
	alice.awaitHeard(500 * time.Millisecond)
	alice.do("sndcode", "9")
	target.event("CALL_ESTABLISHED")
	target.awaitTones(1100, 440)
	alice.awaitTones(440, 1100)
	alice.do("hangup", "")
	target.event("CALL_CLOSED")
	calls := s.awaitCalls(2)
	if calls[0].Outcome != "wish" || calls[1].Outcome != "forwarded" {
		t.Errorf("outcomes %s and %s, want wish and forwarded", calls[0].Outcome, calls[1].Outcome)
	}
}

func TestAClosedTenantsCallerIsTold(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{sip: ", digest: md5", tenants: `    hours: {"2020-01-01": "08:00-09:00"}`})
	alice := s.softphone(softphone{name: "0701740605", from: "10", says: silence(time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.event("CALL_ESTABLISHED")
	alice.event("CALL_CLOSED")
	if !alice.hearsWhole("sv-closed") {
		t.Error("the caller did not hear the whole prompt")
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "closed" {
		t.Errorf("record %+v", c)
	}
}
