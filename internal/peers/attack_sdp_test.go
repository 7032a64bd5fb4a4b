package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// badDescriptions are offers and answers that cannot be taken, by what is wrong with them.
func badDescriptions(host string) map[string]string {
	good := sdp(host, 6000)
	lines := func(of ...string) string { return strings.Join(of, "\r\n") + "\r\n" }
	return map[string]string{
		"not SDP":             "hello",
		"binary":              "v=0\r\n\x00\x01\x02\xff\r\n",
		"cut":                 good[:len(good)/3],
		"no media":            lines("v=0", "o=- 1 1 IN IP4 "+host, "s=-", "c=IN IP4 "+host, "t=0 0"),
		"no connection":       strings.Replace(good, "c=IN IP4 "+host+"\r\n", "", 1),
		"no codec of ours":    strings.Replace(good, "RTP/AVP 8 0 101", "RTP/AVP 99", 1),
		"only video":          strings.Replace(good, "m=audio", "m=video", 1),
		"SRTP alone":          strings.Replace(good, "RTP/AVP", "RTP/SAVP", 1),
		"port 65536":          strings.Replace(good, "audio 6000", "audio 65536", 1),
		"port negative":       strings.Replace(good, "audio 6000", "audio -1", 1),
		"port missing":        strings.Replace(good, "audio 6000 ", "audio ", 1),
		"address no number":   strings.Replace(good, "c=IN IP4 "+host, "c=IN IP4 999.1.1.1", 1),
		"address is a name":   strings.Replace(good, "c=IN IP4 "+host, "c=IN IP4 evil.example.com", 1),
		"multicast":           strings.Replace(good, "c=IN IP4 "+host, "c=IN IP4 224.2.1.1/127", 1),
		"broadcast":           strings.Replace(good, "c=IN IP4 "+host, "c=IN IP4 255.255.255.255", 1),
		"cloud metadata":      strings.Replace(good, "c=IN IP4 "+host, "c=IN IP4 169.254.169.254", 1),
		"unspecified IPv6":    strings.Replace(good, "c=IN IP4 "+host, "c=IN IP6 ff02::1", 1),
		"payload 999":         strings.Replace(good, "RTP/AVP 8 0 101", "RTP/AVP 999 -4", 1),
		"40,000 bytes of a=":  good[:len(good)-2] + strings.Repeat("\r\na=x", 8000) + "\r\n\x00",
		"no version":          strings.Replace(good, "v=0\r\n", "", 1),
		"huge number":         strings.Replace(good, "audio 6000", "audio 6000/99999999999999999999", 1),
		"line without letter": good + "=\r\n==\r\n",
	}
}

func manyStreams(host string, n int) string {
	return sdp(host, 6000) + strings.Repeat("m=video 0 RTP/AVP 31\r\n", n)
}

// Row 2, offers of a caller.
func TestAttackOffersThatCannotBeTakenAreRefused(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	pbx := s.peer("10", 5060)
	pbx.reply = pbx.courteous
	for name, body := range badDescriptions(pbx.host) {
		i := pbx.trunkIDs()
		res := pbx.ask("INVITE", pbx.request("INVITE", s.uri(number), i, body, "Content-Type: application/sdp"))
		if res.code() < 400 || res.code() >= 500 {
			t.Errorf("%s: %s", name, res.start())
		}
		pbx.send(pbx.request("ACK", s.uri(number), ids{callID: i.callID, from: i.from, to: i.to, fromTag: i.fromTag, toTag: tagIn(res.header("To")), seq: 1,
			branch: branchOf(res)}, ""))
		if len(res.raw) > 2000 {
			t.Errorf("%s: answer of %d bytes", name, len(res.raw))
		}
	}
	for name, body := range map[string]string{"501 streams": manyStreams(pbx.host, 500), "port 0": sdp(pbx.host, 0), "empty lines": sdp(pbx.host, 6000) + "\r\n\r\n"} {
		i := pbx.trunkIDs()
		res := pbx.ask("INVITE", pbx.request("INVITE", s.uri(number), i, body))
		t.Logf("%s: %s, %d bytes", name, res.start(), len(res.raw))
		if res.code() == 200 {
			if strings.Count(res.body(), "\r\nm=") != strings.Count(body, "\r\nm=") {
				t.Errorf("%s: an answer with other streams (RFC 3264 section 6)", name)
			}
			i.toTag = tagIn(res.header("To"))
			target := strings.Trim(res.header("Contact"), "<>")
			pbx.send(pbx.request("ACK", target, i, ""))
			i.seq++
			pbx.ask("BYE", pbx.request("BYE", target, i, ""))
		}
	}
	pbx.alive("bad offers")
	s.awaitMetric("telefonist_calls_active 0")
	s.awaitMetric("telefonist_media_sessions 0")
	s.unharmed()
}

func branchOf(m msg) string {
	_, rest, _ := strings.Cut(m.header("Via"), "branch=")
	branch, _, _ := strings.Cut(rest, ";")
	return branch
}

