package softphone

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// ptime is the length of a packet: 20 ms, 160 samples (RFC 3551 section 4.5.14).
const (
	ptime      = 20 * time.Millisecond
	frame      = sampleRate / 50
	eventsType = 101 // payload type that we give telephone-event
)

// Heard is what came in over a call's audio.
type Heard struct {
	Packets int
	Foreign int // packets from another address than was negotiated; they are not heard
	Lost    int // gaps in the sequence numbers
	Streams int // changes of SSRC, the first one included
	Jumps   int // timestamps that do not follow from the sequence number within one stream
	Events  int // packets of telephone-event
	First   time.Time
	Last    time.Time
	// Marked is when the last packet with a marker came: where another source began to be heard (RFC 3551 section 4.1).
	Marked time.Time
}

// Audio is the audio of one call: a pair of UDP ports, a sender and an ear.
type Audio struct {
	conn, control *net.UDPConn // nil: it is mute
	keep          int          // samples
	tasks         sync.WaitGroup
	stop          chan struct{}

	mu      sync.Mutex // protects what follows
	closed  bool
	started bool
	remote  netip.AddrPort
	codec   Codec
	talking bool // the far side wants to hear us, and we want to be heard
	voice   Source
	heard   Heard
	ssrc    uint32
	seq     uint16
	stamp   uint32
	samples []int16
	sent    int
}

// openAudio binds an even port and the next one (RFC 3550 section 11) on the address.
func openAudio(addr netip.Addr, keep time.Duration, voice Source) (*Audio, error) {
	var last error
	for range 50 {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		if err != nil {
			return nil, fmt.Errorf("open audio: %w", err)
		}
		port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if port%2 == 0 && port < 65535 {
			control, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port+1)))
			if err == nil {
				a := &Audio{conn: conn, control: control, voice: voice, stop: make(chan struct{}),
					keep: int(keep / time.Second * sampleRate)}
				a.tasks.Add(2)
				go a.listen()
				go a.drain()
				return a, nil
			}
			last = err
		}
		conn.Close()
	}
	return nil, errors.Join(errors.New("open audio: no free pair of ports"), last)
}

// mutePort is what a mute phone's descriptions say; nothing is there.
const mutePort = 4000

// mute makes audio that sends and hears nothing.
func mute(voice Source) *Audio { return &Audio{voice: voice, started: true, stop: make(chan struct{})} }

func (a *Audio) port() int {
	if a.conn == nil {
		return mutePort
	}
	return a.conn.LocalAddr().(*net.UDPAddr).Port
}

// apply takes what was negotiated. The sender starts with the first description.
func (a *Audio) apply(remote netip.AddrPort, codec Codec, talking bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remote, a.codec, a.talking = remote, codec, talking
	if !a.started && !a.closed {
		a.started = true
		a.tasks.Add(1)
		go a.speak()
	}
}

// Speak changes what is sent from now on.
func (a *Audio) Speak(s Source) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.voice = s
}

// Heard returns what has come in so far.
func (a *Audio) Heard() Heard {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.heard
}

// Sent returns the number of packets sent.
func (a *Audio) Sent() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// HeardTone returns for how long the tone was what was heard, in steps of 100 ms.
func (a *Audio) HeardTone(frequency float64) time.Duration { return heardIn(a.Recording(), frequency) }

// Recording returns what was heard, 16-bit samples at 8 kHz, without the pauses in which nothing came.
func (a *Audio) Recording() []int16 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.samples)
}

func (a *Audio) close() {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	a.closed = true
	a.mu.Unlock()
	close(a.stop)
	if a.conn != nil {
		a.conn.Close()
		a.control.Close()
	}
	a.tasks.Wait()
}

// speak is the media clock. A packet that is due late is sent late; the clock does not drift.
func (a *Audio) speak() {
	defer a.tasks.Done()
	due := time.Now()
	clock := time.NewTimer(0)
	defer clock.Stop()
	var samples [frame]int16
	var payload [frame]byte
	var buf [12 + frame]byte
	for {
		select {
		case <-clock.C:
		case <-a.stop:
			return
		}
		a.mu.Lock()
		a.stamp += frame
		talking, remote, codec := a.talking && a.remote.IsValid(), a.remote, a.codec
		var header rtp.Header
		if talking {
			a.voice.Next(samples[:])
			header = a.header(codec)
		}
		a.mu.Unlock()
		if talking {
			codec.encode(payload[:], samples[:])
			if n, err := header.MarshalTo(buf[:]); err == nil {
				copy(buf[n:], payload[:])
				_, _ = a.conn.WriteToUDPAddrPort(buf[:n+frame], remote)
			}
		}
		if due = due.Add(ptime); time.Since(due) > 10*ptime {
			due = time.Now() // the machine was away: do not send a burst
		}
		clock.Reset(time.Until(due))
	}
}

// header makes the next packet's. It is called with the lock held.
func (a *Audio) header(codec Codec) rtp.Header {
	first := a.sent == 0
	if first {
		a.ssrc, a.seq = rand.Uint32(), uint16(rand.Uint32())
		a.stamp = rand.Uint32()
	}
	a.seq++
	a.sent++
	return rtp.Header{Version: 2, Marker: first, PayloadType: uint8(codec), SequenceNumber: a.seq, Timestamp: a.stamp, SSRC: a.ssrc}
}

// listen reads until the socket is closed.
func (a *Audio) listen() {
	defer a.tasks.Done()
	buf := make([]byte, 2048)
	var last rtp.Header
	for {
		n, from, err := a.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as a port of the far side that is gone
		}
		var p rtp.Packet
		if p.Unmarshal(buf[:n]) == nil {
			a.hear(&p, &last, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}

func (a *Audio) hear(p *rtp.Packet, last *rtp.Header, from netip.AddrPort) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.remote.IsValid() && from != a.remote {
		a.heard.Foreign++
		return
	}
	a.heard.Packets++
	a.heard.Last = now
	if p.Marker {
		a.heard.Marked = now
	}
	if a.heard.First.IsZero() {
		a.heard.First = now
	}
	switch {
	case a.heard.Streams == 0 || p.SSRC != last.SSRC:
		a.heard.Streams++
	default:
		step := p.SequenceNumber - last.SequenceNumber
		if step > 1 && step < 1<<15 {
			a.heard.Lost += int(step) - 1
		}
		if step == 1 && p.PayloadType == last.PayloadType && p.Timestamp-last.Timestamp > 100*frame {
			a.heard.Jumps++
		}
	}
	*last = p.Header
	codec := Codec(p.PayloadType)
	if codec != PCMA && codec != PCMU {
		a.heard.Events++
		return
	}
	if room := a.keep - len(a.samples); room >= len(p.Payload) {
		at := len(a.samples)
		a.samples = slices.Grow(a.samples, len(p.Payload))[:at+len(p.Payload)]
		codec.decode(a.samples[at:], p.Payload)
	}
}

// drain takes RTCP off the control port. Nothing is done with it.
func (a *Audio) drain() {
	defer a.tasks.Done()
	buf := make([]byte, 2048)
	for {
		if _, _, err := a.control.ReadFromUDPAddrPort(buf); errors.Is(err, net.ErrClosed) {
			return
		}
	}
}
