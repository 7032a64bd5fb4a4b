package peers

import (
	"os"
	"strings"
	"testing"
	"time"
)

// own is a receptionist of the tenant's own.
const own = "  - {id: olle, name: Olle, extension: \"301\", kind: tenant, tenant: acme, password: olle-secret, wrap_up: 0s}\n"

// act does something with the call that an agent has, by the command line.
func (s *server) act(agent string, does ...string) {
	s.t.Helper()
	s.cli(append([]string{"live", "act", "-", "--agent", agent, "--config", s.config}, does...)...)
}

func TestTheTenantsOwnReceptionistComesFirstAndIsNotCharged(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    service: with_own\n    pool_after: 1s", more: own})
	s.register("anna", "21")
	s.register("olle", "31")
	s.awaitAgents(2, "available")
	phone := s.phone("phone-answer", "31", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "olle" || c.Tariff != "" || c.AmountOre != nil {
		t.Errorf("record %+v", c)
	}
}

func TestTheServiceTakesACallThatTheTenantsOwnDoNotTake(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    service: with_own\n    pool_after: 1s", more: own})
	s.register("anna", "21")
	s.register("olle", "31")
	s.awaitAgents(2, "available")
	declines := s.phone("phone-decline", "31", play{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-call", play{pause: 3 * time.Second}).wait()
	declines.wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" || c.Tariff == "" || c.WaitedMS < 1000 {
		t.Errorf("record %+v", c)
	}
}

func TestACallerOfAClosedTenantHearsSoAndIsHungUp(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: `    hours: {"2020-01-01": "08:00-09:00"}`})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	caller := s.ear("the caller", "10")
	call := s.dial("trunk-ear-wait", play{keys: caller.keys("8 101")})
	caller.awaitPrompts("sv-closed")
	call.wait() // BYE
	if c := s.awaitCalls(1)[0]; c.Outcome != "closed" || c.Tariff != "" {
		t.Errorf("record %+v", c)
	}
}

