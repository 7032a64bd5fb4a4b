package negotiate

import (
	"net/netip"
	"time"
)

// Local is our side of a session; only its ports may change (Move).
type Local struct {
	// Addr is what we advertise in o= and c=.
	Addr netip.Addr
	// RTP and RTCP are our ports.
	RTP, RTCP uint16
	// ID is the session identifier of o=, unique among our sessions.
	ID uint64
	// Codecs are what may be used; nil means DefaultCodecs.
	Codecs Codecs
	// Secure says whether the audio is protected, Keys with what; Keys are looked at only where it may be.
	Secure Secure
	Keys   Keys
}

// Session is the offer/answer state of one dialog. It is not safe for use by several goroutines.
type Session struct {
	local Local
	check func(rtp, rtcp netip.AddrPort) error

	version uint64
	said    string // our last description but for its version
	lines   []line // the m-lines so far, which later offers must keep (RFC 3264 section 8)
	audio   int    // index of ours among them
	proto   string // the transport of ours
	numbers map[string]uint8
	tag     int           // of our a=crypto in answers
	ptime   time.Duration // what we said last; 0 for nothing
	mux     bool          // that we said, or shall say, a=rtcp-mux

	offered  []offered // the formats of our last offer; empty: none was made, so no answer can be accepted
	proposed []cryptoLine

	media *Media // what was negotiated last; never nil, and never changed: whoever asks shares it
	done  bool
}

// line is an m-line that is kept for later offers.
type line struct{ media, proto, format string }

// offered is a format of our offer, with our number for it.
type offered struct {
	pt     uint8
	format Format // FormatPass for all that are passed through
	pass   Pass
}

// New starts a session. check, where not nil, may forbid the addresses that the far side asks us to send to; its error
// should be a *RefusedError. It is asked last: where it returns nil the description takes effect.
func New(local Local, check func(rtp, rtcp netip.AddrPort) error) *Session {
	if local.Codecs == nil {
		local.Codecs = DefaultCodecs
	}
	proto := plain
	if local.Secure == SecureRequired {
		proto = secure
	}
	return &Session{local: local, check: check, proto: proto, numbers: map[string]uint8{eventKey: 101}, mux: true, media: new(Media)}
}

// Move has other ports of ours told from the next description on.
func (s *Session) Move(rtp, rtcp uint16) { s.local.RTP, s.local.RTCP = rtp, rtcp }

// Media returns what was negotiated last, which must not be changed; ok is false before the first finished exchange.
func (s *Session) Media() (m *Media, ok bool) { return s.media, s.done }

