package directory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// substitutes turns the words of that column into ids, now that everybody is known.
func (pl *planner) substitutes() {
	if !pl.has("substitutes") {
		return
	}
	after := NewBook()
	for id, p := range pl.book.people {
		after.Add(id, p)
	}
	for id, p := range pl.plan.Upserts {
		after.Add(id, p)
	}
	for i := range pl.plan.Fates {
		f := &pl.plan.Fates[i]
		p, ok := pl.plan.Upserts[f.ID]
		if !ok {
			continue
		}
		p.Substitutes = slices.Clone(p.Substitutes)
		for n, word := range p.Substitutes {
			id, problem := after.one(word)
			if problem != "" {
				f.Problems = append(f.Problems, pl.cellProblem(f.Line, Problem{Field: "substitutes", Wrong: problem,
					Write: "write the person's id, external id, e-mail address or whole name"}))
			}
			p.Substitutes[n] = id
		}
		pl.plan.Upserts[f.ID] = p
		if len(f.Problems) > 0 {
			delete(pl.plan.Upserts, f.ID)
			f.Fate, f.ID = Refused, ""
		}
	}
}

// one finds the only person whom a word names.
func (b *Book) one(word string) (id, problem string) {
	if _, known := b.people[word]; known {
		return word, ""
	}
	for _, k := range []Key{ExternalKey(word), MailKey(word), NameKey(word), NumberKey(word)} {
		switch ids := b.keys[k]; len(ids) {
		case 0:
		case 1:
			return ids[0], ""
		default:
			return "", fmt.Sprintf("%q names %d people", word, len(ids))
		}
	}
	return "", fmt.Sprintf("%q names nobody", word)
}

// settle compares with what is there.
func (pl *planner) settle() {
	kept := map[string]bool{}
	refused := false
	for i := range pl.plan.Fates {
		f := &pl.plan.Fates[i]
		if f.Fate == Refused {
			refused = true
			continue
		}
		kept[f.ID] = true
		old, had := pl.book.people[f.ID]
		switch {
		case !had:
			f.Fate = Create
		case reflect.DeepEqual(old, pl.plan.Upserts[f.ID]):
			f.Fate = Unchanged
			delete(pl.plan.Upserts, f.ID)
		default:
			f.Fate = Update
		}
	}
	if !pl.o.Replace || refused {
		return
	}
	for id, p := range pl.book.people {
		if !kept[id] {
			pl.plan.Removed = append(pl.plan.Removed, id)
			pl.plan.Fates = append(pl.plan.Fates, RowFate{Fate: Remove, ID: id, Name: p.Name()})
		}
	}
	slices.Sort(pl.plan.Removed)
	slices.SortStableFunc(pl.plan.Fates, func(a, b RowFate) int { return cmp.Compare(lineOf(a), lineOf(b)) })
}

// lineOf puts those in no row last.
func lineOf(f RowFate) int {
	if f.Line == 0 {
		return int(^uint(0) >> 1)
	}
	return f.Line
}
