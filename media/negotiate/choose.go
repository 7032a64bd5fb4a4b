package negotiate

import (
	"slices"
	"strings"
)

// Codecs says which formats a leg may use: names of RFC 4855, without regard to case, best first. "*" stands for every
// format that can be passed through. Nothing but PCMA, PCMU and G722 is spoken by the service itself; what else is named
// is passed through where both sides of a connection share it.
type Codecs []string

// DefaultCodecs are those of a leg that names none.
var DefaultCodecs = Codecs{"PCMA", "PCMU", "G722"}

// CheckCodec tells whether a name may stand in Codecs.
func CheckCodec(name string) bool {
	return name == "*" || isToken(name) && len(name) <= maxName && !strings.Contains(name, "/") &&
		!slices.Contains(noise, strings.ToLower(name))
}

// Speaks reports whether the service itself speaks one of the codecs: a leg without any could hear no prompt.
func (c Codecs) Speaks() bool { return len(c.spoken()) > 0 }

func (c Codecs) allows(name string) bool {
	return slices.ContainsFunc(c, func(n string) bool { return strings.EqualFold(n, name) })
}

func (c Codecs) passes(p *Pass) bool { return c.allows(p.Name) || slices.Contains(c, "*") }

// spoken are the codecs of the list that we speak, in its order.
func (c Codecs) spoken() []Codec {
	var out []Codec
	for _, name := range c {
		for k := PCMA; k <= G722; k++ {
			if strings.EqualFold(k.String(), name) && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

// picked is a format of a description that we take, with the far side's number for it.
type picked struct {
	pt     uint8
	format Format
}

// pick goes through the formats of a stream in their order and takes: one codec that we speak (the preferred one where
// it is there, otherwise the first), telephone-event, and what may be passed through.
func (s *Session) pick(st *stream, prefer Codec) (all []picked, pass [MaxPass]Pass) {
	chosen := s.choose(st, prefer)
	passed, event := 0, false
	for _, f := range st.formats {
		pt, kind := st.format(f)
		switch {
		case slices.ContainsFunc(all, func(p picked) bool { return p.pt == pt }):
		case kind == FormatEvent && !event:
			event = true
			all = append(all, picked{pt, kind})
		case kind == chosen.format() && chosen != NoCodec:
			all = append(all, picked{pt, kind})
			chosen = NoCodec // once
		case kind == FormatNone && pt != NoPayload && passed < MaxPass:
			p, ok := st.passOf(pt)
			if !ok || !s.local.Codecs.passes(&p) ||
				slices.ContainsFunc(pass[:passed], func(q Pass) bool { return q.fits(&p) }) {
				continue
			}
			pass[passed] = p
			all = append(all, picked{pt, FormatPass + Format(passed)})
			passed++
		}
	}
	return all, pass
}

// choose takes one codec that we speak.
func (s *Session) choose(st *stream, prefer Codec) Codec {
	spoken := s.local.Codecs.spoken()
	first := NoCodec
	for _, f := range st.formats {
		_, kind := st.format(f)
		c := kind.Codec()
		if c == NoCodec || !slices.Contains(spoken, c) {
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

// usable reports whether an m-line can become our stream. Where answers may have formats alone that are passed through,
// offers may not: who calls must hear our prompts.
func (s *Session) usable(st *stream, offer bool) error {
	switch {
	case st.media != "audio" || st.port == 0:
		return refuse(WarnMedia, "no audio")
	case st.proto != plain && st.proto != secure:
		return refuse(WarnTransport, "audio is neither RTP/AVP nor RTP/SAVP")
	case st.proto == secure && s.local.Secure == SecureOff:
		return refuse(WarnTransport, "audio is not RTP/AVP")
	case len(st.crypto) == 0 && (st.proto == secure || s.local.Secure == SecureRequired):
		return refuse(WarnTransport, "audio is not SRTP with a key for "+AESCM80.String())
	case st.addrErr != nil:
		return st.addrErr
	}
	all, _ := s.pick(st, NoCodec)
	audio := false
	for _, p := range all {
		if p.format.Codec() != NoCodec {
			return nil
		}
		audio = audio || p.format >= FormatPass
	}
	if audio && !offer {
		return nil
	}
	var names []string
	for _, c := range s.local.Codecs.spoken() {
		names = append(names, c.String())
	}
	return refuse(WarnFormat, "prompts need one of "+strings.Join(names, ", "))
}
