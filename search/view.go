package search

import "context"

// view is the index of one tenant at one moment: a large segment, a small one of what has changed since, and which of the
// large one's documents that replaces. It never changes; a change makes the next view, and searches go on in the old.
type view struct {
	base, delta *segment
	dead        bitmap // documents of base
	gone        int    // how many
}

// The delta is merged into the base when it has more documents than this, and this part of the base.
const (
	mergeOver = 64
	mergePart = 16
)

// change puts a document, or takes it away.
type change struct {
	doc  Doc
	away bool
}

// with gives the view after changes, of which a later one of the same document counts.
func (v *view) with(country string, changes []change) *view {
	last := make(map[string]int, len(changes))
	for i, c := range changes {
		last[c.doc.ID] = i
	}
	b := newBuilder(country)
	b.addSegment(v.delta, func(doc int) bool { _, touched := last[v.delta.id(doc)]; return touched })
	for i, c := range changes {
		if !c.away && last[c.doc.ID] == i {
			b.add(c.doc)
		}
	}
	next := &view{base: v.base, dead: v.dead, gone: v.gone, delta: b.finish()}
	next.bury(last)
	if next.delta.n+next.gone > mergeOver+v.base.n/mergePart {
		return next.merged(country)
	}
	return next
}

// bury marks documents of the base as replaced.
func (v *view) bury(touched map[string]int) {
	copied := false
	for id := range touched {
		doc, found := v.base.find(id)
		if !found || v.dead.has(doc) {
			continue
		}
		if !copied {
			old := v.dead
			v.dead = make(bitmap, (v.base.n+63)/64)
			copy(v.dead, old)
			copied = true
		}
		v.dead[doc>>6] |= 1 << (doc & 63)
		v.gone++
	}
}

// merged gives the same documents in one segment.
func (v *view) merged(country string) *view {
	b := newBuilder(country)
	b.addSegment(v.base, v.dead.has)
	b.addSegment(v.delta, nil)
	return &view{base: b.finish(), delta: empty}
}

func (v *view) documents() int { return v.base.n - v.gone + v.delta.n }

func (v *view) bytes() int64 { return v.base.bytes() + v.delta.bytes() + int64(8*len(v.dead)) }

// search gives the best hits. Words are looked for as given; every one must be in a document.
func (v *view) search(ctx context.Context, words []word, limit int, chosen map[string]float64) ([]Hit, error) {
	if len(words) == 0 {
		return nil, nil
	}
	t := top{limit: limit}
	if err := v.base.collect(ctx, words, v.dead, chosen, &t); err != nil {
		return nil, err
	}
	if err := v.delta.collect(ctx, words, nil, chosen, &t); err != nil {
		return nil, err
	}
	return t.hits, nil
}
