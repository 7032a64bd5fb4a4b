package media

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// secured are the suites with what the far side calls them.
var secured = map[string]srtp.ProtectionProfile{
	"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
	"AES_CM_128_HMAC_SHA1_32": srtp.ProtectionProfileAes128CmHmacSha1_32,
	"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
}

// contextOf is the far side's half of a key.
func contextOf(t testing.TB, suite string, key []byte) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(key[:16], key[16:], secured[suite])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// theirs is the key that the far side offers.
func theirs(suite string) []byte {
	key := []byte("an example of a key and a salt")
	if suite == "AEAD_AES_128_GCM" {
		key = key[:28]
	}
	return key
}

// keyLine offers a key.
func keyLine(suite string, key []byte) string {
	return fmt.Sprintf("a=crypto:1 %s inline:%s", suite, base64.StdEncoding.EncodeToString(key))
}

// keyIn finds the key of a description of ours.
func keyIn(t testing.TB, sdp []byte) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(string(sdp), "inline:")
	text, _, _ := strings.Cut(rest, "\r\n")
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < 28 {
		t.Fatalf("no key in\n%s", sdp)
	}
	return key
}

// safePhone opens a leg whose audio must be protected.
func (r *rig) safePhone(suite string) *phone {
	r.t.Helper()
	r.legs++
	p := r.openPhone(socket(r.t, "127.31.4.9"), call.LegID(fmt.Sprint("safe", r.legs)), negotiate.PCMA,
		Options{SignallingIP: netip.MustParseAddr("127.31.4.9"), Secure: SecureRequired}, func(p *phone, offer []byte) []byte {
			offer = []byte(strings.Replace(string(offer), "RTP/AVP", "RTP/SAVP", 1) + keyLine(suite, theirs(suite)) + "\r\n")
			a, err := r.Answer(p.leg, offer)
			if err != nil {
				r.t.Fatal(err)
			}
			p.seals, p.opens = contextOf(r.t, suite, theirs(suite)), contextOf(r.t, suite, keyIn(r.t, a.SDP))
			return a.SDP
		})
	return p
}

func TestProtectedAndPlainLegsHearEachOther(t *testing.T) {
	for suite := range secured {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			caller, agent := r.phone(negotiate.PCMU), r.safePhone(suite)
			r.Do(call.Play{Leg: agent.leg, Source: "music", Loop: true})
			heard := agent.hear(5)
			r.Do(call.Connect{A: caller.leg, B: agent.leg})
			caller.speak(440)
			agent.speak(1000)
			hasTone(t, caller.hear(30), 1000, 440)
			heard = append(heard, agent.hearUntil(func(p received) bool { return p.marker })...)
			voice := agent.hear(30)
			hasTone(t, voice, 440, 1000)
			oneStream(t, append(heard, voice...))
			info, _ := r.Info(agent.leg)
			if info.Protection != suite || info.Dropped != 0 {
				t.Errorf("info = %+v", info)
			}
		})
	}
}

func TestWrongKeysPlainPacketsAndReplaysAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller, agent := r.phone(negotiate.PCMA), r.safePhone("AES_CM_128_HMAC_SHA1_80")
	r.Do(call.Connect{A: caller.leg, B: agent.leg})
	caller.speakOnce(t, r, agent)
	l := r.leg(agent.leg)
	from := address(agent.conn)
	drops := func(b []byte, want uint64) { // nothing is under way from the phone itself
		t.Helper()
		l.receiveRTP(append([]byte(nil), b...), from, nil)
		if got := l.counts.dropped[dropSecure].Load(); got != want {
			t.Fatalf("%d dropped, want %d", got, want)
		}
	}
	packet := func(seq uint16) []byte {
		b := make([]byte, headerSize, 200)
		putHeader(b, false, 8, seq, 7, agent.ssrc)
		return append(b, voice(2000, 0, negotiate.PCMA)...)
	}
	drops(packet(agent.seq+1), 1) // plain
	wrong := contextOf(t, "AES_CM_128_HMAC_SHA1_80", []byte("another key, and another salt."))
	b, err := wrong.EncryptRTP(nil, packet(agent.seq+2), nil)
	if err != nil {
		t.Fatal(err)
	}
	drops(b, 2)
	if b, err = agent.seals.EncryptRTP(nil, packet(agent.seq+3), nil); err != nil {
		t.Fatal(err)
	}
	drops(b, 2)
	caller.hear(1)
	drops(b, 3) // again
	b[3]++      // another number
	drops(b, 4)
	if n := len(caller.hears); n != 0 {
		t.Errorf("%d packets more were heard", n)
	}
}

