package negotiate

import (
	"slices"
	"strconv"
	"strings"
)

// MaxPass is how many formats of one stream can be passed through.
const MaxPass = 4

// Pass is a format that we cannot read: it is passed through where both sides share it.
type Pass struct {
	// Name is the encoding name as RFC 4855 registers it ("opus", "G729", "AMR-WB"); empty for none.
	Name string
	// Rate is the clock of the RTP timestamp in Hz; Channels is 1 unless said otherwise.
	Rate     uint32
	Channels uint8
	// Params are the parameters of a=fmtp as the far side wrote them.
	Params string
	// Payload is the number under which the far side takes it.
	Payload uint8

	shape string // what two sides must have in common
}

// Limits of what is repeated of a peer's text.
const (
	maxName   = 24
	maxParams = 200
)

// shaped works out what two sides must have in common: name, clock, channels, and those parameters that change the packets.
func (p Pass) shaped() Pass {
	k := strings.ToLower(p.Name) + "/" + strconv.Itoa(int(p.Rate)) + "/" + strconv.Itoa(int(p.Channels))
	for _, name := range framing[strings.ToLower(p.Name)] {
		k += ";" + param(p.Params, name)
	}
	p.shape = k
	return p
}

// framing names the parameters that change how a packet must be read, with what holds where they are missing: AMR (RFC 4867
// section 8.1), iLBC (RFC 3952 section 5).
var framing = map[string][]string{
	"amr":    {"octet-align=0", "crc=0", "robust-sorting=0", "interleaving=0"},
	"amr-wb": {"octet-align=0", "crc=0", "robust-sorting=0", "interleaving=0"},
	"ilbc":   {"mode=30"},
}

// param returns "name=value" from a list of parameters, or the default given.
func param(list, byDefault string) string {
	name, _, _ := strings.Cut(byDefault, "=")
	for p := range strings.SplitSeq(list, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(k, name) {
			return name + "=" + strings.TrimSpace(v)
		}
	}
	return byDefault
}

// fits reports whether packets of one can be read as the other.
func (p *Pass) fits(q *Pass) bool { return p.shape == q.shape }

// statics are the encodings that RFC 3551 table 4 gives a number to, besides those that we speak.
var statics = map[uint8]Pass{
	3:  {Name: "GSM", Rate: 8000, Channels: 1},
	4:  {Name: "G723", Rate: 8000, Channels: 1},
	7:  {Name: "LPC", Rate: 8000, Channels: 1},
	12: {Name: "QCELP", Rate: 8000, Channels: 1},
	15: {Name: "G728", Rate: 8000, Channels: 1},
	18: {Name: "G729", Rate: 8000, Channels: 1},
}

// noise are encodings that are no audio by themselves: they are neither chosen nor passed.
var noise = []string{"telephone-event", "tone", "cn", "red", "ulpfec", "parityfec", "rtx"}

// passOf reads a format of the far side that could be passed through.
func (s *stream) passOf(pt uint8) (Pass, bool) {
	p, known := statics[pt]
	if text, mapped := s.maps[pt]; mapped {
		var ok bool
		if p, ok = readPass(text); !ok {
			return Pass{}, false
		}
	} else if !known {
		return Pass{}, false
	}
	if slices.Contains(noise, strings.ToLower(p.Name)) {
		return Pass{}, false
	}
	p.Params, p.Payload = s.params[pt], pt
	return p.shaped(), true
}

// readPass reads the right side of a=rtpmap: name, clock, channels.
func readPass(text string) (Pass, bool) {
	f := strings.Split(text, "/")
	if len(f) < 2 || len(f) > 3 || !isToken(f[0]) || len(f[0]) > maxName {
		return Pass{}, false
	}
	rate, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil || rate < 1000 || rate > 192000 {
		return Pass{}, false
	}
	channels := uint64(1)
	if len(f) == 3 {
		if channels, err = strconv.ParseUint(f[2], 10, 4); err != nil || channels == 0 {
			return Pass{}, false
		}
	}
	return Pass{Name: f[0], Rate: uint32(rate), Channels: uint8(channels)}, true
}

// isParams reports whether the parameters of a=fmtp are short and plain enough to be repeated.
func isParams(text string) bool {
	return len(text) <= maxParams && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
