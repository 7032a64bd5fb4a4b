package negotiate

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func newSession() *Session {
	return New(Local{Addr: netip.MustParseAddr("192.0.2.1"), RTP: 10000, RTCP: 10001, ID: 7}, nil)
}

// describe makes a session description of 198.51.100.9 from m-lines and attributes.
func describe(lines ...string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=x\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n" +
		strings.Join(lines, "\r\n") + "\r\n")
}

// has checks that a description of ours has each of the lines.
func has(t *testing.T, text []byte, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\r\n"+string(text), "\r\n"+l+"\r\n") {
			t.Errorf("description lacks %q:\n%s", l, text)
		}
	}
}

func TestOfferHasAllCodecsThePreferredOneFirst(t *testing.T) {
	has(t, newSession().Offer(nil, false), "v=0", "o=telefonist 7 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1",
		"m=audio 10000 RTP/AVP 8 0 9 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv")
	has(t, newSession().Offer(&Media{Codec: PCMU, First: FormatPCMU}, false), "m=audio 10000 RTP/AVP 0 8 9 101")
}

func TestAnswerToOffer(t *testing.T) {
	for _, tc := range []struct {
		name      string
		prefer    Codec
		offer     []string
		lines     []string
		codec     Codec
		event     uint8
		direction Direction
		remote    string
		rtcp      string
	}{
		{name: "first codec wins", offer: []string{"m=audio 4000 RTP/AVP 18 0 8 101", "a=rtpmap:101 telephone-event/8000"},
			lines: []string{"m=audio 10000 RTP/AVP 0 101", "a=sendrecv"}, codec: PCMU, event: 101, direction: SendRecv,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "the peer's codec is preferred", prefer: PCMA, offer: []string{"m=audio 4000 RTP/AVP 0 8"},
			lines: []string{"m=audio 10000 RTP/AVP 8"}, codec: PCMA, event: NoPayload, direction: SendRecv,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "dynamic numbers are theirs", offer: []string{"m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 pcma/8000/1",
			"a=rtpmap:97 telephone-event/8000"}, lines: []string{"m=audio 10000 RTP/AVP 96 97", "a=rtpmap:96 PCMA/8000"},
			codec: PCMA, event: 97, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "a static number may be mapped anew", offer: []string{"m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 opus/48000/2"},
			lines: []string{"m=audio 10000 RTP/AVP 8"}, codec: PCMA, event: NoPayload, direction: SendRecv,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "hold is answered recvonly", offer: []string{"m=audio 4000 RTP/AVP 8", "a=sendonly"},
			lines: []string{"a=recvonly"}, codec: PCMA, event: NoPayload, direction: RecvOnly,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "inactive", offer: []string{"m=audio 4000 RTP/AVP 8", "a=inactive"},
			lines: []string{"a=inactive"}, codec: PCMA, event: NoPayload, direction: Inactive,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "the session's direction counts", offer: []string{"a=recvonly", "m=audio 4000 RTP/AVP 8"},
			lines: []string{"a=sendonly"}, codec: PCMA, event: NoPayload, direction: SendOnly,
			remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "hold by 0.0.0.0", offer: []string{"m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"},
			lines: []string{"a=recvonly"}, codec: PCMA, event: NoPayload, direction: RecvOnly},
		{name: "the media's address counts", offer: []string{"m=audio 4000 RTP/AVP 8", "c=IN IP4 198.51.100.77"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.77:4000", rtcp: "198.51.100.77:4001"},
		{name: "rtcp elsewhere", offer: []string{"m=audio 4000 RTP/AVP 8", "a=rtcp:5555 IN IP4 198.51.100.8"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.8:5555"},
		{name: "rtcp on another port", offer: []string{"m=audio 4000 RTP/AVP 8", "a=rtcp:5555"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:5555"},
		{name: "rtcp-mux", offer: []string{"m=audio 4000 RTP/AVP 8", "a=rtcp-mux"}, lines: []string{"a=rtcp-mux"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4000"},
		{name: "others are refused in place", offer: []string{"m=video 6000 RTP/AVP 99", "m=audio 4000 RTP/AVP 8",
			"m=image 6002 udptl t38", "m=audio 6004 RTP/AVP 0"},
			lines: []string{"m=video 0 RTP/AVP 99", "m=audio 10000 RTP/AVP 8", "m=image 0 udptl t38", "m=audio 0 RTP/AVP 0"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "secure audio beside plain", offer: []string{"m=audio 6000 RTP/SAVP 8", "m=audio 4000 RTP/AVP 8"},
			lines: []string{"m=audio 0 RTP/SAVP 8", "m=audio 10000 RTP/AVP 8"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
		{name: "unknown bandwidth is skipped", offer: []string{"b=STRANGE:x", "m=audio 4000 RTP/AVP 8", "b=AS:64"},
			codec: PCMA, event: NoPayload, direction: SendRecv, remote: "198.51.100.9:4000", rtcp: "198.51.100.9:4001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSession()
			answer, changed, err := s.Answer(describe(tc.offer...), tc.prefer)
			if err != nil {
				t.Fatal(err)
			}
			has(t, answer, tc.lines...)
			m, _ := s.Media()
			if !changed || m.Codec != tc.codec || m.Event != tc.event || m.Direction != tc.direction {
				t.Errorf("media = %v event %d %v, changed %v", m.Codec, m.Event, m.Direction, changed)
			}
			for want, got := range map[string]netip.AddrPort{tc.remote: m.Remote, tc.rtcp: m.RemoteRTCP} {
				if want == "" && got.IsValid() || want != "" && got.String() != want {
					t.Errorf("addresses = %v, %v; want %q, %q", m.Remote, m.RemoteRTCP, tc.remote, tc.rtcp)
				}
			}
			if got := m.Receive[m.Payload]; got != m.Codec.format() {
				t.Errorf("payload %d is received as %v", m.Payload, got)
			}
		})
	}
}

func TestUnacceptableDescriptionsAreRefusedWithAWarningAndChangeNothing(t *testing.T) {
	for _, tc := range []struct {
		name    string
		offer   []byte
		warning int
	}{
		{"garbage", []byte("\x00\xff garbage"), WarnMedia},
		{"garbage before audio", []byte("\x00\xff\r\nm=audio 4000 RTP/AVP 8\r\n"), WarnOther},
		{"empty", nil, WarnMedia},
		{"no media", describe(), WarnMedia},
		{"video only", describe("m=video 4000 RTP/AVP 8"), WarnMedia},
		{"port zero", describe("m=audio 0 RTP/AVP 8"), WarnMedia},
		{"no common codec", describe("m=audio 4000 RTP/AVP 18 3 101", "a=rtpmap:101 telephone-event/8000"), WarnFormat},
		{"secure only", describe("m=audio 4000 RTP/SAVP 8"), WarnTransport},
		{"multicast", describe("m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1/127"), WarnAddress},
		{"multicast without TTL", describe("m=audio 4000 RTP/AVP 8", "c=IN IP4 239.1.1.1"), WarnAddress},
		{"broadcast", describe("m=audio 4000 RTP/AVP 8", "c=IN IP4 255.255.255.255"), WarnAddress},
		{"host name", describe("m=audio 4000 RTP/AVP 8", "c=IN IP4 internal.example"), WarnAddress},
		{"IPv6 for IPv4", describe("m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"), WarnAddress},
		{"500 media lines", describe(strings.Split(strings.Repeat("m=audio 4000 RTP/AVP 8,", 500)+"a=x", ",")...), WarnOther},
		{"too large", describe("m=audio 4000 RTP/AVP 8", "a="+strings.Repeat("x", maxBytes)), WarnOther},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSession()
			if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 8"), NoCodec); err != nil {
				t.Fatal(err)
			}
			now, _ := s.Media()
			before := *now
			_, _, err := s.Answer(tc.offer, NoCodec)
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Warning != tc.warning {
				t.Errorf("err = %v, want warning %d", err, tc.warning)
			}
			if after, _ := s.Media(); *after != before {
				t.Error("a refused offer changed the session")
			}
		})
	}
}

func TestVersionMovesExactlyWhenOurDescriptionChanges(t *testing.T) {
	s := newSession()
	version := func(text []byte) string {
		return strings.Fields(strings.SplitN(string(text), "\r\n", 3)[1])[2]
	}
	step := func(want string, text []byte, _ bool, err error) {
		t.Helper()
		if err != nil || version(text) != want {
			t.Fatalf("version = %s, err %v; want %s", version(text), err, want)
		}
	}
	talk, hold := describe("m=audio 4000 RTP/AVP 8 0"), describe("m=audio 4000 RTP/AVP 8 0", "a=sendonly")
	answer := func(offer []byte) ([]byte, bool, error) { return s.Answer(offer, NoCodec) }
	a, c, err := answer(talk)
	step("1", a, c, err)
	a, c, err = answer(talk)
	step("1", a, c, err)
	if c {
		t.Error("a session refresh counts as a change")
	}
	a, c, err = answer(hold)
	step("2", a, c, err)
	a, c, err = answer(talk)
	step("3", a, c, err)
	step("4", s.Offer(nil, false), false, nil) // all codecs again
	step("4", s.Offer(nil, false), false, nil)
}

func TestOfferAfterAnswerKeepsLinesAndNumbers(t *testing.T) {
	s := newSession()
	if _, _, err := s.Answer(describe("m=video 6000 RTP/AVP 99", "m=audio 4000 RTP/AVP 0 8 96",
		"a=rtpmap:96 telephone-event/8000"), NoCodec); err != nil {
		t.Fatal(err)
	}
	has(t, s.Offer(nil, false), "m=video 0 RTP/AVP 99", "m=audio 10000 RTP/AVP 0 8 9 96", "a=rtpmap:96 telephone-event/8000")
}

func TestAcceptTakesTheirNumbersToSendAndOursToReceive(t *testing.T) {
	s := newSession()
	s.Offer(nil, false)
	direction, err := s.Accept(describe("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
	if err != nil || direction != SendRecv {
		t.Fatal(direction, err)
	}
	m, _ := s.Media()
	if m.Codec != PCMU || m.Payload != 0 || m.Event != 96 {
		t.Errorf("we send %v as %d, events as %d", m.Codec, m.Payload, m.Event)
	}
	for pt, want := range map[uint8]Format{0: FormatPCMU, 8: FormatPCMA, 96: FormatEvent, 101: FormatEvent, 18: FormatNone} {
		if m.Receive[pt] != want {
			t.Errorf("payload %d is received as %v, want %v", pt, m.Receive[pt], want)
		}
	}
}

func TestAFinalAnswerReplacesAnEarlyOneAndABadOneDoesNot(t *testing.T) {
	s := newSession()
	if _, err := s.Accept(describe("m=audio 4000 RTP/AVP 8")); err == nil {
		t.Error("an answer without an offer was accepted")
	}
	s.Offer(nil, false)
	for _, bad := range [][]byte{
		describe("m=audio 0 RTP/AVP 8"), describe("m=audio 4000 RTP/AVP 18"), []byte("v=1"),
		describe("m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/AVP 8"),
	} {
		if _, err := s.Accept(bad); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
	for _, port := range []int{4000, 5000} {
		if _, err := s.Accept(describe(fmt.Sprintf("m=audio %d RTP/AVP 8", port))); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.Media(); int(m.Remote.Port()) != port {
			t.Errorf("remote = %v, want port %d", m.Remote, port)
		}
	}
}

func TestCodecStaysOverAReoffer(t *testing.T) {
	s := newSession()
	for _, formats := range []string{"8 0", "0 8"} {
		answer, _, err := s.Answer(describe("m=audio 4000 RTP/AVP "+formats), NoCodec)
		if err != nil {
			t.Fatal(err)
		}
		has(t, answer, "m=audio 10000 RTP/AVP 8")
	}
	answer, changed, err := s.Answer(describe("m=audio 4000 RTP/AVP 0"), NoCodec)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	has(t, answer, "m=audio 10000 RTP/AVP 0")
}

func TestPacketTimeIsKeptBetween10And60(t *testing.T) {
	for value, want := range map[string]time.Duration{"5": 10, "10": 10, "20": 20, "30": 30, "33": 30, "60": 60, "200": 60,
		"-1": 20, "x": 20} {
		s := newSession()
		if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 8", "a=ptime:"+value), NoCodec); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.Media(); m.Ptime != want*time.Millisecond {
			t.Errorf("ptime %s became %v", value, m.Ptime)
		}
	}
}

func TestCheckedAddressIsRefused(t *testing.T) {
	forbidden := netip.MustParseAddrPort("198.51.100.9:4001")
	s := New(Local{Addr: netip.MustParseAddr("192.0.2.1"), RTP: 2, RTCP: 3}, func(_, rtcp netip.AddrPort) error {
		if rtcp == forbidden {
			return &RefusedError{WarnAddress, "forbidden"}
		}
		return nil
	})
	if _, _, err := s.Answer(describe("m=audio 4000 RTP/AVP 8"), NoCodec); err == nil {
		t.Error("a forbidden RTCP address was accepted")
	}
}

func FuzzSession(f *testing.F) {
	f.Add(describe("m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly"))
	f.Add(describe("m=video 1 RTP/AVP 1", "m=audio 4000 RTP/AVP 8", "a=rtcp:1 IN IP4 1.2.3.4", "a=rtcp-mux"))
	f.Add(describe("m=audio 65535 RTP/AVP 8", "c=IN IP4 0.0.0.0", "a=ptime:999999999999"))
	f.Add(describe("m=audio 4000 RTP/SAVP 111 18 8", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1", key80, key32))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, secure := range []Secure{SecureOff, SecureOptional, SecureRequired} {
			fuzzSession(t, text, sessionWith(func(l *Local) { open(l); l.Secure = secure }))
		}
		fuzzSession(t, text, newSession())
	})
}

func fuzzSession(t *testing.T, text []byte, s *Session) {
	answer, _, err := s.Answer(text, PCMU)
	if err == nil {
		for _, c := range answer {
			if c != '\r' && c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("control byte in our answer %q", answer)
			}
		}
		theirs, _ := parse(text)
		ours, err := parse(answer)
		if err != nil || len(ours) != len(theirs) {
			t.Fatalf("our answer does not parse again: %v\n%s", err, answer)
		}
		again, changed, err := s.Answer(text, PCMU)
		if err != nil || changed || string(again) != string(answer) {
			t.Fatalf("the same offer again: changed %v, err %v", changed, err)
		}
	}
	s.Offer(nil, false)
	_, _ = s.Accept(text)
	_ = parseAgain(t, s.Offer(nil, false))
}

func parseAgain(t *testing.T, text []byte) []stream {
	s, err := parse(text)
	if err != nil {
		t.Fatalf("our offer does not parse: %v\n%s", err, text)
	}
	return s
}
