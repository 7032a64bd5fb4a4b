package peers

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// Row 14.
func TestAttackForgedMessagesChangeNoDialog(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}})
	k := s.talk("anna", "21")
	bosse := s.agentPhone("bosse", "22") // a colleague, who is known to the server
	stranger, pbx := s.peer("66", 5060), s.peer("10", 5062)
	k.call.seq, k.leg.seq = 50, 150
	for _, res := range []msg{k.caller.ask("INFO", k.inDialog("INFO", "")), k.phone.ask("INFO", k.fromPhone("INFO", ""))} {
		if res.code() == 481 {
			t.Fatalf("the true dialog: %s", res.start())
		}
	}
	callerBYE, phoneBYE := len(k.caller.messages(isBYE)), len(k.phone.messages(isBYE))
	methods := []string{"BYE", "INVITE", "UPDATE", "REFER", "INFO", "NOTIFY", "CANCEL", "ACK", "PRACK"}
	forge := func(from *peer, method, target string, i ids, wrong string) {
		t.Helper()
		switch wrong {
		case "our tag":
			i.toTag = "forged" + i.toTag[1:] // tags are random: another first letter could be the true one
		case "their tag":
			i.fromTag = "forged"
		case "Call-ID":
			i.callID += "x"
		case "sequence lower":
			i.seq = 2
		case "both tags exchanged":
			i.fromTag, i.toTag = i.toTag, i.fromTag
		}
		if wrong != "sequence lower" {
			i.seq += 1000
		}
		i.branch = ""
		text := from.request(method, target, i, sdp(from.host, 7000), "Refer-To: <sip:0900123456@h>", "Event: refer", "Subscription-State: active")
		cseq := msg{raw: text}.header("CSeq")
		from.send(text)
		m, ok := from.find(60*time.Millisecond, func(m msg) bool { return m.code() >= 200 && m.header("CSeq") == cseq })
		if ok && m.code() < 400 {
			t.Errorf("%s from %s:%d with wrong %s: %s", method, from.host, from.port, wrong, m.start())
		}
	}
	for _, method := range methods {
		for _, dialog := range []struct {
			of     *peer
			target string
			i      ids
		}{{k.caller, k.target, k.call}, {k.phone, k.legTarget, k.leg}} {
			for _, from := range []*peer{stranger, bosse, pbx} {
				if from == pbx && dialog.of == k.caller {
					continue // another port of the trunk's own host is the trunk
				}
				forge(from, method, dialog.target, dialog.i, "source")
			}
			for _, wrong := range []string{"our tag", "their tag", "Call-ID", "sequence lower", "both tags exchanged"} {
				forge(dialog.of, method, dialog.target, dialog.i, wrong)
				forge(stranger, method, dialog.target, dialog.i, wrong)
			}
		}
	}
	// Responses to requests of ours that nobody else may answer: the INVITE to the phone is long over.
	for _, from := range []*peer{stranger, bosse, k.phone} {
		for _, code := range []int{200, 486, 603} {
			forged := msg{raw: fmt.Sprintf("INVITE x SIP/2.0\r\nVia: SIP/2.0/UDP %s1:5060;branch=z9hG4bKforged\r\nFrom: %s;tag=%s\r\nTo: %s;tag=other\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n\r\n",
				s.net, k.leg.to, k.leg.toTag, k.leg.from, k.leg.callID)}
			from.send(from.response(forged, code, "Forged", "other", sdp(from.host, 7000)))
		}
	}
	k.hears("forged messages", 25)
	if n := len(k.caller.messages(isBYE)) - callerBYE; n > 0 {
		t.Errorf("%d BYE to the caller", n)
	}
	for _, m := range k.phone.messages(isBYE)[phoneBYE:] {
		if m.header("Call-ID") == k.leg.callID && tagIn(m.header("To")) == "p1" {
			t.Error("the phone's leg was ended")
		}
	}
	k.call.seq, k.leg.seq = 60, 160
	s.awaitAgents(1, "talking")
	k.hangup()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" || c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.unharmed()
}

func isBYE(m msg) bool { return m.is("BYE") }

