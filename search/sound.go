package search

import (
	"slices"
	"strings"
)

// sj is the letter of a key that stands for the sj-sound, however it is spelt.
const sj = 'ʃ'

// sounds gives the keys of a lower-case word: two words that share one sound alike in Swedish, as names are spelt.
//
//	one letter for a sound     w v, q k, z s, x ks, ph f, c as k or (before e, i, y) s, ck k, ch k, qu kv, y i (before a vowel j)
//	silent letters             th t, dt t, gh g, h before a consonant and at the end; gj, dj, hj, lj at the start are j; hv is v
//	the sj-sound               sj, stj, skj, skiö, sch, sh; at the start also sk before e, i, y, ä, ö, and stie, siö; ch may be it
//	the tj-sound               kj and tj at the start are k; g before e, i, y, ä, ö at the start is j
//	f and v                    fv, fw, and f before a consonant or at the end are v (Gustafsson, Olof)
//	written twice              a doubled letter is one; ie is i; a last e is dropped (Sofie, Cathrine)
//	vowels with marks          å as o, ä as e, ü as y; and a second key as they are typed without marks
//
// A word has one to four keys; one that holds a digit has none.
func sounds(word string) []string {
	if strings.ContainsAny(word, "0123456789") {
		return nil
	}
	var keys []string
	add := func(letters string) {
		for _, k := range spell([]rune(letters)) {
			if k != "" && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	if !ascii(word) {
		add(fold(spoken.Replace(word)))
	}
	add(strings.ReplaceAll(fold(word), "ö", "o"))
	return keys
}

// hardO keeps ö apart from o while the marks are taken off: it softens what stands before it.
const hardO = "\x01"

var spoken = strings.NewReplacer("å", "o", "ä", "e", "æ", "e", "ö", hardO, "ø", hardO, "ü", "y")

// speller reads letters and writes the key.
type speller struct {
	in  []rune
	at  int
	out []rune
}

// spell gives the key, and where the word begins with ch before a vowel a second one (Charlotte, Chatarina).
func spell(letters []rune) []string {
	s := speller{in: letters, out: make([]rune, 0, len(letters)+2)}
	for s.at < len(s.in) {
		s.letter()
	}
	out := s.out
	if len(out) > 3 && out[len(out)-1] == 'e' {
		out = out[:len(out)-1]
	}
	key := strings.ReplaceAll(string(out), hardO, "ö")
	if len(letters) > 2 && letters[0] == 'c' && letters[1] == 'h' && vowel(letters[2]) {
		return []string{key, string(sj) + strings.TrimPrefix(key, "k")}
	}
	return []string{key}
}

func (s *speller) peek(n int) rune {
	if i := s.at + n; i >= 0 && i < len(s.in) {
		return s.in[i]
	}
	return 0
}

func (s *speller) has(text string) bool {
	for i, r := range text {
		if s.peek(i) != r {
			return false
		}
	}
	return true
}

// say writes sounds for the next n letters. A sound that repeats the last is written once.
func (s *speller) say(n int, sounds ...rune) {
	for _, r := range sounds {
		if len(s.out) == 0 || s.out[len(s.out)-1] != r {
			s.out = append(s.out, r)
		}
	}
	s.at += n
}

func (s *speller) letter() {
	switch r := s.in[s.at]; r {
	case 's':
		s.hiss()
	case 'c', 'k', 'q', 'g', 't', 'd':
		s.stop(r)
	case 'h', 'l', 'f', 'p', 'w', 'v':
		s.breath(r)
	case 'x':
		s.say(1, 'k', 's')
	case 'z':
		s.say(1, 's')
	case 'y':
		if vowel(s.peek(1)) {
			s.say(1, 'j')
		} else {
			s.say(1, 'i')
		}
	case 'i':
		if s.at > 0 && s.peek(1) == 'e' {
			s.say(2, 'i')
		} else {
			s.say(1, 'i')
		}
	default:
		s.say(1, r)
	}
}

// hiss reads what begins with s.
func (s *speller) hiss() {
	first := s.at == 0
	switch {
	case s.has("sch"):
		if next := s.peek(3); next != 0 && !vowel(next) {
			s.say(3, 's')
		} else {
			s.say(3, sj)
		}
	case s.has("stj"), s.has("skj"), s.has("ski") && roundO(s.peek(3)), first && s.has("stie"):
		s.say(3, sj)
	case s.has("sj"), s.has("sh") && (s.peek(2) == 0 || vowel(s.peek(2))), s.has("si" + hardO), first && s.has("sio"), first && s.peek(1) == 'k' && soft(s.peek(2)):
		s.say(2, sj)
	default:
		s.say(1, 's')
	}
}

// stop reads what begins with c, k, q, g, t or d.
func (s *speller) stop(r rune) {
	first, next := s.at == 0, s.peek(1)
	switch {
	case r == 'c' && (next == 'k' || next == 'h'):
		s.say(2, 'k')
	case r == 'c' && soft(next):
		s.say(1, 's')
	case r == 'c':
		s.say(1, 'k')
	case r == 'q' && (next == 'u' || next == 'v' || next == 'w'):
		s.say(2, 'k', 'v')
	case r == 'q':
		s.say(1, 'k')
	case first && next == 'j' && (r == 'k' || r == 't'):
		s.say(2, 'k')
	case first && next == 'j' && (r == 'g' || r == 'd'):
		s.say(2, 'j')
	case first && r == 'g' && soft(next):
		s.say(1, 'j')
	case r == 'd' && next == 't':
		s.say(2, 't')
	default:
		s.say(1, r)
	}
}

// breath reads what begins with h, l, f, p, w or v.
func (s *speller) breath(r rune) {
	first, next := s.at == 0, s.peek(1)
	switch {
	case first && next == 'j' && (r == 'h' || r == 'l'):
		s.say(2, 'j')
	case first && r == 'h' && (next == 'v' || next == 'w'):
		s.say(2, 'v')
	case r == 'h' && !first && !(vowel(s.peek(-1)) && vowel(next)):
		s.say(1)
	case r == 'p' && next == 'h':
		s.say(2, 'f')
	case r == 'f' && (next == 'v' || next == 'w'):
		s.say(2, 'v')
	case r == 'f' && !first && next != 'f' && !vowel(next):
		s.out = []rune(strings.TrimSuffix(string(s.out), "f"))
		s.say(1, 'v')
	case r == 'w':
		s.say(1, 'v')
	default:
		s.say(1, r)
	}
}

func vowel(r rune) bool { return r != 0 && strings.ContainsRune("aeiouyåäö"+hardO, r) }

func soft(r rune) bool { return r != 0 && strings.ContainsRune("eiy"+hardO, r) }

func roundO(r rune) bool { return r == 'o' || r == '\x01' }
