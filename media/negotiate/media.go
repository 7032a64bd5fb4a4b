package negotiate

import (
	"net/netip"
	"time"
)

// Codec is an audio codec that the service speaks itself: it can play prompts in it and convert from and to it. The zero
// value is none.
type Codec uint8

// The codecs: G.711 (RFC 3551 section 4.5.14) and G.722 at 64 kbit/s (section 4.5.2). All three put 8 bytes and 8 steps
// of the RTP timestamp into a millisecond; G.722's clock is said to be 8,000 Hz although it samples 16,000.
const (
	NoCodec Codec = iota
	PCMA
	PCMU
	G722
)

// String returns the encoding name of RFC 3551, or "none".
func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return "none"
}

var codecNames = [...]string{"none", "PCMA", "PCMU", "G722"}

// static is the codec's payload number of RFC 3551 table 4.
func (c Codec) static() uint8 { return [...]uint8{NoPayload, 8, 0, 9}[c] }

// Direction tells which way audio may flow, seen from our side. The zero value is Inactive.
type Direction uint8

// The directions of RFC 3264 section 5.1.
const (
	Inactive Direction = 0
	SendOnly Direction = 1
	RecvOnly Direction = 2
	SendRecv Direction = SendOnly | RecvOnly
)

// Sends reports whether we may send.
func (d Direction) Sends() bool { return d&SendOnly != 0 }

// Receives reports whether we may receive.
func (d Direction) Receives() bool { return d&RecvOnly != 0 }

// Held reports whether the far side has put us on hold: it does not want to hear us (RFC 3264 section 8.4).
func (d Direction) Held() bool { return !d.Sends() }

// String returns the attribute of RFC 4566 section 6.
func (d Direction) String() string {
	switch d {
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case SendRecv:
		return "sendrecv"
	}
	return "inactive"
}

// reverse turns a direction of the far side into ours.
func (d Direction) reverse() Direction { return d>>1 | d<<1&RecvOnly }

// NoPayload is the payload number of a format that was not negotiated.
const NoPayload uint8 = 255

// Media is what a finished offer/answer exchange says about the stream. It can be compared.
type Media struct {
	// Codec is what we send of our own making, under the payload number Payload. It is NoCodec, with NoPayload, where the
	// far side answered with nothing but formats that are passed through.
	Codec   Codec
	Payload uint8
	// Event is the number under which the far side wants telephone-event (RFC 4733), NoPayload for not at all.
	Event uint8
	// Pass are formats that we cannot read and hand on to a peer that knows them too.
	Pass [MaxPass]Pass
	// First is what the far side will send unless it has a reason not to: the first of the formats agreed on.
	First Format
	// Receive maps the payload numbers that may arrive to what they carry.
	Receive [128]Format
	// Ptime is how much audio the far side wants in one packet: 10 to 60 ms in steps of 10, 20 ms unless it said so. Framed
	// tells that it did: then it is sent nothing else of what can be cut.
	Ptime  time.Duration
	Framed bool
	// Direction is ours.
	Direction Direction
	// Remote is where the far side receives RTP; not valid where its description named no address (0.0.0.0). RemoteRTCP
	// is the same for RTCP, equal to Remote when Mux is set (RFC 5761).
	Remote, RemoteRTCP netip.AddrPort
	Mux                bool
	// SendKey and ReceiveKey protect the stream (RFC 3711). Both are zero for plain RTP, and neither is otherwise.
	SendKey, ReceiveKey Crypto
}

// Format is what a payload number carries.
type Format uint8

// The formats that may be received. FormatPass and the MaxPass-1 after it stand for the entries of Media.Pass.
const (
	FormatNone Format = iota
	FormatPCMA
	FormatPCMU
	FormatG722
	FormatEvent
	FormatPass
)

func (c Codec) format() Format { return Format(c) }

// Codec is the codec of a format that we speak ourselves, else NoCodec.
func (f Format) Codec() Codec {
	if f >= FormatEvent {
		return NoCodec
	}
	return Codec(f)
}

// Passed reports whether a format is handed on unread, and which entry of Media.Pass it is.
func (f Format) Passed() (int, bool) {
	if f < FormatPass || f >= FormatPass+MaxPass {
		return 0, false
	}
	return int(f - FormatPass), true
}

// Name is the encoding name of a format of this stream, "none" for no audio.
func (m *Media) Name(f Format) string {
	if i, ok := f.Passed(); ok {
		return m.Pass[i].Name
	}
	return f.Codec().String()
}

// PayloadFor is the number under which the far side takes a format of another stream, NoPayload for not at all.
func (m *Media) PayloadFor(p *Pass) uint8 {
	for i := range m.Pass {
		if m.Pass[i].Name != "" && m.Pass[i].fits(p) {
			return m.Pass[i].Payload
		}
	}
	return NoPayload
}