// Row 14, before the answer.
func TestAttackACallThatRingsIsNotAnsweredOrCancelledByAnother(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna", "bosse"}, tenants: "    answer: ring"})
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	caller, pbx, stranger := s.peer("10", 5060), s.peer("10", 5062), s.peer("66", 5060)
	caller.reply = caller.courteous
	i := caller.trunkIDs()
	i.branch = "z9hG4bKguessed"
	caller.send(caller.invite(i, 6000))
	invite := phone.await("an INVITE", func(m msg) bool { return m.is("INVITE") })
	phone.send(phone.response(invite, 180, "Ringing", "p1", ""))
	caller.await("180", func(m msg) bool { return m.code() == 180 })
	// A CANCEL with everything right but the address that it comes from, and an answer likewise.
	cancel := caller.request("CANCEL", s.uri(number), i, "")
	stranger.send(cancel)
	stranger.send(strings.ReplaceAll(cancel, caller.host, stranger.host))
	wrong := i
	wrong.branch = ""
	pbx.send(pbx.request("CANCEL", s.uri(number), wrong, ""))
	caller.send(caller.request("CANCEL", s.uri(number), wrong, ""))
	for _, from := range []*peer{stranger, pbx} {
		for _, code := range []int{200, 486, 603, 302} {
			from.send(from.response(invite, code, "Forged", "forged", sdp(from.host, 7000)))
		}
	}
	pbx.alive("forged CANCEL and 200")
	if got := caller.messages(func(m msg) bool { return m.code() >= 200 && strings.HasSuffix(m.header("CSeq"), "INVITE") }); len(got) > 0 {
		t.Errorf("the caller got %s", got[0].start())
	}
	if got := phone.messages(func(m msg) bool { return m.is("CANCEL") || m.is("ACK") }); len(got) > 0 {
		t.Errorf("the phone got %s", got[0].start())
	}
	phone.send(phone.response(invite, 200, "OK", "p1", sdp(phone.host, 6000)))
	if res := caller.await("200", func(m msg) bool { return m.answers("INVITE", i.callID) }); res.code() != 200 {
		t.Errorf("%s", res.start())
	} else {
		i.toTag, i.branch = tagIn(res.header("To")), ""
		target := strings.Trim(res.header("Contact"), "<>")
		caller.send(caller.request("ACK", target, i, ""))
		s.awaitAgents(1, "talking")
		i.seq++
		caller.ask("BYE", caller.request("BYE", target, i, ""))
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
	if n := s.metric(`telefonist_sip_refused_total{reason="response_source"}`); n == 0 {
		t.Error("answers from another address were not counted")
	}
	s.unharmed()
}

// Row 15.
func TestAttackACANCELRightBehindItsINVITELeavesNoPhoneRinging(t *testing.T) {
	for _, mode := range []string{"queue", "ring"} {
		t.Run(mode, func(t *testing.T) {
			s := newServer(t, setup{agents: []string{"anna"}, tenants: "    answer: " + mode, extra: "queue: {max_misses: 0, retry_after: 0s}"})
			phone := s.peer("21", 5070)
			var mu sync.Mutex
			ringing := map[string]msg{} // by Call-ID, INVITEs without an end
			phone.reply = func(m msg) string {
				mu.Lock()
				defer mu.Unlock()
				id := m.header("Call-ID")
				switch m.method() {
				case "INVITE":
					ringing[id] = m
					return phone.response(m, 180, "Ringing", "p", "")
				case "CANCEL":
					if invite, ok := ringing[id]; ok {
						phone.send(phone.response(invite, 487, "Request Terminated", "p", ""))
						delete(ringing, id)
					}
					return phone.response(m, 200, "OK", "p", "")
				case "BYE":
					return phone.response(m, 200, "OK", "p", "")
				}
				return ""
			}
			if code := phone.enlist("anna", "anna-secret"); code != 200 {
				t.Fatal(code)
			}
			s.awaitAgents(1, "available")
			pbx := s.peer("10", 5060)
			pbx.reply = func(m msg) string {
				if m.code() >= 300 && strings.HasSuffix(m.header("CSeq"), "INVITE") {
					return pbx.request("ACK", s.uri(number), ids{callID: m.header("Call-ID"), from: strings.Split(m.header("From"), ";tag=")[0], fromTag: tagIn(m.header("From")),
						to: strings.Split(m.header("To"), ";tag=")[0], toTag: tagIn(m.header("To")), seq: 1, branch: branchOf(m)}, "")
				}
				return pbx.courteous(m)
			}
			const n = 300
			finals := map[int]int{}
			cancels := map[int]int{}
			pace(n, 600, func(round int) {
				i := pbx.trunkIDs()
				i.branch = fmt.Sprintf("z9hG4bKrace%d", serial.Add(1))
				invite, cancel := pbx.invite(i, 6000), pbx.request("CANCEL", s.uri(number), i, "")
				pbx.send(invite)
				switch round % 3 { // or while the server works, or while a phone is called
				case 1:
					pbx.await("100", func(m msg) bool { return m.code() == 100 && m.header("Call-ID") == i.callID })
				case 2:
					phone.find(100*time.Millisecond, func(m msg) bool { return m.is("INVITE") })
				}
				pbx.send(cancel)
				res := pbx.await("the end of an INVITE", func(m msg) bool { return m.answers("INVITE", i.callID) })
				finals[res.code()]++
				cancels[pbx.await("an answer to CANCEL", func(m msg) bool { return m.answers("CANCEL", i.callID) }).code()]++
				if res.code() == 200 { // the 200 crossed the CANCEL and wins
					i.toTag, i.branch = tagIn(res.header("To")), ""
					target := strings.Trim(res.header("Contact"), "<>")
					pbx.send(pbx.request("ACK", target, i, ""))
					i.seq++
					pbx.send(pbx.request("BYE", target, i, ""))
				}
			})
			s.awaitMetric("telefonist_calls_active 0")
			s.awaitMetric(`telefonist_sip_legs{direction="out"} 0`)
			s.await("every phone to stop ringing", func() bool { mu.Lock(); defer mu.Unlock(); return len(ringing) == 0 })
			outcomes := map[string]int{}
			for _, c := range s.awaitCalls(n) {
				outcomes[c.Outcome]++
			}
			t.Logf("%d calls: INVITE %v, CANCEL %v, records %v; the phone rang %d times", n, finals, cancels, outcomes, len(phone.messages(func(m msg) bool { return m.is("INVITE") })))
			if outcomes["abandoned"] != n || finals[200]+finals[487] != n || cancels[200] != n {
				t.Errorf("INVITE %v, CANCEL %v, records %v", finals, cancels, outcomes)
			}
			s.awaitAgents(1, "available")
			s.unharmed()
		})
	}
}