func TestAllPhonesRingAndThoseThatWereNotFirstAreToldSo(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna", "bosse"}, tenants: "    strategy: ring_all"})
	s.register("anna", "21")
	s.register("bosse", "22")
	s.awaitAgents(2, "available")
	rings := s.phone("phone-silent", "21", play{})
	phone := s.phone("phone-answer", "22", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	rings.wait()
	phone.wait()
	text, err := os.ReadFile(rings.messages())
	if err != nil || !strings.Contains(string(text), "Call completed elsewhere") {
		t.Errorf("the other phone is not told why it stops (%v)", err)
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "bosse" {
		t.Errorf("record %+v", c)
	}
	s.awaitAgents(2, "available")
}

func TestACallThatIsHandedBackGoesToAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	s.register("anna", "21") // idle longest
	s.awaitAgents(1, "available")
	s.register("bosse", "22")
	s.awaitAgents(2, "available")
	first := s.phone("phone-answer", "21", play{})
	second := s.phone("phone-answer", "22", play{})
	call := s.dial("trunk-call", play{pause: 4 * time.Second})
	s.awaitAgents(1, "talking")
	s.act("anna", "hand_back")
	first.wait() // BYE
	call.wait()
	second.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Agent != "anna" || c.HandledMS > 4500 {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "answered", "anna", "handed_back", "answered", "bosse", "ended")
}

// office is two receptionists and a caller with softphones; Anna has the caller.
func office(t *testing.T, set setup) (s *server, alice, anna, bo *baresip) {
	t.Parallel()
	set.agents, set.sip = []string{"anna", "bo"}, ", digest: md5"
	s = newServer(t, set)
	anna = s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	bo = s.softphone(softphone{name: "bo", from: "22", says: sine(1000, time.Minute), register: true})
	s.awaitAgents(2, "available")
	alice = s.softphone(softphone{name: "0701740605", from: "10", says: sine(400, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	anna.event("CALL_ESTABLISHED")
	alice.awaitTones(400, 700)
	return s, alice, anna, bo
}

func TestAParkedCallerHearsMusicUntilAnotherPicksHerUp(t *testing.T) {
	s, alice, anna, bo := office(t, setup{})
	s.act("anna", "park")
	anna.event("CALL_CLOSED")
	alice.awaitTones(700)
	s.await("the caller to hear music", func() bool {
		heard := alice.heard()
		_, fit := music(t).find(heard.part(heard.length()-500*time.Millisecond, heard.length()))
		return fit > 0.9
	})
	s.cli("live", "pickup", "bo", "1", "--config", s.config)
	bo.event("CALL_ESTABLISHED")
	alice.awaitTones(700, 1000)
	bo.awaitTones(700, 400)
	alice.do("hangup", "")
	bo.event("CALL_CLOSED")
	c := s.awaitCalls(1)[0]
	s.wantStory(c.CallID, "answered", "anna", "parked", "picked_up", "bo", "answered", "ended")
}

func TestAReceptionistSwapsBetweenTheCallerAndTheWantedParty(t *testing.T) {
	s, alice, anna, _ := office(t, setup{})
	target := s.softphone(softphone{name: "205", from: "10", port: 5080, says: sine(1300, time.Minute)})
	s.act("anna", "announce", "--to", "205")
	target.event("CALL_ESTABLISHED")
	anna.awaitTones(400, 1300)
	target.awaitTones(400, 700)
	s.act("anna", "swap")
	anna.awaitTones(1300, 400)
	alice.awaitTones(1300, 700)
	target.awaitTones(700) // music
	s.act("anna", "swap")
	target.awaitTones(400, 700)
	s.act("anna", "take_back")
	target.event("CALL_CLOSED")
	alice.awaitTones(1300, 700)
	anna.awaitTones(1300, 400)
	alice.do("hangup", "")
	anna.event("CALL_CLOSED")
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "consult", "reached", "swapped", "swapped", "taken_back", "ended")
}

func TestAReceptionistDialsCodes(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: silence(time.Second), register: true})
	s.awaitAgents(1, "available")
	for _, c := range []struct{ code, state string }{{"*131", "paused"}, {"*14", "available"}, {"*12", "offline"}, {"*11", "available"}} {
		anna.do("dial", "sip:"+c.code+"@"+s.net+"1")
		s.awaitAgents(1, c.state)
		anna.event("CALL_CLOSED") // she has heard what became of it
	}
}

func TestACallerWhoWishesToBeCalledBackIs(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    keys: {1: wish}", sip: ", digest: md5"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	s.cli("agents", "logout", "anna", "--config", s.config)
	alice := s.softphone(softphone{name: "0701740605", from: "10", says: sine(400, time.Minute)})
	home := s.softphone(softphone{name: "+46701740605", from: "10", port: 5080, says: sine(1300, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.event("CALL_ESTABLISHED")
	alice.awaitHeard(500 * time.Millisecond)
	alice.do("sndcode", "1")
	alice.event("CALL_CLOSED") // when she has been told that she is called back
	if c := s.awaitCalls(1)[0]; c.Outcome != "wish" {
		t.Errorf("record %+v", c)
	}
	s.cli("agents", "login", "anna", "--config", s.config)
	anna.event("CALL_ESTABLISHED")
	home.event("CALL_ESTABLISHED")
	home.awaitTones(400, 700)
	anna.awaitTones(400, 1300)
	anna.do("hangup", "")
	home.event("CALL_CLOSED")
	for _, c := range s.awaitCalls(2) {
		if c.Outcome != "wish" && (c.Outcome != "answered" || c.Agent != "anna" || c.Tariff == "") {
			t.Errorf("record %+v", c)
		}
	}
}

func TestAReceptionistCallsOutInATenantsName(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	target := s.softphone(softphone{name: "205", from: "10", port: 5080, says: sine(1300, time.Minute)})
	s.cli("live", "dial", "anna", "acme", "205", "--config", s.config)
	anna.event("CALL_ESTABLISHED")
	target.event("CALL_ESTABLISHED")
	target.awaitTones(400, 700)
	anna.awaitTones(400, 1300)
	anna.do("hangup", "")
	target.event("CALL_CLOSED")
	if c := s.awaitCalls(1)[0]; c.Outcome != "reached" || c.Tariff != "" {
		t.Errorf("record %+v", c)
	}
}

// short is a price list whose included time is seconds.
const short = "plans: [{id: short, version: 1, included: 2s, long_after: 1m}]"

func TestACallOverItsLimitEndsWithAPrompt(t *testing.T) {
	s := oneAgent(t, setup{tenants: "    plan: short\n    at_limit: end", extra: short})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-wait", play{}).wait() // BYE
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.HandledMS < 2000 || c.HandledMS > 2300 {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "warned", "overran", "limit", "prompt", "ended")
}

func TestACallOverItsLimitIsConnectedToTheFallback(t *testing.T) {
	s := oneAgent(t, setup{tenants: "    plan: short\n    at_limit: forward\n    limit_to: \"205\"", extra: short})
	phone := s.phone("phone-answer", "21", play{})
	target := s.target("target-answer", 0)
	s.dial("trunk-call", play{pause: 5 * time.Second}).wait()
	target.wait()
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.HandledMS < 2000 || c.HandledMS > 2300 || c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "overran", "limit", "connecting", "reached", "ended")
}
