package search

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// model says by the book which documents a query finds and with what score: every word of the query against every word of
// every document, with none of the index's arrays, shared rows and segments.
type model map[string]Doc

// placed is a word of a document in a field.
type placed struct {
	word string
	in   Field
}

func placedWords(d Doc) (all []placed) {
	add := func(f Field, texts ...string) {
		for _, s := range texts {
			for _, t := range tokens(s, maxFieldWords) {
				all = append(all, placed{t.text, f})
			}
		}
	}
	add(InName, d.Names...)
	add(InKeywords, d.Keywords...)
	add(InTitle, d.Title)
	add(InDepartment, d.Department)
	add(InOffice, d.Office)
	add(InLanguages, d.Languages...)
	add(InText, d.Text)
	for _, n := range d.Names {
		for _, part := range strings.Fields(n) {
			list := tokens(part, 100)
			joined := ""
			for i, t := range list {
				if joined += t.text; i > 0 {
					all = append(all, placed{joined, InName})
				}
			}
		}
		for _, in := range initials(tokens(n, 100)) {
			all = append(all, placed{in, InInitials})
		}
	}
	return all
}

func modelSpelt(q, term string) (int, How) {
	fq, ft := fold(q), fold(term)
	rq, rt := []rune(fq), []rune(ft)
	switch {
	case q == term:
		return exactly, Exact
	case fq == ft:
		return folded, Folded
	case strings.HasPrefix(term, q) && strings.HasPrefix(ft, fq):
		return begins + beginsSpan*len(rq)/len(rt), Prefix
	case strings.HasPrefix(ft, fq):
		return beginsFolded + beginsSpan*len(rq)/len(rt), Prefix
	}
	quality, how := 0, How(0)
	if len(rq) >= 4 && strings.Contains(ft, fq) {
		quality, how = inside, Inside
	}
	edits := 0
	if len(rq) >= 4 {
		edits = 1 + min(len(rq)/8, 1)
	}
	if strings.ContainsAny(fq, "0123456789") {
		edits = 0
	}
	if d := distance(rq, rt); d <= edits {
		if v := misspelt(d, rq[0] == rt[0]); v > quality {
			quality, how = v, Misspelt
		}
	}
	if d := beginning(rq, rt); d <= edits && len(rq) >= 5 {
		if v := misspeltBeginning(d, len(rq), len(rt), rq[0] == rt[0]); v > quality {
			quality, how = v, Misspelt
		}
	}
	return quality, how
}

func modelHeard(q, term string) (quality int) {
	for _, a := range sounds(q) {
		for _, b := range sounds(term) {
			ra, rb := []rune(a), []rune(b)
			switch {
			case a == b:
				quality = max(quality, soundsAlike)
			case strings.HasPrefix(b, a) && len(ra) >= 3:
				quality = max(quality, soundsBegin+soundsSpan*len(ra)/len(rb))
			case len([]rune(fold(q))) >= 6 && !strings.HasPrefix(b, a) && distance(ra, rb) <= 1:
				quality = max(quality, soundsWrong)
			}
		}
	}
	return quality
}

// word gives what a word is worth in a document.
func (m model) word(w word, d Doc, words []placed) (top score) {
	for _, p := range words {
		if quality, how := modelSpelt(w.text, p.word); quality > 0 && (p.in != InInitials || how == Exact) {
			top = max(top, newScore(quality, weights[p.in], p.in, how))
		}
		if quality := modelHeard(w.text, p.word); quality > 0 && p.in != InInitials && p.in != InText {
			top = max(top, newScore(quality, weights[p.in], p.in, Sound))
		}
	}
	for _, n := range d.Numbers {
		if !w.isNum {
			break
		}
		switch quality := w.number.quality(packNumber(n, "46")); quality {
		case 0:
		case exactly:
			top = max(top, newScore(quality, 1000, InNumbers, Exact))
		default:
			top = max(top, newScore(quality, 1000, InNumbers, Digits))
		}
	}
	return top
}

func (m model) search(query string, boosts map[string]float64) []Hit {
	joined, apart := parse(query, "46")
	hits := m.find(joined, boosts)
	if len(hits) == 0 {
		hits = m.find(apart, boosts)
	}
	return hits
}

func (m model) find(words []word, boosts map[string]float64) (hits []Hit) {
	if len(words) == 0 {
		return nil
	}
documents:
	for id, d := range m {
		in, sum, names := placedWords(d), 0, 0
		h := Hit{ID: id, Kind: d.Kind}
		for _, w := range words {
			s := m.word(w, d, in)
			if s == 0 {
				continue documents
			}
			if sum += s.points(); s.field() == InName {
				names++
			}
			h.Why = append(h.Why, Match{w.text, s.field(), s.how()})
		}
		h.Score = sum/len(words) + personTop - kindStep*int(d.Kind)
		count := 0
		for _, n := range d.Names {
			count += len(tokens(n, 100))
		}
		if count > 0 {
			h.Score += wholeName * min(names, count) / count
		}
		if n := boosts[id]; n > 0 {
			h.Score += int(chosenTop * n / (n + 2))
		}
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(b.Score-a.Score, strings.Compare(a.ID, b.ID)) })
	return hits
}

