package media

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"telefonist/call"
	"telefonist/media/negotiate"
)

const patience = 20 * time.Second

// posted is what the engine told its sink.
type posted struct {
	leg call.LegID
	ev  call.Event
}

// rig is an engine on loopback with a sink.
type rig struct {
	*Engine
	t      *testing.T
	events chan posted
	legs   int
}

type tweak func(*Config)

func newRig(t *testing.T, tweaks ...tweak) *rig {
	t.Helper()
	r := &rig{t: t, events: make(chan posted, 100)}
	cfg := Config{
		Address: netip.MustParseAddr("127.31.4.1"), MinPort: 20000, MaxPort: 20999,
		Silence: Silence{First: -1, Steady: -1}, Logger: slog.New(slog.DiscardHandler),
		portable: portableTests, allShared: sharedTests,
	}
	for _, f := range tweaks {
		f(&cfg)
	}
	e, err := New(cfg, SinkFunc(func(leg call.LegID, _ time.Time, ev call.Event) { r.events <- posted{leg, ev} }))
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = e
	t.Cleanup(e.Shutdown)
	return r
}

// want waits for an event.
func (r *rig) want(leg call.LegID, ev call.Event) {
	r.t.Helper()
	select {
	case p := <-r.events:
		if p.leg != leg || fmt.Sprintf("%T", p.ev) != fmt.Sprintf("%T", ev) {
			r.t.Fatalf("event %v, want %T of %s", p, ev, leg)
		}
	case <-time.After(patience):
		buf := make([]byte, 1<<16)
		r.t.Fatalf("no %T of %s\n%s", ev, leg, buf[:runtime.Stack(buf, true)])
	}
}

// received is a packet as a phone heard it.
type received struct {
	packet
	at   time.Time
	from netip.AddrPort
}

// phone is the far side of a leg: a socket that plays a tone and keeps what it hears.
type phone struct {
	t     *testing.T
	leg   call.LegID
	conn  *net.UDPConn
	codec negotiate.Codec
	ours  netip.AddrPort // where the engine receives
	hears chan received
	stop  chan struct{}
	quiet sync.Once

	seals, opens *srtp.Context // nil for plain RTP

	mu    sync.Mutex
	voice encoder
	sent  int
	phase int
	seq   uint16
	stamp uint32
	ssrc  uint32
}

// socket opens a UDP socket of its own on loopback.
func socket(t *testing.T, ip string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func address(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// payloadOf is the number of a codec of ours.
func payloadOf(c negotiate.Codec) uint8 { return map[negotiate.Codec]uint8{1: 8, 2: 0, 3: 9}[c] }

// sdpOf describes an address with a codec.
func sdpOf(a netip.AddrPort, c negotiate.Codec, lines ...string) []byte {
	pt := payloadOf(c)
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=x\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %d RTP/AVP %d 96\r\n"+
		"a=rtpmap:96 telephone-event/8000\r\n%s", a.Addr(), a.Port(), pt, strings.Join(append(lines, ""), "\r\n"))
}

// portOf is where a description of ours says that the engine receives.
func portOf(t *testing.T, sdp []byte) netip.AddrPort {
	t.Helper()
	var ip string
	var port uint16
	for line := range strings.Lines(string(sdp)) {
		fmt.Sscanf(line, "c=IN IP4 %s", &ip)
		fmt.Sscanf(line, "m=audio %d ", &port)
	}
	a, err := netip.ParseAddr(ip)
	if err != nil || port == 0 {
		t.Fatalf("no address in %s", sdp)
	}
	return netip.AddrPortFrom(a, port)
}

// phone opens a leg and its far side.
func (r *rig) phone(c negotiate.Codec) *phone {
	r.t.Helper()
	r.legs++
	return r.phoneAt(socket(r.t, "127.31.4.9"), call.LegID(fmt.Sprint("leg", r.legs)), c)
}

func (r *rig) phoneAt(conn *net.UDPConn, leg call.LegID, c negotiate.Codec) *phone {
	r.t.Helper()
	return r.openPhone(conn, leg, c, Options{SignallingIP: netip.MustParseAddr("127.31.4.9")},
		func(p *phone, offer []byte) []byte {
			a, err := r.Answer(leg, offer)
			if err != nil {
				r.t.Fatal(err)
			}
			return a.SDP
		})
}

// openPhone opens a leg and its far side, which negotiates as told.
func (r *rig) openPhone(conn *net.UDPConn, leg call.LegID, c negotiate.Codec, o Options,
	negotiate func(p *phone, offer []byte) []byte) *phone {
	r.t.Helper()
	if err := r.Open(leg, o); err != nil {
		r.t.Fatal(err)
	}
	p := &phone{t: r.t, leg: leg, conn: conn, codec: c, hears: make(chan received, 10000), stop: make(chan struct{}),
		seq: 65530, stamp: math.MaxUint32 - 400, ssrc: 0x1000 + uint32(r.legs)}
	p.ours = portOf(r.t, negotiate(p, sdpOf(address(conn), c)))
	var done sync.WaitGroup
	done.Go(p.listen)
	r.t.Cleanup(func() { p.hangUp(); conn.Close(); done.Wait() })
	return p
}

func (p *phone) listen() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		raw := append([]byte(nil), buf[:n]...)
		if p.opens != nil && !isRTCP(raw) {
			if raw, err = p.opens.DecryptRTP(nil, raw, nil); err != nil {
				p.t.Errorf("%s: %v", p.leg, err)
				continue
			}
		}
		if pkt, ok := parsePacket(raw); ok && !isRTCP(raw) {
			p.hears <- received{pkt, time.Now(), from}
		}
	}
}

