package peers

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/zaf/g711"
)

// ear is the audio end of a SIPp leg: a socket that notes every packet and may speak.
type ear struct {
	s    *server
	name string
	conn *net.UDPConn

	mu      sync.Mutex
	packets []arrival
	peer    netip.AddrPort // where the server sends from, once it has
	known   chan struct{}
}

// arrival is one packet as it came.
type arrival struct {
	at   time.Time
	from netip.AddrPort
	rtp  rtp.Packet
}

// ear opens a socket on an address of the test's network.
func (s *server) ear(name, from string) *ear {
	s.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(s.net + from)})
	if err != nil {
		s.t.Fatal(err)
	}
	e := &ear{s: s, name: name, conn: conn, known: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.read()
	}()
	s.t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return e
}

// keys are what a scenario needs to offer this socket and these formats.
func (e *ear) keys(formats string) map[string]string {
	return map[string]string{"rtp": strconv.Itoa(e.conn.LocalAddr().(*net.UDPAddr).Port), "formats": formats}
}

func (e *ear) read() {
	b := make([]byte, 2048)
	for {
		n, from, err := e.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		a := arrival{at: time.Now(), from: from}
		if a.rtp.Unmarshal(append([]byte(nil), b[:n]...)) != nil {
			continue
		}
		e.mu.Lock()
		e.packets = append(e.packets, a)
		if !e.peer.IsValid() {
			e.peer = from
			close(e.known)
		}
		e.mu.Unlock()
	}
}

// all are the packets so far.
func (e *ear) all() []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]arrival(nil), e.packets...)
}

// server is the address that the server speaks to this ear from.
func (e *ear) server() netip.AddrPort {
	e.s.t.Helper()
	select {
	case <-e.known:
	case <-time.After(patience):
		e.s.t.Fatalf("%s hears nothing", e.name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.peer
}

// heard is what was heard from the n-th packet on, put in its place by the timestamps: what is missing is silence.
func (e *ear) heard(n int) sound {
	var out sound
	var first uint32
	for i, a := range e.all()[n:] {
		if i == 0 {
			first = a.rtp.Timestamp
		}
		at := int(int32(a.rtp.Timestamp - first))
		if at < 0 || at > 600*rate || a.rtp.PayloadType != 0 && a.rtp.PayloadType != 8 {
			continue
		}
		for len(out) < at+len(a.rtp.Payload) {
			out = append(out, 0)
		}
		for k, c := range a.rtp.Payload {
			if a.rtp.PayloadType == 8 {
				out[at+k] = g711.DecodeAlawFrame(c)
			} else {
				out[at+k] = g711.DecodeUlawFrame(c)
			}
		}
	}
	return out
}

// count is how many packets have come.
func (e *ear) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.packets)
}

// await waits until the latest quarter of a second fits.
func (e *ear) await(what string, fits func(sound) bool) {
	e.s.t.Helper()
	e.s.await(e.name+" to hear "+what, func() bool {
		n := e.count()
		return n > 13 && fits(e.heard(n-13))
	})
}

// awaitTone waits until it hears one frequency and nothing else.
func (e *ear) awaitTone(hertz float64) {
	e.s.t.Helper()
	e.await(fmt.Sprint(hertz, " Hz"), func(s sound) bool { return s.power(hertz) > 0.9 })
}

// awaitPackets waits for so many more packets.
func (e *ear) awaitPackets(n int) {
	e.s.t.Helper()
	until := e.count() + n
	e.s.await(fmt.Sprintf("%s to get %d packets", e.name, n), func() bool { return e.count() >= until })
}

// say speaks A-law to the server in real time until the test ends or stop is called.
func (e *ear) say(s sound) (stop func()) {
	return speak(e.s.t, e.conn, e.server, rtp.Header{Version: 2, PayloadType: 8, SSRC: 0x1000 + uint32(len(e.name))}, s)
}

// speak sends sound as RTP, 20 ms at a time and round and round, once to is known.
func speak(t *testing.T, conn *net.UDPConn, to func() netip.AddrPort, h rtp.Header, s sound) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	dest := make(chan netip.AddrPort, 1)
	dest <- to()
	go func() {
		defer close(done)
		peer := <-dest
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for at := 0; ; at = (at + 160) % (len(s) / 160 * 160) {
			p := rtp.Packet{Header: h, Payload: make([]byte, 160)}
			for k := range p.Payload {
				p.Payload[k] = g711.EncodeAlawFrame(s[at+k])
			}
			if b, err := p.Marshal(); err == nil {
				_, _ = conn.WriteToUDPAddrPort(b, peer)
			}
			h.SequenceNumber++
			h.Timestamp += 160
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	stop = func() {
		once.Do(func() { close(quit) })
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// oneStream fails where what was heard is not one RTP stream: the source, the numbers and the timestamps must go on.
func (e *ear) oneStream() {
	e.s.t.Helper()
	all := e.all()
	longest := time.Duration(0)
	for i := 1; i < len(all); i++ {
		was, is := all[i-1].rtp, all[i].rtp
		if is.SSRC != was.SSRC {
			e.s.t.Errorf("%s: packet %d has another source, %x after %x", e.name, i, is.SSRC, was.SSRC)
		}
		if is.SequenceNumber != was.SequenceNumber+1 {
			e.s.t.Errorf("%s: packet %d is number %d after %d", e.name, i, is.SequenceNumber, was.SequenceNumber)
		}
		step := int32(is.Timestamp - was.Timestamp)
		if step <= 0 || step > 800 {
			e.s.t.Errorf("%s: packet %d is %d samples after the one before it", e.name, i, step)
		}
		longest = max(longest, all[i].at.Sub(all[i-1].at))
	}
	e.s.t.Logf("%s: %d packets, longest pause %v", e.name, len(all), longest)
	if longest > 500*time.Millisecond { // a busy machine is late; the stream itself has no gap over 100 ms, seen above
		e.s.t.Errorf("%s got nothing for %v", e.name, longest)
	}
}