func TestReportsOfAProtectedLegAreProtected(t *testing.T) {
	const suite = "AES_CM_128_HMAC_SHA1_32"
	r := newRig(t)
	agent := r.safePhone(suite)
	l := r.leg(agent.leg)
	control := socket(t, "127.31.4.9")
	l.in.mu.Lock()
	l.in.rtcpPin.said = address(control) // in place of the port above the phone's
	l.in.mu.Unlock()
	agent.say(440)
	r.Do(call.Play{Leg: agent.leg, Source: "music", Loop: true})
	agent.hear(3)
	l.sendReport(r.now() + int64(time.Hour))
	buf := make([]byte, 2048)
	control.SetReadDeadline(time.Now().Add(patience))
	n, _, err := control.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.opens.DecryptRTCP(nil, buf[:n], nil); err != nil {
		t.Fatalf("report of %d bytes: %v", n, err)
	}
	rr, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: agent.ssrc, Reports: []rtcp.ReceptionReport{
		{SSRC: l.out.ssrc, Jitter: 80}}}})
	plain := append([]byte(nil), rr...)
	sealed, err := agent.seals.EncryptRTCP(nil, rr, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.receiveRTCP(plain, address(control))
	if got := l.counts.dropped[dropSecure].Load(); got != 1 || l.quality().out.known {
		t.Errorf("a plain report was taken: %d dropped", got)
	}
	l.receiveRTCP(sealed, address(control))
	if q := l.quality(); !q.out.known || q.out.jitter != 10*time.Millisecond {
		t.Errorf("quality = %+v", q)
	}
}

func TestKeysAreFreshForEachLeg(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	seen := map[string]bool{}
	for i := range 5 {
		id := call.LegID(fmt.Sprint(i))
		if err := r.Open(id, Options{Secure: SecureOptional}); err != nil {
			t.Fatal(err)
		}
		offer, err := r.Offer(id)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(offer)) {
			if _, key, ok := strings.Cut(line, "inline:"); ok {
				if seen[key] {
					t.Errorf("key %s serves twice", key)
				}
				seen[key] = true
			}
		}
	}
	if len(seen) != 15 {
		t.Errorf("%d keys, want 15", len(seen))
	}
}

// While the answers of several forks compete, a key may be given up and taken up again.
func TestAKeyThatComesBackGoesOnCounting(t *testing.T) {
	s := negotiate.New(negotiate.Local{Addr: netip.MustParseAddr("192.0.2.1"), Secure: negotiate.SecureOptional}, nil)
	s.Offer(nil, false)
	o, _ := newTape()
	index := func(lines ...string) (at uint32) {
		t.Helper()
		if _, err := s.Accept(sdpOf(netip.MustParseAddrPort("198.51.100.9:4000"), negotiate.PCMA, lines...)); err != nil {
			t.Fatal(err)
		}
		m, _ := s.Media()
		o.apply(m)
		if o.cipher == nil {
			return 0
		}
		rr, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: o.ssrc}})
		if _, ok := o.cipher.sealRTCP(rr); !ok {
			t.Fatal("not sealed")
		}
		at, _ = o.cipher.context.Index(o.ssrc)
		return at
	}
	const a, b = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"
	other := strings.Replace(keyLine(b, theirs(b)), ":1", ":2", 1)
	for i, step := range []struct {
		line string
		want uint32
	}{{keyLine(a, theirs(a)), 1}, {other, 1}, {keyLine(a, theirs(a)), 2}, {"", 0}, {keyLine(a, theirs(a)), 3}} {
		if got := index(step.line); got != step.want {
			t.Errorf("answer %d: index %d, want %d", i, got, step.want)
		}
	}
}
