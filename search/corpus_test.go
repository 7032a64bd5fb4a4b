package search

import (
	"encoding/csv"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/search/people.csv")

const (
	peopleFile  = "../testdata/search/people.csv"
	queriesFile = "../testdata/search/queries.csv"
	people      = 3000
)

var peopleHead = []string{"id", "name", "title", "department", "office", "extension", "direct", "mobile", "email", "languages", "keywords"}

// TestPeopleAreGenerated: the committed directory is what the generator makes, so that nobody edits it by hand to suit
// the search. With -update it is written.
func TestPeopleAreGenerated(t *testing.T) {
	rows := [][]string{peopleHead}
	for _, p := range swedes(2026, people) {
		rows = append(rows, p.row())
	}
	if *update {
		f, err := os.Create(peopleFile)
		if err != nil {
			t.Fatal(err)
		}
		if err := csv.NewWriter(f).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := readCSV(t, peopleFile)
	if len(got) != len(rows) {
		t.Fatalf("%d lines, want %d", len(got), len(rows))
	}
	for i := range rows {
		for j := range rows[i] {
			if got[i][j] != rows[i][j] {
				t.Fatalf("line %d: %q, generated %q", i+1, got[i][j], rows[i][j])
			}
		}
	}
}

func readCSV(t testing.TB, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// readPeople gives the people of the committed directory.
func readPeople(t testing.TB) (all []swede) {
	for _, c := range readCSV(t, peopleFile)[1:] {
		all = append(all, swede{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10]})
	}
	return all
}
