package negotiate

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func sessionWith(change func(*Local)) *Session {
	l := Local{Addr: netip.MustParseAddr("192.0.2.1"), RTP: 10000, RTCP: 10001, ID: 7}
	for i := range l.Keys {
		for k := range l.Keys[i] {
			l.Keys[i][k] = byte(16*i + k)
		}
	}
	change(&l)
	return New(l, nil)
}

// open passes everything through.
func open(l *Local) { l.Codecs = Codecs{"PCMA", "PCMU", "G722", "*"} }

func TestAnswerTakesOneCodecOfOursAndWhatCanBePassedInTheOffersOrder(t *testing.T) {
	opus := []string{"a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"}
	for _, tc := range []struct {
		name   string
		codecs Codecs
		offer  []string
		lines  []string
		codec  Codec
		first  string
	}{
		{"wideband first", nil, []string{"m=audio 4000 RTP/AVP 9 8 0"}, []string{"m=audio 10000 RTP/AVP 9", "a=rtpmap:9 G722/8000"},
			G722, "G722"},
		{"a codec that is not allowed", Codecs{"PCMU"}, []string{"m=audio 4000 RTP/AVP 9 8 0"},
			[]string{"m=audio 10000 RTP/AVP 0"}, PCMU, "PCMU"},
		{"nothing passes unless told", nil, append([]string{"m=audio 4000 RTP/AVP 111 18 8"}, opus...),
			[]string{"m=audio 10000 RTP/AVP 8"}, PCMA, "PCMA"},
		{"a named one passes", Codecs{"pcma", "G729"}, append([]string{"m=audio 4000 RTP/AVP 111 18 8"}, opus...),
			[]string{"m=audio 10000 RTP/AVP 18 8", "a=rtpmap:18 G729/8000"}, PCMA, "G729"},
		{"all pass", Codecs{"PCMA", "*"}, append([]string{"m=audio 4000 RTP/AVP 0 8 18 111 13 101",
			"a=rtpmap:101 telephone-event/8000"}, opus...),
			[]string{"m=audio 10000 RTP/AVP 8 18 111 101", "a=rtpmap:111 opus/48000/2",
				"a=fmtp:111 minptime=10;useinbandfec=1"}, PCMA, "PCMA"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := sessionWith(func(l *Local) { l.Codecs = tc.codecs })
			answer, _, err := s.Answer(describe(tc.offer...), NoCodec)
			if err != nil {
				t.Fatal(err)
			}
			has(t, answer, tc.lines...)
			if m, _ := s.Media(); m.Codec != tc.codec || m.Name(m.First) != tc.first {
				t.Errorf("codec %v, first %s; want %v, %s", m.Codec, m.Name(m.First), tc.codec, tc.first)
			}
		})
	}
}

func TestOfferWithoutACodecForPromptsIsRefusedWithTheNamesOfThose(t *testing.T) {
	s := sessionWith(open)
	_, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 18 111", "a=rtpmap:111 opus/48000/2"), NoCodec)
	var r *RefusedError
	if !errors.As(err, &r) || r.Warning != WarnFormat || r.Reason != "prompts need one of PCMA, PCMU, G722" {
		t.Errorf("err = %v", err)
	}
}

func TestOfferBeginsWithWhatThePeerWillSend(t *testing.T) {
	caller := sessionWith(open)
	if _, _, err := caller.Answer(describe("m=audio 4000 RTP/AVP 112 9", "a=rtpmap:112 AMR-WB/16000",
		"a=fmtp:112 octet-align=1"), NoCodec); err != nil {
		t.Fatal(err)
	}
	peer, _ := caller.Media()
	agent := sessionWith(open)
	offer := agent.Offer(peer, false)
	has(t, offer, "m=audio 10000 RTP/AVP 96 9 8 0 101", "a=rtpmap:96 AMR-WB/16000", "a=fmtp:96 octet-align=1")
	has(t, sessionWith(func(*Local) {}).Offer(peer, false), "m=audio 10000 RTP/AVP 9 8 0 101")

	// The other way of packing is another format.
	if _, err := agent.Accept(describe("m=audio 5000 RTP/AVP 96", "a=rtpmap:96 AMR-WB/16000")); err == nil {
		t.Error("AMR-WB without octet-align was accepted in place of AMR-WB with it")
	}
	if _, err := agent.Accept(describe("m=audio 5000 RTP/AVP 99 8", "a=rtpmap:99 amr-wb/16000/1",
		"a=fmtp:99 mode-set=0; octet-align=1")); err != nil {
		t.Fatal(err)
	}
	m, _ := agent.Media()
	if m.PayloadFor(&peer.Pass[0]) != 99 || peer.PayloadFor(&m.Pass[0]) != 112 {
		t.Errorf("numbers %d and %d, want 99 and 112", m.PayloadFor(&peer.Pass[0]), peer.PayloadFor(&m.Pass[0]))
	}
	for _, pt := range []uint8{96, 99} {
		if i, ok := m.Receive[pt].Passed(); !ok || i != 0 {
			t.Errorf("payload %d is received as %v", pt, m.Receive[pt])
		}
	}
}

