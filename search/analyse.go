package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of what is read. What is longer is cut, never refused: the beginning of a long text is still found.
const (
	maxWord       = 40       // letters of one word
	maxText       = 32 << 10 // bytes of one field
	maxFieldWords = 4096     // words of one field of one document
)

// A token is one word of a text: lower case, composed (NFC), as it was written otherwise.
type token struct {
	text   string
	digits bool // only 0-9
	glued  bool // follows the previous token with nothing but marks between (a-b, 08-12), no space
	plus   bool // a + stands directly before
}

// tokens splits a text into its words. Letters and digits make words, apostrophes vanish (O'Brien is obrien), and
// everything else separates. No word is dropped and none is stemmed: Hans and Jonas are people.
func tokens(s string, limit int) []token {
	s = clip(s, maxText)
	s = norm.NFC.String(strings.ToLower(strings.ToValidUTF8(s, " ")))
	var out []token
	for i := 0; i < len(s) && len(out) < limit; {
		start := i
		for i < len(s) {
			r, size := utf8.DecodeRuneInString(s[i:])
			if inWord(r) {
				break
			}
			i += size
		}
		gap := s[start:i]
		t := token{digits: true, glued: start > 0 && !strings.ContainsFunc(gap, unicode.IsSpace), plus: strings.HasSuffix(gap, "+")}
		var word []byte
		for letters := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			if !inWord(r) && (!apostrophe(r) || len(word) == 0) {
				break
			}
			i += size
			if apostrophe(r) || unicode.Is(unicode.Mn, r) && len(word) == 0 {
				continue
			}
			t.digits = t.digits && r >= '0' && r <= '9'
			if letters++; letters <= maxWord {
				word = utf8.AppendRune(word, r)
			}
		}
		if len(word) > 0 {
			t.text = string(word)
			out = append(out, t)
		}
	}
	return out
}

// clip cuts a text to n bytes at a letter's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

func apostrophe(r rune) bool { return r == '\'' || r == '’' || r == '´' || r == '`' }

// plain are the letters that Unicode does not decompose but that are written as others where a keyboard lacks them.
var plain = map[rune]string{'ø': "o", 'æ': "a", 'œ': "o", 'ß': "ss", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h"}

// fold takes the marks off a lower-case word: å and ä become a, ö becomes o, é becomes e.
func fold(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch as, special := plain[r]; {
		case special:
			b.WriteString(as)
		case !unicode.Is(unicode.Mn, r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
