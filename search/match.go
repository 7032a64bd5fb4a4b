package search

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// grade is what a term is worth for a word: the quality and how it came about.
type grade uint16

func newGrade(quality int, h How) grade { return grade(quality)<<4 | grade(h) }
func (g grade) quality() int            { return int(g >> 4) }
func (g grade) how() How                { return How(g & 15) }

// spelt grades a term, of which the cursor tells, by its letters.
func (w *word) spelt(c *cursor, f *fuzzy) (g grade) {
	typed, letters := len(w.folded), len(c.word)
	if letters >= typed && slices.Equal(c.word[:typed], w.folded) {
		if f != nil {
			f.share(c.shared)
		}
		same := w.plain && len(c.extra) == 0 || len(c.extra) > 0 && bytes.HasPrefix(c.extra, []byte(w.text))
		switch {
		case letters == typed && same && (len(c.extra) == 0 || len(c.extra) == len(w.text)):
			return newGrade(exactly, Exact)
		case letters == typed:
			return newGrade(folded, Folded)
		case same:
			return newGrade(begins+beginsSpan*typed/letters, Prefix)
		default:
			return newGrade(beginsFolded+beginsSpan*typed/letters, Prefix)
		}
	}
	if typed >= minInside && letters > typed && contains(c.word[1:], w.folded) {
		g = newGrade(inside, Inside)
	}
	if f == nil {
		return g
	}
	first := letters > 0 && c.word[0] == w.folded[0]
	whole, beginning := f.step(c.word, c.shared)
	if whole <= f.max {
		g = max(g, newGrade(misspelt(whole, first), Misspelt))
	}
	if beginning <= f.max && typed >= editBeginning {
		g = max(g, newGrade(misspeltBeginning(beginning, typed, letters, first), Misspelt))
	}
	return g
}

func contains(term, part []rune) bool {
	for i := 0; i+len(part) <= len(term); i++ {
		if term[i] == part[0] && slices.Equal(term[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// gradeTerms grades all terms of a segment by their letters.
func (s *segment) gradeTerms(w *word, grades []grade) {
	var f *fuzzy
	if w.edits > 0 {
		f = newFuzzy(w.folded, w.edits)
	}
	for c := s.terms.walk(); c.next(); {
		grades[c.ord] = w.spelt(&c, f)
	}
}

// gradeSounds grades the terms that sound alike.
func (s *segment) gradeSounds(w *word, grades []grade) {
	if len(w.keys) == 0 {
		return
	}
	ears := make([]ear, len(w.keys))
	for i, k := range w.keys {
		ears[i].key = []rune(k)
		if len(w.folded) >= editSound {
			ears[i].wrong = newFuzzy(ears[i].key, 1)
		}
	}
	for c := s.keys.walk(); c.next(); {
		g := grade(0)
		for i := range ears {
			g = max(g, ears[i].hear(&c))
		}
		if g == 0 {
			continue
		}
		for term, rest := 0, c.extra; len(rest) > 0; {
			step, size := binary.Uvarint(rest)
			term, rest = term+int(step), rest[size:]
			grades[term] = max(grades[term], g)
		}
	}
}

// ear hears one key of a word.
type ear struct {
	key   []rune
	wrong *fuzzy // nil where no misspelling is forgiven
}

// hear grades the key at the cursor.
func (e *ear) hear(c *cursor) grade {
	if len(c.word) >= len(e.key) && slices.Equal(c.word[:len(e.key)], e.key) {
		if e.wrong != nil {
			e.wrong.share(c.shared)
		}
		switch {
		case len(c.word) == len(e.key):
			return newGrade(soundsAlike, Sound)
		case len(e.key) >= minSound:
			return newGrade(soundsBegin+soundsSpan*len(e.key)/len(c.word), Sound)
		}
		return 0
	}
	if e.wrong != nil {
		if d, _ := e.wrong.step(c.word, c.shared); d <= 1 {
			return newGrade(soundsWrong, Sound)
		}
	}
	return 0
}
