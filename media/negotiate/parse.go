package negotiate

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Limits of a description that is read. Larger ones are refused, since each m-line costs a line in the answer.
const (
	maxBytes = 16 << 10
	maxLines = 16
)

// stream is one m-line of a description, read as far as we need it.
type stream struct {
	media, proto string
	formats      []string
	port         int

	addr      netip.Addr // unspecified for 0.0.0.0 (hold)
	addrErr   error
	direction Direction // of the writer
	mux       bool
	rtcp      netip.AddrPort // from a=rtcp; the zero value for the default
	ptime     time.Duration
	maps      map[uint8]string // payload number to lower-case name/rate
}

// parse reads a session description. Errors are *RefusedError.
func parse(text []byte) ([]stream, error) {
	if len(text) > maxBytes {
		return nil, refuse(WarnOther, "session description too large")
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(relevant(text)); err != nil {
		return nil, refuse(WarnOther, "session description cannot be read")
	}
	if len(d.MediaDescriptions) == 0 {
		return nil, refuse(WarnMedia, "no media")
	}
	if len(d.MediaDescriptions) > maxLines {
		return nil, refuse(WarnOther, "too many media lines")
	}
	streams := make([]stream, 0, len(d.MediaDescriptions))
	for _, m := range d.MediaDescriptions {
		s, err := readStream(&d, m)
		if err != nil {
			return nil, err
		}
		streams = append(streams, s)
	}
	return streams, nil
}

// relevant keeps the lines that negotiation looks at. The rest (bandwidth, keys, contact particulars) is skipped rather
// than refused for an unknown value, as RFC 4566 section 5.8 asks for unknown bandwidth types.
func relevant(text []byte) []byte {
	out := make([]byte, 0, len(text)+2)
	for line := range bytes.Lines(text) {
		if len(line) > 1 && line[1] == '=' && strings.IndexByte("biekpruz", line[0]) >= 0 {
			continue
		}
		out = append(out, line...)
	}
	return out
}

func readStream(d *sdp.SessionDescription, m *sdp.MediaDescription) (stream, error) {
	s := stream{
		media:   m.MediaName.Media,
		proto:   strings.Join(m.MediaName.Protos, "/"),
		formats: m.MediaName.Formats,
		port:    m.MediaName.Port.Value,
		ptime:   20 * time.Millisecond,
		maps:    map[uint8]string{},
	}
	for _, t := range append([]string{s.media, s.proto}, s.formats...) {
		if !isToken(t) {
			return s, refuse(WarnOther, "media line cannot be read")
		}
	}
	if s.port < 0 || s.port > 65535 || len(s.formats) == 0 {
		return s, refuse(WarnOther, "media line cannot be read")
	}
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	s.addr, s.addrErr = readAddress(c)
	s.readAttributes(d.Attributes, m.Attributes)
	return s, nil
}

// isToken reports whether t is a token of RFC 4566 section 9, or several joined by '/'.
func isToken(t string) bool {
	if t == "" {
		return false
	}
	for i := range len(t) {
		if c := t[i]; c <= ' ' || c > '~' || strings.IndexByte(`"(),:;<=>?@[\]`, c) >= 0 {
			return false
		}
	}
	return true
}

func readAddress(c *sdp.ConnectionInformation) (netip.Addr, error) {
	if c == nil || c.Address == nil {
		return netip.Addr{}, refuse(WarnOther, "no connection address")
	}
	addr, err := netip.ParseAddr(c.Address.Address)
	if err != nil || addr.Zone() != "" {
		// A TTL ("/127") belongs to multicast; a host name would have to be looked up, which we never do for a peer.
		return netip.Addr{}, refuse(WarnAddress, "connection address is not a unicast IP address")
	}
	addr = addr.Unmap()
	if addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, refuse(WarnAddress, "connection address is not unicast")
	}
	return addr, nil
}

// readAttributes takes the session's direction as the default of the stream's (RFC 4566 section 6).
func (s *stream) readAttributes(session, media []sdp.Attribute) {
	s.direction = SendRecv
	for _, a := range session {
		s.readDirection(a.Key)
	}
	for _, a := range media {
		s.readDirection(a.Key)
		switch a.Key {
		case "rtcp-mux":
			s.mux = true
		case "rtcp":
			s.rtcp = readRTCP(a.Value)
		case "ptime":
			if ms, err := strconv.Atoi(strings.TrimSpace(a.Value)); err == nil && ms > 0 {
				s.ptime = time.Duration(min(max(ms/10*10, 10), 60)) * time.Millisecond
			}
		case "rtpmap":
			s.readMap(a.Value)
		}
	}
}

func (s *stream) readDirection(key string) {
	switch key {
	case "sendrecv":
		s.direction = SendRecv
	case "sendonly":
		s.direction = SendOnly
	case "recvonly":
		s.direction = RecvOnly
	case "inactive":
		s.direction = Inactive
	}
}

// readRTCP reads a=rtcp (RFC 3605): a port, and an address where it is not the one of c=. What cannot be read, or is
// not unicast, counts as absent.
func readRTCP(value string) netip.AddrPort {
	f := strings.Fields(value)
	if len(f) == 0 {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}
	}
	if len(f) == 4 {
		addr, err := readAddress(&sdp.ConnectionInformation{Address: &sdp.Address{Address: f[3]}})
		if err != nil {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(addr, uint16(port))
	}
	return netip.AddrPortFrom(netip.Addr{}, uint16(port))
}

func (s *stream) readMap(value string) {
	number, name, ok := strings.Cut(strings.TrimSpace(value), " ")
	pt, err := strconv.ParseUint(number, 10, 8)
	if !ok || err != nil || pt > 127 {
		return
	}
	name = strings.ToLower(strings.TrimSpace(name))
	s.maps[uint8(pt)] = strings.TrimSuffix(name, "/1")
}

// format tells what a format of the m-line carries: by a=rtpmap, or by the static number (RFC 3551 table 4).
func (s *stream) format(f string) (uint8, Format) {
	n, err := strconv.ParseUint(f, 10, 8)
	if err != nil || n > 127 {
		return NoPayload, FormatNone
	}
	pt := uint8(n)
	name, mapped := s.maps[pt]
	switch {
	case name == "pcma/8000" || !mapped && pt == 8:
		return pt, FormatPCMA
	case name == "pcmu/8000" || !mapped && pt == 0:
		return pt, FormatPCMU
	case name == "telephone-event/8000":
		return pt, FormatEvent
	}
	return pt, FormatNone
}

// usable reports whether the m-line can become our stream.
func (s *stream) usable() error {
	switch {
	case s.media != "audio" || s.port == 0:
		return refuse(WarnMedia, "no audio")
	case s.proto != "RTP/AVP":
		return refuse(WarnTransport, "audio is not RTP/AVP")
	case s.addrErr != nil:
		return s.addrErr
	case s.codec(NoCodec) == NoCodec:
		return refuse(WarnFormat, "neither PCMA nor PCMU")
	}
	return nil
}

// codec chooses among the stream's codecs: the preferred one where it is there, otherwise the first.
func (s *stream) codec(prefer Codec) Codec {
	first := NoCodec
	for _, f := range s.formats {
		_, kind := s.format(f)
		c := Codec(kind)
		if kind != FormatPCMA && kind != FormatPCMU {
			continue
		}
		if c == prefer {
			return c
		}
		if first == NoCodec {
			first = c
		}
	}
	return first
}

// payload returns the first number under which the stream carries the format.
func (s *stream) payload(want Format) uint8 {
	for _, f := range s.formats {
		if pt, kind := s.format(f); kind == want {
			return pt
		}
	}
	return NoPayload
}
