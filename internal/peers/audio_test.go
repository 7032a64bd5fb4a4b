package peers

import (
	"testing"
	"time"
)

func TestSpeechArrivesAsItWasSaid(t *testing.T) {
	for _, c := range []struct{ name, caller, agent string }{
		{"PCMA on both legs", "PCMA", "PCMA"},
		{"PCMU on both legs", "PCMU", "PCMU"},
		{"PCMA from the caller, PCMU to the receptionist", "PCMA", "PCMU"},
		{"PCMU from the caller, PCMA to the receptionist", "PCMU", "PCMA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5"})
			asked, answered := speech(t, "caller").repeated(30*time.Second), speech(t, "agent").repeated(30*time.Second)
			anna := s.softphone(softphone{name: "anna", from: "21", codecs: c.agent, says: answered, register: true})
			s.awaitAgents(1, "available")
			alice := s.softphone(softphone{name: "0701740605", from: "10", codecs: c.caller, says: asked})
			alice.do("dial", "sip:+46850000001@"+s.net+"1")
			anna.event("CALL_ESTABLISHED")
			anna.awaitHeard(6 * time.Second)
			alice.do("hangup", "")
			anna.event("CALL_CLOSED")
			for _, way := range []struct {
				name        string
				sent, heard sound
			}{{"receptionist", asked, anna.heard()}, {"caller", answered, alice.heard()}} {
				heard := way.heard
				if way.name == "caller" {
					heard = heard.part(heard.length()-5*time.Second, heard.length()) // before it: music
				}
				m := compare(way.sent, heard)
				t.Logf("%s heard %v: %+v", way.name, heard.length(), m)
				if !m.clean(1) {
					t.Errorf("the %s heard %+v", way.name, m)
				}
			}
			if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Caller != "+46701740605" {
				t.Errorf("record %+v", c)
			}
		})
	}
}