// speak sends a tone at the pace of a phone until it is hung up.
func (p *phone) speak(frequency float64) {
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		began := time.Now()
		for said := time.Duration(0); ; {
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
			for ; said < time.Since(began); said += 20 * time.Millisecond { // keeps its pace on a busy machine
				p.say(frequency)
			}
		}
	})
	p.t.Cleanup(func() { p.hangUp(); done.Wait() })
}

func (p *phone) hangUp() { p.quiet.Do(func() { close(p.stop) }) }

// voice is 20 ms of a tone at -12 dB of full scale.
func voice(frequency float64, phase int, c negotiate.Codec) []byte {
	b := make([]byte, 160)
	for i := range b {
		b[i] = encode(int16(8000*math.Sin(2*math.Pi*frequency*float64(phase+i)/8000)), c)
	}
	return b
}

// say sends the next 20 ms of a tone.
func (p *phone) say(frequency float64) {
	p.mu.Lock()
	pcm, data := make([]int16, 160), make([]byte, 160)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*frequency*float64(p.phase+i)/8000))
	}
	p.voice.encode(data, pcm, p.codec)
	p.phase += 160
	p.mu.Unlock()
	p.send(payloadOf(p.codec), false, 160, data)
}

// send sends a packet, after which time moves on.
func (p *phone) send(pt uint8, marker bool, step uint32, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := make([]byte, headerSize, headerSize+len(data))
	putHeader(b, marker, pt, p.seq, p.stamp, p.ssrc)
	p.seq++
	p.stamp += step
	p.sent++
	b = append(b, data...)
	if p.seals != nil {
		var err error
		if b, err = p.seals.EncryptRTP(nil, b, nil); err != nil {
			p.t.Error(err)
		}
	}
	p.conn.WriteToUDPAddrPort(b, p.ours)
}

// hear returns the next n packets.
func (p *phone) hear(n int) []received {
	p.t.Helper()
	var out []received
	timeout := time.After(patience)
	for len(out) < n {
		select {
		case r := <-p.hears:
			out = append(out, r)
		case <-timeout:
			buf := make([]byte, 1<<16)
			p.t.Fatalf("%s heard %d packets, want %d\n%s", p.leg, len(out), n, buf[:runtime.Stack(buf, true)])
		}
	}
	return out
}

// hearUntil returns packets up to and with the first that fits.
func (p *phone) hearUntil(fits func(received) bool) []received {
	p.t.Helper()
	var out []received
	for len(out) < 1000 {
		out = append(out, p.hear(1)...)
		if fits(out[len(out)-1]) {
			return out
		}
	}
	p.t.Fatalf("%s: none of %d packets fits", p.leg, len(out))
	return nil
}

// forget drops what has been heard so far.
func (p *phone) forget() {
	for {
		select {
		case <-p.hears:
		default:
			return
		}
	}
}

// linear decodes packets into one signal.
func linear(packets []received) []int16 {
	var out []int16
	var d decoder
	for _, p := range packets {
		c := map[uint8]negotiate.Codec{0: negotiate.PCMU, 8: negotiate.PCMA, 9: negotiate.G722}[p.payload]
		pcm := make([]int16, len(p.data()))
		d.decode(pcm, p.data(), c)
		out = append(out, pcm...)
	}
	return out
}

// level is the amplitude of a frequency in a signal (Goertzel's algorithm).
func level(signal []int16, frequency float64) float64 {
	k := 2 * math.Cos(2*math.Pi*frequency/8000)
	var s1, s2 float64
	for _, v := range signal {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	return 2 * math.Sqrt(max(s1*s1+s2*s2-k*s1*s2, 0)) / float64(len(signal))
}

// has checks that each window of 200 ms has the wanted tone at its level, and none of the others.
func hasTone(t *testing.T, packets []received, want float64, not ...float64) {
	t.Helper()
	signal := linear(packets)
	for i := 0; i+10 <= len(packets); i += 10 {
		w := signal[i*len(signal)/len(packets) : (i+10)*len(signal)/len(packets)]
		if l := level(w, want); l < 7500 || l > 8500 {
			t.Errorf("%g Hz has level %.0f at packet %d, want 8000", want, l, i)
		}
		for _, f := range not {
			if l := level(w, f); l > 100 {
				t.Errorf("%g Hz has level %.0f at packet %d, want none", f, l, i)
			}
		}
	}
}

// oneStream checks that packets are one RTP stream without a jump, sent about when their timestamps say.
func oneStream(t *testing.T, packets []received) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		a, b := packets[i-1], packets[i]
		if b.ssrc != a.ssrc || b.seq != a.seq+1 {
			t.Fatalf("packet %d: SSRC %x seq %d follows SSRC %x seq %d", i, b.ssrc, b.seq, a.ssrc, a.seq)
		}
		if step := int32(b.time - a.time); step < 160 || step > 160+8000 {
			t.Fatalf("packet %d: timestamp moves by %d", i, step)
		}
	}
	first, last := packets[0], packets[len(packets)-1]
	elapsed := last.at.Sub(first.at).Milliseconds() * 8
	if drift := int64(int32(last.time-first.time)) - elapsed; drift < -8000 || drift > 8000 {
		t.Errorf("timestamps are %d samples from the time passed", drift)
	}
}

func writeWAV(t *testing.T, dir, name string, rate, channels int, samples []int16) string {
	t.Helper()
	file := dir + "/" + name
	if err := os.WriteFile(file, wav(1, rate, channels, 16, samples), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func wav(kind, rate, channels, bits int, samples []int16) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(kind))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = append(b, "LIST\x03\x00\x00\x00abc\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(samples)))
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

func sine(frequency float64, rate, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(8000 * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate)))
	}
	return out
}
