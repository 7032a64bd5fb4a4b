package config

import (
	"fmt"
	"slices"
	"strings"
)

// Codec is the encoding name of an audio format (RFC 4855), or "*" for every one that can be passed through.
type Codec string

// Spoken are the codecs that the service itself speaks: prompts are played in them, and they are converted into one another.
var Spoken = []Codec{"PCMA", "PCMU", "G722"}

// UnmarshalText reads a name. Those that are spoken may be written in any case.
func (c *Codec) UnmarshalText(text []byte) error {
	s := string(text)
	for _, k := range Spoken {
		if strings.EqualFold(s, string(k)) {
			*c = k
			return nil
		}
	}
	ok := s == "*" || s != "" && len(s) <= 24 && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '.' && r != '_'
	}) < 0
	if !ok || strings.EqualFold(s, "telephone-event") {
		return wrong(fmt.Sprintf("%q is no codec", s), "write a name as SDP has it, such as PCMA, G722, opus or G729, or \"*\"")
	}
	*c = Codec(s)
	return nil
}

// CodecNames are codecs as text; nil for none.
func CodecNames(codecs []Codec) []string {
	var names []string
	for _, c := range codecs {
		names = append(names, string(c))
	}
	return names
}

// checkCodecs reports a list that leaves a far side without prompts. A list that is not written is none.
func checkCodecs(s *source, at string, codecs []Codec, written bool) {
	if !written || slices.ContainsFunc(codecs, func(c Codec) bool { return slices.Contains(Spoken, c) }) {
		return
	}
	for _, e := range s.errs {
		if strings.HasPrefix(e.Path, at) {
			return // an entry could not be read: that stands alone
		}
	}
	s.fail(at, "has no codec that prompts can be played in", "add PCMA, PCMU or G722")
}
