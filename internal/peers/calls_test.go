package peers

import (
	"testing"
	"time"
)

func TestAnAnsweredCallLeavesOneRow(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Agent != "anna" || c.Tenant != "acme" || c.Caller != "+46701740605" || c.CommonNumber != "+4684000001" {
		t.Errorf("record %+v", c)
	}
	if c.Tariff == "" || c.AmountOre == nil || *c.Over45s || c.Mediated {
		t.Errorf("row %+v", c)
	}
	if c.HandledMS < 1500 || c.HandledMS > 4000 {
		t.Errorf("handled %d ms of a call of about 2 s", c.HandledMS)
	}
	s.awaitMetric(`telefonist_calls_total{result="answered"} 1`)
	s.awaitMetric(`telefonist_calls_active 0`)
	s.awaitAgents(1, "available")
}
