package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestACallThroughTheExampleTrunk has the Kamailio of deploy stand between a caller and the server, as it is delivered.
func TestACallThroughTheExampleTrunk(t *testing.T) {
	s := oneAgent(t, setup{})
	s.kamailio("30")
	agent := s.ear("the receptionist", "21")
	phone := s.phone("phone-ear", "21", play{keys: agent.keys("8 101")})
	alice := s.softphone(softphone{name: "0701740605", from: "30", says: sine(440, 30*time.Second), outbound: s.net + "10:5080"})
	alice.do("dial", "sip:+4684000001@"+s.net+"10:5080")
	alice.event("CALL_ESTABLISHED")
	agent.server()
	agent.say(sine(1000, time.Second))
	agent.awaitTone(440)
	alice.awaitHeard(time.Second)
	alice.do("hangup", "")
	phone.wait()
	heard := alice.heard()
	if share := heard.part(heard.length()-400*time.Millisecond, heard.length()).power(1000); share < 0.9 {
		t.Errorf("the caller hears %.2f of the receptionist's tone", share)
	}
	if c := s.awaitCalls(1)[0]; c.Outcome != "answered" || c.CommonNumber != "+4684000001" || c.Caller != "+46701740605" {
		t.Errorf("record %+v", c)
	}
}

// kamailio runs deploy's example as the trunk, with a carrier at an address.
func (s *server) kamailio(carrier string) {
	s.t.Helper()
	program, err := exec.LookPath("kamailio")
	if err != nil {
		program = "/usr/sbin/kamailio"
	}
	config, err := filepath.Abs(filepath.Join("..", "..", "deploy", "kamailio", "kamailio.cfg"))
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	define := func(name, value string) []string { return []string{"-A", name + "=" + value} }
	quoted := func(name, host string) []string { return define(name, fmt.Sprintf("%q", host)) }
	args := []string{"-f", config, "-m", "64", "-M", "4", "-P", filepath.Join(dir, "pid"), "-Y", dir, "-DD", "-E"}
	args = append(args, define("LISTEN_IP", s.net+"10")...)
	args = append(args, quoted("TELEFONIST", "sip:"+s.net+"1:5060")...)
	args = append(args, quoted("TELEFONIST_IP", s.net+"1")...)
	args = append(args, quoted("CARRIER", "sip:"+s.net+carrier+":5060")...)
	args = append(args, quoted("CARRIER_IP", s.net+carrier)...)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		log.Close()
		close(exited)
	}()
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
		if s.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			s.t.Logf("kamailio:\n%s", tail(text, 4<<10))
		}
	})
	probe := s.peer(carrier, 0)
	s.await("kamailio to answer", func() bool {
		text := probe.request("OPTIONS", "sip:ping@"+s.net+"10:5080", probe.newIDs("<sip:ping@"+probe.host+">", "<sip:ping@"+s.net+"10>"), "")
		_, _ = probe.udp.WriteToUDP([]byte(text), s.udpAddr("10", 5080))
		_, ok := probe.find(200*time.Millisecond, func(m msg) bool { return m.code() == 200 })
		return ok
	})
}

func (s *server) udpAddr(last string, port int) *net.UDPAddr {
	return &net.UDPAddr{IP: net.ParseIP(s.net + last), Port: port}
}
