package search

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
)

// fixed is a source of what it holds, by tenant.
type fixed map[string][]Doc

func (f fixed) Docs(_ context.Context, tenant string) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for _, d := range f[tenant] {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func docsOf(people []swede) (docs []Doc) {
	for _, p := range people {
		docs = append(docs, p.doc())
	}
	return docs
}

func newIndex(t testing.TB, source Source, cfg Config) *Index {
	t.Helper()
	x, err := New(source, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// search gives the ids found, best first.
func search(t testing.TB, x *Index, tenant, query string, o Options) (ids []string) {
	t.Helper()
	hits, err := x.Search(t.Context(), tenant, query, o)
	if err != nil {
		t.Fatalf("search %q: %v", query, err)
	}
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

// TestTheWantedPersonIsAmongTheTopThree for at least 98 of 100 labelled queries.
func TestTheWantedPersonIsAmongTheTopThree(t *testing.T) {
	x := newIndex(t, fixed{"nordverken": docsOf(readPeople(t))}, Config{})
	rows := readCSV(t, queriesFile)[1:]
	if len(rows) < 200 {
		t.Fatalf("only %d queries", len(rows))
	}
	found, first, of := 0, 0, map[string][2]int{}
	for _, r := range rows {
		query, wanted, kind := r[0], strings.Fields(r[1]), r[2]
		got := search(t, x, "nordverken", query, Options{Limit: 10})
		at := slices.IndexFunc(got, func(id string) bool { return slices.Contains(wanted, id) })
		n := of[kind]
		n[1]++
		if at == 0 {
			first++
		}
		if at >= 0 && at < 3 {
			found++
			n[0]++
		} else {
			t.Logf("%q (%s): wanted %s, found %v", query, kind, r[1], got)
		}
		of[kind] = n
	}
	for kind, n := range of {
		t.Logf("%-10s %3d of %3d", kind, n[0], n[1])
	}
	t.Logf("%d of %d among the top three, %d first", found, len(rows), first)
	if found*100 < 98*len(rows) {
		t.Errorf("the wanted person is among the top three of %d of %d queries, less than 98 %%", found, len(rows))
	}
}
