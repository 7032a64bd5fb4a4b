package negotiate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Local is our side of a session; it never changes.
type Local struct {
	// Addr is what we advertise in o= and c=.
	Addr netip.Addr
	// RTP and RTCP are our ports.
	RTP, RTCP uint16
	// ID is the session identifier of o=, unique among our sessions.
	ID uint64
}

// Session is the offer/answer state of one dialog. It is not safe for use by several goroutines.
type Session struct {
	local Local
	check func(netip.AddrPort) error

	version uint64
	said    string // our last description but for its version
	lines   []line // the m-lines so far, which later offers must keep (RFC 3264 section 8)
	audio   int    // index of ours among them
	event   uint8  // the number of telephone-event in our offers
	offered bool   // an offer of ours has been made, so an answer can be accepted
	numbers numbers

	media Media
	done  bool
}

// line is an m-line that is kept for later offers.
type line struct{ media, proto, format string }

// numbers are the payload numbers that our last offer gave to each format.
type numbers [4]uint8

// New starts a session. check, where not nil, may forbid an address that the far side asks us to send to; its error
// should be a *RefusedError.
func New(local Local, check func(netip.AddrPort) error) *Session {
	return &Session{local: local, check: check, event: 101}
}

// Media returns what was negotiated last; ok is false before the first finished exchange.
func (s *Session) Media() (m Media, ok bool) { return s.media, s.done }

// Offer returns our offer: both codecs, the one already in use first, else the preferred one. An offer that says what we
// said last has the same version (RFC 3264 section 8). It always asks for sendrecv, as we hold nobody (RFC 6337
// section 5.3).
func (s *Session) Offer(prefer Codec) []byte {
	first := s.media.Codec
	if first == NoCodec {
		first = prefer
	}
	codecs := []Codec{PCMA, PCMU}
	if first == PCMU {
		codecs = []Codec{PCMU, PCMA}
	}
	var d description
	for _, c := range codecs {
		pt := c.static()
		if s.done && c == s.media.Codec {
			pt = s.media.Payload
		}
		d.add(pt, c.format())
	}
	d.add(s.event, FormatEvent)
	d.direction, d.ptime, d.mux = SendRecv, 20*time.Millisecond, s.done && s.media.Mux

	s.numbers = d.numbers
	s.offered = true
	if len(s.lines) == 0 {
		s.lines, s.audio = []line{{}}, 0
	}
	return s.write(d)
}

// Accept applies the answer to our last offer, and returns our direction. It may be called again for the same offer: a
// final answer counts in place of an early one. On an error nothing has changed.
func (s *Session) Accept(answer []byte) (Direction, error) {
	if !s.offered {
		return 0, refuse(WarnOther, "answer without an offer")
	}
	streams, err := parse(answer)
	if err != nil {
		return 0, err
	}
	if len(streams) != len(s.lines) {
		return 0, refuse(WarnOther, "answer does not match the offer")
	}
	st := &streams[s.audio]
	if err := st.usable(); err != nil {
		return 0, err
	}
	m, err := s.understand(st, NoCodec)
	if err != nil {
		return 0, err
	}
	// They send what we offered, under our numbers (RFC 3264 section 6.1); many send under their own all the same.
	for kind, pt := range s.numbers {
		if pt != NoPayload && kind != int(FormatNone) && m.Receive[pt] == FormatNone {
			m.Receive[pt] = Format(kind)
		}
	}
	s.media, s.done = m, true
	return m.Direction, nil
}

// Answer applies an offer and returns our answer to it. changed tells whether anything that matters to the stream
// differs from before. The codec in use stays where it is still offered; otherwise the preferred one is taken where it
// is offered, otherwise the first that is known. On an error nothing has changed.
func (s *Session) Answer(offer []byte, prefer Codec) (answer []byte, changed bool, err error) {
	streams, err := parse(offer)
	if err != nil {
		return nil, false, err
	}
	audio := -1
	for i := range streams {
		bad := streams[i].usable()
		if bad == nil {
			audio = i
			break
		}
		if err == nil || streams[i].media == "audio" && streams[i].port != 0 {
			err = bad
		}
	}
	if audio < 0 {
		return nil, false, err
	}
	st := &streams[audio]
	if now := s.media.Codec; now != NoCodec && st.codec(now) == now {
		prefer = now
	}
	m, err := s.understand(st, prefer)
	if err != nil {
		return nil, false, err
	}

	changed = !s.done || m != s.media
	s.media, s.done = m, true
	s.keepLines(streams, audio)
	if m.Event != NoPayload {
		s.event = m.Event // a number keeps its meaning for the whole session (RFC 3264 section 8.3.2)
	}
	var d description
	d.add(m.Payload, m.Codec.format())
	if m.Event != NoPayload {
		d.add(m.Event, FormatEvent)
	}
	d.direction, d.ptime, d.mux = m.Direction, m.Ptime, m.Mux
	return s.write(d), changed, nil
}

