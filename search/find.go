package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
)

// Match tells where and how one word of the query was found best.
type Match struct {
	Word  string // as it was understood: lower case, digits without marks
	Field Field
	How   How
}

// Hit is a document in which every word of the query was found.
type Hit struct {
	ID   string
	Kind Kind
	// Score orders the hits of one answer, highest first, and means nothing beyond it.
	Score int
	// Why has an entry for each word of the query, in its order.
	Why []Match
}

// scratch is the memory of one search, used again.
type scratch struct {
	letters, sounds []grade
	scores          []score // per word, per document
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// room gives n cleared elements, of the old ones if they suffice.
func room[T any](old []T, n int) []T {
	if cap(old) < n {
		return make([]T, n, n+n/4)
	}
	old = old[:n]
	clear(old)
	return old
}

// best maps a set of fields to the heaviest of them.
var best = func() (of [256]Field) {
	for set := 1; set < 256; set++ {
		for f := InText; ; f-- {
			if set>>f&1 != 0 && (set>>of[set]&1 == 0 || weights[f] >= weights[of[set]]) {
				of[set] = f
			}
			if f == 0 {
				break
			}
		}
	}
	return of
}()

// collect finds the hits of one segment.
func (s *segment) collect(ctx context.Context, words []word, dead bitmap, chosen map[string]float64, into *top) error {
	if s.n == 0 {
		return ctx.Err()
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.scores = room(sc.scores, len(words)*s.n)
	for i := range words {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.scoreWord(&words[i], sc, sc.scores[i*s.n:(i+1)*s.n])
	}
	extra := s.choices(chosen)
documents:
	for doc := range s.n {
		sum, names := 0, 0
		for i := range words {
			w := sc.scores[i*s.n+doc]
			if w == 0 {
				continue documents
			}
			sum += w.points()
			if w.field() == InName {
				names++
			}
		}
		if dead.has(doc) {
			continue
		}
		points := sum/len(words) + personTop - kindStep*int(s.kinds[doc]) + extra[doc]
		if n := int(s.names[doc]); n > 0 {
			points += wholeName * min(names, n) / n
		}
		if into.wants(points) {
			into.add(Hit{ID: s.id(doc), Kind: s.kinds[doc], Score: points, Why: reasons(words, sc.scores[doc:], s.n)})
		}
	}
	return nil
}

// reasons unpacks the scores of one document, which lie n apart.
func reasons(words []word, scores []score, n int) []Match {
	why := make([]Match, len(words))
	for i, w := range words {
		why[i] = Match{Word: w.text, Field: scores[i*n].field(), How: scores[i*n].how()}
	}
	return why
}

// scoreWord writes what a word is worth in each document.
func (s *segment) scoreWord(w *word, sc *scratch, scores []score) {
	sc.letters, sc.sounds = room(sc.letters, s.terms.n), room(sc.sounds, s.terms.n)
	s.gradeTerms(w, sc.letters)
	s.gradeSounds(w, sc.sounds)
	for term, spelt := range sc.letters {
		heard := sc.sounds[term]
		if spelt == 0 && heard == 0 {
			continue
		}
		values := termScores(spelt, heard)
		s.posted(term, func(doc int, in fields) { scores[doc] = max(scores[doc], values(in)) })
	}
	if w.isNum {
		s.scoreNumbers(w, scores)
	}
}

// termScores gives what a term is worth in a set of fields. Only the exact word counts among initials, and sound-alikes do not
// count in long texts.
func termScores(spelt, heard grade) func(in fields) score {
	return func(in fields) (v score) {
		where := in
		if spelt.how() != Exact {
			where &= allWords
		}
		if spelt != 0 && where != 0 {
			f := best[where]
			v = newScore(spelt.quality(), weights[f], f, spelt.how())
		}
		if where = in & nameOrMore; heard != 0 && where != 0 {
			f := best[where]
			v = max(v, newScore(heard.quality(), weights[f], f, heard.how()))
		}
		return v
	}
}

func (s *segment) scoreNumbers(w *word, scores []score) {
	from := uint32(0)
	for doc, end := range s.numEnds {
		for _, p := range s.numbers[from:end] {
			switch q := w.number.quality(p); q {
			case 0:
			case exactly:
				scores[doc] = max(scores[doc], newScore(q, 1000, InNumbers, Exact))
			default:
				scores[doc] = max(scores[doc], newScore(q, 1000, InNumbers, Digits))
			}
		}
		from = end
	}
}

// choices maps documents to what is added for having been chosen often.
func (s *segment) choices(chosen map[string]float64) map[int]int {
	extra := make(map[int]int, len(chosen))
	for id, n := range chosen {
		if doc, found := s.find(id); found && n > 0 {
			extra[doc] = int(chosenTop * n / (n + 2))
		}
	}
	return extra
}

// top keeps the best hits, best first; of equal ones those with the lower id.
type top struct {
	limit int
	hits  []Hit
}

func (t *top) wants(points int) bool {
	return len(t.hits) < t.limit || points >= t.hits[len(t.hits)-1].Score
}

func (t *top) add(h Hit) {
	i, _ := slices.BinarySearchFunc(t.hits, h, func(x, y Hit) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), strings.Compare(x.ID, y.ID))
	})
	if i == t.limit {
		return
	}
	if len(t.hits) == t.limit {
		t.hits = t.hits[:t.limit-1]
	}
	t.hits = slices.Insert(t.hits, i, h)
}

// bitmap is a set of documents.
type bitmap []uint64

func (b bitmap) has(i int) bool { return i>>6 < len(b) && b[i>>6]>>(i&63)&1 != 0 }
