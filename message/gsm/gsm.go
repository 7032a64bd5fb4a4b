// Package gsm counts what a text takes as SMS: 7 bits a character in the default alphabet of 3GPP TS 23.038 (GSM 03.38)
// where all of its characters are in it, else UCS-2. It is pure arithmetic; gateways do the encoding themselves.
package gsm

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// alphabet is the GSM 7 bit default alphabet (TS 23.038 section 6.2.1), by code. Code 0x1b escapes to the extension table.
const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

const escape = 0x1b

// extension is the extension table (section 6.2.1.1): two septets each.
var extension = map[rune]byte{'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65}

var (
	codes  = map[rune]byte{}
	runes  [128]rune
	extras = map[byte]rune{}
)

func init() {
	i := byte(0)
	for _, r := range alphabet {
		runes[i] = r
		if i != escape {
			codes[r] = i
		}
		i++
	}
	for r, c := range extension {
		extras[c] = r
	}
}

// Encoding is how a text travels.
type Encoding string

// Encodings.
const (
	GSM7 Encoding = "gsm7"
	UCS2 Encoding = "ucs2"
)

// Room of one segment alone and of one of several (TS 23.040 section 9.2.3.24.1: six octets go to the header that joins
// them), in septets and in UTF-16 code units.
const (
	single7, joined7 = 160, 153
	single2, joined2 = 70, 67
)

// Count is what a text takes.
type Count struct {
	Encoding Encoding
	Units    int // septets, or UTF-16 code units
	Segments int // what is paid for; zero for an empty text
	Left     int // units that still fit in the last segment
	// Culprit is the first character that is not in the 7 bit alphabet; zero where there is none.
	Culprit rune
}

// Measure counts the segments of a text. No character is cut in two: neither one of the extension table nor a surrogate
// pair straddles segments.
func Measure(text string) Count {
	c := Count{Encoding: GSM7}
	width, single, joined := width7, single7, joined7
	for _, r := range text {
		if width7(r) == 0 {
			c.Encoding, c.Culprit = UCS2, r
			width, single, joined = width2, single2, joined2
			break
		}
	}
	inLast := 0 // units in the last of joined segments
	for _, r := range text {
		w := width(r)
		c.Units += w
		if c.Segments == 0 || inLast+w > joined {
			c.Segments++
			inLast = 0
		}
		inLast += w
	}
	switch {
	case c.Units == 0:
		c.Left = single
	case c.Units <= single:
		c.Segments, c.Left = 1, single-c.Units
	default:
		c.Left = joined - inLast
	}
	return c
}

// width7 is how many septets a character takes, zero where it has none.
func width7(r rune) int {
	if _, ok := codes[r]; ok {
		return 1
	}
	if _, ok := extension[r]; ok {
		return 2
	}
	return 0
}

func width2(r rune) int { return max(utf16.RuneLen(r), 1) }

// Septets encodes a text in the 7 bit alphabet, one septet a byte; ok is false where a character is not in it.
func Septets(text string) (septets []byte, ok bool) {
	for _, r := range text {
		if c, in := codes[r]; in {
			septets = append(septets, c)
		} else if c, in := extension[r]; in {
			septets = append(septets, escape, c)
		} else {
			return nil, false
		}
	}
	return septets, true
}

// Text decodes what Septets gives. An escape that no character of the extension table follows is a space, as the standard has it.
func Text(septets []byte) string {
	var b strings.Builder
	for i := 0; i < len(septets); i++ {
		c := septets[i] & 0x7f
		if c != escape {
			b.WriteRune(runes[c])
			continue
		}
		if i+1 < len(septets) {
			if r, ok := extras[septets[i+1]&0x7f]; ok {
				b.WriteRune(r)
				i++
				continue
			}
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// plain are typographic characters with what stands for them in the 7 bit alphabet: one of them alone would more than double the
// price of a text.
var plain = strings.NewReplacer("‘", "'", "’", "'", "‚", "'", "′", "'", "`", "'", "´", "'", "“", `"`, "”", `"`, "„", `"`, "″", `"`,
	"«", `"`, "»", `"`, "–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-", "…", "...", "•", "-", "·", "-", "\u00a0", " ", "\u202f", " ", "\u2009", " ",
	"\t", " ", "ç", "Ç", "\r\n", "\n", "\u200b", "", "\ufeff", "")

// Simplify composes letters and their marks (å of a and ring), and writes typographic quotes, dashes and blanks as they are
// in the 7 bit alphabet. No letter of any language becomes another: but ç, which the alphabet has in upper case only.
func Simplify(text string) string { return plain.Replace(norm.NFC.String(text)) }