// understand works out what a stream of the far side means for us.
func (s *Session) understand(st *stream, prefer Codec) (Media, error) {
	c := st.codec(prefer)
	m := Media{
		Codec:     c,
		Payload:   st.payload(c.format()),
		Event:     st.payload(FormatEvent),
		Ptime:     st.ptime,
		Direction: st.direction.reverse(),
		Mux:       st.mux,
	}
	m.Receive[m.Payload] = c.format()
	if m.Event != NoPayload {
		m.Receive[m.Event] = FormatEvent
	}
	if st.addr.IsUnspecified() {
		// The hold of RFC 2543, still to be understood (RFC 3264 section 8.4): nothing can be sent.
		m.Direction &^= SendOnly
		return m, nil
	}
	if st.addr.Is4() != s.local.Addr.Is4() {
		return Media{}, refuse(WarnAddress, "connection address is of another IP version")
	}
	m.Remote = netip.AddrPortFrom(st.addr, uint16(st.port))
	m.RemoteRTCP = st.rtcpAddr(m.Remote)
	if s.check != nil {
		for _, a := range []netip.AddrPort{m.Remote, m.RemoteRTCP} {
			if err := s.check(a); err != nil {
				return Media{}, err
			}
		}
	}
	return m, nil
}

// rtcpAddr is where the far side receives RTCP: with RTP (RFC 5761), where a=rtcp says (RFC 3605), or one port up.
func (st *stream) rtcpAddr(rtp netip.AddrPort) netip.AddrPort {
	switch {
	case st.mux || rtp.Port() == 65535:
		return rtp
	case st.rtcp.Port() == 0:
		return netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
	case st.rtcp.Addr().IsValid() && !st.rtcp.Addr().IsUnspecified() && st.rtcp.Addr().Is4() == rtp.Addr().Is4():
		return st.rtcp
	}
	return netip.AddrPortFrom(rtp.Addr(), st.rtcp.Port())
}

func (s *Session) keepLines(streams []stream, audio int) {
	s.lines = s.lines[:0]
	for _, st := range streams {
		s.lines = append(s.lines, line{st.media, st.proto, st.formats[0]})
	}
	s.audio = audio
}

// description is our m-line before it is written.
type description struct {
	formats   []string
	maps      []string
	numbers   numbers
	direction Direction
	ptime     time.Duration
	mux       bool
}

func (d *description) add(pt uint8, f Format) {
	if len(d.formats) == 0 {
		d.numbers = numbers{NoPayload, NoPayload, NoPayload, NoPayload}
	}
	number := strconv.Itoa(int(pt))
	d.numbers[f] = pt
	d.formats = append(d.formats, number)
	switch f {
	case FormatPCMA, FormatPCMU:
		d.maps = append(d.maps, "a=rtpmap:"+number+" "+Codec(f).String()+"/8000\r\n")
	case FormatEvent:
		d.maps = append(d.maps, "a=rtpmap:"+number+" telephone-event/8000\r\n", "a=fmtp:"+number+" 0-16\r\n")
	}
}

// write prints our description with every m-line of the session, all but ours refused with port 0 (RFC 3264 section 6).
func (s *Session) write(d description) []byte {
	var b strings.Builder
	family := "IP4"
	if !s.local.Addr.Is4() {
		family = "IP6"
	}
	fmt.Fprintf(&b, " IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", family, s.local.Addr, family, s.local.Addr)
	for i, l := range s.lines {
		if i != s.audio {
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", l.media, l.proto, l.format)
			continue
		}
		fmt.Fprintf(&b, "m=audio %d RTP/AVP %s\r\n", s.local.RTP, strings.Join(d.formats, " "))
		b.WriteString(strings.Join(d.maps, ""))
		fmt.Fprintf(&b, "a=ptime:%d\r\na=%s\r\n", d.ptime.Milliseconds(), d.direction)
		switch {
		case d.mux:
			b.WriteString("a=rtcp-mux\r\n")
		case s.local.RTCP != s.local.RTP+1:
			fmt.Fprintf(&b, "a=rtcp:%d\r\n", s.local.RTCP)
		}
	}
	if b.String() != s.said {
		s.said = b.String()
		s.version++
	}
	return fmt.Appendf(nil, "v=0\r\no=telefonist %d %d%s", s.local.ID, s.version, s.said)
}
