package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/account"
	"telefonist/directory"
)

var tester = directory.Actor{Name: "token:test", Way: "api"}

func person(name, external string) json.RawMessage {
	doc, err := json.Marshal(directory.Person{FamilyName: name, ExternalID: external})
	if err != nil {
		panic(err)
	}
	return doc
}

func edit(k directory.Kind, id string, doc json.RawMessage, match uint64) directory.Edit {
	return directory.Edit{Kind: k, ID: id, Doc: doc, Match: match}
}

func mustEdit(t testing.TB, s *Store, tenant string, edits ...directory.Edit) []directory.Item {
	t.Helper()
	items, err := s.Edit(tenant, tester, received, edits...)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func names(t testing.TB, s *Store, tenant string) string {
	t.Helper()
	var out []string
	for after := ""; ; {
		items, err := s.Items(tenant, directory.KindPerson, "", after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			var p directory.Person
			if err := json.Unmarshal(it.Doc, &p); err != nil {
				t.Fatal(err)
			}
			out, after = append(out, it.ID+"="+p.FamilyName), it.ID
		}
		if len(items) < 7 {
			return strings.Join(out, " ")
		}
	}
}

func TestAnEditThatKnowsAnOldVersionChangesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	first := mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Ek", "1"), directory.NoVersion))[0]
	second := mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Alm", "1"), first.Version))[0]
	for _, c := range []struct {
		e    directory.Edit
		want error
	}{
		{edit(directory.KindPerson, "a", person("X", "1"), first.Version), directory.ErrVersion},
		{edit(directory.KindPerson, "a", nil, first.Version), directory.ErrVersion},
		{edit(directory.KindPerson, "a", person("X", "1"), directory.NoVersion), directory.ErrVersion},
		{edit(directory.KindPerson, "b", person("X", "1"), directory.NoVersion), directory.ErrTaken},
		{edit(directory.KindPerson, "b", person("X", "2"), 7), directory.ErrNotFound},
		{edit(directory.KindPerson, "b", nil, directory.AnyVersion), directory.ErrNotFound},
		{edit(directory.KindPerson, "", person("X", "2"), directory.AnyVersion), ErrInvalid},
	} {
		good := edit(directory.KindPerson, "z", person("Z", "9"), directory.NoVersion)
		_, err := s.Edit("acme", tester, received, good, c.e)
		wantErr(t, err, c.want)
		var e *directory.EditError
		if !errors.As(err, &e) || e.Index != 1 {
			t.Errorf("%+v: which edit failed is not told: %v", c.e, err)
		}
	}
	if got := names(t, s, "acme"); got != "a=Alm" {
		t.Errorf("people: %s", got)
	}
	if seq, _ := s.Seq("acme"); seq != second.Version {
		t.Errorf("seq %d", seq)
	}
}

func TestTenantsShareNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Ek", "1"), directory.NoVersion))
	mustEdit(t, s, "acm", edit(directory.KindPerson, "a", person("Alm", "1"), directory.NoVersion), edit(directory.KindOffice, "e", []byte(`{}`), directory.NoVersion))
	if names(t, s, "acme") != "a=Ek" || names(t, s, "acm") != "a=Alm" || names(t, s, "nobody") != "" {
		t.Error("one tenant sees another's people")
	}
	if _, err := s.Item("acme", directory.KindOffice, "e"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("another tenant's office: %v", err)
	}
	if all, _ := s.Changes("acme", 0, 0); len(all) != 1 {
		t.Errorf("changes %v", all)
	}
}

func TestDeletingAPersonDeletesTheirReferrals(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Ek", ""), directory.NoVersion), edit(directory.KindPerson, "ab", person("Alm", ""), directory.NoVersion),
		edit(directory.KindReferral, "a/1", []byte(`{}`), directory.NoVersion), edit(directory.KindReferral, "ab/1", []byte(`{}`), directory.NoVersion))
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", nil, directory.AnyVersion))
	left, err := s.Items("acme", directory.KindReferral, "", "", 0)
	if err != nil || len(left) != 1 || left[0].ID != "ab/1" {
		t.Errorf("left %v, %v", left, err)
	}
	h, err := s.History("acme", directory.KindReferral, "a/1")
	if err != nil || len(h) != 2 || h[1].Action != directory.ActionDelete || string(h[1].Old) != "{}" {
		t.Errorf("history %+v, %v", h, err)
	}
}

