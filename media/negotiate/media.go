package negotiate

import (
	"net/netip"
	"time"
)

// Codec is an audio codec that the service speaks. The zero value is none.
type Codec uint8

// The codecs, both G.711 at 8 kHz (RFC 3551 section 4.5.14).
const (
	NoCodec Codec = iota
	PCMA
	PCMU
)

// String returns the encoding name of RFC 3551, or "none".
func (c Codec) String() string {
	switch c {
	case PCMA:
		return "PCMA"
	case PCMU:
		return "PCMU"
	}
	return "none"
}

// static is the codec's payload number of RFC 3551 table 4.
func (c Codec) static() uint8 {
	if c == PCMU {
		return 0
	}
	return 8
}

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

// Media is what a finished offer/answer exchange says about the stream.
type Media struct {
	// Codec is what we send, under the payload number Payload.
	Codec   Codec
	Payload uint8
	// Event is the number under which the far side wants telephone-event (RFC 4733), NoPayload for not at all.
	Event uint8
	// Receive maps the payload numbers that may arrive to what they carry.
	Receive [128]Format
	// Ptime is how much audio the far side wants in one packet: 10 to 60 ms in steps of 10, 20 ms unless it said so.
	Ptime time.Duration
	// Direction is ours.
	Direction Direction
	// Remote is where the far side receives RTP; not valid where its description named no address (0.0.0.0). RemoteRTCP
	// is the same for RTCP, equal to Remote when Mux is set (RFC 5761).
	Remote, RemoteRTCP netip.AddrPort
	Mux                bool
}

// Format is what a payload number carries.
type Format uint8

// The formats that may be received.
const (
	FormatNone Format = iota
	FormatPCMA
	FormatPCMU
	FormatEvent
)

func (c Codec) format() Format { return Format(c) }
