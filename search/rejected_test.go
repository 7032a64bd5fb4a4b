//go:build linux

package search

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// BenchmarkDeletions is the way not taken: an index of all terms with one or two letters left out, in which a misspelt word is
// looked up with letters left out. It finds whole words only, no beginnings. The figures are its size and the time for a
// query of two misspelt words.
func BenchmarkDeletions(b *testing.B) {
	people := varied(7, 10000)
	x := newIndex(b, fixed{"a": docsOf(people)}, Config{})
	v, err := x.open(b.Context(), "a")
	if err != nil {
		b.Fatal(err)
	}
	type entry struct{ hash, term uint32 }
	var index []entry
	var terms []string
	for c := v.base.terms.walk(); c.next(); {
		terms = append(terms, string(c.word))
		for h := range deletions(string(c.word), min(editsFor(len(c.word)+2), 2)) {
			index = append(index, entry{h, uint32(c.ord)})
		}
	}
	slices.SortFunc(index, func(x, y entry) int { return int(int64(x.hash) - int64(y.hash)) })
	find := func(word string, found map[uint32]int) {
		q := []rune(fold(strings.ToLower(word)))
		edits := editsFor(len(q))
		for h := range deletions(string(q), edits) {
			i, _ := slices.BinarySearchFunc(index, h, func(e entry, h uint32) int { return int(int64(e.hash) - int64(h)) })
			for ; i < len(index) && index[i].hash == h; i++ {
				if _, seen := found[index[i].term]; !seen {
					found[index[i].term] = distance(q, []rune(terms[index[i].term]))
				}
			}
		}
	}
	timed(b, misspelt2(rand.New(rand.NewPCG(1, 2)), people, 2000), func(query string) {
		for _, w := range strings.Fields(query) {
			find(w, map[uint32]int{})
		}
	})
	b.ReportMetric(float64(8*len(index))/10000, "extra-B/person")
}

// deletions gives the hashes of a word with up to n letters left out.
func deletions(word string, n int) map[uint32]bool {
	out := map[uint32]bool{}
	var visit func(w []rune, from, n int)
	visit = func(w []rune, from, n int) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(string(w)))
		out[h.Sum32()] = true
		for i := from; n > 0 && i < len(w); i++ {
			visit(slices.Concat(w[:i], w[i+1:]), i, n-1)
		}
	}
	visit([]rune(word), 0, n)
	return out
}
