package peers

import (
	"strings"
	"testing"
	"time"
)

// consult are the keys and the password of a phone that calls the wanted party first.
func (s *server) consult(scenario string, pause time.Duration) *sipp {
	return s.phone(scenario, "21", play{pause: pause, keys: map[string]string{"target": "205", "agent": "anna"},
		args: []string{"-au", "anna", "-ap", "anna-secret", "-auth_uri", "205@" + s.net + "1"}})
}

// target plays the wanted party at the PBX.
func (s *server) target(scenario string, pause time.Duration) *sipp {
	return s.sipp(play{scenario: scenario, from: "10", port: 5080, server: true, pause: pause})
}

func TestAnAnnouncedTransferIsMediatedAsAnnounced(t *testing.T) {
	s := oneAgent(t, setup{sip: ", digest: md5"}) // SIPp answers the first challenge only
	phone := s.consult("phone-attended", 500*time.Millisecond)
	target := s.target("target-answer", 0)
	s.dial("trunk-call", play{pause: 4 * time.Second}).wait()
	phone.wait()
	target.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "mediated" || !c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "held", "consult", "reached", "mediated", "announced")
	if text := s.cli("calls", "show", c.CallID, "--store", s.dir+"/data"); !strings.Contains(text, "announced") {
		t.Errorf("calls show does not say announced:\n%s", text)
	}
	s.awaitAgents(1, "available")
}

func TestAnAnnouncedTransferMayBeCompletedWhileTheTargetRings(t *testing.T) {
	s := oneAgent(t, setup{sip: ", digest: md5"})
	phone := s.consult("phone-semi", 500*time.Millisecond)
	target := s.target("target-slow", 2*time.Second)
	s.dial("trunk-call", play{pause: 5 * time.Second}).wait()
	phone.wait()
	target.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "mediated" || !c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "consult", "connecting", "mediated", "direct")
}

// TestOurOwnTransferThatComesBackIsARecall: the target's phone is forwarded to the service, and the PBX calls us.
func TestOurOwnTransferThatComesBackIsARecall(t *testing.T) {
	for name, mark := range map[string]func(sent msg) string{
		"known by its token":     func(sent msg) string { return "X-Telefonist-Leg: " + sent.header("X-Telefonist-Leg") },
		"known by its diversion": func(msg) string { return "Diversion: <sip:205@pbx>;reason=no-answer;counter=1" },
	} {
		t.Run(name, func(t *testing.T) {
			s := oneAgent(t, setup{})
			pbx := s.peer("10", 5080)
			pbx.reply = pbx.courteous
			phone := s.phone("phone-refer", "21", play{pause: 500 * time.Millisecond, keys: map[string]string{"target": "205"}})
			call := s.dial("trunk-call", play{pause: 3 * time.Second})
			sent := pbx.await("the call to the target", func(m msg) bool { return m.is("INVITE") })
			pbx.send(pbx.response(sent, 180, "Ringing", "t", ""))
			back := pbx.invite(pbx.trunkIDs(), 6000, mark(sent))
			if res := pbx.ask("INVITE", back); res.code() != 486 {
				t.Errorf("our own call is answered %s", res.start())
			}
			pbx.await("CANCEL", func(m msg) bool { return m.is("CANCEL") })
			pbx.send(pbx.response(sent, 487, "Request Terminated", "t", ""))
			call.wait()
			phone.wait()
			c := s.awaitCalls(1)[0] // and no second call
			if c.Outcome != "answered" || c.Mediated || c.HandledMS < 2000 {
				t.Errorf("record %+v", c)
			}
			s.wantStory(c.CallID, "connecting", "recalled", "returned")
			s.awaitMetric(`telefonist_calls_total{result="returned"} 1`)
		})
	}
}

func TestATargetThatDoesNotAnswerBringsTheCallerBack(t *testing.T) {
	s := oneAgent(t, setup{tenants: "    recall_after: 1s"})
	phone := s.phone("phone-refer", "21", play{pause: 500 * time.Millisecond, keys: map[string]string{"target": "205"}})
	target := s.target("phone-silent", 0)
	s.dial("trunk-call", play{pause: 4 * time.Second}).wait()
	target.wait() // CANCEL came
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Mediated || c.HandledMS < 1500 {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "connecting", "recalled", "no_answer", "returned")
}

func TestAPhoneThatLeftAfterItsTransferIsRungForTheRecall(t *testing.T) {
	s := oneAgent(t, setup{tenants: "    recall_after: 1500ms"})
	phone := s.phone("phone-refer-leave", "21", play{pause: 300 * time.Millisecond, keys: map[string]string{"target": "205"}})
	target := s.target("phone-silent", 0)
	call := s.dial("trunk-call", play{pause: 5 * time.Second})
	phone.wait() // its own BYE was answered
	again := s.phone("phone-answer", "21", play{})
	target.wait()
	call.wait()
	again.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Mediated || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "connecting", "recalled", "no_answer", "offered", "no_answer", "answered")
	s.awaitAgents(1, "available")
}
