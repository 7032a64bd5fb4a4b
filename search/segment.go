package search

import (
	"encoding/binary"
	"sort"
	"strings"
	"unsafe"
)

// segment is an index over documents that never changes: compact arrays without pointers. Documents are numbered in the
// order of their ids.
type segment struct {
	n int // documents

	ids      string // one after the other
	idEnds   []uint32
	kinds    []Kind
	names    []uint8  // words of the document's names
	numbers  []packed // one document's after the other's
	numEnds  []uint32
	terms    dict   // as folded; extra is the word as written, where that differs
	keys     dict   // sound keys; extra are the terms' ordinals, as varint differences
	postings []byte // per term: differences of document numbers as varints, each followed by its fields
	postEnds []uint32
}

var empty = &segment{}

func (s *segment) id(doc int) string {
	start := uint32(0)
	if doc > 0 {
		start = s.idEnds[doc-1]
	}
	return s.ids[start:s.idEnds[doc]]
}

func (s *segment) find(id string) (int, bool) {
	return sort.Find(s.n, func(doc int) int { return strings.Compare(id, s.id(doc)) })
}

// numbersOf gives the packed numbers of a document.
func (s *segment) numbersOf(doc int) []packed {
	start := uint32(0)
	if doc > 0 {
		start = s.numEnds[doc-1]
	}
	return s.numbers[start:s.numEnds[doc]]
}

// fields is a set of fields.
type fields uint8

const (
	nameOrMore = ^(fields(1)<<InInitials | fields(1)<<InText) // where sound-alikes count
	allWords   = ^(fields(1) << InInitials)                   // where anything but the exact word counts
)

// posted calls fn for each document of a term.
func (s *segment) posted(term int, fn func(doc int, in fields)) {
	start := uint32(0)
	if term > 0 {
		start = s.postEnds[term-1]
	}
	p := s.postings[start:s.postEnds[term]]
	for doc := 0; len(p) > 0; {
		v, size := uint64(p[0]), 1
		if v >= 0x80 {
			v, size = binary.Uvarint(p)
		}
		doc += int(v)
		fn(doc, fields(p[size]))
		p = p[size+1:]
	}
}

// bytes is what the segment takes in memory.
func (s *segment) bytes() int64 {
	return int64(unsafe.Sizeof(*s)) + int64(len(s.ids)+4*len(s.idEnds)+len(s.kinds)+len(s.names)+8*len(s.numbers)+4*len(s.numEnds)+
		len(s.terms.data)+len(s.keys.data)+len(s.postings)+4*len(s.postEnds))
}
