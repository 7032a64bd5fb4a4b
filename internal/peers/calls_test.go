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

func TestACallerWhoGivesUpInTheQueueLeavesARecordWithoutTariff(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.dial("trunk-call", play{pause: time.Second}).wait() // nobody is registered: music, then the caller hangs up
	c := s.awaitCalls(1)[0]
	if c.Outcome != "abandoned" || c.Tariff != "" || c.AmountOre != nil || c.AnsweredAt != "" {
		t.Errorf("record %+v", c)
	}
	s.awaitMetric(`telefonist_queue_waiting 0`)
}

func TestACallerWhoHangsUpWhileThePhoneRingsStopsItAtOnce(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-silent", "21", play{})
	s.dial("trunk-call", play{pause: time.Second}).wait()
	phone.wait() // CANCEL came
	if c := s.awaitCalls(1)[0]; c.Outcome != "abandoned" || c.Agent != "" {
		t.Errorf("record %+v", c)
	}
	s.awaitAgents(1, "available")
}

func TestACANCELBeforeTheAnswerEndsTheCall(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    answer: ring"})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-silent", "21", play{})
	s.dial("trunk-cancel", play{pause: 700 * time.Millisecond}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "abandoned" {
		t.Errorf("record %+v", c)
	}
}

func TestADeclinedCallGoesToTheNextPhone(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	s.register("anna", "21") // idle longest, so she is tried first
	s.awaitAgents(1, "available")
	s.register("bosse", "22")
	s.awaitAgents(2, "available")
	first := s.phone("phone-decline", "21", play{})
	second := s.phone("phone-answer", "22", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	first.wait()
	second.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "bosse" {
		t.Errorf("record %+v", c)
	}
}

func TestAPhoneThatIsNotAnsweredIsCancelledAndTheNextOneRings(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}, extra: "queue: {ring_timeout: 1s}"})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	s.register("bosse", "22")
	s.awaitAgents(2, "available")
	first := s.phone("phone-silent", "21", play{})
	second := s.phone("phone-answer", "22", play{})
	s.dial("trunk-call", play{pause: 3 * time.Second}).wait()
	first.wait()
	second.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "bosse" || c.WaitedMS < 1000 {
		t.Errorf("record %+v", c)
	}
}

func TestAReceptionistWhoHangsUpEndsTheCallersLeg(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-hangup", "21", play{pause: time.Second})
	s.dial("trunk-wait", play{}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.HandledMS < 900 {
		t.Errorf("record %+v", c)
	}
}

func TestADirectConnectionIsMediatedWhenTheTargetAnswers(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-refer", "21", play{pause: time.Second, keys: map[string]string{"target": "205"}})
	target := s.sipp(play{scenario: "target-answer", from: "10", port: 5080, server: true})
	s.dial("trunk-call", play{pause: 4 * time.Second}).wait()
	target.wait()
	phone.wait()
	c := s.awaitCalls(1)[0]
	if c.Outcome != "mediated" || !c.Mediated || c.HandledMS > 2500 {
		t.Errorf("record %+v", c)
	}
	if c.Tariff != "2" && c.Tariff != "4" {
		t.Errorf("tariff %s of a mediated call", c.Tariff)
	}
}

func TestABusyTargetBringsTheCallerBack(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-refer", "21", play{pause: time.Second, keys: map[string]string{"target": "205"}})
	target := s.sipp(play{scenario: "target-busy", from: "10", port: 5080, server: true})
	s.dial("trunk-call", play{pause: 3 * time.Second}).wait()
	target.wait()
	phone.wait() // the caller's BYE reaches the phone, which is in the call again
	c := s.awaitCalls(1)[0]
	if c.Outcome != "answered" || c.Mediated || c.HandledMS < 2000 {
		t.Errorf("record %+v", c)
	}
}

func TestAPremiumNumberIsRefusedAsATarget(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-refer-refused", "21", play{pause: 500 * time.Millisecond, keys: map[string]string{"target": "0900123456"}})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Mediated {
		t.Errorf("record %+v", c)
	}
}

func TestAnUnknownNumberGets404AndNoRecord(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.dial("trunk-unknown", play{service: "+46850009999"}).wait()
	s.awaitMetric(`telefonist_calls_total{result="unknown_number"} 1`)
	s.awaitCalls(0)
}

func TestTrunkAndPhoneOverTCP(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second, tcp: true}).wait()
	phone.wait()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" {
		t.Errorf("record %+v", c)
	}
}

func TestAFullQueueIsBusyBeforeItIsConnected(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    max_queue: 1\n    overflow: busy"})
	waiting := s.dial("trunk-call", play{pause: 3 * time.Second})
	s.awaitMetric(`telefonist_queue_waiting 1`)
	s.dial("trunk-busy", play{port: 5061}).wait()
	waiting.wait()
	outcomes := map[string]int{}
	for _, c := range s.awaitCalls(2) {
		outcomes[c.Outcome]++
	}
	if outcomes["queue_full"] != 1 || outcomes["abandoned"] != 1 {
		t.Errorf("outcomes %v", outcomes)
	}
}

func TestTheLongestWaitEndsWithAPrompt(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    max_wait: 1s\n    overflow: prompt"})
	s.dial("trunk-wait", play{}).wait() // BYE comes when the prompt has been played
	if c := s.awaitCalls(1)[0]; c.Outcome != "timeout" {
		t.Errorf("record %+v", c)
	}
}

func TestDrainingLetsALiveCallFinish(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	live := s.dial("trunk-call", play{pause: 3 * time.Second})
	s.awaitAgents(1, "talking")
	s.terminate()
	s.await("/readyz to turn red", func() bool { return s.status("/readyz") == 503 })
	s.dial("trunk-unavailable", play{port: 5061}).wait()
	live.wait()
	phone.wait()
	if err := s.awaitExit(); err != nil {
		t.Errorf("exit: %v", err)
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" { // read from the files: no server runs
		t.Errorf("record %+v", c)
	}
}

func TestDrainTimeoutEndsTheCallsThatAreLeft(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: ""})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	live := s.dial("trunk-wait", play{})
	s.awaitAgents(1, "talking")
	s.terminate() // drain_timeout is 5 s here
	live.wait()   // BYE
	phone.wait()  // BYE
	_ = s.awaitExit()
	if c := s.awaitCalls(1)[0]; c.Outcome != "interrupted" || c.Tariff == "" {
		t.Errorf("record %+v", c)
	}
}

func TestASecondSIGTERMEndsAtOnce(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	live := s.dial("trunk-wait", play{})
	s.awaitAgents(1, "talking")
	begun := time.Now()
	s.terminate()
	s.await("the drain to begin", func() bool { return s.status("/readyz") == 503 })
	s.terminate()
	live.wait()
	phone.wait()
	_ = s.awaitExit()
	if took := time.Since(begun); took > 4500*time.Millisecond {
		t.Errorf("took %v, as long as draining", took)
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "interrupted" || c.Tariff == "" {
		t.Errorf("record %+v", c)
	}
}

func TestARestartAfterAKillEndsThePeersLeftBehind(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	phone := s.phone("phone-answer", "21", play{})
	live := s.dial("trunk-wait", play{})
	s.awaitAgents(1, "talking")
	s.kill()
	s.start()
	live.wait()  // BYE from the new process
	phone.wait() // and here
	c := s.awaitCalls(1)[0]
	if c.Outcome != "interrupted" || c.Tariff == "" || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
	s.awaitAgents(1, "available") // the registration survived
}
