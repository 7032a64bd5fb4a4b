package search

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// builder collects documents and makes a segment of them.
type builder struct {
	country string
	ords    map[string]uint32 // word as written -> its place in words
	words   []string
	docs    []row
	numbers []packed
	posts   []post
}

// row is one document; its numbers and posts are a part of the builder's.
type row struct {
	id                 string
	kind               Kind
	names              uint8
	numFrom, numTo     int
	postsFrom, postsTo int
}

type post struct {
	word uint32
	in   fields
}

func newBuilder(country string) *builder {
	return &builder{country: country, ords: map[string]uint32{}}
}

// add takes a document. Of two with one id the later stays.
func (b *builder) add(d Doc) {
	r := row{id: strings.Clone(d.ID), kind: min(d.Kind, kinds-1), numFrom: len(b.numbers), postsFrom: len(b.posts)}
	names := 0
	for _, name := range d.Names {
		names += b.name(name)
	}
	r.names = uint8(min(names, 255))
	for _, k := range d.Keywords {
		b.text(k, InKeywords)
	}
	b.text(d.Title, InTitle)
	b.text(d.Department, InDepartment)
	b.text(d.Office, InOffice)
	for _, l := range d.Languages {
		b.text(l, InLanguages)
	}
	b.text(d.Text, InText)
	for _, n := range d.Numbers[:min(len(d.Numbers), maxNumbers)] {
		if p := packNumber(n, b.country); p != 0 {
			b.numbers = append(b.numbers, p)
		}
	}
	r.numTo, r.postsTo = len(b.numbers), len(b.posts)
	b.docs = append(b.docs, r)
}

// maxNumbers is how many numbers of one document are found.
const maxNumbers = 64

func (b *builder) text(s string, f Field) {
	for _, t := range tokens(s, maxFieldWords) {
		b.word(t.text, f)
	}
}

// name takes one name: its words, what a hyphen joins as one word, and its initials; it tells how many words it has.
func (b *builder) name(s string) int {
	list := tokens(s, maxFieldWords)
	for i := 0; i < len(list); {
		joined := list[i].text
		b.word(joined, InName)
		for i++; i < len(list) && list[i].glued; i++ {
			b.word(list[i].text, InName)
			joined += list[i].text
			b.word(shorten(joined), InName)
		}
	}
	for _, in := range initials(list) {
		b.word(in, InInitials)
	}
	return len(list)
}

// shorten cuts a word as tokens does.
func shorten(word string) string {
	if len(word) <= maxWord {
		return word
	}
	if r := []rune(word); len(r) > maxWord {
		return string(r[:maxWord])
	}
	return word
}

// initials gives the first letters of a name of two to five words: of all of them (Anna-Karin Berg: akb), of the first and the last
// (ab).
func initials(name []token) []string {
	if len(name) < 2 || len(name) > 5 {
		return nil
	}
	var all []rune
	for _, t := range name {
		r, _ := utf8.DecodeRuneInString(t.text)
		all = append(all, r)
	}
	out := []string{string(all)}
	if len(all) > 2 {
		out = append(out, string([]rune{all[0], all[len(all)-1]}))
	}
	return out
}

func (b *builder) word(w string, f Field) {
	ord, known := b.ords[w]
	if !known {
		ord = uint32(len(b.words))
		w = strings.Clone(w)
		b.ords[w] = ord
		b.words = append(b.words, w)
	}
	b.posts = append(b.posts, post{ord, 1 << f})
}

// addSegment takes the documents of a segment but for those that skip names.
func (b *builder) addSegment(s *segment, skip func(doc int) bool) {
	if s.n == 0 {
		return
	}
	of := make([]uint32, s.terms.n) // term -> word
	for c := s.terms.walk(); c.next(); {
		w := string(c.extra)
		if w == "" {
			w = string(c.word)
		}
		ord, known := b.ords[w]
		if !known {
			ord = uint32(len(b.words))
			b.ords[w] = ord
			b.words = append(b.words, w)
		}
		of[c.ord] = ord
	}
	ends := make([]int, s.n+1)
	for t := range s.terms.n {
		s.posted(t, func(doc int, _ fields) { ends[doc+1]++ })
	}
	for i := range s.n {
		ends[i+1] += ends[i]
	}
	at, base := slices.Clone(ends), len(b.posts)
	b.posts = append(b.posts, make([]post, ends[s.n])...)
	for t := range s.terms.n {
		s.posted(t, func(doc int, in fields) {
			b.posts[base+at[doc]] = post{of[t], in}
			at[doc]++
		})
	}
	for doc := range s.n {
		if skip != nil && skip(doc) {
			continue
		}
		r := row{id: s.id(doc), kind: s.kinds[doc], names: s.names[doc], numFrom: len(b.numbers), postsFrom: base + ends[doc], postsTo: base + ends[doc+1]}
		b.numbers = append(b.numbers, s.numbersOf(doc)...)
		r.numTo = len(b.numbers)
		b.docs = append(b.docs, r)
	}
}

