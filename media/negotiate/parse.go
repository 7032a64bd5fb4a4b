package negotiate

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Lengths of packets: the shortest, the usual and the longest that are negotiated (RFC 3551 section 4.2 has 20 ms).
const (
	shortest = 10 * time.Millisecond
	usual    = 20 * time.Millisecond
	longest  = 60 * time.Millisecond
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
	framed    bool             // a=ptime or a=maxptime was there
	maps      map[uint8]string // payload number to name/rate, and channels where they are more than one
	params    map[uint8]string // payload number to its parameters
	crypto    []cryptoLine
}

// parse reads a session description. Errors are *RefusedError.
func parse(text []byte) ([]stream, error) {
	if len(text) > maxBytes {
		return nil, refuse(WarnOther, "session description too large")
	}
	text, streams, err := relevant(text)
	if err != nil {
		return nil, err
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(text); err != nil || len(d.MediaDescriptions) != len(streams) {
		return nil, refuse(WarnOther, "session description cannot be read")
	}
	for i, m := range d.MediaDescriptions {
		streams[i].read(&d, m)
	}
	return streams, nil
}

// The transports that can become ours (RFC 3551 section 6, RFC 3711 section 12).
const (
	plain  = "RTP/AVP"
	secure = "RTP/SAVP"
)

// foreign stands for an m-line that cannot become ours. The library refuses kinds of media and transports that it does
// not know (image over udptl, for one), where RFC 3264 section 6 has us refuse that one stream.
const foreign = "m=application 0 UDP 0\r\n"

// relevant reads the m-lines, and keeps of the rest the lines that negotiation looks at: version, addresses and attributes of
// the session and of audio. What else there is (bandwidth, keys, contact particulars, who began the session and when) is skipped
// rather than refused for an unknown value.
func relevant(text []byte) (kept []byte, streams []stream, err error) {
	var h head
	ours := true // the section is of interest
	for line := range bytes.Lines(text) {
		switch {
		case bytes.HasPrefix(line, []byte("m=")):
			s, err := readLine(string(line[2:]))
			if err != nil {
				return nil, nil, err
			}
			streams = append(streams, s)
			if ours = s.media == "audio" && (s.proto == plain || s.proto == secure); !ours {
				line = []byte(foreign)
			}
		case streams == nil:
			h.add(line)
			continue
		case !ours || skipped(line):
			continue
		}
		kept = append(kept, line...)
	}
	switch {
	case len(streams) == 0:
		err = refuse(WarnMedia, "no media")
	case len(streams) > maxLines:
		err = refuse(WarnOther, "too many media lines")
	}
	return append(h.text(), kept...), streams, err
}

// skipped reports whether a line is of a kind that negotiation does not look at.
func skipped(line []byte) bool {
	return len(line) > 1 && line[1] == '=' && strings.IndexByte("biekpruz", line[0]) >= 0
}

// head is the section of the session. Not every far side keeps to the order of RFC 4566 section 5, or to its numbers in o=.
type head struct{ version, address, attributes, unknown []byte }

func (h *head) add(line []byte) {
	switch {
	case skipped(line), bytes.HasPrefix(line, []byte("o=")), bytes.HasPrefix(line, []byte("s=")), bytes.HasPrefix(line, []byte("t=")):
	case bytes.HasPrefix(line, []byte("v=")):
		h.version = append(h.version, line...)
	case bytes.HasPrefix(line, []byte("c=")):
		h.address = append(h.address, line...)
	case bytes.HasPrefix(line, []byte("a=")):
		h.attributes = append(h.attributes, line...)
	default:
		h.unknown = append(h.unknown, line...) // for the library to refuse
	}
}

// text is the section in the order in which the library reads it.
func (h *head) text() []byte {
	const origin, timing = "o=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n", "t=0 0\r\n"
	return slices.Concat(h.version, h.unknown, []byte(origin), h.address, []byte(timing), h.attributes)
}

// readLine reads an m-line: media, port, transport and formats (RFC 4566 section 5.14).
func readLine(text string) (stream, error) {
	bad := refuse(WarnOther, "media line cannot be read")
	f := strings.Fields(text)
	if len(f) < 4 {
		return stream{}, bad
	}
	for _, t := range f {
		if !isToken(t) {
			return stream{}, bad
		}
	}
	number, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return stream{}, bad
	}
	return stream{media: f[0], port: int(port), proto: f[2], formats: f[3:]}, nil
}

// read takes the address and the attributes of a stream.
func (s *stream) read(d *sdp.SessionDescription, m *sdp.MediaDescription) {
	s.ptime, s.maps, s.params = usual, map[uint8]string{}, map[uint8]string{}
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	s.addr, s.addrErr = readAddress(c)
	s.readAttributes(d.Attributes, m.Attributes)
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
	most := time.Hour
	for _, a := range media {
		s.readDirection(a.Key)
		switch a.Key {
		case "rtcp-mux":
			s.mux = true
		case "rtcp":
			s.rtcp = readRTCP(a.Value)
		case "ptime":
			s.ptime, s.framed = s.readPtime(a.Value, s.ptime)
		case "maxptime":
			most, s.framed = s.readPtime(a.Value, most)
		case "rtpmap":
			s.readMap(a.Value)
		case "fmtp":
			if pt, params, ok := numbered(a.Value); ok && isParams(params) {
				s.params[pt] = params
			}
		case "crypto":
			if c, ok := readCrypto(a.Value); ok && len(s.crypto) < maxCrypto {
				s.crypto = append(s.crypto, c)
			}
		}
	}
	s.ptime = min(s.ptime, most)
}

// readPtime reads a=ptime or a=maxptime in whole steps of 10 ms, at least 10 and at most longest. What cannot be read counts
// as absent.
func (s *stream) readPtime(value string, otherwise time.Duration) (d time.Duration, framed bool) {
	ms, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || ms <= 0 {
		return otherwise, s.framed
	}
	d = time.Duration(min(ms, int(longest.Milliseconds()))) * time.Millisecond
	return max(d/shortest*shortest, shortest), true
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

// numbered splits the value of an attribute that begins with a payload number.
func numbered(value string) (pt uint8, rest string, ok bool) {
	number, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	n, err := strconv.ParseUint(number, 10, 8)
	return uint8(n), strings.TrimSpace(rest), ok && err == nil && n <= 127
}

func (s *stream) readMap(value string) {
	if pt, name, ok := numbered(value); ok {
		s.maps[pt] = strings.TrimSuffix(name, "/1")
	}
}

// format tells what a format of the m-line carries: by a=rtpmap, or by the static number (RFC 3551 table 4). What could
// be passed through counts as FormatNone here.
func (s *stream) format(f string) (uint8, Format) {
	n, err := strconv.ParseUint(f, 10, 8)
	if err != nil || n > 127 {
		return NoPayload, FormatNone
	}
	pt := uint8(n)
	name, mapped := s.maps[pt]
	name = strings.ToLower(name)
	for c := PCMA; c <= G722; c++ {
		if name == strings.ToLower(c.String())+"/8000" || !mapped && pt == c.static() {
			return pt, c.format()
		}
	}
	if name == "telephone-event/8000" {
		return pt, FormatEvent
	}
	return pt, FormatNone
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
