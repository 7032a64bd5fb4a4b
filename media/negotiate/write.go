package negotiate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Offer returns our offer. The codec in use stands first, else the one that the peer will send, so that nothing need be
// converted; the peer's other formats and what else may be used follow. Where no codec that we speak is in use, ours stand first
// but in a strict offer. peer is what was negotiated with the leg that this one is to be connected with, nil for none. strict
// leaves out what that peer could not hear: it is for a leg that is connected already.
//
// An offer that says what we said last has the same version (RFC 3264 section 8). It always asks for sendrecv, as we hold
// nobody (RFC 6337 section 5.3). The first one offers RTP and RTCP on one port (RFC 5761), and a port for who wants two.
func (s *Session) Offer(peer *Media, strict bool) []byte {
	s.offered = s.formats(peer, strict)
	d := description{direction: SendRecv, ptime: s.packetTime(peer), mux: s.mux}
	for _, o := range s.offered {
		m := Media{Pass: [MaxPass]Pass{o.pass}}
		d.add(&m, picked{o.pt, o.format})
	}
	s.proposed = s.propose()
	d.crypto = s.proposed
	if len(s.lines) == 0 {
		s.lines, s.audio = []line{{}}, 0
	}
	return s.write(d)
}

// packetTime is how long an offer asks packets to be: as we have said before, else as the peer wants them, so that it gets
// them as they come.
func (s *Session) packetTime(peer *Media) time.Duration {
	if s.ptime == 0 {
		s.ptime = usual
		if peer != nil && peer.Ptime > 0 {
			s.ptime = peer.Ptime
		}
	}
	return s.ptime
}

// formats are those of an offer, with a number each.
func (s *Session) formats(peer *Media, strict bool) []offered {
	var all []offered
	add := func(m *Media, f Format) {
		var o offered
		switch i, pass := f.Passed(); {
		case f == FormatNone:
			return
		case pass:
			if m.Pass[i].Name == "" || !s.local.Codecs.passes(&m.Pass[i]) ||
				strict && (peer == nil || peer.PayloadFor(&m.Pass[i]) == NoPayload) {
				return
			}
			o.format, o.pass = FormatPass, m.Pass[i]
		default:
			if !slices.Contains(s.local.Codecs.spoken(), f.Codec()) || strict && peer != nil && peer.Codec == NoCodec {
				return
			}
			o.format = f
		}
		if !slices.ContainsFunc(all, func(b offered) bool { return b.format == o.format && b.pass.fits(&o.pass) }) {
			o.pt = s.number(keyOf(m, f), f.Codec())
			all = append(all, o)
		}
	}
	every := func(m *Media) {
		add(m, m.First)
		add(m, m.Codec.format())
		for i := range m.Pass {
			add(m, FormatPass+Format(i))
		}
	}
	if s.done && !strict && s.media.Codec == NoCodec { // it understands nothing of ours, and shall
		for _, c := range s.local.Codecs.spoken() {
			add(s.media, c.format())
		}
	}
	if s.done {
		every(s.media)
	}
	if peer != nil {
		every(peer)
	}
	for _, c := range s.local.Codecs.spoken() {
		add(s.media, c.format())
	}
	if len(all) == 0 { // nothing that both could hear: better to keep a leg that hears prompts
		return s.formats(nil, false)
	}
	return append(all, offered{pt: s.number(eventKey, NoCodec), format: FormatEvent})
}

const eventKey = "event"

// keyOf names a format of a stream for the numbers of the session.
func keyOf(m *Media, f Format) string {
	if i, ok := f.Passed(); ok {
		return m.Pass[i].shape
	}
	if f == FormatEvent {
		return eventKey
	}
	return f.Codec().String()
}

// assign keeps the number that the far side gave to a format: it keeps its meaning for the whole session (RFC 3264
// section 8.3.2). What had it before gets another when it is offered next.
func (s *Session) assign(key string, pt uint8) {
	for k, used := range s.numbers {
		if used == pt && k != key {
			delete(s.numbers, k)
		}
	}
	s.numbers[key] = pt
}

// number returns the number that a format has in this session, a new one where it has none.
func (s *Session) number(key string, c Codec) uint8 {
	if pt, ok := s.numbers[key]; ok {
		return pt
	}
	taken := func(pt uint8) bool {
		for _, used := range s.numbers {
			if used == pt {
				return true
			}
		}
		return false
	}
	pt := c.static()
	if key == eventKey {
		pt = 101
	}
	for n, p := range statics {
		if p.shaped().shape == key {
			pt = n
		}
	}
	if pt == NoPayload || taken(pt) {
		for pt = 96; pt < 127 && taken(pt); pt++ {
		}
	}
	s.numbers[key] = pt
	return pt
}

// propose are the a=crypto lines of an offer: all suites at first, then the one in use with the key in use.
func (s *Session) propose() []cryptoLine {
	switch {
	case s.local.Secure == SecureOff, s.done && s.media.SendKey.Suite == NoSuite && s.local.Secure == SecureOptional:
		return nil
	case s.done && s.media.SendKey.Suite != NoSuite:
		return []cryptoLine{{1, s.media.SendKey}}
	}
	var all []cryptoLine
	for i, suite := range []Suite{AESCM80, AESGCM, AESCM32} {
		all = append(all, cryptoLine{i + 1, s.local.Keys.of(suite)})
	}
	return all
}

// description is our m-line before it is written.
type description struct {
	formats   []string
	maps      strings.Builder
	direction Direction
	ptime     time.Duration
	mux       bool
	crypto    []cryptoLine
}

// add writes a format of a stream.
func (d *description) add(m *Media, p picked) {
	number := strconv.Itoa(int(p.pt))
	d.formats = append(d.formats, number)
	switch i, pass := p.format.Passed(); {
	case pass:
		f := &m.Pass[i]
		fmt.Fprintf(&d.maps, "a=rtpmap:%s %s/%d", number, f.Name, f.Rate)
		if f.Channels > 1 {
			fmt.Fprintf(&d.maps, "/%d", f.Channels)
		}
		d.maps.WriteString("\r\n")
		if f.Params != "" {
			fmt.Fprintf(&d.maps, "a=fmtp:%s %s\r\n", number, f.Params)
		}
	case p.format == FormatEvent:
		fmt.Fprintf(&d.maps, "a=rtpmap:%[1]s telephone-event/8000\r\na=fmtp:%[1]s 0-16\r\n", number)
	default:
		fmt.Fprintf(&d.maps, "a=rtpmap:%s %s/8000\r\n", number, p.format.Codec())
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
		fmt.Fprintf(&b, "m=audio %d %s %s\r\n", s.local.RTP, s.proto, strings.Join(d.formats, " "))
		b.WriteString(d.maps.String())
		for _, c := range d.crypto {
			b.WriteString(c.write())
		}
		fmt.Fprintf(&b, "a=ptime:%d\r\na=maxptime:%d\r\na=%s\r\n", d.ptime.Milliseconds(), longest.Milliseconds(), d.direction)
		if d.mux {
			b.WriteString("a=rtcp-mux\r\n")
		}
		if agreed := d.mux && s.done && s.media.Mux; !agreed && s.local.RTCP != s.local.RTP+1 { // for who does not know rtcp-mux (RFC 5761 section 5.1.3)
			fmt.Fprintf(&b, "a=rtcp:%d\r\n", s.local.RTCP)
		}
	}
	if b.String() != s.said {
		s.said = b.String()
		s.version++
	}
	return fmt.Appendf(nil, "v=0\r\no=telefonist %d %d%s", s.local.ID, s.version, s.said)
}
