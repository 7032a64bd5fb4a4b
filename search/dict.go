package search

import (
	"encoding/binary"
	"unicode/utf8"
)

// dict is a sorted list of words, each written as what differs from the one before it: the number of letters shared, the
// rest, and some bytes that belong to the word. It is read from the front.
type dict struct {
	n    int
	data []byte
}

// dictWriter makes a dict. Words come sorted; equal ones may follow each other.
type dictWriter struct {
	dict
	last string
}

func (w *dictWriter) add(word string, extra []byte) {
	letters, at := 0, 0
	for at < len(word) && at < len(w.last) {
		a, size := utf8.DecodeRuneInString(word[at:])
		b, _ := utf8.DecodeRuneInString(w.last[at:])
		if a != b {
			break
		}
		letters, at = letters+1, at+size
	}
	w.data = binary.AppendUvarint(w.data, uint64(letters))
	w.data = binary.AppendUvarint(w.data, uint64(len(word)-at))
	w.data = append(w.data, word[at:]...)
	w.data = binary.AppendUvarint(w.data, uint64(len(extra)))
	w.data = append(w.data, extra...)
	w.last = word
	w.n++
}

// finish gives the dict without spare room.
func (w *dictWriter) finish() dict {
	return dict{n: w.n, data: append(make([]byte, 0, len(w.data)), w.data...)}
}

// cursor walks a dict.
type cursor struct {
	rest   []byte
	ord    int    // of the current word, from 0
	word   []rune // valid until next
	shared int    // letters in common with the word before
	extra  []byte
}

func (d dict) walk() cursor { return cursor{rest: d.data, ord: -1, word: make([]rune, 0, 2*maxWord)} }

func (c *cursor) next() bool {
	if len(c.rest) == 0 {
		return false
	}
	c.ord++
	var n int
	if p := c.rest; p[0]|p[1] < 0x80 { // nearly always
		c.shared, n = int(p[0]), int(p[1])
		c.rest = p[2:]
	} else {
		c.shared, n = c.number(), c.number()
	}
	word, rest := c.word[:c.shared], c.rest[:n]
	for i := 0; i < len(rest); {
		if b := rest[i]; b < utf8.RuneSelf {
			word = append(word, rune(b))
			i++
			continue
		}
		r, size := utf8.DecodeRune(rest[i:])
		word = append(word, r)
		i += size
	}
	c.word, c.rest = word, c.rest[n:]
	if n = int(c.rest[0]); n < 0x80 {
		c.rest = c.rest[1:]
	} else {
		n = c.number()
	}
	c.extra, c.rest = c.rest[:n], c.rest[n:]
	return true
}

// number reads a varint.
func (c *cursor) number() int {
	v, size := binary.Uvarint(c.rest)
	c.rest = c.rest[size:]
	return int(v)
}
