package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/directory"
	"telefonist/store"
)

// library is a finder over a real store with two tenants, whose reading anew can be held.
type library struct {
	*finder
	t *testing.T
	// reads counts how often all of a tenant's documents were asked for; while hold is set, whoever asks waits for it.
	reads atomic.Int64
	hold  atomic.Pointer[chan struct{}]
}

// inLibrary runs a test in virtual time, with everything that both tenants have in the index.
func inLibrary(t *testing.T, f func(*library)) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		s, err := store.Open(t.TempDir(), store.Options{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		dir, err := directory.New([]directory.Tenant{{ID: "acme", Number: "+46850000001"}, {ID: "beta", Number: "+46850000002"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := &library{t: t}
		l.finder, err = startFinder(s, func() *directory.Directory {
			l.reads.Add(1)
			if hold := l.hold.Load(); hold != nil {
				<-*hold
			}
			return dir
		}, log, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		for _, tenant := range []string{"acme", "beta"} {
			l.put(tenant, directory.KindOffice, "hq", `{"name":"Luleå"}`)
			l.put(tenant, directory.KindPerson, "p", `{"given_name":"Anna","family_name":"Ek","office":"hq"}`)
			l.finds(tenant, "anna", 1) // and its index is open
		}
		synctest.Wait()
		l.reads.Store(0)
		f(l)
	})
}

func (l *library) edit(tenant string, edits ...directory.Edit) {
	l.t.Helper()
	if _, err := l.store.Edit(tenant, directory.Actor{Name: "test"}, time.Now(), edits...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *library) put(tenant string, k directory.Kind, id, doc string) {
	l.t.Helper()
	l.edit(tenant, directory.Edit{Kind: k, ID: id, Doc: json.RawMessage(doc), Match: directory.AnyVersion})
}

// finds looks for something when all that can go on without the held has.
func (l *library) finds(tenant, query string, want int) {
	l.t.Helper()
	synctest.Wait()
	hits, err := l.Search(l.t.Context(), tenant, query, "", 100)
	if err != nil || len(hits) != want {
		l.t.Errorf("%s: %q finds %d, want %d: %v", tenant, query, len(hits), want, err)
	}
}

// held makes whoever reads a tenant anew wait until release.
func (l *library) held() (release func()) {
	hold := make(chan struct{})
	l.hold.Store(&hold)
	return func() { l.hold.Store(nil); close(hold) }
}

func (l *library) read(want int64, what string) {
	l.t.Helper()
	synctest.Wait()
	if got := l.reads.Load(); got > want {
		l.t.Errorf("%s: everything was read %d times, want at most %d", what, got, want)
	}
}

// TestOfficesThatChangeTogetherAreReadIntoTheIndexTogether: people are found by the name of their office, so that each change of one concerns all.
func TestOfficesThatChangeTogetherAreReadIntoTheIndexTogether(t *testing.T) {
	inLibrary(t, func(l *library) {
		var edits []directory.Edit
		for i := range 50 {
			edits = append(edits, directory.Edit{Kind: directory.KindOffice, ID: fmt.Sprint("o", i), Doc: json.RawMessage(fmt.Sprintf(`{"name":"Kontor %d"}`, i)), Match: directory.NoVersion})
		}
		l.edit("acme", edits...)
		l.finds("acme", "kontor", 50)
		l.read(1, "in one change")

		l.reads.Store(0)
		release := l.held()
		for i := range 50 {
			l.put("acme", directory.KindOffice, fmt.Sprint("o", i), fmt.Sprintf(`{"name":"Filial %d"}`, i))
		}
		l.put("acme", directory.KindOffice, "hq", `{"name":"Kiruna"}`)
		synctest.Wait()
		release()
		l.finds("acme", "filial", 50)
		l.finds("acme", "kontor", 0)
		l.finds("acme", "anna kiruna", 1)
		l.finds("acme", "anna luleå", 0)
		l.read(2, "one after the other")
	})
}

// TestOneTenantsReadingAnewHoldsUpNoChange: neither another tenant's nor its own.
func TestOneTenantsReadingAnewHoldsUpNoChange(t *testing.T) {
	inLibrary(t, func(l *library) {
		release := l.held()
		in := directory.PeopleImport{Upserts: map[string]json.RawMessage{}, By: directory.Actor{Name: "test"}, At: time.Now()}
		for i := range 20 {
			in.Upserts[fmt.Sprint("i", i)] = json.RawMessage(fmt.Sprintf(`{"family_name":"Importsson %d"}`, i))
		}
		if _, err := l.store.ImportPeople(t.Context(), "acme", in); err != nil {
			t.Fatal(err)
		}
		l.put("beta", directory.KindPerson, "new", `{"given_name":"Cia","family_name":"Berg"}`)
		l.finds("beta", "cia berg", 1)
		l.put("acme", directory.KindPerson, "p", `{"given_name":"Berit","family_name":"Ek","office":"hq"}`)
		l.finds("acme", "berit", 1)
		l.finds("acme", "importsson", 0)
		l.edit("beta", directory.Edit{Kind: directory.KindPerson, ID: "new", Match: directory.AnyVersion})
		l.finds("beta", "cia berg", 0)
		release()
		l.finds("acme", "importsson", 20)
		l.finds("acme", "berit", 1)
		l.finds("acme", "anna", 0)
	})
}

// TestATenantsManyChangesTakeTurnsWithOthers: a change of another tenant's waits for a page of them at most.
func TestATenantsManyChangesTakeTurnsWithOthers(t *testing.T) {
	inLibrary(t, func(l *library) {
		many := func(prefix string) (edits []directory.Edit) {
			for i := range 2*changesPage + 1 {
				edits = append(edits, directory.Edit{Kind: directory.KindPerson, ID: fmt.Sprint(prefix, i), Doc: json.RawMessage(fmt.Sprintf(`{"family_name":"Restored","title":"%s%d"}`, prefix, i))})
			}
			return edits
		}
		l.edit("acme", many("nr")...)
		for _, i := range []int{0, changesPage, 2 * changesPage} {
			l.finds("acme", fmt.Sprintf("restored nr%d", i), 1)
		}
		l.read(0, "people alone")
		l.close()
		l.edit("acme", many("no")...)
		for i, want := range []bool{true, true, false} {
			if more, err := l.catchUp(t.Context(), "acme"); more != want || err != nil {
				t.Errorf("after page %d: more %t, %v", i, more, err)
			}
			l.finds("acme", fmt.Sprintf("restored no%d", i*changesPage), 1)
		}
	})
}

// TestAFinderThatIsClosedWaitsForWhatItReads.
func TestAFinderThatIsClosedWaitsForWhatItReads(t *testing.T) {
	inLibrary(t, func(l *library) {
		release := l.held()
		l.put("acme", directory.KindOffice, "hq", `{"name":"Kiruna"}`)
		synctest.Wait()
		closed := make(chan struct{})
		go func() { l.close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while a tenant is read")
		default:
		}
		release()
		<-closed
	})
}
