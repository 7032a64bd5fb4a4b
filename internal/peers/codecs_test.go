package peers

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// story is what `calls show` tells of a call, with single spaces.
func (s *server) story(id string) string {
	s.t.Helper()
	return strings.Join(strings.Fields(s.cli("calls", "show", id, "--store", s.dir+"/data")), " ")
}

// sayFormat sends packets that the server cannot read, under a number, until the test ends.
func (e *ear) sayFormat(payload uint8, data []byte) {
	e.s.t.Helper()
	packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payload, SSRC: 77}, Payload: data}
	to := e.server()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if b, err := packet.Marshal(); err == nil {
				_, _ = e.conn.WriteToUDPAddrPort(b, to)
			}
			packet.SequenceNumber++
			packet.Timestamp += 160
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	e.s.t.Cleanup(func() {
		close(stop)
		<-done
	})
}

// awaitFormat waits until it gets packets of a number that hold these bytes.
func (e *ear) awaitFormat(payload uint8, data []byte) {
	e.s.t.Helper()
	e.s.await(e.name+" to hear what is passed through", func() bool {
		all := e.all()
		if len(all) == 0 {
			return false
		}
		last := all[len(all)-1].rtp
		return last.PayloadType == payload && bytes.Equal(last.Payload, data)
	})
}

// Two sides that share G.729 speak it with each other; what we say ourselves the caller hears in the codec that he offers
// beside it.
func TestAFormatThatWeCannotReadIsPassedAndPromptsComeInOneThatWeCan(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, media: ", codecs: [PCMA, G729]"})
	caller := s.ear("the caller", "10")
	call := s.dial("trunk-ear", play{pause: 5 * time.Second, keys: caller.keys("18 8 101")})
	caller.server()
	caller.await("music", func(h sound) bool { return h.energy() > quiet })
	asked, answered := bytes.Repeat([]byte{0x29}, 20), bytes.Repeat([]byte{0x92}, 20)
	caller.sayFormat(18, asked)
	s.register("anna", "21")
	agent := s.ear("the receptionist", "21")
	phone := s.phone("phone-ear", "21", play{keys: agent.keys("18 8 101")})
	agent.sayFormat(18, answered)
	agent.awaitFormat(18, asked)
	caller.awaitFormat(18, answered)
	call.wait()
	phone.wait()
	caller.oneStream()
	story := s.story(s.awaitCalls(1)[0].CallID)
	for _, want := range []string{"audio caller G729, as it came", "audio agent G729, as it came"} {
		if !strings.Contains(story, want) {
			t.Errorf("the call's story lacks %q:\n%s", want, story)
		}
	}
}

// Two softphones that have Opus, or AMR narrow or wide, speak it with each other, packet by packet as it comes; the caller hears the music before in the
// codec that she offers beside it. A baresip that has changed its decoder records no more, so that the caller's log tells.
func TestACodecOfSoftphonesIsPassedBetweenThemAndMusicComesInPCMA(t *testing.T) {
	for name, format := range map[string]string{"opus": "opus/48000/2", "AMR": "AMR/8000/1", "AMR-WB": "AMR-WB/16000/1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passedBetweenSoftphones(t, name, format+",PCMA/8000/1")
		})
	}
}

func passedBetweenSoftphones(t *testing.T, name, both string) {
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5", media: ", codecs: [PCMA, " + name + "]"})
	anna := s.softphone(softphone{name: "anna", from: "21", codecs: both, says: sine(1000, time.Minute), register: true, manual: true})
	s.awaitAgents(1, "available")
	alice := s.softphone(softphone{name: "0701740605", from: "10", codecs: both, says: sine(440, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.awaitLog("Audio decoder changed payload 96 -> 8")
	anna.event("CALL_INCOMING")
	anna.do("accept", "")
	anna.event("CALL_ESTABLISHED")
	alice.awaitLog("Audio decoder changed payload 8 -> 96")
	anna.awaitTones(1000, 440)
	alice.do("hangup", "")
	anna.event("CALL_CLOSED")
	story := s.story(s.awaitCalls(1)[0].CallID)
	for _, side := range []string{"caller", "agent"} {
		if want := "audio " + side + " " + name + ", as it came"; !strings.Contains(story, want) {
			t.Errorf("the call's story lacks %q:\n%s", want, story)
		}
	}
}

// A softphone that would speak Opus with a receptionist who has none is asked to speak what both have, and does. What it says
// then is not listened to: baresip 1.0 goes on resampling for Opus.
func TestACallerWhomTheReceptionistCannotHearIsOfferedAnotherCodec(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, media: ", codecs: [PCMA, opus]"})
	alice := s.softphone(softphone{name: "0701740605", from: "10", codecs: "opus/48000/2,PCMA/8000/1", says: sine(440, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	alice.event("CALL_ESTABLISHED")
	s.register("anna", "21")
	agent := s.ear("the receptionist", "21")
	phone := s.phone("phone-ear", "21", play{keys: agent.keys("8 101")})
	agent.server()
	agent.say(sine(1000, time.Second))
	agent.awaitPackets(50) // Opus could not have come: it is neither converted nor known to her
	alice.do("hangup", "")
	phone.wait()
	for _, a := range agent.all() {
		if a.rtp.PayloadType != 8 {
			t.Fatalf("the receptionist gets format %d", a.rtp.PayloadType)
		}
	}
	if story := s.story(s.awaitCalls(1)[0].CallID); !strings.Contains(story, "audio caller PCMA, as it came") {
		t.Errorf("the caller's codec is not told:\n%s", story)
	}
	if trace, _ := os.ReadFile(alice.log); !strings.Contains(string(trace), "INVITE sip:0701740605") {
		t.Error("the caller was not offered another codec")
	}
}

// Who has nothing that prompts could be played in is told which codecs there are (RFC 3261 section 20.43: 305).
func TestACallerWithNothingButWhatWeCannotReadGetsAWarning(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, media: ", codecs: [PCMA, G722, G729, opus]"})
	pbx := s.peer("10", 5060)
	for name, formats := range map[string]string{"G729": "18", "opus": "111", "both": "111 18"} {
		i := pbx.trunkIDs()
		body := strings.Replace(sdp(pbx.host, 6000, "a=rtpmap:111 opus/48000/2"), "RTP/AVP 8 0 101", "RTP/AVP "+formats, 1)
		res := pbx.ask("INVITE", pbx.request("INVITE", s.uri(number), i, body, "Content-Type: application/sdp"))
		warning := res.header("Warning")
		if res.code() != 488 || !strings.HasPrefix(warning, "305 ") || !strings.Contains(warning, "PCMA") || !strings.Contains(warning, "G722") {
			t.Errorf("%s: %s, Warning %q", name, res.start(), warning)
		}
		pbx.send(pbx.request("ACK", s.uri(number), ids{callID: i.callID, from: i.from, to: i.to, fromTag: i.fromTag,
			toTag: tagIn(res.header("To")), seq: 1, branch: branchOf(res)}, ""))
	}
	pbx.alive("offers without a codec for prompts")
	s.awaitCalls(0)
}
