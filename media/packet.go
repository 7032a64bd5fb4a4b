package media

import "encoding/binary"

const headerSize = 12

// packet is an RTP packet as it was received (RFC 3550 section 5.1).
type packet struct {
	marker  bool
	payload uint8
	seq     uint16
	time    uint32
	ssrc    uint32
	raw     []byte  // the whole packet
	via     *outbox // of the thread that received it
	start   int     // raw[start:] is the payload without padding; start is at least headerSize
}

// data is the payload.
func (p *packet) data() []byte { return p.raw[p.start:] }

// parsePacket reads a packet and leaves out CSRCs, extension and padding. ok is false for what is no RTP packet.
func parsePacket(raw []byte) (p packet, ok bool) {
	if len(raw) < headerSize || raw[0]>>6 != 2 {
		return p, false
	}
	start := headerSize + 4*int(raw[0]&0x0f)
	if raw[0]&0x10 != 0 {
		if len(raw) < start+4 {
			return p, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(raw[start+2:]))
	}
	end := len(raw)
	if raw[0]&0x20 != 0 {
		padding := int(raw[end-1])
		if padding == 0 {
			return p, false
		}
		end -= padding
	}
	if start > end {
		return p, false
	}
	return packet{
		marker:  raw[1]&0x80 != 0,
		payload: raw[1] & 0x7f,
		seq:     binary.BigEndian.Uint16(raw[2:]),
		time:    binary.BigEndian.Uint32(raw[4:]),
		ssrc:    binary.BigEndian.Uint32(raw[8:]),
		raw:     raw[:end],
		start:   start,
	}, true
}

// putHeader writes a plain header of RFC 3550 section 5.1 in front of a payload.
func putHeader(b []byte, marker bool, payload uint8, seq uint16, time, ssrc uint32) {
	b[0] = 2 << 6
	b[1] = payload
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], time)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// isRTCP tells RTCP from RTP on a shared port (RFC 5761 section 4).
func isRTCP(raw []byte) bool { return len(raw) >= 2 && raw[1] >= 192 && raw[1] <= 223 }
