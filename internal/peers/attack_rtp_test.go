package peers

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestAStrangersAudioReachesNobodyAndGetsNone has a third address send a tone to both legs' ports, before the caller's first
// packet and all through the call, under a source of its own and under the caller's.
func TestAStrangersAudioReachesNobodyAndGetsNone(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	attacker := s.ear("the attacker", "66")
	attack := func(to netip.AddrPort, ssrc uint32) {
		speak(t, attacker.conn, func() netip.AddrPort { return to }, rtp.Header{Version: 2, PayloadType: 8, SSRC: ssrc}, sine(2000, time.Second))
	}
	caller := s.ear("the caller", "10")
	call := s.dial("trunk-ear", play{pause: 5 * time.Second, keys: caller.keys("8 101")})
	attack(caller.server(), 7)
	caller.awaitPackets(15) // music, and the attacker alone speaks
	agent := s.ear("the receptionist", "21")
	phone := s.phone("phone-ear", "21", play{keys: agent.keys("8 101")})
	caller.say(sine(440, time.Second))
	attack(agent.server(), 7)
	agent.say(sine(1000, time.Second))
	caller.awaitTone(1000)
	agent.awaitTone(440)
	mine := len(caller.name)
	attack(caller.server(), 0x1000+uint32(mine)) // as if it were the caller
	attack(agent.server(), 0x1000+uint32(len(agent.name)))
	begun := agent.count()
	agent.awaitPackets(100)
	for _, e := range []struct {
		*ear
		from  int
		hertz float64
	}{{agent, 0, 440}, {caller, caller.count() - 90, 1000}} {
		heard := e.heard(e.from)
		if at, sounds := heard.firstTone(2000, 500); sounds {
			t.Errorf("%s hears the attacker at %v", e.name, at)
		}
		const step = rate / 2
		for i := 0; i+step <= len(heard); i += step {
			if share := heard[i : i+step].power(e.hertz); share < 0.9 {
				t.Errorf("%s has %.2f of %.0f Hz in half second %d", e.name, share, e.hertz, i/step)
			}
		}
	}
	t.Logf("%d packets to the receptionist during the attack", agent.count()-begun)
	call.wait()
	phone.wait()
	if n := attacker.count(); n != 0 {
		t.Errorf("the attacker got %d packets", n)
	}
}

// strangersINVITE is an INVITE from an address that is no trunk and no phone.
func (s *server) strangersINVITE() *net.UDPConn {
	s.t.Helper()
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(s.net + "66")}, &net.UDPAddr{IP: net.ParseIP(s.net + "1"), Port: 5060})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	local := conn.LocalAddr().String()
	_, err = conn.Write([]byte("INVITE sip:+46850000001@" + s.net + "1 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP " + local + ";branch=z9hG4bKstranger\r\n" +
		"From: <sip:0701740605@" + local + ">;tag=s\r\nTo: <sip:+46850000001@" + s.net + "1>\r\n" +
		"Call-ID: stranger@" + local + "\r\nCSeq: 1 INVITE\r\nContact: <sip:s@" + local + ">\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}
