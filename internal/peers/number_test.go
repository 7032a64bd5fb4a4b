package peers

import (
	"strings"
	"testing"
	"time"
)

func TestTheCommonNumberIsFoundWhereverThePBXTellsIt(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	for i, c := range []struct{ name, header, to, want string }{
		{"History-Info", "History-Info: <sip:+4684000002@pbx>;index=1, <sip:+46850000001@pbx;cause=302>;index=1.1", "+46850000001", "+4684000002"},
		{"Diversion", "Diversion: <sip:0850000001@pbx>;reason=unconditional, <sip:084000001@pbx>;reason=no-answer", "+46850000001", "+4684000001"},
		{"To", "X-Nothing: here", "084000002", "+4684000002"},
		{"nowhere", "X-Nothing: here", "+46850000001", ""},
	} {
		before := len(s.calls())
		s.dial("trunk-entrance", play{port: 5060 + i, pause: 100 * time.Millisecond, keys: map[string]string{"entrance": c.header, "dialled": c.to}}).wait()
		found := false
		for _, r := range s.awaitCalls(before + 1) {
			found = found || r.CommonNumber == c.want
		}
		if !found {
			t.Errorf("%s: no record with common number %q: %+v", c.name, c.want, s.calls())
		}
	}
}

func TestTheTenantsNumberIsUnderstoodInEveryForm(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	forms := []string{"0850000001", "46850000001", "0046850000001", "+46850000001"}
	for i, form := range forms {
		s.dial("trunk-call", play{port: 5060 + i, service: form, pause: 100 * time.Millisecond}).wait()
	}
	for _, c := range s.awaitCalls(len(forms)) {
		if c.Tenant != "acme" || c.Number != "+46850000001" || c.CommonNumber != "+4684000001" {
			t.Errorf("record %+v", c)
		}
	}
}

func TestAStrangersINVITEGetsNoAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	conn := s.strangersINVITE()
	s.awaitMetric(`telefonist_sip_unknown_source_total{action="drop"} 1`)
	s.awaitMetric(`telefonist_sip_invites_refused_total{reason="stranger"} 1`)
	_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)) // silence is what is looked for
	b := make([]byte, 2048)
	if n, err := conn.Read(b); err == nil {
		t.Errorf("answered: %s", b[:n])
	}
	s.awaitCalls(0)
}

func TestAStrangersINVITEGets403WhereItIsToBeAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", unknown_source: answer"})
	conn := s.strangersINVITE()
	s.awaitMetric(`telefonist_sip_unknown_source_total{action="answer"} 1`)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2048)
	n, err := conn.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 403 ") {
		t.Errorf("%v: %s", err, b[:n])
	}
	s.awaitCalls(0)
}

func TestGuessingLocksTheGuesserOutAndNotThePhone(t *testing.T) {
	s := oneAgent(t, setup{})
	s.sipp(play{scenario: "phone-wrong", from: "66", port: 5070, calls: 20, rate: 50, service: "anna", args: []string{"-au", "anna", "-ap", "a-wrong-one"}}).wait()
	if !strings.Contains(s.metrics(), `telefonist_registrar_auth_total{result="failed"} 10`) {
		t.Errorf("the name is not locked after ten failures:\n%s", metricLines(s.metrics(), "telefonist_registrar_auth_total"))
	}
	s.awaitMetric(`telefonist_registrar_auth_total{result="locked"} 10`)
	s.sipp(play{scenario: "phone-wrong", from: "66", port: 5071, service: "anna", args: []string{"-au", "anna", "-ap", "anna-secret"}}).wait() // the right password no more
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-call", play{pause: time.Second}).wait()
	phone.wait()
}

func metricLines(all, name string) string {
	var out []string
	for _, line := range strings.Split(all, "\n") {
		if strings.HasPrefix(line, name) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