// Accept applies the answer to our last offer, and returns our direction. It may be called again for the same offer: a
// final answer counts in place of an early one. On an error nothing has changed.
func (s *Session) Accept(answer []byte) (Direction, error) {
	if len(s.offered) == 0 {
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
	if err := s.usable(st, false); err != nil {
		return 0, err
	}
	m, err := s.understand(st, NoCodec)
	if err != nil {
		return 0, err
	}
	for _, c := range st.crypto {
		for _, ours := range s.proposed {
			if c.tag == ours.tag && c.Suite == ours.Suite && m.SendKey.Suite == NoSuite {
				m.SendKey, m.ReceiveKey = ours.Crypto, c.Crypto
			}
		}
	}
	if m.SendKey.Suite == NoSuite && (s.local.Secure == SecureRequired || s.proto == secure ||
		len(s.proposed) > 0 && len(st.crypto) > 0) {
		return 0, refuse(WarnTransport, "answer has no key for a suite of the offer")
	}
	if err := s.expect(&m); err != nil {
		return 0, err
	}
	if err := s.approve(&m); err != nil {
		return 0, err
	}
	s.settle(&m)
	return m.Direction, nil
}

// expect works out what may arrive after an answer: they send what we offered, under our numbers (RFC 3264 section 6.1);
// many send under their own all the same. A format that we did not offer is not taken.
func (s *Session) expect(m *Media) error {
	for i := range m.Pass {
		p := &m.Pass[i]
		if p.Name == "" {
			continue
		}
		known := false
		for _, o := range s.offered {
			if o.format == FormatPass && o.pass.fits(p) {
				known = true
				if m.Receive[o.pt] == FormatNone {
					m.Receive[o.pt] = FormatPass + Format(i)
				}
			}
		}
		if !known {
			m.Receive[p.Payload], *p = FormatNone, Pass{}
			if m.First == FormatPass+Format(i) {
				m.First = m.Codec.format()
			}
		}
	}
	if m.First == FormatNone {
		return refuse(WarnFormat, "answer has no format of the offer")
	}
	for _, o := range s.offered {
		if o.format != FormatPass && m.Receive[o.pt] == FormatNone {
			m.Receive[o.pt] = o.format
		}
	}
	return nil
}

// Answer applies an offer and returns our answer to it. changed tells whether anything that matters to the stream
// differs from before. The codec in use stays where it is still offered; otherwise the preferred one is taken where it
// is offered, otherwise the first that is known. On an error nothing has changed.
func (s *Session) Answer(offer []byte, prefer Codec) (answer []byte, changed bool, err error) {
	streams, err := parse(offer)
	if err != nil {
		return nil, false, err
	}
	audio, err := s.find(streams)
	if err != nil {
		return nil, false, err
	}
	st := &streams[audio]
	if now := s.media.Codec; now != NoCodec && s.choose(st, now) == now {
		prefer = now
	}
	m, err := s.understand(st, prefer)
	if err != nil {
		return nil, false, err
	}
	if len(st.crypto) > 0 && s.local.Secure != SecureOff {
		c := st.crypto[0]
		s.tag = c.tag
		m.SendKey, m.ReceiveKey = s.sendKey(c.Suite), c.Crypto
	}
	if err := s.approve(&m); err != nil {
		return nil, false, err
	}

	if changed = !s.done || m != *s.media; changed {
		s.settle(&m)
	}
	s.keepLines(streams, audio)
	s.ptime, s.mux = m.Ptime, m.Mux
	d := description{direction: m.Direction, ptime: m.Ptime, mux: m.Mux}
	all, _ := s.pick(st, prefer)
	for _, p := range all {
		d.add(&m, p)
		s.assign(keyOf(&m, p.format), p.pt)
	}
	if m.SendKey.Suite != NoSuite {
		d.crypto = []cryptoLine{{s.tag, m.SendKey}}
	}
	return s.write(d), changed, nil
}

// find returns the m-line that becomes ours: the first that can, one with keys before one without where we may have
// keys. The error is about the first audio that cannot.
func (s *Session) find(streams []stream) (audio int, err error) {
	audio = -1
	for i := range streams {
		st := &streams[i]
		if bad := s.usable(st, true); bad != nil {
			if err == nil || st.media == "audio" && st.port != 0 {
				err = bad
			}
			continue
		}
		if audio < 0 || s.local.Secure != SecureOff && len(streams[audio].crypto) == 0 && len(st.crypto) > 0 {
			audio = i
		}
	}
	if audio >= 0 {
		return audio, nil
	}
	return 0, err
}

// understand works out what a stream of the far side means for us, but for keys.
func (s *Session) understand(st *stream, prefer Codec) (Media, error) {
	m := Media{
		Payload:   NoPayload,
		Event:     NoPayload,
		Ptime:     st.ptime,
		Framed:    st.framed,
		Direction: st.direction.reverse(),
		Mux:       st.mux,
	}
	var all []picked
	all, m.Pass = s.pick(st, prefer)
	for _, p := range all {
		m.Receive[p.pt] = p.format
		switch c := p.format.Codec(); {
		case c != NoCodec:
			m.Codec, m.Payload = c, p.pt
		case p.format == FormatEvent:
			m.Event = p.pt
			continue
		}
		if m.First == FormatNone {
			m.First = p.format
		}
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
	return m, nil
}

// approve asks whether the far side's addresses may be sent to.
func (s *Session) approve(m *Media) error {
	if s.check == nil || !m.Remote.IsValid() {
		return nil
	}
	return s.check(m.Remote, m.RemoteRTCP)
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
	s.audio, s.proto = audio, streams[audio].proto
}