// randomDoc makes a document of common names and of what few letters give, so that much is nearly alike.
func randomDoc(r *rand.Rand, id string) Doc {
	syllables := strings.Fields("ka ko ke kj sj an en nn a å ä ö e s ss on ma ch ph th dt w v 1 20 é -")
	noise := func() string {
		s := ""
		for range 1 + r.IntN(4) {
			s += syllables[r.IntN(len(syllables))]
		}
		return s
	}
	some := func(list []string) string {
		if r.IntN(4) == 0 {
			return noise()
		}
		return list[r.IntN(len(list))]
	}
	d := Doc{ID: id, Kind: Kind(r.IntN(int(kinds))), Names: []string{some(firstNames) + " " + some(lastNames)}, Title: noise(), Text: some(lastNames) + " " + noise()}
	if r.IntN(3) == 0 {
		d.Keywords = []string{noise(), some(firstNames)}
		d.Department, d.Office, d.Languages = noise(), noise(), []string{noise()}
	}
	for range r.IntN(3) {
		d.Numbers = append(d.Numbers, []string{fmt.Sprint(r.IntN(2000)), fmt.Sprintf("+46%d", 10000000+r.IntN(1000)), fmt.Sprintf("08-%d", r.IntN(100000))}[r.IntN(3)])
	}
	return d
}

// randomQuery bends words of a document.
func randomQuery(r *rand.Rand, d Doc) string {
	var words []string
	source := placedWords(d)
	for range 1 + r.IntN(2) {
		w := []rune(source[r.IntN(len(source))].word)
		for range r.IntN(3) {
			switch i := r.IntN(len(w)); r.IntN(5) {
			case 0:
				w[i] = []rune("abkceäos1")[r.IntN(9)]
			case 1:
				w = slices.Insert(w, i, []rune("hksaö")[r.IntN(5)])
			case 2:
				if len(w) > 1 {
					w = slices.Delete(w, i, i+1)
				}
			case 3:
				if i > 0 {
					w[i], w[i-1] = w[i-1], w[i]
				}
			case 4:
				w = w[:i+1]
			}
		}
		words = append(words, string(w))
	}
	if r.IntN(5) == 0 && len(d.Numbers) > 0 {
		n := d.Numbers[r.IntN(len(d.Numbers))]
		words = append(words, n[r.IntN(len(n)):])
	}
	return strings.Join(words, " ")
}

// TestSearchAgreesWithTheModel through random histories of changes, rebuilding and searches.
func TestSearchAgreesWithTheModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range 4 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		x, m := newIndex(t, fixed{}, Config{}), model{}
		for step := range 90 {
			switch id := fmt.Sprint("d", r.IntN(90)); {
			case r.IntN(5) == 0:
				delete(m, id)
				x.Delete("a", id)
			case r.IntN(25) == 0:
				if err := x.Build(t.Context(), "a", m.docs()); err != nil {
					t.Fatal(err)
				}
			default:
				if err := x.Open(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				docs := []Doc{randomDoc(r, id), randomDoc(r, fmt.Sprint("d", r.IntN(90)))}
				x.Put("a", docs...)
				for _, d := range docs {
					m[d.ID] = d
				}
			}
			if len(m) == 0 || step%3 != 0 {
				continue
			}
			d := randomDoc(r, "")
			if ids := slices.Sorted(func(yield func(string) bool) {
				for id := range m {
					if !yield(id) {
						return
					}
				}
			}); r.IntN(4) > 0 {
				d = m[ids[r.IntN(len(ids))]]
			}
			compare(t, x, m, randomQuery(r, d), map[string]float64{fmt.Sprint("d", r.IntN(90)): r.Float64() * 9}, 1+r.IntN(30))
		}
		if got := x.Stats().Documents; got != len(m) {
			t.Errorf("%d documents, want %d", got, len(m))
		}
	}
}

func (m model) docs() func(func(Doc, error) bool) {
	return func(yield func(Doc, error) bool) {
		for _, d := range m {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func compare(t *testing.T, x *Index, m model, query string, boosts map[string]float64, limit int) {
	t.Helper()
	got, err := x.Search(context.Background(), "a", query, Options{Limit: limit, Boosts: boosts})
	if err != nil {
		t.Fatal(err)
	}
	want := m.search(query, boosts)
	want = want[:min(limit, len(want))]
	if len(got) != len(want) {
		t.Fatalf("%q: %d hits, want %d\n%v\n%v", query, len(got), len(want), got, want)
	}
	for i := range got {
		if got[i].ID != want[i].ID || got[i].Kind != want[i].Kind || got[i].Score != want[i].Score || !slices.Equal(got[i].Why, want[i].Why) {
			t.Fatalf("%q: hit %d is\n%v, want\n%v: %v", query, i, got[i], want[i], m[want[i].ID])
		}
	}
}