func TestAPersonWhoIsDeletedIsNobodysSubstitute(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	doc := func(subs ...string) json.RawMessage {
		return mustJSON(t, directory.Person{FamilyName: "Ek", Substitutes: subs})
	}
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", doc("b", "c"), directory.NoVersion), edit(directory.KindPerson, "b", doc("c"), directory.NoVersion),
		edit(directory.KindPerson, "c", doc("a"), directory.NoVersion))
	mustEdit(t, s, "acme", edit(directory.KindPerson, "c", nil, directory.AnyVersion))
	for id, want := range map[string]json.RawMessage{"a": doc("b"), "b": doc()} {
		it, err := s.Item("acme", directory.KindPerson, id)
		if err != nil || string(it.Doc) != string(want) {
			t.Errorf("%s: %s, %v", id, it.Doc, err)
		}
		if h, err := s.History("acme", directory.KindPerson, id); err != nil || len(h) != 2 || h[1].Seq != it.Version {
			t.Errorf("history of %s: %+v, %v", id, h, err)
		}
	}
}

func substitute(id string, subs ...string) json.RawMessage {
	doc, err := json.Marshal(directory.Person{FamilyName: "N" + id, Substitutes: subs})
	if err != nil {
		panic(err)
	}
	return doc
}

func TestNobodyGetsASubstituteWhoIsNotThere(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", substitute("a", "b"), directory.NoVersion), edit(directory.KindPerson, "b", substitute("b", "a"), directory.NoVersion))
	_, err := s.Edit("acme", tester, received, edit(directory.KindPerson, "c", substitute("c"), directory.NoVersion), edit(directory.KindPerson, "a", substitute("a", "b", "gone"), directory.AnyVersion))
	wantErr(t, err, directory.ErrNoSubstitute)
	var e *directory.EditError
	if !errors.As(err, &e) || e.Index != 1 || names(t, s, "acme") != "a=Na b=Nb" {
		t.Errorf("%v, people %s", err, names(t, s, "acme"))
	}
}

// Whoever is gone when an import is in force is nobody's substitute, whether the import or a hand took them away, and whichever gave them to others.
func TestAnImportLeavesNoSubstituteWhoIsGone(t *testing.T) {
	for name, c := range map[string]struct {
		in   directory.PeopleImport
		hand []directory.Edit
		want map[string][]string
	}{
		"deleted by hand": {directory.PeopleImport{Upserts: map[string]json.RawMessage{"a": substitute("a", "b", "c"), "new": substitute("new", "b")}},
			[]directory.Edit{edit(directory.KindPerson, "b", nil, directory.AnyVersion)}, map[string][]string{"a": {"c"}, "c": nil, "new": nil}},
		"given by hand": {directory.PeopleImport{Removed: []string{"b"}},
			[]directory.Edit{edit(directory.KindPerson, "a", substitute("a", "b", "c"), directory.AnyVersion)}, map[string][]string{"a": {"c"}, "c": nil}},
		"kept by hand": {directory.PeopleImport{Removed: []string{"b"}, Upserts: map[string]json.RawMessage{"a": substitute("a", "b")}},
			[]directory.Edit{edit(directory.KindPerson, "b", substitute("b", "new"), directory.AnyVersion), edit(directory.KindPerson, "new", substitute("new"), directory.NoVersion)},
			map[string][]string{"a": {"b"}, "b": {"new"}, "c": nil, "new": nil}},
		"named by the import alone": {directory.PeopleImport{Removed: []string{"b"}, Upserts: map[string]json.RawMessage{"a": substitute("a", "b")}}, nil, map[string][]string{"a": nil, "c": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{importChunk: 1})
			mustEdit(t, s, "acme", edit(directory.KindPerson, "a", substitute("a"), directory.NoVersion), edit(directory.KindPerson, "b", substitute("b"), directory.NoVersion),
				edit(directory.KindPerson, "c", substitute("c"), directory.NoVersion))
			var told uint64
			defer s.Subscribe(func(_ string, seq uint64) { told = seq })()
			c.in.By, c.in.At = tester, received
			c.in.Progress = func(int, int) {
				if c.hand != nil {
					mustEdit(t, s, "acme", c.hand...)
					c.hand = nil
				}
			}
			if _, err := s.ImportPeople(t.Context(), "acme", c.in); err != nil {
				t.Fatal(err)
			}
			items, err := s.Items("acme", directory.KindPerson, "", "", 0)
			if err != nil || len(items) != len(c.want) {
				t.Errorf("%d people, %v", len(items), err)
			}
			for _, it := range items {
				if want := substitute(it.ID, c.want[it.ID]...); string(it.Doc) != string(want) {
					t.Errorf("%s, want %s", it.Doc, want)
				}
				if h, err := s.History("acme", directory.KindPerson, it.ID); err != nil || string(h[len(h)-1].New) != string(it.Doc) {
					t.Errorf("history of %s: %+v, %v", it.ID, h, err)
				}
			}
			if seq, _ := s.Seq("acme"); seq != told {
				t.Errorf("told of %d, the last change is %d", told, seq)
			}
		})
	}
}