// Row 2, re-offers in a call that stands.
func TestAttackReOffersThatCannotBeTakenLeaveTheCallAsItWas(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}})
	k := s.talk("anna", "21")
	bad := badDescriptions(k.caller.host)
	bad["our own RTP port"] = sdp(s.net+"1", k.rtp.Port)
	for name, body := range bad {
		for _, method := range []string{"INVITE", "UPDATE"} {
			for _, side := range []struct {
				p    *peer
				text string
			}{{k.caller, k.inDialog(method, body, "Content-Type: application/sdp")}, {k.phone, k.fromPhone(method, body, "Content-Type: application/sdp")}} {
				cseq := msg{raw: side.text}.header("CSeq")
				side.p.send(side.text)
				res := side.p.await("an answer to "+method+" with "+name, func(m msg) bool { return m.code() >= 200 && m.header("CSeq") == cseq })
				if res.code() < 400 || res.code() >= 500 {
					t.Errorf("%s with %s: %s", method, name, res.start())
				}
				if method == "INVITE" {
					ack := strings.Replace(strings.Replace(side.text, "INVITE ", "ACK ", 1), " INVITE\r\n", " ACK\r\n", 1)
					head, _, _ := strings.Cut(ack, "\r\n\r\n")
					side.p.send(strings.Replace(head, "\r\nContent-Length: "+fmt.Sprint(len(body)), "\r\nContent-Length: 0", 1) + "\r\n\r\n")
				}
			}
		}
	}
	k.hears("bad re-offers", 25)
	k.hangup()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
	s.unharmed()
}

// Row 2, answers of a receptionist's phone.
func TestAttackAnswersThatDoNotFitEndTheLegAndNotTheCall(t *testing.T) {
	s := newServer(t, setup{agents: []string{"anna"}, extra: "queue: {max_misses: 0, retry_after: 0s}"})
	phone := s.agentPhone("anna", "21")
	s.awaitAgents(1, "available")
	k := &talk{caller: s.peer("10", 5060), phone: phone}
	k.caller.reply = k.caller.courteous
	rtp := s.udp("10", 0)
	k.call = k.caller.trunkIDs()
	ok := k.caller.ask("INVITE", k.caller.invite(k.call, 6000))
	_ = rtp
	k.call.toTag, k.target = tagIn(ok.header("To")), strings.Trim(ok.header("Contact"), "<>")
	k.caller.send(k.caller.request("ACK", k.target, k.call, ""))
	bad := badDescriptions(phone.host)
	bad["no body"] = ""
	bad["port 0"] = sdp(phone.host, 0)
	bad["two streams for one"] = sdp(phone.host, 6000) + "m=audio 6002 RTP/AVP 8\r\n"
	bad["501 streams for one"] = manyStreams(phone.host, 500)
	bad["codec that was not offered"] = strings.Replace(sdp(phone.host, 6000), "RTP/AVP 8 0 101", "RTP/AVP 18", 1)
	n := 0
	for name, body := range bad {
		invite := phone.await("an INVITE before "+name, func(m msg) bool { return m.is("INVITE") })
		tag := fmt.Sprintf("p%d", n)
		n++
		phone.send(phone.response(invite, 183, "Session Progress", tag, body, "Content-Type: application/sdp"))
		if body != "" { // else the early answer would do
			phone.send(phone.response(invite, 183, "Session Progress", tag+"b", sdp(phone.host, 6100+2*n)))
		}
		phone.send(phone.response(invite, 200, "OK", tag, body, "Content-Type: application/sdp"))
		id := invite.header("Call-ID")
		phone.await("ACK after "+name, func(m msg) bool { return m.is("ACK") && m.header("Call-ID") == id })
		if _, ok := phone.find(3*time.Second, func(m msg) bool { return m.is("BYE") && m.header("Call-ID") == id }); !ok {
			t.Errorf("%s: no BYE", name)
			k.leg = ids{callID: id, from: strings.Split(invite.header("To"), ";tag=")[0], fromTag: tag, to: strings.Split(invite.header("From"), ";tag=")[0], toTag: tagIn(invite.header("From")), seq: 9}
			break
		}
	}
	if got := k.caller.messages(func(m msg) bool { return m.is("BYE") }); len(got) > 0 {
		t.Error("the caller was hung up")
	}
	invite := phone.await("a last INVITE", func(m msg) bool { return m.is("INVITE") })
	// Two early answers that differ, then a final one: the last counts.
	early := s.udp("21", 0)
	final := s.udp("21", 0)
	k.phoneRTP, k.callerRTP = final, rtp
	phone.send(phone.response(invite, 183, "Session Progress", "p1", "v=0\r\nbroken"))
	phone.send(phone.response(invite, 183, "Session Progress", "p1", sdp(phone.host, port(early))))
	k.answer(invite, sdp(phone.host, port(final)))
	if res := k.caller.ask("INVITE", k.inDialog("INVITE", sdp(k.caller.host, port(rtp)))); res.code() != 200 {
		t.Errorf("re-INVITE: %s", res.start())
	} else {
		k.caller.send(k.caller.request("ACK", k.target, k.call, ""))
	}
	k.pump(s, rtp, rtpOf(ok.body()), &k.callerGets)
	k.pump(s, final, rtpOf(invite.body()), &k.phoneGets)
	k.hears("two early answers and a final one", 25)
	k.hangup()
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.Agent != "anna" {
		t.Errorf("record %+v", c)
	}
	s.awaitMetric("telefonist_media_sessions 0")
	s.unharmed()
}