// finish makes the segment. The builder is spent.
func (b *builder) finish() *segment {
	if len(b.docs) == 0 {
		return empty
	}
	slices.SortStableFunc(b.docs, func(x, y row) int { return strings.Compare(x.id, y.id) })
	last := b.docs[:0]
	for i, d := range b.docs {
		if i+1 == len(b.docs) || b.docs[i+1].id != d.id {
			last = append(last, d)
		}
	}
	b.docs = last
	s := &segment{n: len(b.docs)}
	b.writeDocs(s)
	b.writeTerms(s)
	return s
}

func (b *builder) writeDocs(s *segment) {
	var ids strings.Builder
	size, numbers := 0, 0
	for _, d := range b.docs {
		size += len(d.id)
		numbers += d.numTo - d.numFrom
	}
	ids.Grow(size)
	s.idEnds, s.kinds, s.names, s.numEnds = make([]uint32, s.n), make([]Kind, s.n), make([]uint8, s.n), make([]uint32, s.n)
	s.numbers = make([]packed, 0, numbers)
	for i, d := range b.docs {
		ids.WriteString(d.id)
		s.idEnds[i], s.kinds[i], s.names[i] = uint32(ids.Len()), d.kind, d.names
		s.numbers = append(s.numbers, b.numbers[d.numFrom:d.numTo]...)
		s.numEnds[i] = uint32(len(s.numbers))
	}
	s.ids = ids.String()
}

// ranked is a word in its place among the terms.
type ranked struct {
	folded, word string
	ord, posts   uint32 // the word's place in the builder, and how many documents have it
	in           fields // all fields that have it
}

// writeTerms sorts the words and writes postings, terms and sound keys. Words that no document has are dropped.
func (b *builder) writeTerms(s *segment) {
	counts := make([]uint32, len(b.words))
	for _, d := range b.docs {
		for _, p := range b.posts[d.postsFrom:d.postsTo] {
			counts[p.word]++
		}
	}
	list := make([]ranked, 0, len(b.words))
	for ord, w := range b.words {
		if counts[ord] > 0 {
			list = append(list, ranked{folded: fold(w), word: w, ord: uint32(ord)})
		}
	}
	slices.SortFunc(list, func(x, y ranked) int {
		if c := strings.Compare(x.folded, y.folded); c != 0 {
			return c
		}
		return strings.Compare(x.word, y.word)
	})
	b.writePostings(s, list, counts)
	var terms dictWriter
	for _, t := range list {
		extra := []byte(nil)
		if t.folded != t.word {
			extra = []byte(t.word)
		}
		terms.add(t.folded, extra)
	}
	s.terms = terms.finish()
	s.keys = writeKeys(list)
}

func (b *builder) writePostings(s *segment, list []ranked, counts []uint32) {
	place := make([]uint32, len(b.words)) // word -> term
	starts := make([]uint32, len(list)+1)
	for i, t := range list {
		place[t.ord] = uint32(i)
		starts[i+1] = starts[i] + counts[t.ord]
	}
	type entry struct {
		doc uint32
		in  fields
	}
	entries := make([]entry, starts[len(list)])
	for doc, d := range b.docs {
		for _, p := range b.posts[d.postsFrom:d.postsTo] {
			t := place[p.word]
			of := entries[starts[t]:]
			list[t].in |= p.in
			if n := list[t].posts; n > 0 && of[n-1].doc == uint32(doc) {
				of[n-1].in |= p.in
				continue
			}
			of[list[t].posts] = entry{uint32(doc), p.in}
			list[t].posts++
		}
	}
	var out []byte
	s.postEnds = make([]uint32, len(list))
	for i, t := range list {
		last := uint32(0)
		for _, e := range entries[starts[i] : starts[i]+t.posts] {
			out = binary.AppendUvarint(out, uint64(e.doc-last))
			out = append(out, byte(e.in))
			last = e.doc
		}
		s.postEnds[i] = uint32(len(out))
	}
	s.postings = append(make([]byte, 0, len(out)), out...)
}

// writeKeys makes the list of sound keys. A word that only long texts and initials have gets none.
func writeKeys(list []ranked) dict {
	type keyed struct {
		key  string
		term int
	}
	var keys []keyed
	for i, t := range list {
		if t.in&nameOrMore == 0 {
			continue
		}
		for _, k := range sounds(t.word) {
			keys = append(keys, keyed{k, i})
		}
	}
	slices.SortFunc(keys, func(x, y keyed) int {
		if c := strings.Compare(x.key, y.key); c != 0 {
			return c
		}
		return x.term - y.term
	})
	var w dictWriter
	for i := 0; i < len(keys); {
		var extra []byte
		key, last := keys[i].key, 0
		for ; i < len(keys) && keys[i].key == key; i++ {
			extra = binary.AppendUvarint(extra, uint64(keys[i].term-last))
			last = keys[i].term
		}
		w.add(key, extra)
	}
	return w.finish()
}