func TestNothingIsWrittenThatBelongsToNobody(t *testing.T) {
	s := open(t, t.TempDir(), Options{KeyFile: filepath.Join(t.TempDir(), "keys")})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Ek", ""), directory.NoVersion), edit(directory.KindReferral, "a/1", []byte(`{}`), directory.NoVersion),
		edit(directory.KindPerson, "a", nil, directory.AnyVersion))
	for _, e := range []directory.Edit{edit(directory.KindReferral, "a/1", []byte(`{"code":"sjuk"}`), directory.NoVersion), edit(directory.KindDoorCode, "a/1", []byte(`{}`), directory.NoVersion)} {
		_, err := s.Edit("acme", tester, received, e)
		wantErr(t, err, directory.ErrNotFound)
		if _, err := s.Item("acme", e.Kind, e.ID); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s is there: %v", e.Kind, err)
		}
	}
	_, err := s.PutDoorCode("acme", "a", "1", "", "1234", time.Time{}, directory.NoVersion, tester, received)
	wantErr(t, err, directory.ErrNotFound)
}

// TestRandomHistoriesAgreeWithAModel edits and imports at random and compares people, index, history and feed.
func TestRandomHistoriesAgreeWithAModel(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 3))
	dir := t.TempDir()
	s := open(t, dir, Options{importChunk: 3})
	type versions struct{ docs []string } // every document that a person ever had, "" for none
	people, history := map[string]string{}, map[string]*versions{}
	note := func(id, doc string) {
		if history[id] == nil {
			history[id] = &versions{}
		}
		history[id].docs = append(history[id].docs, doc)
		if people[id] = doc; doc == "" {
			delete(people, id)
		}
	}
	for step := range 150 {
		id := fmt.Sprintf("p%02d", rnd.IntN(20))
		doc := string(person(fmt.Sprint("N", rnd.IntN(50)), "x"+id))
		switch rnd.IntN(10) {
		case 0: // an import of a few, an edit in the middle of it
			in := directory.PeopleImport{Upserts: map[string]json.RawMessage{}, By: tester, At: received}
			for range rnd.IntN(12) {
				who := fmt.Sprintf("p%02d", rnd.IntN(20))
				in.Upserts[who] = person(fmt.Sprint("I", rnd.IntN(50)), "x"+who)
			}
			if rnd.IntN(3) == 0 {
				if gone := fmt.Sprintf("p%02d", rnd.IntN(20)); in.Upserts[gone] == nil {
					in.Removed = append(in.Removed, gone)
				}
			}
			touched, once := "", false
			in.Progress = func(int, int) {
				if !once && rnd.IntN(2) == 0 {
					once, touched = true, id
					mustEdit(t, s, "acme", edit(directory.KindPerson, id, json.RawMessage(doc), directory.AnyVersion))
				}
			}
			if _, err := s.ImportPeople(t.Context(), "acme", in); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			for who, d := range in.Upserts {
				if who != touched {
					note(who, string(d))
				}
			}
			for _, who := range in.Removed {
				if people[who] != "" && who != touched {
					note(who, "")
				}
			}
			if touched != "" {
				note(touched, doc)
			}
		case 1, 2:
			if people[id] != "" {
				mustEdit(t, s, "acme", edit(directory.KindPerson, id, nil, directory.AnyVersion))
				note(id, "")
			}
		default:
			mustEdit(t, s, "acme", edit(directory.KindPerson, id, json.RawMessage(doc), directory.AnyVersion))
			note(id, doc)
		}
		if step%50 == 49 {
			checkAndClose(t, s)
			s = open(t, dir, Options{importChunk: 3})
		}
	}
	items, err := s.Items("acme", directory.KindPerson, "", "", 0)
	if err != nil || len(items) != len(people) {
		t.Fatalf("seed %d: %d people, want %d, %v", seed, len(items), len(people), err)
	}
	for _, it := range items {
		if string(it.Doc) != people[it.ID] {
			t.Errorf("seed %d: %s is %s, want %s", seed, it.ID, it.Doc, people[it.ID])
		}
		if ids, _ := s.FindPeople("acme", directory.ExternalKey("x"+it.ID)); len(ids) != 1 || ids[0] != it.ID {
			t.Errorf("seed %d: the index finds %v for %s", seed, ids, it.ID)
		}
	}
	for id, v := range history {
		h, err := s.History("acme", directory.KindPerson, id)
		if err != nil || len(h) != len(v.docs) {
			t.Fatalf("seed %d: history of %s has %d changes, want %d, %v", seed, id, len(h), len(v.docs), err)
		}
		for i := range h {
			if string(h[i].New) != v.docs[i] {
				t.Errorf("seed %d: change %d of %s made it %s, want %s", seed, i, id, h[i].New, v.docs[i])
			}
		}
	}
}