func TestAnswerOfAFormatAloneThatIsPassedIsTakenWhereItWasOffered(t *testing.T) {
	peer := Media{Codec: PCMA, First: FormatPass, Pass: [MaxPass]Pass{Pass{Name: "G729", Rate: 8000, Channels: 1}.shaped()}}
	s := sessionWith(open)
	s.Offer(&peer, false)
	if _, err := s.Accept(describe("m=audio 4000 RTP/AVP 18")); err != nil {
		t.Fatal(err)
	}
	if m, _ := s.Media(); m.Codec != NoCodec || m.Payload != NoPayload || m.Name(m.First) != "G729" {
		t.Errorf("media = %v", m)
	}
	if _, err := s.Accept(describe("m=audio 4000 RTP/AVP 3")); err == nil {
		t.Error("an answer with a format that was not offered was accepted")
	}
}

func TestStrictOfferNamesOnlyWhatThePeerHears(t *testing.T) {
	s := sessionWith(open)
	if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 18 8"), NoCodec); err != nil {
		t.Fatal(err)
	}
	has(t, s.Offer(&Media{Codec: PCMU, First: FormatPCMU}, true), "m=audio 10000 RTP/AVP 8 0 9 101")
	g729 := Media{First: FormatPass, Pass: [MaxPass]Pass{Pass{Name: "G729", Rate: 8000, Channels: 1}.shaped()}}
	has(t, s.Offer(&g729, true), "m=audio 10000 RTP/AVP 18 101")
}

func TestANumberNeverStandsForTwoFormats(t *testing.T) {
	s := sessionWith(open)
	if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 101 8", "a=rtpmap:101 opus/48000/2"), NoCodec); err != nil {
		t.Fatal(err)
	}
	has(t, s.Offer(nil, false), "m=audio 10000 RTP/AVP 101 8 0 9 96", "a=rtpmap:96 telephone-event/8000")
}

func TestPacketTimeHeedsMaxptime(t *testing.T) {
	s := newSession()
	if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 8", "a=ptime:60", "a=maxptime:40"), NoCodec); err != nil {
		t.Fatal(err)
	}
	if m, _ := s.Media(); m.Ptime != 40*time.Millisecond {
		t.Errorf("ptime %v, want 40 ms", m.Ptime)
	}
}

func TestIPv6AndICELite(t *testing.T) {
	s := sessionWith(func(l *Local) { l.Addr = netip.MustParseAddr("2001:db8::1") })
	answer, _, err := s.Answer([]byte("v=0\r\no=- 1 1 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\n"+
		"a=ice-lite\r\nm=audio 4000 RTP/AVP 8\r\na=ice-ufrag:abcd\r\na=ice-pwd:secretsecretsecretsecret\r\n"+
		"a=candidate:1 1 UDP 2130706431 2001:db8::9 4000 typ host\r\n"), NoCodec)
	if err != nil {
		t.Fatal(err)
	}
	has(t, answer, "o=telefonist 7 1 IN IP6 2001:db8::1", "c=IN IP6 2001:db8::1", "m=audio 10000 RTP/AVP 8")
	if strings.Contains(string(answer), "ice") || strings.Contains(string(answer), "candidate") {
		t.Errorf("the answer speaks of ICE:\n%s", answer)
	}
	if m, _ := s.Media(); m.Remote.String() != "[2001:db8::9]:4000" {
		t.Errorf("remote = %v", m.Remote)
	}
}

// The whole of a conversation: talk, hold in each of its forms, resume, another codec.
func TestHoldAndResumeAndAnotherCodec(t *testing.T) {
	s := newSession()
	for _, tc := range []struct {
		name      string
		offer     []string
		line      string
		direction Direction
		remote    bool
		codec     Codec
	}{
		{"talk", []string{"m=audio 4000 RTP/AVP 8 0"}, "a=sendrecv", SendRecv, true, PCMA},
		{"hold", []string{"m=audio 4000 RTP/AVP 8 0", "a=sendonly"}, "a=recvonly", RecvOnly, true, PCMA},
		{"resume", []string{"m=audio 4000 RTP/AVP 8 0", "a=sendrecv"}, "a=sendrecv", SendRecv, true, PCMA},
		{"inactive", []string{"m=audio 4000 RTP/AVP 8 0", "a=inactive"}, "a=inactive", Inactive, true, PCMA},
		{"resume", []string{"m=audio 4000 RTP/AVP 8 0"}, "a=sendrecv", SendRecv, true, PCMA},
		{"old hold", []string{"m=audio 4000 RTP/AVP 8 0", "c=IN IP4 0.0.0.0"}, "a=recvonly", RecvOnly, false, PCMA},
		{"resume elsewhere", []string{"m=audio 4100 RTP/AVP 8 0"}, "a=sendrecv", SendRecv, true, PCMA},
		{"another codec", []string{"m=audio 4100 RTP/AVP 9"}, "m=audio 10000 RTP/AVP 9", SendRecv, true, G722},
		{"and back", []string{"m=audio 4100 RTP/AVP 8 9"}, "m=audio 10000 RTP/AVP 9", SendRecv, true, G722},
	} {
		answer, changed, err := s.Answer(describe(tc.offer...), NoCodec)
		m, _ := s.Media()
		if err != nil || !changed && tc.name != "and back" {
			t.Fatalf("%s: changed %v, %v", tc.name, changed, err)
		}
		has(t, answer, tc.line)
		if m.Direction != tc.direction || m.Remote.IsValid() != tc.remote || m.Codec != tc.codec {
			t.Errorf("%s: %v to %v in %v", tc.name, m.Direction, m.Remote, m.Codec)
		}
	}
}
