package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"telefonist/directory"
)

func TestOldHistoryIsForgottenAndWhatHoldsIsNot(t *testing.T) {
	s := open(t, t.TempDir(), Options{importChunk: 7})
	day := func(n int) time.Time { return received.AddDate(0, 0, n) }
	edit := func(n int, k directory.Kind, id, doc string) {
		t.Helper()
		e := directory.Edit{Kind: k, ID: id, Match: directory.AnyVersion}
		if doc != "" {
			e.Doc = json.RawMessage(doc)
		}
		if _, err := s.Edit("acme", tester, day(n), e); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 20 {
		edit(n, directory.KindNotice, "n", fmt.Sprintf(`{"text":"version %d"}`, n))
	}
	edit(20, directory.KindPerson, "gone", `{"family_name":"Borta"}`)
	if _, err := s.Erase(t.Context(), "acme", "gone", day(20), directory.Erase{By: tester}); err != nil {
		t.Fatal(err)
	}
	in := directory.PeopleImport{Upserts: map[string]json.RawMessage{"a": json.RawMessage(`{"family_name":"Ek"}`)}, By: tester, At: day(21)}
	if _, err := s.ImportPeople(t.Context(), "acme", in); err != nil {
		t.Fatal(err)
	}
	edit(22, directory.KindReferral, "a/over", `{"code":"sjuk","from":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}`)
	edit(22, directory.KindReferral, "a/open", `{"code":"sjuk","from":"2026-01-01T00:00:00Z"}`)
	edit(30, directory.KindNotice, "n", `{"text":"version 30"}`)

	p, err := s.PruneHistory(t.Context(), "acme", day(25))
	if err != nil || p.Referrals != 1 || p.Changes < 23 {
		t.Errorf("%+v, %v", p, err)
	}
	h, err := s.History("acme", directory.KindNotice, "n")
	if err != nil || len(h) != 1 || string(h[0].Old) != `{"text":"version 19"}` {
		t.Errorf("history %+v, %v", h, err)
	}
	if h, err := s.History("acme", directory.KindPerson, "gone"); err != nil || len(h) != 1 || h[0].Action != directory.ActionErase {
		t.Errorf("the erasure is forgotten: %+v, %v", h, err)
	}
	if h, err := s.History("acme", directory.KindPerson, "a"); err != nil || len(h) != 0 {
		t.Errorf("the import is remembered: %+v, %v", h, err)
	}
	if it, err := s.Item("acme", directory.KindPerson, "a"); err != nil || !it.At.Equal(day(21)) || it.By != tester {
		t.Errorf("what holds: %+v, %v", it, err)
	}
	if _, err := s.Item("acme", directory.KindReferral, "a/open"); err != nil {
		t.Error(err)
	}
	if p, err := s.PruneHistory(t.Context(), "acme", day(25)); err != nil || p != (Pruned{}) {
		t.Errorf("again: %+v, %v", p, err)
	}
	edit(31, directory.KindNotice, "n", `{"text":"version 31"}`)
}