func many(n int) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for i := range n {
		id := fmt.Sprintf("p%06d", i)
		all[id] = person("N"+id, "x"+id)
	}
	return all
}

func TestNobodySeesAnImportBeforeItIsWhole(t *testing.T) {
	s := open(t, t.TempDir(), Options{importChunk: 10})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "old", person("Old", ""), directory.NoVersion))
	before, _ := s.Seq("acme")
	var told atomic.Uint64
	defer s.Subscribe(func(_ string, seq uint64) { told.Store(seq) })()
	last := 0
	counts, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Upserts: many(95), By: tester, At: received, Progress: func(done, total int) {
		if got := names(t, s, "acme"); got != "old=Old" {
			t.Errorf("after %d of %d: %s", done, total, got)
		}
		if h, _ := s.History("acme", directory.KindPerson, "p000001"); len(h) != 0 {
			t.Error("the history shows what is not in force")
		}
		if done < last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}})
	if err != nil || (counts != directory.ImportCounts{Created: 95}) || last != 96 {
		t.Errorf("%+v, %d, %v", counts, last, err)
	}
	if got := len(strings.Fields(names(t, s, "acme"))); got != 96 {
		t.Errorf("%d people", got)
	}
	changes, err := s.Changes("acme", before, 0)
	if err != nil || len(changes) != 1 || changes[0].Action != directory.ActionImport || *changes[0].Import != counts || changes[0].Seq != told.Load() {
		t.Errorf("the feed says %+v, %v", changes, err)
	}
	if n := len(generations(t, s)); n != 1 {
		t.Errorf("%d generations are left", n)
	}
}

func generations(t *testing.T, s *Store) (keys [][]byte) {
	t.Helper()
	err := s.viewTenant("acme", "test", func(tt *tenantTx) error {
		keys = keysWith(tt.b.Bucket(bucketGenerations), nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestAnImportThatIsStoppedLeavesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{importChunk: 10})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "old", person("Old", ""), directory.NoVersion))
	ctx, stop := context.WithCancel(t.Context())
	_, err := s.ImportPeople(ctx, "acme", directory.PeopleImport{Upserts: many(55), By: tester, Progress: func(done, _ int) {
		if done >= 30 {
			stop()
		}
		if _, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{}); !errors.Is(err, directory.ErrImporting) {
			t.Errorf("a second import: %v", err)
		}
	}})
	wantErr(t, err, context.Canceled)
	if got := names(t, s, "acme"); got != "old=Old" || len(generations(t, s)) != 1 {
		t.Errorf("left: %s, %d generations", got, len(generations(t, s)))
	}
	// Two people with one external id, one of them made by hand meanwhile.
	_, err = s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Upserts: many(15), By: tester, Progress: func(done, _ int) {
		if done == 10 {
			mustEdit(t, s, "acme", edit(directory.KindPerson, "hand", person("Hand", "xp000003"), directory.NoVersion))
		}
	}})
	wantErr(t, err, directory.ErrTaken)
	if got := names(t, s, "acme"); got != "hand=Hand old=Old" || len(generations(t, s)) != 1 {
		t.Errorf("left: %s", got)
	}
	if _, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Upserts: many(5), By: tester}); err == nil {
		t.Error("the external id is still taken")
	}
}

