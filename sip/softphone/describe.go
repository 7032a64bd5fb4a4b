package softphone

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Directions of a media stream (RFC 3264 section 5.1).
const (
	sendRecv = "sendrecv"
	sendOnly = "sendonly"
	recvOnly = "recvonly"
	inactive = "inactive"
)

// description is what we need of a session description: one audio stream.
type description struct {
	addr      netip.AddrPort
	codecs    []Codec // in the order offered
	events    uint8   // payload type of telephone-event, 0 for none
	direction string
}

var errDescription = errors.New("no audio that we speak in the session description")

// parseDescription reads the first audio stream of a description (RFC 8866).
func parseDescription(b []byte) (description, error) {
	var s sdp.SessionDescription
	if err := s.Unmarshal(b); err != nil {
		return description{}, fmt.Errorf("read session description: %w", err)
	}
	i := slices.IndexFunc(s.MediaDescriptions, func(m *sdp.MediaDescription) bool {
		return m.MediaName.Media == "audio" && m.MediaName.Port.Value != 0
	})
	if i < 0 {
		return description{}, errDescription
	}
	m := s.MediaDescriptions[i]
	host := m.ConnectionInformation
	if host == nil {
		host = s.ConnectionInformation
	}
	if host == nil || host.Address == nil {
		return description{}, fmt.Errorf("%w: no address", errDescription)
	}
	addr, err := netip.ParseAddr(host.Address.Address)
	if err != nil || m.MediaName.Port.Value < 0 || m.MediaName.Port.Value > 65535 {
		return description{}, fmt.Errorf("%w: address %q", errDescription, host.Address.Address)
	}
	d := description{addr: netip.AddrPortFrom(addr.Unmap(), uint16(m.MediaName.Port.Value)), direction: sendRecv}
	for _, f := range m.MediaName.Formats {
		switch f {
		case "0":
			d.codecs = append(d.codecs, PCMU)
		case "8":
			d.codecs = append(d.codecs, PCMA)
		}
	}
	for _, a := range slices.Concat(s.Attributes, m.Attributes) {
		switch a.Key {
		case sendRecv, sendOnly, recvOnly, inactive:
			d.direction = a.Key
		case "rtpmap":
			kind, name, _ := strings.Cut(a.Value, " ")
			if n, err := strconv.ParseUint(kind, 10, 7); err == nil && strings.EqualFold(name, "telephone-event/8000") {
				d.events = uint8(n)
			}
		}
	}
	if len(d.codecs) == 0 {
		return description{}, errDescription
	}
	return d, nil
}

// local is our side of the description.
type local struct {
	addr    netip.Addr
	port    int
	session uint64
	version uint64
	codecs  []Codec
	events  uint8
	held    bool // we have put the far side on hold
	last    string
}

// print writes the description; its version grows where it differs from the last one (RFC 3264 section 8).
func (l *local) print(direction string) []byte {
	family := "IP4"
	if l.addr.Is6() {
		family = "IP6"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "s=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP", family, l.addr, l.port)
	for _, c := range l.codecs {
		fmt.Fprintf(&b, " %d", c)
	}
	if l.events != 0 {
		fmt.Fprintf(&b, " %d", l.events)
	}
	b.WriteString("\r\n")
	for _, c := range l.codecs {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", c, c)
	}
	if l.events != 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", l.events, l.events)
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", direction)
	if b.String() != l.last {
		l.version++
		l.last = b.String()
	}
	return fmt.Appendf(nil, "v=0\r\no=- %d %d IN %s %s\r\n%s", l.session, l.version, family, l.addr, l.last)
}

// offer describes what we want.
func (l *local) offer() []byte {
	if l.held {
		return l.print(sendOnly)
	}
	return l.print(sendRecv)
}

// answer describes what we take of an offer: its first codec that we speak.
func (l *local) answer(d description) ([]byte, error) {
	i := slices.IndexFunc(d.codecs, func(c Codec) bool { return slices.Contains(l.codecs, c) })
	if i < 0 {
		return nil, errDescription
	}
	all := l.codecs
	l.codecs, l.events = []Codec{d.codecs[i]}, d.events
	body := l.print(l.answerDirection(d.direction))
	l.codecs = all
	return body, nil
}

// answerDirection follows RFC 3264 section 6.1.
func (l *local) answerDirection(offered string) string {
	switch {
	case offered == inactive, offered == sendOnly && l.held:
		return inactive
	case offered == sendOnly:
		return recvOnly
	case offered == recvOnly, l.held:
		return sendOnly
	}
	return sendRecv
}

// wantsAudio tells whether the far side wants to hear us.
func (d description) wantsAudio() bool {
	return (d.direction == sendRecv || d.direction == recvOnly) && !d.addr.Addr().IsUnspecified() && d.addr.Port() != 0
}

// common is the first codec of the far side that we speak.
func (l *local) common(d description) (Codec, bool) {
	for _, c := range d.codecs {
		if slices.Contains(l.codecs, c) {
			return c, true
		}
	}
	return 0, false
}
