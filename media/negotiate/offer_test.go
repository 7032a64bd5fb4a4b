package negotiate

import (
	"strings"
	"testing"
	"time"
)

func TestPacketTimeOfAnOfferIsThatOfThePeerAndStays(t *testing.T) {
	caller := newSession()
	answer, _, err := caller.Answer(describe("m=audio 4000 RTP/AVP 8", "a=ptime:40"), NoCodec)
	if err != nil {
		t.Fatal(err)
	}
	has(t, answer, "a=ptime:40", "a=maxptime:60")
	peer, _ := caller.Media()
	if !peer.Framed {
		t.Error("who asked for a length of packets is not known to have")
	}
	agent := newSession()
	first := string(agent.Offer(peer, false))
	has(t, []byte(first), "a=ptime:40")
	if _, err := agent.Accept(describe("m=audio 4000 RTP/AVP 8 0 9 101", "a=rtpmap:101 telephone-event/8000")); err != nil {
		t.Fatal(err)
	}
	if m, _ := agent.Media(); m.Framed || m.Ptime != 20*time.Millisecond {
		t.Errorf("who asked for nothing gets %v, %v", m.Ptime, m.Framed)
	}
	if again := string(agent.Offer(nil, false)); again != first {
		t.Errorf("the next offer differs:\n%s\n%s", first, again)
	}
	has(t, caller.Offer(nil, false), "a=ptime:40")
	has(t, newSession().Offer(nil, false), "a=ptime:20")
}

func TestRTCPOnTheRTPPortIsOfferedAndAgreedOnByBoth(t *testing.T) {
	const mux = "a=rtcp-mux"
	offers := newSession()
	has(t, offers.Offer(nil, false), mux)
	if _, err := offers.Accept(describe(plain8)); err != nil {
		t.Fatal(err)
	}
	if m, _ := offers.Media(); m.Mux || m.RemoteRTCP.Port() != 4001 {
		t.Errorf("who does not know it gets RTCP at %v", m.RemoteRTCP)
	}
	if _, err := offers.Accept(describe(plain8, mux)); err != nil {
		t.Fatal(err)
	}
	if m, _ := offers.Media(); !m.Mux || m.RemoteRTCP.Port() != 4000 {
		t.Errorf("who takes it gets RTCP at %v", m.RemoteRTCP)
	}
	answers := newSession()
	answer, _, err := answers.Answer(describe(plain8), NoCodec)
	if err != nil || strings.Contains(string(answer), mux) {
		t.Errorf("the answer has what was not offered, %v:\n%s", err, answer)
	}
	if offer := answers.Offer(nil, false); strings.Contains(string(offer), mux) {
		t.Errorf("what was not agreed on is offered later:\n%s", offer)
	}
	apart := sessionWith(func(l *Local) { l.RTCP = 20000 }) // an offer says both, an answer what holds
	has(t, apart.Offer(nil, false), mux, "a=rtcp:20000")
	if answer, _, err = apart.Answer(describe(plain8, mux), NoCodec); err != nil || strings.Contains(string(answer), "a=rtcp:") {
		t.Errorf("answer, %v:\n%s", err, answer)
	}
}

// Descriptions as some PBXs and phones write them.
func TestHeadOfADescriptionNeedNotBeInOrder(t *testing.T) {
	const c, m = "c=IN IP4 198.51.100.9", "m=audio 4000 RTP/AVP 8"
	for name, lines := range map[string][]string{
		"a number in o= too long":      {"v=0", "o=- 99999999999999999999999 1 IN IP4 h", "s=-", c, "t=0 0", m},
		"a user of two words in o=":    {"v=0", "o=SIP phone 1 1 IN IP4 h", "s=-", c, "t=0 0", m},
		"no s=":                        {"v=0", "o=- 1 1 IN IP4 h", c, "t=0 0", m},
		"no t=":                        {"v=0", "o=- 1 1 IN IP4 h", "s=-", c, m},
		"c= after t=":                  {"v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", c, m},
		"an attribute before t=":       {"v=0", "o=- 1 1 IN IP4 h", "s=-", c, "a=sendonly", "t=0 0", m},
		"lines that end with LF alone": {"v=0\no=- 1 1 IN IP4 h\ns=\n" + c + "\nt=0 0\n" + m + "\na=x"},
	} {
		s := newSession()
		if _, _, err := s.Answer([]byte(strings.Join(lines, "\r\n")+"\r\n"), NoCodec); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := s.Media(); got.Remote.String() != "198.51.100.9:4000" || got.Codec != PCMA || got.Direction.Receives() != true {
			t.Errorf("%s: %v to %v", name, got.Codec, got.Remote)
		}
	}
	for name, lines := range map[string][]string{
		"another version": {"v=1", "o=- 1 1 IN IP4 h", "s=-", c, "t=0 0", m},
		"no version":      {"o=- 1 1 IN IP4 h", "s=-", c, "t=0 0", m},
		"two versions":    {"v=0", "v=0", "o=- 1 1 IN IP4 h", "s=-", c, "t=0 0", m},
		"two addresses":   {"v=0", "o=- 1 1 IN IP4 h", "s=-", c, c, "t=0 0", m},
		"no line at all":  {"v=0", "hello", "o=- 1 1 IN IP4 h", "s=-", c, "t=0 0", m},
	} {
		if _, _, err := newSession().Answer([]byte(strings.Join(lines, "\r\n")+"\r\n"), NoCodec); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