func TestWhatACrashLeavesOfAnImportIsDroppedAtStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{importChunk: 10})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "old", person("Old", ""), directory.NoVersion))
	im := &peopleImport{s: s, tenant: "acme", in: directory.PeopleImport{Upserts: many(40)}, ids: []string{"p000000", "p000001"}}
	if err := im.begin(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := im.chunk(""); err != nil {
		t.Fatal(err)
	}
	checkAndClose(t, s) // as it would be after kill -9 in the middle
	s = open(t, dir, Options{})
	if names(t, s, "acme") != "old=Old" || len(generations(t, s)) != 1 {
		t.Error("something is left")
	}
	if _, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Upserts: many(4), By: tester}); err != nil {
		t.Errorf("the next import: %v", err)
	}
}

// A crash comes while a stopped import is taken back: what it would have done never shows.
func TestACrashBehindAnImportThatWasStoppedLeavesNoHistory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{importChunk: 10})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "p000000", person("Old", ""), directory.NoVersion))
	im := &peopleImport{s: s, tenant: "acme", in: directory.PeopleImport{Upserts: many(4)}, ids: []string{"p000000", "p000001"}}
	if err := im.begin(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := im.chunk(""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.unstage("acme"); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"before", "after"} {
		if h, err := s.History("acme", directory.KindPerson, "p000000"); err != nil || len(h) != 1 {
			t.Errorf("%s the crash: %+v, %v", when, h, err)
		}
		checkAndClose(t, s)
		s = open(t, dir, Options{})
	}
	if names(t, s, "acme") != "p000000=Old" || len(generations(t, s)) != 1 {
		t.Error("something is left")
	}
	err := s.viewTenant("acme", "test", func(tt *tenantTx) error {
		if n := len(keysWith(tt.b.Bucket(bucketImports), nil)); n != 0 || tt.state.Import != 0 {
			t.Errorf("%d imports are left, of which %d is to be dropped", n, tt.state.Import)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// As the referrals of somebody whom an import removed may be health data, they are dropped though a crash comes before that.
func TestACrashBehindAnImportLeavesNoReferralOfNobody(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{openedTx: func(_ *bbolt.DB, op string) {
		if op != "referrals" {
			return
		}
		for _, name := range []string{callsFile, directoryFile} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(crashed, name), text, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Ek", ""), directory.NoVersion), edit(directory.KindReferral, "a/1", []byte(`{"code":"sjuk"}`), directory.NoVersion))
	if _, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Removed: []string{"a"}, By: tester, At: received}); err != nil {
		t.Fatal(err)
	}
	after := open(t, crashed, Options{})
	for _, one := range []*Store{s, after} {
		if items, err := one.Items("acme", directory.KindReferral, "", "", 0); err != nil || len(items) != 0 || names(t, one, "acme") != "" || len(generations(t, one)) != 1 {
			t.Errorf("left: %v, %v", items, err)
		}
	}
}

// TestNoCallWaitsForAnImport holds an import in the middle of a transaction, as a slow disk would, and lets a call live its life.
func TestNoCallWaitsForAnImport(t *testing.T) {
	s := open(t, t.TempDir(), Options{importChunk: 20})
	held, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		done <- s.editDirectory(func(*bbolt.Tx) error { close(held); <-release; return nil })
	}()
	<-held
	go func() {
		_, err := s.ImportPeople(context.Background(), "acme", directory.PeopleImport{Upserts: many(100), By: tester})
		done <- err
	}()
	mustCommit(t, s, headOf(1), entries(1, 1, 2), heartbeat(1, time.Second), finalOf(1))
	if _, err := s.Call(id(1)); err != nil {
		t.Error(err)
	}
	if names(t, s, "acme") != "" { // and reading goes on: nothing is half imported
		t.Error("half an import is seen")
	}
	close(release)
	for range 2 {
		if err := await(t, done); err != nil {
			t.Error(err)
		}
	}
}

// TestAnEditWaitsForOneChunkOfAnImportAtMost counts transactions: however large the import, between the moment an edit asks
// and the moment it is written the import commits what it was writing, and nothing more.
func TestAnEditWaitsForOneChunkOfAnImportAtMost(t *testing.T) {
	s := open(t, t.TempDir(), Options{importChunk: 20})
	var chunks, edits, worst atomic.Int64
	ask := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range ask {
			before := chunks.Load()
			mustEdit(t, s, "acme", edit(directory.KindNotice, "n", []byte(`{}`), directory.AnyVersion))
			if waited := chunks.Load() - before; waited > worst.Load() {
				worst.Store(waited)
			}
			edits.Add(1)
		}
	}()
	_, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Upserts: many(2000), By: tester, Progress: func(int, int) {
		chunks.Add(1)
		select {
		case ask <- struct{}{}:
		default:
		}
	}})
	close(ask)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	// One chunk may have been counted just as the edit asked, and one was in progress.
	if edits.Load() < 10 || worst.Load() > 2 {
		t.Errorf("%d edits during %d chunks, the worst waited for %d", edits.Load(), chunks.Load(), worst.Load())
	}
	var commits int
	if err := s.calls.View(func(tx *bbolt.Tx) error { commits = tx.ID(); return nil }); err != nil || commits > 10 {
		t.Errorf("the import wrote to calls.db: %d transactions, %v", commits, err)
	}
}

