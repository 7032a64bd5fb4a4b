package directory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// substitutes turns the words of that column into ids, now that it is known who will be there. Where a row is refused for it, so
// are those that name the person whom it would have brought.
func (pl *planner) substitutes() {
	if !pl.has("substitutes") && !pl.o.Replace {
		return
	}
	there := pl.there()
	named := map[string][]naming{} // by the id of whom they name
	var gone []string
	for i := range pl.plan.Fates {
		p, ok := pl.plan.Upserts[pl.plan.Fates[i].ID]
		if !ok {
			continue
		}
		id, words := pl.plan.Fates[i].ID, p.Substitutes
		p.Substitutes = nil
		for _, word := range words {
			sub, problem := pl.substitute(there, id, word)
			if problem != "" {
				gone = pl.refuse(i, problem, gone)
			} else if sub != "" && !slices.Contains(p.Substitutes, sub) {
				p.Substitutes = append(p.Substitutes, sub)
				named[sub] = append(named[sub], naming{i, word})
			}
		}
		if pl.plan.Fates[i].Fate != Refused {
			pl.plan.Upserts[id] = p
		}
	}
	for ; len(gone) > 0; gone = gone[1:] {
		for _, n := range named[gone[0]] {
			gone = pl.refuse(n.row, nobody(n.word), gone)
		}
	}
}

// naming is a row that names a substitute, and how.
type naming struct {
	row  int
	word string
}

// there is everybody who will be there: those of the file, and where not all others are removed, those who are there now.
func (pl *planner) there() *Book {
	b := NewBook()
	if !pl.o.Replace || slices.ContainsFunc(pl.plan.Fates, func(f RowFate) bool { return f.Fate == Refused }) {
		for id, p := range pl.book.people {
			b.Add(id, p)
		}
	}
	for id, p := range pl.plan.Upserts {
		b.Add(id, p)
	}
	return b
}

// substitute finds whom a word names. It is nobody, and no problem, where the person has had a substitute of that id who will not be
// there, or who is the person.
func (pl *planner) substitute(there *Book, id, word string) (sub, problem string) {
	if _, known := there.people[word]; (!known || word == id) && slices.Contains(pl.book.people[id].Substitutes, word) {
		return "", ""
	}
	if sub, problem = there.one(word); sub == id {
		return "", fmt.Sprintf("%q names the person", word)
	}
	return sub, problem
}

// refuse refuses a row for its substitutes, and adds the person whom it would have brought to those who will not be there.
func (pl *planner) refuse(row int, problem string, gone []string) []string {
	f := &pl.plan.Fates[row]
	f.Problems = append(f.Problems, pl.cellProblem(f.Line, Problem{Field: "substitutes", Wrong: problem,
		Write: "write the id, external id, e-mail address or whole name of somebody else"}))
	if f.Fate == Refused {
		return gone
	}
	if _, had := pl.book.people[f.ID]; !had {
		gone = append(gone, f.ID)
	}
	delete(pl.plan.Upserts, f.ID)
	f.Fate, f.ID = Refused, ""
	return gone
}

func nobody(word string) string { return fmt.Sprintf("%q names nobody", word) }

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
	return "", nobody(word)
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