func TestADoorCodeIsSealedAndEachLookIsKept(t *testing.T) {
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "telefonist.keys")
	s := open(t, dir, Options{KeyFile: keys})
	mustEdit(t, s, "acme", edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion))
	const code = "7391-zebra"
	expires := received.Add(time.Hour)
	if _, err := s.PutDoorCode("acme", "hq", "front", "Huvudentré", code, expires, directory.NoVersion, tester, received); err != nil {
		t.Fatal(err)
	}
	_, err := s.PutDoorCode("acme", "nowhere", "x", "x", code, expires, directory.NoVersion, tester, received)
	wantErr(t, err, directory.ErrNotFound)
	agent := directory.Actor{Name: "agent:anna", Call: "c1"}
	got, err := s.ShowDoorCode("acme", "hq", "front", agent, received)
	if got != code || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = s.ShowDoorCode("acme", "hq", "front", agent, expires)
	wantErr(t, err, directory.ErrCodeExpired)
	_, err = s.ShowDoorCode("other", "hq", "front", agent, received)
	wantErr(t, err, directory.ErrNotFound)
	h, err := s.History("acme", directory.KindDoorCode, "hq/front")
	if err != nil || len(h) != 2 || h[1].Action != directory.ActionLook || h[1].By != agent || h[0].New != nil {
		t.Errorf("history %+v, %v", h, err)
	}

	n, err := s.RotateKeys(false, received)
	if n != 1 || err != nil {
		t.Errorf("rotated %d, %v", n, err)
	}
	if n, err = s.RotateKeys(true, received); n != 1 || err != nil {
		t.Errorf("rotated %d, %v", n, err)
	}
	if got, err := s.ShowDoorCode("acme", "hq", "front", agent, received); got != code || err != nil {
		t.Errorf("after rotation: %q, %v", got, err)
	}
	// Sealed text that is moved to another place does not open.
	it, err := s.Item("acme", directory.KindDoorCode, "hq/front")
	if err != nil {
		t.Fatal(err)
	}
	mustEdit(t, s, "evil", edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion), edit(directory.KindDoorCode, "hq/front", it.Doc, directory.NoVersion))
	if got, err := s.ShowDoorCode("evil", "hq", "front", agent, received); err == nil || got != "" {
		t.Errorf("another tenant opens it: %q", got)
	}
	checkAndClose(t, s)
	for _, name := range []string{filepath.Join(dir, directoryFile), keys} {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), code) {
			t.Errorf("%s holds the code, %v", name, err)
		}
	}
	if err := os.Chmod(keys, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{KeyFile: keys, Logger: quiet()}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others may read: %v", err)
	}
	s = open(t, dir, Options{})
	_, err = s.ShowDoorCode("acme", "hq", "front", agent, received)
	wantErr(t, err, directory.ErrNoKeys)
	_, err = s.PutDoorCode("acme", "hq", "back", "x", code, expires, directory.NoVersion, tester, received)
	wantErr(t, err, directory.ErrNoKeys)
	checkAndClose(t, s)
	s = open(t, dir, Options{KeyFile: filepath.Join(t.TempDir(), "new.keys")})
	_, err = s.ShowDoorCode("acme", "hq", "front", agent, received)
	wantErr(t, err, directory.ErrLostKey)
}

func TestTokensAreKeptAndTheirUseIsNotedOncePerMinute(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	if err := s.PutToken(account.Token{ID: "t1", Tenant: "acme", Hash: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.PutToken(account.Token{ID: "t2"}), ErrInvalid)
	for _, at := range []time.Time{received, received.Add(59 * time.Second), received.Add(-time.Hour)} {
		if err := s.UseToken("t1", at); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Token("t1")
	if err != nil || !got.LastUsed.Equal(received) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.ChangeToken("t1", func(t *account.Token) { t.Revoked = received }); err != nil {
		t.Fatal(err)
	}
	all, err := s.Tokens("acme")
	if err != nil || len(all) != 1 || !all[0].Revoked.Equal(received) {
		t.Errorf("%v, %v", all, err)
	}
	if none, _ := s.Tokens("other"); len(none) != 0 {
		t.Error("another tenant's token")
	}
	wantErr(t, s.ChangeToken("t9", func(*account.Token) {}), account.ErrNoToken)
}

func TestANumbersLifeIsKept(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	day := func(n int) time.Time { return received.AddDate(0, 0, n) }
	sync := func(n int, numbers map[string]string) {
		t.Helper()
		if err := s.SyncNumbers(numbers, day(n)); err != nil {
			t.Fatal(err)
		}
	}
	sync(0, map[string]string{"+46850000001": "acme"})
	sync(1, map[string]string{"+46850000001": "acme"})
	for _, n := range []int{2, 1, 3} {
		if err := s.NumberDelivered("+46850000001", day(n)); err != nil {
			t.Fatal(err)
		}
	}
	wantErr(t, s.NumberDelivered("+46850000002", day(1)), directory.ErrNotFound)
	sync(4, map[string]string{})
	sync(5, map[string]string{"+46850000001": "other"})
	all, err := s.Lives("")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if l := all[0]; l.Stage() != directory.Closed || !l.Ordered.Equal(day(0)) || !l.Delivered.Equal(day(2)) || !l.Closed.Equal(day(4)) {
		t.Errorf("%+v", l)
	}
	if l := all[1]; l.Stage() != directory.Ordered || l.Tenant != "other" || !l.Ordered.Equal(day(5)) {
		t.Errorf("%+v", l)
	}
	if mine, _ := s.Lives("acme"); len(mine) != 1 {
		t.Errorf("%v", mine)
	}
}

func TestAnEditBetweenPlanAndImportStands(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Old", "1"), directory.NoVersion), edit(directory.KindPerson, "b", person("Old", "2"), directory.NoVersion))
	since, err := s.Seq("acme")
	if err != nil {
		t.Fatal(err)
	}
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("ByHand", "1"), directory.AnyVersion))
	counts, err := s.ImportPeople(t.Context(), "acme", directory.PeopleImport{Since: &since, By: tester, At: received,
		Upserts: map[string]json.RawMessage{"a": person("Imported", "1"), "b": person("Imported", "2")}})
	if err != nil || (counts != directory.ImportCounts{Updated: 1, Overtaken: 1}) || names(t, s, "acme") != "a=ByHand b=Imported" {
		t.Errorf("%+v, %v, %s", counts, err, names(t, s, "acme"))
	}
}

func TestAnImportPlannedBeforeAnotherOneIsRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", person("Old", "1"), directory.NoVersion))
	since, err := s.Seq("acme")
	if err != nil {
		t.Fatal(err)
	}
	planned := func(name string) directory.PeopleImport {
		return directory.PeopleImport{Since: &since, By: tester, At: received, Upserts: map[string]json.RawMessage{"a": person(name, "1")}}
	}
	if _, err := s.ImportPeople(t.Context(), "acme", planned("First")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ImportPeople(t.Context(), "acme", planned("Second")); !errors.Is(err, directory.ErrImported) || names(t, s, "acme") != "a=First" {
		t.Errorf("%v, %s", err, names(t, s, "acme"))
	}
	if since, err = s.Seq("acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ImportPeople(t.Context(), "acme", planned("Second")); err != nil || names(t, s, "acme") != "a=Second" {
		t.Errorf("planned anew: %v, %s", err, names(t, s, "acme"))
	}
}
